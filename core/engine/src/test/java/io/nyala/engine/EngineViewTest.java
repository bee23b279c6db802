package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.TabletView;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: who watches an engine sees where rows and changes are, and what was done. Method: rows written, flushed,
 * changed and deleted, with a look after each.
 */
final class EngineViewTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    @TempDir
    private Path directory = Path.of("");

    private EngineConfig config() {
        return EngineConfig.in(directory).withMemoryBytes(192 << 20).withLogSegmentBytes(16 << 20);
    }

    private static void write(Table table, OperationKind kind, long from, long to) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id = from; id < to; id++) {
                batch.rows().start(kind).setLong(0, id);
                if (kind != OperationKind.DELETE) {
                    batch.rows().setLong(1, id);
                }
                batch.rows().end();
            }
            batch.commit().orThrow();
        }
    }

    private static TabletView only(Table table) {
        return table.view(table.tablets().getFirst().id()).orElseThrow();
    }

    private static List<RowSetEntry> rowSets(Table table) {
        return table.rowSets(table.tablets().getFirst().id());
    }

    @Test
    void aFlushSaysHowMuchOfItsRowsIsWritten(@Seed SplittableRandom random) {
        EngineConfig large = World.config().withFlushBytes(8 << 20).withLogSegmentBytes(16 << 20);
        World.Running running = new World(random).open(large);
        Engine engine = running.engine();
        Table table = engine.createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, 4_000);
        var shares = new TreeSet<Double>();
        CompletableFuture<Void> flush = table.flush();
        running.host().await(() -> {
            double before = shares.isEmpty() ? 0 : shares.last();
            engine.view().flushedShare().ifPresent(share -> {
                assertTrue(share >= before, share + " after " + before);
                shares.add(share);
            });
            return flush.isDone();
        });
        assertTrue(shares.size() >= 4, shares::toString); // A step takes a thousand rows.
        assertEquals(List.of(0.0, 1.0), List.of(shares.first(), shares.last()));
        assertEquals(OptionalDouble.empty(), engine.view().flushedShare());
        engine.close();
    }

    @Test
    void aTabletSaysWhereItsRowsAre() {
        try (Engine engine = Engine.open(config())) {
            Table table = engine.createTable("t", SCHEMA);
            TabletView empty = only(table);
            assertEquals(0, empty.rowCount());
            assertEquals(Long.MAX_VALUE, empty.neededFrom());
            assertEquals(0, empty.rowSetCount());

            write(table, OperationKind.INSERT, 0, 100);
            TabletView fresh = only(table);
            assertEquals(100, fresh.rowCount());
            assertEquals(100, fresh.freshRowCount());
            assertTrue(fresh.freshBytes() > 0);
            assertTrue(fresh.neededFrom() < Long.MAX_VALUE, "the log is needed");
            assertEquals(0, fresh.diskBytes());

            table.flush().join();
            TabletView flushed = only(table);
            assertEquals(100, flushed.liveRowCount());
            assertEquals(0, flushed.freshRowCount());
            assertEquals(1, flushed.rowSetCount());
            assertEquals(100, rowSets(table).getFirst().rowCount());
            assertEquals(table.statistics().diskBytes(), flushed.diskBytes());
            assertEquals(0, flushed.changeBytes());

            write(table, OperationKind.UPDATE, 0, 10);
            write(table, OperationKind.DELETE, 10, 20);
            TabletView changed = only(table);
            assertTrue(changed.changeBytes() > 0, "changes in memory");
            assertEquals(table.statistics().memoryBytes(), changed.freshBytes() + changed.changeBytes());
            assertEquals(90, changed.liveRowCount());
            assertEquals(100, changed.rowCount());
            assertEquals(0, changed.deltaBytes());

            table.flush().join();
            TabletView last = only(table);
            RowSetEntry rowSet = rowSets(table).getFirst();
            assertEquals(1, rowSet.deltas().size());
            assertEquals(10, rowSet.deltas().getFirst().deletedRowCount());
            assertEquals(rowSet.deltaBytes(), last.deltaBytes());
            assertEquals(table.statistics().diskBytes(), last.diskBytes());
            assertEquals(0, last.changeBytes());
            assertEquals(0, last.undecidedBatches());
            assertEquals(Optional.empty(), last.failure());
        }
    }

    @Test
    void rowSetsHaveTheirLeastAndGreatestKeys() {
        try (Engine engine = Engine.open(config())) {
            Table table = engine.createTable("t", SCHEMA);
            write(table, OperationKind.INSERT, 0, 10);
            table.flush().join();
            write(table, OperationKind.INSERT, 5000, 6000);
            table.flush().join();
            List<RowSetEntry> rowSets = rowSets(table);
            assertEquals(
                    List.of(10L, 1000L),
                    rowSets.stream().map(RowSetEntry::rowCount).toList());
            assertEquals((byte) 9, rowSets.getFirst().maxKey()[7]);
            assertEquals((byte) (5000 & 0xff), rowSets.getLast().minKey()[7]);
        }
    }

    @Test
    void anEngineSaysWhatItHasDone() {
        try (Engine engine = Engine.open(config())) {
            Table table = engine.createTable("t", SCHEMA);
            EngineView before = engine.view();
            write(table, OperationKind.INSERT, 0, 100);
            write(table, OperationKind.INSERT, 100, 150);
            try (Scan scan = table.scan().open()) {
                assertTrue(scan.next());
                EngineView after = engine.view();
                assertEquals(2, after.counters().get("commits acknowledged"));
                assertEquals(150, after.counters().get("operations acknowledged"));
                assertEquals(1, after.openScans());
                assertTrue(after.log().writtenBytes() > before.log().writtenBytes());
                long payload = after.log().payloadBytes() - before.log().payloadBytes();
                assertTrue(payload > 150 * Long.BYTES, payload + " bytes of 150 rows");
                assertTrue(after.log().writtenBytes() >= after.log().payloadBytes(), "padding is written, too");
                assertTrue(after.log().durableUpTo() > before.log().durableUpTo());
                assertTrue(after.log().retainedBytes() >= 16 << 20);
            }
            assertEquals(0, engine.view().openScans());
            assertEquals(192 << 20, before.memoryBytesMax());
            assertEquals(directory, before.directory());
            assertEquals(List.of(), before.failures());
            assertTrue(before.memory().stream().anyMatch(use -> use.owner().equals("page cache")));
        }
    }

    @Test
    void whatIsGoneIsNotShown() {
        Engine engine = Engine.open(config());
        Table table = engine.createTable("t", SCHEMA);
        long id = table.tablets().getFirst().id();
        assertEquals(Optional.empty(), table.view(id + 1));
        assertEquals(1, table.views(0, 5).size());
        assertEquals(List.of(), table.views(1, 5));
        engine.dropTable("t");
        assertEquals(Optional.empty(), table.view(id));
        assertEquals(List.of(), table.views(0, 5));
        assertEquals(List.of(), table.rowSets(id));
        engine.close();
        assertThrows(EngineClosedException.class, engine::view);
        assertThrows(EngineClosedException.class, () -> table.view(id));
    }
}
