package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: who writes without end is slowed to what merges can do, evenly, and nobody is where they keep up.
 * Method: a tablet of which only the numbers are there. Batches come as fast as they are let in; so many bytes become
 * a rowset that lies over all others; a merge takes its time and then there are five rowsets less.
 */
final class WritePaceTest {
    private static final int SLOWDOWN_HEIGHT = 16;
    private static final long SECOND = 1_000_000;
    private static final long STEP_MICROS = 1_000;
    private static final double FLUSH_BYTES = 16 << 20;
    private static final double MERGE_GAIN = 5;
    private static final int BYTES_PER_SECOND_MIN = 1 << 20;
    private static final double BYTES_PER_SECOND_MAX = 100e6;

    private final WritePace pace = new WritePace(SLOWDOWN_HEIGHT, BYTES_PER_SECOND_MIN);
    private long now = 7 * SECOND;
    private double height = 1;
    private double inMemory;
    private double merged;

    /** Answers what came in each second. */
    private List<Double> run(int seconds, double mergesPerSecond, long batchBytes) {
        List<Double> rates = new ArrayList<>();
        for (int second = 0; second < seconds; second++) {
            double bytes = 0;
            for (int step = 0; step < SECOND / STEP_MICROS; step++) {
                now += STEP_MICROS;
                double wanted = BYTES_PER_SECOND_MAX * (second + (step + 1.0) * STEP_MICROS / SECOND) - sum(rates);
                while (bytes < wanted && pace.tryEnter(batchBytes) != WritePace.NO_ROOM) {
                    pace.decided(batchBytes);
                    bytes += batchBytes;
                    flush(batchBytes);
                }
                merge(mergesPerSecond * STEP_MICROS / SECOND);
                if (pace.isWindowOver(now)) {
                    pace.adjust(now, inMemory / FLUSH_BYTES, merged);
                }
                if (pace.isSlow()) {
                    pace.accrue(now);
                }
            }
            rates.add(bytes);
        }
        return rates;
    }

    private static double sum(List<Double> rates) {
        return rates.stream().mapToDouble(Double::doubleValue).sum();
    }

    private void flush(long bytes) {
        inMemory += bytes;
        while (inMemory >= FLUSH_BYTES) {
            inMemory -= FLUSH_BYTES;
            height++;
            tell();
        }
    }

    private void merge(double part) {
        if (height < MERGE_GAIN + 1) {
            merged = 0;
            return;
        }
        merged += part;
        if (merged >= 1) {
            merged = 0;
            height -= MERGE_GAIN;
            tell();
        }
    }

