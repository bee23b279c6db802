package io.nyala.time;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Hands out hybrid timestamps, each larger than all before, whatever the clock below does: while that stands still or
 * steps back, the logical part counts on. One per host. Thread-safe; owns nothing.
 */
public final class HybridClock {
    /** A time further ahead than this is taken for a mistake: accepting it would drag every later timestamp along. */
    public static final long AHEAD_MICROS_MAX = 10_000_000;

    private final LongSupplier micros;
    private final AtomicLong last = new AtomicLong(HybridTime.NONE);

    /**
     * @param micros microseconds since 1970-01-01 (UTC); may stand still or step back
     */
    public HybridClock(LongSupplier micros) {
        this.micros = micros;
    }

    /** A timestamp above all that were handed out, received or reserved before. */
    public long now() {
        long physical = physical();
        while (true) {
            long before = last.get();
            long time = Math.max(physical, before + 1);
            if (last.compareAndSet(before, time)) {
                return time;
            }
        }
    }

    /** The largest timestamp handed out, received or reserved until now. */
    public long last() {
        return last.get();
    }

    /**
     * Takes note of a timestamp that came from another host: what is handed out from now on is above it.
     *
     * @throws IllegalArgumentException if it is more than 10 s ahead of this host's clock
     */
    public void update(long received) {
        checkNear(received, "was received");
        raise(received);
    }

    /**
     * Before a read at {@code time}: what is handed out from now on is above it, so that what the read saw stays all
     * there is to see.
     *
     * @throws IllegalArgumentException if it is more than 10 s ahead of this host's clock
     */
    public void reserve(long time) {
        checkNear(time, "is to be read at");
        raise(time);
    }

    /**
     * At a start, with the lease that an earlier process persisted: what is handed out from now on is above it,
     * however far ahead.
     */
    public void startAbove(long time) {
        raise(time);
    }

    private void raise(long time) {
        if (time > last.get()) {
            last.accumulateAndGet(time, Math::max);
        }
    }

    private void checkNear(long time, String verb) {
        // Against the clock below, not against the last timestamp: else each request could drag us 10 s further.
        long physical = micros.getAsLong();
        if (time < 0 || (time > last.get() && HybridTime.micros(time) - physical > AHEAD_MICROS_MAX)) {
            throw new IllegalArgumentException("time " + HybridTime.format(time) + " " + verb + ", which is more than "
                    + AHEAD_MICROS_MAX / 1_000_000 + " s ahead of this host's clock, which says " + physical
                    + ". Synchronize the clocks of both hosts");
        }
    }

    private long physical() {
        return HybridTime.ofMicros(micros.getAsLong());
    }
}
