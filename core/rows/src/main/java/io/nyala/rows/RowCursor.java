package io.nyala.rows;

import org.jspecify.annotations.Nullable;

/** The matching rows of a rowset, batch by batch. Belongs to one thread at a time; whoever opened it closes it. */
public interface RowCursor extends AutoCloseable {
    /**
     * How many vectors of rows a call looks at before it comes back without one that matches. So whoever reads has a
     * chance to look at the time, and lets go what the call keeps in memory, however few rows of a large table match.
     */
    int LOOKS_MAX = 64;

    /**
     * Replaces the content of a batch by the next matching rows.
     *
     * @return false at the end, the batch is empty then; true otherwise, and the batch has rows, perhaps fewer than it
     *     could hold, or none if many were looked at and none of them matched
     */
    boolean next(ColumnBatch target);

    @Override
    void close();

    /** One that knows where it is, so that another may go on behind it. */
    interface Keyed extends RowCursor {
        /** A copy of the key of the last row that was yielded, null before the first: what comes next is above it. */
        byte @Nullable [] lastKey();
    }
}
