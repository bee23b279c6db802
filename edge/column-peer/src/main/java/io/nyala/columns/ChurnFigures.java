package io.nyala.columns;

import io.nyala.engine.CommitResult;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.AccountUsage;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * What is left of changes and deletions. First rows are written once; then as many in another table, each of which is
 * updated {@value #VERSIONS} times, in random order, while rowsets are merged, and in the end is the same as in the
 * first: what the process takes for that, and how fast both tables are scanned afterwards, in turn. Then rows of which
 * nine tenths are deleted, anywhere, in a table that keeps its history for some seconds: bytes on disk before, when
 * that has passed and maintenance has done what it does by itself, and after a vacuum.
 *
 * <pre>{@code
 * perf/run churn [DIRECTORY [ROWS]]
 * }</pre>
 *
 * Memory of merges is what their account says, and that of the process what the kernel says, the page cache of the
 * engine and the Java heap included.
 */
public final class ChurnFigures {
    private static final int VERSIONS = 10;
    private static final long ROWS = 1_000_000;
    private static final int BATCH_ROWS = 1_000;
    private static final int IN_FLIGHT = 8;
    private static final int SCANS = 7;

    /** Of this memory the engine sets 64 MiB aside for merges. */
    private static final long MEMORY_BYTES = 2L << 30;

    private static final long MERGE_DELAY_MILLIS = 1_000;
    private static final Duration HISTORY = Duration.ofSeconds(10);

    /** Fewer show that all of it works, and need no patience. */
    private static final long ROWS_OF_FIGURES = 100_000;

    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.

    /** Prime to any number of rows that people ask for: visits all of them, none near the one before. */
    private static final long STRIDE = 7_368_787;

    /** What is done by itself after the last change is done when nothing has changed for so long. */
    private static final long SETTLED_NANOS = TimeUnit.SECONDS.toNanos(3);

    private static final long SETTLES_NANOS_MAX = TimeUnit.MINUTES.toNanos(10);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("created", ColumnType.INT64),
            Column.of("host", ColumnType.STRING),
            Column.of("value", ColumnType.DOUBLE),
            Column.of("state", ColumnType.STRING),
            Column.of("count", ColumnType.INT64));

    private final Engine engine;
    private final long rows;
    private final Duration history;
    private final long settledNanos;
    private final WriteBatch[] batches = new WriteBatch[IN_FLIGHT];
    private final List<@Nullable CompletableFuture<CommitResult>> underWay = new ArrayList<>();

    private ChurnFigures(Engine engine, long rows) {
        this.engine = engine;
        this.rows = rows;
        this.history = rows < ROWS_OF_FIGURES ? HISTORY.dividedBy(10) : HISTORY;
        this.settledNanos = rows < ROWS_OF_FIGURES ? SETTLED_NANOS / 20 : SETTLED_NANOS;
        for (int i = 0; i < IN_FLIGHT; i++) {
            underWay.add(null);
        }
    }

    public static void main(String[] arguments) {
        Path parent = Path.of(arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir", "."));
        print(parent, arguments.length > 1 ? Long.parseLong(arguments[1]) : ROWS);
    }

    /** Prints two tables. */
    public static void print(Path parent, long rows) {
        run(parent, rows, engine -> new ChurnFigures(engine, rows).update());
        run(parent, rows, engine -> new ChurnFigures(engine, rows).delete());
    }

    /** What is done with an engine. */
    private interface Work {
        void with(Engine engine);
    }

    private static void run(Path parent, long rows, Work work) {
        Path directory = newDirectory(parent);
        EngineConfig config = EngineConfig.in(directory)
                .withMemoryBytes(MEMORY_BYTES)
                .withMergeDelayMillis(rows < ROWS_OF_FIGURES ? MERGE_DELAY_MILLIS / 20 : MERGE_DELAY_MILLIS);
        try (Engine engine = Engine.open(config)) {
            work.with(engine);
        } finally {
            delete(directory);
        }
    }

    // ---- Updates ----

    private void update() {
        Table still = engine.createTable("still", SCHEMA);
        write(still, OperationKind.INSERT, VERSIONS, i -> i, _ -> true);
        settle(still);
        Table churned = engine.createTable("churned", SCHEMA);
        write(churned, OperationKind.INSERT, 0, i -> i, _ -> true);
        churned.flush().join();
        long residentBefore = status("VmRSS:");
        forgetPeak();
        Map<String, Long> before = engine.view().counters();
        long start = System.nanoTime();
        for (int version = 1; version <= VERSIONS; version++) {
            write(churned, OperationKind.UPDATE, version, i -> i * STRIDE % rows, _ -> true);
        }
        double written = (System.nanoTime() - start) / 1e9;
        settle(churned);
        Map<String, Long> after = engine.view().counters();
        AccountUsage merges = merges();
        System.out.printf(
                Locale.ROOT,
                "%,d rows, each updated %d times in random order: %,.0f updates a second.%n%n",
                rows,
                VERSIONS,
                rows * VERSIONS / written);
        System.out.println("| memory | MiB |");
        System.out.println("|---|---|");
        System.out.printf(Locale.ROOT, "| set aside for merges | %.0f |%n", mib(merges.reservedBytes()));
        System.out.printf(Locale.ROOT, "| most that merges took | %.1f |%n", mib(merges.peakBytes()));
        System.out.printf(Locale.ROOT, "| the process before | %.0f |%n", mib(residentBefore));
        System.out.printf(Locale.ROOT, "| the process at its most | %.0f |%n", mib(status("VmHWM:")));
        System.out.printf(Locale.ROOT, "| the engine's budget | %.0f |%n%n", mib(MEMORY_BYTES));
        System.out.println("| maintenance meanwhile | |");
        System.out.println("|---|---|");
        for (String counter : List.of(
                "flushes",
                "merges",
                "merges of one rowset with its changes",
                "pages copied by merges",
                "merges of delta files")) {
            System.out.printf(Locale.ROOT, "| %s | %,d |%n", counter, counted(counter, before, after));
        }
        for (String counter : List.of(
                "bytes read by merges",
                "bytes written by merges",
                "bytes read by merges of delta files",
                "bytes written by merges of delta files")) {
            System.out.printf(Locale.ROOT, "| Mi%s | %,.0f |%n", counter, mib(counted(counter, before, after)));
        }
        compareScans(still, churned);
    }

    private static long counted(String counter, Map<String, Long> before, Map<String, Long> after) {
        return Objects.requireNonNull(after.get(counter), counter)
                - Objects.requireNonNull(before.get(counter), counter);
    }

    private AccountUsage merges() {
        return engine.memoryUsage().stream()
                .filter(usage -> usage.owner().equals("merges"))
                .findFirst()
                .orElseThrow();
    }

    /** One after the other in each round; medians. */
    private void compareScans(Table still, Table churned) {
        double[] ofStill = new double[SCANS];
        double[] ofChurned = new double[SCANS];
        scan(still); // The compiler works.
        scan(churned);
        for (int i = 0; i < SCANS; i++) {
            ofStill[i] = scan(still);
            ofChurned[i] = scan(churned);
        }
        System.out.println();
        System.out.println("| all columns of all rows | rowsets | delta files | on disk, MiB | million rows/s |");
        System.out.println("|---|---|---|---|---|");
        printScan("never updated", still, median(ofStill));
        printScan("updated " + VERSIONS + " times", churned, median(ofChurned));
        System.out.printf(Locale.ROOT, "%nratio %.3f%n%n", median(ofChurned) / median(ofStill));
    }

    private void printScan(String title, Table table, double speed) {
        int deltas = table.rowSets(table.tablets().getFirst().id()).stream()
                .mapToInt(rowSet -> rowSet.deltas().size())
                .sum();
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %d | %,.1f | %.2f |%n",
                title,
                table.statistics().rowSetCount(),
                deltas,
                mib(table.statistics().diskBytes()),
                speed);
    }

    /** Million rows a second. */
    private double scan(Table table) {
        long start = System.nanoTime();
        long count = 0;
        try (Scan scan = table.scan().open()) {
            while (scan.next()) {
                count += scan.batch().rowCount();
            }
        }
        if (count != rows) {
            throw new IllegalStateException("found " + count + " rows of " + rows);
        }
        return count * 1e3 / (System.nanoTime() - start);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    // ---- Deletions ----

    private void delete() {
        Table table = engine.createTable(TableSpec.of("deleted", SCHEMA).withHistory(history));
        write(table, OperationKind.INSERT, 0, i -> i, _ -> true);
        settle(table);
        long before = bytes(table);
        write(table, OperationKind.DELETE, 0, i -> i * STRIDE % rows, id -> id % 10 != 0);
        table.flush().join();
        long start = System.nanoTime();
        long deleted = bytes(table);
        LockSupport.parkNanos(history.toNanos());
        double seconds = settled(table, start);
        long after = bytes(table);
        table.vacuum().join();
        settled(table, System.nanoTime());
        System.out.printf(
                Locale.ROOT,
                "%,d rows, of which nine tenths are deleted; history of %d seconds.%n%n",
                rows,
                history.toSeconds());
        System.out.println("| on disk | MiB | of what it was |");
        System.out.println("|---|---|---|");
        printBytes("before", before, before);
        printBytes("deleted", deleted, before);
        printBytes(String.format(Locale.ROOT, "by itself, %.0f s after the last deletion", seconds), after, before);
        printBytes("after a vacuum", bytes(table), before);
        System.out.println();
    }

    private static void printBytes(String title, long bytes, long before) {
        System.out.printf(Locale.ROOT, "| %s | %,.2f | %.3f |%n", title, mib(bytes), (double) bytes / before);
    }

    private static long bytes(Table table) {
        return table.statistics().diskBytes();
    }

    // ---- What both need ----

    /** Rows in an order of their numbers; each batch is acknowledged. */
    private void write(Table table, OperationKind kind, int version, Order order, LongPredicate isWritten) {
        for (int i = 0; i < IN_FLIGHT; i++) {
            batches[i] = table.newBatch();
        }
        int slot = 0;
        for (long row = 0; row < rows; slot = (slot + 1) % IN_FLIGHT) {
            await(slot);
            for (long end = Math.min(rows, row + BATCH_ROWS); row < end; row++) {
                long id = order.number(row);
                if (isWritten.test(id)) {
                    put(batches[slot], kind, id, version);
                }
            }
            underWay.set(slot, batches[slot].commitAsync());
        }
        for (int i = 0; i < IN_FLIGHT; i++) {
            await(i);
            batches[i].close();
        }
    }

    /** Which row comes when. */
    private interface Order {
        long number(long index);
    }

    private void await(int slot) {
        CompletableFuture<CommitResult> future = underWay.set(slot, null);
        if (future != null) {
            future.join().orThrow();
        }
    }

    /** Three columns stay as they are. */
    private static void put(WriteBatch batch, OperationKind kind, long id, int version) {
        long random = (id * VERSIONS + version) * SCRAMBLE;
        batch.rows().start(kind).setLong(0, id);
        if (kind == OperationKind.INSERT) {
            batch.rows()
                    .setLong(1, 1_700_000_000_000_000L + id * 1_000)
                    .setString(2, "host-" + id % 5_000)
                    .setDouble(3, ((id * SCRAMBLE) >>> 40) / 100.0);
        }
        if (kind != OperationKind.DELETE) {
            batch.rows().setString(4, "state " + (random >>> 60)).setLong(5, random >>> 44);
        }
        batch.rows().end();
    }

    /** Until nothing is worth merging. */
    private void settle(Table table) {
        table.flush().join();
        settled(table, System.nanoTime());
        table.compact().join();
        settled(table, System.nanoTime());
    }

    /** Waits until its bytes stay as they are; answers after how many seconds they began to. */
    private double settled(Table table, long start) {
        long since = System.nanoTime();
        long last = bytes(table);
        while (System.nanoTime() - since < settledNanos && System.nanoTime() - start < SETTLES_NANOS_MAX) {
            LockSupport.parkNanos(LOOK_NANOS);
            long now = bytes(table);
            if (now != last || table.views(0, 1).getFirst().merge().isPresent()) {
                last = now;
                since = System.nanoTime();
            }
        }
        return (since - start) / 1e9;
    }

    private static double mib(long bytes) {
        return (double) bytes / (1 << 20);
    }

    /** A figure of this process in bytes, as the kernel has it. */
    private static long status(String name) {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith(name))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The most that this process had begins anew. */
    private static void forgetPeak() {
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
        } catch (IOException e) {
            System.out.println("The most that the process had is that of the whole run: " + e.getMessage());
        }
    }

    private static Path newDirectory(Path parent) {
        try {
            return Files.createTempDirectory(parent, "nyala-perf");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path directory) {
        try (var paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
