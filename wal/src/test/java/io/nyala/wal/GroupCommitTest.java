package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: what waits is written together, appenders wait when there is no room, what is not needed is released, and the
 * steady state allocates nothing. Method: the calls of a simulated disk are counted; allocation is measured over a disk
 * that only pretends.
 */
final class GroupCommitTest {
    private SplittableRandom random = new SplittableRandom(0);
    private SimulatedDisk disk = new SimulatedDisk(random);

    @BeforeEach
    void makeDisk(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = TestLog.newDisk(random);
    }

    @Test
    void whatWaitsIsWrittenTogether() {
        try (TestLog log = TestLog.start(disk, TestLog.config().withInFlightMax(1))) {
            log.settle();
            long before = disk.callCount(Operation.WRITE_DURABLE);
            for (int i = 0; i < 100; i++) {
                log.append(random, 50);
            }
            log.await(log.log().lastSequence());
            assertEquals(before + 1, disk.callCount(Operation.WRITE_DURABLE), "one write for a hundred records");
            for (int i = 0; i < 200; i++) {
                log.append(random, 10);
                log.work();
            }
            log.await(log.log().lastSequence());
            long writes = disk.callCount(Operation.WRITE_DURABLE) - before - 1;
            assertTrue(writes > 5 && writes < 120, "while one write is in flight the next is gathered: " + writes);
        }
    }

    /** The agent waits for nothing to come along: neither for others nor for a while to pass. */
    @Test
    void aLoneCommitIsWrittenAtOnce() {
        try (TestLog log =
                TestLog.start(disk, TestLog.config().withSegmentBytes(256 << 10))) { // No roll, which writes.
            log.settle();
            for (int i = 0; i < 20; i++) {
                if (random.nextBoolean()) {
                    log.settle(); // Else the MARK is still to come.
                }
                long before = disk.callCount();
                long durableWrites = disk.callCount(Operation.WRITE_DURABLE);
                Entry entry = log.append(random, 100);
                log.agent().doWork();
                assertEquals(durableWrites + 1, disk.callCount(Operation.WRITE_DURABLE), "by the first round");
                assertEquals(before + 1, disk.callCount(), "and nothing before it");
                log.await(entry.sequence());
                assertEquals(durableWrites + 1, disk.callCount(Operation.WRITE_DURABLE), "and nothing is needed after");
            }
        }
    }

