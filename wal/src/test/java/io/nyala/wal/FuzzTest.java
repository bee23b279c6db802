package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.memory.Crc32c;
import io.nyala.memory.Notes;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Goal: whatever is in its files, reading a log ends: with an error that names a file, or with what was written,
 * without an end of it at most of which nothing left says that it was durable. Method: random bytes, and logs of
 * several sessions that are damaged at random, with and without checksums made right again.
 */
@Timeout(600) // Against hangs: it takes seconds.
final class FuzzTest {
    private static final int DAMAGES_OF_A_LOG = 40;
    private static final int DAMAGES_AT_A_TIME = 6;
    private static final long[] ODD = {0, 1, -1, 23, 24, 40, 4095, 4096, Integer.MAX_VALUE, Long.MAX_VALUE, 1L << 32};

    /** Numbers of a segment header and of a record, where they begin and how many bytes they have. */
    private static final int[][] HEADER_FIELDS = {{8, 4}, {12, 4}, {16, 8}, {24, 8}, {32, 8}, {40, 4}};

    private static final int[][] RECORD_FIELDS = {
        {6, 1}, {8, 4}, {12, 4}, {16, 8}, {24, 8}, {32, 8}, {40, 4}, {44, 4}, {48, 8}, {56, 8}, {64, 8}, {72, 8},
        {80, 4}, {84, 4}, {88, 8}, {96, 8}
    };

    private static final Notes NOBODY = new Notes() {
        @Override
        public void note(long offset, int bytes, String text) {
            assertTrue(offset >= 0 && bytes >= 0, text);
        }

        @Override
        public void section(String title) {}

        @Override
        public void endSection() {}
    };

    private SplittableRandom random = new SplittableRandom(0);
    private SimulatedDisk disk = new SimulatedDisk(random);
    private final WalConfig config = TestLog.config();

    /** Of each session of the log that is damaged: with which record the one before ended. */
    private final List<Long> sessionEnds = new ArrayList<>();

    /** What became of damaged logs. */
    private int readCount;

    private int refusedCount;

    @Test
    void aDamagedLogIsRefusedOrYieldsWhatWasWritten(@Seed SplittableRandom seeded) {
        damageLogs(seeded, 8, false);
    }

    @Tag("soak")
    @RepeatedTest(20)
    void aDamagedLogIsRefusedOrYieldsWhatWasWrittenSoak(@Seed SplittableRandom seeded) {
        damageLogs(seeded, 200, false);
    }

    /** By somebody who can compute checksums: what is read may be anything, but reading ends in an orderly way. */
    @Test
    void aForgedLogIsReadOrRefused(@Seed SplittableRandom seeded) {
        damageLogs(seeded, 8, true);
    }

    @Tag("soak")
    @RepeatedTest(20)
    void aForgedLogIsReadOrRefusedSoak(@Seed SplittableRandom seeded) {
        damageLogs(seeded, 200, true);
    }

    @Test
    void randomBytesAreRefused(@Seed SplittableRandom seeded) {
        randomFiles(seeded, 300);
    }

    @Tag("soak")
    @Test
    void randomBytesAreRefusedSoak(@Seed SplittableRandom seeded) {
        randomFiles(seeded, 20_000);
    }

    private void randomFiles(SplittableRandom seeded, int count) {
        random = seeded;
        for (int i = 0; i < count; i++) {
            disk = TestLog.newDisk(random);
            for (int number = random.nextInt(1, 4); number > 0; number--) {
                Path path = TestLog.DIRECTORY.resolve(
                        String.format("%012d.%s", random.nextInt(1, 4), random.nextBoolean() ? "wal" : "sealed"));
                if (!disk.exists(path)) {
                    disk.create(path).close();
                    disk.setContents(path, randomContents());
                }
            }
            for (Entry entry : read("random files " + i, false).orElse(List.of())) {
                throw new AssertionError("nobody wrote " + entry);
            }
        }
        assertTrue(refusedCount > 0);
    }

    private byte[] randomContents() {
        byte[] bytes = new byte[random.nextInt(4) == 0 ? random.nextInt(20_000) : (int) TestLog.SEGMENT_BYTES];
        random.nextBytes(bytes);
        if (bytes.length >= SegmentFormat.HEADER_BYTES && random.nextInt(4) > 0) {
            var header = new SegmentHeader(TestLog.LOG_ID, 1, TestLog.OPENING, random.nextInt(1, 4), bytes.length);
            MemorySegment segment = TestLog.segmentOf(bytes);
            SegmentFormat.write(segment, 0, header);
            return segment.toArray(JAVA_BYTE);
        }
        return bytes;
    }

