package io.nyala.tablet;

import io.nyala.compaction.WritePace;
import io.nyala.memory.BumpArena;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * How a tablet's writer and the maintenance of its host speak about memory, and merges: the writer wants a flush, or
 * memory that others would have to flush; maintenance says what comes of it, so that no batch waits for what will never
 * come, and what is to be merged, for which batches are to wait.
 *
 * <p>Thread-safe; the package-private part is the writer's.
 */
public final class Pressure {
    private final long tabletId;
    private final Runnable writerWake;
    private final Runnable maintenanceWake;
    private final WritePace pace;
    private volatile Listener listener = Listener.NONE;
    private volatile boolean isFlushWanted;
    private final AtomicBoolean isRowFlushWanted = new AtomicBoolean();
    private final AtomicBoolean isChangeFlushWanted = new AtomicBoolean();
    private volatile boolean isMemoryWanted;
    private volatile @Nullable RuntimeException flushFailure;
    private volatile @Nullable RuntimeException memoryFailure;
    private volatile @Nullable RuntimeException end;

    Pressure(long tabletId, WritePace pace, Runnable writerWake, Runnable maintenanceWake) {
        this.tabletId = tabletId;
        this.pace = pace;
        this.writerWake = writerWake;
        this.maintenanceWake = maintenanceWake;
    }

    /**
     * Hears what a tablet wants, from whoever wants it, so that nobody has to look at thousands of tablets for that.
     * Does not block.
     */
    public interface Listener {
        /** Nobody hears. */
        Listener NONE = new Listener() {
            @Override
            public void wanted() {}

            @Override
            public void paceChanged() {}
        };

        /** A flush, or memory: one that was not wanted before is. */
        void wanted();

        /** The tablet takes batches slowly from now on, until merges have caught up, or does no more. */
        void paceChanged();
    }

    /** Who hears from now on, of what is wanted already, too. */
    public void listener(Listener newListener) {
        listener = newListener;
        if (isFlushWanted || isMemoryWanted) {
            newListener.wanted();
        }
    }

    /** How fast the tablet takes batches. */
    public WritePace pace() {
        return pace;
    }

    /**
     * What a flush is to bring to disk.
     *
     * @param rows that are in memory
     * @param changes of rows on disk that are
     */
    public record Wanted(boolean rows, boolean changes) {
        /** All that is in memory. */
        public static final Wanted ALL = new Wanted(true, true);
    }

    /** Asks for a flush of what is in memory now. */
    public void wantFlush() {
        isChangeFlushWanted.set(true); // Before the flush is, or one could begin without it.
        wantRowFlush();
    }

    /** As {@link #wantFlush}, but changes of rows on disk may stay in memory: few of them make a small file. */
    void wantRowFlush() {
        isRowFlushWanted.set(true);
        wakeMaintenance();
    }

    /** As {@link #wantFlush}, but rows may stay in memory: few of them make a small rowset. */
    void wantChangeFlush() {
        isChangeFlushWanted.set(true);
        wakeMaintenance();
    }

    private void wakeMaintenance() {
        if (!isFlushWanted) {
            isFlushWanted = true;
            listener.wanted();
            maintenanceWake.run();
        }
    }

    /** Whether a flush was asked for and is not under way. */
    public boolean isFlushWanted() {
        return isFlushWanted;
    }

    /** Whether that is to leave no changes in memory. */
    public boolean isChangeFlushWanted() {
        return isChangeFlushWanted.get();
    }

    /**
     * A flush begins, which will seal what is in memory: who wants later rows flushed asks again. Answers what it is to
     * be of.
     */
    public Wanted flushBegins() {
        flushFailure = null;
        isFlushWanted = false;
        // Each at once: who wishes it in between is not to be forgotten.
        return new Wanted(isRowFlushWanted.getAndSet(false), isChangeFlushWanted.getAndSet(false));
    }

    /** A flush failed: writers that wait for the memory that it would have freed hear of it. */
    public void flushFailed(RuntimeException reason) {
        flushFailure = reason;
        writerWake.run();
    }

    /** Why the last flush failed, if it did and none has begun since. */
    public Optional<RuntimeException> flushFailure() {
        return Optional.ofNullable(flushFailure);
    }

    /** There will be no flush any more, and no memory for who waits for it. */
    public void flushesEnd(RuntimeException reason) {
        end = reason;
        writerWake.run();
    }

