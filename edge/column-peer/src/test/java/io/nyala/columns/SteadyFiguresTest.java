package io.nyala.columns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.columns.SteadyRun.Efforts;
import io.nyala.columns.SteadyRun.Interval;
import io.nyala.columns.SteadyRun.Kind;
import io.nyala.columns.SteadyRun.Result;
import io.nyala.columns.SteadyStore.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.RocksDBException;

/**
 * Goal: the driver does not rot, judges seconds as it says, and leaves nothing behind. Method: a run of less than a
 * second, whose look-ups check what they find; and seconds made up.
 */
final class SteadyFiguresTest {
    private static final State STATE = new State(0, 0, 1, 0, 0);
    private static final long INTERVAL_NANOS = 20_000_000;

    @Test
    void bothGetTheSameBatchesAndAreAskedWhileTheyTakeThem(@TempDir Path directory)
            throws IOException, InterruptedException, RocksDBException {
        List<Result> results =
                SteadyFigures.measure(directory, SteadyFigures.lengths(7, INTERVAL_NANOS, SteadyRun.UNLIMITED));
        SteadyFigures.print(results, SteadyRun.UNLIMITED);
        Result ours = results.getFirst();
        Result theirs = results.getLast();
        assertTrue(ours.batches() > 0, "no batch was committed");
        assertEquals(ours.batches(), theirs.batches());
        for (Result result : results) {
            for (Kind kind : List.of(Kind.INSERT, Kind.LOOK_UP)) {
                Histogram histogram = result.latencies().getOrDefault(kind, new Histogram(1));
                assertTrue(histogram.getTotalCount() > 0, () -> result.name() + ": no " + kind);
            }
            assertTrue(result.rewrittenBytes() > 0, () -> result.name() + " has no rows");
            assertTrue(result.givenBytes() > 40 * 1000 * result.batches(), () -> result.givenBytes() + " bytes");
        }
        assertTrue(theirs.atRest().writtenBytes() > theirs.givenBytes(), "the log alone is more");
        assertTrue(ours.efforts().count > 0, "nobody says what look-ups took");
        assertEquals(ours.batches(), ours.efforts().batchCount);
        assertTrue(SteadyFigures.picture(ours).contains(">slowest</text>"));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void aRateThatBothSustainIsKeptByBoth(@TempDir Path directory)
            throws IOException, InterruptedException, RocksDBException {
        List<Result> results = SteadyFigures.measure(directory, SteadyFigures.lengths(10, INTERVAL_NANOS, 20_000));
        for (Result result : results) {
            assertTrue(result.batches() <= 20 * result.seconds() + 4, () -> result.name() + " was faster: " + result);
        }
        assertTrue(results.getFirst().batches() > 0, "no batch was committed");
        assertEquals(results.getFirst().batches(), results.getLast().batches());
    }

    @Test
    void aSlowSecondIsAStallUnlessTheDeviceStoodStillToo() {
        var intervals = new ArrayList<Interval>();
        intervals.add(new Interval(0, 0, 1, STATE)); // The compiler is at work.
        for (int i = 0; i < 20; i++) {
            intervals.add(new Interval(1_000, 100, 1, STATE));
        }
        var withTheDevice = new Interval(100, 10, 900, STATE);
        var alone = new Interval(99, 100, 1, STATE);
        intervals.add(withTheDevice);
        intervals.add(alone);
        var result = new Result("", intervals, Map.of(), new Efforts(), 0, 1, 0, 1, STATE, STATE, 0, 1);
        assertEquals(List.of(withTheDevice, alone), SteadyFigures.slow(result));
        assertEquals(List.of(alone), SteadyFigures.stalls(result));
        assertEquals(22, SteadyFigures.slowest(result));
    }
}
