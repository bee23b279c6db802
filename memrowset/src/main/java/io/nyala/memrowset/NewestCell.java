package io.nyala.memrowset;

import io.nyala.rows.CellEquality;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;

/**
 * Looks for the newest value of one cell in the changes of a row, without putting the row together: back to the first
 * change that sets it, or the first complete row. Visible or not: for the writer, which decides by it. Stateless;
 * allocates nothing.
 */
final class NewestCell {
    private NewestCell() {}

    /** Whether a column of a live row, in a {@link MemRowSet}, has the value of a cell. */
    static boolean isEqual(
            RowLayout layout, MemorySegment memory, long row, int column, MemorySegment cellMemory, long cell) {
        int columnId = layout.columnId(column);
        long change = RowHeader.newestChange(memory, row);
        for (; change != 0; change = Change.older(memory, change)) {
            assert Change.kind(memory, change) != RowChange.DELETE : "a condition on a deleted row at " + row;
            if (Change.bytes(memory, change) > 0) {
                long set = RowChange.findCell(memory, Change.changeOffset(change), columnId);
                if (set != 0) {
                    return CellEquality.ofCells(layout.type(column), memory, set, cellMemory, cell);
                }
            }
            if (Change.imageBytes(memory, change) > 0) {
                return CellEquality.ofRow(layout, memory, Change.imageOffset(memory, change), column, cellMemory, cell);
            }
        }
        return CellEquality.ofRow(layout, memory, RowHeader.rowOffset(memory, row), column, cellMemory, cell);
    }

    /** Where the changes of a row, in a {@link DeltaMemStore}, set a column last: a cell of a change, or 0. */
    static long find(MemorySegment memory, long row, int columnId) {
        long change = RowHeader.newestChange(memory, row);
        for (; change != 0; change = Change.older(memory, change)) {
            if (Change.kind(memory, change) == RowChange.UPDATE) {
                long set = RowChange.findCell(memory, Change.changeOffset(change), columnId);
                if (set != 0) {
                    return set;
                }
            }
            if (Change.imageBytes(memory, change) > 0) { // Of all cells that were changed up to here.
                return RowChange.findCell(memory, Change.imageOffset(memory, change), columnId);
            }
        }
        return 0;
    }
}
