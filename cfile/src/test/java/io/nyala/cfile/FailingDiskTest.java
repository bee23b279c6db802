package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: when the disk fails, the caller hears of it, and nothing is left behind; when the power goes, what finish
 * answered for is there. Method: each call of writing and reading a file fails once; power cuts on a simulated disk.
 */
final class FailingDiskTest {
    private static List<TestColumn> columns(SplittableRandom random) {
        List<TestColumn> columns = new ArrayList<>();
        columns.add(TestColumn.random(random, 0, 20_000, CellKind.INT64));
        columns.add(TestColumn.random(random, 1, 20_000, CellKind.BINARY));
        return columns;
    }

    private static void readAhead(Files files, List<TestColumn> columns, SplittableRandom random) {
        try (CFileReader reader = files.open();
                ReadAhead ahead = reader.readAhead(files.account)) {
            for (TestColumn column : columns) {
                ColumnReader columnReader = reader.column(column.spec().id());
                try (ColumnCursor cursor = columnReader.cursor(files.scratch, ahead, null)) {
                    column.check(columnReader, cursor, random);
                }
            }
        }
    }

    private static void readOnDemand(Files files) {
        try (CFileReader reader = files.open();
                ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
            cursor.seek(reader.vectorCount() - 1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyFailedCallIsHeardOfAndLeavesNothingBehind(boolean isQuery, @Seed SplittableRandom random) {
        long seed = random.nextLong();
        for (long call = 0; ; call++) {
            SplittableRandom run = new SplittableRandom(seed);
            try (Files files = new Files(run.split())) {
                List<TestColumn> columns = columns(run);
                long usedBefore = files.account.usedBytes();
                long first = count(files, isQuery);
                long index = first + call;
                files.disk.failCall(isQuery ? -1 - index : index, DiskException.Kind.IO_ERROR);
                DiskException failure = null;
                try {
                    files.write(columns, null);
                    readAhead(files, columns, run);
                    readOnDemand(files);
                } catch (DiskException e) {
                    failure = e;
                }
                assertEquals(0, files.disk.openFileCount(), "open files after call " + call);
                assertEquals(usedBefore, files.account.usedBytes(), "native memory after call " + call);
                if (count(files, isQuery) <= index) {
                    assertNull(failure, "there was nothing left to fail");
                    assertTrue(call > (isQuery ? 4 : 8), "calls: " + call);
                    return;
                }
                assertNotNull(failure, "failure of call " + call + " passed silently");
            }
        }
    }

    private static long count(Files files, boolean isQuery) {
        return isQuery ? files.disk.queryCount() : files.disk.callCount();
    }

    @Test
    void memoryThatTheKernelMayStillUseIsNotGivenBack(@Seed SplittableRandom random) {
        List<TestColumn> columns = columns(random);
        var files = new Files(random.split()); // Never closed: it lacks memory.
        files.write(columns, null);

        long before = files.account.usedBytes();
        failQueues(files, files::open);
        assertTrue(files.account.usedBytes() > before, "the buffer of one read");

        CFileReader reader = files.open();
        ReadAhead ahead = reader.readAhead(files.account);
        ColumnCursor cursor = reader.column(0).cursor(files.scratch, ahead, null);
        before = files.account.usedBytes();
        failQueues(files, () -> {
            try (ahead) {
                cursor.seek(0);
            }
        });
        assertTrue(files.account.usedBytes() > before, "the buffer of a scan's read");
        cursor.close();
        reader.close();

        files.disk.delete(Files.PATH);
        before = files.account.usedBytes();
        failQueues(files, () -> files.write(columns, null));
        assertTrue(files.account.usedBytes() > before, "the buffers of writes");
        files.disk.powerCut(); // Looks at what is still in flight.
    }

    private static void failQueues(Files files, Executable use) {
        files.disk.failQueues(true);
        assertThrows(IllegalStateException.class, use);
        files.disk.failQueues(false);
    }

    @Test
    void aFileThatCannotBeWrittenIsDeleted(@Seed SplittableRandom random) {
        try (Files files = new Files(random.split())) {
            files.disk.failNext(Operation.SYNC, DiskException.Kind.IO_ERROR);
            Failure.expect(DiskException.class, () -> files.write(columns(random), null), "rs7.cfile");
            assertFalse(files.disk.exists(Files.PATH));
            files.disk.noSpaceAfter(4096);
            Failure.expect(DiskException.class, () -> files.write(columns(random), null), "rs7.cfile");
            assertFalse(files.disk.exists(Files.PATH));
        }
    }

    /** Red without the sync in finish. */
    @RepeatedTest(10)
    void whatIsFinishedSurvivesAPowerCut(@Seed SplittableRandom random) {
        List<TestColumn> columns = columns(random);
        SimulatedDisk survivor;
        try (Files files = new Files(random.split())) {
            files.write(columns, null);
            files.disk.syncDirectory(Files.DIRECTORY);
            survivor = files.disk.afterPowerCut(random.nextLong());
        }
        try (Files files = new Files(survivor)) {
            readAhead(files, columns, random);
        }
    }
}
