package io.nyala.wal;

import io.nyala.io.Access;
import io.nyala.io.Disk;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A log as it was found at start-up: read it by {@link #forEach}, then {@link #start} it. What it answers about the
 * log's end is known after reading.
 *
 * <p>One thread. Holds no memory and no files between calls, so there is nothing to close.
 */
public final class Recovery {
    /** Openings of one log must differ, also where one was undone; nothing else depends on it. */
    private static final SecureRandom OPENINGS = new SecureRandom();

    private final WalConfig config;
    private final Disk disk;
    private final MemoryAccount account;
    private final Access access;
    private final SegmentFiles files;
    private final List<FoundSegment> found;
    private final StreamIndex streamsRead;
    private final List<FoundSegment> leftovers = new ArrayList<>();
    private final long logId;
    private long segmentBytesMax;
    private StreamNeeds needs = StreamNeeds.UNKNOWN;
    private @Nullable LogReader read;
    private boolean isStarted;

    Recovery(WalConfig config, Disk disk, MemoryAccount account, long newLogId, RecordStreams streams) {
        this(config, disk, account, newLogId, streams, Access.READ_WRITE);
    }

    private Recovery(
            WalConfig config, Disk disk, MemoryAccount account, long newLogId, RecordStreams streams, Access access) {
        this.streamsRead = new StreamIndex(streams, config.segmentBytes());
        this.config = config;
        this.disk = disk;
        this.account = account;
        this.access = access;
        this.files = new SegmentFiles(disk, config.directory(), config.sparesMax());
        this.segmentBytesMax = config.segmentBytes();
        this.found = scan();
        this.logId = found.isEmpty() ? newLogId : found.getFirst().header.logId();
    }

    /** To be read, and not to be started. */
    static Recovery toRead(WalConfig config, Disk disk, MemoryAccount account) {
        return new Recovery(config, disk, account, 0, RecordStreams.ONE, Access.READ);
    }

    /** There is no log yet. */
    public boolean isNew() {
        return found.isEmpty();
    }

    /** Drawn when the log was created; 0 if there is none yet and it is only read. */
    public long logId() {
        return logId;
    }

    /**
     * Reads the log, once, and hands out its records in order, without those of which the log knows that they are not
     * needed: see {@link WriteAheadLog#release}. What was read is durable when this returns: some of it
     * may have been in the operating system's memory only, and must not be lost after it was acted upon.
     *
     * @throws CorruptLogException if something is missing that was acknowledged; records before it were handed out
     *     already
     */
    public void forEach(RecordConsumer consumer) {
        forEach(needs, consumer);
    }

    /** As above, also what is not needed but still there. */
    public void forEachKept(RecordConsumer consumer) {
        forEach(StreamNeeds.UNKNOWN, consumer);
    }

    private void forEach(StreamNeeds needed, RecordConsumer consumer) {
        if (read != null) {
            throw new IllegalStateException("the log was read already");
        }
        if (found.isEmpty()) {
            return;
        }
        try (var reader = new SegmentReader(disk, account, access, segmentBytesMax)) {
            var logReader = new LogReader(reader, found, consumer, streamsRead);
            logReader.read(needed);
            if (access == Access.READ_WRITE) {
                makeDurable(reader, logReader);
            }
            read = logReader;
        }
    }

    /**
     * Writes again, as they are, the records of which nothing says that they were durable. A sync would not do: after
     * one that failed, the operating system may hold for clean what never reached the disk.
     */
    private void makeDurable(SegmentReader reader, LogReader end) {
        for (FoundSegment segment : found.subList(0, end.endIndex() + 1)) {
            if (segment.lastSequence > end.durableSeen() && !segment.isSealed) {
                reader.open(segment.path);
                reader.rewriteFrom(end.durableSeen() + 1, segment.endPosition);
            }
        }
    }

    /** What it looks like, after reading. */
    public LogInspection inspection() {
        return new LogInspection(found.size(), firstSequence(), lastSequence(), wasClosedCleanly(), tornTail());
    }

    /** It ends with a seal. */
    public boolean wasClosedCleanly() {
        return found.isEmpty() || reader().isSealed();
    }

    /** What was cut off, if the log was not closed cleanly. */
    public @Nullable TornTail tornTail() {
        return found.isEmpty() ? null : reader().tornTail();
    }

    /** Sequence of the oldest record there is, 0 if there is none. What is older was released, or is lost. */
    public long firstSequence() {
        return found.isEmpty() ? 0 : found.getFirst().firstSequence;
    }

    /** Sequence with which the newest file begins, whether or not it is read yet; 0 if there is none. */
    public long newestFrom() {
        return found.isEmpty() ? 0 : found.getLast().firstSequence;
    }

    /** Sequence of the last record, 0 if there is none. */
    public long lastSequence() {
        return end().lastSequence();
    }

    /**
     * Begins a new epoch, in a fresh segment behind the log's end.
     *
     * @param sequenceAtLeast the greatest sequence that is known anywhere; the log's own go on above it
     * @param micros a clock, which may jump; bounds how often a full disk is tried again
     * @throws LogFullException if there is no room for a segment
     */
    public WriteAheadLog start(long sequenceAtLeast, LongSupplier micros) {
        return start(sequenceAtLeast, OPENINGS.nextInt(1, Integer.MAX_VALUE), micros);
    }

    /** As above, with a chosen number of the opening. */
    WriteAheadLog start(long sequenceAtLeast, int opening, LongSupplier micros) {
        Check.notNegative("sequenceAtLeast", sequenceAtLeast);
        if (isStarted || access == Access.READ) {
            throw new IllegalStateException(
                    isStarted ? "the log was started already" : "the log was opened to be read");
        }
        if (read == null) {
            forEach((_, _, _, _) -> {});
        }
        isStarted = true;
        if (found.isEmpty() || !wasClosedCleanly()) {
            files.deleteSpares();
        }
        LogEnd end = end();
        int epoch = 1;
        List<Segment> kept = new ArrayList<>();
        for (FoundSegment segment : found) {
            epoch = Math.max(epoch, segment.header.epoch() + 1);
            if (segment.number() <= end.lastSegment()) {
                var live = new Segment(segment.number(), segment.path, segment.header.segmentBytes(), null);
                live.firstSequence = segment.firstSequence;
                live.lastSequence = segment.lastSequence;
                kept.add(live);
            }
        }
        // From the end, so that the numbers have no gap whenever the process dies. The first is replaced by the new
        // epoch's, in
        // one step: what is kept may end with a ROLL, and then there must be a next segment at any time.
        for (FoundSegment segment : found.reversed()) {
            if (segment.number() > end.lastSegment() + 1) {
                files.recycle(segment.path);
            }
        }
        leftovers.forEach(segment -> files.recycle(segment.path));
        long sequence = Math.max(end.lastSequence(), sequenceAtLeast);
        var header = new SegmentHeader(logId, epoch, opening, end.lastSegment() + 1, config.segmentBytes());
        var point = new StartPoint(end, sequence, header, files, kept, streamsRead, needs);
        return WriteAheadLog.start(config, disk, account, point, micros);
    }

    private LogEnd end() {
        return found.isEmpty() ? new LogEnd(0, 0, 0, 0, 1) : reader().end();
    }

    private LogReader reader() {
        return Objects.requireNonNull(read, "the log must be read first");
    }

    /** Checks that the files are segments of one log without a gap. */
    private List<FoundSegment> scan() {
        List<FoundSegment> segments = new ArrayList<>();
        boolean isThere = access == Access.READ_WRITE || disk.exists(config.directory());
        List<SegmentFiles.Named> listed = isThere ? files.list() : List.of();
        if (files.newestBegun() > (listed.isEmpty() ? 0 : listed.getLast().number())) {
            throw new CorruptLogException(
                    files.segment(files.newestBegun()),
                    0,
                    "the file is missing, though an epoch of the log began in it");
        }
        if (listed.isEmpty()) {
            return segments;
        }
        long oldestSegment = 0;
        try (var reader = new SegmentReader(disk, account, access, config.segmentBytes())) {
            for (SegmentFiles.Named named : listed) {
                reader.peek(named.path());
                var segment = new FoundSegment(named, reader.header(named));
                if (reader.parse(SegmentFormat.HEADER_BYTES) == null
                        && reader.view().kind() == RecordKind.START
                        && reader.view().isOf(segment.header)) {
                    segment.firstSequence = reader.view().sequence();
                    SegmentStart start = reader.start();
                    segment.start = start;
                    needs = start.needs().asOf() > needs.asOf() ? start.needs() : needs;
                    oldestSegment = Math.max(oldestSegment, reader.view().oldestSegment());
                }
                segmentBytesMax = Math.max(segmentBytesMax, segment.header.segmentBytes());
                segments.add(segment);
            }
        }
        dropLeftovers(segments, oldestSegment);
        for (int i = 1; i < segments.size(); i++) {
            checkFollows(segments.get(i - 1), segments.get(i));
        }
        return segments;
    }

    /** Segments before a gap, if they were released: their names came back, because a sync of the directory failed. */
    private void dropLeftovers(List<FoundSegment> segments, long oldestSegment) {
        for (int i = segments.size() - 1; i > 0; i--) {
            boolean isGap = segments.get(i).number() > segments.get(i - 1).number() + 1;
            if (isGap && segments.get(i - 1).number() < oldestSegment) {
                List<FoundSegment> released = segments.subList(0, i);
                leftovers.addAll(released);
                released.clear();
                return;
            }
        }
    }

    private void checkFollows(FoundSegment before, FoundSegment segment) {
        if (segment.header.logId() != before.header.logId()) {
            throw new CorruptLogException(
                    segment.path,
                    0,
                    String.format(
                            "it belongs to log 0x%x, the segments before to 0x%x",
                            segment.header.logId(), before.header.logId()));
        }
        if (segment.number() == before.number()) {
            throw new CorruptLogException(segment.path, 0, "there is another file for segment " + segment.number());
        }
        if (segment.number() != before.number() + 1) {
            throw new CorruptLogException(
                    files.segment(before.number() + 1), 0, "the file is missing; others before and after are there");
        }
        if (segment.header.epoch() < before.header.epoch()) {
            throw new CorruptLogException(
                    segment.path,
                    0,
                    "its epoch " + segment.header.epoch() + " is before that of the segment before, "
                            + before.header.epoch());
        }
    }
}
