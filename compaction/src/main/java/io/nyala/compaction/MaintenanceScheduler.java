package io.nyala.compaction;

import io.nyala.memory.Check;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * Brings work and workers together without a lock: whoever has work publishes its lane and score in a slot, a free
 * worker claims, by one compare-and-set, the slot with the highest score in the lane whose turn it is ({@link Lane}).
 * One of {@link #CLAIMS_PER_OLDEST} claims of a lane is that of the slot that has waited for most claims of it: so
 * none waits for ever behind higher scores, of n that have work no longer than for that many times n claims.
 *
 * <pre>{@code
 *               claim                      release
 *   free(e) ------------> claimed(e) ------------> free(e + 1)
 * }</pre>
 *
 * <p>The epoch e grows with every end of a claim, so that whoever ends one twice does not end that of the next worker.
 *
 * <p>Thread-safe; nothing blocks. Publishing and claiming allocate some small objects.
 */
public final class MaintenanceScheduler {
    /** Work items of a host; each is a tablet's flush or merge. */
    static final int SLOTS_MAX = 1 << 20;

    private final List<Slot> slots = new CopyOnWriteArrayList<>();

    /** The others go by their scores. */
    static final int CLAIMS_PER_OLDEST = 4;

    /** Of each lane, since the beginning. */
    private final AtomicLongArray claimCounts = new AtomicLongArray(Lane.values().length);

    /** How often each lane was passed over ({@link Lane#after}). */
    private final AtomicLong turns = new AtomicLong(Lane.NO_TURNS);

    /** Where work of one kind is published, under a name that people can read. */
    public Slot register(String name) {
        Check.that(slots.size() < SLOTS_MAX, "more than " + SLOTS_MAX + " kinds of work are registered");
        var slot = new Slot(name, claimCounts);
        slots.add(slot);
        return slot;
    }

    /** Forgets a slot; a claim on it goes on being valid. */
    public void unregister(Slot slot) {
        slots.remove(slot);
    }

    /**
     * Of the published work of these lanes that nobody has, that with the highest score of the lane whose turn it is,
     * or the oldest, now claimed; null if there is none.
     *
     * @param lanes as {@link Lane#set} has them
     */
    public @Nullable Claim claim(int lanes) {
        while (true) {
            int published = published(lanes);
            if (published == 0) {
                return null;
            }
            Lane next = Lane.next(turns.get(), published);
            boolean isOfOldest = claimCounts.get(next.place()) % CLAIMS_PER_OLDEST == CLAIMS_PER_OLDEST - 1;
            Slot best = isOfOldest ? oldest(next) : best(next);
            Claim claim = best == null ? null : best.tryClaim();
            if (claim != null) {
                claim.slot.waitsSince = claimCounts.incrementAndGet(next.place());
                turns.updateAndGet(before -> Lane.after(before, lanes, published, next));
                return claim;
            }
        }
    }

    /** Those of the lanes in which there is something that nobody has. */
    private int published(int lanes) {
        int published = 0;
        for (Slot slot : slots) {
            Work work = slot.work;
            if (work.score > 0 && work.lane.isIn(lanes) && !Slot.isClaimed(slot.state.get())) {
                published |= work.lane.bit();
            }
        }
        return published;
    }

    /** Null if others were faster. */
    private @Nullable Slot best(Lane lane) {
        Slot best = null;
        double bestScore = 0;
        for (Slot slot : slots) {
            Work work = slot.work;
            if (work.lane == lane && work.score > bestScore && !Slot.isClaimed(slot.state.get())) {
                best = slot;
                bestScore = work.score;
            }
        }
        return best;
    }

    /** Null if others were faster. */
    private @Nullable Slot oldest(Lane lane) {
        Slot oldest = null;
        for (Slot slot : slots) {
            Work work = slot.work;
            boolean isFree = work.score > 0 && work.lane == lane && !Slot.isClaimed(slot.state.get());
            if (isFree && (oldest == null || slot.waitsSince < oldest.waitsSince)) {
                oldest = slot;
            }
        }
        return oldest;
    }

    /** What is to be done: nothing, if the score is 0. Both at once, so that nobody sees the score of another lane. */
    private record Work(Lane lane, double score) {
        static final Work NONE = new Work(Lane.RECLAIM_SPACE, 0);
    }

    /** One kind of work: how urgent it is, and who is at it. */
    public static final class Slot {
        private static final long CLAIMED = 1;

        private final String name;
        private final AtomicLongArray claimCounts;
        private final AtomicLong state = new AtomicLong();
        private volatile Work work = Work.NONE;

        /** How many claims of its lane there were when it had work first, or was claimed. */
        private volatile long waitsSince;

        private Slot(String name, AtomicLongArray claimCounts) {
            this.name = name;
            this.claimCounts = claimCounts;
        }

        /** Says how urgent the work is now, a score above 0, and what it is for. */
        public void publish(Lane lane, double score) {
            assert score > 0 : name + " has score " + score;
            Work before = work;
            if (before.score == 0 || before.lane != lane) {
                waitsSince = claimCounts.get(lane.place());
            }
            if (before.score != score || before.lane != lane) {
                work = new Work(lane, score);
            }
        }

        /** There is nothing to do. */
        public void withdraw() {
            if (work.score > 0) { // Mostly it is, of thousands of tablets: a look costs less than a write.
                work = Work.NONE;
            }
        }

        /** What the published work is for; null if there is none. */
        public @Nullable Lane lane() {
            Work present = work;
            return present.score > 0 ? present.lane : null;
        }

        /** Null if somebody has it. */
        private @Nullable Claim tryClaim() {
            long before = state.get();
            long after = before | CLAIMED;
            return !isClaimed(before) && state.compareAndSet(before, after) ? new Claim(this, after) : null;
        }

        private static boolean isClaimed(long state) {
            return (state & CLAIMED) != 0;
        }

        private static long nextEpoch(long state) {
            return (state & ~CLAIMED) + 2;
        }

        @Override
        public String toString() {
            return name + ", " + work;
        }
    }

    /** The right of one worker to do the work of one slot, until it is released. */
    public static final class Claim {
        private final Slot slot;
        private final long state;

        private Claim(Slot slot, long state) {
            this.slot = slot;
            this.state = state;
        }

        public Slot slot() {
            return slot;
        }

        /** Makes the slot free for the next claim; false if it was released before, and then nothing happens. */
        public boolean release() {
            return slot.state.compareAndSet(state, Slot.nextEpoch(state));
        }
    }
}
