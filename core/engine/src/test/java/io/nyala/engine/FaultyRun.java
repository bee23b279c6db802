package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.memory.MemoryLeakException;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * The life of a small table on a disk that fails, or loses its power, at a call that the test has chosen: two sessions
 * with commits, flushes and scans. Goes on after a failure as a program would, and knows at the end what must be there.
 * Up to the fault the same seed makes the same calls.
 */
final class FaultyRun {
    private static final int SESSIONS = 2;
    private static final int ROUNDS = 3;

    private final World world;
    private final ModelDriver driver;
    private final List<List<ModelDriver.Operation>> unacknowledged = new ArrayList<>();
    private boolean isWriting;

    FaultyRun(long seed) {
        var random = new SplittableRandom(seed);
        world = new World(random.split());
        driver = new ModelDriver(random.split());
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
    void check() {
        disk().cutPowerAtCall(Long.MAX_VALUE);
        World.Running running = world.open();
        settle(running);
        try (WriteBatch batch = running.table().newBatch()) {
            driver.commit(batch, driver.draw(false));
        }
        driver.assertAgrees(running.table());
        close(running);
        assertNothingLeft();
    }

    private void session() {
        World.Running running = open();
        if (running == null) {
            running = world.open(); // It failed once, and will not again.
        }
        try {
            settle(running);
            isWriting = true;
            for (int i = 0; i < ROUNDS && isWriting; i++) {
                round(running);
            }
            driver.assertAgrees(running.table()); // Reads go on, whatever has failed.
        } catch (PowerCutException e) {
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
            if (running.engine().tables().stream()
                    .allMatch(table -> table.missingRowSets().isEmpty())) {
                return running;
            }
            // Its file could not be read just now: what may be in it is refused, until the engine is opened again.
            assertThrows(MissingRowSetException.class, () -> driver.assertAgrees(running.table()));
            close(running);
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            expected(e);
        }
        assertNothingLeft();
        return null;
    }

    private void settle(World.Running running) {
        driver.recovered(running.table(), unacknowledged);
        unacknowledged.clear();
    }

    private void round(World.Running running) {
        CompletableFuture<Void> flush = running.table().flush();
        for (int i = 0; i < 2; i++) {
            commit(running);
        }
        await(running, flush);
        if (isWriting) {
            commit(running);
            driver.assertAgrees(running.table());
        }
    }

    private void commit(World.Running running) {
        // Whether other kinds find their row still in memory cannot be told when the answer is missing.
        List<ModelDriver.Operation> operations = driver.draw(true);
        try (WriteBatch batch = running.table().newBatch()) {
            ModelDriver.fill(batch.rows(), operations);
            CompletableFuture<CommitResult> result = batch.commitAsync();
            running.host().await(result::isDone);
            driver.acknowledged(result.join(), operations);
        } catch (CompletionException e) {
            refused(Objects.requireNonNull(e.getCause()), operations);
        } catch (RuntimeException e) {
            refused(e, operations);
        }
    }

    /** After a failed log it cannot be known what became of the batch; after any other failure nothing has. */
    private void refused(Throwable failure, List<ModelDriver.Operation> operations) {
        if (failure instanceof LogStoppedException || failure instanceof PowerCutException) {
            unacknowledged.add(operations);
            isWriting = false;
        }
        expected(failure);
    }

    private static void await(World.Running running, CompletableFuture<Void> flush) {
        running.host().await(flush::isDone);
        try {
            flush.join();
        } catch (CompletionException e) {
            expected(Objects.requireNonNull(e.getCause()));
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
