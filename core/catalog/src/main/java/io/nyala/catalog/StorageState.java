package io.nyala.catalog;

import io.nyala.memory.Check;
import io.nyala.rows.Schema;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * What a host stores, as told by the edits of its storage log: the fold of them all, and itself expressible as edits,
 * which is what a checkpoint writes.
 *
 * <p>Not thread-safe: whoever holds it guards it.
 */
public final class StorageState {
    private long hostId;
    private long logId;
    private long nextFileId = 1;
    private long nextId = 1;
    private long leaseEnd;
    private final Map<Long, TableEntry> tables = new LinkedHashMap<>();
    private final Map<Long, TabletEntry> tablets = new LinkedHashMap<>();

    /** Tables that are not dropped. */
    private final Map<String, Long> tableIds = new HashMap<>();

    /**
     * Guards an edit that was not made yet.
     *
     * @throws IllegalArgumentException if it does not fit
     */
    public void check(StorageEdit edit) {
        switch (edit) {
            case StorageEdit.Checkpoint _,
                    StorageEdit.LogStarted _,
                    StorageEdit.AllocateFiles _,
                    StorageEdit.AllocateIds _,
                    StorageEdit.ClockLease _ -> {}
            case StorageEdit.Identity identity ->
                Check.that(
                        hostId == 0 || hostId == identity.hostId(),
                        "the storage log of host " + Long.toHexString(hostId) + " has an edit of host "
                                + Long.toHexString(identity.hostId()));
            case StorageEdit.CreateTable create -> {
                Check.that(!tables.containsKey(create.tableId()), "table id " + create.tableId() + " was used before");
                checkFree(create.description().name());
                checkNew(create.tablets());
            }
            case StorageEdit.AlterTable alter -> check(alter);
            case StorageEdit.DropTable drop -> checkDropped(existing(drop.tableId()), false);
            case StorageEdit.RecallTable recall -> {
                checkDropped(existing(recall.tableId()), true);
                checkFree(recall.name());
                existing(recall.tableId()).description().withName(recall.name());
            }
            case StorageEdit.PurgeTable purge -> existing(purge.tableId());
            case StorageEdit.Flushed flushed -> check(flushed);
            case StorageEdit.DeltasFlushed flushed -> check(flushed);
            case StorageEdit.DeltasReplaced replaced -> check(replaced);
            case StorageEdit.Merged merged -> check(merged);
        }
    }

    private void check(StorageEdit.AlterTable alter) {
        TableEntry before = existing(alter.tableId());
        checkDropped(before, false);
        if (!alter.description().name().equals(before.name())) {
            checkFree(alter.description().name());
        }
        Schema present = before.description().schema();
        Schema after = alter.description().schema();
        Check.that(
                after.equals(present) || after.version() == present.version() + 1,
                "the schema of table \"" + before.name() + "\" has version " + present.version()
                        + ", and is followed by another one of version " + after.version());
        for (long tabletId : alter.droppedTablets()) {
            TabletEntry tablet = tablets.get(tabletId);
            Check.that(
                    tablet != null && tablet.tableId() == before.id(),
                    "tablet " + tabletId + " is none of table \"" + before.name()
                            + "\", and cannot be dropped from it");
        }
        checkNew(alter.addedTablets());
    }

    private void check(StorageEdit.Flushed flushed) {
        TabletEntry before = tablet(flushed.tabletId());
        Check.that(
                flushed.appliedUpTo() >= before.appliedUpTo(),
                "tablet " + before.id() + " is flushed up to " + flushed.appliedUpTo() + ", it was up to "
                        + before.appliedUpTo() + " before");
        flushed.added().forEach(rowSet -> checkAllocated(rowSet.fileId()));
    }

    private void check(StorageEdit.DeltasFlushed flushed) {
        TabletEntry tablet = tablet(flushed.tabletId());
        RowSetEntry rowSet = tablet.rowSets().get(indexOf(flushed.rowSetFileId(), tablet));
        Check.that(
                flushed.appliedUpTo() >= rowSet.appliedUpTo(),
                "rowset " + rowSet.fileId() + " has changes up to " + rowSet.appliedUpTo()
                        + ", and is followed by deltas up to " + flushed.appliedUpTo());
        flushed.added().forEach(delta -> checkAllocated(delta.fileId()));
    }

    private void check(StorageEdit.DeltasReplaced replaced) {
        TabletEntry tablet = tablet(replaced.tabletId());
        RowSetEntry rowSet = tablet.rowSets().get(indexOf(replaced.rowSetFileId(), tablet));
        int first = rowSet.indexOfDeltas(replaced.removed());
        Check.that(
                first >= 0,
                "delta files " + replaced.removed() + " of rowset " + rowSet.fileId()
                        + " are replaced; one behind another it has " + rowSet.deltas());
        long deletedBefore = deletedRows(
                rowSet.deltas().subList(first, first + replaced.removed().size()));
        long deletedAfter = deletedRows(replaced.added());
        Check.that(
                deletedBefore == deletedAfter,
                "delta files of rowset " + rowSet.fileId() + " delete " + deletedBefore
                        + " rows, those that replace them " + deletedAfter);
        replaced.added().forEach(delta -> checkAllocated(delta.fileId()));
    }

