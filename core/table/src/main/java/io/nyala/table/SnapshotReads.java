package io.nyala.table;

import io.nyala.time.HistoryMark;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings tablets to where one snapshot can be read in all of them: promises that nothing will change at or below it,
 * and waits for what was on its way.
 *
 * <p>One thread.
 */
final class SnapshotReads {
    private final List<TabletRead> settled = new ArrayList<>();
    private final List<HostedTablet> tablets;
    private final List<HistoryMark.Hold> histories;
    private final long snapshot;
    private final boolean isLatest;

    /**
     * @param histories of the tablets, at the snapshot
     * @param isLatest whether the snapshot is at or above what is visible in each: then what was on its way when a log
     *     failed is not seen, since it was never acknowledged, and never will be
     */
    SnapshotReads(List<HostedTablet> tablets, List<HistoryMark.Hold> histories, long snapshot, boolean isLatest) {
        this.tablets = tablets;
        this.histories = histories;
        this.snapshot = snapshot;
        this.isLatest = isLatest;
    }

    /**
     * Promises and waits.
     *
     * @throws RuntimeException the reason why the time can never be read, if the log of a tablet has failed
     */
    List<TabletRead> settle(TableHost host) {
        for (HostedTablet tablet : tablets) {
            tablet.tablet().promise(snapshot);
        }
        host.await(this::isSettled);
        return settled;
    }

    /** Without a promise, at what is visible: where there is one tablet, nothing else has to agree with it. */
    List<TabletRead> asTheyAre() {
        for (int i = 0; i < tablets.size(); i++) {
            settled.add(new TabletRead(tablets.get(i), snapshot, histories.get(i)));
        }
        return settled;
    }

    private boolean isSettled() {
        while (settled.size() < tablets.size()) {
            HostedTablet next = tablets.get(settled.size());
            long time = snapshot;
            try {
                if (!next.tablet().isSettled(snapshot)) {
                    return false;
                }
            } catch (RuntimeException e) {
                if (!isLatest) {
                    throw e;
                }
                time = Math.min(snapshot, next.tablet().visible());
            }
            settled.add(new TabletRead(next, time, histories.get(settled.size())));
        }
        return true;
    }
}
