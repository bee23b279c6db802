package io.nyala.rows;

import java.lang.foreign.MemorySegment;

/** Changes of a rowset's rows, found by the row's ordinal. Thread-safe; its cursors are not. */
public interface DeltaSource {
    /**
     * Time of the newest change, {@link HybridTime#NONE} if there is none: a snapshot at or above it needs no change
     * undone.
     */
    long newestChange();

    /**
     * The changes of rows {@code from} to {@code to}, excluded, with times above the snapshot: by ordinal, then newest
     * first.
     */
    Cursor changes(long from, long to, long snapshot);

    /** Changes one by one. Belongs to one thread; what it answers is valid until the next {@link #next}. */
    interface Cursor extends AutoCloseable {
        /** Moves to the next change, the first one at first; false at the end. */
        boolean next();

        long ordinal();

        long time();

        /** What {@link #changeOffset} points into. */
        MemorySegment memory();

        /** Where the {@link RowChange} is. */
        long changeOffset();

        int changeBytes();

        @Override
        void close();
    }
}