    private static long deletedRows(List<DeltaFileEntry> deltas) {
        return deltas.stream().mapToLong(DeltaFileEntry::deletedRowCount).sum();
    }

    private void check(StorageEdit.Merged merged) {
        TabletEntry tablet = tablet(merged.tabletId());
        for (long fileId : Set.copyOf(merged.removed())) {
            RowSetEntry removed = tablet.rowSets().get(indexOf(fileId, tablet));
            Check.that(
                    removed.appliedUpTo() <= merged.appliedUpTo(),
                    "rowset " + fileId + " has changes up to " + removed.appliedUpTo()
                            + ", and is merged with changes up to " + merged.appliedUpTo());
        }
        for (RowSetEntry added : merged.added()) {
            checkAllocated(added.fileId());
            Check.that(
                    added.appliedUpTo() == merged.appliedUpTo(),
                    "rowset " + added.fileId() + " has changes up to " + added.appliedUpTo()
                            + ", those of its merge are up to " + merged.appliedUpTo());
        }
    }

    private static void checkDropped(TableEntry table, boolean isWanted) {
        Check.that(
                table.isDropped() == isWanted,
                "table \"" + table.name() + "\" is " + (isWanted ? "not dropped" : "dropped already"));
    }

    private void checkFree(String name) {
        Check.that(!tableIds.containsKey(name), "there is a table \"" + name + "\" already");
    }

    private void checkNew(List<TabletPlace> places) {
        Set<Long> seen = new HashSet<>();
        for (TabletPlace place : places) {
            Check.that(
                    !tablets.containsKey(place.id()) && seen.add(place.id()),
                    "tablet id " + place.id() + " was used before");
        }
    }

    private void checkAllocated(long fileId) {
        Check.that(fileId < nextFileId, "file id " + fileId + " is in use, and was never allocated");
    }

    /**
     * Takes one more edit.
     *
     * @throws IllegalArgumentException if it does not fit; then nothing is changed
     */
    public void apply(StorageEdit edit) {
        check(edit);
        switch (edit) {
            case StorageEdit.Checkpoint _ -> {} // StorageReplay has seen to it.
            case StorageEdit.Identity identity -> hostId = identity.hostId();
            case StorageEdit.LogStarted started -> logId = started.logId();
            case StorageEdit.AllocateFiles allocate -> nextFileId = Math.max(nextFileId, allocate.nextFileId());
            case StorageEdit.AllocateIds allocate -> nextId = Math.max(nextId, allocate.nextId());
            case StorageEdit.ClockLease lease -> leaseEnd = Math.max(leaseEnd, lease.leaseEnd());
            case StorageEdit.CreateTable create -> {
                long id = create.tableId();
                nextId = Math.max(nextId, id + 1);
                tables.put(id, new TableEntry(id, create.description(), create.tablets(), null));
                tableIds.put(create.description().name(), id);
                add(id, create.tablets());
            }
            case StorageEdit.AlterTable alter -> alter(alter);
            case StorageEdit.DropTable drop -> {
                TableEntry before = existing(drop.tableId());
                tables.put(before.id(), before.withDrop(drop.drop()));
                tableIds.remove(before.name());
            }
            case StorageEdit.RecallTable recall -> {
                TableEntry before = existing(recall.tableId());
                TableDescription description = before.description().withName(recall.name());
                tables.put(
                        before.id(), before.with(description, before.tablets()).withDrop(null));
                tableIds.put(recall.name(), before.id());
            }
            case StorageEdit.PurgeTable purge -> purge(existing(purge.tableId()));
            case StorageEdit.Flushed flushed -> {
                TabletEntry before = tablet(flushed.tabletId());
                List<RowSetEntry> rowSets = new ArrayList<>(before.rowSets());
                rowSets.addAll(flushed.added());
                tablets.put(before.id(), before.flushed(rowSets, flushed.appliedUpTo()));
            }
            case StorageEdit.DeltasFlushed flushed ->
                update(
                        flushed.tabletId(),
                        flushed.rowSetFileId(),
                        rowSet -> rowSet.withDeltas(flushed.added(), flushed.appliedUpTo()));
            case StorageEdit.DeltasReplaced replaced ->
                update(
                        replaced.tabletId(),
                        replaced.rowSetFileId(),
                        rowSet -> rowSet.withReplaced(replaced.removed(), replaced.added()));
            case StorageEdit.Merged merged -> {
                TabletEntry before = tablet(merged.tabletId());
                List<RowSetEntry> rowSets = new ArrayList<>(before.rowSets());
                rowSets.removeIf(rowSet -> merged.removed().contains(rowSet.fileId()));
                rowSets.addAll(merged.added());
                tablets.put(before.id(), before.merged(rowSets, merged.appliedUpTo(), merged.historyMark()));
            }
        }
    }

