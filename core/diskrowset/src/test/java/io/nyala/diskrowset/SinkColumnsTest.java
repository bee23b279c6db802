package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Style;
import io.nyala.diskrowset.RowModel.Version;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: who wants counts, sums and bounds is given each selected cell once, whatever its vector looks like, and vectors
 * that say few values often are not decoded. Method: columns of every type with runs of few values and NULLs, whole and
 * in part, against a map of how often each cell is there; a sink that counts in which ways it was told.
 */
final class SinkColumnsTest {
    private static final Path DIRECTORY = Path.of("/data");

    /** Collects how often each cell of each column is there. */
    private static final class Recorder implements RowCursor.Sink {
        final List<Map<CellValue, Integer>> cells = new ArrayList<>();
        final int[] valid;
        final int[] decoded;
        final boolean wantsMore;
        int rows;

        Recorder(int columns, boolean wantsMore) {
            this.valid = new int[columns];
            this.decoded = new int[columns];
            this.wantsMore = wantsMore;
            for (int i = 0; i < columns; i++) {
                cells.add(new HashMap<>());
            }
        }

        @Override
        public void rows(int count) {
            rows += count;
        }

        @Override
        public boolean wantsValues(int column) {
            return wantsMore;
        }

        @Override
        public boolean wantsBounds(int column) {
            return wantsMore;
        }

        @Override
        public void page(
                int column, int count, int nullCount, @Nullable MemorySegment least, @Nullable MemorySegment greatest) {
            assertTrue(!wantsMore || nullCount == count, "values are wanted");
            valid[column] += count - nullCount;
        }

        @Override
        public void entries(int column, ColumnVector values, int entryCount, int[] counts) {
            for (int i = 0; i < entryCount; i++) {
                if (counts[i] > 0) {
                    cells.get(column).merge(cell(values, i), counts[i], Integer::sum);
                    valid[column] += counts[i];
                }
            }
        }

        @Override
        public void values(int column, ColumnVector values, int count) {
            decoded[column] += count;
            for (int i = 0; i < count; i++) {
                boolean isValid = (values.validity().get(ValueLayout.JAVA_BYTE, i >>> 3) >>> (i & 7) & 1) != 0;
                if (isValid) {
                    cells.get(column).merge(cell(values, i), 1, Integer::sum);
                    valid[column]++;
                }
            }
        }

