package io.nyala.catalog;

import io.nyala.catalog.CatalogModel.ModelTable;
import io.nyala.catalog.CatalogModel.ModelTablet;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangeBounds;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Draws edits that fit, and has the model do the same. One thread. */
final class EditDriver {
    static final Schema SCHEMA = Schema.of(
            Column.key("a", ColumnType.INT32),
            Column.key("b", ColumnType.STRING),
            Column.of("text", ColumnType.STRING).nullable());

    static final PartitionSchema PARTITIONING =
            PartitionSchema.of(SCHEMA).hash(2, "b").range("a").build();

    private static final String[] NAMES = {"metrics", "täble", "x", "a rather long name of a table", "users"};

    private final SplittableRandom random;
    private final CatalogModel model = new CatalogModel();
    private long sequence = 1;
    private long filesUsed;
    private int rangeCount;

    EditDriver(SplittableRandom random) {
        this.random = random;
    }

    CatalogModel model() {
        return model;
    }

    /** The next edit; the model has made it already. */
    StorageEdit next() {
        Optional<StorageEdit> edit = Optional.empty();
        while (edit.isEmpty()) {
            edit = switch (random.nextInt(15)) {
                case 0, 1 -> create();
                case 2 -> alter();
                case 3 -> drop();
                case 4 -> recall();
                case 5 -> purge();
                case 6 -> allocate();
                case 7 -> lease();
                case 8, 9 -> flushed();
                case 10 -> merged();
                case 11, 12 -> deltasReplaced();
                default -> deltasFlushed();
            };
        }
        return edit.get();
    }

    private Optional<StorageEdit> create() {
        Optional<String> name = freeName();
        if (name.isEmpty()) {
            return Optional.empty();
        }
        long id = model.newId();
        var description = new TableDescription(
                name.get(), random.nextBoolean() ? "me" : "", "", random.nextLong(-1, 1000), SCHEMA, PARTITIONING);
        List<TabletPlace> places = places(random.nextInt(4));
        var table = new ModelTable(description);
        places.forEach(place -> table.tablets.put(place.id(), new ModelTablet(place)));
        model.tables.put(id, table);
        return Optional.of(new StorageEdit.CreateTable(id, description, places));
    }

    private Optional<StorageEdit> alter() {
        Optional<Long> id = table(false);
        if (id.isEmpty()) {
            return Optional.empty();
        }
        ModelTable table = existing(id.get());
        TableDescription after =
                table.description.withComment("comment " + random.nextInt(10)).withOwner("owner " + random.nextInt(3));
        if (random.nextInt(3) == 0) {
            after = after.withName(freeName().orElse(after.name()));
        }
        if (random.nextInt(3) == 0) {
            SortedMap<String, String> settings = new TreeMap<>(after.settings());
            settings.put("setting " + random.nextInt(3), random.nextBoolean() ? "" : "value " + random.nextInt(9));
            after = after.withSettings(settings);
        }
        if (random.nextInt(3) == 0) {
            SortedMap<String, Long> snapshots = new TreeMap<>(after.snapshots());
            if (snapshots.remove("snapshot " + random.nextInt(3)) == null) {
                snapshots.put("snapshot " + random.nextInt(3), random.nextLong(1, Long.MAX_VALUE));
            }
            after = after.withSnapshots(snapshots);
        }
        if (random.nextInt(3) == 0) {
            Schema schema = after.schema();
            after = after.withSchema(new Schema(schema.version() + 1, schema.nextColumnId(), schema.columns()));
        }
        List<TabletPlace> added = places(random.nextInt(3));
        List<Long> dropped = new ArrayList<>();
        for (long tabletId : List.copyOf(table.tablets.keySet())) {
            if (random.nextInt(3) == 0) {
                dropped.add(tabletId);
                table.tablets.remove(tabletId);
            }
        }
        added.forEach(place -> table.tablets.put(place.id(), new ModelTablet(place)));
        table.description = after;
        return Optional.of(new StorageEdit.AlterTable(id.get(), after, added, dropped));
    }

