package io.nyala.perf;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.nyala.cfile.PageCache;
import io.nyala.engine.CommitResult;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Rows of Kudu's load generator (INT64 key, INT32, a string of 32 bytes) through the embedding API into one tablet,
 * durable: new ones in ascending and in random order, and upserts of random rows that are on disk, with all pages that
 * they need in the cache and with hardly any. One caller that keeps {@value #IN_FLIGHT} batches of {@value #BATCH_ROWS}
 * rows under way.
 *
 * <pre>{@code
 * perf/run writes [DIRECTORY [ROWS_ON_DISK [SECONDS]]]
 * }</pre>
 *
 * CPU is that of the whole process, flushes and the making of rows included: what a core can do is its inverse.
 */
final class WritePath implements AutoCloseable {
    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("int_val", ColumnType.INT32),
            Column.of("string_val", ColumnType.STRING));
    private static final int BATCH_ROWS = 1_000;
    private static final int IN_FLIGHT = 8;
    private static final long NEW_ROWS = 1_000_000;
    private static final long ROWS_ON_DISK = 10_000_000;
    private static final int SECONDS = 10;
    private static final int TIMES = 3;
    private static final long MIB = 1L << 20;
    private static final long MEMORY_BYTES = 3072 * MIB;
    private static final long CACHE_BYTES = 1024 * MIB;
    private static final long SMALL_CACHE_BYTES = 16 * MIB;
    private static final Path TMPFS = Path.of("/dev/shm");
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Engine engine;
    private final Table table;
    private final WriteBatch[] batches = new WriteBatch[IN_FLIGHT];
    private final @Nullable CompletableFuture<CommitResult>[] underWay = newFutures();
    private final byte[] text = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    /** What some rows cost; {@code pages} are those that were read from disk. */
    private record Cost(long rows, double seconds, double cpuSeconds, long heapBytes, long pages) {
        String cells() {
            return String.format(
                    Locale.ROOT,
                    " %,.0f | %.2f | %.2f | %.1f |",
                    rows / seconds,
                    cpuSeconds * 1e6 / rows,
                    (double) pages / rows,
                    (double) heapBytes / rows);
        }

        static Cost median(Cost[] costs) {
            Cost[] sorted = costs.clone();
            Arrays.sort(sorted, (a, b) -> Double.compare(a.seconds / a.rows, b.seconds / b.rows));
            return sorted[sorted.length / 2];
        }
    }

    private WritePath(EngineConfig config) {
        engine = Engine.open(config);
        table = engine.tables().isEmpty()
                ? engine.createTable("rows", SCHEMA)
                : engine.tables().getFirst();
        for (int i = 0; i < IN_FLIGHT; i++) {
            batches[i] = table.newBatch();
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // There are no arrays of a generic type.
    private static @Nullable CompletableFuture<CommitResult>[] newFutures() {
        return new CompletableFuture[IN_FLIGHT];
    }

    public static void main(String[] arguments) {
        Path parent = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        long rowsOnDisk = arguments.length > 1 ? Long.parseLong(arguments[1]) : ROWS_ON_DISK;
        int seconds = arguments.length > 2 ? Integer.parseInt(arguments[2]) : SECONDS;
        System.out.println("| rows | rows/s | CPU, us/row | pages read per row | heap, B/row |");
        System.out.println("|---|---|---|---|---|");
        for (Path place : Files.isWritable(TMPFS) ? new Path[] {TMPFS, parent} : new Path[] {parent}) {
            String where = place.equals(TMPFS) ? "on tmpfs" : "on the disk";
            insertNew("new, ascending keys, " + where, place, i -> i);
            insertNew("new, random keys, " + where, place, i -> i * SCRAMBLE);
        }
        Path directory = newDirectory(parent);
        try {
            upsertFlushed(directory, rowsOnDisk, seconds);
        } finally {
            LineItems.delete(directory);
        }
    }

    private static Path newDirectory(Path parent) {
        try {
            return Files.createTempDirectory(parent, "nyala-perf");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static EngineConfig config(Path directory) {
        return EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES).withCacheBytes(CACHE_BYTES);
    }

    /** All stay in memory. Each time into a new engine; the first, in which the compiler works, does not count. */
    private static void insertNew(String title, Path parent, LongUnaryOperator keys) {
        Cost[] costs = new Cost[TIMES];
        for (int round = -1; round < TIMES; round++) {
            Path directory = newDirectory(parent);
            try (WritePath path = new WritePath(config(directory).withFlushBytes(MEMORY_BYTES / 8))) {
                Cost cost = path.measure(OperationKind.INSERT, keys, Long.MAX_VALUE, NEW_ROWS);
                if (round >= 0) {
                    costs[round] = cost;
                }
            } finally {
                LineItems.delete(directory);
            }
        }
        System.out.println("| " + title + " |" + Cost.median(costs).cells());
    }

    private static void upsertFlushed(Path directory, long rows, int seconds) {
        LongUnaryOperator anywhere = i -> Math.floorMod((i * SCRAMBLE) >>> 1, rows);
        try (WritePath path = new WritePath(config(directory))) {
            Cost load = path.measure(OperationKind.INSERT, i -> i, Long.MAX_VALUE, rows);
            path.table.flush().join();
            System.out.println("| load of " + String.format(Locale.ROOT, "%,d", rows) + " rows, with its flushes |"
                    + load.cells());
            for (int round = 0; round < TIMES; round++) {
                Cost cost = path.measure(OperationKind.UPSERT, anywhere, seconds, Long.MAX_VALUE);
                System.out.println(
                        "| upserts of rows on disk, pages in the cache, round " + (round + 1) + " |" + cost.cells());
            }
            path.table.flush().join();
        }
        try (WritePath path = new WritePath(config(directory).withCacheBytes(SMALL_CACHE_BYTES))) {
            for (int round = 0; round < TIMES; round++) {
                Cost cost = path.measure(OperationKind.UPSERT, anywhere, seconds, Long.MAX_VALUE);
                System.out.println("| upserts of rows on disk, cache of " + (SMALL_CACHE_BYTES / MIB) + " MiB, round "
                        + (round + 1) + " |" + cost.cells());
            }
        }
    }

    /** Writes until the time is up or the rows are. */
    private Cost measure(OperationKind kind, LongUnaryOperator keys, long secondsMax, long rowsMax) {
        long nanosMax = secondsMax == Long.MAX_VALUE ? Long.MAX_VALUE : TimeUnit.SECONDS.toNanos(secondsMax);
        PageCache.Statistics before = engine.view().cache();
        long heap = THREADS.getTotalThreadAllocatedBytes();
        long cpu = SYSTEM.getProcessCpuTime();
        long start = System.nanoTime();
        long row = 0;
        for (int slot = 0; row < rowsMax && System.nanoTime() - start < nanosMax; slot = (slot + 1) % IN_FLIGHT) {
            await(slot);
            long end = Math.min(rowsMax, row + BATCH_ROWS);
            for (; row < end; row++) {
                put(batches[slot], kind, keys.applyAsLong(row), (int) row);
            }
            underWay[slot] = batches[slot].commitAsync();
        }
        for (int slot = 0; slot < IN_FLIGHT; slot++) {
            await(slot);
        }
        return new Cost(
                row,
                (System.nanoTime() - start) / 1e9,
                (SYSTEM.getProcessCpuTime() - cpu) / 1e9,
                THREADS.getTotalThreadAllocatedBytes() - heap,
                engine.view().cache().misses() - before.misses());
    }

    private void await(int slot) {
        CompletableFuture<CommitResult> future = underWay[slot];
        if (future != null) {
            future.join().orThrow();
            underWay[slot] = null;
        }
    }

    private void put(WriteBatch batch, OperationKind kind, long key, int value) {
        text[value & 31] = (byte) ('a' + (value >>> 5 & 15));
        batch.rows()
                .start(kind)
                .setLong(0, key)
                .setLong(1, value)
                .setBytes(2, text, 0, text.length)
                .end();
    }

    @Override
    public void close() {
        for (WriteBatch batch : batches) {
            batch.close();
        }
        engine.close();
    }
}
