package io.nyala.maintenance;

import io.nyala.compaction.Lane;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletClosedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Tablets in which something is worth merging, and which of them comes next. However many tablets there are, only those
 * are looked at in which something has moved, a few in each round of the worker.
 *
 * <p>The worker's, but for {@link #changed}, {@link #choiceCount} and the counts of merges.
 */
final class MergeCandidates {
    /** A look takes some microseconds where there are few rowsets, and a few milliseconds where there are hundreds. */
    static final int LOOKS_PER_ROUND = 4;

    private static final Logger LOG = System.getLogger(MergeCandidates.class.getName());

    private static final int LANES = Lane.set(Lane.KEEP_READS_FAST, Lane.RECLAIM_SPACE);

    private final MaintenanceScheduler scheduler;
    private final Housekeeping housekeeping;
    private final MergeSettings settings;
    private final Queue<AttachedTablet> changed = new ConcurrentLinkedQueue<>();
    private final Set<MergeCandidate> wanted = new LinkedHashSet<>();

    /** Those in which more is forgotten later, though nothing moves. */
    private final Set<MergeCandidate> aging = new LinkedHashSet<>();

    /** When the first of them is to be looked at. */
    private long nextLookAt = Long.MAX_VALUE;

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
    }

    /** Something may have moved in the tablet, or it may be merged now and could not be before. Any thread. */
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
        if (nextLookAt != Long.MAX_VALUE && housekeeping.micros() >= nextLookAt) {
            lookAtAging(housekeeping.micros());
        }
        int looks = 0;
        for (AttachedTablet next = changed.poll(); next != null; next = changed.poll()) {
            MergeCandidate candidate = next.merge();
            if (next.isDetached()) {
                wanted.remove(candidate);
                aging.remove(candidate);
                continue;
            }
            boolean isChosen = look(candidate);
            choiceCount.getAndAdd(isChosen ? 1 : 0);
            ages(candidate);
            noteWhetherBehind(candidate);
            if (candidate.isWanted()) {
                wanted.add(candidate);
            } else {
                wanted.remove(candidate);
                candidate.slot().withdraw();
            }
            if (++looks == LOOKS_PER_ROUND) {
                break;
            }
        }
        return looks;
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
        behind.removeIf(candidate -> candidate.attached().isDetached());
        return !behind.isEmpty();
    }

    private void noteWhetherBehind(MergeCandidate candidate) {
        if (candidate.isBehind(settings)) {
            behind.add(candidate);
        } else {
            behind.remove(candidate);
        }
    }

    private void lookAtAging(long now) {
        aging.removeIf(candidate -> candidate.attached().isDetached());
        nextLookAt = Long.MAX_VALUE;
        for (MergeCandidate candidate : aging) {
            if (candidate.lookAgainAt() <= now) {
                changed.add(candidate.attached()); // And when it is looked at, it says when next.
            } else {
                nextLookAt = Math.min(nextLookAt, candidate.lookAgainAt());
            }
        }
    }

    private void ages(MergeCandidate candidate) {
        if (candidate.lookAgainAt() == Long.MAX_VALUE) {
            aging.remove(candidate);
        } else {
            aging.add(candidate);
            nextLookAt = Math.min(nextLookAt, candidate.lookAgainAt());
        }
    }

    /** The one whose turn it is of those that are due and may begin now, with its claim; null if none is. */
    @Nullable
    Chosen best(Predicate<Tablet> mayBegin) {
        if (wanted.isEmpty()) {
            return null;
        }
        wanted.removeIf(candidate -> candidate.attached().isDetached());
        long now = housekeeping.micros();
        for (MergeCandidate candidate : wanted) {
            // Not of a tablet of which all is to be flushed: that would have to wait, while rows would not.
            if (candidate.microsLeft(now, settings) == 0
                    && mayBegin.test(candidate.tablet())
                    && !candidate.tablet().pressure().isChangeFlushWanted()) {
                candidate.slot().publish(candidate.choice().lane(), candidate.score());
            } else {
                candidate.slot().withdraw();
            }
        }
        MaintenanceScheduler.Claim claim = scheduler.claim(LANES);
        if (claim == null) {
            return null;
        }
        for (MergeCandidate candidate : wanted) {
            if (candidate.slot() == claim.slot()) {
                return new Chosen(candidate, claim);
            }
        }
        claim.slot().withdraw();
        claim.release();
        return null; // It was detached in the meantime.
    }

    void begins(MergeCandidate candidate) {
        wanted.remove(candidate);
        candidate.slot().withdraw();
        candidate.begins();
    }

    void refused(MergeCandidate candidate) {
        candidate.isRefused(housekeeping.micros());
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

    /** Until the next one is due of those that may begin, 0 if one is; {@link Long#MAX_VALUE} if there is none. */
    long microsToNext(Predicate<Tablet> mayBegin) {
        if (!changed.isEmpty()) {
            return 0;
        }
        boolean isAnyLater = nextLookAt != Long.MAX_VALUE;
        long now = wanted.isEmpty() && !isAnyLater ? 0 : housekeeping.micros();
        long next = isAnyLater ? Math.max(0, nextLookAt - now) : Long.MAX_VALUE;
        for (MergeCandidate candidate : wanted) {
            boolean isAfterFlush = candidate.tablet().pressure().isChangeFlushWanted();
            if (!isAfterFlush && mayBegin.test(candidate.tablet())) {
                next = Math.min(next, candidate.microsLeft(now, settings));
            }
        }
        return next;
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
