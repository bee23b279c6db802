package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.tablet.TabletBusyException;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.wal.Durability;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: writers get on with as little memory as there may be, and nobody waits for what never comes.
 * Method: a simulated host on which all memory that is not reserved is taken away, and maintenance is held up until
 * writers wait; an engine that is stuck fails after two million steps.
 */
final class EngineWaitsTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("amount", ColumnType.INT64));

    private static final int BATCH_ROWS = 200;
    private static final long MIB = 1 << 20;

    /** Large rows that are changed at once. */
    private static final int CHANGED_ROWS = 10;

    /** Enough for whatever can be done without maintenance. */
    private static final int STEPS = 20_000;

    @Test
    void anAnswerThatRestsOnAWrittenRecordIsDurable(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open();
        Table table = running.engine().createTable("waits", SCHEMA);
        try (WriteBatch batch = table.newBatch()) {
            insert(batch.durability(Durability.WRITTEN), 0, 1);
            batch.commit().orThrow();
            insert(batch.durability(Durability.SYNC), 0, 1);
            assertEquals(
                    RowErrorCode.ALREADY_PRESENT,
                    batch.commit().errors().getFirst().code());
        }
        world.disk().powerCut();
        assertThrows(RuntimeException.class, running.engine()::close);
        world.disk().restart();
        World.Running reopened = world.open();
        assertEquals(1, rowCount(reopened.engine().table("waits").orElseThrow()), "the row that was present");
        reopened.engine().close();
    }

    /** Many tables that have all the memory, each with rows in it that nothing but a seal can free. */
    @Test
    void aSealAtTheMemoryLimitDoesNotFail(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(config());
        List<WriteBatch> batches = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            Table table = running.engine().createTable("waits " + i, SCHEMA);
            batches.addAll(filled(table, 2));
        }
        Runnable memory = takeMemory(running.engine());
        running.host().suspend("maintenance", STEPS);
        List<CompletableFuture<CommitResult>> results = commitAsync(batches);
        step(running, 2 * STEPS);
        assertFalse(results.stream().allMatch(CompletableFuture::isDone), "there is memory for all");
        await(running, results);
        results.forEach(result -> result.join().orThrow());
        memory.run();
        running.engine().tables().forEach(table -> assertEquals(2L * BATCH_ROWS, rowCount(table)));
        close(running, batches);
    }

    /**
     * KUDU-2318: where memory was short, flushes came one upon the other, and writers did not get on. Batches of some
     * tables wait for memory, from before the flushes of all, which alone can give it back; and some of
     * their rows are on disk when they are decided.
     */
    @RepeatedTest(4)
    void batchesThatWaitForMemoryDoNotWaitForEachOther(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(config().withFlushBytes(MIB));
        int count = 160;
        List<WriteBatch> batches = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Table table = running.engine().createTable("waits " + i, SCHEMA);
            batches.addAll(filled(table, count));
            batches.addAll(filled(table, 1)); // The rows of the first once more, behind all others.
        }
        Runnable memory = takeMemory(running.engine());
        running.host().suspend("maintenance", STEPS);
        List<CompletableFuture<CommitResult>> results = commitAsync(batches);
        step(running, 2 * STEPS);
        assertFalse(results.get(count).isDone(), "there is memory for all");
        assertFalse(results.getLast().isDone(), "there is memory for all");
        await(running, results);
        for (int i = 0; i < results.size(); i++) {
            boolean isAgain = i % (count + 1) == count;
            assertEquals(
                    isAgain ? BATCH_ROWS : 0, results.get(i).join().errors().size(), "refused of batch " + i);
        }
        memory.run();
        running.engine().tables().forEach(table -> assertEquals((long) count * BATCH_ROWS, rowCount(table)));
        close(running, batches);
    }

    /** As above, but the caller itself waits, and looks its keys up again: the flush of its own table frees memory. */
    @RepeatedTest(4)
    void aCallerWhoWaitsForMemoryGetsOn(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(config().withFlushBytes(2 * MIB));
        Table table = running.engine().createTable("waits", SCHEMA);
        List<WriteBatch> others = new ArrayList<>();
        for (int i = 0; i < 48; i++) {
            others.addAll(filled(running.engine().createTable("other " + i, SCHEMA), 1));
        }
        try (WriteBatch batch = table.newBatch()) {
            insert(batch, 0, 2 * BATCH_ROWS);
            batch.rows().clear(); // It has the memory that it needs.
            Runnable memory = takeMemory(running.engine());
            others.forEach(other -> other.commit().orThrow());
            running.host()
                    .suspendUntil(
                            "maintenance",
                            table.state().tablets().getFirst().tablet().pressure()::isMemoryWanted);
            for (int i = 0; table.statistics().rowSetCount() == 0; i++) {
                insert(batch, (long) i * BATCH_ROWS, BATCH_ROWS);
                insert(batch, random.nextInt(i + 1) * (long) BATCH_ROWS, 1);
                assertEquals(1, batch.commit().errors().size(), "a row twice, in batch " + i);
            }
            memory.run();
        }
        close(running, others);
    }

    @Test
    void aBatchHearsThatOthersHaveTheMemory(@Seed SplittableRandom random) {
        World.Running running =
                new World(random).open(World.config().withMemoryBytes(128 * MIB).withLogSegmentBytes(8 * MIB));
        Table table = running.engine().createTable("waits", SCHEMA);
        try (WriteBatch batch = table.newBatch()) {
            insert(batch, 0, 60_000); // More than is reserved for rows, less than is there if nobody else has it.
            Runnable memory = takeMemory(running.engine());
            TabletBusyException busy = assertThrows(TabletBusyException.class, batch::commit);
            assertTrue(String.valueOf(busy.getMessage()).contains("nothing to flush"), busy.getMessage());
            memory.run();
            assertEquals(60_000, batch.commit().orThrow().operationCount(), "the same batch again");
        }
        running.engine().close();
    }

    /** Filled, not committed: all memory is taken, half of it by rows that only a flush can free. */
    @RepeatedTest(2)
    void aBatchThatIsFilledWaitsForAFlush(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(forLargeRows());
        List<Table> tables = withRowsBeyondTheReservation(running);
        assertTrue(tables.stream().allMatch(each -> each.statistics().rowSetCount() == 0), "flushed by themselves");
        Runnable memory = takeMemory(running.engine());
        Table table = tables.get(random.nextInt(tables.size()));
        try (WriteBatch batch = table.newBatch()) {
            insert(batch, 1_000, 1);
            assertTrue(tables.stream().anyMatch(each -> each.statistics().rowSetCount() > 0), "nothing was flushed");
            batch.commit().orThrow();
        }
        memory.run();
        tables.forEach(each -> assertEquals(each == table ? 51 : 50, rowCount(each)));
        running.engine().close();
    }

    @Test
    void aBatchThatIsFilledHearsThatOthersHaveTheMemory(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(config());
        Table table = running.engine().createTable("waits", SCHEMA);
        try (WriteBatch batch = table.newBatch();
                WriteBatch late = table.newBatch()) {
            insert(batch, 0, 100);
            Runnable memory = takeMemory(running.engine());
            Failure.expect(
                    MemoryLimitException.class,
                    () -> insert(late, 0, 1),
                    "bytes of a write batch",
                    "nothing to flush",
                    "write batches");
            Failure.expect(MemoryLimitException.class, () -> insert(batch, 100, 10_000), "nothing to flush");
            int count = batch.rows().operationCount();
            assertTrue(count >= 100, "rows before the one that failed are lost");
            assertEquals(count, batch.commit().orThrow().operationCount());
            memory.run();
            insert(late, 0, 1);
            assertEquals(1, late.commit().errors().size());
        }
        running.engine().close();
    }

    /** As above, but maintenance is held up, and whoever wants the rows gives up meanwhile. */
    @Test
    void aBatchThatWaitsForMemoryIsGivenUp(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(forLargeRows());
        Table table = withRowsBeyondTheReservation(running).getFirst();
        Runnable memory = takeMemory(running.engine());
        running.host().suspend("maintenance", Integer.MAX_VALUE);
        try (WriteBatch batch = table.newBatch()) {
            int[] looks = {0};
            Runnable check = () -> {
                if (++looks[0] == STEPS / 100) {
                    throw new IllegalStateException("given up");
                }
            };
            Failure.expect(
                    IllegalStateException.class, () -> Engine.whileWanted(check, () -> insert(batch, 1_000, 1)), "up");
            assertEquals(0, batch.rows().operationCount(), "the row that it waited for");
            memory.run();
            Engine.whileWanted(check, () -> insert(batch, 1_000, 1)); // There is memory: nobody asks.
            assertEquals(STEPS / 100, looks[0]);
            batch.commit().orThrow();
        }
        assertEquals(51, rowCount(table));
        running.engine().close();
    }

    /** A change of the table waits for a commit under way, and the next commit for the change. */
    @Test
    void aBatchThatWaitsForAChangeOfItsTableIsGivenUp(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable("waits", SCHEMA);
        table.pause(running.engine().host());
        try (WriteBatch batch = table.newBatch()) {
            insert(batch, 0, 1);
            Runnable check = () -> {
                throw new IllegalStateException("given up");
            };
            Failure.expect(
                    IllegalStateException.class, () -> Engine.whileWanted(check, () -> batch.commit()), "given up");
            table.goOn(running.engine().host());
            assertEquals(0, rowCount(table), "nothing of it is written");
            batch.commit().orThrow();
        }
        assertEquals(1, rowCount(table));
        running.engine().close();
    }

    /**
     * KUDU-3002, KUDU-3407: where memory was short only rows were flushed, and changes of rows on disk never. Here they
     * have nearly all of it, and no table has so many that it would flush them by itself.
     */
    @Test
    void changesOfRowsOnDiskAreFlushedWhereMemoryIsShort(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(forLargeRows());
        List<Table> tables = withRowsBeyondTheReservation(running);
        tables.forEach(table -> Numbers.flush(running, table));
        List<WriteBatch> batches = tables.stream().map(Table::newBatch).toList();
        batches.forEach(batch -> setTexts(batch, 0, 'a'));
        Runnable memory = takeMemory(running.engine()); // And the batches have what they need.
        for (char first = 'a'; first <= 'b'; first++) {
            for (long from = 0; from < 50; from += CHANGED_ROWS) {
                for (WriteBatch batch : batches) {
                    batch.rows().clear();
                    setTexts(batch, from, first);
                    batch.commit().orThrow();
                }
            }
        }
        memory.run();
        for (Table table : tables) {
            try (Scan scan = table.scan().project("text").open()) {
                while (scan.next()) {
                    assertEquals('b', scan.batch().column(0).getString(0).charAt(0));
                }
            }
        }
        close(running, batches);
    }

    /** Changes some rows of a table {@link #withRowsBeyondTheReservation}. */
    private static void setTexts(WriteBatch batch, long from, char first) {
        String text = first + "x".repeat(50_000);
        for (long id = from; id < from + CHANGED_ROWS; id++) {
            batch.rows().start(UPDATE).setLong(0, id).setString(2, text).end();
        }
    }

    /** What follows a commit runs on the writer, which flushes need: there it must not wait for one. */
    @Test
    void theWriterDoesNotWaitForMemory(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(forLargeRows());
        Table table = withRowsBeyondTheReservation(running).getFirst();
        try (WriteBatch batch = table.newBatch();
                WriteBatch next = table.newBatch()) {
            insert(batch, 1_000, 1);
            Runnable memory = takeMemory(running.engine());
            CompletableFuture<Void> filled = batch.commitAsync().thenAccept(_ -> insert(next, 1_001, 1));
            running.host().await(filled::isDone);
            Failure.expect(CompletionException.class, filled::join, "cannot wait for memory", "executor");
            memory.run();
        }
        running.engine().close();
    }

    /** So that neither size nor the length of the log is a reason to flush. */
    private static EngineConfig forLargeRows() {
        return World.config()
                .withMemoryBytes(128 * MIB)
                .withCacheBytes(4 * MIB)
                .withFlushBytes(8 * MIB)
                .withLogSegmentBytes(16 * MIB);
    }

    /** Tables of 50 large rows each, none of which flushes by itself, and all of which have more than is reserved. */
    private static List<Table> withRowsBeyondTheReservation(World.Running running) {
        Schema schema = Schema.of(
                Column.key("id", ColumnType.INT64),
                Column.of("amount", ColumnType.INT64),
                Column.of("text", ColumnType.STRING).nullable());
        String text = "x".repeat(50_000);
        List<Table> tables = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Table table = running.engine().createTable("large " + i, schema);
            try (WriteBatch batch = table.newBatch()) {
                for (long id = 0; id < 50; id++) {
                    batch.rows()
                            .start(INSERT)
                            .setLong(0, id)
                            .setLong(1, id)
                            .setString(2, text)
                            .end();
                }
                batch.commit().orThrow();
            }
            tables.add(table);
        }
        return tables;
    }

    /** No free blocks are adjacent, and in the worst case its rows take more than any slab has. */
    @Test
    void aBatchOfVeryManySmallRowsFits(@Seed SplittableRandom random) {
        World.Running running =
                new World(random).open(World.config().withMemoryBytes(320 * MIB).withLogSegmentBytes(16 * MIB));
        Table table = running.engine().createTable("waits", SCHEMA);
        MemoryAccount others = running.engine().batchMemory();
        List<Slab> taken = new ArrayList<>();
        try (WriteBatch batch = table.newBatch()) {
            insert(batch, 0, 120_000);
            batch.commit().orThrow();
            insert(batch, 200_000, 120_000);
            for (Slab slab = others.tryTake(2 * MIB); slab != null; slab = others.tryTake(2 * MIB)) {
                taken.add(slab);
            }
            for (int i = 0; i < taken.size(); i += 2) {
                others.giveBack(taken.get(i));
            }
            batch.commit().orThrow();
        }
        assertEquals(240_000, rowCount(table));
        for (int i = 1; i < taken.size(); i += 2) {
            others.giveBack(taken.get(i));
        }
        running.engine().close();
    }

    /** Maintenance writes a large file for as long as it likes: timestamps are there nevertheless. */
    @Test
    void theLeaseIsRenewedWhileAFlushWrites(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open();
        Table table = running.engine().createTable("waits", SCHEMA);
        running.host().suspend("maintenance", Integer.MAX_VALUE);
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < 5; i++) {
                world.clock().advanceMicros(2 * HostClock.LEASE_MICROS);
                insert(batch, i, 1);
                batch.commit().orThrow();
            }
        }
        assertEquals(5, rowCount(table));
        running.engine().close();
    }

    // ---- Steps ----

    /** As small as it may be. */
    private static EngineConfig config() {
        return World.config().withMemoryBytes(96 * MIB).withCacheBytes(4 * MIB).withFlushBytes(64 << 10);
    }

    /** Batches of consecutive rows, from 0 on. */
    private static List<WriteBatch> filled(Table table, int count) {
        List<WriteBatch> batches = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            WriteBatch batch = table.newBatch();
            insert(batch, i * BATCH_ROWS, BATCH_ROWS);
            batches.add(batch);
        }
        return batches;
    }

    private static List<CompletableFuture<CommitResult>> commitAsync(List<WriteBatch> batches) {
        return batches.stream().map(WriteBatch::commitAsync).toList();
    }

    private static void step(World.Running running, int steps) {
        for (int i = 0; i < steps; i++) {
            running.host().step();
        }
    }

    private static void await(World.Running running, List<CompletableFuture<CommitResult>> results) {
        running.host().await(() -> results.stream().allMatch(CompletableFuture::isDone));
    }

    private static void insert(WriteBatch batch, long from, int count) {
        for (long id = from; id < from + count; id++) {
            batch.rows().start(INSERT).setLong(0, id).setLong(1, id).end();
        }
    }

    private static long rowCount(Table table) {
        long rows = 0;
        try (Scan scan = table.scan().project().open()) {
            while (scan.next()) {
                rows += scan.batch().rowCount();
            }
        }
        return rows;
    }

    /** All memory that is not set aside; run the answer to give it back. */
    private static Runnable takeMemory(Engine engine) {
        MemoryAccount others = engine.batchMemory();
        List<Slab> taken = new ArrayList<>();
        for (long bytes = 2 * MIB; bytes >= MemoryBudget.SLAB_BYTES_MIN; bytes /= 2) {
            for (Slab slab = others.tryTake(bytes); slab != null; slab = others.tryTake(bytes)) {
                taken.add(slab);
            }
        }
        return () -> taken.forEach(others::giveBack);
    }

    private static void close(World.Running running, List<WriteBatch> batches) {
        batches.forEach(WriteBatch::close);
        running.engine().close();
    }
}
