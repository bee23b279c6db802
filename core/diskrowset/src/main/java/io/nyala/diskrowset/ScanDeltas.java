package io.nyala.diskrowset;

import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.Limits;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The changes that a scan has to apply to the rows of a rowset: before its newest change those that lead back (UNDO),
 * from then on those that lead forward (REDO), of which there may be several sources.
 *
 * <pre>{@code
 *   refresh() before each batch; then, with ascending ordinals, seek(ordinal) and apply(ordinal, row)
 * }</pre>
 *
 * <p>Nothing of a source is touched before the first {@link #refresh}, nor between the end of a batch and the next
 * refresh; if the sources were replaced, their cursors are closed and opened anew where the scan is. Belongs to one
 * cursor.
 */
final class ScanDeltas implements AutoCloseable {
    /** Answer of {@link #seek}: no row from there on has changes. */
    static final long NONE = Long.MAX_VALUE;

    private final boolean isUndo;
    private final RedoSources redo;
    private final long snapshot;
    private final int[] columnIds;
    private final ReaderMemory memory;
    private long limit;
    private List<DeltaSource> sources = List.of();
    private boolean isOpen;
    private DeltaSource.@Nullable Cursor[] cursors = {};

    /** Where the cursors stand; {@link #NONE} at the end. */
    private long[] ordinals = {};

    ScanDeltas(DiskRowSet rowSet, ScanSpec spec, RedoSources redo, int[] columnIds, ReaderMemory memory) {
        this.isUndo = spec.snapshot() < rowSet.newestChange();
        boolean isAlways = isUndo && !rowSet.history().isEmpty();
        List<DeltaSource> undo = isAlways ? List.of(rowSet.history()) : List.of();
        this.redo = isUndo ? () -> undo : redo;
        this.snapshot = spec.snapshot();
        this.columnIds = columnIds;
        this.memory = memory;
        this.limit = rowSet.rowCount();
    }

    /** Whether the snapshot is one before the newest change of the file itself. */
    boolean isUndo() {
        return isUndo;
    }

    long snapshot() {
        return snapshot;
    }

    /** Looks where the changes lie now. */
    @SuppressWarnings("ReferenceEquality") // That is how a replacement is told.
    void refresh() {
        List<DeltaSource> now = redo.oldestFirst();
        if (now != sources) {
            closeCursors();
            sources = now;
        }
    }

    /**
     * A batch ends: where the reader has more of changes than it should keep, these are closed, and opened anew when
     * the scan comes back to this rowset. So it does not matter how many rowsets are read side by side.
     */
    void endBatch() {
        if (memory.hasTooManyChanges()) {
            closeCursors();
        }
    }

    /** Says where the scan ends: no row from there on will be asked for. */
    void limit(long ordinal) {
        limit = ordinal;
    }

    /** Whether rows {@code from} to {@code to}, excluded, may have changes to apply. */
    boolean mayChange(long from, long to) {
        for (int i = 0; i < sources.size(); i++) {
            if (sources.get(i).mayChange(from, to, snapshot)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a condition on this column cannot be decided by what the file has of the row. */
    boolean touches(int columnId) {
        for (int i = 0; i < sources.size(); i++) {
            if (sources.get(i).touches(columnId)) {
                return true;
            }
        }
        return false;
    }

    /** The first row at or after {@code ordinal} that has changes to apply, or {@link #NONE}. */
    long seek(long ordinal) {
        if (!isOpen) {
            open(ordinal);
        }
        long least = NONE;
        for (int i = 0; i < ordinals.length; i++) {
            if (ordinals[i] < ordinal) {
                DeltaSource.Cursor cursor = cursor(i);
                ordinals[i] = cursor.seek(ordinal) ? cursor.ordinal() : NONE;
            }
            least = Math.min(least, ordinals[i]);
        }
        return least;
    }

    private void open(long ordinal) {
        closeCursors(); // Those of an attempt that failed.
        int count = sources.size();
        cursors = new DeltaSource.Cursor[count];
        ordinals = new long[count];
        for (int i = 0; i < count; i++) {
            DeltaSource source = sources.get(i);
            ordinals[i] = NONE;
            if (source.mayChange(ordinal, limit, snapshot)) {
                DeltaSource.Cursor cursor = memory.changes(source, ordinal, limit, snapshot, columnIds);
                cursors[i] = cursor;
                ordinals[i] = cursor.next() ? cursor.ordinal() : NONE;
            }
        }
        isOpen = true;
    }

    private DeltaSource.Cursor cursor(int index) {
        DeltaSource.Cursor cursor = cursors[index];
        if (cursor == null) {
            throw new AssertionError("source " + index + " has no changes here");
        }
        return cursor;
    }

    /** Applies all changes of the row that {@link #seek} answered, and goes past them. */
    void apply(long ordinal, RowAssembly row) {
        for (int i = 0; i < ordinals.length; i++) {
            while (ordinals[i] == ordinal) {
                DeltaSource.Cursor cursor = cursor(i);
                if (isUndo) {
                    row.undo(cursor);
                } else {
                    row.redo(cursor);
                }
                ordinals[i] = cursor.next() ? cursor.ordinal() : NONE;
            }
        }
    }

    private void closeCursors() {
        isOpen = false;
        ordinals = new long[0];
        for (int i = 0; i < cursors.length; i++) {
            DeltaSource.Cursor cursor = cursors[i];
            cursors[i] = null;
            if (cursor != null) {
                cursor.close();
            }
        }
    }

    @Override
    public void close() {
        closeCursors();
    }

    /**
     * Every change of rows that are read one after the other, of several sources: for who needs them all. Where sources
     * have so many columns that cursors of all of them would take too much memory, those of some rows are collected,
     * from one source after the other. One thread.
     */
    static final class Every implements AutoCloseable {
        /** Rows that are collected at first. */
        private static final int ROWS_MIN = 16;

        private final List<DeltaSource> sources;
        private final long end;
        private final ReaderMemory memory;
        private final long collectedBytes;
        private final List<DeltaSource.Cursor> cursors = new ArrayList<>();
        private final long[] ordinals;

        /** Changes that were collected, and up to which row; of no meaning if nothing is. */
        private final GrowingBuffer buffer;

        private long collectedEnd;
        private int rows = ROWS_MIN;

        /** Of the cursor whose change was answered last. */
        private int index;

        /**
         * A store in memory merges changes that a snapshot does not see: so these are those of all times.
         *
         * @param collectedBytes about what changes take that are collected; 0 to read all sources side by side
         */
        Every(List<DeltaSource> sources, long from, long end, long collectedBytes, ReaderMemory memory) {
            this.sources = sources;
            this.end = end;
            this.memory = memory;
            this.collectedBytes = collectedBytes;
            this.collectedEnd = from;
            this.buffer = new GrowingBuffer(memory.account());
            this.ordinals = new long[sources.size()];
            Arrays.fill(ordinals, -1);
            try {
                for (DeltaSource source : sources) {
                    boolean isCollected = collectedBytes > 0;
                    cursors.add(isCollected ? new Collected() : memory.changes(source, from, end, Long.MAX_VALUE));
                }
            } catch (RuntimeException | Error e) {
                close();
                throw e;
            }
        }

        /** The first change of a row behind those that were asked for before; null if it has none. */
        DeltaSource.@Nullable Cursor first(long ordinal) {
            if (collectedBytes > 0 && ordinal >= collectedEnd) {
                collect(ordinal);
            }
            index = 0;
            return find(ordinal);
        }

        private void collect(long from) {
            collectedEnd = Math.min(end, from + rows);
            long used = 0;
            for (int i = 0; i < ordinals.length; i++) {
                ordinals[i] = -1;
                if (cursors.get(i) instanceof Collected collected) {
                    try (DeltaSource.Cursor all = memory.changes(sources.get(i), from, collectedEnd, Long.MAX_VALUE)) {
                        used = collected.take(all, used);
                    }
                }
            }
            if (used > collectedBytes) {
                rows = Math.max(1, rows / 2);
            } else if (used < collectedBytes / 4) {
                rows = Math.min(2 * rows, Limits.VECTOR_ROWS);
            }
        }

        /** The change of the row after the one that was answered; null if that was the last. */
        DeltaSource.@Nullable Cursor next(long ordinal) {
            DeltaSource.Cursor cursor = cursors.get(index);
            ordinals[index] = cursor.next() ? cursor.ordinal() : NONE;
            return find(ordinal);
        }

        private DeltaSource.@Nullable Cursor find(long ordinal) {
            for (; index < ordinals.length; index++) {
                DeltaSource.Cursor cursor = cursors.get(index);
                if (ordinals[index] < ordinal) {
                    ordinals[index] = cursor.seek(ordinal) ? cursor.ordinal() : NONE;
                }
                if (ordinals[index] == ordinal) {
                    return cursor;
                }
            }
            return null;
        }

        @Override
        public void close() {
            while (!cursors.isEmpty()) {
                cursors.removeLast().close();
            }
            buffer.close();
        }

        /** The changes of one source that were collected. */
        private final class Collected implements DeltaSource.Cursor {
            private final History.Records records = new History.Records();
            private long[] rowsOfRecords = new long[16];
            private int present;

            /** Copies all changes behind the bytes that are used; answers how many are then. */
            long take(DeltaSource.Cursor all, long usedBytes) {
                records.clear();
                present = -1;
                long used = usedBytes;
                while (all.next()) {
                    int count = records.count();
                    if (count == rowsOfRecords.length) {
                        rowsOfRecords = Arrays.copyOf(rowsOfRecords, 2 * count);
                    }
                    rowsOfRecords[count] = all.ordinal();
                    buffer.ensure(used, used + all.changeBytes());
                    MemorySegment.copy(all.memory(), all.changeOffset(), buffer.memory(), used, all.changeBytes());
                    records.add(all.time(), used, all.changeBytes());
                    used += DeltaFileFormat.pad8(all.changeBytes());
                }
                return used;
            }

            @Override
            public boolean next() {
                present = Math.min(present + 1, records.count());
                return present < records.count();
            }

            @Override
            public long ordinal() {
                return rowsOfRecords[present];
            }

            @Override
            public long time() {
                return records.time(present);
            }

            @Override
            public MemorySegment memory() {
                return buffer.memory();
            }

            @Override
            public long changeOffset() {
                return records.offset(present);
            }

            @Override
            public int changeBytes() {
                return records.bytes(present);
            }

            @Override
            public void close() {
                // What it has is the reader's.
            }
        }
    }
}
