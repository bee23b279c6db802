package io.nyala.perf;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.HdrHistogram.Histogram;

/**
 * So many callers, each of which waits for its batch to be durable before it hands over the next.
 *
 * <p>A closed loop shows service times: while a caller waits for a slow commit, those that it would have sent meanwhile
 * are not counted. So {@link Result#corrected} adds them, as if each caller had sent one at the interval at which it
 * did on average. Stateless.
 */
final class CommitLoad {
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(1);

    private CommitLoad() {}

    /** How callers wait. */
    enum Callers {
        /** A platform thread each. */
        PLATFORM,
        /** A virtual thread each. */
        VIRTUAL,
        /** All on one thread, which is told when a batch is durable. */
        ASYNCHRONOUS
    }

    /**
     * What was measured, as it was: the histogram is not corrected.
     *
     * @param flushes durable writes and syncs, or -1 where they are not counted
     */
    record Result(int callers, Histogram nanos, double seconds, long flushes) {
        double perSecond() {
            return nanos.getTotalCount() / seconds;
        }

        /** With what callers would have sent meanwhile. */
        Histogram corrected() {
            long interval = (long) (seconds * 1e9 * callers / Math.max(1, nanos.getTotalCount()));
            return nanos.copyCorrectedForCoordinatedOmission(Math.max(1, interval));
        }
    }

    static Histogram newHistogram() {
        return new Histogram(LATENCY_NANOS_MAX, 3);
    }

    static Result run(Committer committer, Callers kind, int callers, long nanos) throws InterruptedException {
        long flushes = committer.flushes();
        Histogram all = newHistogram();
        long start = System.nanoTime();
        if (kind == Callers.ASYNCHRONOUS) {
            var pipeline = ((Committer.Asynchronous) committer).pipeline(callers);
            new Loop(pipeline, callers, nanos, all).run();
        } else {
            start = runThreads(committer, kind, callers, nanos, all);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        return new Result(callers, all, seconds, flushes < 0 ? -1 : committer.flushes() - flushes);
    }

    /** Answers when they began. */
    private static long runThreads(Committer committer, Callers kind, int callers, long nanos, Histogram all)
            throws InterruptedException {
        Thread.Builder builder = kind == Callers.VIRTUAL ? Thread.ofVirtual() : Thread.ofPlatform();
        List<Histogram> histograms = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        CountDownLatch ready = new CountDownLatch(callers);
        CountDownLatch go = new CountDownLatch(1);
        for (int i = 0; i < callers; i++) {
            int caller = i;
            Histogram histogram = newHistogram();
            histograms.add(histogram);
            threads.add(builder.start(() -> {
                ready.countDown();
                awaitQuietly(go);
                commitFor(committer, caller, nanos, histogram);
            }));
        }
        ready.await();
        long start = System.nanoTime();
        go.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        histograms.forEach(all::add);
        return start;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts callers", e);
        }
    }

    private static void commitFor(Committer committer, int caller, long nanos, Histogram histogram) {
        long start = System.nanoTime();
        long before = start;
        do {
            committer.commit(caller);
            long after = System.nanoTime();
            record(histogram, after - before);
            before = after;
        } while (before - start < nanos);
    }

    private static void record(Histogram histogram, long nanos) {
        histogram.recordValue(Math.min(LATENCY_NANOS_MAX, nanos));
    }

    /** All callers on one thread. */
    private static final class Loop implements IntConsumer {
        private final Committer.Pipeline pipeline;
        private final long nanos;
        private final Histogram histogram;
        private final long[] begun;
        private int underWay;
        private long start;

        Loop(Committer.Pipeline pipeline, int callers, long nanos, Histogram histogram) {
            this.pipeline = pipeline;
            this.begun = new long[callers];
            this.nanos = nanos;
            this.histogram = histogram;
        }

        void run() {
            start = System.nanoTime();
            for (int caller = 0; caller < begun.length; caller++) {
                begin(caller, start);
            }
            while (underWay > 0) {
                if (pipeline.poll(this) == 0) {
                    pipeline.await();
                }
            }
        }

        private void begin(int caller, long now) {
            begun[caller] = now;
            underWay++;
            pipeline.begin(caller);
        }

        @Override
        public void accept(int caller) {
            long now = System.nanoTime();
            record(histogram, now - begun[caller]);
            underWay--;
            if (now - start < nanos) {
                begin(caller, now);
            }
        }
    }

    /**
     * Something that makes batches of rows durable, for many callers at once. Whoever asked for it closes it, when
     * nobody uses it any more; then its files are gone.
     */
    interface Committer extends AutoCloseable {
        /** Bytes of a row, its key included. */
        int ROW_BYTES = 100;

        String name();

        /** Makes a batch durable, and returns then. For many threads, each with a caller's number of its own. */
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
}
