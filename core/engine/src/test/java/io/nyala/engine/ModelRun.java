package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.memory.MemoryLeakException;
import io.nyala.rows.Schema;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.RandomSchema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.wal.Durability;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Some tables in one engine on a simulated host, and whatever can happen to them, step by step; after each step each
 * table is held against its model. A step depends on the seed and on its own number only, so that steps can be left out
 * of a run that failed; see {@link ModelRuns}.
 */
final class ModelRun {
    private static final long STEP_SEED = 0x9E3779B97F4A7C15L;
    private static final int TRACE_CHARS_MAX = 3_000;
    private static final int TABLES_MAX = 4;
    private static final int IN_FLIGHT_MAX = 4;

    private final long seed;
    private final boolean hasFaults;
    private final World world;
    private final List<TableRun> tables = new ArrayList<>();
    private final ModelScans scans = new ModelScans();
    private final List<Flush> flushes = new ArrayList<>();
    private final List<String> trace = new ArrayList<>();
    private World.Running running;
    private @Nullable TableRun doubtfulTable;
    private long durableTime;

    /** A call of the disk was made to fail, or there is no space: clear failures are as they should be. */
    private boolean isFaulty;

    /** The power will be cut at a call to come. */
    private boolean isArmed;

    ModelRun(long seed) {
        var random = new SplittableRandom(seed);
        this.seed = seed;
        this.hasFaults = random.nextBoolean();
        this.world = new World(random.split(), random.nextInt(4));
        this.running = world.open();
    }

    /** A flush that was asked for, and the time of the newest record that had been answered then. */
    private record Flush(CompletableFuture<Void> done, long time) {}

    /** What was done, in words. */
    List<String> trace() {
        return trace;
    }

    /** Calls of the disk so far, and the last of them: where two runs have parted, these differ. */
    String diskState() {
        return world.disk().callCount() + " calls, " + world.disk().trace().getLast();
    }

    long operationCount() {
        return tables.stream()
                .mapToLong(table -> table.driver().operationCount())
                .sum();
    }

    /** Does one step and looks at everything afterwards. */
    void step(int number) {
        var random = new SplittableRandom(seed + (number + 1) * STEP_SEED);
        guarded(() -> {
            if (tables.isEmpty()) {
                createTable(random);
            } else {
                act(random, number);
            }
        });
        guarded(() -> check(random));
    }

    /** Ends everything in order. */
    void end() {
        guarded(this::awaitAll);
        heal();
        guarded(() -> reopen(new SplittableRandom(seed)));
        heal(); // No power cut that was to come when it opened comes now.
        for (TableRun table : tables) {
            table.driver().assertAgrees(opened(table));
        }
        scans.close();
        running.engine().close();
        assertEquals(0, world.disk().openFileCount(), "files are left open");
    }

    private void act(SplittableRandom random, int number) {
        TableRun table = tables.get(random.nextInt(tables.size()));
        int kind = random.nextInt(hasFaults ? 100 : 94);
        if (kind < 45) {
            commit(random, number, table);
        } else if (kind < 60) {
            submit(random, number);
        } else if (kind < 66) {
            note(number, "some steps of the host");
            for (int i = random.nextInt(300); i > 0; i--) {
                running.host().step();
            }
        } else if (kind < 70) {
            note(number, "wait for all answers");
            awaitAll();
        } else if (kind < 77) {
            flush(number, table, kind < 73);
        } else if (kind < 85) {
            scan(random, number, table);
        } else if (kind < 87) {
            note(number, "close and open again");
            reopen(random);
        } else if (kind < 90) {
            boolean isPower = random.nextInt(3) > 0;
            for (int i = random.nextInt(4); i > 0; i--) {
                commit(random, number, table); // And nothing happens between the answer and the end.
            }
            note(number, isPower ? "power cut" : "the process is killed");
            crash(random, isPower);
        } else if (kind < 91) {
            note(number, "the power will be cut");
            isArmed = true;
            world.disk().cutPowerAtCall(world.disk().callCount() + random.nextInt(400));
        } else if (kind < 93) {
            passTime(random, number);
        } else if (kind < 94) {
            createTable(random);
        } else {
            fault(random, number, kind);
        }
    }

