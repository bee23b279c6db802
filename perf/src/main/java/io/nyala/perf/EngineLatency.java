package io.nyala.perf;

import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.OperationKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Latency of durable commits of one row through the embedding API, by callers on threads of their own, each of which
 * waits for its commit. Beside them, in the same run, a block of 4 KiB written over a written one and forced: what the
 * disk can do.
 *
 * <pre>{@code
 * java ... io.nyala.perf.EngineLatency [DIRECTORY [SECONDS]]
 * }</pre>
 *
 * A closed loop: service times, not those of a given rate.
 */
public final class EngineLatency {
    private static final int[] CALLERS = {1, 4};
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 1024;
    private static final int DEFAULT_SECONDS = 4;
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(1);
    private static final long WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private EngineLatency() {}

    public static void main(String[] arguments) throws InterruptedException {
        Path directory = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_SECONDS;
        print(directory, TimeUnit.SECONDS.toNanos(seconds));
    }

    /** Measures each for so long, and prints a table. */
    static void print(Path directory, long nanos) throws InterruptedException {
        System.out.println("| durable, us | callers | per second | p50 | p99 | p99.9 | max |");
        System.out.println("|---|---|---|---|---|---|---|");
        printRow("write + force of 4 KiB", 1, block(directory, nanos), nanos);
        for (int callers : CALLERS) {
            try (LineItems items = LineItems.in(directory)) {
                commits(items.table(), callers, WARM_UP_NANOS, 0);
                printRow("commit of one row", callers, commits(items.table(), callers, nanos, 1), nanos);
            }
        }
    }

    private static void printRow(String what, int callers, Histogram histogram, long nanos) {
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %,.0f | %.0f | %.0f | %.0f | %.0f |%n",
                what,
                callers,
                histogram.getTotalCount() * 1e9 / nanos,
                histogram.getValueAtPercentile(50) / 1e3,
                histogram.getValueAtPercentile(99) / 1e3,
                histogram.getValueAtPercentile(99.9) / 1e3,
                histogram.getMaxValue() / 1e3);
    }

    private static Histogram commits(Table table, int callers, long nanos, int round) throws InterruptedException {
        List<Histogram> histograms = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            Histogram histogram = newHistogram();
            histograms.add(histogram);
            long firstRow = (long) (round * callers + i) << 32;
            threads.add(Thread.ofPlatform().start(() -> commits(table, firstRow, nanos, histogram)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Histogram all = newHistogram();
        histograms.forEach(all::add);
        return all;
    }

    private static void commits(Table table, long firstRow, long nanos, Histogram histogram) {
        try (WriteBatch batch = table.newBatch()) {
            long row = firstRow;
            long start = System.nanoTime();
            long before = start;
            do {
                LineItems.put(batch, OperationKind.INSERT, row++);
                batch.commit().orThrow();
                long after = System.nanoTime();
                histogram.recordValue(Math.min(LATENCY_NANOS_MAX, after - before));
                before = after;
            } while (before - start < nanos);
        }
    }

    private static Histogram block(Path directory, long nanos) {
        Histogram histogram = newHistogram();
        try {
            Path file = Files.createTempFile(directory, "nyala-block", null);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
                for (int i = 0; i < BLOCKS; i++) {
                    channel.write(block.clear(), (long) i * BLOCK_BYTES);
                }
                channel.force(true);
                long start = System.nanoTime();
                long before = start;
                for (int i = 0; before - start < nanos; i++) {
                    channel.write(block.clear(), (long) (i % BLOCKS) * BLOCK_BYTES);
                    channel.force(false);
                    long after = System.nanoTime();
                    histogram.recordValue(Math.min(LATENCY_NANOS_MAX, after - before));
                    before = after;
                }
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return histogram;
    }

    private static Histogram newHistogram() {
        return new Histogram(LATENCY_NANOS_MAX, 3);
    }
}
