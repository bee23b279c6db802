package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.diskrowset.RowModel.Version;
import io.nyala.io.DiskException;
import io.nyala.rows.CellFilter;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Limits;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowChange;
import io.nyala.rows.Schema;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: whether a cell of a row equals another is answered by its newest value in any file, and pages for it are read
 * together. Method: random rows of all types with random changes in several delta files, in the schema that they were
 * written in or a later one, against what a predicate says of the row in the model; disks that count and fail.
 */
final class CellTestsTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final Style SMALL = new Style(0.2, 3, 30);

    private static final Schema NUMBERS = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("a", ColumnType.INT64).encoding(ColumnEncoding.PLAIN),
            Column.of("b", ColumnType.STRING).encoding(ColumnEncoding.PLAIN).nullable());

    /** Questions, and what they compare with. */
    private static final class Questions {
        final CellTests tests = new CellTests();
        final List<Boolean> expected = new ArrayList<>();
        private final RowModel model;
        private final MemorySegment memory = MemorySegment.ofArray(new byte[1 << 20]);
        private long end = 1; // Nothing is aligned.

        Questions(RowModel model) {
            this.model = model;
            tests.clear(memory);
        }

        void add(int column, long ordinal, @Nullable CellValue newest, @Nullable CellValue other) {
            int bytes = other == null ? 0 : other.bytes();
            long value = RowChange.startCell(memory, end, model.layout.columnId(column), other == null, bytes);
            if (other != null) {
                MemorySegment.copy(other.segment(), 0, memory, value, bytes);
            }
            tests.add(column, ordinal, end, 1_000 + expected.size());
            expected.add(isEqual(column, newest, other));
            end = value + bytes;
        }

        private boolean isEqual(int column, @Nullable CellValue newest, @Nullable CellValue other) {
            Predicate equality = other == null ? new Predicate.IsNull(column) : new Predicate.Equal(column, other);
            List<@Nullable CellValue> cells = new ArrayList<>();
            for (int i = 0; i < model.schema.columnCount(); i++) {
                int bytes = model.layout.isVariable(i) ? 0 : model.layout.cellBytes(i);
                cells.add(i == column ? newest : CellValue.ofBytes(new byte[bytes]));
            }
            return CellFilter.of(model.schema, equality).matches(model.layout, model.packed(cells), 0);
        }

        void answer(DiskRowSet rowSet, List<DeltaFile> oldestFirst) {
            for (DeltaFile file : oldestFirst.reversed()) {
                file.answer(tests, model.schema);
            }
            rowSet.answer(tests);
            assertFalse(tests.isAnyOpen());
        }

        void check() {
            assertEquals(expected.size(), tests.count());
            for (int i = 0; i < expected.size(); i++) {
                assertEquals(1_000 + i, tests.token(i));
                String what = model.schema.column(tests.column(i)).name() + " of row " + tests.ordinal(i);
                assertEquals(expected.get(i), tests.isEqual(i), what);
            }
        }
    }

    @RepeatedTest(8)
    void areAnsweredByTheNewestValue(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel written = new RowModel(RowModel.drawSchema(random));
        written.fill(random, random.nextInt(1, 3_000), SMALL);
        boolean isLater = random.nextBoolean();
        RowModel model =
                isLater ? written.evolved(SchemaChangeTest.change(written, random, new ArrayList<>())) : written;
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(written);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(new Style(random.nextDouble(), random.nextInt(1, 30), 60), false);
            try (DiskRowSet rowSet = files.open(model)) {
                List<DeltaFile> deltas = write(files, redo, model.schema, rowSet, random.nextInt(1, 4));
                for (int i = 0; i < 5; i++) {
                    Questions questions = draw(model, random);
                    questions.answer(rowSet, deltas);
                    questions.check();
                }
                deltas.forEach(DeltaFile::close);
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    /** Changes in several delta files, oldest first; fewer if some would be empty. */
    private static List<DeltaFile> write(
            RowSetFiles files, RedoModel redo, Schema schema, DiskRowSet rowSet, int count) {
        List<DeltaFile> deltas = new ArrayList<>();
        redo.reading.isIn = true;
        DeltaBase base = DeltaBase.of(rowSet);
        long id = 20;
        for (DeltaSource source : redo.split(count)) {
            if (files.writeIfAny(schema, base, source, ++id) != null) {
                deltas.add(files.openDelta(id, base));
            }
        }
        return deltas;
    }

    private static Questions draw(RowModel model, SplittableRandom random) {
        Questions questions = new Questions(model);
        int oneIn = 1 + random.nextInt(1 << random.nextInt(10));
        List<List<Version>> rows = List.copyOf(model.rows.values());
        for (int column = model.schema.keyColumnCount(); column < model.schema.columnCount(); column++) {
            for (int ordinal = 0; ordinal < rows.size(); ordinal++) {
                List<@Nullable CellValue> newest = rows.get(ordinal).getLast().cells();
                for (int twins = random.nextInt(3); newest != null && twins > 0; twins--) {
                    if (random.nextInt(oneIn) == 0 && questions.end < 900_000) {
                        CellValue other =
                                random.nextBoolean() ? newest.get(column) : model.drawCell(random, column, SMALL);
                        questions.add(column, ordinal, newest.get(column), other);
                    }
                }
            }
        }
        return questions;
    }

    private static RowModel numbers(int rowCount) {
        RowModel model = new RowModel(NUMBERS);
        for (int i = 0; i < rowCount; i++) {
            List<@Nullable CellValue> cells = List.of(
                    CellValue.of(NUMBERS.column(0), i),
                    CellValue.of(NUMBERS.column(1), i * 31L),
                    CellValue.ofBytes("text %012d".formatted(i).getBytes(StandardCharsets.UTF_8)));
            model.rows.put(model.key(cells), new ArrayList<>(List.of(new Version(RowModel.TIME_MIN, cells))));
        }
        return model;
    }

    /** A row of every so many is asked for, in two columns. */
    private static Questions spread(RowModel model, int step) {
        Questions questions = new Questions(model);
        List<List<Version>> rows = List.copyOf(model.rows.values());
        for (int column = 1; column <= 2; column++) {
            for (int ordinal = 7; ordinal < rows.size(); ordinal += step) {
                CellValue newest = Objects.requireNonNull(
                                rows.get(ordinal).getLast().cells())
                        .get(column);
                questions.add(column, ordinal, newest, newest);
            }
        }
        return questions;
    }

    private static final int STEP = 4 * Limits.VECTOR_ROWS; // Pages that do not touch.

    @Test
    void pagesAreReadTogether(@Seed SplittableRandom random) {
        var simulated = new SimulatedDisk(random.split());
        simulated.createDirectories(DIRECTORY);
        var disk = new CountingDisk(simulated);
        RowModel model = numbers(50_000);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(new Style(0.5, 4, 30), false); // Many pages between those that are wanted.
            try (DiskRowSet rowSet = files.open(model)) {
                List<DeltaFile> deltas = write(files, redo, model.schema, rowSet, 1);
                Questions questions = spread(model, STEP);
                disk.reset();
                deltas.getFirst().answer(questions.tests, model.schema);
                assertTrue(disk.inFlightMost() >= 8, disk.inFlightMost() + " reads of the delta file in flight");
                disk.reset();
                rowSet.answer(questions.tests);
                assertTrue(disk.inFlightMost() >= 4, disk.inFlightMost() + " reads in flight");
                questions.check();
                disk.reset();
                Questions again = spread(model, STEP);
                again.answer(rowSet, deltas);
                again.check();
                assertEquals(0, disk.reads(), "what is cached was read");
                deltas.forEach(DeltaFile::close);
            }
        }
    }

    @Test
    void aRowMayHaveChangedMoreOftenThanARunReadsPages(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = numbers(20);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            List<Version> versions = model.rows.values().iterator().next();
            for (int i = 0; i < 70_000; i++) { // Pages have 1,024 entries at most, a run 64 pages.
                redo.changes.add(new Change(0, RedoModel.TIME_MIN + i, RedoModel.update(1, i, 2, "x")));
            }
            List<@Nullable CellValue> cells = new ArrayList<>();
            cells.addAll(Objects.requireNonNull(versions.getLast().cells()));
            cells.set(1, CellValue.of(NUMBERS.column(1), 69_999L));
            cells.set(2, CellValue.ofBytes(new byte[] {'x'}));
            versions.add(new Version(RedoModel.TIME_MIN + 70_000, cells));
            try (DiskRowSet rowSet = files.open(model)) {
                List<DeltaFile> deltas = write(files, redo, model.schema, rowSet, 1);
                Questions questions = new Questions(model);
                for (int ordinal = 0; ordinal < 3; ordinal++) {
                    CellValue value = CellValue.of(NUMBERS.column(1), ordinal == 0 ? 69_999L : ordinal * 31L);
                    questions.add(1, ordinal, value, value);
                }
                questions.answer(rowSet, deltas);
                questions.check();
                deltas.forEach(DeltaFile::close);
            }
        }
    }

    @Test
    void everyFailedReadIsReportedAndLeavesNothingBehind(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = numbers(20_000);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(new Style(0.1, 2, 30), false);
            try (DiskRowSet rowSet = files.open(model)) {
                write(files, redo, model.schema, rowSet, 1).forEach(DeltaFile::close);
            }
            int failed = 0;
            for (int call = 0; ; call++) {
                files.forget();
                long usedBefore = files.usedBytes();
                try (DiskRowSet rowSet = files.open(model);
                        DeltaFile deltas = files.openDelta(21, DeltaBase.of(rowSet))) {
                    Questions questions = spread(model, STEP);
                    disk.failCall(disk.callCount() + call, DiskException.Kind.IO_ERROR);
                    try {
                        questions.answer(rowSet, List.of(deltas));
                        break;
                    } catch (DiskException e) {
                        failed++;
                        Questions again = spread(model, STEP);
                        again.answer(rowSet, List.of(deltas));
                        again.check();
                    } finally {
                        disk.forgetFailures();
                    }
                }
                files.forget();
                assertEquals(usedBefore, files.usedBytes(), "after call " + call);
            }
            assertTrue(failed >= 4, failed + " calls failed");
        }
        assertEquals(0, disk.openFileCount());
    }

    @Test
    @Tag("allocation")
    void costNothingOnTheHeap(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = numbers(5_000);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                Questions questions = spread(model, 9);
                CellTests copy = new CellTests();
                Allocation.assertNone("answers by a rowset's file", () -> {
                    copy.clear(questions.tests.memory());
                    for (int i = 0; i < questions.tests.count(); i++) {
                        CellTests from = questions.tests;
                        copy.add(from.column(i), from.ordinal(i), from.cell(i), i);
                    }
                    rowSet.answer(copy);
                });
            }
        }
    }
}