        private static CellValue cell(ColumnVector values, int row) {
            if (!values.type().isVariable()) {
                int bytes = values.type().cellBytes();
                return CellValue.ofBytes(
                        values.values().asSlice((long) row * bytes, bytes).toArray(ValueLayout.JAVA_BYTE));
            }
            int start = LittleEndian.getInt(values.offsets(), row * 4L);
            int end = LittleEndian.getInt(values.offsets(), row * 4L + 4);
            return CellValue.ofBytes(values.bytes().asSlice(start, end - start).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    private static void scan(RowSetFiles files, RowModel model, ScanSpec spec, Recorder recorder) {
        try (DiskRowSet rowSet = files.open(model);
                ColumnBatch batch = ColumnBatch.of(spec, files.account);
                RowCursor cursor = rowSet.scan(spec, files.account)) {
            batch.sink(recorder);
            while (cursor.next(batch)) {
                assertEquals(0, batch.rowCount(), "no row has changed");
            }
        }
    }

    private static RowModel write(RowModel model, RowSetFiles files, List<List<@Nullable CellValue>> rows) {
        for (List<@Nullable CellValue> cells : rows) {
            model.rows.put(model.key(cells), List.of(new Version(RowModel.TIME_MIN, cells)));
        }
        files.write(model);
        return model;
    }

    @RepeatedTest(12)
    void eachSelectedCellIsToldOnce(@Seed SplittableRandom random) {
        List<Column> columns = new ArrayList<>(List.of(Column.key("k", ColumnType.INT32)));
        for (ColumnType type : ColumnType.values()) {
            Column column = type == ColumnType.VARCHAR ? Column.varchar("c" + type, 100) : Column.of("c" + type, type);
            columns.add(random.nextBoolean() ? column : column.nullable());
        }
        RowModel model = new RowModel(Schema.of(columns));
        List<List<@Nullable CellValue>> few = new ArrayList<>();
        for (int i = random.nextInt(1, 40); i >= 0; i--) {
            few.add(model.drawCells(random, 1, new Style(0, 0, 30)));
        }
        int rowCount = random.nextInt(1, 5_000);
        int runMax = 1 << random.nextInt(11);
        List<List<@Nullable CellValue>> rows = new ArrayList<>();
        while (rows.size() < rowCount) {
            List<@Nullable CellValue> same = few.get(random.nextInt(few.size()));
            for (int run = random.nextInt(runMax) + 1; run > 0 && rows.size() < rowCount; run--) {
                List<@Nullable CellValue> cells = new ArrayList<>(same);
                cells.set(0, CellValue.of(columns.getFirst(), rows.size()));
                rows.add(cells);
            }
        }
        int from = random.nextBoolean() ? 0 : random.nextInt(rowCount);
        int to = random.nextBoolean() ? rowCount : random.nextInt(from, rowCount);
        boolean wantsMore = random.nextInt(4) > 0;
        var recorder = new Recorder(columns.size(), wantsMore);
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            write(model, files, rows);
            Predicate range = Predicate.range(model.schema, "k", from, to);
            boolean isAll = from == 0 && to == rowCount && random.nextBoolean();
            ScanSpec all = ScanSpec.all(model.schema, Long.MAX_VALUE);
            scan(files, model, isAll ? all : all.withPredicates(List.of(range)), recorder);
        }
        assertEquals(to - from, recorder.rows);
        for (int column = 0; column < columns.size(); column++) {
            Map<CellValue, Integer> expected = new HashMap<>();
            int valid = 0;
            for (List<@Nullable CellValue> cells : rows.subList(from, to)) {
                CellValue cell = cells.get(column);
                if (cell != null) {
                    expected.merge(cell, 1, Integer::sum);
                    valid++;
                }
            }
            assertEquals(valid, recorder.valid[column], columns.get(column).describe());
            assertEquals(
                    wantsMore ? expected : Map.of(),
                    recorder.cells.get(column),
                    columns.get(column).describe());
        }
    }

    @Test
    void vectorsOfFewValuesAreNotDecoded(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("constant", ColumnType.INT64),
                Column.of("runs", ColumnType.INT64),
                Column.of("word", ColumnType.STRING).nullable(),
                Column.of("number", ColumnType.INT64),
                Column.of("noise", ColumnType.INT64));
        RowModel model = new RowModel(schema);
        List<List<@Nullable CellValue>> rows = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            List<@Nullable CellValue> cells = new ArrayList<>();
            cells.add(CellValue.of(schema.column(0), i));
            cells.add(CellValue.of(schema.column(1), 7L));
            cells.add(CellValue.of(schema.column(2), i / 100 * 1_000_000_007L));
            int word = random.nextInt(9);
            cells.add(word == 0 ? null : CellValue.of(schema.column(3), "word number " + word));
            cells.add(CellValue.of(schema.column(4), random.nextInt(16) * (Long.MAX_VALUE / 17)));
            cells.add(CellValue.of(schema.column(5), random.nextLong()));
            rows.add(cells);
        }
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        var recorder = new Recorder(schema.columnCount(), true);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            write(model, files, rows);
            Predicate half = Predicate.lessThan(schema, "number", Long.MAX_VALUE / 2);
            scan(files, model, ScanSpec.all(schema, Long.MAX_VALUE).withPredicates(List.of(half)), recorder);
        }
        int matching = recorder.rows;
        assertTrue(matching > 4_000 && matching < 6_000, matching + " rows match");
        for (int column = 1; column <= 4; column++) {
            assertEquals(0, recorder.decoded[column], schema.column(column).name());
            assertTrue(
                    recorder.valid[column] == matching || column == 3,
                    schema.column(column).name());
        }
        assertEquals(matching, recorder.decoded[5]);
    }
}
