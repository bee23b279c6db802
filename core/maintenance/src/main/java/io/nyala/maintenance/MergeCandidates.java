package io.nyala.maintenance;

import io.nyala.compaction.Lane;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletClosedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Tablets in which something is worth merging, and which of them comes next. However many tablets there are, only those
 * are looked at in which something has moved, a few in each round of the worker, and for a short time.
 *
 * <pre>{@code
 *   changed --- look ---> ripening --- due ---> published --- claimed ---> under way ---> changed
 *      ^           '----------------------------^   |
 *      '----- flush or merge of it has ended -------'  if it may not begin just now: it is left alone until then
 * }</pre>
 *
 * <p>The worker's, but for {@link #changed}, {@link #choiceCount} and the counts of merges.
 */
final class MergeCandidates {
    /** A look takes some microseconds where there are few rowsets, and a few milliseconds where there are hundreds. */
    static final int LOOKS_PER_ROUND = 4;

    /** After so long no other look begins in a round: a flush may be due, for which all writes wait. */
    static final long LOOK_MICROS_MAX = 500;

    /** Those that are claimed in a round and may not begin: each claim looks at all that are published. */
    private static final int CLAIMS_PER_ROUND = 4;

    private static final Logger LOG = System.getLogger(MergeCandidates.class.getName());

    private static final int LANES = Lane.set(Lane.KEEP_READS_FAST, Lane.RECLAIM_SPACE);

    private final MaintenanceScheduler scheduler;
    private final Housekeeping housekeeping;
    private final MergeSettings settings;
    private final Queue<AttachedTablet> changed = new ConcurrentLinkedQueue<>();

    /** Those that wait until they are due. */
    private final Timetable<MergeCandidate> ripening;

    /** Those that are due, and published. */
    private final Map<MaintenanceScheduler.Slot, MergeCandidate> due = new HashMap<>();

    /** Those in which more is forgotten later, though nothing moves. */
    private final Timetable<MergeCandidate> aging = new Timetable<>(Long.MAX_VALUE);

    /** Those whose merges do not yield. */
    private final Set<MergeCandidate> behind = new LinkedHashSet<>();

    private final AtomicLong choiceCount = new AtomicLong();
    private final AtomicLong mergeCount = new AtomicLong();
    private final AtomicLong deltaMergeCount = new AtomicLong();

    /** What is merged, until the claim is released. */
    record Chosen(MergeCandidate candidate, MaintenanceScheduler.Claim claim) {}

    MergeCandidates(MaintenanceScheduler scheduler, Housekeeping housekeeping, MergeSettings settings) {
        this.scheduler = scheduler;
        this.housekeeping = housekeeping;
        this.settings = settings;
        this.ripening = new Timetable<>(MergeCandidate.waitMicrosMax(settings));
    }

    /**
     * Something may have moved in the tablet, or it may be merged now and could not be before, or it was detached. Any
     * thread.
     */
    void changed(AttachedTablet tablet) {
        if (settings.isAutomatic()) {
            changed.add(tablet);
        }
    }

    /** A flush of the tablet has ended. */
    void flushed(AttachedTablet tablet) {
        tablet.merge().flushed(housekeeping.micros(), settings);
        changed(tablet);
    }

    /** Looks at a few of those in which something has moved, or been forgotten; answers at how many. */
    int look() {
        if (!aging.isEmpty()) {
            lookAtAging(housekeeping.micros());
        }
        AttachedTablet next = changed.poll();
        if (next == null) {
            return 0;
        }
        long begin = housekeeping.micros();
        int looks = 0;
        while (next != null) {
            lookAt(next);
            boolean isEnough = ++looks == LOOKS_PER_ROUND || housekeeping.micros() - begin >= LOOK_MICROS_MAX;
            next = isEnough ? null : changed.poll();
        }
        return looks;
    }

    private void lookAt(AttachedTablet tablet) {
        MergeCandidate candidate = tablet.merge();
        if (tablet.isDetached()) {
            withdraw(candidate);
            aging.remove(candidate);
            behind.remove(candidate);
            return;
        }
        boolean isChosen = look(candidate);
        choiceCount.getAndAdd(isChosen ? 1 : 0);
        if (candidate.lookAgainAt() == Long.MAX_VALUE) {
            aging.remove(candidate);
        } else {
            aging.put(candidate, candidate.lookAgainAt());
        }
        noteWhetherBehind(candidate);
        settle(candidate, housekeeping.micros());
    }

    /** Where it belongs now. */
    private void settle(MergeCandidate candidate, long now) {
        long left = candidate.isWanted() ? candidate.microsLeft(now, settings) : Long.MAX_VALUE;
        if (left > 0) {
            withdraw(candidate);
            if (left < Long.MAX_VALUE) {
                ripening.put(candidate, now + left);
            }
        } else {
            ripening.remove(candidate);
            due.put(candidate.slot(), candidate);
            candidate.slot().publish(candidate.choice().lane(), candidate.score());
        }
    }

