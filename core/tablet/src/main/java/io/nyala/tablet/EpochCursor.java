package io.nyala.tablet;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;

/**
 * Reads a rowset on disk with its changes in memory: each call is inside the tablet's epochs, so that a scan that idles
 * keeps nothing in memory that was flushed meanwhile. One thread.
 */
final class EpochCursor implements RowCursor {
    private final Tablet tablet;
    private final RowCursor cursor;

    EpochCursor(Tablet tablet, LiveRowSet rowSet, ScanSpec spec, MemoryAccount account) {
        this.tablet = tablet;
        int ticket = tablet.enter();
        try {
            this.cursor = rowSet.scan(spec, account);
        } finally {
            tablet.exit(ticket);
        }
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
    }
}
