package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.memory.Crc32c;
import io.nyala.simulation.ReadDamage;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: no damage to a log passes for its end, unless nobody was told of what is lost.
 * Method: a log of several epochs and segments; every live byte flipped, files missing, swapped, foreign and cut.
 */
final class CorruptionTest {
    private static final int PADDING_STRIDE = 64;
    private static final byte[] ZEROS = new byte[16];

    private SplittableRandom random = new SplittableRandom(0);
    private SimulatedDisk disk = new SimulatedDisk(random);

    @BeforeEach
    void makeDisk(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = TestLog.newDisk(random);
    }

    @Test
    void everyFlippedByteOfASealedLogIsDetected() {
        writeSessions(true);
        assertTrue(isClosedCleanly());
        assertTrue(flipBytes(true, List.of(), PADDING_STRIDE) > 3_000);
    }

    /** No record is left to tell that there was more; the name of the last file does. */
    @Test
    void aLogThatWasClosedCleanlyHasNoTornTail() {
        writeSessions(true);
        List<Path> segments = segments();
        for (Path path : segments.subList(segments.size() - 2, segments.size())) {
            int live = TestLog.liveBytes(disk, path);
            for (int at = SegmentFormat.HEADER_BYTES; at < live; at++) {
                disk.flipBit(path, at, 0);
            }
        }
        Failure.expect(
                CorruptLogException.class,
                () -> TestLog.readAll(disk, TestLog.config()),
                "the log was closed cleanly in " + segments.getLast());
    }

    /** Where the START of the next epoch is gone too, so that it might have told of a cut. */
    @Test
    void aHoleBeforeADamagedEpochIsNoticedByWhatIsBehindItInItsSegment() {
        for (int session = 0; session < 2; session++) {
            TestLog log = TestLog.start(disk, TestLog.config());
            log.appendDurably(random, 1, 300);
            log.settle();
            log.appendDurably(random, 1, 300);
            log.settle();
            log.kill();
        }
        Path second = segments().get(1); // A third was prepared, and is empty.
        for (int at = SegmentFormat.HEADER_BYTES; at < TestLog.SEGMENT_BYTES; at++) {
            disk.flipBit(second, at, 0);
        }
        Path first = segments().getFirst();
        disk.flipBit(first, SegmentFormat.HEADER_BYTES + 100, 0);
        Failure.expect(
                CorruptLogException.class,
                () -> TestLog.readAll(disk, TestLog.config()),
                first.toString(),
                "says that the log was durable up to");
    }

    /** A write that went astray, to the first segment, of which nobody knows what it goes on behind. */
    @Test
    void theStartOfAnotherSegmentIsNotTakenForThatOfTheOldest() {
        TestLog log = TestLog.start(disk, TestLog.config());
        log.appendDurably(random, 1, 300);
        log.settle();
        log.log().roll();
        log.settle();
        log.kill();
        Path first = segments().getFirst();
        byte[] bytes = disk.contents(first);
        byte[] second = disk.contents(segments().get(1));
        System.arraycopy(second, SegmentFormat.HEADER_BYTES, bytes, SegmentFormat.HEADER_BYTES, Disk.ALIGNMENT_BYTES);
        disk.setContents(first, bytes);
        Failure.expect(
                CorruptLogException.class,
                () -> TestLog.readAll(disk, TestLog.config()),
                first.toString(),
                "that begins segment 2",
                "says that the log was durable up to");
    }

    /** The idle log says what became durable, also of what is only written; but it makes nothing durable for it. */
    @Test
    void whatIsDurableIsMissedAlsoBehindARecordThatIsOnlyWritten() {
        for (boolean isWrittenFlushed : new boolean[] {false, true}) {
            disk = TestLog.newDisk(random);
            TestLog log = TestLog.start(disk, TestLog.config());
            log.settle();
            Path path = segments().getFirst();
            int synced = TestLog.liveBytes(disk, path);
            Entry first = log.append("synced", Durability.SYNC);
            log.agent().doWork();
            Entry second = log.append("written, and built before the first was durable", Durability.WRITTEN);
            log.settle();
            assertEquals(first.sequence(), log.log().durableUpTo(), "nobody asked for more");
            if (isWrittenFlushed) {
                log.log().wantDurable(second.sequence());
                log.settle();
                assertTrue(log.log().durableUpTo() >= second.sequence());
            }
            log.kill();
            int lost = isWrittenFlushed ? synced + 4096 : synced;
            disk.flipBit(path, lost + 40, 0);
            Failure.expect(
                    CorruptLogException.class,
                    () -> TestLog.readAll(disk, TestLog.config()),
                    path.toString(),
                    "says that the log was durable up to");
        }
    }

