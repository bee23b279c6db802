package io.nyala.memory;

import java.lang.foreign.MemorySegment;

/**
 * Plain loops: what the vector kernels must agree with, and what runs where there are none. Stateless and thread-safe.
 */
final class ScalarKernels extends Kernels {
    /** Up to this width, the eight bytes from a value's first byte hold all of it, wherever in that byte it starts. */
    private static final int WINDOW_WIDTH_MAX = 57;

    @Override
    public String name() {
        return "scalar";
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
        long mask = lowBits(width);
        for (int i = 0; i < count; i++) {
            long value = window(source, sourceOffset, i * width, width) & mask;
            target.set(LONG, targetOffset + i * 8L, value + base);
        }
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
        long mask = lowBits(width);
        for (int i = 0; i < count; i++) {
            int bit = i * width;
            long window = source.get(LONG, sourceOffset + (bit >>> 3)) >>> (bit & 7);
            target.set(INT, targetOffset + i * 4L, (int) (window & mask) + base);
        }
    }

    @Override
    public void runningSumsLong(MemorySegment values, long valuesOffset, int count) {
        assert isCount(count) : count;
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum = values.get(LONG, valuesOffset + i * 8L) + (i % SUM_RUN == 0 ? 0 : sum);
            values.set(LONG, valuesOffset + i * 8L, sum);
        }
    }

    @Override
    public void runningSumsInt(MemorySegment values, long valuesOffset, int count) {
        assert isCount(count) : count;
        int sum = 0;
        for (int i = 0; i < count; i++) {
            sum = values.get(INT, valuesOffset + i * 4L) + (i % SUM_RUN == 0 ? 0 : sum);
            values.set(INT, valuesOffset + i * 4L, sum);
        }
    }

    @Override
    public void scaleToDouble(MemorySegment values, long valuesOffset, int count, double factor, double fraction) {
        assert isCount(count) : count;
        for (int i = 0; i < count; i++) {
            long bits = values.get(LONG, valuesOffset + i * 8L) + INTEGER_BASE_BITS;
            double number = Double.longBitsToDouble(bits) - INTEGER_BASE;
            values.set(DOUBLE, valuesOffset + i * 8L, number * factor * fraction);
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
        for (int start = 0; start < count; start += Long.SIZE) {
            int end = Math.min(count - start, Long.SIZE);
            long word = 0;
            for (int i = 0; i < end; i++) {
                long value = values.get(LONG, valuesOffset + (start + i) * 8L);
                word |= (low <= value && value <= high ? 1L : 0L) << i;
            }
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
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
        for (int start = 0; start < count; start += Long.SIZE) {
            int end = Math.min(count - start, Long.SIZE);
            long word = 0;
            for (int i = 0; i < end; i++) {
                int value = values.get(INT, valuesOffset + (start + i) * 4L);
                word |= (low <= value && value <= high ? 1L : 0L) << i;
            }
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
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
            long word = 0;
            for (int i = 0; i < end; i++) {
                double value = values.get(DOUBLE, valuesOffset + (start + i) * 8L);
                word |= (low <= value && value <= high ? 1L : 0L) << i;
            }
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
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
            long word = 0;
            for (int i = 0; i < end; i++) {
                float value = values.get(FLOAT, valuesOffset + (start + i) * 4L);
                word |= (low <= value && value <= high ? 1L : 0L) << i;
            }
            narrow(bitmap, bitmapOffset + start / 8, word);
        }
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
        long mask = lowBits(width);
        for (int start = 0; start < count; start += Long.SIZE) {
            long at = bitmapOffset + start / 8;
            long before = bitmap.get(LONG, at);
            if (before == 0) {
                continue;
            }
            int end = Math.min(count - start, Long.SIZE);
            long word = 0;
            for (int i = 0; i < end; i++) {
                long value = window(source, sourceOffset, (start + i) * width, width) & mask;
                word |= (Long.compareUnsigned(low, value) <= 0 && Long.compareUnsigned(value, high) <= 0 ? 1L : 0L)
                        << i;
            }
            bitmap.set(LONG, at, before & word);
        }
    }

    /** The bits from the one at {@code bit} on, of which the lowest are those of a value. */
    private static long window(MemorySegment source, long sourceOffset, int bit, int width) {
        long at = sourceOffset + (bit >>> 3);
        int shift = bit & 7;
        long low = source.get(LONG, at) >>> shift;
        // In a window of its own, a value of few bits; else the next byte has the rest, if it does not start its byte.
        return width <= WINDOW_WIDTH_MAX ? low : low | (source.get(BYTE, at + 8) & 0xFFL) << 1 << (63 - shift);
    }

    @Override
    public int bitmapToSelection(
            MemorySegment bitmap, long bitmapOffset, int count, MemorySegment selection, long selectionOffset) {
        assert isCount(count) : count;
        int selected = 0;
        for (int start = 0; start < count; start += Long.SIZE) {
            for (long word = bitmap.get(LONG, bitmapOffset + start / 8); word != 0; word &= word - 1) {
                selection.set(INT, selectionOffset + selected * 4L, start + Long.numberOfTrailingZeros(word));
                selected++;
            }
        }
        return selected;
    }

    @Override
    public long sumLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += values.get(LONG, valuesOffset + i * 8L) & -bit(bitmap, bitmapOffset, i);
        }
        return sum;
    }

    @Override
    public double sumDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        double sum4 = 0;
        double sum5 = 0;
        double sum6 = 0;
        double sum7 = 0;
        for (int i = 0; i < count; i += 8) { // Adding 0.0 for an unset bit changes nothing, as no sum is ever -0.0.
            int bits = bitmap.get(BYTE, bitmapOffset + i / 8);
            long at = valuesOffset + i * 8L;
            sum0 += (bits & 1) == 0 ? 0.0 : values.get(DOUBLE, at);
            sum1 += (bits & 2) == 0 ? 0.0 : values.get(DOUBLE, at + 8);
            sum2 += (bits & 4) == 0 ? 0.0 : values.get(DOUBLE, at + 16);
            sum3 += (bits & 8) == 0 ? 0.0 : values.get(DOUBLE, at + 24);
            sum4 += (bits & 16) == 0 ? 0.0 : values.get(DOUBLE, at + 32);
            sum5 += (bits & 32) == 0 ? 0.0 : values.get(DOUBLE, at + 40);
            sum6 += (bits & 64) == 0 ? 0.0 : values.get(DOUBLE, at + 48);
            sum7 += (bits & 128) == 0 ? 0.0 : values.get(DOUBLE, at + 56);
        }
        return ((sum0 + sum4) + (sum2 + sum6)) + ((sum1 + sum5) + (sum3 + sum7));
    }

    @Override
    public long minLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        long min = Long.MAX_VALUE;
        for (int i = 0; i < count; i++) {
            long value = values.get(LONG, valuesOffset + i * 8L);
            min = bit(bitmap, bitmapOffset, i) == 0 ? min : Math.min(min, value);
        }
        return min;
    }

    @Override
    public long maxLong(MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        long max = Long.MIN_VALUE;
        for (int i = 0; i < count; i++) {
            long value = values.get(LONG, valuesOffset + i * 8L);
            max = bit(bitmap, bitmapOffset, i) == 0 ? max : Math.max(max, value);
        }
        return max;
    }

    @Override
    public double minDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        double min = Double.POSITIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            double value = values.get(DOUBLE, valuesOffset + i * 8L);
            min = bit(bitmap, bitmapOffset, i) == 0 || Double.isNaN(value) ? min : Math.min(min, value);
        }
        return min;
    }

    @Override
    public double maxDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset) {
        assert isCount(count) : count;
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            double value = values.get(DOUBLE, valuesOffset + i * 8L);
            max = bit(bitmap, bitmapOffset, i) == 0 || Double.isNaN(value) ? max : Math.max(max, value);
        }
        return max;
    }

    private static long bit(MemorySegment bitmap, long offset, int index) {
        return (long) bitmap.get(BYTE, offset + (index >>> 3)) >>> (index & 7) & 1;
    }
}
