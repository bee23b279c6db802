package io.nyala.wal;

import java.util.function.LongSupplier;

/**
 * How often a full disk may be tried again: each attempt writes zeros until it is full once more, which others on it
 * notice. Whoever is refused later has it tried later. One thread.
 */
final class Attempts {
    private static final long WINDOW_MICROS = 1_000_000;

    /** In a window: soon enough for whoever has made room and tries. */
    private static final int COUNT_MAX = 4;

    private final LongSupplier micros;
    private long windowStart;
    private int count;

    /** @param micros may jump */
    Attempts(LongSupplier micros) {
        this.micros = micros;
    }

    /** Whether it may be tried now, which it then is. */
    boolean mayTry() {
        long now = micros.getAsLong();
        if (now - windowStart >= WINDOW_MICROS || now < windowStart) {
            windowStart = now;
            count = 0;
        }
        return count++ < COUNT_MAX;
    }

    /** There is reason to believe that it goes well now. */
    void forget() {
        count = 0;
    }
}
