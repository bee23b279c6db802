package io.nyala.wal;

import io.nyala.io.Disk;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Goes through the records of a log in order, and decides where it ends and whether something is missing.
 *
 * <p>A record counts if it is whole and is the one that comes next: of this log and epoch, the next sequence, and with
 * the checksum of the one before. Where that fails, at sequence H, there is a hole:
 *
 * <ul>
 *   <li>If the next segment begins a later epoch and says that the log goes on behind exactly this place, the hole was
 *       found and cut by an earlier recovery. Reading goes on there.
 *   <li>If some record that is still found, in the rest of the segment or in later ones, says that the log was durable
 *       up to H or beyond, or is of a later epoch, then H was lost: corruption.
 *   <li>Otherwise nobody was ever told that H is durable: a torn tail, and the end.
 * </ul>
 *
 * <p>The search for such a record looks at multiples of 4 KiB, where writes begin, and from there along the records of
 * the write. What a recycled segment held before is not mistaken for evidence: it has a smaller sequence or another
 * epoch.
 *
 * <p>Records that are not needed are not handed out. A segment is skipped if the START of the next one says that it
 * holds nothing else, and a later START or a clean end says that it was durable to its own end.
 *
 * <p>One thread, used once; does not own the reader.
 */
final class LogReader {
    private final SegmentReader reader;
    private final List<FoundSegment> segments;
    private final RecordConsumer consumer;
    private final RecordView view;
    private final StreamIndex streams;

    private StreamNeeds needs = StreamNeeds.UNKNOWN;
    private long lastSequence;
    private int lastCrc;
    private boolean hasPrevious;
    private long durableSeen;
    private long oldestSegment;
    private long position;
    private long cutSequence = -1;
    private long cutPosition;
    private int endIndex = -1;
    private long endPosition;
    private boolean isSealed;
    private @Nullable TornTail tornTail;

    /** @param streams of the segment with the last record, after reading */
    LogReader(SegmentReader reader, List<FoundSegment> segments, RecordConsumer consumer, StreamIndex streams) {
        this.reader = reader;
        this.streams = streams;
        this.segments = segments;
        this.consumer = consumer;
        this.view = reader.view();
    }

    /** Reads all, but for segments of which nothing is needed. */
    void read(StreamNeeds known) {
        needs = known;
        for (int index = 0; index < segments.size(); index++) {
            if (!trySkip(index) && !readSegment(index)) {
                break;
            }
        }
        checkOldest(segments.getFirst());
    }

    private boolean trySkip(int index) {
        if (index + 1 == segments.size()) {
            return false;
        }
        FoundSegment segment = segments.get(index);
        SegmentStart own = segment.start;
        SegmentStart next = segments.get(index + 1).start;
        if (own == null || next == null || !goesOn(own) || !isDurable(index, own, next)) {
            return false; // Blank or damaged, or what it held before it was recycled: the reader finds out.
        }
        if (!StreamIndex.isUnneeded(next.streamsBefore(), needs)) {
            return false;
        }
        lastSequence = next.continuesAfter();
        lastCrc = next.previousCrc();
        endPosition = next.previousEnd();
        durableSeen = Math.max(durableSeen, own.durableUpTo());
        oldestSegment = own.oldestSegment();
        hasPrevious = true;
        isSealed = false;
        segment.lastSequence = lastSequence;
        segment.endPosition = endPosition;
        endIndex = index;
        return true;
    }

    private boolean goesOn(SegmentStart start) {
        return !hasPrevious
                || (start.continuesAfter() == lastSequence
                        && start.previousCrc() == lastCrc
                        && start.previousEnd() == endPosition);
    }

    /**
     * Whether something behind a segment says that all of it was durable, its ROLL included: else what is behind it may
     * have to be cut off with its end.
     */
    private boolean isDurable(int index, SegmentStart own, SegmentStart next) {
        if (next.continuesAfter() < own.sequence()) {
            return false;
        }
        if (segments.getLast().isSealed) {
            return true;
        }
        for (int later = index + 1; later < segments.size(); later++) {
            SegmentStart start = segments.get(later).start;
            if (start != null && start.durableUpTo() >= next.continuesAfter()) {
                return true;
            }
        }
        return false;
    }

    LogEnd end() {
        long lastSegment = endIndex >= 0
                ? segments.get(endIndex).number()
                : segments.getFirst().number() - 1;
        long oldest = endIndex >= 0 ? oldestSegment : lastSegment + 1;
        return new LogEnd(lastSequence, lastCrc, endPosition, lastSegment, oldest);
    }

    /** Index of the segment with the last record, or -1 if there is none. */
    int endIndex() {
        return endIndex;
    }

    /** The newest sequence of which a record says that it was durable. */
    long durableSeen() {
        return durableSeen;
    }

    boolean isSealed() {
        return isSealed && tornTail == null;
    }

    @Nullable
    TornTail tornTail() {
        return tornTail;
    }

