package io.nyala.catalog;

import io.nyala.memory.Check;
import io.nyala.rows.Schema;
import io.nyala.tablet.RowSetEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a host stores, as told by the edits of its storage log: the fold of them all, and itself expressible as edits,
 * which is what a checkpoint writes.
 *
 * <p>Not thread-safe: whoever holds it guards it.
 */
public final class StorageState {
    /** Rowsets in an edit of a checkpoint: an edit is one record of the log. */
    private static final int ROWSET_BYTES_PER_EDIT_MAX = 256 << 10;

    private long hostId;
    private long nextFileId = 1;
    private long leaseEnd;
    private long logId;
    private final Map<Long, TableEntry> tables = new LinkedHashMap<>();
    private final Map<Long, TabletEntry> tablets = new LinkedHashMap<>();

    /** A table as the catalog knows it. */
    public record TableEntry(long id, String name, Schema schema, long tabletId) {}

    /** A tablet as the catalog knows it. */
    public record TabletEntry(long id, List<RowSetEntry> rowSets, long appliedUpTo) {}

    public void apply(StorageEdit edit) {
        switch (edit) {
            case StorageEdit.Checkpoint _ -> {} // StorageReplay has seen to it.
            case StorageEdit.LogStarted started -> logId = started.logId();
            case StorageEdit.Identity identity -> {
                Check.that(
                        hostId == 0 || hostId == identity.hostId(),
                        "the storage log of host " + Long.toHexString(hostId) + " has an edit of host "
                                + Long.toHexString(identity.hostId()));
                hostId = identity.hostId();
            }
            case StorageEdit.CreateTable create -> {
                Check.that(!tables.containsKey(create.tableId()), "table id " + create.tableId() + " was used before");
                Check.that(table(create.name()).isEmpty(), "there are two tables \"" + create.name() + "\"");
                tables.put(
                        create.tableId(),
                        new TableEntry(create.tableId(), create.name(), create.schema(), create.tabletId()));
                tablets.put(create.tabletId(), new TabletEntry(create.tabletId(), List.of(), 0));
            }
            case StorageEdit.AllocateFiles allocate -> nextFileId = Math.max(nextFileId, allocate.nextFileId());
            case StorageEdit.Flushed flushed -> {
                TabletEntry before = tablet(flushed.tabletId());
                List<RowSetEntry> rowSets = new ArrayList<>(before.rowSets());
                rowSets.addAll(flushed.added());
                tablets.put(before.id(), new TabletEntry(before.id(), List.copyOf(rowSets), flushed.appliedUpTo()));
            }
            case StorageEdit.ClockLease lease -> leaseEnd = Math.max(leaseEnd, lease.leaseEnd());
        }
    }

    /** The edits that make this state out of nothing. */
    public List<StorageEdit> asEdits() {
        List<StorageEdit> edits = new ArrayList<>();
        edits.add(new StorageEdit.Identity(hostId));
        edits.add(new StorageEdit.AllocateFiles(nextFileId));
        edits.add(new StorageEdit.ClockLease(leaseEnd));
        edits.add(new StorageEdit.LogStarted(logId));
        for (TableEntry table : tables.values()) {
            edits.add(new StorageEdit.CreateTable(table.id(), table.name(), table.schema(), table.tabletId()));
        }
        for (TabletEntry tablet : tablets.values()) {
            addFlushed(tablet, edits);
        }
        return edits;
    }

    /** At least one edit, which says how far the log is applied; more where there are many rowsets. */
    private static void addFlushed(TabletEntry tablet, List<StorageEdit> edits) {
        List<RowSetEntry> part = new ArrayList<>();
        int partBytes = 0;
        for (RowSetEntry rowSet : tablet.rowSets()) {
            int bytes = StorageEditFormat.bytes(rowSet);
            if (!part.isEmpty() && partBytes + bytes > ROWSET_BYTES_PER_EDIT_MAX) {
                edits.add(new StorageEdit.Flushed(tablet.id(), part, tablet.appliedUpTo()));
                part.clear();
                partBytes = 0;
            }
            part.add(rowSet);
            partBytes += bytes;
        }
        edits.add(new StorageEdit.Flushed(tablet.id(), part, tablet.appliedUpTo()));
    }

    public long hostId() {
        return hostId;
    }

    /** Identity of the write-ahead log; 0 before it exists. */
    public long logId() {
        return logId;
    }

    public long nextFileId() {
        return nextFileId;
    }

    public long leaseEnd() {
        return leaseEnd;
    }

    public Collection<TableEntry> tables() {
        return List.copyOf(tables.values());
    }

    public Optional<TableEntry> table(String name) {
        return tables.values().stream()
                .filter(table -> table.name().equals(name))
                .findFirst();
    }

    public TabletEntry tablet(long id) {
        TabletEntry tablet = tablets.get(id);
        if (tablet == null) {
            throw new IllegalStateException("the storage log names tablet " + id + ", which was never created");
        }
        return tablet;
    }

    public Collection<TabletEntry> tablets() {
        return List.copyOf(tablets.values());
    }

    /** The next id for a table or tablet. */
    public long nextId() {
        return 1
                + Math.max(
                        tables.keySet().stream()
                                .mapToLong(Long::longValue)
                                .max()
                                .orElse(0),
                        tablets.keySet().stream()
                                .mapToLong(Long::longValue)
                                .max()
                                .orElse(0));
    }
}
