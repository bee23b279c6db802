package io.nyala.memory;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.MIN;
import static jdk.incubator.vector.VectorOperators.ULE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The same as {@link ScalarKernels}, with registers of the width this processor prefers.
 *
 * <p>How to keep it fast (each measured; what breaks it costs a factor of 10 to 1,000): species are {@code static
 * final} and preferred, never wider than the processor; no vector is kept in a field; loop bodies stay below about ten
 * vector operations and are not unrolled by hand; one kind of memory; whole loads and a masked operation instead of
 * masked loads; 64 bits of a bitmap are gathered before they are stored.
 *
 * <p>Stateless and thread-safe. Only loaded where the Vector API is present.
 */
final class VectorKernels extends Kernels {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

    private static final int INT_LANES = INTS.length();
    private static final int LONG_LANES = LONGS.length();

    /** Width of a register. */
    static final int BITS = LONGS.vectorBitSize();

    /** The order in which {@link #sumDouble} adds. */
    private static final int SUM_LANES = 8;

    static {
        Check.that(BITS / 8 <= READ_PADDING_BYTES, "a load of one register stays within the padding");
        Check.that(BITS / 8 <= WRITE_PADDING_BYTES, "a store of one register stays within the padding");
        Check.that(INT_LANES < Long.SIZE && SUM_LANES % LONG_LANES == 0, "words and sums are made of whole registers");
    }

    @Override
    public String name() {
        return "vector of " + BITS + " bits";
    }

