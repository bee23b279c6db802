package io.nyala.maintenance;

import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.tablet.Tablet;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A tablet that is maintained, where its work is published, and who waits for its next flush. Thread-safe. */
final class AttachedTablet {
    private final Tablet tablet;
    private final MaintenanceScheduler.Slot flushSlot;
    private final MergeCandidate merge;
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private @Nullable RuntimeException end;

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

    /** What is worth merging. */
    MergeCandidate merge() {
        return merge;
    }

    synchronized boolean isDetached() {
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
