package io.nyala.rpc;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The memory that requests under way may have in all, over all connections of a server. A frame that does not get more
 * waits in line, and its connection is not read from meanwhile, so that the client feels it. One frame at a time may go
 * beyond the limit: else frames that are all half complete could hold everything, and none would ever be answered. So
 * the bound is the limit and one frame.
 *
 * <p>Half of a frame whose rest never comes would be held for ever, and a few of them would be all there is. So while a
 * frame waits, those that come in are looked at every {@link #LOOK_MILLIS}: each should bring 1 MiB a second, and is
 * late by what is missing. One that is too late, the latest first, is told so, and gives back what it holds; as many
 * are as let the first in line go on. A frame that waits, or is complete, is not late, nor counts the time between two
 * looks in which its connection was not read from for another reason: for calls under way, or answers unsent. And while
 * nobody waits, the thinnest line will do.
 *
 * <p>It has no clock: a look counts for the time between looks, however late it comes, so that nobody is to blame for
 * what held us up. Thread-safe. What waits, or is too late, is told on the thread that gives back, or looks.
 */
final class RequestBytes {
    /** Between looks, while something waits. */
    static final int LOOK_MILLIS = 250;

    /** What a frame should bring in that time. */
    static final int LOOK_BYTES = (1 << 20) * LOOK_MILLIS / 1000;

    private final long limitBytes;
    private final long lateMillisMax;
    private final Consumer<Runnable> later;
    private final Runnable look = this::look;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock, as is what each frame says of its share.
    private final ArrayDeque<Wait> waits = new ArrayDeque<>();
    private long usedBytes;
    private @Nullable Frame beyond;
    private @Nullable Frame newest;
    private boolean isLooking;

    private volatile Runnable whenOneWaits = () -> {};

    /** Without looks: for frames that have a limit of their own in time. */
    RequestBytes(long limitBytes) {
        this(limitBytes, Long.MAX_VALUE, _ -> {});
    }

    /**
     * With looks.
     *
     * @param lateMillisMax how late a frame may be
     * @param later runs something {@link #LOOK_MILLIS} later
     */
    RequestBytes(long limitBytes, long lateMillisMax, Consumer<Runnable> later) {
        this.limitBytes = limitBytes;
        this.lateMillisMax = lateMillisMax;
        this.later = later;
    }

    /** Runs something each time that a frame has to wait while none did. */
    void whenOneWaits(Runnable newWhenOneWaits) {
        whenOneWaits = newWhenOneWaits;
    }

    /**
     * Takes so much more for a frame, or puts it in line: then the frame's connection is told when it has been taken,
     * unless the frame has given back everything before.
     */
    boolean take(Frame frame, long bytes) {
        boolean isFirst;
        boolean isAlone;
        lock.lock();
        try {
            if (waits.isEmpty() || frame == beyond) {
                if (mayHave(frame, bytes)) {
                    return true;
                }
            }
            isAlone = waits.isEmpty();
            waits.add(new Wait(frame, bytes));
            frame.isWaiting = true;
            isFirst = !isLooking;
            isLooking = true;
        } finally {
            lock.unlock();
        }
        if (isFirst) {
            later.accept(look);
        }
        if (isAlone) {
            whenOneWaits.run();
        }
        return false;
    }

    private boolean mayHave(Frame frame, long bytes) {
        if (frame != beyond && usedBytes + bytes > limitBytes) {
            if (beyond != null) {
                return false;
            }
            beyond = frame;
        }
        if (frame.heldBytes == 0) {
            link(frame);
        }
        usedBytes += bytes;
        frame.heldBytes += bytes;
        return true;
    }

    /** Gives back all that a frame holds, and its place in line. */
    void giveBack(Frame frame) {
        Frame told = null; // A list by their own means: with one that finds no heap, some would never be told.
        Frame last = null;
        lock.lock();
        try {
            if (frame.heldBytes > 0) {
                usedBytes -= frame.heldBytes;
                frame.heldBytes = 0;
                unlink(frame);
            }
            if (beyond == frame) {
                beyond = null;
            }
            if (!waits.isEmpty()) {
                waits.removeIf(wait -> wait.frame == frame);
                for (Wait wait = waits.peek(); wait != null && mayHave(wait.frame, wait.bytes); wait = waits.peek()) {
                    waits.remove();
                    wait.frame.isWaiting = false;
                    if (last == null) {
                        told = wait.frame;
                    } else {
                        last.nextTold = wait.frame;
                    }
                    last = wait.frame;
                }
            }
        } finally {
            lock.unlock();
        }
        while (told != null) {
            Frame next = told.nextTold;
            told.nextTold = null; // Before it goes on, and may be in the next list.
            told.sender().granted();
            told = next;
        }
    }

    /** Finds what is too late, while somebody waits; then looks again later. */
    private void look() {
        lock.lock();
        try {
            isLooking = !waits.isEmpty();
            if (!isLooking) {
                return;
            }
        } finally {
            lock.unlock();
        }
        try {
            for (Frame late : tooLate()) {
                late.sender().tooLate(late);
            }
        } finally { // Whatever fails: nobody else looks.
            later.accept(look);
        }
    }

    /** The latest of those that are too late, as many as hold what the first in line lacks, or the one beyond. */
    private List<Frame> tooLate() {
        lock.lock();
        try {
            Wait first = waits.peek();
            return first == null ? List.of() : tooLate(usedBytes + first.bytes - limitBytes);
        } finally {
            lock.unlock();
        }
    }

    private List<Frame> tooLate(long bytes) {
        List<Frame> late = new ArrayList<>();
        for (Frame frame = newest; frame != null; frame = frame.older) {
            boolean isHeldUp = frame.takeHeldUp();
            if (!frame.isWaiting && !isHeldUp && !frame.isComplete() && lateMillis(frame) > lateMillisMax) {
                late.add(frame);
            }
        }
        late.sort(Comparator.comparingLong(frame -> -frame.lateMillis));
        long comes = 0;
        for (int i = 0; i < late.size(); i++) {
            Frame frame = late.get(i);
            comes += frame.heldBytes;
            if (comes >= bytes || frame == beyond) {
                return late.subList(0, i + 1);
            }
        }
        return late;
    }

    private static long lateMillis(Frame frame) {
        int receivedBytes = frame.receivedBytes();
        long broughtMillis = (long) (receivedBytes - frame.seenBytes) * LOOK_MILLIS / LOOK_BYTES;
        frame.seenBytes = receivedBytes;
        frame.lateMillis = Math.max(0, frame.lateMillis + LOOK_MILLIS - broughtMillis);
        return frame.lateMillis;
    }

    /** What the first in line lacks; 0 if nobody waits. */
    long missingBytes() {
        lock.lock();
        try {
            Wait first = waits.peek();
            return first == null ? 0 : Math.max(1, usedBytes + first.bytes - limitBytes);
        } finally {
            lock.unlock();
        }
    }

    private void link(Frame frame) {
        frame.older = newest;
        if (newest != null) {
            newest.newer = frame;
        }
        newest = frame;
    }

    private void unlink(Frame frame) {
        Frame older = frame.older;
        Frame newer = frame.newer;
        if (older != null) {
            older.newer = newer;
        }
        if (newer != null) {
            newer.older = older;
        } else {
            newest = older;
        }
        frame.older = null;
        frame.newer = null;
    }

    long usedBytes() {
        lock.lock();
        try {
            return usedBytes;
        } finally {
            lock.unlock();
        }
    }

    private record Wait(Frame frame, long bytes) {}
}
