package io.nyala.encoding;

import java.lang.foreign.MemorySegment;

/**
 * What all vectors have in common: the header, and the limits.
 *
 * <pre>{@code
 *   fixed cells                              byte strings
 *   0          1      2         4            0          1      2         4               8
 *   +----------+------+---------+-- - -      +----------+------+---------+---------------+-- - -
 *   | encoding | cell |  count  | body       | encoding | zero |  count  | decoded bytes | body
 *   +----------+------+---------+-- - -      +----------+------+---------+---------------+-- - -
 *        u8       u8      u16                     u8       u8      u16          u32
 * }</pre>
 *
 * <ul>
 *   <li>{@code encoding}: {@link VectorEncoding#id()}; the body is drawn by the class of that name.
 *   <li>{@code cell}: bytes of one cell: 1, 2, 4, 8 or 16; 0 for byte strings.
 *   <li>{@code count}: values, 0 to 1,024. Only {@link PlainVector} may have none.
 *   <li>{@code decoded bytes}: of all strings together, so that a reader can make room before it decodes.
 * </ul>
 *
 * Integers are little-endian and not aligned. Parts called {@code zero} are zero, and so are the unused bits of the
 * last byte of packed numbers; a reader refuses anything else. The vector does not know its own length: the container
 * passes it, exactly.
 *
 * <p>Example, the 4-byte cells {@code [7, 7, 7]}: {@code 01 04 03 00 | 07 00 00 00}, which is {@link ConstantVector}.
 */
public final class VectorFormat {
    /** Most values in a vector: 1,024 codes of 32 bits stay in the first-level cache together with what they become. */
    public static final int VALUES_MAX = 1024;

    /**
     * Bytes after a vector that its container guarantees to be readable, whatever they hold. Kernels load whole
     * registers, so the last load of a vector may begin within it and end up to this far behind.
     */
    public static final int READ_PADDING_BYTES = 64;

    /**
     * Bytes behind the decoded values that must be writable in every target of {@link VectorDecoder}; they are left
     * undefined. Kernels store whole registers.
     */
    public static final int WRITE_PADDING_BYTES = 64;

    static final long ENCODING = 0;
    static final long CELL_BYTES = 1;
    static final long COUNT = 2;
    static final long FIXED_BODY = 4;
    static final long DECODED_BYTES = 4;
    static final long BINARY_BODY = 8;

    private VectorFormat() {}

    /** Room that {@link VectorEncoder#encodeFixed} needs at its target, whatever the values are. */
    public static long maxFixedBytes(int count, int cellBytes) {
        return FIXED_BODY + (long) count * cellBytes + WRITE_PADDING_BYTES;
    }

    /** Room that {@link VectorEncoder#encodeBinary} needs at its target for strings of so many bytes together. */
    public static long maxBinaryBytes(int count, long dataBytes) {
        return BINARY_BODY + ByteStrings.HEADER_BYTES + (long) count * Integer.BYTES + dataBytes + WRITE_PADDING_BYTES;
    }

    /** Writes the header of a vector of fixed cells; answers where the body begins. */
    static long putFixedHeader(MemorySegment target, long offset, VectorEncoding encoding, int cellBytes, int count) {
        target.set(Cells.BYTE, offset + ENCODING, (byte) encoding.id());
        target.set(Cells.BYTE, offset + CELL_BYTES, (byte) cellBytes);
        target.set(Cells.SHORT, offset + COUNT, (short) count);
        return offset + FIXED_BODY;
    }

    /** Writes the header of a vector of byte strings; answers where the body begins. */
    static long putBinaryHeader(
            MemorySegment target, long offset, VectorEncoding encoding, int count, long decodedBytes) {
        putFixedHeader(target, offset, encoding, 0, count);
        target.set(Cells.INT, offset + DECODED_BYTES, (int) decodedBytes);
        return offset + BINARY_BODY;
    }

    static boolean isCellBytes(int cellBytes) {
        return Integer.bitCount(cellBytes) == 1 && cellBytes >= 1 && cellBytes <= 16;
    }
}
