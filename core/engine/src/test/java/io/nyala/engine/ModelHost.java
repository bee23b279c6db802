package io.nyala.engine;

import io.nyala.compaction.WritePace;
import io.nyala.engine.ModelTally.Kind;
import io.nyala.io.DiskException;
import io.nyala.memory.MemoryLeakException;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The simulated host of a {@link ModelRun}: engines that begin and end there, in order or not, faults of its disk, and
 * what may fail because of them. After each beginning it finds out what there is.
 */
final class ModelHost {
    private static final int TRACE_CHARS_MAX = 3_000;

    /** Of a batch; those are about as many characters. */
    private static final int NOTED_OPERATIONS_MAX = 40;

    /** A run takes some seconds of the simulated clock. */
    private static final int MERGE_DELAY_MILLIS_MAX = 500;

    /** A flush and two merges at a time. */
    private static final int WORKERS_MAX = 3;

    /** What engines count by themselves. */
    private static final Map<String, Kind> COUNTED = Map.of(
            "merges of several rowsets", Kind.MERGE_OF_SEVERAL,
            "merges of one rowset with its changes", Kind.MAJOR_DELTA_COMPACTION,
            "merges of delta files", Kind.MINOR_DELTA_COMPACTION,
            "merges of one rowset for its space", Kind.SPACE_REWRITE,
            "rowsets dropped unread", Kind.DROPPED_ROWSET);

    private final long seed;
    private final World world;
    private final ModelTally tally = new ModelTally();
    private final ModelWrites writes = new ModelWrites(this::expect, tally);
    private final ModelScans scans = new ModelScans();
    private final ModelCatalog catalog = new ModelCatalog(this);
    private final List<Note> trace = new ArrayList<>();
    private final List<String> told = new ArrayList<>(); // Those that somebody wanted to read.
    private World.Running running;
    private int step;
    private int restarts;
    private long logFrom; // 0 in an engine that was just opened.

    /** A call of the disk was made to fail, or there is no space: clear failures are as they should be. */
    private boolean isFaulty;

    ModelHost(long seed, SplittableRandom random) {
        this.seed = seed;
        this.world = new World(random.split(), random.nextInt(4))
                .withWriters(random.nextInt(1, 4))
                .withMaintenanceWorkers(1 + (int) Long.remainderUnsigned(seed, WORKERS_MAX))
                .withCatalogEdits(random.nextInt(4, 60));
        if (random.nextBoolean()) {
            world.withAutomaticMerges(random.nextInt(MERGE_DELAY_MILLIS_MAX))
                    .withDeltaFilesMin(2)
                    .withSlowdownHeight(Long.remainderUnsigned(seed, 2) == 0 ? 2 : WritePace.NEVER)
                    .withChangePercentMin(random.nextInt(3) == 0 ? 10 : 1_000); // Files are a few KiB at least.
        }
        this.running = world.open();
    }

    World world() {
        return world;
    }

    Engine engine() {
        return running.engine();
    }

    StepHost agents() {
        return running.host();
    }

    ModelWrites writes() {
        return writes;
    }

    ModelScans scans() {
        return scans;
    }

    ModelCatalog catalog() {
        return catalog;
    }

    /** What was done, counted; of the engine that is open now, but for what it does by itself. */
    ModelTally tally() {
        return tally;
    }

    /** A step was done. */
    void stepEnds() {
        EngineView.Log log = engine().view().log();
        if (logFrom > 0 && log.oldest() > logFrom) {
            tally.count(Kind.LOG_RELEASE);
        }
        logFrom = log.oldest();
        if (log.segmentCount() > Upkeep.LOG_SEGMENTS_MAX) {
            tally.count(Kind.LONG_LOG);
        }
    }

    private void engineEnds() {
        tally.add(Kind.AUTOMATIC_MERGE, engine().maintenance().automaticMergeCount());
        tally.add(Kind.AUTOMATIC_DELTA_MERGE, engine().maintenance().automaticDeltaMergeCount());
        Map<String, Long> counters = engine().counters().values();
        COUNTED.forEach((label, kind) -> tally.add(kind, counters.getOrDefault(label, 0L)));
        logFrom = 0;
    }

    /** Microseconds since 1970. */
    long micros() {
        return world.clock().micros();
    }

    // ---- What was done ----

    /** What follows belongs to this step. */
    void begin(int newStep) {
        step = newStep;
    }

    void note(String what) {
        note(what, List.of());
    }

    /** Operations are put into words only for somebody who reads them. */
    void note(String what, List<ModelOperation> operations) {
        trace.add(new Note(
                step, what, List.copyOf(operations.subList(0, Math.min(operations.size(), NOTED_OPERATIONS_MAX)))));
    }

    /** What was done, in words. */
    List<String> trace() {
        while (told.size() < trace.size()) {
            told.add(trace.get(told.size()).toString());
        }
        return told;
    }

    /** Something that was done in a step, perhaps with operations: the first of them. */
    private record Note(int step, String what, List<ModelOperation> operations) {
        @Override
        public String toString() {
            String text = step + ": " + what + (operations.isEmpty() ? "" : " " + operations);
            return text.length() > TRACE_CHARS_MAX ? text.substring(0, TRACE_CHARS_MAX) + "..." : text;
        }
    }

    // ---- Faults ----

    /** The power will be cut at one of so many calls to come. */
    void arm(SplittableRandom random, int callsMax) {
        world.disk().cutPowerAtCall(world.disk().callCount() + random.nextInt(callsMax));
    }

