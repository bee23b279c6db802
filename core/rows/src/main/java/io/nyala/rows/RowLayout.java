package io.nyala.rows;

import static io.nyala.rows.LittleEndian.DOUBLE;
import static io.nyala.rows.LittleEndian.FLOAT;
import static io.nyala.rows.LittleEndian.INT;
import static io.nyala.rows.LittleEndian.LONG;
import static io.nyala.rows.LittleEndian.SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.StringJoiner;

/**
 * Where the cells of a packed row lie. Little-endian, no padding, at any address: a packed row holds offsets from its
 * own start only, so it can be copied as bytes.
 *
 * <pre>{@code
 *   0             ceil(columns / 8)                            fixedBytes
 *   +-------------+----------+----------+------- - - ----------+------------------------- - -
 *   | null bitmap | cell 0   | cell 1   | ...                  | bytes of variable cells
 *   +-------------+----------+----------+------- - - ----------+------------------------- - -
 *
 *   cell of a fixed-width column:            the value, 1 to 16 bytes; BOOL is 0 or 1
 *   cell of a variable-length column:        u32 offset from the row's start | u32 bytes
 * }</pre>
 *
 * <ul>
 *   <li>Bit {@code i % 8} of byte {@code i / 8} of the null bitmap is 1 if column {@code i} is NULL; unused bits are
 *       zero. The cell of a NULL is zero.
 *   <li>The bytes of variable cells follow each other in the order of the columns, without gaps. An empty value has
 *       the offset it would have if it were longer.
 * </ul>
 *
 * <p>Example, {@code (id INT32 = 7, name STRING NULLABLE = "ab")}: {@code 00 | 07000000 | 0d000000 02000000 | 6162}.
 *
 * <p>Immutable and shared; every accessor takes {@code (memory, row)}, and none allocates.
 */
public final class RowLayout {
    private final Schema schema;
    private final ColumnType[] types;
    private final int[] columnIds;
    private final int[] cellOffsets;
    private final int[] variableColumns;
    private final boolean[] isImmutable;
    private final int firstImmutable;
    private final int bitmapBytes;
    private final int fixedBytes;

    public RowLayout(Schema schema) {
        this.schema = schema;
        int count = schema.columnCount();
        this.types = new ColumnType[count];
        this.columnIds = new int[count];
        this.cellOffsets = new int[count];
        this.isImmutable = new boolean[count];
        this.bitmapBytes = bitmapBytes(count);
        int offset = bitmapBytes;
        int variables = 0;
        int[] variable = new int[count];
        int immutable = count;
        for (int i = 0; i < count; i++) {
            types[i] = schema.column(i).type();
            columnIds[i] = schema.column(i).id();
            cellOffsets[i] = offset;
            offset += types[i].cellBytes();
            if (types[i].isVariable()) {
                variable[variables++] = i;
            }
            isImmutable[i] = schema.column(i).isImmutable() && !schema.column(i).isKey();
            immutable = isImmutable[i] ? Math.min(immutable, i) : immutable;
        }
        this.firstImmutable = immutable;
        this.fixedBytes = offset;
        this.variableColumns = Arrays.copyOf(variable, variables);
    }

    /** Bytes of a bitmap with a bit per column. */
    static int bitmapBytes(int columns) {
        return (columns + Byte.SIZE - 1) / Byte.SIZE;
    }

    public Schema schema() {
        return schema;
    }

    public int columnCount() {
        return types.length;
    }

    public ColumnType type(int column) {
        return types[column];
    }

    /** By which the column is known on disk. */
    public int columnId(int column) {
        return columnIds[column];
    }

    public int bitmapBytes() {
        return bitmapBytes;
    }

    /** Bytes of the bitmap and the cells: where the bytes of variable cells begin. */
    public int fixedBytes() {
        return fixedBytes;
    }

    /** Of the cell, from the row's start. */
    public int cellOffset(int column) {
        return cellOffsets[column];
    }

    public int cellBytes(int column) {
        return types[column].cellBytes();
    }

    public boolean isVariable(int column) {
        return types[column].isVariable();
    }

    /** Whether no UPDATE changes the column, though it is none of the key. */
    public boolean isImmutable(int column) {
        return isImmutable[column];
    }

