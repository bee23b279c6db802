package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.INSERT_IGNORE;
import static io.nyala.rows.OperationKind.UPDATE;
import static io.nyala.rows.OperationKind.UPSERT;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.PartitionSchema;
import io.nyala.record.RequestName;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
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
 * Goal: a row costs no heap on its way in or out; a batch and a scan cost a few objects.
 * Method: whole commits and scans on real threads, measured over all threads of the process once they are warm. Sixteen
 * bytes for every tenth row would be seen.
 */
@Tag("allocation")
final class AllocationTest {
    private static final int BATCH_ROWS = 1000;
    private static final int TABLETS = 8;
    private static final int SCAN_ROWS = 40 * BATCH_ROWS;

    /** Less than half a byte per row: the objects of a submission and a result, and wake-ups between threads. */
    private static final long COMMIT_BYTES_MAX = 500;

    /** The name of a request, which its caller makes. */
    private static final long NAME_BYTES = 48;

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

    private static final byte[] COMMENT = "carefully final deposits".getBytes(UTF_8);

    private static final Schema SCHEMA = Schema.of(
            Column.key("order_key", ColumnType.INT64),
            Column.key("line", ColumnType.INT32),
            Column.of("price", ColumnType.DOUBLE),
            Column.of("ship_date", ColumnType.DATE),
            Column.of("quantity", ColumnType.INT64).nullable(),
            Column.of("comment", ColumnType.STRING));

    @TempDir
    private Path directory;

    private Engine engine;
    private Table table;
    private long nextKey;

    @BeforeEach
    void open() {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(512 << 20).withLogSegmentBytes(16 << 20));
        table = engine.createTable("t", SCHEMA);
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void aBatchOfNewRowsCostsAFewObjects() {
        try (WriteBatch batch = table.newBatch()) {
            assertCommit("inserts", () -> commit(batch, INSERT));
        }
    }

    @Test
    void aBatchOfChangesCostsAFewObjects() {
        try (WriteBatch batch = table.newBatch()) {
            assertCommit("upserts of new rows and of the same again", () -> {
                put(batch, UPSERT, BATCH_ROWS / 2);
                nextKey -= BATCH_ROWS / 2;
                put(batch, UPSERT, BATCH_ROWS / 2);
                batch.commit().orThrow();
            });
        }
    }

    /** A name is an object of four numbers, and all that a name costs. */
    @Test
    void aBatchWithANameCostsTheName() {
        long[] requests = {0};
        try (WriteBatch batch = table.newBatch()) {
            String what = "a commit of " + BATCH_ROWS + " inserts under a name";
            Allocation.assertAtMostInAllThreads(COMMIT_BYTES_MAX + NAME_BYTES, what, () -> {
                long request = requests[0]++;
                batch.request(new RequestName(1, 2, request, Math.max(0, request - 5)));
                commit(batch, INSERT);
            });
        }
    }

    @Test
    void lookingUpKeysOnDiskCostsNothing() {
        fill();
        table.flush().join();
        try (WriteBatch batch = table.newBatch()) {
            assertCommit("inserts of rows that are on disk", () -> {
                nextKey = nextKey >= SCAN_ROWS ? 0 : nextKey;
                commit(batch, INSERT_IGNORE);
            });
        }
        assertEquals(SCAN_ROWS, table.statistics().rowCount());
    }

    @Test
    void changingRowsOnDiskCostsAFewObjects() {
        fill();
        table.flush().join();
        try (WriteBatch batch = table.newBatch()) {
            assertCommit("updates of rows that are on disk", () -> {
                nextKey = nextKey >= SCAN_ROWS ? 0 : nextKey;
                commit(batch, UPDATE);
            });
        }
        assertEquals(SCAN_ROWS, table.statistics().rowCount());
    }

    @Test
    void aScanOfRowsInMemoryCostsAFewObjects() {
        fill();
        assertEquals(0, table.statistics().rowSetCount());
        assertScans("in memory", MEMORY_SCAN_BYTES_MAX);
    }

    @Test
    void aScanOfRowsOnDiskCostsAFewObjects() {
        fill();
        table.flush().join();
        assertEquals(1, table.statistics().rowSetCount());
        assertScans("on disk", SCAN_BYTES_MAX);
    }

