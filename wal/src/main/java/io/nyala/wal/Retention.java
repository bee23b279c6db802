package io.nyala.wal;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Which segments the log consists of, and which of them are not needed any more. Before the first file is taken away, a
 * MARK that says so is durable; so a file that is missing without one is noticed. The agent's, but for {@link
 * #releaseUpTo} and what says of itself that any thread may call it.
 */
final class Retention {
    private final SegmentFiles files;
    private final LogBuffer buffer;
    private final LogProgress progress;
    private final ArrayDeque<Segment> live = new ArrayDeque<>();

    private final AtomicLong releaseTarget = new AtomicLong();

    private long oldestNeeded;
    private long markSequence;

    /** With which the segments begin that hold records: for other threads. */
    private volatile Begins begins;

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
        long[] first = live.stream().mapToLong(each -> each.firstSequence).toArray();
        begins = new Begins(live.getFirst().number, first, 0, first.length);
    }

    /**
     * First sequences of segments, the oldest first: a part of an array that others may have in common. Never changed
     * within that part; that a segment comes or goes costs the same however many there are.
     */
    private static final class Begins {
        private final long oldestNumber;
        private final long[] sequences;
        private final int from;
        private final int to;

        Begins(long oldestNumber, long[] sequences, int from, int to) {
            this.oldestNumber = oldestNumber;
            this.sequences = sequences;
            this.from = from;
            this.to = to;
        }

        int count() {
            return to - from;
        }

        Begins with(long sequence) {
            if (to < sequences.length) {
                sequences[to] = sequence; // Before anyone is told of it, by the volatile write.
                return new Begins(oldestNumber, sequences, from, to + 1);
            }
            long[] larger = Arrays.copyOfRange(sequences, from, from + 2 * count() + 1);
            larger[count()] = sequence;
            return new Begins(oldestNumber, larger, 0, count() + 1);
        }

        Begins withoutOldest() {
            return new Begins(oldestNumber + 1, sequences, from + 1, to);
        }
    }

    /** Segments that hold records, the one written to included. Any thread. */
    int segmentCount() {
        return begins.count();
    }

    /** Sequence with which the newest {@code count} segments begin, or all where there are fewer. Any thread. */
    long newestFrom(int count) {
        Begins present = begins;
        return present.sequences[Math.max(present.from, present.to - count)];
    }

    /** Segments from the oldest up to one of this number. Any thread. */
    long countTo(long number) {
        return number - begins.oldestNumber + 1;
    }

    /** The same, unless the oldest was released, and is still to be taken away: then none. Any thread. */
    long countHeldTo(long number) {
        Begins present = begins;
        boolean isReleasing = present.count() > 1 && releaseTarget.get() >= present.sequences[present.from + 1] - 1;
        return isReleasing ? 0 : number - present.oldestNumber + 1;
    }

    void releaseUpTo(long sequence) {
        releaseTarget.accumulateAndGet(sequence, Math::max);
    }

    /** Any thread. */
    long oldestSequence() {
        Begins present = begins;
        return present.sequences[present.from];
    }

    Segment active() {
        return live.getLast();
    }

    /** The log goes on in this one. */
    void add(Segment segment) {
        assert segment.number == active().number + 1 : segment.number + " after " + active().number;
        live.add(segment);
        begins = begins.with(segment.firstSequence);
    }

    /** Takes one segment away, or prepares to; answers whether it did something. */
    boolean step() {
        if (live.getFirst().number < oldestNeeded) {
            if (progress.durableUpTo() < markSequence) {
                return false;
            }
            Segment released = live.removeFirst();
            begins = begins.withoutOldest();
            released.closeDurable();
            files.recycle(released.path);
            return true;
        }
        long oldest = oldestNeeded();
        if (oldest == oldestNeeded) {
            return false;
        }
        long mark = buffer.tryMark(oldest, true, makesRoom(oldest));
        if (mark == 0) {
            return false;
        }
        oldestNeeded = oldest;
        markSequence = mark;
        return true;
    }

    /**
     * Whether a segment can be made of what goes, or nothing else can go. A full segment on a full disk has room for
     * one more MARK: without a next segment after it, no other could say of a further release.
     */
    private boolean makesRoom(long oldest) {
        long freedBytes = 0;
        for (Segment segment : live) {
            freedBytes += segment.number < oldest ? segment.bytes : 0;
        }
        return freedBytes >= active().bytes || oldest == active().number;
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
