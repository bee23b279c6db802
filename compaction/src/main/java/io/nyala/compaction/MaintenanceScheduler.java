package io.nyala.compaction;

import io.nyala.memory.Check;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Brings work and workers together without a lock: whoever has work publishes its score in a slot, a free worker claims
 * the slot with the highest score by one compare-and-set.
 *
 * <pre>{@code
 *               claim                      release
 *   free(e) ------------> claimed(e) ------------> free(e + 1)
 *                            |   takeOver
 *                            '------------> claimed(e + 1)
 * }</pre>
 *
 * <p>The epoch e grows with every end of a claim. A worker that was given up for dead and comes back holds a claim of
 * an old epoch: {@link Claim#isCurrent} is false, and its result is refused.
 *
 * <p>Thread-safe; {@link Slot#publish} and {@link #claim} never block. Allocates one object per claim.
 */
public final class MaintenanceScheduler {
    /** Work items of a host; each is a tablet's flush or merge. */
    static final int SLOTS_MAX = 1 << 20;

    private final List<Slot> slots = new CopyOnWriteArrayList<>();

    /** Where work of one kind is published, under a name that people can read. */
    public Slot register(String name) {
        Check.that(slots.size() < SLOTS_MAX, "more than " + SLOTS_MAX + " kinds of work are registered");
        var slot = new Slot(name);
        slots.add(slot);
        return slot;
    }

    /** Forgets a slot; a claim on it goes on being valid. */
    public void unregister(Slot slot) {
        slots.remove(slot);
    }

    /** The published work with the highest score that nobody has claimed, now claimed; null if there is none. */
    public @Nullable Claim claim() {
        while (true) {
            Slot best = null;
            long bestState = 0;
            for (Slot slot : slots) {
                long state = slot.state.get();
                if (!Slot.isClaimed(state) && slot.score > 0 && (best == null || slot.score > best.score)) {
                    best = slot;
                    bestState = state;
                }
            }
            if (best == null) {
                return null;
            }
            if (best.state.compareAndSet(bestState, bestState | Slot.CLAIMED)) {
                return new Claim(best, bestState | Slot.CLAIMED);
            }
        }
    }

    /** One kind of work: how urgent it is, and who is at it. */
    public static final class Slot {
        private static final long CLAIMED = 1;

        private final String name;
        private final AtomicLong state = new AtomicLong();
        private volatile double score;

        private Slot(String name) {
            this.name = name;
        }

        /** Says how urgent the work is now; 0: there is nothing to do. */
        public void publish(double newScore) {
            assert newScore >= 0 : name + " has score " + newScore;
            if (score != newScore) { // Mostly it is 0 still, of thousands of tablets: a look costs less than a write.
                score = newScore;
            }
        }

        public double score() {
            return score;
        }

        /** Takes the work from a worker that does not come back; null if nobody had it. */
        public @Nullable Claim takeOver() {
            long before = state.get();
            long after = nextEpoch(before) | CLAIMED;
            return isClaimed(before) && state.compareAndSet(before, after) ? new Claim(this, after) : null;
        }

        private static boolean isClaimed(long state) {
            return (state & CLAIMED) != 0;
        }

        private static long nextEpoch(long state) {
            return (state & ~CLAIMED) + 2;
        }

        @Override
        public String toString() {
            return name + ", score " + score;
        }
    }

    /** The right of one worker to do the work of one slot, until it releases it or somebody takes it over. */
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

        /** Whether a result of this claim may still be used. */
        public boolean isCurrent() {
            return slot.state.get() == state;
        }

        /** Makes the slot free for the next claim; false if it was taken over, and then nothing happens. */
        public boolean release() {
            return slot.state.compareAndSet(state, Slot.nextEpoch(state));
        }
    }
}
