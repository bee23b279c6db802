package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.simulation.Bytes;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.simulation.RandomSchema;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: what once went wrong in Kudu does not go wrong here.
 * Method: one short story for each, on a simulated host; the number is that of Kudu's issue, {@code kc} a commit of it.
 */
final class KuduRegressionTest {
    private static final int CRASHES = 6;

    /**
     * KUDU-1538: after a restart, ids of blocks that an unfinished flush had used were given out again, and the
     * deletion of the orphan took the new block's data.
     */
    @RepeatedTest(4)
    void noRowsetFileEverGetsTheNameOfAnother(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        Set<String> created = new HashSet<>();
        long seen = 0;
        World.Running running = world.open();
        for (int i = 0; i < CRASHES; i++) {
            commit(driver, running, driver.draw(true));
            var _ = running.table().flush();
            for (int step = random.nextInt(120); step > 0; step--) {
                running.host().step();
            }
            List<Call> calls = world.disk().trace();
            assertTrue(calls.getFirst().index() <= seen, "the trace is too short to see every call");
            for (Call call : calls) {
                if (call.index() >= seen && isOf(call, Operation.CREATE, ".rowset")) {
                    assertTrue(created.add(call.fileName()), () -> call.fileName() + " is created twice");
                }
            }
            seen = world.disk().callCount();
            running = crash(world, running, random.nextBoolean());
            driver.assertAgrees(running.table());
        }
        assertTrue(created.size() > 1, "too few flushes began");
        running.engine().close();
    }

    /**
     * KUDU-701: the list of orphaned blocks of one tablet was written while another flush changed it, and blocks in use
     * were deleted at the next start.
     */
    @RepeatedTest(4)
    void twoFlushesAtOnceLoseNoFileInUse(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var first = new ModelDriver(random.split(), "first", RandomSchema.draw(random.split()), ModelDriver.KEYS);
        var second = new ModelDriver(random.split(), "second", RandomSchema.draw(random.split()), ModelDriver.KEYS);
        World.Running running = world.open();
        for (ModelDriver driver : List.of(first, second)) {
            running.engine().createTable(driver.tableName(), driver.schema());
        }
        for (int i = 0; i < CRASHES; i++) {
            for (ModelDriver driver : List.of(first, second)) {
                try (WriteBatch batch = driver.table(running.engine()).newBatch()) {
                    driver.commit(batch, driver.draw(true));
                }
                var _ = driver.table(running.engine()).flush();
            }
            for (int step = random.nextInt(400); step > 0; step--) {
                running.host().step();
            }
            running = crash(world, running, random.nextBoolean());
            first.assertAgrees(first.table(running.engine()));
            second.assertAgrees(second.table(running.engine()));
        }
        running.engine().close();
    }

    /**
     * kc:e77538b54: after the metadata of a container was compacted, new records went to the deleted file, whose handle
     * was still in a cache. Our storage log is written anew at each start, and here after every third edit as well.
     */
    @RepeatedTest(4)
    void anEditBehindACheckpointIsFoundAtTheNextStart(@Seed SplittableRandom random) {
        var world = new World(random.split()).withCatalogEdits(3);
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        for (int i = 0; i < CRASHES; i++) {
            for (int flushes = random.nextInt(1, 6); flushes > 0; flushes--) {
                commit(driver, running, driver.draw(true));
                flush(running);
            }
            long rowSets = running.table().statistics().rowSetCount();
            running = crash(world, running, true);
            assertEquals(rowSets, running.table().statistics().rowSetCount(), "rowsets in the manifest");
            driver.assertAgrees(running.table());
        }
        running.engine().close();
    }