    private void damageLogs(SplittableRandom seeded, int logs, boolean isForged) {
        random = seeded;
        for (int i = 0; i < logs; i++) {
            disk = TestLog.newDisk(random);
            List<Entry> written = write();
            Map<Path, byte[]> intact = new TreeMap<>();
            disk.list(TestLog.DIRECTORY).forEach(path -> intact.put(path, disk.contents(path)));
            for (int j = 0; j < DAMAGES_OF_A_LOG; j++) {
                String what = "log " + i + " damage " + j + ":";
                for (int damages = random.nextInt(1, DAMAGES_AT_A_TIME); damages > 0; damages--) {
                    what += " " + (isForged ? forge() : damage());
                }
                long promised = promised(intact);
                Optional<List<Entry>> read = read(what, !isForged);
                if (!isForged && read.isPresent()) {
                    checkLoss(written, read.get(), promised, what);
                }
                restore(intact);
            }
            assertEquals(written, TestLog.readAll(disk, config), "restored");
        }
        assertTrue(refusedCount > 0, "none was refused");
        assertTrue(readCount > 0, "none could be read");
    }

    /**
     * What may be missing of a damaged log that is not refused: the end of what was written, from a record on of which
     * nothing that is left says that it was durable.
     */
    private static void checkLoss(List<Entry> written, List<Entry> read, long promised, String what) {
        int found = read.size();
        assertTrue(found <= written.size(), what + ": more was read than written");
        assertEquals(written.subList(0, found), read, what);
        assertTrue(
                found == written.size() || written.get(found).sequence() > promised,
                () -> what + ": " + written.get(found).sequence() + " is lost, and is promised up to " + promised);
    }

    /**
     * Up to where what is left of the log says that it was durable: by the name of a file, its session; by a record
     * that is found where writes begin, or behind such a one, what it knew, and all of the sessions before its own.
     */
    private long promised(Map<Path, byte[]> intact) {
        long promised = 0;
        for (Path path : disk.list(TestLog.DIRECTORY)) {
            if (path.toString().matches(".*(wal|sealed)")) {
                byte[] before = Objects.requireNonNull(intact.get(path));
                promised = Math.max(promised, promisedIn(disk.contents(path), before));
                if (path.toString().endsWith(".sealed")) {
                    int session =
                            SegmentFormat.read(TestLog.segmentOf(before), 0).epoch();
                    promised = session == sessionEnds.size()
                            ? Long.MAX_VALUE
                            : Math.max(promised, sessionEnds.get(session));
                }
            }
        }
        return promised;
    }

    private long promisedIn(byte[] left, byte[] intact) {
        long promised = 0;
        int epoch = SegmentFormat.read(TestLog.segmentOf(intact), 0).epoch();
        MemorySegment segment = TestLog.segmentOf(left);
        RecordView view = new RecordView();
        for (long write = SegmentFormat.HEADER_BYTES; write < left.length; write += Disk.ALIGNMENT_BYTES) {
            for (long at = write; view.parse(segment, at, segment.byteSize()) == null; at += view.recordBytes()) {
                int from = (int) at;
                int to = from + view.recordBytes();
                if (view.epoch() != epoch || to > intact.length || !Arrays.equals(left, from, to, intact, from, to)) {
                    break; // It was not written there.
                }
                promised = Math.max(promised, Math.max(view.durableUpTo(), sessionEnds.get(epoch - 1)));
            }
        }
        return promised;
    }

    private void restore(Map<Path, byte[]> intact) {
        for (Path path : disk.list(TestLog.DIRECTORY)) {
            if (!intact.containsKey(path)) {
                disk.delete(path);
            }
        }
        intact.forEach((path, bytes) -> {
            if (!disk.exists(path)) {
                disk.create(path).close();
            }
            disk.setContents(path, bytes);
        });
    }

    private List<Entry> write() {
        List<Entry> written = new ArrayList<>();
        sessionEnds.clear();
        for (int session = random.nextInt(1, 4); session > 0; session--) {
            sessionEnds.add(written.isEmpty() ? 0 : written.getLast().sequence());
            TestLog log = TestLog.start(disk, config);
            for (int i = random.nextInt(1, 12); i > 0; i--) {
                written.add(log.append(random, random.nextInt(4) == 0 ? 6_000 : 200));
                if (random.nextInt(3) == 0) {
                    log.settle();
                }
                if (random.nextInt(5) == 0) {
                    log.log().roll();
                }
            }
            log.await(log.log().lastSequence());
            if (random.nextBoolean()) {
                log.close();
            } else {
                log.kill();
            }
        }
        return written;
    }

