package io.nyala.perf;

import io.nyala.columns.CacheFigures;
import io.nyala.columns.ChurnFigures;
import io.nyala.columns.LineItemFigures;
import io.nyala.columns.LookUpFigures;
import io.nyala.columns.SchemeFigures;
import io.nyala.columns.SteadyFigures;
import io.nyala.columns.YieldFigures;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kudu.client.KuduException;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.rocksdb.RocksDBException;

/**
 * The drivers that are not JMH benchmarks, by name; and {@code all-figures}, all of {@code docs/PERFORMANCE.md} in one
 * run of some minutes, as tables that can be pasted there.
 *
 * <pre>{@code
 * perf/run all-figures [--quick] [DIRECTORY]
 * }</pre>
 *
 * Each benchmark runs for a few seconds only: these are figures for an overview. To compare two versions run the
 * benchmark in question alone. A quick run shows that all of it works, and no figures.
 */
public final class Figures {
    /** Above it, something else ran in the minute before, and figures are orders of magnitude at best. */
    private static final double QUIET_LOAD_MAX = 1.5;

    private static final int TABLETS_OF_A_TABLE = 10;

    private static final Lengths USUAL = new Lengths(
            TimeUnit.MILLISECONDS.toNanos(300),
            3,
            TimeUnit.SECONDS.toNanos(4),
            TimeUnit.SECONDS.toNanos(5),
            1000,
            100,
            60,
            TimeUnit.SECONDS.toNanos(1),
            1_000_000,
            3,
            TimeValue.milliseconds(600),
            Map.of());
    private static final Lengths QUICK = new Lengths(
            TimeUnit.MILLISECONDS.toNanos(20),
            1,
            TimeUnit.MILLISECONDS.toNanos(200),
            TimeUnit.SECONDS.toNanos(1),
            10,
            4,
            2,
            TimeUnit.MILLISECONDS.toNanos(50),
            5_000,
            1,
            TimeValue.milliseconds(20),
            Map.of("rows", "5000"));

    private static final List<Group> GROUPS = List.of(
            new Group("The disk itself, by plain means: us per block of 4 KiB", "DeviceBenchmark", Map.of()),
            new Group("Whole path: us per batch of 1,000 rows, us per scan of 1,000,000", "EngineBenchmark", Map.of()),
            new Group("Rows on the wire: ns per row", "WireBenchmark", Map.of()),
            new Group("Calls of one client over the loopback: us", "RpcBenchmark", Map.of()),
            new Group("MemRowSet: ns per row, random keys", "MemRowSetBenchmark", Map.of("ascending", "false")),
            new Group("Rows and their keys: ns", "RowsBenchmark", Map.of()),
            new Group("Tablet without log and device: ns per row", "TabletBenchmark", Map.of()),
            new Group(
                    "Finding tablets of rows, and pruning them: ns",
                    "PartitionBenchmark",
                    Map.of("cut", "hash(host, metric), range(time)")),
            new Group("What maintenance does next: us per decision", "SchedulingBenchmark", Map.of("percent", "1")),
            new Group("Rowset in a file, pages in the cache: ns per row", "RowSetBenchmark", Map.of()),
            new Group("Changes in memory: ns per change", "DeltaMemStoreBenchmark", Map.of()),
            new Group("Changes in files", "DeltaFileBenchmark", Map.of()),
            new Group("Columns in a file", "CFileBenchmark", Map.of()),
            new Group(
                    "Pages of 57 KiB by our cache and O_DIRECT, and by mmap: us per page",
                    "MappedFileBenchmark",
                    Map.of()),
            new Group(
                    "Encoded vectors of 1,024 values",
                    "EncodingBenchmark\\.(decode|range|copy)",
                    Map.of("encoding", "FRAME_OF_REFERENCE")),
            new Group(
                    "Kernels, vector",
                    "KernelBenchmark\\.(copy|unpack|rangeLong|bitmapToSelection|sumLong|checksum)$",
                    Map.of("kind", "vector")));

    private Figures() {}

    /** Benchmarks that share a table. */
    private record Group(String title, String include, Map<String, String> parameters) {}

    /** How long everything takes, and what is smaller than usual for that. */
    private record Lengths(
            long commitNanos,
            int commitTimes,
            long latencyNanos,
            long idleNanos,
            int tables,
            int pauseRounds,
            int steadyIntervals,
            long steadyIntervalNanos,
            long churnedRows,
            int iterations,
            TimeValue iteration,
            Map<String, String> parameters) {}

    /** Whether a benchmark, by its full name, is in one of the tables. */
    static boolean isShown(String benchmark) {
        return GROUPS.stream()
                .anyMatch(group ->
                        Pattern.compile(group.include()).matcher(benchmark).find());
    }

