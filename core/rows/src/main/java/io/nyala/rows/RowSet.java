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

    /**
     * How the bytes of rows lie along the keys of a range, as an estimate that reads nothing from disk. Rows at its
     * bounds may be counted though they are outside.
     *
     * @param columnIds of the columns whose bytes count; none for all, and all that is kept beside them
     * @param partBytes parts are of about so many bytes, or larger where rows or pages are
     */
    void outline(KeyRange range, int[] columnIds, long partBytes, Outline target);

    /** Takes an outline, part by part in the order of the keys. */
    @FunctionalInterface
    interface Outline {
        /**
         * There are about so many bytes from a key on, up to that of the next part; the first may begin below the
         * range.
         *
         * @param firstKey may be the beginning of a key; not to be changed
         */
        void part(byte[] firstKey, long bytes);
    }

    /** {@link #ABSENT}, {@link #LIVE} or {@link #DELETED}, by the newest state, visible or not. */
    int lookup(MemorySegment memory, long key, int keyBytes);
}
