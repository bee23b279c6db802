package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.io.DiskException;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: what several delta files have of a rowset's rows is the same in the one that takes their place, which is as if
 * all changes had been written together; that takes little memory, and whatever fails on the way leaves nothing behind.
 * Method: random changes, cut by time into files, against one file of all; a wide table; failed calls, and memory that
 * ends.
 */
final class DeltaFileMergeTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final long WHOLE = 90;
    private static final long MERGED = 91;

    private SplittableRandom random;
    private SimulatedDisk disk;

    @BeforeEach
    void fill(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
    }

    /** Files of changes of one rowset, the oldest first. */
    private static final class Inputs implements AutoCloseable {
        private final RowSetFiles files;
        private final DeltaBase base;
        private final List<DeltaFile> opened = new ArrayList<>();
        private int writeCount;

        Inputs(RowSetFiles files, DeltaBase base) {
            this.files = files;
            this.base = base;
        }

        void add(Schema schema, DeltaSource changes) {
            long fileId = 10L + opened.size();
            if (files.writeIfAny(schema, base, changes, fileId) != null) {
                opened.add(files.openDelta(fileId, base));
            }
        }

        /** With none of their pages in memory. */
        void reopen() {
            List<Long> fileIds = opened.stream().map(DeltaFile::fileId).toList();
            close();
            opened.clear();
            files.forget();
            fileIds.forEach(fileId -> opened.add(files.openDelta(fileId, base)));
        }

        /** Merges them; false if nothing is left. */
        boolean merge(Schema schema, MemoryAccount account) {
            try (var merge = new DeltaFileMerge(schema, opened, account)) {
                long before = 0;
                while (merge.step()) {
                    assertTrue(merge.entryCount() - before <= 4096, "a step is bounded");
                    before = merge.entryCount();
                }
                if (merge.isEmpty()) {
                    return false;
                }
                merge.create(files.file(MERGED));
                DeltaFileOutput output = null;
                while (output == null) {
                    long writtenBefore = merge.writtenBytes();
                    output = write(merge);
                    writeCount++;
                    assertTrue(merge.writtenBytes() - writtenBefore < 2 << 20, "a piece of the file is bounded");
                }
                assertEquals(merge.entryCount(), output.changeCount());
                assertTrue(merge.entryCount() <= merge.entryCountMax(), "more entries than there can be");
                return true;
            }
        }

        /** By another queue each time, if there are others. */
        private @Nullable DeltaFileOutput write(DeltaFileMerge merge) {
            IoQueue queue = files.io.borrow();
            try {
                return merge.write(queue);
            } finally {
                assertEquals(0, queue.inFlight());
                files.io.giveBack(queue);
            }
        }

        @Override
        public void close() {
            opened.forEach(DeltaFile::close);
        }
    }

    private RedoModel draw(RowModel model, Style style) {
        RedoModel redo = new RedoModel(model, random);
        redo.draw(style, true);
        redo.reading.isIn = true;
        return redo;
    }

    @RepeatedTest(8)
    void isAsIfAllHadBeenWrittenTogether() {
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 1 + random.nextInt(1 << random.nextInt(2, 12)), new Style(0, 1, 20));
        RedoModel redo = draw(model, new Style(random.nextDouble(), 1 + random.nextInt(10), 60));
        var base = new DeltaBase(7, model.rows.size());
        try (var files = new RowSetFiles(disk, DIRECTORY);
                var inputs = new Inputs(files, base)) {
            redo.split(random.nextInt(1, 9)).forEach(source -> inputs.add(model.schema, source));
            if (inputs.opened.isEmpty()) {
                return;
            }
            files.write(model.schema, base, redo.split(1).getFirst(), WHOLE);
            assertTrue(inputs.merge(model.schema, files.account));
            try (DeltaFile whole = files.openDelta(WHOLE, base);
                    DeltaFile merged = files.openDelta(MERGED, base)) {
                merged.verify();
                assertEquals(list(whole), list(merged));
                assertEquals(pages(whole), pages(merged));
                assertEquals(whole.deletedCount(), merged.deletedCount());
                assertEquals(whole.changeCount(), merged.changeCount());
                assertEquals(whole.oldestTime() + " " + whole.newestTime(), times(merged));
                long sum = inputs.opened.stream()
                        .mapToLong(DeltaFile::deletedCount)
                        .sum();
                assertEquals(sum, merged.deletedCount());
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    private static String times(DeltaFile file) {
        return file.oldestTime() + " " + file.newestTime();
    }

    private static List<String> pages(DeltaFile file) {
        return file.columns().stream()
                .map(column -> column.id() + " " + column.cellBytes() + " " + column.pages())
                .toList();
    }

    private static List<String> list(DeltaFile file) {
        List<String> changes = new ArrayList<>();
        try (DeltaSource.Cursor cursor = file.changes(0, Long.MAX_VALUE, Long.MAX_VALUE)) {
            while (cursor.next()) {
                changes.add(DeltaFileTest.describe(cursor));
            }
        }
        return changes;
    }

    @Test
    void cellsOfColumnsThatWereDroppedGo() {
        Schema before = Schema.of(
                Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64), Column.of("w", ColumnType.STRING));
        Schema after = new Schema(1, 3, before.columns().subList(0, 2));
        Schema onlyKey = new Schema(2, 3, before.columns().subList(0, 1));
        var base = new DeltaBase(7, 10);
        byte[] update = RedoModel.update(1, 5, 2, "first");
        try (var files = new RowSetFiles(disk, DIRECTORY);
                var inputs = new Inputs(files, base)) {
            inputs.add(before, new ListedDeltas(List.of(new Change(4, 2_001, update)), RedoModel.always()));
            inputs.add(before, new ListedDeltas(List.of(new Change(4, 2_002, update)), RedoModel.always()));
            assertTrue(inputs.merge(after, files.account));
            try (DeltaFile merged = files.openDelta(MERGED, base)) {
                merged.verify();
                assertTrue(merged.touches(1) && !merged.touches(2));
                assertEquals(2, merged.cellCount());
            }
            assertFalse(inputs.merge(onlyKey, files.account), "nothing is left");
        }
    }

    @Test
    void filesOfOtherRowsOrInAnotherOrderAreRefused() {
        var base = new DeltaBase(7, 10);
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64), Column.of("w", ColumnType.STRING));
        byte[] update = RedoModel.update(1, 5, 2, "x");
        byte[] delete = {RowChange.DELETE, 0, 0, 0};
        try (var files = new RowSetFiles(disk, DIRECTORY);
                var inputs = new Inputs(files, base)) {
            inputs.add(schema, new ListedDeltas(List.of(new Change(4, 2_002, delete)), RedoModel.always()));
            inputs.add(schema, new ListedDeltas(List.of(new Change(4, 2_001, delete)), RedoModel.always()));
            try (MemoryAccount own = files.budget.account("merge", 0)) {
                Failure.expect(
                        IllegalStateException.class,
                        () -> inputs.merge(schema, own),
                        "row 4 changes at 2001 in",
                        "at 2002 in an older delta file");
                var other = new DeltaBase(8, 10);
                var changes = new ListedDeltas(List.of(new Change(4, 2_003, update)), RedoModel.always());
                files.write(schema, other, changes, WHOLE);
                inputs.opened.add(files.openDelta(WHOLE, other));
                Failure.expect(
                        IllegalArgumentException.class,
                        () -> inputs.merge(schema, own),
                        "merged with changes of " + base);
            }
        }
    }

    @Test
    void aWideTableTakesAsLittleAsANarrowOne() {
        List<Column> columns = new ArrayList<>();
        columns.add(Column.key("k", ColumnType.INT32));
        for (int i = 0; i < 300; i++) {
            columns.add(Column.of("c" + i, i % 10 == 9 ? ColumnType.STRING : ColumnType.INT64)
                    .nullable());
        }
        RowModel model = new RowModel(Schema.of(columns));
        model.fill(random, 30, new Style(0, 1, 12));
        RedoModel redo = draw(model, new Style(1, 6, 12));
        var base = new DeltaBase(7, model.rows.size());
        try (var files = new RowSetFiles(disk, DIRECTORY);
                var inputs = new Inputs(files, base);
                MemoryAccount own = files.budget.account("merge", 0)) {
            redo.split(6).forEach(source -> inputs.add(model.schema, source));
            assertTrue(inputs.opened.size() >= 4);
            assertTrue(inputs.merge(model.schema, own));
            // For each column of the output its first slabs; for one column a page of each input, and what is encoded.
            long most = 300 * 2 * (16 << 10) + (3 << 20);
            assertTrue(own.peakBytes() < most, () -> own.peakBytes() + " bytes, " + most + " expected");
            assertEquals(0, own.usedBytes());
        }
    }

    @Test
    void aLargeFileIsWrittenInPiecesBetweenWhichItCanBeGivenUp() {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64), Column.of("w", ColumnType.STRING));
        var base = new DeltaBase(7, 100);
        try (var files = new RowSetFiles(disk, DIRECTORY);
                var inputs = new Inputs(files, base);
                MemoryAccount own = files.budget.account("merge", 0)) {
            for (int file = 0; file < 2; file++) {
                List<Change> changes = new ArrayList<>();
                for (int row = 0; row < base.rowCount(); row++) {
                    String text = random.ints(30_000, '!', '~')
                            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                            .toString();
                    changes.add(new Change(row, 2_000 + file, RedoModel.update(1, row, 2, text)));
                }
                inputs.add(schema, new ListedDeltas(changes, RedoModel.always()));
            }
            assertTrue(inputs.merge(schema, own));
            assertTrue(inputs.writeCount >= 4, inputs.writeCount + " pieces");
            Path given = files.file(WHOLE).path();
            try (var merge = new DeltaFileMerge(schema, inputs.opened, own)) {
                while (merge.step()) {
                    // All of it comes into memory.
                }
                merge.create(files.file(WHOLE));
                assertNull(inputs.write(merge), "there is more of it");
                assertTrue(disk.exists(given));
            }
            assertFalse(disk.exists(given));
            assertEquals(0, own.usedBytes());
        }
        assertEquals(0, disk.openFileCount());
    }

    @Test
    void whateverCallFailsNothingIsLeftBehind() {
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 1500, new Style(0, 1, 60));
        RedoModel redo = draw(model, new Style(0.8, 3, 60));
        var base = new DeltaBase(7, model.rows.size());
        try (var files = new RowSetFiles(disk, DIRECTORY);
                var inputs = new Inputs(files, base);
                MemoryAccount own = files.budget.account("merge", 0)) {
            redo.split(4).forEach(source -> inputs.add(model.schema, source));
            int openBefore = disk.openFileCount();
            int failures = 0;
            for (int call = 0; ; call++) {
                inputs.reopen();
                disk.failCall(disk.callCount() + call, DiskException.Kind.IO_ERROR);
                long callsBefore = disk.callCount();
                try {
                    inputs.merge(model.schema, own);
                    assertTrue(disk.callCount() - callsBefore <= call, "a failed call was not reported");
                    break;
                } catch (DiskException _) {
                    failures++;
                }
                assertEquals(0, own.usedBytes(), "after call " + call);
                assertEquals(openBefore, disk.openFileCount(), "after call " + call);
                assertFalse(disk.exists(files.file(MERGED).path()), "an unfinished file stayed after call " + call);
            }
            assertTrue(failures >= 5, failures + " failures");
        }
    }

    @Test
    void whereverMemoryEndsNothingIsLeftBehind() {
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 1500, new Style(0, 1, 60));
        RedoModel redo = draw(model, new Style(0.8, 3, 60));
        var base = new DeltaBase(7, model.rows.size());
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20);
                var inputs = new Inputs(files, base)) {
            redo.split(4).forEach(source -> inputs.add(model.schema, source));
            inputs.opened.forEach(DeltaFile::verify); // Its pages are in the cache.
            long usedBefore = files.budget.usedBytes();
            int failures = 0;
            boolean isMerged = false;
            for (long left = 0; !isMerged; left += 48 << 10) {
                Deque<Slab> taken = FailingRowSetTest.takeAllBut(files, left);
                long usedMost = files.budget.usedBytes();
                try {
                    isMerged = inputs.merge(model.schema, files.account);
                } catch (MemoryLimitException _) {
                    failures++;
                }
                assertEquals(usedMost, files.budget.usedBytes(), "with " + left + " bytes left");
                taken.forEach(files.account::giveBack);
                assertEquals(usedBefore, files.budget.usedBytes(), "with " + left + " bytes left");
            }
            assertTrue(failures > 3, "memory was never short");
        }
        assertEquals(0, disk.openFileCount());
    }
}
