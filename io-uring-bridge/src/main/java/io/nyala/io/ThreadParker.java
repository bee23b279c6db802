package io.nyala.io;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Stops one thread until it is woken, by {@link LockSupport}. {@link #wake} is for any thread, {@link #park} for the
 * one.
 */
final class ThreadParker {
    private final Wakeup wakeup = new Wakeup();
    private volatile @Nullable Thread waiter;

    void wake() {
        if (wakeup.signal()) {
            LockSupport.unpark(waiter);
        }
    }

    /** Returns when woken (also before), when time is up, or when the thread is interrupted. */
    void park(long nanosMax) {
        waiter = Thread.currentThread(); // Read by whoever finds us waiting, which comes after.
        if (!wakeup.prepare()) {
            return;
        }
        if (nanosMax == Long.MAX_VALUE) {
            while (wakeup.isWaiting() && !Thread.currentThread().isInterrupted()) {
                LockSupport.park(this);
            }
        } else if (wakeup.isWaiting()) {
            LockSupport.parkNanos(this, nanosMax); // May return early, which park's contract allows.
        }
        wakeup.finish();
    }
}
