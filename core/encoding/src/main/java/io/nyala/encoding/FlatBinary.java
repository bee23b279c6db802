package io.nyala.encoding;

import java.lang.foreign.MemorySegment;

/**
 * Byte strings in flat form: where their offsets and their bytes lie.
 *
 * <pre>{@code
 *   offsets  +----------+----------+-- - - --+--------------+
 *            | offset 0 | offset 1 |         | offset count |     i32[count + 1], ascending
 *            +----------+----------+-- - - --+--------------+
 *   bytes    string i is bytes[offset i, offset i+1)
 * }</pre>
 *
 * Little-endian, no alignment. Offset 0 need not be 0, so that a part of a larger batch is a {@code FlatBinary} as
 * well; what {@link VectorDecoder} writes starts at 0.
 *
 * <p>A reusable handle for one thread; it owns no memory.
 */
public final class FlatBinary {
    private MemorySegment offsets = MemorySegment.NULL;
    private long offsetsOffset;
    private MemorySegment bytes = MemorySegment.NULL;
    private long bytesOffset;

    /** Points this handle at strings, or at room for them; answers this. */
    public FlatBinary wrap(MemorySegment offsets, long offsetsOffset, MemorySegment bytes, long bytesOffset) {
        this.offsets = offsets;
        this.offsetsOffset = offsetsOffset;
        this.bytes = bytes;
        this.bytesOffset = bytesOffset;
        return this;
    }

    public MemorySegment offsets() {
        return offsets;
    }

    public long offsetsOffset() {
        return offsetsOffset;
    }

    public MemorySegment bytes() {
        return bytes;
    }

    public long bytesOffset() {
        return bytesOffset;
    }

    /** Offset {@code index}, relative to {@link #bytesOffset}. */
    public int offset(int index) {
        return offsets.get(Cells.INT, offsetsOffset + (long) index * Integer.BYTES);
    }

    /** Bytes of string {@code index}. */
    public int bytes(int index) {
        return offset(index + 1) - offset(index);
    }

    /** Where string {@code index} begins in {@link #bytes()}. */
    public long start(int index) {
        return bytesOffset + offset(index);
    }

    void offset(int index, int offset) {
        offsets.set(Cells.INT, offsetsOffset + (long) index * Integer.BYTES, offset);
    }
}
