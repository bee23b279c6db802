package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: entries and how many values have each are the values. Method: random vectors of every shape, of which some
 * values count, against a map of the values themselves.
 */
final class VectorEntriesTest {
    private static final Set<VectorEncoding> WITH_ENTRIES =
            EnumSet.of(VectorEncoding.CONSTANT, VectorEncoding.RUN_LENGTH, VectorEncoding.DICTIONARY);

    /** Bits of a few values, or of nearly all, or of a piece; of none behind the last. */
    private static MemorySegment counted(TestVectors vectors, SplittableRandom random, int count) {
        MemorySegment bitmap = vectors.room(VectorFormat.VALUES_MAX / Byte.SIZE);
        bitmap.fill((byte) 0);
        double share = random.nextInt(3) == 0 ? 1 : random.nextDouble() * random.nextDouble();
        int from = random.nextInt(4) == 0 ? random.nextInt(count) : 0;
        for (int i = from; i < count; i++) {
            if (random.nextDouble() < share) {
                long at = i / Byte.SIZE;
                bitmap.set(Cells.BYTE, at, (byte) (bitmap.get(Cells.BYTE, at) | 1 << (i & 7)));
            }
        }
        return bitmap;
    }

    private static boolean has(MemorySegment bitmap, int index) {
        return (bitmap.get(Cells.BYTE, index / Byte.SIZE) >>> (index & 7) & 1) != 0;
    }

    private static String text(MemorySegment memory, long at, long bytes) {
        return HexFormat.of().formatHex(memory.asSlice(at, bytes).toArray(Cells.BYTE));
    }

    @RepeatedTest(300)
    void entriesOfFixedCellsAreTheValues(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int cellBytes = TestVectors.cellBytes(random);
            int count = Math.max(1, TestVectors.count(random));
            MemorySegment values = vectors.fixed(random, cellBytes, count);
            EncodedVector vector = vectors.encodeFixed(TestVectors.hint(random), values, cellBytes, count);
            if (!WITH_ENTRIES.contains(vector.encoding())) {
                return;
            }
            MemorySegment counted = counted(vectors, random, count);
            Map<String, Integer> expected = new HashMap<>();
            for (int i = 0; i < count; i++) {
                if (has(counted, i)) {
                    expected.merge(text(values, (long) i * cellBytes, cellBytes), 1, Integer::sum);
                }
            }
            int[] counts = new int[VectorFormat.VALUES_MAX];
            VectorEntries.count(vector, counted, 0, counts);
            int entries = VectorEntries.count(vector);
            MemorySegment cells = vectors.room((long) entries * cellBytes + VectorFormat.WRITE_PADDING_BYTES);
            VectorEntries.readFixed(vector, cells, 0);
            Map<String, Integer> found = new HashMap<>();
            for (int i = 0; i < entries; i++) {
                if (counts[i] > 0) {
                    found.merge(text(cells, (long) i * cellBytes, cellBytes), counts[i], Integer::sum);
                }
            }
            assertEquals(expected, found, () -> vector.encoding().toString());
        }
    }

    @RepeatedTest(200)
    void entriesOfStringsAreTheValues(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = Math.max(1, TestVectors.count(random));
            FlatBinary strings = vectors.binary(random, count);
            EncodedVector vector = vectors.encodeBinary(TestVectors.hint(random), strings, count);
            if (!WITH_ENTRIES.contains(vector.encoding())) {
                return;
            }
            MemorySegment counted = counted(vectors, random, count);
            Map<String, Integer> expected = new HashMap<>();
            for (int i = 0; i < count; i++) {
                if (has(counted, i)) {
                    expected.merge(text(strings.bytes(), strings.start(i), strings.bytes(i)), 1, Integer::sum);
                }
            }
            int[] counts = new int[VectorFormat.VALUES_MAX];
            VectorEntries.count(vector, counted, 0, counts);
            int entries = VectorEntries.count(vector);
            FlatBinary read = vectors.target(entries, VectorEntries.binaryBytes(vector));
            VectorEntries.readBinary(vector, read);
            Map<String, Integer> found = new HashMap<>();
            for (int i = 0; i < entries; i++) {
                if (counts[i] > 0) {
                    found.merge(text(read.bytes(), read.start(i), read.bytes(i)), counts[i], Integer::sum);
                }
            }
            assertEquals(expected, found, () -> vector.encoding().toString());
        }
    }

    @Test
    void entriesAreFewWhereManyValuesShareThem() {
        try (var vectors = new TestVectors()) {
            MemorySegment values = vectors.room(1024 * 8 + VectorFormat.READ_PADDING_BYTES);
            for (int i = 0; i < 1024; i++) {
                values.set(Cells.LONG, i * 8L, (i * 7919 % 16) * 1_000_000_007L);
            }
            EncodedVector vector = vectors.encodeFixed(EncodingHint.DICTIONARY, values, 8, 1024);
            assertEquals(VectorEncoding.DICTIONARY, vector.encoding());
            assertTrue(VectorEntries.areFew(vector, 64));
            assertTrue(!VectorEntries.areFew(vector, 63), "63 values are decoded sooner than 16 entries");
            EncodedVector plain = vectors.encodeFixed(EncodingHint.PLAIN, values, 8, 1024);
            assertTrue(!VectorEntries.areFew(plain, 1024));
        }
    }
}
