package io.nyala.maintenance;

import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.RowSetShape;
import io.nyala.compaction.Seat;
import io.nyala.io.Parking;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.tablet.TabletWrite;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What the first of the maintenance workers does: it flushes what is due, lets the log forget what is on disk, and
 * looks keys up again for batches that had to wait and whose callers do not. It begins and ends all merges, and where
 * it is the only worker it does them as well, between its flushes; else the others do, so that no flush waits for a
 * step of a merge. Sleeps when there is nothing to do.
 *
 * <p>If it fails by a mistake of ours, those who wait for it hear of it, then and later. If it hangs in a call to a
 * device, another worker takes its place, and does anew what it was at.
 *
 * <p>Package-private methods belong to the worker that has the seat, but for what says otherwise; all others are for
 * any thread.
 */
public final class Maintenance {
    /** A merge goes on when flushes wait for something, and now and then when they do not. */
    private static final int FLUSH_STEPS_PER_MERGE_STEP = 4;

    /** The same while batches wait for what only flushes bring: else no merge would go on under such a load. */
    private static final int FLUSH_STEPS_PER_MERGE_STEP_PRESSED = 16;

    /**
     * Workers that take the place of others, in the life of one engine, unless these come back: each that hangs has
     * memory, and where so many hang all files do.
     */
    static final int SUCCESSORS_MAX = 3;

    /** Before that another worker takes its place, if it can. */
    private static final long HANGS_MICROS = 2 * Merges.STUCK_MICROS;

    private static final Logger LOG = System.getLogger(Maintenance.class.getName());

    private final Wakes wakes;
    private final Housekeeping housekeeping;
    private final Seat seat;
    private final SeatWatch watch;

    /** All that have the seat, or had it. */
    private final List<LeadWorker> leads = new CopyOnWriteArrayList<>();

    /** Those that lost it and have come back. */
    private final Queue<LeadWorker> spare = new ConcurrentLinkedQueue<>();

    /** Those that lost it and have not, and what is said of them. */
    private final Map<LeadWorker, RuntimeException> lost = new ConcurrentHashMap<>();

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

    /** The one that has the seat. Of who watches. */
    private LeadWorker holder;

    /**
     * @param wakes wakes its workers from then on
     * @param wakeWatcher has {@link #watch} looked at
     * @param workerCount itself, and those that merge beside it; where it is alone it merges, too
     */
    public Maintenance(
            Wakes wakes,
            FlushContext context,
            Housekeeping housekeeping,
            MergeSettings settings,
            int workerCount,
            Runnable wakeWatcher) {
        this.wakes = wakes;
        this.housekeeping = housekeeping;
        this.seat = new Seat(housekeeping::micros, wakeWatcher);
        this.watch = new SeatWatch(this, seat, housekeeping);
        this.holder = newLead("maintenance");
        holder.sit(seat.first(), false);
        this.settings = settings;
        var scheduler = new MaintenanceScheduler();
        this.candidates = new MergeCandidates(scheduler, housekeeping, settings);
        this.flushes = new Flushes(scheduler, context, housekeeping, taskCount, candidates);
        this.handover = new MergeHandover(workerCount - 1, settings.bytesPerSecond(), housekeeping, this::wake);
        this.merges = new Merges(
                flushes, candidates, context, housekeeping, handover, workerCount == 1 ? taskCount : handedOverCount);
    }

    private LeadWorker newLead(String name) {
        var lead = new LeadWorker(name, Parking.ofThread(), this);
        leads.add(lead);
        wakes.add(lead.parking());
        return lead;
    }

    /** The first of its workers, to be started before all others. */
    public LeadWorker lead() {
        return leads.getFirst();
    }

    /** Whoever looks at it has hanging workers replaced: an agent that is started behind all of these. */
    public SeatWatch watch() {
        return watch;
    }

    /** The others, to be started after it. */
    public List<MergeWorker> mergeWorkers() {
        return handover.workers();
    }

    /** Until something is due that nobody wakes the worker for. */
    long microsToNext() {
        return Math.min(merges.microsToNext(), flushes.microsToNext());
    }

    /** Of a time to wait, which may be for ever. */
    static long nanos(long micros) {
        return TimeUnit.MICROSECONDS.toNanos(micros); // Long.MAX_VALUE stays as it is.
    }

