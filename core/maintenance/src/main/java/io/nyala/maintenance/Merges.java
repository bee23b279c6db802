package io.nyala.maintenance;

import io.nyala.compaction.MergePolicy;
import io.nyala.tablet.DeltaMergeTask;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.MergeTask;
import io.nyala.tablet.Merging;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletClosedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Merges of rowsets and of delta files, of which one is under way at a time: those that somebody asked for, then those
 * that are worth it. The worker's, but for {@link #add} and {@link #refuse}.
 */
final class Merges {
    private static final Logger LOG = System.getLogger(Merges.class.getName());

    private final Flushes flushes;
    private final MergeCandidates candidates;
    private final FlushContext context;
    private final Housekeeping housekeeping;
    private final AtomicInteger taskCount;
    private final Queue<Wanted> wanted = new ConcurrentLinkedQueue<>();
    private @Nullable Running running;

    /** {@code taskCount} of what is under way. */
    Merges(
            Flushes flushes,
            MergeCandidates candidates,
            FlushContext context,
            Housekeeping housekeeping,
            AtomicInteger taskCount) {
        this.flushes = flushes;
        this.candidates = candidates;
        this.context = context;
        this.housekeeping = housekeeping;
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

    /** {@code ended} is told why it did not come about, or null. */
    private record Running(Merging.Task task, Consumer<@Nullable RuntimeException> ended) {}

    CompletableFuture<Boolean> add(Tablet tablet, Inputs inputs) {
        CompletableFuture<Boolean> merged = new CompletableFuture<>();
        wanted.add(new Wanted(tablet, inputs, merged));
        return merged;
    }

    /** Until one is due that nobody asked for; {@link Long#MAX_VALUE} if something else has to end before. */
    long microsToNext() {
        return running != null || !wanted.isEmpty()
                ? Long.MAX_VALUE
                : candidates.microsToNext(tablet -> !flushes.isRunning(tablet));
    }

    /** Begins the next one. */
    void begin() {
        Running present = running;
        if (present != null && flushes.attached(present.task().tablet()) == null) {
            abort(present, new TabletClosedException(present.task().tablet().id()));
        }
        beginWanted();
        beginBest();
    }

    private void beginWanted() {
        // Not while its tablet is flushed: a merge has all changes of its rowsets, and the flush would lose them.
        while (running == null
                && !wanted.isEmpty()
                && !flushes.isRunning(wanted.element().tablet())) {
            Wanted next = wanted.remove();
            boolean isThere = flushes.attached(next.tablet()) != null;
            if (!isThere || !begin(next.tablet(), next.inputs(), failure -> end(next, failure))) {
                next.merged().complete(false);
            }
        }
    }

    private static void end(Wanted wanted, @Nullable RuntimeException failure) {
        if (failure == null) {
            wanted.merged().complete(true);
        } else {
            wanted.merged().completeExceptionally(failure);
        }
    }

    private void beginBest() {
        if (running != null || !wanted.isEmpty()) {
            return;
        }
        MergeCandidates.Chosen chosen = candidates.best(tablet -> !flushes.isRunning(tablet));
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
        running = new Running(task, ended);
        return true;
    }

    /** Does one bounded piece of the one that is under way; answers how much it was. */
    int step() {
        Running present = running;
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
            end(present);
            housekeeping.mergeEnded(present.task(), true);
            housekeeping.releaseLog();
            present.ended().accept(null);
        } catch (RuntimeException e) {
            if (!(e instanceof TabletClosedException)) {
                LOG.log(
                        Level.ERROR,
                        present.task().describe() + " of tablet "
                                + present.task().tablet().id() + " failed; they stay as they are",
                        e);
            }
            abort(present, e);
        }
        return 1;
    }

    private void end(Running present) {
        running = null;
        taskCount.getAndDecrement();
        AttachedTablet attached = flushes.attached(present.task().tablet());
        if (attached != null) {
            candidates.changed(attached);
        }
    }

    private void abort(Running present, RuntimeException reason) {
        end(present);
        if (!(reason instanceof TabletClosedException)) {
            housekeeping.mergeEnded(present.task(), false);
        }
        try {
            present.task().abort();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
        present.ended().accept(reason);
    }

    /** Gives up the one that is under way. */
    void abort(RuntimeException reason) {
        Running present = running;
        if (present != null) {
            abort(present, reason);
        }
    }

    /** Those that nobody does any more. */
    void refuse(RuntimeException reason) {
        for (Wanted next = wanted.poll(); next != null; next = wanted.poll()) {
            next.merged().completeExceptionally(reason);
        }
    }
}