    @Override
    public void unpack(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) && 0 <= width && width <= Long.SIZE : count + " values of " + width + " bits";
        VectorUnpack.toLongs(source, sourceOffset, width, count, base, target, targetOffset);
    }

    @Override
    public void unpackInt(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            int base,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) && 0 <= width && width <= Integer.SIZE : count + " values of " + width + " bits";
        VectorUnpack.toInts(source, sourceOffset, width, count, base, target, targetOffset);
    }

    @Override
    public void runningSumsLong(MemorySegment values, long valuesOffset, int count) {
        assert isCount(count) : count;
        VectorSums.ofLongs(values, valuesOffset, count);
    }

    @Override
    public void runningSumsInt(MemorySegment values, long valuesOffset, int count) {
        assert isCount(count) : count;
        VectorSums.ofInts(values, valuesOffset, count);
    }

    @Override
    public void scaleToDouble(MemorySegment values, long valuesOffset, int count, double factor, double fraction) {
        assert isCount(count) : count;
        for (int i = 0; i < count; i += LONG_LANES) {
            long at = valuesOffset + i * 8L;
            LongVector bits = LongVector.fromMemorySegment(LONGS, values, at, LITTLE_ENDIAN)
                    .add(INTEGER_BASE_BITS);
            DoubleVector number = bits.reinterpretAsDoubles().sub(INTEGER_BASE);
            number.mul(factor).mul(fraction).intoMemorySegment(values, at, LITTLE_ENDIAN);
        }
    }

    @Override
    public void rangeLong(
            MemorySegment values,
            long valuesOffset,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset) {
        assert isCount(count) : count;
        boolean empty = low > high;
        for (int start = 0; start < count; start += Long.SIZE) {
            int end = Math.min(count - start, Long.SIZE);
            long word = empty ? 0 : longsInRange(values, valuesOffset + start * 8L, end, low, high - low);
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
    }

    /**
     * One bit for each of up to 64 values; the bits behind are undefined. One compare: what is below low wraps around
     * to large.
     */
    private static long longsInRange(MemorySegment values, long offset, int count, long low, long span) {
        long word = 0;
        for (int i = 0; i < count; i += LONG_LANES) {
            LongVector value = LongVector.fromMemorySegment(LONGS, values, offset + i * 8L, LITTLE_ENDIAN);
            word |= value.sub(low).compare(ULE, span).toLong() << i;
        }
        return word;
    }

    @Override
    public void rangeInt(
            MemorySegment values,
            long valuesOffset,
            int count,
            int low,
            int high,
            MemorySegment bitmap,
            long bitmapOffset) {
        assert isCount(count) : count;
        boolean empty = low > high;
        for (int start = 0; start < count; start += Long.SIZE) {
            int end = Math.min(count - start, Long.SIZE);
            long word = empty ? 0 : intsInRange(values, valuesOffset + start * 4L, end, low, high - low);
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
    }

    private static long intsInRange(MemorySegment values, long offset, int count, int low, int span) {
        long word = 0;
        for (int i = 0; i < count; i += INT_LANES) {
            IntVector value = IntVector.fromMemorySegment(INTS, values, offset + i * 4L, LITTLE_ENDIAN);
            word |= value.sub(low).compare(ULE, span).toLong() << i;
        }
        return word;
    }

    @Override
    public void rangeDouble(
            MemorySegment values,
            long valuesOffset,
            int count,
            double low,
            double high,
            MemorySegment bitmap,
            long bitmapOffset) {
        assert isCount(count) : count;
        for (int start = 0; start < count; start += Long.SIZE) {
            int end = Math.min(count - start, Long.SIZE);
            long word = doublesInRange(values, valuesOffset + start * 8L, end, low, high);
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
    }

    private static long doublesInRange(MemorySegment values, long offset, int count, double low, double high) {
        long word = 0;
        for (int i = 0; i < count; i += LONG_LANES) {
            DoubleVector value = DoubleVector.fromMemorySegment(DOUBLES, values, offset + i * 8L, LITTLE_ENDIAN);
            word |= value.compare(GE, low).and(value.compare(LE, high)).toLong() << i;
        }
        return word;
    }

    @Override
    public void rangeFloat(
            MemorySegment values,
            long valuesOffset,
            int count,
            float low,
            float high,
            MemorySegment bitmap,
            long bitmapOffset) {
        assert isCount(count) : count;
        for (int start = 0; start < count; start += Long.SIZE) {
            int end = Math.min(count - start, Long.SIZE);
            long word = floatsInRange(values, valuesOffset + start * 4L, end, low, high);
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
    }

    private static long floatsInRange(MemorySegment values, long offset, int count, float low, float high) {
        long word = 0;
        for (int i = 0; i < count; i += INT_LANES) {
            FloatVector value = FloatVector.fromMemorySegment(FLOATS, values, offset + i * 4L, LITTLE_ENDIAN);
            word |= value.compare(GE, low).and(value.compare(LE, high)).toLong() << i;
        }
        return word;
    }

    @Override
    public void rangePacked(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset) {
        assert isCount(count) && 0 <= width && width <= Long.SIZE : count + " values of " + width + " bits";
        long most = lowBits(width);
        if (Long.compareUnsigned(low, high) > 0 || Long.compareUnsigned(low, most) > 0) {
            clearAll(bitmap, bitmapOffset, count);
            return;
        }
        long end = Long.compareUnsigned(high, most) < 0 ? high : most;
        if (count > 0 && VectorWindows.holdInt(width)) {
            VectorRanges.ofInts(source, sourceOffset, width, count, low, end, bitmap, bitmapOffset);
        } else if (count > 0 && VectorRanges.ARE_LONGS_QUICK && VectorWindows.holdLong(width)) {
            VectorRanges.ofLongs(source, sourceOffset, width, count, low, end, bitmap, bitmapOffset);
        } else { // Or of 59 bits, 61 or more, which no encoding packs.
            scalar().rangePacked(source, sourceOffset, width, count, low, end, bitmap, bitmapOffset);
        }
    }

    @Override
    public int bitmapToSelection(
            MemorySegment bitmap, long bitmapOffset, int count, MemorySegment selection, long selectionOffset) {
        assert isCount(count) : count;
        int selected = 0;
        for (int start = 0; start < count; start += Long.SIZE) {
            long word = bitmap.get(LONG, bitmapOffset + start / 8);
            selectWord(word, start, selection, selectionOffset + selected * 4L);
            selected += Long.bitCount(word);
        }
        return selected;
    }

    /** Stores whole registers, each over the unused end of the one before. */
    private static void selectWord(long word, int start, MemorySegment selection, long offset) {
        IntVector index = IntVector.broadcast(INTS, start).addIndex(1);
        long at = offset;
        for (long rest = word; rest != 0; rest >>>= INT_LANES) {
            VectorMask<Integer> mask = VectorMask.fromLong(INTS, rest);
            index.compress(mask).intoMemorySegment(selection, at, LITTLE_ENDIAN);
            index = index.add(INT_LANES);
            at += 4L * mask.trueCount();
        }
    }

    @Override
    public long sumLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        LongVector sum = LongVector.zero(LONGS);
        for (int i = 0; i < count; i += LONG_LANES) {
            LongVector value = LongVector.fromMemorySegment(LONGS, values, valuesOffset + i * 8L, LITTLE_ENDIAN);
            sum = sum.lanewise(ADD, value, longMask(bitmap, bitmapOffset, i));
        }
        return sum.reduceLanes(ADD);
    }

    @Override
    public long minLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        LongVector min = LongVector.broadcast(LONGS, Long.MAX_VALUE);
        for (int i = 0; i < count; i += LONG_LANES) {
            LongVector value = LongVector.fromMemorySegment(LONGS, values, valuesOffset + i * 8L, LITTLE_ENDIAN);
            min = min.lanewise(MIN, value, longMask(bitmap, bitmapOffset, i));
        }
        return min.reduceLanes(MIN);
    }

    @Override
    public long maxLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        LongVector max = LongVector.broadcast(LONGS, Long.MIN_VALUE);
        for (int i = 0; i < count; i += LONG_LANES) {
            LongVector value = LongVector.fromMemorySegment(LONGS, values, valuesOffset + i * 8L, LITTLE_ENDIAN);
            max = max.lanewise(MAX, value, longMask(bitmap, bitmapOffset, i));
        }
        return max.reduceLanes(MAX);
    }

    @Override
    public double sumDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        return switch (LONG_LANES) {
            case SUM_LANES -> sumDoubleInOne(values, valuesOffset, count, bitmap, bitmapOffset);
            case SUM_LANES / 2 -> sumDoubleInTwo(values, valuesOffset, count, bitmap, bitmapOffset);
            default -> scalar().sumDouble(values, valuesOffset, count, bitmap, bitmapOffset);
        };
    }

    /** All eight sums in one register. */
    private static double sumDoubleInOne(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        DoubleVector sum = DoubleVector.zero(DOUBLES);
        for (int i = 0; i < count; i += SUM_LANES) {
            DoubleVector value = DoubleVector.fromMemorySegment(DOUBLES, values, valuesOffset + i * 8L, LITTLE_ENDIAN);
            sum = sum.lanewise(ADD, value, doubleMask(bitmap, bitmapOffset, i));
        }
        double even = (sum.lane(0) + sum.lane(4)) + (sum.lane(2) + sum.lane(6));
        double odd = (sum.lane(1) + sum.lane(5)) + (sum.lane(3) + sum.lane(7));
        return even + odd;
    }

    /** Sums 0 to 3 in one register, 4 to 7 in another. */
    private static double sumDoubleInTwo(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        DoubleVector low = DoubleVector.zero(DOUBLES);
        DoubleVector high = DoubleVector.zero(DOUBLES);
        for (int i = 0; i < count; i += SUM_LANES) {
            long at = valuesOffset + i * 8L;
            DoubleVector first = DoubleVector.fromMemorySegment(DOUBLES, values, at, LITTLE_ENDIAN);
            low = low.lanewise(ADD, first, doubleMask(bitmap, bitmapOffset, i));
            DoubleVector second = DoubleVector.fromMemorySegment(DOUBLES, values, at + 32, LITTLE_ENDIAN);
            high = high.lanewise(ADD, second, doubleMask(bitmap, bitmapOffset, i + 4));
        }
        DoubleVector sum = low.add(high);
        return (sum.lane(0) + sum.lane(2)) + (sum.lane(1) + sum.lane(3));
    }

    @Override
    public double minDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        DoubleVector min = DoubleVector.broadcast(DOUBLES, Double.POSITIVE_INFINITY);
        for (int i = 0; i < count; i += LONG_LANES) {
            DoubleVector value = DoubleVector.fromMemorySegment(DOUBLES, values, valuesOffset + i * 8L, LITTLE_ENDIAN);
            VectorMask<Double> number = value.compare(EQ, value); // NaN does not equal itself.
            min = min.lanewise(MIN, value, number.and(doubleMask(bitmap, bitmapOffset, i)));
        }
        return min.reduceLanes(MIN);
    }

    @Override
    public double maxDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        DoubleVector max = DoubleVector.broadcast(DOUBLES, Double.NEGATIVE_INFINITY);
        for (int i = 0; i < count; i += LONG_LANES) {
            DoubleVector value = DoubleVector.fromMemorySegment(DOUBLES, values, valuesOffset + i * 8L, LITTLE_ENDIAN);
            VectorMask<Double> number = value.compare(EQ, value);
            max = max.lanewise(MAX, value, number.and(doubleMask(bitmap, bitmapOffset, i)));
        }
        return max.reduceLanes(MAX);
    }

    private static VectorMask<Long> longMask(MemorySegment bitmap, long offset, int index) {
        return VectorMask.fromLong(LONGS, bitmap.get(BYTE, offset + (index >>> 3)) >>> (index & 7));
    }

    private static VectorMask<Double> doubleMask(MemorySegment bitmap, long offset, int index) {
        return VectorMask.fromLong(DOUBLES, bitmap.get(BYTE, offset + (index >>> 3)) >>> (index & 7));
    }
}
