package io.nyala.table;

import io.nyala.memory.MemoryAccount;
import io.nyala.partition.PartitionMap;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.ScanSpec;
import io.nyala.tablet.TabletLookup;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a table by their keys: each key is looked for in the one tablet that may have its row. All keys that were
 * given together are looked up at one snapshot.
 *
 * <p>One thread, for as many keys as it likes, as long as the table stays as it is. One key at a time, at the newest
 * state, costs no heap; several need a snapshot that their tablets agree on, and is held.
 */
public final class TabletsLookup implements AutoCloseable {
    /** The newest state: all that was acknowledged before. */
    public static final long LATEST = TabletLookup.LATEST;

    private static final int NO_PARTITION = -1;

    private final TableHost host;
    private final TableState state;
    private final ScanSpec spec;
    private final MemoryAccount account;
    private final @Nullable TabletLookup[] lookups; // By partition; null where nothing was looked for yet.
    private final int[] keyCounts; // By partition.

    // Of the present keys.
    private @Nullable ScanPlan plan;
    private int[] partitions = {}; // Of the plan's tablets.
    private int next; // Of these.
    private int onlyPartition = NO_PARTITION;
    private long snapshot;

    /**
     * @param spec in the schema of the table; what counts is which columns it projects
     * @param account pays for one row of each tablet
     */
    public TabletsLookup(TableHost host, TableState state, ScanSpec spec, MemoryAccount account) {
        this.host = host;
        this.state = state;
        this.spec = spec;
        this.account = account;
        this.lookups = new TabletLookup[state.tablets().size()];
        this.keyCounts = new int[lookups.length];
    }

    /** The table as it was when this was made. */
    public TableState state() {
        return state;
    }

    /**
     * Begins with some keys, after it has ended with others.
     *
     * @param keys operations with the table's key columns at least; they stay as they are while rows are asked for
     * @param wanted {@link #LATEST}, or a time that is not in the future
     * @throws TableDroppedException if a tablet was dropped
     * @throws AncientSnapshotException if the snapshot is before the ancient history mark
     */
    public void begin(OperationBatch keys, long wanted) {
        end();
        snapshot = wanted; // Unless that is to be found out.
        if (keys.acceptedCount() == 1 && wanted == LATEST) {
            beginOne(keys);
        } else if (keys.acceptedCount() > 0) {
            beginMany(keys, wanted);
        }
    }

    private void beginOne(OperationBatch keys) {
        int partition = partitionOf(keys.memory(), 0);
        if (partition == PartitionMap.NOT_FOUND) {
            snapshot = state.latest();
            return;
        }
        HostedTablet tablet = state.tablets().get(partition);
        if (!tablet.tryHold()) {
            throw tablet.droppedReason();
        }
        onlyPartition = partition;
        TabletLookup lookup = lookup(partition);
        lookup.begin(keys.memory(), 1);
        lookup.add(0);
        lookup.end();
    }

    private int partitionOf(MemorySegment memory, long operation) {
        return state.isOneTablet()
                ? 0
                : state.map()
                        .findKey(
                                memory,
                                OperationFormat.keyOffset(memory, operation),
                                OperationFormat.keyBytes(memory, operation));
    }

    private TabletLookup lookup(int partition) {
        TabletLookup lookup = lookups[partition];
        if (lookup == null) {
            lookup = new TabletLookup(state.tablets().get(partition).tablet(), spec, account);
            lookups[partition] = lookup;
        }
        return lookup;
    }

    private void beginMany(OperationBatch keys, long wanted) {
        List<HostedTablet> tablets = share(keys);
        if (tablets.isEmpty()) {
            snapshot = wanted == LATEST ? state.latest() : wanted;
        } else {
            ScanPlan made = wanted == LATEST
                    ? ScanPlan.latest(host, state, tablets, spec)
                    : ScanPlan.at(host, state, tablets, spec.withSnapshot(wanted));
            snapshot = made.spec().snapshot();
            next = 0;
            plan = made;
        }
    }

    /** Gives each tablet its keys; answers those that have any, in the order of their partitions. */
    private List<HostedTablet> share(OperationBatch keys) {
        MemorySegment memory = keys.memory();
        for (long operation = 0; operation < keys.bytes(); ) {
            int partition = partitionOf(memory, operation);
            if (partition != PartitionMap.NOT_FOUND) {
                if (keyCounts[partition]++ == 0) {
                    lookup(partition).begin(memory, keys.acceptedCount());
                }
                lookup(partition).add(operation);
            }
            operation += OperationFormat.operationBytes(memory, operation);
        }
        List<HostedTablet> tablets = new ArrayList<>();
        partitions = new int[keyCounts.length];
        for (int i = 0; i < keyCounts.length; i++) {
            if (keyCounts[i] > 0) {
                keyCounts[i] = 0;
                lookup(i).end();
                partitions[tablets.size()] = i;
                tablets.add(state.tablets().get(i));
            }
        }
        return tablets;
    }

    /**
     * Appends rows of the present keys that are there, in no particular order; false if there are more, for which the
     * batch has no room.
     *
     * @param keyOfRow takes for each row of the batch the index of the operation that has its key
     * @throws io.nyala.tablet.MissingRowSetException if a key may be in a rowset that cannot be read
     */
    public boolean next(ColumnBatch target, int[] keyOfRow) {
        if (onlyPartition != NO_PARTITION) {
            TabletLookup lookup = lookup(onlyPartition);
            boolean isDone = lookup.next(LATEST, target, keyOfRow);
            snapshot = lookup.snapshot();
            return isDone;
        }
        ScanPlan present = plan;
        while (present != null && next < present.held().size()) {
            TabletRead read = present.groups().get(next).getFirst();
            if (!lookup(partitions[next]).next(read.snapshot(), target, keyOfRow)) {
                return false;
            }
            next++;
        }
        return true;
    }

    /** What it took so far. */
    public TabletLookup.Effort effort() {
        TabletLookup.Effort effort = TabletLookup.Effort.NONE;
        for (TabletLookup lookup : lookups) {
            effort = lookup == null ? effort : effort.plus(lookup.effort());
        }
        return effort;
    }

    /** The snapshot that the present keys are looked up at. */
    public long snapshot() {
        return snapshot;
    }

    /** Ends with the present keys. */
    public void end() {
        if (onlyPartition != NO_PARTITION) {
            HostedTablet held = state.tablets().get(onlyPartition);
            onlyPartition = NO_PARTITION;
            held.letGo(host);
        }
        ScanPlan ended = plan;
        if (ended != null) {
            plan = null;
            ended.letGo(host);
        }
    }

    @Override
    public void close() {
        end();
        for (TabletLookup lookup : lookups) {
            if (lookup != null) {
                lookup.close();
            }
        }
    }
}
