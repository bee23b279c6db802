package io.nyala.encoding;

import io.nyala.memory.Kernels;
import java.lang.foreign.MemorySegment;

/**
 * Unsigned numbers of {@code width} bits back to back: number {@code i} is the bits from {@code i * width} on, and
 * bit {@code b} is bit {@code b % 8} of byte {@code b / 8}. Width 0 takes no bytes, and all numbers are 0.
 *
 * <p>Stateless. Reading may touch up to {@link VectorFormat#READ_PADDING_BYTES} behind the numbers.
 */
final class PackedInts {
    private static final Kernels KERNELS = Kernels.best();

    private PackedInts() {}

    /** Bytes of {@code count} numbers. */
    static long bytes(int count, int width) {
        return ((long) count * width + 7) >>> 3;
    }

    /** The bits that the number needs, taken as unsigned. */
    static int width(long most) {
        return Long.SIZE - Long.numberOfLeadingZeros(most);
    }

    static long get(MemorySegment source, long offset, int width, int index) {
        if (width == 0) {
            return 0;
        }
        long bit = (long) index * width;
        long at = offset + (bit >>> 3);
        int shift = (int) bit & 7;
        long number = source.get(Cells.LONG, at) >>> shift;
        if (shift + width > Long.SIZE) {
            number |= (long) source.get(Cells.BYTE, at + Long.BYTES) << (Long.SIZE - shift);
        }
        return number & -1L >>> (Long.SIZE - width);
    }

    /** All numbers, of at most 32 bits, as 32-bit cells. */
    static void unpackInts(
            MemorySegment source, long offset, int width, int count, MemorySegment target, long targetOffset) {
        KERNELS.unpackInt(source, offset, width, count, 0, target, targetOffset);
    }

    /** Packs 32-bit cells. */
    static void packInts(
            MemorySegment source, long sourceOffset, int count, int width, MemorySegment target, long offset) {
        KERNELS.packInt(source, sourceOffset, width, count, 0, target, offset);
    }
}
