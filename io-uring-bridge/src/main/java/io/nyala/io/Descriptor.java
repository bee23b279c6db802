package io.nyala.io;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor that is closed exactly once, when its owner has closed it and nobody uses it any more. Otherwise a
 * transfer could meet a number that already stands for another file. Shared by threads.
 */
final class Descriptor {
    private static final int CLOSED = 1;
    private static final int USER = 2;

    private final int fd;
    /** Twice the number of users, plus 1 when closed. */
    private final AtomicInteger state = new AtomicInteger();

    Descriptor(int fd) {
        assert fd >= 0 : "no descriptor: " + fd;
        this.fd = fd;
    }

    /** The number; only between {@link #acquire} and {@link #release}, or by the owner before {@link #close}. */
    int fd() {
        return fd;
    }

    boolean isClosed() {
        return (state.get() & CLOSED) != 0;
    }

    /** Becomes a user, or false if it is closed. */
    boolean acquire() {
        while (true) {
            int before = state.get();
            if ((before & CLOSED) != 0) {
                return false;
            }
            if (state.compareAndSet(before, before + USER)) {
                return true;
            }
        }
    }

    void release() {
        int now = state.addAndGet(-USER);
        assert now >= 0 : "released more often than acquired";
        if (now == CLOSED) { // Users only leave once it is closed, so that this is reached once.
            Kernel.close(fd);
        }
    }

    /** No new users from now on. */
    void close() {
        if (state.getAndUpdate(before -> before | CLOSED) == 0) {
            Kernel.close(fd);
        }
    }
}
