package io.nyala.table;

import io.nyala.catalog.TableDescription;
import io.nyala.rows.ScanSpec;
import io.nyala.time.HistoryMark;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

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

    /**
     * The newest state of some tablets of a table: all that was acknowledged before. Of changes since a time after the
     * newest one there are none up to that time, which must not be in the future.
     */
    public static ScanPlan latest(TableHost host, TableState state, List<HostedTablet> tablets, ScanSpec spec) {
        if (spec.needsHistory() && spec.start() > state.latest()) {
            return at(host, state, tablets, spec.withSnapshot(spec.start()));
        }
        return hold(host, tablets, histories -> {
            long snapshot = spec.needsHistory()
                    ? latestChanges(host, state, tablets, spec, histories)
                    : latest(state, tablets, histories);
            boolean isSettled = state.tablets().size() == 1;
            var reads = new SnapshotReads(tablets, histories, snapshot, true);
            return of(state, isSettled ? reads.asTheyAre() : reads.settle(host), tablets, spec.withSnapshot(snapshot));
        });
    }

    /**
     * The newest state of a whole table, at a time that it can be asked for by later. Of a table to which nothing was
     * written that is {@code now}: before it there is no time, and nothing will be written at it.
     */
    public static ScanPlan toKeep(TableHost host, TableState state, ScanSpec spec, long now) {
        return state.latest() == HybridTime.NONE
                ? at(host, state, state.tablets(), spec.withSnapshot(now))
                : latest(host, state, state.tablets(), spec);
    }

    private static long latest(TableState state, List<HostedTablet> tablets, List<HistoryMark.Hold> histories) {
        long snapshot;
        do {
            snapshot = state.latest(); // No mark is above it, unless a merge begins in between.
        } while (!holdHistory(tablets, snapshot, histories));
        return snapshot;
    }

    /** Holds what happened since the start; it may be that nothing did. */
    private static long latestChanges(
            TableHost host,
            TableState state,
            List<HostedTablet> tablets,
            ScanSpec spec,
            List<HistoryMark.Hold> histories) {
        long mark = mark(host, state);
        for (HostedTablet tablet : tablets) {
            histories.add(history(tablet, state, spec, spec.start(), mark));
        }
        return state.latest();
    }

    /** False, and nothing is held, if it can be read of one of them no more. */
    private static boolean holdHistory(List<HostedTablet> tablets, long snapshot, List<HistoryMark.Hold> histories) {
        for (HostedTablet tablet : tablets) {
            HistoryMark.Hold hold = tablet.tablet().time().history().tryHold(snapshot);
            if (hold == null) {
                histories.forEach(HistoryMark.Hold::close);
                histories.clear();
                return false;
            }
            histories.add(hold);
        }
        return true;
    }

    /**
     * Some tablets of a table at a given time, which must not be in the future.
     *
     * @throws AncientSnapshotException if it is before the ancient history mark of one of them
     */
    public static ScanPlan at(TableHost host, TableState state, List<HostedTablet> tablets, ScanSpec spec) {
        return hold(host, tablets, histories -> {
            host.coverByLease(spec.snapshot());
            long mark = mark(host, state);
            for (HostedTablet tablet : tablets) {
                histories.add(history(tablet, state, spec, spec.oldestTime(), mark));
            }
            return of(state, new SnapshotReads(tablets, histories, spec.snapshot(), false).settle(host), tablets, spec);
        });
    }

    /** From where on history is kept: by its age, or because a snapshot has a name. */
    private static long mark(TableHost host, TableState state) {
        TableDescription description = state.description();
        return Math.min(host.historyMark(description.historySecondsMax()), description.oldestSnapshot());
    }

    /** Where nothing happened after the mark of the host, the newest state is also that at the mark. */
    private static HistoryMark.Hold history(
            HostedTablet tablet, TableState state, ScanSpec spec, long time, long hostMark) {
        HistoryMark history = tablet.tablet().time().history();
        long mark = Math.min(hostMark, tablet.tablet().visible());
        HistoryMark.Hold hold = time < mark ? null : history.tryHold(time);
        if (hold == null) {
            long least = Math.max(mark, history.mark());
            throw AncientSnapshotException.of(tablet, state.description(), spec.needsHistory(), time, least);
        }
        return hold;
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
    private static ScanPlan hold(
            TableHost host, List<HostedTablet> tablets, Function<List<HistoryMark.Hold>, ScanPlan> plan) {
        List<HostedTablet> held = new ArrayList<>();
        List<HistoryMark.Hold> histories = new ArrayList<>();
        ScanPlan made = null;
        try {
            for (HostedTablet tablet : tablets) {
                if (!tablet.tryHold()) {
                    throw tablet.droppedReason();
                }
                held.add(tablet);
            }
            made = plan.apply(histories);
            return made;
        } finally {
            if (made == null) {
                histories.forEach(HistoryMark.Hold::close);
                letGo(host, held);
            }
        }
    }

    /** The tablets need not be kept any longer. */
    public void letGo(TableHost host) {
        groups.forEach(group -> group.forEach(read -> read.history().close()));
        letGo(host, held);
    }

    private static void letGo(TableHost host, List<HostedTablet> held) {
        for (HostedTablet tablet : held) {
            tablet.letGo(host);
        }
    }
}
