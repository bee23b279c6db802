package io.nyala.table;

import io.nyala.rows.ScanSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A scan that is ready to be started: its snapshot is settled in all its tablets, which are held until
 * {@link #letGo}.
 *
 * @param spec what to read, at the snapshot of the whole scan
 * @param groups tablets to be read together, in the order in which their rows are to come
 * @param held all of them
 */
public record ScanPlan(ScanSpec spec, List<List<TabletRead>> groups, List<HostedTablet> held) {
    public ScanPlan {
        groups = List.copyOf(groups);
        held = List.copyOf(held);
    }

    /** The newest state of some tablets of a table: all that was acknowledged before. */
    public static ScanPlan latest(TableHost host, TableState state, List<HostedTablet> tablets, ScanSpec spec) {
        return hold(host, tablets, () -> {
            long snapshot = state.latest();
            List<TabletRead> reads = state.tablets().size() == 1
                    ? tablets.stream()
                            .map(tablet -> new TabletRead(tablet, snapshot))
                            .toList()
                    : SnapshotReads.latest(host, tablets, snapshot);
            return of(state, reads, tablets, spec.withSnapshot(snapshot));
        });
    }

    /** Some tablets of a table at a given time, which must not be in the future. */
    public static ScanPlan at(TableHost host, TableState state, List<HostedTablet> tablets, ScanSpec spec) {
        return hold(host, tablets, () -> {
            host.coverByLease(spec.snapshot());
            return of(state, SnapshotReads.at(host, tablets, spec.snapshot()), tablets, spec);
        });
    }

    private static ScanPlan of(TableState state, List<TabletRead> reads, List<HostedTablet> tablets, ScanSpec spec) {
        return new ScanPlan(spec, spec.keyOrder() ? state.inKeyOrder(reads) : apart(reads), tablets);
    }

    private static List<List<TabletRead>> apart(List<TabletRead> reads) {
        List<List<TabletRead>> groups = new ArrayList<>();
        reads.forEach(read -> groups.add(List.of(read)));
        return groups;
    }

    /** What is planned with the tablets held. */
    private static ScanPlan hold(TableHost host, List<HostedTablet> tablets, Supplier<ScanPlan> plan) {
        List<HostedTablet> held = new ArrayList<>();
        ScanPlan made = null;
        try {
            for (HostedTablet tablet : tablets) {
                if (!tablet.tryHold()) {
                    throw tablet.droppedReason();
                }
                held.add(tablet);
            }
            made = plan.get();
            return made;
        } finally {
            if (made == null) {
                letGo(host, held);
            }
        }
    }

    /** The tablets need not be kept any longer. */
    public void letGo(TableHost host) {
        letGo(host, held);
    }

    private static void letGo(TableHost host, List<HostedTablet> held) {
        for (HostedTablet tablet : held) {
            tablet.letGo(host);
        }
    }
}
