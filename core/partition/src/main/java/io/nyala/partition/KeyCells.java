package io.nyala.partition;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Where the key columns of a row lie, be it a packed row or its encoded key: {@code (memory, base, keyBytes)} is the
 * pointer, and {@code keyBytes} is {@link #ROW} for a packed row. The value of a variable-length column lies there
 * either as it is, or, in an encoded key and not as its last column, with 00 01 for 00 and 00 00 behind it
 * ({@link KeyCodec}).
 *
 * <p>Immutable and shared; nothing allocates.
 */
final class KeyCells {
    /** In the place of the length of an encoded key: the pointer is one to a packed row. */
    static final int ROW = -1;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final RowLayout layout;
    private final int keyColumnCount;

    KeyCells(RowLayout layout) {
        this.layout = layout;
        this.keyColumnCount = layout.schema().keyColumnCount();
    }

    RowLayout layout() {
        return layout;
    }

    /** Whether a variable-length value has 00 01 for 00. */
    boolean isEscaped(int keyBytes, int column) {
        return keyBytes != ROW && column != keyColumnCount - 1;
    }

    /** Where the column begins. */
    long start(MemorySegment memory, long base, int keyBytes, int column) {
        if (keyBytes == ROW) {
            return layout.valueOffset(memory, base, column);
        }
        long at = base;
        for (int i = 0; i < column; i++) {
            at = layout.isVariable(i)
                    ? endOfEscaped(memory, at, base + keyBytes) + Short.BYTES
                    : at + layout.cellBytes(i);
        }
        return at;
    }

    /** Where a variable-length value that begins at {@code start} ends, what marks its end left out. */
    long end(MemorySegment memory, long base, int keyBytes, int column, long start) {
        if (keyBytes == ROW) {
            return start + layout.variableBytes(memory, base, column);
        }
        long end = base + keyBytes;
        return column == keyColumnCount - 1 ? end : endOfEscaped(memory, start, end);
    }

    /** The value of a fixed-width column; of a DECIMAL128 its upper half. Compares as the column does, but for that. */
    long high(MemorySegment memory, long base, int keyBytes, int column) {
        ColumnType type = layout.type(column);
        if (keyBytes == ROW) {
            return type == ColumnType.DECIMAL128
                    ? layout.getHighLong(memory, base, column)
                    : layout.getInteger(memory, base, column);
        }
        long at = start(memory, base, keyBytes, column);
        return switch (type.cellBytes()) {
            case Byte.BYTES -> (byte) (memory.get(JAVA_BYTE, at) ^ Byte.MIN_VALUE);
            case Short.BYTES -> (short) (memory.get(SHORT, at) ^ Short.MIN_VALUE);
            case Integer.BYTES -> memory.get(INT, at) ^ Integer.MIN_VALUE;
            default -> memory.get(LONG, at) ^ Long.MIN_VALUE;
        };
    }

    /** The lower half of a DECIMAL128, unsigned. */
    long low(MemorySegment memory, long base, int keyBytes, int column) {
        return keyBytes == ROW
                ? layout.getLong(memory, base, column)
                : memory.get(LONG, start(memory, base, keyBytes, column) + Long.BYTES);
    }

    /** Where the 00 00 is. */
    private static long endOfEscaped(MemorySegment memory, long start, long end) {
        long at = start;
        while (end - at >= Short.BYTES) {
            int bytes = Words.bytesBeforeZero(memory, at, end);
            at += bytes;
            if (bytes == Long.BYTES || end - at < Short.BYTES) {
                continue;
            }
            if (memory.get(JAVA_BYTE, at + 1) == 0) {
                return at;
            }
            at += Short.BYTES;
        }
        throw new MalformedBytesException("a string in a key does not end with 00 00", start);
    }
}