    /** Makes the disk slow, or full, or fail at one call; one that did so is well again. */
    void fault(SplittableRandom random) {
        SimulatedDisk disk = world.disk();
        int kind = random.nextInt(6);
        if (isFaulty) {
            note("the disk is well again");
            heal();
            reopen(random);
        } else if (kind < 2) {
            int pollsMax = random.nextBoolean() ? SimulatedDisk.DELAY_POLLS : random.nextInt(5, 60);
            note("transfers take up to " + pollsMax + " polls");
            disk.delayTransfers(pollsMax);
        } else if (kind < 4) {
            note("the disk is nearly full");
            isFaulty = true;
            tally.count(Kind.FAULT);
            disk.noSpaceAfter(random.nextInt(400_000));
        } else {
            Operation[] operations = Operation.values();
            Operation operation = operations[random.nextInt(operations.length)];
            DiskException.Kind failure =
                    random.nextInt(4) == 0 ? DiskException.Kind.NO_SPACE : DiskException.Kind.IO_ERROR;
            note("the next " + operation + " fails, " + failure);
            isFaulty = true;
            tally.count(Kind.FAULT);
            disk.failNext(operation, failure);
        }
    }

    private void heal() {
        world.disk().unlimitSpace();
        world.disk().forgetFailures(); // Nor is the power cut that was to come.
    }

    /** Does something, and whatever comes of it that may come of it. False if the power was cut on the way. */
    boolean guarded(Runnable action) {
        try {
            action.run();
        } catch (PowerCutException e) {
            if (!world.disk().isOff()) {
                throw e;
            }
        } catch (RuntimeException e) {
            expect(e);
        }
        boolean isOff = world.disk().isOff();
        if (isOff) {
            restart(new SplittableRandom(seed + restarts++), true);
        }
        return !isOff;
    }

    /** A failure is one that may happen now, and is clear: it names the disk's, or says to come back later. */
    void expect(RuntimeException failure) {
        boolean mayFail = isFaulty || world.disk().isOff();
        if (!mayFail || !isClear(failure)) {
            throw new AssertionError((mayFail ? "not a clear failure: " : "nothing should fail: ") + failure, failure);
        }
    }

    private boolean isClear(@Nullable Throwable failure) {
        return (failure instanceof PowerCutException && world.disk().isOff())
                || failure instanceof DiskException
                || failure instanceof LogStoppedException
                || failure instanceof LogFullException
                || failure instanceof TabletBusyException
                || failure instanceof TabletClosedException
                || failure instanceof EngineOpenException
                || (failure instanceof IllegalStateException e // A change for which rows must be flushed.
                        && String.valueOf(e.getMessage()).contains("so their table is not changed")
                        && isClear(e.getCause()));
    }

    // ---- Ends and beginnings ----

    /** Waits for everything that is on its way. */
    void awaitAll() {
        agents().await(() -> {
            writes.settle();
            return writes.inFlightCount() == 0 && writes.flushCount() == 0;
        });
    }

    /** Ends the engine as a program would, and opens another. */
    void reopen(SplittableRandom random) {
        awaitAll();
        scans.close();
        writes.closePrepared();
        try {
            engine().close();
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            expect(e); // A failed log cannot be sealed; everything is closed nevertheless.
        }
        writes.engineDied();
        tally.count(Kind.RESTART);
        begin(random, false);
    }

    /** Ends the engine in the middle of what it does; with the power goes what was not synced. */
    void crash(SplittableRandom random, boolean isPower) {
        writes.settle();
        boolean isCut = isPower || world.disk().isOff(); // A cut that was planned may have come before.
        if (isPower) {
            world.disk().powerCut();
        } else {
            world.disk().killProcess();
        }
        restart(random, isCut);
    }

    /** The engine is dead; what it held is given back, and another one is opened. */
    private void restart(SplittableRandom random, boolean isCut) {
        tally.count(isCut ? Kind.POWER_CUT : Kind.KILLED_PROCESS);
        scans.close();
        writes.engineDied();
        closeDead();
        running.pages().end(); // Batches on their way, and some that were never handed over, died with it.
        world.disk().forgetFailures();
        world.disk().restart();
        begin(random, isCut);
    }

    /** Opens an engine, perhaps with another power cut on the way, and finds out what is there. */
    private void begin(SplittableRandom random, boolean wasCutBefore) {
        boolean wasCut = wasCutBefore;
        boolean isOpen = true;
        while (true) {
            if (random.nextInt(3) == 0) {
                arm(random, 300);
            }
            if (isOpen) {
                engineEnds();
            }
            isOpen = false;
            try {
                running = world.open();
                isOpen = true;
                if (isFaulty && isAnyRowSetMissing()) {
                    engine().close(); // It was set aside when it could not be read, but is well now.
                    continue;
                }
                catalog.opened();
                writes.recover(engine(), catalog.all(), wasCut);
                if (isFaulty) {
                    isFaulty = false;
                    heal();
                }
                return;
            } catch (PowerCutException _) {
                wasCut = true; // What outlived its process may not outlive this.
                tally.count(Kind.POWER_CUT);
                if (isOpen) {
                    closeDead();
                }
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
        return engine().tables().stream()
                .anyMatch(table -> !table.missingRowSets().isEmpty());
    }

    /** Gives the memory of an engine back whose disk is gone; it cannot close in order. */
    private void closeDead() {
        try {
            engine().close();
        } catch (PowerCutException
                | IllegalStateException
                | MemoryLeakException
                | DiskException
                | LogStoppedException _) {
            // As expected: logs cannot be sealed, batches are still open.
        }
    }

    /** Ends everything in order; nothing happens any more that was to come. */
    void end(SplittableRandom random) {
        var _ = guarded(this::awaitAll);
        heal();
        var _ = guarded(() -> reopen(random));
        heal();
    }

    /** Gives everything back after something was wrong. */
    void abandon() {
        if (!world.disk().isOff()) {
            world.disk().killProcess();
        }
        scans.close();
        closeDead();
        running.pages().end();
    }
}
