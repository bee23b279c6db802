package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.HugePageSource;
import io.nyala.rows.OperationKind;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedClock;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.Tablet;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: several workers merge as many tablets at a time, and no flush waits for any of them; one that ends, or
 * whose tablet is dropped, holds up nobody.
 * Method: workers of a simulated host that are held in the middle of a merge; and, where one is to die, on threads.
 */
final class MaintenanceWorkersTest {
    private static final long BYTES_PER_SECOND = 1 << 16;
    private static final long STUCK_MICROS = 61_000_000;
    private static final long ROWS = 6_000; // A merge takes a step for each thousand of them.

    private static Table overlapping(Engine engine, String name, Consumer<Table> flush) {
        Table table = engine.createTable(name, Numbers.SCHEMA);
        for (int i = 0; i < 2; i++) {
            int first = i;
            Numbers.insert(
                            table,
                            LongStream.range(0, ROWS)
                                    .filter(id -> id % 2 == first)
                                    .toArray())
                    .orThrow();
            flush.accept(table);
        }
        return table;
    }

    private static Tablet tablet(Table table) {
        return table.state().tablets().getFirst().tablet();
    }

    private static int rowSets(Table table) {
        return table.statistics().rowSetCount();
    }

    private static EngineConfig config(int workers) {
        return World.config()
                .withFlushBytes(8 << 20)
                .withLogSegmentBytes(16 << 20)
                .withMaintenanceWorkers(workers);
    }

    @Test
    void tabletsAreMergedSideBySideAndFlushedMeanwhile(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(config(3));
        Engine engine = running.engine();
        List<Table> tables = Stream.of("a", "b", "c")
                .map(name -> overlapping(engine, name, table -> Numbers.flush(running, table)))
                .toList();
        List<CompletableFuture<?>> merges =
                tables.stream().<CompletableFuture<?>>map(Table::compact).toList();
        running.host()
                .await(() -> tables.stream()
                                .filter(table -> tablet(table).merging().isRunning())
                                .count()
                        == 2);
        var mayGoOn = new AtomicBoolean();
        running.host().suspendUntil("maintenance-1", mayGoOn::get);
        running.host().suspendUntil("maintenance-2", mayGoOn::get);
        for (Table table : tables) {
            boolean isMerging = tablet(table).merging().isRunning();
            Numbers.insertRange(table, ROWS, ROWS + 10);
            CompletableFuture<Void> flush = table.flush();
            running.host().await(() -> rowSets(table) == 3);
            if (isMerging) {
                assertFalse(flush.isDone(), "changes of what is merged are flushed after it");
            } else {
                running.host().await(flush::isDone);
            }
        }
        mayGoOn.set(true);
        running.host().await(() -> merges.stream().allMatch(CompletableFuture::isDone));
        merges.forEach(CompletableFuture::join);
        for (Table table : tables) {
            assertTrue(rowSets(table) <= 2, () -> rowSets(table) + " rowsets");
            assertEquals(Numbers.list(0, ROWS + 10), Numbers.ids(table.scan()));
        }
        engine.close();
    }

    @Test
    void aTableCanBeDroppedWhoseMergeAWorkerHas(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(config(2));
        Table table = overlapping(running.engine(), "t", each -> Numbers.flush(running, each));
        CompletableFuture<?> merge = table.compact();
        running.host().await(() -> tablet(table).merging().isRunning());
        var mayGoOn = new AtomicBoolean();
        running.host().suspendUntil("maintenance-1", mayGoOn::get);
        running.engine().dropTable("t");
        for (int i = 0; i < 1_000; i++) {
            running.host().step();
        }
        Path rowSets = World.DIRECTORY.resolve("rowsets");
        assertFalse(world.disk().list(rowSets).isEmpty(), "it was taken down under the hands of a worker");
        mayGoOn.set(true);
        running.host().await(merge::isDone);
        assertTrue(merge.isCompletedExceptionally());
        running.host()
                .await(() ->
                        world.disk().list(World.DIRECTORY.resolve("rowsets")).isEmpty());
        running.engine().close();
    }

