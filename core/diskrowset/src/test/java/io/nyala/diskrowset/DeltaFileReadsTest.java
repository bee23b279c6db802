package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: of a delta file no page is read that a scan does not need, and what is known without reading is exact. Method:
 * one change in each of many rows, the later the row the later the change, and the pages that readers ask for.
 */
final class DeltaFileReadsTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64), Column.of("w", ColumnType.STRING));
    private static final int FIRST_ROW = 20 * 1024;
    private static final int ROWS = 8 * 1024;
    private static final DeltaBase BASE = new DeltaBase(7, 100 * 1024);

    private RowSetFiles files;
    private DeltaFile file;

    /** Rows of every other vector have changed; a page of the file has those of one. */
    @BeforeEach
    void write(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        List<Change> changes = new ArrayList<>();
        for (int row = FIRST_ROW; row < FIRST_ROW + ROWS; row++) {
            if (row / 1024 % 2 == 0) {
                changes.add(new Change(row, row, RedoModel.update(1, row, 2, "text " + row)));
            }
        }
        files = new RowSetFiles(disk, DIRECTORY);
        files.write(SCHEMA, BASE, new ListedDeltas(changes, RedoModel.always()), 8);
        file = files.openDelta(8, BASE);
    }

    @AfterEach
    void close() {
        file.close();
        files.close();
    }

    @Test
    void onlyThePagesOfTheRowsAreRead() {
        assertEquals(2, pagesRead(FIRST_ROW + 10, FIRST_ROW + 20, Long.MAX_VALUE, 10));
        assertEquals(4, pagesRead(FIRST_ROW + 1_023, FIRST_ROW + 2_049, Long.MAX_VALUE, 2));
        assertEquals(0, pagesRead(0, FIRST_ROW, Long.MAX_VALUE, 0));
        assertEquals(0, pagesRead(FIRST_ROW + ROWS, Long.MAX_VALUE, Long.MAX_VALUE, 0));
    }

    @Test
    void pagesThatAreLaterThanTheSnapshotAreNotRead() {
        assertEquals(2, pagesRead(0, Long.MAX_VALUE, FIRST_ROW + 100, 101));
        assertEquals(4, pagesRead(0, Long.MAX_VALUE, FIRST_ROW + 2_048, 1_025));
        assertEquals(0, pagesRead(0, Long.MAX_VALUE, FIRST_ROW - 1, 0));
    }

    @Test
    void whoReadsPaysForIt() {
        MemoryAccount reader = files.budget.account("reader", 0);
        try (DeltaSource.Cursor cursor = file.changes(0, Long.MAX_VALUE, Long.MAX_VALUE)) {
            while (cursor.next()) {} // All pages are in the cache then, whose account is that of the file, too.
        }
        long usedBefore = files.account.usedBytes();
        try (DeltaSource.Cursor cursor = file.changes(0, Long.MAX_VALUE, Long.MAX_VALUE, new int[] {1}, reader)) {
            while (cursor.next()) {
                assertEquals(usedBefore, files.account.usedBytes());
                assertTrue(reader.usedBytes() > 0);
            }
        }
        assertEquals(0, reader.usedBytes());
    }

    /** Though it decodes those of two columns in turn, time after time for some more rows if it has little memory. */
    @Test
    void aReaderVisitsAPageOnce() {
        for (int readers = 0; readers < 3; readers++) {
            try (var little = new ReaderMemory(files.account, 0);
                    DeltaSource.Cursor cursor = file.changes(0, Long.MAX_VALUE, Long.MAX_VALUE, little)) {
                while (cursor.next()) {}
            }
            assertEquals(8, files.cache.statistics().misses());
            assertEquals((readers + 1) * 8L, files.cache.statistics().hits());
        }
    }

    @Test
    void columnsThatAreNotAskedForAreNotRead() {
        long missesBefore = files.cache.statistics().misses();
        try (DeltaSource.Cursor cursor =
                file.changes(0, Long.MAX_VALUE, Long.MAX_VALUE, new int[] {1}, files.account)) {
            while (cursor.next()) {}
        }
        assertEquals(4, files.cache.statistics().misses() - missesBefore);
    }

    @Test
    void aSeekReadsNothingBeforeItsRow() {
        long missesBefore = files.cache.statistics().misses();
        try (DeltaSource.Cursor cursor = file.changes(0, FIRST_ROW + 7 * 1_024, Long.MAX_VALUE)) {
            assertTrue(cursor.seek(FIRST_ROW + 6 * 1_024 + 5));
            assertEquals(FIRST_ROW + 6 * 1_024 + 5, cursor.ordinal());
        }
        assertEquals(2, files.cache.statistics().misses() - missesBefore);
    }

    private long pagesRead(long from, long to, long snapshot, int changes) {
        file.close(); // Its pages leave the cache.
        file = files.openDelta(8, BASE);
        long missesBefore = files.cache.statistics().misses();
        int found = 0;
        try (DeltaSource.Cursor cursor = file.changes(from, to, snapshot)) {
            while (cursor.next()) {
                found++;
            }
        }
        assertEquals(changes, found);
        return files.cache.statistics().misses() - missesBefore;
    }

    /** Its versions fill many pages, between those of rows that changed once. */
    @Test
    void aRowThatChangedVeryOftenIsReadAsFastAsAnyOther() {
        int hot = FIRST_ROW + 500;
        int versions = 20 * 1_024;
        List<Change> changes = new ArrayList<>();
        for (int row = FIRST_ROW; row < FIRST_ROW + 1_000; row++) {
            for (int i = 1; i <= (row == hot ? versions : 1); i++) {
                changes.add(new Change(row, i, RedoModel.update(1, i, 2, "")));
            }
        }
        files.write(SCHEMA, BASE, new ListedDeltas(changes, RedoModel.always()), 9);
        try (DeltaFile often = files.openDelta(9, BASE)) {
            for (int snapshot : new int[] {1, 700, 10_000, versions}) {
                long missesBefore = files.cache.statistics().misses();
                int found = 0;
                long newest = 0;
                try (DeltaSource.Cursor cursor = often.changes(hot, hot + 1, snapshot, new int[] {1}, files.account)) {
                    while (cursor.next()) {
                        found++;
                        newest = cursor.time();
                        long cell = RowChange.firstCell(cursor.changeOffset());
                        assertEquals(newest, LittleEndian.getLong(cursor.memory(), RowChange.cellValue(cell)));
                    }
                    assertEquals(snapshot, newest);
                    assertTrue(found <= 2, found + " changes at " + snapshot);
                }
                long pages = files.cache.statistics().misses() - missesBefore;
                assertTrue(pages <= 3, pages + " pages at " + snapshot);
            }
        }
    }

    @Test
    void vectorsWithoutChangesAreKnownWithoutReading() {
        long missesBefore = files.cache.statistics().misses();
        for (int vector = 0; vector < 100; vector++) {
            boolean isChanged = vector >= 20 && vector < 28 && vector % 2 == 0;
            long from = vector * 1_024L;
            assertEquals(isChanged, file.mayChange(from, from + 1_024, Long.MAX_VALUE), "vector " + vector);
            assertEquals(isChanged, file.mayChange(from + 1_000, from + 1_001, Long.MAX_VALUE), "vector " + vector);
        }
        assertTrue(file.mayChange(0, BASE.rowCount(), FIRST_ROW));
        assertFalse(file.mayChange(0, BASE.rowCount(), FIRST_ROW - 1), "before all changes");
        assertFalse(file.mayChange(FIRST_ROW, FIRST_ROW, Long.MAX_VALUE), "no rows");
        assertEquals(missesBefore, files.cache.statistics().misses());
        assertEquals(ROWS, file.cellCount());
        assertEquals(0, file.deletedCount());
    }
}
