package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.io.Disk;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.simulation.SimulatedClock;
import io.nyala.simulation.SimulatedDisk;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A log under test, its agent driven by the calling thread, and what was read back from it. Payloads are random bytes,
 * kept to compare.
 */
final class TestLog implements AutoCloseable {
    static final Path DIRECTORY = Path.of("/log");
    static final long SEGMENT_BYTES = 32 << 10;
    static final long LOG_ID = 0x1234_5678_9ABCL;
    static final int STREAM_COUNT = 4;

    /** Of all openings, but for tests of just that. */
    static final int OPENING = 0x0BEB_0BEB;

    /** By the first byte of the payload. */
    static final RecordStreams STREAMS =
            (memory, payload, bytes) -> bytes == 0 ? 0 : memory.get(JAVA_BYTE, payload) & STREAM_COUNT - 1;

    private static final MemoryBudget BUDGET = MemoryBudget.open(PageSource.jdk(), 64 << 20);
    private static final long PARK_NANOS_MAX = 1_000_000;
    private static final int ROUNDS_MAX = 100_000;

    final SimulatedClock clock = new SimulatedClock();
    final Disk disk;
    final WalConfig config;
    final MemoryAccount account;
    final List<Entry> read = new ArrayList<>();
    final Recovery recovery;
    private @Nullable WriteAheadLog log;

    /** A record as a caller knows it. */
    record Entry(long sequence, String payload) {
        int stream() {
            return payload.isEmpty() ? 0 : payload.charAt(0) & STREAM_COUNT - 1;
        }
    }

    /** Its records are of {@link #STREAMS}, of which those are read that are needed. */
    TestLog(Disk disk, WalConfig config) {
        this(disk, config, STREAMS, false);
    }

    TestLog(Disk disk, WalConfig config, long logId) {
        this(disk, config, account -> WriteAheadLog.open(config, disk, account, logId), false);
    }

    TestLog(Disk disk, WalConfig config, RecordStreams streams, boolean isAllRead) {
        this(disk, config, account -> WriteAheadLog.open(config, disk, account, LOG_ID, streams), isAllRead);
    }

    private TestLog(Disk disk, WalConfig config, Function<MemoryAccount, Recovery> opening, boolean isAllRead) {
        this.disk = disk;
        this.config = config;
        this.account = BUDGET.account("wal", config.memoryBytes());
        RecordConsumer reading =
                (sequence, memory, offset, bytes) -> read.add(new Entry(sequence, text(memory, offset, bytes)));
        try {
            recovery = opening.apply(account);
            if (isAllRead) {
                recovery.forEachKept(reading);
            } else {
                recovery.forEach(reading);
            }
        } catch (RuntimeException e) {
            account.close();
            throw e;
        }
    }

    /** A simulated disk with an empty directory for a log. */
    static SimulatedDisk newDisk(SplittableRandom random) {
        SimulatedDisk disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        disk.syncDirectory(Path.of("/"));
        return disk;
    }

    static WalConfig config() {
        return WalConfig.in(DIRECTORY).withSegmentBytes(SEGMENT_BYTES).withBufferBytes(64 << 10);
    }

    /** Reads, and starts. */
    static TestLog start(Disk disk, WalConfig config) {
        TestLog opened = new TestLog(disk, config);
        opened.start();
        return opened;
    }

    void start() {
        start(0);
    }

    void start(long sequenceAtLeast) {
        start(sequenceAtLeast, OPENING);
    }

    void start(long sequenceAtLeast, int opening) {
        try {
            log = recovery.start(sequenceAtLeast, opening, clock.microsSource());
        } catch (RuntimeException e) {
            account.close();
            throw e;
        }
    }

    /** Reads only. */
    static List<Entry> readAll(Disk disk, WalConfig config) {
        try (TestLog opened = new TestLog(disk, config, STREAMS, true)) {
            return opened.read;
        }
    }

