package io.nyala.table;

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
    private final long snapshot;
    private final boolean isLatest;

    private SnapshotReads(List<HostedTablet> tablets, long snapshot, boolean isLatest) {
        this.tablets = tablets;
        this.snapshot = snapshot;
        this.isLatest = isLatest;
    }

    /**
     * Tablets at a given time.
     *
     * @throws RuntimeException the reason why it can never be read, if the log of a tablet has failed
     */
    static List<TabletRead> at(TableHost host, List<HostedTablet> tablets, long snapshot) {
        return new SnapshotReads(tablets, snapshot, false).settle(host);
    }

    /**
     * Tablets at a time that is at or above what is visible in each. What was on its way when a log failed is not seen:
     * it was never acknowledged, and never will be.
     */
    static List<TabletRead> latest(TableHost host, List<HostedTablet> tablets, long snapshot) {
        return new SnapshotReads(tablets, snapshot, true).settle(host);
    }

    private List<TabletRead> settle(TableHost host) {
        for (HostedTablet tablet : tablets) {
            tablet.tablet().promise(snapshot);
        }
        host.await(this::isSettled);
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
            settled.add(new TabletRead(next, time));
        }
        return true;
    }
}
