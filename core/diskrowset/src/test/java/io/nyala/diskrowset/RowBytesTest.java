package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Version;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows as they mostly come take little more on disk than what they say. Method: rows of Kudu's load generator,
 * with the times of batches that were inserted one after the other; of keys in their order, of keys drawn at random,
 * and of such that are older than all that can be read, of which a merge says one time.
 */
final class RowBytesTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("int_val", ColumnType.INT32),
            Column.of("string_val", ColumnType.STRING));

    private static final int ROWS = 30_000;
    private static final int BATCH_ROWS = 1000;

    /** {@code order}: as the how manieth each row, in the order of the keys, was inserted. */
    private static DiskRowSet write(RowSetFiles files, int[] order, SplittableRandom random) {
        RowModel model = new RowModel(SCHEMA);
        long[] times = new long[ROWS / BATCH_ROWS];
        for (int batch = 0; batch < times.length; batch++) { // Up to 65 ms apart, in hybrid time.
            times[batch] = random.nextLong(1L << 28) + (batch == 0 ? RowModel.TIME_MIN : times[batch - 1]);
        }
        for (int row = 0; row < ROWS; row++) {
            long time = times[order[row] / BATCH_ROWS];
            String text = (3 * row + 2) + ".";
            List<@Nullable CellValue> cells = List.of(
                    CellValue.of(SCHEMA.column(0), 3L * row),
                    CellValue.of(SCHEMA.column(1), 3 * row + 1),
                    CellValue.ofBytes((text + "x".repeat(32 - text.length())).getBytes(StandardCharsets.US_ASCII)));
            model.rows.put(model.key(cells), List.of(new Version(time, cells)));
        }
        files.write(model);
        return files.open(model);
    }

    private static double perRow(long bytes) {
        return (double) bytes / ROWS;
    }

    @Test
    void insertTimesTakeATenthOfAByteAndRowsATenthOfWhatTheySay(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Path directory = Path.of("/data");
        disk.createDirectories(directory);
        try (var files = new RowSetFiles(disk, directory);
                DiskRowSet rowSet = write(files, IntStream.range(0, ROWS).toArray(), random)) {
            assertTrue(insertTimes(rowSet) <= 0.1, insertTimes(rowSet) + " bytes a row for insert times");
            double deleted =
                    perRow(rowSet.file().column(RowSetFormat.DELETED_ID).bytes());
            assertTrue(deleted <= 0.03, deleted + " bytes a row to say that none is deleted");
            double all = perRow(rowSet.fileBytes());
            assertTrue(all <= 12, all + " bytes a row, of 44");
        }
    }

    private static double insertTimes(DiskRowSet rowSet) {
        return perRow(rowSet.file().column(RowSetFormat.INSERT_TIME_ID).bytes());
    }

    /** Which of 30 batches a row is of is 4.9 bits that nobody can guess, until nobody can read what was before. */
    @Test
    void insertTimesOfRandomKeysTakeAByteAndWhenTheyAreOldNothing(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Path directory = Path.of("/data");
        disk.createDirectories(directory);
        int[] order = random.ints(ROWS, 0, ROWS).toArray();
        try (var files = new RowSetFiles(disk, directory)) {
            try (DiskRowSet rowSet = write(files, order, random)) {
                assertTrue(insertTimes(rowSet) <= 0.8, insertTimes(rowSet) + " bytes a row of 30 times");
            }
            disk.delete(files.path());
            try (DiskRowSet rowSet = write(files, new int[ROWS], random)) {
                assertTrue(insertTimes(rowSet) <= 0.03, insertTimes(rowSet) + " bytes a row of one time");
            }
        }
    }
}
