package io.nyala.maintenance;

import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.compaction.Turns;
import io.nyala.tablet.Tablet;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A tablet that is maintained, where its work is published, and who waits for its next flush. Thread-safe, but for what
 * concerns flushes that failed, which is the worker's.
 */
final class AttachedTablet {
    /** After the second failure of a flush, one behind the other. */
    static final long BACK_OFF_MICROS_MIN = 100_000;

    /** What has failed so often is most likely there for long; writers of the tablet are refused meanwhile. */
    static final long BACK_OFF_MICROS_MAX = 10_000_000;

    private final Tablet tablet;
    private final MaintenanceScheduler.Slot flushSlot;
    private final MergeCandidate merge;
    private final Turns.Turn<AttachedTablet> turn = new Turns.Turn<>(this);
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private volatile @Nullable RuntimeException end; // Changed, and read before somebody waits, under the lock.

    // Of the worker: how long flushes wait that have failed one after another.
    private boolean hasFlushFailed;
    private long backOffMicros;
    private long backsOffUntil;

    /** Slots of its flushes, and of what is merged without anybody's asking. */
    AttachedTablet(Tablet tablet, MaintenanceScheduler.Slot flushSlot, MaintenanceScheduler.Slot mergeSlot) {
        this.tablet = tablet;
        this.flushSlot = flushSlot;
        this.merge = new MergeCandidate(this, mergeSlot);
    }

    Tablet tablet() {
        return tablet;
    }

    MaintenanceScheduler.Slot flushSlot() {
        return flushSlot;
    }

    /** By which it is listed while it wants something. */
    Turns.Turn<AttachedTablet> turn() {
        return turn;
    }

    /** Whether it wants neither a flush nor memory, until somebody wants that. */
    boolean isQuiet() {
        return isDetached()
                || (!tablet.pressure().isFlushWanted() && !tablet.pressure().isMemoryWanted());
    }

    /** What is worth merging. */
    MergeCandidate merge() {
        return merge;
    }

    /**
     * A flush has failed. It is tried again at once, since what it lacked may have come back; if it fails again, after
     * a while, and each time after twice as long: meanwhile others are flushed, which may free what it needs.
     */
    void flushFailed(long now) {
        if (hasFlushFailed) {
            backOffMicros = Math.clamp(2 * backOffMicros, BACK_OFF_MICROS_MIN, BACK_OFF_MICROS_MAX);
            backsOffUntil = now + backOffMicros;
        }
        hasFlushFailed = true;
    }

    void flushSucceeded() {
        hasFlushFailed = false;
        backOffMicros = 0;
        backsOffUntil = 0;
    }

    /**
     * Until it may be flushed, which it may be now if somebody has asked for it, who hears what comes of it; or if the
     * clock was set back.
     */
    long flushBackOffMicros(long now) {
        long left = backsOffUntil - now;
        return left <= 0 || left > BACK_OFF_MICROS_MAX || hasWaiting() ? 0 : left;
    }

    private synchronized boolean hasWaiting() {
        return !waiting.isEmpty();
    }

    boolean isDetached() {
        return end != null;
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

    /** They wait for the next flush instead. */
    synchronized void waitOn(List<CompletableFuture<Void>> taken) {
        RuntimeException ended = end;
        if (ended == null) {
            waiting.addAll(taken);
        } else {
            taken.forEach(future -> future.completeExceptionally(ended));
        }
    }
}
