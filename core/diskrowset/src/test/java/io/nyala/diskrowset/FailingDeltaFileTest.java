package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Style;
import io.nyala.io.DiskException;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.ScanSpec;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: whatever call fails, and wherever memory ends, a delta file leaves nothing behind, and the next attempt works.
 * Method: each call of writing, opening and scanning fails once; then memory is taken away, a little less each time.
 */
final class FailingDeltaFileTest {
    private static final Path DIRECTORY = Path.of("/data");

    private SplittableRandom random = new SplittableRandom(1);
    private SimulatedDisk disk = new SimulatedDisk(random);
    private RowModel model = new RowModel(RowModel.drawSchema(random));
    private DeltaBase base = new DeltaBase(0, 0);
    private DeltaSource changes = new ListedDeltas(List.of(), RedoModel.always());

    @BeforeEach
    void fill(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 1500, new Style(0, 1, 60));
        base = new DeltaBase(RowSetFiles.FILE_ID, model.rows.size());
    }

    private void writeBase(RowSetFiles files) {
        files.write(model);
        RedoModel redo = new RedoModel(model, random);
        redo.draw(new Style(0.8, 3, 60), true);
        redo.reading.isIn = true;
        changes = redo.split(1).getFirst();
    }

    @Test
    void everyFailedCallOfWritingLeavesNothingBehind() {
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            writeBase(files);
            Path path = files.file(8).path();
            long usedBefore = files.budget.usedBytes();
            for (int call = 0; ; call++) {
                disk.failCall(disk.callCount() + call, DiskException.Kind.IO_ERROR);
                long callsBefore = disk.callCount();
                try {
                    files.write(model.schema, base, changes, 8);
                    assertTrue(disk.callCount() - callsBefore <= call, "a failed call was not reported");
                    assertTrue(call >= 3, "too few calls: " + call);
                    break;
                } catch (DiskException e) {
                    assertEquals(path, e.path());
                }
                assertEquals(usedBefore, files.budget.usedBytes(), "after call " + call);
                assertEquals(0, disk.openFileCount(), "after call " + call);
                assertFalse(disk.exists(path), "an unfinished file stayed after call " + call);
            }
        }
    }

    @Test
    void whatWasWrittenOutlivesAPowerCut() {
        for (int attempt = 0; attempt < 5; attempt++) {
            disk.syncDirectory(Path.of("/"));
            long fileId = 8L + attempt;
            try (var files = new RowSetFiles(disk, DIRECTORY)) {
                if (attempt == 0) {
                    writeBase(files);
                }
                files.write(model.schema, base, changes, fileId);
            }
            disk.syncDirectory(DIRECTORY);
            disk.powerCut();
            disk.restart();
            try (var files = new RowSetFiles(disk, DIRECTORY);
                    DeltaFile file = files.openDelta(fileId, base)) {
                file.verify();
            }
        }
    }

    private void checkReads(RowSetFiles files, RowSetProbes probes) {
        try (DeltaFile file = files.openDelta(8, base);
                DiskRowSet rowSet = files.open(model)) {
            checkScans(files, probes, rowSet, file);
            file.verify();
        }
    }

    private void checkScans(RowSetFiles files, RowSetProbes probes, DiskRowSet rowSet, DeltaFile file) {
        ScanSpec past = ScanSpec.all(model.schema, RedoModel.TIME_MIN + 500).withKeyOrder(true);
        ScanSpec present = ScanSpec.all(model.schema, Long.MAX_VALUE);
        for (ScanSpec spec : List.of(past, present)) {
            probes.checkScan(spec, files.account, () -> rowSet.scan(spec, files.account, () -> List.of(file)));
        }
    }

    @Test
    void everyFailedCallOfReadingLeavesNothingBehind() {
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            writeBase(files);
            files.write(model.schema, base, changes, 8);
            var probes = new RowSetProbes(model, random);
            long usedBefore = files.budget.usedBytes();
            int failures = 0;
            for (int call = 0; ; call++) {
                files.forget();
                disk.failCall(disk.callCount() + call, DiskException.Kind.IO_ERROR);
                long callsBefore = disk.callCount();
                try {
                    checkReads(files, probes);
                    assertTrue(disk.callCount() - callsBefore <= call, "a failed call was not reported");
                    break;
                } catch (DiskException e) {
                    failures += e.path().equals(files.file(8).path()) ? 1 : 0;
                }
                files.forget();
                assertEquals(usedBefore, files.budget.usedBytes(), "after call " + call);
                assertEquals(0, disk.openFileCount(), "after call " + call);
            }
            assertTrue(failures >= 10, failures + " failures of the delta file");
        }
    }

    @Test
    void whereverMemoryEndsNothingIsLeftBehind() {
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            writeBase(files);
            files.write(model.schema, base, changes, 8);
            var probes = new RowSetProbes(model, random);
            long usedBefore = files.budget.usedBytes();
            int failures = 0;
            int successes = 0;
            for (long left = 0; successes < 2; left += 64 << 10) {
                Deque<Slab> taken = FailingRowSetTest.takeAllBut(files, left);
                long usedMost = files.budget.usedBytes();
                try {
                    try (DeltaFile file = files.openDelta(8, base);
                            DiskRowSet rowSet = files.open(model)) {
                        checkScans(files, probes, rowSet, file);
                    }
                    successes++;
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

    @Test
    void whereverMemoryEndsWhileWritingNothingIsLeftBehind() {
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            writeBase(files);
            Path path = files.file(8).path();
            long usedBefore = files.budget.usedBytes();
            int failures = 0;
            boolean isWritten = false;
            for (long left = 0; !isWritten; left += 48 << 10) {
                Deque<Slab> taken = FailingRowSetTest.takeAllBut(files, left);
                long usedMost = files.budget.usedBytes();
                try {
                    files.write(model.schema, base, changes, 8);
                    isWritten = true;
                } catch (MemoryLimitException _) {
                    failures++;
                    assertFalse(disk.exists(path));
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
