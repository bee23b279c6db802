package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;

/**
 * Goal: bytes that are no record of the log, however much they look like one, are never taken for one, and never crash
 * or hang the reader. Method: recycled files and torn tails filled with records of the same log from before, of older
 * epochs and of other logs, at every place where a write may begin; and files of random or mutated bytes.
 */
final class LeftoverTest {
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = (int) TestLog.SEGMENT_BYTES / BLOCK_BYTES;

    @RepeatedTest(100)
    void whatARecycledSegmentHeldIsNotARecord(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        List<byte[]> blocks = oldBlocks(random, disk);
        for (Path path : disk.list(TestLog.DIRECTORY)) {
            if (path.toString().endsWith(".spare")) {
                disk.setContents(path, mixture(random, blocks));
            }
        }
        List<Entry> expected = new ArrayList<>(TestLog.readAll(disk, TestLog.config()));
        TestLog log = TestLog.start(disk, TestLog.config());
        for (int i = random.nextInt(20); i > 0; i--) {
            expected.addAll(log.appendDurably(random, random.nextInt(3), 1500));
        }
        log.kill();
        assertEquals(expected, TestLog.readAll(disk, TestLog.config()));
        try (TestLog again = TestLog.start(disk, TestLog.config())) {
            assertEquals(expected, again.read);
            assertNotNull(again.recovery.tornTail());
            expected.addAll(again.appendDurably(random, 3, 100));
        }
        assertEquals(expected, TestLog.readAll(disk, TestLog.config()));
    }

    @RepeatedTest(50)
    void aTornTailMayHoldAnything(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        List<byte[]> blocks = oldBlocks(random, disk);
        TestLog log = TestLog.start(disk, TestLog.config());
        List<Entry> expected = new ArrayList<>(log.read);
        expected.addAll(log.appendDurably(random, random.nextInt(5), 500));
        log.kill();
        Path active = disk.list(TestLog.DIRECTORY).stream()
                .filter(path -> path.toString().endsWith(".wal"))
                .filter(path -> TestLog.liveBytes(disk, path) > BLOCK_BYTES)
                .reduce((_, last) -> last)
                .orElseThrow();
        MemorySegment contents = TestLog.segmentOf(disk.contents(active));
        int live = TestLog.liveBytes(disk, active);
        MemorySegment noise = TestLog.segmentOf(mixture(random, blocks));
        MemorySegment.copy(noise, 0, contents, live, contents.byteSize() - live);
        disk.setContents(active, contents.toArray(JAVA_BYTE));
        assertEquals(expected, TestLog.readAll(disk, TestLog.config()));
    }

    /** All but the chain is right: log, epoch, opening and the sequence that comes next. */
    @RepeatedTest(8)
    void aRecordOfAnotherChainIsNotTheNextOne(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        TestLog log = TestLog.start(disk, TestLog.config());
        List<Entry> expected = log.appendDurably(random, random.nextInt(5), 500);
        if (random.nextBoolean()) {
            log.settle(); // A MARK is the last.
        }
        long last = log.log().lastSequence();
        log.kill();
        Path path = TestLog.DIRECTORY.resolve("000000000001.wal");
        int end = TestLog.liveBytes(disk, path);
        int crc = lastCrc(disk, path, end);
        for (boolean isOfTheChain : new boolean[] {false, true}) {
            MemorySegment contents = TestLog.segmentOf(disk.contents(path));
            MemorySegment.copy(TestLog.segmentOf(new byte[] {'x'}), 0, contents, end + RecordFormat.HEADER_BYTES, 1);
            var context = new RecordContext(TestLog.LOG_ID, 1, TestLog.OPENING);
            context.sequence = last + 1;
            context.previousCrc = isOfTheChain ? crc : crc ^ 1 << random.nextInt(32);
            RecordFormat.seal(contents, end, RecordKind.DATA, 1, context);
            disk.setContents(path, contents.toArray(JAVA_BYTE));
            if (isOfTheChain) {
                expected.add(new Entry(last + 1, "x")); // So nothing else is wrong with it.
            }
            assertEquals(expected, TestLog.readAll(disk, TestLog.config()));
        }
    }

    /** As above, where a segment begins. */
    @RepeatedTest(8)
    void aStartOfAnotherChainIsNotTheNextOne(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        TestLog log = TestLog.start(disk, TestLog.config());
        log.appendDurably(random, random.nextInt(5), 500);
        log.settle();
        log.log().roll();
        log.settle();
        log.kill();
        Path path = TestLog.DIRECTORY.resolve("000000000002.wal");
        MemorySegment contents = TestLog.segmentOf(disk.contents(path));
        var view = new RecordView();
        int start = SegmentFormat.HEADER_BYTES;
        assertNull(view.parse(contents, start, contents.byteSize()));
        for (boolean isOfTheChain : new boolean[] {true, false}) {
            var context = new RecordContext(TestLog.LOG_ID, 1, TestLog.OPENING);
            context.sequence = view.sequence();
            context.previousCrc = isOfTheChain ? view.previousCrc() : view.previousCrc() ^ 1 << random.nextInt(32);
            RecordFormat.seal(contents, start, RecordKind.START, view.payloadBytes(), context);
            contents.asSlice(start + view.recordBytes()).fill((byte) 0);
            disk.setContents(path, contents.toArray(JAVA_BYTE));
            try (TestLog read = new TestLog(disk, TestLog.config())) {
                assertEquals(isOfTheChain ? view.sequence() : view.sequence() - 1, read.recovery.lastSequence());
            }
        }
    }

