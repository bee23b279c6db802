package io.nyala.perf;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.wal.Durability;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
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
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;
import org.agrona.concurrent.AgentRunner;

/**
 * Latency of durable commits of 100 bytes: so many callers, each of which waits for its record before it appends the
 * next. Beside it, in the same run, a file that is written and forced for each commit.
 *
 * <pre>{@code
 * java ... io.nyala.perf.CommitLatency DIRECTORY [SECONDS [DISK]]
 * }</pre>
 *
 * Each caller is a virtual thread. A closed loop: what a caller would have sent while it waited is not counted, so the
 * figures are service times, not those of a given rate.
 */
public final class CommitLatency {
    private static final int PAYLOAD_BYTES = 100;
    private static final int[] CALLERS = {1, 4, 16};
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(1);
    private static final long LOG_ID = 1;

    private CommitLatency() {}

    /**
     * What a run showed. Immutable but for the histogram, which is the caller's.
     *
     * @param flushes durable writes and syncs
     */
    public record Result(String what, int callers, Histogram nanos, double seconds, long flushes) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%-12s %3d callers  %,9.0f commits/s  p50 %,7.1f  p99 %,8.1f  p99.9 %,8.1f  max %,9.1f us"
                            + "  %.3f flushes per commit",
                    what,
                    callers,
                    nanos.getTotalCount() / seconds,
                    nanos.getValueAtPercentile(50) / 1e3,
                    nanos.getValueAtPercentile(99) / 1e3,
                    nanos.getValueAtPercentile(99.9) / 1e3,
                    nanos.getMaxValue() / 1e3,
                    (double) flushes / Math.max(1, nanos.getTotalCount()));
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path directory = Path.of(arguments[0]);
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 5;
        String diskName = arguments.length > 2 ? arguments[2] : "best";
        for (int callers : CALLERS) {
            System.out.println(log(directory, diskName, callers, TimeUnit.SECONDS.toNanos(seconds)));
            System.out.println(forcedFile(directory, callers, TimeUnit.SECONDS.toNanos(seconds)));
        }
    }

    /** Commits to a new log below the directory. */
    public static Result log(Path directory, String diskName, int callers, long nanos)
            throws IOException, InterruptedException {
        Path place = Files.createTempDirectory(directory, "log");
        WalConfig config = WalConfig.in(place);
        try (Disk disk = Disks.named(diskName);
                MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("log", config.memoryBytes());
                WriteAheadLog log =
                        WriteAheadLog.open(config, disk, account, LOG_ID).start(0)) {
            AgentRunner runner = new AgentRunner(log.agent().idleStrategy(), _ -> {}, null, log.agent());
            AgentRunner.startOnThread(runner);
            List<Caller> waiting = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                waiting.add(new Caller(log));
            }
            log.onProgress(() -> waiting.forEach(caller -> caller.wakeIfDone(log)));
            Result result = run(
                    "log",
                    waiting,
                    nanos,
                    () -> log.counters().writes() + log.counters().syncs());
            log.agent().parking().stop(runner);
            return result;
        } finally {
            deleteAll(place);
        }
    }

    /** Writes and forces a file for each commit, one after the other. */
    public static Result forcedFile(Path directory, int callers, long nanos) throws IOException, InterruptedException {
        Path file = Files.createTempFile(directory, "forced", ".log");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            long[] flushes = {0};
            List<Runnable> commits = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                commits.add(() -> {
                    synchronized (flushes) {
                        flushes[0]++;
                        force(channel);
                    }
                });
            }
            return run("write+force", commits, nanos, () -> flushes[0]);
        } finally {
            Files.delete(file);
        }
    }

    private static Result run(String what, List<? extends Runnable> commits, long nanos, LongSupplier flushes)
            throws InterruptedException {
        long start = System.nanoTime();
        long flushesBefore = flushes.getAsLong();
        List<Histogram> histograms = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (Runnable commit : commits) {
            Histogram histogram = new Histogram(LATENCY_NANOS_MAX, 3);
            histograms.add(histogram);
            threads.add(Thread.ofVirtual().start(() -> {
                long before = System.nanoTime();
                do {
                    commit.run();
                    long after = System.nanoTime();
                    histogram.recordValue(Math.min(LATENCY_NANOS_MAX, after - before));
                    before = after;
                } while (before - start < nanos);
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        Histogram all = new Histogram(LATENCY_NANOS_MAX, 3);
        histograms.forEach(all::add);
        return new Result(what, commits.size(), all, seconds, flushes.getAsLong() - flushesBefore);
    }

    private static void force(FileChannel channel) {
        try {
            channel.write(ByteBuffer.allocate(PAYLOAD_BYTES));
            channel.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void deleteAll(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    /** Appends a record and sleeps until it is durable. Run by one thread, woken by the log's. */
    private static final class Caller implements Runnable {
        private final WriteAheadLog log;
        private volatile long wanted;
        private volatile Thread thread = Thread.currentThread();

        Caller(WriteAheadLog log) {
            this.log = log;
        }

        @Override
        public void run() {
            thread = Thread.currentThread();
            wanted = 0;
            long offset = log.reserve(PAYLOAD_BYTES);
            while (offset == 0) {
                LockSupport.park(this);
                offset = log.reserve(PAYLOAD_BYTES);
            }
            log.memory().asSlice(offset, PAYLOAD_BYTES).fill((byte) 1);
            long sequence = log.publish(PAYLOAD_BYTES, Durability.SYNC);
            wanted = sequence;
            while (log.durableUpTo() < sequence) {
                LockSupport.park(this);
            }
        }

        void wakeIfDone(WriteAheadLog progressed) {
            if (wanted <= progressed.durableUpTo()) {
                LockSupport.unpark(thread);
            }
        }
    }
}
