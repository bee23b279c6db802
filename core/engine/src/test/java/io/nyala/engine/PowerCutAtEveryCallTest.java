package io.nyala.engine;

import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: whenever the power is cut, what was acknowledged is found again, and of the rest whole batches only; and who
 * only looks at the directory finds nothing wrong with it.
 * Method: one workload by seed, cut off at each of its calls of the disk in turn; then all is looked at, and read.
 */
final class PowerCutAtEveryCallTest {
    private static final int SAMPLE = 25;

    @Test
    void wheneverThePowerIsCutNothingAcknowledgedIsLost(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        long calls = callCount(seed);
        for (int i = 0; i < SAMPLE; i++) {
            // One from each part of the run, so that none is left out.
            cutAt(seed, random.nextLong(calls * i / SAMPLE, calls * (i + 1) / SAMPLE));
        }
    }

    @Tag("soak")
    @RepeatedTest(20)
    void wheneverThePowerIsCutNothingAcknowledgedIsLostSoak(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        long calls = callCount(seed);
        for (long call = 0; call < calls; call++) {
            cutAt(seed, call);
        }
    }

    private static long callCount(long seed) {
        var run = new FaultyRun(seed);
        run.run();
        return run.disk().callCount();
    }

    private static void cutAt(long seed, long call) {
        var run = new FaultyRun(seed);
        try {
            run.disk().cutPowerAtCall(call);
            run.run();
            run.disk().restart();
            run.disk().cutPowerAtCall(Long.MAX_VALUE);
            Verification.of(World.DIRECTORY, run.disk()).assertAllInOrder();
            run.check(true);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "the power was cut at call " + call + " of the run with seed " + seed + ": " + e, e);
        }
    }
}
