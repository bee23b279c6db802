package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Style;
import io.nyala.io.IoQueue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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
                rewrite(files, first, schema, redo.split(random.nextInt(1, 4)), SECOND);
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
        try (RowSetSource source = new RowSetSource(from, schema, since, files.account);
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
}
