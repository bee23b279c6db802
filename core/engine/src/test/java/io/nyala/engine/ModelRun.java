package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.engine.ModelRequests.Request;
import io.nyala.engine.ModelTally.Kind;
import io.nyala.memory.AccountUsage;
import io.nyala.simulation.PowerCutException;
import io.nyala.wal.Durability;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Some tables in one engine on a simulated host, and whatever can happen to them, step by step: batches one by one and
 * many at a time, scans that stay open, flushes, changes of the catalog, ends of all kinds, faults. After each step the
 * catalog and each table that something was done to are held against the model. A step depends on the seed and on its
 * own number only, so that steps can be left out of a run that failed; see {@link ModelRuns}.
 */
final class ModelRun {
    /** Not the one by which a SplittableRandom goes on itself, or a step would draw what the one before it drew. */
    private static final long STEP_SEED = 0xD1342543DE82EF95L;

    private static final int IN_FLIGHT_MAX = 4;
    private static final int PREPARED_MAX = 3;

    private static final int MANY_OPERATIONS_MAX = 900;

    /** Those that stand still for a while, the log most often. */
    private static final List<String> ROLES =
            List.of("log in wal", "log in wal", "log in wal", "maintenance", "maintenance-1", "writer-0");

    /** Memory of open files before a table is merged: where that is not done by itself, each step takes ever longer. */
    private static final long OPEN_FILES_BYTES_MAX = 4 << 20;

    /** A client that is not heard of for so long is forgotten. */
    private static final long LONG_MICROS = 3_600_000_000L;

    private final long seed;
    private final boolean hasFaults;
    private final boolean hasLargeBatches; // Of which rows have thousands of changes in the end.
    private final ModelHost host;
    private final ModelWrites writes;
    private final ModelCatalog catalog;
    private final ModelTally tally;
    private final ModelHangs hangs;

    ModelRun(long seed) {
        var random = new SplittableRandom(seed);
        this.seed = seed;
        this.hasFaults = random.nextBoolean();
        this.host = new ModelHost(seed, random);
        this.writes = host.writes();
        this.catalog = host.catalog();
        this.tally = host.tally();
        this.hasLargeBatches = random.nextBoolean();
        this.hangs = new ModelHangs(host, this::actBeside);
    }

    /** What was done, in words. */
    List<String> trace() {
        return host.trace();
    }

    /** Calls of the disk so far, and the last of them: where two runs have parted, these differ. */
    String diskState() {
        return host.world().disk().callCount() + " calls, "
                + host.world().disk().trace().getLast();
    }

    /** How often what was done. */
    ModelTally tally() {
        return tally;
    }

    /** Does one step and looks at everything afterwards. */
    void step(int number) {
        var random = new SplittableRandom(seed + (number + 1) * STEP_SEED);
        host.begin(number);
        var _ = host.guarded(() -> {
            if (catalog.named().isEmpty()) {
                tally.count(Kind.OTHER_STEP);
                catalog.change(random);
            } else {
                act(random);
            }
        });
        while (!host.guarded(() -> check(random))) {
            // Now it is another engine.
        }
        host.stepEnds();
    }

    /** Ends everything in order. */
    void end() {
        host.end(new SplittableRandom(seed));
        catalog.check();
        for (ModelDriver table : catalog.named()) {
            table.assertAgrees(table.table(host.engine()));
        }
        host.scans().close();
        host.engine().close();
        assertEquals(0, host.world().disk().openFileCount(), "files are left open");
    }

    /** Gives everything back after something was wrong. */
    void abandon() {
        host.abandon();
    }

    private long openFilesBytes() {
        return host.engine().memoryUsage().stream()
                .filter(usage -> usage.owner().equals("open rowsets"))
                .mapToLong(AccountUsage::usedBytes)
                .sum();
    }

