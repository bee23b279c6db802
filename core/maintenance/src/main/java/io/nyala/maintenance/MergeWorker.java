package io.nyala.maintenance;

import io.nyala.io.Parking;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * A worker that merges beside the one that flushes, one merge at a time: it takes what maintenance has begun, does it
 * step by step, and hands it back. Sleeps when there is nothing to do.
 *
 * <p>If it fails by a mistake of ours it ends alone: what it was at is given up, and others go on.
 *
 * <p>The agent's methods belong to the worker, all others are for any thread.
 */
public final class MergeWorker implements Agent {
    private final String name;
    private final Parking parking;
    private final MergeHandover handover;
    private @Nullable MergeRun present;
    private volatile @Nullable RuntimeException end;

    MergeWorker(String name, Parking parking, MergeHandover handover) {
        this.name = name;
        this.parking = parking;
        this.handover = handover;
    }

    public Parking parking() {
        return parking;
    }

    /** Sleeps until woken, or until a merge may go on. */
    public IdleStrategy idleStrategy() {
        return parking.until(() -> {
            MergeRun run = present;
            return run == null ? Long.MAX_VALUE : Maintenance.nanos(run.sleepMicrosMax());
        });
    }

    /** By which mistake it has ended; null if by none. */
    @Nullable
    RuntimeException end() {
        return end;
    }

    @Override
    public int doWork() {
        try {
            return step();
        } catch (RuntimeException | Error e) {
            end = handover.endedReason(this, e); // For onClose, which follows.
            throw e;
        }
    }

    private int step() {
        MergeRun run = present;
        if (run == null) {
            run = handover.take();
            if (run == null) {
                return 0;
            }
            present = run;
        }
        int workCount = run.step();
        if (run.isOver()) {
            present = null;
            handover.handBack(run);
        }
        return workCount;
    }

    /** Nothing of what it was at is in doubt but that itself: the thread that did it gives it up. */
    @Override
    public void onClose() {
        RuntimeException ended = end;
        RuntimeException reason = ended == null ? handover.closedReason() : ended;
        MergeRun run = present;
        present = null;
        if (run != null) {
            try {
                run.abort(reason);
            } finally {
                handover.handBack(run);
            }
        }
        handover.workerEnded();
    }

    @Override
    public String roleName() {
        return name;
    }
}
