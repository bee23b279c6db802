package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.PageCache;
import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a scan of rows that have changed since their file was written answers as the versions of the rows say, wherever
 * the changes lie, and although they are moved meanwhile. Method: random changes in several sources, which are replaced
 * by others with the same changes between batches and then may not be touched, against a sorted map of all versions.
 */
final class RedoScanTest {
    private static final Path DIRECTORY = Path.of("/data");

    @RepeatedTest(8)
    void answersAsTheModelDoes(@Seed SplittableRandom random) {
        int rowCount = random.nextInt(1 << random.nextInt(1, 12));
        double share = random.nextInt(3) == 0 ? 0.004 : random.nextDouble();
        check(random, RowModel.drawSchema(random), rowCount, new Style(share, 5, 60), 25);
    }

    @Test
    void answersAsTheModelDoesForManyVectors(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("n", ColumnType.INT16),
                Column.of("s", ColumnType.STRING).nullable());
        check(random, schema, 9_000, new Style(0.02, 3, 20), 25);
    }

    @Test
    void aVectorWithVeryLargeCorrectionsIsDoneInParts(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("text", ColumnType.STRING),
                Column.of("bytes", ColumnType.BINARY).nullable());
        check(random, schema, 600, new Style(0.4, 3, 60_000), 8);
    }

    @Test
    void findsRowsThatWereChangedVeryOften(@Seed SplittableRandom random) {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        check(random, schema, 5, new Style(1, 5_000, 8), 20);
    }

    private static void check(SplittableRandom random, Schema schema, int rowCount, Style style, int scanCount) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(schema);
        model.fill(random, rowCount, new Style(random.nextInt(3) * 0.2, 3, style.stringBytesMax()));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(style, true);
            var probes = new RowSetProbes(model, random);
            try (DiskRowSet rowSet = files.open(model)) {
                for (int i = 0; i < scanCount; i++) {
                    ScanSpec spec = i == 0 ? ScanSpec.all(schema, Long.MAX_VALUE) : probes.drawSpec();
                    var moving = new MovingRedo(redo, random);
                    probes.checkScan(
                            spec, files.account, () -> moving.reading(rowSet.scan(spec, files.account, moving)));
                }
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    /** The same changes in other sources now and then. */
    static final class MovingRedo implements RedoSources {
        private final RedoModel redo;
        private final SplittableRandom random;
        private List<DeltaSource> present = List.of();

        MovingRedo(RedoModel redo, SplittableRandom random) {
            this.redo = redo;
            this.random = random;
        }

        @Override
        public List<DeltaSource> oldestFirst() {
            assertTrue(redo.reading.isIn, "asked for sources by nobody");
            if (present.isEmpty() || random.nextInt(3) == 0) {
                present.forEach(source -> ((ListedDeltas) source).replaced());
                present = redo.split(random.nextInt(1, 5));
            }
            return present;
        }

        /** Lets the sources be read while the cursor is in {@code next}. */
        RowCursor reading(RowCursor cursor) {
            return new RowCursor() {
                @Override
                public boolean next(ColumnBatch target) {
                    redo.reading.isIn = true;
                    try {
                        return cursor.next(target);
                    } finally {
                        redo.reading.isIn = false;
                    }
                }

                @Override
                public void close() {
                    cursor.close();
                }
            };
        }
    }

    /** Pages of one vector each. */
    private static final Schema NUMBERS = Schema.of(
            plain(Column.key("k", ColumnType.INT32)),
            plain(Column.of("even", ColumnType.INT32)),
            plain(Column.of("other", ColumnType.INT32)));

    private static final int NUMBER_ROWS = 40 * 1024;

    /** Rows whose number is their key, and twice it. */
    private static Column plain(Column column) {
        return column.encoding(ColumnEncoding.PLAIN).blockBytes(4 << 10);
    }

    private static RowModel numbers() {
        RowModel model = new RowModel(NUMBERS);
        for (int i = 0; i < NUMBER_ROWS; i++) {
            List<@Nullable CellValue> cells = List.of(
                    CellValue.of(NUMBERS.column(0), i),
                    CellValue.of(NUMBERS.column(1), 2 * i),
                    CellValue.of(NUMBERS.column(2), i));
            model.rows.put(model.key(cells), new ArrayList<>(List.of(new RowModel.Version(RowModel.TIME_MIN, cells))));
        }
        return model;
    }

    @Test
    void noRowIsMissingWherePagesArePruned(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = numbers();
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(new Style(0.001, 3, 8), true);
            var probes = new RowSetProbes(model, random);
            try (DiskRowSet rowSet = files.open(model)) {
                for (int i = 0; i < 10; i++) {
                    int from = i % 2 == 0 ? random.nextInt(7) : random.nextInt(2 * NUMBER_ROWS);
                    ScanSpec spec = ScanSpec.all(NUMBERS, probes.drawSnapshot())
                            .withPredicates(List.of(Predicate.range(NUMBERS, "even", from, from + 500)));
                    var moving = new MovingRedo(redo, random);
                    probes.checkScan(
                            spec, files.account, () -> moving.reading(rowSet.scan(spec, files.account, moving)));
                }
            }
        }
    }

    @Test
    void pagesArePrunedByValueWhereNothingHasChanged(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = numbers();
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                ScanSpec spec = ScanSpec.all(NUMBERS, Long.MAX_VALUE)
                        .withPredicates(List.of(Predicate.equal(NUMBERS, "even", 2 * 3_000)));
                assertEquals(1, count(rowSet, spec, List.of(), files));
                long pagesOfOne = pagesRead(rowSet, spec, List.of(), files);
                // A row of the last vector becomes one that matches, another one there does not.
                int ordinal = NUMBER_ROWS - 5;
                DeltaSource source = update(ordinal, 1, 2 * 3_000);
                assertEquals(2, count(rowSet, spec, List.of(source), files));
                long pages = pagesRead(rowSet, spec, List.of(source), files);
                assertTrue(pages > pagesOfOne, "the changed row was pruned");
                assertTrue(pages <= 2 * pagesOfOne, pages + " pages were read, " + pagesOfOne + " for one vector");
                // A source that does not touch the column leaves all to the bounds of pages.
                DeltaSource untouching = new Untouching(update(ordinal, 2, 7));
                assertEquals(1, count(rowSet, spec, List.of(untouching), files));
                assertEquals(pagesOfOne, pagesRead(rowSet, spec, List.of(untouching), files));
            }
        }
    }

    private static DeltaSource update(int ordinal, int columnId, int value) {
        byte[] bytes = {RowChange.UPDATE, 0, 1, 0, (byte) columnId, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0};
        MemorySegment.ofArray(bytes).set(LittleEndian.INT, 12, value);
        var reading = new ListedDeltas.Reading();
        reading.isIn = true;
        return new ListedDeltas(List.of(new Change(ordinal, RedoModel.TIME_MIN + 1, bytes)), reading);
    }

    /** Says that it does not touch the column called "even". */
    private record Untouching(DeltaSource source) implements DeltaSource {
        @Override
        public boolean mayChange(long from, long to, long snapshot) {
            return source.mayChange(from, to, snapshot);
        }

        @Override
        public boolean touches(int columnId) {
            return columnId != 1;
        }

        @Override
        public Cursor changes(long from, long to, long snapshot) {
            return source.changes(from, to, snapshot);
        }
    }

    private static long count(DiskRowSet rowSet, ScanSpec spec, List<DeltaSource> redo, RowSetFiles files) {
        long rows = 0;
        try (RowCursor cursor = rowSet.scan(spec, files.account, () -> redo);
                ColumnBatch batch = ColumnBatch.of(spec, files.account)) {
            while (cursor.next(batch)) {
                rows += batch.rowCount();
            }
        }
        return rows;
    }

    private static long pagesRead(DiskRowSet rowSet, ScanSpec spec, List<DeltaSource> redo, RowSetFiles files) {
        PageCache.Statistics before = files.cache.statistics();
        count(rowSet, spec, redo, files);
        PageCache.Statistics after = files.cache.statistics();
        return after.hits() + after.misses() - before.hits() - before.misses();
    }

    @Test
    void correctedRowsShareTheBatchOfTheirVector(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = numbers();
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                List<DeltaSource> redo = List.of(update(1024, 1, -1), update(1030, 1, -2));
                ScanSpec spec = ScanSpec.all(NUMBERS, Long.MAX_VALUE);
                List<Integer> sizes = new ArrayList<>();
                try (RowCursor cursor = rowSet.scan(spec, files.account, () -> redo);
                        ColumnBatch batch = ColumnBatch.of(spec, files.account)) {
                    while (cursor.next(batch)) {
                        sizes.add(batch.rowCount());
                    }
                }
                assertEquals(Collections.nCopies(NUMBER_ROWS / 1024, 1024), sizes);
            }
        }
    }

    @Test
    void refusesChangesThatCannotBe(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(NUMBERS);
        model.fill(random, 10, new Style(0, 1, 8));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model);
                    ColumnBatch batch = new ColumnBatch(NUMBERS.columns(), false, files.account)) {
                var reading = new ListedDeltas.Reading();
                reading.isIn = true;
                byte[] row = model.packed(model.drawCells(random, 10, new Style(0, 1, 8)))
                        .asSlice(0, model.layout.fixedBytes())
                        .toArray(ValueLayout.JAVA_BYTE);
                byte[] reinsert = new byte[8 + row.length];
                RowChange.writeReinsert(MemorySegment.ofArray(row), 0, row.length, MemorySegment.ofArray(reinsert), 0);
                DeltaSource source =
                        new ListedDeltas(List.of(new Change(4, RedoModel.TIME_MIN + 1, reinsert)), reading);
                try (RowCursor cursor =
                        rowSet.scan(ScanSpec.all(NUMBERS, Long.MAX_VALUE), files.account, () -> List.of(source))) {
                    Failure.expect(IllegalArgumentException.class, () -> cursor.next(batch), "row 4", "inserted again");
                    Failure.expect(IllegalStateException.class, () -> cursor.next(batch), "7.rowset", "has failed");
                }
            }
        }
    }
}
