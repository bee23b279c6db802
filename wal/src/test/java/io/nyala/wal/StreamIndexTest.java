package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a log is read only where it holds something needed, and nothing needed is ever missed.
 * Method: segments with records of chosen streams, the first byte of each, and a disk that counts what is read. Random
 * needs at every crash are in {@link CrashMatrixTest}.
 */
final class StreamIndexTest {
    private static final RecordStreams FIRST_BYTE = (memory, payload, _) -> memory.get(JAVA_BYTE, payload);
    private static final int PEEK_BYTES = 2 * 4096;

    private SplittableRandom random = new SplittableRandom(0);
    private SimulatedDisk disk = new SimulatedDisk(random);
    private final WalConfig config = TestLog.config();

    @BeforeEach
    void makeDisk(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = TestLog.newDisk(random);
    }

    private TestLog open() {
        return new TestLog(disk, config, FIRST_BYTE, false);
    }

    /**
     * Each word is a segment, each letter the stream of a record in it. Tells at last that only one stream is needed.
     */
    private List<Entry> write(char needed, String... segments) {
        List<Entry> entries = new ArrayList<>();
        try (TestLog log = open()) {
            log.start();
            for (int i = 0; i < segments.length; i++) {
                if (i > 0) {
                    log.settle();
                    log.log().roll();
                }
                for (char stream : segments[i].toCharArray()) {
                    entries.add(log.append(stream + "." + i, Durability.SYNC));
                }
            }
            log.settle();
            log.log().release(needs(log, needed, 1));
            log.log().roll();
            log.settle();
        }
        return entries;
    }

    private static StreamNeeds needs(TestLog log, char stream, long from) {
        return new StreamNeeds.Builder(log.log().durableUpTo())
                .add(stream, from)
                .build();
    }

    private List<String> read() {
        try (TestLog log = open()) {
            return log.read.stream().map(Entry::payload).toList();
        }
    }

    private List<Entry> readKept() {
        try (TestLog log = new TestLog(disk, config, FIRST_BYTE, true)) {
            return log.read;
        }
    }

    @Test
    void onlyWhatIsNeededIsHandedOut() {
        List<Entry> entries = write('a', "ab", "b", "aab", "bb", "cb", "b");
        assertEquals(entries, readKept());
        assertEquals(List.of("a.0", "a.2", "a.2"), read());
        try (TestLog log = open()) {
            log.start();
            log.log().release(needs(log, 'a', entries.get(4).sequence()));
            log.append("b", Durability.SYNC);
            log.settle();
            log.log().roll();
            log.append("c", Durability.SYNC);
        }
        assertEquals(List.of("a.2", "b", "c"), read(), "and what came since");
    }

    /** Of each file the header and the START are read, and no more. */
    @Test
    void whatIsNotNeededIsNotReadFromTheDisk() {
        write('a', "a", "b", "b", "b", "b", "b", "b", "b");
        long files = disk.list(TestLog.DIRECTORY).stream()
                .filter(path -> path.toString().matches(".*(wal|sealed)"))
                .count();
        assertEquals(9, files);
        var counting = new CountingDisk(disk);
        try (TestLog log = new TestLog(counting, config, FIRST_BYTE, false)) {
            assertEquals(1, log.read.size());
        }
        long atMost = files * PEEK_BYTES + 2 * (PEEK_BYTES + TestLog.SEGMENT_BYTES);
        assertTrue(counting.readBytes() <= atMost, counting.readBytes() + " bytes read, expected " + atMost);
        counting.reset();
        try (TestLog log = new TestLog(counting, config, FIRST_BYTE, true)) {
            assertEquals(8, log.read.size());
        }
        assertTrue(counting.readBytes() > atMost, counting.readBytes() + " bytes read of the whole log");
    }

