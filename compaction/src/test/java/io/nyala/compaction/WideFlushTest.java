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

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 256 << 20);
    private final MemoryAccount account = budget.account("test", 0);
    private final SimulatedDisk disk;
    private final RandomRows rows;
    private long fileCount;

    WideFlushTest(@Seed SplittableRandom random) {
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        rows = new RandomRows(random);
    }

    private RowSetFile nextFile() {
        fileCount++;
        return new RowSetFile(disk, DIRECTORY.resolve(fileCount + ".rowset"), fileCount, 1);
    }

    @Test
    void aWideRowSetIsEndedBeforeItTakesTooMuch() {
        try (IoPool io = new IoPool(disk, 4, 16)) {
            var target = new Flush.Target(
                    rows.schema, account, ROWSET_BYTES, MEMORY_BYTES, KeyFilter.RATE_DEFAULT, io, this::nextFile);
            try (Flush flush = new Flush(rows, target)) {
                while (flush.step()) {
                    assertTrue(flush.rowCount() <= ROWS);
                }
                assertEquals(ROWS, flush.rowCount());
                flush.keepOutputs();
            }
        }
        assertEquals(2, fileCount, "large ones all the same");
        assertTrue(account.peakBytes() <= MEMORY_BYTES, () -> account.peakBytes() + " bytes");
        assertTrue(account.peakBytes() > MEMORY_BYTES / 2, () -> account.peakBytes() + " bytes");
        account.close();
        budget.close();
    }

    /** Ascending keys, and numbers. */
    private static final class RandomRows implements RowSource {
        private final SplittableRandom random;
        private final Schema schema;
        private final RowLayout layout;
        private final MemorySegment memory;
        private final KeyCodec keys;
        private int count;

        RandomRows(SplittableRandom random) {
            this.random = random;
            List<Column> columns = new ArrayList<>(List.of(Column.key("id", ColumnType.INT64)));
            for (int i = 1; i < COLUMNS; i++) {
                columns.add(Column.of("c" + i, ColumnType.INT64));
            }
            schema = Schema.of(columns);
            layout = new RowLayout(schema);
            keys = new KeyCodec(layout);
            memory = MemorySegment.ofArray(new byte[2 * layout.fixedBytes()]);
        }

        @Override
        public boolean next() {
            if (count == ROWS) {
                return false;
            }
            memory.set(LittleEndian.LONG, layout.cellOffset(0), count++);
            for (int i = 1; i < COLUMNS; i++) {
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
