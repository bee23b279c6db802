package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnReader;
import io.nyala.memory.Kernels;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Limits;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;

/**
 * Gives the columns of selected rows to a {@link RowCursor.Sink}, in the first of these ways that there is:
 *
 * <ul>
 *   <li>of a page whose rows are all selected, and of which no more is wanted, count and bounds by the file's footer;
 *   <li>of a vector of which nothing but the count is wanted, or all of which is NULL, how many are NULL;
 *   <li>of a vector that says its values once (a constant, runs, a dictionary), these, and how many rows have each;
 *   <li>the values of the rows.
 * </ul>
 *
 * <p>Belongs to one cursor.
 */
final class SinkColumns {
    private static final Kernels KERNELS = Kernels.best();

    private final RowShape shape;
    private final ScanColumns columns;
    private final VectorFilter filter;
    private final ScanDeltas deltas;

    /** How many rows have each value of a vector. */
    private final int[] counts = new int[Limits.VECTOR_ROWS];

    /** By projected column: before this vector all pages have been told. */
    private final int[] toldEnd;

    SinkColumns(RowShape shape, ScanColumns columns, VectorFilter filter, ScanDeltas deltas) {
        this.shape = shape;
        this.columns = columns;
        this.filter = filter;
        this.deltas = deltas;
        this.toldEnd = new int[shape.projection().columnCount()];
    }

    /**
     * Gives {@code count} selected rows of a vector: all that are left in the filter.
     *
     * @param scratch a batch without rows, which is left so
     */
    void give(int vector, MemorySegment selection, int count, ColumnBatch scratch, RowCursor.Sink sink) {
        sink.rows(count);
        for (int i = 0; i < toldEnd.length; i++) {
            int column = schemaColumn(i);
            if (columns.has(column) && !tell(i, vector, sink)) {
                columns.prepare(column, vector);
            }
        }
        for (int i = 0; i < toldEnd.length; i++) {
            ColumnVector target = scratch.column(i);
            if (!columns.has(schemaColumn(i))) {
                giveDefault(i, count, target, sink);
            } else if (vector >= toldEnd[i]) {
                ColumnCursor cursor = columns.at(schemaColumn(i), vector);
                if (!giveTotals(i, cursor, count, target, sink)) {
                    giveValues(i, cursor, selection, count, target, sink);
                }
            }
        }
        scratch.clear();
    }

    private int schemaColumn(int index) {
        return shape.schemaColumn(shape.projection().column(index));
    }

    /** Tells the page that begins with a vector, if that is possible and enough; whether this vector has been told. */
    private boolean tell(int index, int vector, RowCursor.Sink sink) {
        if (vector < toldEnd[index] || sink.wantsValues(index)) {
            return vector < toldEnd[index];
        }
        ColumnReader reader = columns.stored(schemaColumn(index));
        int page = reader.pageOf(vector);
        int end = reader.firstVector(page + 1);
        if (reader.firstVector(page) != vector
                || (sink.wantsBounds(index) && !reader.hasExactBounds(page))
                || !filter.takesAll(vector, end, deltas)) {
            return false;
        }
        boolean isBounded = sink.wantsBounds(index);
        MemorySegment least = isBounded ? reader.least(page) : null;
        MemorySegment greatest = isBounded ? reader.greatest(page) : null;
        sink.page(index, reader.pageRows(page), reader.nullCount(page), least, greatest);
        toldEnd[index] = end;
        return true;
    }

    /** Gives the rows without decoding each of them, if that is possible. */
    private boolean giveTotals(int index, ColumnCursor cursor, int count, ColumnVector target, RowCursor.Sink sink) {
        boolean isCountEnough = !sink.wantsValues(index) && !sink.wantsBounds(index);
        if (!isCountEnough && !cursor.isAllNull() && !cursor.hasFewEntries(count, Limits.BATCH_VARIABLE_BYTES_MAX)) {
            return false;
        }
        MemorySegment valid = target.validity(); // Of the rows: which of them are selected and not NULL.
        filter.copyTo(valid);
        cursor.andValid(valid, 0);
        if (isCountEnough || cursor.isAllNull()) {
            int cells = KERNELS.popCount(valid, 0, Limits.VECTOR_ROWS);
            sink.page(index, count, count - cells, null, null);
        } else {
            sink.entries(index, target, cursor.readEntries(target, valid, 0, counts), counts);
        }
        return true;
    }

    private void giveValues(
            int index,
            ColumnCursor cursor,
            MemorySegment selection,
            int count,
            ColumnVector target,
            RowCursor.Sink sink) {
        for (int done = 0; done < count; ) {
            long at = (long) done * Integer.BYTES;
            int some = cursor.fittingRows(selection, at, count - done, Limits.BATCH_VARIABLE_BYTES_MAX);
            if (some == cursor.rowCount()) {
                cursor.read(target);
            } else {
                cursor.readSelected(target, selection, at, some);
            }
            sink.values(index, target, some);
            done += some;
        }
    }

    /** Of a column that the file does not have. */
    private void giveDefault(int index, int count, ColumnVector target, RowCursor.Sink sink) {
        RowLayout layout = shape.layout();
        int column = shape.projection().column(index);
        boolean isLong = layout.isVariable(column) && !layout.isNull(shape.template(), 0, column);
        int bytes = isLong ? Math.max(1, layout.variableBytes(shape.template(), 0, column)) : 1;
        int some = Math.min(count, Limits.BATCH_VARIABLE_BYTES_MAX / bytes);
        target.fillFromRow(some, layout, shape.template(), 0, column);
        for (int left = count; left > 0; left -= some) {
            sink.values(index, target, Math.min(left, some));
        }
    }
}