    /** The next segment's START was on its way together with it, and proves nothing. */
    @Test
    void aSegmentWhoseEndMayBeTornIsRead() {
        TestLog first = open();
        first.start();
        first.appendDurably(random, 1, 100);
        Entry kept = first.append("a", Durability.SYNC);
        first.settle();
        first.log().release(needs(first, 'z', 1));
        first.log().roll();
        first.await(first.log().lastSequence());
        first.kill();
        tearRoll(TestLog.DIRECTORY.resolve("000000000001.wal"));
        try (TestLog log = open()) {
            log.start();
            log.append("b", Durability.SYNC);
        }
        List<String> read = readKept().stream().map(Entry::payload).toList();
        assertEquals(List.of(kept.payload(), "b"), read.subList(read.size() - 2, read.size()));
    }

    private void tearRoll(Path path) {
        byte[] bytes = disk.contents(path);
        MemorySegment segment = TestLog.segmentOf(bytes);
        RecordView view = new RecordView();
        boolean isTorn = false;
        for (int at = SegmentFormat.HEADER_BYTES; at < bytes.length; at += Long.BYTES) {
            if (view.parse(segment, at, bytes.length) == null && view.kind() == RecordKind.ROLL) {
                bytes[at] ^= 1;
                isTorn = true;
            }
        }
        assertTrue(isTorn, "there is no ROLL");
        disk.setContents(path, bytes);
    }

    @Test
    void ofTooManyStreamsNothingIsTold() {
        int count = writeManyStreams(StreamIndex.streamsMax(TestLog.SEGMENT_BYTES) + 1);
        var counting = new CountingDisk(disk);
        try (TestLog log = new TestLog(counting, config, FIRST_BYTE, false)) {
            assertEquals(0, log.read.size(), "of the one stream that it has for this reader");
        }
        assertEquals(count, readKept().size());
        assertTrue(counting.readBytes() > 2 * TestLog.SEGMENT_BYTES, counting.readBytes() + " bytes read");
    }

    @Test
    void ofTooManyNeedsTheLeastIsTold() {
        var needs = new StreamNeeds.Builder(1000);
        for (int i = 0; i < 10; i++) {
            needs.add(i, 100 + i);
        }
        StreamNeeds exact = needs.build();
        assertEquals(99, exact.releasable());
        assertEquals(105, exact.atMost(10).neededFrom(5));
        assertEquals(1001, exact.atMost(10).neededFrom(11));
        assertEquals(100, exact.atMost(9).neededFrom(5));
        assertEquals(100, exact.atMost(9).neededFrom(11));
    }

    /** Version 1 told nothing of streams; version 3 did, but its START does not name its segment. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void aLogOfAnOlderVersionIsReadAndGoneOnWith(int version, @TempDir Path directory) throws IOException {
        for (String name : List.of("000000000001.wal", "000000000002.sealed")) {
            String resource = "/wal/version-" + version + "/" + name + ".gz";
            try (InputStream packed = Objects.requireNonNull(getClass().getResourceAsStream(resource), resource);
                    InputStream unpacked = new GZIPInputStream(packed)) {
                Files.write(directory.resolve(name), unpacked.readAllBytes());
            }
        }
        WalConfig real = WalConfig.in(directory).withSegmentBytes(TestLog.SEGMENT_BYTES);
        try (Disk realDisk = Disks.best()) {
            try (TestLog log = new TestLog(realDisk, real)) {
                assertEquals(
                        List.of("one", "two", "three"),
                        log.read.stream().map(Entry::payload).toList());
                assertTrue(log.recovery.wasClosedCleanly());
                log.start();
                log.append("four", Durability.SYNC);
            }
            assertEquals(
                    List.of("one", "two", "three", "four"),
                    TestLog.readAll(realDisk, real).stream().map(Entry::payload).toList());
        }
    }

    /** As many streams, in a segment that another one follows. */
    private int writeManyStreams(int count) {
        long[] stream = {0};
        try (TestLog log = new TestLog(disk, config, (_, _, _) -> ++stream[0], false)) {
            log.start();
            for (int i = 0; i < count; i++) {
                log.append("a", Durability.SYNC);
            }
            log.settle();
            log.log()
                    .release(new StreamNeeds.Builder(log.log().durableUpTo())
                            .add(0, 2)
                            .add(1, 1)
                            .build());
            log.log().roll();
            log.settle();
            return count;
        }
    }
}
