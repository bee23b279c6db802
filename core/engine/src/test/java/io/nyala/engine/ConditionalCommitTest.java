package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static io.nyala.rows.OperationKind.UPSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: compare and set, and atomic batches, as an application has them: over several tablets, through flushes,
 * restarts, power cuts and changes of the table, and from many threads. Method: a simulated world; one real one, in
 * which threads count together.
 */
final class ConditionalCommitTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    private static final PartitionSchema PARTITIONING =
            PartitionSchema.of(SCHEMA).range("id").build();

    /** No range has ids from 200. */
    private static final TableSpec TWO_RANGES = TableSpec.of("t", PARTITIONING)
            .withRanges(List.of(PARTITIONING.between(0L, 100L), PARTITIONING.between(100L, 200L)));

    private World world;
    private World.Running running;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        world = new World(random.split()).withWriters(2);
        running = world.open();
        running.engine().createTable(TWO_RANGES);
        commit(rows -> {
            set(rows, 10, 1);
            set(rows, 110, 1);
        });
    }

    @AfterEach
    void close() {
        running.engine().close();
    }

    private Table table() {
        return running.engine().table("t").orElseThrow();
    }

    private static void set(OperationBatch rows, long id, long value) {
        rows.start(UPSERT).setLong(0, id).setLong(1, value).end();
    }

    private static void compareAndSet(OperationBatch rows, long id, long expected, long value) {
        rows.start(UPDATE)
                .setLong(0, id)
                .setLong(1, value)
                .onlyIf("value", expected)
                .end();
    }

    private CommitResult commit(Consumer<OperationBatch> operations) {
        try (WriteBatch batch = table().newBatch()) {
            operations.accept(batch.rows());
            return settled(batch.commit());
        }
    }

    private CommitResult commitAtomically(Consumer<OperationBatch> operations) {
        try (WriteBatch batch = table().newBatch().atomic(true)) {
            operations.accept(batch.rows());
            return settled(batch.commit());
        }
    }

    /** The errors are made of rows, before those go. */
    private static CommitResult settled(CommitResult result) {
        assertEquals(result.errors().size(), List.copyOf(result.errors()).size());
        return result;
    }

    private static String errors(CommitResult result) {
        StringBuilder text = new StringBuilder();
        result.errors()
                .forEach(error -> text.append(error.operationIndex())
                        .append(' ')
                        .append(error.code())
                        .append("; "));
        return text.toString();
    }

    private static Map<Long, Long> rows(Table table) {
        Map<Long, Long> rows = new TreeMap<>();
        try (Scan scan = table.scan().open()) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    rows.put(
                            scan.batch().column(0).getLong(row),
                            scan.batch().column(1).getLong(row));
                }
            }
        }
        return rows;
    }

    private void powerCut() {
        world.disk().powerCut();
        try {
            running.engine().close();
        } catch (RuntimeException _) {
            // Without power.
        }
        world.disk().restart();
        running = world.open();
    }

    @Test
    void aConditionSeesTheNewestValueInEveryStageOfARowsLife() {
        List<Runnable> stages = List.of(
                () -> {},
                () -> Numbers.flush(running, table()),
                () -> Numbers.flush(running, table()), // Now as a delta.
                this::powerCut,
                () -> {
                    running.engine().close();
                    running = world.open();
                });
        long value = 1;
        for (Runnable stage : stages) {
            stage.run();
            long now = value;
            CommitResult result = commit(rows -> {
                compareAndSet(rows, 10, now, now + 1);
                compareAndSet(rows, 110, now, now + 1);
                compareAndSet(rows, 10, now, now + 2);
                compareAndSet(rows, 110, now - 1, now + 2);
            });
            assertEquals("2 CONDITION_NOT_MET; 3 CONDITION_NOT_MET; ", errors(result));
            assertEquals(
                    "row (id=10) does not meet the condition (value=" + now + ")",
                    result.errors().getFirst().message());
            value++;
            assertEquals(Map.of(10L, value, 110L, value), rows(table()));
        }
    }

    @Test
    void aConditionOnAColumnThatTheFilesDoNotHaveLooksAtItsDefault() {
        Numbers.flush(running, table());
        table().alter()
                .addColumn(Column.of("state", ColumnType.STRING).defaultValue("new"))
                .addColumn(Column.of("note", ColumnType.INT8).nullable())
                .commit();
        CommitResult result = commit(rows -> {
            rows.start(UPDATE)
                    .set("id", 10)
                    .set("state", "old")
                    .onlyIf("state", "new")
                    .onlyIf("note", null)
                    .end();
            rows.start(DELETE).set("id", 10).onlyIf("state", "new").end();
            rows.start(DELETE).set("id", 10).onlyIf("state", "old").end();
            rows.start(UPDATE)
                    .set("id", 110)
                    .set("note", 1)
                    .onlyIf("note", null)
                    .end();
            rows.start(UPDATE)
                    .set("id", 110)
                    .set("note", 2)
                    .onlyIf("note", null)
                    .onlyIf("state", "new")
                    .end();
        });
        assertEquals("1 CONDITION_NOT_MET; 4 CONDITION_NOT_MET; ", errors(result));
        assertEquals(
                List.of(
                        "row (id=10) does not meet the condition (state=\"new\")",
                        "row (id=110) does not meet all of the conditions (note=NULL, state=\"new\")"),
                result.errors().stream().map(RowError::message).toList());
        assertEquals(Map.of(110L, 1L), rows(table()));
    }

    @Test
    void anAtomicBatchIsDoneAsAWholeInEachTablet() {
        CommitResult result = commitAtomically(rows -> {
            set(rows, 11, 5);
            set(rows, 111, 5);
            rows.start(INSERT).setLong(0, 110).setLong(1, 6).end();
            compareAndSet(rows, 10, 1, 2);
            set(rows, 112, 5);
        });
        assertEquals("1 ROLLED_BACK; 2 ALREADY_PRESENT; 4 ROLLED_BACK; ", errors(result));
        assertEquals(
                "row (id=111) is as it was, because another operation of the atomic batch failed",
                result.errors().getFirst().message());
        assertEquals(Map.of(10L, 2L, 11L, 5L, 110L, 1L), rows(table()));
        powerCut();
        assertEquals(Map.of(10L, 2L, 11L, 5L, 110L, 1L), rows(table()));
    }

    @Test
    void anAtomicBatchWithARowThatNoTabletIsForReachesNone() {
        long before = running.engine().now();
        CommitResult result = commitAtomically(rows -> {
            set(rows, 11, 5);
            set(rows, 250, 5);
            set(rows, 111, 5);
        });
        assertEquals("0 ROLLED_BACK; 1 NO_RANGE; 2 ROLLED_BACK; ", errors(result));
        assertTrue(result.timestamp() >= before, "a read at it sees what the batch left as it was");
        assertEquals(Map.of(10L, 1L, 110L, 1L), rows(table()));
    }

    @Test
    void anAtomicBatchWithARowThatIsWrongInItselfReachesNone() {
        try (WriteBatch batch = table().newBatch().atomic(true)) {
            set(batch.rows(), 11, 5);
            assertFalse(batch.rows().start(INSERT).setLong(0, 12).end());
            compareAndSet(batch.rows(), 110, 1, 2);
            assertEquals("0 ROLLED_BACK; 1 MISSING_VALUE; 2 ROLLED_BACK; ", errors(batch.commit()));
            assertEquals(Map.of(10L, 1L, 110L, 1L), rows(table()));
            compareAndSet(batch.rows(), 110, 1, 2);
            assertEquals("", errors(batch.commit()), "the batch begins anew");
            set(batch.atomic(false).rows(), 11, 5);
            assertFalse(batch.rows().start(INSERT).setLong(0, 12).end());
            assertEquals("1 MISSING_VALUE; ", errors(batch.commit()));
            assertEquals(Map.of(10L, 1L, 11L, 5L, 110L, 2L), rows(table()));
        }
    }

    @Test
    void anAtomicBatchIsAnsweredAsynchronouslyToo() {
        try (WriteBatch batch = table().newBatch().atomic(true)) {
            set(batch.rows(), 11, 5);
            compareAndSet(batch.rows(), 10, 7, 8);
            CompletableFuture<CommitResult> result = batch.commitAsync();
            running.host().await(result::isDone);
            assertEquals("0 ROLLED_BACK; 1 CONDITION_NOT_MET; ", errors(result.join()));
            set(batch.rows(), 250, 5);
            result = batch.commitAsync();
            running.host().await(result::isDone);
            assertEquals("0 NO_RANGE; ", errors(result.join()));
        }
        assertEquals(Map.of(10L, 1L, 110L, 1L), rows(table()));
    }

    private static final int THREADS = 3;
    private static final int COUNTS = 25;

    /** Each reads the number and raises it, if it still is what was read; rows are flushed meanwhile. */
    @Test
    void noCountIsLostBetweenThreads(@TempDir Path directory) {
        EngineConfig config =
                EngineConfig.in(directory).withMemoryBytes(192 << 20).withLogSegmentBytes(16 << 20);
        try (Engine engine = Engine.open(config)) {
            Table counters = engine.createTable("counters", SCHEMA);
            try (WriteBatch batch = counters.newBatch()) {
                set(batch.rows(), 1, 0);
                batch.commit().orThrow();
            }
            List<CompletableFuture<Void>> threads = IntStream.range(0, THREADS)
                    .mapToObj(_ -> CompletableFuture.runAsync(() -> count(counters)))
                    .toList();
            while (!threads.stream().allMatch(CompletableFuture::isDone)) {
                counters.flush().join();
            }
            threads.forEach(CompletableFuture::join);
            assertEquals(Map.of(1L, (long) THREADS * COUNTS), rows(counters));
        }
    }

    private static void count(Table counters) {
        try (WriteBatch batch = counters.newBatch()) {
            for (int counted = 0; counted < COUNTS; ) {
                long seen = value(counters);
                compareAndSet(batch.rows(), 1, seen, seen + 1);
                CommitResult result = batch.commit();
                if (!result.hasErrors()) {
                    counted++;
                } else {
                    assertEquals(
                            RowErrorCode.CONDITION_NOT_MET,
                            result.errors().getFirst().code());
                }
            }
        }
    }

    private static long value(Table counters) {
        try (Scan scan = counters.scan().where(Predicate.equal(SCHEMA, "id", 1)).open()) {
            assertTrue(scan.next());
            return scan.batch().column(1).getLong(0);
        }
    }
}