    // ---- Steps ----

    private void createTable(SplittableRandom random) {
        if (tables.size() == TABLES_MAX || doubtfulTable != null) {
            return;
        }
        String name = "t" + tables.size();
        Schema schema = RandomSchema.draw(random);
        int keyCount = random.nextInt(5) == 0 ? 2_500 : random.nextInt(4, 2 * ModelDriver.KEYS);
        var driver = new ModelDriver(random.split(), name, schema, keyCount);
        var table = new TableRun(driver, time -> durableTime = Math.max(durableTime, time), this::expect);
        note(-1, "create table " + name + " with " + schema);
        doubtfulTable = table; // Until it is known whether the catalog has it.
        running.engine().createTable(name, schema);
        adoptTable();
    }

    private void adoptTable() {
        TableRun table = doubtfulTable;
        if (table != null) {
            doubtfulTable = null;
            if (running.engine().table(table.driver().tableName()).isPresent()) {
                tables.add(table);
            }
        }
    }

    private void commit(SplittableRandom random, int number, TableRun table) {
        if (table.inFlightCount() < IN_FLIGHT_MAX) {
            hand(random, number, table, isArmed || isFaulty || table.inFlightCount() > 0);
        }
        running.host().await(() -> {
            table.settle();
            return table.inFlightCount() == 0;
        });
    }

    private void submit(SplittableRandom random, int number) {
        for (int i = random.nextInt(1, 2 * IN_FLIGHT_MAX); i > 0; i--) {
            TableRun table = tables.get(random.nextInt(tables.size()));
            if (table.inFlightCount() < IN_FLIGHT_MAX) {
                hand(random, number, table, true);
            }
        }
    }

    private void hand(SplittableRandom random, int number, TableRun table, boolean insertsOnly) {
        boolean isMany = random.nextInt(table.driver().hasManyKeys() ? 2 : 24) == 0;
        int count = isMany ? random.nextInt(100, 900) : random.nextInt(1, 30);
        List<ModelOperation> operations = table.driver().draw(random, count, insertsOnly);
        Durability durability = random.nextInt(4) == 0 ? Durability.WRITTEN : Durability.SYNC;
        note(number, "commit " + durability + " to " + table.driver().tableName() + " " + operations);
        table.submit(opened(table), operations, durability);
    }

    private void awaitAll() {
        running.host().await(() -> {
            settle();
            return flushes.isEmpty() && tables.stream().allMatch(table -> table.inFlightCount() == 0);
        });
    }

    private void flush(int number, TableRun table, boolean isAwaited) {
        note(number, "flush " + table.driver().tableName() + (isAwaited ? " and wait" : ""));
        var flush = new Flush(opened(table).flush(), table.recordTime());
        flushes.add(flush);
        if (isAwaited) {
            running.host().await(flush.done()::isDone);
        }
    }

    /** Begins a scan that stays open, or goes on with one. */
    private void scan(SplittableRandom random, int number, TableRun table) {
        if (scans.hasRoom() && random.nextBoolean()) {
            if (table.driver().hasManyKeys() || random.nextBoolean()) {
                scanUnderFlush(random, number, table);
            } else {
                openScan(random, number, table);
            }
        } else if (!scans.isEmpty()) {
            ModelScan scan = scans.any(random);
            note(number, "go on with the " + scan);
            scans.goOn(scan, random.nextBoolean() ? ModelScans.TO_END : scan.rowCount() + 1);
        }
    }

    private ModelScan openScan(SplittableRandom random, int number, TableRun table) {
        ModelScan scan = scans.open(random, table.driver(), opened(table));
        note(number, "open a " + scan);
        settle(); // A snapshot waits for batches on their way.
        return scan;
    }

