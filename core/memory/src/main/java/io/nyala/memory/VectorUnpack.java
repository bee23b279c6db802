package io.nyala.memory;

import static io.nyala.memory.NativeMemory.ADDRESSES;
import static io.nyala.memory.NativeMemory.ALL;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Unpacks bits with one short loop for all widths.
 *
 * <p>Eight values of {@code width} bits are {@code width} bytes, so the values of each group of eight (or of a
 * register, if that has more) lie alike from its first byte on: which bytes a lane's value lies in, and how far from
 * their start, is computed once a call. One permutation of bytes and one shift is all it takes, see {@link
 * VectorWindows}; where a window does not hold the value, or the processor permutes no bytes, it is put together from
 * two words:
 *
 * <pre>{@code
 *   width 20, lanes of 32 bits:
 *
 *   words   |------------- 0 -------------|------------- 1 -------------|------------- 2 ------- - -
 *   values  |------- 0 -------|------- 1 -------|------- 2 -------|------- 3 -------|------- - -
 *
 *   lane 1 = (word 0 >>> 20 | word 1 << 12) & 0xFFFFF        lane 2 = (word 1 >>> 8 | word 2 << 24) & 0xFFFFF
 * }</pre>
 *
 * <p>Where a value lies in one word only, what the other contributes is masked away; where it is the whole first part
 * of one, both are that word.
 *
 * <p>A group may need several registers ({@code pass}); then all groups are done for the first register, then all for
 * the second, so that a loop has one set of constants. Stateless.
 */
final class VectorUnpack {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;

    private static final int INT_LANES = INTS.length();
    private static final int LONG_LANES = LONGS.length();
    private static final int REGISTER_BYTES = INTS.vectorByteSize();

    /** Values whose packed form is a whole number of bytes, and of registers when unpacked. */
    private static final int LONG_GROUP = Math.max(8, LONG_LANES);

    private static final int INT_GROUP = Math.max(8, INT_LANES);

    private VectorUnpack() {}

    /** Bytes from the first value on that loads of whole registers touch, at least one value. */
    static long readBytes(int width, int lanes, int count) {
        return (long) lastRegister(lanes, count) * width / Byte.SIZE + REGISTER_BYTES;
    }

    /** The first of the values that come last, in a register of their own. */
    private static int lastRegister(int lanes, int count) {
        return (count - 1) / lanes * lanes;
    }

    static void toLongs(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset) {
        boolean windows = VectorWindows.QUICK && VectorWindows.holdLong(width);
        toLongs(source, sourceOffset, width, count, base, target, targetOffset, windows);
    }

    /** By windows, which hold the values, or by words. */
    static void toLongs(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset,
            boolean windows) {
        if (count == 0) {
            return;
        }
        if (LONG_LANES == 2 && width == 63) { // From the sixth bit of a byte, two values reach beyond two words.
            Kernels.scalar().unpack(source, sourceOffset, width, count, base, target, targetOffset);
            return;
        }
        long targetBytes = lastRegister(LONG_LANES, count) * 8L + REGISTER_BYTES;
        long from = NativeMemory.readable(source, sourceOffset, readBytes(width, LONG_LANES, count)) * Byte.SIZE;
        long to = NativeMemory.writable(target, targetOffset, targetBytes);
        for (int pass = 0; pass < LONG_GROUP && pass < count; pass += LONG_LANES) {
            long bit = from + (long) pass * width;
            if (windows) {
                windowsToLongs(bit, width, count - pass, base, to + pass * 8L);
            } else {
                wordsToLongs(bit, width, count - pass, base, to + pass * 8L);
            }
        }
    }

    private static void windowsToLongs(long sourceBit, int width, int count, long base, long target) {
        LongVector bit = LongVector.zero(LONGS).addIndex(width).add(sourceBit & 7);
        VectorShuffle<Byte> bytes = VectorWindows.bytesOfLongs(bit);
        LongVector shift = bit.and(7);
        long mask = Kernels.lowBits(width);
        long at = sourceBit >>> 3;
        long groupBytes = (long) width * LONG_GROUP / 8;
        for (int i = 0; i < count; i += LONG_GROUP) {
            LongVector values = VectorWindows.longs(at, bytes).lanewise(LSHR, shift);
            long to = target + i * 8L & ADDRESSES;
            values.and(mask).add(base).intoMemorySegment(ALL, to, LITTLE_ENDIAN);
            at += groupBytes;
        }
    }

