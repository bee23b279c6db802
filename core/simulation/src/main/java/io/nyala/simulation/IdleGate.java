package io.nyala.simulation;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Keeps a thread waiting until any thread opens it; opening it before counts, once. */
final class IdleGate {
    private final Semaphore permits = new Semaphore(0);

    void open() {
        if (permits.availablePermits() == 0) {
            permits.release();
        }
    }

    void await(long nanosMax) {
        try {
            if (permits.tryAcquire(nanosMax, TimeUnit.NANOSECONDS)) {
                permits.drainPermits();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // A disk is not interrupted, but it may return early.
        }
    }
}
