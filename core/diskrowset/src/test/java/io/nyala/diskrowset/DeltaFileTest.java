package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: a delta file yields the changes that it was written from, for any rows, snapshot and columns, and scans that
 * apply several of them answer as the versions of the rows say. Method: random changes against the list of them, and
 * random scans against a sorted map of all versions.
 */
final class DeltaFileTest {
    private static final Path DIRECTORY = Path.of("/data");

    @RepeatedTest(5)
    void yieldsWhatItWasWrittenFrom(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 1 + random.nextInt(1 << random.nextInt(2, 12)), new Style(0, 1, 20));
        RedoModel redo = new RedoModel(model, random);
        redo.draw(new Style(random.nextDouble(), 1 + random.nextInt(6), 60), true);
        redo.reading.isIn = true;
        if (redo.changes.stream().noneMatch(DeltaFileTest::hasEffect)) {
            return;
        }
        var base = new DeltaBase(7, model.rows.size());
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            DeltaSource listed = redo.split(1).getFirst();
            List<Change> changes = collapsed(((ListedDeltas) listed).changes());
            DeltaFileOutput output = files.write(model.schema, base, listed, 8);
            try (DeltaFile file = files.openDelta(8, base)) {
                assertEquals(output.fileBytes(), file.fileBytes());
                assertEquals(output.cellCount(), file.cellCount());
                assertEquals(output.deletedCount(), file.deletedCount());
                assertEquals(changes.stream().mapToLong(Change::time).min().orElseThrow(), file.oldestTime());
                assertEquals(changes.stream().mapToLong(Change::time).max().orElseThrow(), file.newestTime());
                file.verify();
                checkDeleted(file, changes, base.rowCount());
                for (int i = 0; i < 40; i++) {
                    checkRange(file, files.account, changes, model, random);
                }
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    /** Those that say something, as one where several UPDATEs of a row have the same time. */
    private static List<Change> collapsed(List<Change> changes) {
        List<Change> collapsed = new ArrayList<>();
        for (Change change : changes) {
            Change last = collapsed.isEmpty() ? null : collapsed.getLast();
            boolean isSame = last != null && last.ordinal() == change.ordinal() && last.time() == change.time();
            if (last != null && isSame && !isDelete(change)) {
                collapsed.removeLast();
                byte[] merged = RedoModel.merged(last.bytes(), change.bytes());
                collapsed.add(new Change(change.ordinal(), change.time(), merged));
            } else if (hasEffect(change)) {
                collapsed.add(change);
            }
        }
        return collapsed;
    }

    /** An UPDATE of no cells says nothing. */
    private static boolean hasEffect(Change change) {
        MemorySegment memory = MemorySegment.ofArray(change.bytes());
        return RowChange.kind(memory, 0) == RowChange.DELETE || RowChange.cellCount(memory, 0) > 0;
    }

    static boolean isDelete(Change change) {
        return RowChange.kind(MemorySegment.ofArray(change.bytes()), 0) == RowChange.DELETE;
    }

    private static void checkDeleted(DeltaFile file, List<Change> changes, long rowCount) {
        List<Long> expected = changes.stream()
                .filter(DeltaFileTest::isDelete)
                .map(Change::ordinal)
                .toList();
        List<Long> actual = new ArrayList<>();
        for (long ordinal = 0; ordinal < rowCount + 2; ordinal++) {
            if (file.isDeleted(ordinal)) {
                actual.add(ordinal);
            }
        }
        assertEquals(expected, actual);
    }

    private static void checkRange(
            DeltaFile file, MemoryAccount account, List<Change> changes, RowModel model, SplittableRandom random) {
        long from = random.nextInt(4) == 0 ? 0 : random.nextLong(model.rows.size());
        long to = random.nextInt(4) == 0 ? Long.MAX_VALUE : random.nextLong(from, model.rows.size() + 1L);
        long snapshot =
                random.nextInt(3) == 0 ? Long.MAX_VALUE : random.nextLong(RedoModel.TIME_MIN, RedoModel.TIME_MAX);
        int[] ids = random.ints(random.nextInt(4), 1, model.schema.columnCount())
                .distinct()
                .sorted()
                .toArray();
        List<Change> relevant = new ArrayList<>(changes);
        relevant.removeIf(change -> change.ordinal() < from || change.ordinal() >= to || change.time() > snapshot);
        assertTrue(relevant.isEmpty() || file.mayChange(from, to, snapshot), "a change is denied");
        String what = "rows " + from + " to " + to + " at " + snapshot;
        long seekTo = random.nextBoolean() ? -1 : random.nextLong(model.rows.size());
        relevant.removeIf(change -> change.ordinal() < seekTo);
        if (random.nextBoolean()) {
            try (DeltaSource.Cursor cursor = file.changes(from, to, snapshot)) {
                checkAll(cursor, relevant, seekTo, random, what);
            }
        } else {
            try (DeltaSource.Cursor cursor = file.changes(from, to, snapshot, ids, account)) {
                NewestCells.check(cursor, relevant, ids, seekTo, random, what);
            }
        }
    }

    private static void checkAll(
            DeltaSource.Cursor cursor, List<Change> relevant, long seekTo, SplittableRandom random, String what) {
        List<String> expected = new ArrayList<>();
        for (Change change : relevant) {
            expected.add(change.ordinal() + " " + change.time() + " " + Arrays.toString(change.bytes()));
        }
        List<String> actual = new ArrayList<>();
        boolean isAny = seekTo < 0 ? cursor.next() : cursor.seek(seekTo);
        while (isAny) {
            actual.add(describe(cursor));
            long skipTo = cursor.ordinal() + random.nextLong(4) * random.nextInt(200);
            boolean isSkipping = random.nextInt(5) == 0 && skipTo > cursor.ordinal();
            int done = actual.size();
            while (isSkipping
                    && done < expected.size()
                    && Long.parseLong(expected.get(done).split(" ", -1)[0]) < skipTo) {
                expected.remove(done);
            }
            isAny = isSkipping ? cursor.seek(skipTo) : cursor.next();
        }
        assertFalse(cursor.next(), "a change behind the last");
        assertEquals(expected, actual, what);
    }

    static String describe(DeltaSource.Cursor cursor) {
        byte[] bytes = cursor.memory()
                .asSlice(cursor.changeOffset(), cursor.changeBytes())
                .toArray(ValueLayout.JAVA_BYTE);
        return cursor.ordinal() + " " + cursor.time() + " " + Arrays.toString(bytes);
    }

    /** The UPDATE with the cells of these columns only; nothing if there is none. */
    static byte[] restricted(byte[] change, int... ids) {
        MemorySegment memory = MemorySegment.ofArray(change);
        var cells = new ByteArrayOutputStream();
        int count = 0;
        long cell = RowChange.firstCell(0);
        for (int i = RowChange.cellCount(memory, 0); i > 0; i--) {
            long next = RowChange.nextCell(memory, cell);
            if (Arrays.binarySearch(ids, RowChange.cellColumnId(memory, cell)) >= 0) {
                cells.write(change, (int) cell, (int) (next - cell));
                count++;
            }
            cell = next;
        }
        byte[] bytes = new byte[count == 0 ? 0 : RowChange.HEADER_BYTES + cells.size()];
        if (count > 0) {
            RowChange.startUpdate(MemorySegment.ofArray(bytes), 0, count);
            System.arraycopy(cells.toByteArray(), 0, bytes, RowChange.HEADER_BYTES, cells.size());
        }
        return bytes;
    }

    @RepeatedTest(5)
    void scansWithDeltaFilesAnswerAsTheModelDoes(@Seed SplittableRandom random) {
        int rowCount = 1 + random.nextInt(1 << random.nextInt(2, 12));
        checkScans(random, RowModel.drawSchema(random), rowCount, new Style(random.nextDouble(), 5, 60), 10);
    }

    @Test
    void largeStringsAnswerAsTheModelDoes(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("text", ColumnType.STRING),
                Column.of("bytes", ColumnType.BINARY).nullable());
        checkScans(random, schema, 300, new Style(0.4, 3, 60_000), 3);
    }

