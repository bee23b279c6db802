package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a START that tells of many streams, and so has many sectors, is written, believed and missed like any other.
 * Method: the smallest segments that may hold more streams than a sector tells of; what is read is counted, the power
 * is cut while a START is on its way, and each of its sectors is damaged.
 */
final class LargeStartTest {
    private static final int STREAMS = 1_000;
    private static final int NEEDED = 400;
    private static final int POWER_CUTS = 2;
    private static final WalConfig CONFIG = WalConfig.in(TestLog.DIRECTORY).withSegmentBytes(16 << 20);

    /** By the first two bytes of the payload. */
    private static final RecordStreams FIRST_BYTES = (memory, payload, _) ->
            (memory.get(JAVA_BYTE, payload) & 0xFF) << 8 | (memory.get(JAVA_BYTE, payload + 1) & 0xFF);

    private final List<Entry> entries = new ArrayList<>();
    private SplittableRandom random = new SplittableRandom(0);
    private SimulatedDisk disk = new SimulatedDisk(random);

    @BeforeEach
    void makeDisk(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = TestLog.newDisk(random);
    }

    private static TestLog open(Disk disk, boolean isAllRead) {
        return new TestLog(disk, CONFIG, FIRST_BYTES, isAllRead);
    }

    private static String payload(int stream) {
        return (char) (stream >>> 8) + "" + (char) (stream & 0xFF);
    }

    /** A record of each stream, all of them durable; of the last {@link #NEEDED} they are needed. */
    private void fillSegment(TestLog log) {
        var needs = new StreamNeeds.Builder(log.log().durableUpTo() + STREAMS);
        for (int stream = 0; stream < STREAMS; stream++) {
            Entry entry = log.append(payload(stream), Durability.SYNC);
            entries.add(entry);
            if (stream >= STREAMS - NEEDED) {
                needs.add(stream, entry.sequence());
            }
        }
        log.settle();
        log.log().release(needs.build());
    }

    /** Where the START of a segment ends. */
    private long startEnd(int number) {
        byte[] bytes = disk.contents(path(number));
        RecordView view = new RecordView();
        assertEquals(null, view.parse(TestLog.segmentOf(bytes), SegmentFormat.HEADER_BYTES, bytes.length));
        assertEquals(RecordKind.START, view.kind());
        return (long) SegmentFormat.HEADER_BYTES + view.recordBytes();
    }

    private static Path path(int number) {
        return TestLog.DIRECTORY.resolve(String.format("%012d.wal", number));
    }

    @Test
    void whatItTellsIsBelieved() {
        try (TestLog log = open(disk, false)) {
            log.start();
            fillSegment(log);
            assertTrue(log.log().roll() > 0);
            for (int i = 0; i < STREAMS; i++) {
                entries.add(log.append(payload(i % 2), Durability.SYNC));
            }
            log.settle();
            log.log()
                    .release(new StreamNeeds.Builder(log.log().durableUpTo())
                            .add(STREAMS - 1, 1)
                            .build());
            assertTrue(log.log().roll() > 0);
            log.settle();
            assertTrue(log.log().roll() > 0);
            log.settle();
        }
        long atLeast = SegmentFormat.HEADER_BYTES + (STREAMS + NEEDED) * (long) StreamIndex.ENTRY_BYTES;
        assertTrue(startEnd(2) > atLeast, startEnd(2) + " is the end of a START, expected more than " + atLeast);
        try (TestLog log = open(disk, true)) {
            assertEquals(entries, log.read);
        }
        var counting = new CountingDisk(disk);
        try (TestLog log = open(counting, false)) {
            assertEquals(List.of(entries.get(STREAMS - 1)), log.read);
        }
        long whole = 4 * CONFIG.segmentBytes();
        assertTrue(counting.readBytes() < whole * 3 / 4, counting.readBytes() + " bytes read: segment 2 holds nothing");
    }

    /** Each cut leaves other sectors of the START that was on its way. */
    @Test
    void acknowledgedRecordsAreFoundWhenItIsTorn() {
        try (TestLog log = open(disk, false)) {
            log.start();
            fillSegment(log);
            assertTrue(log.log().roll() > 0);
            while (log.agent().doWork() > 0) {
                for (int i = 0; i < POWER_CUTS; i++) {
                    checkAfterPowerCut(disk.afterPowerCut(random.nextLong()));
                }
            }
        }
    }

    private void checkAfterPowerCut(SimulatedDisk found) {
        try (TestLog log = open(found, true)) {
            assertEquals(entries, log.read);
        }
        Entry more;
        try (TestLog log = open(found, false)) {
            assertTrue(entries.containsAll(log.read), "records that nobody wrote");
            assertTrue(log.read.containsAll(entries.subList(STREAMS - NEEDED, STREAMS)), "needed, but not read");
            log.start();
            more = log.append("more", Durability.SYNC);
        }
        try (TestLog log = open(found, true)) {
            assertEquals(entries, log.read.subList(0, entries.size()));
            assertEquals(List.of(more), log.read.subList(entries.size(), log.read.size()));
        }
    }

    @Test
    void damageToAnySectorIsNoticed() {
        try (TestLog log = open(disk, false)) {
            log.start();
            fillSegment(log);
            assertTrue(log.log().roll() > 0);
            entries.add(log.append("more", Durability.SYNC));
            log.settle();
            log.kill();
        }
        byte[] intact = disk.contents(path(2));
        long end = startEnd(2);
        assertTrue(end > 5 * Disk.ALIGNMENT_BYTES, "it has several sectors, and ends at " + end);
        for (int at = SegmentFormat.HEADER_BYTES; at < end; at += Disk.ALIGNMENT_BYTES) {
            byte[] damaged = intact.clone();
            int sectorBytes = (int) Math.min(Disk.ALIGNMENT_BYTES, end - at);
            damaged[at + random.nextInt(sectorBytes)] ^= (byte) (1 << random.nextInt(8));
            disk.setContents(path(2), damaged);
            Failure.expect(CorruptLogException.class, () -> open(disk, false), path(2).toString());
            disk.setContents(path(2), intact);
        }
        try (TestLog log = open(disk, true)) {
            assertEquals(entries, log.read);
        }
    }
}
