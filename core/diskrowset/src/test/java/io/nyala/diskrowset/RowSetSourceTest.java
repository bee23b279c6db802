package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.diskrowset.RowModel.Version;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowPatch;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a rowset that is written from another one and its changes answers as that did, at every snapshot, once more
 * when it has changed and is written again. Method: random rows with histories and random changes against a sorted map
 * of all versions.
 */
final class RowSetSourceTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final long SECOND = 8;
    private static final long THIRD = 9;
    private static final long COLLECTED = 10;
    private static final long NO_MARK = 0;
    private static final int HOT_CHANGES = 3_000;
    private static final Schema HOT = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("number", ColumnType.INT64),
            Column.of("text", ColumnType.STRING),
            Column.of("long text", ColumnType.STRING));

    @RepeatedTest(4)
    void answersAsTheModelDoesAtEverySnapshot(@Seed SplittableRandom random) {
        int rowCount = random.nextInt(1, 1 << random.nextInt(1, 12));
        double share = random.nextInt(3) == 0 ? 0.004 : random.nextDouble();
        check(random, RowModel.drawSchema(random), rowCount, new Style(share, 5, 60));
    }

    @Test
    void rowsLargerThanWhatIsReadAheadAreThereOnce(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("text", ColumnType.STRING),
                Column.of("bytes", ColumnType.BINARY).nullable());
        check(random, schema, 60, new Style(0.4, 3, 60_000));
    }

    @Test
    void rowsThatWereChangedVeryOftenKeepAllVersions(@Seed SplittableRandom random) {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        check(random, schema, 5, new Style(1, 300, 8));
    }

    private static void check(SplittableRandom random, Schema schema, int rowCount, Style style) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(schema);
        model.fill(random, rowCount, new Style(random.nextInt(3) * 0.3, 4, style.stringBytesMax()));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet first = files.open(model)) {
                RedoModel redo = new RedoModel(model, random);
                redo.draw(style, true);
                redo.reading.isIn = true;
                List<DeltaSource> since = redo.split(random.nextInt(1, 4));
                rewrite(files, first, schema, since, SECOND);
                long bytesMax = 1L << random.nextInt(10, 22); // For few rows at a time, or for many.
                var reading = new RowSetSource.Reading(schema, NO_MARK, bytesMax, bytesMax / 8);
                write(files, schema, new RowSetSource(first, schema, reading, since, files.account), COLLECTED);
            }
            try (DiskRowSet collected = open(files, schema, COLLECTED)) {
                checkScans(files, collected, model, random);
            }
            try (DiskRowSet second = open(files, schema, SECOND)) {
                checkScans(files, second, model, random);
                rewrite(files, second, schema, List.of(), THIRD);
            }
            try (DiskRowSet third = open(files, schema, THIRD)) {
                checkScans(files, third, model, random);
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    private static void checkScans(RowSetFiles files, DiskRowSet rowSet, RowModel model, SplittableRandom random) {
        assertEquals(model.rows.size(), rowSet.rowCount());
        assertTrue(rowSet.newestChange() <= model.newestChange(), "less where the last change changed nothing");
        var probes = new RowSetProbes(model, random);
        for (int i = 0; i < 8; i++) {
            long snapshot = random.nextLong(RowModel.TIME_MIN, RedoModel.TIME_MAX);
            ScanSpec spec = i == 0 ? ScanSpec.all(model.schema, snapshot) : probes.drawSpec();
            probes.checkScan(rowSet, spec.withSnapshot(snapshot), files.account);
        }
    }

    private static DiskRowSet open(RowSetFiles files, Schema schema, long fileId) {
        return DiskRowSet.open(files.file(fileId), schema, files.cache, files.account, files.lookups);
    }

    private static void rewrite(
            RowSetFiles files, DiskRowSet from, Schema schema, List<DeltaSource> since, long fileId) {
        write(files, schema, new RowSetSource(from, schema, NO_MARK, since, files.account), fileId);
    }

    private static void write(RowSetFiles files, Schema schema, RowSetSource rows, long fileId) {
        try (RowSetSource source = rows;
                RowSetWriter writer = new RowSetWriter(schema, files.account)) {
            while (source.next()) {
                writer.append(source);
            }
            assertFalse(source.next(), "rows behind the end");
            IoQueue queue = files.io.borrow();
            try {
                writer.finish(files.file(fileId), queue);
            } finally {
                files.io.giveBack(queue);
            }
        }
    }

    /** Columns that came or went since the file was written are in what is written from it as the table has them. */
    @RepeatedTest(4)
    void columnsAreThoseThatTheTableHasNow(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 300, new Style(0.7, 4, 40));
        checkRewritten(random, disk, model, SchemaChangeTest.change(model, random, new ArrayList<>()));
    }

    /** It has a place in a row, though no bytes. */
    @Test
    void aDefaultMayBeAnEmptyText(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        Schema before = Schema.of(Column.key("k", ColumnType.STRING), Column.of("v", ColumnType.STRING));
        RowModel model = new RowModel(before);
        model.fill(random, 300, new Style(0.7, 4, 40));
        List<Column> columns = new ArrayList<>(before.columns());
        columns.add(Column.of("added", ColumnType.STRING).readDefault("").withId(before.nextColumnId()));
        checkRewritten(random, disk, model, new Schema(before.version() + 1, before.nextColumnId() + 1, columns));
    }

    private static void checkRewritten(SplittableRandom random, SimulatedDisk disk, RowModel model, Schema after) {
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RowModel evolved = model.evolved(after);
            try (DiskRowSet first = files.open(evolved)) {
                rewrite(files, first, after, List.of(), SECOND);
            }
            try (DiskRowSet second = open(files, after, SECOND)) {
                checkScans(files, second, evolved, random);
                rewrite(files, second, after, List.of(), THIRD);
            }
            try (DiskRowSet third = open(files, after, THIRD)) {
                checkScans(files, third, evolved, random);
            }
        }
    }

    /** One row in a file, which was changed very often since: of each change one number and a short text. */
    private static final class Hot implements AutoCloseable {
        static final long FIRST = RedoModel.TIME_MIN + 1;
        static final long LAST = FIRST + HOT_CHANGES - 1;

        final RowSetFiles files;
        final DiskRowSet rowSet;
        final DeltaFile delta;
        final MemoryAccount reader;

        Hot(SplittableRandom random, boolean isDeleted) {
            var disk = new SimulatedDisk(random.split());
            disk.createDirectories(DIRECTORY);
            files = new RowSetFiles(disk, DIRECTORY);
            RowModel model = new RowModel(HOT);
            List<@Nullable CellValue> cells = Arrays.asList(
                    CellValue.ofBytes(new byte[Integer.BYTES]),
                    CellValue.ofBytes(new byte[Long.BYTES]),
                    CellValue.ofBytes(new byte[0]),
                    CellValue.ofBytes(new byte[1_000]));
            model.rows.put(model.key(cells), new ArrayList<>(List.of(new Version(RowModel.TIME_MIN, cells))));
            files.write(model);
            rowSet = files.open(model);
            List<Change> changes = new ArrayList<>();
            for (long time = FIRST; time <= LAST; time++) {
                changes.add(new Change(0, time, RedoModel.update(1, time, 2, "at " + time)));
            }
            if (isDeleted) {
                changes.add(new Change(0, LAST, RedoModel.delete()));
            }
            DeltaBase base = DeltaBase.of(rowSet);
            files.write(HOT, base, new ListedDeltas(changes, RedoModel.always()), SECOND);
            delta = files.openDelta(SECOND, base);
            reader = files.budget.account("reader", 0);
        }

        RowSetSource merge(long mark) {
            return new RowSetSource(rowSet, HOT, mark, List.of(delta), reader);
        }

        RowSetSource between(long start, long end) {
            ScanSpec spec = ScanSpec.all(HOT, end).withStart(start);
            return new RowSetSource(rowSet, spec, HOT, () -> List.of(delta), reader);
        }

        @Override
        public void close() {
            assertEquals(0, reader.usedBytes());
            reader.close();
            delta.close();
            rowSet.close();
            files.close();
        }
    }

    /** The number of the present row as it was at a time. */
    private static long numberAt(RowSetSource source, long time) {
        var layout = new RowLayout(HOT);
        var patch = new RowPatch(layout);
        MemorySegment row = source.memory().asSlice(source.rowOffset(), source.rowBytes());
        for (int i = 0; i < source.historyCount() && source.historyTime(i) > time; i++) {
            long undo = source.historyOffset(i);
            assertEquals(RowChange.UPDATE, RowChange.kind(source.memory(), undo));
            assertEquals(source.historyBytes(i), RowChange.bytes(source.memory(), undo));
            MemorySegment target = MemorySegment.ofArray(new byte[2_000]);
            patch.apply(row, 0, source.memory(), undo, target, 0);
            row = target;
        }
        long number = row.get(LittleEndian.LONG, layout.cellOffset(1));
        String text = new String(
                row.asSlice(layout.variableOffset(row, 0, 2), layout.variableBytes(row, 0, 2))
                        .toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.UTF_8);
        assertEquals(number == 0 ? "" : "at " + number, text);
        return number;
    }

    /** Each version takes what it changed, not a whole row. */
    @Test
    void aRowThatChangedVeryOftenTakesWhatWasChanged(@Seed SplittableRandom random) {
        try (var hot = new Hot(random, false);
                RowSetSource source = hot.merge(NO_MARK)) {
            assertTrue(source.next());
            assertEquals(1 + HOT_CHANGES, source.historyCount());
            assertEquals(Hot.FIRST + 9, numberAt(source, Hot.FIRST + 9));
            assertEquals(Hot.LAST, source.newestChange());
            assertTrue(hot.reader.peakBytes() < HOT_CHANGES * 1_000L, () -> hot.reader.peakBytes() + " bytes");
        }
    }

    @Test
    void versionsThatNobodyCanSeeAreNotKept(@Seed SplittableRandom random) {
        try (var hot = new Hot(random, false);
                RowSetSource source = hot.merge(Hot.LAST - 5)) {
            assertTrue(source.next());
            assertEquals(5, source.historyCount());
            for (long time = Hot.LAST - 5; time <= Hot.LAST; time++) {
                assertEquals(time, numberAt(source, time));
            }
        }
        try (var hot = new Hot(random, true);
                RowSetSource source = hot.merge(Hot.LAST)) {
            assertTrue(source.next());
            assertTrue(source.isDeleted());
            assertEquals(0, source.historyCount());
            assertEquals(Hot.LAST, source.newestChange());
        }
    }

    /** For who asks what happened in between, whatever came before and after. */
    @Test
    void ofAnIntervalItsTwoEndsAreKept(@Seed SplittableRandom random) {
        try (var hot = new Hot(random, true)) {
            for (int i = 0; i < 20; i++) {
                long start = random.nextLong(Hot.FIRST, Hot.LAST - 1);
                long end = random.nextLong(start + 1, Hot.LAST);
                try (RowSetSource source = hot.between(start, end)) {
                    source.refresh();
                    assertTrue(source.next());
                    assertFalse(source.isDeleted());
                    assertEquals(end == start + 1 ? 1 : 2, source.historyCount());
                    assertEquals(end, source.newestChange());
                    assertEquals(end, numberAt(source, end));
                    assertEquals(end - 1, numberAt(source, end - 1), "a deletion might follow at the end");
                    assertEquals(start, numberAt(source, start));
                }
            }
            try (RowSetSource source = hot.between(Hot.FIRST, Hot.LAST)) {
                source.refresh();
                assertTrue(source.next());
                assertTrue(source.isDeleted());
                assertEquals(3, source.historyCount());
                assertEquals(Hot.LAST - 1, numberAt(source, Hot.LAST - 1));
            }
            assertTrue(hot.reader.peakBytes() < HOT_CHANGES * 500L, () -> hot.reader.peakBytes() + " bytes");
        }
    }

    /** What many readers need is not taken from those who open rowsets. */
    @Test
    void theReaderPaysForWhatItReads(@Seed SplittableRandom random) {
        try (var hot = new Hot(random, false)) {
            for (int i = 0; i < 2; i++) { // Pages come to stay in the cache the first time.
                long before = hot.files.account.usedBytes();
                try (RowSetSource source = hot.merge(NO_MARK)) {
                    assertTrue(source.next());
                    assertTrue(i == 0 || hot.files.account.usedBytes() == before, "others pay");
                }
            }
        }
    }
}
