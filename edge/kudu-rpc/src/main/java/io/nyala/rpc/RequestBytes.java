package io.nyala.rpc;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The memory that requests under way may have in all, over all connections of a server. A frame that does not get more
 * waits in line, and its connection is not read from meanwhile, so that the client feels it. One frame at a time may go
 * beyond the limit: else frames that are all half complete could hold everything, and none would ever be answered. So
 * the bound is the limit and one frame.
 *
 * <p>Thread-safe. What waits is told on the thread that gives back.
 */
final class RequestBytes {
    private final long limitBytes;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock, as is what each frame holds.
    private final ArrayDeque<Wait> waits = new ArrayDeque<>();
    private long usedBytes;
    private @Nullable Frame beyond;

    RequestBytes(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /**
     * Takes so much more for a frame, or puts it in line: then {@code granted} runs when it has been taken, unless the
     * frame has given back everything before.
     */
    boolean take(Frame frame, long bytes, Runnable granted) {
        lock.lock();
        try {
            if (waits.isEmpty() || frame == beyond) {
                if (mayHave(frame, bytes)) {
                    return true;
                }
            }
            waits.add(new Wait(frame, bytes, granted));
            return false;
        } finally {
            lock.unlock();
        }
    }

    private boolean mayHave(Frame frame, long bytes) {
        if (frame != beyond && usedBytes + bytes > limitBytes) {
            if (beyond != null) {
                return false;
            }
            beyond = frame;
        }
        usedBytes += bytes;
        frame.heldBytes += bytes;
        return true;
    }

    /** Gives back all that a frame holds, and its place in line. */
    void giveBack(Frame frame) {
        List<Wait> told = List.of();
        lock.lock();
        try {
            usedBytes -= frame.heldBytes;
            frame.heldBytes = 0;
            if (beyond == frame) {
                beyond = null;
            }
            if (!waits.isEmpty()) {
                waits.removeIf(wait -> wait.frame == frame);
                told = new ArrayList<>();
                for (Wait wait = waits.peek(); wait != null && mayHave(wait.frame, wait.bytes); wait = waits.peek()) {
                    told.add(waits.remove());
                }
            }
        } finally {
            lock.unlock();
        }
        for (Wait wait : told) {
            wait.granted.run();
        }
    }

    long usedBytes() {
        lock.lock();
        try {
            return usedBytes;
        } finally {
            lock.unlock();
        }
    }

    private record Wait(Frame frame, long bytes, Runnable granted) {}
}
