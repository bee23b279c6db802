package io.nyala.columns;

import io.nyala.columns.SteadyRun.Efforts;
import io.nyala.columns.SteadyRun.Interval;
import io.nyala.columns.SteadyRun.Kind;
import io.nyala.columns.SteadyRun.Lengths;
import io.nyala.columns.SteadyRun.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.rocksdb.RocksDBException;

/**
 * The steady state: rows by random keys, as fast as a store takes them or at a given rate that it can sustain, a tenth
 * of them changes of rows of before, while rows are scanned and looked up and rowsets are merged, in little memory;
 * beside RocksDB with leveled compaction, which gets the same batches. What is written and kept for each byte of rows,
 * what look-ups ask, how long each operation takes, and whether there are seconds in which hardly anything is done.
 *
 * <pre>{@code
 * perf/run steady [DIRECTORY [SECONDS [ROWS_PER_SECOND [PICTURE.svg]]]]
 * }</pre>
 *
 * Afterwards the run waits, two minutes at most, until nothing is left to be merged, in either; the height of the
 * engine is to be at most {@value SteadyEngine#HEIGHT_AT_REST} then. At last all is written once more, which is the
 * least that it can take. The first {@value #WARM_UP_INTERVALS} seconds are drawn but not judged: the compiler is
 * at work.
 */
public final class SteadyFigures {
    private static final int WARM_UP_INTERVALS = 5;
    private static final int DEFAULT_SECONDS = 600;
    private static final long REST_SECONDS_MAX = 120;
    private static final long MIB = 1L << 20;
    static final long MEMORY_BYTES = 256 * MIB;
    private static final double REDO_SHARE_MAX = 0.1;
    private static final int[] SHOWN = {0, 1, 2, 3, 4, 8, Integer.MAX_VALUE};

    private SteadyFigures() {}

