package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Limits;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what is written is what is read back, whatever the cells, the hints and the lengths are. Method: random columns
 * against the lists they were made of.
 */
final class CFileTest {
    @RepeatedTest(12)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        int rowCount = random.nextInt(1 << random.nextInt(1, 15));
        roundTrip(random, rowCount, random.nextInt(1, 6));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1023, 1024, 1025, 20_000})
    void readsBackEveryKindAtEveryLength(int rowCount, @Seed SplittableRandom random) {
        List<TestColumn> columns = new ArrayList<>();
        for (CellKind kind : CellKind.values()) {
            columns.add(TestColumn.random(random, columns.size(), rowCount, kind));
        }
        roundTrip(random, columns);
    }

    private static void roundTrip(SplittableRandom random, int rowCount, int columnCount) {
        List<TestColumn> columns = new ArrayList<>();
        for (int i = 0; i < columnCount; i++) {
            columns.add(TestColumn.random(random, i, rowCount));
        }
        roundTrip(random, columns);
    }

    private static void roundTrip(SplittableRandom random, List<TestColumn> columns) {
        try (Files files = new Files(random.split())) {
            var written = files.write(columns, null);
            assertEquals(files.disk.contents(Files.PATH).length, written.bytes());
            try (CFileReader reader = files.open()) {
                assertEquals(columns.getFirst().rowCount(), reader.rowCount());
                assertArrayEquals(new byte[] {1, 2, 3}, reader.metadata());
                reader.verify();
                for (TestColumn column : columns) {
                    ColumnReader columnReader = reader.column(column.spec().id());
                    try (ColumnCursor cursor = columnReader.cursor(files.scratch)) {
                        column.check(columnReader, cursor, random);
                    }
                }
                try (ReadAhead ahead = reader.readAhead(files.account)) {
                    for (TestColumn column : columns) {
                        ColumnReader columnReader = reader.column(column.spec().id());
                        try (ColumnCursor cursor = columnReader.cursor(files.scratch, ahead, null)) {
                            column.check(columnReader, cursor, random);
                        }
                    }
                }
            }
        }
    }

    @RepeatedTest(12)
    void fillsBatchesWithAllAndWithSelectedRows(@Seed SplittableRandom random) {
        int rowCount = random.nextInt(1, 5_000);
        TestColumn column = TestColumn.random(random, 0, rowCount);
        Column type = Column.of("c", TestColumn.type(column.spec().kind())).nullable();
        try (Files files = new Files(random.split())) {
            files.write(List.of(column), null);
            try (CFileReader reader = files.open();
                    ColumnBatch batch = new ColumnBatch(List.of(type), false, files.account);
                    ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
                for (int vector = 0; vector < reader.vectorCount(); vector++) {
                    cursor.seek(vector);
                    int first = vector * ColumnSpec.VECTOR_ROWS;
                    cursor.read(batch.column(0));
                    batch.rowCount(cursor.rowCount());
                    for (int row = 0; row < cursor.rowCount(); row++) {
                        check(column.cells().get(first + row), batch.column(0), row);
                    }
                    checkSelected(column, cursor, first, batch.column(0), random);
                }
            }
        }
    }

    private static void checkSelected(
            TestColumn column, ColumnCursor cursor, int first, ColumnVector target, SplittableRandom random) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment selection = arena.allocate(4 * ColumnSpec.VECTOR_ROWS);
            List<Integer> rows = new ArrayList<>();
            double share = random.nextDouble();
            for (int row = 0; row < cursor.rowCount(); row++) {
                if (random.nextDouble() < share) {
                    selection.set(Cells.INT, rows.size() * 4L, row);
                    rows.add(row);
                }
            }
            int bytesMax = random.nextInt(1, 4_000);
            int count = cursor.fittingRows(selection, 0, rows.size(), bytesMax);
            int bytes = 0;
            for (int i = 0; i < rows.size() && column.spec().kind().isBinary(); i++) {
                byte[] cell = column.cells().get(first + rows.get(i));
                bytes += cell == null ? 0 : cell.length;
                assertEquals(i < count, bytes <= bytesMax, "row " + i + " of " + count);
            }
            cursor.readSelected(target, selection, 0, count);
            for (int i = 0; i < count; i++) {
                check(column.cells().get(first + rows.get(i)), target, i);
            }
        }
    }

    private static void check(byte @Nullable [] expected, ColumnVector vector, int row) {
        assertEquals(expected == null, vector.isNull(row), "row " + row);
        if (expected != null) {
            assertArrayEquals(expected, vector.getValue(row).toByteArray(), "row " + row);
        }
    }

    /** A table may have longer strings than a batch takes at once; a vector of them is read in parts. */
    @Test
    void readsLongStringsInParts(@Seed SplittableRandom random) {
        List<byte @Nullable []> cells = new ArrayList<>();
        for (int row = 0; row < 100; row++) {
            byte[] cell = new byte[random.nextInt(50_000, 65_536)];
            random.nextBytes(cell);
            cells.add(cell);
        }
        TestColumn column = new TestColumn(ColumnSpec.of(0, "c", CellKind.BINARY), cells);
        Column type = Column.of("c", ColumnType.BINARY);
        try (Files files = new Files(random.split());
                Arena arena = Arena.ofConfined()) {
            files.write(List.of(column), null);
            MemorySegment selection = arena.allocate(4 * ColumnSpec.VECTOR_ROWS);
            for (int row = 0; row < cells.size(); row++) {
                selection.set(Cells.INT, row * 4L, row);
            }
            try (CFileReader reader = files.open();
                    ColumnBatch batch = new ColumnBatch(List.of(type), false, files.account);
                    ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
                cursor.seek(0);
                for (int row = 0; row < cells.size(); ) {
                    int fitting = cursor.fittingRows(
                            selection, row * 4L, cells.size() - row, Limits.BATCH_VARIABLE_BYTES_MAX);
                    assertTrue(fitting >= Math.min(15, cells.size() - row), "rows that fit: " + fitting);
                    cursor.readSelected(batch.column(0), selection, row * 4L, fitting);
                    batch.rowCount(fitting);
                    for (int i = 0; i < fitting; i++) {
                        check(cells.get(row + i), batch.column(0), i);
                    }
                    row += fitting;
                }
            }
        }
    }

    @Test
    void rawSectionsAndMetadataAreTheCallersOwn() {
        try (Files files = new Files(new SplittableRandom(1));
                CFileWriter writer = new CFileWriter(files.account)) {
            byte[] raw = {1, 2, 3, 4, 5};
            writer.addRaw(9, "history", MemorySegment.ofArray(raw), 1, 3);
            files.finish(writer, Files.FILE_ID);
            try (CFileReader reader = files.open()) {
                byte[] read = new byte[4];
                assertEquals(3, reader.rawBytes(9));
                reader.readRaw(9, MemorySegment.ofArray(read), 1);
                assertArrayEquals(new byte[] {0, 2, 3, 4}, read);
                Failure.expect(IllegalArgumentException.class, () -> reader.rawBytes(8), "no raw section with id 8");
                Failure.expect(IllegalArgumentException.class, () -> reader.column(9), "no column with id 9");
            }
        }
    }

    @Test
    void mistakesOfTheCallerAreNamed() {
        try (Files files = new Files(new SplittableRandom(1));
                CFileWriter writer = new CFileWriter(files.account)) {
            ColumnWriter column = writer.addColumn(ColumnSpec.of(1, "a", CellKind.INT8));
            writer.addColumn(ColumnSpec.of(2, "b", CellKind.INT8));
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> writer.addColumn(ColumnSpec.of(1, "c", CellKind.INT8)),
                    "two sections of a file have the id 1");
            Failure.expect(IllegalArgumentException.class, column::appendNull, "column a is not nullable", "row 0");
            column.append(MemorySegment.ofArray(new byte[1]), 0, 1);
            Failure.expect(
                    IllegalStateException.class,
                    () -> files.finish(writer, Files.FILE_ID),
                    "column b has 0 rows, but a has 1");
        }
    }
}
