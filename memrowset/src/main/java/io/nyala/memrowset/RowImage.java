package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A packed row put together from one that is complete and the cells that were changed since, each taken from the newest
 * change that sets it. The way to see a changed row:
 *
 * <pre>{@code
 *   newest visible change         older           has an image, or the row as inserted
 *   UPDATE b = 2           -->    UPDATE a, b  -->  (a, b, c)
 *          b                             a                 c
 * }</pre>
 *
 * <p>First {@link #start} and any number of {@link #overlay}, then {@link #bytes} and {@link #write}. One thread;
 * allocates nothing after construction.
 */
final class RowImage {
    private final RowLayout layout;
    private final MemorySegment memory;
    private final long[] cells; // By column: the RowChange's cell that holds its value, 0 if the base row does.
    private final int[] changedColumns;
    private final int[] variableColumns;
    private int changedCount;
    private long base;

    RowImage(RowLayout layout, MemorySegment memory) {
        this.layout = layout;
        this.memory = memory;
        this.cells = new long[layout.columnCount()];
        this.changedColumns = new int[layout.columnCount()];
        int variables = 0;
        int[] columns = new int[layout.columnCount()];
        for (int i = 0; i < columns.length; i++) {
            if (layout.isVariable(i)) {
                columns[variables++] = i;
            }
        }
        this.variableColumns = Arrays.copyOf(columns, variables);
    }

    /** Starts anew from a packed row. */
    void start(long baseRow) {
        clear();
        base = baseRow;
    }

    /** Starts anew; the packed row follows by {@link #setBase}. */
    void clear() {
        for (int i = 0; i < changedCount; i++) {
            cells[changedColumns[i]] = 0;
        }
        changedCount = 0;
        base = 0;
    }

    void setBase(long baseRow) {
        base = baseRow;
    }

    /** The packed row under the changed cells. */
    long base() {
        return base;
    }

    /** Whether the base row is the row. */
    boolean isUnchanged() {
        return changedCount == 0;
    }

    /** Takes the cells of an UPDATE that is newer than everything before. */
    void overlay(long change) {
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            set(cell, true);
            cell = RowChange.nextCell(memory, cell);
        }
    }

    /** Takes the cells of an UPDATE that is older than everything before, where nothing newer sets them. */
    void underlay(long change) {
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            set(cell, false);
            cell = RowChange.nextCell(memory, cell);
        }
    }

    private void set(long cell, boolean newer) {
        int column = layout.schema().indexOfId(RowChange.cellColumnId(memory, cell));
        if (column < 0) {
            return; // A column that was dropped.
        }
        if (cells[column] == 0) {
            changedColumns[changedCount++] = column;
            cells[column] = cell;
        } else if (newer) {
            cells[column] = cell;
        }
    }

    /** The cell of a change that holds a column's value, or 0 if the base row does. */
    long cell(int column) {
        return cells[column];
    }

    /** The bytes that {@link #write} will write. */
    int bytes() {
        int bytes = layout.fixedBytes();
        for (int column : variableColumns) {
            bytes += cells[column] == 0
                    ? layout.variableBytes(memory, base, column)
                    : RowChange.cellBytes(memory, cells[column]);
        }
        return bytes;
    }

    /** Writes the packed row; answers its bytes. */
    int write(long target) {
        assert base != 0 : "no row to start from";
        MemorySegment.copy(memory, base, memory, target, layout.fixedBytes());
        for (int i = 0; i < changedCount; i++) {
            writeCell(target, changedColumns[i]);
        }
        int end = layout.fixedBytes();
        for (int column : variableColumns) {
            if (layout.isNull(memory, target, column)) {
                continue;
            }
            long cell = cells[column];
            long value = cell == 0 ? layout.valueOffset(memory, base, column) : RowChange.cellValue(cell);
            int bytes = cell == 0 ? layout.variableBytes(memory, base, column) : RowChange.cellBytes(memory, cell);
            MemorySegment.copy(memory, value, memory, target + end, bytes);
            layout.setVariable(memory, target, column, end, bytes);
            end += bytes;
        }
        return end;
    }

    /** Everything but where the bytes of a variable-length cell are. */
    private void writeCell(long target, int column) {
        long cell = cells[column];
        long targetCell = target + layout.cellOffset(column);
        if (RowChange.cellIsNull(memory, cell)) {
            layout.setNull(memory, target, column);
            for (int i = 0; i < layout.cellBytes(column); i++) {
                memory.set(JAVA_BYTE, targetCell + i, (byte) 0);
            }
            return;
        }
        layout.setNotNull(memory, target, column);
        if (!layout.isVariable(column)) {
            MemorySegment.copy(memory, RowChange.cellValue(cell), memory, targetCell, layout.cellBytes(column));
        }
    }
}
