package io.nyala.perf;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.HdrHistogram.Histogram;

/**
 * Batches of {@value #BATCH_ROWS} updates, a look-up of one row after each, of rows drawn from all alike and of
 * {@value #HOT_ROWS} hot ones, by Zipf's law: neither may be slower for the hot ones, however often they change. In
 * turn, each time in an engine of its own. One thread.
 */
final class HotRows implements AutoCloseable {
    private static final int BATCH_ROWS = 100;
    private static final int HOT_ROWS = 1_000;
    private static final double ZIPF_EXPONENT = 0.99;
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(1);
    private static final long ROWS = 1_000_000;
    private static final int LOAD_BATCH_ROWS = 1_000;
    private static final int TIMES = 3;
    private static final long MEMORY_BYTES = 3L << 30;
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final GeneratedRows rows = new GeneratedRows(GeneratedRows.COLUMNS_USUAL);
    private final Engine engine;
    private final Table table;
    private final WriteBatch batch;

    private HotRows(Path directory, boolean isFlushed) {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES).withFlushBytes(MEMORY_BYTES / 8));
        table = engine.createTable("rows", rows.schema());
        batch = table.newBatch();
        for (long row = 0; row < ROWS; ) {
            for (long end = row + LOAD_BATCH_ROWS; row < end; row++) {
                rows.put(batch, OperationKind.INSERT, row, (int) row);
            }
            batch.commit().orThrow();
        }
        if (isFlushed) {
            table.flush().join();
        }
    }

    static void print(Path parent, int seconds) {
        System.out.println();
        System.out.println("| rows | drawn | updates/s | CPU, us/update | batch of " + BATCH_ROWS
                + " updates, us: p50 | p99 | max | read of a row, us: p50 | p99 | max | heap of both, B |");
        System.out.println("|---|---|---|---|---|---|---|---|---|---|---|");
        for (boolean isFlushed : new boolean[] {false, true}) {
            var all = new Mix("from all alike", random -> random.nextLong(ROWS));
            var hot = new Mix("hot ones", new Zipf()::draw);
            for (int round = -1; round < TIMES; round++) {
                for (Mix mix : List.of(all, hot)) {
                    Path directory = WritePath.newDirectory(parent);
                    try (HotRows path = new HotRows(directory, isFlushed)) {
                        path.run(mix, seconds, round >= 0);
                    } finally {
                        LineItems.delete(directory);
                    }
                }
            }
            for (Mix mix : List.of(all, hot)) {
                System.out.println(
                        "| " + (isFlushed ? "on disk" : "in memory") + " | " + mix.title + " |" + mix.cells());
            }
        }
    }

    /** Updates, each batch durable before the next, and after each one a row is read. */
    private void run(Mix mix, int seconds, boolean counts) {
        Schema schema = table.schema();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        long heap = THREADS.getTotalThreadAllocatedBytes();
        long cpu = SYSTEM.getProcessCpuTime();
        long start = System.nanoTime();
        for (long now = start; now < end; ) {
            for (int i = 0; i < BATCH_ROWS; i++) {
                rows.put(batch, OperationKind.UPDATE, mix.draw(), (int) now + i);
            }
            long begin = System.nanoTime();
            batch.commit().orThrow();
            long middle = System.nanoTime();
            long key = mix.draw();
            try (Scan scan =
                    table.scan().where(Predicate.equal(schema, "key", key)).open()) {
                if (!scan.next() || scan.batch().rowCount() != 1) {
                    throw new IllegalStateException("row " + key + " is not there, but nobody has deleted it");
                }
            }
            now = System.nanoTime();
            if (counts) {
                mix.updates.recordValue(Math.min(LATENCY_NANOS_MAX, middle - begin));
                mix.reads.recordValue(Math.min(LATENCY_NANOS_MAX, now - middle));
            }
        }
        if (counts) {
            mix.nanos += System.nanoTime() - start;
            mix.heapBytes += THREADS.getTotalThreadAllocatedBytes() - heap;
            mix.cpuNanos += SYSTEM.getProcessCpuTime() - cpu;
        }
    }

    /** Which rows are updated and read, and what it took. */
    private static final class Mix {
        private final String title;
        private final SplittableRandom random = new SplittableRandom(SCRAMBLE);
        private final ToLongFunction<SplittableRandom> rows;
        private final Histogram updates = new Histogram(LATENCY_NANOS_MAX, 3); // Whole batches of them.
        private final Histogram reads = new Histogram(LATENCY_NANOS_MAX, 3);
        private long nanos;
        private long cpuNanos;
        private long heapBytes;

        Mix(String title, ToLongFunction<SplittableRandom> rows) {
            this.title = title;
            this.rows = rows;
        }

        long draw() {
            return rows.applyAsLong(random);
        }

        String cells() {
            long count = updates.getTotalCount() * BATCH_ROWS;
            return String.format(
                    Locale.ROOT,
                    " %,.0f | %.2f | %.0f | %,.0f | %,.0f | %.0f | %,.0f | %,.0f | %,d |",
                    count * 1e9 / nanos,
                    cpuNanos / 1e3 / count,
                    updates.getValueAtPercentile(50) / 1e3,
                    updates.getValueAtPercentile(99) / 1e3,
                    updates.getMaxValue() / 1e3,
                    reads.getValueAtPercentile(50) / 1e3,
                    reads.getValueAtPercentile(99) / 1e3,
                    reads.getMaxValue() / 1e3,
                    heapBytes / Math.max(1, reads.getTotalCount()));
        }
    }

    /** Few rows, from everywhere among all, the first the hottest. */
    private static final class Zipf {
        private final double[] upTo = new double[HOT_ROWS];

        Zipf() {
            double sum = 0;
            for (int i = 0; i < HOT_ROWS; i++) {
                sum += 1 / Math.pow(i + 1.0, ZIPF_EXPONENT);
                upTo[i] = sum;
            }
        }

        long draw(SplittableRandom random) {
            int found = Arrays.binarySearch(upTo, random.nextDouble(upTo[HOT_ROWS - 1]));
            long rank = Math.min(found < 0 ? ~found : found, HOT_ROWS - 1);
            return Math.floorMod((rank * SCRAMBLE) >>> 1, ROWS);
        }
    }

    @Override
    public void close() {
        batch.close();
        engine.close();
    }

    /**
     * Rows as Kudu's load generator makes them: a key of 8 bytes, an INT32, a string of 32 bytes; and wider ones, in
     * which INT64, INT32, DOUBLE and such strings follow in turn. One thread.
     */
    static final class GeneratedRows {
        /** Those of Kudu's load generator. */
        static final int COLUMNS_USUAL = 3;

        private static final List<ColumnType> MORE =
                List.of(ColumnType.INT64, ColumnType.INT32, ColumnType.DOUBLE, ColumnType.STRING);

        private final Schema schema;
        private final byte[] text = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

        GeneratedRows(int columnCount) {
            List<Column> columns = new ArrayList<>(List.of(
                    Column.key("key", ColumnType.INT64),
                    Column.of("int_val", ColumnType.INT32),
                    Column.of("string_val", ColumnType.STRING)));
            for (int i = COLUMNS_USUAL; i < columnCount; i++) {
                columns.add(Column.of("more_" + i, MORE.get(i % MORE.size())));
            }
            schema = Schema.of(columns.toArray(Column[]::new));
        }

        Schema schema() {
            return schema;
        }

        /** Adds a row to a batch; {@code value} is what its cells are made from. */
        void put(WriteBatch batch, OperationKind kind, long key, int value) {
            text[value & 31] = (byte) ('a' + (value >>> 5 & 15));
            OperationBatch row =
                    batch.rows().start(kind).setLong(0, key).setLong(1, value).setBytes(2, text, 0, text.length);
            for (int i = COLUMNS_USUAL; i < schema.columns().size(); i++) {
                switch (schema.columns().get(i).type()) {
                    case DOUBLE -> row.setDouble(i, value / 100.0);
                    case STRING -> row.setBytes(i, text, 0, text.length);
                    default -> row.setLong(i, value + i);
                }
            }
            row.end();
        }
    }
}
