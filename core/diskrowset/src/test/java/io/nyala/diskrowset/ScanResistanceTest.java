package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Version;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: who reads a table once, be it for a scan or for a merge, does not push out of the cache what look-ups need time
 * after time. Method: two rowsets of random numbers share a cache, one a small part of it, the other several times as
 * large, of three vectors to a page; pages of the small one that have to be read again are counted.
 */
final class ScanResistanceTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final int VECTOR_BYTES = 1024 * Long.BYTES;
    private static final int PAGE_BYTES = 4 * VECTOR_BYTES; // With what else a page has, room for three.
    private static final long CACHE_BYTES = 8L * PAGE_BYTES;
    private static final int VALUE_COLUMNS = 4;
    private static final int HOT_ROWS = 1024;
    private static final int OTHER_ROWS = 21 * 1024;

    private static RowModel model(int rowCount, SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        columns.add(Column.key("k", ColumnType.INT64));
        for (int i = 0; i < VALUE_COLUMNS; i++) {
            columns.add(Column.of("v" + i, ColumnType.INT64).blockBytes(PAGE_BYTES));
        }
        RowModel model = new RowModel(Schema.of(columns));
        for (long row = 0; row < rowCount; row++) {
            List<@Nullable CellValue> cells = new ArrayList<>();
            for (Column column : columns) {
                cells.add(CellValue.of(column, column.isKey() ? row : random.nextLong()));
            }
            model.rows.put(model.key(cells), List.of(new Version(RowModel.TIME_MIN, cells)));
        }
        return model;
    }

    @Test
    void aScanAndAMergeLeaveWhatLookUpsNeed(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel hotRows = model(HOT_ROWS, random);
        RowModel otherRows = model(OTHER_ROWS, random);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(hotRows);
            files.write(otherRows, files.file(8));
            files.forget(CACHE_BYTES);
            try (DiskRowSet hot = files.open(hotRows);
                    DiskRowSet other = files.open(otherRows, files.file(8))) {
                for (int i = 0; i < 5; i++) {
                    assertEquals(1, rows(hot, point(hotRows, i), files.account));
                }
                long pages = files.cache.statistics().misses();
                assertTrue(files.cache.statistics().bytes() < CACHE_BYTES / 2, "more is hot than stays");
                assertEquals(OTHER_ROWS, rows(other, ScanSpec.all(otherRows.schema, Long.MAX_VALUE), files.account));
                pages = check(hot, point(hotRows, 7), files, pages, "a scan");
                assertEquals(OTHER_ROWS, merged(other, otherRows.schema, files.account));
                check(hot, point(hotRows, 9), files, pages, "a merge");
            }
        }
    }

    /** Looks up a row whose pages were in the cache; answers how many were read so far. */
    private static long check(DiskRowSet hot, ScanSpec row, RowSetFiles files, long pagesBefore, String by) {
        long others = files.cache.statistics().misses();
        assertTrue(others - pagesBefore > 3 * CACHE_BYTES / PAGE_BYTES, others - pagesBefore + " pages for " + by);
        assertEquals(1, rows(hot, row, files.account));
        assertEquals(others, files.cache.statistics().misses(), by + " pushed out what was in use");
        return others;
    }

    private static ScanSpec point(RowModel model, long key) {
        KeyRange range = KeyRange.from(
                new KeyCodec(new RowLayout(model.schema)), List.of(Predicate.equal(model.schema, "k", key)));
        return ScanSpec.all(model.schema, Long.MAX_VALUE).withKeyRange(range);
    }

    private static long rows(DiskRowSet rowSet, ScanSpec spec, MemoryAccount account) {
        long count = 0;
        try (ColumnBatch batch = ColumnBatch.of(spec, account);
                RowCursor cursor = rowSet.scan(spec, account)) {
            while (cursor.next(batch)) {
                count += batch.rowCount();
            }
        }
        return count;
    }

    private static long merged(DiskRowSet rowSet, Schema schema, MemoryAccount account) {
        long count = 0;
        try (var source = new RowSetSource(rowSet, schema, Long.MAX_VALUE, List.of(), account)) {
            while (source.next()) {
                count++;
            }
        }
        return count;
    }
}
