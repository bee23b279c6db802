package io.nyala.perf;

import com.sun.management.OperatingSystemMXBean;
import io.nyala.engine.WriteBatch;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.IoQueue;
import io.nyala.io.Parking;
import io.nyala.rows.OperationKind;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;

/**
 * What an open engine costs that has nothing to do, and how fast it is when there is something to do again: the CPU of
 * an idle process, by thread; what parked agents cost, one and sixteen of them, and how long they take to get up; how
 * long the first commit takes after a pause.
 *
 * <pre>{@code
 * java ... io.nyala.perf.IdleAndWake [DIRECTORY [SECONDS]]
 * }</pre>
 */
public final class IdleAndWake {
    private static final int DEFAULT_SECONDS = 5;
    private static final int WARM_UP_COMMITS = 2000;
    private static final int WAKES = 500;
    private static final long WAKE_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long[] PAUSES_MILLIS = {0, 1, 10, 100};
    private static final long PAUSES_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(1);
    private static final int[] AGENTS = {1, 16};
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private IdleAndWake() {}

    public static void main(String[] arguments) {
        Path directory = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_SECONDS;
        print(directory, TimeUnit.SECONDS.toNanos(seconds));
    }

    /** Idles for so long, five times, and wakes up; prints three tables. */
    static void print(Path directory, long idleNanos) {
        try (LineItems items = LineItems.in(directory);
                WriteBatch batch = items.table().newBatch()) {
            long row = 0;
            for (int i = 0; i < WARM_UP_COMMITS; i++) {
                LineItems.put(batch, OperationKind.INSERT, row++);
                batch.commit().orThrow();
            }
            pause(TimeUnit.SECONDS.toNanos(1)); // The compiler is done, the log has written its last mark.
            printIdle(idleNanos);
            System.out.println();
            System.out.println("| agents | CPU of the process, all asleep | woken, us: p50 | p99 | max |");
            System.out.println("|---|---|---|---|---|");
            printWakes(idleNanos);
            System.out.println();
            System.out.println("| first commit after a pause, us | pause ms | p50 | p99 | max |");
            System.out.println("|---|---|---|---|---|");
            for (long pause : PAUSES_MILLIS) {
                row = printCommits(batch, row, pause);
            }
        }
    }

    private static void printIdle(long nanos) {
        Map<String, Long> before = cpuByThread();
        long processBefore = PROCESS.getProcessCpuTime();
        long start = System.nanoTime();
        pause(nanos);
        long process = PROCESS.getProcessCpuTime() - processBefore;
        double elapsed = System.nanoTime() - start;
        Map<String, Long> after = cpuByThread();
        System.out.println("| idle for " + TimeUnit.NANOSECONDS.toSeconds(nanos) + " s | CPU |");
        System.out.println("|---|---|");
        System.out.printf(Locale.ROOT, "| process | %.3f %% |%n", 100 * process / elapsed);
        after.forEach((name, cpu) -> {
            if (name.startsWith("nyala-")) {
                long used = cpu - before.getOrDefault(name, 0L);
                System.out.printf(Locale.ROOT, "| %s | %.3f %% |%n", name, 100 * used / elapsed);
            }
        });
    }

    private static Map<String, Long> cpuByThread() {
        Map<String, Long> byName = new TreeMap<>();
        for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
            if (thread != null) {
                byName.merge(
                        thread.getThreadName(), Math.max(0, THREADS.getThreadCpuTime(thread.getThreadId())), Long::sum);
            }
        }
        return byName;
    }

    /** Agents in all ways of parking, alone and several: what they cost asleep, and how they get up. */
    private static void printWakes(long idleNanos) {
        try (Disk disk = Disks.best()) {
            for (int count : AGENTS) {
                printWakes("by the JDK", idleNanos, count, Parking::ofThread);
                List<IoQueue> queues = new ArrayList<>();
                printWakes("in " + disk.description(), idleNanos, count, () -> {
                    queues.add(disk.newQueue(1));
                    return Parking.ofQueue(queues.getLast());
                });
                queues.forEach(IoQueue::close);
            }
        }
    }

    private static void printWakes(String where, long idleNanos, int count, Supplier<Parking> maker) {
        List<Parking> parkings = new ArrayList<>();
        List<Sleeper> sleepers = new ArrayList<>();
        List<AgentRunner> runners = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            parkings.add(maker.get());
            sleepers.add(new Sleeper());
            runners.add(new AgentRunner(parkings.get(i), Throwable::printStackTrace, null, sleepers.get(i)));
            AgentRunner.startOnThread(runners.get(i));
        }
        Histogram histogram = newHistogram();
        for (int i = 0; i < WAKES; i++) {
            long nanos = wake(sleepers.get(i % count), parkings.get(i % count));
            if (i >= WAKES / 5) { // Those before are for the compiler.
                histogram.recordValue(nanos);
            }
        }
        long before = PROCESS.getProcessCpuTime();
        pause(idleNanos);
        double cpu = 100.0 * (PROCESS.getProcessCpuTime() - before) / idleNanos;
        System.out.printf(
                Locale.ROOT,
                "| %d parked %s | %.3f %% | %.0f | %.0f | %.0f |%n",
                count,
                where,
                cpu,
                histogram.getValueAtPercentile(50) / 1e3,
                histogram.getValueAtPercentile(99) / 1e3,
                histogram.getMaxValue() / 1e3);
        for (int i = 0; i < count; i++) {
            parkings.get(i).stop(runners.get(i));
        }
    }

    private static long wake(Sleeper sleeper, Parking parking) {
        pause(WAKE_PAUSE_NANOS);
        long start = System.nanoTime();
        sleeper.askedAt = start;
        parking.wake();
        while (sleeper.upAt < start) {
            Thread.onSpinWait();
        }
        return sleeper.upAt - start;
    }

    /** Notes when it gets up. */
    private static final class Sleeper implements Agent {
        private volatile long askedAt;
        private volatile long upAt = Long.MIN_VALUE;
        private long answered;

        @Override
        public int doWork() {
            long asked = askedAt;
            if (asked == answered) {
                return 0;
            }
            answered = asked;
            upAt = System.nanoTime();
            return 1;
        }

        @Override
        public String roleName() {
            return "sleeper";
        }
    }

    private static long printCommits(WriteBatch batch, long firstRow, long pauseMillis) {
        long row = firstRow;
        long pauseNanos = TimeUnit.MILLISECONDS.toNanos(pauseMillis);
        Histogram histogram = newHistogram();
        long end = System.nanoTime() + PAUSES_NANOS;
        while (System.nanoTime() < end) {
            pause(pauseNanos);
            long start = System.nanoTime();
            LineItems.put(batch, OperationKind.INSERT, row++);
            batch.commit().orThrow();
            histogram.recordValue(System.nanoTime() - start);
        }
        printRow("commit of one row", pauseNanos, histogram);
        return row;
    }

    private static void printRow(String what, long pauseNanos, Histogram histogram) {
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %.0f | %.0f | %.0f |%n",
                what,
                TimeUnit.NANOSECONDS.toMillis(pauseNanos),
                histogram.getValueAtPercentile(50) / 1e3,
                histogram.getValueAtPercentile(99) / 1e3,
                histogram.getMaxValue() / 1e3);
    }

    private static void pause(long nanos) {
        long end = System.nanoTime() + nanos;
        for (long left = nanos; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static Histogram newHistogram() {
        return new Histogram(LATENCY_NANOS_MAX, 3);
    }
}
