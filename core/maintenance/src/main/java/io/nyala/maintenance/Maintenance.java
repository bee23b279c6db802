package io.nyala.maintenance;

import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.RowSetShape;
import io.nyala.io.Parking;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.tablet.TabletWrite;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * The first of the maintenance workers: flushes what is due, lets the log forget what is on disk, and looks keys up
 * again for batches that had to wait and whose callers do not. It begins and ends all merges, and where it is the only
 * worker it does them as well, between its flushes; else the others do, so that no flush waits for a step of a merge.
 * Sleeps when there is nothing to do.
 *
 * <p>If it fails by a mistake of ours, those who wait for it hear of it, then and later.
 *
 * <p>The agent's methods belong to the worker, all others are for any thread.
 */
public final class Maintenance implements Agent {
    /** A merge goes on when flushes wait for something, and now and then when they do not. */
    private static final int FLUSH_STEPS_PER_MERGE_STEP = 4;

    /** The same while batches wait for what only flushes bring: else no merge would go on under such a load. */
    private static final int FLUSH_STEPS_PER_MERGE_STEP_PRESSED = 16;

    private final Parking parking;
    private final Housekeeping housekeeping;

    /**
     * Flushes and merges under way, which may wait for the log; others need not hear of its progress, which is at every
     * write.
     */
    private final AtomicInteger taskCount = new AtomicInteger();

    /** The same of merges that other workers do: these hear of its progress instead. */
    private final AtomicInteger handedOverCount = new AtomicInteger();

    private final Probes probes = new Probes();
    private final MergeSettings settings;
    private final MergeCandidates candidates;
    private final Flushes flushes;
    private final MergeHandover handover;
    private final Merges merges;
    private int stepsOfFlushes; // Since the last one of a merge.
    private volatile @Nullable RuntimeException end;

    /** {@code workerCount}: itself, and those that merge beside it; where it is alone it merges, too. */
    public Maintenance(
            Parking parking, FlushContext context, Housekeeping housekeeping, MergeSettings settings, int workerCount) {
        this.parking = parking;
        this.housekeeping = housekeeping;
        this.settings = settings;
        var scheduler = new MaintenanceScheduler();
        this.candidates = new MergeCandidates(scheduler, housekeeping, settings);
        this.flushes = new Flushes(scheduler, context, housekeeping, taskCount, candidates::flushed);
        this.handover = new MergeHandover(workerCount - 1, settings.bytesPerSecond(), housekeeping, this::wake);
        this.merges = new Merges(
                flushes, candidates, context, housekeeping, handover, workerCount == 1 ? taskCount : handedOverCount);
    }

    public Parking parking() {
        return parking;
    }

    /** The others, to be started after it. */
    public List<MergeWorker> mergeWorkers() {
        return handover.workers();
    }

    /** Sleeps until woken, or until a merge is due. */
    public IdleStrategy idleStrategy() {
        return parking.until(() -> nanos(Math.min(merges.microsToNext(), flushes.microsToNext())));
    }

    /** Of a time to wait, which may be for ever. */
    static long nanos(long micros) {
        return TimeUnit.MICROSECONDS.toNanos(micros); // Long.MAX_VALUE stays as it is.
    }

    private void wake() {
        parking.wake();
    }

    /** What a flush or a merge has waited for may be there. Any thread. */
    public void wakeAll() {
        wake();
        if (handedOverCount.getAndAdd(0) > 0) {
            handover.wakeWorkers();
        }
    }

    /**
     * The log is durable further than before, or has failed. The log counts the tasks after its progress, the worker
     * counts a task before it looks at the progress, and both counts are atomic updates of one variable: one of them
     * comes second, and either the task finds the progress or the worker is woken. It is also when the log is too long:
     * there need not be a tablet that has enough in memory to ask for a flush by itself.
     */
    public void logProgressed() {
        if (taskCount.getAndAdd(0) > 0 || housekeeping.isLogReliefDue()) {
            wake();
        }
        if (handedOverCount.getAndAdd(0) > 0) {
            handover.wakeWorkers();
        }
    }

    public void attach(Tablet tablet) {
        candidates.changed(flushes.attach(tablet));
        wake();
    }

    /** Merges of the tablet may count for more or less than before. */
    public void lookAgain(Tablet tablet) {
        AttachedTablet attached = flushes.attached(tablet);
        if (attached != null) {
            candidates.changed(attached);
            wake();
        }
    }

    /**
     * Nothing is done for the tablet from now on, but what is under way; who waits for a flush hears why, and so does a
     * batch that waits for the memory that one would free.
     */
    public void detach(Tablet tablet, RuntimeException reason) {
        flushes.detach(tablet, reason);
    }

    /** Flushes what {@code tablet} has in memory now; complete when it is on disk. */
    public CompletableFuture<Void> flush(Tablet tablet) {
        CompletableFuture<Void> flushed = flushes.await(tablet);
        wake();
        return flushed;
    }

