package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: merges take the share of time and of bytes that they may, which becomes less at once while commits are slow,
 * and comes back when they are not.
 * Method: a worker that does steps of a millisecond whenever it may, by a clock that only the test moves.
 */
final class MergePaceTest {
    private static final long SECOND = 1_000_000;
    private static final long STEP_MICROS = 1_000;

    private long now = 5 * SECOND;
    private long commitCount;
    private long slowCount;
    private long overdueCount;
    private long stepCount;

    /** Of each hundred commits, of which there is one each millisecond, so many are slow. */
    private void run(MergePace pace, long micros, int slowPercent, long stepBytes) {
        long end = now + micros;
        while (now < end) {
            long wait = pace.microsToNext(now, commitCount, slowCount, overdueCount);
            long next = Math.max(1, wait > 0 ? Math.min(wait, end - now) : STEP_MICROS);
            if (wait == 0) {
                pace.did(STEP_MICROS, stepBytes);
                stepCount++;
            }
            now += next;
            commitCount = now / STEP_MICROS;
            slowCount += next * slowPercent / (100 * STEP_MICROS);
        }
    }

    private MergePace pace(long bytesPerSecond) {
        return new MergePace(bytesPerSecond, 1, now);
    }

    @Test
    void withoutALimitAndWithQuickCommitsNothingWaits() {
        MergePace pace = pace(MergePace.UNLIMITED);
        run(pace, 10 * SECOND, 0, 1 << 20);
        assertEquals(1, pace.share());
        assertEquals(10 * SECOND / STEP_MICROS, stepCount);
    }

    @Test
    void slowCommitsHalveTheShareDownToItsFloorAndQuickOnesBringItBack() {
        MergePace pace = pace(MergePace.UNLIMITED);
        pace.microsToNext(now, 0, 0, 0);
        assertEquals(0.5, after(pace, 100, 2));
        assertEquals(0.55, after(pace, 100, 1), 1e-9, "one of a hundred may be slow");
        assertEquals(0.275, after(pace, 3, 1), 1e-9);
        for (int i = 0; i < 5; i++) {
            after(pace, 1, 1);
        }
        assertEquals(MergePace.SHARE_MIN, pace.share());
        for (int i = 0; i < 18; i++) {
            after(pace, 0, 0); // Nobody waits.
        }
        assertEquals(1, pace.share(), 1e-9);
    }

    /** None was answered, so none was slow, and the share grew while all stood still. */
    @Test
    void commitsThatHangAreSlow() {
        MergePace pace = pace(MergePace.UNLIMITED);
        pace.microsToNext(now, 0, 0, 0);
        overdueCount = 1;
        assertEquals(0.5, after(pace, 0, 0));
        assertEquals(0.25, after(pace, 99, 0));
        assertEquals(0.3, after(pace, 100, 0), 1e-9, "one of a hundred may be slow");
        overdueCount = 0;
        assertEquals(0.35, after(pace, 0, 0), 1e-9);
    }

    @Test
    void whatIsNotAnsweredForTooLongIsOverdue() {
        var overdue = new OverdueCommits(SECOND, now);
        assertEquals(0, overdue.count(now + SECOND + 1, 10, 4), "nobody knows when they began");
        assertEquals(0, overdue.count(now + 2 * SECOND, 12, 4));
        assertEquals(6, overdue.count(now + 2 * SECOND + 2, 12, 4));
        assertEquals(1, overdue.count(now + 2 * SECOND + 3, 12, 9), "others were answered");
        assertEquals(0, overdue.count(now + 2 * SECOND + 4, 20, 11), "all that began then");
        assertEquals(1, overdue.count(now + 5 * SECOND, 20, 11));
        assertEquals(0, overdue.count(now - SECOND, 20, 12), "the clock was set back");
        assertEquals(0, overdue.count(now + SECOND, 20, 12));
    }

    @Test
    void thoseThatHaveFallenBehindYieldToNobodyAndOweNothingForIt() {
        MergePace pace = pace(MergePace.UNLIMITED);
        run(pace, 2 * SECOND, 100, 0);
        long yielding = stepCount;
        assertTrue(yielding < SECOND / STEP_MICROS, yielding + " steps in two seconds");
        pace.behind(true);
        run(pace, 10 * SECOND, 100, 0);
        assertEquals(10.0 * SECOND / STEP_MICROS, (double) (stepCount - yielding), 1);
        pace.behind(false);
        long before = stepCount;
        run(pace, 10 * SECOND, 100, 0);
        assertEquals(MergePace.SHARE_MIN, pace.share(), 1e-9);
        assertEquals(MergePace.SHARE_MIN * 10 * SECOND / STEP_MICROS, (double) (stepCount - before), 100);
    }

    private double after(MergePace pace, long commits, long slow) {
        now += MergePace.WINDOW_MICROS;
        commitCount += commits;
        slowCount += slow;
        pace.microsToNext(now, commitCount, slowCount, overdueCount);
        return pace.share();
    }

    @Test
    void aWorkerMergesForItsShareOfTheTime() {
        MergePace pace = pace(MergePace.UNLIMITED);
        run(pace, SECOND, 100, 0);
        assertEquals(MergePace.SHARE_MIN, pace.share());
        stepCount = 0;
        run(pace, 20 * SECOND, 100, 0);
        double used = (double) stepCount * STEP_MICROS / (20 * SECOND);
        assertEquals(MergePace.SHARE_MIN, used, 0.01);
    }

    @ParameterizedTest
    @ValueSource(longs = {1 << 10, 64 << 10, 8 << 20})
    void bytesStayWithinTheirLimit(long stepBytes) {
        long limit = 4 << 20;
        MergePace pace = pace(limit);
        run(pace, 20 * SECOND, 0, stepBytes);
        double perSecond = stepCount * stepBytes / 20.0;
        assertTrue(perSecond <= limit + stepBytes / 10.0, () -> perSecond + " bytes a second");
        boolean isLimited = stepBytes * SECOND / STEP_MICROS > limit;
        assertTrue(!isLimited || perSecond > 0.9 * limit, () -> perSecond + " bytes a second only");
    }

    @ParameterizedTest
    @ValueSource(longs = {-86_400, 86_400})
    void aClockThatIsSetCostsASecondAtMost(long seconds) {
        MergePace pace = pace(4 << 20);
        run(pace, SECOND, 0, 64 << 10);
        now += seconds * SECOND;
        assertTrue(pace.microsToNext(now, commitCount, slowCount, overdueCount) <= SECOND);
        stepCount = 0;
        run(pace, 4 * SECOND, 0, 64 << 10);
        double perSecond = stepCount * (64 << 10) / 4.0;
        assertEquals(4 << 20, perSecond, 1 << 20);
    }
}
