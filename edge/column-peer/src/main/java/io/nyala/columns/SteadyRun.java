package io.nyala.columns;

import io.nyala.columns.SteadyStore.Reader;
import io.nyala.columns.SteadyStore.State;
import io.nyala.columns.SteadyStore.Writer;
import io.nyala.tablet.TabletLookup.Effort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@link SteadyFigures} with one store: {@value #CALLERS} callers commit batches of {@value #BATCH_ROWS}
 * rows one after the other, as fast as they are taken or at a given rate, of which each tenth batch changes rows of
 * before; somebody reads about {@value #SCAN_ROWS} rows in key order ten times a second, and somebody looks rows up a
 * hundred times a second, a tenth of which are not there; the device is written by itself beside them.
 *
 * <p>Threads of its own while it runs.
 */
final class SteadyRun {
    static final int BATCH_ROWS = 1000;

    /** As fast as they are taken. */
    static final long UNLIMITED = 0;

    static final int SCAN_ROWS = 1000;
    private static final int CALLERS = 4;
    private static final int CHANGE_EVERY = 10;
    private static final int ABSENT_EVERY = 10;
    private static final long SCAN_INTERVAL_NANOS = 100_000_000;
    private static final long LOOK_UP_INTERVAL_NANOS = 10_000_000;
    private static final long LATENCY_NANOS_MAX = 300_000_000_000L;
    private static final double NANOS_PER_SECOND = 1e9;
    private static final int INTERVALS_PER_LINE = 10;
    private static final long REST_INTERVAL_NANOS = 100_000_000;

    private final SteadyStore store;
    private final BareWriter device;
    private final AtomicLong nextBatch = new AtomicLong();
    private final AtomicLong newRows = new AtomicLong(); // All below were handed out.
    private final AtomicLongArray notBelow = new AtomicLongArray(CALLERS); // Where rows begin that a caller may have.
    private final AtomicLong committedRows = new AtomicLong();
    private final AtomicLong committedBytes = new AtomicLong();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final Map<Kind, List<Histogram>> latencies = new EnumMap<>(Kind.class);
    private final Efforts efforts = new Efforts();
    private volatile boolean isOver;

    /** What is done, each with its latencies. */
    enum Kind {
        INSERT("insert of a batch"),
        CHANGE("change of a batch of rows"),
        SCAN("scan in key order"),
        LOOK_UP("look-up of one key");

        final String words;

        Kind(String words) {
            this.words = words;
        }
    }

    /**
     * How long it goes on.
     *
     * @param intervals seconds, as a rule, in which it is looked at
     * @param batches after which it ends before that; so that two stores get the same
     * @param restNanosMax that is waited for the store to come to rest
     * @param rowsPerSecond at which batches fall due, each from its own time on; {@link #UNLIMITED} for as fast as
     *     they are taken
     */
    record Lengths(int intervals, long intervalNanos, long batches, long restNanosMax, long rowsPerSecond) {}

    /**
     * What happened in one interval.
     *
     * @param rows that were committed
     * @param blocks that the device was given beside
     * @param longestBlockMillis the longest of these writes
     * @param state of the store at its end
     */
    record Interval(long rows, long blocks, double longestBlockMillis, State state) {}

    /** What look-ups, and rows of batches on average, took, by how much. */
    static final class Efforts {
        private static final int MAX = 64;
        final long[] memRowSets = new long[MAX];
        final long[] filters = new long[MAX];
        final long[] keyLookUps = new long[MAX];
        final long[] deltas = new long[MAX];
        final long[] batchFilters = new long[MAX];
        final long[] batchKeyLookUps = new long[MAX];
        long count;
        long batchCount;
        long batchFilterSum;
        long batchKeyLookUpSum;

        private void add(Effort before, Effort after) {
            memRowSets[index(after.memRowSets() - before.memRowSets())]++;
            filters[index(after.filters() - before.filters())]++;
            keyLookUps[index(after.keyLookUps() - before.keyLookUps())]++;
            deltas[index(after.deltas() - before.deltas())]++;
            count++;
        }

        /** To the nearest number of each row. Of several callers. */
        private synchronized void addBatch(long filtersAsked, long keysLookedUp) {
            batchFilters[index(Math.round((double) filtersAsked / BATCH_ROWS))]++;
            batchKeyLookUps[index(Math.round((double) keysLookedUp / BATCH_ROWS))]++;
            batchFilterSum += filtersAsked;
            batchKeyLookUpSum += keysLookedUp;
            batchCount++;
        }

        private static int index(long times) {
            return (int) Math.min(MAX - 1, times);
        }
    }

    /**
     * What a run showed.
     *
     * @param batches that were committed
     * @param givenBytes of rows that were committed
     * @param processBytes that the process has written to disks meanwhile, until the store was at rest; without those
     *     of the bare device writer
     * @param seconds until the last batch
     * @param end of the store, when the last batch was in
     * @param atRest of the store, when it had come to rest
     * @param restSeconds until then; negative if it has not
     * @param rewrittenBytes of files, when all was written once more
     */
    record Result(
            String name,
            List<Interval> intervals,
            Map<Kind, Histogram> latencies,
            Efforts efforts,
            long batches,
            long givenBytes,
            long processBytes,
            double seconds,
            State end,
            State atRest,
            double restSeconds,
            long rewrittenBytes) {
        /** The intervals and latencies of several runs with the same store; all else is that of the last one. */
        static Result together(List<Result> runs) {
            List<Interval> intervals = new ArrayList<>();
            Map<Kind, Histogram> latencies = new EnumMap<>(Kind.class);
            for (Result run : runs) {
                intervals.addAll(run.intervals());
                run.latencies()
                        .forEach((kind, some) -> latencies
                                .computeIfAbsent(kind, _ -> new Histogram(LATENCY_NANOS_MAX, 3))
                                .add(some));
            }
            Result last = runs.getLast();
            return new Result(
                    last.name(),
                    List.copyOf(intervals),
                    latencies,
                    last.efforts(),
                    last.batches(),
                    last.givenBytes(),
                    last.processBytes(),
                    last.seconds(),
                    last.end(),
                    last.atRest(),
                    last.restSeconds(),
                    last.rewrittenBytes());
        }
    }

    private SteadyRun(SteadyStore store, Path directory) {
        this.store = store;
        this.device = new BareWriter(directory.resolve("blocks"));
    }

    /** Runs with a store that is empty; the directory is for a file beside it. */
    static Result run(SteadyStore store, Path directory, Lengths lengths) throws InterruptedException {
        return new SteadyRun(store, directory).run(lengths);
    }

    private Result run(Lengths lengths) throws InterruptedException {
        long processBefore = processBytes();
        long begin = System.nanoTime();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < CALLERS; i++) {
            int caller = i;
            notBelow.set(caller, Long.MAX_VALUE);
            threads.add(start(() -> commit(lengths, begin, caller)));
        }
        Thread scanner = start(this::scan);
        Thread asker = start(this::lookUp);
        Thread writer = start(device);
        List<Interval> intervals = watch(lengths, threads);
        isOver = true;
        join(threads);
        double seconds = (System.nanoTime() - begin) / 1e9;
        device.stop();
        join(List.of(scanner, asker, writer));
        Throwable failed = failure.get();
        if (failed != null) {
            throw new IllegalStateException("somebody who writes or reads failed", failed);
        }
        State end = store.state();
        double restSeconds = rest(lengths.restNanosMax());
        State atRest = store.state();
        long processBytes = processBytes() - processBefore - device.blocks() * BareWriter.BLOCK_BYTES;
        store.rewrite();
        return new Result(
                store.name(),
                intervals,
                merged(),
                efforts,
                committedRows.get() / BATCH_ROWS,
                committedBytes.get(),
                processBytes,
                seconds,
                end,
                atRest,
                restSeconds,
                store.state().fileBytes());
    }

    private Thread start(Runnable work) {
        return Thread.ofPlatform().start(() -> {
            try {
                work.run();
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
                isOver = true;
                device.stop();
            }
        });
    }

    private static void join(List<Thread> threads) throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private Map<Kind, Histogram> merged() {
        Map<Kind, Histogram> all = new EnumMap<>(Kind.class);
        latencies.forEach((kind, some) -> {
            var sum = new Histogram(LATENCY_NANOS_MAX, 3);
            some.forEach(sum::add);
            all.put(kind, sum);
        });
        return all;
    }

    private synchronized Histogram histogram(Kind kind) {
        var histogram = new Histogram(LATENCY_NANOS_MAX, 3);
        latencies.computeIfAbsent(kind, _ -> new ArrayList<>()).add(histogram);
        return histogram;
    }

    // ---- Writing ----

    /** Latencies are from when a batch was due on, or else those behind one that took long would be left out. */
    private void commit(Lengths lengths, long begin, int caller) {
        var random = new SplittableRandom(caller);
        Histogram inserts = histogram(Kind.INSERT);
        Histogram changes = histogram(Kind.CHANGE);
        try (Writer writer = store.newWriter()) {
            while (!isOver) {
                long batch = nextBatch.getAndIncrement();
                if (batch >= lengths.batches()) {
                    return;
                }
                boolean isChange = batch % CHANGE_EVERY == CHANGE_EVERY - 1;
                long bytes = isChange ? change(writer, random, batch) : insert(writer, caller);
                long due = awaitDue(begin, batch, lengths.rowsPerSecond());
                if (isOver) {
                    return; // It may not be due yet.
                }
                writer.commit();
                Histogram histogram = isChange ? changes : inserts;
                histogram.recordValue(Math.min(LATENCY_NANOS_MAX, System.nanoTime() - due));
                notBelow.set(caller, Long.MAX_VALUE);
                efforts.addBatch(writer.filtersAsked(), writer.keysLookedUp());
                committedRows.addAndGet(BATCH_ROWS);
                committedBytes.addAndGet(bytes);
            }
        }
    }

    /** Waits until a batch is due, if it is not yet; answers when it was. */
    private long awaitDue(long begin, long batch, long rowsPerSecond) {
        if (rowsPerSecond == UNLIMITED) {
            return System.nanoTime();
        }
        long due = begin + (long) (batch * (double) BATCH_ROWS / rowsPerSecond * NANOS_PER_SECOND);
        for (long left = due - System.nanoTime(); left > 0 && !isOver; left = due - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
        return due;
    }

    private long insert(Writer writer, int caller) {
        notBelow.set(caller, newRows.get()); // Before rows are taken, so that nobody believes them committed.
        long first = newRows.getAndAdd(BATCH_ROWS);
        long bytes = 0;
        for (long number = first; number < first + BATCH_ROWS; number++) {
            writer.put(number, 0);
            bytes += SteadyRows.bytes(number, 0);
        }
        return bytes;
    }

    private long change(Writer writer, SplittableRandom random, long version) {
        long rows = Math.max(1, newRows.get());
        long bytes = 0;
        for (int i = 0; i < BATCH_ROWS; i++) {
            long number = random.nextLong(rows);
            writer.put(number, version);
            bytes += SteadyRows.bytes(number, version);
        }
        return bytes;
    }

    // ---- Reading ----

    private void scan() {
        var random = new SplittableRandom(CALLERS);
        try (Reader reader = store.newReader()) {
            regularly(Kind.SCAN, SCAN_INTERVAL_NANOS, rows -> {
                long width = Math.max(1, SteadyRows.ORDERS / rows * SCAN_ROWS);
                long from = random.nextLong(SteadyRows.ORDERS);
                long _ = reader.scan(from, from + width);
            });
        }
    }

    private void lookUp() {
        var random = new SplittableRandom(CALLERS + 1);
        try (Reader reader = store.newReader()) {
            regularly(Kind.LOOK_UP, LOOK_UP_INTERVAL_NANOS, rows -> {
                boolean isAbsent = random.nextInt(ABSENT_EVERY) == 0;
                Effort before = reader.effort();
                long known = Math.max(1, committedBelow(rows));
                boolean isFound = reader.lookUp(isAbsent ? -1 - random.nextLong(known) : random.nextLong(known));
                if (isFound == isAbsent && (isFound || known > 1)) {
                    throw new IllegalStateException("a row is " + (isFound ? "there that should not be" : "lost"));
                }
                efforts.add(before, reader.effort());
            });
        }
    }

    /** All rows below were committed. */
    private long committedBelow(long rows) {
        long least = rows;
        for (int i = 0; i < CALLERS; i++) {
            least = Math.min(least, notBelow.get(i));
        }
        return least;
    }

    /** Does something whenever it is time; the latencies of those that were late count as often as they were missed. */
    private void regularly(Kind kind, long intervalNanos, LongConsumer work) {
        Histogram histogram = histogram(kind);
        long next = System.nanoTime();
        while (!isOver) {
            long rows = newRows.get();
            long before = System.nanoTime();
            if (rows > 0) {
                work.accept(rows);
                long nanos = Math.min(LATENCY_NANOS_MAX, System.nanoTime() - before);
                histogram.recordValueWithExpectedInterval(nanos, intervalNanos);
            }
            next = Math.max(next + intervalNanos, System.nanoTime());
            LockSupport.parkNanos(next - System.nanoTime());
        }
    }

    // ---- Watching ----

    private List<Interval> watch(Lengths lengths, List<Thread> callers) {
        var intervals = new ArrayList<Interval>();
        long end = System.nanoTime();
        long rowsBefore = 0;
        long blocksBefore = 0;
        while (intervals.size() < lengths.intervals()
                && !isOver
                && callers.stream().anyMatch(Thread::isAlive)) {
            end += lengths.intervalNanos();
            for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            long rows = committedRows.get();
            long blocks = device.blocks();
            var interval = new Interval(
                    rows - rowsBefore, blocks - blocksBefore, device.takeLongestNanos() / 1e6, store.state());
            intervals.add(interval);
            tell(intervals);
            rowsBefore = rows;
            blocksBefore = blocks;
        }
        return intervals;
    }

    /** A line now and then, so that who waits sees how it goes, and how it went before something failed. */
    private void tell(List<Interval> intervals) {
        if (intervals.size() % INTERVALS_PER_LINE == 0) {
            State state = intervals.getLast().state();
            System.err.printf(
                    Locale.ROOT,
                    "%s, %d: %,.0f rows in each, height %.2f, changes %.1f %%, %,d MiB of memory%n",
                    store.name(),
                    intervals.size(),
                    intervals.subList(intervals.size() - INTERVALS_PER_LINE, intervals.size()).stream()
                            .mapToLong(Interval::rows)
                            .average()
                            .orElse(0),
                    state.height(),
                    100 * state.changeShare(),
                    state.memoryBytes() >> 20);
        }
    }

    /** Waits until the store has come to rest; answers for how many seconds, or a negative number if it has not. */
    private double rest(long nanosMax) {
        long begin = System.nanoTime();
        while (!store.isAtRest()) {
            if (System.nanoTime() - begin > nanosMax) {
                return -1;
            }
            LockSupport.parkNanos(Math.min(nanosMax, REST_INTERVAL_NANOS));
        }
        return (System.nanoTime() - begin) / 1e9;
    }

    /** What this process has written to disks, as the system counts it; 0 where it does not. */
    private static long processBytes() {
        try (Stream<String> counters = Files.lines(Path.of("/proc/self/io"))) {
            return counters.filter(line -> line.startsWith("write_bytes: "))
                    .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
                    .sum();
        } catch (IOException _) {
            return 0;
        }
    }
}
