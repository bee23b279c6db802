package io.nyala.cli;

import com.sun.management.ThreadMXBean;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.OperationKind;
import io.trino.tpch.LineItem;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Several threads, each inserting its part of the generator's rows, batch after batch, with a few batches under way at
 * a time, while another one changes rows. What the generator takes is measured apart, so that
 * what remains is the engine's.
 *
 * <p>Used once, by one thread; the threads it starts have ended when {@link #run} returns.
 */
final class Ingest {
    private static final Duration PROGRESS_EVERY = Duration.ofMillis(100);

    private final Table table;
    private final Plan plan;
    private final Acknowledgement acknowledgement;
    private final Changer changer;
    private final LongAdder acknowledgedRows = new LongAdder();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /** Told about each batch when its commit has been acknowledged. Called by the engine's writer: must be short. */
    @FunctionalInterface
    interface Acknowledgement {
        /**
         * A batch is durable.
         *
         * @param part of the generator, from 0
         * @param batch within the part, from 0
         * @param rows in the batch
         * @param nanos from handing it over to its acknowledgement
         */
        void batch(int part, long batch, int rows, long nanos);
    }

    /** All rows, into an empty table, of which some are changed by {@code changer}. */
    Ingest(Table table, Plan plan, Changer changer, Acknowledgement acknowledgement) {
        this.table = table;
        this.plan = plan;
        this.acknowledgement = acknowledgement;
        this.changer = changer;
    }

    /**
     * What to insert.
     *
     * @param scale of TPC-H
     * @param tablets of the table
     * @param batchRows in all batches but the last of a part
     * @param inFlight batches of a thread that may wait for their acknowledgement at a time
     * @param batchesDone of each part, which are in the table already; their number is that of parts and threads
     */
    record Plan(double scale, int tablets, int batchRows, int inFlight, List<Long> batchesDone) {
        Plan {
            batchesDone = List.copyOf(batchesDone);
        }

        int threads() {
            return batchesDone.size();
        }
    }

    /**
     * What was inserted.
     *
     * @param sums of the generator's rows, changed as those in the table
     * @param rows inserted
     * @param nanos from start to the acknowledgement of the last insert
     * @param generatorNanos of all threads together
     * @param heapBytes that were allocated meanwhile, the generator's not included
     * @param generatorHeapBytes by the generator
     */
    record Result(
            LineItemSums sums, long rows, long nanos, long generatorNanos, long heapBytes, long generatorHeapBytes) {
        /** Those that were not deleted. */
        long rowsLeft() {
            return sums.rows();
        }
    }

    Result run(ProgressBar progress) {
        List<Part> parts = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        long heapBefore = HeapMeter.allThreads();
        long start = System.nanoTime();
        for (int part = 0; part < plan.threads(); part++) {
            Part work = new Part(part);
            parts.add(work);
            threads.add(Thread.ofPlatform().name("ingest-" + part).start(work));
        }
        long total = LineItems.rowCountEstimate(plan.scale());
        for (Thread thread : threads) {
            while (!ended(thread)) {
                progress.update(acknowledgedRows.sum(), total);
            }
        }
        long nanos = System.nanoTime() - start;
        long heap = HeapMeter.allThreads() - heapBefore;
        throwIfFailed();
        LineItemSums sums = new LineItemSums();
        long generatorNanos = 0;
        long generatorHeap = 0;
        for (Part part : parts) {
            sums.addAll(part.sums);
            generatorNanos += part.generatorNanos;
            generatorHeap += part.generatorHeapBytes;
        }
        return new Result(sums, acknowledgedRows.sum(), nanos, generatorNanos, heap - generatorHeap, generatorHeap);
    }

    private static boolean ended(Thread thread) {
        try {
            return thread.join(PROGRESS_EVERY);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while ingesting", e);
        }
    }

    private void throwIfFailed() {
        switch (failure.get()) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e.toString(), e);
        }
    }

    /** One thread's share. */
    private final class Part implements Runnable {
        private final int number;
        private final LineItem[] items;
        private final LineItemSums sums = new LineItemSums();
        private long generatorNanos;
        private long generatorHeapBytes;

        Part(int number) {
            this.number = number;
            this.items = new LineItem[plan.batchRows()];
        }

        @Override
        public void run() {
            List<Slot> slots = new ArrayList<>();
            try {
                for (int i = 0; i < plan.inFlight(); i++) {
                    slots.add(new Slot(table.newBatch()));
                }
                insertAll(slots);
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            } finally {
                slots.forEach(this::finish);
            }
        }

        private void insertAll(List<Slot> slots) {
            Iterator<LineItem> rows = LineItems.part(plan.scale(), number, plan.threads());
            int next = 0;
            for (long batch = 0; failure.get() == null; batch++) {
                int count = generate(rows);
                if (count == 0) {
                    return;
                }
                Slot slot = slots.get(next);
                next = (next + 1) % slots.size();
                slot.await();
                for (int i = 0; i < count; i++) {
                    LineItems.insert(slot.batch.rows(), OperationKind.INSERT, items[i]);
                }
                slot.changed = Changer.changedOf(items, count);
                slot.commit(number, batch, count);
            }
        }

        /** Makes the rows of the next batch; answers how many there were. */
        private int generate(Iterator<LineItem> rows) {
            long heap = HeapMeter.thisThread();
            long start = System.nanoTime();
            int count = 0;
            while (count < items.length && rows.hasNext()) {
                LineItem item = rows.next();
                items[count++] = item;
                LineItemChange.of(item).addTo(sums, item);
            }
            generatorNanos += System.nanoTime() - start;
            generatorHeapBytes += HeapMeter.thisThread() - heap;
            return count;
        }

        private void finish(Slot slot) {
            try {
                slot.await();
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            }
            slot.batch.close();
        }
    }

    /** A batch that is filled and committed again and again. */
    private final class Slot {
        private final WriteBatch batch;
        private CompletableFuture<Void> acknowledged = CompletableFuture.completedFuture(null);
        private List<LineItem> changed = List.of();

        Slot(WriteBatch batch) {
            this.batch = batch;
        }

        void await() {
            try {
                acknowledged.join();
            } catch (CompletionException e) {
                throw e.getCause() instanceof RuntimeException cause ? cause : e;
            }
            if (!changed.isEmpty()) {
                changer.acknowledged(changed);
            }
            changed = List.of();
        }

        void commit(int part, long number, int rows) {
            long start = System.nanoTime();
            acknowledged = batch.commitAsync().thenAccept(result -> {
                result.orThrow();
                acknowledgement.batch(part, number, rows, System.nanoTime() - start);
                acknowledgedRows.add(rows);
            });
        }
    }

    /** Bytes that were allocated on the Java heap, as the JVM counts them. Stateless. */
    static final class HeapMeter {
        private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

        private HeapMeter() {}

        /** By all threads, those that ended included, since the JVM started. */
        static long allThreads() {
            return THREADS.getTotalThreadAllocatedBytes();
        }

        /** By this thread since it started. */
        static long thisThread() {
            return THREADS.getCurrentThreadAllocatedBytes();
        }
    }
}
