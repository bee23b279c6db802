package io.nyala.engine;

import io.nyala.simulation.PowerCutException;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;

/**
 * Goal: however a table is cut into tablets, and however many writers there are, it answers what its model answers, and
 * what was acknowledged survives.
 * Method: random operations, scans, tokens, flushes, restarts and power cuts by seed, all agents on one thread over a
 * simulated disk.
 */
final class ManyTabletsModelTest {
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
        TableLayout layout = TableLayout.any(random);
        var world = new World(random.split()).withLayout(layout).withWriters(random.nextInt(1, 4));
        var driver = new LayoutDriver(random.split(), layout);
        World.Running running = world.open();
        while (driver.operationCount() < operations) {
            running = round(random, world, driver, running);
        }
        driver.assertAgrees(running.table());
        running.engine().close();
    }

    private static World.Running round(
            SplittableRandom random, World world, LayoutDriver driver, World.Running running) {
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
                driver.check(running.engine(), running.table());
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
            SplittableRandom random, World world, LayoutDriver driver, World.Running running) {
        Table table = running.table();
        List<List<LayoutDriver.Operation>> drawn = new ArrayList<>();
        List<CompletableFuture<CommitResult>> results = new ArrayList<>();
        if (random.nextBoolean()) {
            var _ = table.flush();
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            WriteBatch batch = table.newBatch();
            List<LayoutDriver.Operation> operations = driver.draw(true);
            LayoutDriver.fill(batch.rows(), operations);
            drawn.add(operations);
            results.add(batch.commitAsync());
        }
        for (int i = random.nextInt(400); i > 0; i--) {
            running.host().step();
        }
        List<List<LayoutDriver.Operation>> unacknowledged = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i).isDone()) {
                CommitResult result = results.get(i).join();
                driver.overtaken(table, unacknowledged, drawn.get(i), result.timestamp());
                driver.acknowledgedBesideOthers(result, drawn.get(i));
            } else {
                unacknowledged.add(new ArrayList<>(drawn.get(i)));
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
