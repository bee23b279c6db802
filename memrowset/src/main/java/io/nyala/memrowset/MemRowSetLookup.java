package io.nyala.memrowset;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowFilter;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowProjection;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;

/**
 * Rows of a {@link MemRowSet} by their keys, as they are at a snapshot.
 *
 * <p>One thread; it touches the memory of the MemRowSet within {@link #append} only, and may be closed when that is
 * gone. Allocates nothing on the heap.
 */
public final class MemRowSetLookup implements AutoCloseable {
    /** For most rows that are put together from changes. */
    private static final long SCRATCH_BYTES = 4 << 10;

    /** What became of a look-up. */
    public enum Found {
        /** The row is the last one of the batch. */
        APPENDED,
        /** There is a row, but the batch has no room for it; nothing was changed. */
        NO_ROOM,
        /** No row with this key is live at the snapshot and matches. */
        NOTHING
    }

    private final RowTree tree;
    private final MemorySegment memory;
    private final RowFilter filter;
    private final RowProjection projection;
    private final Scratch scratch;
    private final RowStates states;

    /** @param spec its schema is that of the rows; what counts is what it projects, and its predicates */
    public MemRowSetLookup(MemRowSet rows, ScanSpec spec, MemoryAccount account) {
        var layout = new RowLayout(rows.schema());
        this.tree = rows.tree();
        this.memory = rows.memory();
        this.filter = new RowFilter(layout, spec.predicates());
        this.projection = new RowProjection(layout, spec.projection());
        this.scratch = new Scratch(account, SCRATCH_BYTES);
        this.states = new RowStates(layout, memory, scratch);
    }

    /** Appends the row with this key, if it matches, which is in native memory, to a batch of the projected columns. */
    public Found append(MemorySegment keyMemory, long key, int keyBytes, long snapshot, ColumnBatch target) {
        long row = tree.find(keyMemory, key, keyBytes);
        if (row == 0) {
            return Found.NOTHING;
        }
        scratch.clear();
        long packedRow = states.at(row, snapshot);
        if (packedRow == 0 || !filter.matches(memory, packedRow)) {
            return Found.NOTHING;
        }
        return target.appendRow(projection, memory, packedRow) ? Found.APPENDED : Found.NO_ROOM;
    }

    /** Gives scratch memory back. Closing twice does nothing. */
    @Override
    public void close() {
        scratch.close();
    }
}
