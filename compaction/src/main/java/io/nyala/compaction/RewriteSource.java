package io.nyala.compaction;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RowSetRewrite;
import io.nyala.diskrowset.RowSetWriter;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowSource;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Rows of one rowset that is written again with its changes, where all of them stay, each in its place: what a merge
 * reads that has one input and rewrites only the columns that have changed ({@link RowSetRewrite}).
 *
 * <p>Whether all of them stay shows row by row: a row that nobody can see any more must go, and then the rowset is
 * merged as others are ({@link MergeSource}). So it is if it becomes too large, since it is not divided: what was
 * written for it is in memory. One thread.
 */
public final class RewriteSource implements RowSource {
    /**
     * Of what a rowset should have, the file may have so many times: a rowset that was ended because it was large
     * enough may get some history, or larger values.
     */
    private static final int FILE_BYTES_RATIO = 2;

    private final RowSetRewrite rewrite;
    private final RowSource rows;
    private final MergePlaces places;
    private long ordinal = -1;
    private long copiedBytes = -1;

    private RewriteSource(RowSetRewrite rewrite, RowSource rows, MergePlaces places) {
        this.rewrite = rewrite;
        this.rows = rows;
        this.places = places;
    }

    /**
     * Opens the rows of a rowset that can be written again so, at least as far as its file tells; of others nothing.
     *
     * @param schema of the table
     * @param since what happened to the rows since the file was written, oldest first; must not change any more
     * @param mark no snapshot before it is read any more; {@link MergeSource#NO_MARK} if all may be
     * @param places takes where each row went
     * @param account pays for all that it needs until it is closed
     */
    public static Optional<RewriteSource> open(
            DiskRowSet rowSet,
            Schema schema,
            List<DeltaSource> since,
            long mark,
            MergePlaces places,
            MemoryAccount account) {
        if (rowSet.rowCount() > Flush.ROWS_PER_ROWSET_MAX) {
            return Optional.empty();
        }
        return RowSetRewrite.of(rowSet, schema, since)
                .map(rewrite -> new RewriteSource(rewrite, rewrite.source(mark, account), places));
    }

    RowSetWriter newWriter(MemoryAccount account) {
        RowSetWriter writer = rewrite.writer(account);
        copiedBytes = writer.estimatedBytes();
        return writer;
    }

    int copiedPageCount() {
        return rewrite.copiedPageCount();
    }

    /** Whether, by the present row, the rowset is to be merged: the row must go, or there is too much. */
    boolean isToBeMerged(long estimatedBytes, long rowSetBytes) {
        boolean isForgotten = isDeleted() && historyCount() == 0;
        return isForgotten
                || estimatedBytes - copiedBytes >= rowSetBytes
                || estimatedBytes >= FILE_BYTES_RATIO * rowSetBytes;
    }

    @Override
    public boolean next() {
        boolean isThere = rows.next();
        ordinal += isThere ? 1 : 0;
        return isThere;
    }

    @Override
    public void placed(int output, int newOrdinal) {
        assert newOrdinal == ordinal : "row " + ordinal + " goes to " + newOrdinal;
        places.set(0, ordinal, output, newOrdinal);
    }

    @Override
    public MemorySegment memory() {
        return rows.memory();
    }

    @Override
    public long keyOffset() {
        return rows.keyOffset();
    }

    @Override
    public int keyBytes() {
        return rows.keyBytes();
    }

    @Override
    public long rowOffset() {
        return rows.rowOffset();
    }

    @Override
    public int rowBytes() {
        return rows.rowBytes();
    }

    @Override
    public long insertTime() {
        return rows.insertTime();
    }

    @Override
    public boolean isDeleted() {
        return rows.isDeleted();
    }

    @Override
    public long newestChange() {
        return rows.newestChange();
    }

    @Override
    public int historyCount() {
        return rows.historyCount();
    }

    @Override
    public long historyTime(int index) {
        return rows.historyTime(index);
    }

    @Override
    public long historyOffset(int index) {
        return rows.historyOffset(index);
    }

    @Override
    public int historyBytes(int index) {
        return rows.historyBytes(index);
    }

    @Override
    public void close() {
        rows.close();
    }
}
