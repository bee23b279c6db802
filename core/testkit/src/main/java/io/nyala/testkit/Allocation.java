package io.nyala.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Measures what code allocates on the Java heap: in the calling thread, or, where it hands work to others, in all
 * threads of the process. Stateless.
 *
 * <pre>{@code
 * Allocation.assertNone("append of 1,024 rows", () -> memRowSet.append(batch));
 * }</pre>
 */
public final class Allocation {
    /** Runs of one measurement; what allocates more rarely must loop inside the code under test. */
    public static final int WINDOW_RUNS = 10;

    /**
     * How long code may run before it counts as warm: the optimizing compiler removes boxes and views only then, and on
     * a busy machine it takes its time. Ends as soon as the limit is met.
     */
    private static final long WARM_UP_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);

    /** And how often at least, however long that takes. */
    private static final int WARM_UP_WINDOWS_MIN = 500;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocation() {}

    /** Heap bytes that one cold run allocates. */
    public static long bytes(Runnable code) {
        code.run();
        return measure(code, 1, THREADS::getCurrentThreadAllocatedBytes);
    }

    /** Fails unless the code, once warm, allocates nothing; answers the bytes per run, which are 0. */
    public static long assertNone(String what, Runnable code) {
        return assertAtMost(0, what, code);
    }

    /** Fails unless the code, once warm, allocates at most so many bytes per run; answers the bytes of a run. */
    public static long assertAtMost(long bytesMax, String what, Runnable code) {
        return assertAtMost(bytesMax, what, code, WARM_UP_NANOS_MAX);
    }

    /**
     * As {@link #assertAtMost}, but counts every thread of the process: those that the code hands work to, and those
     * that have nothing to do with it, so nothing else may run beside it.
     */
    public static long assertAtMostInAllThreads(long bytesMax, String what, Runnable code) {
        long bytes = steadyBytes(code, WARM_UP_NANOS_MAX, THREADS::getTotalThreadAllocatedBytes, bytesMax);
        return check(bytesMax, what, bytes);
    }

    static long assertAtMost(long bytesMax, String what, Runnable code, long warmUpNanosMax) {
        long bytes = steadyBytes(code, warmUpNanosMax, THREADS::getCurrentThreadAllocatedBytes, bytesMax);
        return check(bytesMax, what, bytes);
    }

    private static long check(long bytesMax, String what, long bytes) {
        if (bytes > bytesMax) {
            String limit = bytesMax == 0 ? "must be none" : "at most %,d allowed".formatted(bytesMax);
            throw new AssertionError("%s allocates %,d bytes of heap per run, %s; look for boxes, lambdas, views"
                    .formatted(what, bytes, limit));
        }
        return bytes;
    }

    /** The least per run, rounded up, of many windows of {@link #WINDOW_RUNS} runs; ends when that is enough. */
    private static long steadyBytes(Runnable code, long warmUpNanosMax, LongSupplier allocated, long enoughBytes) {
        long least = measure(code, WINDOW_RUNS, allocated);
        long start = System.nanoTime();
        for (int windows = 1; least > enoughBytes * WINDOW_RUNS; windows++) {
            if (windows >= WARM_UP_WINDOWS_MIN && System.nanoTime() - start >= warmUpNanosMax) {
                break;
            }
            least = Math.min(least, measure(code, WINDOW_RUNS, allocated));
        }
        return Math.ceilDiv(least, WINDOW_RUNS);
    }

    private static long measure(Runnable code, int runs, LongSupplier allocated) {
        long before = allocated.getAsLong();
        for (int i = 0; i < runs; i++) {
            code.run();
        }
        return allocated.getAsLong() - before;
    }
}
