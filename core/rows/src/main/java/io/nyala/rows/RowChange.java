package io.nyala.rows;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.StringJoiner;

/**
 * A change of one row as bytes. As REDO it says what happened at a time; as UNDO, what to apply to see the row as it
 * was before that time. Little-endian, unaligned.
 *
 * <pre>{@code
 *   UPDATE     0      1      2         4
 *              +------+------+---------+-----------------------------------------------+----- - -
 *              | 1    | zero |  count  | column id | isNull | zero | bytes | cell bytes | next cell
 *              +------+------+---------+-----------------------------------------------+----- - -
 *                u8     u8      u16         u16        u8      u8     u32
 *
 *   DELETE     | 2    | zero           |
 *
 *   REINSERT   | 3    | zero           | rowBytes u32 | packed row |
 * }</pre>
 *
 * <ul>
 *   <li>UPDATE: cells of columns beyond the key, by column id: fixed-width ones as in a packed row, variable-length
 *       ones as their bytes; 0 bytes for a NULL. As UNDO, an UPDATE of 0 cells means "was live with these values".
 *   <li>DELETE: the row is no more; as UNDO, it did not exist.
 *   <li>REINSERT: the row is there again with these values; as UNDO, it existed with them.
 * </ul>
 *
 * <p>Example, column 2 (INT32) becomes 5 and column 3 NULL:
 * {@code 01 00 0200 | 0200 00 00 04000000 05000000 | 0300 01 00 00000000}.
 *
 * <p>Stateless; {@code (memory, change)} is the pointer.
 */
public final class RowChange {
    public static final int UPDATE = 1;

    public static final int DELETE = 2;

    public static final int REINSERT = 3;

    /** Of every change, and all of a DELETE. */
    public static final int HEADER_BYTES = 4;

    /** In front of each cell of an UPDATE. */
    public static final int CELL_HEADER_BYTES = 8;

    private static final int COUNT = 2;
    private static final int CELL_IS_NULL = 2;
    private static final int CELL_BYTES = 4;
    private static final int REINSERT_HEADER_BYTES = 8;

    private RowChange() {}

    /** {@link #UPDATE}, {@link #DELETE} or {@link #REINSERT}. */
    public static int kind(MemorySegment memory, long change) {
        return LittleEndian.unsignedByte(memory, change);
    }

    /** All bytes of the change. */
    public static int bytes(MemorySegment memory, long change) {
        return switch (kind(memory, change)) {
            case UPDATE -> {
                long cell = firstCell(change);
                for (int i = cellCount(memory, change); i > 0; i--) {
                    cell = nextCell(memory, cell);
                }
                yield (int) (cell - change);
            }
            case DELETE -> HEADER_BYTES;
            case REINSERT -> REINSERT_HEADER_BYTES + rowBytes(memory, change);
            default -> throw new MalformedBytesException("no change has the kind " + kind(memory, change), change);
        };
    }

    /** Cells that an UPDATE sets. */
    public static int cellCount(MemorySegment memory, long change) {
        return LittleEndian.unsignedShort(memory, change + COUNT);
    }

    /** The first cell of an UPDATE. */
    public static long firstCell(long change) {
        return change + HEADER_BYTES;
    }

    public static long nextCell(MemorySegment memory, long cell) {
        return cell + CELL_HEADER_BYTES + cellBytes(memory, cell);
    }

    /** The cell of an UPDATE that sets a column; 0 if none does. */
    public static long findCell(MemorySegment memory, long change, int columnId) {
        long cell = firstCell(change);
        for (int i = cellCount(memory, change); i > 0; i--) {
            if (cellColumnId(memory, cell) == columnId) {
                return cell;
            }
            cell = nextCell(memory, cell);
        }
        return 0;
    }

    /** Whether an UPDATE sets a cell of a column that a schema has. */
    public static boolean setsAnyOf(Schema schema, MemorySegment memory, long change) {
        long cell = firstCell(change);
        for (int i = cellCount(memory, change); i > 0; i--) {
            if (schema.indexOfId(cellColumnId(memory, cell)) >= 0) {
                return true;
            }
            cell = nextCell(memory, cell);
        }
        return false;
    }

    /** Whether two UPDATEs set cells of the same columns, in the same order. */
    public static boolean setsSameCells(MemorySegment memory, long change, MemorySegment otherMemory, long other) {
        int count = cellCount(memory, change);
        if (count != cellCount(otherMemory, other)) {
            return false;
        }
        long cell = firstCell(change);
        long otherCell = firstCell(other);
        for (int i = 0; i < count; i++) {
            if (cellColumnId(memory, cell) != cellColumnId(otherMemory, otherCell)) {
                return false;
            }
            cell = nextCell(memory, cell);
            otherCell = nextCell(otherMemory, otherCell);
        }
        return true;
    }

