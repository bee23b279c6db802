package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.memory.MemoryLeakException;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.MissingRowSet;
import io.nyala.testkit.Seed;
import io.nyala.wal.LogStoppedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a flush of more than one rowset holds makes several, each with keys above those of the one before, and of these
 * all become part of the table or none, whichever call fails and whenever the power is cut.
 * Method: rowsets of 64 KiB on a simulated disk; their key ranges are asked for by damaging every file. The same flush
 * is repeated with each call from the beginning of its second file on failing, or cutting the power.
 */
final class RollingFlushTest {
    private static final int ROWSET_BYTES = 64 << 10;
    private static final int TEXT_BYTES_MAX = 600;

    /** Some 200 KiB that do not compress. */
    private static final int ROWS = 700;

    /** One key of so many is looked up. */
    private static final int KEY_SAMPLE = 7;

    private static final int CUTS_AFTER_THE_END = 6;

    private static final Path ROWSETS = World.DIRECTORY.resolve("rowsets");

    @RepeatedTest(4)
    void aFlushOfMuchMakesRowsetsThatFollowOneAnother(@Seed SplittableRandom random) {
        var world = new World(random.split());
        int count = random.nextInt(ROWS, 3 * ROWS);
        World.Running running = open(world);
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        List<Long> ids = insert(table, random, count);
        Numbers.flush(running, table);

        int files = table.statistics().rowSetCount();
        assertTrue(files >= 3, files + " rowsets of " + count + " rows");
        assertEquals(files, rowSetFiles(world).size());
        for (Path file : rowSetFiles(world)) {
            int bytes = world.disk().contents(file).length;
            assertTrue(bytes < 2 * ROWSET_BYTES, file + " has " + bytes + " bytes");
        }
        assertAllFound(table, ids);
        running.engine().close();
        assertEquals(ranges(ids, rowCounts(world)), ranges(world));
        running = open(world);
        assertAllFound(running.engine().table("t").orElseThrow(), ids);
        running.engine().close();
    }

    @Test
    void whicheverCallFailsAfterTheFirstFileNothingIsHalfInstalled(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        for (long call : callsFromSecondFile(seed)) {
            failAt(seed, call, random.nextBoolean() ? Kind.IO_ERROR : Kind.NO_SPACE);
        }
    }

    @Test
    void wheneverThePowerIsCutAfterTheFirstFileNothingIsHalfInstalled(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        for (long call : callsFromSecondFile(seed)) {
            cutAt(seed, call);
        }
        for (int i = 0; i < CUTS_AFTER_THE_END; i++) {
            cutAt(random.nextLong(), Long.MAX_VALUE); // What a cut takes is drawn, too.
        }
    }

    /** One flush of a table, which is the same with the same seed up to the call that fails. */
    private static final class Run {
        private final World world;
        private final World.Running running;
        private final Table table;
        private final List<Long> ids;
        private final SimulatedDisk disk;

        Run(long seed) {
            var random = new SplittableRandom(seed);
            world = new World(random.split());
            disk = world.disk();
            running = RollingFlushTest.open(world);
            table = running.engine().createTable("t", Numbers.SCHEMA);
            ids = insert(table, random, ROWS);
        }

        /** Answers why it failed, or null. */
        @Nullable
        RuntimeException flush() {
            CompletableFuture<Void> flush = table.flush();
            running.host().await(flush::isDone);
            return flush.isCompletedExceptionally() ? ModelWrites.failure(flush) : null;
        }

        /** What is there after the next start. */
        void checkAgain() {
            World.Running again = RollingFlushTest.open(world);
            Table found = again.engine().table("t").orElseThrow();
            assertAllOrNothing(found);
            assertEquals(rowSetFiles(world).size(), found.statistics().rowSetCount(), "files without an owner");
            Numbers.flush(again, found);
            assertTrue(found.statistics().rowSetCount() >= 3);
            assertAllOrNothing(found);
            again.engine().close();
            assertEquals(0, disk.openFileCount());
        }

        void assertAllOrNothing(Table found) {
            assertEquals(List.of(), found.missingRowSets());
            int files = found.statistics().rowSetCount();
            assertTrue(files == 0 || files >= 3, files + " rowsets: a part of the flush");
            assertAllFound(found, ids);
        }
    }

    private static List<Long> callsFromSecondFile(long seed) {
        var run = new Run(seed);
        assertEquals(null, run.flush());
        List<Call> calls = run.disk.trace();
        List<Long> creations = calls.stream()
                .filter(call -> call.operation() == Operation.CREATE
                        && ROWSETS.equals(call.path().getParent()))
                .map(Call::index)
                .toList();
        assertTrue(creations.size() >= 3, creations + " are rowsets, in " + calls);
        run.running.engine().close();
        run.checkAgain();
        return LongStream.range(creations.get(1), calls.getLast().index() + 1)
                .boxed()
                .toList();
    }

