package io.nyala.rows;

import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;

/**
 * Applies UPDATEs to packed rows of one schema. A row whose variable cells change is packed anew, so the target is
 * another place than the row. Columns that the schema does not have (they were dropped) are left out.
 *
 * <p>Immutable and shared; allocates nothing.
 */
public final class RowPatch {
    /** In the offset of a variable cell, while a row is packed: the bytes come from the change, not from the row. */
    private static final int FROM_CHANGE = 1 << 31;

    private final RowLayout layout;

    public RowPatch(RowLayout layout) {
        this.layout = layout;
    }

    /** The most bytes that {@link #apply} writes. */
    public int appliedBytesMax(MemorySegment memory, long row, MemorySegment changeMemory, long change) {
        return layout.rowBytes(memory, row) + RowChange.bytes(changeMemory, change);
    }

    /**
     * Writes the row as it is after an UPDATE to the target, which does not overlap it; answers the new row's bytes.
     *
     * @param change an {@link RowChange#UPDATE} that fits the schema, as {@link RowChange#check} says
     */
    public int apply(
            MemorySegment memory,
            long row,
            MemorySegment changeMemory,
            long change,
            MemorySegment target,
            long newRow) {
        assert RowChange.kind(changeMemory, change) == RowChange.UPDATE : RowChange.kind(changeMemory, change);
        MemorySegment.copy(memory, row, target, newRow, layout.fixedBytes());
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(changeMemory, change); i > 0; i--) {
            int column = layout.schema().indexOfId(RowChange.cellColumnId(changeMemory, cell));
            if (column >= 0) {
                setCell(changeMemory, cell, (int) (cell - change), target, newRow, column);
            }
            cell = RowChange.nextCell(changeMemory, cell);
        }
        int end = layout.fixedBytes();
        for (int n = 0; n < layout.variableColumnCount(); n++) {
            int column = layout.variableColumn(n);
            if (layout.isNull(target, newRow, column)) {
                continue;
            }
            int offset = layout.variableOffset(target, newRow, column);
            int bytes = layout.variableBytes(target, newRow, column);
            if ((offset & FROM_CHANGE) != 0) {
                MemorySegment.copy(changeMemory, change + (offset & ~FROM_CHANGE), target, newRow + end, bytes);
            } else {
                MemorySegment.copy(memory, row + offset, target, newRow + end, bytes);
            }
            layout.setVariable(target, newRow, column, end, bytes);
            end += bytes;
        }
        return end;
    }

    private void setCell(
            MemorySegment changeMemory, long cell, int cellOffset, MemorySegment target, long newRow, int column) {
        assert column >= layout.schema().keyColumnCount() : "column " + column + " of the key";
        long targetCell = newRow + layout.cellOffset(column);
        int bytes = RowChange.cellBytes(changeMemory, cell);
        if (RowChange.cellIsNull(changeMemory, cell)) {
            layout.setNull(target, newRow, column);
            Zeros.fill(target, targetCell, layout.cellBytes(column));
            return;
        }
        layout.setNotNull(target, newRow, column);
        if (layout.isVariable(column)) {
            layout.setVariable(target, newRow, column, cellOffset + RowChange.CELL_HEADER_BYTES | FROM_CHANGE, bytes);
        } else {
            assert bytes == layout.cellBytes(column) : bytes;
            MemorySegment.copy(changeMemory, RowChange.cellValue(cell), target, targetCell, bytes);
        }
    }

    /** The most bytes that {@link #writeInverse} writes for this row and change. */
    public int inverseBytesMax(MemorySegment memory, long row, MemorySegment changeMemory, long change) {
        return layout.rowBytes(memory, row)
                + RowChange.HEADER_BYTES
                + RowChange.CELL_HEADER_BYTES * RowChange.cellCount(changeMemory, change);
    }

    /**
     * Writes the UPDATE that undoes an UPDATE: the same columns, with the values of the row as it was before; answers
     * its bytes.
     *
     * @param row before the change
     */
    public int writeInverse(
            MemorySegment memory,
            long row,
            MemorySegment changeMemory,
            long change,
            MemorySegment target,
            long inverse) {
        assert RowChange.kind(changeMemory, change) == RowChange.UPDATE : RowChange.kind(changeMemory, change);
        int known = 0;
        long cell = RowChange.firstCell(change);
        long targetCell = RowChange.firstCell(inverse);
        for (int i = RowChange.cellCount(changeMemory, change); i > 0; i--) {
            int column = layout.schema().indexOfId(RowChange.cellColumnId(changeMemory, cell));
            if (column >= 0) {
                targetCell = RowChange.writeCell(layout, memory, row, column, target, targetCell);
                known++;
            }
            cell = RowChange.nextCell(changeMemory, cell);
        }
        RowChange.startUpdate(target, inverse, known);
        return (int) (targetCell - inverse);
    }
}
