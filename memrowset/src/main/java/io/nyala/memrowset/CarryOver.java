package io.nyala.memrowset;

import io.nyala.memory.Check;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Carries what changed in a sealed {@link MemRowSet} during its flush over to the {@link DeltaMemStore}s of the rowsets
 * that the flush wrote, change by change, in their order.
 *
 * <pre>{@code
 *   MemRowSet                                             DeltaMemStores
 *   late change -> late change -> late change -> ...      output 0   output 1   ...
 *        |  row: (output, ordinal)                           ^
 *        +---------------------------------------------------+
 * }</pre>
 *
 * <p>It can be done in pieces, while more changes arrive: most of it by the worker that flushed, and what is left by
 * the tablet's writer right before it swaps.
 *
 * <p>Each row knows its place, so nothing is looked up. One thread at a time, which is the writer of the stores for
 * that time; it must know that the flush has written all rows. Owns neither side.
 */
public final class CarryOver {
    /** Memory of its MemRowSet that each late change takes at least. */
    public static final long CHANGE_BYTES_MIN = LateChange.BYTES + Change.BYTES;

    private final MemRowSet from;
    private final MemorySegment memory;
    private final List<DeltaMemStore> to;
    private long last; // The late change that was carried last, 0 before the first.
    private long carriedCount;

    /**
     * @param from sealed, and written by a flush
     * @param to one for each output of the flush, in their order
     */
    public CarryOver(MemRowSet from, List<DeltaMemStore> to) {
        Check.that(from.isSealed(), "late changes come after a seal");
        this.from = from;
        this.memory = from.memory();
        this.to = List.copyOf(to);
    }

    /**
     * Carries the next changes over, at most so many; answers how many there were.
     *
     * @throws io.nyala.memory.MemoryLimitException if a store has no memory for the next one; those before it are
     *     carried, and it may be tried again
     */
    public int carry(int countMax) {
        int count = 0;
        while (count < countMax) {
            long next = from.lateChanges().after(last);
            if (next == 0) {
                break;
            }
            carryOne(next);
            last = next;
            carriedCount++;
            count++;
        }
        return count;
    }

    private void carryOne(long change) {
        long place = RowHeader.place(memory, LateChange.row(memory, change));
        if (place == Place.NONE) {
            throw new IllegalStateException(
                    "MemRowSet " + from.id() + ": a row was changed that the flush did not write. Carry over after it");
        }
        DeltaMemStore store = to.get(Place.output(place));
        if (Change.kind(memory, change) == RowChange.DELETE) {
            store.delete(Place.ordinal(place), Change.time(memory, change));
        } else {
            store.update(
                    Place.ordinal(place),
                    memory,
                    Change.changeOffset(change),
                    Change.bytes(memory, change),
                    Change.time(memory, change));
        }
    }

    /** Late changes that were. */
    public long carriedCount() {
        return carriedCount;
    }

    /** Late changes that were not carried yet. */
    public long remaining() {
        return from.lateChangeCount() - carriedCount;
    }
}
