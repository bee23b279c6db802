package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.catalog.TabletPlace;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.table.TableDroppedException;
import io.nyala.table.WrongTabletException;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a host that routes rows by itself, as a server does whose clients know the partitions, gets one tablet and no
 * other. Method: a table of four hash buckets on a simulated host, its tablets written and read one by one.
 */
final class RoutedHostTest {
    private static final int ROWS = 200;

    private OneTable one;
    private Table table;

    @BeforeEach
    void create(@Seed SplittableRandom random) {
        one = new OneTable(random);
        table = one.engine()
                .createTable(TableSpec.of(
                        "t", PartitionSchema.of(Numbers.SCHEMA).hash(4, "id").build()));
    }

    @Test
    void eachTabletTakesItsRowsAndGivesThemBack() {
        try (WriteBatch batch = table.newBatch()) {
            for (TabletPlace tablet : table.tablets()) {
                for (long id = 0; id < ROWS; id++) {
                    insertIfOf(tablet, batch, id);
                }
            }
        }
        List<Long> all = new ArrayList<>();
        for (TabletPlace tablet : table.tablets()) {
            List<Long> ids = read(table.scan().onlyTablet(tablet.id()));
            assertTrue(ids.size() < ROWS / 2, ids.size() + " rows of " + ROWS);
            all.addAll(ids);
            assertEquals(
                    ids.contains(7L) ? List.of(7L) : List.of(),
                    read(table.scan().onlyTablet(tablet.id()).where(Predicate.equal(table.schema(), "id", 7L))));
        }
        assertEquals(
                LongStream.range(0, ROWS).boxed().toList(),
                all.stream().sorted().toList());
        one.engine().close();
    }

    @Test
    void aBatchWithARowOfAnotherTabletIsRefusedWhole() {
        TabletPlace first = table.tablets().getFirst();
        try (WriteBatch batch = table.newBatch().onlyTablet(first.id())) {
            for (long id = 0; id < 8; id++) {
                insert(batch, id);
            }
            Failure.expect(
                    WrongTabletException.class,
                    batch::commit,
                    "Row not in tablet partition. Partition: 'HASH (id) PARTITION 0",
                    "row: 'HASH (id): ");
        }
        assertEquals(0, table.statistics().rowCount());
        one.engine().dropTable("t"); // No tablet is kept by the batch that was refused.
        one.settle();
        assertEquals(0, one.rowBytes());
        one.engine().close();
    }

    @Test
    void aBatchIsLookedAtAndNothingOfItHappens() {
        TabletPlace first = table.tablets().getFirst();
        long ofFirst = LongStream.range(0, ROWS)
                .filter(id -> isOf(first, id))
                .findFirst()
                .orElseThrow();
        try (WriteBatch batch = table.newBatch().onlyTablet(first.id())) {
            insert(batch, ofFirst);
            batch.check();
            assertEquals(0, table.statistics().rowCount());
            assertEquals(1, batch.commit().orThrow().operationCount()); // It has its row still.
            insert(batch, ofFirst);
            table.alter()
                    .addColumn(Column.of("more", ColumnType.INT64).nullable())
                    .commit();
            assertThrows(TableChangedException.class, batch::check);
        }
        one.engine().dropTable("t"); // No tablet is kept by what was looked at.
        one.settle();
        assertEquals(0, one.rowBytes());
        one.engine().close();
    }

    private boolean isOf(TabletPlace tablet, long id) {
        try (WriteBatch batch = table.newBatch().onlyTablet(tablet.id())) {
            insert(batch, id);
            batch.check();
            return true;
        } catch (WrongTabletException _) {
            return false;
        }
    }

    @Test
    void aTabletThatIsGoneIsNamed() {
        long none =
                1 + table.tablets().stream().mapToLong(TabletPlace::id).max().orElseThrow();
        assertThrows(
                TableDroppedException.class, () -> table.scan().onlyTablet(none).open());
        one.engine().close();
    }

    @Test
    void keysCutAScanAtBothEnds() {
        Numbers.insertRange(table, 0, 100);
        KeyCodec keys = new KeyCodec(new RowLayout(table.schema()));
        var range = new KeyRange(keys.encodeValues(10L), keys.encodeValues(20L));
        assertEquals(
                LongStream.range(10, 20).boxed().toList(),
                read(table.scan().inKeyOrder().keys(range)));
        assertEquals(
                LongStream.range(15, 20).boxed().toList(),
                read(table.scan().inKeyOrder().keys(range).where(Predicate.atLeast(table.schema(), "id", 15L))));
        one.engine().close();
    }

    @Test
    void whatHappensAfterATimeOfAnotherHostIsLater() {
        long ahead = one.engine().now() + HybridTime.ofMicros(9_000_000);
        one.engine().observe(ahead);
        try (WriteBatch batch = table.newBatch()) {
            insert(batch, 1);
            assertTrue(batch.commit().orThrow().timestamp() > ahead);
        }
        long tooFar = one.engine().now() + HybridTime.ofMicros(60_000_000);
        assertThrows(IllegalArgumentException.class, () -> one.engine().observe(tooFar));
        one.engine().close();
    }

    /** By trial: a row of another tablet is refused, and the batch keeps it. */
    private static void insertIfOf(TabletPlace tablet, WriteBatch batch, long id) {
        batch.onlyTablet(tablet.id());
        insert(batch, id);
        try {
            batch.commit().orThrow();
        } catch (WrongTabletException _) {
            batch.rows().clear();
        }
    }

    private static void insert(WriteBatch batch, long id) {
        assertTrue(batch.rows()
                .start(OperationKind.INSERT)
                .setLong(0, id)
                .setString(1, "row")
                .end());
    }

    private static List<Long> read(ScanBuilder builder) {
        List<Long> ids = new ArrayList<>();
        try (Scan scan = builder.project("id").open()) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    ids.add(scan.batch().column(0).getLong(row));
                }
            }
        }
        return ids;
    }
}