    private void withdraw(MergeCandidate candidate) {
        ripening.remove(candidate);
        due.remove(candidate.slot());
        candidate.slot().withdraw();
    }

    /** What is wrong with one tablet is no reason to maintain no other. */
    private boolean look(MergeCandidate candidate) {
        try {
            return candidate.look(housekeeping, settings);
        } catch (RuntimeException e) {
            LOG.log(
                    Level.ERROR,
                    "nobody can say what is to be merged in tablet "
                            + candidate.tablet().id() + "; it is looked at again later",
                    e);
            candidate.lookFailed(e, housekeeping.micros());
            return false;
        }
    }

    /** Whether there is so much to be merged in a tablet that merges do not yield. */
    boolean isAnyBehind() {
        for (Iterator<MergeCandidate> each = behind.iterator(); each.hasNext(); each.remove()) {
            if (!each.next().attached().isDetached()) {
                return true;
            }
        }
        return false;
    }

    private void noteWhetherBehind(MergeCandidate candidate) {
        if (candidate.isBehind(settings)) {
            behind.add(candidate);
        } else {
            behind.remove(candidate);
        }
    }

    private void lookAtAging(long now) {
        for (MergeCandidate old = aging.takeDue(now); old != null; old = aging.takeDue(now)) {
            changed.add(old.attached()); // And when it is looked at, it says when next.
        }
    }

    /** The one whose turn it is of those that are due and may begin now, with its claim; null if none is. */
    @Nullable
    Chosen best(Predicate<Tablet> mayBegin) {
        if (due.isEmpty() && ripening.isEmpty()) {
            return null;
        }
        long now = housekeeping.micros();
        for (MergeCandidate ripe = ripening.takeDue(now); ripe != null; ripe = ripening.takeDue(now)) {
            settle(ripe, now);
        }
        for (int claims = 0; claims < CLAIMS_PER_ROUND; claims++) {
            MaintenanceScheduler.Claim claim = scheduler.claim(LANES);
            if (claim == null) {
                return null;
            }
            MergeCandidate candidate = due.get(claim.slot());
            if (candidate != null && mayBegin(candidate, now, mayBegin)) {
                return new Chosen(candidate, claim);
            }
            claim.slot().withdraw(); // It was detached in the meantime, if it is not due.
            claim.release();
            if (candidate != null) {
                leaveForLater(candidate, now);
            }
        }
        return null;
    }

    /** Not in a tablet of which all is to be flushed: that would have to wait, while rows would not. */
    private boolean mayBegin(MergeCandidate candidate, long now, Predicate<Tablet> mayBegin) {
        return candidate.microsLeft(now, settings) == 0
                && mayBegin.test(candidate.tablet())
                && !candidate.tablet().pressure().isChangeFlushWanted();
    }

    /** Until it is old enough, if it was flushed; else until the flush or the merge has ended that is in its way. */
    private void leaveForLater(MergeCandidate candidate, long now) {
        withdraw(candidate);
        if (candidate.microsLeft(now, settings) > 0) {
            settle(candidate, now);
        }
    }

    void begins(MergeCandidate candidate) {
        withdraw(candidate);
        candidate.begins();
    }

    void refused(MergeCandidate candidate) {
        long now = housekeeping.micros();
        candidate.isRefused(now);
        settle(candidate, now);
    }

    /** {@code failure}: null if it has come about. */
    void ended(MergeCandidate candidate, Merges.Inputs inputs, @Nullable RuntimeException failure) {
        candidate.ended(failure == null);
        noteWhetherBehind(candidate);
        if (failure == null) {
            candidate.succeeded();
            (inputs.deltaFiles().isEmpty() ? mergeCount : deltaMergeCount).getAndIncrement();
        } else if (!(failure instanceof TabletClosedException)) {
            candidate.failed(failure, housekeeping.micros());
        }
    }

    /** Until there is something to look at, or to begin, 0 if there is; {@link Long#MAX_VALUE} for never. */
    long microsToNext() {
        if (!changed.isEmpty() || !due.isEmpty()) {
            return 0;
        }
        if (ripening.isEmpty() && aging.isEmpty()) {
            return Long.MAX_VALUE;
        }
        long now = housekeeping.micros();
        return Math.min(ripening.microsToNext(now), aging.microsToNext(now));
    }

    /** How many of rowsets have come about. Any thread. */
    long mergeCount() {
        return mergeCount.get();
    }

    /** The same of delta files. Any thread. */
    long deltaMergeCount() {
        return deltaMergeCount.get();
    }

    /** How often the policy was asked. Any thread. */
    long choiceCount() {
        return choiceCount.get();
    }
}
