package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.Notes;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: damaged bytes give {@link CorruptVectorException} or other values, and nothing else, whatever is asked of
 * them. Method: random mutations of random vectors, every method called, in segments that end where the contract
 * says, so that an access beyond would throw another exception; and each single damage that the format can name.
 */
final class CorruptVectorTest {
    private static final int MUTATIONS = 40;

    @RepeatedTest(150)
    void damageNeverEscapes(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            boolean isBinary = random.nextBoolean();
            int cellBytes = isBinary ? 0 : TestVectors.cellBytes(random);
            int count = TestVectors.count(random);
            EncodingHint hint = TestVectors.hint(random);
            EncodedVector vector = isBinary
                    ? vectors.encodeBinary(hint, vectors.binary(random, count), count)
                    : vectors.encodeFixed(hint, vectors.fixed(random, cellBytes, count), cellBytes, count);
            MemorySegment good = vector.source.asSlice(vector.offset, vector.bytes);
            MemorySegment bad = vectors.room(vector.bytes + VectorFormat.READ_PADDING_BYTES);
            MemorySegment target = vectors.room(count * 16L + VectorFormat.WRITE_PADDING_BYTES);
            for (int i = 0; i < MUTATIONS; i++) {
                bad.asSlice(0, vector.bytes).copyFrom(good);
                mutate(random, bad, vector.bytes);
                long bytes = random.nextInt(10) == 0 ? random.nextLong(vector.bytes + 1) : vector.bytes;
                try {
                    var wrapped = new EncodedVector(vectors.reading)
                            .wrap(bad, 0, bytes)
                            .expect(cellBytes, count);
                    useAll(random, vectors, wrapped, target);
                } catch (CorruptVectorException e) {
                    assertTrue(e.offset() >= 0, e.getMessage());
                }
            }
        }
    }

    /** The first bytes say the most, so they are hit the most. */
    private static void mutate(SplittableRandom random, MemorySegment bytes, long count) {
        for (int i = random.nextInt(3); i >= 0; i--) {
            long at = random.nextBoolean() ? random.nextLong(Math.min(count, 40)) : random.nextLong(count);
            byte old = bytes.get(Cells.BYTE, at);
            byte now =
                    switch (random.nextInt(4)) {
                        case 0 -> (byte) random.nextInt();
                        case 1 -> (byte) (old ^ 1 << random.nextInt(8));
                        case 2 -> (byte) (old + random.nextInt(-2, 3));
                        default -> random.nextBoolean() ? 0 : (byte) 0xFF;
                    };
            bytes.set(Cells.BYTE, at, now);
        }
    }

    private static void useAll(
            SplittableRandom random, TestVectors vectors, EncodedVector vector, MemorySegment target) {
        int count = vector.count();
        MemorySegment bitmap = vectors.room((count + 63) / 64 * 8L);
        MemorySegment selection = selection(random, vectors, count);
        int selected = (int) selection.byteSize() / 4;
        attempt(() -> EntryPredicates.and(vector, new EvenBytes(), all(bitmap, count), 0));
        if (VectorEntries.hasEntries(vector)) {
            int[] counts = new int[VectorFormat.VALUES_MAX];
            attempt(() -> VectorEntries.count(vector, all(bitmap, count), 0, counts));
        }
        if (vector.isBinary()) {
            MemorySegment low = target.asSlice(0, 3);
            attempt(() -> VectorPredicates.and(vector, ValueRange.ofBinaryEqual(low), all(bitmap, count), 0));
            attempt(() -> VectorPredicates.and(vector, ValueRange.ofBinary(low, null), all(bitmap, count), 0));
            attempt(() -> VectorPredicates.and(vector, ValueRange.ofBinaryClosed(null, low), all(bitmap, count), 0));
            if (VectorEntries.hasEntries(vector)) {
                int entries = VectorEntries.count(vector);
                FlatBinary strings = vectors.target(entries, VectorEntries.binaryBytes(vector));
                attempt(() -> VectorEntries.readBinary(vector, strings));
            }
            for (int i = 0; i < Math.min(count, 20); i++) {
                int index = random.nextInt(count);
                attempt(() -> VectorDecoder.compareBinary(vector, index, target, 0, 5));
            }
            attempt(() -> VectorDecoder.lowerBoundBinary(vector, target, 0, 5));
            long[] needed = {Long.MAX_VALUE};
            attempt(() -> needed[0] = VectorDecoder.selectedRoom(vector, selection, 0, selected));
            if (needed[0] < Long.MAX_VALUE) {
                FlatBinary strings = vectors.target(selected, needed[0]);
                attempt(() -> VectorDecoder.decodeBinarySelected(vector, selection, 0, selected, strings));
            }
            FlatBinary strings = vectors.target(count, vector.decodedBytes());
            attempt(() -> VectorDecoder.decodeBinary(vector, strings));
        } else {
            ValueRange range = vector.cellBytes() == 16
                    ? ValueRange.ofDecimal(-1, 0, 1, 0)
                    : ValueRange.ofSigned(random.nextLong() >> 32, random.nextLong() >>> 32);
            attempt(() -> VectorPredicates.and(vector, range, all(bitmap, count), 0));
            if (VectorEntries.hasEntries(vector)) {
                attempt(() -> VectorEntries.readFixed(vector, target, 0));
            }
            for (int i = 0; i < Math.min(count, 20); i++) {
                int index = random.nextInt(count);
                attempt(() -> VectorDecoder.fixedCell(vector, index, target, 0));
            }
            attempt(() -> VectorDecoder.decodeFixed(vector, target, 0));
            attempt(() -> VectorDecoder.decodeFixedSelected(vector, selection, 0, selected, target, 0));
        }
        attempt(() -> Annotation.annotate(vector, new WithinNotes(vector.bytes)));
    }

    /** With the bits of all values set, and no others. */
    private static MemorySegment all(MemorySegment bitmap, int count) {
        for (int first = 0; first < count; first += Long.SIZE) {
            bitmap.set(Cells.LONG, first / Byte.SIZE, -1L >>> Math.max(0, first + Long.SIZE - count));
        }
        return bitmap;
    }

    /** A test that reads all of a value. */
    private record EvenBytes() implements ValueTest {
        @Override
        public boolean matchesLong(long bits) {
            return bits % 2 == 0;
        }

        @Override
        public boolean matchesBytes(MemorySegment source, long offset, int bytes) {
            int sum = 0;
            for (int i = 0; i < bytes; i++) {
                sum += source.get(Cells.BYTE, offset + i);
            }
            return sum % 2 == 0;
        }
    }

    private static MemorySegment selection(SplittableRandom random, TestVectors vectors, int count) {
        MemorySegment selection = vectors.room(count * 4L);
        int step = random.nextInt(1, 20);
        for (int i = 0; i * step < count; i++) {
            selection.set(Cells.INT, i * 4L, i * step);
        }
        return selection.asSlice(0, (count + step - 1) / step * 4L);
    }

    private static void attempt(Runnable use) {
        try {
            use.run();
        } catch (CorruptVectorException e) {
            assertTrue(e.offset() >= 0, e.getMessage());
        }
    }

    /** Requires of a dump that it stays within the vector. */
    private record WithinNotes(long bytesMax) implements Notes {
        @Override
        public void note(long offset, int bytes, String text) {
            assertTrue(offset >= 0 && bytes >= 0 && offset + bytes <= bytesMax, text);
        }

        @Override
        public void section(String title) {}

        @Override
        public void endSection() {}
    }

    @Test
    void namesEachDamage() {
        assertDamage("encoding at byte 0 is 0, expected 1 to 9", "00 04 01 00 07 00 00 00");
        assertDamage("encoding at byte 0 is 10, expected 1 to 9", "0a 04 01 00 07 00 00 00");
        assertDamage("cell at byte 1 is 3, expected 0 to 16", "01 03 01 00 07 00 00");
        assertDamage("count at byte 2 is 0, expected 1 to 1024", "01 04 00 00 07 00 00 00");
        assertDamage("count at byte 2 is 1025, expected 0 to 1024", "02 01 01 04 07 00 00 00");
        assertDamage("end at byte 8 is 7, expected 8", "01 04 01 00 07 00 00");
        assertDamage("bytes at byte 0 is 3, expected 4 to 2147483647", "01 01 01");
        // Run-length: runs, zero, last end.
        assertDamage("runs at byte 4 is 5, expected 1 to 4", "03 01 04 00 05 00 00 00 03 00 04 00 09 04");
        assertDamage("zero at byte 6 is 1, expected 0 to 0", "03 01 04 00 02 00 01 00 03 00 04 00 09 04");
        assertDamage("last end at byte 10 is 3, expected 4 to 4", "03 01 04 00 02 00 00 00 03 00 03 00 09 04");
        // Frame of reference: width, zero, unused bits.
        String minimum = "e8 03 00 00 00 00 00 00";
        assertDamage("width at byte 4 is 33, expected 0 to 32", "04 04 03 00 21 00 00 00 " + minimum + " 1c");
        assertDamage("zero at byte 7 is 1, expected 0 to 0", "04 04 03 00 02 00 00 01 " + minimum + " 1c");
        assertDamage("unused bits at byte 16 is 3, expected 0", "04 04 03 00 02 00 00 00 " + minimum + " dc");
        assertDamage("cell at byte 1 is 16, expected 1 to 8", "04 10 03 00 02 00 00 00 " + minimum + " 1c");
        // Delta: widths, zero, unused bits.
        String start = minimum + " 01 00 00 00 00 00 00 00 ";
        assertDamage("width at byte 4 is 33, expected 0 to 32", "06 04 04 00 21 00 00 00 " + start + "20");
        assertDamage("base width at byte 5 is 1, expected 0 to 0", "06 04 04 00 00 01 00 00 " + start);
        assertDamage("zero at byte 6 is 1, expected 0 to 0", "06 04 04 00 02 00 01 00 " + start + "20");
        assertDamage("unused bits at byte 24 is 1, expected 0", "06 04 03 00 02 04 00 00 " + start + "10 20");
        // Decimals: cell, width, exponent, factor, zeros, exceptions, minimum, unused bits.
        String zeros = " 00 00 00 00 00 00 ";
        String rest = zeros + "0f 00 00 00 00 00 00 00 20 01 00 00 00 00 00 00 00 00 80";
        assertDamage("cell at byte 1 is 2, expected 4 to 8", "09 02 03 00 02 01 00 00 01 00" + rest);
        assertDamage("width at byte 4 is 53, expected 0 to 52", "09 08 03 00 35 01 00 00 01 00" + rest);
        assertDamage("exponent at byte 5 is 19, expected 0 to 18", "09 08 03 00 02 13 00 00 01 00" + rest);
        assertDamage("factor at byte 6 is 2, expected 0 to 1", "09 08 03 00 02 01 02 00 01 00" + rest);
        assertDamage("zero at byte 7 is 1, expected 0 to 0", "09 08 03 00 02 01 00 01 01 00" + rest);
        assertDamage("exceptions at byte 8 is 4, expected 0 to 3", "09 08 03 00 02 01 00 00 04 00" + rest);
        assertDamage(
                "minimum at byte 16 is 4611686018427387919, expected -2251799813685247 to 2251799813685247",
                "09 08 03 00 02 01 00 00 01 00" + zeros + "0f 00 00 00 00 00 00 40 20 01 00 00 00 00 00 00 00 00 80");
        // Dictionary: entries, width.
        assertDamage("entries at byte 4 is 5, expected 1 to 4", "05 01 04 00 05 00 03 00 00 00 01 02 03 04 05");
        assertDamage("width at byte 6 is 2, expected 1 to 1", "05 04 04 00 02 00 02 00 02 09 00 00 00 05 00 00 00");
        String packed = " 02 05 00 00 00 00 00 00 00 ";
        assertDamage("entry width at byte 7 is 33, expected 0 to 32", "05 04 04 00 02 00 01 21" + packed + "04");
        assertDamage("entry width at byte 7 is 1, expected 0 to 0", "05 10 04 00 02 00 01 01" + packed + "04");
        assertDamage("end at byte 18 is 17, expected 18", "05 04 04 00 02 00 01 03" + packed);
        assertDamage("unused bits at byte 17 is 1, expected 0", "05 04 04 00 02 00 01 03" + packed + "44");
    }

    @Test
    void namesEachDamageOfStrings() {
        // Prefixes: cell, width, block, zero, unused bits.
        String suffixes = "06 00 00 00 01 00 00 00 02 00 00 00 0a 61 62 63 64 64 65";
        assertDamage("cell at byte 1 is 4, expected 0 to 0", "07 04 03 00 0b 00 00 00 02 03 00 00 2c " + suffixes);
        assertDamage("width at byte 8 is 32, expected 0 to 31", "07 00 03 00 0b 00 00 00 20 03 00 00 2c " + suffixes);
        assertDamage("block at byte 9 is 2, expected 3 to 10", "07 00 03 00 0b 00 00 00 02 02 00 00 2c " + suffixes);
        assertDamage("zero at byte 10 is 1, expected 0 to 0", "07 00 03 00 0b 00 00 00 02 03 01 00 2c " + suffixes);
        assertDamage("unused bits at byte 12 is 1, expected 0", "07 00 03 00 0b 00 00 00 02 03 00 00 6c " + suffixes);
        // Symbols: cell, symbols, zero, symbol bytes.
        String codes = "61 62 63 05 00 00 00 02 00 00 00 01 00 00 00 02 00 01 ff 78 00";
        String lengths = "01 01 00 00 00 00 00 00 " + codes;
        assertDamage("cell at byte 1 is 4, expected 0 to 0", "08 04 02 00 05 00 00 00 02 00 03 00 " + lengths);
        assertDamage("symbols at byte 8 is 3, expected 2 to 2", "08 00 02 00 05 00 00 00 03 00 03 00 " + lengths);
        assertDamage("zero at byte 9 is 1, expected 0 to 0", "08 00 02 00 05 00 00 00 02 01 03 00 " + lengths);
        assertDamage("symbol bytes at byte 10 is 4, expected 3 to 3", "08 00 02 00 05 00 00 00 02 00 04 00 " + lengths);
        // Strings: stride, width.
        assertDamage(
                "stride at byte 12 is 3, expected 0 to 2",
                "02 00 02 00 05 00 00 00 05 00 00 00 03 00 00 00 01 00 00 00 02 61 62 63 64 65");
        assertDamage(
                "width of ends at byte 16 is 40, expected 0 to 31",
                "02 00 02 00 05 00 00 00 05 00 00 00 02 00 00 00 28 00 00 00 02 61 62 63 64 65");
        assertDamage(
                "decoded bytes at byte 4 is 6, expected 5 to 5",
                "02 00 02 00 06 00 00 00 05 00 00 00 02 00 00 00 01 00 00 00 02 61 62 63 64 65");
    }

    /** Whoever makes room for strings believes what the header says of them, so it cannot say anything. */
    @Test
    void namesWhatStringsCannotHaveTogether() {
        String two = " 05 00 00 00 02 00 00 00 01 00 00 00 02 61 62 63 64 65";
        String runs = " 00 00 00 02 00 00 00 02 00 03 00" + two;
        assertDamage("decoded bytes at byte 4 is 9, expected 5 to 8", "03 00 03 00 09" + runs);
        assertDamage("decoded bytes at byte 4 is 4, expected 5 to 8", "03 00 03 00 04" + runs);
        assertDamage("decoded bytes at byte 4 is 10, expected 0 to 9", "05 00 03 00 0a 00 00 00 02 00 01 00 02" + two);
        assertDamage(
                "decoded bytes at byte 4 is 2147483647, expected 0 to 9",
                "05 00 03 00 ff ff ff 7f 02 00 01 00 02" + two);
        String prefixes =
                " 04 03 00 00 c0 07 0e 00 00 00 01 00 00 00 04 00 00 00 bb 0b 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d"
                        + " 78";
        assertDamage("decoded bytes at byte 4 is 43, expected 14 to 42", "07 00 03 00 2b 00 00 00" + prefixes);
        assertDamage("decoded bytes at byte 4 is 13, expected 14 to 42", "07 00 03 00 0d 00 00 00" + prefixes);
        String codes =
                " 02 00 03 00 01 01 00 00 00 00 00 00 61 62 63 05 00 00 00 02 00 00 00 01 00 00 00 02 00 01 ff 78 00";
        assertDamage("decoded bytes at byte 4 is 41, expected 0 to 40", "08 00 02 00 29 00 00 00" + codes);
    }

    private static void assertDamage(String message, String hex) {
        try (var vectors = new TestVectors()) {
            MemorySegment bytes = TestVectors.hex(vectors, hex);
            long count = bytes.byteSize() - VectorFormat.READ_PADDING_BYTES;
            var thrown = assertThrows(
                    CorruptVectorException.class, () -> new EncodedVector(vectors.reading).wrap(bytes, 0, count));
            String said = String.valueOf(thrown.getMessage());
            assertEquals("corrupt vector: " + message, said.substring(0, said.indexOf(';')));
        }
    }

    @Test
    void refusesAnotherShapeThanTheContainerExpects() {
        try (var vectors = new TestVectors()) {
            MemorySegment values = vectors.room(4 + VectorFormat.READ_PADDING_BYTES);
            EncodedVector vector = vectors.encodeFixed(EncodingHint.AUTO, values, 4, 1);
            assertThrows(CorruptVectorException.class, () -> vector.expect(8, 1));
            assertThrows(CorruptVectorException.class, () -> vector.expect(4, 2));
        }
    }
}
