package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.PowerCutException;
import io.nyala.testkit.Seed;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;

/**
 * Goal: whatever happens to its columns and ranges, a table answers what its model answers, open scans what they would
 * have answered when they were begun, and what was acknowledged survives.
 * Method: random changes of the table between random writes, scans, flushes, drops, recalls, restarts and power cuts by
 * seed, all agents on one thread over a simulated disk.
 */
final class TableChangesModelTest {
    private static final int OPEN_SCANS_MAX = 3;

    @RepeatedTest(24)
    void answersWhatTheModelAnswers(@Seed SplittableRandom random) {
        run(random, 90);
    }

    @Tag("soak")
    @RepeatedTest(200)
    void answersWhatTheModelAnswersForLong(@Seed SplittableRandom random) {
        run(random, 3_000);
    }

    private static void run(SplittableRandom random, int rounds) {
        var world = new World(random.split()).withWriters(random.nextInt(1, 4)).withCatalogEdits(random.nextInt(4, 40));
        var model = new AlteredTable(random.split());
        World.Running running = world.open();
        model.create(running.engine());
        for (int i = 0; i < rounds; i++) {
            running = round(random, world, model, running);
        }
        while (model.openScans() > 0) {
            model.endScan();
        }
        model.check(table(running));
        running.engine().close();
        assertEquals(0, world.disk().openFileCount());
    }

    private static Table table(World.Running running) {
        return running.engine().table(AlteredTable.NAME).orElseThrow();
    }

    private static World.Running round(
            SplittableRandom random, World world, AlteredTable model, World.Running running) {
        switch (random.nextInt(20)) {
            case 0, 1, 2, 3 -> model.alter(table(running));
            case 4 -> {
                var _ = table(running).flush();
            }
            case 5 -> {
                CompletableFuture<Void> flush = table(running).flush();
                running.host().await(flush::isDone);
                flush.join();
            }
            case 6 -> {
                if (model.openScans() < OPEN_SCANS_MAX) {
                    model.beginScan(table(running));
                }
            }
            case 7, 8 -> {
                if (model.openScans() > 0) {
                    model.endScan();
                }
            }
            case 9, 10 -> model.check(table(running));
            case 11 -> dropAndRecall(random, world, running);
            case 12, 13 -> {
                while (model.openScans() > 0) {
                    model.endScan();
                }
                World.Running reopened = random.nextBoolean() ? restart(world, running) : powerCut(world, running);
                model.check(table(reopened));
                return reopened;
            }
            default -> model.write(table(running));
        }
        return running;
    }

    private static void dropAndRecall(SplittableRandom random, World world, World.Running running) {
        Engine engine = running.engine();
        long id = table(running).id();
        engine.dropTable(AlteredTable.NAME, Duration.ofDays(1));
        assertTrue(engine.table(AlteredTable.NAME).isEmpty());
        for (int i = random.nextInt(300); i > 0; i--) {
            running.host().step();
        }
        if (random.nextBoolean()) { // Another one of that name comes and goes.
            Table other = engine.createTable(AlteredTable.NAME, Numbers.SCHEMA);
            Numbers.insertRange(other, 0, 5);
            engine.dropTable(AlteredTable.NAME);
        }
        engine.recallTable(id);
        world.clock().advanceMicros(random.nextInt(1_000_000));
    }

    private static World.Running restart(World world, World.Running running) {
        running.engine().close();
        return world.open();
    }

    private static World.Running powerCut(World world, World.Running running) {
        world.disk().powerCut();
        try {
            running.engine().close();
        } catch (PowerCutException | IllegalStateException _) {
            // As expected: logs cannot be sealed.
        }
        world.disk().restart();
        return world.open();
    }
}
