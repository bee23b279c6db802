package io.nyala.perf;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.INSERT_IGNORE;

import io.nyala.engine.Scan;
import io.nyala.engine.ScanBuilder;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.Predicate;
import java.lang.foreign.MemorySegment;
import java.time.LocalDate;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The whole path through the embedding API, one caller: durable commits of 1,000 rows, look-ups of keys that are on
 * disk, and scans of flushed rows whose pages are in the cache.
 *
 * <p>A score is microseconds: of one batch of 1,000 rows or keys, or of one scan over all rows. With a million rows, a
 * scan of 1,000 us is 1 ns per row.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "-Dnyala.kernels=vector")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public class EngineBenchmark {
    /** Larger than how far apart the keys of one batch of look-ups are spread. */
    private static final long KEY_STEP = 7919;

    /** A tenth of the ship dates. */
    private static final LocalDate EARLY = LocalDate.ofEpochDay(LineItems.DAYS / 10);

    /** Rows on disk, in the scans and look-ups. */
    @Param("1000000")
    public int rows;

    /** Rows that only grow: batches of new keys. */
    @State(Scope.Thread)
    public static class Growing {
        private final LineItems items = LineItems.in(LineItems.temporary());
        private final WriteBatch batch = items.table().newBatch();
        private long next;

        @TearDown(Level.Trial)
        public void close() {
            batch.close();
            items.close();
        }
    }

    /** Rows on disk, read by scans and look-ups. */
    @State(Scope.Thread)
    public static class Flushed {
        private final LineItems items = LineItems.in(LineItems.temporary());
        private final WriteBatch batch = items.table().newBatch();
        private long next;

        @Setup(Level.Trial)
        public void fill(EngineBenchmark benchmark) {
            items.fillAndFlush(benchmark.rows);
        }

        ScanBuilder scan() {
            return items.table().scan();
        }

        @TearDown(Level.Trial)
        public void close() {
            batch.close();
            items.close();
        }
    }

    @Benchmark
    public long commit(Growing growing) {
        for (int i = 0; i < LineItems.BATCH_ROWS; i++) {
            LineItems.put(growing.batch, INSERT, growing.next++);
        }
        return growing.batch.commit().orThrow().timestamp();
    }

    /** Keys in order, as a client sends them that inserts again what it inserted before. */
    @Benchmark
    public long probeInOrder(Flushed flushed) {
        return probe(flushed, 1);
    }

    /** Keys from everywhere. */
    @Benchmark
    public long probeAnywhere(Flushed flushed) {
        return probe(flushed, KEY_STEP);
    }

    private long probe(Flushed flushed, long step) {
        for (int i = 0; i < LineItems.BATCH_ROWS; i++) {
            LineItems.put(flushed.batch, INSERT_IGNORE, flushed.next);
            flushed.next = (flushed.next + step) % rows;
        }
        return flushed.batch.commit().orThrow().timestamp();
    }

    @Benchmark
    public long count(Flushed flushed) {
        return count(flushed.scan().project());
    }

    @Benchmark
    public long sum(Flushed flushed) {
        return sum(flushed.scan().project("quantity"));
    }

    @Benchmark
    public long countWhereDate(Flushed flushed) {
        return count(flushed.scan().project().where(early()));
    }

    @Benchmark
    public long sumWhereDate(Flushed flushed) {
        return sum(flushed.scan().project("quantity").where(early()));
    }

    @Benchmark
    public long allColumns(Flushed flushed) {
        return count(flushed.scan());
    }

    @Benchmark
    public long allColumnsInKeyOrder(Flushed flushed) {
        return count(flushed.scan().inKeyOrder());
    }

    private static Predicate early() {
        return Predicate.lessThan(LineItems.SCHEMA, "ship_date", EARLY);
    }

    private static long count(ScanBuilder builder) {
        long count = 0;
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                count += scan.batch().rowCount();
            }
        }
        return count;
    }

    private static long sum(ScanBuilder builder) {
        long sum = 0;
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                MemorySegment values = batch.column(0).values();
                for (int i = 0; i < batch.rowCount(); i++) {
                    sum += LittleEndian.getLong(values, (long) i * Long.BYTES);
                }
            }
        }
        return sum;
    }
}
