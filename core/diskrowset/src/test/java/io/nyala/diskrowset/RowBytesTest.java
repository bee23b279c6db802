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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows as they mostly come take little more on disk than what they say. Method: rows of Kudu's load generator,
 * with the times of batches that were inserted one after the other.
 */
final class RowBytesTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("int_val", ColumnType.INT32),
            Column.of("string_val", ColumnType.STRING));

    private static final int ROWS = 30_000;
    private static final int BATCH_ROWS = 1000;

    private static DiskRowSet write(RowSetFiles files, SplittableRandom random) {
        RowModel model = new RowModel(SCHEMA);
        long time = RowModel.TIME_MIN;
        for (int row = 0; row < ROWS; row++) {
            time += row % BATCH_ROWS == 0 ? random.nextLong(1L << 28) : 0; // Up to 65 ms, in hybrid time.
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
                DiskRowSet rowSet = write(files, random)) {
            double times =
                    perRow(rowSet.file().column(RowSetFormat.INSERT_TIME_ID).bytes());
            assertTrue(times <= 0.1, times + " bytes a row for insert times");
            double deleted =
                    perRow(rowSet.file().column(RowSetFormat.DELETED_ID).bytes());
            assertTrue(deleted <= 0.03, deleted + " bytes a row to say that none is deleted");
            double all = perRow(rowSet.fileBytes());
            assertTrue(all <= 12, all + " bytes a row, of 44");
        }
    }
}
