package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.diskrowset.RowModel.Version;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellValue;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a delta file of what happened to rows before their base leads back to each of their versions. Method: the
 * history of random rowsets written to such files, and applied to the newest rows, against a map of all versions.
 */
final class UndoFileTest {
    private static final Path DIRECTORY = Path.of("/data");

    @RepeatedTest(5)
    void leadsBackToEachVersion(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 1 + random.nextInt(1 << random.nextInt(3, 11)), new Style(random.nextDouble(), 6, 60));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                DeltaBase base = DeltaBase.of(rowSet);
                if (files.write(model.schema, DeltaKind.UNDO, base, rowSet.changes(), 8) == null) {
                    return; // No row has changed.
                }
                try (DeltaFile file = files.openDelta(8, base)) {
                    file.verify();
                    assertEquals(DeltaKind.UNDO, file.kind());
                    assertFalse(file.mayChange(0, base.rowCount(), file.newestTime()));
                    for (int i = 0; i < 8; i++) {
                        int from = random.nextInt(model.rows.size());
                        int to = random.nextInt(from, model.rows.size()) + 1;
                        long snapshot = random.nextLong(RowModel.TIME_MIN - 1, RowModel.TIME_MAX + 1);
                        check(file, files.account, model, i == 0 ? 0 : from, i == 0 ? model.rows.size() : to, snapshot);
                    }
                }
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    private static void check(DeltaFile file, MemoryAccount account, RowModel model, int from, int to, long snapshot) {
        List<List<Version>> rows = new ArrayList<>(model.rows.values());
        List<@Nullable List<@Nullable CellValue>> present = new ArrayList<>();
        for (List<Version> versions : rows) {
            present.add(versions.getLast().cells());
        }
        boolean mayChange = file.mayChange(from, to, snapshot);
        try (DeltaSource.Cursor cursor = file.changes(from, to, snapshot, new int[] {1}, account)) {
            while (cursor.next()) {
                assertTrue(mayChange, "a change is denied");
                assertTrue(cursor.time() > snapshot, "a change that is not to be undone");
                int row = (int) cursor.ordinal();
                List<@Nullable CellValue> newest = lastValues(rows.get(row));
                present.set(row, applied(model, present.get(row), newest, cursor));
            }
        }
        for (int row = from; row < to; row++) {
            List<Version> versions = rows.get(row);
            boolean isWithoutHistory =
                    versions.size() == 1 && versions.getFirst().time() > snapshot;
            if (!isWithoutHistory) { // Otherwise its insert time says that it was not there.
                assertEquals(RowModel.at(versions, snapshot), present.get(row), "row " + row + " at " + snapshot);
            }
        }
    }

    private static List<@Nullable CellValue> lastValues(List<Version> versions) {
        for (int i = versions.size() - 1; ; i--) {
            List<@Nullable CellValue> cells = versions.get(i).cells();
            if (cells != null) {
                return cells;
            }
        }
    }

    private static @Nullable List<@Nullable CellValue> applied(
            RowModel model,
            @Nullable List<@Nullable CellValue> row,
            List<@Nullable CellValue> newest,
            DeltaSource.Cursor change) {
        MemorySegment memory = change.memory();
        if (RowChange.kind(memory, change.changeOffset()) == RowChange.DELETE) {
            return null;
        }
        assertEquals(RowChange.UPDATE, RowChange.kind(memory, change.changeOffset()));
        RowChange.check(model.layout, memory, change.changeOffset(), change.changeBytes());
        List<@Nullable CellValue> cells = new ArrayList<>(row == null ? newest : row);
        long cell = RowChange.firstCell(change.changeOffset());
        for (int i = RowChange.cellCount(memory, change.changeOffset()); i > 0; i--) {
            byte[] value = memory.asSlice(RowChange.cellValue(cell), RowChange.cellBytes(memory, cell))
                    .toArray(ValueLayout.JAVA_BYTE);
            int index = model.schema.indexOfId(RowChange.cellColumnId(memory, cell));
            cells.set(index, RowChange.cellIsNull(memory, cell) ? null : CellValue.ofBytes(value));
            cell = RowChange.nextCell(memory, cell);
        }
        return cells;
    }

    @Test
    void ofSeveralChangesAtOneTimeTheLastSaysWhetherTheRowExisted(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        byte[] delete = {RowChange.DELETE, 0, 0, 0};
        byte[] exists = {RowChange.UPDATE, 0, 0, 0};
        List<Change> changes = List.of(
                new Change(1, 9, delete), new Change(1, 9, exists),
                new Change(2, 9, exists), new Change(2, 9, delete),
                new Change(3, 9, delete), new Change(3, 8, exists));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            RowModel model = new RowModel(RowModel.drawSchema(random));
            files.write(model.schema, DeltaKind.UNDO, new DeltaBase(7, 10), new Everything(changes), 8);
            List<String> found = new ArrayList<>();
            try (DeltaFile file = files.openDelta(8, new DeltaBase(7, 10));
                    DeltaSource.Cursor cursor = file.changes(0, 10, 0)) {
                file.verify();
                while (cursor.next()) {
                    int kind = RowChange.kind(cursor.memory(), cursor.changeOffset());
                    found.add(
                            cursor.ordinal() + " " + cursor.time() + (kind == RowChange.DELETE ? " did not" : " did"));
                }
            }
            assertEquals(List.of("1 9 did", "2 9 did not", "3 9 did not", "3 8 did"), found);
        }
    }

    /** Yields all changes of a list, whichever way they lead. */
    record Everything(List<Change> changes) implements DeltaSource {
        @Override
        public boolean mayChange(long from, long to, long snapshot) {
            return true;
        }

        @Override
        public Cursor changes(long from, long to, long snapshot) {
            return new ListedDeltas(changes, RedoModel.always()).changes(from, to, Long.MAX_VALUE);
        }
    }

    @Test
    void refusesAnOrderThatLeadsForward(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(RowModel.drawSchema(random));
        byte[] delete = {RowChange.DELETE, 0, 0, 0};
        var listed = new ListedDeltas(
                List.of(new Change(4, 2_001, delete), new Change(4, 2_002, delete)), RedoModel.always());
        try (var files = new RowSetFiles(disk, DIRECTORY);
                var writer = new DeltaFileWriter(model.schema, DeltaKind.UNDO, new DeltaBase(7, 10), files.account);
                DeltaSource.Cursor cursor = listed.changes(0, 10, Long.MAX_VALUE)) {
            assertTrue(cursor.next());
            writer.append(cursor);
            assertTrue(cursor.next());
            Failure.expect(
                    IllegalArgumentException.class, () -> writer.append(cursor), "UNDO", "2002", "before", "2001");
            assertFalse(writer.isEmpty());
        }
    }
}
