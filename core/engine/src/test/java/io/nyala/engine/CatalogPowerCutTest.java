package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.DiskException.Kind;
import io.nyala.memory.MemoryLeakException;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.LogStoppedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: whenever the power is cut while the storage log is written, checkpointed and forgotten, all tables that were
 * acknowledged are found with their rows, tablets and columns, a change is there as a whole or not at all, and the log
 * can be gone on with.
 * Method: tables are made, flushed, altered, renamed, dropped and recalled, with a checkpoint after every few edits;
 * the run is cut off at each of its calls on the storage log, opened again with another cut on the way up, and then to
 * stay.
 */
final class CatalogPowerCutTest {
    private static final int TABLES = 14;
    private static final int ROWS = 3;
    private static final long SPLIT = 2;

    /** So that a run has several checkpoints, each with more edits than fit between two. */
    private static final int EDITS_MAX = 4;

    /** Makes the edits so long that a checkpoint takes several sectors, and can be torn. */
    private static final String LONG_NAME = " with a name that is long".repeat(8);

    private static final int SAMPLE = 20;

    @Test
    void everyTableSurvivesAPowerCutAtAnyCallOnTheStorageLog(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        List<Long> calls = calls(seed).stream().map(Call::index).toList();
        assertTrue(calls.size() > 100, "the run has " + calls.size() + " calls on the storage log");
        for (int i = 0; i < SAMPLE; i++) {
            int from = calls.size() * i / SAMPLE;
            int to = calls.size() * (i + 1) / SAMPLE;
            cutAt(seed, calls.get(random.nextInt(from, to)), random);
        }
    }

    /**
     * KUDU-1377: the last record of a file of metadata was there in part, and the server did not start. Each repetition
     * has a seed of its own, which also says how much of the checkpoint is written.
     */
    @RepeatedTest(12)
    void everyTableSurvivesATornCheckpoint(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        List<Call> checkpoints = calls(seed).stream()
                .filter(call -> call.operation() == Operation.WRITE_DURABLE && call.bytes() > Disk.ALIGNMENT_BYTES)
                .toList();
        assertTrue(checkpoints.size() >= 2, "no write is as long as that of a checkpoint");
        var run = new Run(seed);
        Call torn = checkpoints.get(random.nextInt(checkpoints.size()));
        run.disk().failCall(torn.index(), Kind.IO_ERROR);
        assertTrue(run.untilFault(), "the run went on after its storage log failed");
        if (random.nextInt(4) == 0) {
            run.disk().powerCut();
            run.disk().restart();
        }
        run.check();
        run.goOn();
        run.check();
    }

    @Tag("soak")
    @RepeatedTest(10)
    void everyTableSurvivesAPowerCutAtAnyCallOnTheStorageLogSoak(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        for (Call call : calls(seed)) {
            cutAt(seed, call.index(), random);
        }
    }