    private void wake() {
        wakes.wake();
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
        flushes.attach(tablet);
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
        long mark = housekeeping.historyMark(tablet);
        if (attached != null) {
            double weight = housekeeping.mergeWeight(tablet);
            return attached.merge().explain(settings, housekeeping.micros(), mark, weight);
        }
        List<RowSetShape> shapes = TabletView.shapes(tablet, mark);
        MergePolicy.Choice choice = CompactionPolicy.choose(shapes, settings.budget());
        return new TabletExplanation(
                tablet.id(), MergePolicy.layout(shapes), choice.height(), choice, 0, "the tablet was dropped");
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

    /** The part of its rows in memory that is written by now; empty if none is being flushed. */
    public OptionalDouble flushedShare() {
        return flushes.share();
    }

    /** Why nothing is flushed any more, and of which tablets the last flush or merge failed and why. */
    public List<RuntimeException> failures() {
        List<RuntimeException> failures = new ArrayList<>();
        RuntimeException ended = end;
        if (ended != null) {
            failures.add(ended);
        }
        failures.addAll(lost.values());
        long now = housekeeping.micros();
        leads.stream()
                .filter(lead -> !lost.containsKey(lead) && lead.roundMicros(now) >= HANGS_MICROS)
                .map(lead -> hangs(lead, now))
                .forEach(failures::add);
        failures.addAll(handover.failures());
        failures.addAll(merges.failures());
        failures.addAll(flushes.failures());
        return failures;
    }

    private RuntimeException hangs(LeadWorker lead, long now) {
        return new IllegalStateException(lead.roleName() + " has been within one step for "
                + TimeUnit.MICROSECONDS.toSeconds(lead.roundMicros(now)) + " s" + flushInWords()
                + ", and no other worker can take its place: the storage log does not answer, or " + SUCCESSORS_MAX
                + " have done so already and hang as well. Nothing is flushed or merged until the disk answers");
    }

    long micros() {
        return housekeeping.micros();
    }

    // ---- Its workers ----

    /** Does one piece of what is to be done. */
    int round(LeadWorker worker, DeviceCalls calls) {
        var counted = new int[1];
        if (probes.isAnyWanted()) {
            calls.run(() -> counted[0] += probes.step());
        }
        calls.run(() -> counted[0] += housekeeping.closeMerged());
        int workCount = counted[0];
        workCount += candidates.look();
        workCount += merges.begin();
        if (!flushes.isRunning()) {
            calls.run(housekeeping::takeDownTablets);
            housekeeping.relieveLog();
            housekeeping.relieveMemory(flushes.isMemoryWanted());
            flushes.beginNext();
        }
        int flushCounted = flushes.step(calls);
        workCount += flushCounted;
        stepsOfFlushes += flushCounted;
        int stepsPerMergeStep =
                housekeeping.isPressed() ? FLUSH_STEPS_PER_MERGE_STEP_PRESSED : FLUSH_STEPS_PER_MERGE_STEP;
        if (flushCounted == 0 || stepsOfFlushes >= stepsPerMergeStep) {
            stepsOfFlushes = 0;
            workCount += merges.step(worker, calls);
        }
        return workCount;
    }

    /** It has ended by a mistake of ours. */
    void failed(Throwable cause) {
        end = housekeeping.endedReason(cause);
    }

    RuntimeException closedReason() {
        return housekeeping.closedReason();
    }

    /** The worker that had the seat hangs: what it was at is done anew. By who has it now, before all else. */
    void inherit() {
        flushes.inherit();
        merges.inherit();
    }

    /** A worker has lost the seat and come back; {@code isFree} if it has nothing of its own to end. By that worker. */
    void cameBack(LeadWorker worker, Seat.LostException reason, boolean isFree) {
        LOG.log(Level.WARNING, worker.roleName() + " has come back; what it has done is of no use", reason);
        lost.remove(worker);
        if (isFree) {
            spare.add(worker);
        }
    }

    /** A merge is over that a worker without the seat had of its own. By that worker. */
    void ended(MergeRun run, LeadWorker worker) {
        handover.handBack(run);
        spare.add(worker);
    }

    /** Gives the seat to another worker, if the one that has it hangs; answers whether it did. By who watches. */
    boolean takeOverIfStuck(long now) {
        long stuckMicros = seat.stuckMicros(now);
        if (stuckMicros < Merges.STUCK_MICROS || (spare.isEmpty() && leads.size() > SUCCESSORS_MAX)) {
            return false;
        }
        Seat.Hold hold = seat.takeOver(now, Merges.STUCK_MICROS);
        if (hold == null) {
            return false;
        }
        LeadWorker before = holder;
        var reason = new IllegalStateException(before.roleName() + " has been waiting for a device for "
                + TimeUnit.MICROSECONDS.toSeconds(stuckMicros) + " s" + flushInWords()
                + "; another worker goes on in its place and does that anew, see why the disk does not answer");
        lost.put(before, reason);
        LOG.log(Level.ERROR, reason.getMessage());
        LeadWorker next = spare.poll();
        boolean isStarted = next != null;
        if (next == null) {
            next = newLead("maintenance-again-" + leads.size());
        }
        holder = next;
        next.sit(hold, true);
        if (!isStarted) {
            housekeeping.start(next, next.idleStrategy(), next.parking());
        }
        return true;
    }

    private String flushInWords() {
        return flushing()
                .map(tablet -> ", while it flushes tablet " + tablet.id())
                .orElse("");
    }

    /** At the end of the worker that has the seat. */
    void close() {
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
}
