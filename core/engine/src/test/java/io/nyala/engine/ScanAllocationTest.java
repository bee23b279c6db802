package io.nyala.engine;

import static io.nyala.engine.MeasuredTable.ROWS;
import static io.nyala.engine.MeasuredTable.SCHEMA;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Predicate;
import io.nyala.testkit.Allocation;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a row costs no heap on its way out; a scan costs a few objects, and a look-up none.
 * Method: whole scans on real threads, measured over all threads of the process once they are warm. Sixteen bytes for
 * every tenth row would be seen.
 */
@Tag("allocation")
final class ScanAllocationTest {
    /** Cursors, columns and batch of one scan, and each page and queue it opens. */
    private static final long SCAN_BYTES_MAX = 20 << 10;

    /** And the row pointers of a cursor over rows in memory, three arrays of 8 KiB. */
    private static final long MEMORY_SCAN_BYTES_MAX = SCAN_BYTES_MAX + (25 << 10);

    /** And cursors over changes, of each column. */
    private static final long CHANGED_SCAN_BYTES_MAX = SCAN_BYTES_MAX + (20 << 10);

    /** A look-up of its own, and what it knows of one rowset. */
    private static final long KEY_SCAN_BYTES_MAX = 22 << 10;

    private static final int LOOK_UPS_TOGETHER = 100;

    /** The snapshot that tablets agree on, and hold, for many keys together. */
    private static final long LOOK_UP_BYTES_MAX = 1500;

    @TempDir
    private Path directory;

    private MeasuredTable measured;

    @BeforeEach
    void open() {
        measured = new MeasuredTable(directory);
    }

    @AfterEach
    void close() {
        measured.close();
    }

    @Test
    void aScanOfRowsInMemoryCostsAFewObjects() {
        measured.fill();
        assertEquals(0, measured.table.statistics().rowSetCount());
        assertScans("in memory", MEMORY_SCAN_BYTES_MAX);
    }

    @Test
    void aScanOfRowsOnDiskCostsAFewObjects() {
        measured.fillDisk();
        assertEquals(1, measured.table.statistics().rowSetCount());
        assertScans("on disk", SCAN_BYTES_MAX);
    }

    @Test
    void aScanOfChangedRowsOnDiskCostsAFewObjects() {
        measured.fillDisk();
        for (int i = 0; i < 2; i++) { // Changes in a delta file, and in memory.
            measured.nextKey = (long) i * ROWS / 2;
            try (WriteBatch batch = measured.table.newBatch()) {
                while (measured.nextKey < (i + 1L) * ROWS / 2) {
                    measured.commit(batch, UPDATE);
                }
            }
            if (i == 0) {
                measured.table.flush().join();
            }
        }
        assertScans("changed on disk", CHANGED_SCAN_BYTES_MAX);
    }

    @Test
    void aScanOfOneKeyCostsAFewObjects() {
        measured.fillDisk();
        Predicate order = Predicate.equal(SCHEMA, "order_key", 7L);
        Predicate line = Predicate.equal(SCHEMA, "line", 1);
        Allocation.assertAtMostInAllThreads(
                KEY_SCAN_BYTES_MAX,
                "a scan of one key on disk",
                () -> assertEquals(
                        1, scan(() -> measured.table.scan().where(order).where(line))));
    }

    @Test
    void aLookUpOfOneRowCostsNothing() {
        measured.fill();
        try (Lookup lookup = measured.table.lookup("price", "comment")) {
            assertLookUps(lookup, 1, "in memory", 0);
            assertLookUps(lookup, LOOK_UPS_TOGETHER, "in memory", LOOK_UP_BYTES_MAX);
            measured.table.flush().join();
            assertLookUps(lookup, 1, "on disk", 0);
            assertLookUps(lookup, LOOK_UPS_TOGETHER, "on disk", LOOK_UP_BYTES_MAX);
        }
    }

    private void assertLookUps(Lookup lookup, int together, String where, long bytesMax) {
        String what = "100 look-ups of " + together + " rows " + where;
        Allocation.assertAtMost(100 * bytesMax, what, () -> {
            for (int i = 0; i < 100; i++) {
                for (int j = 0; j < together; j++) {
                    measured.nextKey = (measured.nextKey + 7919) % ROWS;
                    lookup.key()
                            .setLong(0, measured.nextKey >> 2)
                            .setInt(1, (int) (measured.nextKey & 3))
                            .end();
                }
                assertTrue(lookup.next());
                assertEquals(together, lookup.batch().rowCount());
            }
        });
    }

    private void assertScans(String where, long bytesMax) {
        Predicate early = Predicate.lessThan(SCHEMA, "ship_date", LocalDate.ofEpochDay(300));
        assertScan("all columns " + where, bytesMax, measured.table::scan);
        assertScan("key order " + where, bytesMax, () -> measured.table.scan().inKeyOrder());
        assertScan("one column " + where, bytesMax, () -> measured.table.scan().project("quantity"));
        assertScan("a count " + where, bytesMax, () -> measured.table.scan().project());
        assertScan(
                "a predicate " + where,
                bytesMax,
                () -> measured.table.scan().project("price", "comment").where(early));
    }

    private static void assertScan(String what, long bytesMax, Supplier<ScanBuilder> scan) {
        assertTrue(scan(scan) >= ROWS / 4, what);
        Allocation.assertAtMostInAllThreads(bytesMax, "a scan of " + what, () -> scan(scan));
    }

    private static long scan(Supplier<ScanBuilder> builder) {
        long rows = 0;
        try (Scan scan = builder.get().open()) {
            while (scan.next()) {
                rows += scan.batch().rowCount();
            }
        }
        return rows;
    }
}
