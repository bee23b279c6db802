package io.nyala.io;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A bounded number of queues for threads that have none of their own: those of callers, also virtual ones. Each queue
 * has one borrower at a time.
 *
 * <p>Thread-safe. Queues are made when first needed. Owns them; whoever opened the pool closes it, when all queues are
 * back.
 */
public final class IoPool implements AutoCloseable {
    private final Disk disk;
    private final int queueCountMax;
    private final int depthMax;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition returned = lock.newCondition();

    // Guarded by the lock.
    private final ArrayDeque<IoQueue> idle = new ArrayDeque<>();
    private int queueCount;
    private boolean isClosed;

    /**
     * @param queueCountMax most queues that are out at a time; who asks for more waits
     * @param depthMax most transfers in flight in each
     */
    public IoPool(Disk disk, int queueCountMax, int depthMax) {
        Transfers.checkDepth(depthMax);
        if (queueCountMax < 1) {
            throw new IllegalArgumentException("queueCountMax must be more than 0, was " + queueCountMax);
        }
        this.disk = disk;
        this.queueCountMax = queueCountMax;
        this.depthMax = depthMax;
    }

    /** The disk that the queues are of. */
    public Disk disk() {
        return disk;
    }

    public int queueCountMax() {
        return queueCountMax;
    }

    /** A queue with nothing in flight, for this thread until it gives it back. Waits while all are out. */
    public IoQueue borrow() {
        lock.lock();
        try {
            while (true) {
                IoQueue queue = take();
                if (queue != null) {
                    return queue;
                }
                returned.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #borrow}, but answers null where that would wait. */
    public @Nullable IoQueue tryBorrow() {
        lock.lock();
        try {
            return take();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable IoQueue take() {
        if (isClosed) {
            throw new IllegalStateException("the pool of I/O queues is closed");
        }
        IoQueue queue = idle.pollLast(); // The one used last: its memory is still near.
        if (queue == null && queueCount < queueCountMax) {
            queue = disk.newMovableQueue(depthMax);
            queueCount++;
        }
        return queue;
    }

    /**
     * Gives back a borrowed queue. One with transfers in flight, because something failed between, is closed, which
     * waits for their memory, and not used again.
     */
    public void giveBack(IoQueue queue) {
        boolean isReusable = queue.inFlight() == 0;
        try {
            if (!isReusable) {
                queue.close();
            }
        } finally { // Also if closing fails: then another may be made in its place.
            takeBack(isReusable ? queue : null);
        }
    }

    private void takeBack(@Nullable IoQueue reusable) {
        lock.lock();
        try {
            if (reusable != null) {
                idle.addLast(reusable);
            } else {
                queueCount--;
            }
            returned.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Closes the queues. Closing twice does nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            isClosed = true;
            int out = queueCount - idle.size();
            queueCount = out;
            RuntimeException failure = null;
            while (!idle.isEmpty()) {
                try {
                    idle.removeLast().close();
                } catch (RuntimeException e) { // The others are closed nevertheless.
                    failure = failure == null ? e : failure;
                }
            }
            if (failure != null) {
                throw failure;
            }
            if (out > 0) {
                throw new IllegalStateException(out + " I/O queues were not given back before their pool was closed");
            }
        } finally {
            lock.unlock();
        }
    }
}