    /**
     * Merges rowsets of a tablet, between flushes; complete when that is done, or false if one of them is not there any
     * more.
     *
     * @param rowSets their files
     */
    public CompletableFuture<Boolean> merge(Tablet tablet, List<Long> rowSets) {
        return merge(tablet, new Merges.Inputs(rowSets, List.of()));
    }

    /** As above, what the policy has chosen, rowsets or delta files. */
    public CompletableFuture<Boolean> merge(Tablet tablet, MergePolicy.Choice choice) {
        return merge(tablet, Merges.Inputs.of(choice));
    }

    private CompletableFuture<Boolean> merge(Tablet tablet, Merges.Inputs inputs) {
        CompletableFuture<Boolean> merged = merges.add(tablet, inputs);
        wake();
        RuntimeException ended = end;
        if (ended != null) {
            merges.refuse(ended); // It may have come too late for onClose.
        }
        return merged;
    }

    /** How the rowsets of a tablet lie, and what is done about it. With nobody closing the tablet meanwhile. */
    public TabletExplanation explain(Tablet tablet) {
        AttachedTablet attached = flushes.attached(tablet);
        if (attached != null) {
            return attached.merge().explain(settings, housekeeping.micros(), housekeeping.historyMark(tablet));
        }
        List<RowSetShape> shapes = TabletView.shapes(tablet, housekeeping.historyMark(tablet));
        MergePolicy.Choice choice = CompactionPolicy.choose(shapes, settings.budget());
        return new TabletExplanation(
                tablet.id(), MergePolicy.layout(shapes), choice.height(), choice, "the tablet was dropped");
    }

    /** Merges of rowsets that nobody asked for, and that have come about. */
    public long automaticMergeCount() {
        return candidates.mergeCount();
    }

    /** The same of delta files. */
    public long automaticDeltaMergeCount() {
        return candidates.deltaMergeCount();
    }

    /** The part of its time that a worker merges: 1, and less while commits are slow. */
    public double mergeShare() {
        return handover.pace().share();
    }

    /** How often it was asked what is worth merging in a tablet. */
    public long choiceCount() {
        return candidates.choiceCount();
    }

    /** What the policy would have done in a tablet now. With nobody closing the tablet meanwhile. */
    public MergePolicy.Choice choose(Tablet tablet) {
        return CompactionPolicy.choose(TabletView.shapes(tablet, housekeeping.historyMark(tablet)), settings.budget());
    }

    /** Looks up the keys of a batch again, which nobody else waits to do. */
    public void probeAgain(Tablet tablet, TabletWrite write) {
        probes.add(tablet, write);
        wake();
        RuntimeException ended = end;
        if (ended != null) {
            probes.refuse(ended); // It may have come too late for onClose.
        }
    }

    /** Why a tablet is not flushed for a while, if it is not: its flushes have failed. By the worker. */
    public Optional<RuntimeException> backingOff(Tablet tablet) {
        return flushes.backingOff(tablet);
    }

    /** The tablet that is being flushed, if one is. */
    public Optional<Tablet> flushing() {
        return flushes.flushing();
    }

    /** Why nothing is flushed any more, and of which tablets the last flush or merge failed and why. */
    public List<RuntimeException> failures() {
        List<RuntimeException> failures = new ArrayList<>();
        RuntimeException ended = end;
        if (ended != null) {
            failures.add(ended);
        }
        failures.addAll(handover.failures());
        failures.addAll(flushes.failures());
        return failures;
    }

    @Override
    public int doWork() {
        try {
            return round();
        } catch (RuntimeException | Error e) {
            end = housekeeping.endedReason(e); // For onClose, which follows.
            throw e;
        }
    }

    private int round() {
        int workCount = probes.step();
        workCount += housekeeping.closeMerged();
        workCount += candidates.look();
        workCount += merges.begin();
        if (!flushes.isRunning()) {
            housekeeping.takeDownTablets();
            housekeeping.relieveLog();
            housekeeping.relieveMemory();
            flushes.beginNext();
        }
        int flushCounted = flushes.step();
        workCount += flushCounted;
        stepsOfFlushes += flushCounted;
        int stepsPerMergeStep =
                housekeeping.isPressed() ? FLUSH_STEPS_PER_MERGE_STEP_PRESSED : FLUSH_STEPS_PER_MERGE_STEP;
        if (flushCounted == 0 || stepsOfFlushes >= stepsPerMergeStep) {
            stepsOfFlushes = 0;
            workCount += merges.step();
        }
        return workCount;
    }

    @Override
    public void onClose() {
        RuntimeException reason = end;
        if (reason == null) {
            reason = housekeeping.closedReason();
            end = reason;
        }
        try {
            merges.abort(reason);
            flushes.abort(reason);
        } finally {
            merges.refuse(reason);
            probes.refuse(reason);
            flushes.close(reason);
        }
    }

    @Override
    public String roleName() {
        return "maintenance";
    }
}
