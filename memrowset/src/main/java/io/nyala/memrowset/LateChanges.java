package io.nyala.memrowset;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The list of what changed in a {@link MemRowSet} after its seal, in the order in which it happened; its links are
 * {@link LateChange}s.
 *
 * <p>One writer; another thread may follow the list meanwhile.
 */
final class LateChanges {
    private final MemorySegment memory;
    private long last; // Of the writer; 0 if there is none.
    private volatile long first; // 0 if there is none.
    private final AtomicLong count = new AtomicLong();

    LateChanges(MemorySegment memory) {
        this.memory = memory;
    }

    /** A change that has room for a link in front of it, and is complete. */
    void append(long row, long change) {
        LateChange.initialize(memory, change, row);
        if (last == 0) {
            first = change;
        } else {
            LateChange.append(memory, last, change);
        }
        last = change;
        count.lazySet(count.getPlain() + 1);
    }

    /** The change after this one, or the first one after 0; 0 if there is none. */
    long after(long change) {
        return change == 0 ? first : LateChange.newer(memory, change);
    }

    long count() {
        return count.get();
    }
}