    @Tag("soak")
    @Test
    void everyFlippedByteOfASealedLogIsDetectedSoak() {
        writeSessions(true);
        assertTrue(flipBytes(true, List.of(), 1) > 50_000);
    }

    @Test
    void aFlippedByteOfAnUncleanLogIsDetectedOrLosesNothingAcknowledged() {
        List<Entry> acknowledged = writeSessions(false);
        assertTrue(flipBytes(false, acknowledged, PADDING_STRIDE) > 3_000);
    }

    @Tag("soak")
    @Test
    void aFlippedByteOfAnUncleanLogIsDetectedOrLosesNothingAcknowledgedSoak() {
        List<Entry> acknowledged = writeSessions(false);
        assertTrue(flipBytes(false, acknowledged, 1) > 40_000);
    }

    /** A start that came no further than to a segment of its own weakens nothing that was said before. */
    @Test
    void aFlippedByteBeforeAnEpochThatHardlyBeganIsDetectedOrLosesNothing() {
        for (boolean isSealed : new boolean[] {true, false}) {
            List<Entry> acknowledged = writeSessions(isSealed);
            Path last = segments().stream()
                    .filter(path -> TestLog.liveBytes(disk, path) > SegmentFormat.HEADER_BYTES)
                    .reduce((_, later) -> later)
                    .orElseThrow();
            TestLog.start(disk, TestLog.config()).kill(); // Before the first write.
            assertTrue(flipBytes(false, acknowledged, List.of(last), PADDING_STRIDE) > 500);
            disk = TestLog.newDisk(random);
        }
    }

    private int flipBytes(boolean isSealed, List<Entry> acknowledged, int paddingStride) {
        return flipBytes(isSealed, acknowledged, segments(), paddingStride);
    }

    /**
     * Flips a bit in each live byte, of zeros in padding only in some: answers how often that was detected as
     * corruption.
     *
     * @param isSealed it must be detected; otherwise, if it is not, nothing may be missing
     */
    private int flipBytes(boolean isSealed, List<Entry> acknowledged, List<Path> paths, int paddingStride) {
        int detected = 0;
        for (Path path : paths) {
            byte[] intact = disk.contents(path);
            int live = TestLog.liveBytes(disk, path);
            int phase = random.nextInt(paddingStride);
            for (int at = 0; at < live; at++) {
                boolean isPadding = at >= 8 && at + 8 < live && Arrays.equals(intact, at - 8, at + 8, ZEROS, 0, 16);
                if (isPadding && at % paddingStride != phase) {
                    continue;
                }
                int bit = random.nextInt(8);
                String what = "byte " + at + " bit " + bit + " of " + path;
                disk.flipBit(path, at, bit);
                try {
                    List<Entry> read = TestLog.readAll(disk, TestLog.config());
                    assertFalse(isSealed, what);
                    assertEquals(acknowledged, read, what);
                } catch (CorruptLogException e) {
                    assertEquals(path, e.file(), what);
                    detected++;
                }
                disk.flipBit(path, at, bit);
            }
        }
        return detected;
    }

    /** The disk is as it was, but one read lies: each read of a recovery once, in each way. */
    @Test
    void aReadThatGoesWrongUnseenIsDetectedOrChangesNothing() {
        List<Entry> acknowledged = writeSessions(true);
        for (ReadDamage damage : ReadDamage.values()) {
            int detected = 0;
            int reads = 0;
            for (boolean isDamaged = true; isDamaged; reads++) {
                int index = reads;
                int[] seen = {0};
                boolean[] isReached = {false};
                disk.damageNextRead(
                        _ -> {
                            isReached[0] = seen[0]++ == index;
                            return isReached[0];
                        },
                        damage);
                try {
                    assertEquals(acknowledged, TestLog.readAll(disk, TestLog.config()), damage + " of read " + index);
                } catch (CorruptLogException e) {
                    assertTrue(segments().contains(e.file()), damage + " of read " + index + ": " + e);
                    detected++;
                } catch (DiskException e) {
                    assertEquals(ReadDamage.SHORT, damage, e::toString); // The file ends where it should not.
                    assertTrue(segments().contains(e.path()) && e.position() >= 0, e::toString);
                    detected++;
                }
                isDamaged = isReached[0];
                disk.forgetFailures();
            }
            assertTrue(reads > 6, "reads: " + reads);
            // A bit of padding may be wrong, and what is misdirected from zeros to zeros is not.
            assertTrue(
                    detected > 0 || damage != ReadDamage.MISDIRECTED,
                    damage + " of none of " + reads + " reads was detected");
        }
        assertEquals(acknowledged, TestLog.readAll(disk, TestLog.config()));
        assertEquals(0, disk.openFileCount());
    }

