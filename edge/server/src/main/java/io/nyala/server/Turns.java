package io.nyala.server;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * One after the other. Who waits does so on a condition, which leaves a thread of a {@link
 * java.util.concurrent.ForkJoinPool} to others; a monitor or a lock would keep it. Thread-safe.
 */
final class Turns {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition free = lock.newCondition();
    private boolean isTaken; // Guarded by the lock.

    /** Does something while nobody else does. */
    <T> T take(Supplier<T> action) {
        lock.lock();
        try {
            while (isTaken) {
                free.awaitUninterruptibly();
            }
            isTaken = true;
        } finally {
            lock.unlock();
        }
        try {
            return action.get();
        } finally {
            lock.lock();
            try {
                isTaken = false;
                free.signal();
            } finally {
                lock.unlock();
            }
        }
    }
}
