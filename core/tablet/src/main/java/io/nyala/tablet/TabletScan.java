package io.nyala.tablet;

import io.nyala.cfile.ReadAhead;
import io.nyala.cursor.ChangesCursor;
import io.nyala.cursor.MergeCursor;
import io.nyala.cursor.UnionCursor;
import io.nyala.diskrowset.ReaderMemory;
import io.nyala.diskrowset.RowSetSource;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.MemRowSet;
import io.nyala.memrowset.MemRowSetSource;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.KeyRange;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts the cursors over a tablet's rowsets together. The snapshot was taken before the map is read here, so the map
 * holds every row that the snapshot may see. One thread.
 */
final class TabletScan {
    /** Of reads ahead of a scan in key order, which has many columns of many rowsets; what is beyond comes by pages. */
    private static final long AHEAD_BYTES_OF_MERGE = 8 << 20;

    private final Tablet tablet;
    private final ScanSpec spec;
    private final MemoryAccount account;
    private final @Nullable Consumer<MissingRowSet> leftOut;
    private final ReaderMemory memory; // Of all its rowsets.
    private @Nullable ReadAhead ahead; // Likewise.

    /**
     * @param leftOut told of each rowset that cannot be read; null to fail where there is one
     */
    TabletScan(Tablet tablet, ScanSpec spec, MemoryAccount account, @Nullable Consumer<MissingRowSet> leftOut) {
        this.tablet = tablet;
        this.spec = spec;
        this.account = account;
        this.leftOut = leftOut;
        this.memory = new ReaderMemory(account); // Takes nothing yet.
    }

    Tablet tablet() {
        return tablet;
    }

    ScanSpec spec() {
        return spec;
    }

    MemoryAccount account() {
        return account;
    }

    /** What may have rows of the scan. */
    private record Rows(List<LiveRowSet> onDisk, List<FreshRows> inMemory, List<MissingRowSet> missing) {
        void hold() {
            onDisk.forEach(LiveRowSet::hold);
            inMemory.forEach(FreshRows::hold);
        }

        void letGo() {
            onDisk.forEach(LiveRowSet::letGo);
            inMemory.forEach(FreshRows::letGo);
        }
    }

    RowCursor open() {
        Rows rows = hold();
        List<RowCursor> cursors = new ArrayList<>();
        try {
            leaveOut(rows.missing());
            for (LiveRowSet rowSet : rows.onDisk()) {
                if (mayHaveChanged(rowSet) && mayHave(rowSet)) {
                    cursors.add(cursor(rowSet, spec));
                }
            }
            for (FreshRows fresh : rows.inMemory()) {
                cursors.add(new ReseatingCursor(this, fresh));
            }
            boolean isMerged = cursors.size() > 1
                    || (spec.isOfChanges() && !spec.predicates().isEmpty());
            return new WholeCursor(
                    spec.keyOrder() && isMerged && !cursors.isEmpty()
                            ? new MergeCursor(cursors, spec, account)
                            : new UnionCursor(cursors));
        } catch (RuntimeException e) {
            cursors.forEach(RowCursor::close);
            closeShared();
            throw e;
        } finally {
            rows.letGo(); // What the scan needs its cursors hold.
        }
    }

    /** A merge may put others in the place of rowsets at any moment, so a map is good only within the epochs. */
    private Rows hold() {
        int ticket = tablet.enter();
        try {
            RowSetMap map = tablet.map();
            List<FreshRows> inMemory = new ArrayList<>(map.sealed());
            inMemory.add(map.active());
            var rows = new Rows(
                    map.rowSets().meeting(spec.keyRange()),
                    inMemory,
                    map.unreadable().meeting(spec.keyRange()));
            rows.hold();
            return rows;
        } finally {
            tablet.exit(ticket);
        }
    }

    /** Its filter may have to be read for that. */
    private boolean mayHave(LiveRowSet rowSet) {
        try {
            return rowSet.base().mayHave(spec.keyRange());
        } catch (RuntimeException e) {
            if (leftOut == null) {
                throw e;
            }
            PartialCursor.leaveOut(tablet, rowSet, leftOut, e);
            return false;
        }
    }

    /** False if the scan is of changes and none of the rowset's is within its times. */
    private boolean mayHaveChanged(LiveRowSet rowSet) {
        if (!spec.isOfChanges() || rowSet.base().newestChange() > spec.start()) {
            return true;
        }
        int ticket = tablet.enter();
        try {
            for (DeltaSource source : rowSet.since().oldestFirst()) {
                if (source.mayChangeBetween(0, rowSet.base().rowCount(), spec.start(), spec.snapshot())) {
                    return true;
                }
            }
            return false;
        } finally {
            tablet.exit(ticket);
        }
    }

    /** A cursor over rows in memory. Each of its calls must be inside the epochs. */
    RowCursor.Keyed cursor(MemRowSet rows) {
        return spec.isOfChanges()
                ? new ChangesCursor(MemRowSetSource.of(rows, spec, account), spec, spec.schema(), account)
                : rows.scan(spec, account);
    }

    /** A cursor over a rowset on disk; of another range of keys, perhaps. */
    RowCursor cursor(LiveRowSet rowSet, ScanSpec range) {
        return leftOut == null
                ? new EpochCursor(this, rowSet, range, ahead(rowSet))
                : PartialCursor.open(this, rowSet, range, ahead(rowSet), leftOut);
    }

