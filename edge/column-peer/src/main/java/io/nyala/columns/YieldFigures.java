package io.nyala.columns;

import io.nyala.columns.SteadyRun.Interval;
import io.nyala.columns.SteadyRun.Lengths;
import io.nyala.columns.SteadyRun.Result;
import io.nyala.engine.EngineConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * What merges cost those who write and read beside them: the batches of {@link SteadyRun}, at a given rate, into an
 * engine that does not merge, one whose merges yield to commits as they do by default, and one whose merges never do.
 *
 * <pre>{@code
 * perf/run yields [DIRECTORY [SECONDS [ROWS_PER_SECOND]]]
 * }</pre>
 *
 * <p>The three take turns {@value #TIMES} times, and of each the latencies of all its turns are put together: what
 * else the machine does falls to all of them.
 */
public final class YieldFigures {
    private static final int TIMES = 3;
    private static final int DEFAULT_SECONDS = 30;
    private static final long DEFAULT_ROWS_PER_SECOND = 50_000;

    private static final List<Contender> CONTENDERS = List.of(
            new Contender("no merges", config -> config.withAutomaticMerges(false)),
            new Contender("merges that yield", config -> config),
            new Contender("merges that never yield", config -> config.withSlowCommitMillis(0)));

    private YieldFigures() {}

    private record Contender(String name, UnaryOperator<EngineConfig> settings) {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path below = Path.of(arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir"));
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_SECONDS;
        long rowsPerSecond = arguments.length > 2 ? Long.parseLong(arguments[2]) : DEFAULT_ROWS_PER_SECOND;
        print(measure(below, lengths(seconds, TimeUnit.SECONDS.toNanos(1), rowsPerSecond), TIMES));
    }

    static Lengths lengths(int intervals, long intervalNanos, long rowsPerSecond) {
        int restNanosMax = 0; // One that does not merge would never come to rest.
        return new Lengths(intervals, intervalNanos, Long.MAX_VALUE, restNanosMax, rowsPerSecond);
    }

    /** Of each contender what all of its turns came to. */
    static List<Result> measure(Path below, Lengths lengths, int times) throws IOException, InterruptedException {
        List<List<Result>> turns = new ArrayList<>();
        CONTENDERS.forEach(_ -> turns.add(new ArrayList<>()));
        Files.createDirectories(below);
        for (int time = 0; time < times; time++) {
            for (int i = 0; i < CONTENDERS.size(); i++) {
                turns.get(i).add(turn(below, CONTENDERS.get(i), lengths));
            }
        }
        return turns.stream().map(Result::together).toList();
    }

    private static Result turn(Path below, Contender contender, Lengths lengths)
            throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory(below, "yields");
        EngineConfig config = contender
                .settings()
                .apply(EngineConfig.in(Files.createDirectory(directory.resolve("nyala")))
                        .withMemoryBytes(SteadyFigures.MEMORY_BYTES));
        try (SteadyEngine store = new SteadyEngine(contender.name(), config)) {
            return SteadyRun.run(store, directory, lengths);
        } finally {
            SteadyFigures.delete(directory);
        }
    }

    static void print(List<Result> results) {
        SteadyFigures.line("", results, Result::name);
        SteadyFigures.line("---", results, _ -> "---");
        SteadyFigures.line(
                "rows/s, mean",
                results,
                result -> String.format(Locale.ROOT, "%,.0f", SteadyFigures.mean(result, Interval::rows)));
        SteadyFigures.line(
                "height: mean; most",
                results,
                result -> SteadyFigures.decimals(
                                SteadyFigures.mean(result, each -> each.state().height())) + "; "
                        + SteadyFigures.decimals(
                                SteadyFigures.most(result, each -> each.state().height())));
        SteadyFigures.printLatencies(results);
    }
}