    private void act(SplittableRandom random) {
        List<ModelDriver> tables = catalog.named();
        ModelDriver table = tables.get(random.nextInt(tables.size()));
        if (openFilesBytes() > OPEN_FILES_BYTES_MAX) {
            vacuum(table);
            if (openFilesBytes() > OPEN_FILES_BYTES_MAX) {
                catalog.dropForGood(table); // What is left is of states with names, or of many tablets.
            }
            return;
        }
        if (random.nextInt(25) == 0) {
            host.note("a worker of maintenance is to hang");
            hangs.arm(random);
        }
        int kind = random.nextInt(hasFaults ? 100 : 94);
        if (kind >= 40 + 15) {
            tally.count(Kind.OTHER_STEP);
        }
        if (kind < 36) {
            commit(random, table);
        } else if (kind < 40) {
            repeat(random, table);
        } else if (kind < 55) {
            submit(random, tables);
        } else if (kind < 59) {
            host.note("some steps of the host");
            for (int i = random.nextInt(300); i > 0; i--) {
                host.agents().step();
            }
        } else if (kind < 62) {
            host.note("wait for all answers");
            host.awaitAll();
        } else if (kind < 66) {
            flush(table, kind < 64);
        } else if (kind < 70) {
            merge(random, table);
        } else if (kind < 77) {
            scan(random, table);
        } else if (kind < 86) {
            catalog.change(random);
        } else if (kind < 88) {
            host.note("close and open again");
            host.reopen(random);
        } else if (kind < 91) {
            crash(random, table);
        } else if (kind < 92) {
            host.note("the power will be cut");
            host.arm(random, 400);
        } else if (kind < 94) {
            passTime(random);
        } else {
            host.fault(random);
            if (random.nextInt(3) == 0) {
                catalog.change(random); // Or few faults would meet one.
            }
        }
    }

    private void crash(SplittableRandom random, ModelDriver table) {
        boolean isPower = random.nextInt(3) > 0;
        for (int i = random.nextInt(4); i > 0; i--) {
            commit(random, table); // And nothing happens between the answer and the end.
        }
        host.note(isPower ? "power cut" : "the process is killed");
        host.crash(random, isPower);
    }

    // ---- Writing ----

    private void commit(SplittableRandom random, ModelDriver table) {
        if (writes.inFlightCount(table) < IN_FLIGHT_MAX) {
            hand(random, table);
        }
        awaitAnswers(table);
    }

    private void awaitAnswers(ModelDriver table) {
        host.agents().await(() -> {
            writes.settle();
            return writes.inFlightCount(table) == 0;
        });
    }

    /** A request that was made before is made again, whatever became of it. */
    private void repeat(SplittableRandom random, ModelDriver table) {
        if (writes.inFlightCount(table) < IN_FLIGHT_MAX) {
            handAgain(random, table);
        }
        if (random.nextBoolean()) {
            awaitAnswers(table);
        }
    }

    private void submit(SplittableRandom random, List<ModelDriver> tables) {
        if (random.nextInt(6) == 0) {
            String role = ROLES.get(random.nextInt(ROLES.size()));
            host.note("the agent " + role + " stands still"); // The log until it is full, and takes nothing more.
            host.agents().suspend(role, random.nextInt(400));
        }
        for (int i = random.nextInt(1, 2 * IN_FLIGHT_MAX); i > 0; i--) {
            ModelDriver table = tables.get(random.nextInt(tables.size()));
            if (writes.inFlightCount(table) >= IN_FLIGHT_MAX) {
                continue;
            }
            int kind = random.nextInt(8);
            if (kind == 0 && writes.preparedCount() < PREPARED_MAX) {
                List<ModelOperation> operations = draw(random, table);
                host.note("fill a batch for " + table.tableName(), operations);
                writes.prepare(table, opened(table), operations);
            } else if (kind == 1 && writes.preparedCount() > 0) {
                int index = random.nextInt(writes.preparedCount());
                host.note("commit the batch " + index + " that was filled before");
                writes.submitPrepared(index);
            } else {
                hand(random, table);
            }
        }
    }

