package io.nyala.maintenance;

import io.nyala.compaction.MergePace;
import io.nyala.tablet.Merging;
import io.nyala.tablet.TabletClosedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A merge under way. Maintenance begins and ends it; what lies between is done by one worker, which alone calls {@link
 * #step} and {@link #abort}.
 */
final class MergeRun {
    private static final Logger LOG = System.getLogger(MergeRun.class.getName());

    private static final long NO_STEP = Long.MAX_VALUE;

    private final Merging.Task task;
    private final Housekeeping housekeeping;
    private final MergePace pace;
    private final Consumer<@Nullable RuntimeException> ended;
    private volatile @Nullable RuntimeException givenUp;
    private volatile @Nullable RuntimeException failure;
    private volatile boolean isOver;
    private boolean isPaused;

    /** Of who has the seat. */
    private boolean isElsewhere;

    /** When the step began that is under way; {@link #NO_STEP} between steps, which may be for long. */
    private volatile long stepSince = NO_STEP;

    /** {@code ended} is told why it did not come about, or null. */
    MergeRun(Merging.Task task, Housekeeping housekeeping, MergePace pace, Consumer<@Nullable RuntimeException> ended) {
        this.task = task;
        this.housekeeping = housekeeping;
        this.pace = pace;
        this.ended = ended;
    }

    Merging.Task task() {
        return task;
    }

    /** Its worker is to abort it before its next step, unless that comes too late. Any thread. */
    void giveUp(RuntimeException reason) {
        givenUp = reason;
    }

    /** For how long its worker may sleep if nobody wakes it. By the worker. */
    long sleepMicrosMax() {
        return isPaused ? Math.max(1, microsToNext()) : Long.MAX_VALUE; // It may have become 0 since the last step.
    }

    /** Until it may take its next step: not at all if a flush waits for its end, and so maybe the log, or memory. */
    private long microsToNext() {
        return givenUp != null || task.tablet().merging().isFlushOwed()
                ? 0
                : pace.microsToNext(
                        housekeeping.micros(),
                        housekeeping.commitCount(),
                        housekeeping.slowCommitCount(),
                        housekeeping.overdueCommitCount());
    }

    /** Does one bounded piece, if it may; answers how much it was. */
    int step() {
        if (microsToNext() == 0) {
            isPaused = false;
            return stepNow();
        }
        if (!isPaused) {
            isPaused = true;
            housekeeping.mergePaused();
        }
        return 0;
    }

    private int stepNow() {
        RuntimeException reason = givenUp;
        if (reason != null) {
            abort(reason);
            return 1;
        }
        long begin = housekeeping.micros();
        long movedBefore = task.movedBytes();
        stepSince = begin;
        try {
            if (task.step()) {
                return 1;
            }
            if (!task.isDone()) {
                return 0;
            }
            isOver = true;
        } catch (Merging.TakenOverException e) {
            LOG.log(Level.WARNING, "a worker has come back; what it has done is of no use: {0}", e.getMessage());
            abort(e);
        } catch (RuntimeException e) {
            if (!(e instanceof TabletClosedException)) {
                LOG.log(
                        Level.ERROR,
                        task.describe() + " of tablet " + task.tablet().id() + " failed; they stay as they are",
                        e);
            }
            abort(e);
        } finally {
            stepSince = NO_STEP;
            pace.did(housekeeping.micros() - begin, task.movedBytes() - movedBefore);
        }
        return 1;
    }

    /** Whether its worker has been within one step for so long. Any thread. */
    boolean isStuck(long now, long stuckMicros) {
        long since = stepSince;
        return since != NO_STEP && now - since >= stuckMicros;
    }

    /** The worker that lost its seat while it was at it goes on with it, if it comes back. By who has the seat. */
    void leaveElsewhere() {
        isElsewhere = true;
    }

    boolean isElsewhere() {
        return isElsewhere;
    }

    /** Gives back what it has; the inputs stay as they are. */
    void abort(RuntimeException reason) {
        try {
            task.abort();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        } finally {
            failure = reason;
            isOver = true;
        }
    }

    /** Whether there is nothing left to be done for its worker. */
    boolean isOver() {
        return isOver;
    }

    /** Why it did not come about, once it is over; null if it has. */
    @Nullable
    RuntimeException failure() {
        return failure;
    }

    /** Tells who wanted it. By maintenance. */
    void tell(@Nullable RuntimeException reason) {
        ended.accept(reason);
    }
}
