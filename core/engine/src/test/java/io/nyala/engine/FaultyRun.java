package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.memory.MemoryLeakException;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.RandomSchema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.tablet.TabletView;
import io.nyala.wal.Durability;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The life of two small tables on a disk that fails, or loses its power, at a call that the test has chosen: two
 * sessions with commits, flushes, merges and scans. Goes on after a failure as a program would, and knows at the end
 * what must be there. Up to the fault the same seed makes the same calls.
 */
final class FaultyRun {
    private static final int SESSIONS = 2;
    private static final int ROUNDS = 3;
    private static final int OPERATIONS_MAX = 12;

    private final SplittableRandom random;
    private final World world;
    private final List<ModelDriver> tables = new ArrayList<>();
    private final ModelWrites writes = new ModelWrites(this::refused, new ModelTally());
    private boolean isWriting;

    FaultyRun(long seed) {
        random = new SplittableRandom(seed);
        world = new World(random.split());
        for (int i = 0; i < 2; i++) {
            tables.add(new ModelDriver(random.split(), "t" + i, RandomSchema.draw(random.split()), ModelDriver.KEYS));
        }
    }

    SimulatedDisk disk() {
        return world.disk();
    }

    /** Runs to the end, or until the power is cut. */
    void run() {
        try {
            for (int i = 0; i < SESSIONS; i++) {
                session();
            }
        } catch (PowerCutException _) {
            // As planned.
        }
    }

    /** What was acknowledged is there; of the other batches the first few, whole. And the engine works. */
    void check(boolean powerWasCut) {
        disk().cutPowerAtCall(Long.MAX_VALUE);
        World.Running running = world.open();
        settle(running, powerWasCut);
        for (ModelDriver table : tables) {
            isWriting = true;
            commit(running, table);
            assertTrue(isWriting, "a commit fails, though the disk is well again");
            table.assertAgrees(table(running, table));
        }
        close(running);
        assertNothingLeft();
    }

    private void session() {
        World.Running running = open();
        if (running == null) {
            running = world.open(); // It failed once, and will not again.
        }
        try {
            settle(running, false);
            isWriting = true;
            for (int i = 0; i < ROUNDS && isWriting; i++) {
                round(running, tables.get(random.nextInt(tables.size())));
            }
            for (ModelDriver table : tables) {
                table.assertAgrees(table(running, table)); // Reads go on, whatever has failed.
            }
        } catch (PowerCutException e) {
            writes.settle();
            closeDead(running);
            throw e;
        } catch (RuntimeException e) {
            expected(e);
        }
        close(running);
        assertNothingLeft();
    }

    private World.@Nullable Running open() {
        try {
            World.Running running = world.open();
            List<Table> missing = running.engine().tables().stream()
                    .filter(table -> !table.missingRowSets().isEmpty())
                    .toList();
            if (missing.isEmpty()) {
                return running;
            }
            // A file could not be read just now: what may be in it is refused, until the engine is opened again.
            missing.forEach(table -> assertThrows(
                    MissingRowSetException.class, () -> table.scan().open().close()));
            close(running);
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            expected(e);
        }
        assertNothingLeft();
        return null;
    }

    private void settle(World.Running running, boolean powerWasCut) {
        writes.engineDied();
        tables.forEach(table -> table(running, table));
        writes.recover(running.engine(), tables, powerWasCut);
    }

    /** The table, which is made if it is not there yet. */
    private static Table table(World.Running running, ModelDriver table) {
        return running.engine()
                .table(table.tableName())
                .orElseGet(() -> running.engine().createTable(table.tableName(), table.schema()));
    }

    private void round(World.Running running, ModelDriver flushed) {
        CompletableFuture<Void> flush = table(running, flushed).flush();
        for (ModelDriver table : tables) {
            commit(running, table);
        }
        await(running, flush);
        if (isWriting) {
            commit(running, flushed);
            flushed.assertAgrees(table(running, flushed));
        }
        merge(running, table(running, flushed));
    }

    /** What is on disk becomes less; what is in memory goes on beside it. */
    private void merge(World.Running running, Table table) {
        int kind = random.nextInt(4);
        if (kind == 0) {
            await(running, table.vacuum());
        } else if (kind == 1) {
            Tablet tablet = table.state().tablets().getFirst().tablet();
            List<Long> rowSets =
                    TabletView.rowSets(tablet).stream().map(RowSetEntry::fileId).toList();
            await(running, running.engine().maintenance().merge(tablet, rowSets));
        }
    }

    private void commit(World.Running running, ModelDriver table) {
        List<ModelOperation> operations = table.draw(random, 1 + random.nextInt(OPERATIONS_MAX), false);
        Durability durability = random.nextInt(3) == 0 ? Durability.WRITTEN : Durability.SYNC;
        writes.submit(table, table(running, table), operations, durability, random.nextInt(4) == 0, null);
        running.host().await(() -> {
            writes.settle();
            return writes.inFlightCount() == 0;
        });
    }

    /** After a failed log nothing is written any more; it is not known what became of the batch. */
    private void refused(RuntimeException failure) {
        if (failure instanceof LogStoppedException || failure instanceof PowerCutException) {
            isWriting = false;
        }
        expected(failure);
    }

    private static void await(World.Running running, CompletableFuture<?> done) {
        running.host().await(done::isDone);
        if (done.isCompletedExceptionally()) {
            expected(ModelWrites.failure(done));
        }
    }

    private static void close(World.Running running) {
        try {
            running.engine().close();
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            expected(e);
        }
    }

    /** The process is gone; only its memory is given back. */
    private static void closeDead(World.Running running) {
        try {
            running.engine().close();
        } catch (PowerCutException | IllegalStateException | MemoryLeakException _) {
            // What it can do without power does not matter.
        }
    }

    private void assertNothingLeft() {
        assertEquals(0, disk().openFileCount(), "files are left open");
    }

    /** A clear failure: one that names the disk's, or says to come back later. And nothing leaked on its way. */
    private static void expected(Throwable failure) {
        if (failure instanceof PowerCutException e) {
            throw e;
        }
        boolean isClear = failure instanceof DiskException
                || failure instanceof LogStoppedException
                || failure instanceof LogFullException
                || failure instanceof TabletBusyException
                || failure instanceof TabletClosedException
                || failure instanceof EngineOpenException;
        if (!isClear) {
            throw new AssertionError("not a clear failure: " + failure, failure);
        }
        for (Throwable suppressed : Objects.requireNonNull(failure).getSuppressed()) {
            assertTrue(suppressed instanceof DiskException, () -> "while closing: " + suppressed);
        }
    }
}
