package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.KeyFilter;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.io.IoPool;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSource;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows are written within the memory that is given, however many columns they have. Method: rows of three hundred
 * columns that no encoding makes smaller, so that pages of all of them are full at the same row.
 */
final class WideFlushTest {
    private static final Path DIRECTORY = Path.of("/rowsets");
    private static final int COLUMNS = 300;
    private static final int ROWS = 7_500; // Pages are full at row 7,168.
    private static final long ROWSET_BYTES = 32 << 20;
    private static final long MEMORY_BYTES = 44 << 20;

    private final SplittableRandom random;
    private final SimulatedDisk disk;
    private long fileCount;

    WideFlushTest(@Seed SplittableRandom random) {
        this.random = random;
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
    }

    private RowSetFile nextFile() {
        fileCount++;
        return new RowSetFile(disk, DIRECTORY.resolve(fileCount + ".rowset"), fileCount, 1);
    }

    @Test
    void aWideRowSetIsEndedBeforeItTakesTooMuch() {
        long peak = flush(new RandomRows(random, COLUMNS, ROWS), 256 << 20, ROWSET_BYTES);
        assertEquals(2, fileCount, "large ones all the same");
        assertTrue(peak <= MEMORY_BYTES, () -> peak + " bytes");
        assertTrue(peak > MEMORY_BYTES / 2, () -> peak + " bytes");
    }

    /** Hashes of keys take more than all that is written of them, and a filter is made of them at the end. */
    @Test
    void aRowSetIsEndedBeforeAllMemoryIsTaken() {
        long peak = flush(new RandomRows(random, 1, 700_000), 8 << 20, 4 << 20);
        assertTrue(fileCount > 1, fileCount + " files");
        assertTrue(peak > 2 << 20, () -> peak + " bytes");
    }

    /** Answers how much memory it took at most. */
    private long flush(RandomRows rows, long budgetBytes, long rowSetBytes) {
        MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), budgetBytes);
        MemoryAccount account = budget.account("test", 0);
        try (IoPool io = new IoPool(disk, 4, 16)) {
            var target = new Flush.Target(
                    rows.schema, account, rowSetBytes, MEMORY_BYTES, KeyFilter.RATE_DEFAULT, io, this::nextFile);
            try (Flush flush = new Flush(rows, target)) {
                while (flush.step()) {
                    assertTrue(flush.rowCount() <= rows.rowCount);
                }
                assertEquals(rows.rowCount, flush.rowCount());
                flush.keepOutputs();
            }
        }
        long peak = account.peakBytes();
        account.close();
        budget.close();
        return peak;
    }

    /** Ascending keys, and numbers. */
    private static final class RandomRows implements RowSource {
        private final SplittableRandom random;
        private final Schema schema;
        private final RowLayout layout;
        private final MemorySegment memory;
        private final KeyCodec keys;
        private final int rowCount;
        private int count;

        RandomRows(SplittableRandom random, int columnCount, int rowCount) {
            this.random = random;
            this.rowCount = rowCount;
            List<Column> columns = new ArrayList<>(List.of(Column.key("id", ColumnType.INT64)));
            for (int i = 1; i < columnCount; i++) {
                columns.add(Column.of("c" + i, ColumnType.INT64));
            }
            schema = Schema.of(columns);
            layout = new RowLayout(schema);
            keys = new KeyCodec(layout);
            memory = MemorySegment.ofArray(new byte[2 * layout.fixedBytes()]);
        }

        @Override
        public boolean next() {
            if (count == rowCount) {
                return false;
            }
            memory.set(LittleEndian.LONG, layout.cellOffset(0), count++);
            for (int i = 1; i < schema.columnCount(); i++) {
                memory.set(LittleEndian.LONG, layout.cellOffset(i), random.nextLong());
            }
            keys.encode(memory, 0, memory, keyOffset());
            return true;
        }

        @Override
        public MemorySegment memory() {
            return memory;
        }

        @Override
        public long keyOffset() {
            return layout.fixedBytes();
        }

        @Override
        public int keyBytes() {
            return Long.BYTES;
        }

        @Override
        public long rowOffset() {
            return 0;
        }

        @Override
        public int rowBytes() {
            return layout.fixedBytes();
        }

        @Override
        public long insertTime() {
            return 1;
        }

        @Override
        public boolean isDeleted() {
            return false;
        }

        @Override
        public long newestChange() {
            return 1;
        }

        @Override
        public int historyCount() {
            return 0;
        }

        @Override
        public long historyTime(int index) {
            throw new AssertionError("there is no history");
        }

        @Override
        public long historyOffset(int index) {
            throw new AssertionError("there is no history");
        }

        @Override
        public int historyBytes(int index) {
            throw new AssertionError("there is no history");
        }

        @Override
        public void close() {}
    }
}
