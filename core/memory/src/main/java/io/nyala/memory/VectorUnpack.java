package io.nyala.memory;

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
 * register, if that has more) lie alike from its first byte on: which words a lane's value lies in, and how far from
 * their start, is computed once a call.
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
 * <p>Where a value lies in one word only, what the other contributes is masked away. Permuting bytes instead of words
 * would need fewer operations, but every processor that has vectors can permute words, and the compiler does better by
 * them.
 *
 * <p>A group may need several registers ({@code pass}); then all groups are done for the first register, then all for
 * the second, so that a loop has one set of constants. Stateless.
 */
final class VectorUnpack {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;

    private static final int INT_LANES = INTS.length();
    private static final int LONG_LANES = LONGS.length();

    /** Values whose packed form is a whole number of bytes, and of registers when unpacked. */
    private static final int LONG_GROUP = Math.max(8, LONG_LANES);

    private static final int INT_GROUP = Math.max(8, INT_LANES);

    private VectorUnpack() {}

    static void toLongs(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset) {
        if (LONG_LANES == 2 && width == 63) { // From the sixth bit of a byte, two values reach beyond two words.
            Kernels.scalar().unpack(source, sourceOffset, width, count, base, target, targetOffset);
            return;
        }
        for (int pass = 0; pass < LONG_GROUP && pass < count; pass += LONG_LANES) {
            long bit = sourceOffset * Byte.SIZE + (long) pass * width;
            passToLongs(source, bit, width, count - pass, base, target, targetOffset + pass * 8L);
        }
    }

    private static void passToLongs(
            MemorySegment source,
            long sourceBit,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset) {
        LongVector bit = LongVector.zero(LONGS).addIndex(width).add(sourceBit & 7);
        LongVector word = bit.lanewise(LSHR, 6);
        VectorShuffle<Long> first = word.toShuffle();
        VectorShuffle<Long> second = word.add(1).and(LONG_LANES - 1).toShuffle();
        LongVector shift = bit.and(63);
        LongVector shiftBack = shift.neg().add(63); // After a shift by one, so that 64 comes out as nothing.
        long mask = Kernels.lowBits(width);
        long at = sourceBit >>> 3;
        long groupBytes = (long) width * LONG_GROUP / 8;
        for (int i = 0; i < count; i += LONG_GROUP) {
            LongVector words = LongVector.fromMemorySegment(LONGS, source, at, LITTLE_ENDIAN);
            LongVector low = words.rearrange(first).lanewise(LSHR, shift);
            LongVector high = words.rearrange(second).lanewise(LSHL, 1).lanewise(LSHL, shiftBack);
            low.or(high).and(mask).add(base).intoMemorySegment(target, targetOffset + i * 8L, LITTLE_ENDIAN);
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
        for (int pass = 0; pass < INT_GROUP && pass < count; pass += INT_LANES) {
            long bit = sourceOffset * Byte.SIZE + (long) pass * width;
            passToInts(source, bit, width, count - pass, base, target, targetOffset + pass * 4L);
        }
    }

    private static void passToInts(
            MemorySegment source,
            long sourceBit,
            int width,
            int count,
            int base,
            MemorySegment target,
            long targetOffset) {
        IntVector bit = IntVector.zero(INTS).addIndex(width).add((int) sourceBit & 7);
        IntVector word = bit.lanewise(LSHR, 5);
        VectorShuffle<Integer> first = word.toShuffle();
        VectorShuffle<Integer> second = word.add(1).and(INT_LANES - 1).toShuffle();
        IntVector shift = bit.and(31);
        IntVector shiftBack = shift.neg().add(31);
        int mask = (int) Kernels.lowBits(width);
        long at = sourceBit >>> 3;
        long groupBytes = (long) width * INT_GROUP / 8;
        for (int i = 0; i < count; i += INT_GROUP) {
            IntVector words = IntVector.fromMemorySegment(INTS, source, at, LITTLE_ENDIAN);
            IntVector low = words.rearrange(first).lanewise(LSHR, shift);
            IntVector high = words.rearrange(second).lanewise(LSHL, 1).lanewise(LSHL, shiftBack);
            low.or(high).and(mask).add(base).intoMemorySegment(target, targetOffset + i * 4L, LITTLE_ENDIAN);
            at += groupBytes;
        }
    }
}
