package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.PartialCommitException.Outcome;
import io.nyala.io.DiskException;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.table.TableStatistics;
import io.nyala.table.TabletStatistics;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a table of many tablets answers as one: each row in its tablet, errors in the order of the operations, and a
 * scan sees one state, of which nothing can be taken back. Method: tables in a simulated world; power cuts right after
 * a scan.
 */
final class ManyTabletsTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    private static final PartitionSchema PARTITIONING =
            PartitionSchema.of(SCHEMA).range("id").build();

    private static final TableSpec THREE_RANGES = TableSpec.of("t", PARTITIONING)
            .withRanges(List.of(
                    PARTITIONING.between(0L, 100L),
                    PARTITIONING.between(100L, 200L),
                    PARTITIONING.between(300L, 400L)));

    /**
     * A batch without effects moves the time of its tablet on at once, past a row of another tablet that is applied and
     * not durable yet. A scan at that time must wait for the row, or not see it.
     */
    @RepeatedTest(30)
    void whatAScanSawSurvivesAPowerCut(@Seed SplittableRandom random) {
        var world = new World(random.split()).withWriters(random.nextInt(1, 3));
        World.Running running = world.open();
        Table table = running.engine().createTable(THREE_RANGES);
        WriteBatch slow = table.newBatch();
        add(slow, 7);
        CompletableFuture<CommitResult> result = slow.commitAsync();
        for (int i = random.nextInt(30); i > 0; i--) {
            running.host().step();
        }
        Set<Long> seen;
        try (WriteBatch refused = table.newBatch()) {
            refused.rows().start(UPDATE).setLong(0, 150).setLong(1, 1).end();
            assertEquals(1, refused.commit().errors().size());
            seen = ids(table.scan());
        }
        boolean wasAcknowledged = result.isDone();
        world.disk().powerCut();
        closeDead(running);
        world.disk().restart();
        running = world.open();
        Set<Long> found = ids(running.engine().table("t").orElseThrow().scan());
        assertTrue(found.containsAll(seen), () -> "seen " + seen + ", and only " + found + " was there later");
        assertTrue(!wasAcknowledged || found.contains(7L), "acknowledged, and not there later");
        running.engine().close();
    }

    @Test
    void rowsOutsideOfAllRangesAreRefusedOneByOneInTheOrderOfTheBatch(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable(THREE_RANGES);
        try (WriteBatch batch = table.newBatch()) {
            add(batch, 350);
            batch.commit().orThrow();
            long[] ids = {250, 10, 350, 400, 110, 10, -1, 110};
            for (long id : ids) {
                add(batch, id);
            }
            CommitResult result = batch.commit();
            assertEquals(ids.length, result.operationCount());
            List<Integer> indexes =
                    result.errors().stream().map(RowError::operationIndex).toList();
            assertEquals(List.of(0, 2, 3, 5, 6, 7), indexes);
            List<RowErrorCode> codes =
                    result.errors().stream().map(RowError::code).toList();
            assertEquals(
                    List.of(
                            RowErrorCode.NO_RANGE,
                            RowErrorCode.ALREADY_PRESENT,
                            RowErrorCode.NO_RANGE,
                            RowErrorCode.ALREADY_PRESENT,
                            RowErrorCode.NO_RANGE,
                            RowErrorCode.ALREADY_PRESENT),
                    codes);
            assertTrue(
                    result.errors()
                            .getFirst()
                            .message()
                            .startsWith("No tablet covering the requested range partition: "),
                    result.errors().getFirst()::message);
            add(batch, 250);
            assertEquals(
                    RowErrorCode.NO_RANGE, batch.commit().errors().getFirst().code());
            assertFalse(batch.commit().hasErrors(), "an empty batch is fine");
        }
        assertEquals(Set.of(10L, 110L, 350L), ids(table.scan()));
        running.engine().close();
    }

    @Test
    void aBatchThatIsForNoTabletHasATimeThatCanBeRead(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable(THREE_RANGES);
        try (WriteBatch batch = table.newBatch()) {
            add(batch, 250);
            CommitResult result = batch.commit();
            assertEquals(1, result.errors().size());
            assertEquals(Set.of(), ids(table.scan().at(result.timestamp())));
        }
        running.engine().close();
    }

    @Test
    void theTimeOfACommitCoversAllItsTablets(@Seed SplittableRandom random) {
        World.Running running = new World(random).withWriters(2).open();
        Table table = running.engine().createTable(THREE_RANGES);
        try (WriteBatch batch = table.newBatch()) {
            add(batch, 1);
            add(batch, 101);
            add(batch, 301);
            long time = batch.commit().orThrow().timestamp();
            add(batch, 2);
            add(batch, 102);
            batch.commit().orThrow();
            assertEquals(Set.of(1L, 101L, 301L), ids(table.scan().at(time)));
        }
        assertEquals(Set.of(1L, 2L, 101L, 102L, 301L), ids(table.scan()));
        running.engine().close();
    }

    @Test
    void aScanAsksOnlyTabletsThatMayHaveRows(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable(THREE_RANGES);
        assertEquals(3, table.scan().tokens().size());
        assertEquals(
                1,
                table.scan().where(Predicate.equal(SCHEMA, "id", 120L)).tokens().size());
        assertEquals(
                2,
                table.scan()
                        .where(Predicate.atLeast(SCHEMA, "id", 100L))
                        .tokens()
                        .size());
        assertEquals(
                0,
                table.scan().where(Predicate.equal(SCHEMA, "id", 250L)).tokens().size());
        assertEquals(Set.of(), ids(table.scan().where(Predicate.equal(SCHEMA, "id", 250L))));
        running.engine().close();
    }

    @Test
    void statisticsAreOfEachTablet(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable(THREE_RANGES);
        try (WriteBatch batch = table.newBatch()) {
            add(batch, 1);
            add(batch, 2);
            add(batch, 101);
            batch.commit().orThrow();
            CompletableFuture<Void> flush = table.flush();
            running.host().await(flush::isDone);
            flush.join();
            add(batch, 3);
            batch.commit().orThrow();
            batch.rows().start(io.nyala.rows.OperationKind.DELETE).setLong(0, 3).end();
            batch.commit().orThrow();
        }
        TableStatistics statistics = table.statistics();
        assertEquals(3, statistics.liveRowCount());
        assertEquals(4, statistics.rowCount());
        assertEquals(
                List.of(2L, 1L, 0L),
                statistics.tablets().stream()
                        .map(TabletStatistics::liveRowCount)
                        .toList());
        assertEquals(2, statistics.rowSetCount());
        assertEquals(
                statistics.diskBytes(),
                statistics.tablets().stream()
                        .mapToLong(TabletStatistics::diskBytes)
                        .sum());
        running.engine().close();
    }

    @Test
    void whatBecameOfEachOperationIsSaidWhereATabletCannotTakeItsPart(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open();
        Table table = running.engine().createTable(THREE_RANGES);
        try (WriteBatch batch = table.newBatch()) {
            add(batch, 101);
            batch.commit().orThrow();
            CompletableFuture<Void> flush = table.flush();
            running.host().await(flush::isDone);
            flush.join();
        }
        running.engine().close();
        Path rowSets = World.DIRECTORY.resolve("rowsets");
        world.disk().list(rowSets).forEach(name -> world.disk().delete(rowSets.resolve(name)));
        running = world.open();
        table = running.engine().table("t").orElseThrow();
        try (WriteBatch batch = table.newBatch()) {
            add(batch, 1);
            add(batch, 101);
            add(batch, 250);
            add(batch, 301);
            var failure = Failure.expect(
                    PartialCommitException.class,
                    batch::commit,
                    "4 operations: 2 are done, 1 were refused, of 1 nothing happened, of 0 it is not known",
                    ".rowset");
            assertEquals(
                    List.of(Outcome.DONE, Outcome.NOTHING_HAPPENED, Outcome.REFUSED, Outcome.DONE),
                    IntStream.range(0, failure.operationCount())
                            .mapToObj(failure::outcome)
                            .toList());
            assertEquals(2, failure.result().errors().getFirst().operationIndex());
            batch.rows().clear();
            add(batch, 101);
            assertThrows(MissingRowSetException.class, batch::commit);
        }
        assertEquals(Set.of(1L, 301L), ids(table.scan().allowPartial()));
        running.engine().close();
    }

    @Test
    void aTabletWhoseLogFailedHasRefusedNothing(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open();
        Table table = running.engine().createTable(THREE_RANGES);
        try (WriteBatch batch = table.newBatch()) {
            add(batch, 301);
            batch.commit().orThrow();
            batch.rows().start(UPDATE).setLong(0, 1).setLong(1, 1).end(); // Is answered without the log.
            add(batch, 101);
            batch.rows().start(UPDATE).setLong(0, 102).setLong(1, 1).end();
            world.disk()
                    .failNext(
                            call -> call.operation() == Operation.WRITE_DURABLE
                                    && call.path().startsWith(World.DIRECTORY.resolve("wal")),
                            DiskException.Kind.IO_ERROR);
            running.host().suspend("log in wal", 50); // The first tablet has answered by then.
            var failure = Failure.expect(
                    PartialCommitException.class,
                    batch::commit,
                    "3 operations: 0 are done, 1 were refused, of 0 nothing happened, of 2 it is not known");
            assertEquals(Outcome.UNKNOWN, failure.outcome(2), "it was judged by what may be lost");
            assertEquals(1, failure.result().errors().size());
        }
        running.engine().close();
    }

    private static void add(WriteBatch batch, long id) {
        batch.rows().start(INSERT).setLong(0, id).setLong(1, id).end();
    }

    private static Set<Long> ids(ScanBuilder builder) {
        Set<Long> ids = new TreeSet<>();
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    assertTrue(ids.add(scan.batch().column(0).getLong(row)), "a row came twice");
                }
            }
        }
        return ids;
    }

    private static void closeDead(World.Running running) {
        try {
            running.engine().close();
        } catch (PowerCutException | IllegalStateException | io.nyala.memory.MemoryLeakException _) {
            // Its disk is gone, and a batch is open.
        }
    }
}
