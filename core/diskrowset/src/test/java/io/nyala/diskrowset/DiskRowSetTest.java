package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Style;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a rowset answers every scan, at every snapshot, and every look-up, as the rows it was made of say.
 * Method: random rows with random histories against a sorted map of all versions.
 */
final class DiskRowSetTest {
    private static final Path DIRECTORY = Path.of("/data");

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 1023, 1024, 1025, 5000})
    void answersAsTheModelDoesAtEveryRowCount(int rowCount, @Seed SplittableRandom random) {
        var style = new Style(random.nextInt(4) / 3.0, random.nextInt(1, 6), 20);
        check(random, RowModel.drawSchema(random), rowCount, style, 12);
    }

    @RepeatedTest(5)
    void answersAsTheModelDoesForAnyRows(@Seed SplittableRandom random) {
        int rowCount = random.nextInt(1 << random.nextInt(1, 12));
        double changedShare = random.nextInt(3) == 0 ? 0.002 : random.nextDouble();
        check(random, RowModel.drawSchema(random), rowCount, new Style(changedShare, 8, 60), 30);
    }

    @Test
    void batchesEndWhereTheirStringsAreFull(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("text", ColumnType.STRING),
                Column.of("bytes", ColumnType.BINARY).nullable());
        check(random, schema, 600, new Style(0.1, 3, 60_000), 6);
    }

    @Test
    void findsRowsThatWereChangedVeryOften(@Seed SplittableRandom random) {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        RowModel model = check(random, schema, 3, new Style(1, 9000, 8), 40);
        assertTrue(model.rows.values().stream().anyMatch(versions -> versions.size() > 100));
    }

    private static RowModel check(SplittableRandom random, Schema schema, int rowCount, Style style, int scanCount) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(schema);
        model.fill(random, rowCount, style);
        check(disk, DIRECTORY, random, model, scanCount);
        assertEquals(0, disk.openFileCount());
        return model;
    }

    private static void check(Disk disk, Path directory, SplittableRandom random, RowModel model, int scanCount) {
        Schema schema = model.schema;
        int rowCount = model.rows.size();
        var probes = new RowSetProbes(model, random);
        try (var files = new RowSetFiles(disk, directory)) {
            RowSetOutput output = files.write(model);
            assertEquals(rowCount, output.rowCount());
            try (DiskRowSet rowSet = files.open(model)) {
                assertEquals(rowCount, rowSet.rowCount());
                assertEquals(output.fileBytes(), rowSet.fileBytes());
                assertEquals(model.newestChange(), rowSet.newestChange());
                rowSet.verify();
                if (rowCount > 0) {
                    assertArrayEquals(model.rows.firstKey(), rowSet.minKey());
                    assertArrayEquals(model.rows.lastKey(), rowSet.maxKey());
                }
                probes.checkLookups(rowSet);
                probes.checkScan(rowSet, ScanSpec.all(schema, Long.MAX_VALUE), files.account);
                probes.checkScan(rowSet, ScanSpec.all(schema, 1_500).withKeyOrder(true), files.account);
                for (int i = 0; i < scanCount; i++) {
                    probes.checkScan(rowSet, probes.drawSpec(), files.account);
                }
            }
        }
    }

    @Test
    void theHistoryOfManyRowsIsInSeveralChunks(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("s", ColumnType.STRING).nullable());
        RowModel model = new RowModel(schema);
        model.fill(random, 5000, new Style(0.3, 6, 200));
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        var probes = new RowSetProbes(model, random);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                var metadata = RowSetFormat.readMetadata(rowSet.file().metadata(), rowSet.rowCount());
                assertTrue(metadata.chunks().size() > 3, metadata.toString());
                assertFalse(rowSet.history().isEmpty());
                for (int i = 0; i < 20; i++) {
                    probes.checkScan(rowSet, probes.drawSpec().withSnapshot(probes.drawSnapshot()), files.account);
                }
            }
        }
    }

    @Test
    void answersAsTheModelDoesOnARealDisk(@TempDir Path directory, @Seed SplittableRandom random) {
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 2500, new Style(0.2, 5, 300));
        try (Disk disk = Disks.channel()) {
            check(disk, directory, random, model, 8);
        }
    }
}
