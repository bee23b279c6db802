package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: a test of single values selects of the encoded form what it selects of the values, and what a vector has once
 * is asked once. Method: random vectors of every encoding and sets of values, against one look-up per value; the calls
 * are counted.
 */
final class EntryPredicatesTest {
    private static final int VECTORS = 600;

    /** Whether a value is in a set of values in hexadecimal; counts how often it was asked. */
    private static final class Counted implements ValueTest {
        private final Set<String> values;
        private final int cellBytes;
        private int asked;

        Counted(Set<String> values, int cellBytes) {
            this.values = values;
            this.cellBytes = cellBytes;
        }

        @Override
        public boolean matchesLong(long bits) {
            asked++;
            byte[] cell = new byte[Long.BYTES];
            MemorySegment.ofArray(cell).set(Cells.LONG, 0, bits);
            assertEquals(bits, Cells.signed(MemorySegment.ofArray(cell), 0, cellBytes), "a signed integer of its bits");
            return values.contains(HexFormat.of().formatHex(cell, 0, cellBytes));
        }

        @Override
        public boolean matchesBytes(MemorySegment source, long offset, int bytes) {
            asked++;
            return values.contains(text(source, offset, bytes));
        }
    }

    private static String text(MemorySegment memory, long at, long bytes) {
        return HexFormat.of().formatHex(memory.asSlice(at, bytes).toArray(Cells.BYTE));
    }

    @Test
    void selectsWhatALookUpOfEachValueSelects(@Seed SplittableRandom random) {
        Set<VectorEncoding> seen = EnumSet.noneOf(VectorEncoding.class);
        for (int i = 0; i < VECTORS; i++) {
            try (var vectors = new TestVectors()) {
                int count = TestVectors.count(random);
                int cellBytes = random.nextBoolean() ? 0 : TestVectors.cellBytes(random);
                String[] values = new String[count];
                EncodedVector vector;
                if (cellBytes == 0) {
                    FlatBinary strings = vectors.binary(random, count);
                    vector = vectors.encodeBinary(TestVectors.hint(random), strings, count);
                    for (int row = 0; row < count; row++) {
                        values[row] = text(strings.bytes(), strings.start(row), strings.bytes(row));
                    }
                } else {
                    MemorySegment cells = vectors.fixed(random, cellBytes, count);
                    vector = vectors.encodeFixed(TestVectors.hint(random), cells, cellBytes, count);
                    for (int row = 0; row < count; row++) {
                        values[row] = text(cells, (long) row * cellBytes, cellBytes);
                    }
                }
                seen.add(vector.encoding());
                check(vectors, random, vector, values);
            }
        }
        assertEquals(EnumSet.allOf(VectorEncoding.class), seen);
    }

    /** Over all values, and over few of them. */
    private static void check(TestVectors vectors, SplittableRandom random, EncodedVector vector, String[] values) {
        Set<String> listed = new HashSet<>();
        for (int i = values.length == 0 ? 0 : random.nextInt(10); i > 0; i--) {
            listed.add(values[random.nextInt(values.length)]);
        }
        for (int share = 1; share <= 256; share *= 16) {
            MemorySegment bitmap = vectors.room(VectorFormat.VALUES_MAX / Byte.SIZE);
            bitmap.fill((byte) 0);
            boolean[] before = new boolean[values.length];
            int left = 0;
            for (int row = 0; row < values.length; row++) {
                before[row] = random.nextInt(share) == 0;
                left += before[row] ? 1 : 0;
                long at = row / Byte.SIZE;
                bitmap.set(Cells.BYTE, at, (byte) (bitmap.get(Cells.BYTE, at) | (before[row] ? 1 : 0) << (row & 7)));
            }
            Counted test = new Counted(listed, vector.cellBytes());
            EntryPredicates.and(vector, test, bitmap, 0);
            for (int row = 0; row < VectorFormat.VALUES_MAX; row++) {
                boolean is = (bitmap.get(Cells.BYTE, row / Byte.SIZE) >>> (row & 7) & 1) != 0;
                boolean expected = row < values.length && before[row] && listed.contains(values[row]);
                assertEquals(expected, is, "value " + row + " of " + values.length + " " + vector.encoding());
            }
            int once = VectorEntries.hasEntries(vector) ? VectorEntries.count(vector) : left;
            assertTrue(test.asked <= Math.min(left, once), test.asked + " asked of " + vector.encoding());
        }
    }
}
