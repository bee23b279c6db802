package io.nyala.cli;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Bytes that were allocated on the Java heap, as the JVM counts them. Stateless. */
final class HeapMeter {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private HeapMeter() {}

    /** By all threads, those that ended included, since the JVM started. */
    static long allThreads() {
        return THREADS.getTotalThreadAllocatedBytes();
    }

    /** By this thread since it started. */
    static long thisThread() {
        return THREADS.getCurrentThreadAllocatedBytes();
    }
}
