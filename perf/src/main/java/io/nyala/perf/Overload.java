package io.nyala.perf;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.AccountUsage;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
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
 * perf/run steady DIRECTORY [SECONDS [PICTURE.svg]]
 * }</pre>
 *
 * Keys ascend, as those of events do; each caller takes the next ones. In the other run they come in no order, so that
 * each flush overlaps all others, a tenth of the operations change rows of before, and somebody reads about
 * {@value #SCAN_ROWS} rows in key order ten times a second; afterwards the run waits until merges have brought the
 * height down to {@value #HEIGHT_AT_REST}. The first {@value #WARM_UP_INTERVALS} seconds are drawn but not judged: the
 * compiler is at work.
 */
final class Overload {
    static final int WARM_UP_INTERVALS = 5;

    /** Average rowsets that a look-up asks, at most, when merges have come to rest. */
    static final double HEIGHT_AT_REST = 1.05;

    static final int SCAN_ROWS = 1000;
    private static final long REST_NANOS_MAX = TimeUnit.MINUTES.toNanos(2);
    private static final long SCAN_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int CHANGE_EVERY = 10;
    private static final long ROW_BYTES = 48; // As it is given, on average.
    private static final int CALLERS = 4;
    private static final int SECONDS = 600;
    private static final long MIB = 1L << 20;
    private static final long MEMORY_BYTES = 256 * MIB;
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 1024;
    private static final long BLOCK_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(5);

    private final Kind kind;
    private final Engine engine;
    private final Table table;
    private final Path directory;
    private final AtomicLong nextBatch = new AtomicLong();
    private final AtomicLong committedRows = new AtomicLong();
    private final AtomicLong writtenBlocks = new AtomicLong();
    private final AtomicLong longestBlockNanos = new AtomicLong();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final List<Histogram> latencies = new ArrayList<>();
    private final Histogram scans = new Histogram(LATENCY_NANOS_MAX, 3);
    private volatile boolean isOver;

    /** What is written: new rows by ascending keys; or by keys in no order, and changes of rows. */
    enum Kind {
        EVENTS,
        STEADY
    }

    /**
     * What happened in one interval.
     *
     * @param rows that were committed
     * @param blocks that the bare device writer wrote
     * @param longestBlockMillis the longest of these writes
     * @param memoryBytes what the engine used at its end
     * @param height rowsets that a look-up had to ask at its end, on average
     * @param writtenBytes what the process has written to disks since it began
     */
    record Interval(
            long rows, long blocks, double longestBlockMillis, long memoryBytes, double height, long writtenBytes) {}

    /**
     * What a run showed.
     *
     * @param intervals in order
     * @param commits latency of each batch, nanoseconds
     * @param peakBytes most memory that the engine ever used
     * @param limitBytes what it may use
     * @param scans latency of each scan, nanoseconds; none where nobody reads
     * @param restSeconds until merges had come to rest afterwards; negative if they had not in two minutes
     */
    record Run(
            List<Interval> intervals,
            Histogram commits,
            long peakBytes,
            long limitBytes,
            Histogram scans,
            double restSeconds) {
        /** Bytes that were written to disk for each byte of rows that were committed. */
        double writeAmplification() {
            long rows = intervals.stream().skip(1).mapToLong(Interval::rows).sum();
            long bytes =
                    intervals.getLast().writtenBytes() - intervals.getFirst().writtenBytes();
            return (double) bytes / Math.max(1, rows * ROW_BYTES);
        }

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

    private Overload(Path directory, Kind kind) {
        this.kind = kind;
        this.directory = directory;
        this.engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES).withAutomaticMerges(true));
        this.table = engine.createTable("line_items", LineItems.SCHEMA);
    }

    static void main(Kind kind, String[] arguments) throws IOException, InterruptedException {
        Path parent = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : SECONDS;
        Run run = measure(kind, parent, seconds + WARM_UP_INTERVALS, TimeUnit.SECONDS.toNanos(1));
        print(run);
        if (arguments.length > 2) {
            Files.writeString(Path.of(arguments[2]), picture(run));
        }
    }

    /** As SVG. */
    static String picture(Run run) {
        return Picture.of(run);
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
        System.out.printf(
                Locale.ROOT,
                "bytes written for each byte of rows: %.2f; height: mean %.2f, most %.2f, at the end %.2f%n",
                run.writeAmplification(),
                run.judged().stream().mapToDouble(Interval::height).average().orElse(0),
                run.judged().stream().mapToDouble(Interval::height).max().orElse(0),
                run.intervals().getLast().height());
        if (run.scans().getTotalCount() > 0) {
            System.out.printf(
                    Locale.ROOT,
                    "scan of about %,d rows in key order, ms: p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f; merges had come"
                            + " to rest after %.0f s (below 0: not in two minutes)%n",
                    SCAN_ROWS,
                    run.scans().getValueAtPercentile(50) / 1e6,
                    run.scans().getValueAtPercentile(99) / 1e6,
                    run.scans().getValueAtPercentile(99.9) / 1e6,
                    run.scans().getMaxValue() / 1e6,
                    run.restSeconds());
        }
    }

    /** Runs for so many intervals of so many nanoseconds; leaves nothing behind. */
    static Run measure(Kind kind, Path parent, int intervals, long intervalNanos) throws InterruptedException {
        Path directory;
        try {
            directory = Files.createTempDirectory(parent, "nyala-perf");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var overload = new Overload(directory, kind);
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
        threads.add(Thread.ofPlatform().start(() -> guard(this::writeBlocks)));
        if (kind == Kind.STEADY) {
            threads.add(Thread.ofPlatform().start(() -> guard(this::scan)));
        }
        List<Interval> result = watch(intervals, intervalNanos);
        isOver = true;
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
                result,
                commits,
                engine.view().memoryBytesPeak(),
                engine.view().memoryBytesMax(),
                scans,
                kind == Kind.STEADY ? rest(intervalNanos) : 0);
    }

    /** Waits until merges have come to rest; answers for how many seconds, or a negative number if they have not. */
    private double rest(long intervalNanos) {
        long begin = System.nanoTime();
        while (height() > HEIGHT_AT_REST) {
            if (System.nanoTime() - begin > Math.min(REST_NANOS_MAX, CALLERS * CALLERS * CALLERS * intervalNanos)) {
                return -1;
            }
            LockSupport.parkNanos(intervalNanos);
        }
        return (System.nanoTime() - begin) / 1e9;
    }

    private double height() {
        return table.explain().getFirst().height();
    }

    /** Of this process, as the system counts them; 0 where it does not. */
    private static long writtenBytes() {
        try (Stream<String> counters = Files.lines(Path.of("/proc/self/io"))) {
            return counters.filter(line -> line.startsWith("write_bytes: "))
                    .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
                    .sum();
        } catch (IOException _) {
            return 0;
        }
    }

    private void scan() {
        var random = new SplittableRandom(1);
        long next = System.nanoTime();
        while (!isOver) {
            long rows = Math.max(1, committedRows.get());
            long width = Math.max(1, LineItems.SCATTERED_ORDERS / rows * SCAN_ROWS);
            long from = random.nextLong(LineItems.SCATTERED_ORDERS);
            long before = System.nanoTime();
            try (Scan scan = table.scan()
                    .where(Predicate.atLeast(LineItems.SCHEMA, "order_key", from))
                    .where(Predicate.lessThan(LineItems.SCHEMA, "order_key", from + width))
                    .inKeyOrder()
                    .open()) {
                while (scan.next()) {
                    // Its rows are ready.
                }
            }
            long after = System.nanoTime();
            scans.recordValue(Math.min(LATENCY_NANOS_MAX, after - before));
            next = Math.max(next + SCAN_INTERVAL_NANOS, after);
            LockSupport.parkNanos(next - after);
        }
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
        var random = new SplittableRandom(histogram.hashCode());
        try (WriteBatch batch = table.newBatch()) {
            while (!isOver) {
                fill(batch, nextBatch.getAndIncrement() * LineItems.BATCH_ROWS, random);
                long before = System.nanoTime();
                batch.commit().orThrow();
                histogram.recordValue(Math.min(LATENCY_NANOS_MAX, System.nanoTime() - before));
                committedRows.addAndGet(LineItems.BATCH_ROWS);
            }
        }
    }

    private void fill(WriteBatch batch, long firstRow, SplittableRandom random) {
        for (int i = 0; i < LineItems.BATCH_ROWS; i++) {
            if (kind == Kind.EVENTS) {
                LineItems.put(batch, OperationKind.INSERT, firstRow + i);
            } else if (i % CHANGE_EVERY == 0 && firstRow > 0) {
                LineItems.put(batch, OperationKind.UPSERT, LineItems.scattered(random.nextLong(firstRow)));
            } else { // A change of a row that another caller is about to insert may have come first.
                LineItems.put(batch, OperationKind.INSERT_IGNORE, LineItems.scattered(firstRow + i));
            }
        }
    }

    private void writeBlocks() {
        Path file = directory.resolveSibling(directory.getFileName() + ".blocks");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
            for (int i = 0; i < BLOCKS; i++) {
                channel.write(block.clear(), (long) i * BLOCK_BYTES);
            }
            channel.force(true);
            long next = System.nanoTime();
            for (int i = 0; !isOver; i++) {
                LockSupport.parkNanos(next - System.nanoTime());
                long before = System.nanoTime();
                channel.write(block.clear(), (long) (i % BLOCKS) * BLOCK_BYTES);
                channel.force(false);
                long after = System.nanoTime();
                writtenBlocks.incrementAndGet();
                longestBlockNanos.accumulateAndGet(after - before, Math::max);
                next = Math.max(next + BLOCK_INTERVAL_NANOS, after); // What was missed is not caught up on.
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            LineItems.delete(file);
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
            long blocks = writtenBlocks.get();
            intervals.add(new Interval(
                    rows - rowsBefore,
                    blocks - blocksBefore,
                    longestBlockNanos.getAndSet(0) / 1e6,
                    engine.view().memory().stream()
                            .mapToLong(AccountUsage::usedBytes)
                            .sum(),
                    height(),
                    writtenBytes()));
            rowsBefore = rows;
            blocksBefore = blocks;
        }
        return intervals;
    }

    /** A run as a picture, one panel above the other, with the same seconds from left to right. SVG. */
    private static final class Picture {
        private static final int WIDTH = 900;
        private static final int LEFT = 90;
        private static final int PANEL_HEIGHT = 150;
        private static final int PANEL_STEP = 200;
        private static final int TOP = 40;

        private final Formatter svg = new Formatter(Locale.ROOT);
        private final int count;

        private Picture(int count) {
            this.count = count;
        }

        static String of(Run run) {
            var picture = new Picture(run.intervals().size());
            picture.begin();
            double rows = picture.panel(
                    0,
                    "rows committed per second",
                    run.intervals().stream().mapToDouble(Interval::rows).toArray(),
                    0);
            picture.line(0, run.meanRows() / rows, "mean");
            picture.line(0, run.meanRows() / 2 / rows, "half of it");
            picture.panel(
                    1,
                    "bare device writer: longest durable write of 4 KiB in each second, ms",
                    run.intervals().stream()
                            .mapToDouble(Interval::longestBlockMillis)
                            .toArray(),
                    0);
            double memory = picture.panel(
                    2,
                    "memory in use, MiB",
                    run.intervals().stream()
                            .mapToDouble(interval -> (double) interval.memoryBytes() / MIB)
                            .toArray(),
                    (double) run.limitBytes() / MIB);
            picture.line(2, (double) run.limitBytes() / MIB / memory, "limit");
            picture.panel(
                    3,
                    "height: rowsets that a look-up asks, on average",
                    run.intervals().stream().mapToDouble(Interval::height).toArray(),
                    2);
            return picture.svg.format("</svg>%n").toString();
        }

        private void begin() {
            int height = TOP + 4 * PANEL_STEP;
            svg.format(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\"",
                    WIDTH, height);
            svg.format(" font-size=\"12\">%n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n");
        }

        /** Answers the value at its upper edge, which is that of the largest value, or more. */
        private double panel(int index, String title, double[] values, double atLeast) {
            double most = Math.max(1, atLeast);
            for (double value : values) {
                most = Math.max(most, value);
            }
            int top = TOP + index * PANEL_STEP;
            int bottom = top + PANEL_HEIGHT;
            svg.format("<text x=\"%d\" y=\"%d\">%s</text>%n", LEFT, top - 8, title);
            svg.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%,.0f</text>%n", LEFT - 6, top + 10, most);
            svg.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>%n", LEFT - 6, bottom);
            svg.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d s</text>%n", WIDTH - 10, bottom + 14, count);
            svg.format("<path stroke=\"gray\" fill=\"none\" d=\"M%d %dV%dH%d\"/>%n", LEFT, top, bottom, WIDTH - 10);
            svg.format("<polyline fill=\"none\" stroke=\"#0a5\" points=\"");
            for (int i = 0; i < values.length; i++) {
                double x = LEFT + (i + 0.5) * (WIDTH - 10 - LEFT) / count;
                svg.format("%.1f,%.1f ", x, bottom - values[i] / most * PANEL_HEIGHT);
            }
            svg.format("\"/>%n");
            return most;
        }

        /** A level across a panel, as a part of its height. */
        private void line(int index, double part, String title) {
            double y = TOP + index * PANEL_STEP + (1 - part) * PANEL_HEIGHT;
            svg.format("<path stroke=\"#c33\" stroke-dasharray=\"4 3\" d=\"M%d %.1fH%d\"/>%n", LEFT, y, WIDTH - 10);
            svg.format("<text x=\"%d\" y=\"%.1f\" fill=\"#c33\">%s</text>%n", LEFT + 4, y - 3, title);
        }
    }
}