    private static void cutAt(long seed, long call, SplittableRandom random) {
        var run = new Run(seed);
        try {
            run.disk().cutPowerAtCall(call);
            assertTrue(run.untilFault() || run.acknowledged.size() == TABLES);
            // On the way up the log is checkpointed too: it has to bear a cut there as well.
            run.disk().cutPowerAtCall(run.disk().callCount() + random.nextInt(60));
            run.openUntilPowerCut();
            run.disk().cutPowerAtCall(Long.MAX_VALUE);
            run.check();
            run.goOn();
            run.check();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "the power was cut at call " + call + " of the run with seed " + seed + ": " + e, e);
        }
    }

    /** The calls of an undisturbed run that concern the storage log. */
    private static List<Call> calls(long seed) {
        var run = new Run(seed);
        List<Call> calls = new ArrayList<>();
        run.disk().failNext(call -> note(call, calls), Kind.OTHER);
        assertFalse(run.untilFault());
        assertEquals(TABLES, run.acknowledged.size());
        List<Call> ofTheRun = List.copyOf(calls);
        run.check();
        return ofTheRun;
    }

    private static boolean note(Call call, List<Call> calls) {
        if (call.path().startsWith(World.DIRECTORY.resolve("storage"))) {
            calls.add(call);
        }
        return false; // It does not fail.
    }

    /** A table, and how far its story has come: what it is about to become counts as possible. */
    private static final class Made {
        private final String name;
        private boolean hasRows;
        private boolean mayBeAltered;
        private boolean isAltered;
        private boolean mayBeRenamed;
        private boolean isRenamed;
        private boolean mayBeDropped;
        private boolean mayBeGone;
        private boolean isGone;

        Made(String name) {
            this.name = name;
        }

        String newName() {
            return "new " + name;
        }

        /** Under whichever name it may have now, recalled if it may be dropped. */
        Optional<Table> find(Engine engine) {
            for (Table dropped : engine.droppedTables()) {
                if (mayBeDropped && dropped.name().equals(name)) {
                    return Optional.of(engine.recallTable(dropped.id()));
                }
            }
            Optional<Table> old = isRenamed ? Optional.empty() : engine.table(name);
            return old.isPresent() || !mayBeRenamed ? old : engine.table(newName());
        }

        void check(Engine engine) {
            Optional<Table> found = find(engine);
            if (mayBeGone && found.isEmpty()) {
                isGone = true;
                return;
            }
            assertFalse(isGone, () -> name + " is there again");
            Table table = found.orElseThrow(() -> new AssertionError("there is no " + name));
            boolean isNew = table.schema().columnCount() == 3;
            List<Long> ids = Numbers.ids(table.scan());
            List<Long> expected = Numbers.list(0, isNew ? SPLIT : ROWS); // The range of the others was dropped.
            assertTrue(ids.equals(expected) || (!hasRows && ids.isEmpty()), () -> name + " has " + ids);
            assertTrue(isNew ? mayBeAltered : !isAltered, () -> name + " has " + table.schema());
            assertEquals(isNew ? 3 : 2, table.partitions().size(), () -> name + " was altered in part");
        }
    }

    /** Makes tables, one after the other, and flushes the rows of each. The same seed makes the same calls. */
    private static final class Run {
        private final World world;
        private final List<Made> acknowledged = new ArrayList<>();

        Run(long seed) {
            world = new World(new SplittableRandom(seed)).withoutOwnFlushes().withCatalogEdits(EDITS_MAX);
        }

        SimulatedDisk disk() {
            return world.disk();
        }

        /** Answers whether there was one. */
        boolean untilFault() {
            boolean isFaulty = false;
            try {
                World.Running running = world.open();
                try {
                    while (acknowledged.size() < TABLES) {
                        makeTable(running);
                    }
                } finally {
                    closeDead(running);
                }
            } catch (RuntimeException e) {
                throwIfPowered(e); // Whatever a caller is told, it is because of the cut.
                isFaulty = true;
            }
            disk().restart();
            return isFaulty;
        }

        /** With power, only the write that failed on purpose may end a run: it was one of the storage log. */
        private void throwIfPowered(RuntimeException e) {
            if (e instanceof LogStoppedException || e.getCause() instanceof LogStoppedException) {
                return;
            }
            try {
                disk().exists(World.DIRECTORY);
            } catch (PowerCutException _) {
                return;
            }
            throw e;
        }

        private void makeTable(World.Running running) {
            Engine engine = running.engine();
            int number = acknowledged.size();
            var made = new Made("table " + number + LONG_NAME);
            var partitioning = PartitionSchema.of(Numbers.SCHEMA).range("id").build();
            Table table = engine.table(made.name)
                    .orElseGet(() -> engine.createTable(
                            TableSpec.of(made.name, partitioning).withRanges(partitioning.splitAt(SPLIT))));
            acknowledged.add(made);
            Numbers.insertRange(table, 0, ROWS);
            made.hasRows = true;
            Numbers.flush(running, table);
            change(engine, table, made, number % 5);
        }

        private static void change(Engine engine, Table table, Made made, int which) {
            switch (which) {
                case 1 -> {
                    RangePartition last = table.partitions().ranges().getLast();
                    PartitionSchema partitioning = table.partitions().schema();
                    made.mayBeAltered = true;
                    table.alter()
                            .addColumn(Column.of("more", ColumnType.INT64).defaultValue(1))
                            .dropRange(last)
                            .addRange(partitioning.between(SPLIT, 50L))
                            .addRange(partitioning.between(50L, null))
                            .commit();
                    made.isAltered = true;
                }
                case 2 -> {
                    made.mayBeRenamed = true;
                    table.alter().rename(made.newName()).comment("renamed").commit();
                    made.isRenamed = true;
                }
                case 3 -> {
                    made.mayBeDropped = true;
                    engine.dropTable(made.name, Duration.ofDays(1));
                    engine.recallTable(table.id());
                    made.mayBeDropped = false;
                }
                case 4 -> {
                    made.mayBeGone = true;
                    engine.dropTable(made.name);
                    made.isGone = true;
                }
                default -> {}
            }
        }

        void openUntilPowerCut() {
            try {
                World.Running running = world.open();
                closeDead(running); // It came up before the cut.
            } catch (PowerCutException _) {
                // As planned.
            }
            disk().restart();
        }

        /** Everything acknowledged is there; the table that was being made may be, and its rows may be. */
        void check() {
            World.Running running = world.open();
            acknowledged.forEach(made -> made.check(running.engine()));
            assertTrue(running.engine().tables().size() <= acknowledged.size() + 1);
            assertEquals(List.of(), running.engine().droppedTables());
            running.engine().close();
            assertEquals(0, disk().openFileCount());
        }

        void goOn() {
            World.Running running = world.open();
            for (int i = 0; i < 3; i++) {
                makeTable(running);
            }
            running.engine().close();
        }

        private static void closeDead(World.Running running) {
            try {
                running.engine().close();
            } catch (PowerCutException | IllegalStateException | MemoryLeakException _) {
                // What it can do without power does not matter.
            }
        }
    }
}