    private void hand(SplittableRandom random, ModelDriver table) {
        List<ModelOperation> operations = draw(random, table);
        Durability durability = random.nextInt(4) == 0 ? Durability.WRITTEN : Durability.SYNC;
        boolean isAtomic = random.nextInt(6) == 0;
        String what = (isAtomic ? "atomic " : "") + durability + " to " + table.tableName();
        Request request = random.nextInt(4) == 0 ? writes.name(random, table, operations, isAtomic) : null;
        host.note("commit " + (request == null ? "" : request + " ") + what, operations);
        writes.submit(table, opened(table), operations, durability, isAtomic, request);
    }

    private void handAgain(SplittableRandom random, ModelDriver table) {
        Request request = writes.anyRequest(random, table);
        List<ModelOperation> operations = request == null ? null : request.operations(table.schema());
        if (request == null || operations == null) {
            hand(random, table);
            return;
        }
        tally.add(Kind.ROW_OPERATION, operations.size());
        Durability durability = random.nextInt(4) == 0 ? Durability.WRITTEN : Durability.SYNC;
        host.note("repeat " + request + " " + durability + " to " + table.tableName(), operations);
        writes.submit(table, opened(table), operations, durability, request.isAtomic(), request);
    }

    private List<ModelOperation> draw(SplittableRandom random, ModelDriver table) {
        boolean isMany = hasLargeBatches ? random.nextInt(3) > 0 : random.nextInt(table.hasManyKeys() ? 2 : 24) == 0;
        int most = hasLargeBatches ? table.batchMax() : MANY_OPERATIONS_MAX;
        int count = isMany ? random.nextInt(100, most) : random.nextInt(1, 30);
        return table.draw(random, count, false);
    }

    private void flush(ModelDriver table, boolean isAwaited) {
        host.note("flush " + table.tableName() + (isAwaited ? " and wait" : ""));
        var flush = writes.flush(table, opened(table));
        if (isAwaited) {
            host.agents().await(flush::isDone);
        }
    }

    /** Of any tablet any rowsets become one; or all of a table give up what was before. */
    private void merge(SplittableRandom random, ModelDriver table) {
        if (random.nextInt(8) == 0) {
            vacuum(table);
            return;
        }
        if (random.nextBoolean()) {
            for (int i = random.nextInt(5); i > 0; i--) { // Else there are rarely several delta files beside a rowset.
                commit(random, table);
                flush(table, true);
            }
            host.note("merge delta files of " + table.tableName());
            writes.mergeDeltas(random, host.engine(), opened(table));
        }
        host.note("merge rowsets of " + table.tableName());
        var merge = writes.merge(random, host.engine(), opened(table));
        table.touched();
        if (random.nextBoolean()) {
            host.agents().await(merge::isDone);
        }
    }

    private void vacuum(ModelDriver table) {
        host.note("vacuum " + table.tableName());
        table.touched();
        try {
            host.agents().await(writes.vacuum(opened(table))::isDone);
        } finally {
            table.forgets(host.engine()); // Perhaps, if it has failed.
        }
    }

    /** Something within a call that hangs, beside whatever is done outside of it; nobody is waited for. */
    private void actBeside(SplittableRandom random) {
        List<ModelDriver> tables = catalog.named();
        if (tables.isEmpty()) {
            return;
        }
        ModelDriver table = tables.get(random.nextInt(tables.size()));
        try {
            if (random.nextInt(4) == 0) {
                flush(table, false);
            } else if (writes.inFlightCount(table) < IN_FLIGHT_MAX) {
                List<ModelOperation> operations = draw(random, table);
                host.note("commit meanwhile to " + table.tableName(), operations);
                writes.submit(table, opened(table), operations, Durability.SYNC, random.nextInt(6) == 0, null);
            }
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            host.expect(e);
        }
    }

    // ---- Reading ----

