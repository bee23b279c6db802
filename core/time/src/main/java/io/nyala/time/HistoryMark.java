package io.nyala.time;

import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * From which time on a tablet can be read: of what was before the ancient history mark, merges may leave out what
 * nobody can see at the mark or later. It never goes back, because what was left out does not come back.
 *
 * <p>Who reads at a snapshot holds the mark there until it has opened what it reads; a merge raises the mark before it
 * leaves anything out. One of the two comes first: the reader is refused, or the merge keeps what the reader needs.
 *
 * <p>Thread-safe: a lock, held for some comparisons, once for each scan and each merge.
 */
public final class HistoryMark {
    private long mark;
    private final TreeMap<Long, Integer> readers = new TreeMap<>(); // How many there are at each snapshot.

    /** @param mark {@link HybridTime#NONE} if nothing was left out yet */
    public HistoryMark(long mark) {
        this.mark = mark;
    }

    /** The least snapshot that can be read. */
    public synchronized long mark() {
        return mark;
    }

    /** Keeps the mark from passing a snapshot that is to be read; null if it has passed it. */
    public synchronized @Nullable Hold tryHold(long snapshot) {
        if (snapshot < mark) {
            return null;
        }
        readers.merge(snapshot, 1, Integer::sum);
        return new Hold(snapshot);
    }

    /**
     * From now on no snapshot before {@code wanted} is read, or before the oldest that is held, if that is less.
     * Answers where the mark is.
     */
    public synchronized long raise(long wanted) {
        mark = ifRaised(wanted);
        return mark;
    }

    /** Where {@link #raise} would put the mark now. */
    public synchronized long ifRaised(long wanted) {
        long least = readers.isEmpty() ? wanted : Math.min(wanted, readers.firstKey());
        return Math.max(mark, least);
    }

    /** What a reader needs. Closed once or more often, by any thread. */
    public final class Hold implements AutoCloseable {
        private final long snapshot;
        private boolean isClosed;

        private Hold(long snapshot) {
            this.snapshot = snapshot;
        }

        @Override
        public void close() {
            synchronized (HistoryMark.this) {
                if (!isClosed) {
                    isClosed = true;
                    readers.computeIfPresent(snapshot, (_, count) -> count == 1 ? null : count - 1);
                }
            }
        }
    }
}