    /** As many at a time as there are workers for them: all together keep to the limit, and come near it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void mergesKeepToTheirBytesAndFlushesDoNotWait(int workers, @Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(config(workers).withMergeBytesPerSecond(BYTES_PER_SECOND));
        Engine engine = running.engine();
        List<Table> tables = IntStream.rangeClosed(1, Math.max(1, workers - 1))
                .mapToObj(i -> overlapping(engine, "t" + i, each -> Numbers.flush(running, each)))
                .toList();
        Table other = engine.createTable("other", Numbers.SCHEMA);
        long begin = world.clock().micros();
        List<CompletableFuture<?>> merges =
                tables.stream().<CompletableFuture<?>>map(Table::compact).toList();
        running.host()
                .await(() -> tables.stream()
                        .allMatch(table -> tablet(table).merging().isRunning()));
        running.host().await(() -> counter(engine, "pauses of merges") > 0);
        Numbers.insertRange(other, 0, 10);
        Numbers.flush(running, other);
        assertTrue(merges.stream().noneMatch(CompletableFuture::isDone));
        running.host().await(() -> merges.stream().allMatch(CompletableFuture::isDone));
        merges.forEach(CompletableFuture::join);
        double seconds = (world.clock().micros() - begin) / 1e6;
        long bytes = counter(engine, "bytes read by merges") + counter(engine, "bytes written by merges");
        assertEquals(BYTES_PER_SECOND, bytes / seconds, 0.2 * BYTES_PER_SECOND, () -> bytes + " bytes in " + seconds);
        engine.close();
    }

    private static long counter(Engine engine, String label) {
        Long count = engine.view().counters().get(label);
        assertNotNull(count, () -> "there is no counter of " + label);
        return count;
    }

    /** The rows that it has merged would be there twice. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aMergeWhoseWorkerHangsIsDoneByAnotherOne(int workers, @Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(config(workers));
        Table table = overlapping(running.engine(), "t", each -> Numbers.flush(running, each));
        var hasHung = new AtomicBoolean();
        world.disk()
                .failNext(
                        call -> {
                            if (isNewRowSet(call) && !hasHung.getAndSet(true)) {
                                world.clock().advanceMicros(STUCK_MICROS);
                                running.host().await(() -> rowSets(table) == 1);
                                String told = running.engine().failures().toString();
                                assertTrue(told.contains("was taken from its worker"), told);
                            }
                            return false;
                        },
                        DiskException.Kind.OTHER);
        CompletableFuture<?> merge = table.compact();
        running.host().await(() -> merge.isDone() && !tablet(table).merging().isInUse());
        merge.join();
        assertTrue(hasHung.get());
        assertEquals(1, rowSets(table));
        assertEquals(Numbers.list(0, ROWS), Numbers.ids(table.scan()));
        Path rowSets = World.DIRECTORY.resolve("rowsets");
        running.host().await(() -> world.disk().list(rowSets).size() == 1);
        Numbers.insertRange(table, ROWS, ROWS + 10);
        Numbers.flush(running, table);
        CompletableFuture<?> next = table.compact();
        running.host().await(next::isDone);
        next.join();
        assertEquals(List.of(), running.engine().failures());
        running.engine().close();
    }

    /** Its memory would never be free again, and the log never be shorter. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aFlushWhoseWorkerHangsIsDoneByAnotherOne(int workers, @Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(config(workers));
        Engine engine = running.engine();
        Table table = engine.createTable("t", Numbers.SCHEMA);
        Table other = engine.createTable("other", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, ROWS);
        hangOnce(world, () -> {
            running.host().await(() -> rowSets(table) == 1 && !tablet(table).hasRowsInMemory());
            String told = String.valueOf(engine.failures().getFirst().getMessage());
            assertTrue(told.contains("while it flushes tablet " + tablet(table).id()), told);
            Numbers.insertRange(other, 0, 10);
            Numbers.flush(running, other);
        });
        CompletableFuture<Void> flush = table.flush();
        running.host().await(() -> flush.isDone() && engine.failures().isEmpty());
        flush.join();
        assertEquals(1, rowSets(table));
        assertEquals(Numbers.list(0, ROWS), Numbers.ids(table.scan()));
        Path rowSets = World.DIRECTORY.resolve("rowsets");
        running.host().await(() -> world.disk().list(rowSets).size() == 2);

        deleteFirst(table);
        hangOnce(world, () -> running.host().await(() -> !tablet(table).hasRowsInMemory()));
        Numbers.flush(running, table);
        running.host().await(() -> engine.failures().isEmpty());
        assertEquals(Numbers.list(1, ROWS), Numbers.ids(table.scan()));
        running.host().await(() -> world.disk().list(rowSets).size() == 3);
        Numbers.insertRange(table, ROWS, ROWS + 10);
        Numbers.flush(running, table);
        engine.close();
    }

    private static void deleteFirst(Table table) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.DELETE).setLong(0, 0).end();
            batch.commit().orThrow();
        }
    }

    /** The next file of rows or changes takes too long to be made; {@code meanwhile} others go on. */
    private static void hangOnce(World world, Runnable meanwhile) {
        var hasHung = new AtomicBoolean();
        world.disk()
                .failNext(
                        call -> {
                            if (isNewRowSet(call) && !hasHung.getAndSet(true)) {
                                world.clock().advanceMicros(STUCK_MICROS);
                                meanwhile.run();
                            }
                            return false;
                        },
                        DiskException.Kind.OTHER);
    }

