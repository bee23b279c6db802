package io.nyala.maintenance;

import io.nyala.compaction.MergePace;
import io.nyala.io.Parking;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Where maintenance leaves the merges that it has begun, and the workers that do them leave them again.
 *
 * <pre>{@code
 *   maintenance --- begun ---> one of the workers --- over ---> maintenance
 * }</pre>
 *
 * <p>Without any such worker maintenance does them by itself, one at a time, between its flushes. Thread-safe.
 */
final class MergeHandover {
    private final Housekeeping housekeeping;
    private final Runnable wakeMaintenance;
    private final MergePace pace;
    private final int workerCount;
    private final List<MergeWorker> workers = new CopyOnWriteArrayList<>();
    private final Queue<MergeRun> begun = new ConcurrentLinkedQueue<>();
    private final Queue<MergeRun> over = new ConcurrentLinkedQueue<>();

    /** All merges together read and write {@code bytesPerSecond} at most. */
    MergeHandover(int workerCount, long bytesPerSecond, Housekeeping housekeeping, Runnable wakeMaintenance) {
        this.pace = new MergePace(bytesPerSecond, Math.max(1, workerCount), housekeeping.micros());
        this.housekeeping = housekeeping;
        this.wakeMaintenance = wakeMaintenance;
        this.workerCount = workerCount;
        IntStream.rangeClosed(1, workerCount).forEach(this::newWorker);
    }

    private MergeWorker newWorker(int number) {
        var worker = new MergeWorker("maintenance-" + number, Parking.ofThread(), this);
        workers.add(worker);
        return worker;
    }

    /** How fast all of them may go on together. */
    MergePace pace() {
        return pace;
    }

    List<MergeWorker> workers() {
        return workers;
    }

    /** By which mistakes workers have ended. Any thread. */
    List<RuntimeException> failures() {
        return workers.stream()
                .map(MergeWorker::end)
                .filter(Objects::nonNull)
                .map(Objects::requireNonNull)
                .toList();
    }

    /**
     * How many may be under way: as many as there are workers that live and are heard of, and no more than there were
     * at first; or one if there never were any.
     */
    int underWayMax(int lostCount) {
        return workers.isEmpty() ? 1 : Math.min(livingMax(), livingCount() - lostCount);
    }

    /** Whether there were workers, and all have ended by mistakes. */
    boolean hasEnded() {
        return !workers.isEmpty() && livingCount() == 0;
    }

    private int livingCount() {
        return workers.size() - endedCount();
    }

    /** Those that have ended by a mistake of ours have no successor: that would most likely make it again. */
    private int livingMax() {
        return Math.max(0, workerCount - endedCount());
    }

    private int endedCount() {
        return (int) workers.stream().filter(worker -> worker.end() != null).count();
    }

    /**
     * So many hang: others take their places, but for those that have come back. No more than a few, since each that
     * hangs has memory. By maintenance.
     */
    void replaceLost(int lostCount) {
        boolean isMissing = !workers.isEmpty() && livingCount() - lostCount < livingMax();
        if (isMissing && workers.size() < workerCount + Maintenance.SUCCESSORS_MAX) {
            MergeWorker next = newWorker(workers.size() + 1);
            housekeeping.start(next, next.idleStrategy(), next.parking());
        }
    }

    /** By maintenance. */
    void leave(MergeRun run) {
        begun.add(run);
        wakeWorkers();
    }

    /** Something that a merge may wait for has come. */
    void wakeWorkers() {
        for (int i = 0; i < workers.size(); i++) {
            workers.get(i).parking().wake();
        }
    }

    /** One that nobody has, if there is any; who takes it does it. */
    @Nullable
    MergeRun take() {
        return begun.poll();
    }

    /** It is over. By the worker that has taken it. */
    void handBack(MergeRun run) {
        over.add(run);
        wakeMaintenance.run();
    }

    /** One that is over. By maintenance. */
    @Nullable
    MergeRun takeEnded() {
        return over.poll();
    }

    void workerEnded() {
        wakeMaintenance.run(); // If it was the last one, nobody waits for a merge any more.
    }

    RuntimeException endedReason(MergeWorker worker, Throwable cause) {
        return housekeeping.workerEndedReason(worker.roleName(), cause);
    }

    RuntimeException closedReason() {
        return housekeeping.closedReason();
    }
}
