package io.nyala.perf;

import io.nyala.columns.BareWriter;
import io.nyala.columns.SecondsPicture;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.AccountUsage;
import io.nyala.rows.OperationKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * More rows than the disk takes, for as long as wanted: whether throughput falls smoothly to what flushes can carry
 * away, or by fits and starts. {@value #CALLERS} callers commit batches of {@value LineItems#BATCH_ROWS} new rows one
 * after the other, durably, into an engine with little memory. Beside them a bare device writer: a block of 4 KiB,
 * written and forced a hundred times a second. A second in which the engine does less than half of its mean is a stall
 * of the engine, unless the device writer did less than half of its own mean in that second, too.
 *
 * <pre>{@code
 * perf/run overload DIRECTORY [SECONDS [PICTURE.svg]]
 * }</pre>
 *
 * Keys ascend, as those of events do; each caller takes the next ones. The first {@value #WARM_UP_INTERVALS} seconds
 * are drawn but not judged: the compiler is at work.
 */
final class Overload {
    static final int WARM_UP_INTERVALS = 5;

    private static final int CALLERS = 4;
    private static final int SECONDS = 600;
    private static final long MIB = 1L << 20;
    private static final long MEMORY_BYTES = 256 * MIB;
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(5);

    private final Engine engine;
    private final Table table;
    private final AtomicLong nextBatch = new AtomicLong();
    private final AtomicLong committedRows = new AtomicLong();
    private final BareWriter device;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final List<Histogram> latencies = new ArrayList<>();
    private volatile boolean isOver;

    /**
     * What happened in one interval.
     *
     * @param rows that were committed
     * @param blocks that the bare device writer wrote
     * @param longestBlockMillis the longest of these writes
     * @param memoryBytes what the engine used at its end
     */
    record Interval(long rows, long blocks, double longestBlockMillis, long memoryBytes) {}

    /**
     * What a run showed.
     *
     * @param intervals in order
     * @param commits latency of each batch, nanoseconds
     * @param peakBytes most memory that the engine ever used
     * @param limitBytes what it may use
     */
    record Run(List<Interval> intervals, Histogram commits, long peakBytes, long limitBytes) {
        private List<Interval> judged() {
            return intervals.subList(Math.min(WARM_UP_INTERVALS, intervals.size() - 1), intervals.size());
        }

        double meanRows() {
            return judged().stream().mapToLong(Interval::rows).average().orElse(0);
        }

        double meanBlocks() {
            return judged().stream().mapToLong(Interval::blocks).average().orElse(0);
        }

        /** Intervals with less than half of the mean of all rows. */
        List<Interval> slow() {
            return judged().stream()
                    .filter(interval -> interval.rows() < meanRows() / 2)
                    .toList();
        }

        /** Those of them in which the device writer was no slower than usual. */
        List<Interval> stalls() {
            return slow().stream()
                    .filter(interval -> interval.blocks() >= meanBlocks() / 2)
                    .toList();
        }
    }

    private Overload(Path directory) {
        this.device = new BareWriter(directory.resolveSibling(directory.getFileName() + ".blocks"));
        this.engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES).withAutomaticMerges(true));
        this.table = engine.createTable("line_items", LineItems.SCHEMA);
    }

    static void main(String[] arguments) throws IOException, InterruptedException {
        Path parent = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : SECONDS;
        Run run = measure(parent, seconds + WARM_UP_INTERVALS, TimeUnit.SECONDS.toNanos(1));
        print(run);
        if (arguments.length > 2) {
            Files.writeString(Path.of(arguments[2]), picture(run));
        }
    }

    /** As SVG. */
    static String picture(Run run) {
        List<Interval> all = run.intervals();
        double limit = (double) run.limitBytes() / MIB;
        return new SecondsPicture(all.size())
                .panel(
                        "rows committed per second",
                        all.stream().mapToDouble(Interval::rows).toArray(),
                        0)
                .line(run.meanRows(), "mean")
                .line(run.meanRows() / 2, "half of it")
                .panel(
                        "bare device writer: longest durable write of 4 KiB in each second, ms",
                        all.stream().mapToDouble(Interval::longestBlockMillis).toArray(),
                        0)
                .panel(
                        "memory in use, MiB",
                        all.stream()
                                .mapToDouble(interval -> (double) interval.memoryBytes() / MIB)
                                .toArray(),
                        limit)
                .line(limit, "limit")
                .svg();
    }

    private static void print(Run run) {
        Histogram commits = run.commits();
        System.out.printf(
                Locale.ROOT,
                "rows per second, mean of %d s: %,.0f%n",
                run.judged().size(),
                run.meanRows());
        System.out.printf(
                Locale.ROOT,
                "slowest second: %,d rows; below half of the mean: %d, and of these not beside a stall of the device:"
                        + " %d%n",
                run.judged().stream().mapToLong(Interval::rows).min().orElse(0),
                run.slow().size(),
                run.stalls().size());
        System.out.printf(
                Locale.ROOT,
                "commit of a batch of %,d, ms: p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f%n",
                LineItems.BATCH_ROWS,
                commits.getValueAtPercentile(50) / 1e6,
                commits.getValueAtPercentile(99) / 1e6,
                commits.getValueAtPercentile(99.9) / 1e6,
                commits.getMaxValue() / 1e6);
        System.out.printf(
                Locale.ROOT,
                "memory: peak %,d MiB of %,d; device writer: %.0f blocks per second, longest write %.0f ms%n",
                run.peakBytes() / MIB,
                run.limitBytes() / MIB,
                run.meanBlocks(),
                run.judged().stream()
                        .mapToDouble(Interval::longestBlockMillis)
                        .max()
                        .orElse(0));
    }

    /** Runs for so many intervals of so many nanoseconds; leaves nothing behind. */
    static Run measure(Path parent, int intervals, long intervalNanos) throws InterruptedException {
        Path directory;
        try {
            directory = Files.createTempDirectory(parent, "nyala-perf");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var overload = new Overload(directory);
        try {
            return overload.run(intervals, intervalNanos);
        } finally {
            overload.engine.close();
            LineItems.delete(directory);
        }
    }

    private Run run(int intervals, long intervalNanos) throws InterruptedException {
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < CALLERS; i++) {
            var histogram = new Histogram(LATENCY_NANOS_MAX, 3);
            latencies.add(histogram);
            threads.add(Thread.ofPlatform().start(() -> guard(() -> commit(histogram))));
        }
        threads.add(Thread.ofPlatform().start(() -> guard(device)));
        List<Interval> result = watch(intervals, intervalNanos);
        isOver = true;
        device.stop();
        for (Thread thread : threads) {
            thread.join();
        }
        Throwable failed = failure.get();
        if (failed != null) {
            throw new IllegalStateException("a caller or the device writer failed", failed);
        }
        var commits = new Histogram(LATENCY_NANOS_MAX, 3);
        latencies.forEach(commits::add);
        return new Run(
                result, commits, engine.view().memoryBytesPeak(), engine.view().memoryBytesMax());
    }

    private void guard(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e);
            isOver = true;
        }
    }

    private void commit(Histogram histogram) {
        try (WriteBatch batch = table.newBatch()) {
            while (!isOver) {
                long firstRow = nextBatch.getAndIncrement() * LineItems.BATCH_ROWS;
                for (int i = 0; i < LineItems.BATCH_ROWS; i++) {
                    LineItems.put(batch, OperationKind.INSERT, firstRow + i);
                }
                long before = System.nanoTime();
                batch.commit().orThrow();
                histogram.recordValue(Math.min(LATENCY_NANOS_MAX, System.nanoTime() - before));
                committedRows.addAndGet(LineItems.BATCH_ROWS);
            }
        }
    }

    private List<Interval> watch(int count, long intervalNanos) {
        var intervals = new ArrayList<Interval>();
        long end = System.nanoTime();
        long rowsBefore = 0;
        long blocksBefore = 0;
        while (intervals.size() < count && !isOver) {
            end += intervalNanos;
            for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            long rows = committedRows.get();
            long blocks = device.blocks();
            intervals.add(new Interval(
                    rows - rowsBefore,
                    blocks - blocksBefore,
                    device.takeLongestNanos() / 1e6,
                    engine.view().memory().stream()
                            .mapToLong(AccountUsage::usedBytes)
                            .sum()));
            rowsBefore = rows;
            blocksBefore = blocks;
        }
        return intervals;
    }
}
