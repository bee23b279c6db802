package io.nyala.engine;

import io.nyala.catalog.CatalogLimits;
import io.nyala.catalog.StorageEdit;
import io.nyala.catalog.StorageEditFormat;
import io.nyala.catalog.TableChange;
import io.nyala.catalog.TableDescription;
import io.nyala.catalog.TableEntry;
import io.nyala.catalog.TabletPlace;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.rows.Schema;
import io.nyala.table.HostedTablet;
import io.nyala.table.TableState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The tables of an open engine, and every change of the catalog. A change is made by one edit of the storage log, and
 * is seen when that is durable.
 *
 * <p>Thread-safe: one change at a time, and nothing waits for it but other changes.
 */
final class Tables {
    /** What Kudu's protocol can say, some 136 years; and microseconds of more could not be counted on for ever. */
    private static final Duration RECALLABLE_MAX = Duration.ofSeconds(0xFFFF_FFFFL);

    private final Engine engine;
    private final OpenEngine parts;
    private final Map<String, Table> byName = new ConcurrentSkipListMap<>();
    private final Map<Long, Table> byId = new ConcurrentHashMap<>();

    Tables(Engine engine, OpenEngine parts) {
        this.engine = engine;
        this.parts = parts;
        for (TableEntry entry : parts.storage().tables()) {
            List<HostedTablet> tablets = entry.tablets().stream()
                    .map(place -> parts.tablets().existing(place.id()))
                    .toList();
            add(new Table(engine, TableState.of(entry, tablets)));
        }
    }

    private void add(Table table) {
        byId.put(table.id(), table);
        if (!table.isDropped()) {
            byName.put(table.name(), table);
        }
    }