    /** Begins a scan that stays open, or goes on with one. */
    private void scan(SplittableRandom random, ModelDriver table) {
        ModelScans scans = host.scans();
        if (scans.hasRoom() && random.nextBoolean()) {
            switch (random.nextInt(4)) {
                case 0 -> openScan(random, table);
                case 1 -> scanUnderChange(random, table);
                default -> scanUnderFlush(random, table);
            }
        } else if (!scans.isEmpty()) {
            ModelScan scan = scans.any(random);
            host.note("go on with the " + scan);
            scans.goOn(scan, random.nextBoolean() ? ModelScans.TO_END : scan.rowCount() + 1);
        }
    }

    private ModelScan openScan(SplittableRandom random, ModelDriver table) {
        ModelScan scan = host.scans().open(random, table, host.engine());
        host.note("open a " + scan);
        writes.settle(); // A snapshot waits for batches on their way.
        return scan;
    }

    /** The scan is in the middle of the rows in memory, or just behind them, when they move to disk. */
    private void scanUnderFlush(SplittableRandom random, ModelDriver table) {
        scanUnder(random, table, () -> flush(table, true));
    }

    /** The scan has begun, or not yet, when its table becomes another one. */
    private void scanUnderChange(SplittableRandom random, ModelDriver table) {
        scanUnder(random, table, () -> {
            catalog.change(random, table);
            for (int i = random.nextInt(200); i > 0; i--) {
                host.agents().step(); // What nobody uses is taken down.
            }
        });
    }

    private void scanUnder(SplittableRandom random, ModelDriver table, Runnable change) {
        commit(random, table); // Or there may be no rows in memory.
        ModelScan scan = openScan(random, table);
        int all = Math.max(1, scan.expectedCount());
        int some = random.nextBoolean() ? all : random.nextInt(1, all + 1);
        host.note("read " + some + " rows of it");
        host.scans().goOn(scan, some);
        change.run();
        if (random.nextBoolean()) {
            host.note("read it to its end");
            host.scans().goOn(scan, ModelScans.TO_END);
        }
    }

    private void passTime(SplittableRandom random) {
        boolean isLong = random.nextInt(6) == 0;
        long micros = isLong ? random.nextLong(LONG_MICROS, 3 * LONG_MICROS) : random.nextInt(10_000_000);
        if (isLong) {
            host.note("much time is to pass");
            writes.longTimePassed();
        }
        if (random.nextBoolean()) {
            host.note("time passes");
            host.world().clock().advanceMicros(micros);
        } else {
            host.note("the clock is set");
            host.world().clock().stepWallClock(random.nextBoolean() ? -micros : micros);
        }
    }

    // ---- Afterwards ----

    private void check(SplittableRandom random) {
        writes.settle();
        catalog.check();
        List<ModelDriver> tables = catalog.named();
        for (ModelDriver table : tables) {
            // What nothing was done to may be flushed by itself: sooner or later it is looked at too.
            if (table.wasTouched() || random.nextInt(tables.size()) == 0) {
                assertAgrees(random, table);
            }
        }
        if (!tables.isEmpty()) {
            ModelDriver table = tables.get(random.nextInt(tables.size()));
            try (ModelScan scan = ModelScan.open(random, table, host.engine())) {
                writes.settle(); // A snapshot waits for batches on their way.
                scan.finish();
            }
        }
    }

    private void assertAgrees(SplittableRandom random, ModelDriver table) {
        try {
            readAll(random, table);
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            host.expect(e);
            readAll(random, table); // One call was to fail, no more.
        }
    }

    private void readAll(SplittableRandom random, ModelDriver table) {
        try (ModelScan scan = ModelScan.openAll(table, opened(table))) {
            writes.settle();
            scan.finish();
        }
        ModelLookup.check(random, table, host.engine(), writes::settle);
        ModelAggregates.check(random, table, host.engine(), writes::settle);
    }

    private Table opened(ModelDriver table) {
        return table.table(host.engine());
    }
}