    /** Null for a scan of changes, each rowset of which has its own. */
    private @Nullable ReadAhead ahead(LiveRowSet rowSet) {
        if (ahead == null && !spec.isOfChanges()) {
            ahead = rowSet.base().readAhead(account, spec.keyOrder() ? AHEAD_BYTES_OF_MERGE : Long.MAX_VALUE);
        }
        return ahead;
    }

    private void closeShared() {
        try {
            memory.close();
        } finally {
            if (ahead != null) {
                ahead.close();
            }
        }
    }

    /** All of the scan, with the reads and the memory that its rowsets share. */
    private final class WholeCursor implements RowCursor {
        private final RowCursor cursor;

        WholeCursor(RowCursor cursor) {
            this.cursor = cursor;
        }

        @Override
        public boolean next(ColumnBatch target) {
            return cursor.next(target);
        }

        @Override
        public void close() {
            try {
                cursor.close();
            } finally {
                closeShared();
            }
        }
    }

    private void leaveOut(List<MissingRowSet> missing) {
        for (MissingRowSet rowSet : missing) {
            if (leftOut == null) {
                throw rowSet.refusal();
            }
            leftOut.accept(rowSet);
        }
    }

    /**
     * Reads a rowset on disk with its changes in memory, and holds it: each call is inside the tablet's epochs, so that
     * a scan that idles keeps nothing in memory that was flushed meanwhile. One thread.
     */
    static final class EpochCursor implements RowCursor {
        private final Tablet tablet;
        private final LiveRowSet rowSet;
        private final RowCursor cursor;
        private final ScanSpec spec;
        private final @Nullable ReadAhead ahead;
        private boolean isClosed;

        /** Of a rowset that somebody else holds at the moment. */
        EpochCursor(TabletScan scan, LiveRowSet rowSet, ScanSpec spec, @Nullable ReadAhead ahead) {
            this.tablet = scan.tablet;
            this.rowSet = rowSet;
            this.spec = spec;
            this.ahead = ahead;
            int ticket = tablet.enter();
            try {
                this.cursor = open(scan, rowSet, spec, ahead);
            } finally {
                tablet.exit(ticket);
            }
            rowSet.hold();
        }

        private static RowCursor open(TabletScan scan, LiveRowSet rowSet, ScanSpec spec, @Nullable ReadAhead ahead) {
            if (ahead != null) {
                return rowSet.base().scan(spec, scan.memory, rowSet.since(), ahead);
            }
            ScanSpec narrowed = spec.narrowed();
            var source = new RowSetSource(rowSet.base(), narrowed, spec.schema(), rowSet.since(), scan.account);
            return new ChangesCursor(source, narrowed, spec.schema(), scan.account);
        }

        @Override
        public KeyRange keyRange() {
            byte[] last = rowSet.base().maxKey();
            var own = new KeyRange(rowSet.base().minKey(), Arrays.copyOf(last, last.length + 1)); // The least above it.
            return own.and(spec.keyRange());
        }

        @Override
        public boolean next(ColumnBatch target) {
            int ticket = tablet.enter();
            try {
                return cursor.next(target);
            } finally {
                tablet.exit(ticket);
            }
        }

        @Override
        public boolean prepare(ColumnBatch target) {
            if (ahead == null || !ahead.hasRoom()) {
                return false;
            }
            int ticket = tablet.enter();
            try {
                return cursor.prepare(target);
            } finally {
                tablet.exit(ticket);
            }
        }

        @Override
        public void close() {
            cursor.close();
            if (!isClosed) {
                isClosed = true;
                rowSet.letGo();
            }
        }
    }

    /**
     * Rows of a rowset up to the first that cannot be read. That there are others is told to whoever asked for such a
     * scan.
     */
    private static final class PartialCursor implements RowCursor {
        private final Tablet tablet;
        private final LiveRowSet rowSet;
        private final Consumer<MissingRowSet> leftOut;
        private final RowCursor cursor;
        private boolean isEnded;

        private PartialCursor(Tablet tablet, LiveRowSet rowSet, Consumer<MissingRowSet> leftOut, RowCursor cursor) {
            this.tablet = tablet;
            this.rowSet = rowSet;
            this.leftOut = leftOut;
            this.cursor = cursor;
        }

        /** A cursor over what can be read of a rowset; perhaps nothing. */
        static RowCursor open(
                TabletScan scan,
                LiveRowSet rowSet,
                ScanSpec spec,
                @Nullable ReadAhead ahead,
                Consumer<MissingRowSet> leftOut) {
            try {
                return new PartialCursor(scan.tablet, rowSet, leftOut, new EpochCursor(scan, rowSet, spec, ahead));
            } catch (RuntimeException e) {
                leaveOut(scan.tablet, rowSet, leftOut, e);
                return new UnionCursor(List.of());
            }
        }

        static void leaveOut(
                Tablet tablet, LiveRowSet rowSet, Consumer<MissingRowSet> leftOut, RuntimeException failure) {
            if (!MissingRowSet.isCause(failure)) {
                throw failure;
            }
            leftOut.accept(MissingRowSet.of(tablet, rowSet.base(), failure));
        }

        @Override
        public boolean next(ColumnBatch target) {
            if (isEnded) {
                return false;
            }
            try {
                return cursor.next(target);
            } catch (RuntimeException e) {
                isEnded = true;
                target.clear(); // Rows of a batch that was not filled to its end are not whole.
                leaveOut(tablet, rowSet, leftOut, e);
                return false;
            }
        }

        @Override
        public boolean prepare(ColumnBatch target) {
            return !isEnded && cursor.prepare(target);
        }

        @Override
        public KeyRange keyRange() {
            return cursor.keyRange();
        }

        @Override
        public void close() {
            cursor.close();
        }
    }
}
