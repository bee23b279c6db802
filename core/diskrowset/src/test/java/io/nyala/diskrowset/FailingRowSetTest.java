package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Style;
import io.nyala.io.DiskException;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.rows.ScanSpec;
import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: whatever call fails, and wherever memory ends, nothing is left behind, and the next attempt works.
 * Method: each call of writing, opening, scanning and looking up fails once; then memory is taken away, a little
 * less each time.
 */
final class FailingRowSetTest {
    private static final Path DIRECTORY = Path.of("/data");

    private SplittableRandom random = new SplittableRandom(1);
    private SimulatedDisk disk = new SimulatedDisk(random);
    private RowModel model = new RowModel(RowModel.drawSchema(random));

    @BeforeEach
    void fill(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, 1500, new Style(0.3, 3, 60));
    }

    /** The file, or that there is no queue to it. */
    private static void assertNames(Path file, DiskException failure) {
        assertTrue(List.of(file, SimulatedDisk.QUEUE).contains(failure.path()), failure::toString);
    }

    private long count(boolean isQuery) {
        return isQuery ? disk.queryCount() : disk.callCount();
    }

    /** Of those to come. */
    private void fail(int call, boolean isQuery) {
        disk.failCall(isQuery ? -1 - disk.queryCount() - call : disk.callCount() + call, DiskException.Kind.IO_ERROR);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyFailedCallOfWritingLeavesNothingBehind(boolean isQuery) {
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            long usedBefore = files.usedBytes();
            for (int call = 0; ; call++) {
                fail(call, isQuery);
                long callsBefore = count(isQuery);
                try {
                    files.write(model);
                    assertTrue(count(isQuery) - callsBefore <= call, "a failed call was not reported");
                    assertTrue(call >= (isQuery ? 1 : 3), "too few calls: " + call);
                    break;
                } catch (DiskException e) {
                    assertNames(files.path(), e);
                }
                assertEquals(usedBefore, files.usedBytes(), "after call " + call);
                assertEquals(0, disk.openFileCount(), "after call " + call);
                disk.forgetFailures();
                assertFalse(disk.exists(files.path()), "an unfinished file stayed after call " + call);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyFailedCallOfReadingLeavesNothingBehind(boolean isQuery) {
        var probes = new RowSetProbes(model, random);
        ScanSpec past = ScanSpec.all(model.schema, 1_500).withKeyOrder(true);
        ScanSpec present = ScanSpec.all(model.schema, Long.MAX_VALUE);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            long usedBefore = files.usedBytes();
            for (int call = 0; ; call++) {
                fail(call, isQuery);
                long callsBefore = count(isQuery);
                try (DiskRowSet rowSet = files.open(model)) {
                    probes.checkScan(rowSet, past, files.account);
                    probes.checkLookups(rowSet);
                    probes.checkScan(rowSet, present, files.account);
                    rowSet.verify();
                    assertTrue(count(isQuery) - callsBefore <= call, "a failed call was not reported");
                    assertTrue(call > 0, "nothing has failed");
                    break;
                } catch (DiskException e) {
                    assertNames(files.path(), e);
                }
                files.forget();
                assertEquals(usedBefore, files.usedBytes(), "after call " + call);
                assertEquals(0, disk.openFileCount(), "after call " + call);
            }
        }
    }

    @Test
    void whereverMemoryEndsNothingIsLeftBehind() {
        var probes = new RowSetProbes(model, random);
        ScanSpec past = ScanSpec.all(model.schema, 1_500).withKeyOrder(true);
        ScanSpec present = ScanSpec.all(model.schema, Long.MAX_VALUE);
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            files.write(model);
            long usedBefore = files.usedBytes();
            int failures = 0;
            int successes = 0;
            for (long left = 0; successes < 3; left += 48 << 10) {
                Deque<Slab> taken = takeAllBut(files, left);
                long usedMost = files.usedBytes();
                DiskRowSet rowSet = null;
                try {
                    rowSet = files.open(model);
                    probes.checkScan(rowSet, past, files.account);
                    probes.checkLookups(rowSet);
                    probes.checkScan(rowSet, present, files.account);
                    successes++;
                } catch (MemoryLimitException _) {
                    failures++;
                } finally {
                    if (rowSet != null) {
                        rowSet.close();
                    }
                }
                assertEquals(usedMost, files.usedBytes(), "with " + left + " bytes left");
                taken.forEach(files.account::giveBack);
                assertEquals(usedBefore, files.usedBytes(), "with " + left + " bytes left");
            }
            assertTrue(failures > 3, "memory was never short");
        }
        assertEquals(0, disk.openFileCount());
    }

    @Test
    void whereverMemoryEndsWhileWritingNothingIsLeftBehind() {
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            long usedBefore = files.usedBytes();
            boolean isWritten = false;
            for (long left = 0; !isWritten; left += 128 << 10) {
                Deque<Slab> taken = takeAllBut(files, left);
                long usedMost = files.usedBytes();
                try {
                    files.write(model);
                    isWritten = true;
                } catch (MemoryLimitException _) {
                    assertEquals(usedMost, files.usedBytes(), "with " + left + " bytes left");
                    assertFalse(disk.exists(files.path()));
                }
                taken.forEach(files.account::giveBack);
                assertEquals(usedBefore, files.usedBytes(), "with " + left + " bytes left");
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    /** The next look-up would read pages of files that are closed. */
    @Test
    void whatALookUpCannotReadItForgets() {
        ScanSpec spec = ScanSpec.all(model.schema, Long.MAX_VALUE);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (RowLookup lookup = new RowLookup(spec, files.account)) {
                try (DiskRowSet rowSet = files.open(model)) {
                    RowLookup.InRowSet inRowSet = lookup.in(rowSet);
                    inRowSet.begin();
                    assertTrue(inRowSet.noteKey(0));
                    lookup.forget();
                    assertReadsNothing(lookup);

                    assertTrue(inRowSet.noteKey(0));
                    IoQueue other = files.io.borrow(); // The only one that there is so far.
                    disk.failNext(call -> call.path().equals(SimulatedDisk.QUEUE), DiskException.Kind.IO_ERROR);
                    assertThrows(DiskException.class, lookup::read);
                    files.io.giveBack(other);
                    assertReadsNothing(lookup);

                    assertTrue(inRowSet.noteKey(0));
                    inRowSet.end();
                }
                long usedBefore = files.usedBytes();
                assertThrows(IllegalStateException.class, lookup::read, "the file is closed");
                assertEquals(usedBefore, files.usedBytes(), "memory of a read that did not begin");
                assertReadsNothing(lookup);
            }
        }
    }

    private void assertReadsNothing(RowLookup lookup) {
        long readsBefore = disk.callCount(Operation.READ);
        lookup.read();
        assertEquals(readsBefore, disk.callCount(Operation.READ));
    }

    /** Takes memory, large pieces first, until so much is left or a little less. */
    static Deque<Slab> takeAllBut(RowSetFiles files, long left) {
        Deque<Slab> taken = new ArrayDeque<>();
        takeAll(files, 2 << 20, taken);
        for (long blocks = left / (2 << 20) + 1; blocks > 0; blocks--) {
            files.account.giveBack(taken.pop());
        }
        takeAll(files, 16 << 10, taken);
        Deque<Slab> parts = new ArrayDeque<>();
        takeAll(files, MemoryBudget.SLAB_BYTES_MIN, parts);
        for (long free = 0; free < left; free += 16 << 10) {
            files.account.giveBack(taken.pop());
        }
        taken.addAll(parts);
        return taken;
    }

    private static void takeAll(RowSetFiles files, long bytes, Deque<Slab> taken) {
        for (Slab slab = files.account.tryTake(bytes); slab != null; slab = files.account.tryTake(bytes)) {
            taken.push(slab);
        }
    }
}
