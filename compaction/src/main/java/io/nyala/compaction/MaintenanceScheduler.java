package io.nyala.compaction;

import io.nyala.memory.Check;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
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
 * <p>A claim looks at the slots that have work, and at no other: of thousands of tablets few have some. What comes or
 * goes takes the logarithm of those.
 *
 * <p>Thread-safe, but that one thread at a time publishes and withdraws what a slot has; nothing blocks. Publishing and
 * claiming allocate some small objects.
 */
public final class MaintenanceScheduler {
    /** Work items of a host; each is a tablet's flush or merge. */
    static final int SLOTS_MAX = 1 << 20;

    /** Those that have work, by the order in which they were registered: of equal scores the first is claimed. */
    private final ConcurrentSkipListMap<Long, Slot> published = new ConcurrentSkipListMap<>();

    private final AtomicInteger slotCount = new AtomicInteger();
    private final AtomicLong slotsEver = new AtomicLong();

    /** The others go by their scores. */
    static final int CLAIMS_PER_OLDEST = 4;

    /** Of each lane, since the beginning. */
    private final AtomicLongArray claimCounts = new AtomicLongArray(Lane.values().length);

    /** How often each lane was passed over ({@link Lane#after}). */
    private final AtomicLong turns = new AtomicLong(Lane.NO_TURNS);

    /** Where work of one kind is published, under a name that people can read. */
    public Slot register(String name) {
        int count = slotCount.incrementAndGet();
        if (count > SLOTS_MAX) {
            slotCount.decrementAndGet();
        }
        Check.that(count <= SLOTS_MAX, "more than " + SLOTS_MAX + " kinds of work are registered");
        return new Slot(this, name, slotsEver.incrementAndGet());
    }

    /** Forgets a slot, once and for all, whatever is published there beside it; a claim on it goes on being valid. */
    public void unregister(Slot slot) {
        if (!slot.isForgotten.getAndSet(true)) {
            slotCount.decrementAndGet();
        }
        published.remove(slot.number); // Behind that: who publishes looks at it afterwards, so one of both removes it.
    }

    /** Slots that have work, claimed ones included: as many are looked at by a claim. */
    int publishedCount() {
        return published.size();
    }

    /**
     * Of the published work of these lanes that nobody has, that with the highest score of the lane whose turn it is,
     * or the oldest, now claimed; null if there is none.
     *
     * @param lanes as {@link Lane#set} has them
     */
    public @Nullable Claim claim(int lanes) {
        while (true) {
            Found found = find(lanes);
            if (found.lanes == 0) {
                return null;
            }
            Lane next = Lane.next(turns.get(), found.lanes);
            boolean isOfOldest = claimCounts.get(next.place()) % CLAIMS_PER_OLDEST == CLAIMS_PER_OLDEST - 1;
            Claim claim = found.slot(next, isOfOldest).tryClaim();
            if (claim != null) { // Else others were faster.
                claim.slot.waitsSince = claimCounts.incrementAndGet(next.place());
                turns.updateAndGet(before -> Lane.after(before, lanes, found.lanes, next));
                return claim;
            }
        }
    }

    private Found find(int lanes) {
        var found = new Found();
        for (Slot slot : published.values()) {
            Work work = slot.work;
            if (work.score > 0 && work.lane.isIn(lanes) && !Slot.isClaimed(slot.state.get())) {
                found.add(slot, work);
            }
        }
        return found;
    }

    /** What there is in each lane that nobody has. Of one claim. */
    private static final class Found {
        private final @Nullable Slot[] best = new @Nullable Slot[Lane.values().length];
        private final double[] bestScores = new double[best.length];
        private final @Nullable Slot[] oldest = new @Nullable Slot[best.length];
        private final long[] oldestSince = new long[best.length];

        /** Those in which there is something. */
        private int lanes;

        void add(Slot slot, Work work) {
            int place = work.lane.place();
            if (work.score > bestScores[place]) {
                best[place] = slot;
                bestScores[place] = work.score;
            }
            long since = slot.waitsSince;
            if (oldest[place] == null || since < oldestSince[place]) {
                oldest[place] = slot;
                oldestSince[place] = since;
            }
            lanes |= work.lane.bit();
        }

        Slot slot(Lane lane, boolean isOfOldest) {
            return Objects.requireNonNull((isOfOldest ? oldest : best)[lane.place()], "the lane has work");
        }
    }

    /** What is to be done: nothing, if the score is 0. Both at once, so that nobody sees the score of another lane. */
    private record Work(Lane lane, double score) {
        static final Work NONE = new Work(Lane.RECLAIM_SPACE, 0);
    }

    /** One kind of work: how urgent it is, and who is at it. */
    public static final class Slot {
        private static final long CLAIMED = 1;

        private final MaintenanceScheduler scheduler;
        private final String name;
        private final long number;
        private final AtomicBoolean isForgotten = new AtomicBoolean();
        private final AtomicLong state = new AtomicLong();
        private volatile Work work = Work.NONE;

        /** How many claims of its lane there were when it had work first, or was claimed. */
        private volatile long waitsSince;

        private Slot(MaintenanceScheduler scheduler, String name, long number) {
            this.scheduler = scheduler;
            this.name = name;
            this.number = number;
        }

        /** Says how urgent the work is now, a score above 0, and what it is for. */
        public void publish(Lane lane, double score) {
            assert score > 0 : name + " has score " + score;
            Work before = work;
            if (before.score == 0 || before.lane != lane) {
                waitsSince = scheduler.claimCounts.get(lane.place());
            }
            if (before.score != score || before.lane != lane) {
                work = new Work(lane, score);
            }
            if (before.score == 0) {
                scheduler.published.put(number, this);
                if (isForgotten.get()) {
                    scheduler.published.remove(number);
                }
            }
        }

        /** There is nothing to do. */
        public void withdraw() {
            if (work.score > 0) {
                work = Work.NONE;
                scheduler.published.remove(number);
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