    private ModelTable existing(long id) {
        return Objects.requireNonNull(model.tables.get(id), "table");
    }

    private Optional<StorageEdit> drop() {
        return table(false).map(id -> {
            var drop = new TableEntry.Drop(random.nextLong(1000), random.nextLong(1000, 2000));
            existing(id).drop = drop;
            return new StorageEdit.DropTable(id, drop);
        });
    }

    private Optional<StorageEdit> recall() {
        Optional<Long> id = table(true);
        Optional<String> name = freeName();
        if (id.isEmpty() || name.isEmpty()) {
            return Optional.empty();
        }
        ModelTable table = existing(id.get());
        table.drop = null;
        table.description = table.description.withName(name.get());
        return Optional.of(new StorageEdit.RecallTable(id.get(), name.get()));
    }

    private Optional<StorageEdit> purge() {
        return table(random.nextBoolean()).map(id -> {
            model.tables.remove(id);
            return new StorageEdit.PurgeTable(id);
        });
    }

    private Optional<StorageEdit> allocate() {
        model.filesAllocated += random.nextInt(100);
        return Optional.of(new StorageEdit.AllocateFiles(model.filesAllocated));
    }

    private Optional<StorageEdit> lease() {
        model.leaseEnd += random.nextInt(100);
        return Optional.of(new StorageEdit.ClockLease(model.leaseEnd));
    }

    private Optional<StorageEdit> flushed() {
        if (filesUsed + 3 >= model.filesAllocated) {
            return allocate();
        }
        return tablet().map(tablet -> {
            sequence += random.nextInt(10);
            List<RowSetEntry> added = new ArrayList<>();
            for (int i = random.nextInt(3); i > 0; i--) {
                added.add(rowSet(++filesUsed, random));
            }
            tablet.rowSets.addAll(added);
            tablet.appliedUpTo = sequence;
            return new StorageEdit.Flushed(tablet.place.id(), added, sequence);
        });
    }

    private Optional<StorageEdit> deltasFlushed() {
        if (filesUsed + 1 >= model.filesAllocated) {
            return allocate();
        }
        return tablet().filter(tablet -> !tablet.rowSets.isEmpty()).map(tablet -> {
            sequence += random.nextInt(10);
            int index = random.nextInt(tablet.rowSets.size());
            long fileId = tablet.rowSets.get(index).fileId();
            List<DeltaFileEntry> added = List.of(delta(++filesUsed, random));
            List<DeltaFileEntry> after =
                    new ArrayList<>(tablet.rowSets.get(index).deltas());
            after.addAll(added);
            model.deltas(tablet.place.id(), index, after, sequence);
            return new StorageEdit.DeltasFlushed(tablet.place.id(), fileId, added, sequence);
        });
    }

    private Optional<StorageEdit> deltasReplaced() {
        if (filesUsed + 1 >= model.filesAllocated) {
            return allocate();
        }
        return tablet().filter(tablet -> !tablet.rowSets.isEmpty()).flatMap(tablet -> {
            int index = random.nextInt(tablet.rowSets.size());
            RowSetEntry rowSet = tablet.rowSets.get(index);
            if (rowSet.deltas().isEmpty()) {
                return Optional.empty();
            }
            int from = random.nextInt(rowSet.deltas().size());
            int to = random.nextInt(from + 1, rowSet.deltas().size() + 1);
            List<DeltaFileEntry> removed = rowSet.deltas().subList(from, to);
            long deletedRows =
                    removed.stream().mapToLong(DeltaFileEntry::deletedRowCount).sum();
            boolean isAnyLeft = deletedRows != 0 || random.nextInt(3) > 0;
            List<DeltaFileEntry> added = isAnyLeft
                    ? List.of(new DeltaFileEntry(++filesUsed, random.nextLong(1 << 20), 20, deletedRows))
                    : List.of();
            List<DeltaFileEntry> after = new ArrayList<>(rowSet.deltas().subList(0, from));
            after.addAll(added);
            after.addAll(rowSet.deltas().subList(to, rowSet.deltas().size()));
            model.deltas(tablet.place.id(), index, after, rowSet.appliedUpTo());
            List<Long> removedIds = removed.stream().map(DeltaFileEntry::fileId).toList();
            return Optional.of(new StorageEdit.DeltasReplaced(tablet.place.id(), rowSet.fileId(), removedIds, added));
        });
    }

