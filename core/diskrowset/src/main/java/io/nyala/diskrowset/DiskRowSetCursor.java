package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ReadAhead;
import io.nyala.cfile.VectorSelection;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.Limits;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowProjection;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A scan of one rowset, a vector at a time, its rows in one of two ways:
 *
 * <ul>
 *   <li><b>By columns</b>, those that are at the snapshot as the file has them: predicates are evaluated on the encoded
 *       vectors into a bitmap, and only what is left of the other columns is decoded.
 *   <li><b>By rows</b>, those with changes to apply: each is put together from its changes and, where these say
 *       nothing, from the columns, and then tried.
 * </ul>
 *
 * <pre>{@code
 *   bitmap of the key range --tests that no change touches--> --rows with changes out--> --other tests--> selection
 *                                                                      |                                     |
 *                                                                      v                                     v
 *                                                               corrected rows ---- behind them, or ----> batch
 *                                                                                   merged by key
 * }</pre>
 *
 * Conditions on columns that no change touches are decided by the file alone, so they spare corrections too. Insert
 * times and deletions are looked at only where the snapshot or the rowset needs it. One thread; pins pages only within
 * {@link #next}.
 */
final class DiskRowSetCursor implements RowCursor {
    private static final int NO_VECTOR = -1;

    private final DiskRowSet rowSet;
    private final RowShape shape;
    private final boolean isOrdered;
    private final VectorSelection vectors;
    private final ScanColumns columns;
    private final ScanDeltas deltas;
    private final RowAssembly assembly;
    private final VectorFilter filter;
    private final ReaderMemory memory;
    private @Nullable PartRows part; // Of which some are left, between two calls.
    private @Nullable SinkColumns sinkColumns; // Of few scans.
    private final Opened opened = new Opened();
    private boolean isStarted;
    private boolean isFailed;
    private int vector = NO_VECTOR;

    /**
     * What comes next in the vector, and where it ends. A part is a vector, unless the batch is small, or it has very
     * many corrections.
     */
    private int nextRow;

    private int endRow;

    /** The reads, and the memory, are those of a scan of several rowsets: whoever made them closes them afterwards. */
    DiskRowSetCursor(DiskRowSet rowSet, ScanSpec spec, RedoSources redo, ReadAhead ahead, ReaderMemory memory) {
        this.rowSet = rowSet;
        this.shape = new RowShape(spec, rowSet.fileColumns());
        this.isOrdered = spec.keyOrder();
        this.vectors = new VectorSelection(rowSet.rowCount());
        this.memory = memory;
        this.columns = new ScanColumns(rowSet, spec.schema(), vectors, memory, ahead);
        this.deltas = new ScanDeltas(rowSet, spec, redo, shape.deltaColumnIds(), memory);
        this.assembly = new RowAssembly(shape, rowSet.fileColumns().layout(), memory);
        this.filter = new VectorFilter(rowSet, spec, shape, columns, assembly, memory);
        opened.add(columns::close);
        opened.add(deltas::close);
        opened.add(this::giveBackPart);
    }

    /** As above, with reads and memory of its own. */
    static RowCursor alone(DiskRowSet rowSet, ScanSpec spec, RedoSources redo, MemoryAccount account) {
        var memory = new ReaderMemory(account);
        ReadAhead ahead = rowSet.readAhead(account);
        try {
            var cursor = new DiskRowSetCursor(rowSet, spec, redo, ahead, memory);
            cursor.opened.addFirst(memory::close);
            cursor.opened.addFirst(ahead::close);
            return cursor;
        } catch (RuntimeException | Error e) {
            ahead.close();
            throw e;
        }
    }

    private PartRows part() {
        PartRows present = part;
        if (present == null) {
            present = memory.borrow();
            part = present;
        }
        return present;
    }

    private void giveBackPart() {
        PartRows present = part;
        part = null;
        if (present != null) {
            memory.giveBack(present);
        }
    }

    private boolean isPartEmpty() {
        return part == null || part.isEmpty();
    }

    @Override
    public boolean next(ColumnBatch target) {
        target.clear();
        Check.that(isOrdered || !target.hasKeys(), "a batch with keys needs a scan in key order");
        throwIfFailed();
        isFailed = true; // Unless it gets to the end of this.
        boolean isAtEnd = false;
        try {
            refresh();
            for (int looks = 0; target.isEmpty() && !isAtEnd && looks < LOOKS_MAX; looks++) {
                isAtEnd = !hasPart(target.rowsMax());
                if (!isAtEnd) {
                    fill(target);
                }
            }
        } finally {
            columns.release();
            if (isPartEmpty()) {
                giveBackPart();
            }
            deltas.endBatch();
        }
        isFailed = false;
        return !isAtEnd;
    }

    private void throwIfFailed() {
        if (isFailed) {
            throw new IllegalStateException("this scan of " + rowSet.path() + " has failed; open another");
        }
    }

    private void refresh() {
        deltas.refresh();
        if (!isStarted) {
            isStarted = true;
            filter.prune(vectors, deltas);
        }
    }

    @Override
    public boolean prepare(ColumnBatch target) {
        if (!columns.hasRoom()) {
            return false;
        }
        throwIfFailed();
        isFailed = true;
        refresh();
        int first = vectors.next(0);
        for (boolean isMore = first >= 0; isMore; ) {
            isMore = filter.prepareMore(first);
            isMore |= !filter.hasTests() && prepareMoreColumns(first, target.sink());
            isMore &= columns.hasRoom();
        }
        isFailed = false;
        return columns.hasRoom();
    }

    /** One unit of each column that is needed of each row: as with {@link #fillByColumns}. */
    private boolean prepareMoreColumns(int first, RowCursor.@Nullable Sink sink) {
        RowProjection projection = shape.projection();
        boolean isMore = false;
        for (int i = 0; i < projection.columnCount() && columns.hasRoom(); i++) {
            int column = shape.schemaColumn(projection.column(i));
            if (columns.has(column) && (sink == null || sink.wantsValues(i))) {
                isMore |= columns.prepareMore(column, first);
            }
        }
        return isMore;
    }

    /** Goes to the next part of a vector, of so many rows, if there is nothing left of this one; false at the end. */
    private boolean hasPart(int rowsMax) {
        if (!isPartEmpty()) {
            return true;
        }
        if (nextRow >= endRow) {
            vector = vectors.next(vector + 1);
            if (vector == NO_VECTOR) {
                vector = vectors.vectorCount();
                return false;
            }
            nextRow = filter.firstRow(vector);
            endRow = filter.endRow(vector);
        }
        selectPart(nextRow, Math.min(endRow, nextRow + rowsMax));
        return true;
    }

    private void selectPart(int from, int to) {
        part().clear();
        nextRow = to;
        if (filter.begin(vector, from, to, deltas)) {
            nextRow = correct(from, to);
            filter.removeFrom(nextRow);
            if (filter.finish(vector, deltas)) {
                part().select(filter);
            }
        }
    }

    /** Corrects the rows that have changes, up to {@code to}; answers behind the last row that was dealt with. */
    private int correct(int from, int to) {
        long first = (long) vector * Limits.VECTOR_ROWS;
        long end = first + to;
        for (long ordinal = deltas.seek(first + from); ordinal < end; ordinal = deltas.seek(ordinal + 1)) {
            int row = (int) (ordinal - first);
            if (filter.has(row)) {
                if (part().isFull()) {
                    return row;
                }
                filter.remove(row);
                correctRow(row, ordinal);
            }
        }
        return to;
    }

    private void correctRow(int row, long ordinal) {
        assembly.begin(!deltas.isUndo() || isLiveInFile(row));
        deltas.apply(ordinal, assembly);
        if (!assembly.isLive()) {
            return;
        }
        assembly.complete(shape.tested(), columns, vector, row);
        if (shape.filter().matches(assembly.memory(), 0)) {
            assembly.complete(shape.untested(), columns, vector, row);
            part().add(row, assembly.memory(), assembly.bytes());
        }
    }

    /** Whether the lifetime that the file has of a row, if any, had begun at the snapshot. */
    private boolean isLiveInFile(int row) {
        return columns.insertTimeAt(vector).longAt(row) <= deltas.snapshot()
                && columns.deletedAt(vector).longAt(row) == 0;
    }

    private void fill(ColumnBatch target) {
        PartRows rows = part();
        if (isOrdered && rows.hasCorrected()) {
            fillInOrder(target, rows);
            return;
        }
        RowCursor.Sink sink = isOrdered ? null : target.sink();
        if (rows.hasSelected() && sink != null) {
            if (sinkColumns == null) {
                sinkColumns = new SinkColumns(shape, columns, filter, deltas);
            }
            sinkColumns.give(vector, rows.selection(), rows.selectedCount(), target, sink);
            rows.skipSelected(rows.selectedCount());
        } else if (rows.hasSelected()) {
            fillByColumns(target, rows);
        }
        while (!rows.hasSelected() && rows.hasCorrected() && appendCorrected(target, rows)) {
            rows.skipCorrected();
        }
    }

    private boolean appendCorrected(ColumnBatch target, PartRows rows) {
        return append(target, rows.correctedMemory(), rows.correctedOffset());
    }

    private boolean append(ColumnBatch target, MemorySegment memory, long row) {
        RowProjection projection = shape.projection();
        if (!target.hasKeys()) {
            return target.appendRow(projection, memory, row);
        }
        int keyBytes = assembly.encodeKey(memory, row);
        return target.appendRow(projection, memory, row, assembly.keyMemory(), 0, keyBytes);
    }

    /** Merges selected and corrected rows, row by row. */
    private void fillInOrder(ColumnBatch target, PartRows rows) {
        while (!rows.isEmpty()) {
            boolean isCorrected =
                    rows.hasCorrected() && (!rows.hasSelected() || rows.correctedRow() < rows.selectedRow(0));
            if (isCorrected) {
                if (!appendCorrected(target, rows)) {
                    return;
                }
                rows.skipCorrected();
            } else {
                assembly.begin(true);
                assembly.complete(shape.tested(), columns, vector, rows.selectedRow(0));
                assembly.complete(shape.untested(), columns, vector, rows.selectedRow(0));
                if (!append(target, assembly.memory(), 0)) {
                    return;
                }
                rows.skipSelected(1);
            }
        }
    }

    // ---- By columns ----

    private void fillByColumns(ColumnBatch target, PartRows rows) {
        RowProjection projection = shape.projection();
        for (int i = 0; i < projection.columnCount(); i++) {
            int column = shape.schemaColumn(projection.column(i));
            if (columns.has(column)) {
                columns.prepare(column, vector);
            }
        }
        int count = fittingRows(rows, target.rowsMax());
        if (target.hasKeys()) {
            count = fillKeys(target, rows, count);
        }
        long at = rows.selectionOffset();
        for (int i = 0; i < projection.columnCount(); i++) {
            int column = shape.schemaColumn(projection.column(i));
            if (!columns.has(column)) {
                target.column(i).fillFromRow(count, shape.layout(), shape.template(), 0, projection.column(i));
                continue;
            }
            ColumnCursor cursor = columns.at(column, vector);
            if (count == cursor.rowCount()) {
                cursor.read(target.column(i));
            } else {
                cursor.readSelected(target.column(i), rows.selection(), at, count);
            }
        }
        target.rowCount(count);
        rows.skipSelected(count);
    }

    private int fittingRows(PartRows rows, int rowsMax) {
        int count = Math.min(rows.selectedCount(), rowsMax);
        long at = rows.selectionOffset();
        RowLayout layout = shape.layout();
        for (int i = 0; i < shape.projection().columnCount(); i++) {
            int index = shape.projection().column(i);
            if (!layout.isVariable(index)) {
                continue;
            }
            int column = shape.schemaColumn(index);
            if (columns.has(column)) {
                ColumnCursor cursor = columns.at(column, vector);
                count = Math.min(
                        count, cursor.fittingRows(rows.selection(), at, count, Limits.BATCH_VARIABLE_BYTES_MAX));
            } else if (!layout.isNull(shape.template(), 0, index)) {
                int bytes = Math.max(1, layout.variableBytes(shape.template(), 0, index));
                count = Math.min(count, Limits.BATCH_VARIABLE_BYTES_MAX / bytes);
            }
        }
        return count;
    }

    /** Writes the keys of the next selected rows; answers how many found room. */
    private int fillKeys(ColumnBatch target, PartRows rows, int count) {
        ColumnCursor[] keys = columns.keysAt(vector);
        for (int i = 0; i < count; i++) {
            assembly.assembleKey(keys, rows.selectedRow(i));
            int keyBytes = assembly.encodeKey();
            if (!target.keys().fits(i, keyBytes)) {
                return i;
            }
            target.keys().setBytes(i, assembly.keyMemory(), 0, keyBytes);
        }
        return count;
    }

    @Override
    public void close() {
        opened.close();
    }
}
