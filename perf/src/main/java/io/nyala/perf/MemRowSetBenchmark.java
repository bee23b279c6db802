package io.nyala.perf;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A MemRowSet of rows (INT64 key, INT64 value) filled, looked up and scanned, beside a
 * {@code ConcurrentSkipListMap<Long, Long>}. A score is nanoseconds per row.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(MemRowSetBenchmark.ROWS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class MemRowSetBenchmark {
    /** Of one fill; beyond the last-level cache. */
    static final int ROWS = 200_000;

    /** Fewer where a test only sees that it works; the score is of no meaning then. */
    private static final int FILLED_ROWS = Integer.getInteger("nyala.perf.rows", ROWS);

    private static final ValueLayout.OfLong BIG_ENDIAN =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    @Param({"true", "false"})
    public boolean ascending;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 128 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final RowLayout layout = new RowLayout(SCHEMA);
    private final MemorySegment memory = budget.memory();
    private final Slab effectSlab = account.take(1 << 14);
    private final long effect = effectSlab.offset();
    private final ColumnBatch batch = new ColumnBatch(SCHEMA.columns(), false, account);
    private MemRowSet filled = new MemRowSet(0, SCHEMA, account);
    private final ConcurrentSkipListMap<Long, Long> filledMap = new ConcurrentSkipListMap<>();

    @Setup(Level.Trial)
    public void fill() {
        long key = Effect.keyOffset(effect);
        long row = key + Long.BYTES;
        Zeros.fill(memory, effect, 64);
        LittleEndian.setByte(memory, effect, Effect.INSERT);
        LittleEndian.setShort(memory, effect + 2, Long.BYTES);
        LittleEndian.setInt(memory, effect + 4, layout.fixedBytes());
        assert row == Effect.bodyOffset(memory, effect);
        filled.close();
        filled = new MemRowSet(1, SCHEMA, account);
        filledMap.clear();
        insertInto(filled);
        insertInto(filledMap);
    }

    private long id(int i) {
        return ascending ? i : i * SCRAMBLE;
    }

    private void insertInto(MemRowSet rows) {
        long key = Effect.keyOffset(effect);
        long row = key + Long.BYTES;
        for (int i = 0; i < FILLED_ROWS; i++) {
            long id = id(i);
            memory.set(BIG_ENDIAN, key, id ^ Long.MIN_VALUE);
            memory.set(LittleEndian.LONG, row + layout.cellOffset(0), id);
            memory.set(LittleEndian.LONG, row + layout.cellOffset(1), i);
            rows.apply(memory, effect, 1);
        }
    }

    private void insertInto(ConcurrentSkipListMap<Long, Long> map) {
        for (int i = 0; i < FILLED_ROWS; i++) {
            map.put(id(i), (long) i);
        }
    }

    @Benchmark
    public long insert() {
        try (var rows = new MemRowSet(2, SCHEMA, account)) {
            insertInto(rows);
            return rows.rowCount();
        }
    }

    @Benchmark
    public long insertIntoSkipList() {
        var map = new ConcurrentSkipListMap<Long, Long>();
        insertInto(map);
        return map.size();
    }

    @Benchmark
    public long find() {
        long key = Effect.keyOffset(effect);
        long found = 0;
        for (int i = 0; i < FILLED_ROWS; i++) {
            memory.set(BIG_ENDIAN, key, id(i) ^ Long.MIN_VALUE);
            found += filled.lookup(memory, key, Long.BYTES);
        }
        return found;
    }

    @Benchmark
    public long findInSkipList() {
        long found = 0;
        for (int i = 0; i < FILLED_ROWS; i++) {
            found += filledMap.containsKey(id(i)) ? 1 : 0;
        }
        return found;
    }

    @Benchmark
    public long scan() {
        long count = 0;
        try (RowCursor cursor = filled.scan(ScanSpec.all(SCHEMA, 1), account)) {
            while (cursor.next(batch)) {
                count += batch.rowCount();
            }
        }
        return count;
    }

    @Benchmark
    public long scanSkipList() {
        long sum = 0;
        for (Long value : filledMap.values()) {
            sum += value;
        }
        return sum;
    }

    @TearDown(Level.Trial)
    public void close() {
        filled.close();
        batch.close();
        account.giveBack(effectSlab);
        account.close();
        budget.close();
    }
}
