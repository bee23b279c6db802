package io.nyala.engine;

import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.io.Parking;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.MergeTask;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletClosedException;
import io.nyala.tablet.TabletFlush;
import io.nyala.tablet.TabletWrite;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.Agent;
import org.jspecify.annotations.Nullable;

/**
 * One maintenance worker: flushes what is due, merges rowsets, lets the log forget what is on disk, and looks keys up
 * again for batches that had to wait and whose callers do not. Sleeps when there is nothing to do.
 *
 * <p>If it fails by a mistake of ours, those who wait for it hear of it, then and later.
 *
 * <p>{@link #flush}, {@link #probeAgain}, {@link #wake} and {@link #attach} are for any thread.
 */
final class Maintenance implements Agent {
    private static final Logger LOG = System.getLogger(Maintenance.class.getName());

    private final Parking parking;
    private final MaintenanceScheduler scheduler;
    private final FlushContext context;
    private final Housekeeping housekeeping;
    private final List<Attached> tablets = new CopyOnWriteArrayList<>();
    private final Map<Tablet, Attached> byTablet = new ConcurrentHashMap<>();
    private final Map<MaintenanceScheduler.Slot, Attached> bySlot = new ConcurrentHashMap<>();

    /** A few for each tablet at most; see the tablet's queue of writes. */
    private final Queue<WantedProbe> wantedProbes = new ConcurrentLinkedQueue<>();

    private final Queue<WantedMerge> wantedMerges = new ConcurrentLinkedQueue<>();

    private volatile @Nullable Running running; // Only the worker sets it.
    private @Nullable Merge merge;
    private int stepsOfFlushes; // Since the last one of a merge.
    private boolean isTurnOfLog = true;
    private volatile @Nullable RuntimeException end;

    /**
     * Flushes and merges under way, which may wait for the log; others need not hear of its progress, which is at every
     * write.
     */
    private final AtomicInteger flushCount = new AtomicInteger();

    /** A merge goes on when flushes wait for something, and now and then when they do not. */
    private static final int FLUSH_STEPS_PER_MERGE_STEP = 4;

    /** What the worker does between flushes. */
    interface Housekeeping {
        /** Lets the log reuse what no tablet needs any more. */
        void releaseLog();

        /** Closes tablets that were dropped and are not used any more. No flush is under way, nor a merge of them. */
        void takeDownTablets();

        /** Closes rowsets that were merged and have no reader any more, and deletes their files; answers how many. */
        int closeMerged();

        /** Whether the log has grown long, and longer since that was last seen to. Any thread. */
        boolean isLogReliefDue();

        /** Asks for the flushes that let a log that has grown long forget what it should not have any more. */
        void relieveLog();

        /** Whether a flush is due that {@link #relieveLog} asked for. */
        boolean isForLog(Tablet tablet);

        /** What was due before has begun. */
        void flushBegins(Tablet tablet);

        /** Asks for the flush that frees most memory, if a batch waits for memory; or says that none will. */
        void relieveMemory();

        /** A flush has failed that may have been for other tablets' sake. */
        void flushFailed(RuntimeException reason);

        /** There will be no flush any more. */
        void flushesEnd(RuntimeException reason);

        /** A flush is done, or has failed; {@code hasWritten} if there was anything to write. */
        void flushEnded(boolean isDone, boolean hasWritten);
    }

    Maintenance(Parking parking, MaintenanceScheduler scheduler, FlushContext context, Housekeeping housekeeping) {
        this.parking = parking;
        this.scheduler = scheduler;
        this.context = context;
        this.housekeeping = housekeeping;
    }

    /** A tablet, where its work is published, and who waits for its next flush. */
    private static final class Attached {
        private final Tablet tablet;
        private final MaintenanceScheduler.Slot slot;
        private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
        private @Nullable RuntimeException end;

        Attached(Tablet tablet, MaintenanceScheduler.Slot slot) {
            this.tablet = tablet;
            this.slot = slot;
        }

        synchronized CompletableFuture<Void> await() {
            if (end != null) {
                return CompletableFuture.failedFuture(end);
            }
            CompletableFuture<Void> flushed = new CompletableFuture<>();
            waiting.add(flushed);
            return flushed;
        }

        synchronized void close(RuntimeException reason) {
            end = reason;
            takeWaiting().forEach(future -> future.completeExceptionally(reason));
        }

        synchronized List<CompletableFuture<Void>> takeWaiting() {
            List<CompletableFuture<Void>> taken = List.copyOf(waiting);
            waiting.clear();
            return taken;
        }
    }

    /** A batch whose keys are to be looked up. */
    private record WantedProbe(Tablet tablet, TabletWrite write) {}

    private record Running(
            Attached attached,
            MaintenanceScheduler.Claim claim,
            TabletFlush task,
            List<CompletableFuture<Void>> waiting) {}

    /** Rowsets of a tablet that somebody wants to be one; the answer is whether they were. */
    private record WantedMerge(Tablet tablet, List<Long> rowSets, CompletableFuture<Boolean> merged) {}

    private record Merge(MergeTask task, CompletableFuture<Boolean> merged) {}