    /** The scan is in the middle of the rows in memory, or just behind them, when they move to disk. */
    private void scanUnderFlush(SplittableRandom random, int number, TableRun table) {
        commit(random, number, table); // Or there may be none.
        ModelScan scan = openScan(random, number, table);
        int all = Math.max(1, scan.expectedCount());
        int some = random.nextBoolean() ? all : random.nextInt(1, all + 1);
        note(number, "read " + some + " rows of it");
        scans.goOn(scan, some);
        flush(number, table, true);
        if (random.nextBoolean()) {
            note(number, "read it to its end");
            scans.goOn(scan, ModelScans.TO_END);
        }
    }

    private void passTime(SplittableRandom random, int number) {
        long micros = random.nextInt(10_000_000);
        if (random.nextBoolean()) {
            note(number, "time passes");
            world.clock().advanceMicros(micros);
        } else {
            note(number, "the clock is set");
            world.clock().stepWallClock(random.nextBoolean() ? -micros : micros);
        }
    }

    private void fault(SplittableRandom random, int number, int kind) {
        SimulatedDisk disk = world.disk();
        if (isFaulty) {
            note(number, "the disk is well again");
            heal();
            reopen(random);
        } else if (kind < 96) {
            int pollsMax = random.nextBoolean() ? SimulatedDisk.DELAY_POLLS : random.nextInt(5, 60);
            note(number, "transfers take up to " + pollsMax + " polls");
            disk.delayTransfers(pollsMax);
        } else if (kind < 98) {
            note(number, "the disk is nearly full");
            isFaulty = true;
            disk.noSpaceAfter(random.nextInt(400_000));
        } else {
            Operation[] operations = Operation.values();
            Operation operation = operations[random.nextInt(operations.length)];
            Kind failure = random.nextInt(4) == 0 ? Kind.NO_SPACE : Kind.IO_ERROR;
            note(number, "the next " + operation + " fails, " + failure);
            isFaulty = true;
            disk.failNext(operation, failure);
        }
    }

    private void heal() {
        world.disk().unlimitSpace();
        world.disk().forgetFailures();
        isArmed = false;
    }

    // ---- Ends and beginnings ----

    /** Ends the engine as a program would, and opens another. */
    private void reopen(SplittableRandom random) {
        awaitAll();
        scans.close();
        try {
            running.engine().close();
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            expect(e); // A failed log cannot be sealed; everything is closed nevertheless.
        }
        begin(random, Long.MAX_VALUE);
    }

    private void crash(SplittableRandom random, boolean isPower) {
        settle();
        boolean isCut = isPower || world.disk().isOff(); // A cut that was planned may have come before.
        if (isPower) {
            world.disk().powerCut();
        } else {
            world.disk().killProcess();
        }
        restart(random, isCut ? durableTime : Long.MAX_VALUE);
    }

    /** The engine is dead; what it held is given back, and another one is opened. */
    private void restart(SplittableRandom random, long survivingTime) {
        scans.close();
        tables.forEach(TableRun::engineDied);
        flushes.clear();
        closeDead();
        world.disk().forgetFailures();
        isArmed = false;
        world.disk().restart();
        begin(random, survivingTime);
    }

    /** Opens an engine, perhaps with another power cut on the way, and finds out what is there. */
    private void begin(SplittableRandom random, long survivingAtFirst) {
        long survivingTime = survivingAtFirst;
        while (true) {
            if (random.nextInt(3) == 0) {
                isArmed = true;
                world.disk().cutPowerAtCall(world.disk().callCount() + random.nextInt(300));
            }
            boolean isOpen = false;
            try {
                running = world.open();
                isOpen = true;
                if (isFaulty && isAnyRowSetMissing()) {
                    running.engine().close(); // It was set aside when it could not be read, but is well now.
                    continue;
                }
                find(survivingTime);
                if (isFaulty) {
                    isFaulty = false;
                    heal();
                }
                return;
            } catch (PowerCutException _) {
                survivingTime = Math.min(survivingTime, durableTime); // What outlived its process may not outlive this.
                if (isOpen) {
                    closeDead();
                }
                isArmed = false;
                world.disk().forgetFailures();
                world.disk().restart();
            } catch (RuntimeException e) {
                expect(e);
                if (isOpen) {
                    throw e;
                }
                heal(); // A failure while opening must not be in the way of the next try.
            }
        }
    }

