package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.nyala.catalog.TabletPlace;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: tablets are found by their names on the wire as long as they are there, and are let go of afterwards, whether
 * anybody asks for them or not. Method: tables and ranges of a real engine, made and dropped.
 */
final class CatalogViewTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT32));

    private Engine engine;
    private CatalogView view;

    @BeforeEach
    void open(@TempDir Path directory) {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
        view = new CatalogView(engine, new ServerIds(engine.hostId()));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void tabletsOfADroppedTableAreLetGo() {
        Table dropped = engine.createTable(
                TableSpec.of("dropped", PartitionSchema.of(SCHEMA).hash(3, "k").build()));
        Table kept = engine.createTable(
                TableSpec.of("kept", PartitionSchema.of(SCHEMA).hash(5, "k").build()));
        List<String> ids = dropped.tablets().stream().map(this::known).toList();
        String keptId = known(kept.tablets().getFirst());
        engine.dropTable("dropped");
        view.forgetGone();
        assertEquals(1, view.knownCount());
        assertNotNull(view.tablet(keptId));
        ids.forEach(id -> assertNull(view.tablet(id)));
        assertEquals(1, view.knownCount());
    }

    /** Before anybody has let go of it. */
    @Test
    void aTabletOfADroppedTableIsNotFoundAnyMore() {
        Table table = engine.createTable("t", SCHEMA);
        String id = known(table.tablets().getFirst());
        engine.dropTable("t");
        assertEquals(1, view.knownCount());
        assertNull(view.tablet(id));
        assertEquals(0, view.knownCount());
    }

    @Test
    void tabletsOfDroppedRangesAreLetGoBeforeTheyOutnumberThoseThatAreThere() {
        PartitionSchema partitions = PartitionSchema.of(SCHEMA).range("k").build();
        List<RangePartition> ranges = partitions.splitAt(0, 10, 20);
        Table table = engine.createTable(TableSpec.of("t", partitions).withRanges(ranges));
        table.tablets().forEach(this::known);
        assertEquals(4, view.knownCount());
        table.alter().dropRange(ranges.get(1)).dropRange(ranges.get(2)).commit();
        view.forgetGone();
        assertEquals(2, view.knownCount());
        table.tablets().forEach(this::known);
        assertEquals(2, view.knownCount());
    }

    /** Looks it up; answers its name. */
    private String known(TabletPlace place) {
        String id = view.ids().tablet(place.id());
        CatalogView.HostedTablet found = view.tablet(id);
        assertNotNull(found, id);
        assertEquals(place.id(), found.place().id());
        return id;
    }
}