    /** Reads all, and looks at the bytes as the dump tool does; a log that can be read can be gone on with. */
    private Optional<List<Entry>> read(String what, boolean isGoneOn) {
        try {
            for (Path path : disk.list(TestLog.DIRECTORY)) {
                SegmentFormat.annotate(TestLog.segmentOf(disk.contents(path)), NOBODY);
            }
            List<Entry> read = TestLog.readAll(disk, config);
            readCount++;
            if (isGoneOn) {
                Entry more;
                try (TestLog log = TestLog.start(disk, config)) {
                    more = log.append("more", Durability.SYNC);
                }
                List<Entry> all = new ArrayList<>(read);
                all.add(more);
                assertEquals(all, TestLog.readAll(disk, config), what);
            }
            return Optional.of(read);
        } catch (CorruptLogException | UnsupportedLogException e) {
            assertTrue(
                    String.valueOf(e.getMessage()).contains(TestLog.DIRECTORY.toString()),
                    what + ": " + e.getMessage());
            refusedCount++;
            return Optional.empty();
        } catch (RuntimeException | Error e) {
            throw new AssertionError(what + ": " + e, e);
        }
    }

    private Path anyFile() {
        List<Path> files = disk.list(TestLog.DIRECTORY).stream()
                .filter(path -> path.toString().matches(".*(wal|sealed)"))
                .toList();
        return files.get(random.nextInt(files.size()));
    }

    /** What a disk or a person may do; answers what it was. */
    private String damage() {
        Path path = anyFile();
        byte[] bytes = disk.contents(path);
        int from = bytes.length == 0 ? 0 : random.nextInt(bytes.length);
        int to = Math.min(bytes.length, from + 1 + random.nextInt(random.nextBoolean() ? 16 : 9_000));
        switch (random.nextInt(7)) {
            case 0 -> Arrays.fill(bytes, from, to, (byte) 0);
            case 1 -> Arrays.fill(bytes, from, to, (byte) random.nextInt());
            case 2 -> {
                byte[] source = disk.contents(anyFile());
                int at = source.length == 0 ? 0 : random.nextInt(source.length) & -512;
                int target = from & -512;
                System.arraycopy(
                        source, at, bytes, target, Math.min(4096, Math.min(source.length - at, bytes.length - target)));
            }
            case 3 -> bytes = Arrays.copyOf(bytes, random.nextInt(2 * (int) TestLog.SEGMENT_BYTES));
            case 4 -> {
                Path other = anyFile();
                byte[] others = disk.contents(other);
                disk.setContents(other, bytes);
                bytes = others;
            }
            default -> {
                if (from < to) {
                    bytes[from] ^= (byte) (1 << random.nextInt(8));
                }
            }
        }
        disk.setContents(path, bytes);
        return path.getFileName() + "[" + from + ", " + to + ")";
    }

    /** Changes a number in a header or a record, and makes the checksum right. */
    private String forge() {
        Path path = anyFile();
        MemorySegment segment = TestLog.segmentOf(disk.contents(path));
        RecordView view = new RecordView();
        List<Long> records = new ArrayList<>();
        for (long at = SegmentFormat.HEADER_BYTES; at < segment.byteSize(); at += Long.BYTES) {
            if (view.parse(segment, at, segment.byteSize()) == null) {
                records.add(at);
            }
        }
        boolean isHeader = records.isEmpty() || random.nextInt(6) == 0;
        long at = isHeader ? 0 : records.get(random.nextInt(records.size()));
        int[][] fields = isHeader ? HEADER_FIELDS : RECORD_FIELDS;
        int[] field = fields[random.nextInt(fields.length)];
        long value = random.nextBoolean() ? ODD[random.nextInt(ODD.length)] : random.nextLong(-2, 100);
        for (int i = 0; i < field[1] && at + field[0] + i < segment.byteSize(); i++) {
            segment.set(JAVA_BYTE, at + field[0] + i, (byte) (value >>> (8 * i)));
        }
        if (isHeader) {
            segment.set(SegmentFormat.INT, 44, Crc32c.of(segment, 0, 44));
        } else {
            int payload = segment.get(SegmentFormat.INT, at + RecordFormat.PAYLOAD_BYTES_AT);
            long bytes = payload < 0 ? 0 : RecordFormat.HEADER_BYTES + (payload + 7L & -8L);
            if (bytes > 0 && at + bytes <= segment.byteSize()) {
                int crc = Crc32c.of(segment, at + RecordFormat.MAGIC_AT, bytes - RecordFormat.MAGIC_AT);
                segment.set(SegmentFormat.INT, at, crc);
            }
        }
        disk.setContents(path, segment.toArray(JAVA_BYTE));
        return path.getFileName() + " " + at + "+" + field[0] + "=" + value;
    }
}
