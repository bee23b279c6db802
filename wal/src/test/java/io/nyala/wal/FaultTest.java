package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a failed call stops the log or is reported, and never makes it acknowledge what is not there.
 * Method: each call of random workloads fails once; and each kind of failure by itself.
 */
final class FaultTest {
    private SplittableRandom random = new SplittableRandom(0);
    private SimulatedDisk disk = new SimulatedDisk(random);

    @BeforeEach
    void makeDisk(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = TestLog.newDisk(random);
    }

    @RepeatedTest(3)
    void eachCallMayFailOnce() {
        long seed = random.nextLong();
        CrashWorkload whole = new CrashWorkload(new SplittableRandom(seed));
        long first = whole.disk.callCount();
        whole.run(2, 25);
        long last = whole.disk.callCount();
        for (long call = first; call < last; call++) {
            Kind kind = random.nextInt(3) == 0 ? Kind.NO_SPACE : Kind.IO_ERROR;
            try {
                failAt(seed, call, kind);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(
                        "workload " + seed + " with " + kind + " at call " + call + ": " + e.getMessage(), e);
            }
        }
    }

    private static void failAt(long seed, long call, Kind kind) {
        CrashWorkload workload = new CrashWorkload(new SplittableRandom(seed));
        workload.disk.failCall(call, kind);
        try {
            workload.run(2, 25);
        } catch (DiskException | LogStoppedException | LogFullException e) {
            assertNotNull(e.getMessage());
        }
        assertEquals(0, workload.disk.openFileCount(), "files left open");
        workload.disk.powerCut();
        workload.disk.restart();
        workload.checkAfterPowerCut(workload.disk);
        workload.goOn();
    }

    @Test
    void aFailedWriteStopsTheLogForGood() {
        stopsTheLogForGood(Operation.WRITE_DURABLE, Durability.SYNC);
    }

    @Test
    void aFailedSyncStopsTheLogForGood() {
        stopsTheLogForGood(Operation.SYNC, Durability.WRITTEN);
    }

    private void stopsTheLogForGood(Operation operation, Durability firstDurability) {
        TestLog log = TestLog.start(disk, TestLog.config());
        List<Entry> acknowledged = log.appendDurably(random, 5, 100);
        log.settle();
        int[] wakes = {0};
        log.log().onProgress(() -> wakes[0]++);
        disk.failNext(operation, Kind.IO_ERROR);
        log.append("lost", firstDurability);
        log.work();
        log.append("lost too", Durability.SYNC);
        log.settle();
        assertTrue(wakes[0] > 0, "who waits must hear of it");
        RuntimeException failure = log.log().failure();
        assertNotNull(failure);
        long durable = log.log().durableUpTo();
        Failure.expect(LogStoppedException.class, () -> log.log().reserve(1), "stopped for good", "injected");
        DiskException cause = assertInstanceOf(DiskException.class, failure.getCause());
        assertTrue(disk.exists(cause.path()), () -> "a name that it had before: " + cause.path());
        long calls = disk.callCount();
        log.settle();
        assertEquals(calls, disk.callCount(), "nothing is tried again");
        assertEquals(durable, log.log().durableUpTo());
        log.close();
        assertEquals(0, disk.openFileCount());
        disk.powerCut();
        disk.restart();
        List<Entry> read = TestLog.readAll(disk, TestLog.config());
        assertEquals(acknowledged, read.subList(0, acknowledged.size()));
    }

    @Test
    void aFullDiskIsFoundBeforeAnythingIsAccepted() {
        TestLog log = TestLog.start(disk, TestLog.config().withSparesMax(4));
        log.settle();
        disk.noSpaceAfter(TestLog.SEGMENT_BYTES / 2);
        List<Entry> accepted = new ArrayList<>();
        LogFullException full = assertThrows(LogFullException.class, () -> {
            while (true) {
                accepted.add(log.append(TestLog.randomText(random, 1000), Durability.SYNC));
            }
        });
        assertTrue(String.valueOf(full.getMessage()).contains("accepted"), "says that nothing was accepted");
        log.settle();
        assertEquals(log.log().lastSequence(), log.log().durableUpTo(), "what was accepted became durable");
        assertEquals(null, log.log().failure(), "it goes on when there is room");
        // Releasing makes room without any help of the disk.
        log.log().releaseUpTo(accepted.getLast().sequence());
        log.settle();
        accepted.add(log.append(TestLog.randomText(random, 1000), Durability.SYNC));
        log.close();
        List<Entry> read = TestLog.readAll(disk, TestLog.config());
        assertEquals(accepted.subList(accepted.size() - read.size(), accepted.size()), read);
        assertTrue(read.size() > 1, "the segment that is written to is not released");
    }

    /** Each file that a release frees is too small for a segment: the first must not take the last room for a MARK. */
    @Test
    void aFullDiskIsFreedOneSegmentAtATimeAlsoWhereSegmentsAreLargerNow() {
        WalConfig config = TestLog.config().withSparesMax(random.nextInt(3));
        List<Entry> entries = new ArrayList<>();
        try (TestLog log = TestLog.start(disk, config)) {
            while (log.log().segmentCount() < 6) {
                entries.add(log.append(TestLog.randomText(random, 3_000), Durability.SYNC));
            }
        }
        long largerBytes = 4 * TestLog.SEGMENT_BYTES;
        TestLog log = TestLog.start(disk, config.withSegmentBytes(largerBytes));
        disk.noSpaceAfter(0);
        assertThrows(LogFullException.class, () -> {
            while (true) {
                entries.add(log.append(TestLog.randomText(random, 1_000), Durability.SYNC));
            }
        });
        log.settle();
        for (Entry entry : entries) {
            log.log().releaseUpTo(entry.sequence());
            log.settle();
        }
        assertTrue(log.log().segmentCount() <= 2, () -> log.log().segmentCount() + " segments are left");
        Entry more = log.append("more", Durability.SYNC);
        log.close();
        List<Entry> read = TestLog.readAll(disk, config);
        assertEquals(more, read.getLast());
    }

