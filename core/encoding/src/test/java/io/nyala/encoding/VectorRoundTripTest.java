package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what is encoded is what is read back, whole, selected and one by one, for every encoding, cell, length and
 * hint. Method: random vectors of typical shapes against the values they came from, in segments that end where the
 * contract says.
 */
final class VectorRoundTripTest {
    @RepeatedTest(200)
    void readsBackFixedCells(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int cellBytes = TestVectors.cellBytes(random);
            int count = TestVectors.count(random);
            MemorySegment values = vectors.fixed(random, cellBytes, count);
            EncodedVector vector = vectors.encodeFixed(TestVectors.hint(random), values, cellBytes, count);
            vector.expect(cellBytes, count);
            assertEquals((long) count * cellBytes, vector.decodedBytes());
            MemorySegment decoded = vectors.room((long) count * cellBytes + VectorFormat.WRITE_PADDING_BYTES);
            VectorDecoder.decodeFixed(vector, decoded, 0);
            assertEqual(values, 0, decoded, 0, (long) count * cellBytes, "all of " + vector.encoding());
            MemorySegment cell = vectors.room(16);
            for (int i = 0; i < count; i++) {
                VectorDecoder.fixedCell(vector, i, cell, 0);
                assertEqual(values, (long) i * cellBytes, cell, 0, cellBytes, "cell " + i + " of " + vector.encoding());
                if (cellBytes <= 8) {
                    long expected = Cells.signed(values, (long) i * cellBytes, cellBytes);
                    assertEquals(expected, VectorDecoder.longAt(vector, i), "value " + i + " of " + vector.encoding());
                }
            }
        }
    }

    @RepeatedTest(100)
    void readsBackSelectedFixedCells(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int cellBytes = TestVectors.cellBytes(random);
            int count = TestVectors.count(random);
            MemorySegment values = vectors.fixed(random, cellBytes, count);
            EncodedVector vector = vectors.encodeFixed(TestVectors.hint(random), values, cellBytes, count);
            int[] selected = selection(random, count);
            MemorySegment selection = segment(vectors, selected);
            MemorySegment target = vectors.room((long) selected.length * cellBytes + VectorFormat.WRITE_PADDING_BYTES);
            VectorDecoder.decodeFixedSelected(vector, selection, 0, selected.length, target, 0);
            for (int i = 0; i < selected.length; i++) {
                long at = (long) selected[i] * cellBytes;
                assertEqual(values, at, target, (long) i * cellBytes, cellBytes, i + " of " + vector.encoding());
            }
        }
    }

    @RepeatedTest(200)
    void readsBackByteStrings(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = TestVectors.count(random);
            FlatBinary strings = vectors.binary(random, count);
            EncodedVector vector = vectors.encodeBinary(TestVectors.hint(random), strings, count);
            vector.expect(0, count);
            assertEquals(strings.offset(count) - strings.offset(0), vector.decodedBytes());
            FlatBinary decoded = vectors.target(count, vector.decodedBytes());
            VectorDecoder.decodeBinary(vector, decoded);
            assertEquals(0, decoded.offset(0));
            MemorySegment cell = vectors.room(64);
            for (int i = 0; i < count; i++) {
                String what = "string " + i + " of " + vector.encoding();
                int bytes = strings.bytes(i);
                assertEquals(bytes, decoded.bytes(i), what);
                assertEqual(strings.bytes(), strings.start(i), decoded.bytes(), decoded.start(i), bytes, what);
                assertEquals(bytes, VectorDecoder.binaryCell(vector, i, cell, 0), what);
                assertEqual(strings.bytes(), strings.start(i), cell, 0, bytes, what);
                assertEquals(bytes, VectorDecoder.binaryCellBytes(vector, i), what);
                long located = VectorDecoder.binaryCellOffset(vector, i);
                assertEqual(strings.bytes(), strings.start(i), vector.cellMemory(), located, bytes, what);
                int other = random.nextInt(count);
                int order =
                        VectorDecoder.compareBinary(vector, other, strings.bytes(), strings.start(i), strings.bytes(i));
                assertEquals(Integer.signum(naiveOrder(strings, other, i)), Integer.signum(order), what);
            }
        }
    }

    @RepeatedTest(100)
    void readsBackSelectedByteStrings(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = TestVectors.count(random);
            FlatBinary strings = vectors.binary(random, count);
            EncodedVector vector = vectors.encodeBinary(TestVectors.hint(random), strings, count);
            int[] selected = selection(random, count);
            MemorySegment selection = segment(vectors, selected);
            long room = VectorDecoder.selectedRoom(vector, selection, 0, selected.length);
            long needed =
                    Arrays.stream(selected).mapToLong(row -> strings.bytes(row)).sum();
            assertTrue(needed <= room && room <= vector.decodedBytes(), needed + " bytes in " + room);
            FlatBinary target = vectors.target(selected.length, room);
            assertEquals(needed, VectorDecoder.decodeBinarySelected(vector, selection, 0, selected.length, target));
            for (int i = 0; i < selected.length; i++) {
                int bytes = strings.bytes(selected[i]);
                assertEquals(bytes, target.bytes(i), i + " of " + vector.encoding());
                assertEqual(
                        strings.bytes(),
                        strings.start(selected[i]),
                        target.bytes(),
                        target.start(i),
                        bytes,
                        i + " of " + vector.encoding());
            }
        }
    }

    @RepeatedTest(20)
    void findsKeysWhereTheyLie(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = 1 + random.nextInt(1024);
            long[] numbers = random.longs(count, -500, 500).sorted().toArray();
            MemorySegment cells = vectors.room(count * 8L + VectorFormat.READ_PADDING_BYTES);
            byte[][] keys = new byte[count][];
            for (int i = 0; i < count; i++) {
                cells.set(Cells.LONG, i * 8L, numbers[i]);
                keys[i] = bigEndian(numbers[i]);
            }
            EncodedVector longs = vectors.encodeFixed(TestVectors.hint(random), cells, 8, count);
            EncodedVector strings = vectors.encodeBinary(TestVectors.hint(random), vectors.binary(keys, 0), count);
            for (int i = 0; i < 100; i++) {
                long key = random.nextLong(-510, 510);
                int expected = (int)
                        Arrays.stream(numbers).filter(number -> number < key).count();
                assertEquals(expected, VectorDecoder.lowerBoundLong(longs, key));
                MemorySegment bytes =
                        vectors.binary(new byte[][] {bigEndian(key)}, 0).bytes();
                assertEquals(expected, VectorDecoder.lowerBoundBinary(strings, bytes, 0, 4));
            }
        }
    }

    /** Some values far apart, none more than once in a row, so that nothing else than a dictionary is small. */
    @ParameterizedTest
    @ValueSource(ints = {Integer.BYTES, Long.BYTES})
    void packsTheEntriesOfDictionariesOfEveryWidth(int cellBytes, @Seed SplittableRandom random) {
        for (int width = 1; width <= cellBytes * Byte.SIZE; width++) {
            try (var vectors = new TestVectors()) {
                int count = 1024;
                long most = -1L >>> (Long.SIZE - width);
                long least = width == Long.SIZE ? Long.MIN_VALUE : random.nextLong(-1L << (cellBytes * 8 - 1), 0);
                int entries = (int) Math.min(40, Math.max(2, most));
                MemorySegment values = vectors.room((long) count * cellBytes + VectorFormat.READ_PADDING_BYTES);
                for (int i = 0; i < count; i++) {
                    int entry = i % entries;
                    long distance = entry == 0 ? 0 : entry == 1 ? most : new SplittableRandom(entry).nextLong() & most;
                    Cells.put(values, (long) i * cellBytes, cellBytes, least + distance);
                }
                EncodedVector vector = vectors.encodeFixed(EncodingHint.DICTIONARY, values, cellBytes, count);
                assertEquals(VectorEncoding.DICTIONARY, vector.encoding());
                boolean isPacked = width <= FrameOfReferenceVector.WIDTH_MAX
                        && 8 + PackedInts.bytes(entries, width) < (long) entries * cellBytes;
                assertEquals(isPacked ? width : 0, vector.baseWidth, entries + " entries of " + width + " bits");
                MemorySegment decoded = vectors.room((long) count * cellBytes + VectorFormat.WRITE_PADDING_BYTES);
                VectorDecoder.decodeFixed(vector, decoded, 0);
                assertEqual(values, 0, decoded, 0, (long) count * cellBytes, "all of width " + width);
                MemorySegment cell = vectors.room(16);
                for (int i = 0; i < entries; i++) {
                    long expected = Cells.signed(values, (long) i * cellBytes, cellBytes);
                    assertEquals(expected, VectorDecoder.longAt(vector, i), "value " + i + " of width " + width);
                    VectorDecoder.fixedCell(vector, i, cell, 0);
                    assertEquals(expected, Cells.signed(cell, 0, cellBytes));
                }
            }
        }
    }

    /** Numbers of one column whose powers of ten change on the way, with what is no number among them. */
    @RepeatedTest(30)
    void readsBackDecimals(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int cellBytes = random.nextBoolean() ? Double.BYTES : Float.BYTES;
            var encoder = new VectorEncoder(vectors.scratch, EncodingHint.AUTO);
            for (int i = 0; i < 5; i++) {
                int count = random.nextInt(1, 1025);
                MemorySegment values = vectors.decimals(random, cellBytes, count);
                MemorySegment target = vectors.room(VectorFormat.maxFixedBytes(count, cellBytes));
                long bytes = encoder.encodeFixed(values, 0, cellBytes, count, target, 0);
                EncodedVector vector = vectors.exact(target, bytes);
                MemorySegment decoded = vectors.room((long) count * cellBytes + VectorFormat.WRITE_PADDING_BYTES);
                VectorDecoder.decodeFixed(vector, decoded, 0);
                String what = vector.encoding() + " of " + count;
                assertEqual(values, 0, decoded, 0, (long) count * cellBytes, what);
                for (int row = 0; row < count; row++) {
                    long expected = Cells.signed(values, (long) row * cellBytes, cellBytes);
                    assertEquals(expected, VectorDecoder.longAt(vector, row), what);
                }
            }
        }
    }

    @Test
    void choosesWhatIsSmallest() {
        var random = new SplittableRandom(7);
        try (var vectors = new TestVectors()) {
            var chosen = EnumSet.noneOf(VectorEncoding.class);
            for (int i = 0; i < 2000; i++) {
                int cellBytes = TestVectors.cellBytes(random);
                int count = random.nextInt(1, 1025);
                MemorySegment values = vectors.fixed(random, cellBytes, count);
                EncodedVector smallest = vectors.encodeFixed(EncodingHint.AUTO, values, cellBytes, count);
                chosen.add(smallest.encoding());
                for (EncodingHint hint : EncodingHint.values()) {
                    long bytes =
                            vectors.encodeFixed(hint, values, cellBytes, count).bytes();
                    // The dictionary is given up early where it seems hopeless; the others are exact.
                    assertTrue(hint == EncodingHint.DICTIONARY || smallest.bytes() <= bytes, "smaller by " + hint);
                }
            }
            assertEquals(
                    EnumSet.complementOf(EnumSet.of(VectorEncoding.PREFIX, VectorEncoding.FSST)),
                    chosen,
                    "the shapes reach every encoding of cells");
        }
    }

    @Test
    void choosesWhatIsSmallForStrings() {
        var random = new SplittableRandom(7);
        try (var vectors = new TestVectors()) {
            var chosen = EnumSet.noneOf(VectorEncoding.class);
            for (int i = 0; i < 300; i++) {
                int count = random.nextInt(1, 1025);
                FlatBinary strings = vectors.binary(random, count);
                EncodedVector smallest = vectors.encodeBinary(EncodingHint.AUTO, strings, count);
                chosen.add(smallest.encoding());
                long plain =
                        vectors.encodeBinary(EncodingHint.PLAIN, strings, count).bytes();
                assertTrue(smallest.bytes() <= plain, smallest.encoding() + " takes more than plain");
            }
            assertEquals(
                    EnumSet.complementOf(
                            EnumSet.of(VectorEncoding.FRAME_OF_REFERENCE, VectorEncoding.DELTA, VectorEncoding.ALP)),
                    chosen,
                    "the shapes reach every encoding of strings");
        }
    }

    @Test
    void obeysHintsThatApply() {
        try (var vectors = new TestVectors()) {
            MemorySegment values = vectors.room(40 + VectorFormat.READ_PADDING_BYTES);
            for (int i = 0; i < 10; i++) {
                values.set(Cells.INT, i * 4L, i / 5);
            }
            assertEquals(VectorEncoding.PLAIN, encoding(vectors, EncodingHint.PLAIN, values));
            assertEquals(VectorEncoding.RUN_LENGTH, encoding(vectors, EncodingHint.RUN_LENGTH, values));
            assertEquals(VectorEncoding.FRAME_OF_REFERENCE, encoding(vectors, EncodingHint.BIT_PACKED, values));
            assertEquals(VectorEncoding.DICTIONARY, encoding(vectors, EncodingHint.DICTIONARY, values));
        }
    }

    private static VectorEncoding encoding(TestVectors vectors, EncodingHint hint, MemorySegment values) {
        return vectors.encodeFixed(hint, values, 4, 10).encoding();
    }

    /** From none to all, each at most once. */
    private static int[] selection(SplittableRandom random, int count) {
        if (count == 0) {
            return new int[0];
        }
        int part = random.nextInt(1, 100);
        int[] selected = IntStream.range(0, count)
                .filter(_ -> random.nextInt(100) < part)
                .toArray();
        return selected;
    }

    private static MemorySegment segment(TestVectors vectors, int[] selected) {
        MemorySegment selection = vectors.room(selected.length * 4L);
        for (int i = 0; i < selected.length; i++) {
            selection.set(Cells.INT, i * 4L, selected[i]);
        }
        return selection;
    }

    private static byte[] bigEndian(long key) {
        return ByteBuffer.allocate(4).putInt((int) key ^ Integer.MIN_VALUE).array();
    }

    private static int naiveOrder(FlatBinary strings, int left, int right) {
        return Arrays.compareUnsigned(bytes(strings, left), bytes(strings, right));
    }

    private static byte[] bytes(FlatBinary strings, int index) {
        return strings.bytes()
                .asSlice(strings.start(index), strings.bytes(index))
                .toArray(Cells.BYTE);
    }

    private static void assertEqual(
            MemorySegment expected, long expectedAt, MemorySegment actual, long actualAt, long bytes, String what) {
        long mismatch =
                MemorySegment.mismatch(expected, expectedAt, expectedAt + bytes, actual, actualAt, actualAt + bytes);
        assertEquals(-1, mismatch, what);
    }
}
