package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException.Kind;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: whichever call of the disk fails, commits succeed or say why not, nothing waits for ever, everything is given
 * back, and what was acknowledged is found again, also after a power cut.
 * Method: one workload by seed, once for each call of it, which fails; then the power is cut, or not, and all is read.
 */
final class EveryCallFailsOnceTest {
    private static final int SAMPLE = 25;
    private static final int QUERIES_SAMPLE = 15;

    @Test
    void whicheverCallFailsNothingAcknowledgedIsLost(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        long calls = callCount(seed);
        for (int i = 0; i < SAMPLE; i++) {
            // One from each part of the run, so that none is left out.
            failAt(random, seed, random.nextLong(calls * i / SAMPLE, calls * (i + 1) / SAMPLE));
        }
    }

    /** Lengths, existence, free space, and closing. */
    @Test
    void whicheverQueryFailsNothingAcknowledgedIsLost(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        var whole = new FaultyRun(seed);
        whole.run();
        long queries = whole.disk().queryCount();
        assertTrue(queries > QUERIES_SAMPLE, queries + " queries");
        for (int i = 0; i < QUERIES_SAMPLE; i++) {
            long query = random.nextLong(queries * i / QUERIES_SAMPLE, queries * (i + 1) / QUERIES_SAMPLE);
            failAt(random, seed, -1 - query);
        }
    }

    @Tag("soak")
    @RepeatedTest(20)
    void whicheverQueryFailsNothingAcknowledgedIsLostSoak(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        var whole = new FaultyRun(seed);
        whole.run();
        for (long query = whole.disk().queryCount(); query > 0; query--) {
            failAt(random, seed, -query);
        }
    }

    @Tag("soak")
    @RepeatedTest(20)
    void whicheverCallFailsNothingAcknowledgedIsLostSoak(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        long calls = callCount(seed);
        for (long call = 0; call < calls; call++) {
            failAt(random, seed, call);
        }
    }

    private static long callCount(long seed) {
        var run = new FaultyRun(seed);
        run.run();
        long calls = run.disk().callCount();
        run.check(false);
        return calls;
    }

    private static void failAt(SplittableRandom random, long seed, long call) {
        Kind kind = random.nextInt(3) == 0 ? Kind.NO_SPACE : Kind.IO_ERROR;
        boolean cutsPower = random.nextBoolean();
        var run = new FaultyRun(seed);
        try {
            run.disk().failCall(call, kind); // Below 0, a query.
            run.run();
            if (cutsPower) {
                run.disk().powerCut();
                run.disk().restart();
                assertEquals(0, run.disk().openFileCount());
            }
            run.check(cutsPower);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    kind + " at call " + call + " of the run with seed " + seed
                            + (cutsPower ? " and a power cut: " : ": ") + e,
                    e);
        }
    }
}
