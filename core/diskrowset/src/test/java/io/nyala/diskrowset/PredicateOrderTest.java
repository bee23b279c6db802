package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Version;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: of several conditions the one that leaves least is soon asked first, whatever their order is, and what the
 * others are about is not read then. Method: one that every row meets, one that no row does though bounds of pages say
 * so of none, and the pages that a scan brings into the cache.
 */
final class PredicateOrderTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final int ROWS = 60 * 1024;
    private static final long BOUND = 1L << 40;

    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("all", ColumnType.INT64), Column.of("none", ColumnType.INT64));

    private static final Predicate ALL = Predicate.greaterThan(SCHEMA, "all", -BOUND * 2);
    private static final Predicate NONE = Predicate.equal(SCHEMA, "none", 1L);

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theOneThatLeavesLeastIsAskedFirst(boolean isWorstFirst, @Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(SCHEMA);
        for (int i = 0; i < ROWS; i++) {
            List<CellValue> cells = List.of(
                    CellValue.of(SCHEMA.column(0), i),
                    CellValue.of(SCHEMA.column(1), random.nextLong(-BOUND, BOUND)),
                    CellValue.of(SCHEMA.column(2), random.nextLong(-BOUND, BOUND) & -2));
            model.rows.put(model.key(List.copyOf(cells)), List.of(new Version(RowModel.TIME_MIN, List.copyOf(cells))));
        }
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                int pages = rowSet.column(2).pageCount();
                assertTrue(pages >= 5 && rowSet.column(1).pageCount() == pages, pages + " pages of each column");
                ScanSpec spec = ScanSpec.all(SCHEMA, Long.MAX_VALUE)
                        .withPredicates(isWorstFirst ? List.of(ALL, NONE) : List.of(NONE, ALL));
                try (ColumnBatch batch = ColumnBatch.of(spec, files.account);
                        RowCursor cursor = rowSet.scan(spec, files.account)) {
                    while (cursor.next(batch)) {
                        assertEquals(0, batch.rowCount());
                    }
                }
                long others = files.cache.statistics().misses() - pages;
                assertTrue(others <= (isWorstFirst ? 3 : 0), others + " pages of what need not be asked");
            }
        }
    }
}
