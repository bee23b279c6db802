package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.record.RequestName;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: whenever the power is cut, a request that was acknowledged has its answer again, and each request takes effect
 * once when it is repeated.
 * Method: one workload by seed, of named commits, flushes and so much else that the log lets go of what it can, cut off
 * at each of its calls of the disk in turn; then all requests are repeated, and once more after another restart.
 */
final class NamedPowerCutTest {
    private static final int SAMPLE = 20;
    private static final int SESSIONS = 2;
    private static final int ROUNDS = 3;

    /** They fill half a segment of the log. */
    private static final int OTHER_ROWS = 1200;

    /** One workload. Up to the cut the same seed makes the same calls. */
    private static final class Run {
        private final SplittableRandom random;
        private final World world;
        private final List<RequestName> names = new ArrayList<>();
        private final List<Requests.@Nullable Answer> answers = new ArrayList<>();
        private long nextOther = 10_000_000;

        Run(long seed) {
            random = new SplittableRandom(seed);
            world = new World(random.split()).withoutOwnFlushes();
            World.Running running = world.open();
            Table table = running.engine().createTable("t", Numbers.SCHEMA);
            Numbers.insertRange(table, Requests.PRESENT, Requests.PRESENT + 1);
            running.engine().close();
        }

        SimulatedDisk disk() {
            return world.disk();
        }

        /** To the end, or until the power is cut; answers whether it was. */
        boolean isCut() {
            for (int i = 0; i < SESSIONS; i++) {
                World.Running running = null;
                try {
                    running = world.open();
                    session(running);
                    running.engine().close();
                } catch (RuntimeException e) {
                    assertIsOfPowerCut(e);
                    if (running != null) {
                        closeDead(running);
                    }
                    return true;
                }
            }
            return false;
        }

        private static void assertIsOfPowerCut(RuntimeException e) {
            for (Throwable each = e; each != null; each = each.getCause()) {
                if (each instanceof PowerCutException) {
                    return;
                }
            }
            throw e;
        }

        private void session(World.Running running) {
            Table table = table(running);
            for (int round = 0; round < ROUNDS; round++) {
                for (int i = random.nextInt(1, 5); i > 0; i--) {
                    request(table);
                }
                for (int i = random.nextInt(3); i > 0; i--) {
                    Numbers.insertRange(table, nextOther, nextOther += OTHER_ROWS);
                }
                CompletableFuture<Void> flush = table.flush();
                if (random.nextBoolean()) {
                    request(table);
                }
                running.host().await(flush::isDone);
                flush.join();
            }
        }

        private void request(Table table) {
            int number = names.size();
            RequestName name = Requests.name(1 + random.nextInt(3), number);
            names.add(name);
            answers.add(null);
            Requests.Answer answer = Requests.commit(table, name, 10L * number);
            answer.assertIsOfFirst();
            answers.set(number, answer);
        }

        private static Table table(World.Running running) {
            return running.engine().table("t").orElseThrow();
        }

        private static void closeDead(World.Running running) {
            try {
                running.engine().close();
            } catch (RuntimeException _) {
                // What it can do without power does not matter.
            }
        }

        /** Repeats all, also those that nobody had an answer of; again after another restart, when all have one. */
        void check() {
            for (int i = 0; i < 2; i++) {
                World.Running running = world.open();
                repeatAll(table(running));
                assertEquals(
                        1 + 2L * names.size(),
                        Numbers.ids(Numbers.range(table(running), 0, Requests.PRESENT + 1))
                                .size());
                running.engine().close();
            }
        }

        private void repeatAll(Table table) {
            for (int i = 0; i < names.size(); i++) {
                Requests.Answer again = Requests.commit(table, names.get(i), 10L * i);
                again.assertIsOfFirst();
                Requests.Answer first = answers.get(i);
                if (first != null) {
                    assertEquals(first, again, names.get(i)::toString);
                }
                answers.set(i, again);
            }
        }
    }

    @Test
    void wheneverThePowerIsCutEachRequestTakesEffectOnce(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        long before = new Run(seed).disk().callCount();
        long calls = callCount(seed) - before;
        for (int i = 0; i < SAMPLE; i++) {
            cutAt(seed, before + random.nextLong(calls * i / SAMPLE, calls * (i + 1) / SAMPLE));
        }
    }

    @Tag("soak")
    @RepeatedTest(5)
    void wheneverThePowerIsCutEachRequestTakesEffectOnceSoak(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        long calls = callCount(seed);
        for (long call = new Run(seed).disk().callCount(); call < calls; call++) {
            cutAt(seed, call);
        }
    }

    private static long callCount(long seed) {
        var run = new Run(seed);
        assertFalse(run.isCut());
        return run.disk().callCount();
    }

    private static void cutAt(long seed, long call) {
        var run = new Run(seed);
        try {
            run.disk().cutPowerAtCall(call);
            assertTrue(run.isCut());
            run.disk().restart();
            run.disk().cutPowerAtCall(Long.MAX_VALUE);
            run.check();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "the power was cut at call " + call + " of the run with seed " + seed + ": " + e, e);
        }
    }
}
