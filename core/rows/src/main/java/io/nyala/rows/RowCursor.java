package io.nyala.rows;

import java.lang.foreign.MemorySegment;
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

    /**
     * Starts reading what the first {@link #next} will need of a disk: for who reads several cursors one after the
     * other, and is still at one before. It does no more than the disk has room for beside the reads of that one.
     *
     * @param target the batch that {@code next} will get
     * @return true if it has started what it should, and there is room for those of yet another; else it may be asked
     *     again
     */
    default boolean prepare(ColumnBatch target) {
        return false;
    }

    /**
     * Where the keys of all its rows are, as far as it is known without reading anything. Takes next to no memory
     * before the first {@link #next}: so who merges many by key comes to each of them when it is its turn.
     */
    default KeyRange keyRange() {
        return KeyRange.ALL;
    }

    @Override
    void close();

    /** One that knows where it is, so that another may go on behind it. */
    interface Keyed extends RowCursor {
        /** A copy of the key of the last row that was yielded, null before the first: what comes next is above it. */
        byte @Nullable [] lastKey();
    }

    /**
     * Takes columns of matching rows in the place of a batch, if it is that batch's ({@link ColumnBatch#sink}), from
     * cursors that can tell more than the values: for who wants counts, sums or bounds of columns and no rows. What a
     * cursor puts into the batch is not given here.
     */
    interface Sink {
        /** So many more rows match. Each of their projected columns comes before or after, in one way or the other. */
        void rows(int count);

        /** Whether counts and bounds are not enough of a projected column. */
        boolean wantsValues(int column);

        /** Whether counts are not enough of a projected column. */
        boolean wantsBounds(int column);

        /**
         * Rows of a column whose values are not wanted, or that are all NULL.
         *
         * @param least the cell that no other is below, NULL left out, as a row has it; null if all are NULL, or if
         *     bounds are not wanted
         * @param greatest likewise
         */
        void page(int column, int rows, int nulls, @Nullable MemorySegment least, @Nullable MemorySegment greatest);

        /**
         * Rows of a column by their values: the first ones of a vector, of which two may be equal, and which is good
         * until the call ends. All are valid, whatever its validity says.
         *
         * @param counts how many rows have each value, perhaps none; they are overwritten later
         */
        void entries(int column, ColumnVector values, int entryCount, int[] counts);

        /** Rows of a column, one by one: the first ones of a vector, which is good until the call ends. */
        void values(int column, ColumnVector values, int rows);
    }
}