    /** The first column that is; their count if none is. */
    int firstImmutable() {
        return firstImmutable;
    }

    int variableColumnCount() {
        return variableColumns.length;
    }

    /** The n-th variable-length column. */
    int variableColumn(int n) {
        return variableColumns[n];
    }

    /** All bytes of a packed row. */
    public int rowBytes(MemorySegment memory, long row) {
        int bytes = fixedBytes;
        for (int column : variableColumns) {
            bytes += variableBytes(memory, row, column);
        }
        return bytes;
    }

    public boolean isNull(MemorySegment memory, long row, int column) {
        assert column >= 0 && column < types.length : "column " + column;
        return (memory.get(JAVA_BYTE, row + (column >> 3)) >> (column & 7) & 1) != 0;
    }

    /** Sets the bit only: the cell must be zero. */
    public void setNull(MemorySegment memory, long row, int column) {
        long at = row + (column >> 3);
        memory.set(JAVA_BYTE, at, (byte) (memory.get(JAVA_BYTE, at) | 1 << (column & 7)));
    }

    /** Clears the bit. */
    public void setNotNull(MemorySegment memory, long row, int column) {
        long at = row + (column >> 3);
        memory.set(JAVA_BYTE, at, (byte) (memory.get(JAVA_BYTE, at) & ~(1 << (column & 7))));
    }

    public boolean getBoolean(MemorySegment memory, long row, int column) {
        return memory.get(JAVA_BYTE, row + cellOffsets[column]) != 0;
    }

    public byte getByte(MemorySegment memory, long row, int column) {
        return memory.get(JAVA_BYTE, row + cellOffsets[column]);
    }

    public short getShort(MemorySegment memory, long row, int column) {
        return memory.get(SHORT, row + cellOffsets[column]);
    }

    public int getInt(MemorySegment memory, long row, int column) {
        return memory.get(INT, row + cellOffsets[column]);
    }

    public long getLong(MemorySegment memory, long row, int column) {
        return memory.get(LONG, row + cellOffsets[column]);
    }

    public float getFloat(MemorySegment memory, long row, int column) {
        return memory.get(FLOAT, row + cellOffsets[column]);
    }

    public double getDouble(MemorySegment memory, long row, int column) {
        return memory.get(DOUBLE, row + cellOffsets[column]);
    }

    /** The value of an integer-like column (or BOOL) of at most 8 bytes, widened. */
    public long getInteger(MemorySegment memory, long row, int column) {
        long cell = row + cellOffsets[column];
        return switch (types[column].cellBytes()) {
            case 1 -> memory.get(JAVA_BYTE, cell);
            case 2 -> memory.get(SHORT, cell);
            case 4 -> memory.get(INT, cell);
            default -> memory.get(LONG, cell);
        };
    }

    /** The upper half of a DECIMAL128; {@link #getLong} is the lower one. */
    public long getHighLong(MemorySegment memory, long row, int column) {
        return memory.get(LONG, row + cellOffsets[column] + Long.BYTES);
    }

    /** Where the bytes of a variable cell begin, from the row's start. */
    public int variableOffset(MemorySegment memory, long row, int column) {
        assert types[column].isVariable() : types[column];
        return memory.get(INT, row + cellOffsets[column]);
    }

    public int variableBytes(MemorySegment memory, long row, int column) {
        assert types[column].isVariable() : types[column];
        return memory.get(INT, row + cellOffsets[column] + Integer.BYTES);
    }

    public void setVariable(MemorySegment memory, long row, int column, int offset, int bytes) {
        assert types[column].isVariable() : types[column];
        memory.set(INT, row + cellOffsets[column], offset);
        memory.set(INT, row + cellOffsets[column] + Integer.BYTES, bytes);
    }

    /** Where the value's bytes are in memory, be it of fixed width or variable length. */
    public long valueOffset(MemorySegment memory, long row, int column) {
        return isVariable(column) ? row + variableOffset(memory, row, column) : row + cellOffsets[column];
    }

    /** The value's own bytes. */
    public int valueBytes(MemorySegment memory, long row, int column) {
        return isVariable(column) ? variableBytes(memory, row, column) : types[column].cellBytes();
    }

