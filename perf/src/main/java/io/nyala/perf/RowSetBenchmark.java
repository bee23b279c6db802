package io.nyala.perf;

import io.nyala.cfile.PageCache;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.diskrowset.RowSetWriter;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
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
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A rowset of rows (INT64 key, INT64 value) written to a file, scanned and looked up in with all pages in the cache,
 * beside sums over, and binary searches in, a {@code long[]} of the keys. A score is nanoseconds per row.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(RowSetBenchmark.ROWS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class RowSetBenchmark {
    /** Beyond the last-level cache as a MemRowSet; a few MiB as a file. */
    static final int ROWS = 200_000;

    /** Fewer where a test only sees that it works; the score is of no meaning then. */
    private static final int FILLED_ROWS = Integer.getInteger("nyala.perf.rows", ROWS);

    private static final long TABLET_ID = 1;
    private static final ValueLayout.OfLong BIG_ENDIAN =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 256 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final RowLayout layout = new RowLayout(SCHEMA);
    private final MemorySegment memory = budget.memory();
    private final Slab effectSlab = account.take(1 << 14);
    private final ColumnBatch batch = new ColumnBatch(SCHEMA.columns(), false, account);
    private final long[] keys = new long[FILLED_ROWS];
    private final Disk disk = Disks.best();
    private final IoPool io = new IoPool(disk, 4, 16);
    private final LookupMemory lookups = new LookupMemory(account);
    private final PageCache cache = new PageCache(account, io, 64 << 20);
    private final MemRowSet rows = new MemRowSet(1, SCHEMA, account);
    private @Nullable Path directory;
    private @Nullable DiskRowSet rowSet;
    private long fileId;

    @Setup(Level.Trial)
    public void fill() throws IOException {
        directory = Files.createTempDirectory("nyala-rowset-");
        long effect = effectSlab.offset();
        long key = Effect.keyOffset(effect);
        long row = key + Long.BYTES;
        Zeros.fill(memory, effect, 64);
        LittleEndian.setByte(memory, effect, Effect.INSERT);
        LittleEndian.setShort(memory, effect + 2, Long.BYTES);
        LittleEndian.setInt(memory, effect + 4, layout.fixedBytes());
        for (int i = 0; i < FILLED_ROWS; i++) {
            keys[i] = 3L * i;
            memory.set(BIG_ENDIAN, key, keys[i] ^ Long.MIN_VALUE);
            memory.set(LittleEndian.LONG, row + layout.cellOffset(0), keys[i]);
            memory.set(LittleEndian.LONG, row + layout.cellOffset(1), i % 1_000);
            rows.apply(memory, effect, 1);
        }
        rows.seal();
        RowSetFile file = newFile();
        writeTo(file);
        rowSet = DiskRowSet.open(file, SCHEMA, cache, account, lookups);
    }

    private RowSetFile newFile() {
        fileId++;
        Path present = directory;
        if (present == null) {
            throw new IllegalStateException("no directory yet");
        }
        return new RowSetFile(disk, present.resolve(fileId + ".rowset"), fileId, TABLET_ID);
    }

    private long writeTo(RowSetFile file) {
        try (RowSetWriter writer = new RowSetWriter(SCHEMA, account);
                RowSource source = rows.source(account)) {
            while (source.next()) {
                writer.append(source);
            }
            IoQueue queue = io.borrow();
            try {
                return writer.finish(file, queue).fileBytes();
            } finally {
                io.giveBack(queue);
            }
        }
    }

    private DiskRowSet opened() {
        DiskRowSet present = rowSet;
        if (present == null) {
            throw new IllegalStateException("no rowset yet");
        }
        return present;
    }

    /** Encoding, filter, index, writing and syncing: what a flush does but for the edit. */
    @Benchmark
    public long write() {
        RowSetFile file = newFile();
        long bytes = writeTo(file);
        disk.delete(file.path());
        return bytes;
    }

    @Benchmark
    public long scan() {
        long sum = 0;
        try (RowCursor cursor = opened().scan(ScanSpec.all(SCHEMA, 1), account)) {
            while (cursor.next(batch)) {
                for (int i = 0; i < batch.rowCount(); i++) {
                    sum += batch.column(1).getLong(i);
                }
            }
        }
        return sum;
    }

    @Benchmark
    public long sumOfAnArray() {
        long sum = 0;
        for (long key : keys) {
            sum += key;
        }
        return sum;
    }

    @Benchmark
    public long lookUp() {
        long key = effectSlab.offset();
        long found = 0;
        for (int i = 0; i < FILLED_ROWS; i++) {
            memory.set(BIG_ENDIAN, key, keys[i] ^ Long.MIN_VALUE);
            found += opened().lookup(memory, key, Long.BYTES);
        }
        return found;
    }

    @Benchmark
    public long binarySearchInAnArray() {
        long found = 0;
        for (int i = 0; i < FILLED_ROWS; i++) {
            found += Arrays.binarySearch(keys, keys[i]);
        }
        return found;
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        if (rowSet != null) {
            disk.delete(rowSet.path());
            rowSet.close();
        }
        if (directory != null) {
            Files.delete(directory);
        }
        rows.close();
        batch.close();
        lookups.close();
        cache.close();
        io.close();
        disk.close();
        account.giveBack(effectSlab);
        account.close();
        budget.close();
    }
}
