package io.nyala.columns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.columns.SteadyRun.Kind;
import io.nyala.columns.SteadyRun.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the driver does not rot, and leaves nothing behind. Method: two turns of less than a second. */
final class YieldFiguresTest {
    @Test
    void eachHasLatenciesOfAllItsTurns(@TempDir Path directory) throws IOException, InterruptedException {
        int intervals = 5;
        int times = 2;
        List<Result> results =
                YieldFigures.measure(directory, YieldFigures.lengths(intervals, 20_000_000, 20_000), times);
        YieldFigures.print(results);
        assertEquals(
                List.of("no merges", "merges that yield", "merges that never yield"),
                results.stream().map(Result::name).toList());
        for (Result result : results) {
            assertEquals(times * intervals, result.intervals().size(), result::name);
            Histogram inserts = result.latencies().getOrDefault(Kind.INSERT, new Histogram(1));
            assertTrue(inserts.getTotalCount() > 0, () -> result.name() + ": no batch");
        }
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }
}
