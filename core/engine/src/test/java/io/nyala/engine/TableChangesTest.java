package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnCompression;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowErrorCode;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: columns and ranges of a table in use change, durably, and who is at it meanwhile is served well or told.
 * Method: one short story for each, on a simulated host; what holds is looked at before and after a restart.
 */
final class TableChangesTest {
    private OneTable one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
    }

    // ---- Columns ----

    @Test
    void rowsFromBeforeHaveTheDefaultOfAColumnThatWasAdded() {
        one.create();
        Numbers.insertRange(one.table(), 0, 3);
        one.flush();
        Numbers.insertRange(one.table(), 3, 5);
        one.table()
                .alter()
                .addColumn(Column.of("price", ColumnType.INT64).defaultValue(7))
                .addColumn(Column.of("note", ColumnType.STRING).nullable())
                .commit();
        insert(5, "text", 8L, "new");
        List<List<@Nullable Object>> expected = new ArrayList<>();
        for (long id = 0; id < 5; id++) {
            expected.add(Arrays.asList(id, 7L, null));
        }
        expected.add(Arrays.asList(5L, 8L, "new"));
        assertEquals(expected, rows("id", "price", "note"));
        one.reopen();
        assertEquals(expected, rows("id", "price", "note"));
        one.flush();
        assertEquals(expected, rows("id", "price", "note"));
        assertEquals(
                List.of(List.of(5L)),
                read(one.table()
                        .scan()
                        .project("id")
                        .where(Predicate.atLeast(one.table().schema(), "price", 8L))));
        assertEquals(RowErrorCode.ALREADY_PRESENT, insertAgain(2));
        one.running().engine().close();
    }

    @Test
    void aColumnOfTheNameOfADroppedOneHasNothingOfIt() {
        one.create();
        Numbers.insertRange(one.table(), 0, 3);
        one.table().alter().dropColumn("text").commit();
        assertEquals(List.of(List.of(0L), List.of(1L), List.of(2L)), rows("id"));
        assertThrows(IllegalArgumentException.class, () -> one.table().scan().project("text"));
        one.table()
                .alter()
                .addColumn(Column.of("text", ColumnType.STRING).nullable())
                .commit();
        List<List<@Nullable Object>> expected =
                List.of(Arrays.asList(0L, null), Arrays.asList(1L, null), Arrays.asList(2L, null));
        assertEquals(expected, rows("id", "text"));
        one.reopen();
        assertEquals(expected, rows("id", "text"));
        assertEquals(2, one.table().schema().version());
        assertEquals(2, one.table().schema().column(1).id());
        one.running().engine().close();
    }

    @Test
    void anOpenScanKeepsItsSchemaAndItsRows() {
        one.create();
        one.insertMany(0, 2000);
        one.flush();
        one.insertMany(2000, 4000);
        Scan scan = one.table().scan().open();
        List<Long> seen = new ArrayList<>();
        assertTrue(scan.next());
        ScanBuilder builder = one.table().scan().project("id");
        ScanBuilder ofDropped = one.table().scan();
        one.table().alter().renameColumn("id", "number").dropColumn("text").commit();
        insertId(4000);
        seen.addAll(idsOf(scan));
        while (scan.next()) {
            assertEquals("text", scan.batch().column(1).column().name());
            seen.addAll(idsOf(scan));
        }
        scan.close();
        seen.sort(null);
        assertEquals(Numbers.list(0, 4000), seen);
        assertEquals(4001, read(builder).size());
        Failure.expect(IllegalArgumentException.class, ofDropped::open, "does not have in version 1");
        one.settle();
        assertEquals(4001, rows("number").size());
        one.running().engine().close();
    }

    @Test
    void aBatchWhoseRowsAreOthersNowIsRefused() {
        one.create();
        WriteBatch batch = one.table().newBatch();
        Numbers.fill(batch, 1);
        one.table()
                .alter()
                .changeColumn(
                        "text",
                        column -> column.comment("c")
                                .compression(ColumnCompression.LZ4)
                                .writeDefault("d"))
                .renameColumn("text", "words")
                .rename("t2")
                .commit();
        assertFalse(batch.commit().hasErrors(), "its rows are the same");
        Table table = one.engine().table("t2").orElseThrow();
        Numbers.fill(batch, 2);
        table.alter().addColumn(Column.of("more", ColumnType.BOOL).nullable()).commit();
        Failure.expect(TableChangedException.class, batch::commit, "schema version 2", "version 0", "newBatch");
        assertEquals(1, batch.rows().operationCount(), "the batch keeps its rows");
        batch.close();
        assertEquals("c", table.schema().column(1).comment());
        try (WriteBatch next = table.newBatch()) {
            next.rows().start(INSERT).setLong(0, 3).end();
            next.commit().orThrow();
        }
        one.reopen();
        assertEquals(
                List.of(Arrays.asList(1L, "number 1"), Arrays.asList(3L, "d")),
                read(one.engine().table("t2").orElseThrow().scan().project("id", "words")));
        one.running().engine().close();
    }

    @Test
    void writesWaitWhileColumnsChangeAndNoneIsLost() {
        one.create();
        List<CompletableFuture<CommitResult>> commits = new ArrayList<>();
        List<WriteBatch> batches = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            WriteBatch batch = one.table().newBatch();
            Numbers.fill(batch, i);
            batches.add(batch);
            commits.add(batch.commitAsync());
            if (i % 5 == 0) {
                one.table()
                        .alter()
                        .changeColumn("text", column -> column.comment("after"))
                        .commit();
                one.table()
                        .alter()
                        .changeColumn("text", column -> column.comment("later"))
                        .commit();
            }
        }
        for (CompletableFuture<CommitResult> commit : commits) {
            one.running().host().await(commit::isDone);
            assertFalse(commit.join().hasErrors());
        }
        batches.forEach(WriteBatch::close);
        assertEquals(Numbers.list(0, 20), Numbers.ids(one.table().scan()));
        one.powerCut();
        assertEquals(Numbers.list(0, 20), Numbers.ids(one.table().scan()));
        assertEquals(8, one.table().schema().version());
        one.running().engine().close();
    }

    @Test
    void whatCannotBeIsRefusedInKudusWordsAndChangesNothing() {
        one.create();
        Table table = one.table();
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter()
                        .comment("x")
                        .addColumn(Column.of("text", ColumnType.BOOL).nullable())
                        .commit(),
                "The column already exists: text");
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter().addColumn(Column.of("n", ColumnType.BOOL)).commit(),
                "column `n`: NOT NULL columns must have a default");
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter().dropColumn("id").commit(),
                "cannot remove a key column: id");
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter().renameColumn("nix", "x").commit(),
                "The specified column does not exist: nix");
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter().renameColumn("id", "text").commit(),
                "The column already exists: text");
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter()
                        .changeColumn("text", column -> Column.of("text", ColumnType.BINARY))
                        .commit(),
                "not changed like this: text");
        assertEquals("", table.comment());
        assertEquals(Numbers.SCHEMA, table.schema());
        Numbers.insertRange(table, 0, 2);
        one.running().engine().close();
    }

    @Test
    void aFlushThatFailsLeavesTheTableAsItIs() {
        one.create();
        Numbers.insertRange(one.table(), 0, 2);
        one.world().disk().failNext(call -> call.path().toString().endsWith(".rowset"), DiskException.Kind.NO_SPACE);
        Failure.expect(
                IllegalStateException.class,
                () -> one.table().alter().dropColumn("text").commit(),
                "could not be flushed, so their table is not changed");
        assertEquals(Numbers.SCHEMA, one.table().schema());
        Numbers.insertRange(one.table(), 2, 4);
        assertEquals(Numbers.list(0, 4), Numbers.ids(one.table().scan()));
        one.table().alter().dropColumn("text").commit();
        assertEquals(4, rows("id").size());
        one.running().engine().close();
    }

    // ---- Ranges ----

    @Test
    void rangesComeAndGoWithTheirRows() {
        var partitioning =
                PartitionSchema.of(Numbers.SCHEMA).hash(2, "id").range("id").build();
        Table table = one.engine()
                .createTable(TableSpec.of("t", partitioning).withRanges(List.of(partitioning.between(0L, 100L))));
        Numbers.insertRange(table, 0, 3);
        assertEquals(
                RowErrorCode.NO_RANGE,
                Numbers.insert(table, 150).errors().getFirst().code());
        table.alter()
                .addRange(partitioning.between(100L, 200L))
                .addRange(partitioning
                        .newRange()
                        .from(200L)
                        .before(300L)
                        .hash(3, "id")
                        .build())
                .commit();
        Numbers.insertRange(table, 150, 153);
        Numbers.insertRange(table, 200, 210);
        assertEquals(7, table.statistics().tablets().size());
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter().addRange(partitioning.between(50L, 60L)).commit(),
                "range partition conflicts with existing");
        Failure.expect(
                IllegalArgumentException.class,
                () -> table.alter().dropRange(partitioning.between(0L, 50L)).commit(),
                "No range partition found for drop range partition step");
        one.flush();
        Scan scan = table.scan().open();
        table.alter().dropRange(partitioning.between(0L, 100L)).commit();
        List<Long> seen = new ArrayList<>();
        Numbers.read(scan, seen);
        scan.close();
        assertEquals(16, seen.size(), "an open scan has them still");
        one.settle();
        assertEquals(5, one.files().size());
        List<Long> expected = new ArrayList<>(Numbers.list(150, 153));
        expected.addAll(Numbers.list(200, 210));
        assertEquals(expected, Numbers.ids(table.scan()));
        one.reopen();
        assertEquals(expected, Numbers.ids(one.table().scan()));
        assertEquals(5, one.table().statistics().tablets().size());
        one.table()
                .alter()
                .dropRange(partitioning.between(200L, 300L))
                .addRange(partitioning.between(200L, 300L))
                .dropColumn("text")
                .commit();
        assertEquals(3, rows("id").size(), "the range that was added again is empty");
        assertEquals(4, one.table().statistics().tablets().size());
        one.reopen();
        assertEquals(3, rows("id").size());
        one.running().engine().close();
    }

    @Test
    void aFlushOfATableWhoseColumnsChangedSinceIsAnswered() {
        one.create();
        Numbers.insertRange(one.table(), 0, 3);
        CompletableFuture<Void> flush = one.table().flush();
        one.table().alter().dropColumn("text").commit();
        one.running().host().await(flush::isDone);
        flush.join();
        assertEquals(1, one.table().statistics().rowSetCount());
        one.running().engine().close();
    }

    // ---- Reading ----

    private void insert(long id, String text, long price, String note) {
        try (WriteBatch batch = one.table().newBatch()) {
            batch.rows()
                    .start(INSERT)
                    .setLong(0, id)
                    .setString(1, text)
                    .setLong(2, price)
                    .setString(3, note)
                    .end();
            batch.commit().orThrow();
        }
    }

    private RowErrorCode insertAgain(long id) {
        try (WriteBatch batch = one.table().newBatch()) {
            batch.rows().start(INSERT).setLong(0, id).end();
            return batch.commit().errors().getFirst().code();
        }
    }

    private void insertId(long id) {
        try (WriteBatch batch = one.table().newBatch()) {
            batch.rows().start(INSERT).setLong(0, id).end();
            batch.commit().orThrow();
        }
    }

    private static List<Long> idsOf(Scan scan) {
        List<Long> ids = new ArrayList<>();
        for (int row = 0; row < scan.batch().rowCount(); row++) {
            ids.add(scan.batch().column(0).getLong(row));
        }
        return ids;
    }

    private List<List<@Nullable Object>> rows(String... columns) {
        return read(one.table().scan().project(columns));
    }

    private static List<List<@Nullable Object>> read(ScanBuilder builder) {
        List<List<@Nullable Object>> rows = new ArrayList<>();
        try (Scan scan = builder.inKeyOrder().open()) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    List<@Nullable Object> cells = new ArrayList<>();
                    for (int i = 0; i < scan.batch().columnCount(); i++) {
                        ColumnVector column = scan.batch().column(i);
                        cells.add(
                                column.isNull(row)
                                        ? null
                                        : column.column().type() == ColumnType.STRING
                                                ? column.getString(row)
                                                : (Object) column.getLong(row));
                    }
                    rows.add(cells);
                }
            }
        }
        return rows;
    }
}
