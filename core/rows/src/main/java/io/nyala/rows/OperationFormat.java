package io.nyala.rows;

import java.lang.foreign.MemorySegment;

/**
 * One operation of a write batch in memory, as the caller asked for it. Little-endian, 8-byte aligned within the batch.
 *
 * <pre>{@code
 *   0                4      5        6          8          12                16
 *   +----------------+------+--------+----------+----------+-----------------+-------- - -
 *   | operationBytes | kind | isset  | keyBytes | rowBytes | operation index | isset bitmap | row | key | zero
 *   |                |      | bytes  |          |          |                 |              |     |     |
 *   +----------------+------+--------+----------+----------+-----------------+-------- - -
 *         u32           u8      u8       u16        u32            u32
 *
 *   with conditions:  ... | key | zero | conditions | zero
 * }</pre>
 *
 * <ul>
 *   <li>{@code operationBytes}: all of it, zero padding to a multiple of 8 included.
 *   <li>{@code kind}: {@link OperationKind#code}; the highest bit is 1 if there are conditions.
 *   <li>{@code operation index}: counts the operations as the caller started them, those included that failed at once
 *       and are not here.
 *   <li>{@code isset bitmap}: bit {@code i % 8} of byte {@code i / 8} is 1 if the caller set column {@code i}.
 *   <li>{@code row}: packed ({@link RowLayout}). An operation that may insert has the write defaults filled in; in the
 *       others, cells that are not set are zero.
 *   <li>{@code key}: encoded ({@link KeyCodec}).
 *   <li>{@code conditions}: at the next multiple of 8 behind the key, if there are any: an UPDATE as {@link RowChange}
 *       draws it, whose cells are what the row must have for the operation to be done. A column may be there twice.
 * </ul>
 *
 * Never written to disk. Stateless; {@code (memory, operation)} is the pointer.
 */
public final class OperationFormat {
    static final int HEADER_BYTES = 16;

    static final int ALIGNMENT = 8;

    private static final int KIND = 4;
    private static final int ISSET_BYTES = 5;
    private static final int KEY_BYTES = 6;
    private static final int ROW_BYTES = 8;
    private static final int INDEX = 12;

    private static final int WITH_CONDITIONS = 1 << 7;

    private OperationFormat() {}

    /** All of the operation: the next one begins behind it. */
    public static int operationBytes(MemorySegment memory, long operation) {
        return LittleEndian.getInt(memory, operation);
    }

    public static OperationKind kind(MemorySegment memory, long operation) {
        return OperationKind.ofCode(LittleEndian.unsignedByte(memory, operation + KIND) & ~WITH_CONDITIONS);
    }

    public static int operationIndex(MemorySegment memory, long operation) {
        return LittleEndian.getInt(memory, operation + INDEX);
    }

    public static long issetOffset(MemorySegment memory, long operation) {
        return operation + HEADER_BYTES;
    }

    public static boolean isSet(MemorySegment memory, long operation, int column) {
        return (LittleEndian.unsignedByte(memory, operation + HEADER_BYTES + (column >> 3)) >> (column & 7) & 1) != 0;
    }

    /** How many columns the caller set that an UPDATE changes: none of the key, and none that is immutable. */
    public static int changeCount(MemorySegment memory, long operation, RowLayout layout) {
        int count = 0;
        for (int i = layout.schema().keyColumnCount(); i < layout.columnCount(); i++) {
            count += isSet(memory, operation, i) && !layout.isImmutable(i) ? 1 : 0;
        }
        return count;
    }

    /** Whether the caller set an immutable column. */
    public static boolean setsImmutable(MemorySegment memory, long operation, RowLayout layout) {
        for (int i = layout.firstImmutable(); i < layout.columnCount(); i++) {
            if (layout.isImmutable(i) && isSet(memory, operation, i)) {
                return true;
            }
        }
        return false;
    }

    public static long rowOffset(MemorySegment memory, long operation) {
        return operation + HEADER_BYTES + LittleEndian.unsignedByte(memory, operation + ISSET_BYTES);
    }

    public static int rowBytes(MemorySegment memory, long operation) {
        return LittleEndian.getInt(memory, operation + ROW_BYTES);
    }

    public static long keyOffset(MemorySegment memory, long operation) {
        return rowOffset(memory, operation) + rowBytes(memory, operation);
    }

    public static int keyBytes(MemorySegment memory, long operation) {
        return LittleEndian.unsignedShort(memory, operation + KEY_BYTES);
    }

    /** Whether the operation is done only if the row has certain values. */
    public static boolean hasConditions(MemorySegment memory, long operation) {
        return (LittleEndian.unsignedByte(memory, operation + KIND) & WITH_CONDITIONS) != 0;
    }

    /** Where the conditions are, if there are any: a {@link RowChange#UPDATE}. */
    public static long conditionsOffset(MemorySegment memory, long operation) {
        assert hasConditions(memory, operation) : "no conditions at " + operation;
        long keyEnd = keyOffset(memory, operation) + keyBytes(memory, operation) - operation;
        return operation + ((keyEnd + ALIGNMENT - 1) & -ALIGNMENT);
    }

    /** The operation, which had none, has conditions now, and so many bytes with them. */
    static void setConditions(MemorySegment memory, long operation, int operationBytes) {
        LittleEndian.setInt(memory, operation, operationBytes);
        LittleEndian.setByte(
                memory, operation + KIND, LittleEndian.unsignedByte(memory, operation + KIND) | WITH_CONDITIONS);
    }

    static void writeHeader(MemorySegment memory, long operation, OperationKind kind, int issetBytes, int index) {
        LittleEndian.setInt(memory, operation, 0);
        LittleEndian.setByte(memory, operation + KIND, kind.code());
        LittleEndian.setByte(memory, operation + ISSET_BYTES, issetBytes);
        LittleEndian.setShort(memory, operation + KEY_BYTES, 0);
        LittleEndian.setInt(memory, operation + ROW_BYTES, 0);
        LittleEndian.setInt(memory, operation + INDEX, index);
    }

    static void setBytes(MemorySegment memory, long operation, int operationBytes, int rowBytes, int keyBytes) {
        LittleEndian.setInt(memory, operation, operationBytes);
        LittleEndian.setInt(memory, operation + ROW_BYTES, rowBytes);
        LittleEndian.setShort(memory, operation + KEY_BYTES, keyBytes);
    }
}
