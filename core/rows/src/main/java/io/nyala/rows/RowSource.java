package io.nyala.rows;

import java.lang.foreign.MemorySegment;

/**
 * Rows in the order of their keys, each with its whole history: what a flush or a merge reads. Belongs to one thread;
 * whoever opened it closes it. What the accessors answer is valid until the next {@link #next}.
 *
 * <p>To see a row at snapshot S: start from its newest state (live unless {@link #isDeleted}); if S is before {@link
 * #insertTime} it is not live; then apply each history record with time above S, newest first, each an UNDO {@link
 * RowChange}: UPDATE sets cells back and says that the row was live, DELETE says that it did not exist, REINSERT that
 * it existed with these values. A row that was deleted has a record at the time of the deletion: an UPDATE of 0 cells,
 * since its last values are the base's, or a REINSERT of them.
 */
public interface RowSource extends AutoCloseable {
    /**
     * For readers that pause: asks where the rows and their changes lie now. Before each run of {@link #next}; what
     * the accessors answer stays valid.
     */
    default void refresh() {}

    /** Moves to the next row, the first one at first; false at the end. */
    boolean next();

    /** What all offsets point into. */
    MemorySegment memory();

    long keyOffset();

    int keyBytes();

    /** The packed row with its newest values; if it is deleted, the last ones it had. */
    long rowOffset();

    int rowBytes();

    /**
     * Where the row is with all columns of the table, for sources whose rows have some of them only: put together when
     * it is asked for. {@link #memory} may be another afterwards.
     */
    default long wholeRowOffset() {
        return rowOffset();
    }

    /** Of what {@link #wholeRowOffset} has answered. */
    default int wholeRowBytes() {
        return rowBytes();
    }

    /** Start of the current lifetime; of the last one if the row is deleted. */
    long insertTime();

    boolean isDeleted();

    /** Time of the newest change, or {@link #insertTime} if there was none since. */
    long newestChange();

    /** UNDO records, newest first. */
    int historyCount();

    /** When what this record undoes happened. */
    long historyTime(int index);

    /** Where in {@link #memory} the {@link RowChange} is. */
    long historyOffset(int index);

    int historyBytes(int index);

    /**
     * Tells where the present row went, for a source whose rows may still change: the index of the output, and of the
     * row in it.
     */
    default void placed(int output, int ordinal) {}

    @Override
    void close();
}
