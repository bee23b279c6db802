package io.nyala.rpc;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Log lines that clients cause, so that no client can fill a disk with them: a few each second, and how many were left
 * out with the next. Each is one line, whatever a client has put in it: what ends a line or moves a cursor is written
 * as its code. Thread-safe.
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
            String line = inOneLine(text.get());
            log.log(level, before == 0 ? line : line + " (" + before + " similar lines were left out)");
        }
    }

    private static String inOneLine(String text) {
        StringBuilder line = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int kind = Character.getType(c);
            boolean isPlain = kind != Character.CONTROL
                    && kind != Character.FORMAT
                    && kind != Character.LINE_SEPARATOR
                    && kind != Character.PARAGRAPH_SEPARATOR;
            line.append(isPlain ? String.valueOf(c) : String.format("\\u%04x", (int) c));
        }
        return line.toString();
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