    /** Whether a batch waits for memory that a flush of any tablet could free. */
    public boolean isMemoryWanted() {
        return isMemoryWanted;
    }

    /** Nothing can be flushed to free the memory that is wanted, or that flush has failed. */
    public void refuseMemory(RuntimeException reason) {
        memoryFailure = reason;
        writerWake.run();
    }

    /** The MemRowSet is full: a batch waits for its flush. Throws if that need not be waited for. */
    void awaitFlush() {
        wantRowFlush();
        throwIfInVain();
    }

    /** The budget is: a batch waits for any flush. Throws if there is none to be waited for. */
    void awaitMemory() {
        if (!isMemoryWanted) {
            memoryFailure = null;
            isMemoryWanted = true;
            listener.wanted();
        }
        maintenanceWake.run();
        throwIfInVain();
        RuntimeException reason = memoryFailure;
        if (reason != null) {
            memoryFailure = null; // Who comes next may have more luck.
            throw new TabletBusyException(
                    "no memory for more rows in tablet " + tabletId + "; try again later: " + reason.getMessage(),
                    reason);
        }
    }

    /** Whether its {@link #pace} is slow is not as it was. */
    void paceChanged() {
        listener.paceChanged();
        maintenanceWake.run();
    }

    /** The batch that waited has its answer, whichever: nobody shall flush for it any more. */
    void relieved() {
        if (isMemoryWanted) {
            isMemoryWanted = false;
        }
    }

    private void throwIfInVain() {
        RuntimeException ended = end;
        if (ended != null) {
            throw new TabletBusyException(
                    "no memory for more rows in tablet " + tabletId + ", and none will be freed: " + ended.getMessage(),
                    ended);
        }
        RuntimeException reason = flushFailure;
        if (reason != null) {
            throw new TabletBusyException(
                    "no memory for more rows in tablet " + tabletId + ", because writing them to disk failed; try again"
                            + " later: " + reason.getMessage(),
                    reason);
        }
    }

    /**
     * Memory for what happens to rowsets while they are merged: it is carried over to what takes their place before the
     * merge ends and a flush can make room. So as much as it takes is set aside; where there is not as much, writers
     * wait as if there was no memory left, and the merge comes about however fast they are. Thread-safe.
     */
    static final class SetAside {
        /** Of all that the account could ever have: as much is set aside, and the merge itself needs some. */
        private static final int PART_MAX = 4;

        private final List<LiveRowSet> inputs;
        private final MemoryAccount account;
        private final long bytesBefore;
        private final ArrayDeque<Slab> slabs = new ArrayDeque<>();
        private long bytes;
        private long wantedMax = Long.MAX_VALUE;
        private boolean isTaken; // Some of it, by who carries over: what comes now has to wait.
        private boolean isClosed;

        SetAside(List<LiveRowSet> inputs, MemoryAccount account) {
            this.inputs = inputs;
            this.account = account;
            this.bytesBefore = changeBytes();
        }

        private long changeBytes() {
            long sum = 0;
            for (int i = 0; i < inputs.size(); i++) {
                sum += inputs.get(i).changeBytes();
            }
            return sum;
        }

        synchronized boolean ensure() {
            if (isTaken || isClosed) {
                return isClosed;
            }
            long wanted = Math.min(wantedMax, changeBytes() - bytesBefore);
            if (wanted > account.bytesMax() / PART_MAX) {
                return false;
            }
            while (bytes < wanted) {
                long missing = Math.clamp(wanted - bytes, MemoryBudget.SLAB_BYTES_MIN, BumpArena.SLAB_BYTES);
                Slab slab = account.tryTake(missing);
                if (slab == null) {
                    return false;
                }
                slabs.push(slab);
                bytes += slab.bytes();
            }
            return true;
        }

        /** No more is to be carried over than there is now. */
        synchronized void endsHere() {
            wantedMax = changeBytes() - bytesBefore;
        }

        synchronized boolean release() {
            isTaken = true;
            boolean isAny = !slabs.isEmpty();
            if (isAny) {
                account.giveBack(slabs.pop());
            }
            return isAny;
        }

        synchronized void close() {
            isClosed = true;
            slabs.forEach(account::giveBack);
            slabs.clear();
        }
    }
}
