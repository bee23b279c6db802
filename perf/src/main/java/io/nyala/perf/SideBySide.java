package io.nyala.perf;

import io.nyala.peer.KuduTool;
import io.nyala.peer.ProcessCluster;
import io.nyala.peer.RealKudu;
import io.nyala.peer.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.apache.kudu.client.KuduException;

/**
 * Our server beside a real Kudu, as shipped and with each write synced, doing the same work for the same clients: the
 * {@code kudu} tool and the published Java client. In turn, each from an empty directory, the order turned each time;
 * medians of all times.
 *
 * <pre>{@code
 * perf/run kudu [DIRECTORY [ROWS [TIMES [SECONDS]]]]
 * }</pre>
 *
 * Rows are those of {@code kudu perf loadgen}: 8-byte key, 4-byte number, 32-byte string, 8 hash partitions. Servers
 * and clients share the machine, so that no server can be faster than the client: what it takes of the CPU says more
 * than the rows per second. Before single rows are read and changed, servers write their rows to disk, do what
 * maintenance they have, and are started again.
 */
public final class SideBySide {
    private static final int DEFAULT_ROWS = 4_000_000;
    private static final int DEFAULT_TIMES = 3;
    private static final int DEFAULT_SECONDS = 5;
    private static final int LOADERS = 2;
    private static final int SCANS = 5;

    /**
     * Before scans and single rows are measured, so many times as long: compilers of client and server have done by
     * then.
     */
    private static final int WARM_UPS = 4;

    private static final String ASCENDING = "ascending";
    private static final String RANDOM = "random";
    private static final String MORE_ASCENDING = "more ascending";
    private static final String MORE_RANDOM = "more random";
    private static final String SINGLES = "singles";
    private static final Pattern LOAD_MILLIS = Pattern.compile("time total *: *([0-9.]+) ms");
    private static final Pattern SCAN_SECONDS = Pattern.compile("Total count (\\d+) cost ([0-9.e-]+) seconds");

    /** A server is at rest when it takes less than this share of a CPU, between two looks at it. */
    private static final double REST_SHARE = 0.05;

    private static final long LOOK_MILLIS = 2000;
    private static final int LOOKS_MAX = 150;

    private final Path directory;
    private final int rows;
    private final int times;
    private final long nanos;
    private final Map<String, Map<Contender, List<Double>>> figures = new LinkedHashMap<>();

    private SideBySide(Path directory, int rows, int times, long nanos) {
        this.directory = directory;
        this.rows = rows;
        this.times = times;
        this.nanos = nanos;
    }

    /** Who is measured. */
    private enum Contender {
        NYALA("Nyala"),
        KUDU("Kudu as shipped"),
        KUDU_SYNCED("Kudu, --log_force_fsync_all");

        private final String title;

        Contender(String title) {
            this.title = title;
        }

        ProcessCluster start(Path directory) {
            return switch (this) {
                case NYALA -> ServerProcess.start(directory, "--master-port", "0", "--tserver-port", "0");
                case KUDU -> RealKudu.start(directory);
                case KUDU_SYNCED -> RealKudu.start(directory, "--log_force_fsync_all");
            };
        }

