package io.nyala.memory;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ADD;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Running sums within a register by doubling: each lane adds the lane one before it, then two, then four before, so
 * that a register of eight takes three additions. The last lane is what the next register begins with.
 *
 * <pre>{@code
 *   a        b        c        d
 *   a        a+b      b+c      c+d          one before
 *   a        a+b      a+b+c    a+b+c+d      two before
 * }</pre>
 *
 * Stateless.
 */
final class VectorSums {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;

    private static final int INT_LANES = INTS.length();
    private static final int LONG_LANES = LONGS.length();

    // Single constants, not arrays of them, or the compiler cannot see through them.
    private static final VectorShuffle<Long> LONG_BEFORE_1 = before(LONGS, 1);
    private static final VectorShuffle<Long> LONG_BEFORE_2 = before(LONGS, 2);
    private static final VectorShuffle<Long> LONG_BEFORE_4 = before(LONGS, 4);
    private static final VectorShuffle<Long> LONG_LAST = VectorShuffle.fromOp(LONGS, _ -> LONG_LANES - 1);
    private static final VectorMask<Long> LONG_FROM_1 = from(LONGS, 1);
    private static final VectorMask<Long> LONG_FROM_2 = from(LONGS, 2);
    private static final VectorMask<Long> LONG_FROM_4 = from(LONGS, 4);

    private static final VectorShuffle<Integer> INT_BEFORE_1 = before(INTS, 1);
    private static final VectorShuffle<Integer> INT_BEFORE_2 = before(INTS, 2);
    private static final VectorShuffle<Integer> INT_BEFORE_4 = before(INTS, 4);
    private static final VectorShuffle<Integer> INT_BEFORE_8 = before(INTS, 8);
    private static final VectorShuffle<Integer> INT_LAST = VectorShuffle.fromOp(INTS, _ -> INT_LANES - 1);
    private static final VectorMask<Integer> INT_FROM_1 = from(INTS, 1);
    private static final VectorMask<Integer> INT_FROM_2 = from(INTS, 2);
    private static final VectorMask<Integer> INT_FROM_4 = from(INTS, 4);
    private static final VectorMask<Integer> INT_FROM_8 = from(INTS, 8);

    static {
        Check.that(LONG_LANES <= 8 && INT_LANES <= 16, "three and four additions are enough");
        Check.that(Kernels.SUM_RUN % INT_LANES == 0, "a run is made of whole registers");
    }

    private VectorSums() {}

    /** Lane {@code i} takes lane {@code i - distance}; what would come from before the first, is masked away. */
    private static <E> VectorShuffle<E> before(VectorSpecies<E> species, int distance) {
        return VectorShuffle.fromOp(species, lane -> Math.max(0, lane - distance));
    }

    private static <E> VectorMask<E> from(VectorSpecies<E> species, int lane) {
        return VectorMask.fromLong(species, -1L << lane);
    }

    static void ofLongs(MemorySegment values, long offset, int count) {
        for (int start = 0; start < count; start += Kernels.SUM_RUN) {
            runOfLongs(values, offset + start * 8L, Math.min(count - start, Kernels.SUM_RUN));
        }
    }

    private static void runOfLongs(MemorySegment values, long offset, int count) {
        LongVector carry = LongVector.zero(LONGS);
        for (int i = 0; i < count; i += LONG_LANES) {
            LongVector sum = LongVector.fromMemorySegment(LONGS, values, offset + i * 8L, LITTLE_ENDIAN);
            sum = sum.lanewise(ADD, sum.rearrange(LONG_BEFORE_1), LONG_FROM_1);
            if (LONG_LANES > 2) {
                sum = sum.lanewise(ADD, sum.rearrange(LONG_BEFORE_2), LONG_FROM_2);
            }
            if (LONG_LANES > 4) {
                sum = sum.lanewise(ADD, sum.rearrange(LONG_BEFORE_4), LONG_FROM_4);
            }
            sum = sum.add(carry);
            sum.intoMemorySegment(values, offset + i * 8L, LITTLE_ENDIAN);
            carry = sum.rearrange(LONG_LAST);
        }
    }

    static void ofInts(MemorySegment values, long offset, int count) {
        for (int start = 0; start < count; start += Kernels.SUM_RUN) {
            runOfInts(values, offset + start * 4L, Math.min(count - start, Kernels.SUM_RUN));
        }
    }

    private static void runOfInts(MemorySegment values, long offset, int count) {
        IntVector carry = IntVector.zero(INTS);
        for (int i = 0; i < count; i += INT_LANES) {
            IntVector sum = IntVector.fromMemorySegment(INTS, values, offset + i * 4L, LITTLE_ENDIAN);
            sum = sum.lanewise(ADD, sum.rearrange(INT_BEFORE_1), INT_FROM_1);
            sum = sum.lanewise(ADD, sum.rearrange(INT_BEFORE_2), INT_FROM_2);
            if (INT_LANES > 4) {
                sum = sum.lanewise(ADD, sum.rearrange(INT_BEFORE_4), INT_FROM_4);
            }
            if (INT_LANES > 8) {
                sum = sum.lanewise(ADD, sum.rearrange(INT_BEFORE_8), INT_FROM_8);
            }
            sum = sum.add(carry);
            sum.intoMemorySegment(values, offset + i * 4L, LITTLE_ENDIAN);
            carry = sum.rearrange(INT_LAST);
        }
    }
}
