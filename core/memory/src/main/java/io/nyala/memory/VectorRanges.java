package io.nyala.memory;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.ULE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Compares packed values with a range in registers: nothing is unpacked to memory.
 *
 * <p>A value is not even shifted to where its lane begins. The bounds are, once a call, to where the values lie in
 * their {@link VectorWindows}, so that a register takes a permutation of bytes and three short operations:
 *
 * <pre>{@code
 *   window of width 12, from bit 4 on    hhhh hhhh hhhh hhhh vvvv vvvv vvvv llll
 *   & mask                               0000 0000 0000 0000 vvvv vvvv vvvv 0000
 *   - low << 4, <= span << 4             unsigned; what is below low wraps around to large
 * }</pre>
 *
 * <p>64 values become a word of the bitmap; where that has no bit set, they are not read. Stateless.
 */
final class VectorRanges {
    private static final VectorSpecies<Integer> INTS = VectorWindows.INTS;
    private static final VectorSpecies<Long> LONGS = VectorWindows.LONGS;

    private static final int INT_LANES = INTS.length();
    private static final int LONG_LANES = LONGS.length();

    /** As in {@link VectorUnpack}. */
    private static final int INT_GROUP = Math.max(8, INT_LANES);

    private static final int LONG_GROUP = Math.max(8, LONG_LANES);

    /** A mask of two lanes is what the compiler does not know how to make a number of. */
    static final boolean ARE_LONGS_QUICK = LONG_LANES > 2;

    private VectorRanges() {}

    /** For widths that a window of 32 bits holds. */
    static void ofInts(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset) {
        long bytes = VectorUnpack.readBytes(width, INT_LANES, count);
        long from = NativeMemory.readable(source, sourceOffset, bytes) * Byte.SIZE;
        for (int pass = 0; pass < INT_GROUP && pass < count; pass += INT_LANES) {
            ofInts(from, width, pass, count, (int) low, (int) (high - low), bitmap, bitmapOffset);
        }
    }

    private static void ofInts(
            long sourceBit,
            int width,
            int pass,
            int count,
            int low,
            int span,
            MemorySegment bitmap,
            long bitmapOffset) {
        long first = sourceBit + (long) pass * width;
        IntVector bit = IntVector.zero(INTS).addIndex(width).add((int) first & 7);
        VectorShuffle<Byte> bytes = VectorWindows.bytesOfInts(bit);
        IntVector shift = bit.and(7);
        IntVector mask = IntVector.broadcast(INTS, (int) Kernels.lowBits(width)).lanewise(LSHL, shift);
        IntVector lows = IntVector.broadcast(INTS, low).lanewise(LSHL, shift);
        IntVector spans = IntVector.broadcast(INTS, span).lanewise(LSHL, shift);
        long others = others(INT_LANES, INT_GROUP, pass);
        long at = first >>> 3;
        long groupBytes = (long) width * INT_GROUP / 8;
        int whole = count & -Long.SIZE;
        for (int start = 0; start < whole; start += Long.SIZE) {
            long before = bitmap.get(Kernels.LONG, bitmapOffset + start / 8);
            if (before != 0) {
                long word = 0;
                for (int i = 0; i < Long.SIZE; i += INT_GROUP) { // Of constant length, which the compiler unrolls.
                    IntVector value = VectorWindows.ints(at + i / INT_GROUP * groupBytes, bytes)
                            .and(mask);
                    word |= value.sub(lows).compare(ULE, spans).toLong() << i;
                }
                bitmap.set(Kernels.LONG, bitmapOffset + start / 8, before & (word << pass | others));
            }
            at += Long.SIZE / INT_GROUP * groupBytes;
        }
        if (whole + pass < count) {
            long word = 0;
            for (int i = 0; whole + pass + i < count; i += INT_GROUP) {
                IntVector value = VectorWindows.ints(at + i / INT_GROUP * groupBytes, bytes)
                        .and(mask);
                word |= value.sub(lows).compare(ULE, spans).toLong() << i;
            }
            Kernels.narrow(bitmap, bitmapOffset + whole / 8, word << pass | others);
        }
    }

    /** For widths that a window of 64 bits holds. */
    static void ofLongs(
            MemorySegment source,
            long sourceOffset,
            int width,
            int count,
            long low,
            long high,
            MemorySegment bitmap,
            long bitmapOffset) {
        long bytes = VectorUnpack.readBytes(width, LONG_LANES, count);
        long from = NativeMemory.readable(source, sourceOffset, bytes) * Byte.SIZE;
        for (int pass = 0; pass < LONG_GROUP && pass < count; pass += LONG_LANES) {
            ofLongs(from, width, pass, count, low, high - low, bitmap, bitmapOffset);
        }
    }

    private static void ofLongs(
            long sourceBit,
            int width,
            int pass,
            int count,
            long low,
            long span,
            MemorySegment bitmap,
            long bitmapOffset) {
        long first = sourceBit + (long) pass * width;
        LongVector bit = LongVector.zero(LONGS).addIndex(width).add(first & 7);
        VectorShuffle<Byte> bytes = VectorWindows.bytesOfLongs(bit);
        LongVector shift = bit.and(7);
        LongVector mask = LongVector.broadcast(LONGS, Kernels.lowBits(width)).lanewise(LSHL, shift);
        LongVector lows = LongVector.broadcast(LONGS, low).lanewise(LSHL, shift);
        LongVector spans = LongVector.broadcast(LONGS, span).lanewise(LSHL, shift);
        long others = others(LONG_LANES, LONG_GROUP, pass);
        long at = first >>> 3;
        long groupBytes = (long) width * LONG_GROUP / 8;
        int whole = count & -Long.SIZE;
        for (int start = 0; start < whole; start += Long.SIZE) {
            long before = bitmap.get(Kernels.LONG, bitmapOffset + start / 8);
            if (before != 0) {
                long word = 0;
                for (int i = 0; i < Long.SIZE; i += LONG_GROUP) {
                    LongVector value = VectorWindows.longs(at + i / LONG_GROUP * groupBytes, bytes)
                            .and(mask);
                    word |= value.sub(lows).compare(ULE, spans).toLong() << i;
                }
                bitmap.set(Kernels.LONG, bitmapOffset + start / 8, before & (word << pass | others));
            }
            at += Long.SIZE / LONG_GROUP * groupBytes;
        }
        if (whole + pass < count) {
            long word = 0;
            for (int i = 0; whole + pass + i < count; i += LONG_GROUP) {
                LongVector value = VectorWindows.longs(at + i / LONG_GROUP * groupBytes, bytes)
                        .and(mask);
                word |= value.sub(lows).compare(ULE, spans).toLong() << i;
            }
            Kernels.narrow(bitmap, bitmapOffset + whole / 8, word << pass | others);
        }
    }

    /** The bits of a word that stand for values of other passes: of each group all but as many as there are lanes. */
    private static long others(int lanes, int group, int pass) {
        long own = 0;
        for (int i = pass; i < Long.SIZE; i += group) {
            own |= ((1L << lanes) - 1) << i;
        }
        return ~own;
    }
}
