package io.nyala.encoding;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A list of byte strings, as part of a vector: their ends bit-packed, then their bytes.
 *
 * <pre>{@code
 *   0              4        8       9           12
 *   +--------------+--------+-------+-----------+---------------------------+----------------- - -
 *   | string bytes | stride | width |   zero    | ends                      | strings
 *   +--------------+--------+-------+-----------+---------------------------+----------------- - -
 *         u32         u32      u8       u8[3]     ceil(count * width / 8)      u8[string bytes]
 * }</pre>
 *
 * String {@code i} ends, from the start of {@code strings}, at {@code (i + 1) * stride} plus the {@code width} bits
 * at bit {@code i * width} of {@code ends}, and begins where the one before ends. {@code stride} is the length of the
 * shortest, so strings of one length take no bits for their ends.
 *
 * <p>Example, {@code ["ab", "cde"]}: {@code 05 00 00 00 | 02 00 00 00 | 01 | 00 00 00 | 02 | 61 62 63 64 65}; the
 * packed numbers are 0 and 1.
 *
 * <p>The instance is the geometry as read: a reusable handle for one thread, part of {@link EncodedVector}.
 */
final class ByteStrings {
    static final long HEADER_BYTES = 12;

    private static final long STRING_BYTES = 0;
    private static final long STRIDE = 4;
    private static final long WIDTH = 8;
    private static final long ZERO = 9;

    private int count;
    private long stride;
    private int width;
    private long ends;
    private long data;
    private long dataBytes;

    /** Checks the list of {@code count} strings at {@code at} and requires that it ends where the vector does. */
    void read(EncodedVector vector, long at, int count) {
        vector.checkReaches(at + HEADER_BYTES);
        MemorySegment source = vector.source;
        long offset = vector.offset + at;
        dataBytes = source.get(Cells.INT, offset + STRING_BYTES) & 0xFFFF_FFFFL;
        stride = source.get(Cells.INT, offset + STRIDE) & 0xFFFF_FFFFL;
        width = vector.u8(at + WIDTH);
        this.count = count;
        vector.check("width of ends", at + WIDTH, width, 0, Integer.SIZE - 1);
        for (long zero = at + ZERO; zero < at + HEADER_BYTES; zero++) {
            vector.check("zero", zero, vector.u8(zero), 0, 0);
        }
        vector.check("stride", at + STRIDE, stride, 0, count == 0 ? 0 : dataBytes / count);
        long endsBytes = PackedInts.bytes(count, width);
        vector.checkEnd(at + HEADER_BYTES + endsBytes + dataBytes);
        vector.checkPacked(at + HEADER_BYTES, count, width);
        ends = offset + HEADER_BYTES;
        data = ends + endsBytes;
    }

    int count() {
        return count;
    }

    /** Bytes of all strings of the list. */
    long dataBytes() {
        return dataBytes;
    }

    /** The most that one string of the list may have, since none is shorter than the stride. There is one at least. */
    long longestMax() {
        return dataBytes - (count - 1) * stride;
    }

    /** Where in the segment the string bytes are. */
    long data() {
        return data;
    }

    /** The end of string {@code index}; of the one before the first, 0. */
    private long rawEnd(EncodedVector vector, int index) {
        return index < 0 ? 0 : (index + 1) * stride + PackedInts.get(vector.source, ends, width, index);
    }

    /**
     * Where in the segment string {@code index} begins. The caller has asked for {@link #bytes} of it, which checks.
     */
    long start(EncodedVector vector, int index) {
        assert 0 <= index && index < count : index + " of " + count;
        return data + rawEnd(vector, index - 1);
    }

    /** Bytes of string {@code index}, which is known to lie in the vector then. */
    int bytes(EncodedVector vector, int index) {
        assert 0 <= index && index < count : index + " of " + count;
        long start = rawEnd(vector, index - 1);
        long end = rawEnd(vector, index);
        if (start > end || end > dataBytes) {
            throw new CorruptVectorException(
                    "end of string " + index, ends - vector.offset, end, Math.min(start, dataBytes), dataBytes);
        }
        return (int) (end - start);
    }

    /**
     * Writes all ends into {@code target} and 0 before them, that is the offsets of the flat form, and checks that
     * they ascend.
     */
    void decodeOffsets(EncodedVector vector, FlatBinary target) {
        target.offset(0, 0);
        MemorySegment offsets = target.offsets();
        long at = target.offsetsOffset() + Integer.BYTES;
        PackedInts.unpackInts(vector.source, ends, width, count, offsets, at);
        long previous = 0;
        boolean ascending = true;
        for (int i = 0; i < count; i++) {
            long end = (i + 1) * stride + offsets.get(Cells.INT, at + i * 4L);
            ascending &= end >= previous;
            previous = end;
            offsets.set(Cells.INT, at + i * 4L, (int) end);
        }
        if (!ascending || previous != dataBytes) {
            throw new CorruptVectorException("ends of strings", ends - vector.offset, previous, dataBytes);
        }
    }

    /** Bytes that a list takes. */
    static long bytes(int count, int width, long dataBytes) {
        return HEADER_BYTES + PackedInts.bytes(count, width) + dataBytes;
    }

    /** Writes the strings that {@code shape} was taken of; answers the bytes written. */
    static long write(FlatBinary source, StringShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        int count = shape.count();
        long at = writeEnds(shape, scratch, target, offset);
        if (shape.isWhole()) {
            MemorySegment.copy(source.bytes(), source.start(0), target, at, shape.dataBytes());
        } else {
            for (int i = 0; i < count; i++) {
                int bytes = shape.bytes(i);
                MemorySegment.copy(source.bytes(), source.start(shape.row(i)), target, at, bytes);
                at += bytes;
            }
        }
        return bytes(count, shape.width(), shape.dataBytes());
    }

    /** Writes all but the bytes of the strings; answers where these go. */
    static long writeEnds(StringShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        int count = shape.count();
        target.set(Cells.INT, offset + STRING_BYTES, (int) shape.dataBytes());
        target.set(Cells.INT, offset + STRIDE, shape.stride());
        target.set(Cells.INT, offset + WIDTH, shape.width()); // And three zeros.
        MemorySegment distances = scratch.segment();
        long end = 0;
        for (int i = 0; i < count; i++) {
            end += shape.bytes(i);
            long distance = end - (i + 1L) * shape.stride();
            distances.set(Cells.INT, EncoderScratch.INTS + i * 4L, (int) distance);
        }
        long ends = offset + HEADER_BYTES;
        PackedInts.packInts(distances, EncoderScratch.INTS, count, shape.width(), target, ends);
        return ends + PackedInts.bytes(count, shape.width());
    }

    void annotate(EncodedVector vector, Notes notes) {
        long at = ends - HEADER_BYTES;
        notes.section("strings");
        notes.note(at + STRING_BYTES, 4, "string bytes: " + dataBytes);
        notes.note(at + STRIDE, 4, "stride: " + stride);
        notes.note(at + WIDTH, 1, "width of ends: " + width);
        notes.note(at + ZERO, 3, "zero");
        if (data > ends) {
            notes.note(ends, (int) (data - ends), "ends: " + count + " of " + width + " bits");
        }
        for (int i = 0; i < count; i++) {
            int bytes = bytes(vector, i);
            if (bytes > 0) {
                notes.note(start(vector, i), bytes, "string " + i);
            }
        }
        notes.endSection();
    }
}
