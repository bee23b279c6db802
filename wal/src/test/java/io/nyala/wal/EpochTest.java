package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.memory.Crc32c;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: where one epoch follows another, nothing acknowledged is lost unseen, however far a start came.
 * Method: files are taken away and bytes flipped behind clean and unclean ends, and starts fail, or die at each call.
 */
final class EpochTest {
    private SplittableRandom random = new SplittableRandom(0);
    private SimulatedDisk disk = new SimulatedDisk(random);

    @BeforeEach
    void makeDisk(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = TestLog.newDisk(random);
    }

    private List<Entry> session(boolean isClosed) {
        TestLog log = TestLog.start(disk, TestLog.config());
        List<Entry> entries = log.appendDurably(random, 3, 300);
        log.settle();
        if (isClosed) {
            log.close();
        } else {
            log.kill();
        }
        return entries;
    }

    private static Path file(int number, String kind) {
        return TestLog.DIRECTORY.resolve(String.format("%012d.%s", number, kind));
    }

    private static List<Entry> readAll(SimulatedDisk disk) {
        return TestLog.readAll(disk, TestLog.config());
    }

    @Test
    void aLogIsNotReadWithoutTheSegmentThatBeganItsLastEpoch() {
        for (boolean isFirstClosed : new boolean[] {true, false}) {
            for (boolean isSecondClosed : new boolean[] {true, false}) {
                disk = TestLog.newDisk(random);
                session(isFirstClosed);
                session(isSecondClosed);
                List<Path> begun = disk.list(TestLog.DIRECTORY).stream()
                        .filter(path -> path.toString().matches(".*/0*[23]\\.(wal|sealed)"))
                        .toList();
                assertFalse(begun.isEmpty());
                begun.forEach(disk::delete);
                Failure.expect(CorruptLogException.class, () -> readAll(disk), ".wal", "missing", "began");
            }
        }
    }

    /** The power may fail as soon as something is acknowledged: the name that tells of the next segment is durable. */
    @RepeatedTest(8)
    void theSegmentThatBeganAnEpochIsMissedAlsoAfterAPowerCut() {
        session(random.nextBoolean());
        TestLog log = TestLog.start(disk, TestLog.config());
        log.append("acknowledged", Durability.SYNC);
        log.await(log.log().lastSequence());
        SimulatedDisk left = disk.afterPowerCut(random.nextLong());
        log.kill();
        left.delete(file(2, "wal"));
        if (left.exists(file(3, "wal"))) {
            left.delete(file(3, "wal"));
        }
        Failure.expect(CorruptLogException.class, () -> readAll(left), "000000000002.wal", "missing");
    }

    @Test
    void aLogOfWhichNothingIsLeftIsMissed() {
        session(random.nextBoolean());
        disk.list(TestLog.DIRECTORY).stream()
                .filter(path -> path.toString().matches(".*(wal|sealed)"))
                .forEach(disk::delete);
        Failure.expect(CorruptLogException.class, () -> readAll(disk), "000000000001.wal", "missing");
    }

    /** A note that is not durable yet, of a start that failed, is made so by the next. */
    @RepeatedTest(8)
    void theSegmentThatBeganAnEpochIsMissedAlsoIfASyncFailedBefore() {
        session(true);
        disk.failNext(
                call -> call.operation() == Operation.SYNC_DIRECTORY && disk.exists(file(2, "begun")), Kind.IO_ERROR);
        assertThrows(DiskException.class, () -> TestLog.start(disk, TestLog.config()));
        TestLog log = TestLog.start(disk, TestLog.config());
        log.appendDurably(random, 1, 100);
        SimulatedDisk left = disk.afterPowerCut(random.nextLong());
        log.kill();
        left.list(TestLog.DIRECTORY).stream()
                .filter(path -> path.toString().matches(".*/0*[23]\\.(wal|sealed)"))
                .forEach(left::delete);
        Failure.expect(CorruptLogException.class, () -> readAll(left), "000000000002.wal", "missing");
    }

