package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.OperationKind;
import io.nyala.simulation.Bytes;
import io.nyala.testkit.Seed;
import io.nyala.wal.Durability;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: a SYNC answer means that everything it rests on survives a power cut, and it comes.
 * Method: short stories of WRITTEN and SYNC commits on a simulated host, then the power is cut.
 */
final class DurabilityTest {
    private static final int IDLE_STEPS = 500;

    private static final ModelOperation FIRST = insert(1);
    private static final ModelOperation ROW = insert(2);

    /** It has no record of its own whose sync would take the WRITTEN one along. */
    @RepeatedTest(8)
    void aSyncCommitThatFindsAWrittenRowIsAnsweredAndMakesItDurable(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        commit(driver, running, FIRST, Durability.SYNC);
        for (int i = 0; i < IDLE_STEPS; i++) {
            running.host().step(); // Until the log has nothing of its own to make durable.
        }
        commit(driver, running, ROW, Durability.WRITTEN);
        CompletableFuture<CommitResult> result;
        try (WriteBatch batch = running.table().newBatch()) {
            ModelDriver.fill(batch.rows(), List.of(ROW));
            result = batch.commitAsync();
            running.host().await(result::isDone);
        }
        assertEquals(List.of(), result.join().errors());
        world.disk().powerCut();
        assertThrows(RuntimeException.class, running.engine()::close);
        world.disk().restart();
        World.Running reopened = world.open();
        driver.assertAgrees(reopened.table());
        reopened.engine().close();
    }

    /** What the end of a process may not take, but a power cut may. */
    @RepeatedTest(8)
    void aWrittenCommitSurvivesTheEndOfTheProcess(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        commit(driver, running, ROW, Durability.WRITTEN);
        world.disk().killProcess();
        assertThrows(RuntimeException.class, running.engine()::close);
        world.disk().restart();
        World.Running reopened = world.open();
        driver.assertAgrees(reopened.table());
        // It was read, so it must not vanish any more.
        world.disk().powerCut();
        assertThrows(RuntimeException.class, reopened.engine()::close);
        world.disk().restart();
        World.Running last = world.open();
        driver.assertAgrees(last.table());
        last.engine().close();
    }

    private static ModelOperation insert(int key) {
        return ModelOperation.of(OperationKind.INSERT_IGNORE, key, Bytes.ofText("k"), 7L, Bytes.ofText("text"), 0.5);
    }

    private static void commit(
            ModelDriver driver, World.Running running, ModelOperation operation, Durability durability) {
        try (WriteBatch batch = running.table().newBatch().durability(durability)) {
            ModelDriver.fill(batch.rows(), List.of(operation));
            CommitResult result = batch.commit();
            assertTrue(driver.acknowledged(result, List.of(operation)), "the row is new");
        }
    }
}