    public static int cellColumnId(MemorySegment memory, long cell) {
        return LittleEndian.unsignedShort(memory, cell);
    }

    public static boolean cellIsNull(MemorySegment memory, long cell) {
        return LittleEndian.unsignedByte(memory, cell + CELL_IS_NULL) != 0;
    }

    public static int cellBytes(MemorySegment memory, long cell) {
        return LittleEndian.getInt(memory, cell + CELL_BYTES);
    }

    /** Where the bytes of a cell are. */
    public static long cellValue(long cell) {
        return cell + CELL_HEADER_BYTES;
    }

    /** The packed row of a REINSERT. */
    public static long rowOffset(long change) {
        return change + REINSERT_HEADER_BYTES;
    }

    /** Of the packed row of a REINSERT. */
    public static int rowBytes(MemorySegment memory, long change) {
        return LittleEndian.getInt(memory, change + HEADER_BYTES);
    }

    /** Writes a DELETE; answers its bytes. */
    public static int writeDelete(MemorySegment target, long change) {
        LittleEndian.setInt(target, change, DELETE);
        return HEADER_BYTES;
    }

    /** Writes a REINSERT of a packed row; answers its bytes. */
    public static int writeReinsert(MemorySegment memory, long row, int rowBytes, MemorySegment target, long change) {
        LittleEndian.setInt(target, change, REINSERT);
        LittleEndian.setInt(target, change + HEADER_BYTES, rowBytes);
        MemorySegment.copy(memory, row, target, change + REINSERT_HEADER_BYTES, rowBytes);
        return REINSERT_HEADER_BYTES + rowBytes;
    }

    /** Begins an UPDATE of so many cells; answers where the first one is to be written. */
    public static long startUpdate(MemorySegment target, long change, int cellCount) {
        assert cellCount >= 0 && cellCount <= Limits.COLUMNS_MAX : cellCount;
        LittleEndian.setByte(target, change, UPDATE);
        LittleEndian.setByte(target, change + 1, 0);
        LittleEndian.setShort(target, change + COUNT, cellCount);
        return change + HEADER_BYTES;
    }

    /**
     * Begins a cell; answers where its bytes are to be written, behind which the next cell is.
     *
     * @param bytes 0 if it is NULL
     */
    public static long startCell(MemorySegment target, long cell, int columnId, boolean isNull, int bytes) {
        assert !isNull || bytes == 0 : "a NULL of " + bytes + " bytes";
        LittleEndian.setShort(target, cell, columnId);
        LittleEndian.setByte(target, cell + CELL_IS_NULL, isNull ? 1 : 0);
        LittleEndian.setByte(target, cell + CELL_IS_NULL + 1, 0);
        LittleEndian.setInt(target, cell + CELL_BYTES, bytes);
        return cell + CELL_HEADER_BYTES;
    }

    /** Writes a cell with the value that a packed row has in a column; answers where the next one is to be written. */
    public static long writeCell(
            RowLayout layout, MemorySegment memory, long row, int column, MemorySegment target, long cell) {
        boolean isNull = layout.isNull(memory, row, column);
        int bytes = isNull ? 0 : layout.valueBytes(memory, row, column);
        long value = startCell(target, cell, layout.columnId(column), isNull, bytes);
        if (!isNull) {
            MemorySegment.copy(memory, layout.valueOffset(memory, row, column), target, value, bytes);
        }
        return value + bytes;
    }

    /**
     * Guards a change that came from elsewhere.
     *
     * @throws MalformedBytesException if it is not one of exactly {@code bytes} bytes
     */
    public static void check(RowLayout layout, MemorySegment memory, long change, long bytes) {
        if (bytes < HEADER_BYTES || change < 0 || change > memory.byteSize() - bytes) {
            throw new MalformedBytesException("a change has at least 4 bytes, this one " + bytes, change);
        }
        int kind = kind(memory, change);
        int header = LittleEndian.getInt(memory, change);
        if (kind == UPDATE ? (header & 0xff00) != 0 : header != kind) {
            throw new MalformedBytesException("padding of a change is not zero", change + 1);
        }
        switch (kind) {
            case UPDATE -> checkCells(layout, memory, change, change + bytes);
            case DELETE -> {
                if (bytes != HEADER_BYTES) {
                    throw new MalformedBytesException("a DELETE has 4 bytes, not " + bytes, change);
                }
            }
            case REINSERT -> {
                if (bytes < REINSERT_HEADER_BYTES || rowBytes(memory, change) != bytes - REINSERT_HEADER_BYTES) {
                    throw new MalformedBytesException("a REINSERT says another length than " + bytes, change);
                }
                layout.check(memory, rowOffset(change), rowBytes(memory, change));
            }
            default -> throw new MalformedBytesException("no change has the kind " + kind, change);
        }
    }

