package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.testkit.Allocation;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: a vector goes either way, and is asked predicates, without heap.
 * Method: full vectors of each encoding, through every method that a writer or a scan calls per vector.
 */
@Tag("allocation")
final class EncodingAllocationTest {
    private static final int COUNT = VectorFormat.VALUES_MAX;
    private static final ValueTest ODD = new Odd();

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"PREFIX", "FSST"})
    void fixedCellsNeedNoHeap(VectorEncoding encoding) {
        try (var vectors = new TestVectors()) {
            MemorySegment values = vectors.room(COUNT * 8L + VectorFormat.READ_PADDING_BYTES);
            var random = new SplittableRandom(1);
            for (int i = 0; i < COUNT; i++) {
                values.set(Cells.LONG, i * 8L, value(encoding, i, random));
            }
            MemorySegment target = vectors.room(VectorFormat.maxFixedBytes(COUNT, 8));
            MemorySegment decoded = vectors.room(COUNT * 8L + VectorFormat.WRITE_PADDING_BYTES);
            MemorySegment selection = selection(vectors);
            MemorySegment bitmap = vectors.room(COUNT / 8);
            var encoder = new VectorEncoder(vectors.scratch, EncodingHint.AUTO);
            var vector = new EncodedVector(vectors.reading);
            ValueRange range = ValueRange.ofSigned(0, 500);
            Allocation.assertNone(encoding + " of 1,024 cells", () -> {
                long bytes = encoder.encodeFixed(values, 0, 8, COUNT, target, 0);
                vector.wrap(target, 0, bytes).expect(8, COUNT);
                VectorDecoder.decodeFixed(vector, decoded, 0);
                VectorDecoder.decodeFixedSelected(vector, selection, 0, COUNT / 4, decoded, 0);
                VectorDecoder.decodeFixedSelected(vector, selection, 0, COUNT / 16, decoded, 0);
                VectorPredicates.and(vector, range, bitmap, 0);
                bitmap.fill((byte) -1);
                EntryPredicates.and(vector, ODD, bitmap, 0);
                bitmap.fill((byte) 0x08);
                EntryPredicates.and(vector, ODD, bitmap, 0);
                VectorDecoder.fixedCell(vector, 700, decoded, 0);
                VectorDecoder.lowerBoundLong(vector, 77);
            });
            assertEquals(encoding, vector.encoding());
        }
    }

    private static long value(VectorEncoding encoding, int index, SplittableRandom random) {
        return switch (encoding) {
            case CONSTANT -> 5;
            case PLAIN -> random.nextLong();
            case RUN_LENGTH -> index / 100 * 0x1234_5678_9ABC_DEFL;
            case FRAME_OF_REFERENCE -> random.nextInt(1000);
            case DICTIONARY -> random.nextInt(10) * 0x1234_5678_9ABC_DEFL;
            case DELTA, PREFIX -> index * 1000L + random.nextInt(10);
            case FSST -> throw new AssertionError("strings");
            case ALP -> Double.doubleToRawLongBits(random.nextInt(1_000_000) / 100.0);
        };
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"FRAME_OF_REFERENCE", "DELTA", "ALP"})
    void byteStringsNeedNoHeap(VectorEncoding encoding) {
        try (var vectors = new TestVectors()) {
            byte[][] strings = new byte[COUNT][];
            var random = new SplittableRandom(1);
            for (int i = 0; i < COUNT; i++) {
                strings[i] = string(encoding, i, random);
            }
            FlatBinary source = vectors.binary(strings, 0);
            long bytesMax = VectorFormat.maxBinaryBytes(COUNT, source.offset(COUNT));
            MemorySegment target = vectors.room(bytesMax);
            FlatBinary decoded = vectors.target(COUNT, source.offset(COUNT));
            MemorySegment selection = selection(vectors);
            MemorySegment bitmap = vectors.room(COUNT / 8);
            var encoder = new VectorEncoder(vectors.scratch, EncodingHint.AUTO);
            var vector = new EncodedVector(vectors.reading);
            ValueRange range = ValueRange.ofBinaryEqual(source.bytes().asSlice(0, 3));
            Allocation.assertNone(encoding + " of 1,024 strings", () -> {
                long bytes = encoder.encodeBinary(source, COUNT, target, 0);
                vector.wrap(target, 0, bytes).expect(0, COUNT);
                VectorDecoder.decodeBinary(vector, decoded);
                VectorDecoder.selectedRoom(vector, selection, 0, COUNT / 4);
                VectorDecoder.decodeBinarySelected(vector, selection, 0, COUNT / 4, decoded);
                VectorPredicates.and(vector, range, bitmap, 0);
                bitmap.fill((byte) -1);
                EntryPredicates.and(vector, ODD, bitmap, 0);
                bitmap.fill((byte) 0x08);
                EntryPredicates.and(vector, ODD, bitmap, 0);
                VectorDecoder.lowerBoundBinary(vector, source.bytes(), 0, 3);
            });
            assertEquals(encoding, vector.encoding());
        }
    }

    private static byte[] string(VectorEncoding encoding, int index, SplittableRandom random) {
        byte[] bytes = new byte[Long.BYTES];
        switch (encoding) {
            case FSST -> bytes = TestVectors.text(random, 60);
            case PLAIN -> random.nextBytes(bytes);
            default -> bytes = "%016x".formatted(value(encoding, index, random)).getBytes(StandardCharsets.UTF_8);
        }
        return bytes;
    }

    /** What is odd of a value, or of its first byte. */
    private record Odd() implements ValueTest {
        @Override
        public boolean matchesLong(long bits) {
            return bits % 2 != 0;
        }

        @Override
        public boolean matchesBytes(MemorySegment source, long offset, int bytes) {
            return bytes > 0 && source.get(Cells.BYTE, offset) % 2 != 0;
        }
    }

    private static MemorySegment selection(TestVectors vectors) {
        MemorySegment selection = vectors.room(COUNT * 4L);
        for (int i = 0; i < COUNT / 4; i++) {
            selection.set(Cells.INT, i * 4L, i * 4);
        }
        return selection;
    }

    @Test
    void aHandleIsAllThatIsMade() {
        try (var vectors = new TestVectors()) {
            var vector = new EncodedVector(vectors.reading);
            MemorySegment bytes = TestVectors.hex(vectors, "01 04 01 00 07 00 00 00");
            Allocation.assertNone("wrap", () -> vector.wrap(bytes, 0, 8));
        }
    }
}
