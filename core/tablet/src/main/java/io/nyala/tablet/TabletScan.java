package io.nyala.tablet;

import io.nyala.cursor.MergeCursor;
import io.nyala.cursor.UnionCursor;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts the cursors over a tablet's rowsets together. The snapshot was taken before the map is read here, so the map
 * holds every row that the snapshot may see. One thread.
 */
final class TabletScan {
    private final Tablet tablet;
    private final ScanSpec spec;
    private final MemoryAccount account;
    private final @Nullable Consumer<MissingRowSet> leftOut;

    /**
     * @param leftOut told of each rowset that cannot be read; null to fail where there is one
     */
    TabletScan(Tablet tablet, ScanSpec spec, MemoryAccount account, @Nullable Consumer<MissingRowSet> leftOut) {
        this.tablet = tablet;
        this.spec = spec;
        this.account = account;
        this.leftOut = leftOut;
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

    RowCursor open() {
        RowSetMap map = hold();
        List<RowCursor> cursors = new ArrayList<>();
        try {
            leaveOut(map.missing());
            for (LiveRowSet rowSet : map.onDisk()) {
                if (rowSet.base().meets(spec.keyRange())) {
                    cursors.add(cursor(rowSet, spec));
                }
            }
            for (FreshRows sealed : map.sealed()) {
                cursors.add(new ReseatingCursor(this, sealed));
            }
            cursors.add(new ReseatingCursor(this, map.active()));
            return spec.keyOrder() && cursors.size() > 1
                    ? new MergeCursor(cursors, spec, account)
                    : new UnionCursor(cursors);
        } catch (RuntimeException e) {
            cursors.forEach(RowCursor::close);
            throw e;
        } finally {
            letGo(map); // What the scan needs its cursors hold.
        }
    }

    /** A merge may put others in the place of rowsets at any moment, so a map is good only within the epochs. */
    private RowSetMap hold() {
        int ticket = tablet.enter();
        try {
            RowSetMap map = tablet.map();
            map.onDisk().forEach(LiveRowSet::hold);
            map.sealed().forEach(FreshRows::hold);
            map.active().hold();
            return map;
        } finally {
            tablet.exit(ticket);
        }
    }

    private static void letGo(RowSetMap map) {
        map.onDisk().forEach(LiveRowSet::letGo);
        map.sealed().forEach(FreshRows::letGo);
        map.active().letGo();
    }

    /** A cursor over a rowset on disk; of another range of keys, perhaps. */
    RowCursor cursor(LiveRowSet rowSet, ScanSpec range) {
        return leftOut == null
                ? new EpochCursor(tablet, rowSet, range, account)
                : PartialCursor.open(tablet, rowSet, range, account, leftOut);
    }

    private void leaveOut(List<MissingRowSet> missing) {
        for (MissingRowSet rowSet : missing) {
            if (rowSet.meets(spec.keyRange())) {
                if (leftOut == null) {
                    throw rowSet.refusal();
                }
                leftOut.accept(rowSet);
            }
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
        private boolean isClosed;

        /** Of a rowset that somebody else holds at the moment. */
        EpochCursor(Tablet tablet, LiveRowSet rowSet, ScanSpec spec, MemoryAccount account) {
            this.tablet = tablet;
            this.rowSet = rowSet;
            int ticket = tablet.enter();
            try {
                this.cursor = rowSet.scan(spec, account);
            } finally {
                tablet.exit(ticket);
            }
            rowSet.hold();
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
        public void close() {
            cursor.close();
            if (!isClosed) {
                isClosed = true;
                rowSet.letGo();
            }
        }
    }
}
