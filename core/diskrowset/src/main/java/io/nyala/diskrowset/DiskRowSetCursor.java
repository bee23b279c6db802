package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.VectorSelection;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Limits;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowFilter;
import io.nyala.rows.RowProjection;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A scan of one rowset, a vector at a time, in one of two ways:
 *
 * <ul>
 *   <li><b>By columns</b>, the rule: predicates are evaluated on the encoded vectors into a bitmap, and only what is
 *       left of the other columns is decoded.
 *   <li><b>By rows</b>, for vectors with rows that have changed since the snapshot: each row is put together, changed
 *       back, and then tried. Such a row may match where its newest state does not, so zone maps prune nothing in a
 *       scan that meets history.
 * </ul>
 *
 * Insert times and deletions are looked at only where the snapshot or the rowset needs it. One thread; pins pages only
 * within {@link #next}.
 */
final class DiskRowSetCursor implements RowCursor {
    private static final int NO_VECTOR = -1;

    private final DiskRowSet rowSet;
    private final ScanSpec spec;
    private final ScanColumns columns;
    private final VectorFilter filter;
    private final RowFilter rowFilter;
    private final RowProjection projection;
    private final RowAssembly assembly;
    private final Slab selection;
    private final Opened opened = new Opened();
    private final VectorSelection vectors;
    private final DeltaSource.@Nullable Cursor history;
    private boolean hasHistory;
    private int vector = NO_VECTOR;
    private boolean byRows;
    private int selectedCount;
    private int taken;
    private boolean isRowPending;

    DiskRowSetCursor(DiskRowSet rowSet, ScanSpec spec, MemoryAccount account) {
        this.rowSet = rowSet;
        this.spec = spec;
        this.rowFilter = new RowFilter(rowSet.layout(), spec.predicates());
        this.projection = new RowProjection(rowSet.layout(), spec.projection());
        boolean isPast = spec.snapshot() < rowSet.newestChange();
        boolean mayMeetHistory = isPast && !rowSet.history().isEmpty();
        this.vectors = new VectorSelection(rowSet.rowCount());
        try {
            this.columns = new ScanColumns(rowSet, vectors, account);
            opened.add(columns::close);
            this.assembly = new RowAssembly(rowSet.layout(), account);
            opened.add(assembly::close);
            Slab taken = account.take((long) Limits.VECTOR_ROWS * Integer.BYTES + VectorFilter.PADDING_BYTES);
            opened.add(() -> account.giveBack(taken));
            this.selection = taken;
            this.filter = new VectorFilter(rowSet, spec, columns, assembly, account);
            opened.add(filter::close);
            filter.prune(vectors, !mayMeetHistory);
            DeltaSource.Cursor changes =
                    mayMeetHistory ? rowSet.history().changes(0, rowSet.rowCount(), spec.snapshot()) : null;
            this.history = changes;
            if (changes != null) {
                opened.add(changes::close);
                this.hasHistory = changes.next();
            }
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    @Override
    public boolean next(ColumnBatch target) {
        target.clear();
        try {
            while (target.rowCount() == 0) {
                if (taken == selectedCount && !nextVector()) {
                    return false;
                }
                if (byRows) {
                    fillByRows(target);
                } else if (taken < selectedCount) {
                    fillByColumns(target);
                }
            }
            return true;
        } finally {
            columns.release();
        }
    }

    private boolean nextVector() {
        vector = vectors.next(vector + 1);
        if (vector == NO_VECTOR) {
            vector = vectors.vectorCount();
            return false;
        }
        long firstRow = (long) vector * Limits.VECTOR_ROWS;
        skipHistoryBefore(firstRow);
        byRows = hasHistory && present().ordinal() < firstRow + Limits.VECTOR_ROWS;
        selectedCount = byRows ? filter.selectByKey(vector, selection) : filter.select(vector, selection);
        taken = 0;
        return true;
    }

    private void skipHistoryBefore(long row) {
        while (hasHistory && present().ordinal() < row) {
            hasHistory = present().next();
        }
    }

    private DeltaSource.Cursor present() {
        return Objects.requireNonNull(history, "no history in this scan");
    }

    // ---- By columns ----

    private void fillByColumns(ColumnBatch target) {
        int count = fittingRows(selectedCount - taken);
        if (target.hasKeys()) {
            count = fillKeys(target, count);
        }
        long at = (long) taken * Integer.BYTES;
        for (int i = 0; i < projection.columnCount(); i++) {
            ColumnCursor column = columns.at(projection.column(i), vector);
            if (count == column.rowCount()) {
                column.read(target.column(i));
            } else {
                column.readSelected(target.column(i), selection.segment(), at, count);
            }
        }
        target.rowCount(count);
        taken += count;
    }

    private int fittingRows(int wanted) {
        int count = wanted;
        for (int i = 0; i < projection.columnCount(); i++) {
            if (rowSet.layout().isVariable(projection.column(i))) {
                ColumnCursor column = columns.at(projection.column(i), vector);
                count = Math.min(
                        count,
                        column.fittingRows(
                                selection.segment(),
                                (long) taken * Integer.BYTES,
                                count,
                                Limits.BATCH_VARIABLE_BYTES_MAX));
            }
        }
        return count;
    }

    /** Writes the keys of the next selected rows; answers how many found room. */
    private int fillKeys(ColumnBatch target, int count) {
        ColumnCursor[] keys = columns.keysAt(vector);
        for (int i = 0; i < count; i++) {
            assembly.assemble(keys, keys.length, selectedRow(taken + i));
            int keyBytes = assembly.encodeKey();
            if (!target.keys().fits(i, keyBytes)) {
                return i;
            }
            target.keys().setBytes(i, assembly.keyMemory(), 0, keyBytes);
        }
        return count;
    }

    // ---- By rows ----

    private void fillByRows(ColumnBatch target) {
        while (taken < selectedCount) {
            if (!isRowPending) {
                rebuild(selectedRow(taken));
            }
            isRowPending = false;
            if (assembly.isLive() && rowFilter.matches(assembly.memory(), 0) && !append(target)) {
                isRowPending = true; // It opens the next batch.
                return;
            }
            taken++;
        }
    }

    /** Puts a row together as it was at the snapshot. */
    private void rebuild(int row) {
        ColumnCursor[] all = columns.allAt(vector);
        assembly.assemble(all, all.length, row);
        boolean isInserted = columns.insertTimeAt(vector).longAt(row) <= spec.snapshot();
        boolean isDeleted = columns.deletedAt(vector).longAt(row) != 0;
        assembly.isLive(isInserted && !isDeleted);
        long ordinal = (long) vector * Limits.VECTOR_ROWS + row;
        skipHistoryBefore(ordinal);
        while (hasHistory && present().ordinal() == ordinal) {
            assembly.undo(present());
            hasHistory = present().next();
        }
    }

    private boolean append(ColumnBatch target) {
        MemorySegment row = assembly.memory();
        if (!target.hasKeys()) {
            return target.appendRow(projection, row, 0);
        }
        int keyBytes = assembly.encodeKey();
        return target.appendRow(projection, row, 0, assembly.keyMemory(), 0, keyBytes);
    }

    private int selectedRow(int index) {
        return LittleEndian.getInt(selection.segment(), (long) index * Integer.BYTES);
    }

    @Override
    public void close() {
        opened.close();
    }
}
