package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: what a scan or a look-up takes of memory does not grow with the delta files that it meets, and of overlapping
 * rowsets with no more than a batch for each. Method: a tablet whose rowsets all overlap and have eight delta files
 * each, that set every column of every row; the rows that come, and the peak of a budget that only the reader uses.
 */
final class ReaderMemoryTest {
    private static final int DELTA_FILES = 8;
    private static final int ROWS = 40; // Of a rowset.
    private static final long KIB = 1 << 10;

    /** Of a scan: what its changes may keep, a window for each column of one rowset, and what it decodes with. */
    private static final long SHARED_KIB_MAX = 2048 + 512 + 160;

    /** The batch of a rowset that waits for its turn: 4 columns, and keys. */
    private static final long INPUT_KIB_MAX = 64 + 16 + 4;

    private static Schema schema(int columns) {
        List<Column> made = new ArrayList<>();
        made.add(Column.key("key", ColumnType.INT64));
        made.add(Column.of("text", ColumnType.STRING));
        for (int i = made.size(); i < columns; i++) {
            made.add(Column.of("c" + i, ColumnType.INT64));
        }
        return Schema.of(made.toArray(Column[]::new));
    }

    /** Row {@code r} of rowset {@code s} has the key {@code r * rowSets + s}: each meets all others. */
    private static OneTablet open(SplittableRandom random, Schema schema, int rowSets) {
        var one = new OneTablet(new SimulatedDisk(random), schema);
        for (int i = 0; i < rowSets; i++) {
            int rowSet = i;
            one.commit(rows -> {
                for (int row = 0; row < ROWS; row++) {
                    write(rows, OperationKind.INSERT, (long) row * rowSets + rowSet, 0);
                }
            });
            one.flushRows();
        }
        for (int i = 1; i <= DELTA_FILES; i++) {
            int version = i;
            one.commit(rows -> {
                for (long key = 0; key < (long) rowSets * ROWS; key++) {
                    write(rows, OperationKind.UPDATE, key, version);
                }
            });
            one.flushAll();
        }
        return one;
    }

    private static void write(OperationBatch rows, OperationKind kind, long key, int version) {
        OperationBatch row = rows.start(kind).setLong(0, key).setString(1, text(key, version));
        for (int i = 2; i < rows.layout().schema().columnCount(); i++) {
            row.setLong(i, key + version);
        }
        row.end();
    }

    private static String text(long key, int version) {
        return "text " + key % 7 + " of version " + version;
    }

    private static void assertRow(long key, ColumnBatch batch, int row) {
        assertEquals(key, batch.column(0).getLong(row));
        assertEquals(text(key, DELTA_FILES), batch.column(1).getString(row));
        for (int i = 2; i < batch.columnCount(); i++) {
            assertEquals(key + DELTA_FILES, batch.column(i).getLong(row));
        }
    }

    @Test
    void aScanInKeyOrderHasABatchOfEachRowSetAndLittleElse(@Seed SplittableRandom random) {
        int rowSets = 16;
        Schema schema = schema(4);
        try (OneTablet one = open(random, schema, rowSets);
                MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("scan", 0)) {
            ScanSpec spec = ScanSpec.all(schema, one.tablet().visible()).withKeyOrder(true);
            long key = 0;
            try (ColumnBatch batch = ColumnBatch.of(spec, account);
                    RowCursor cursor = one.tablet().scan(spec, account, null)) {
                while (cursor.next(batch)) {
                    for (int row = 0; row < batch.rowCount(); row++) {
                        assertRow(key++, batch, row);
                    }
                }
            }
            assertEquals((long) rowSets * ROWS, key);
            assertPeak(budget, SHARED_KIB_MAX + (rowSets + 1) * INPUT_KIB_MAX);
        }
    }

    private static void assertPeak(MemoryBudget budget, long kibMax) {
        long kib = budget.peakBytes() / KIB;
        assertTrue(kib <= kibMax, kib + " KiB, expected at most " + kibMax);
    }

    @Test
    void aLookUpHasTheChangesOfOneRowInOneFile(@Seed SplittableRandom random) {
        int rowSets = 3;
        Schema schema = schema(60);
        int keyCount = rowSets * ROWS;
        try (OneTablet one = open(random, schema, rowSets);
                MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("look-up", 0)) {
            ScanSpec spec = ScanSpec.all(schema, 0);
            try (OperationBatch keys = new OperationBatch(new RowLayout(schema), account);
                    ColumnBatch batch = ColumnBatch.of(spec, account)) {
                for (long key = 0; key < keyCount; key++) {
                    keys.start(OperationKind.DELETE).setLong(0, key).end();
                }
                long before = budget.peakBytes();
                try (TabletLookup lookup = new TabletLookup(one.tablet(), spec, account)) {
                    lookup.begin(keys.memory(), keyCount);
                    keys.forEach((_, operation) -> lookup.add(operation));
                    lookup.end();
                    int[] keyOfRow = new int[keyCount];
                    assertTrue(lookup.next(TabletLookup.LATEST, batch, keyOfRow));
                    assertEquals(keyCount, batch.rowCount());
                    for (int row = 0; row < keyCount; row++) {
                        assertRow(keyOfRow[row], batch, row);
                    }
                }
                assertPeak(budget, before / KIB + 512);
            }
        }
    }
}
