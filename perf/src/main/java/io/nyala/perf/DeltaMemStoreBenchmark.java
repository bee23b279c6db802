package io.nyala.perf;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
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
 * A DeltaMemStore filled with updates of one INT64 cell, and read: all changes one after the other, and whether rows in
 * a vector have any. A score is nanoseconds per update.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(DeltaMemStoreBenchmark.UPDATES)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class DeltaMemStoreBenchmark {
    /** Of one fill; beyond the last-level cache. */
    static final int UPDATES = 200_000;

    /** Fewer where a test only sees that it works; the score is of no meaning then. */
    private static final int MADE_UPDATES = Integer.getInteger("nyala.perf.rows", UPDATES);

    private static final int COLUMN = 1;
    private static final int VECTOR_ROWS = 1_024;
    private static final long SCRAMBLE = 0x9E37_79B1; // Odd, so that it permutes the numbers.

    /** Over how many rows the updates are spread: each row has one, or few rows have many. */
    @Param({"200000", "100"})
    public int changedRows;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 128 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final MemorySegment memory = budget.memory();
    private final Slab changeSlab = account.take(1 << 14);
    private final long change = changeSlab.offset();
    private int changeBytes;
    private DeltaMemStore filled = new DeltaMemStore(0, account);

    @Setup(Level.Trial)
    public void fill() {
        long cell = RowChange.startUpdate(memory, change, 1);
        LittleEndian.setShort(memory, cell, COLUMN);
        LittleEndian.setShort(memory, cell + 2, 0);
        LittleEndian.setInt(memory, cell + 4, Long.BYTES);
        LittleEndian.setLong(memory, RowChange.cellValue(cell), 5);
        changeBytes = RowChange.bytes(memory, change);
        filled.close();
        filled = new DeltaMemStore(1, account);
        update(filled);
    }

    private void update(DeltaMemStore store) {
        for (int i = 0; i < MADE_UPDATES; i++) {
            int ordinal = (int) (((i * SCRAMBLE & 0xffff_ffffL) * changedRows) >>> Integer.SIZE);
            store.update(ordinal, memory, change, changeBytes, i + 1L);
        }
    }

    @Benchmark
    public long update() {
        try (var store = new DeltaMemStore(2, account)) {
            update(store);
            return store.changeCount();
        }
    }

    /** For a file: every change. */
    @Benchmark
    public long readEvery() {
        return read(DeltaMemStore.EVERY_CHANGE);
    }

    /** For a scan: the least that leads to the newest state. */
    @Benchmark
    public long readNewest() {
        return read(MADE_UPDATES + 1L);
    }

    private long read(long snapshot) {
        long sum = 0;
        try (DeltaSource.Cursor cursor = filled.changes(0, Long.MAX_VALUE, snapshot)) {
            while (cursor.next()) {
                sum += cursor.ordinal() + cursor.changeBytes();
            }
        }
        return sum;
    }

    /** For vectors that have no rows with changes, but for the first ones: what most of a scan is. */
    @Benchmark
    public long mayChange() {
        long count = 0;
        for (int i = 0; i < MADE_UPDATES; i++) {
            long from = (long) i * VECTOR_ROWS;
            count += filled.mayChange(from, from + VECTOR_ROWS, Long.MAX_VALUE) ? 1 : 0;
        }
        return count;
    }

    @TearDown(Level.Trial)
    public void close() {
        filled.close();
        account.giveBack(changeSlab);
        account.close();
        budget.close();
    }
}
