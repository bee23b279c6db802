package io.nyala.tablet;

import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;

/**
 * Where a row lives that is not in the active MemRowSet: a rowset on disk with its changes since ({@link LiveRowSet}),
 * or a sealed MemRowSet on its way there ({@link FreshRows}). A row's {@code place} in it never changes.
 *
 * <p>Belongs to the writer.
 */
sealed interface RowHome permits LiveRowSet, FreshRows {
    /** What memory says of a condition. */
    enum Verdict {
        MET,
        NOT_MET,
        /** It has no change of that cell: what the files say counts. */
        UNKNOWN;

        static Verdict of(boolean isMet) {
            return isMet ? MET : NOT_MET;
        }
    }

    /**
     * Whether a column of a live row has the value of a cell, of a {@link io.nyala.rows.RowChange}, by its newest value
     * in memory.
     */
    Verdict test(long place, RowLayout layout, int column, MemorySegment memory, long cell);

    /** Whether the newest state of a row is live. Once it is not, it never is again: a new row begins elsewhere. */
    boolean isLive(long place);

    /**
     * The batch being decided may make one more change here, of an effect of so many bytes at most; answers whether it
     * is the first one.
     */
    boolean expectChange(int effectBytesMax);

    /**
     * Sets memory aside for all that was expected, so that {@link #apply} cannot fail for want of it; false if there is
     * not enough. Forgets what was expected.
     *
     * @param nextSequence no change is of a log record before it
     */
    boolean reserveExpected(long nextSequence);

    /** Memory of changes that a flush of nothing else would free now: none while a merge has them. */
    long flushableChangeBytes();

    /** Whether it takes no more changes before a flush. */
    boolean isFull();

    /** Applies an UPDATE or DELETE to a live row. The {@link io.nyala.rows.Effect} is copied. */
    void apply(long place, MemorySegment memory, long effect, long time);

    /** The batch is applied, or was not: what was set aside for it and not needed goes back. */
    void batchEnds();

    /** Upper bounds of what a batch may do to one {@link RowHome}. Belongs to the writer. */
    final class ExpectedChanges {
        private long bytes;
        private long count;
        private long largest;

        /** One more change; answers whether it is the first. */
        boolean add(int effectBytesMax) {
            bytes += effectBytesMax;
            largest = Math.max(largest, effectBytesMax);
            return count++ == 0;
        }

        /** Of all effects. */
        long bytes() {
            return bytes;
        }

        long count() {
            return count;
        }

        /** Bytes of the largest effect. */
        long largest() {
            return largest;
        }

        void clear() {
            bytes = 0;
            count = 0;
            largest = 0;
        }
    }
}
