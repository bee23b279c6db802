package io.nyala.rpc;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Log lines that clients cause, so that no client can fill a disk with them: a few each second, and how many were left
 * out with the next. Thread-safe.
 */
final class QuietLog {
    static final int LINES_PER_SECOND_MAX = 10;

    private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Logger log;

    // Guarded by this.
    private long windowStartNanos = System.nanoTime();
    private int lines;

    private final AtomicLong left = new AtomicLong();

    QuietLog(Logger log) {
        this.log = log;
    }

    void log(Level level, Supplier<String> text) {
        if (!log.isLoggable(level)) {
            return;
        }
        if (!mayWrite(System.nanoTime())) {
            left.incrementAndGet();
            return;
        }
        long before = left.getAndSet(0);
        log.log(level, before == 0 ? text.get() : text.get() + " (" + before + " similar lines were left out)");
    }

    private synchronized boolean mayWrite(long nanos) {
        if (nanos - windowStartNanos >= WINDOW_NANOS) {
            windowStartNanos = nanos;
            lines = 0;
        }
        return ++lines <= LINES_PER_SECOND_MAX;
    }
}