    /** Each that takes the place of another one has memory: there is an end to it, and it is told. */
    @Test
    void whereAllHangThisIsToldAndOneThatComesBackGoesOn(@Seed SplittableRandom random) {
        var world = new World(random);
        World.Running running = world.open(config(1));
        Engine engine = running.engine();
        Table table = engine.createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, 100);
        var hung = new AtomicInteger();
        var isAnswering = new AtomicBoolean();
        CompletableFuture<Void> flush = table.flush(); // It begins below.
        Runnable hang = () -> {
            world.clock().advanceMicros(STUCK_MICROS);
            if (hung.incrementAndGet() < 4) { // Each within the one before, since there is one thread.
                running.host().await(isAnswering::get);
                return;
            }
            world.clock().advanceMicros(STUCK_MICROS);
            for (int i = 0; i < 10_000; i++) {
                running.host().step();
            }
            List<String> told = engine.failures().stream()
                    .map(failure -> String.valueOf(failure.getMessage()))
                    .toList();
            assertEquals(4, told.size(), told::toString);
            assertTrue(told.getLast().contains("no other worker can take its place"), told::toString);
            assertFalse(flush.isDone());
            isAnswering.set(true);
        };
        world.disk()
                .failNext(
                        call -> {
                            if (isNewRowSet(call) && !isAnswering.get()) {
                                hang.run();
                            }
                            return false;
                        },
                        DiskException.Kind.OTHER);
        running.host().await(() -> flush.isDone() && engine.failures().isEmpty());
        flush.join();
        assertEquals(4, hung.get());
        assertEquals(1, rowSets(table));
        assertEquals(Numbers.list(0, 100), Numbers.ids(table.scan()));
        Path rowSets = World.DIRECTORY.resolve("rowsets");
        running.host().await(() -> world.disk().list(rowSets).size() == 1);
        engine.close();
    }

    @Test
    void aWorkerThatFailsEndsAlone(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.blockWhenIdle();
        var environment = new EngineEnvironment(
                disk, new SimulatedClock().microsSource(), HugePageSource.orJdk(), new ThreadHost("test-"));
        Engine engine = Engine.open(config(3), environment);
        Table table = overlapping(engine, "t", each -> each.flush().join());
        var error = new AssertionError("planned");
        failNextRowSet(disk, error);
        MaintenanceFailedException first = failed(table.compact());
        assertSame(error, first.getCause());
        assertSame(first, engine.failures().getFirst());
        table.compact().join(); // By the other one.
        assertEquals(1, rowSets(table));

        Numbers.insert(table, -1, ROWS).orThrow(); // All other keys lie between them.
        table.flush().join();
        failNextRowSet(disk, error);
        failed(table.compact());
        MaintenanceFailedException last = failed(table.compact());
        assertSame(error, last.getCause(), "there is nobody left");
        Numbers.insertRange(table, ROWS + 1, ROWS + 20);
        table.flush().join();
        assertFalse(tablet(table).merging().isRunning());
        assertEquals(3, rowSets(table));
        assertEquals(Numbers.list(-1, ROWS + 20), Numbers.ids(table.scan()));
        engine.close();
        assertEquals(0, disk.openFileCount());
    }

    private static boolean isNewRowSet(Call call) {
        return call.operation() == Operation.CREATE && call.fileName().endsWith(".rowset");
    }

    private static void failNextRowSet(SimulatedDisk disk, Error error) {
        var hasFailed = new AtomicBoolean();
        disk.failNext(
                call -> {
                    if (isNewRowSet(call) && !hasFailed.getAndSet(true)) {
                        throw error;
                    }
                    return false;
                },
                DiskException.Kind.OTHER);
    }

    private static MaintenanceFailedException failed(CompletableFuture<?> compaction) {
        try {
            compaction.join();
        } catch (CompletionException e) {
            return assertInstanceOf(MaintenanceFailedException.class, e.getCause());
        }
        throw new AssertionError("it was merged");
    }
}
