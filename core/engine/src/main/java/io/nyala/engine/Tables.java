package io.nyala.engine;

import io.nyala.catalog.CatalogLimits;
import io.nyala.catalog.StorageEdit;
import io.nyala.catalog.StorageEditFormat;
import io.nyala.catalog.TableDescription;
import io.nyala.catalog.TableEntry;
import io.nyala.catalog.TabletPlace;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.table.HostedTablet;
import io.nyala.table.TableState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The tables of an open engine, and every change of the catalog. A change is made by one edit of the storage log, and
 * is seen when that is durable.
 *
 * <p>Thread-safe: one change at a time, and nothing waits for it but other changes.
 */
final class Tables {
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

    synchronized Table create(TableSpec spec) {
        engine.throwIfClosed();
        TableDescription given = spec.description();
        if (byName.containsKey(given.name())) {
            throw new TableExistsException(given.name());
        }
        PartitionMap map = spec.partitions();
        checkRoom(1, map.size());
        long id = parts.storage().nextId();
        List<TabletPlace> places = places(id + 1, map.partitions());
        TableDescription description = given.withPartitioning(map.schema());
        var edit = new StorageEdit.CreateTable(id, description, places);
        checkBytes(edit, description);
        parts.tablets().prepare(places, description.schema());
        make(edit, places);
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

    private void make(StorageEdit edit, List<TabletPlace> prepared) {
        try {
            parts.storage().change(edit);
        } catch (RuntimeException e) {
            parts.tablets().discard(prepared);
            throw e;
        }
    }

    private void checkRoom(int moreTables, int moreTablets) {
        if (parts.storage().tableCount() + moreTables > CatalogLimits.TABLES_MAX) {
            throw new EngineLimitException("%,d is the limit of tables, dropped ones that can be recalled included;"
                            .formatted(CatalogLimits.TABLES_MAX)
                    + " drop some, or use another engine");
        }
        int tabletCount = parts.storage().tabletCount();
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
