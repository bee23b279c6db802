package io.nyala.wal;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Which segments the log consists of, and which of them are not needed any more. Before the first file is taken away, a
 * MARK that says so is durable; so a file that is missing without one is noticed. The agent's, but for {@link
 * #releaseUpTo}, {@link #oldestSequence}, {@link #newestFrom} and {@link #segmentCount}, which any thread may call.
 */
final class Retention {
    private final SegmentFiles files;
    private final LogBuffer buffer;
    private final LogProgress progress;
    private final ArrayDeque<Segment> live = new ArrayDeque<>();

    private final AtomicLong releaseTarget = new AtomicLong();

    private long oldestNeeded;
    private long markSequence;

    /** With which the segments begin that hold records, the oldest first: for other threads, and never changed. */
    private volatile long[] firstSequences;

    /**
     * @param recovered segments of earlier epochs, ascending
     * @param active written to now
     */
    Retention(
            SegmentFiles files, LogBuffer buffer, LogProgress progress, Collection<Segment> recovered, Segment active) {
        this.files = files;
        this.buffer = buffer;
        this.progress = progress;
        live.addAll(recovered);
        live.add(active);
        oldestNeeded = buffer.oldestSegment();
        firstSequences = firstSequences(live);
    }

    private static long[] firstSequences(Collection<Segment> segments) {
        return segments.stream().mapToLong(segment -> segment.firstSequence).toArray();
    }

    /** Segments that hold records, the one written to included. */
    int segmentCount() {
        return firstSequences.length;
    }

    /** Sequence with which the newest {@code count} segments begin, or all where there are fewer. */
    long newestFrom(int count) {
        long[] present = firstSequences;
        return present[Math.max(0, present.length - count)];
    }

    void releaseUpTo(long sequence) {
        releaseTarget.accumulateAndGet(sequence, Math::max);
    }

    long oldestSequence() {
        return firstSequences[0];
    }

    Segment active() {
        return live.getLast();
    }

    /** The log goes on in this one. */
    void add(Segment segment) {
        assert segment.number == active().number + 1 : segment.number + " after " + active().number;
        live.add(segment);
        firstSequences = firstSequences(live);
    }

    /** Takes one segment away, or prepares to; answers whether it did something. */
    boolean step() {
        if (live.getFirst().number < oldestNeeded) {
            if (progress.durableUpTo() < markSequence) {
                return false;
            }
            Segment released = live.removeFirst();
            firstSequences = firstSequences(live);
            released.closeFile();
            files.recycle(released.path);
            return true;
        }
        long oldest = oldestNeeded();
        if (oldest == oldestNeeded) {
            return false;
        }
        long mark = buffer.tryMark(oldest, true);
        if (mark == 0) {
            return false;
        }
        oldestNeeded = oldest;
        markSequence = mark;
        return true;
    }

    void closeFiles() {
        live.forEach(Segment::closeFile);
    }

    private long oldestNeeded() {
        long upTo = Math.min(releaseTarget.get(), progress.durableUpTo());
        long oldest = oldestNeeded;
        for (Segment segment : live) {
            if (segment == active() || segment.lastSequence > upTo) {
                break;
            }
            oldest = Math.max(oldest, segment.number + 1);
        }
        return oldest;
    }
}
