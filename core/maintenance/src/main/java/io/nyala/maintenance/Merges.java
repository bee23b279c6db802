package io.nyala.maintenance;

import io.nyala.tablet.FlushContext;
import io.nyala.tablet.MergeTask;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletClosedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Merges of rowsets, of which one is under way at a time. The worker's, but for {@link #add} and {@link #refuse}. */
final class Merges {
    private static final Logger LOG = System.getLogger(Merges.class.getName());

    private final Flushes flushes;
    private final FlushContext context;
    private final Housekeeping housekeeping;
    private final AtomicInteger taskCount;
    private final Queue<Wanted> wanted = new ConcurrentLinkedQueue<>();
    private @Nullable Running running;

    /** {@code taskCount} of what is under way. */
    Merges(Flushes flushes, FlushContext context, Housekeeping housekeeping, AtomicInteger taskCount) {
        this.flushes = flushes;
        this.context = context;
        this.housekeeping = housekeeping;
        this.taskCount = taskCount;
    }

    /** Rowsets of a tablet that somebody wants to be one; the answer is whether they were. */
    private record Wanted(Tablet tablet, List<Long> rowSets, CompletableFuture<Boolean> merged) {}

    private record Running(MergeTask task, CompletableFuture<Boolean> merged) {}

    CompletableFuture<Boolean> add(Tablet tablet, List<Long> rowSets) {
        CompletableFuture<Boolean> merged = new CompletableFuture<>();
        wanted.add(new Wanted(tablet, List.copyOf(rowSets), merged));
        return merged;
    }

    /** Begins the next one. */
    void begin() {
        Running present = running;
        if (present != null && !flushes.isAttached(present.task().tablet())) {
            abort(present, new TabletClosedException(present.task().tablet().id()));
        }
        // Not while its tablet is flushed: a merge has all changes of its rowsets, and the flush would lose them.
        while (running == null
                && !wanted.isEmpty()
                && !flushes.isRunning(wanted.element().tablet())) {
            Wanted next = wanted.remove();
            MergeTask task =
                    flushes.isAttached(next.tablet()) ? MergeTask.begin(next.tablet(), context, next.rowSets()) : null;
            if (task == null) {
                next.merged().complete(false);
            } else {
                taskCount.getAndIncrement();
                running = new Running(task, next.merged());
            }
        }
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
            end();
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

    private void end() {
        running = null;
        taskCount.getAndDecrement();
    }

    private void abort(Running present, RuntimeException reason) {
        end();
        try {
            present.task().abort();
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
        present.merged().completeExceptionally(reason);
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
