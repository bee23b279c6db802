package io.nyala.rpc;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Log lines that clients cause, so that no client can fill a disk with them: a few each second, and how many were left
 * out with the next. Thread-safe.
 */
final class QuietLog {
    static final int LINES_PER_SECOND_MAX = 10;

    private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Logger log;
    private final LongSupplier nanoTime;
    private final int linesMax;

    // Guarded by this.
    private long windowStartNanos;
    private int lines;

    private long left;

    QuietLog(Logger log, LongSupplier nanoTime) {
        this(log, nanoTime, LINES_PER_SECOND_MAX);
    }

    QuietLog(Logger log, LongSupplier nanoTime, int linesPerSecondMax) {
        this.log = log;
        this.nanoTime = nanoTime;
        this.linesMax = linesPerSecondMax;
        this.windowStartNanos = nanoTime.getAsLong();
    }

    void log(Level level, Supplier<String> text) {
        if (!log.isLoggable(level)) {
            return;
        }
        long before = count(nanoTime.getAsLong());
        if (before >= 0) {
            log.log(level, before == 0 ? text.get() : text.get() + " (" + before + " similar lines were left out)");
        }
    }

    /** Lines that were left out before this one, or -1 if it is left out itself. */
    private synchronized long count(long nanos) {
        if (nanos - windowStartNanos >= WINDOW_NANOS) {
            windowStartNanos = nanos;
            lines = 0;
        }
        if (lines >= linesMax) {
            left++;
            return -1;
        }
        lines++;
        long before = left;
        left = 0;
        return before;
    }
}
