package io.nyala.rows;

import io.nyala.memory.MemoryAccount;
import java.lang.foreign.MemorySegment;

/**
 * Changes of a rowset's rows, found by the row's ordinal: what to apply to a row, as its file of columns has it, to see
 * it at a snapshot. There are two kinds.
 *
 * <ul>
 *   <li>UNDO: what happened to the rows before the file was written. Relevant is what is above the snapshot; it leads
 *       back, newest first.
 *   <li>REDO: what happened to them since: UPDATEs, then perhaps one DELETE, after which nothing more happens to the
 *       row here (a new row of the same key begins elsewhere). Relevant is what is at or below the snapshot; it leads
 *       forward, oldest first.
 * </ul>
 *
 * <p>For one row and snapshot only one of the kinds has anything: all REDO is newer than the file, all UNDO is older.
 * Thread-safe; its cursors are not.
 */
public interface DeltaSource {
    /**
     * Whether rows {@code from} to {@code to}, excluded, may have changes that are relevant at the snapshot. Cheap,
     * reads no page; a true that turns out to be wrong costs time only.
     */
    boolean mayChange(long from, long to, long snapshot);

    /**
     * Whether rows {@code from} to {@code to}, excluded, may have changed after one time, and not after another. As
     * cheap as {@link #mayChange}.
     */
    default boolean mayChangeBetween(long from, long to, long after, long upTo) {
        return mayChange(from, to, upTo);
    }

    /**
     * Whether any change, of whatever time, may set a cell of this column: if not, conditions on the column are decided
     * by the rows' file. Cheap, reads no page; false only if it is sure.
     */
    default boolean touches(int columnId) {
        return true;
    }

    /**
     * The relevant changes of rows {@code from} to {@code to}, excluded: by ordinal, and for each row in the order in
     * which they are to be applied.
     */
    Cursor changes(long from, long to, long snapshot);

    /**
     * As above; the account of the reader pays for what the cursor holds, if it holds memory of its own. Without one
     * that of the source does, which others need, too.
     */
    default Cursor changes(long from, long to, long snapshot, MemoryAccount account) {
        return changes(from, to, snapshot);
    }

    /**
     * As above, for a reader that wants to know what rows are at the snapshot, of some columns only: cells of others,
     * cells that are set again by relevant changes, and changes of nothing else, may be left out.
     *
     * @param columnIds ascending; not to be changed
     */
    default Cursor changes(long from, long to, long snapshot, int[] columnIds, MemoryAccount account) {
        return changes(from, to, snapshot, account);
    }

    /**
     * Changes one by one. Belongs to one thread; what it answers is valid until the next {@link #next} or {@link
     * #seek}. It may outlive a source in memory: nothing but {@link #close} may be called then, which does not touch
     * the source.
     */
    interface Cursor extends AutoCloseable {
        /** Moves to the next change, the first one at first; false at the end. */
        boolean next();

        /**
         * As {@link #next}, but leaves out the changes of rows before {@code ordinal}, as cheaply as it can; false at
         * the end.
         */
        default boolean seek(long ordinal) {
            while (next()) {
                if (ordinal() >= ordinal) {
                    return true;
                }
            }
            return false;
        }

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
