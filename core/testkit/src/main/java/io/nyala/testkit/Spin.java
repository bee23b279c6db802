package io.nyala.testkit;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Waits for what another thread is about to do: at once if it is quick, and without keeping it from a processor if
 * there are too few. A wait for what never comes is ended by the test's time-out alone. Stateless.
 */
public final class Spin {
    /** Some microseconds: two threads that both run meet within that. */
    private static final int SPINS = 1_000;

    private static final long PARK_NANOS = 20_000;

    private Spin() {}

    /** Goes on when the condition holds. */
    public static void until(BooleanSupplier condition) {
        for (int i = 0; !condition.getAsBoolean(); i++) {
            if (i < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(PARK_NANOS); // The other thread may need this processor.
            }
        }
    }
}
