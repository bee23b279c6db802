package io.nyala.io;

import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for the device, so that whoever asked for several transfers need not wait for each. They are made
 * when first needed, never more than {@link #THREAD_COUNT_MAX}, and sleep while there is nothing to do. Allocates
 * nothing once they are there.
 *
 * <p>Thread-safe. Owns the threads; whoever made it closes it, after the queues that use it.
 */
final class IoThreads implements AutoCloseable {
    /**
     * Most transfers under way at a time: a device that is asked for so many does most of what it can do at all
     * (docs/PERFORMANCE.md), and so many sleeping threads cost nothing but their stacks.
     */
    static final int THREAD_COUNT_MAX = 32;

    private final Object monitor = new Object();

    // Guarded by the monitor: a list, oldest first, and what the threads do.
    private @Nullable SyscallTransfer first;
    private @Nullable SyscallTransfer last;
    private int waitingTransferCount;
    private int sleepingThreadCount;
    private final Thread[] threads = new Thread[THREAD_COUNT_MAX];
    private int threadCount;
    private boolean isClosed;

    /** Hands transfers over, a list of so many; each comes back through {@link SyscallQueue#completed}. */
    void start(SyscallTransfer head, SyscallTransfer tail, int count) {
        synchronized (monitor) {
            if (isClosed) {
                throw new IllegalStateException("the disk is closed");
            }
            startThreads(waitingTransferCount + count);
            SyscallTransfer before = last;
            if (before == null) {
                first = head;
            } else {
                before.next = head;
            }
            last = tail;
            waitingTransferCount += count;
            for (int i = Math.min(count, sleepingThreadCount); i > 0; i--) {
                monitor.notify(); // Who is awake looks here before it sleeps.
            }
        }
    }

    /** Threads that were made and have not ended. */
    int threadCount() {
        synchronized (monitor) {
            return threadCount;
        }
    }

    /** Threads for so many waiting transfers, or as many as there may be. */
    private void startThreads(int waiting) {
        for (int free = sleepingThreadCount; free < waiting && threadCount < THREAD_COUNT_MAX; free++) {
            threads[threadCount] =
                    Thread.ofPlatform().daemon().name("nyala-io-" + threadCount).start(this::work);
            threadCount++;
        }
    }

    private void work() {
        try (SystemCalls calls = new SystemCalls()) {
            SyscallTransfer transfer = next();
            while (transfer != null) {
                calls.carryOut(transfer);
                transfer.queue.completed(transfer);
                transfer = next();
            }
        }
    }

    /** The oldest that waits; sleeps while there is none; null when closed. */
    private @Nullable SyscallTransfer next() {
        synchronized (monitor) {
            while (true) {
                SyscallTransfer transfer = first;
                if (transfer != null) {
                    first = transfer.next;
                    last = first == null ? null : last;
                    transfer.next = null;
                    waitingTransferCount--;
                    return transfer;
                }
                if (isClosed) {
                    return null;
                }
                sleepingThreadCount++;
                try {
                    monitor.wait();
                } catch (InterruptedException _) {
                    // Nobody knows these threads; one that was woken by mistake looks and sleeps again.
                }
                sleepingThreadCount--;
            }
        }
    }

    /** Waits until the threads have ended. Closing twice does nothing. */
    @Override
    public void close() {
        int count;
        synchronized (monitor) {
            isClosed = true;
            count = threadCount;
            threadCount = 0;
            monitor.notifyAll();
        }
        boolean isInterrupted = false;
        for (int i = 0; i < count; ) {
            try {
                threads[i].join();
                i++;
            } catch (InterruptedException _) {
                isInterrupted = true; // Who closes waits all the same: no thread may outlive the disk.
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