    private boolean isAnyRowSetMissing() {
        return running.engine().tables().stream()
                .anyMatch(table -> !table.missingRowSets().isEmpty());
    }

    /** What survived is a beginning of the log: of two tables neither lost what was before something in the other. */
    private void find(long survivingTime) {
        adoptTable();
        long newestKept = 0;
        long oldestLost = Long.MAX_VALUE;
        for (TableRun table : tables) {
            ModelRecovery.Found found = table.recover(opened(table), survivingTime);
            newestKept = Math.max(newestKept, found.newestKept());
            oldestLost = Math.min(oldestLost, found.oldestLost());
        }
        assertTrue(newestKept < oldestLost, "the log was cut, but something later has survived");
        tables.forEach(table -> table.allIsDurable(opened(table)));
    }

    /** Gives the memory of an engine back whose disk is gone; it cannot close in order. */
    private void closeDead() {
        try {
            running.engine().close();
        } catch (PowerCutException
                | IllegalStateException
                | MemoryLeakException
                | DiskException
                | LogStoppedException _) {
            // As expected: logs cannot be sealed, batches are still open.
        }
    }

    /** Gives everything back after something was wrong. */
    void abandon() {
        if (!world.disk().isOff()) {
            world.disk().killProcess();
        }
        scans.close();
        closeDead();
    }

    // ---- Afterwards ----

    private void check(SplittableRandom random) {
        settle();
        tables.forEach(this::assertAgrees);
        if (!tables.isEmpty()) {
            TableRun table = tables.get(random.nextInt(tables.size()));
            try (ModelScan scan = ModelScan.open(random, table.driver(), opened(table))) {
                settle(); // A snapshot waits for batches on their way.
                scan.finish();
            }
        }
    }

    private void assertAgrees(TableRun table) {
        try {
            table.driver().assertAgrees(opened(table));
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            expect(e);
            table.driver().assertAgrees(opened(table)); // One call was to fail, no more.
        }
    }

    /** Takes all answers that have come. */
    private void settle() {
        tables.forEach(TableRun::settle);
        for (Flush flush : List.copyOf(flushes)) {
            if (flush.done().isDone()) {
                flushes.remove(flush);
                if (flush.done().isCompletedExceptionally()) {
                    expect(TableRun.failure(flush.done()));
                } else {
                    durableTime = Math.max(durableTime, flush.time());
                }
            }
        }
    }

    /** Does something, and whatever comes of it that may come of it. */
    private void guarded(Runnable action) {
        try {
            action.run();
        } catch (PowerCutException e) {
            if (!world.disk().isOff()) {
                throw e;
            }
        } catch (RuntimeException e) {
            expect(e);
        }
        if (world.disk().isOff()) {
            tables.forEach(TableRun::settle);
            restart(new SplittableRandom(seed), durableTime);
        }
    }

    /** A failure is one that may happen now, and is clear: it names the disk's, or says to come back later. */
    private void expect(RuntimeException failure) {
        boolean mayFail = isFaulty || world.disk().isOff();
        boolean isClear = (failure instanceof PowerCutException && world.disk().isOff())
                || failure instanceof DiskException
                || failure instanceof LogStoppedException
                || failure instanceof LogFullException
                || failure instanceof TabletBusyException
                || failure instanceof TabletClosedException
                || failure instanceof EngineOpenException;
        if (!mayFail || !isClear) {
            throw new AssertionError((mayFail ? "not a clear failure: " : "nothing should fail: ") + failure, failure);
        }
    }

    private Table opened(TableRun table) {
        return table.driver().table(running.engine());
    }

    private void note(int number, String what) {
        trace.add(
                number + ": " + (what.length() > TRACE_CHARS_MAX ? what.substring(0, TRACE_CHARS_MAX) + "..." : what));
    }
}
