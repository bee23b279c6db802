package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.diskrowset.RowModel.Version;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowSet;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Allocation;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Goal: no row of a scan, and no look-up, costs heap, whichever way the scan goes; a vector costs next to nothing.
 * Method: scans of 20 vectors with pages in the cache, against a limit of less than a byte per row, which only what is
 * made once per scan (cursors, predicates, reads of history chunks) may use up.
 */
@Tag("allocation")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RowSetAllocationTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final int ROWS = 20 * 1024;

    /** Every so many-th row has changed once, at {@link #CHANGE_TIME}. */
    private static final int CHANGED_STEP = 7;

    private static final long INSERT_TIME = 1_000;
    private static final long CHANGE_TIME = 1_500;

    /** Less than 0.7 bytes per row, made when a scan begins; each row at 16 bytes would be 320 KiB. */
    private static final long SCAN_BYTES_MAX = 13 << 10;

    /** And a list or a filter, compiled once. */
    private static final long LIST_SCAN_BYTES_MAX = 14 << 10;

    /** And the reads of history, which goes through no cache: 3,000 changes at 16 bytes would be 47 KiB. */
    private static final long PAST_SCAN_BYTES_MAX = 18 << 10;

    private static final int LOOKUPS = 1_000;

    private static final Schema SCHEMA = Schema.of(
            Column.key("order", ColumnType.INT64),
            Column.key("line", ColumnType.STRING),
            Column.of("price", ColumnType.DOUBLE),
            Column.of("day", ColumnType.INT32),
            Column.of("quantity", ColumnType.INT64).nullable(),
            Column.of("comment", ColumnType.STRING).nullable(),
            Column.of("state", ColumnType.STRING),
            Column.decimal("amount", 38, 2));

    private static final Predicate EARLY = Predicate.lessThan(SCHEMA, "day", 300);
    private static final Predicate RETURNED = Predicate.equal(SCHEMA, "state", "state 3");
    private static final Predicate LISTED =
            Predicate.in(SCHEMA, "comment", List.of("carefully 8", "carefully final deposit2"));

    private static final Predicate DAYS = Predicate.in(SCHEMA, "day", List.of(3, 77, 500));
    private static final Predicate AMOUNTS = Predicate.in(SCHEMA, "amount", List.of(amount(13), amount(77)));
    private static final Predicate.BloomFilter SET =
            new Predicate.BloomFilter(new byte[1 << 10], 1, true).with(List.of(amountCell(13), text("state 3")));

    private final RowModel model = new RowModel(SCHEMA);
    private RowSetFiles files;
    private DiskRowSet rowSet;

    @BeforeAll
    void open() {
        for (int i = 0; i < ROWS; i++) {
            List<@Nullable CellValue> cells = cells(i, 0);
            List<Version> versions = new ArrayList<>();
            versions.add(new Version(INSERT_TIME, cells));
            if (i % CHANGED_STEP == 0) {
                versions.add(new Version(CHANGE_TIME, cells(i, 1)));
            }
            model.rows.put(model.key(cells), versions);
        }
        var disk = new SimulatedDisk(new SplittableRandom(1));
        disk.createDirectories(DIRECTORY);
        files = new RowSetFiles(disk, DIRECTORY);
        files.write(model);
        rowSet = files.open(model);
    }

    private static List<@Nullable CellValue> cells(int row, int version) {
        List<@Nullable CellValue> cells = new ArrayList<>();
        cells.add(CellValue.of(SCHEMA.column(0), (long) row >> 2));
        cells.add(text("line " + (row & 3)));
        cells.add(CellValue.of(SCHEMA.column(2), row * 0.25 + version));
        cells.add(CellValue.of(SCHEMA.column(3), row % 1000));
        cells.add(row % 8 == 0 ? null : CellValue.of(SCHEMA.column(4), (long) row % 50 + version));
        cells.add(row % 5 == 0 ? null : text("carefully final deposits".substring(0, 10 + row % 14) + row));
        cells.add(text("state " + state(row, version)));
        cells.add(amountCell(row));
        return cells;
    }

    private static BigDecimal amount(int row) {
        return BigDecimal.valueOf(row % 90, 2);
    }

    private static CellValue amountCell(int row) {
        return CellValue.of(SCHEMA.column(7), amount(row));
    }

    private static boolean isInSet(CellValue cell) {
        return SET.mayContain(cell.segment(), 0, cell.bytes());
    }

    private static int state(int row, int version) {
        return (row + version) % 5;
    }

    private static boolean isEarly(int row) {
        return row % 1000 < 300;
    }

    private static boolean isReturned(int row) {
        return state(row, row % CHANGED_STEP == 0 ? 1 : 0) == 3;
    }

    private static long count(IntPredicate rows) {
        return IntStream.range(0, ROWS).filter(rows).count();
    }

    private static CellValue text(String text) {
        return CellValue.ofBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    @AfterAll
    void close() {
        rowSet.close();
        files.close();
    }

    @Test
    void scansOfThePresentCostNothingPerRow() {
        ScanSpec all = ScanSpec.all(SCHEMA, CHANGE_TIME);
        assertScan("all columns", SCAN_BYTES_MAX, all, ROWS);
        assertScan("strings", SCAN_BYTES_MAX, all.withProjection(List.of(5, 6)), ROWS);
        assertScan("a count", SCAN_BYTES_MAX, all.withProjection(List.of()), ROWS);
        assertScan("key order", SCAN_BYTES_MAX, all.withKeyOrder(true), ROWS);
        assertScan(
                "a predicate",
                SCAN_BYTES_MAX,
                all.withPredicates(List.of(EARLY)),
                count(RowSetAllocationTest::isEarly));
        assertScan(
                "a predicate on strings",
                SCAN_BYTES_MAX,
                all.withPredicates(List.of(RETURNED)),
                count(RowSetAllocationTest::isReturned));
        assertScan("a list of strings", SCAN_BYTES_MAX, all.withPredicates(List.of(LISTED)), 0);
        assertScan(
                "a list of numbers",
                LIST_SCAN_BYTES_MAX,
                all.withPredicates(List.of(DAYS)),
                count(row -> List.of(3, 77, 500).contains(row % 1000)));
        assertScan(
                "a list of decimals",
                LIST_SCAN_BYTES_MAX,
                all.withPredicates(List.of(AMOUNTS)),
                count(row -> row % 90 == 13 || row % 90 == 77));
        assertScan(
                "a Bloom filter of decimals",
                LIST_SCAN_BYTES_MAX,
                all.withPredicates(List.of(new Predicate.InBloomFilters(7, List.of(SET)))),
                count(row -> isInSet(amountCell(row))));
        assertScan(
                "a Bloom filter of strings",
                LIST_SCAN_BYTES_MAX,
                all.withPredicates(List.of(new Predicate.InBloomFilters(6, List.of(SET)))),
                count(row -> isInSet(text("state " + state(row, row % CHANGED_STEP == 0 ? 1 : 0)))));
        assertScan(
                "predicates",
                SCAN_BYTES_MAX,
                all.withPredicates(List.of(EARLY, RETURNED)),
                count(row -> isEarly(row) && isReturned(row)));
    }

    @Test
    void scansOfThePastCostNothingPerRow() {
        ScanSpec past = ScanSpec.all(SCHEMA, CHANGE_TIME - 1);
        assertScan("the past", PAST_SCAN_BYTES_MAX, past, ROWS);
        assertScan("the past in key order", PAST_SCAN_BYTES_MAX, past.withKeyOrder(true), ROWS);
        assertScan(
                "the past with a predicate",
                PAST_SCAN_BYTES_MAX,
                past.withPredicates(List.of(EARLY)),
                count(RowSetAllocationTest::isEarly));
        assertScan("a time before all", PAST_SCAN_BYTES_MAX, ScanSpec.all(SCHEMA, INSERT_TIME - 1), 0);
    }

    private void assertScan(String what, long bytesMax, ScanSpec spec, long expectedRows) {
        try (ColumnBatch batch = ColumnBatch.of(spec, files.account)) {
            assertEquals(expectedRows, scan(spec, batch), what);
            Allocation.assertAtMost(bytesMax, "a scan of " + ROWS + " rows, " + what + ",", () -> scan(spec, batch));
        }
    }

    private long scan(ScanSpec spec, ColumnBatch batch) {
        long rows = 0;
        try (RowCursor cursor = rowSet.scan(spec, files.account)) {
            while (cursor.next(batch)) {
                rows += batch.rowCount();
            }
        }
        return rows;
    }

    @Test
    void aLookupCostsNothing() {
        var bytes = new ByteArrayOutputStream();
        int[] ends = new int[LOOKUPS];
        int next = 0;
        for (byte[] key : model.rows.keySet().stream().limit(LOOKUPS).toList()) {
            bytes.writeBytes(key);
            ends[next++] = bytes.size();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment keys = arena.allocate(bytes.size() + 1L);
            MemorySegment.copy(MemorySegment.ofArray(bytes.toByteArray()), 0, keys, 0, bytes.size());
            Allocation.assertNone(LOOKUPS + " look-ups of keys that are there, and as many of others", () -> {
                int start = 0;
                for (int end : ends) {
                    assertEquals(RowSet.LIVE, rowSet.lookup(keys, start, end - start));
                    assertEquals(RowSet.ABSENT, rowSet.lookup(keys, start, end - start + 1));
                    start = end;
                }
            });
        }
    }
}