    /** The process dies, or the power fails, at each call of a start: it can be started again, and nothing is lost. */
    @Test
    void aStartMayDieAtEachCall() {
        for (boolean isClosed : new boolean[] {true, false}) {
            boolean isOver = false;
            for (int calls = 0; !isOver; calls++) {
                disk = TestLog.newDisk(random);
                List<Entry> entries = session(isClosed);
                boolean isPowerCut = calls % 2 == 0;
                if (isPowerCut) {
                    disk.cutPowerAtCall(disk.callCount() + calls / 2);
                } else {
                    disk.killProcessAtCall(disk.callCount() + calls / 2);
                }
                isOver = !diesAtStart();
                disk.cutPowerAtCall(Long.MAX_VALUE);
                assertEquals(entries, readAll(disk), "before call " + calls);
                try (TestLog log = TestLog.start(disk, TestLog.config())) {
                    assertEquals(entries, log.read);
                    entries.addAll(log.appendDurably(random, 2, 100));
                }
                assertEquals(entries, readAll(disk), "before call " + calls);
                assertTrue(calls < 1_000, "it never comes to an end");
            }
        }
    }

    private boolean diesAtStart() {
        TestLog log = null;
        try {
            log = TestLog.start(disk, TestLog.config());
            return false;
        } catch (PowerCutException _) {
            return true;
        } finally {
            if (log != null) {
                log.kill();
            }
            disk.restart();
        }
    }

    /** Damage to the last records would pass for a torn tail if the failed start had undone what the close said. */
    @Test
    void aStartThatFailsLeavesALogClosed() {
        session(true);
        disk.list(TestLog.DIRECTORY).stream()
                .filter(path -> path.toString().endsWith(".spare"))
                .forEach(disk::delete);
        disk.noSpaceAfter(TestLog.SEGMENT_BYTES / 2);
        assertThrows(LogFullException.class, () -> TestLog.start(disk, TestLog.config()));
        int live = TestLog.liveBytes(disk, file(1, "sealed"));
        for (int at = live - 2 * 4096; at < live; at++) {
            disk.flipBit(file(1, "sealed"), at, 0);
        }
        Failure.expect(CorruptLogException.class, () -> readAll(disk), "closed cleanly");
    }

    /**
     * An older copy of a log is put back, and what a later epoch left in recycled files stays: a new epoch of that
     * number has the same sequences and checksums, but not the same opening.
     */
    @Test
    void whatAnEpochLeftThatWasUndoneIsNotRead() {
        int former = random.nextInt();
        assertFalse(readsWhatWasUndone(former, former + 1));
        assertTrue(readsWhatWasUndone(former, former), "or nothing was there to be taken for a record");
    }

    private boolean readsWhatWasUndone(int former, int opening) {
        disk = TestLog.newDisk(random);
        List<Entry> entries = session(true);
        byte[] copy = disk.contents(file(1, "sealed"));
        byte[] undone;
        try (TestLog log = new TestLog(disk, TestLog.config())) {
            log.start(0, former);
            log.settle();
            log.appendDurably(random, 1, 100);
            log.settle();
            undone = disk.contents(file(2, "wal"));
        }
        disk.list(TestLog.DIRECTORY).forEach(disk::delete);
        put(file(1, "sealed"), copy);
        put(file(9, "spare"), undone);
        TestLog log = new TestLog(disk, TestLog.config());
        log.start(0, opening);
        log.settle();
        log.kill();
        List<Entry> read = readAll(disk);
        assertEquals(entries, read.subList(0, entries.size()));
        return read.size() > entries.size();
    }

    private void put(Path path, byte[] contents) {
        disk.create(path).close();
        disk.setContents(path, contents);
    }

    /** Its segments and records have zero where the opening is now. */
    @Test
    void aLogOfTheSecondVersionIsReadAndGoneOnWith() {
        List<Entry> entries;
        try (TestLog log = new TestLog(disk, TestLog.config())) {
            log.start(0, 0);
            entries = log.appendDurably(random, 3, 300);
        }
        byte[] bytes = disk.contents(file(1, "sealed"));
        setVersion(bytes, 2);
        disk.setContents(file(1, "sealed"), bytes);
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            assertEquals(entries, log.read);
            entries.addAll(log.appendDurably(random, 3, 300));
        }
        assertEquals(entries, readAll(disk));
        byte[] later = disk.contents(file(2, "sealed"));
        setVersion(later, 2);
        disk.setContents(file(2, "sealed"), later);
        Failure.expect(CorruptLogException.class, () -> readAll(disk), "not zero");
    }

    private static void setVersion(byte[] bytes, int version) {
        MemorySegment header = MemorySegment.ofArray(bytes);
        header.set(SegmentFormat.INT, 8, version);
        header.set(SegmentFormat.INT, 44, Crc32c.of(header, 0, 44));
    }
}
