package io.nyala.web;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that read requests and write answers, each for a bounded time: who sends half a request, or does not read its
 * answer, is cut off, by an interrupt that closes its connection. A few of them, beyond which requests wait; and a
 * few of those, beyond which connections are closed at once.
 *
 * <p>They end when there was nothing to do for a while. Thread-safe.
 */
final class Exchanges implements Executor {
    /** Slow clients keep one each; the pages are made by fewer at a time. */
    static final int THREADS_MAX = 16;

    /** Requests that wait for one. */
    private static final int WAITING_MAX = 64;

    private static final long IDLE_SECONDS = 10;

    private final ThreadPoolExecutor threads;
    private final ScheduledThreadPoolExecutor clock;
    private final long millisMax;

    Exchanges(long millisMax) {
        this.millisMax = millisMax;
        AtomicInteger number = new AtomicInteger();
        threads = new ThreadPoolExecutor(
                THREADS_MAX,
                THREADS_MAX,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(WAITING_MAX),
                task -> newThread(task, "nyala-web-" + number.incrementAndGet()));
        threads.allowCoreThreadTimeOut(true);
        clock = new ScheduledThreadPoolExecutor(1, task -> newThread(task, "nyala-web-clock"));
        clock.setRemoveOnCancelPolicy(true);
    }

    /** Nobody's process shall stay for the pages' sake. */
    private static Thread newThread(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Runs a request on a thread.
     *
     * @throws RejectedExecutionException if too many wait already
     */
    @Override
    public void execute(Runnable request) {
        threads.execute(new Timed(request));
    }

    /** A request, and the end of its time. */
    private final class Timed implements Runnable {
        private final Runnable request;
        private boolean isDone; // Guarded by this: no interrupt comes later, when the thread does something else.

        Timed(Runnable request) {
            this.request = request;
        }

        @Override
        public void run() {
            Thread thread = Thread.currentThread();
            ScheduledFuture<?> end = clock.schedule(() -> cutOff(thread), millisMax, TimeUnit.MILLISECONDS);
            try {
                request.run();
            } finally {
                synchronized (this) {
                    isDone = true;
                }
                end.cancel(false);
                boolean _ = Thread.interrupted();
            }
        }

        private synchronized void cutOff(Thread thread) {
            if (!isDone) {
                thread.interrupt();
            }
        }
    }

    /** Cuts off what is under way; answers false if it does not end within that time, and is left alone. */
    boolean close(long nanosMax) {
        long startNanos = System.nanoTime();
        threads.shutdownNow();
        boolean hasEnded = false;
        boolean isInterrupted = false;
        try {
            hasEnded = threads.awaitTermination(nanosMax, TimeUnit.NANOSECONDS);
            clock.shutdownNow(); // Not before: what was begun sets its time first.
            long left = Math.max(0, nanosMax - (System.nanoTime() - startNanos));
            hasEnded &= clock.awaitTermination(left, TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            isInterrupted = true;
        }
        if (isInterrupted) {
            clock.shutdownNow();
            Thread.currentThread().interrupt();
        }
        return hasEnded;
    }
}