    private static void wordsToLongs(long sourceBit, int width, int count, long base, long target) {
        LongVector bit = LongVector.zero(LONGS).addIndex(width).add(sourceBit & 7);
        VectorShuffle<Long> first = bit.lanewise(LSHR, 6).toShuffle();
        VectorShuffle<Long> second =
                bit.add(63).lanewise(LSHR, 6).and(LONG_LANES - 1).toShuffle();
        LongVector shift = bit.and(63);
        LongVector shiftBack = shift.neg().and(63);
        long mask = Kernels.lowBits(width);
        long at = sourceBit >>> 3;
        long groupBytes = (long) width * LONG_GROUP / 8;
        for (int i = 0; i < count; i += LONG_GROUP) {
            LongVector words = LongVector.fromMemorySegment(LONGS, ALL, at & ADDRESSES, LITTLE_ENDIAN);
            LongVector low = words.rearrange(first).lanewise(LSHR, shift);
            LongVector values =
                    words.rearrange(second).lanewise(LSHL, shiftBack).or(low);
            long to = target + i * 8L & ADDRESSES;
            values.and(mask).add(base).intoMemorySegment(ALL, to, LITTLE_ENDIAN);
            at += groupBytes;
        }
    }

    static void toInts(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            int base,
            MemorySegment target,
            long targetOffset) {
        boolean windows = VectorWindows.QUICK && VectorWindows.holdInt(width);
        toInts(source, sourceOffset, width, count, base, target, targetOffset, windows);
    }

    /** By windows, which hold the values, or by words. */
    static void toInts(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            int base,
            MemorySegment target,
            long targetOffset,
            boolean windows) {
        if (count == 0) {
            return;
        }
        long targetBytes = lastRegister(INT_LANES, count) * 4L + REGISTER_BYTES;
        long from = NativeMemory.readable(source, sourceOffset, readBytes(width, INT_LANES, count)) * Byte.SIZE;
        long to = NativeMemory.writable(target, targetOffset, targetBytes);
        for (int pass = 0; pass < INT_GROUP && pass < count; pass += INT_LANES) {
            long bit = from + (long) pass * width;
            if (windows) {
                windowsToInts(bit, width, count - pass, base, to + pass * 4L);
            } else {
                wordsToInts(bit, width, count - pass, base, to + pass * 4L);
            }
        }
    }

    private static void windowsToInts(long sourceBit, int width, int count, int base, long target) {
        IntVector bit = IntVector.zero(INTS).addIndex(width).add((int) sourceBit & 7);
        VectorShuffle<Byte> bytes = VectorWindows.bytesOfInts(bit);
        IntVector shift = bit.and(7);
        int mask = (int) Kernels.lowBits(width);
        long at = sourceBit >>> 3;
        long groupBytes = (long) width * INT_GROUP / 8;
        for (int i = 0; i < count; i += INT_GROUP) {
            IntVector values = VectorWindows.ints(at, bytes).lanewise(LSHR, shift);
            long to = target + i * 4L & ADDRESSES;
            values.and(mask).add(base).intoMemorySegment(ALL, to, LITTLE_ENDIAN);
            at += groupBytes;
        }
    }

    private static void wordsToInts(long sourceBit, int width, int count, int base, long target) {
        IntVector bit = IntVector.zero(INTS).addIndex(width).add((int) sourceBit & 7);
        VectorShuffle<Integer> first = bit.lanewise(LSHR, 5).toShuffle();
        VectorShuffle<Integer> second =
                bit.add(31).lanewise(LSHR, 5).and(INT_LANES - 1).toShuffle();
        IntVector shift = bit.and(31);
        IntVector shiftBack = shift.neg().and(31);
        int mask = (int) Kernels.lowBits(width);
        long at = sourceBit >>> 3;
        long groupBytes = (long) width * INT_GROUP / 8;
        for (int i = 0; i < count; i += INT_GROUP) {
            IntVector words = IntVector.fromMemorySegment(INTS, ALL, at & ADDRESSES, LITTLE_ENDIAN);
            IntVector low = words.rearrange(first).lanewise(LSHR, shift);
            IntVector values = words.rearrange(second).lanewise(LSHL, shiftBack).or(low);
            long to = target + i * 4L & ADDRESSES;
            values.and(mask).add(base).intoMemorySegment(ALL, to, LITTLE_ENDIAN);
            at += groupBytes;
        }
    }
}
