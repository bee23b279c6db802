package io.nyala.encoding;

import io.nyala.memory.Check;
import io.nyala.memory.Kernels;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector of integers of 1, 2, 4 or 8 bytes as steps from each value to the next, in blocks of 32 whose first values
 * stand beside. Suits sorted numbers, timestamps, sequences.
 *
 * <pre>{@code
 *   0        4       5            6      8               16              24
 *   +--------+-------+------------+------+---------------+---------------+---------+---------
 *   | header | width | base width | zero |    minimum    |  least step   |  bases  |  steps
 *   +--------+-------+------------+------+---------------+---------------+---------+---------
 *              u8         u8        u8[2]       i64             i64        packed    packed
 * }</pre>
 *
 * Header: {@link VectorFormat}; packed numbers: {@link PackedInts}. With {@code b = i / 32}, value {@code i} is {@code
 * minimum + bases[b] + (i - 32 * b) * least step} plus the sum of {@code steps[32 * b + 1]} to {@code steps[i]}, all
 * modulo 2 to the 64th and cut to the size of a cell. There is a base for each block, the last one perhaps shorter, and
 * a step for each value; the step of the first value of a block is zero and means nothing. A {@code width} of 0 means
 * steps of one size: then there are no bases, {@code base width} is 0, and value {@code i} is {@code minimum + i *
 * least step}, so that {@code minimum} is the first value.
 *
 * <p>Where {@code least step} is not negative, values ascend: keys are searched, and ranges answered, by bases, and
 * then in one block.
 *
 * <p>Example, the sixteen 4-byte cells {@code [5, 9, 13, ..., 65]}: {@code 06 04 10 00 | 00 00 | 00 00 | 05 00 00 00 00
 * 00 00 00 | 04 00 00 00 00 00 00 00}.
 */
final class DeltaVector {
    /** As in {@link FrameOfReferenceVector}. */
    static final int WIDTH_MAX = FrameOfReferenceVector.WIDTH_MAX;

    /** Values of a block: a single one costs 16 additions on average, and the bases half a bit a value or less. */
    private static final int BLOCK = 32;

    private static final int BLOCK_BITS = 5;

    private static final Kernels KERNELS = Kernels.best();

    private static final long WIDTH = 4;
    private static final long BASE_WIDTH = 5;
    private static final long ZERO = 6;
    private static final long MINIMUM = 8;
    private static final long LEAST_STEP = 16;
    private static final long BASES = 24;

    static {
        Check.that(BLOCK == 1 << BLOCK_BITS && BLOCK == Kernels.SUM_RUN, "a block is a run of the kernel");
    }

    private DeltaVector() {}

    static void read(EncodedVector vector) {
        vector.check("cell", VectorFormat.CELL_BYTES, vector.cellBytes(), 1, Long.BYTES);
        vector.checkReaches(BASES);
        int widthMax = Math.min(WIDTH_MAX, vector.cellBytes() * Byte.SIZE);
        vector.width = vector.u8(WIDTH);
        vector.check("width", WIDTH, vector.width, 0, widthMax);
        vector.baseWidth = vector.u8(BASE_WIDTH);
        vector.check("base width", BASE_WIDTH, vector.baseWidth, 0, vector.width == 0 ? 0 : widthMax);
        vector.check("zero", ZERO, vector.u16(ZERO), 0, 0);
        vector.minimum = vector.source.get(Cells.LONG, vector.offset + MINIMUM);
        vector.leastStep = vector.source.get(Cells.LONG, vector.offset + LEAST_STEP);
        int blocks = vector.width == 0 ? 0 : blocks(vector.count());
        long steps = BASES + PackedInts.bytes(blocks, vector.baseWidth);
        vector.bases = vector.offset + BASES;
        vector.packed = vector.offset + steps;
        vector.checkEnd(steps + PackedInts.bytes(vector.count(), vector.width));
        vector.checkPacked(BASES, blocks, vector.baseWidth);
        vector.checkPacked(steps, vector.count(), vector.width);
    }

    private static int blocks(int count) {
        return (count + BLOCK - 1) >>> BLOCK_BITS;
    }

    private static long base(EncodedVector vector, int block) {
        return vector.minimum + PackedInts.get(vector.source, vector.bases, vector.baseWidth, block);
    }

    private static long step(EncodedVector vector, int index) {
        return vector.leastStep + PackedInts.get(vector.source, vector.packed, vector.width, index);
    }

    /** The value at {@code index}, not yet cut to the size of a cell. */
    static long value(EncodedVector vector, int index) {
        if (vector.width == 0) {
            return vector.minimum + index * vector.leastStep;
        }
        int block = index >>> BLOCK_BITS;
        long value = base(vector, block);
        for (int i = (block << BLOCK_BITS) + 1; i <= index; i++) {
            value += step(vector, i);
        }
        return value;
    }

    static boolean isAscending(EncodedVector vector) {
        return vector.leastStep >= 0;
    }

