package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.io.HugePageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedClock;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.TabletBusyException;
import io.nyala.testkit.Seed;
import io.nyala.wal.LogStoppedException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Goal: when maintenance fails, all who wait for it hear why, the engine says so until it works again, and what was
 * acknowledged is still there; when it ends by a mistake of ours, nobody waits for ever either.
 * Method: a disk whose calls fail, or throw an error that no disk throws; a simulated host, and one with threads, since
 * only there an agent ends.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MaintenanceFailureTest {
    private static final EngineConfig CONFIG = World.config().withFlushBytes(1 << 20);

    private static final Path ROWSETS = World.DIRECTORY.resolve("rowsets");

    private static boolean isNewRowSet(Call call) {
        return call.operation() == Operation.CREATE && call.fileName().endsWith(".rowset");
    }

    /** What it was, and rows that come later, could be lost with it: the change may be on disk all the same. */
    @Test
    void aTableTakesNoWritesWhenItIsNotKnownWhetherItsChangeHolds(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open();
        Table altered = running.engine().createTable("altered", Numbers.SCHEMA);
        Table other = running.engine().createTable("other", Numbers.SCHEMA);
        Numbers.insertRange(altered, 0, 100);
        Numbers.insertRange(other, 0, 100);
        Numbers.flush(running, altered);
        world.disk().failNext(MaintenanceFailureTest::isStorageRecord, Kind.IO_ERROR);
        AlterTable change =
                altered.alter().addColumn(Column.of("more", ColumnType.INT64).nullable());
        assertThrows(LogStoppedException.class, change::commit);
        assertThrows(LogStoppedException.class, () -> Numbers.insertRange(altered, 100, 200));
        assertEquals(Numbers.list(0, 100), Numbers.ids(altered.scan()));
        assertThrows(LogStoppedException.class, () -> running.engine().dropTable("other"));
        assertThrows(LogStoppedException.class, () -> Numbers.insertRange(other, 100, 200));
        running.engine().close();
        World.Running reopened = world.open();
        Numbers.insertRange(reopened.engine().table("other").orElseThrow(), 100, 200);
        reopened.engine().close();
    }

    private static boolean isStorageRecord(Call call) {
        return call.operation() == Operation.WRITE_DURABLE
                && call.path().startsWith(World.DIRECTORY.resolve("storage"));
    }

    private static boolean isLogRecord(Call call) {
        return call.operation() == Operation.WRITE_DURABLE && call.path().startsWith(World.DIRECTORY.resolve("wal"));
    }

    @Test
    void aFlushThatFailsIsToldToAllWhoWaitAndSaidUntilOneWorks(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(CONFIG);
        Engine engine = running.engine();
        Table failing = engine.createTable("failing", Numbers.SCHEMA);
        Table other = engine.createTable("other", Numbers.SCHEMA);
        Numbers.insertRange(failing, 0, 100);
        Numbers.insertRange(other, 0, 100);
        assertEquals(List.of(), engine.failures());

        world.disk().failNext(MaintenanceFailureTest::isNewRowSet, Kind.NO_SPACE);
        List<CompletableFuture<Void>> flushes = List.of(failing.flush(), failing.flush());
        running.host().await(() -> flushes.stream().allMatch(CompletableFuture::isDone));
        RuntimeException first = ModelWrites.failure(flushes.get(0));
        assertEquals(Kind.NO_SPACE, assertInstanceOf(DiskException.class, first).kind());
        assertSame(first, ModelWrites.failure(flushes.get(1)));
        assertEquals(List.of(first), engine.failures());

        Numbers.flush(running, other);
        assertEquals(List.of(first), engine.failures(), "of another tablet");
        assertEquals(Numbers.list(0, 100), Numbers.ids(failing.scan()));
        Numbers.insertRange(failing, 100, 200);
        Numbers.flush(running, failing);
        assertEquals(List.of(), engine.failures());
        assertEquals(Numbers.list(0, 200), Numbers.ids(failing.scan()));
        engine.close();
    }

    /** It was tried again by each batch that came, before all others, since it had most in memory. */
    @Test
    void aTabletWhoseFlushesFailBacksOffAndHoldsUpNoOther(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(CONFIG);
        Engine engine = running.engine();
        Table failing = engine.createTable("failing", Numbers.SCHEMA);
        Table other = engine.createTable("other", Numbers.SCHEMA);
        long failingId = failing.tablets().getFirst().id();
        var isFull = new AtomicBoolean(true);
        var attempts = new AtomicInteger();
        world.disk()
                .failNext(
                        call -> {
                            if (isNewRowSet(call)
                                    && isFull.get()
                                    && engine.view().flushingTablet().orElse(0) == failingId) {
                                attempts.incrementAndGet();
                                throw DiskException.of("create", call.path(), Kind.NO_SPACE, "planned");
                            }
                            return false;
                        },
                        Kind.OTHER);
        long next = fillUntilBusy(failing);
        long begin = world.clock().micros();
        for (int i = 0; i < 50; i++) {
            assertThrows(TabletBusyException.class, () -> Numbers.insertRange(failing, 1_000_000, 1_000_500));
        }
        double seconds = (world.clock().micros() - begin) / 1e6;
        assertTrue(attempts.get() <= 8 + seconds, () -> attempts + " attempts, 50 of them in " + seconds + " s");
        assertEquals(Kind.NO_SPACE, ((DiskException) engine.failures().getFirst()).kind());
        Numbers.insertRange(other, 0, 100);
        Numbers.flush(running, other);

        isFull.set(false);
        world.clock().advanceMicros(10_000_000);
        running.host().await(() -> failing.statistics().rowSetCount() > 0); // Nobody has to ask for it.
        running.host().await(() -> engine.failures().isEmpty());
        assertEquals(Numbers.list(0, next), Numbers.ids(failing.scan()));
        engine.close();
    }

    private static long fillUntilBusy(Table table) {
        for (long next = 0; ; next += 500) {
            try {
                Numbers.insertRange(table, next, next + 500);
            } catch (TabletBusyException _) {
                return next;
            }
        }
    }

    @Test
    void aDeltaFileThatCannotBeOpenedLeavesNoFile(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(CONFIG);
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, 100);
        Numbers.flush(running, table);
        int before = world.disk().list(ROWSETS).size();
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.DELETE).setLong(0, 7).end();
            batch.commit().orThrow();
        }
        for (int i = 0; i < 3; i++) {
            world.disk()
                    .failNext(
                            call -> call.operation() == Operation.OPEN
                                    && call.fileName().endsWith(".rowset"),
                            Kind.IO_ERROR);
            CompletableFuture<Void> flush = table.flush();
            running.host().await(flush::isDone);
            assertInstanceOf(DiskException.class, ModelWrites.failure(flush));
            assertEquals(before, world.disk().list(ROWSETS).size(), "files, one of them of no use");
            assertEquals(99, Numbers.ids(table.scan()).size());
        }
        Numbers.flush(running, table);
        assertEquals(before + 1, world.disk().list(ROWSETS).size());
        assertEquals(99, Numbers.ids(table.scan()).size());
        running.engine().close();
    }

    @Test
    void aLogThatHasFailedIsSaid(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(CONFIG);
        Engine engine = running.engine();
        Table table = engine.createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, 100);
        world.disk().failNext(MaintenanceFailureTest::isLogRecord, Kind.IO_ERROR);
        assertThrows(LogStoppedException.class, () -> Numbers.insertRange(table, 100, 200));
        assertInstanceOf(LogStoppedException.class, engine.failures().getFirst());
        CompletableFuture<Void> flush = table.flush();
        running.host().await(flush::isDone);
        assertInstanceOf(LogStoppedException.class, ModelWrites.failure(flush));
        assertEquals(Numbers.list(0, 100), Numbers.ids(table.scan()));
        engine.close();

        running = world.open(CONFIG);
        assertEquals(List.of(), running.engine().failures());
        Table found = running.engine().table("t").orElseThrow();
        assertEquals(Numbers.list(0, 100), Numbers.ids(found.scan()).subList(0, 100));
        running.engine().close();
    }

    @Test
    void anErrorEndsMaintenanceAndNobodyWaitsForIt(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.blockWhenIdle();
        var error = new AssertionError("planned");
        Engine engine = open(disk);
        Table table = engine.createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, 100);
        disk.failNext(
                call -> {
                    if (isNewRowSet(call)) {
                        throw error;
                    }
                    return false;
                },
                Kind.OTHER);
        MaintenanceFailedException failure = ended(table.flush());
        assertSame(error, failure.getCause());
        assertSame(failure, ended(table.flush()), "who comes later hears the same");
        assertSame(failure, engine.failures().getFirst());

        Numbers.insertRange(table, 100, 200); // Writes and reads go on.
        assertEquals(Numbers.list(0, 200), Numbers.ids(table.scan()));
        long acknowledged = fillMemory(table, 200, failure);
        assertEquals(Numbers.list(0, acknowledged), Numbers.ids(table.scan()));
        engine.close();

        disk.forgetFailures();
        engine = open(disk);
        table = engine.table("t").orElseThrow();
        assertEquals(Numbers.list(0, acknowledged), Numbers.ids(table.scan()));
        table.flush().join();
        assertEquals(List.of(), engine.failures());
        assertEquals(Numbers.list(0, acknowledged), Numbers.ids(table.scan()));
        engine.close();
        assertEquals(0, disk.openFileCount());
    }

    private static Engine open(SimulatedDisk disk) {
        var environment = new EngineEnvironment(
                disk, new SimulatedClock().microsSource(), HugePageSource.orJdk(), new ThreadHost("test-"));
        return Engine.open(CONFIG, environment);
    }

    private static MaintenanceFailedException ended(CompletableFuture<Void> flush) {
        CompletionException thrown = assertThrows(CompletionException.class, flush::join);
        return assertInstanceOf(MaintenanceFailedException.class, thrown.getCause());
    }

    /** Writes until there is no memory, which is refused and not waited for; answers the id behind the last. */
    private static long fillMemory(Table table, long from, MaintenanceFailedException reason) {
        long next = from;
        while (true) {
            long first = next;
            try {
                Numbers.insert(table, LongStream.range(first, first + 500).toArray())
                        .orThrow();
            } catch (TabletBusyException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("none will be freed"), e::getMessage);
                assertSame(reason, e.getCause());
                return next;
            }
            next += 500;
            assertTrue(next < 1_000_000, "memory has no end");
        }
    }

    @Test
    void closingWhileAFlushIsUnderWayTellsWhoWaits(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(CONFIG);
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, 100);
        running.host().suspendUntil("maintenance", () -> false);
        CompletableFuture<Void> flush = table.flush();
        assertNull(flush.getNow(null));
        running.engine().close();
        assertInstanceOf(EngineClosedException.class, ModelWrites.failure(flush));
    }
}
