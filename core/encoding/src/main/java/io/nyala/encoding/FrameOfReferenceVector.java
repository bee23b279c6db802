package io.nyala.encoding;

import io.nyala.memory.Kernels;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector of integers of 1, 2, 4 or 8 bytes: the minimum once, then each value's distance from it in as few bits as
 * the largest distance needs. Suits timestamps, ids, amounts and small enumerations.
 *
 * <pre>{@code
 *   0        4       5           8                   16
 *   +--------+-------+-----------+-------------------+-------------------------------
 *   | header | width |   zero    |      minimum      | distances
 *   +--------+-------+-----------+-------------------+-------------------------------
 *              u8       u8[3]            i64           ceil(count * width / 8) bytes
 * }</pre>
 *
 * Header: {@link VectorFormat}. Value {@code i} is {@code minimum} plus the {@code width} bits at bit {@code i *
 * width} of {@code distances}, cut to the size of a cell; see {@link PackedInts}. Cells are taken as signed integers
 * whatever they mean, which loses nothing.
 *
 * <p>Example, the 4-byte cells {@code [1000, 1003, 1001]}: {@code 04 04 03 00 | 02 | 00 00 00 | e8 03 00 00 00 00 00
 * 00 | 1c}.
 */
final class FrameOfReferenceVector {
    /** Beyond it 64-bit windows do not hold a number at every bit position, and there is little left to save. */
    static final int WIDTH_MAX = 56;

    private static final Kernels KERNELS = Kernels.best();

    private static final long WIDTH = 4;
    private static final long ZERO = 5;
    private static final long MINIMUM = 8;
    private static final long DISTANCES = 16;

    private FrameOfReferenceVector() {}

    static void read(EncodedVector vector) {
        vector.check("cell", VectorFormat.CELL_BYTES, vector.cellBytes(), 1, Long.BYTES);
        vector.checkReaches(DISTANCES);
        vector.width = vector.u8(WIDTH);
        vector.check("width", WIDTH, vector.width, 0, Math.min(WIDTH_MAX, vector.cellBytes() * Byte.SIZE));
        for (long zero = ZERO; zero < MINIMUM; zero++) {
            vector.check("zero", zero, vector.u8(zero), 0, 0);
        }
        vector.minimum = vector.source.get(Cells.LONG, vector.offset + MINIMUM);
        vector.packed = vector.offset + DISTANCES;
        vector.checkEnd(DISTANCES + PackedInts.bytes(vector.count(), vector.width));
        vector.checkPacked(DISTANCES, vector.count(), vector.width);
    }

    /** The value at {@code index}, not yet cut to the size of a cell. */
    static long value(EncodedVector vector, int index) {
        return vector.minimum + PackedInts.get(vector.source, vector.packed, vector.width, index);
    }

    static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        int count = vector.count();
        int minimum = (int) vector.minimum;
        MemorySegment source = vector.source;
        MemorySegment ints = vector.scratch.segment();
        switch (vector.cellBytes()) {
            case 8 -> KERNELS.unpack(source, vector.packed, vector.width, count, vector.minimum, target, targetOffset);
            case 4 -> KERNELS.unpackInt(source, vector.packed, vector.width, count, minimum, target, targetOffset);
            default -> {
                KERNELS.unpackInt(source, vector.packed, vector.width, count, minimum, ints, DecoderScratch.VALUES);
                Cells.narrow(ints, DecoderScratch.VALUES, vector.cellBytes(), count, target, targetOffset);
            }
        }
    }

    static boolean isPossible(FixedShape shape) {
        return shape.cellBytes() <= Long.BYTES && shape.count() > 0 && shape.width() <= WIDTH_MAX;
    }

    static long fixedBytes(FixedShape shape) {
        return DISTANCES + PackedInts.bytes(shape.count(), shape.width());
    }

    static long encodeFixed(FixedShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        VectorFormat.putFixedHeader(
                target, offset, VectorEncoding.FRAME_OF_REFERENCE, shape.cellBytes(), shape.count());
        target.set(Cells.INT, offset + WIDTH, shape.width()); // And three zeros.
        target.set(Cells.LONG, offset + MINIMUM, shape.min());
        putDistances(shape, scratch, target, offset + DISTANCES);
        return fixedBytes(shape);
    }

    private static void putDistances(FixedShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        int width = shape.width();
        int count = shape.count();
        MemorySegment values = shape.values();
        switch (shape.cellBytes()) {
            case 8 -> KERNELS.pack(values, shape.offset(0), width, count, shape.min(), target, offset);
            case 4 -> KERNELS.packInt(values, shape.offset(0), width, count, (int) shape.min(), target, offset);
            default -> {
                MemorySegment ints = scratch.segment();
                for (int i = 0; i < count; i++) {
                    int value = (int) Cells.signed(values, shape.offset(i), shape.cellBytes());
                    ints.set(Cells.INT, EncoderScratch.INTS + i * 4L, value);
                }
                KERNELS.packInt(ints, EncoderScratch.INTS, width, count, (int) shape.min(), target, offset);
            }
        }
    }

    static void annotate(EncodedVector vector, Notes notes) {
        notes.note(vector.offset + WIDTH, 1, "width: " + vector.width);
        notes.note(vector.offset + ZERO, 3, "zero");
        notes.note(vector.offset + MINIMUM, 8, "minimum: " + vector.minimum);
        Annotation.packed(vector, "distances", vector.count(), notes);
    }
}
