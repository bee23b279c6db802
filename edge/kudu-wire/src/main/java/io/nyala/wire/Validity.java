package io.nyala.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Which of 64 rows of a vector are not NULL, from any row on. Stateless. */
final class Validity {
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Validity() {}

    /**
     * Bit {@code i} is row {@code firstRow + i}; bits from {@code count} on are zero.
     *
     * @param validity as in a vector: a bit for each row, lowest first, in whole words of 64
     */
    static long bits(MemorySegment validity, int firstRow, int count) {
        long at = (firstRow >> 6) * (long) Long.BYTES;
        int shift = firstRow & 63;
        long bits = validity.get(LONG, at) >>> shift;
        if (shift > 0 && shift + count > Long.SIZE) {
            bits |= validity.get(LONG, at + Long.BYTES) << -shift;
        }
        return bits & below(count);
    }

    /** The lowest bits, 64 at most. */
    static long below(int count) {
        return count >= Long.SIZE ? -1L : (1L << count) - 1;
    }
}