    public static void main(String[] arguments) throws IOException, InterruptedException, RocksDBException {
        Path below = Path.of(arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir"));
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_SECONDS;
        long rowsPerSecond = arguments.length > 2 ? Long.parseLong(arguments[2]) : SteadyRun.UNLIMITED;
        var lengths = lengths(seconds + WARM_UP_INTERVALS, TimeUnit.SECONDS.toNanos(1), rowsPerSecond);
        List<Result> results = measure(below, lengths);
        print(results, rowsPerSecond);
        if (arguments.length > 3) {
            Files.writeString(Path.of(arguments[3]), picture(results.getFirst()));
        }
    }

    /** Prints what so many intervals show. */
    public static void print(Path below, int intervals, long intervalNanos)
            throws IOException, InterruptedException, RocksDBException {
        var lengths = lengths(intervals + WARM_UP_INTERVALS, intervalNanos, SteadyRun.UNLIMITED);
        print(measure(below, lengths), lengths.rowsPerSecond());
    }

    static Lengths lengths(int intervals, long intervalNanos, long rowsPerSecond) {
        return new Lengths(intervals, intervalNanos, Long.MAX_VALUE, REST_SECONDS_MAX * intervalNanos, rowsPerSecond);
    }

    /** Ours first, and then the peer with as many batches as ours has taken. */
    static List<Result> measure(Path below, Lengths lengths)
            throws IOException, InterruptedException, RocksDBException {
        Files.createDirectories(below);
        Path directory = Files.createTempDirectory(below, "steady");
        try {
            Result ours;
            Path own = Files.createDirectory(directory.resolve("nyala"));
            try (SteadyEngine store = new SteadyEngine(own, MEMORY_BYTES)) {
                ours = SteadyRun.run(store, directory, lengths);
            }
            delete(own); // Or there might be no room for the other.
            var same = new Lengths(
                    Integer.MAX_VALUE,
                    lengths.intervalNanos(),
                    ours.batches(),
                    lengths.restNanosMax(),
                    lengths.rowsPerSecond());
            Path other = Files.createDirectory(directory.resolve("rocksdb"));
            try (SteadyRocks store = new SteadyRocks(other, MEMORY_BYTES)) {
                return List.of(ours, SteadyRun.run(store, directory, same));
            }
        } finally {
            delete(directory);
        }
    }

    static void delete(Path directory) throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    // ---- What it comes to ----

    private static List<Interval> judged(Result result) {
        List<Interval> all = result.intervals();
        return all.subList(Math.min(WARM_UP_INTERVALS, Math.max(0, all.size() - 1)), all.size());
    }

    static double mean(Result result, ToDoubleFunction<Interval> figure) {
        return judged(result).stream().mapToDouble(figure).average().orElse(0);
    }

    static double most(Result result, ToDoubleFunction<Interval> figure) {
        return judged(result).stream().mapToDouble(figure).max().orElse(0);
    }

    /** In the order of all intervals. */
    static int slowest(Result result) {
        int first = result.intervals().size() - judged(result).size();
        return IntStream.range(first, result.intervals().size())
                .boxed()
                .min(Comparator.comparingLong(
                        second -> result.intervals().get(second).rows()))
                .orElse(0);
    }

    /** Judged intervals with less than half of the mean of all rows. */
    static List<Interval> slow(Result result) {
        double mean = mean(result, Interval::rows);
        return judged(result).stream()
                .filter(interval -> interval.rows() < mean / 2)
                .toList();
    }

    /** Those of them in which the bare device writer was no slower than usual. */
    static List<Interval> stalls(Result result) {
        double mean = mean(result, Interval::blocks);
        return slow(result).stream()
                .filter(interval -> interval.blocks() >= mean / 2)
                .toList();
    }

    static String decimals(double figure) {
        return String.format(Locale.ROOT, "%,.2f", figure);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private static String mib(long bytes) {
        return String.format(Locale.ROOT, "%,.0f", (double) bytes / MIB);
    }

    // ---- Printing ----

    /** One line of the first table: what it is, and how it is told of each run. */
    static void line(String what, List<Result> results, Function<Result, String> figure) {
        System.out.println("| " + what + " | "
                + String.join(" | ", results.stream().map(figure).toList()) + " |");
    }

    static void print(List<Result> results, long rowsPerSecond) {
        System.out.printf(
                Locale.ROOT,
                "%,d batches of %,d rows, %s, each tenth of changes, %s MiB as they are given; %s MiB of memory"
                        + " each.%n%n",
                results.getFirst().batches(),
                SteadyRun.BATCH_ROWS,
                rowsPerSecond == SteadyRun.UNLIMITED
                        ? "as fast as they were taken"
                        : String.format(Locale.ROOT, "%,d rows a second", rowsPerSecond),
                mib(results.getFirst().givenBytes()),
                mib(MEMORY_BYTES));
        line("", results, Result::name);
        line("---", results, _ -> "---");
        printRates(results);
        printBytes(results);
        printShapes(results);
        printLatencies(results);
        printEfforts(results.getFirst().efforts());
        printGoals(results.getFirst());
    }

    private static void printRates(List<Result> results) {
        line("seconds", results, result -> String.format(Locale.ROOT, "%,.0f", result.seconds()));
        line("rows/s, mean", results, result -> String.format(Locale.ROOT, "%,.0f", mean(result, Interval::rows)));
        line(
                "rows in the slowest second (which)",
                results,
                result -> String.format(
                        Locale.ROOT,
                        "%,d (%d)",
                        result.intervals().get(slowest(result)).rows(),
                        slowest(result)));
        line(
                "seconds below half of the mean (of these not beside a stall of the device)",
                results,
                result -> slow(result).size() + " (" + stalls(result).size() + ")");
    }

    private static void printBytes(List<Result> results) {
        line(
                "bytes written for each that was given, until at rest, by the system's count",
                results,
                result -> decimals((double) result.processBytes() / result.givenBytes()));
        line(
                "the same by its own statistics",
                results,
                result -> result.atRest().writtenBytes() == 0
                        ? "-"
                        : decimals((double) result.atRest().writtenBytes() / result.givenBytes()));
        line(
                "MiB of files at the end; at rest; written once more",
                results,
                result -> mib(result.end().fileBytes()) + "; "
                        + mib(result.atRest().fileBytes()) + "; " + mib(result.rewrittenBytes()));
        line(
                "space at rest, of what it takes written once more",
                results,
                result -> decimals((double) result.atRest().fileBytes() / result.rewrittenBytes()));
        line(
                "MiB of memory, at most",
                results,
                result -> mib((long) most(result, each -> each.state().memoryBytes())));
    }

    private static void printShapes(List<Result> results) {
        line(
                "height: mean; most; at the end; at rest",
                results,
                result -> decimals(mean(result, each -> each.state().height())) + "; "
                        + decimals(most(result, each -> each.state().height())) + "; "
                        + decimals(result.end().height()) + "; "
                        + decimals(result.atRest().height()));
        line(
                "seconds until at rest",
                results,
                result -> result.restSeconds() < 0
                        ? "not in time"
                        : String.format(Locale.ROOT, "%.0f", result.restSeconds()));
        line(
                "delta files beside rowsets, as a share of these: mean; most; at the end; at rest",
                results,
                result -> percent(mean(result, each -> each.state().changeShare())) + "; "
                        + percent(most(result, each -> each.state().changeShare())) + "; "
                        + percent(result.end().changeShare()) + "; "
                        + percent(result.atRest().changeShare()));
    }

    private static void printGoals(Result ours) {
        System.out.printf(
                Locale.ROOT,
                "%nGoals: height of at most %.2f within %d s: %s; delta files of at most %s: %s; no second below"
                        + " half of the mean: %s.%n",
                SteadyEngine.HEIGHT_AT_REST,
                REST_SECONDS_MAX,
                ours.atRest().height() <= SteadyEngine.HEIGHT_AT_REST ? "reached" : "missed",
                percent(REDO_SHARE_MAX),
                most(ours, each -> each.state().changeShare()) <= REDO_SHARE_MAX ? "reached" : "missed",
                slow(ours).isEmpty() ? "reached" : "missed");
    }

    static void printLatencies(List<Result> results) {
        System.out.println();
        System.out.println("| ms | of | how often | p50 | p99 | p99.9 | max |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (Kind kind : Kind.values()) {
            for (Result result : results) {
                Histogram histogram = result.latencies().getOrDefault(kind, new Histogram(1));
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %s | %,d | %.2f | %.2f | %.2f | %.2f |%n",
                        kind.words,
                        result.name(),
                        histogram.getTotalCount(),
                        histogram.getValueAtPercentile(50) / 1e6,
                        histogram.getValueAtPercentile(99) / 1e6,
                        histogram.getValueAtPercentile(99.9) / 1e6,
                        histogram.getMaxValue() / 1e6);
            }
        }
    }

    private static void printEfforts(Efforts efforts) {
        System.out.println();
        System.out.println(
                "| share of look-ups, or of batches by what a row took, that asked so many | mean | 0 | 1 | 2 | 3"
                        + " | 4 to 7 | 8 and more | most |");
        System.out.println("|---|---|---|---|---|---|---|---|---|");
        printEffort("look-up: rows in memory", efforts.memRowSets, mean(efforts.memRowSets));
        printEffort("look-up: key filters of rowsets", efforts.filters, mean(efforts.filters));
        printEffort("look-up: key columns of rowsets", efforts.keyLookUps, mean(efforts.keyLookUps));
        printEffort("look-up: delta files, and stores of changes", efforts.deltas, mean(efforts.deltas));
        double rows = Math.max(1, efforts.batchCount) * (double) SteadyRun.BATCH_ROWS;
        printEffort("row written: key filters of rowsets", efforts.batchFilters, efforts.batchFilterSum / rows);
        printEffort("row written: key columns of rowsets", efforts.batchKeyLookUps, efforts.batchKeyLookUpSum / rows);
    }

    private static double mean(long[] counts) {
        double sum = IntStream.range(0, counts.length)
                .mapToDouble(i -> (double) i * counts[i])
                .sum();
        return sum / Math.max(1, Arrays.stream(counts).sum());
    }

    private static void printEffort(String what, long[] counts, double mean) {
        var line = new StringBuilder("| " + what);
        long all = Arrays.stream(counts).sum();
        int most = 0;
        for (int i = 0; i < counts.length; i++) {
            most = counts[i] > 0 ? i : most;
        }
        line.append(" | ").append(decimals(mean));
        for (int i = 0; i + 1 < SHOWN.length; i++) {
            int from = SHOWN[i];
            int to = Math.min(counts.length, SHOWN[i + 1]);
            long some = Arrays.stream(counts, Math.min(from, to), to).sum();
            line.append(" | ").append(percent((double) some / Math.max(1, all)));
        }
        System.out.println(line.append(" | ").append(most).append(" |"));
    }

    /** As SVG. */
    static String picture(Result result) {
        List<Interval> all = result.intervals();
        int slowest = slowest(result);
        double mean = mean(result, Interval::rows);
        return new SecondsPicture(all.size())
                .panel("rows committed per second", figures(all, Interval::rows), 0)
                .line(mean, "mean")
                .line(mean / 2, "half of it")
                .mark(slowest, (double) all.get(slowest).rows(), "slowest")
                .panel(
                        "bare device writer: longest durable write of 4 KiB in each second, ms",
                        figures(all, Interval::longestBlockMillis),
                        0)
                .panel(
                        "height: rowsets that a look-up asks, on average",
                        figures(all, each -> each.state().height()),
                        2)
                .panel(
                        "delta files beside rowsets, as a share of these, %",
                        figures(all, each -> 100 * each.state().changeShare()), 100 * REDO_SHARE_MAX)
                .line(100 * REDO_SHARE_MAX, "goal")
                .panel(
                        "memory in use, MiB",
                        figures(all, each -> (double) each.state().memoryBytes() / MIB),
                        (double) MEMORY_BYTES / MIB)
                .line((double) MEMORY_BYTES / MIB, "limit")
                .svg();
    }

    private static double[] figures(List<Interval> intervals, ToDoubleFunction<Interval> figure) {
        return intervals.stream().mapToDouble(figure).toArray();
    }
}