    /** Reads without the right to change anything. */
    static TestLog inspect(Disk disk, WalConfig config) {
        return new TestLog(disk, config, account -> WriteAheadLog.inspect(config, disk, account), true);
    }

    /** Reads only what is needed. */
    static List<Entry> readNeeded(Disk disk, WalConfig config) {
        try (TestLog opened = new TestLog(disk, config)) {
            return opened.read;
        }
    }

    /** Header, and whole writes up to the last that begins with a record of this segment's epoch. */
    static int liveBytes(SimulatedDisk disk, Path path) {
        MemorySegment segment = segmentOf(disk.contents(path));
        int epoch = SegmentFormat.read(segment, 0).epoch();
        RecordView view = new RecordView();
        long at = SegmentFormat.HEADER_BYTES;
        long last = 0;
        while (at < segment.byteSize()
                && view.parse(segment, at, segment.byteSize()) == null
                && view.epoch() == epoch
                && view.sequence() > last) {
            do {
                last = view.sequence();
                at += view.recordBytes();
            } while (at % Disk.ALIGNMENT_BYTES != 0 && view.parse(segment, at, segment.byteSize()) == null);
            at = RecordFormat.nextWrite(at);
        }
        return (int) at;
    }

    WriteAheadLog log() {
        WriteAheadLog started = log;
        if (started == null) {
            throw new IllegalStateException("not started");
        }
        return started;
    }

    LogAgent agent() {
        return log().agent();
    }

    /** Lets the agent work a little, or its disk if it has nothing to do; answers how much it did. */
    int work() {
        int work = agent().doWork();
        if (work == 0) {
            agent().parking().park(PARK_NANOS_MAX);
        }
        return work;
    }

    /** Lets the agent work until nothing is left to do, MARK included. */
    void settle() {
        int idle = 0;
        for (int round = 0; idle < 10; round++) {
            idle = work() == 0 ? idle + 1 : 0;
            if (round == ROUNDS_MAX) {
                throw new AssertionError("the agent never comes to rest");
            }
        }
    }

    /** Appends, working while there is no room. */
    Entry append(String payload, Durability durability) {
        byte[] bytes = payload.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        for (int round = 0; round < ROUNDS_MAX; round++) {
            long offset = log().reserve(bytes.length);
            if (offset != 0) {
                MemorySegment.copy(bytes, 0, log().memory(), JAVA_BYTE, offset, bytes.length);
                return new Entry(log().publish(bytes.length, durability), payload);
            }
            work();
        }
        throw new AssertionError("there never is room");
    }

    Entry append(SplittableRandom random, int bytesMax) {
        return append(randomText(random, random.nextInt(bytesMax + 1)), Durability.SYNC);
    }

    /** Appends so many, and waits until they are durable. */
    List<Entry> appendDurably(SplittableRandom random, int count, int bytesMax) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(append(random, bytesMax));
        }
        await(log().lastSequence());
        return entries;
    }

    void await(long sequence) {
        for (int round = 0; log().durableUpTo() < sequence; round++) {
            work();
            RuntimeException failure = log().failure();
            if (failure != null) {
                throw failure;
            }
            if (round == ROUNDS_MAX) {
                throw new AssertionError(sequence + " never becomes durable");
            }
        }
    }

    static String randomText(SplittableRandom random, int bytes) {
        byte[] text = new byte[bytes];
        random.nextBytes(text);
        return new String(text, java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    static String text(MemorySegment memory, long offset, int bytes) {
        byte[] copy = memory.asSlice(offset, bytes).toArray(JAVA_BYTE);
        return new String(copy, java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    /** Seals the log, and checks that all memory came back. */
    @Override
    public void close() {
        if (log != null) {
            log.close();
        }
        account.close();
    }

    /** The process is gone, with its memory. */
    void kill() {
        if (log != null) {
            log.kill();
        }
        account.close();
    }

    static MemorySegment segmentOf(byte[] bytes) {
        MemorySegment segment = Arena.ofAuto().allocate(bytes.length);
        MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 0, bytes.length);
        return segment;
    }
}