    /** Of ascending values, the index of the first that is not smaller than {@code key}; the count if there is none. */
    static int lowerBound(EncodedVector vector, long key) {
        int low = 0;
        int high = vector.width == 0 ? vector.count() : blocks(vector.count());
        while (low < high) {
            int middle = (low + high) >>> 1;
            long value = vector.width == 0 ? value(vector, middle) : base(vector, middle);
            if (value < key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return vector.width == 0 || low == 0 ? low : lowerBoundInBlock(vector, low - 1, key);
    }

    /** The same in a block whose first value is smaller; the end of the block if all are. */
    private static int lowerBoundInBlock(EncodedVector vector, int block, long key) {
        int index = block << BLOCK_BITS;
        int end = Math.min(vector.count(), index + BLOCK);
        long value = base(vector, block);
        while (value < key && ++index < end) {
            value += step(vector, index);
        }
        return index;
    }

    static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        switch (vector.cellBytes()) {
            case 8 -> decodeLongs(vector, target, targetOffset);
            case 4 -> decodeInts(vector, target, targetOffset);
            default -> {
                MemorySegment ints = vector.scratch.segment();
                decodeInts(vector, ints, DecoderScratch.VALUES);
                Cells.narrow(ints, DecoderScratch.VALUES, vector.cellBytes(), vector.count(), target, targetOffset);
            }
        }
    }

    private static void decodeLongs(EncodedVector vector, MemorySegment target, long offset) {
        int count = vector.count();
        if (vector.width == 0) {
            for (int i = 0; i < count; i++) {
                target.set(Cells.LONG, offset + i * 8L, vector.minimum + i * vector.leastStep);
            }
            return;
        }
        KERNELS.unpack(vector.source, vector.packed, vector.width, count, vector.leastStep, target, offset);
        for (int i = 0; i < count; i += BLOCK) {
            target.set(Cells.LONG, offset + i * 8L, base(vector, i >>> BLOCK_BITS));
        }
        KERNELS.runningSumsLong(target, offset, count);
    }

    private static void decodeInts(EncodedVector vector, MemorySegment target, long offset) {
        int count = vector.count();
        int leastStep = (int) vector.leastStep;
        if (vector.width == 0) {
            for (int i = 0; i < count; i++) {
                target.set(Cells.INT, offset + i * 4L, (int) vector.minimum + i * leastStep);
            }
            return;
        }
        KERNELS.unpackInt(vector.source, vector.packed, vector.width, count, leastStep, target, offset);
        for (int i = 0; i < count; i += BLOCK) {
            target.set(Cells.INT, offset + i * 4L, (int) base(vector, i >>> BLOCK_BITS));
        }
        KERNELS.runningSumsInt(target, offset, count);
    }

    static boolean isPossible(FixedShape shape) {
        int widthMax = Math.min(WIDTH_MAX, shape.cellBytes() * Byte.SIZE);
        // Where the largest is farther from the smallest than a number reaches, steps may wrap around.
        return shape.cellBytes() <= Long.BYTES
                && shape.count() > 1
                && shape.width() <= WIDTH_MAX
                && shape.stepWidth() <= widthMax;
    }

    static long fixedBytes(FixedShape shape) {
        int width = shape.stepWidth();
        if (width == 0) {
            return BASES;
        }
        long bases = PackedInts.bytes(blocks(shape.count()), baseWidth(shape));
        return BASES + bases + PackedInts.bytes(shape.count(), width);
    }

    private static long blockStart(FixedShape shape, int block) {
        return Cells.signed(shape.values(), shape.offset(block << BLOCK_BITS), shape.cellBytes());
    }

    private static long leastBase(FixedShape shape) {
        long least = Long.MAX_VALUE;
        for (int block = 0; block < blocks(shape.count()); block++) {
            least = Math.min(least, blockStart(shape, block));
        }
        return least;
    }

    private static int baseWidth(FixedShape shape) {
        long most = Long.MIN_VALUE;
        for (int block = 0; block < blocks(shape.count()); block++) {
            most = Math.max(most, blockStart(shape, block));
        }
        return PackedInts.width(most - leastBase(shape));
    }

    static long encodeFixed(FixedShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        int count = shape.count();
        int width = shape.stepWidth();
        VectorFormat.putFixedHeader(target, offset, VectorEncoding.DELTA, shape.cellBytes(), count);
        target.set(Cells.INT, offset + WIDTH, width); // And three zeros.
        target.set(Cells.LONG, offset + LEAST_STEP, shape.leastStep());
        if (width == 0) {
            target.set(Cells.LONG, offset + MINIMUM, blockStart(shape, 0));
            return BASES;
        }
        MemorySegment longs = scratch.segment();
        int blocks = blocks(count);
        for (int block = 0; block < blocks; block++) {
            longs.set(Cells.LONG, EncoderScratch.LONGS + block * 8L, blockStart(shape, block));
        }
        int baseWidth = baseWidth(shape);
        long minimum = leastBase(shape);
        target.set(Cells.BYTE, offset + BASE_WIDTH, (byte) baseWidth);
        target.set(Cells.LONG, offset + MINIMUM, minimum);
        KERNELS.pack(longs, EncoderScratch.LONGS, baseWidth, blocks, minimum, target, offset + BASES);
        long steps = BASES + PackedInts.bytes(blocks, baseWidth);
        long previous = 0;
        for (int i = 0; i < count; i++) {
            long value = Cells.signed(shape.values(), shape.offset(i), shape.cellBytes());
            long step = i % BLOCK == 0 ? 0 : value - previous - shape.leastStep();
            longs.set(Cells.LONG, EncoderScratch.LONGS + i * 8L, step);
            previous = value;
        }
        KERNELS.pack(longs, EncoderScratch.LONGS, width, count, 0, target, offset + steps);
        return steps + PackedInts.bytes(count, width);
    }

    static void annotate(EncodedVector vector, Notes notes) {
        int blocks = vector.width == 0 ? 0 : blocks(vector.count());
        notes.note(vector.offset + WIDTH, 1, "width: " + vector.width);
        notes.note(vector.offset + BASE_WIDTH, 1, "base width: " + vector.baseWidth);
        notes.note(vector.offset + ZERO, 2, "zero");
        notes.note(vector.offset + MINIMUM, 8, "minimum: " + vector.minimum);
        notes.note(vector.offset + LEAST_STEP, 8, "least step: " + vector.leastStep);
        Annotation.packed(vector, "bases", vector.bases, vector.baseWidth, blocks, notes);
        Annotation.packed(vector, "steps", vector.packed, vector.width, vector.count(), notes);
    }
}
