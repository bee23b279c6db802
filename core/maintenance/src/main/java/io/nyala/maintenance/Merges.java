package io.nyala.maintenance;

import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.MergePolicy;
import io.nyala.tablet.DeltaMergeTask;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.MergeTask;
import io.nyala.tablet.Merging;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletClosedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Merges of rowsets and of delta files, of which one is under way at a time in a tablet, and one for each worker that
 * does them: those that somebody asked for, then those that are worth it. The worker's that flushes, which begins and
 * ends them all, so that no merge begins in a tablet whose flush does; but for {@link #add}, {@link #refuse} and {@link
 * #failures}.
 */
final class Merges {
    private static final Logger LOG = System.getLogger(Merges.class.getName());

    /**
     * A step is a millisecond of work and a few transfers; devices and their drivers give up after half of that. Were
     * the clock set forward, a merge would be done twice, and once in vain.
     */
    static final long STUCK_MICROS = 60_000_000;

    private final Flushes flushes;
    private final MergeCandidates candidates;
    private final FlushContext context;
    private final Housekeeping housekeeping;
    private final MergeHandover handover;
    private final AtomicInteger taskCount;
    private final Queue<Wanted> wanted = new ConcurrentLinkedQueue<>();
    private final List<MergeRun> running = new ArrayList<>();

    /** The one that its worker steps just now, where no others merge; what lost the seat within has it still. */
    private @Nullable MergeRun stepped;

    /** Those that were taken from workers that have not come back, and what is said of them. */
    private final Map<MergeRun, RuntimeException> lost = new ConcurrentHashMap<>();

    /** {@code taskCount} of what is under way. */
    Merges(
            Flushes flushes,
            MergeCandidates candidates,
            FlushContext context,
            Housekeeping housekeeping,
            MergeHandover handover,
            AtomicInteger taskCount) {
        this.flushes = flushes;
        this.candidates = candidates;
        this.context = context;
        this.housekeeping = housekeeping;
        this.handover = handover;
        this.taskCount = taskCount;
    }

    /** What somebody wants to be one; the answer is whether it was. */
    private record Wanted(Tablet tablet, Inputs inputs, CompletableFuture<Boolean> merged) {}

    /**
     * What is merged.
     *
     * @param rowSets their files
     * @param deltaFiles those of the one rowset, if these are merged and it stays as it is
     */
    record Inputs(List<Long> rowSets, List<Long> deltaFiles) {
        Inputs {
            rowSets = List.copyOf(rowSets);
            deltaFiles = List.copyOf(deltaFiles);
        }

        static Inputs of(MergePolicy.Choice choice) {
            return new Inputs(choice.fileIds(), choice.deltaFileIds());
        }

        /** Null if they are not there any more, or somebody has them. */
        Merging.@Nullable Task begin(Tablet tablet, FlushContext context) {
            return deltaFiles.isEmpty()
                    ? MergeTask.begin(tablet, context, rowSets)
                    : DeltaMergeTask.begin(tablet, context, rowSets.getFirst(), deltaFiles);
        }
    }

    CompletableFuture<Boolean> add(Tablet tablet, Inputs inputs) {
        CompletableFuture<Boolean> merged = new CompletableFuture<>();
        wanted.add(new Wanted(tablet, inputs, merged));
        return merged;
    }

    /**
     * Of which merges the workers hang, from which these were taken; and whether there are no others. Of what was a
     * worker's with the seat, that is told of it as well. Any thread.
     */
    List<RuntimeException> failures() {
        List<RuntimeException> failures = new ArrayList<>(lost.values());
        if (!failures.isEmpty() && handover.underWayMax(failures.size()) <= 0) {
            failures.add(new IllegalStateException("all workers that merge hang or have ended, "
                    + handover.workers().size() + " of them; nothing is merged until the disk answers"));
        }
        return failures;
    }

    /** Until one is due that nobody asked for; {@link Long#MAX_VALUE} if something else has to end before. */
    long microsToNext() {
        long next = hasNoRoom() || !wanted.isEmpty() ? Long.MAX_VALUE : candidates.microsToNext();
        if (running.isEmpty()) {
            return next;
        }
        boolean isOwn = handover.workers().isEmpty() && !running.getFirst().isElsewhere();
        return Math.min(next, isOwn ? running.getFirst().sleepMicrosMax() : STUCK_MICROS);
    }

    private boolean hasNoRoom() {
        return running.size() >= handover.underWayMax(lost.size());
    }

    /** Not while its tablet is flushed: a merge has all changes of its rowsets, and the flush would lose them. */
    private boolean mayBegin(Tablet tablet) {
        return !flushes.isRunning(tablet) && !tablet.merging().isRunning();
    }

    /** Ends those that are over, and begins the next ones; answers how many were over. */
    int begin() {
        int overCount = endThoseOver();
        handover.pace().behind(candidates.isAnyBehind());
        if (handover.hasEnded()) {
            refuseAll(handover.failures().getLast());
        }
        giveUpOfDropped();
        takeFromStuck();
        beginWanted();
        if (!hasNoRoom() && wanted.isEmpty()) {
            beginBest();
        }
        return overCount;
    }

    private int endThoseOver() {
        int overCount = 0;
        for (MergeRun over = handover.takeEnded(); over != null; over = handover.takeEnded()) {
            lost.remove(over);
            ended(over);
            overCount++;
        }
        return overCount;
    }

    /** Those that no worker has begun with, nor will. */
    private void refuseAll(RuntimeException reason) {
        for (MergeRun left = handover.take(); left != null; left = handover.take()) {
            left.abort(reason);
            ended(left);
        }
        refuse(reason);
    }

    private void giveUpOfDropped() {
        for (MergeRun run : List.copyOf(running)) {
            Tablet tablet = run.task().tablet();
            if (flushes.attached(tablet) == null) {
                giveUp(run, new TabletClosedException(tablet.id()));
            }
        }
    }

    /** Others do it anew: what it has claimed can neither be flushed nor merged meanwhile, and its log not released. */
    private void takeFromStuck() {
        if (running.isEmpty() || handover.workers().isEmpty()) {
            return;
        }
        long now = housekeeping.micros();
        for (MergeRun run : List.copyOf(running)) {
            if (run.isStuck(now, STUCK_MICROS)) {
                takeFrom(run);
            }
        }
    }

    /** Nothing happens if its outputs are about to take the place of its inputs: then it is too late. */
    private void takeFrom(MergeRun run) {
        if (run.task().takeOver()) {
            var reason = new Merging.TakenOverException(run.task());
            lost.put(run, reason);
            LOG.log(Level.WARNING, reason.getMessage());
            ended(run, reason);
            handover.replaceLost(lost.size());
        }
    }

    private void giveUp(MergeRun run, RuntimeException reason) {
        if (handover.workers().isEmpty() && !run.isElsewhere()) {
            run.abort(reason);
            ended(run);
        } else {
            run.giveUp(reason);
            handover.wakeWorkers();
            context.wake().run();
        }
    }

    private void beginWanted() {
        for (Iterator<Wanted> each = wanted.iterator(); each.hasNext() && !hasNoRoom(); ) {
            Wanted next = each.next();
            if (!mayBegin(next.tablet())) {
                continue;
            }
            each.remove();
            boolean isThere = flushes.attached(next.tablet()) != null;
            if (!isThere || !begin(next.tablet(), next.inputs(), failure -> end(next, failure))) {
                next.merged().complete(false);
            }
        }
    }

    private void end(Wanted done, @Nullable RuntimeException failure) {
        if (failure == null) {
            done.merged().complete(true);
        } else if (failure instanceof Merging.TakenOverException) {
            wanted.add(done);
        } else {
            done.merged().completeExceptionally(failure);
        }
    }

    private void beginBest() {
        MergeCandidates.Chosen chosen = candidates.best(this::mayBegin);
        if (chosen == null) {
            return;
        }
        MergeCandidate best = chosen.candidate();
        Inputs inputs = Inputs.of(best.choice());
        boolean isBegun = begin(best.tablet(), inputs, failure -> {
            chosen.claim().release();
            candidates.ended(best, inputs, failure);
        });
        if (isBegun) {
            candidates.begins(best);
        } else {
            chosen.claim().release();
            candidates.refused(best);
        }
    }

    private boolean begin(Tablet tablet, Inputs inputs, Consumer<@Nullable RuntimeException> ended) {
        Merging.Task task = inputs.begin(tablet, context);
        if (task == null) {
            return false;
        }
        taskCount.getAndIncrement();
        var run = new MergeRun(task, housekeeping, handover.pace(), ended);
        running.add(run);
        if (!handover.workers().isEmpty()) {
            handover.leave(run);
        }
        return true;
    }

    /** Does one bounded piece of the one that is under way, if there is nobody else for it; answers how much it was. */
    int step(LeadWorker worker, DeviceCalls calls) {
        if (running.isEmpty()
                || !handover.workers().isEmpty()
                || running.getFirst().isElsewhere()) {
            return 0;
        }
        MergeRun run = running.getFirst();
        var counted = new int[1];
        stepped = run;
        worker.merging(run);
        calls.run(() -> counted[0] = run.step());
        worker.merging(null);
        stepped = null;
        if (run.isOver()) {
            ended(run);
        }
        return counted[0];
    }

    /** The worker that had the seat hangs: what it was merging at that moment is its own from now on. */
    void inherit() {
        MergeRun run = stepped;
        stepped = null;
        if (run != null) {
            run.leaveElsewhere();
            takeFrom(run);
        }
    }

    private void ended(MergeRun run) {
        ended(run, run.failure());
    }

    private void ended(MergeRun run, @Nullable RuntimeException failure) {
        if (!running.remove(run)) {
            return; // It was given up, and all have heard of it.
        }
        taskCount.getAndDecrement();
        AttachedTablet attached = flushes.attached(run.task().tablet());
        if (attached != null) {
            candidates.changed(attached);
        }
        if (!(failure instanceof TabletClosedException)) {
            housekeeping.mergeEnded(run.task(), failure == null);
        }
        try {
            if (failure == null) {
                housekeeping.releaseLog();
            }
        } finally {
            run.tell(failure);
        }
    }

    /** Gives up those that are under way, at the end of maintenance; whose worker lives hears of it by itself. */
    void abort(RuntimeException reason) {
        endThoseOver();
        refuseAll(reason);
        for (MergeRun run : List.copyOf(running)) {
            giveUp(run, reason);
            if (running.remove(run)) {
                taskCount.getAndDecrement();
                run.tell(reason);
            }
        }
    }

    /** Those that nobody does any more. */
    void refuse(RuntimeException reason) {
        for (Wanted next = wanted.poll(); next != null; next = wanted.poll()) {
            next.merged().completeExceptionally(reason);
        }
    }
}