    public static void main(String[] arguments)
            throws IOException, InterruptedException, RunnerException, KuduException, RocksDBException {
        String[] rest = arguments.length < 2 ? new String[0] : Arrays.copyOfRange(arguments, 1, arguments.length);
        switch (arguments.length == 0 ? "" : arguments[0]) {
            case "all-figures" -> all(rest);
            case "latency" -> EngineLatency.main(rest);
            case "idle" -> IdleAndWake.main(rest);
            case "log" -> CommitLatency.main(rest);
            case "tablets" -> ManyTablets.main(rest);
            case "pauses" -> WriterPauses.main(rest);
            case "device" -> DeviceSideBySide.main(rest);
            case "cold" -> ColdReads.main(rest);
            case "lineitem" -> LineItemFigures.main(rest);
            case "schemes" -> SchemeFigures.main(rest);
            case "lookups" -> LookUpFigures.main(rest);
            case "cache" -> CacheFigures.main(rest);
            case "kudu" -> SideBySide.main(rest);
            case "fresh" -> FreshRows.main(rest);
            case "writes" -> WritePath.main(rest);
            case "overload" -> Overload.main(rest);
            case "steady" -> SteadyFigures.main(rest);
            case "yields" -> YieldFigures.main(rest);
            case "churn" -> ChurnFigures.main(rest);
            default -> System.out.println("""
                all-figures [--quick] [DIRECTORY]
                latency [DIRECTORY [SECONDS]]
                idle [DIRECTORY [SECONDS]]
                log [DIRECTORY [MILLIS [TIMES [DISK [CALLERS [ROWS]]]]]]
                tablets [DIRECTORY [TABLES [TABLETS_OF_A_TABLE]]]
                pauses [DIRECTORY [ROUNDS]]
                fresh [DIRECTORY [ROWS [TIMES [ASCENDING | RANDOM | STRINGS]]]]
                writes [DIRECTORY [ROWS_ON_DISK [SECONDS [new | flushed | hot]]]]
                overload [DIRECTORY [SECONDS [PICTURE.svg]]]
                steady [DIRECTORY [SECONDS [ROWS_PER_SECOND [PICTURE.svg]]]]
                yields [DIRECTORY [SECONDS [ROWS_PER_SECOND]]]
                churn [DIRECTORY [ROWS]]
                device DIRECTORY [TIMES [SECONDS [JOBS]]]
                cold DIRECTORY [MIB [TIMES]]
                lineitem DIRECTORY [SCALE [TIMES]]
                lookups [DIRECTORY [ROWS [SECONDS]]]
                schemes [ROWS [TIMES]]
                cache [REQUESTS]
                kudu [DIRECTORY [ROWS [TIMES [SECONDS]]]]\
                """);
        }
    }

    private static void all(String[] arguments)
            throws IOException, InterruptedException, RunnerException, RocksDBException {
        boolean isQuick = arguments.length > 0 && arguments[0].equals("--quick");
        Lengths lengths = isQuick ? QUICK : USUAL;
        int next = isQuick ? 1 : 0;
        Path directory = arguments.length > next ? Path.of(arguments[next]) : LineItems.temporary();
        printMachine(directory);
        if (isQuick) {
            System.out.println("**A quick run: it shows that everything works. These are no figures.**");
        }
        title("Durable commits, us: the log, the engine, and their peers");
        CommitLatency.print(directory, lengths.commitNanos(), lengths.commitTimes());
        title("Engine: commit latency");
        EngineLatency.print(directory, lengths.latencyNanos());
        title("Idle, and awake again");
        IdleAndWake.print(directory, lengths.idleNanos());
        title("Many tablets");
        ManyTablets.print(directory, lengths.tables(), TABLETS_OF_A_TABLE);
        title("The writer's pauses");
        WriterPauses.print(directory, lengths.pauseRounds());
        title("Written, changed and read all the time, beside RocksDB");
        SteadyFigures.print(directory, lengths.steadyIntervals(), lengths.steadyIntervalNanos());
        title("What changes and deletions leave behind");
        ChurnFigures.print(directory, lengths.churnedRows());
        for (Group group : GROUPS) {
            title(group.title());
            print(run(group, directory, lengths));
        }
    }

    private static void title(String text) {
        System.out.println();
        System.out.println("### " + text);
        System.out.println();
    }

    private static void printMachine(Path directory) {
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        try (Disk disk = Disks.best()) {
            System.out.printf(
                    Locale.ROOT,
                    "Java %s, %s %s, %d CPUs, %s, files in %s; load %.2f at the start.%n",
                    Runtime.version(),
                    System.getProperty("os.name"),
                    System.getProperty("os.version"),
                    Runtime.getRuntime().availableProcessors(),
                    disk.description(),
                    directory,
                    load);
        }
        if (load > QUIET_LOAD_MAX) {
            System.out.println("**Not a quiet machine: orders of magnitude only. Do not publish.**");
        }
    }

    private static Collection<RunResult> run(Group group, Path directory, Lengths lengths) throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include(group.include())
                .forks(1)
                .warmupIterations(lengths.iterations())
                .warmupTime(lengths.iteration())
                .measurementIterations(lengths.iterations())
                .measurementTime(lengths.iteration())
                .addProfiler(GCProfiler.class)
                .jvmArgsAppend("-Djava.io.tmpdir=" + directory, "-Dnyala.kernels=vector")
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT);
        lengths.parameters().forEach((name, value) -> options.param(name, value));
        group.parameters().forEach((name, value) -> options.param(name, value));
        return new Runner(options.build()).run();
    }

    private static void print(Collection<RunResult> results) {
        System.out.println("| benchmark | score | unit | heap B/op |");
        System.out.println("|---|---|---|---|");
        for (RunResult result : results) {
            Result<?> primary = result.getPrimaryResult();
            Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
            System.out.printf(
                    Locale.ROOT,
                    primary.getScore() < 0.1 ? "| %s | %.5f | %s | %s |%n" : "| %s | %,.2f | %s | %s |%n",
                    name(result.getParams()),
                    primary.getScore(),
                    primary.getScoreUnit(),
                    allocated == null ? "" : String.format(Locale.ROOT, "%,.2f", allocated.getScore()));
        }
    }

    private static String name(BenchmarkParams parameters) {
        String benchmark = parameters.getBenchmark();
        Map<String, String> values = new TreeMap<>();
        for (String key : parameters.getParamsKeys()) {
            values.put(key, parameters.getParam(key));
        }
        return benchmark.substring(benchmark.lastIndexOf('.') + 1) + (values.isEmpty() ? "" : " " + values);
    }
}