    private Optional<StorageEdit> merged() {
        if (filesUsed + 3 >= model.filesAllocated) {
            return allocate();
        }
        return tablet().filter(tablet -> !tablet.rowSets.isEmpty()).map(tablet -> {
            sequence += random.nextInt(10);
            List<Long> removed = new ArrayList<>();
            for (int i = random.nextInt(tablet.rowSets.size()); i >= 0; i--) {
                removed.add(tablet.rowSets
                        .remove(random.nextInt(tablet.rowSets.size()))
                        .fileId());
            }
            List<RowSetEntry> added = new ArrayList<>();
            for (int i = random.nextInt(3); i > 0; i--) {
                added.add(rowSet(++filesUsed, random).with(List.of(), sequence));
            }
            tablet.rowSets.addAll(added);
            tablet.mergedUpTo = sequence;
            long mark = random.nextBoolean() ? 0 : random.nextLong(100);
            tablet.historyMark = Math.max(tablet.historyMark, mark);
            return new StorageEdit.Merged(tablet.place.id(), removed, added, sequence, mark);
        });
    }

    private static RowSetEntry rowSet(long fileId, SplittableRandom random) {
        byte[] minKey = new byte[random.nextInt(20)];
        byte[] maxKey = new byte[random.nextInt(20)];
        random.nextBytes(minKey);
        random.nextBytes(maxKey);
        return new RowSetEntry(fileId, random.nextLong(1000), random.nextLong(1 << 20), minKey, maxKey, 0, List.of());
    }

    private static DeltaFileEntry delta(long fileId, SplittableRandom random) {
        return new DeltaFileEntry(fileId, random.nextLong(1 << 20), random.nextLong(1000), random.nextLong(-10, 10));
    }

    /** Places of new tablets, each a range of its own. */
    private List<TabletPlace> places(int count) {
        List<TabletPlace> places = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            places.add(place(model.newId(), random.nextInt(2), rangeCount++));
        }
        return places;
    }

    static TabletPlace onlyPlace(long id) {
        return new TabletPlace(id, Partition.of(List.of(), RangeBounds.ALL));
    }

    static TabletPlace place(long id, int bucket, int range) {
        return new TabletPlace(id, Partition.of(List.of(bucket), new RangeBounds(key(range), key(range + 1))));
    }

    private static byte[] key(int value) {
        return ByteBuffer.allocate(Integer.BYTES)
                .putInt(value ^ Integer.MIN_VALUE)
                .array();
    }

    private Optional<String> freeName() {
        List<String> free = new ArrayList<>(List.of(NAMES));
        model.tables.values().stream()
                .filter(table -> table.drop == null)
                .forEach(table -> free.remove(table.description.name()));
        return free.isEmpty() ? Optional.empty() : Optional.of(free.get(random.nextInt(free.size())));
    }

    private Optional<Long> table(boolean isDropped) {
        List<Long> ids = new ArrayList<>();
        model.tables.forEach((id, table) -> {
            if (table.drop != null == isDropped) {
                ids.add(id);
            }
        });
        return ids.isEmpty() ? Optional.empty() : Optional.of(ids.get(random.nextInt(ids.size())));
    }

    private Optional<ModelTablet> tablet() {
        List<ModelTablet> tablets = model.tables.values().stream()
                .flatMap(table -> table.tablets.values().stream())
                .toList();
        return tablets.isEmpty() ? Optional.empty() : Optional.of(tablets.get(random.nextInt(tablets.size())));
    }
}