    /** Answers whether reading goes on in the next segment. */
    private boolean readSegment(int index) {
        FoundSegment segment = segments.get(index);
        findCut(index);
        reader.open(segment.path);
        position = SegmentFormat.HEADER_BYTES;
        String defect = startDefect(segment);
        if (defect != null) {
            return hole(index, defect);
        }
        segment.firstSequence = view.sequence();
        isSealed = false;
        take(index);
        while (view.kind() != RecordKind.ROLL && view.kind() != RecordKind.SEAL) {
            if (lastSequence == cutSequence && endsAtCut()) {
                return true;
            }
            defect = nextDefect(segment);
            if (defect != null) {
                return hole(index, defect);
            }
            take(index);
        }
        if (!reader.isPadded(position)) {
            return hole(index, "the padding of the last write is not zero");
        }
        isSealed = view.kind() == RecordKind.SEAL;
        endPosition = RecordFormat.nextWrite(position);
        if (!isSealed && index == segments.size() - 1) {
            throw new CorruptLogException(
                    segment.path,
                    position,
                    "the log goes on in segment " + (segment.number() + 1) + ", but there is no such file");
        }
        if (segment.isSealed && !isSealed) {
            throw new CorruptLogException(segment.path, position, "its name says that it is the last of a log");
        }
        return true;
    }

    /** If the next segment begins a later epoch, that one says where this one was cut. */
    private void findCut(int index) {
        cutSequence = -1;
        if (index + 1 < segments.size()) {
            FoundSegment next = segments.get(index + 1);
            reader.peek(next.path);
            position = SegmentFormat.HEADER_BYTES;
            boolean isLater = next.header.epoch() > segments.get(index).header.epoch();
            if (isLater && identityDefect(next) == null && view.kind() == RecordKind.START) {
                cutSequence = view.continuesAfter();
                cutPosition = view.previousEnd();
            }
        }
    }

    /** The cut is behind the present record, or behind the padding of its write. */
    private boolean endsAtCut() {
        if (cutPosition == position || (cutPosition == RecordFormat.nextWrite(position) && reader.isPadded(position))) {
            endPosition = cutPosition;
            return true;
        }
        return false;
    }

    /** What is wrong with the first record of a segment, or null. */
    private @Nullable String startDefect(FoundSegment segment) {
        String defect = identityDefect(segment);
        if (defect != null) {
            return defect;
        }
        if (view.kind() != RecordKind.START) {
            return "a segment does not begin with " + view.kind();
        }
        if (!hasPrevious) {
            return null; // Oldest of all, or the first that the caller needs.
        }
        if (view.continuesAfter() != lastSequence || view.previousCrc() != lastCrc) {
            return "it goes on behind record " + view.continuesAfter() + " instead of " + lastSequence;
        }
        if (view.previousEnd() != endPosition) {
            return "it says that the segment before ended at byte " + view.previousEnd() + " instead of " + endPosition;
        }
        return null;
    }

    /** Moves to the next record, over the padding of a write if there is some: what is wrong there, or null. */
    private @Nullable String nextDefect(FoundSegment segment) {
        if (position < reader.fileBytes() && reader.isPadded(position)) {
            position = RecordFormat.nextWrite(position);
        }
        if (position >= reader.fileBytes()) {
            return "the segment ends without a record that says where the log goes on";
        }
        String defect = identityDefect(segment);
        if (defect != null) {
            return defect;
        }
        if (view.sequence() != lastSequence + 1 || view.previousCrc() != lastCrc) {
            return "record " + view.sequence() + " is found there instead of " + (lastSequence + 1);
        }
        return view.kind() == RecordKind.START ? "a START record inside a segment" : null;
    }

    private @Nullable String identityDefect(FoundSegment segment) {
        String defect = reader.parse(position);
        if (defect != null) {
            return defect;
        }
        return view.isOf(segment.header)
                ? null
                : "a record of log 0x" + Long.toHexString(view.logId()) + " epoch " + view.epoch() + " opening 0x"
                        + Integer.toHexString(view.opening())
                        + (view.segment() == 0 ? "" : " that begins segment " + view.segment());
    }

    private void take(int index) {
        FoundSegment segment = segments.get(index);
        if (view.kind() == RecordKind.START) {
            streams.clear();
        }
        if (view.kind() == RecordKind.DATA) {
            long payload = reader.payloadAt(position);
            long stream = streams.add(view.sequence(), reader.memory(), payload, view.payloadBytes());
            if (view.sequence() >= needs.neededFrom(stream)) {
                consumer.record(view.sequence(), reader.memory(), payload, view.payloadBytes());
            }
        } else {
            oldestSegment = view.oldestSegment();
        }
        lastSequence = view.sequence();
        lastCrc = view.crc();
        durableSeen = Math.max(durableSeen, view.durableUpTo());
        hasPrevious = true;
        segment.lastSequence = lastSequence;
        position += view.recordBytes();
        endIndex = index;
        endPosition = position;
        segment.endPosition = RecordFormat.nextWrite(position);
    }