    private void tell() {
        pace.owes(height, height < MERGE_GAIN + 1 ? 0 : MERGE_GAIN);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.8, 0.2, 0.05})
    void whoWritesWithoutEndIsSlowedToWhatMergesCanDoAndEvenly(double mergesPerSecond) {
        run(200, mergesPerSecond, 100_000);
        List<Double> rates = run(200, mergesPerSecond, 100_000);
        double sustained = mergesPerSecond * MERGE_GAIN * FLUSH_BYTES;
        assertEquals(sustained, sum(rates) / rates.size(), 0.05 * sustained);
        for (double rate : rates) {
            assertTrue(rate > sustained / 2 && rate < 2 * sustained, rates.toString());
        }
        assertEquals(WritePace.AIM * SLOWDOWN_HEIGHT, height, MERGE_GAIN + 2);
        assertEquals(sustained, (double) pace.bytesPerSecond(), 0.3 * sustained);
    }

    @Test
    void nobodyIsSlowedWhileMergesKeepUp() {
        List<Double> rates = run(60, 2, 100_000);
        assertEquals(60 * BYTES_PER_SECOND_MAX, sum(rates), 100_000);
        assertFalse(pace.isSlow());
        assertEquals(WritePace.UNLIMITED, pace.bytesPerSecond());
    }

    @Test
    void whoWasSlowedIsNotOnceMergesHaveCaughtUp() {
        run(100, 0.2, 100_000);
        assertTrue(pace.isSlow());
        run(100, 2, 100_000);
        assertFalse(pace.isSlow());
        assertEquals(BYTES_PER_SECOND_MAX, run(1, 2, 100_000).getFirst(), 100_000);
    }

    @Test
    void ifMergesEndForGoodSomeBatchesComeInAllTheSame() {
        run(600, 0, 100_000);
        List<Double> rates = run(100, 0, 100_000);
        assertEquals(BYTES_PER_SECOND_MIN, sum(rates) / 100, 0.2 * BYTES_PER_SECOND_MIN);
    }

    @Test
    void aBatchThatIsLargerThanWhatComesInASecondIsLetInAndPaidFor() {
        run(100, 0.2, 100_000);
        double sustained = 0.2 * MERGE_GAIN * FLUSH_BYTES;
        assertEquals(sustained, sum(run(200, 0.2, 64 << 20)) / 200, 0.35 * sustained);
    }

    /** What is known of batches is what those before had: all of them have been small. */
    @Test
    void whoeverWaitsDoesSoForOneLargeBatchHoweverManyCome() {
        run(100, 0.2, 1_000);
        assertTrue(pace.isSlow());
        while (pace.tryEnter(1_000) != WritePace.NO_ROOM) {
            pace.decided(1_000);
        }
        long largest = 8 << 20;
        awaitRoom();
        for (int round = 0; round < 20; round++) {
            int entered = 0;
            for (int caller = 0; caller < 512; caller++) {
                entered += pace.tryEnter(largest) == largest ? 1 : 0;
            }
            assertEquals(1, entered, "of those that wait");
            double seconds = (double) awaitRoom() / SECOND;
            double owed = (double) largest / pace.bytesPerSecond();
            assertTrue(seconds <= owed + 0.005, seconds + " s for all others, " + owed + " s are owed");
        }
    }

    /** Answers how long that took. */
    private long awaitRoom() {
        long begin = now;
        for (long micros = pace.microsToRoom(); micros > 0; micros = pace.microsToRoom()) {
            now += Math.min(micros, SECOND / 2);
            pace.accrue(now);
        }
        return now - begin;
    }

    @Test
    void whoBringsNoBatchLeavesRoomForTheNext() {
        run(100, 0.2, 100_000);
        awaitRoom();
        long taken = pace.tryEnter(8 << 20);
        assertEquals(8 << 20, taken);
        assertEquals(WritePace.NO_ROOM, pace.tryEnter(1));
        taken = pace.passOn(taken, 4 << 20);
        assertEquals(4 << 20, taken);
        assertEquals(WritePace.NO_ROOM, pace.tryEnter(1));
        pace.leave(taken);
        assertEquals(1, pace.tryEnter(1));
    }

    @Test
    void ifNobodyWantsMoreTheRateDoesNotGrowWithoutEnd() {
        run(100, 0.2, 100_000);
        long before = pace.bytesPerSecond();
        for (int i = 0; i < 1_000; i++) {
            now += WritePace.WINDOW_MICROS;
            pace.owes(1.2 * SLOWDOWN_HEIGHT, 0);
            pace.adjust(now, 0, 0);
        }
        assertTrue(pace.isSlow());
        assertTrue(pace.bytesPerSecond() < 10 * before, pace.bytesPerSecond() + " after " + before);
    }

    @Test
    void aClockThatIsSetBackOrForwardCostsASecond() {
        run(100, 0.2, 100_000);
        for (long leap : new long[] {-3600 * SECOND, 7200 * SECOND}) {
            now += leap;
            double least = run(30, 0.2, 100_000).stream()
                    .skip(2)
                    .mapToDouble(Double::doubleValue)
                    .min()
                    .orElseThrow();
            assertTrue(least > 0.1 * MERGE_GAIN * FLUSH_BYTES, "after " + leap + ": " + least);
        }
    }

    @Test
    void aTabletThatNeverSlowsAnybodyNeedsNoLook() {
        var never = WritePace.unlimited();
        never.owes(1_000, 0);
        assertFalse(never.isWindowOver(now));
        assertEquals(0, never.tryEnter(1_000));
    }
}
