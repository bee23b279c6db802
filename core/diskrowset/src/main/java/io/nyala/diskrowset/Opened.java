package io.nyala.diskrowset;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What was opened so far, to be closed in the opposite order, also when opening the next part fails. All of it is
 * closed, whatever fails on the way. One thread.
 */
final class Opened implements AutoCloseable {
    private final Deque<Runnable> closers = new ArrayDeque<>();

    void add(Runnable closer) {
        closers.push(closer);
    }

    /** As {@link #add}, of what is closed after all the rest. */
    void addFirst(Runnable closer) {
        closers.addLast(closer);
    }

    @Override
    public void close() {
        if (closers.isEmpty()) {
            return;
        }
        Runnable last = closers.pop();
        try {
            last.run();
        } finally {
            close();
        }
    }
}
