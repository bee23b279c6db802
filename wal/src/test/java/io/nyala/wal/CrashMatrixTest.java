package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: whenever the power is cut, all that was acknowledged is found, in order, and nothing that was not appended.
 * Method: random workloads (appends of both durabilities, rolls, releases, ends of the process, clean closes), cut at
 * each I/O call in turn, and forked after each step; then read, and gone on with.
 */
final class CrashMatrixTest {
    private static final int STATES_MIN = 2_000;
    private static final int KILLS_MIN = 400;

    private static final Logger LOG = System.getLogger(CrashMatrixTest.class.getName());

    /** Of all repetitions. */
    private static final AtomicLong VISITED = new AtomicLong();

    @Test
    void everythingAcknowledgedIsFoundWheneverThePowerIsCut(@Seed SplittableRandom random) {
        visit(random);
    }

    @Tag("soak")
    @RepeatedTest(50)
    void everythingAcknowledgedIsFoundWheneverThePowerIsCutSoak(@Seed SplittableRandom random) {
        visit(random);
    }

    @AfterAll
    static void tellHowMuchWasSeen() {
        LOG.log(Level.INFO, "{0} crash states were read, and found to be in order", VISITED);
    }

    private static void visit(SplittableRandom random) {
        int states = 0;
        while (states < STATES_MIN) {
            states += cutAtEachCall(random.nextLong()) + forkAfterEachStep(random.nextLong());
        }
        VISITED.addAndGet(states);
    }

    /** A call that a process did not live to see may have been made; what was written is there in any case. */
    @Test
    void everythingWrittenIsFoundWheneverTheProcessIsKilled(@Seed SplittableRandom random) {
        int states = 0;
        while (states < KILLS_MIN) {
            states += endAtEachCall(random.nextLong(), true);
        }
    }

    /** Runs the same workload again and again, each time until the next call. */
    private static int cutAtEachCall(long seed) {
        return endAtEachCall(seed, false);
    }

    private static int endAtEachCall(long seed, boolean isKilled) {
        CrashWorkload whole = new CrashWorkload(new SplittableRandom(seed));
        long first = whole.disk.callCount();
        whole.run(2, 25);
        long last = whole.disk.callCount();
        assertTrue(last > first, "nothing happened");
        for (long call = first; call < last; call++) {
            try {
                CrashWorkload workload = new CrashWorkload(new SplittableRandom(seed));
                if (isKilled) {
                    workload.disk.killProcessAtCall(call);
                    workload.run(2, 25);
                    workload.checkAfterKill();
                    workload.goOnAfterKill();
                } else {
                    workload.disk.cutPowerAtCall(call);
                    workload.run(2, 25);
                    workload.checkAfterPowerCut(workload.disk);
                    workload.goOn();
                }
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(
                        "workload " + seed + (isKilled ? " killed" : " cut") + " at call " + call + ": "
                                + e.getMessage(),
                        e);
            }
        }
        return (int) (last - first);
    }

    /** Goes through a longer workload once, and looks at several ends that it might have had after each step. */
    private static int forkAfterEachStep(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        CrashWorkload workload = new CrashWorkload(random.split());
        int[] states = {0};
        workload.run(3, 60, () -> {
            for (int i = 0; i < 3; i++) {
                long fate = random.nextLong();
                try {
                    SimulatedDisk fork = workload.disk.afterPowerCut(fate);
                    workload.checkAfterPowerCut(fork);
                    states[0]++;
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError("workload " + seed + " fate " + fate + ": " + e.getMessage(), e);
                }
            }
        });
        return states[0];
    }
}
