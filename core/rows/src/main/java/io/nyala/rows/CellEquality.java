package io.nyala.rows;

import java.lang.foreign.MemorySegment;

/**
 * Whether two cells of a column are equal, as a scan's predicate has it: numbers as numbers, so that -0.0 equals 0.0
 * and NaN equals nothing; strings by their bytes; and a NULL equals a NULL, as IS NULL does.
 *
 * <p>Pure functions; allocate nothing. What a cell is compared with is a cell of a {@link RowChange}.
 */
public final class CellEquality {
    private CellEquality() {}

    /** Whether a column of a packed row has the value of a cell. */
    public static boolean ofRow(
            RowLayout layout, MemorySegment memory, long row, int column, MemorySegment cellMemory, long cell) {
        if (layout.isNull(memory, row, column) || RowChange.cellIsNull(cellMemory, cell)) {
            return layout.isNull(memory, row, column) == RowChange.cellIsNull(cellMemory, cell);
        }
        long value = layout.valueOffset(memory, row, column);
        int valueBytes = layout.valueBytes(memory, row, column);
        return ofValue(layout.type(column), memory, value, valueBytes, cellMemory, cell);
    }

    /** Whether two cells of changes have the same value. */
    public static boolean ofCells(
            ColumnType type, MemorySegment memory, long left, MemorySegment cellMemory, long cell) {
        if (RowChange.cellIsNull(memory, left) || RowChange.cellIsNull(cellMemory, cell)) {
            return RowChange.cellIsNull(memory, left) == RowChange.cellIsNull(cellMemory, cell);
        }
        int valueBytes = RowChange.cellBytes(memory, left);
        return ofValue(type, memory, RowChange.cellValue(left), valueBytes, cellMemory, cell);
    }

    /** Whether a value, which is not NULL, is that of a cell, which is not NULL either. */
    public static boolean ofValue(
            ColumnType type, MemorySegment memory, long value, int valueBytes, MemorySegment cellMemory, long cell) {
        long other = RowChange.cellValue(cell);
        int otherBytes = RowChange.cellBytes(cellMemory, cell);
        return switch (type) {
            case FLOAT -> memory.get(LittleEndian.FLOAT, value) == cellMemory.get(LittleEndian.FLOAT, other);
            case DOUBLE -> memory.get(LittleEndian.DOUBLE, value) == cellMemory.get(LittleEndian.DOUBLE, other);
            default ->
                valueBytes == otherBytes
                        && KeyCodec.compare(memory, value, valueBytes, cellMemory, other, otherBytes) == 0;
        };
    }
}
