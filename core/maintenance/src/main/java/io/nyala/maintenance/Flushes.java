package io.nyala.maintenance;

import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Lane;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.compaction.Seat;
import io.nyala.compaction.Turns;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.Pressure;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletClosedException;
import io.nyala.tablet.TabletFlush;
import io.nyala.tablet.TabletView;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The tablets that are maintained, and their flushes, of which one is under way at a time.
 *
 * <p>The worker's, but for {@link #attach}, {@link #detach}, {@link #await}, {@link #flushing}, {@link #share}, {@link
 * #attached} and {@link #failures}, which are for any thread.
 */
final class Flushes {
    private static final Logger LOG = System.getLogger(Flushes.class.getName());

    private static final int LANES = Lane.set(Lane.FREE_LOG, Lane.FREE_MEMORY);

    /** To know what a flush would free, all rowsets of a tablet are asked, and all tablets may want one at a time. */
    private static final int WEIGHED_PER_FLUSH = 256;

    private final MaintenanceScheduler scheduler;
    private final FlushContext context;
    private final Housekeeping housekeeping;
    private final AtomicInteger taskCount;
    private final MergeCandidates candidates;

    /** All of them. They come and go by thousands: neither copies the others. */
    private final Queue<AttachedTablet> tablets = new ConcurrentLinkedQueue<>();

    /** Those that want a flush, or memory; the others, of which there may be thousands, are not looked at. */
    private final Turns<AttachedTablet> wanting = new Turns<>(AttachedTablet::isQuiet);

    private final Map<Tablet, AttachedTablet> byTablet = new ConcurrentHashMap<>();
    private final Map<MaintenanceScheduler.Slot, AttachedTablet> bySlot = new ConcurrentHashMap<>();
    private int firstWeighed;
    private volatile @Nullable Running running; // Only the worker sets it.

    /** Whose last flush has failed. */
    private final Set<AttachedTablet> failing = new LinkedHashSet<>();

    /** {@code taskCount} of what is under way; {@code candidates} hear of each flush, and of what comes and goes. */
    Flushes(
            MaintenanceScheduler scheduler,
            FlushContext context,
            Housekeeping housekeeping,
            AtomicInteger taskCount,
            MergeCandidates candidates) {
        this.scheduler = scheduler;
        this.context = context;
        this.housekeeping = housekeeping;
        this.taskCount = taskCount;
        this.candidates = candidates;
    }

    private record Running(
            AttachedTablet attached,
            MaintenanceScheduler.Claim claim,
            TabletFlush task,
            WorkersCalls calls,
            List<CompletableFuture<Void>> waiting) {}

    /** How the worker that steps a flush waits for devices, whichever that is. */
    private static final class WorkersCalls implements DeviceCalls {
        private @Nullable DeviceCalls worker;
        private boolean isStepping;

        @Override
        public void run(Runnable call) {
            Objects.requireNonNull(worker, "a call between steps").run(call);
        }
    }

    AttachedTablet attach(Tablet tablet) {
        var attached = new AttachedTablet(
                tablet,
                scheduler.register("flush of tablet " + tablet.id()),
                scheduler.register("merge of tablet " + tablet.id()));
        byTablet.put(tablet, attached);
        bySlot.put(attached.flushSlot(), attached);
        tablets.add(attached);
        tablet.pressure().listener(new Pressure.Listener() {
            @Override
            public void wanted() {
                wanting.list(attached.turn());
            }

            @Override
            public void paceChanged() {
                candidates.changed(attached);
            }
        });
        candidates.changed(attached);
        return attached;
    }

    void detach(Tablet tablet, RuntimeException reason) {
        AttachedTablet attached = byTablet.remove(tablet);
        if (attached != null) {
            bySlot.remove(attached.flushSlot());
            tablets.remove(attached);
            scheduler.unregister(attached.flushSlot());
            scheduler.unregister(attached.merge().slot());
            attached.close(reason);
            candidates.changed(attached); // Which forget it.
            tablet.pressure().flushesEnd(reason);
        }
    }

    /** Null if it is none of those any more. */
    @Nullable
    AttachedTablet attached(Tablet tablet) {
        return byTablet.get(tablet);
    }

    /** Complete when what is in memory now is on disk. */
    CompletableFuture<Void> await(Tablet tablet) {
        AttachedTablet attached = byTablet.get(tablet);
        if (attached != null) {
            CompletableFuture<Void> flushed = attached.await();
            tablet.pressure().wantFlush();
            return flushed;
        }
        return CompletableFuture.failedFuture(housekeeping.droppedReason(tablet));
    }

