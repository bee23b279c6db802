package io.nyala.maintenance;

import io.nyala.compaction.MergePace;
import io.nyala.io.Parking;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
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
    private final List<MergeWorker> workers;
    private final Queue<MergeRun> begun = new ConcurrentLinkedQueue<>();
    private final Queue<MergeRun> over = new ConcurrentLinkedQueue<>();

    /** All merges together read and write {@code bytesPerSecond} at most. */
    MergeHandover(int workerCount, long bytesPerSecond, Housekeeping housekeeping, Runnable wakeMaintenance) {
        this.pace = new MergePace(bytesPerSecond, Math.max(1, workerCount), housekeeping.micros());
        this.housekeeping = housekeeping;
        this.wakeMaintenance = wakeMaintenance;
        this.workers = IntStream.rangeClosed(1, workerCount)
                .mapToObj(i -> new MergeWorker("maintenance-" + i, Parking.ofThread(), this))
                .toList();
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

    /** How many may be under way: as many as there are workers that live, or one if there never were any. */
    int underWayMax() {
        return workers.isEmpty()
                ? 1
                : (int) workers.stream().filter(worker -> worker.end() == null).count();
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