    private static void checkCells(RowLayout layout, MemorySegment memory, long change, long end) {
        long cell = firstCell(change);
        for (int i = cellCount(memory, change); i > 0; i--) {
            if (end - cell < CELL_HEADER_BYTES) {
                throw new MalformedBytesException("an UPDATE ends within a cell", cell);
            }
            long bytes = Integer.toUnsignedLong(cellBytes(memory, cell));
            if (bytes > end - cell - CELL_HEADER_BYTES || bytes > Limits.CELL_BYTES_MAX) {
                throw new MalformedBytesException("a cell of " + bytes + " bytes does not fit in its UPDATE", cell);
            }
            int isNull = LittleEndian.unsignedShort(memory, cell + CELL_IS_NULL);
            int column = layout.schema().indexOfId(cellColumnId(memory, cell));
            checkCell(layout, column, isNull, bytes, cell);
            if (column >= 0 && layout.type(column) == ColumnType.BOOL && bytes > 0) {
                RowLayout.checkBoolean(memory, cellValue(cell));
            }
            cell = nextCell(memory, cell);
        }
        if (cell != end) {
            throw new MalformedBytesException((end - cell) + " bytes follow the cells of an UPDATE", cell);
        }
    }

    private static void checkCell(RowLayout layout, int column, int isNull, long bytes, long cell) {
        if (isNull > 1 || (isNull == 1 && bytes > 0)) {
            throw new MalformedBytesException("a NULL cell has no bytes and padding is zero", cell + CELL_IS_NULL);
        }
        if (column < 0) {
            return; // A column that was dropped since.
        }
        if (column < layout.schema().keyColumnCount()) {
            throw new MalformedBytesException("an UPDATE changes " + name(layout, column) + " of the key", cell);
        }
        if (isNull == 1 && !layout.schema().column(column).isNullable()) {
            throw new MalformedBytesException("NULL in " + name(layout, column), cell);
        }
        if (isNull == 0 && !layout.isVariable(column) && bytes != layout.cellBytes(column)) {
            throw new MalformedBytesException(
                    "a cell of " + name(layout, column) + " has " + layout.cellBytes(column) + " bytes, not " + bytes,
                    cell);
        }
    }

    private static String name(RowLayout layout, int column) {
        return layout.schema().column(column).describe();
    }

    /** The cells of an update, of columns that there are, for messages, as {@code (n=7, name=NULL)}. Allocates. */
    public static String describeCells(RowLayout layout, MemorySegment memory, long change) {
        var text = new StringJoiner(", ", "(", ")");
        long cell = firstCell(change);
        for (int i = cellCount(memory, change); i > 0; i--) {
            Column column = layout.schema().column(layout.schema().indexOfId(cellColumnId(memory, cell)));
            String value = cellIsNull(memory, cell)
                    ? "NULL"
                    : value(memory, cellValue(cell), cellBytes(memory, cell)).text(column);
            text.add(column.name() + "=" + value);
            cell = nextCell(memory, cell);
        }
        return text.toString();
    }

    private static CellValue value(MemorySegment memory, long at, int bytes) {
        return CellValue.ofBytes(memory.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE));
    }

    /** Explains a change, which must have passed {@link #check}. */
    public static void annotate(RowLayout layout, MemorySegment memory, long change, Notes notes) {
        switch (kind(memory, change)) {
            case UPDATE -> annotateUpdate(layout, memory, change, notes);
            case DELETE -> notes.note(change, HEADER_BYTES, "change: DELETE");
            default -> {
                notes.note(change, HEADER_BYTES, "change: REINSERT");
                notes.note(change + HEADER_BYTES, Integer.BYTES, "row bytes: " + rowBytes(memory, change));
                layout.annotate(memory, rowOffset(change), notes);
            }
        }
    }

    private static void annotateUpdate(RowLayout layout, MemorySegment memory, long change, Notes notes) {
        notes.note(change, 2, "change: UPDATE");
        notes.note(change + COUNT, Short.BYTES, "cells: " + cellCount(memory, change));
        long cell = firstCell(change);
        for (int i = cellCount(memory, change); i > 0; i--) {
            int column = layout.schema().indexOfId(cellColumnId(memory, cell));
            String name =
                    column < 0 ? "dropped" : layout.schema().column(column).name();
            int bytes = cellBytes(memory, cell);
            notes.note(cell, Short.BYTES, "column id: " + cellColumnId(memory, cell) + " (" + name + ")");
            notes.note(cell + CELL_IS_NULL, 2, "is null: " + cellIsNull(memory, cell));
            notes.note(cell + CELL_BYTES, Integer.BYTES, "cell bytes: " + bytes);
            if (bytes > 0) {
                CellValue value = value(memory, cellValue(cell), bytes);
                String text = column < 0
                        ? value.toString()
                        : value.text(layout.schema().column(column));
                notes.note(cellValue(cell), bytes, name + ": " + text);
            }
            cell = nextCell(memory, cell);
        }
    }
}
