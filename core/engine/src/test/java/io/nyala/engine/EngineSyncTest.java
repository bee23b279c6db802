package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.io.Disk;
import io.nyala.rows.OperationKind;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * Goal: each sync of the engine, of flushes and of rowset files is needed, and a test is red without it.
 * Method: a scenario for each, cut off right behind it, with many fates of what was not synced.
 */
final class EngineSyncTest {
    /** What is not synced survives about every second time. */
    private static final int RUNS = 12;

    /** What happens before the power is cut, and what must be there afterwards. */
    @FunctionalInterface
    private interface Scenario {
        void run(World world, ModelDriver driver);
    }

    /** Needs the sync of each rowset file, and that of their names. */
    @Test
    void powerCutKeepsWhatAFlushWrote(@Seed SplittableRandom random) {
        holds(random, (world, driver) -> {
            World.Running running = world.open();
            commit(driver, running);
            CompletableFuture<Void> flush = running.table().flush();
            running.host().await(flush::isDone);
            flush.join();
            cutPower(world, running);
            assertAgrees(world, driver);
        });
    }

    /** Needs the sync of the delta file, and that of its name. */
    @Test
    void powerCutKeepsChangesOfRowsOnDisk(@Seed SplittableRandom random) {
        for (int i = 0; i < RUNS; i++) {
            var world = new World(random.split()).withoutOwnFlushes();
            World.Running running = world.open();
            Table numbers = running.engine().createTable("numbers", Numbers.SCHEMA);
            Numbers.insertRange(numbers, 0, 10);
            Numbers.flush(running, numbers);
            delete(numbers, 3);
            Numbers.flush(running, numbers);
            assertEquals(
                    2, world.disk().list(World.DIRECTORY.resolve("rowsets")).size(), "a rowset and a delta file");
            cutPower(world, running);
            World.Running reopened = world.open();
            List<Long> expected = new ArrayList<>(Numbers.list(0, 10));
            expected.remove(3L);
            Table found = reopened.engine().table("numbers").orElseThrow();
            assertEquals(List.of(), found.missingRowSets());
            assertEquals(expected, Numbers.ids(found.scan()));
            reopened.engine().close();
        }
    }

    private static void delete(Table table, long id) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.DELETE).setLong(0, id).end();
            batch.commit().orThrow();
        }
    }

    /** Needs the sync of the directory that all are in, and that of the one above. */
    @Test
    void powerCutKeepsTheDirectoriesOfANewEngine(@Seed SplittableRandom random) {
        holds(random, (world, driver) -> {
            World.Running running = world.open();
            commit(driver, running);
            cutPower(world, running);
            assertAgrees(world, driver);
        });
    }

    /**
     * A process ended between making the directories and their sync; the next one finds them, and must not trust them.
     */
    @Test
    void powerCutKeepsDirectoriesThatAnEarlierProcessMade(@Seed SplittableRandom random) {
        holds(random, (world, driver) -> {
            for (String name : new String[] {"storage", "wal", "rowsets", "quarantine"}) {
                world.disk().createDirectories(World.DIRECTORY.resolve(name));
            }
            world.disk().syncDirectory(Path.of("/"));
            World.Running running = world.open();
            commit(driver, running);
            cutPower(world, running);
            assertAgrees(world, driver);
        });
    }

    /** Needs the sync of the quarantine. */
    @Test
    void powerCutKeepsAFileOfSomebodyElse(@Seed SplittableRandom random) {
        byte[] contents = new byte[Disk.ALIGNMENT_BYTES];
        random.nextBytes(contents);
        holds(random, (world, driver) -> {
            world.open().engine().close();
            Path rowSets = World.DIRECTORY.resolve("rowsets");
            Path there = rowSets.resolve("dear.txt");
            world.disk().create(there).close();
            world.disk().setContents(there, contents);
            world.disk().syncDirectory(rowSets);
            World.Running running = world.open();
            cutPower(world, running);
            Path aside = World.DIRECTORY.resolve("quarantine").resolve("dear.txt");
            assertArrayEquals(contents, world.disk().contents(world.disk().exists(aside) ? aside : there));
        });
    }

    private static void holds(SplittableRandom random, Scenario scenario) {
        for (int i = 0; i < RUNS; i++) {
            scenario.run(new World(random.split()), new ModelDriver(random.split()));
        }
    }

    private static void commit(ModelDriver driver, World.Running running) {
        try (WriteBatch batch = running.table().newBatch()) {
            driver.commit(batch, driver.draw(true));
        }
    }

    private static void cutPower(World world, World.Running running) {
        world.disk().powerCut();
        assertThrows(RuntimeException.class, running.engine()::close);
        world.disk().restart();
    }

    private static void assertAgrees(World world, ModelDriver driver) {
        World.Running reopened = world.open();
        driver.assertAgrees(reopened.table());
        reopened.engine().close();
    }
}
