package io.nyala.tablet;

import io.nyala.memory.Epochs;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.memrowset.CarryOver;
import io.nyala.memrowset.MemRowSet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tablet's MemRowSets from their seal to the end of their last reader, and the memory that the next one begins with.
 *
 * <pre>{@code
 *   active --seal--> sealed --flush, swap--> retired --last reader leaves--> freed
 *             ^                                                               |
 *             '------------- next slab <--------------------------------------'
 * }</pre>
 *
 * <p>A seal is how memory comes back, so it must not fail for want of it: the slab that the next MemRowSet begins with
 * is taken ahead, before the active one gets its first row: a tablet that is not written to has none. It may be missing
 * also while another MemRowSet is sealed or retired, and then that one's first slab, when it is freed, is the next;
 * nobody else can have it.
 *
 * <p>Belongs to the writer's thread.
 */
final class Seals {
    /** Sealed MemRowSets that wait for their flush; when there are more, writers wait. */
    static final int SEALED_MAX = 2;

    /** Times {@code flushBytes} that a MemRowSet may reach before its seal: a flush may be slower than writers. */
    static final int ACTIVE_FLUSHES_MAX = 2;

    private final TabletConfig config;
    private final Epochs epochs;
    private final ArrayDeque<Sealed> awaitingFlush = new ArrayDeque<>();
    private final List<FreshRows> retired = new ArrayList<>();
    private final List<Runnable> afterReclaim = new ArrayList<>();
    private @Nullable Slab nextSlab;
    private long nextId = 2;

    /** {@code nextSlab} is owned from here on; null while there are no rows. */
    Seals(TabletConfig config, Epochs epochs, @Nullable Slab nextSlab) {
        this.config = config;
        this.epochs = epochs;
        this.nextSlab = nextSlab;
    }

    /**
     * A frozen MemRowSet. What became of its flush is here and not in the flush, so that a flush that failed behind its
     * edit is gone on with by the next one.
     */
    static final class Sealed {
        private final FreshRows rows;
        private final long sequence;
        private @Nullable Replacement replacement; // Of maintenance.

        private Sealed(FreshRows rows, long sequence) {
            this.rows = rows;
            this.sequence = sequence;
        }

        /** What was frozen. */
        FreshRows rows() {
            return rows;
        }

        /** Rows that records of the tablet up to here have inserted are in {@link #rows} or older, none after it is. */
        long sequence() {
            return sequence;
        }

        @Nullable
        Replacement replacement() {
            return replacement;
        }

        void replaceBy(Replacement newReplacement) {
            replacement = newReplacement;
        }
    }

    /**
     * What a flush has put in the place of a MemRowSet, as a durable edit says.
     *
     * @param rowSets in key order
     * @param late carries the changes over that came after the seal
     */
    record Replacement(List<LiveRowSet> rowSets, CarryOver late) {}

    /** Makes sure that rows can be sealed that are to come; false if there is no memory for that. */
    boolean prepare() {
        if (nextSlab != null || !awaitingFlush.isEmpty() || !retired.isEmpty()) {
            return true;
        }
        nextSlab = config.memory().tryTake(MemRowSet.FIRST_SLAB_BYTES);
        return nextSlab != null;
    }

    /**
     * Freezes {@code active}, and answers what takes its place. Null if not now: too many are frozen already, because
     * flushes failed, or the next one's memory comes only when one of them is freed.
     */
    @Nullable
    FreshRows seal(FreshRows active, long sequence) {
        if (awaitingFlush.size() >= SEALED_MAX) {
            return null;
        }
        MemoryAccount memory = config.memory();
        Slab first = nextSlab != null ? nextSlab : memory.tryTake(MemRowSet.FIRST_SLAB_BYTES);
        if (first == null) {
            return null;
        }
        nextSlab = memory.tryTake(MemRowSet.FIRST_SLAB_BYTES);
        active.seal();
        awaitingFlush.add(new Sealed(active, sequence));
        return new FreshRows(new MemRowSet(nextId++, config.schema(), memory, first));
    }

    /** What is to be flushed next: the oldest that is frozen, or null. */
    @Nullable
    Sealed oldest() {
        return awaitingFlush.peek();
    }

    /** Its rows are on disk and it is out of the map: it is freed when its last reader has left. */
    void retire(FreshRows flushed) {
        Sealed oldest = awaitingFlush.remove();
        assert oldest.rows() == flushed : "flushed out of order";
        retired.add(flushed);
        epochs.retire(() -> {
            retired.remove(flushed);
            flushed.letGo();
            free(flushed.rows());
        });
    }

    private void free(MemRowSet rows) {
        if (nextSlab == null) {
            nextSlab = rows.closeExceptFirst();
        } else {
            rows.close();
        }
    }

    /**
     * MemRowSets that are out of the map, but may hold rows that a batch probed in an older map could not see on disk.
     */
    List<FreshRows> retired() {
        return retired;
    }

    /** Frees what has no reader any more; answers how many. */
    int reclaim() {
        int freed = epochs.reclaim();
        if (freed > 0 && !afterReclaim.isEmpty()) {
            List<Runnable> waiting = List.copyOf(afterReclaim);
            afterReclaim.clear();
            waiting.forEach(Runnable::run);
        }
        return freed;
    }

    /** Runs {@code command} when something that is retired has been freed. */
    void afterReclaim(Runnable command) {
        assert epochs.pending() > 0 : "nothing is to be freed";
        afterReclaim.add(command);
    }

    /** Frees what is retired, and the next one's memory. With no reader left. */
    void close() {
        epochs.reclaim();
        for (Sealed sealed : awaitingFlush) {
            Replacement unused = sealed.replacement();
            if (unused != null) {
                unused.rowSets().forEach(LiveRowSet::close);
            }
        }
        if (nextSlab != null) {
            config.memory().giveBack(nextSlab);
            nextSlab = null;
        }
    }
}
