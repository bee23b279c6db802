package io.nyala.memory;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The inner loops over a vector of at most {@value #COUNT_MAX} values: unpacking bits, comparing, selecting, adding up.
 * There are two of each, scalar and vector, with identical results bit for bit; {@link #best} is what to use.
 *
 * <p>Conventions of all operations:
 * <ul>
 *   <li>Memory is native, given as {@code (segment, offset)}; no alignment is needed. Values are little-endian.
 *   <li>Up to {@value #READ_PADDING_BYTES} bytes behind each input must be readable, and up to {@value
 *       #WRITE_PADDING_BYTES} bytes behind each output writable, except that bitmaps and packed output end exactly.
 *       What is written there is undefined.
 *   <li>Input and output do not overlap, where not said otherwise.
 *   <li>A bitmap is {@code ceil(count / 64)} words; bit {@code i % 64} of word {@code i / 64} stands for value
 *       {@code i}; bits from {@code count} on are zero, which all operations demand and keep.
 *   <li>A selection is ascending 32-bit indexes.
 *   <li>Packed values are {@code width} bits each, back to back, lowest bit first: value {@code i} is the bits from
 *       {@code i * width} on, and bit {@code b} is bit {@code b % 8} of byte {@code b / 8}.
 * </ul>
 *
 * <p>Some take seven parameters or eight: an object for two of them would have to be made per vector.
 *
 * <p>Stateless and thread-safe; nothing is allocated. Callers guarantee offsets and sizes: they are asserted, not
 * checked.
 */
public abstract sealed class Kernels permits ScalarKernels, VectorKernels, WarmingKernels {
    /** Values of a call at most: a vector, as all formats cut it. */
    public static final int COUNT_MAX = 1024;

    /** Values that {@link #runningSumsLong} adds up before it begins anew: a whole number of registers. */
    public static final int SUM_RUN = 32;

    /** Whole registers are loaded, so the last load may reach that far behind an input. */
    public static final int READ_PADDING_BYTES = 64;

    /** Whole registers are stored, so the last store may reach that far behind an output. */
    public static final int WRITE_PADDING_BYTES = 64;

    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(LITTLE_ENDIAN);

    /**
     * What suits this machine: scalar ones at first, and vectors of at least 128 bits, if the JVM has them, for what
     * turns out to be called often. {@code -Dnyala.kernels=scalar} or {@code =vector} says otherwise.
     */
    public static Kernels best() {
        return KernelChoice.BEST;
    }

    public static Kernels scalar() {
        return KernelChoice.SCALAR;
    }

    /** Null where the JVM runs without {@code --add-modules jdk.incubator.vector}. */
    public static @Nullable Kernels vector() {
        return KernelChoice.Vectors.VECTOR;
    }

    /** For logs: {@code "scalar"}, {@code "vector of 512 bits"}, {@code "scalar, then vector"}. */
    public abstract String name();

    /** Bytes of a bitmap for {@code count} values. */
    public static long bitmapBytes(int count) {
        return (count + 63L) / 64 * Long.BYTES;
    }

    /** Bytes of {@code count} packed values, the last one filled up with zero bits. */
    public static long packedBytes(int width, int count) {
        return ((long) width * count + 7) / 8;
    }

    // Packed values.

    /**
     * Unpacks {@code count} values of {@code width} bits, 0 to 64, adds {@code base} to each and writes them as 64-bit
     * integers.
     */
    public abstract void unpack(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset);

    /**
     * Unpacks {@code count} values of {@code width} bits, 0 to 32, adds {@code base} to each and writes them as 32-bit
     * integers.
     */
    public abstract void unpackInt(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            int base,
            MemorySegment target,
            long targetOffset);

    /**
     * The inverse of {@link #unpack}: takes {@code base} from each 64-bit integer and packs the lowest {@code width}
     * bits of what is left, which must be enough. Writes exactly {@link #packedBytes}.
     */
    public final void pack(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long base,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) && 0 <= width && width <= Long.SIZE : count + " values of " + width + " bits";
        long word = 0;
        int used = 0; // Bits of the word, always less than 64.
        long at = targetOffset;
        for (int i = 0; i < count; i++) {
            long number = source.get(LONG, sourceOffset + i * 8L) - base;
            assert (number & ~lowBits(width)) == 0 : number + " does not fit in " + width + " bits";
            word |= number << used;
            used += width;
            if (used >= Long.SIZE) {
                target.set(LONG, at, word);
                at += Long.BYTES;
                used -= Long.SIZE;
                word = used == 0 ? 0 : number >>> (width - used);
            }
        }
        setBits(target, at, word, used);
    }

    /** The inverse of {@link #unpackInt}, as {@link #pack}. */
    public final void packInt(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            int base,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) && 0 <= width && width <= Integer.SIZE : count + " values of " + width + " bits";
        long word = 0;
        int used = 0; // Bits of the word, always less than 64.
        long at = targetOffset;
        for (int i = 0; i < count; i++) {
            long number = source.get(INT, sourceOffset + i * 4L) - base & 0xFFFF_FFFFL;
            assert (number & ~lowBits(width)) == 0 : number + " does not fit in " + width + " bits";
            word |= number << used;
            used += width;
            if (used >= Long.SIZE) {
                target.set(LONG, at, word);
                at += Long.BYTES;
                used -= Long.SIZE;
                word = used == 0 ? 0 : number >>> (width - used);
            }
        }
        setBits(target, at, word, used);
    }

    /** Writes the lowest bits of a word, in as many bytes as they need. */
    private static void setBits(MemorySegment target, long offset, long word, int bits) {
        for (int done = 0; done < bits; done += Byte.SIZE) {
            target.set(BYTE, offset + done / Byte.SIZE, (byte) (word >>> done));
        }
    }

    // Running sums, in place: what differences become.

    /**
     * In each run of {@value #SUM_RUN} 64-bit integers, the last one perhaps shorter, replaces a value by the sum of
     * those of its run up to it; wraps around. What was behind the last value is undefined, as behind every output.
     */
    public abstract void runningSumsLong(MemorySegment values, long valuesOffset, int count);

    /** As {@link #runningSumsLong} for 32-bit integers. */
    public abstract void runningSumsInt(MemorySegment values, long valuesOffset, int count);

    /**
     * In place, turns each 64-bit integer, less than 2^51 away from zero, into the double {@code integer * factor *
     * fraction}, multiplied in this order. What becomes of larger integers is undefined.
     */
    public abstract void scaleToDouble(
            MemorySegment values, long valuesOffset, int count, double factor, double fraction);

    /** As bits, with the lowest 52 of them an integer added, this is itself plus that integer. */
    static final double INTEGER_BASE = 0x1.8p52;

    static final long INTEGER_BASE_BITS = 0x4338_0000_0000_0000L;

    // Comparisons. All of them narrow a bitmap; to start from nothing, setAll first. Equality is the range of one
    // value.

    /** Keeps the bits of the 64-bit integers in {@code low..high}, both included, and clears the others. */
    public abstract void rangeLong(
            MemorySegment values,
            long valuesOffset,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset);

    /** As {@link #rangeLong} for 32-bit integers. */
    public abstract void rangeInt(
            MemorySegment values,
            long valuesOffset,
            int count,
            int low,
            int high,
            MemorySegment bitmap,
            long bitmapOffset);

    /**
     * As {@link #rangeLong} for doubles, compared as {@code low <= x && x <= high}: NaN is in no range, nothing is in a
     * range that has NaN for a bound, and -0.0 equals 0.0.
     */
    public abstract void rangeDouble(
            MemorySegment values,
            long valuesOffset,
            int count,
            double low,
            double high,
            MemorySegment bitmap,
            long bitmapOffset);

    /** As {@link #rangeDouble} for floats. */
    public abstract void rangeFloat(
            MemorySegment values,
            long valuesOffset,
            int count,
            float low,
            float high,
            MemorySegment bitmap,
            long bitmapOffset);

    /**
     * As {@link #rangeLong} for packed values of {@code width} bits, 0 to 64, and they and the bounds are unsigned.
     * They are unpacked nowhere, and not even read where no bit of a word of the bitmap is set.
     */
    public abstract void rangePacked(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset);

    /** The bits behind the last value are zero in the bitmap, and so what the word has there does not matter. */
    static void narrow(MemorySegment bitmap, long offset, long word) {
        bitmap.set(LONG, offset, bitmap.get(LONG, offset) & word);
    }

    // Bitmaps. At most 16 words: plain loops, which the JIT makes the best of.

    /** Clears all bits. */
    public final void clearAll(MemorySegment bitmap, long bitmapOffset, int count) {
        assert isCount(count) : count;
        for (long i = 0; i < bitmapBytes(count); i += Long.BYTES) {
            bitmap.set(LONG, bitmapOffset + i, 0);
        }
    }

    /** Sets the first {@code count} bits and clears the rest of the last word. */
    public final void setAll(MemorySegment bitmap, long bitmapOffset, int count) {
        assert isCount(count) : count;
        int words = count / Long.SIZE;
        for (int i = 0; i < words; i++) {
            bitmap.set(LONG, bitmapOffset + i * 8L, -1L);
        }
        if (words * Long.SIZE < count) {
            bitmap.set(LONG, bitmapOffset + words * 8L, tailMask(count));
        }
    }

    /** {@code target &= other}. */
    public final void and(MemorySegment target, long targetOffset, MemorySegment other, long otherOffset, int count) {
        assert isCount(count) : count;
        for (long i = 0; i < bitmapBytes(count); i += Long.BYTES) {
            target.set(LONG, targetOffset + i, target.get(LONG, targetOffset + i) & other.get(LONG, otherOffset + i));
        }
    }

    /** {@code target |= other}. */
    public final void or(MemorySegment target, long targetOffset, MemorySegment other, long otherOffset, int count) {
        assert isCount(count) : count;
        for (long i = 0; i < bitmapBytes(count); i += Long.BYTES) {
            target.set(LONG, targetOffset + i, target.get(LONG, targetOffset + i) | other.get(LONG, otherOffset + i));
        }
    }

    /** {@code target &= ~other}. */
    public final void andNot(
            MemorySegment target, long targetOffset, MemorySegment other, long otherOffset, int count) {
        assert isCount(count) : count;
        for (long i = 0; i < bitmapBytes(count); i += Long.BYTES) {
            target.set(LONG, targetOffset + i, target.get(LONG, targetOffset + i) & ~other.get(LONG, otherOffset + i));
        }
    }

    /** How many bits are set. */
    public final int popCount(MemorySegment bitmap, long bitmapOffset, int count) {
        assert isCount(count) : count;
        int set = 0;
        for (long i = 0; i < bitmapBytes(count); i += Long.BYTES) {
            set += Long.bitCount(bitmap.get(LONG, bitmapOffset + i));
        }
        return set;
    }

    /** Writes the indexes of the set bits as a selection; answers how many. */
    public abstract int bitmapToSelection(
            MemorySegment bitmap, long bitmapOffset, int count, MemorySegment selection, long selectionOffset);

    // Gathering: cell selection[i] of the source becomes cell i of the target, for i < count. The target may be the
    // source itself at the same offset, as a selection ascends. The JDK has no vector gather from native memory, so
    // there is one of each. Nothing is padded.

    /** Gathers cells of one byte. */
    public final void gather1(
            MemorySegment source,
            long sourceOffset,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) : count;
        for (int i = 0; i < count; i++) {
            long index = selection.get(INT, selectionOffset + i * 4L);
            target.set(BYTE, targetOffset + i, source.get(BYTE, sourceOffset + index));
        }
    }

    /** Gathers cells of two bytes. */
    public final void gather2(
            MemorySegment source,
            long sourceOffset,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) : count;
        for (int i = 0; i < count; i++) {
            long index = selection.get(INT, selectionOffset + i * 4L);
            target.set(SHORT, targetOffset + i * 2L, source.get(SHORT, sourceOffset + index * 2));
        }
    }

    /** Gathers cells of four bytes. */
    public final void gather4(
            MemorySegment source,
            long sourceOffset,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) : count;
        for (int i = 0; i < count; i++) {
            long index = selection.get(INT, selectionOffset + i * 4L);
            target.set(INT, targetOffset + i * 4L, source.get(INT, sourceOffset + index * 4));
        }
    }

    /** Gathers cells of eight bytes. */
    public final void gather8(
            MemorySegment source,
            long sourceOffset,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) : count;
        for (int i = 0; i < count; i++) {
            long index = selection.get(INT, selectionOffset + i * 4L);
            target.set(LONG, targetOffset + i * 8L, source.get(LONG, sourceOffset + index * 8));
        }
    }

    /** Gathers cells of sixteen bytes. */
    public final void gather16(
            MemorySegment source,
            long sourceOffset,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        assert isCount(count) : count;
        for (int i = 0; i < count; i++) {
            long index = selection.get(INT, selectionOffset + i * 4L);
            long low = source.get(LONG, sourceOffset + index * 16);
            long high = source.get(LONG, sourceOffset + index * 16 + 8);
            target.set(LONG, targetOffset + i * 16L, low);
            target.set(LONG, targetOffset + i * 16L + 8, high);
        }
    }

    // Totals over the values whose bit is set.

    /** Sum of 64-bit integers; wraps around. */
    public abstract long sumLong(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset);

    /**
     * Sum of doubles, in a fixed order: eight sums, of the values whose index leaves 0 to 7 when divided by 8, then
     * {@code ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))}. The sum of nothing, and of nothing but -0.0, is 0.0.
     */
    public abstract double sumDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset);

    /** The smallest 64-bit integer; of nothing, {@link Long#MAX_VALUE}. */
    public abstract long minLong(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset);

    /** The largest 64-bit integer; of nothing, {@link Long#MIN_VALUE}. */
    public abstract long maxLong(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset);

    /** The smallest double, NaN left out, -0.0 less than 0.0; of nothing, positive infinity. */
    public abstract double minDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset);

    /** The largest double, NaN left out, -0.0 less than 0.0; of nothing, negative infinity. */
    public abstract double maxDouble(
            MemorySegment values, long valuesOffset, int count, MemorySegment bitmap, long bitmapOffset);

    static boolean isCount(int count) {
        return 0 <= count && count <= COUNT_MAX;
    }

    /** The bits of the last, not full word of a bitmap. */
    static long tailMask(int count) {
        return (1L << count) - 1; // Java shifts by count % 64.
    }

    /** The lowest {@code width} bits, 0 to 64. */
    static long lowBits(int width) {
        return width == 0 ? 0 : -1L >>> (Long.SIZE - width);
    }
}