    /** The tablet that is being flushed, if one is. */
    Optional<Tablet> flushing() {
        return Optional.ofNullable(running).map(present -> present.attached().tablet());
    }

    /** The part of its rows in memory that is written by now; empty if none is being flushed. */
    OptionalDouble share() {
        Running present = running;
        return present == null
                ? OptionalDouble.empty()
                : OptionalDouble.of(present.task().share());
    }

    /** Of which tablets the last flush or merge failed, and why. */
    List<RuntimeException> failures() {
        List<RuntimeException> failures = new ArrayList<>();
        for (AttachedTablet attached : tablets) {
            attached.tablet().pressure().flushFailure().ifPresent(failures::add);
            attached.merge().failure().ifPresent(failures::add);
        }
        return failures;
    }

    boolean isRunning() {
        return running != null;
    }

    boolean isRunning(Tablet tablet) {
        Running present = running;
        return present != null && present.attached().tablet() == tablet;
    }

    /** Whether a batch of any tablet waits for memory that a flush of any could free. */
    boolean isMemoryWanted() {
        wanting.takeListed();
        for (int i = 0; i < wanting.count(); i++) {
            AttachedTablet attached = wanting.get(i);
            if (attached.tablet().pressure().isMemoryWanted() && !attached.isDetached()) {
                return true;
            }
        }
        return false;
    }

    /** Begins the most urgent one, if one is due. */
    void beginNext() {
        publishAll();
        MaintenanceScheduler.Claim claim = scheduler.claim(LANES);
        if (claim == null) {
            return;
        }
        AttachedTablet attached = bySlot.get(claim.slot());
        if (attached == null) {
            claim.release(); // It was detached in the meantime.
            return;
        }
        housekeeping.flushBegins(attached.tablet());
        // In this order, or someone who asks now would neither be among the waiters nor start another flush.
        Pressure.Wanted wanted = attached.tablet().pressure().flushBegins();
        List<CompletableFuture<Void>> waiting = attached.takeWaiting();
        taskCount.getAndIncrement();
        var wantedNow = waiting.isEmpty() ? wanted : Pressure.Wanted.ALL;
        var calls = new WorkersCalls();
        var task = new TabletFlush(attached.tablet(), context, wantedNow, calls);
        running = new Running(attached, claim, task, calls, waiting);
    }

    /** Of those that are published already some are weighed again, others the next time. */
    private void publishAll() {
        wanting.takeListed();
        int count = wanting.count();
        firstWeighed = firstWeighed < count ? firstWeighed : 0;
        for (int i = 0; i < count; i++) {
            int distance = i - firstWeighed;
            publish(wanting.get(i), (distance < 0 ? distance + count : distance) < WEIGHED_PER_FLUSH);
        }
        firstWeighed += WEIGHED_PER_FLUSH;
        wanting.letQuietOnesGo();
    }

    /** Of those for the log's sake the first is as good as any; of others that which frees most memory. */
    private void publish(AttachedTablet attached, boolean isWeighedAgain) {
        Tablet tablet = attached.tablet();
        if (!tablet.pressure().isFlushWanted() || isBackingOff(attached)) {
            attached.flushSlot().withdraw();
        } else if (housekeeping.isForLog(tablet)) {
            attached.flushSlot().publish(Lane.FREE_LOG, 1);
        } else if (isWeighedAgain || attached.flushSlot().lane() != Lane.FREE_MEMORY) {
            attached.flushSlot().publish(Lane.FREE_MEMORY, Math.max(1, (double) TabletView.flushableBytes(tablet)));
        }
    }

    private boolean isBackingOff(AttachedTablet attached) {
        if (!failing.contains(attached)) {
            return false; // As mostly: no clock is read for each of thousands.
        }
        return attached.flushBackOffMicros(housekeeping.micros()) > 0;
    }

    /** Why the tablet is not flushed for a while, if it is not: its flushes have failed. */
    Optional<RuntimeException> backingOff(Tablet tablet) {
        AttachedTablet attached = byTablet.get(tablet);
        return attached != null && isBackingOff(attached) ? tablet.pressure().flushFailure() : Optional.empty();
    }