    /** Each attempt writes zeros until the disk is full again. */
    @Test
    void aFullDiskIsTriedAFewTimesASecondHoweverOftenAppendersAsk() {
        TestLog log = TestLog.start(disk, TestLog.config().withSparesMax(0));
        log.settle();
        disk.noSpaceAfter(TestLog.SEGMENT_BYTES / 2);
        while (isWorthAsking(log)) {
            log.append(random, 1000);
            log.settle();
        }
        for (int second = 0; second < 3; second++) {
            log.clock.advanceMicros(1_000_000);
            long created = disk.callCount(Operation.CREATE);
            long prepared = log.log().counters().preparedBytes();
            for (int i = 0; i < 300; i++) {
                isWorthAsking(log);
                log.work();
            }
            long tries = disk.callCount(Operation.CREATE) - created;
            assertTrue(tries > 0 && tries <= 4, tries + " attempts in second " + second);
            prepared = log.log().counters().preparedBytes() - prepared;
            assertTrue(prepared <= 4 * TestLog.SEGMENT_BYTES, prepared + " bytes of zeros written");
        }
        disk.unlimitSpace();
        isWorthAsking(log);
        log.settle();
        Failure.expect(LogFullException.class, () -> log.log().reserve(5000), "no room");
        log.clock.advanceMicros(1_000_000);
        isWorthAsking(log);
        log.settle();
        log.append(TestLog.randomText(random, 5000), Durability.SYNC);
        log.close();
    }

    /** Who watches the log sees it before a write fails, and its end also where nobody writes any more. */
    @Test
    void aFullDiskIsToldFromItsBeginningToItsEnd() {
        List<String> lines = new ArrayList<>();
        Handler handler = lines(lines);
        Logger logger = Logger.getLogger(Attempts.class.getName());
        logger.addHandler(handler);
        try (TestLog log = TestLog.start(disk, TestLog.config().withSparesMax(0))) {
            log.settle();
            assertNull(log.log().noRoom());
            disk.noSpaceAfter(TestLog.SEGMENT_BYTES / 2);
            while (log.log().segmentCount() < 2) { // The next one was there already.
                log.append(random, 1000);
                log.settle();
            }
            LogFullException noRoom = Objects.requireNonNull(log.log().noRoom());
            String since = Instant.EPOCH
                    .plus(log.clock.microsSource().getAsLong(), ChronoUnit.MICROS)
                    .truncatedTo(ChronoUnit.SECONDS)
                    .toString();
            assertTrue(String.valueOf(noRoom.getMessage()).contains(" since " + since), noRoom::getMessage);
            log.append("in the segment that is there", Durability.SYNC);
            for (int second = 0; second < 3; second++) {
                log.clock.advanceMicros(1_000_000);
                log.settle();
                assertSame(noRoom, log.log().noRoom());
            }
            assertEquals(List.of(String.valueOf(noRoom.getMessage())), lines);
            disk.unlimitSpace();
            log.settle();
            assertNull(log.log().noRoom(), "to ask has it tried again");
            assertEquals(2, lines.size(), lines::toString);
            assertTrue(lines.getLast().endsWith(" has room again"), lines::toString);
        } finally {
            logger.removeHandler(handler);
        }
    }

    private static Handler lines(List<String> lines) {
        return new Handler() {
            @Override
            public void publish(LogRecord line) {
                lines.add(line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    /** Asks for room for a record as large as any that is appended; false if it is refused. */
    private static boolean isWorthAsking(TestLog log) {
        try {
            if (log.log().reserve(5000) != 0) {
                log.log().abandon();
            }
            return true;
        } catch (LogFullException _) {
            return false;
        }
    }

    @Test
    void aFullDiskAtStartIsReported() {
        disk.noSpaceAfter(TestLog.SEGMENT_BYTES / 2);
        assertThrows(LogFullException.class, () -> TestLog.start(disk, TestLog.config()));
        disk.noSpaceAfter(10 * TestLog.SEGMENT_BYTES);
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            log.appendDurably(random, 3, 100);
        }
        assertEquals(0, disk.openFileCount());
    }

    /** The first segment's sync fails, so the log cannot begin; what it left in the kernel's memory looks whole. */
    @RepeatedTest(8)
    void aFileWhoseSyncFailedIsNotMadeASegment() {
        disk.failNext(Operation.SYNC, Kind.IO_ERROR);
        assertThrows(DiskException.class, () -> TestLog.start(disk, TestLog.config()));
        List<Entry> acknowledged;
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            acknowledged = log.appendDurably(random, 3, 100);
        }
        disk.powerCut();
        disk.restart();
        assertEquals(acknowledged, TestLog.readAll(disk, TestLog.config()));
    }

    @Test
    void aClosedLogRefuses() {
        TestLog log = TestLog.start(disk, TestLog.config());
        log.agent().onClose();
        Failure.expect(LogStoppedException.class, () -> log.log().reserve(1), "closed");
        assertThrows(LogStoppedException.class, () -> log.log().roll());
        log.close();
    }
}
