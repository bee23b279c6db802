package io.nyala.rows;

/** The matching rows of a rowset, batch by batch. Belongs to one thread at a time; whoever opened it closes it. */
public interface RowCursor extends AutoCloseable {
    /**
     * Replaces the content of a batch by the next matching rows.
     *
     * @return false at the end, the batch is empty then; true otherwise, and it has at least one row, perhaps fewer
     *     than it could hold
     */
    boolean next(ColumnBatch target);

    @Override
    void close();
}
