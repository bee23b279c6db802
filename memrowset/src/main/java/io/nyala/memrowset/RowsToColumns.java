package io.nyala.memrowset;

import static io.nyala.rows.LittleEndian.INT;
import static io.nyala.rows.LittleEndian.LONG;
import static io.nyala.rows.LittleEndian.SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Limits;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;

/**
 * Copies packed rows into the columns of a batch, column by column: what differs between types is decided once per
 * column, not per row. One thread; allocates nothing.
 */
final class RowsToColumns {
    private final RowLayout layout;
    private final MemorySegment memory;
    private final int[] columns;

    /** @param columns index in the schema of each column of the batches */
    RowsToColumns(RowLayout layout, MemorySegment memory, int[] columns) {
        this.layout = layout;
        this.memory = memory;
        this.columns = columns;
    }

    /** How many of the rows fit in an empty batch, at least one: the bytes of a variable-length column are limited. */
    int fitting(long[] rows, int from, int to) {
        int end = to;
        for (int column : columns) {
            if (!layout.isVariable(column)) {
                continue;
            }
            long bytes = 0;
            for (int i = from; i < end; i++) {
                bytes += layout.variableBytes(memory, rows[i], column);
                if (bytes > Limits.BATCH_VARIABLE_BYTES_MAX) {
                    end = i;
                }
            }
        }
        assert end > from || to == from : "a cell larger than a batch";
        return end - from;
    }

    /** As {@link #fitting}, for the keys of rows. */
    int fittingKeys(long[] rows, int from, int to) {
        long bytes = 0;
        for (int i = from; i < to; i++) {
            bytes += RowHeader.keyBytes(memory, rows[i]);
            if (bytes > Limits.BATCH_VARIABLE_BYTES_MAX) {
                return i - from;
            }
        }
        return to - from;
    }

    /** Fills the columns of an empty batch; {@link #fitting} must have said so many. */
    void fill(ColumnBatch target, long[] rows, int from, int count) {
        for (int i = 0; i < columns.length; i++) {
            ColumnVector vector = target.column(i);
            int column = columns[i];
            assert vector.type() == layout.type(column) : vector.type() + " for " + layout.type(column);
            if (layout.isVariable(column)) {
                fillVariable(vector, column, rows, from, count);
            } else {
                fillFixed(vector.values(), column, rows, from, count);
            }
            if (layout.schema().column(column).isNullable()) {
                fillValidity(vector.validity(), column, rows, from, count);
            } else {
                fillValid(vector.validity(), count);
            }
        }
        target.rowCount(count);
    }

    /** Fills the batch's keys with those of rows. */
    void fillKeys(ColumnBatch target, long[] rows, int from, int count) {
        ColumnVector keys = target.keys();
        MemorySegment offsets = keys.offsets();
        int total = 0;
        for (int i = 0; i < count; i++) {
            offsets.set(INT, (long) i * Integer.BYTES, total);
            total += RowHeader.keyBytes(memory, rows[from + i]);
        }
        offsets.set(INT, (long) count * Integer.BYTES, total);
        MemorySegment bytes = keys.reserve(0, total);
        long at = 0;
        for (int i = 0; i < count; i++) {
            int keyBytes = RowHeader.keyBytes(memory, rows[from + i]);
            MemorySegment.copy(memory, RowHeader.keyOffset(rows[from + i]), bytes, at, keyBytes);
            at += keyBytes;
        }
        fillValid(keys.validity(), count);
    }

    private void fillFixed(MemorySegment values, int column, long[] rows, int from, int count) {
        long cell = layout.cellOffset(column);
        switch (layout.cellBytes(column)) {
            case Byte.BYTES -> {
                for (int i = 0; i < count; i++) {
                    values.set(JAVA_BYTE, i, memory.get(JAVA_BYTE, rows[from + i] + cell));
                }
            }
            case Short.BYTES -> {
                for (int i = 0; i < count; i++) {
                    values.set(SHORT, (long) i * Short.BYTES, memory.get(SHORT, rows[from + i] + cell));
                }
            }
            case Integer.BYTES -> {
                for (int i = 0; i < count; i++) {
                    values.set(INT, (long) i * Integer.BYTES, memory.get(INT, rows[from + i] + cell));
                }
            }
            case Long.BYTES -> {
                for (int i = 0; i < count; i++) {
                    values.set(LONG, (long) i * Long.BYTES, memory.get(LONG, rows[from + i] + cell));
                }
            }
            default -> {
                for (int i = 0; i < count; i++) {
                    long source = rows[from + i] + cell;
                    values.set(LONG, (long) i * 2 * Long.BYTES, memory.get(LONG, source));
                    values.set(LONG, (long) i * 2 * Long.BYTES + Long.BYTES, memory.get(LONG, source + Long.BYTES));
                }
            }
        }
    }

    private void fillVariable(ColumnVector vector, int column, long[] rows, int from, int count) {
        MemorySegment offsets = vector.offsets();
        int total = 0;
        for (int i = 0; i < count; i++) {
            offsets.set(INT, (long) i * Integer.BYTES, total);
            total += layout.variableBytes(memory, rows[from + i], column); // 0 for a NULL.
        }
        offsets.set(INT, (long) count * Integer.BYTES, total);
        MemorySegment bytes = vector.reserve(0, total);
        long at = 0;
        for (int i = 0; i < count; i++) {
            long row = rows[from + i];
            int cellBytes = layout.variableBytes(memory, row, column);
            MemorySegment.copy(memory, layout.valueOffset(memory, row, column), bytes, at, cellBytes);
            at += cellBytes;
        }
    }

    private void fillValidity(MemorySegment validity, int column, long[] rows, int from, int count) {
        int bit = column & 7;
        long bitmapByte = column >> 3;
        for (int first = 0; first < count; first += Long.SIZE) {
            long word = 0;
            int end = Math.min(Long.SIZE, count - first);
            for (int i = 0; i < end; i++) {
                long isNull = (memory.get(JAVA_BYTE, rows[from + first + i] + bitmapByte) >> bit) & 1;
                word |= (isNull ^ 1) << i;
            }
            validity.set(LONG, first / Byte.SIZE, word);
        }
    }

    private static void fillValid(MemorySegment validity, int count) {
        for (int first = 0; first < count; first += Long.SIZE) {
            int rows = Math.min(Long.SIZE, count - first);
            validity.set(LONG, first / Byte.SIZE, -1L >>> (Long.SIZE - rows));
        }
    }
}