    @Test
    void manyVectorsAnswerAsTheModelDoes(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("n", ColumnType.INT64),
                Column.of("s", ColumnType.STRING).nullable());
        checkScans(random, schema, 5_000, new Style(0.6, 3, 20), 6);
    }

    private static void checkScans(SplittableRandom random, Schema schema, int rowCount, Style style, int scanCount) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(schema);
        model.fill(random, rowCount, new Style(random.nextInt(3) * 0.2, 3, style.stringBytesMax()));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(style, true);
            redo.reading.isIn = true;
            var probes = new RowSetProbes(model, random);
            try (DiskRowSet rowSet = files.open(model);
                    var flushed = new FlushedDeltas(files, rowSet, model, redo.split(random.nextInt(1, 5)))) {
                flushed.verify();
                for (int i = 0; i < scanCount; i++) {
                    ScanSpec spec = i == 0 ? ScanSpec.all(schema, Long.MAX_VALUE) : probes.drawSpec();
                    int[] fileCount = {0};
                    probes.checkScan(
                            spec,
                            files.account,
                            () -> rowSet.scan(spec, files.account, () -> {
                                fileCount[0] = Math.min(flushed.count(), fileCount[0] + random.nextInt(2));
                                return flushed.state(fileCount[0]);
                            }));
                }
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    /** Sources of which the oldest so many are in files by now. */
    private static final class FlushedDeltas implements AutoCloseable {
        private final List<DeltaFile> opened = new ArrayList<>();
        private final List<List<DeltaSource>> states = new ArrayList<>();

        FlushedDeltas(RowSetFiles files, DiskRowSet rowSet, RowModel model, List<DeltaSource> sources) {
            states.add(sources);
            DeltaBase base = DeltaBase.of(rowSet);
            for (int i = 0; i < sources.size(); i++) {
                List<DeltaSource> state = new ArrayList<>(states.getLast());
                boolean isAny =
                        ((ListedDeltas) sources.get(i)).changes().stream().anyMatch(DeltaFileTest::hasEffect);
                if (isAny) {
                    files.write(model.schema, base, sources.get(i), 100 + i);
                    DeltaFile file = files.openDelta(100 + i, base);
                    opened.add(file);
                    state.set(i, file);
                }
                states.add(List.copyOf(state));
            }
        }

        void verify() {
            opened.forEach(DeltaFile::verify);
        }

        int count() {
            return states.size() - 1;
        }

        List<DeltaSource> state(int fileCount) {
            return states.get(fileCount);
        }

        @Override
        public void close() {
            opened.forEach(DeltaFile::close);
        }
    }

    @Test
    void aWideTableIsReadOnlyInTheColumnsThatAreNeeded(@Seed SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        columns.add(Column.key("k", ColumnType.INT32));
        for (int i = 0; i < 900; i++) {
            columns.add(Column.of("c" + i, i % 10 == 9 ? ColumnType.STRING : ColumnType.INT64)
                    .nullable());
        }
        Schema schema = Schema.of(columns);
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(schema);
        model.fill(random, 60, new Style(0, 1, 12));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(new Style(0.7, 3, 12), true);
            redo.reading.isIn = true;
            try (DiskRowSet rowSet = files.open(model);
                    var flushed = new FlushedDeltas(files, rowSet, model, redo.split(1))) {
                var probes = new RowSetProbes(model, random);
                long missesBefore = files.cache.statistics().misses();
                ScanSpec spec = ScanSpec.all(schema, Long.MAX_VALUE).withProjection(List.of(17, 450));
                long usedBefore = files.budget.usedBytes();
                probes.checkScan(spec, files.account, () -> rowSet.scan(spec, files.account, () -> flushed.state(1)));
                assertTrue(files.cache.statistics().misses() - missesBefore <= 6, "pages of other columns were read");
                assertTrue(files.account.peakBytes() < usedBefore + (64 << 20), "memory for other columns was taken");
                ScanSpec all = ScanSpec.all(schema, Long.MAX_VALUE);
                probes.checkScan(all, files.account, () -> rowSet.scan(all, files.account, () -> flushed.state(1)));
            }
        }
    }

    private static final Schema NUMBERS = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64), Column.of("w", ColumnType.STRING));

    @Test
    void pagesThatAreNotCachedAreReadTogether(@Seed SplittableRandom random) {
        var simulated = new SimulatedDisk(random.split());
        simulated.createDirectories(DIRECTORY);
        var disk = new CountingDisk(simulated);
        RowModel model = new RowModel(NUMBERS);
        model.fill(random, 16_000, new Style(0, 1, 6));
        RedoModel redo = new RedoModel(model, random);
        redo.draw(new Style(1, 2, 6), false);
        redo.reading.isIn = true;
        var base = new DeltaBase(7, model.rows.size());
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(NUMBERS, base, redo.split(1).getFirst(), 8);
            try (DeltaFile file = files.openDelta(8, base)) {
                disk.reset();
                try (DeltaSource.Cursor cursor = file.changes(0, Long.MAX_VALUE, Long.MAX_VALUE)) {
                    assertTrue(cursor.next());
                    assertTrue(disk.inFlightMost() >= 2, "the columns' pages were read one by one");
                    while (cursor.next()) {}
                }
                long pages = files.cache.statistics().misses();
                assertTrue(pages > 20, "only " + pages + " pages");
                assertTrue(disk.reads() * 3 < pages, disk.reads() + " reads for " + pages + " pages");
            }
        }
    }

    @Test
    @Tag("allocation")
    void scansThatApplyAFileCostNothingPerRow(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(NUMBERS);
        int rowCount = 8 * 1024;
        model.fill(random, rowCount, new Style(0, 1, 6));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            RedoModel redo = new RedoModel(model, random);
            redo.draw(new Style(0.3, 2, 6), false);
            redo.reading.isIn = true;
            try (DiskRowSet rowSet = files.open(model);
                    var flushed = new FlushedDeltas(files, rowSet, model, redo.split(1))) {
                for (boolean isOrdered : new boolean[] {false, true}) {
                    ScanSpec spec = ScanSpec.all(NUMBERS, Long.MAX_VALUE).withKeyOrder(isOrdered);
                    try (ColumnBatch batch = ColumnBatch.of(spec, files.account)) {
                        // What is made once per scan; 2,400 corrected rows at 16 bytes would be 38 KB.
                        Allocation.assertAtMost(16 << 10, "a scan of " + rowCount + " rows, 2,400 changed,", () -> {
                            try (RowCursor cursor =
                                    rowSet.scan(spec, files.account, () -> flushed.state(flushed.count()))) {
                                long rows = 0;
                                while (cursor.next(batch)) {
                                    rows += batch.rowCount();
                                }
                                assertEquals(rowCount, rows);
                            }
                        });
                    }
                }
            }
        }
    }

    @Test
    void ofSeveralChangesAtOneTimeTheLastCounts(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        var base = new DeltaBase(7, 10);
        byte[] first = RedoModel.update(1, 5, 2, "first");
        byte[] second = RedoModel.update(1, 6, 2, "2nd");
        byte[] delete = {RowChange.DELETE, 0, 0, 0};
        var listed = new ListedDeltas(
                List.of(new Change(4, 2_001, first), new Change(4, 2_001, second), new Change(4, 2_001, delete)),
                RedoModel.always());
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(NUMBERS, base, listed, 8);
            try (DeltaFile file = files.openDelta(8, base);
                    DeltaSource.Cursor cursor = file.changes(0, 10, Long.MAX_VALUE)) {
                assertTrue(cursor.next());
                assertArrayEquals(
                        second,
                        cursor.memory()
                                .asSlice(cursor.changeOffset(), cursor.changeBytes())
                                .toArray(ValueLayout.JAVA_BYTE));
                assertTrue(cursor.next());
                assertEquals(RowChange.DELETE, RowChange.kind(cursor.memory(), cursor.changeOffset()));
                assertFalse(cursor.next());
                assertTrue(file.touches(1) && file.touches(2) && !file.touches(0));
            }
        }
    }

    @Test
    void aValueInThePlaceOfANullIsKept(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("v", ColumnType.INT8).nullable());
        byte[] empty = {RowChange.UPDATE, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0};
        byte[] five = {RowChange.UPDATE, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5};
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            checkLastCounts(files, schema, empty, five, 8);
            checkLastCounts(files, schema, five, empty, 9);
        }
    }

    private static void checkLastCounts(RowSetFiles files, Schema schema, byte[] first, byte[] last, long fileId) {
        var listed =
                new ListedDeltas(List.of(new Change(4, 2_001, first), new Change(4, 2_001, last)), RedoModel.always());
        files.write(schema, new DeltaBase(7, 10), listed, fileId);
        try (DeltaFile file = files.openDelta(fileId, new DeltaBase(7, 10));
                DeltaSource.Cursor cursor = file.changes(0, 10, Long.MAX_VALUE)) {
            assertTrue(cursor.next());
            assertArrayEquals(
                    last,
                    cursor.memory()
                            .asSlice(cursor.changeOffset(), cursor.changeBytes())
                            .toArray(ValueLayout.JAVA_BYTE));
            assertFalse(cursor.next());
        }
    }

    @Test
    void refusesChangesThatCannotBe(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        byte[] update = RedoModel.update(1, 5, 2, "x");
        byte[] delete = {RowChange.DELETE, 0, 0, 0};
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            refuse(files, "between 4", new Change(4, 2_001, update), new Change(3, 2_001, update));
            refuse(files, "row 4 changes at 2000", new Change(4, 2_001, update), new Change(4, 2_000, update));
            refuse(files, "was deleted", new Change(4, 2_001, delete), new Change(4, 2_002, update));
            refuse(files, "and 9", new Change(10, 2_001, update));
            refuse(files, "without changes");
            assertFalse(disk.exists(files.file(8).path()));
        }
    }

    private static void refuse(RowSetFiles files, String part, Change... changes) {
        long usedBefore = files.budget.usedBytes();
        var listed = new ListedDeltas(List.of(changes), RedoModel.always());
        try (var writer = new DeltaFileWriter(NUMBERS, new DeltaBase(7, 10), files.account);
                DeltaSource.Cursor cursor = listed.changes(0, Long.MAX_VALUE, Long.MAX_VALUE)) {
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> {
                        while (cursor.next()) {
                            writer.append(cursor);
                        }
                        IoQueue queue = files.io.borrow();
                        try {
                            writer.finish(files.file(8), queue);
                        } finally {
                            files.io.giveBack(queue);
                        }
                    },
                    part);
        }
        assertEquals(usedBefore, files.budget.usedBytes());
    }
}
