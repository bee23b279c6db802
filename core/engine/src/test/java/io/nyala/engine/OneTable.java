package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.memory.AccountUsage;
import java.util.List;
import java.util.SplittableRandom;

/** A simulated host with one table {@code t}, for stories about it. One thread. */
final class OneTable {
    /** More than an agent needs for what it has begun. */
    private static final int STEPS = 2000;

    private final World world;
    private World.Running running;

    OneTable(SplittableRandom random) {
        world = new World(random).withoutOwnFlushes();
        running = world.open();
    }

    World world() {
        return world;
    }

    World.Running running() {
        return running;
    }

    Engine engine() {
        return running.engine();
    }

    Table create() {
        return engine().createTable("t", Numbers.SCHEMA);
    }

    Table table() {
        return engine().table("t").orElseThrow();
    }

    void reopen() {
        running.engine().close();
        assertEquals(0, world.disk().openFileCount());
        running = world.open();
    }

    /** As {@link #reopen}, of an engine that is closed. */
    void reopenClosed() {
        running = world.open();
    }

    /** The power fails, and comes back. */
    void powerCut() {
        world.disk().powerCut();
        try {
            running.engine().close();
        } catch (RuntimeException _) {
            // Without power.
        }
        world.disk().restart();
        running = world.open();
    }

    void flush() {
        Numbers.flush(running, table());
    }

    /** Lets everything happen that is under way. */
    void settle() {
        for (int i = 0; i < STEPS; i++) {
            running.host().step();
        }
    }

    void insertMany(long from, long to) {
        for (long id = from; id < to; id += 500) {
            Numbers.insertRange(table(), id, Math.min(to, id + 500));
        }
    }

    /** Names of the files of rowsets. */
    List<String> files() {
        return world.disk().list(World.DIRECTORY.resolve("rowsets")).stream()
                .map(String::valueOf)
                .toList();
    }

    /** Memory that rows have. */
    long rowBytes() {
        return engine().memoryUsage().stream()
                .filter(usage -> usage.owner().equals("rows in memory"))
                .mapToLong(AccountUsage::usedBytes)
                .sum();
    }
}