    Parking parking() {
        return parking;
    }

    void wake() {
        parking.wake();
    }

    /**
     * The log is durable further than before, or has failed. The log counts the flushes after its progress, the worker
     * counts a flush before it looks at the progress, and both counts are atomic updates of one variable: one of them
     * comes second, and either the flush finds the progress or the worker is woken. It is also when the log is too
     * long: there need not be a tablet that has enough in memory to ask for a flush by itself.
     */
    void logProgressed() {
        if (flushCount.getAndAdd(0) > 0 || housekeeping.isLogReliefDue()) {
            wake();
        }
    }

    void attach(Tablet tablet) {
        Attached attached = new Attached(tablet, scheduler.register("flush of tablet " + tablet.id()));
        byTablet.put(tablet, attached);
        bySlot.put(attached.slot, attached);
        tablets.add(attached);
        wake();
    }

    /**
     * Nothing is done for the tablet from now on, but what is under way; who waits for a flush hears why, and so does a
     * batch that waits for the memory that one would free.
     */
    void detach(Tablet tablet, RuntimeException reason) {
        Attached attached = byTablet.remove(tablet);
        if (attached != null) {
            bySlot.remove(attached.slot);
            tablets.remove(attached);
            scheduler.unregister(attached.slot);
            attached.close(reason);
            tablet.pressure().flushesEnd(reason);
        }
    }

    /** Flushes what {@code tablet} has in memory now; complete when it is on disk. */
    CompletableFuture<Void> flush(Tablet tablet) {
        Attached attached = byTablet.get(tablet);
        if (attached != null) {
            CompletableFuture<Void> flushed = attached.await();
            tablet.pressure().wantFlush();
            wake();
            return flushed;
        }
        return CompletableFuture.failedFuture(new TableDroppedException(
                "tablet " + tablet.id() + " was dropped, or its table was changed; flush the table again"));
    }

    /**
     * Merges rowsets of a tablet, between flushes; complete when that is done, or false if one of them is not there any
     * more.
     *
     * @param rowSets their files
     */
    CompletableFuture<Boolean> merge(Tablet tablet, List<Long> rowSets) {
        CompletableFuture<Boolean> merged = new CompletableFuture<>();
        wantedMerges.add(new WantedMerge(tablet, List.copyOf(rowSets), merged));
        wake();
        if (end != null) {
            refuseMerges(); // It may have come too late for onClose.
        }
        return merged;
    }

    private void refuseMerges() {
        RuntimeException reason = Objects.requireNonNull(end, "refused before the end");
        for (WantedMerge wanted = wantedMerges.poll(); wanted != null; wanted = wantedMerges.poll()) {
            wanted.merged().completeExceptionally(reason);
        }
    }

    /** The tablet that is being flushed, if one is. */
    Optional<Tablet> flushing() {
        return Optional.ofNullable(running).map(present -> present.attached().tablet);
    }

    /** Why nothing is flushed any more, and of which tablets the last flush failed and why. */
    List<RuntimeException> failures() {
        List<RuntimeException> failures = new ArrayList<>();
        RuntimeException ended = end;
        if (ended != null) {
            failures.add(ended);
        }
        for (Attached attached : tablets) {
            attached.tablet.pressure().flushFailure().ifPresent(failures::add);
        }
        return failures;
    }

    /** Looks up the keys of a batch again, which nobody else waits to do. */
    void probeAgain(Tablet tablet, TabletWrite write) {
        wantedProbes.add(new WantedProbe(tablet, write));
        wake();
        if (end != null) {
            refuseProbes(); // It may have come too late for onClose.
        }
    }

    private void refuseProbes() {
        RuntimeException reason = Objects.requireNonNull(end, "refused before the end");
        for (WantedProbe wanted = wantedProbes.poll(); wanted != null; wanted = wantedProbes.poll()) {
            wanted.tablet().probeFailed(wanted.write(), reason);
        }
    }

    @Override
    public int doWork() {
        try {
            return round();
        } catch (RuntimeException | Error e) {
            end = new MaintenanceFailedException(e); // For onClose, which follows.
            throw e;
        }
    }

    private int round() {
        int workCount = 0;
        WantedProbe wanted = wantedProbes.poll();
        if (wanted != null) {
            wanted.tablet().probeAgain(wanted.write());
            workCount++;
        }
        workCount += housekeeping.closeMerged();
        beginMerge();
        if (running == null) {
            housekeeping.takeDownTablets();
            housekeeping.relieveLog();
            housekeeping.relieveMemory();
            publish();
            running = claimNext();
        }
        Running present = running;
        int flushCounted = present == null ? 0 : step(present);
        workCount += flushCounted;
        stepsOfFlushes += flushCounted;
        if (flushCounted == 0 || stepsOfFlushes >= FLUSH_STEPS_PER_MERGE_STEP) {
            stepsOfFlushes = 0;
            workCount += stepMerge();
        }
        return workCount;
    }

    // ---- Merges ----

