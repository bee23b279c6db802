package io.nyala.encoding;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;

/**
 * One vector as it lies in memory: where it is, and what its header says.
 *
 * <p>{@link #wrap} checks the header and the geometry, that is every size and position that follows from it, against
 * the bytes that the container says the vector has. What can only be seen by reading the contents (codes, run ends,
 * string ends) is checked where it is read.
 *
 * <p>A reusable handle for one thread at a time; it owns no memory, and what it points at must stay as it is while it
 * is used.
 */
public final class EncodedVector {
    MemorySegment source = MemorySegment.NULL;
    long offset;
    long bytes;
    /** How often this handle was pointed at a vector, for what is kept of the one that it points at. */
    long wrapCount;

    private VectorEncoding encoding = VectorEncoding.PLAIN;
    private int cellBytes;
    private int count;
    private long decodedBytes;

    // What the class of the encoding found; which of them mean something depends on the encoding.

    /** Runs, dictionary entries, rows of a plain vector, 1 for a constant. */
    int entryCount;
    /** Where the fixed cells of the entries are. */
    long cells;
    /** Where run ends or packed numbers are. */
    long packed;
    /** Bits of a packed number. */
    int width;
    /** Added to a packed number. */
    long minimum;
    /** Where the first values of blocks are, and their bits; or the positions of exceptions. */
    long bases;

    int baseWidth;
    /** Powers of ten. */
    int exponent;

    int factor;
    /** Strings of a block, as a power of two. */
    int blockBits;
    /** Added to each step from a value to the next. */
    long leastStep;
    /** What the string lies in that was located last. */
    MemorySegment cellMemory = MemorySegment.NULL;
    /** The strings of the entries. */
    final ByteStrings strings = new ByteStrings();
    /** Shared by the handles of one thread. */
    final DecoderScratch scratch;

    public EncodedVector(DecoderScratch scratch) {
        this.scratch = scratch;
    }

    /**
     * Points this handle at a vector of exactly {@code bytes} bytes, after which {@link
     * VectorFormat#READ_PADDING_BYTES} more are readable; answers this.
     */
    public EncodedVector wrap(MemorySegment source, long offset, long bytes) {
        Check.within("vector and padding", offset, bytes + VectorFormat.READ_PADDING_BYTES, source.byteSize());
        this.source = source;
        this.offset = offset;
        this.bytes = bytes;
        wrapCount++;
        check("bytes", 0, bytes, VectorFormat.FIXED_BODY, Integer.MAX_VALUE);
        int id = source.get(Cells.BYTE, offset + VectorFormat.ENCODING) & 0xFF;
        if (!VectorEncoding.isKnown(id)) {
            throw new CorruptVectorException("encoding", VectorFormat.ENCODING, id, 1, VectorEncoding.values().length);
        }
        encoding = VectorEncoding.of(id);
        cellBytes = source.get(Cells.BYTE, offset + VectorFormat.CELL_BYTES) & 0xFF;
        if (cellBytes != 0 && !VectorFormat.isCellBytes(cellBytes)) {
            throw new CorruptVectorException("cell", VectorFormat.CELL_BYTES, cellBytes, 0, 16);
        }
        count = source.get(Cells.SHORT, offset + VectorFormat.COUNT) & 0xFFFF;
        int countMin = encoding == VectorEncoding.PLAIN ? 0 : 1;
        check("count", VectorFormat.COUNT, count, countMin, VectorFormat.VALUES_MAX);
        decodedBytes = (long) count * cellBytes;
        if (cellBytes == 0) {
            check("bytes", 0, bytes, VectorFormat.BINARY_BODY, Integer.MAX_VALUE);
            decodedBytes = source.get(Cells.INT, offset + VectorFormat.DECODED_BYTES) & 0xFFFF_FFFFL;
            check("decoded bytes", VectorFormat.DECODED_BYTES, decodedBytes, 0, Integer.MAX_VALUE);
        }
        readBody();
        return this;
    }

    /** Where {@link VectorDecoder#binaryCellOffset} found a string. */
    public MemorySegment cellMemory() {
        return cellMemory;
    }

    private void readBody() {
        switch (encoding) {
            case CONSTANT -> ConstantVector.read(this);
            case PLAIN -> PlainVector.read(this);
            case RUN_LENGTH -> RunLengthVector.read(this);
            case FRAME_OF_REFERENCE -> FrameOfReferenceVector.read(this);
            case DICTIONARY -> DictionaryVector.read(this);
            case DELTA -> DeltaVector.read(this);
            case PREFIX -> PrefixVector.read(this);
            case FSST -> FsstVector.read(this);
            case ALP -> AlpVector.read(this);
        }
    }

    /**
     * Requires the kind and number of values that the container made room for; answers this. To be asked before a
     * vector is decoded: its header alone decides how much is written.
     */
    public EncodedVector expect(int expectedCellBytes, int expectedCount) {
        check("cell", VectorFormat.CELL_BYTES, cellBytes, expectedCellBytes, expectedCellBytes);
        check("count", VectorFormat.COUNT, count, expectedCount, expectedCount);
        return this;
    }

    /** Requires that {@link #decodedBytes} are as many as all strings were found to have together. */
    public void expectDecodedBytes(long found) {
        checkDecodedBytes(found, found);
    }

    public VectorEncoding encoding() {
        return encoding;
    }

    /** Values in the vector. */
    public int count() {
        return count;
    }

    /** Bytes of one fixed cell, or 0 if the values are byte strings. */
    public int cellBytes() {
        return cellBytes;
    }

    public boolean isBinary() {
        return cellBytes == 0;
    }

    /** Bytes of all values in flat form, without the offsets of byte strings. */
    public long decodedBytes() {
        return decodedBytes;
    }

    /** Bytes of the vector. */
    public long bytes() {
        return bytes;
    }

    /** Where the body begins, from the start of the vector. */
    long body() {
        return isBinary() ? VectorFormat.BINARY_BODY : VectorFormat.FIXED_BODY;
    }

    int u8(long at) {
        return source.get(Cells.BYTE, offset + at) & 0xFF;
    }

    int u16(long at) {
        return source.get(Cells.SHORT, offset + at) & 0xFFFF;
    }

    /** Requires {@code least <= actual <= most}; {@code at} is relative to the start of the vector. */
    void check(String what, long at, long actual, long least, long most) {
        if (actual < least || actual > most) {
            throw new CorruptVectorException(what, at, actual, least, most);
        }
    }

    /**
     * Requires of what all strings together are said to have that what was read of the vector allows it: whoever makes
     * room for them believes it. What they do have is seen when they are decoded.
     */
    void checkDecodedBytes(long least, long most) {
        check("decoded bytes", VectorFormat.DECODED_BYTES, decodedBytes, least, most);
    }

    /** Requires that the parts end where the vector does. */
    void checkEnd(long end) {
        if (end != bytes) {
            throw new CorruptVectorException("end", end, bytes, end);
        }
    }

    /** Requires that the vector reaches at least to {@code end}, so that what is before may be read. */
    void checkReaches(long end) {
        if (end > bytes) {
            throw new CorruptVectorException("end", 0, bytes, end, Integer.MAX_VALUE);
        }
    }

    /** Requires that the unused bits of packed numbers are zero. */
    void checkPacked(long at, int values, int bits) {
        int used = (int) ((long) values * bits & 7);
        long last = at + PackedInts.bytes(values, bits) - 1;
        if (used != 0 && u8(last) >>> used != 0) {
            throw new CorruptVectorException("unused bits", last, u8(last) >>> used, 0);
        }
    }
}
