package io.nyala.perf;

import io.nyala.cfile.PageCache;
import io.nyala.diskrowset.DeltaBase;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.diskrowset.DeltaFileWriter;
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
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
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
import java.util.List;
import java.util.Objects;
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
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Updates of one INT64 cell of a rowset's rows, written from a DeltaMemStore to a delta file, and read with all pages
 * in the cache: one after the other, and applied by a scan of the rowset, beside the store itself. A score is
 * nanoseconds per row of the rowset.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(DeltaFileBenchmark.ROWS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class DeltaFileBenchmark {
    /** Of the rowset; a few MiB as a file. */
    static final int ROWS = 200_000;

    /** Fewer where a test only sees that it works; the score is of no meaning then. */
    private static final int FILLED_ROWS = Integer.getInteger("nyala.perf.rows", ROWS);

    private static final long TABLET_ID = 1;
    private static final ValueLayout.OfLong BIG_ENDIAN =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    /**
     * Of this many rows one has changed. Of 200,000 it is one row in all: what {@code scan} takes more than {@code
     * scanWithoutChanges} is then what 195 vectors without a change, whose bit says so, and one with a change pay.
     */
    @Param({"1", "100", "200000"})
    public int rowsPerChange;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 256 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final RowLayout layout = new RowLayout(SCHEMA);
    private final MemorySegment memory = budget.memory();
    private final Slab slab = account.take(1 << 14);
    private final ColumnBatch batch = new ColumnBatch(SCHEMA.columns(), false, account);
    private final Disk disk = Disks.best();
    private final IoPool io = new IoPool(disk, 4, 16);
    private final LookupMemory lookups = new LookupMemory(account);
    private final PageCache cache = new PageCache(account, io, 64 << 20);
    private final DeltaMemStore store = new DeltaMemStore(1, account);
    private @Nullable Path directory;
    private @Nullable DiskRowSet rowSet;
    private @Nullable DeltaFile deltaFile;
    private long fileId;

    @Setup(Level.Trial)
    public void fill() throws IOException {
        directory = Files.createTempDirectory("nyala-delta-");
        RowSetFile file = newFile();
        writeRows(file);
        rowSet = DiskRowSet.open(file, SCHEMA, cache, account, lookups);
        long at = RowChange.startUpdate(memory, slab.offset(), 1);
        at = RowChange.startCell(memory, at, 1, false, Long.BYTES);
        int bytes = (int) (at + Long.BYTES - slab.offset());
        for (int row = 0; row < FILLED_ROWS; row += rowsPerChange) {
            LittleEndian.setLong(memory, at, row % 1_000);
            store.update(row, memory, slab.offset(), bytes, row + 2L);
        }
        store.seal();
        RowSetFile target = newFile();
        writeChanges(target);
        deltaFile = DeltaFile.open(target, DeltaBase.of(rowSet), cache, account);
    }

    private RowSetFile newFile() {
        fileId++;
        return new RowSetFile(disk, Objects.requireNonNull(directory).resolve(fileId + ".file"), fileId, TABLET_ID);
    }

    private void writeRows(RowSetFile file) {
        long effect = slab.offset();
        long key = Effect.keyOffset(effect);
        long row = key + Long.BYTES;
        Zeros.fill(memory, effect, 64);
        LittleEndian.setByte(memory, effect, Effect.INSERT);
        LittleEndian.setShort(memory, effect + 2, Long.BYTES);
        LittleEndian.setInt(memory, effect + 4, layout.fixedBytes());
        try (var rows = new MemRowSet(1, SCHEMA, account)) {
            for (int i = 0; i < FILLED_ROWS; i++) {
                memory.set(BIG_ENDIAN, key, i ^ Long.MIN_VALUE);
                memory.set(LittleEndian.LONG, row + layout.cellOffset(0), i);
                memory.set(LittleEndian.LONG, row + layout.cellOffset(1), i % 1_000);
                rows.apply(memory, effect, 1);
            }
            rows.seal();
            IoQueue queue = io.borrow();
            try (var writer = new RowSetWriter(SCHEMA, account);
                    RowSource source = rows.source(account)) {
                while (source.next()) {
                    writer.append(source);
                }
                writer.finish(file, queue);
            } finally {
                io.giveBack(queue);
            }
        }
    }

    private long writeChanges(RowSetFile target) {
        IoQueue queue = io.borrow();
        try {
            var base = DeltaBase.of(Objects.requireNonNull(rowSet));
            DeltaFileOutput output = DeltaFileWriter.write(SCHEMA, base, store, target, queue, account);
            return Objects.requireNonNull(output).fileBytes();
        } finally {
            io.giveBack(queue);
        }
    }

    /** Encoding, writing and syncing: what a flush does but for the edit. */
    @Benchmark
    public long write() {
        RowSetFile target = newFile();
        long bytes = writeChanges(target);
        disk.delete(target.path());
        return bytes;
    }

    @Benchmark
    public long read() {
        return read(Objects.requireNonNull(deltaFile));
    }

    @Benchmark
    public long readTheStore() {
        return read(store);
    }

    private static long read(DeltaSource source) {
        long sum = 0;
        try (DeltaSource.Cursor cursor = source.changes(0, FILLED_ROWS, Long.MAX_VALUE)) {
            while (cursor.next()) {
                sum += cursor.ordinal() + cursor.changeBytes();
            }
        }
        return sum;
    }

    @Benchmark
    public long scan() {
        return scan(List.of(Objects.requireNonNull(deltaFile)));
    }

    @Benchmark
    public long scanWithTheStore() {
        return scan(List.of(store));
    }

    @Benchmark
    public long scanWithoutChanges() {
        return scan(List.of());
    }

    private long scan(List<DeltaSource> redo) {
        long sum = 0;
        ScanSpec spec = ScanSpec.all(SCHEMA, Long.MAX_VALUE);
        try (RowCursor cursor = Objects.requireNonNull(rowSet).scan(spec, account, () -> redo)) {
            while (cursor.next(batch)) {
                for (int i = 0; i < batch.rowCount(); i++) {
                    sum += batch.column(1).getLong(i);
                }
            }
        }
        return sum;
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        DeltaFile changes = deltaFile;
        if (changes != null) {
            disk.delete(changes.path());
            changes.close();
        }
        DiskRowSet rows = rowSet;
        if (rows != null) {
            disk.delete(rows.path());
            rows.close();
        }
        if (directory != null) {
            Files.delete(directory);
        }
        store.close();
        batch.close();
        lookups.close();
        cache.close();
        io.close();
        disk.close();
        account.giveBack(slab);
        account.close();
        budget.close();
    }
}