    @Test
    void aMissingSegmentIsDetected() {
        writeSessions(random.nextBoolean());
        List<Path> paths = segments();
        for (Path path : paths.subList(0, paths.size() - 1)) {
            byte[] intact = disk.contents(path);
            disk.delete(path);
            assertThrows(CorruptLogException.class, () -> TestLog.readAll(disk, TestLog.config()), "without " + path);
            disk.create(path).close();
            disk.setContents(path, intact);
        }
    }

    @Test
    void theLastSegmentOfALogThatRolledMayNotBeMissing() {
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            log.appendDurably(random, 2, 100);
            log.settle();
            log.log().roll();
            log.appendDurably(random, 2, 100);
        }
        disk.delete(TestLog.DIRECTORY.resolve("000000000002.sealed"));
        Failure.expect(
                CorruptLogException.class,
                () -> TestLog.readAll(disk, TestLog.config()),
                "000000000001.wal",
                "segment 2",
                "no such file");
    }

    @Test
    void swappedSegmentsAreDetected() {
        writeSessions(random.nextBoolean());
        List<Path> paths = segments();
        for (int i = 0; i < paths.size(); i++) {
            for (int j = 0; j < i; j++) {
                byte[] one = disk.contents(paths.get(i));
                byte[] other = disk.contents(paths.get(j));
                disk.setContents(paths.get(i), other);
                disk.setContents(paths.get(j), one);
                Failure.expect(
                        CorruptLogException.class, () -> TestLog.readAll(disk, TestLog.config()), "swapped or renamed");
                disk.setContents(paths.get(j), other);
                Failure.expect(CorruptLogException.class, () -> TestLog.readAll(disk, TestLog.config()), "swapped");
                disk.setContents(paths.get(i), one);
            }
        }
    }

    @Test
    void aSegmentOfAnotherLogIsDetected() {
        writeSessions(random.nextBoolean());
        for (Path path : segments()) {
            byte[] intact = disk.contents(path);
            byte[] foreign = intact.clone();
            SegmentHeader header = SegmentFormat.read(TestLog.segmentOf(intact), 0);
            var segment = TestLog.segmentOf(foreign);
            SegmentFormat.write(
                    segment,
                    0,
                    new SegmentHeader(
                            header.logId() + 1,
                            header.epoch(),
                            header.opening(),
                            header.number(),
                            header.segmentBytes()));
            disk.setContents(path, segment.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
            Failure.expect(
                    CorruptLogException.class, () -> TestLog.readAll(disk, TestLog.config()), "belongs to log 0x");
            disk.setContents(path, intact);
        }
    }

    @Test
    void aTruncatedOrExtendedSegmentIsDetected() {
        writeSessions(random.nextBoolean());
        int bytes = (int) TestLog.SEGMENT_BYTES;
        for (Path path : segments()) {
            byte[] intact = disk.contents(path);
            for (int length :
                    new int[] {0, 1, 100, 4095, 4096, 5000, 8192, bytes / 2, bytes - 1, bytes + 1, 2 * bytes}) {
                disk.setContents(path, Arrays.copyOf(intact, length));
                CorruptLogException e = assertThrows(
                        CorruptLogException.class,
                        () -> TestLog.readAll(disk, TestLog.config()),
                        path + " of " + length);
                assertEquals(path, e.file());
            }
            disk.setContents(path, intact);
        }
    }

    @Test
    void anUnknownVersionIsRefusedNamingBoth() {
        writeSessions(true);
        Path path = segments().getFirst();
        byte[] bytes = disk.contents(path);
        bytes[8] = 9;
        MemorySegment header = MemorySegment.ofArray(bytes);
        header.set(SegmentFormat.INT, 44, Crc32c.of(header, 0, 44));
        disk.setContents(path, bytes);
        Failure.expect(
                UnsupportedLogException.class,
                () -> TestLog.readAll(disk, TestLog.config()),
                "version 9",
                "version 1 to version 4");
    }

    /** Three epochs: ended cleanly, by the end of the process, and as told; with a roll in each. */
    private List<Entry> writeSessions(boolean isSealed) {
        List<Entry> entries = new ArrayList<>();
        for (int session = 0; session < 3; session++) {
            TestLog log = TestLog.start(disk, TestLog.config());
            entries.addAll(log.appendDurably(random, 3, 300));
            log.settle();
            log.log().roll();
            entries.addAll(log.appendDurably(random, 3, 300));
            log.settle();
            if (session == 1 || (session == 2 && !isSealed)) {
                log.kill();
            } else {
                log.close();
            }
        }
        return entries;
    }

    private boolean isClosedCleanly() {
        try (TestLog log = new TestLog(disk, TestLog.config())) {
            return log.recovery.wasClosedCleanly();
        }
    }

    private List<Path> segments() {
        return disk.list(TestLog.DIRECTORY).stream()
                .filter(path -> path.toString().matches(".*(wal|sealed)"))
                .toList();
    }
}