    /** KUDU-2195: the file that says who a tablet is was not synced, and a power cut emptied it. */
    @RepeatedTest(8)
    void aTableThatWasCreatedIsThereAfterAPowerCut(@Seed SplittableRandom random) {
        var world = new World(random.split());
        World.Running running = world.open();
        Schema schema = RandomSchema.draw(random);
        running.engine().createTable("new", schema);
        World.Running reopened = crash(world, running, true);
        Table table = reopened.engine().table("new").orElseThrow();
        assertEquals(schema, table.schema());
        reopened.engine().close();
    }

    /** KUDU-1943: a flush of thirty columns made a file for each of them, preallocated. */
    @RepeatedTest(2)
    void aFlushMakesOneFileHoweverManyColumns(@Seed SplittableRandom random) {
        List<Column> columns = new ArrayList<>(List.of(Column.key("k", ColumnType.INT32)));
        while (columns.size() < 31) {
            columns.add(RandomSchema.value(random, "v" + columns.size()));
        }
        var world = new World(random.split());
        var driver = new ModelDriver(random.split(), World.TABLE, Schema.of(columns), ModelDriver.KEYS);
        World.Running running = world.open();
        running.engine().createTable(World.TABLE, driver.schema());
        do {
            commit(driver, running, driver.draw(true));
        } while (driver.newest().isEmpty());
        flush(running);
        long created = world.disk().trace().stream()
                .filter(call -> isOf(call, Operation.CREATE, ".rowset"))
                .count();
        assertEquals(1, created, "files of rowsets");
        driver.assertAgrees(running.table());
        running.engine().close();
    }

    /** KUDU-3108: a scan in key order crashed on a row that was deleted in one rowset and inserted again in another. */
    @RepeatedTest(8)
    void aScanInKeyOrderMeetsARowThatWasDeletedAndInsertedAgain(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        for (int i = 0; i < 3; i++) {
            commit(driver, running, List.of(row(5, i), row(7, i)));
            commit(driver, running, List.of(key(5), row(6, i), key(6)));
            commit(driver, running, List.of(key(7)));
            if (random.nextInt(4) > 0) {
                flush(running);
            }
        }
        commit(driver, running, List.of(row(6, 9)));
        driver.assertAgrees(running.table());
        for (int i = 0; i < 60; i++) {
            driver.check(running.engine());
        }
        running.engine().close();
    }

    /** KUDU-3518: a predicate on a column that was not projected was taken for one that nobody expected. */
    @RepeatedTest(4)
    void aPredicateMayBeOnAColumnThatIsNotProjected(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        commit(driver, running, List.of(row(1, 10), row(2, 20), row(3, 30)));
        for (boolean isFlushed : new boolean[] {false, true}) {
            if (isFlushed) {
                flush(running);
            }
            ScanBuilder builder = running.table()
                    .scan()
                    .project("text")
                    .where(Predicate.atLeast(World.SCHEMA, "number", 20L))
                    .where(Predicate.lessThan(World.SCHEMA, "a", 3));
            try (Scan scan = builder.open()) {
                assertTrue(scan.next());
                assertEquals(1, scan.batch().rowCount());
                assertEquals("t20", scan.batch().column(0).getString(0));
            }
        }
        running.engine().close();
    }

