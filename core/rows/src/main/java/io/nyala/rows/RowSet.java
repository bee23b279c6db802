package io.nyala.rows;

import io.nyala.memory.MemoryAccount;
import java.lang.foreign.MemorySegment;

/** A set of rows with distinct keys, in memory or on disk. Thread-safe for readers. */
public interface RowSet {
    /** Answer of {@link #lookup}: no row, live or deleted, has this key. */
    int ABSENT = 0;

    /** Answer of {@link #lookup}: the newest state of the row is live. */
    int LIVE = 1;

    /** Answer of {@link #lookup}: there was a row, but its newest state is deleted. */
    int DELETED = 2;

    /** Rows, live and deleted. */
    long rowCount();

    /** The least key; empty if there is no row. */
    byte[] minKey();

    /** The largest key; empty if there is no row. */
    byte[] maxKey();

    /**
     * The rows that are live at the specification's snapshot and match it.
     *
     * @param account pays for what the cursor needs until it is closed
     */
    RowCursor scan(ScanSpec spec, MemoryAccount account);

    /** {@link #ABSENT}, {@link #LIVE} or {@link #DELETED}, by the newest state, visible or not. */
    int lookup(MemorySegment memory, long key, int keyBytes);
}
