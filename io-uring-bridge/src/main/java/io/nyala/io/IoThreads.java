package io.nyala.io;

import java.lang.System.Logger.Level;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for the device, so that whoever asked for several transfers need not wait for each. They are made
 * when first needed, never more than {@link #THREAD_COUNT_MAX}, and sleep while there is nothing to do. Allocates
 * nothing once they are there.
 *
 * <p>Where the system allows no more threads, those that there are do the work; if there is none, whoever asked does.
 *
 * <p>Thread-safe. Owns the threads; whoever made it closes it, after the queues that use it.
 */
final class IoThreads implements AutoCloseable {
    /**
     * Most transfers under way at a time: a device that is asked for so many does most of what it can do at all
     * (docs/PERFORMANCE.md), and so many sleeping threads cost nothing but their stacks.
     */
    static final int THREAD_COUNT_MAX = 32;

    /**
     * How often something is handed over before a thread is tried again that could not be made: twice as often after
     * each failure, because trying costs as much as a transfer and the JVM prints a line each time.
     */
    static final int STARTS_PER_RETRY_MIN = 64;

    private static final int STARTS_PER_RETRY_MAX = 1 << 16;

    private static final System.Logger LOG = System.getLogger(IoThreads.class.getName());

    private final ThreadFactory factory;
    private final KernelCalls kernel;
    private final Object monitor = new Object();

    // Guarded by the monitor: a list, oldest first, and what the threads do.
    private @Nullable SyscallTransfer first;
    private @Nullable SyscallTransfer last;
    private int waitingTransferCount;
    private int sleepingThreadCount;
    private final Thread[] threads = new Thread[THREAD_COUNT_MAX];
    private int threadCount;
    private int startsPerRetry = STARTS_PER_RETRY_MIN;
    private int startsUntilRetry;
    private @Nullable String shortage;
    private boolean isClosed;

    IoThreads() {
        this(Thread.ofPlatform().daemon().name("nyala-io-", 0).factory(), KernelCalls.REAL);
    }

    IoThreads(ThreadFactory factory, KernelCalls kernel) {
        this.factory = factory;
        this.kernel = kernel;
    }

    /** What carries out a thread's transfers; whoever asks for it closes it. */
    SystemCalls newCalls() {
        return new SystemCalls(kernel);
    }

    KernelCalls kernel() {
        return kernel;
    }

    /**
     * Hands transfers over, a list of so many; each comes back through {@link SyscallQueue#completed}. False, and none
     * is handed over, if there is no thread.
     */
    boolean start(SyscallTransfer head, SyscallTransfer tail, int count) {
        synchronized (monitor) {
            if (isClosed) {
                throw new IllegalStateException("the disk is closed");
            }
            startThreads(waitingTransferCount + count);
            if (threadCount == 0) {
                return false;
            }
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
            return true;
        }
    }

    /** Threads that were made and have not ended. */
    int threadCount() {
        synchronized (monitor) {
            return threadCount;
        }
    }

    /** Why there were fewer threads than wanted when one was last tried, or null. */
    @Nullable
    String shortage() {
        synchronized (monitor) {
            return shortage;
        }
    }

    /** Threads for so many waiting transfers, or as many as there may be. */
    private void startThreads(int waiting) {
        if (startsUntilRetry > 0) {
            startsUntilRetry--;
            return;
        }
        boolean isGiven = true;
        for (int free = sleepingThreadCount; isGiven && free < waiting && threadCount < THREAD_COUNT_MAX; free++) {
            isGiven = startThread();
        }
    }

    private boolean startThread() {
        SystemCalls calls = newCalls();
        boolean isStarted = false;
        try {
            Thread thread = factory.newThread(() -> work(calls));
            thread.start();
            isStarted = true;
            threads[threadCount++] = thread;
            startsPerRetry = STARTS_PER_RETRY_MIN;
            shortage = null;
        } catch (OutOfMemoryError e) { // So Java calls it that the system has no thread for it.
            fellShort(e);
        } finally {
            if (!isStarted) {
                calls.close();
            }
        }
        return isStarted;
    }

    private void fellShort(OutOfMemoryError e) {
        startsUntilRetry = startsPerRetry;
        startsPerRetry = Math.min(2 * startsPerRetry, STARTS_PER_RETRY_MAX);
        if (shortage == null) {
            LOG.log(
                    Level.WARNING,
                    "the system has only {0} of {1} threads for transfers ({2}): more at a time wait for each other;"
                            + " raise its limit of threads (ulimit -u, kernel.threads-max, pids.max of the container)",
                    threadCount,
                    THREAD_COUNT_MAX,
                    e.getMessage());
        }
        shortage = "only " + threadCount + " of them, " + e.getMessage();
    }

    private void work(SystemCalls calls) {
        try (calls) {
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