        /** One that writes to disk what it has in memory, as soon as it can. */
        ProcessCluster startToFlush(Path directory) {
            return this == NYALA
                    ? start(directory)
                    : RealKudu.start(directory, "--flush_threshold_mb=1", "--flush_threshold_secs=1");
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException, KuduException {
        Path directory = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        new SideBySide(
                        directory,
                        number(arguments, 1, DEFAULT_ROWS),
                        number(arguments, 2, DEFAULT_TIMES),
                        TimeUnit.SECONDS.toNanos(number(arguments, 3, DEFAULT_SECONDS)))
                .print();
    }

    private static int number(String[] arguments, int index, int otherwise) {
        return arguments.length > index ? Integer.parseInt(arguments[index]) : otherwise;
    }

    /** Measures, which takes minutes, and prints a table. */
    static void print(Path directory, int rows, int times, long nanos)
            throws IOException, InterruptedException, KuduException {
        new SideBySide(directory, rows, times, nanos).print();
    }

    private void print() throws IOException, InterruptedException, KuduException {
        List<Contender> turn = new ArrayList<>(Arrays.asList(Contender.values()));
        for (int i = 0; i < times; i++) {
            for (Contender contender : turn) {
                Path home = Files.createTempDirectory(directory, "nyala-side-by-side");
                try {
                    run(contender, home, i);
                } finally {
                    LineItems.delete(home);
                }
            }
            Collections.rotate(turn, 1);
        }
        System.out.printf(Locale.ROOT, "%,d rows in each table; medians of %d (lowest - highest).%n%n", rows, times);
        StringBuilder head = new StringBuilder("| what |");
        for (Contender contender : Contender.values()) {
            head.append(' ').append(contender.title).append(" |");
        }
        System.out.println(head.append(" Nyala : Kudu as shipped |"));
        System.out.println("|---|---|---|---|---|");
        figures.forEach(SideBySide::printRow);
    }

    private void run(Contender contender, Path home, int round) throws InterruptedException, KuduException {
        SplittableRandom random = new SplittableRandom(round);
        try (ProcessCluster cluster = contender.start(home)) {
            try (KuduLoad load = new KuduLoad(cluster)) {
                for (String table : List.of(ASCENDING, RANDOM, MORE_ASCENDING, MORE_RANDOM, SINGLES)) {
                    load.createTable(table);
                }
                load(contender, cluster, ASCENDING, "loadgen into a new process, ascending keys");
                load(contender, cluster, RANDOM, "loadgen into a new process, then random keys", "--use_random");
                load(contender, cluster, MORE_ASCENDING, "loadgen, ascending keys");
                load(contender, cluster, MORE_RANDOM, "loadgen, random keys", "--use_random");
                note(
                        contender,
                        "peak memory while loading, MiB",
                        ProcessUsage.peakBytes(cluster.processes()) / 1048576.0);
                singles(
                        contender,
                        cluster,
                        "insert one row, Java client",
                        time -> load.insertSingly(SINGLES, random, time));
            }
            cluster.stop();
        }
        try (ProcessCluster cluster = contender.startToFlush(home)) {
            awaitRest(cluster);
            cluster.stop();
        }
        try (ProcessCluster cluster = contender.start(home);
                KuduLoad load = new KuduLoad(cluster)) {
            awaitRest(cluster);
            scan(contender, cluster, ASCENDING, "table_scan by a new process, ascending keys");
            for (long start = System.nanoTime(); System.nanoTime() - start < WARM_UPS * nanos; ) {
                scanSeconds(cluster, ASCENDING);
            }
            scan(contender, cluster, ASCENDING, "table_scan of rows on disk, ascending keys");
            scan(contender, cluster, RANDOM, "table_scan of rows on disk, random keys");
            long[] keys = load.keys(RANDOM);
            singles(
                    contender,
                    cluster,
                    "read a row on disk by its key, Java client",
                    time -> load.readSingly(RANDOM, keys, random, time));
            upserts(contender, cluster, load, keys, random);
        }
    }

    /** What the Java client does one after another. */
    @FunctionalInterface
    private interface Singles {
        Histogram run(long nanos) throws KuduException;
    }

    private void load(Contender contender, ProcessCluster cluster, String table, String title, String... options) {
        List<String> command = new ArrayList<>(List.of(
                "perf",
                "loadgen",
                cluster.masterAddress(),
                "--table_name=" + table,
                "--num_threads=" + LOADERS,
                "--num_rows_per_thread=" + rows / LOADERS));
        command.addAll(List.of(options));
        double before = ProcessUsage.cpuSeconds(cluster.processes());
        String output = KuduTool.succeed(command.toArray(String[]::new));
        double cpu = ProcessUsage.cpuSeconds(cluster.processes()) - before;
        Matcher matcher = LOAD_MILLIS.matcher(output);
        if (!matcher.find()) {
            throw new IllegalStateException("loadgen does not say how long it took: " + output);
        }
        note(contender, title + ": rows/s", rows * 1e3 / Double.parseDouble(matcher.group(1)));
        note(contender, title + ": server CPU, us/row", cpu * 1e6 / rows);
    }

    private void scan(Contender contender, ProcessCluster cluster, String table, String title) {
        List<Double> seconds = new ArrayList<>();
        double before = ProcessUsage.cpuSeconds(cluster.processes());
        for (int i = 0; i < SCANS; i++) {
            seconds.add(scanSeconds(cluster, table));
        }
        double cpu = ProcessUsage.cpuSeconds(cluster.processes()) - before;
        note(contender, title + ": million rows/s", rows / 1e6 / median(seconds));
        note(contender, title + ": server CPU, ns/row", cpu * 1e9 / SCANS / rows);
    }

    private double scanSeconds(ProcessCluster cluster, String table) {
        String output = KuduTool.succeed("perf", "table_scan", cluster.masterAddress(), table);
        Matcher matcher = SCAN_SECONDS.matcher(output);
        if (!matcher.find() || Integer.parseInt(matcher.group(1)) != rows) {
            throw new IllegalStateException("table_scan should count " + rows + " rows: " + output);
        }
        return Double.parseDouble(matcher.group(2));
    }

    private void singles(Contender contender, ProcessCluster cluster, String title, Singles job) throws KuduException {
        job.run(WARM_UPS * nanos);
        double before = ProcessUsage.cpuSeconds(cluster.processes());
        Histogram histogram = job.run(nanos);
        double cpu = ProcessUsage.cpuSeconds(cluster.processes()) - before;
        note(contender, title + ": per second", histogram.getTotalCount() * 1e9 / nanos);
        note(contender, title + ": p50, us", histogram.getValueAtPercentile(50) / 1e3);
        note(contender, title + ": p99, us", histogram.getValueAtPercentile(99) / 1e3);
        note(contender, title + ": server CPU, us", cpu * 1e6 / histogram.getTotalCount());
    }

    private void upserts(
            Contender contender, ProcessCluster cluster, KuduLoad load, long[] keys, SplittableRandom random)
            throws KuduException {
        load.upsert(RANDOM, keys, random, WARM_UPS * nanos);
        double before = ProcessUsage.cpuSeconds(cluster.processes());
        KuduLoad.Upserts done = load.upsert(RANDOM, keys, random, nanos);
        double cpu = ProcessUsage.cpuSeconds(cluster.processes()) - before;
        note(contender, "upsert rows on disk, batches of 1,000: rows/s", done.rows() * 1e9 / done.nanos());
        note(contender, "upsert rows on disk, batches of 1,000: server CPU, us/row", cpu * 1e6 / done.rows());
    }

    private static void awaitRest(ProcessCluster cluster) throws InterruptedException {
        double before = ProcessUsage.cpuSeconds(cluster.processes());
        for (int i = 0; i < LOOKS_MAX; i++) {
            awaitLook(cluster.processes().getLast());
            double now = ProcessUsage.cpuSeconds(cluster.processes());
            if (now - before < REST_SHARE * LOOK_MILLIS / 1e3) {
                return;
            }
            before = now;
        }
        throw new IllegalStateException("the servers do not come to rest");
    }

    private static void awaitLook(ProcessHandle server) throws InterruptedException {
        try {
            server.onExit().get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            throw new IllegalStateException("a server has ended while it was waited for");
        } catch (TimeoutException _) {
            // It is still there.
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private void note(Contender contender, String figure, double value) {
        figures.computeIfAbsent(figure, _ -> new LinkedHashMap<>())
                .computeIfAbsent(contender, _ -> new ArrayList<>())
                .add(value);
    }

    private static void printRow(String figure, Map<Contender, List<Double>> values) {
        StringBuilder line = new StringBuilder("| ").append(figure);
        for (Contender contender : Contender.values()) {
            List<Double> all = values.getOrDefault(contender, List.of());
            line.append(" | ").append(text(median(all)));
            line.append(" (")
                    .append(text(Collections.min(all)))
                    .append(" - ")
                    .append(text(Collections.max(all)))
                    .append(')');
        }
        double ratio = median(values.getOrDefault(Contender.NYALA, List.of()))
                / median(values.getOrDefault(Contender.KUDU, List.of()));
        System.out.println(line.append(String.format(Locale.ROOT, " | %.2f |", ratio)));
    }

    private static String text(double value) {
        return String.format(Locale.ROOT, value < 100 ? "%.2f" : "%,.0f", value);
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /**
     * What other processes use, as the kernel counts it. Linux only. Stateless.
     *
     * @see <a href="https://man7.org/linux/man-pages/man5/proc_pid_status.5.html">proc_pid_status(5)</a>
     */
    private static final class ProcessUsage {
        private static final long KIB = 1024;

        private ProcessUsage() {}

        /** CPU time of all of them, user's and system's, in seconds; in steps of 10 ms. */
        static double cpuSeconds(List<ProcessHandle> processes) {
            return processes.stream()
                    .map(process -> process.info().totalCpuDuration().orElse(Duration.ZERO))
                    .mapToDouble(duration -> duration.toNanos() / 1e9)
                    .sum();
        }

        /** The most memory that each ever had in RAM, in bytes, added up. */
        static long peakBytes(List<ProcessHandle> processes) {
            return processes.stream()
                    .mapToLong(process -> peakBytes(process.pid()))
                    .sum();
        }

        private static long peakBytes(long pid) {
            try {
                return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                        .filter(line -> line.startsWith("VmHWM:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * KIB)
                        .sum();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
