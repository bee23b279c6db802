package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.memory.MemoryLeakException;
import io.nyala.testkit.Seed;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: an engine whose disk is gone gives all memory back when it is closed, although nothing else can be closed any
 * more.
 * Method: the power is cut, or the process counts as ended, at a random moment of commits and flushes.
 */
final class DeadEngineTest {
    private static final int LIVES = 10;
    private static final int IDS = 10;

    @RepeatedTest(4)
    void givesItsMemoryBack(@Seed SplittableRandom random) {
        var world = new World(random.split());
        for (int life = 0; life < LIVES; life++) {
            World.Running running = world.open();
            Table table =
                    running.engine().table("t").orElseGet(() -> running.engine().createTable("t", Numbers.SCHEMA));
            Numbers.insertRange(table, (long) life * IDS, (life + 1L) * IDS);
            if (random.nextBoolean()) {
                var _ = table.flush();
                for (int step = random.nextInt(120); step > 0; step--) {
                    running.host().step();
                }
            }
            if (random.nextBoolean()) {
                world.disk().powerCut();
            } else {
                world.disk().killProcess();
            }
            RuntimeException failure = assertThrows(RuntimeException.class, running.engine()::close);
            assertFalse(
                    Arrays.stream(failure.getSuppressed()).anyMatch(MemoryLeakException.class::isInstance),
                    () -> Arrays.toString(failure.getSuppressed()));
            world.disk().restart();
        }
    }
}