    @Test
    void payloadAndPaddingAreCountedApart() {
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            log.settle();
            LogCounters counters = log.log().counters();
            assertEquals(2 * (TestLog.SEGMENT_BYTES + SegmentFormat.HEADER_BYTES), counters.preparedBytes());
            long before = counters.diskBytes();
            for (int i = 0; i < 3; i++) {
                log.append("x".repeat(100), Durability.SYNC);
                log.settle();
            }
            log.log().reserve(100);
            log.log().abandon();
            assertEquals(3, counters.records());
            assertEquals(300, counters.payloadBytes());
            long written = counters.diskBytes() - before;
            assertTrue(written >= 3 * 4096 && written % 4096 == 0, written + " bytes written for three records");
        }
    }

    @Test
    void severalWritesAreInFlight() {
        try (TestLog log = TestLog.start(disk, TestLog.config().withInFlightMax(4))) {
            log.settle();
            long before = log.log().counters().writes();
            for (int i = 0; i < 4; i++) {
                log.append(random, 100);
                log.agent().doWork();
            }
            assertTrue(log.log().counters().writes() - before >= 3, "later writes do not wait for earlier ones");
        }
    }

    @Test
    void anIdleLogWritesOneMarkAndThenNothing() {
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            log.settle();
            log.appendDurably(random, 1, 100);
            long before = disk.callCount();
            log.settle();
            assertEquals(before + 1, disk.callCount(), "the mark");
            log.settle();
            assertEquals(before + 1, disk.callCount());
        }
    }

    @Test
    void writtenRecordsAreNotFlushedBeforeSomeoneAsks() {
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            log.settle();
            long durable = log.log().durableUpTo();
            long syncs = disk.callCount(Operation.SYNC) + disk.callCount(Operation.WRITE_DURABLE);
            Entry written = log.append("written", Durability.WRITTEN);
            log.settle();
            assertEquals(written.sequence(), log.log().writtenUpTo());
            assertEquals(durable, log.log().durableUpTo());
            assertEquals(syncs, disk.callCount(Operation.SYNC) + disk.callCount(Operation.WRITE_DURABLE));
            Entry synced = log.append("synced", Durability.SYNC);
            log.await(synced.sequence());
            assertEquals(syncs + 1, disk.callCount(Operation.SYNC) + disk.callCount(Operation.WRITE_DURABLE));
        }
        assertEquals(2, TestLog.readAll(disk, TestLog.config()).size());
    }

    @RepeatedTest(4)
    void whoFindsNoRoomIsWokenWhenThereIs() {
        List<Entry> entries = new ArrayList<>();
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            int[] wakes = {0};
            log.log().onProgress(() -> wakes[0]++);
            for (int round = 0; round < 10; round++) {
                String payload = TestLog.randomText(random, random.nextInt(1, log.config.payloadBytesMax() + 1));
                while (log.log().reserve(payload.length()) != 0) {
                    log.log().abandon();
                    entries.add(log.append(payload, Durability.SYNC));
                }
                assertTrue(
                        log.log().lastSequence() > log.log().durableUpTo(), "full because of what is not yet written");
                int before = wakes[0];
                while (wakes[0] == before) {
                    log.work();
                }
                entries.add(log.append(payload, Durability.SYNC));
            }
        }
        assertEquals(entries, TestLog.readAll(disk, TestLog.config()));
    }

    @Test
    void whatWasAbandonedLeavesNothing() {
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            long offset = log.log().reserve(1000);
            log.log().memory().asSlice(offset, 1000).fill((byte) 7);
            log.log().abandon();
            long shorter = log.log().reserve(1000);
            assertEquals(offset, shorter);
            log.log().memory().asSlice(shorter, 3).fill((byte) 'x');
            log.log().publish(3, Durability.SYNC);
        }
        assertEquals(
                List.of("xxx"),
                TestLog.readAll(disk, TestLog.config()).stream()
                        .map(Entry::payload)
                        .toList());
    }

    @Test
    void anOversizedRecordIsRefusedNamingTheLimit() {
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            int limit = log.log().payloadBytesMax();
            assertEquals(
                    limit,
                    log.append(TestLog.randomText(random, limit), Durability.SYNC)
                            .payload()
                            .length());
            Failure.expect(IllegalArgumentException.class, () -> log.log().reserve(limit + 1), "8,192", "8,193");
        }
        assertEquals(8 << 20, WalConfig.in(Path.of("/")).payloadBytesMax());
        assertThrows(IllegalArgumentException.class, () -> TestLog.config().withSegmentBytes(3));
    }

    @Test
    void releasedSegmentsAreUsedAgain() {
        List<Entry> entries = new ArrayList<>();
        try (TestLog log = TestLog.start(disk, TestLog.config().withSparesMax(2))) {
            for (int round = 0; round < 30; round++) {
                entries.addAll(log.appendDurably(random, 5, 4000));
                log.log().releaseUpTo(entries.getLast().sequence());
                log.settle();
            }
            assertTrue(disk.callCount(Operation.CREATE) < 8, disk.callCount(Operation.CREATE) + " files made");
            assertTrue(disk.list(TestLog.DIRECTORY).size() < 6, "few files: " + disk.list(TestLog.DIRECTORY));
            assertTrue(log.log().oldestSequence() > entries.getFirst().sequence());
        }
        List<Entry> read = TestLog.readAll(disk, TestLog.config());
        assertFalse(read.isEmpty());
        assertEquals(entries.subList(entries.size() - read.size(), entries.size()), read);
    }

    @Test
    void itIsKnownWhereTheNewestSegmentsBegin() {
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            while (log.log().segmentCount() < 5) {
                log.appendDurably(random, 5, 4000);
            }
            log.settle();
            int count = log.log().segmentCount();
            assertEquals(log.log().oldestSequence(), log.log().newestFrom(count));
            assertEquals(log.log().oldestSequence(), log.log().newestFrom(count + 1));
            for (int i = 1; i < count; i++) {
                assertTrue(log.log().newestFrom(i + 1) < log.log().newestFrom(i));
            }
            long fromThird = log.log().newestFrom(3);
            log.log().releaseUpTo(fromThird - 2);
            log.settle();
            assertTrue(log.log().oldestSequence() < fromThird, "a record before it is needed");
            log.log().releaseUpTo(fromThird - 1);
            log.settle();
            assertEquals(fromThird, log.log().oldestSequence());
        }
    }

    /** As a log of changes does: the whole state leads a fresh segment, everything before it is released. */
    @Test
    void aCheckpointReplacesAllBefore() {
        List<Entry> state = new ArrayList<>();
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            for (int round = 0; round < 10; round++) {
                log.appendDurably(random, 20, 500);
                log.settle();
                long start = log.log().roll();
                assertTrue(start > 0);
                state = log.appendDurably(random, 3, 500);
                log.log().releaseUpTo(start - 1);
                log.settle();
                assertEquals(start, log.log().oldestSequence());
            }
        }
        assertEquals(state, TestLog.readAll(disk, TestLog.config()));
    }

    @Test
    void sequencesGoOnAboveAllThatIsKnown() {
        long last;
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            last = log.append("one", Durability.SYNC).sequence();
        }
        try (TestLog log = new TestLog(disk, TestLog.config())) {
            assertTrue(log.recovery.lastSequence() >= last);
            log.start(1_000_000);
            assertTrue(log.append("two", Durability.SYNC).sequence() > 1_000_000);
        }
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            assertEquals(
                    List.of("one", "two"), log.read.stream().map(Entry::payload).toList());
            assertTrue(log.append("three", Durability.SYNC).sequence() > 1_000_001);
        }
    }

    @Test
    @Tag("allocation")
    void appendingAndWritingAllocateNothing() {
        // Large segments, because a new one does cost some heap.
        WalConfig config =
                WalConfig.in(TestLog.DIRECTORY).withSegmentBytes(16 << 20).withInFlightMax(4);
        try (TestLog log = TestLog.start(new PretendedDisk(), config)) {
            CommitLog commitLog = log.log();
            commitLog.onProgress(() -> {});
            log.settle();
            long[] sequence = {0};
            Allocation.assertNone("append, write and acknowledge", () -> {
                for (int i = 0; i < 20; i++) {
                    long offset = commitLog.reserve(100);
                    if (offset != 0) {
                        commitLog.memory().asSlice(offset, 100).fill((byte) i);
                        sequence[0] = commitLog.publish(100, i % 3 == 0 ? Durability.WRITTEN : Durability.SYNC);
                    }
                    log.agent().doWork();
                }
                while (commitLog.durableUpTo() < sequence[0] - 3) {
                    log.agent().doWork();
                }
            });
        }
    }
}
