package io.nyala.perf;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.nyala.cfile.PageCache;
import io.nyala.engine.CommitResult;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.perf.HotRows.GeneratedRows;
import io.nyala.rows.OperationKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Rows of Kudu's load generator (INT64 key, INT32, a string of 32 bytes) through the embedding API into one tablet,
 * durable: new ones in ascending and in random order, and upserts of random rows that are on disk. One caller that
 * keeps {@value #IN_FLIGHT} batches of {@value #BATCH_ROWS} rows under way, or {@value #LARGE_IN_FLIGHT} of
 * {@value #LARGE_BATCH_ROWS}. Of the rows on disk keys are in turn next to each other, so that few pages have them all,
 * and far apart, so that their pages are several times as large as a small cache.
 *
 * <pre>{@code
 * perf/run writes [DIRECTORY [ROWS_ON_DISK [SECONDS [new | wide | flushed | hot]]]]
 * }</pre>
 *
 * New rows of {@value #FEW_COLUMNS} and {@value #MANY_COLUMNS} columns too; then {@link HotRows}.
 *
 * <p>CPU is that of the whole process, flushes and the making of rows included: what a core can do is its inverse.
 * Then by who has used it: the caller, who makes and encodes rows and looks them up on disk; the writer; the log;
 * flushes; and what is left, which is the JVM, with its compiler, and the kernel's threads. What the making of rows
 * takes of the caller's has a line of its own.
 */
final class WritePath implements AutoCloseable {
    private static final int FEW_COLUMNS = 4;
    private static final int MANY_COLUMNS = 20;
    private static final int BATCH_ROWS = 1_000;
    private static final int IN_FLIGHT = 8;
    private static final int LARGE_BATCH_ROWS = 10_000;
    private static final int LARGE_IN_FLIGHT = 2;
    private static final long NEW_ROWS = 1_000_000;
    private static final long ROWS_ON_DISK = 10_000_000;
    private static final int SECONDS = 10;
    private static final int TIMES = 3;

    /** Of each order of keys, before anything counts: the compiler works for some seconds. */
    private static final int WARM_UPS = 4;

    private static final long MIB = 1L << 20;
    private static final long MEMORY_BYTES = 3072 * MIB;
    private static final long CACHE_BYTES = 1024 * MIB;
    private static final long SMALL_CACHE_BYTES = 48 * MIB; // Has room for the key filters, 30 MB, and little else.
    private static final Path TMPFS = Path.of("/dev/shm");
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.

    /** Of a key, below its number: so many that do not follow from the key before, so that they are stored. */
    private static final int SPREAD_BITS = 36;

    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Engine engine;
    private final Table table;
    private final int batchRows;
    private final WriteBatch[] batches;
    private final @Nullable CompletableFuture<CommitResult>[] underWay;
    private final GeneratedRows rows;

    /** What some rows cost; {@code pages} are those that were read from disk. */
    private record Cost(long rows, double seconds, CpuTime cpu, long heapBytes, long pages) {
        static final String TITLES = "rows/s | CPU, us/row | caller | writer | log | flushes | JVM | pages read per row"
                + " | heap, B/row |";

        String cells() {
            return String.format(
                    Locale.ROOT,
                    " %,.0f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f |",
                    rows / seconds,
                    perRow(cpu.process()),
                    perRow(cpu.caller()),
                    perRow(cpu.writer()),
                    perRow(cpu.log()),
                    perRow(cpu.flushes()),
                    perRow(cpu.rest()),
                    (double) pages / rows,
                    (double) heapBytes / rows);
        }

        private double perRow(long nanos) {
            return nanos / 1e3 / rows;
        }

        static Cost median(List<Cost> costs) {
            return costs.stream()
                    .sorted(Comparator.comparingDouble(cost -> cost.seconds / cost.rows))
                    .toList()
                    .get(costs.size() / 2);
        }
    }

    /** CPU in nanoseconds: of the process, and those of its threads that are ours. */
    private record CpuTime(long process, long caller, long writer, long log, long flushes) {
        /** So far; of the calling thread, who is the caller, and of threads that live. */
        static CpuTime now() {
            long writer = 0;
            long log = 0;
            long flushes = 0;
            for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
                String name = thread == null ? "" : thread.getThreadName();
                long nanos = thread == null ? 0 : Math.max(0, THREADS.getThreadCpuTime(thread.getThreadId()));
                writer += name.startsWith("nyala-writer") ? nanos : 0;
                log += name.startsWith("nyala-log") ? nanos : 0;
                flushes += name.startsWith("nyala-maintenance") ? nanos : 0;
            }
            return new CpuTime(SYSTEM.getProcessCpuTime(), THREADS.getCurrentThreadCpuTime(), writer, log, flushes);
        }

        CpuTime since(CpuTime before) {
            return new CpuTime(
                    process - before.process,
                    caller - before.caller,
                    writer - before.writer,
                    log - before.log,
                    flushes - before.flushes);
        }

        long rest() {
            return process - caller - writer - log - flushes;
        }
    }

    private WritePath(EngineConfig config) {
        this(config, new Load("", GeneratedRows.COLUMNS_USUAL, BATCH_ROWS, IN_FLIGHT, i -> i));
    }

    private WritePath(EngineConfig config, Load load) {
        rows = new GeneratedRows(load.columns);
        batchRows = load.batchRows;
        int inFlight = load.inFlight;
        batches = new WriteBatch[inFlight];
        underWay = newFutures(inFlight);
        engine = Engine.open(config);
        table = engine.tables().isEmpty()
                ? engine.createTable("rows", rows.schema())
                : engine.tables().getFirst();
        for (int i = 0; i < inFlight; i++) {
            batches[i] = table.newBatch();
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // There are no arrays of a generic type.
    private static @Nullable CompletableFuture<CommitResult>[] newFutures(int count) {
        return new CompletableFuture[count];
    }

    public static void main(String[] arguments) {
        Path parent = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        long rowsOnDisk = arguments.length > 1 ? Long.parseLong(arguments[1]) : ROWS_ON_DISK;
        int seconds = arguments.length > 2 ? Integer.parseInt(arguments[2]) : SECONDS;
        String part = arguments.length > 3 ? arguments[3] : "";
        if (!part.equals("hot")) {
            System.out.println("| rows | " + Cost.TITLES);
            System.out.println("|---|---|---|---|---|---|---|---|---|---|");
        }
        if (part.isEmpty() || part.equals("new")) {
            insertNew(parent);
        }
        if (part.isEmpty() || part.equals("wide")) {
            insertWide(parent);
        }
        if (part.isEmpty() || part.equals("flushed")) {
            upsertFlushed("dense", parent, rowsOnDisk, seconds, i -> i);
            upsertFlushed("spread", parent, rowsOnDisk, seconds, WritePath::spread);
        }
        if (part.isEmpty() || part.equals("hot")) {
            HotRows.print(parent, seconds);
        }
    }

    private static void insertNew(Path parent) {
        for (Load load : Load.bothOrders("", GeneratedRows.COLUMNS_USUAL)) {
            warmUp(load, parent);
        }
        for (Path place : Files.isWritable(TMPFS) ? new Path[] {TMPFS, parent} : new Path[] {parent}) {
            String where = place.equals(TMPFS) ? " on tmpfs" : " on the disk";
            for (Load load : Load.bothOrders(where, GeneratedRows.COLUMNS_USUAL)) {
                insertNew(load, place);
            }
        }
        for (Load load : Load.bothOrders(
                String.format(Locale.ROOT, " in batches of %,d", LARGE_BATCH_ROWS), GeneratedRows.COLUMNS_USUAL)) {
            insertNew(new Load(load.title, load.columns, LARGE_BATCH_ROWS, LARGE_IN_FLIGHT, load.keys), parent);
        }
    }

    private static void insertWide(Path parent) {
        for (int columns : new int[] {FEW_COLUMNS, MANY_COLUMNS}) {
            for (Load load : Load.bothOrders(" of " + columns + " columns", columns)) {
                warmUp(load, parent);
                insertNew(load, parent);
            }
        }
    }

    private static void warmUp(Load load, Path parent) {
        for (int i = 0; i < WARM_UPS; i++) {
            insertNew(load, parent, new Costs());
        }
    }

    private static long spread(long number) {
        return number << SPREAD_BITS | (number * SCRAMBLE) >>> (Long.SIZE - SPREAD_BITS);
    }

    static Path newDirectory(Path parent) {
        try {
            return Files.createTempDirectory(parent, "nyala-perf");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static EngineConfig config(Path directory) {
        return EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES).withCacheBytes(CACHE_BYTES);
    }

    private static void insertNew(Load load, Path parent) {
        Costs costs = new Costs();
        for (int round = 0; round < TIMES; round++) {
            insertNew(load, parent, costs);
        }
        System.out.println(
                "| new, " + load.title + " |" + Cost.median(costs.all).cells());
        System.out.println("| - of it the making of these rows |"
                + Cost.median(costs.making).cells());
    }

    /** All stay in memory. Each time into a new engine. */
    private static void insertNew(Load load, Path parent, Costs target) {
        Path directory = newDirectory(parent);
        EngineConfig config = config(directory).withFlushBytes(MEMORY_BYTES / 8);
        try (WritePath path = new WritePath(config, load)) {
            target.all.add(path.measure(OperationKind.INSERT, load.keys, Long.MAX_VALUE, NEW_ROWS));
            target.making.add(path.makeOnly(OperationKind.INSERT, load.keys, NEW_ROWS));
        } finally {
            LineItems.delete(directory);
        }
    }

    /** New rows: how wide they are, how they are handed over, and in which order their keys come. */
    private record Load(String title, int columns, int batchRows, int inFlight, LongUnaryOperator keys) {
        static List<Load> bothOrders(String what, int columns) {
            return List.of(
                    new Load("ascending keys" + what, columns, BATCH_ROWS, IN_FLIGHT, i -> i),
                    new Load("random keys" + what, columns, BATCH_ROWS, IN_FLIGHT, i -> i * SCRAMBLE));
        }
    }

    /** Of new rows, by round. */
    private static final class Costs {
        private final List<Cost> all = new ArrayList<>();
        private final List<Cost> making = new ArrayList<>();
    }

    private static void upsertFlushed(String title, Path parent, long rows, int seconds, LongUnaryOperator keys) {
        Path directory = newDirectory(parent);
        try {
            load(title, directory, rows, keys);
            LongUnaryOperator anywhere = i -> keys.applyAsLong(Math.floorMod((i * SCRAMBLE) >>> 1, rows));
            upsert(title, config(directory), seconds, anywhere);
            upsert(title, config(directory).withCacheBytes(SMALL_CACHE_BYTES), seconds, anywhere);
        } finally {
            LineItems.delete(directory);
        }
    }

    private static void load(String title, Path directory, long rows, LongUnaryOperator keys) {
        try (WritePath path = new WritePath(config(directory))) {
            Cost load = path.measure(OperationKind.INSERT, keys, Long.MAX_VALUE, rows);
            path.table.flush().join();
            System.out.println("| load of " + String.format(Locale.ROOT, "%,d", rows) + " rows, " + title
                    + " keys, with their flushes |" + load.cells());
        }
    }

    private static void upsert(String title, EngineConfig config, int seconds, LongUnaryOperator keys) {
        try (WritePath path = new WritePath(config)) {
            path.measure(OperationKind.UPSERT, keys, seconds, Long.MAX_VALUE); // The compiler works.
            for (int round = 0; round < TIMES; round++) {
                Cost cost = path.measure(OperationKind.UPSERT, keys, seconds, Long.MAX_VALUE);
                System.out.println("| upserts of these on disk, " + title + " keys, cache of "
                        + config.cacheBytes() / MIB + " MiB, round " + (round + 1) + " |" + cost.cells());
            }
            path.table.flush().join();
        }
    }

    /** Writes until the time is up or the rows are. */
    private Cost measure(OperationKind kind, LongUnaryOperator keys, long secondsMax, long rowsMax) {
        long nanosMax = secondsMax == Long.MAX_VALUE ? Long.MAX_VALUE : TimeUnit.SECONDS.toNanos(secondsMax);
        PageCache.Statistics before = engine.view().cache();
        long heap = THREADS.getTotalThreadAllocatedBytes();
        CpuTime cpu = CpuTime.now();
        long start = System.nanoTime();
        long row = 0;
        for (int slot = 0; row < rowsMax && System.nanoTime() - start < nanosMax; slot = (slot + 1) % batches.length) {
            await(slot);
            long end = Math.min(rowsMax, row + batchRows);
            for (; row < end; row++) {
                rows.put(batches[slot], kind, keys.applyAsLong(row), (int) row);
            }
            underWay[slot] = batches[slot].commitAsync();
        }
        for (int slot = 0; slot < batches.length; slot++) {
            await(slot);
        }
        return new Cost(
                row,
                (System.nanoTime() - start) / 1e9,
                CpuTime.now().since(cpu),
                THREADS.getTotalThreadAllocatedBytes() - heap,
                engine.view().cache().misses() - before.misses());
    }

    /** The same rows, made and encoded, and forgotten: what is no work of the engine's. */
    private Cost makeOnly(OperationKind kind, LongUnaryOperator keys, long count) {
        long heap = THREADS.getTotalThreadAllocatedBytes();
        CpuTime cpu = CpuTime.now();
        long start = System.nanoTime();
        for (long row = 0; row < count; ) {
            WriteBatch batch = batches[(int) (row / batchRows % batches.length)];
            batch.rows().clear();
            for (long end = Math.min(count, row + batchRows); row < end; row++) {
                rows.put(batch, kind, keys.applyAsLong(row), (int) row);
            }
        }
        for (WriteBatch batch : batches) {
            batch.rows().clear();
        }
        return new Cost(
                count,
                (System.nanoTime() - start) / 1e9,
                CpuTime.now().since(cpu),
                THREADS.getTotalThreadAllocatedBytes() - heap,
                0);
    }

    private void await(int slot) {
        CompletableFuture<CommitResult> future = underWay[slot];
        if (future != null) {
            future.join().orThrow();
            underWay[slot] = null;
        }
    }

    @Override
    public void close() {
        for (WriteBatch batch : batches) {
            batch.close();
        }
        engine.close();
    }
}