    /**
     * Nothing that comes next is at this position: answers whether the log goes on in the next segment all the same.
     */
    private boolean hole(int index, String defect) {
        FoundSegment segment = segments.get(index);
        boolean isBlank = endIndex != index;
        if (segment.isSealed) {
            throw corrupt(index, position, defect, "the log was closed cleanly in this file");
        }
        if (!isBlank) {
            endPosition = position;
            if (isCutBehind(index)) {
                return true;
            }
        }
        long holePosition = position;
        int next = index + 1;
        int searchedEnd = segments.size();
        if (isBeforeDamagedEpoch(index)) {
            // If this segment ends here rightly, it is that START that is missing; what else is of its epoch may have
            // been in flight together with it.
            findEvidence(next, searchedEnd, SegmentFormat.HEADER_BYTES, "the START record of its epoch: " + defect);
            searchedEnd = next;
        }
        long recognizedEnd = findEvidence(index, searchedEnd, holePosition, defect);
        tornTail = new TornTail(segment.path, holePosition, Math.max(0, recognizedEnd - holePosition), defect);
        return false;
    }

    /** The next segment begins a later epoch that goes on exactly here. */
    private boolean isCutBehind(int index) {
        if (index + 1 == segments.size()) {
            return false;
        }
        FoundSegment next = segments.get(index + 1);
        if (next.header.epoch() == segments.get(index).header.epoch()) {
            return false;
        }
        long here = position;
        reader.peek(next.path);
        position = SegmentFormat.HEADER_BYTES;
        boolean isCut = startDefect(next) == null;
        position = here;
        return isCut;
    }

    /** The next segment is of a later epoch, but its START, which would say that this one ends here, is not valid. */
    private boolean isBeforeDamagedEpoch(int index) {
        if (index + 1 == segments.size()) {
            return false;
        }
        FoundSegment next = segments.get(index + 1);
        long here = position;
        reader.peek(next.path);
        position = SegmentFormat.HEADER_BYTES;
        boolean isDamaged = next.header.epoch() > segments.get(index).header.epoch() && identityDefect(next) != null;
        position = here;
        return isDamaged;
    }

    /**
     * Looks for a record that says that the one missing here was durable, and throws {@link CorruptLogException} if
     * there is one.
     *
     * @param searchedEnd index behind the last segment to search
     * @return where in this segment the last record ends that is of this log, but behind the hole
     */
    private long findEvidence(int index, int searchedEnd, long holePosition, String defect) {
        long recognizedEnd = 0;
        for (int at = index; at < searchedEnd; at++) {
            FoundSegment segment = segments.get(at);
            if (segment.isSealed) {
                throw corrupt(index, holePosition, defect, "the log was closed cleanly in " + segment.path);
            }
            reader.open(segment.path);
            long write = at == index ? RecordFormat.nextWrite(holePosition) : SegmentFormat.HEADER_BYTES;
            while (write < reader.fileBytes()) {
                long end = evidenceIn(segment, write, index, holePosition, defect);
                if (at == index) {
                    recognizedEnd = Math.max(recognizedEnd, end);
                }
                write = Math.max(write + Disk.ALIGNMENT_BYTES, RecordFormat.nextWrite(end));
            }
        }
        return recognizedEnd;
    }

    /** Follows the records of one write: where the last of them ends, or 0 if none begins there. */
    private long evidenceIn(FoundSegment segment, long write, int holeIndex, long holePosition, String defect) {
        long at = write;
        long missing = lastSequence + 1;
        while (at < reader.fileBytes()
                && reader.parse(at) == null
                && view.isOf(segment.header)
                && view.sequence() >= missing) {
            // A later epoch began behind a place that is not this one. Within an epoch, a START proves nothing: it may
            // have
            // been in flight together with what it follows.
            boolean isAfter =
                    segment.header.epoch() > segments.get(holeIndex).header.epoch();
            if (view.durableUpTo() >= missing || isAfter) {
                String evidence = String.format(
                        "record %d at byte %,d of %s says that the log was durable up to %d",
                        view.sequence(), at, segment.path, Math.max(view.durableUpTo(), view.sequence() - 1));
                throw corrupt(holeIndex, holePosition, defect, evidence);
            }
            at += view.recordBytes();
        }
        return at == write ? 0 : at;
    }

    private CorruptLogException corrupt(int index, long at, String defect, String evidence) {
        return new CorruptLogException(
                segments.get(index).path,
                at,
                "record " + (lastSequence + 1) + " is missing: " + defect + "; but " + evidence);
    }

    private void checkOldest(FoundSegment first) {
        long needed = endIndex >= 0 ? oldestSegment : 1; // Segments are released only by later ones that are durable.
        if (needed < first.number()) {
            throw new CorruptLogException(
                    first.path, 0, "the log needs segments from number " + needed + ", but this is the first there is");
        }
    }
}
