package io.nyala.maintenance;

import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletWrite;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Batches whose keys are to be looked up again, and whose callers do not wait to do that. Thread-safe. */
final class Probes {
    /** A few for each tablet at most; see the tablet's queue of writes. */
    private final Queue<Wanted> wanted = new ConcurrentLinkedQueue<>();

    private record Wanted(Tablet tablet, TabletWrite write) {}

    void add(Tablet tablet, TabletWrite write) {
        wanted.add(new Wanted(tablet, write));
    }

    boolean isAnyWanted() {
        return !wanted.isEmpty();
    }

    /** Looks the keys of one batch up; answers how many it were. By the worker. */
    int step() {
        Wanted next = wanted.poll();
        if (next == null) {
            return 0;
        }
        next.tablet().probeAgain(next.write());
        return 1;
    }

    /** Nobody does it any more. */
    void refuse(RuntimeException reason) {
        for (Wanted next = wanted.poll(); next != null; next = wanted.poll()) {
            next.tablet().probeFailed(next.write(), reason);
        }
    }
}