    private static int lastCrc(SimulatedDisk disk, Path path, int end) {
        MemorySegment segment = TestLog.segmentOf(disk.contents(path));
        var view = new RecordView();
        int crc = 0;
        for (long at = SegmentFormat.HEADER_BYTES; at < end; at = RecordFormat.nextWrite(at)) {
            for (; at < end && view.parse(segment, at, end) == null; at += view.recordBytes()) {
                crc = view.crc();
            }
        }
        return crc;
    }

    /** A file is used again within an epoch: what it held is of the same opening, and only earlier. */
    @RepeatedTest(20)
    void whatARecycledSegmentOfThisEpochHeldIsNotARecord(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        TestLog log = TestLog.start(disk, TestLog.config());
        List<Entry> entries = new ArrayList<>();
        for (int segment = 0; segment < 6; segment++) {
            entries.addAll(log.appendDurably(random, random.nextInt(1, 8), 3_000));
            log.settle();
            log.log().releaseUpTo(log.log().lastSequence());
            log.settle();
            log.log().roll();
        }
        entries.addAll(log.appendDurably(random, random.nextInt(4), 3_000));
        long oldest = log.log().oldestSequence();
        log.kill();
        entries.removeIf(entry -> entry.sequence() < oldest);
        assertEquals(entries, TestLog.readAll(disk, TestLog.config()));
    }

    @RepeatedTest(200)
    void randomAndMutatedFilesAreReadOrRefused(@Seed SplittableRandom random) {
        fuzz(random);
    }

    @Tag("soak")
    @RepeatedTest(20_000)
    void randomAndMutatedFilesAreReadOrRefusedSoak(@Seed SplittableRandom random) {
        fuzz(random);
    }

    private static void fuzz(SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        List<Entry> written = new ArrayList<>();
        boolean isKilled = false;
        for (int session = 0; session < 2; session++) {
            TestLog log = TestLog.start(disk, TestLog.config());
            written.addAll(log.appendDurably(random, 8, 3000));
            isKilled = random.nextBoolean();
            if (isKilled) {
                log.kill();
            } else {
                log.close();
            }
        }
        List<Path> paths = disk.list(TestLog.DIRECTORY).stream()
                .filter(path -> disk.contents(path).length == TestLog.SEGMENT_BYTES)
                .toList();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            Path path = paths.get(random.nextInt(paths.size()));
            byte[] bytes = disk.contents(path);
            mutate(random, bytes);
            disk.setContents(path, bytes);
        }
        try {
            List<Entry> read = TestLog.readAll(disk, TestLog.config());
            // In order and once. What may be missing of a log that was not closed, FuzzTest says.
            assertEquals(isKilled ? written.subList(0, Math.min(read.size(), written.size())) : written, read);
        } catch (CorruptLogException e) {
            assertTrue(e.offset() >= 0, "says where");
        }
    }

    private static void mutate(SplittableRandom random, byte[] bytes) {
        int from = random.nextBoolean() ? 0 : BLOCK_BYTES;
        switch (random.nextInt(4)) {
            case 0 -> { // All random, but perhaps for the header.
                byte[] noise = new byte[bytes.length - from];
                random.nextBytes(noise);
                System.arraycopy(noise, 0, bytes, from, noise.length);
            }
            case 1 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            case 2 -> { // A piece moved.
                int count = random.nextInt(1, bytes.length / 2);
                int source = random.nextInt(bytes.length - count);
                System.arraycopy(bytes, source, bytes, random.nextInt(bytes.length - count), count);
            }
            default -> { // A field made extreme.
                int at = from + random.nextInt(12) * 4;
                bytes[at + 3] = (byte) random.nextInt();
                bytes[at + 2] = -1;
            }
        }
    }

    /** Blocks of earlier epochs of the log on this disk, and of another log; leaves spares behind. */
    private static List<byte[]> oldBlocks(SplittableRandom random, SimulatedDisk disk) {
        List<byte[]> blocks = new ArrayList<>();
        SimulatedDisk other = TestLog.newDisk(random);
        for (SimulatedDisk each : List.of(disk, other)) {
            WalConfig config = TestLog.config();
            for (int session = 0; session < 3; session++) {
                long id = each == disk ? TestLog.LOG_ID : TestLog.LOG_ID + 1;
                try (TestLog log = new TestLog(each, config, id)) {
                    log.start(0);
                    log.appendDurably(random, 12, 3000);
                    log.settle();
                    log.log().roll();
                    log.appendDurably(random, 3, 3000);
                    collect(each, blocks);
                    log.log().releaseUpTo(log.log().lastSequence());
                    log.settle();
                }
            }
        }
        return blocks;
    }

    private static void collect(SimulatedDisk disk, List<byte[]> blocks) {
        for (Path path : disk.list(TestLog.DIRECTORY)) {
            byte[] contents = Arrays.copyOf(disk.contents(path), BLOCKS * BLOCK_BYTES);
            for (int i = 0; i < BLOCKS; i++) {
                blocks.add(Arrays.copyOfRange(contents, i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES));
            }
        }
    }

    private static byte[] mixture(SplittableRandom random, List<byte[]> blocks) {
        byte[] mixture = new byte[BLOCKS * BLOCK_BYTES];
        int source = random.nextInt(blocks.size());
        for (int i = 0; i < BLOCKS; i++) {
            // Mostly in their old order, so that their chains hold.
            source = random.nextInt(4) == 0 ? random.nextInt(blocks.size()) : (source + 1) % blocks.size();
            System.arraycopy(blocks.get(source), 0, mixture, i * BLOCK_BYTES, BLOCK_BYTES);
        }
        return mixture;
    }
}
