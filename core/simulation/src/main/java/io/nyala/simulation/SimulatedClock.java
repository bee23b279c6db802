package io.nyala.simulation;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * A clock that stands still until the test moves it. Gives the two readings that parts ask for: microseconds since 1970
 * and nanoseconds since some moment. Shared by threads.
 */
public final class SimulatedClock {
    private static final long MICROS_AT_START =
            1_700_000_000_000_000L; // Some day in 2023, so that timestamps look real.

    private final AtomicLong nanos = new AtomicLong();
    private final AtomicLong stepMicros = new AtomicLong(MICROS_AT_START);

    /** Microseconds since 1970; can be stepped back by {@link #stepWallClock}. */
    public long micros() {
        return stepMicros.get() + nanos.get() / 1_000;
    }

    /** Nanoseconds that passed; never goes back. */
    public long nanos() {
        return nanos.get();
    }

    public LongSupplier microsSource() {
        return this::micros;
    }

    public LongSupplier nanosSource() {
        return this::nanos;
    }

    /** Lets time pass, on both readings. */
    public void advanceNanos(long passed) {
        if (passed < 0) {
            throw new IllegalArgumentException("time does not go back by " + passed + " ns; use stepWallClock");
        }
        nanos.addAndGet(passed);
    }

    public void advanceMicros(long passed) {
        advanceNanos(Math.multiplyExact(passed, 1_000L));
    }

    /** Sets the wall clock forward or back, as an administrator or NTP may; no time passes. */
    public void stepWallClock(long micros) {
        stepMicros.addAndGet(micros);
    }
}