    /** kc:e4747e700: in a bit-shuffled block of integers, a seek to what the narrowed type cannot hold went wrong. */
    @RepeatedTest(4)
    void aRangeBeyondWhatAPageHoldsFindsTheRightRows(@Seed SplittableRandom random) {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT64).encoding(ColumnEncoding.BIT_SHUFFLE));
        var world = new World(random.split());
        var driver = new ModelDriver(random.split(), World.TABLE, schema, 1);
        World.Running running = world.open();
        running.engine().createTable(World.TABLE, schema);
        List<ModelOperation> rows = new ArrayList<>();
        for (long k = 0; k < 200; k++) {
            rows.add(ModelOperation.of(INSERT, k + 100));
        }
        commit(driver, running, rows);
        flush(running);
        for (long bound : new long[] {Long.MIN_VALUE, -1, 99, 100, 255, 256, 299, 300, 1L << 32, Long.MAX_VALUE}) {
            long above = driver.newest().keySet().stream()
                    .filter(key -> (Long) key.values().getFirst() >= bound)
                    .count();
            assertEquals(above, count(running, Predicate.atLeast(schema, "k", bound)), () -> "from " + bound);
            assertEquals(200 - above, count(running, Predicate.lessThan(schema, "k", bound)), () -> "below " + bound);
        }
        running.engine().close();
    }

    /** KUDU-1767: writes of one session to one row, several batches at once, could take effect in another order. */
    @RepeatedTest(8)
    void batchesTakeEffectInTheOrderInWhichTheyWereHandedOver(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        List<WriteBatch> batches = new ArrayList<>();
        List<CompletableFuture<CommitResult>> results = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            WriteBatch batch = running.table().newBatch();
            ModelDriver.fill(batch.rows(), List.of(upsert(i)));
            batches.add(batch);
            results.add(batch.commitAsync());
            for (int step = random.nextInt(10); step > 0; step--) {
                running.host().step();
            }
        }
        running.host().await(() -> results.stream().allMatch(CompletableFuture::isDone));
        for (int i = 0; i < results.size(); i++) {
            driver.acknowledged(results.get(i).join(), List.of(upsert(i))); // Their times ascend.
        }
        batches.forEach(WriteBatch::close);
        driver.assertAgrees(running.table());
        running.engine().close();
    }

    /** KUDU-38: a restart replayed far more of the log than was not yet on disk. */
    @RepeatedTest(2)
    void whatIsFlushedIsNotKeptInTheLog(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        for (int i = 0; i < 40; i++) {
            commit(driver, running, driver.draw(new SplittableRandom(i), 200, true));
        }
        flush(running);
        running.engine().close();
        World.Running reopened = world.open();
        assertEquals(0, reopened.table().statistics().memoryBytes() - emptyBytes(), "rows were replayed");
        driver.assertAgrees(reopened.table());
        reopened.engine().close();
    }

    /** What a table without any rows in memory takes. */
    private static long emptyBytes() {
        var world = new World(new SplittableRandom(1));
        World.Running running = world.open();
        long bytes = running.table().statistics().memoryBytes();
        running.engine().close();
        return bytes;
    }

    private static ModelOperation row(int key, long number) {
        return ModelOperation.of(INSERT, key, Bytes.ofText("k"), number, Bytes.ofText("t" + number), 0.5);
    }

    private static ModelOperation upsert(long number) {
        return ModelOperation.of(UPSERT, 1, Bytes.ofText("k"), number, Bytes.ofText("t" + number), 0.5);
    }

    private static ModelOperation key(int key) {
        return ModelOperation.ofKey(DELETE, World.SCHEMA, key, Bytes.ofText("k"));
    }

    private static boolean isOf(Call call, Operation operation, String suffix) {
        return call.operation() == operation && call.fileName().endsWith(suffix);
    }

    private static long count(World.Running running, Predicate predicate) {
        long count = 0;
        try (Scan scan = running.table().scan().project().where(predicate).open()) {
            while (scan.next()) {
                count += scan.batch().rowCount();
            }
        }
        return count;
    }

    private static void commit(ModelDriver driver, World.Running running, List<ModelOperation> operations) {
        try (WriteBatch batch = running.table().newBatch()) {
            driver.commit(batch, operations);
        }
    }

    private static void flush(World.Running running) {
        CompletableFuture<Void> flush = running.table().flush();
        running.host().await(flush::isDone);
        flush.join();
    }

    /** Ends the engine as a power cut or the end of its process does, and opens another. */
    private static World.Running crash(World world, World.Running running, boolean isPower) {
        if (isPower) {
            world.disk().powerCut();
        } else {
            world.disk().killProcess();
        }
        assertThrows(RuntimeException.class, running.engine()::close);
        world.disk().restart();
        return world.open();
    }
}
