package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.catalog.CatalogLimits;
import io.nyala.memory.AccountUsage;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: at a limit of tables, tablets, descriptions or scans a clear error says which, nothing was done, and it goes on
 * when there is room again.
 * Method: a simulated host is filled up, where that is quick; else the check is asked with the numbers of a full one.
 */
final class EngineLimitsTest {
    @Test
    void tablesAndTabletsAreCounted() {
        int tables = CatalogLimits.TABLES_MAX;
        int tablets = CatalogLimits.TABLETS_MAX;
        Tables.checkRoom(tables - 1, 1, tablets - 4, 4);
        Failure.expect(
                EngineLimitException.class,
                () -> Tables.checkRoom(tables, 1, 0, 1),
                "10,000 is the limit of tables",
                "drop some");
        Failure.expect(
                EngineLimitException.class,
                () -> Tables.checkRoom(1, 1, tablets - 4, 5),
                "5 tablets more than the 99,996 there are",
                "100,000 is the limit",
                "fewer hash buckets");
        Tables.checkRoom(tables, 0, 0, 1);
    }

    @Test
    void aDescriptionThatIsTooLongIsRefused(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        List<Column> columns = new ArrayList<>(List.of(Column.key("id", ColumnType.INT32)));
        for (int i = 0; i < 60; i++) {
            columns.add(Column.of("c" + i, ColumnType.STRING).defaultValue("x".repeat(10_000)));
        }
        Failure.expect(
                EngineLimitException.class,
                () -> running.engine().createTable("t", Schema.of(columns)),
                "the description of table \"t\" takes",
                "524,288 is the limit",
                "shorter defaults");
        Table table = running.engine().createTable("t", Schema.of(columns.subList(0, 20)));
        AlterTable alter = table.alter();
        columns.subList(20, 61).forEach(alter::addColumn);
        Failure.expect(EngineLimitException.class, alter::commit, "524,288 is the limit");
        assertEquals(20, table.schema().columnCount());
        running.engine().close();
    }

    @Test
    void aChangeThatIsTooLongIsRefused(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Schema schema = Schema.of(Column.key("id", ColumnType.STRING));
        PartitionSchema partitioning = PartitionSchema.of(schema).range("id").build();
        Object[] points = new Object[400];
        for (int i = 0; i < points.length; i++) {
            points[i] = "%04d".formatted(i) + "x".repeat(1500);
        }
        TableSpec spec = TableSpec.of("t", partitioning).withRanges(partitioning.splitAt(points));
        Failure.expect(
                EngineLimitException.class,
                () -> running.engine().createTable(spec),
                "table \"t\" with its tablets takes",
                "983,040 is the limit",
                "later");
        assertTrue(running.engine().tables().isEmpty());
        running.engine().close();
    }

    @Test
    void openScansAreCounted(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        List<Scan> scans = new ArrayList<>();
        for (int i = 0; i < Engine.OPEN_SCANS_MAX; i++) {
            scans.add(table.scan().project().open());
        }
        for (int i = 0; i < 3; i++) {
            Failure.expect(
                    EngineLimitException.class,
                    () -> table.scan().project().open(),
                    "4,096 scans are open, which is the limit",
                    "close those");
        }
        scans.removeLast().close();
        scans.add(table.scan().project().open());
        Failure.expect(EngineLimitException.class, () -> table.scan().project().open(), "4,096");
        scans.forEach(Scan::close);
        running.engine().close();
    }

    /** Of a table of many tablets most may never see a row. */
    @Test
    void aTabletWithoutRowsHasOneSlabAndNoFile(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open();
        int openFiles = world.disk().openFileCount();
        long before = rowBytes(running);
        int tablets = 200;
        Table table = running.engine()
                .createTable(TableSpec.of(
                        "t",
                        PartitionSchema.of(Numbers.SCHEMA).hash(tablets, "id").build()));
        assertTrue(rowBytes(running) - before <= tablets * (4L << 10), () -> rowBytes(running) + " bytes");
        assertEquals(openFiles, world.disk().openFileCount());
        assertEquals(List.of(), Numbers.ids(table.scan()));
        Numbers.insertRange(table, 0, 100);
        assertEquals(100, Numbers.ids(table.scan()).size());
        running.engine().close();
    }

    private static long rowBytes(World.Running running) {
        return running.engine().memoryUsage().stream()
                .filter(usage -> usage.owner().equals("rows in memory"))
                .mapToLong(AccountUsage::usedBytes)
                .sum();
    }
}
