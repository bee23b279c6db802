package io.nyala.tablet;

import io.nyala.time.VisibleTime;
import io.nyala.wal.CommitLog;
import io.nyala.wal.Durability;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Batches of one tablet between their decision and their answer, in order; and why there will be no more of them, once
 * the tablet has failed.
 *
 * <p>{@link #failure} and {@link #throwIfFailed} are for any thread, the rest for the writer's.
 */
final class PendingWrites {
    private final CommitLog log;
    private final VisibleTime time;
    private final ArrayDeque<TabletWrite> pending = new ArrayDeque<>();
    private volatile @Nullable RuntimeException failure;

    PendingWrites(CommitLog log, VisibleTime time) {
        this.log = log;
        this.time = time;
    }

    /** A batch that was decided; after all before it. */
    void add(TabletWrite write) {
        pending.add(write);
    }

    boolean isEmpty() {
        return pending.isEmpty();
    }

    /** Whether there is nothing to answer or to settle. */
    boolean isQuiet() {
        return pending.isEmpty() && (!time.isUnsettled() || failure != null || log.failure() != null);
    }

    /** Answers the batches that have become durable; how many, and whether anything else has come of it. */
    int completeDurable() {
        int completed = 0;
        for (TabletWrite write = pending.peek(); write != null; write = pending.peek()) {
            if (write.sequence() > (write.durability == Durability.SYNC ? log.durableUpTo() : log.writtenUpTo())) {
                break;
            }
            pending.poll();
            if (!write.isRepeated()) { // Else it happened some time ago.
                time.advance(write.timestamp());
            }
            write.complete(null);
            completed++;
        }
        RuntimeException failed = log.failure();
        if (failed != null && (failure == null || !pending.isEmpty())) {
            failAll(failed);
            completed++;
        }
        if (settle()) {
            completed++;
        }
        return completed;
    }

    /** With nothing on its way, what was drawn for a batch that was not written is a time like any other. */
    private boolean settle() {
        return pending.isEmpty() && failure == null && log.failure() == null && time.settle();
    }

    /** No batch is taken from now on; those that were decided are answered as the log goes on. */
    void fail(RuntimeException reason) {
        failure = reason;
    }

    /** None is answered any more, but with this. */
    void failAll(RuntimeException reason) {
        if (failure == null) {
            failure = reason;
        }
        for (TabletWrite write = pending.poll(); write != null; write = pending.poll()) {
            write.complete(reason);
        }
    }

    /** Why the tablet takes no batches any more, or null. */
    @Nullable
    RuntimeException failure() {
        return failure;
    }

    /** Also where the log has failed, and no batch has come since to hear of it. */
    void throwIfFailed() {
        RuntimeException failed = failure;
        if (failed != null) {
            throw failed;
        }
        failed = log.failure();
        if (failed != null) {
            throw failed;
        }
    }
}