    private void alter(StorageEdit.AlterTable alter) {
        TableEntry before = existing(alter.tableId());
        List<TabletPlace> places = new ArrayList<>(before.tablets());
        places.removeIf(place -> alter.droppedTablets().contains(place.id()));
        places.addAll(alter.addedTablets());
        tables.put(before.id(), before.with(alter.description(), places));
        tableIds.remove(before.name());
        tableIds.put(alter.description().name(), before.id());
        alter.droppedTablets().forEach(tablets::remove);
        add(before.id(), alter.addedTablets());
    }

    private void purge(TableEntry table) {
        tables.remove(table.id());
        if (!table.isDropped()) {
            tableIds.remove(table.name());
        }
        table.tablets().forEach(place -> tablets.remove(place.id()));
    }

    private void update(long tabletId, long rowSetFileId, UnaryOperator<RowSetEntry> change) {
        TabletEntry before = tablet(tabletId);
        List<RowSetEntry> rowSets = new ArrayList<>(before.rowSets());
        int index = indexOf(rowSetFileId, before);
        rowSets.set(index, change.apply(rowSets.get(index)));
        tablets.put(before.id(), before.with(rowSets));
    }

    private void add(long tableId, List<TabletPlace> places) {
        for (TabletPlace place : places) {
            tablets.put(place.id(), TabletEntry.of(place.id(), tableId));
            nextId = Math.max(nextId, place.id() + 1);
        }
    }

    private static int indexOf(long fileId, TabletEntry tablet) {
        for (int i = 0; i < tablet.rowSets().size(); i++) {
            if (tablet.rowSets().get(i).fileId() == fileId) {
                return i;
            }
        }
        throw new IllegalArgumentException("tablet " + tablet.id() + " has no rowset " + fileId);
    }

    private TableEntry existing(long tableId) {
        TableEntry table = tables.get(tableId);
        if (table == null) {
            throw new IllegalArgumentException("the storage log names table " + tableId + ", which there is not");
        }
        return table;
    }

    /** The edits that make this state out of nothing, none larger than {@link CatalogLimits#EDIT_BYTES_MAX}. */
    public List<StorageEdit> asEdits() {
        List<StorageEdit> edits = new ArrayList<>();
        edits.add(new StorageEdit.Identity(hostId));
        edits.add(new StorageEdit.LogStarted(logId));
        edits.add(new StorageEdit.AllocateFiles(nextFileId));
        edits.add(new StorageEdit.AllocateIds(nextId));
        edits.add(new StorageEdit.ClockLease(leaseEnd));
        StateEdits.add(tables.values(), tablets.values(), edits);
        return edits;
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

    /** The next id for a table or a tablet; those below were given out. */
    public long nextId() {
        return nextId;
    }

    /** Whether there is or was a table or a tablet of that id. */
    public boolean wasGivenOut(long id) {
        return id > 0 && id < nextId;
    }

    /** All tables, dropped ones too, in the order of their creation. */
    public Collection<TableEntry> tables() {
        return List.copyOf(tables.values());
    }

    /** How many there are, dropped ones too. */
    public int tableCount() {
        return tables.size();
    }

    public int tabletCount() {
        return tablets.size();
    }

    /** The table of that name that is not dropped. */
    public Optional<TableEntry> table(String name) {
        return Optional.ofNullable(tableIds.get(name)).map(tables::get);
    }

    /** The table of that id, dropped or not. */
    public Optional<TableEntry> table(long id) {
        return Optional.ofNullable(tables.get(id));
    }

    public boolean hasTablet(long id) {
        return tablets.containsKey(id);
    }

    public TabletEntry tablet(long id) {
        TabletEntry tablet = tablets.get(id);
        if (tablet == null) {
            throw new IllegalArgumentException("the storage log names tablet " + id + ", which there is not");
        }
        return tablet;
    }

    /** The greatest sequence of the write-ahead log that any tablet or rowset has applied. */
    public long appliedUpToMax() {
        long max = 0;
        for (TabletEntry tablet : tablets.values()) {
            max = Math.max(max, Math.max(tablet.appliedUpTo(), tablet.mergedUpTo()));
            for (RowSetEntry rowSet : tablet.rowSets()) {
                max = Math.max(max, rowSet.appliedUpTo());
            }
        }
        return max;
    }

    public Collection<TabletEntry> tablets() {
        return List.copyOf(tablets.values());
    }
}