    Optional<Table> named(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    Optional<Table> ofId(long id) {
        return Optional.ofNullable(byId.get(id));
    }

    List<Table> all() {
        return List.copyOf(byName.values());
    }

    /** Those that can be recalled, in the order of their creation. */
    List<Table> dropped() {
        return byId.values().stream()
                .filter(Table::isDropped)
                .sorted(Comparator.comparingLong(Table::id))
                .toList();
    }

    /** Asks for a flush of each tablet, of dropped tables too; no table changes meanwhile. */
    synchronized List<CompletableFuture<Void>> flush() {
        return byId.values().stream()
                .flatMap(table -> table.state().tablets().stream())
                .map(tablet -> parts.maintenance().flush(tablet.tablet()))
                .toList();
    }

    // ---- Creating ----

    synchronized Table create(TableSpec spec) {
        engine.throwIfClosed();
        purgeExpired();
        TableDescription given = spec.description();
        checkFree(given.name());
        PartitionMap map = spec.partitions();
        checkRoom(1, map.size());
        long id = parts.storage().nextId();
        List<TabletPlace> places = places(id + 1, map.partitions());
        TableDescription description = given.withPartitioning(map.schema());
        var edit = new StorageEdit.CreateTable(id, description, places);
        checkBytes(edit, description);
        parts.tablets().prepare(places, description.schema());
        make(() -> parts.storage().change(edit), places);
        var table = new Table(
                engine,
                TableState.of(
                        new TableEntry(id, description, places, null),
                        parts.tablets().start(places)));
        add(table);
        return table;
    }

    private static List<TabletPlace> places(long firstId, List<Partition> partitions) {
        List<TabletPlace> places = new ArrayList<>();
        for (Partition partition : partitions) {
            places.add(new TabletPlace(firstId + places.size(), partition));
        }
        return places;
    }

    /** Makes a change of a table that is there. If it fails, it may be found at the next open nevertheless. */
    private void change(Table table, StorageEdit edit) {
        try {
            parts.storage().change(edit);
        } catch (RuntimeException e) {
            if (parts.storage().failure().isPresent()) {
                table.inDoubt(e);
            }
            throw e;
        }
    }

    private void make(Runnable change, List<TabletPlace> prepared) {
        try {
            change.run();
        } catch (RuntimeException e) {
            parts.tablets().discard(prepared);
            throw e;
        }
    }

    // ---- Altering ----

    /** Makes a change that was put together for the table; its steps are taken on what the table is now. */
    synchronized void alter(Table table, Consumer<TableChange> steps) {
        engine.throwIfClosed();
        TableState before = table.present();
        var change = new TableChange(before.entry());
        steps.accept(change);
        if (change.isEmpty()) {
            return;
        }
        TableDescription description = change.description();
        if (!description.name().equals(table.name())) {
            checkFree(description.name());
        }
        checkRoom(0, change.added().size());
        List<TabletPlace> added = places(parts.storage().nextId(), change.added());
        var edit = new StorageEdit.AlterTable(table.id(), description, added, change.dropped());
        checkBytes(edit, description);
        boolean isMade = false;
        try {
            pin(before, description);
            alter(table, change, edit);
            isMade = true;
        } finally {
            if (!isMade) {
                unpin(before);
            }
        }
        byName.remove(before.entry().name());
        byName.put(table.name(), table);
    }

    private void alter(Table table, TableChange change, StorageEdit.AlterTable edit) {
        if (change.hasNewSchema()) {
            alterSchema(table, change, edit);
        } else {
            List<TabletPlace> added = edit.addedTablets();
            parts.tablets().prepare(added, edit.description().schema());
            make(() -> change(table, edit), added);
            become(table, change, edit, parts.tablets().start(added), change.kept());
        }
    }

    /** Keeps what the table kept and what it is to keep: nothing is given up, whatever becomes of the edit. */
    private static void pin(TableState before, TableDescription after) {
        Set<Long> times = new TreeSet<>(before.description().snapshots().values());
        times.addAll(after.snapshots().values());
        for (HostedTablet tablet : before.tablets()) {
            if (!tablet.pin(times)) {
                throw new IllegalStateException("the snapshot cannot be kept: history of table \""
                        + before.description().name() + "\" was given up meanwhile; take another one");
            }
        }
    }

    /** Keeps no more than the table did: a change was not made. Of one that is in doubt only the next open knows. */
    private void unpin(TableState before) {
        if (parts.storage().failure().isEmpty()) {
            before.tablets()
                    .forEach(tablet ->
                            tablet.pin(before.description().snapshots().values()));
        }
    }

    /**
     * Rows in memory are of the old schema. So they are flushed, most of them while writes go on; then writes wait, the
     * rest is flushed, and the rowsets are opened as tablets of the new schema. Scans go on in the old ones, which
     * nobody writes to any more.
     */
    private void alterSchema(Table table, TableChange change, StorageEdit.AlterTable edit) {
        List<HostedTablet> old = table.state().tablets();
        old.forEach(tablet -> tablet.tablet().merging().pause()); // The flush waits for those that have begun.
        try {
            flush(old);
            alterSchema(table, change, edit, old);
        } finally {
            old.forEach(tablet -> tablet.tablet().merging().goOn()); // Where nothing took their place.
        }
    }

    private void alterSchema(Table table, TableChange change, StorageEdit.AlterTable edit, List<HostedTablet> old) {
        Schema schema = edit.description().schema();
        table.pause(parts);
        try {
            flush(old.stream()
                    .filter(tablet -> tablet.tablet().neededFromByRows() != Long.MAX_VALUE)
                    .toList());
            checkNothingIsLeft(old);
            List<TabletPlace> opened = new ArrayList<>(change.kept());
            opened.addAll(edit.addedTablets());
            boolean isMade = false;
            try {
                parts.tablets().prepare(edit.addedTablets(), schema);
                parts.tablets().reopen(edit.description().name(), kept(old, change), schema);
                change(table, edit);
                isMade = true;
            } finally {
                if (!isMade) {
                    parts.tablets().discard(opened);
                    old.forEach(tablet -> tablet.tablet().takeAnswersBack());
                }
            }
            become(table, change, edit, parts.tablets().start(opened), List.of());
        } finally {
            table.goOn(parts);
        }
    }

    /** A restart takes no notice of effects in log records of an earlier schema. */
    private static void checkNothingIsLeft(List<HostedTablet> flushed) {
        for (HostedTablet tablet : flushed) {
            if (tablet.tablet().neededFromByRows() != Long.MAX_VALUE) {
                throw new IllegalStateException(
                        "the columns of the table cannot be changed, because the log has changes"
                                + " of rows that cannot be read: "
                                + tablet.tablet().missingRowSets());
            }
        }
    }

    private static List<HostedTablet> kept(List<HostedTablet> old, TableChange change) {
        return old.stream()
                .filter(tablet -> change.kept().contains(tablet.place()))
                .toList();
    }

    private void flush(List<HostedTablet> tablets) {
        List<CompletableFuture<Void>> flushes = tablets.stream()
                .map(tablet -> parts.maintenance().flush(tablet.tablet()))
                .toList();
        for (CompletableFuture<Void> flush : flushes) {
            parts.await(flush::isDone);
            if (flush.isCompletedExceptionally()) {
                throw new IllegalStateException(
                        "rows in memory could not be flushed, so their table is not changed: "
                                + flush.exceptionNow().getMessage(),
                        flush.exceptionNow());
            }
        }
    }

    /** The table is as the edit says, with tablets that were started, and some that stay as they are. */
    private void become(
            Table table,
            TableChange change,
            StorageEdit.AlterTable edit,
            List<HostedTablet> started,
            List<TabletPlace> unchanged) {
        TableState before = table.state();
        List<TabletPlace> places = new ArrayList<>(change.kept());
        places.addAll(edit.addedTablets());
        List<HostedTablet> tablets = new ArrayList<>(started);
        List<HostedTablet> leaving = new ArrayList<>();
        for (HostedTablet tablet : before.tablets()) {
            (unchanged.contains(tablet.place()) ? tablets : leaving).add(tablet);
        }
        table.become(TableState.of(new TableEntry(table.id(), edit.description(), places, null), tablets));
        if (!edit.description().settings().equals(before.description().settings())) {
            tablets.forEach(tablet -> parts.maintenance().lookAgain(tablet.tablet())); // They say what may be merged.
        }
        tablets.forEach(tablet -> tablet.pin(edit.description().snapshots().values()));
        for (HostedTablet tablet : leaving) {
            parts.tablets().leave(tablet, edit.droppedTablets().contains(tablet.id()));
        }
    }

    // ---- Dropping ----

    /** A table is not to be seen any more; for a while it can be recalled, unless that is no time at all. */
    synchronized void drop(String name, Duration recallable) {
        engine.throwIfClosed();
        purgeExpired();
        Table table = byName.get(name);
        if (table == null) {
            throw new TableNotFoundException("there is no table \"" + name + "\"");
        }
        drop(table, recallable);
    }

    /** As {@link #drop(String, Duration)}, whatever its name is now. */
    synchronized void drop(long id, Duration recallable) {
        engine.throwIfClosed();
        purgeExpired();
        Table table = byId.get(id);
        if (table == null || table.isDropped()) {
            throw new TableNotFoundException("there is no table " + id);
        }
        drop(table, recallable);
    }

    private void drop(Table table, Duration recallable) {
        checkRecallable(recallable);
        if (recallable.isZero()) {
            purge(table);
            return;
        }
        long now = parts.micros();
        long until = now + TimeUnit.NANOSECONDS.toMicros(recallable.toNanos());
        var drop = new TableEntry.Drop(now, until);
        change(table, new StorageEdit.DropTable(table.id(), drop));
        byName.remove(table.name());
        table.become(table.state().withDrop(drop));
    }

    /** Less than no time is a number that went wrong, and must not end a table. */
    private static void checkRecallable(Duration recallable) {
        if (recallable.isNegative() || recallable.compareTo(RECALLABLE_MAX) > 0) {
            throw new IllegalArgumentException("a dropped table can be recalled for 0 to " + RECALLABLE_MAX.toSeconds()
                    + " seconds, not for " + recallable.toSeconds());
        }
    }

    synchronized Table recall(long id, @Nullable String newName) {
        engine.throwIfClosed();
        Table table = existingDropped(id);
        String name = newName == null ? table.name() : newName;
        checkFree(name);
        TableDescription description = table.state().description().withName(name);
        change(table, new StorageEdit.RecallTable(id, name));
        table.become(table.state().recalled(description));
        byName.put(name, table);
        return table;
    }

    synchronized void purge(long id) {
        engine.throwIfClosed();
        purge(existingDropped(id));
    }

    private Table existingDropped(long id) {
        Table table = byId.get(id);
        if (table == null || !table.isDropped()) {
            throw new TableNotFoundException("there is no dropped table " + id + "; those are "
                    + dropped().stream().map(Table::id).toList());
        }
        return table;
    }

    private void purge(Table table) {
        TableState last = table.state();
        change(table, new StorageEdit.PurgeTable(table.id()));
        byId.remove(table.id());
        byName.remove(last.entry().name(), table);
        long now = parts.micros();
        table.become(last.withDrop(new TableEntry.Drop(now, now)));
        last.tablets().forEach(tablet -> parts.tablets().leave(tablet, true));
    }

    /** Ends tables whose time to be recalled is over. */
    synchronized void purgeExpired() {
        long now = parts.micros();
        for (Table table : dropped()) {
            TableEntry.Drop drop = table.state().entry().drop();
            if (drop != null && drop.reservedUntilMicros() <= now) {
                purge(table);
            }
        }
    }

    // ---- Limits ----

    private void checkFree(String name) {
        if (byName.containsKey(name)) {
            throw new TableExistsException(name);
        }
    }

    private void checkRoom(int moreTables, int moreTablets) {
        checkRoom(parts.storage().tableCount(), moreTables, parts.storage().tabletCount(), moreTablets);
    }

    static void checkRoom(int tableCount, int moreTables, int tabletCount, int moreTablets) {
        if (tableCount + moreTables > CatalogLimits.TABLES_MAX) {
            throw new EngineLimitException("%,d is the limit of tables, dropped ones that can be recalled included;"
                            .formatted(CatalogLimits.TABLES_MAX)
                    + " drop some, or use another engine");
        }
        if (tabletCount + moreTablets > CatalogLimits.TABLETS_MAX) {
            throw new EngineLimitException("%,d tablets more than the %,d there are; %,d is the limit of an engine"
                            .formatted(moreTablets, tabletCount, CatalogLimits.TABLETS_MAX)
                    + ". Drop tables, or use fewer hash buckets or ranges");
        }
    }

    private static void checkBytes(StorageEdit edit, TableDescription description) {
        int descriptionBytes = StorageEditFormat.bytes(description);
        if (descriptionBytes > CatalogLimits.DESCRIPTION_BYTES_MAX) {
            throw new EngineLimitException("the description of table \"%s\" takes %,d bytes; %,d is the limit"
                            .formatted(description.name(), descriptionBytes, CatalogLimits.DESCRIPTION_BYTES_MAX)
                    + ". Use fewer columns or shorter defaults");
        }
        int bytes = StorageEditFormat.bytes(edit);
        if (bytes > CatalogLimits.EDIT_BYTES_MAX) {
            throw new EngineLimitException("table \"%s\" with its tablets takes %,d bytes in the catalog; %,d is the"
                            .formatted(description.name(), bytes, CatalogLimits.EDIT_BYTES_MAX)
                    + " limit of one change. Add some of the ranges later, or use shorter bounds");
        }
    }
}
