package io.nyala.rpc;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for methods of which some wait: for memory, for a change of their table, for their turn. A thread that waits
 * on a {@link java.util.concurrent.locks.Condition} or a {@link java.util.concurrent.CompletableFuture} is made up for
 * by another one, as {@link ForkJoinPool.ManagedBlocker} says, so that calls that need not wait find one.
 *
 * <p>Thread-safe.
 */
final class WorkerPool {
    /** Threads in the place of others that wait; more are not made up for. */
    static final int SPARE_THREADS_MAX = 256;

    /**
     * Calls of one method that may wait while as many others of it run as there are threads. Several methods may wait,
     * and all of them together leave some of {@link #SPARE_THREADS_MAX} to others.
     */
    private static final int METHOD_WAITS_MAX = 48;

    private static final long KEEP_ALIVE_SECONDS = 60;

    private final int methodThreadsMax;
    private final AtomicInteger number = new AtomicInteger();
    private final Set<Worker> workers = ConcurrentHashMap.newKeySet();
    private final ForkJoinPool pool;

    WorkerPool(int threads) {
        methodThreadsMax = methodThreadsMax(threads);
        pool = new ForkJoinPool(
                threads,
                Worker::new,
                null,
                true, // First come, first served.
                threads,
                threads + SPARE_THREADS_MAX,
                threads,
                _ -> true, // Beyond the most threads, waiting is just that.
                KEEP_ALIVE_SECONDS,
                TimeUnit.SECONDS);
    }

    /**
     * Whoever runs cannot be told from who waits. So those count that all threads may run, or calls that wait for
     * nothing were refused where there are many threads; all of them may come to wait, so they are fewer than the spare
     * threads, unless there are more threads than that.
     */
    static int methodThreadsMax(int threads) {
        return Math.max(threads, Math.min(threads + METHOD_WAITS_MAX, SPARE_THREADS_MAX - 1));
    }

    private final class Worker extends ForkJoinWorkerThread {
        Worker(ForkJoinPool pool) {
            super(null, pool, true);
            setName("rpc-worker-" + number.incrementAndGet());
        }

        @Override
        protected void onStart() {
            workers.add(this);
        }

        @Override
        protected void onTermination(Throwable exception) {
            workers.remove(this);
        }
    }

    /** Calls of one method that may run or wait at once. */
    int methodThreadsMax() {
        return methodThreadsMax;
    }

    ForkJoinPool threads() {
        return pool;
    }

    /** Takes nothing more and interrupts what runs; what is queued runs. */
    void shutdown() {
        pool.shutdown();
        workers.forEach(Thread::interrupt);
    }
}