    /** Not while its tablet is flushed: a merge has all changes of its rowsets, and the flush would lose them. */
    private void beginMerge() {
        Merge present = merge;
        if (present != null && !byTablet.containsKey(present.task().tablet())) {
            abort(present, new TabletClosedException(present.task().tablet().id()));
        }
        while (merge == null && !wantedMerges.isEmpty()) {
            Running flushed = running;
            if (flushed != null
                    && flushed.attached().tablet == wantedMerges.element().tablet()) {
                return;
            }
            WantedMerge wanted = wantedMerges.remove();
            MergeTask task = byTablet.containsKey(wanted.tablet())
                    ? MergeTask.begin(wanted.tablet(), context, wanted.rowSets())
                    : null;
            if (task == null) {
                wanted.merged().complete(false);
            } else {
                flushCount.getAndIncrement();
                merge = new Merge(task, wanted.merged());
            }
        }
    }

    private int stepMerge() {
        Merge present = merge;
        if (present == null) {
            return 0;
        }
        try {
            if (present.task().step()) {
                return 1;
            }
            if (!present.task().isDone()) {
                return 0;
            }
            endMerge();
            housekeeping.releaseLog();
            present.merged().complete(true);
        } catch (RuntimeException e) {
            if (!(e instanceof TabletClosedException)) {
                LOG.log(
                        Level.ERROR,
                        "merge of rowsets " + present.task().inputIds() + " of tablet "
                                + present.task().tablet().id() + " failed; they stay as they are",
                        e);
            }
            abort(present, e);
        }
        return 1;
    }

    private void endMerge() {
        merge = null;
        flushCount.getAndDecrement();
    }

    private void abort(Merge present, RuntimeException reason) {
        endMerge();
        try {
            present.task().abort();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
        present.merged().completeExceptionally(reason);
    }

    private void publish() {
        for (Attached attached : tablets) {
            attached.slot.publish(score(attached.tablet));
        }
    }

    /** Flushes for the log's sake come in turn with those that free most memory, so that neither have to wait long. */
    private double score(Tablet tablet) {
        if (!tablet.pressure().isFlushWanted()) {
            return 0;
        }
        return isTurnOfLog && housekeeping.isForLog(tablet) ? Double.MAX_VALUE : Math.max(1, tablet.memoryBytes());
    }

    private @Nullable Running claimNext() {
        MaintenanceScheduler.Claim claim = scheduler.claim();
        if (claim == null) {
            return null;
        }
        Attached attached = bySlot.get(claim.slot());
        if (attached == null) {
            claim.release(); // It was detached in the meantime.
            return null;
        }
        isTurnOfLog = !housekeeping.isForLog(attached.tablet);
        housekeeping.flushBegins(attached.tablet);
        // In this order, or someone who asks now would neither be among the waiters nor start another flush.
        boolean withChanges = attached.tablet.pressure().flushBegins();
        flushCount.getAndIncrement();
        var task = new TabletFlush(attached.tablet, context, withChanges);
        return new Running(attached, claim, task, attached.takeWaiting());
    }

    private int step(Running present) {
        try {
            if (present.task().step()) {
                return 1;
            }
            if (!present.task().isDone()) {
                return 0;
            }
            housekeeping.releaseLog();
            end(present, null);
        } catch (TabletClosedException e) {
            LOG.log(
                    Level.INFO,
                    "flush of tablet {0} was given up: it was dropped",
                    present.attached().tablet.id());
            abort(present, e);
        } catch (RuntimeException e) {
            LOG.log(
                    Level.ERROR,
                    "flush of tablet " + present.attached().tablet.id() + " failed; its rows stay in memory",
                    e);
            abort(present, e);
        }
        return 1;
    }

    private void abort(Running present, RuntimeException reason) {
        try {
            present.task().abort();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
        if (!(reason instanceof TabletClosedException)) {
            // Else it was dropped, of which who waits for the flush hears in a moment.
            present.attached().tablet.pressure().flushFailed(reason);
            housekeeping.flushFailed(reason);
        }
        end(present, reason);
    }

    private void end(Running present, @Nullable RuntimeException failure) {
        running = null;
        flushCount.getAndDecrement();
        present.claim().release();
        housekeeping.flushEnded(failure == null, present.task().hasWritten());
        for (CompletableFuture<Void> waiting : present.waiting()) {
            if (failure == null) {
                waiting.complete(null);
            } else {
                waiting.completeExceptionally(failure);
            }
        }
    }

    @Override
    public void onClose() {
        RuntimeException reason = end;
        if (reason == null) {
            reason = new EngineClosedException();
            end = reason;
        }
        try {
            Merge presentMerge = merge;
            if (presentMerge != null) {
                abort(presentMerge, reason);
            }
            Running present = running;
            if (present != null) {
                abort(present, reason);
            }
        } finally {
            refuseMerges();
            refuseProbes();
            housekeeping.flushesEnd(reason);
            for (Attached attached : tablets) {
                attached.close(reason);
                attached.tablet.pressure().flushesEnd(reason); // Nobody shall wait for memory that never comes.
            }
        }
    }

    @Override
    public String roleName() {
        return "maintenance";
    }
}
