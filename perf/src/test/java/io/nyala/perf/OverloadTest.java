package io.nyala.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: under overload throughput falls smoothly, and memory stays within its limit. Method: the driver itself, ten
 * minutes in the long run; in each build only long enough to see that it works, and leaves nothing behind.
 */
final class OverloadTest {
    private static final int SOAK_SECONDS = 600;

    @Test
    void rowsAndBlocksAreCounted(@TempDir Path directory) throws IOException, InterruptedException {
        Overload.Run run = Overload.measure(directory, 6, TimeUnit.MILLISECONDS.toNanos(100));
        assertEquals(6, run.intervals().size());
        assertTrue(run.commits().getTotalCount() > 0, "no batch was committed");
        assertTrue(run.intervals().stream().anyMatch(interval -> interval.blocks() > 0), "no block was written");
        assertTrue(run.peakBytes() <= run.limitBytes(), run.peakBytes() + " of " + run.limitBytes());
        assertTrue(Overload.picture(run).contains("rows committed"));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void aSlowSecondIsAStallUnlessTheDeviceStoodStillToo() {
        var intervals = new ArrayList<Overload.Interval>();
        for (int i = 0; i < 20; i++) {
            intervals.add(new Overload.Interval(1_000, 100, 1, 0));
        }
        var withTheDevice = new Overload.Interval(100, 10, 900, 0);
        var alone = new Overload.Interval(100, 100, 1, 0);
        intervals.add(withTheDevice);
        intervals.add(alone);
        var run = new Overload.Run(intervals, new Histogram(3), 0, 1);
        assertEquals(List.of(withTheDevice, alone), run.slow());
        assertEquals(List.of(alone), run.stalls());
    }

    @Tag("soak")
    @Test
    void noSecondOfTenMinutesIsBelowHalfOfTheMean(@TempDir Path directory) throws InterruptedException {
        int intervals = SOAK_SECONDS + Overload.WARM_UP_INTERVALS;
        Overload.Run run = Overload.measure(directory, intervals, TimeUnit.SECONDS.toNanos(1));
        assertEquals(List.of(), run.stalls(), "of a mean of " + run.meanRows());
        assertTrue(run.peakBytes() <= run.limitBytes(), run.peakBytes() + " of " + run.limitBytes());
    }
}