    /** Until the next one may begin of those that wait because they have failed; {@link Long#MAX_VALUE} for none. */
    long microsToNext() {
        long next = Long.MAX_VALUE;
        for (AttachedTablet attached : failing) {
            if (attached.tablet().pressure().isFlushWanted()) {
                next = Math.min(next, attached.flushBackOffMicros(housekeeping.micros()));
            }
        }
        return running == null ? next : Long.MAX_VALUE;
    }

    /** Does one bounded piece of the one that is under way; answers how much it was. */
    int step(DeviceCalls worker) {
        Running present = running;
        if (present == null) {
            return 0;
        }
        try {
            if (step(present, worker)) {
                return 1;
            }
            if (!present.task().isDone()) {
                return 0;
            }
            housekeeping.releaseLog();
            end(present, null);
        } catch (Seat.LostException e) {
            abortLost(present, e); // All else is another worker's.
            throw e;
        } catch (TabletClosedException e) {
            LOG.log(
                    Level.INFO,
                    "flush of tablet {0} was given up: it was dropped",
                    present.attached().tablet().id());
            abort(present, e);
        } catch (RuntimeException e) {
            LOG.log(
                    Level.ERROR,
                    "flush of tablet " + present.attached().tablet().id() + " failed; its rows stay in memory",
                    e);
            abort(present, e);
        }
        return 1;
    }

    private static boolean step(Running present, DeviceCalls worker) {
        WorkersCalls calls = present.calls();
        calls.worker = worker;
        calls.isStepping = true;
        try {
            return present.task().step();
        } finally {
            calls.isStepping = false;
        }
    }

    private static void abortLost(Running present, Seat.LostException reason) {
        try {
            present.task().abort();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    /**
     * The worker that had the seat hangs in a call to a device. Within a step of the flush that is under way, it is
     * begun anew, of the same rows, which nobody has touched: none of the calls of a step comes after its edit. What it
     * has written is deleted when its worker comes back, or at the next start. Elsewhere the flush is between two
     * steps, maybe behind its edit, and must not be done again: it goes on.
     */
    void inherit() {
        Running present = running;
        if (present == null || !present.calls().isStepping) {
            return;
        }
        running = null;
        taskCount.getAndDecrement();
        present.claim().release();
        present.attached().waitOn(present.waiting());
        if (attached(present.attached().tablet()) != null) {
            present.attached().tablet().pressure().wantFlush();
        }
        housekeeping.flushEnded(false, false, present.task().writtenBytes());
    }

    private void abort(Running present, RuntimeException reason) {
        try {
            present.task().abort();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
        if (!(reason instanceof TabletClosedException)) {
            // Else it was dropped, of which who waits for the flush hears in a moment.
            present.attached().tablet().pressure().flushFailed(reason);
            housekeeping.flushFailed(reason);
        }
        end(present, reason);
    }

    private void end(Running present, @Nullable RuntimeException failure) {
        running = null;
        taskCount.getAndDecrement();
        present.claim().release();
        noteWhetherFailing(present.attached(), failure);
        housekeeping.flushEnded(
                failure == null, present.task().hasWritten(), present.task().writtenBytes());
        if (present.task().hasWritten()) {
            candidates.flushed(present.attached());
        } else {
            candidates.changed(present.attached()); // A merge may have waited for its end.
        }
        if (failure == null && present.task().hasLeftChanges()) {
            present.attached().waitOn(present.waiting());
            present.attached().tablet().merging().oweFlush();
            return;
        }
        for (CompletableFuture<Void> waiting : present.waiting()) {
            if (failure == null) {
                waiting.complete(null);
            } else {
                waiting.completeExceptionally(failure);
            }
        }
    }

    private void noteWhetherFailing(AttachedTablet attached, @Nullable RuntimeException failure) {
        failing.removeIf(AttachedTablet::isDetached);
        if (failure == null) {
            attached.flushSucceeded();
            failing.remove(attached);
        } else if (!(failure instanceof TabletClosedException)) {
            attached.flushFailed(housekeeping.micros());
            failing.add(attached);
        }
    }

    /** Gives up the one that is under way. */
    void abort(RuntimeException reason) {
        Running present = running;
        if (present != null) {
            abort(present, reason);
        }
    }

    /** There will be none any more: nobody shall wait for one, or for memory that never comes. */
    void close(RuntimeException reason) {
        housekeeping.flushesEnd(reason);
        for (AttachedTablet attached : tablets) {
            attached.close(reason);
            attached.tablet().pressure().flushesEnd(reason);
        }
    }
}