    private static void failAt(long seed, long call, Kind kind) {
        var run = new Run(seed);
        run.disk.failCall(call, kind);
        RuntimeException failure = run.flush();
        String what = kind + " at call " + call + " of the run with seed " + seed + ", " + failure;
        try {
            assertTrue(failure == null || failure instanceof DiskException || failure instanceof LogStoppedException);
            run.assertAllOrNothing(run.table);
            int files = rowSetFiles(run.world).size();
            if (failure instanceof DiskException) {
                assertEquals(0, run.table.statistics().rowSetCount(), "it has failed");
                assertTrue(files == 0 || isDelete(run.disk, call), files + " files of a flush that has failed");
            }
            if (!(failure instanceof LogStoppedException)) {
                assertEquals(null, run.flush());
                assertFalse(run.table.statistics().rowSetCount() == 0, "it works the next time");
                run.assertAllOrNothing(run.table);
            }
            close(run);
            run.checkAgain();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(what + ": " + e, e);
        }
    }

    private static void cutAt(long seed, long call) {
        var run = new Run(seed);
        run.disk.cutPowerAtCall(call);
        try {
            run.flush();
        } catch (PowerCutException _) {
            // As planned.
        }
        if (!run.disk.isOff()) {
            run.disk.powerCut(); // Right after the last call.
        }
        close(run);
        run.disk.forgetFailures();
        run.disk.restart();
        try {
            run.checkAgain();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("a power cut at call " + call + " of the run with seed " + seed + ": " + e, e);
        }
    }

    private static boolean isDelete(SimulatedDisk disk, long index) {
        return disk.trace().stream().anyMatch(call -> call.index() == index && call.operation() == Operation.DELETE);
    }

    /** A log that has failed, or that has no power, cannot be sealed. */
    private static void close(Run run) {
        try {
            run.running.engine().close();
        } catch (PowerCutException | LogStoppedException | DiskException | MemoryLeakException _) {
            // What it has left open is looked at after the next start.
        }
    }

    // ---- The table ----

    private static World.Running open(World world) {
        return world.open(World.config().withFlushBytes(8 << 20).withRowSetBytes(ROWSET_BYTES));
    }

    /** Ids with gaps, in any order; answers them in order. */
    private static List<Long> insert(Table table, SplittableRandom random, int count) {
        List<Long> ids = new ArrayList<>();
        long last = random.nextLong(-1_000_000, 1_000_000);
        for (int i = 0; i < count; i++) {
            last += random.nextInt(1, 5);
            ids.add(last);
        }
        List<Long> left = new ArrayList<>(ids);
        try (WriteBatch batch = table.newBatch()) {
            while (!left.isEmpty()) {
                for (int i = random.nextInt(1, 100); i > 0 && !left.isEmpty(); i--) {
                    long id = left.set(random.nextInt(left.size()), left.getLast());
                    left.removeLast();
                    batch.rows()
                            .start(OperationKind.INSERT)
                            .setLong(0, id)
                            .setString(1, text(random))
                            .end();
                }
                batch.commit().orThrow();
            }
        }
        return ids;
    }

    private static String text(SplittableRandom random) {
        return random.ints(random.nextInt(TEXT_BYTES_MAX), '!', '~' + 1)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    /** Each row comes once, and its key is taken. */
    private static void assertAllFound(Table table, List<Long> ids) {
        for (boolean inKeyOrder : new boolean[] {false, true}) {
            List<Long> found = new ArrayList<>();
            ScanBuilder builder = table.scan().project("id");
            try (Scan scan = (inKeyOrder ? builder.inKeyOrder() : builder).open()) {
                while (scan.next()) {
                    for (int row = 0; row < scan.batch().rowCount(); row++) {
                        found.add(scan.batch().column(0).getLong(row));
                    }
                }
            }
            if (!inKeyOrder) {
                found.sort(null);
            }
            assertEquals(ids, found);
        }
        long[] sample = IntStream.range(0, ids.size())
                .filter(i -> i % KEY_SAMPLE == 0 || i == ids.size() - 1)
                .mapToLong(ids::get)
                .toArray();
        CommitResult result = Numbers.insert(table, sample);
        assertEquals(sample.length, result.errors().size());
        result.errors().forEach(error -> assertEquals(RowErrorCode.ALREADY_PRESENT, error.code()));
    }

    private static List<Path> rowSetFiles(World world) {
        return world.disk().list(ROWSETS);
    }

    // ---- Which keys are in which file ----

    private static List<MissingRowSet> damaged(World world) {
        List<Path> files = rowSetFiles(world);
        files.forEach(file -> world.disk().flipBit(file, world.disk().contents(file).length - 10, 3));
        World.Running running = open(world);
        List<MissingRowSet> all = running.engine().table("t").orElseThrow().missingRowSets();
        assertEquals(files.size(), all.size());
        running.engine().close();
        files.forEach(file -> world.disk().flipBit(file, world.disk().contents(file).length - 10, 3));
        return all;
    }

    private static List<Long> rowCounts(World world) {
        return damaged(world).stream().map(MissingRowSet::rowCount).toList();
    }

    private static List<String> ranges(World world) {
        return damaged(world).stream().map(MissingRowSet::keys).toList();
    }

    /** The ranges of keys that files with so many rows have, if they follow one another. */
    private static List<String> ranges(List<Long> ids, List<Long> rowCounts) {
        List<String> ranges = new ArrayList<>();
        int first = 0;
        for (long rowCount : rowCounts) {
            int next = first + (int) rowCount;
            ranges.add("(id=" + ids.get(first) + ") to (id=" + ids.get(next - 1) + ")");
            first = next;
        }
        assertEquals(ids.size(), first, "rows in all files");
        return ranges;
    }
}