    @Test
    void aScanOfChangedRowsOnDiskCostsAFewObjects() {
        fill();
        table.flush().join();
        for (int i = 0; i < 2; i++) { // Changes in a delta file, and in memory.
            nextKey = (long) i * SCAN_ROWS / 2;
            try (WriteBatch batch = table.newBatch()) {
                while (nextKey < (i + 1L) * SCAN_ROWS / 2) {
                    commit(batch, UPDATE);
                }
            }
            if (i == 0) {
                table.flush().join();
            }
        }
        assertScans("changed on disk", CHANGED_SCAN_BYTES_MAX);
    }

    @Test
    void aScanOfOneKeyCostsAFewObjects() {
        fill();
        table.flush().join();
        Predicate order = Predicate.equal(SCHEMA, "order_key", 7L);
        Predicate line = Predicate.equal(SCHEMA, "line", 1);
        Allocation.assertAtMostInAllThreads(
                KEY_SCAN_BYTES_MAX,
                "a scan of one key on disk",
                () -> assertEquals(1, scan(() -> table.scan().where(order).where(line))));
    }

    @Test
    void aLookUpOfOneRowCostsNothing() {
        fill();
        try (Lookup lookup = table.lookup("price", "comment")) {
            assertLookUps(lookup, 1, "in memory", 0);
            assertLookUps(lookup, LOOK_UPS_TOGETHER, "in memory", LOOK_UP_BYTES_MAX);
            table.flush().join();
            assertLookUps(lookup, 1, "on disk", 0);
            assertLookUps(lookup, LOOK_UPS_TOGETHER, "on disk", LOOK_UP_BYTES_MAX);
        }
    }

    private void assertLookUps(Lookup lookup, int together, String where, long bytesMax) {
        String what = "100 look-ups of " + together + " rows " + where;
        Allocation.assertAtMost(100 * bytesMax, what, () -> {
            for (int i = 0; i < 100; i++) {
                for (int j = 0; j < together; j++) {
                    nextKey = (nextKey + 7919) % SCAN_ROWS;
                    lookup.key()
                            .setLong(0, nextKey >> 2)
                            .setInt(1, (int) (nextKey & 3))
                            .end();
                }
                assertTrue(lookup.next());
                assertEquals(together, lookup.batch().rowCount());
            }
        });
    }

    @Test
    void aBatchOfManyTabletsCostsAFewObjectsForEach() {
        table = engine.createTable(TableSpec.of(
                "cut", PartitionSchema.of(SCHEMA).hash(TABLETS, "order_key").build()));
        try (WriteBatch batch = table.newBatch()) {
            Allocation.assertAtMostInAllThreads(
                    TABLETS * COMMIT_BYTES_MAX,
                    "a commit of " + BATCH_ROWS + " inserts into " + TABLETS + " tablets",
                    () -> commit(batch, INSERT));
        }
    }

    private static void assertCommit(String what, Runnable commit) {
        Allocation.assertAtMostInAllThreads(COMMIT_BYTES_MAX, "a commit of " + BATCH_ROWS + " " + what, commit);
    }

    private void assertScans(String where, long bytesMax) {
        Predicate early = Predicate.lessThan(SCHEMA, "ship_date", LocalDate.ofEpochDay(300));
        assertScan("all columns " + where, bytesMax, table::scan);
        assertScan("key order " + where, bytesMax, () -> table.scan().inKeyOrder());
        assertScan("one column " + where, bytesMax, () -> table.scan().project("quantity"));
        assertScan("a count " + where, bytesMax, () -> table.scan().project());
        assertScan(
                "a predicate " + where,
                bytesMax,
                () -> table.scan().project("price", "comment").where(early));
    }

    private static void assertScan(String what, long bytesMax, Supplier<ScanBuilder> scan) {
        assertTrue(scan(scan) >= SCAN_ROWS / 4, what);
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

    private void fill() {
        try (WriteBatch batch = table.newBatch()) {
            while (nextKey < SCAN_ROWS) {
                commit(batch, INSERT);
            }
        }
    }

    private void commit(WriteBatch batch, OperationKind kind) {
        put(batch, kind, BATCH_ROWS);
        batch.commit().orThrow();
    }

    private void put(WriteBatch batch, OperationKind kind, int rows) {
        for (int i = 0; i < rows; i++) {
            long key = nextKey++;
            batch.rows()
                    .start(kind)
                    .setLong(0, key >> 2)
                    .setInt(1, (int) (key & 3))
                    .setDouble(2, key * 0.25)
                    .setInt(3, (int) (key % 1000));
            if (key % 8 != 0) {
                batch.rows().setLong(4, key % 50);
            }
            batch.rows().setBytes(5, COMMENT, 0, 10 + (int) (key % 14)).end();
        }
    }
}
