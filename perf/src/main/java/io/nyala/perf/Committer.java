package io.nyala.perf;

import java.util.function.IntConsumer;

/**
 * Something that makes batches of rows durable, for many callers at once. Whoever asked for it closes it, when nobody
 * uses it any more; then its files are gone.
 */
interface Committer extends AutoCloseable {
    /** Bytes of a row, its key included. */
    int ROW_BYTES = 100;

    String name();

    /** Makes a batch durable, and returns then. For many threads, each of which has a caller's number of its own. */
    void commit(int caller);

    /** Durable writes and syncs so far, or -1 where nobody counts them. */
    long flushes();

    /** Called between two measurements: what is left of the last one does not disturb the next. */
    void settle();

    @Override
    void close();

    /** One that makes batches durable without a thread for each caller. */
    interface Asynchronous extends Committer {
        /** So many commits under way on one thread; belongs to the thread that uses it. */
        Pipeline pipeline(int callers);
    }

    /** Commits that nobody waits for. */
    interface Pipeline {
        /** Hands over a batch of a caller that has none under way. */
        void begin(int caller);

        /** Tells which callers' batches have become durable; how many. */
        int poll(IntConsumer durable);

        /** Sleeps until it is worth polling again. May return early. */
        void await();
    }
}
