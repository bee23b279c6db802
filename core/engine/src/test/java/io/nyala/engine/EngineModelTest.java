package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.PowerCutException;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;

/**
 * Goal: whatever happens, a table answers what its model answers, and what was acknowledged survives.
 * Method: random operations, scans, flushes, restarts and power cuts by seed, all agents on one thread over a simulated
 * disk.
 */
final class EngineModelTest {
    @RepeatedTest(24)
    void answersWhatTheModelAnswers(@Seed SplittableRandom random) {
        run(random, 450);
    }

    @Tag("soak")
    @RepeatedTest(200)
    void answersWhatTheModelAnswersForLong(@Seed SplittableRandom random) {
        run(random, 20_000);
    }

    private static void run(SplittableRandom random, int operations) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        while (driver.operationCount() < operations) {
            running = round(random, world, driver, running);
        }
        driver.assertAgrees(running.table());
        running.engine().close();
    }

    private static World.Running round(
            SplittableRandom random, World world, ModelDriver driver, World.Running running) {
        return switch (random.nextInt(20)) {
            case 0 -> {
                var _ = running.table().flush();
                yield running;
            }
            case 1 -> {
                CompletableFuture<Void> flush = running.table().flush();
                running.host().await(flush::isDone);
                flush.join();
                yield running;
            }
            case 2 -> {
                running.engine().close();
                World.Running reopened = world.open();
                driver.assertAgrees(reopened.table());
                yield reopened;
            }
            case 3 -> powerCut(random, world, driver, running);
            case 4, 5, 6, 7 -> {
                driver.check(running.table());
                yield running;
            }
            default -> {
                try (WriteBatch batch = running.table().newBatch()) {
                    driver.commit(batch, driver.draw(false));
                }
                yield running;
            }
        };
    }

    /** Some batches are on their way, perhaps a flush too, and then the lights go out. */
    private static World.Running powerCut(
            SplittableRandom random, World world, ModelDriver driver, World.Running running) {
        Table table = running.table();
        List<List<ModelDriver.Operation>> drawn = new ArrayList<>();
        List<CompletableFuture<CommitResult>> results = new ArrayList<>();
        if (random.nextBoolean()) {
            var _ = table.flush();
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            WriteBatch batch = table.newBatch();
            List<ModelDriver.Operation> operations = driver.draw(true);
            ModelDriver.fill(batch.rows(), operations);
            drawn.add(operations);
            results.add(batch.commitAsync());
        }
        for (int i = random.nextInt(400); i > 0; i--) {
            running.host().step();
        }
        List<List<ModelDriver.Operation>> unacknowledged = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i).isDone()) {
                assertTrue(unacknowledged.isEmpty(), "answers come in order");
                driver.acknowledged(results.get(i).join(), drawn.get(i));
            } else {
                unacknowledged.add(drawn.get(i));
            }
        }
        world.disk().powerCut();
        closeDead(running);
        world.disk().restart();
        World.Running reopened = world.open();
        driver.recovered(reopened.table(), unacknowledged);
        return reopened;
    }

    /** Gives the memory of an engine back whose disk is gone; it cannot close in order. */
    private static void closeDead(World.Running running) {
        try {
            running.engine().close();
        } catch (PowerCutException | IllegalStateException _) {
            // As expected: logs cannot be sealed, batches are still open.
        }
    }
}