    /** A copy of one cell, for the control plane; the cell must not be NULL. */
    public CellValue value(MemorySegment memory, long row, int column) {
        byte[] bytes = new byte[valueBytes(memory, row, column)];
        MemorySegment.copy(memory, JAVA_BYTE, valueOffset(memory, row, column), bytes, 0, bytes.length);
        return CellValue.owning(bytes);
    }

    /**
     * Guards a packed row that came from elsewhere.
     *
     * @throws MalformedBytesException if it is not one of exactly {@code bytes} bytes
     */
    public void check(MemorySegment memory, long row, long bytes) {
        if (bytes < fixedBytes || row < 0 || row > memory.byteSize() - bytes) {
            throw new MalformedBytesException(
                    "a packed row of " + types.length + " columns has at least " + fixedBytes + " bytes, this one "
                            + bytes + " of " + memory.byteSize(),
                    row);
        }
        long end = fixedBytes;
        for (int i = 0; i < types.length; i++) {
            boolean isNull = isNull(memory, row, i);
            long cell = row + cellOffsets[i];
            if (isNull && !schema.column(i).isNullable()) {
                throw new MalformedBytesException("NULL in " + schema.column(i).describe(), row + (i >> 3));
            }
            if (isNull) {
                checkZero(memory, cell, types[i].cellBytes());
            } else if (types[i].isVariable()) {
                long offset = Integer.toUnsignedLong(variableOffset(memory, row, i));
                long length = Integer.toUnsignedLong(variableBytes(memory, row, i));
                if (offset != end || length > bytes - end || length > Limits.CELL_BYTES_MAX) {
                    throw new MalformedBytesException(
                            schema.column(i).describe() + " has " + length + " bytes at " + offset
                                    + " of the row, expected at " + end + " of " + bytes,
                            cell);
                }
                end += length;
            } else if (types[i] == ColumnType.BOOL) {
                checkBoolean(memory, cell);
            }
        }
        if (end != bytes) {
            throw new MalformedBytesException("a packed row ends after " + end + " bytes, not " + bytes, row + end);
        }
        int unusedBits = bitmapBytes * Byte.SIZE - types.length;
        int last = LittleEndian.unsignedByte(memory, row + bitmapBytes - 1);
        if (last >> (Byte.SIZE - unusedBits) != 0) {
            throw new MalformedBytesException("unused bits of the null bitmap are not zero", row + bitmapBytes - 1);
        }
    }

    static void checkBoolean(MemorySegment memory, long cell) {
        byte value = memory.get(JAVA_BYTE, cell);
        if (value != 0 && value != 1) {
            throw new MalformedBytesException("a BOOL is 0 or 1, not " + value, cell);
        }
    }

    private static void checkZero(MemorySegment memory, long offset, int bytes) {
        for (int i = 0; i < bytes; i++) {
            if (memory.get(JAVA_BYTE, offset + i) != 0) {
                throw new MalformedBytesException("the cell of a NULL is not zero", offset + i);
            }
        }
    }

    /** Explains a packed row. */
    public void annotate(MemorySegment memory, long row, Notes notes) {
        notes.note(row, bitmapBytes, "null bitmap");
        for (int i = 0; i < types.length; i++) {
            notes.note(
                    row + cellOffsets[i], types[i].cellBytes(), schema.column(i).name() + ": " + text(memory, row, i));
        }
        for (int column : variableColumns) {
            int bytes = variableBytes(memory, row, column);
            if (bytes > 0) {
                String text = value(memory, row, column).text(schema.column(column));
                notes.note(
                        row + variableOffset(memory, row, column),
                        bytes,
                        schema.column(column).name() + ": " + text);
            }
        }
    }

    /** The key of a packed row for messages, as {@code (id=7, name="a")}. Allocates. */
    public String describeKey(MemorySegment memory, long row) {
        var text = new StringJoiner(", ", "(", ")");
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            text.add(schema.column(i).name() + "=" + value(memory, row, i).text(schema.column(i)));
        }
        return text.toString();
    }

    private String text(MemorySegment memory, long row, int column) {
        if (isNull(memory, row, column)) {
            return "NULL";
        }
        return isVariable(column)
                ? variableBytes(memory, row, column) + " bytes at " + variableOffset(memory, row, column)
                : value(memory, row, column).text(schema.column(column));
    }
}
