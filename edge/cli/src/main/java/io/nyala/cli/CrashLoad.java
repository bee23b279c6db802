package io.nyala.cli;

import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.trino.tpch.LineItem;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What a process does until it is killed: a thread for each part inserts its batches, and some batches behind changes
 * their rows, in one order, so that what is left of it is a beginning. Goes on from where another one was killed, and
 * some tablets may have more than that.
 *
 * <p>Changes of a batch follow when its insertion is durable: more batches are between them than are under way. So
 * rows that were deleted are not inserted again. Used once, by one thread; others have ended when {@link #run} returns.
 */
final class CrashLoad {
    /** Batches between an insertion and its changes, so that some of those concern rows on disk; fewer of few. */
    private static final int LAG_MAX = 16;

    private static final int LAGS_PER_PART = 4;

    private final Table table;
    private final Ingest.Plan plan;
    private final List<Long> changesDone;
    private final Told told;
    private final int lag;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /** {@code changesDone}: batches of each part whose changes are there. */
    CrashLoad(Table table, Ingest.Plan plan, List<Long> changesDone, Told told) {
        this.table = table;
        this.plan = plan;
        this.changesDone = List.copyOf(changesDone);
        this.told = told;
        long batches = LineItems.rowCountEstimate(plan.scale()) / plan.batchRows() / plan.threads();
        this.lag = plan.inFlight() + (int) Math.min(LAG_MAX, batches / LAGS_PER_PART);
    }

    /** Told of each batch that is durable. Called by the engine's writer: must be short. */
    interface Told {
        void inserted(int part, long batch);

        void changed(int part, long batch);
    }

    /** Does all of it. */
    void run() {
        List<Thread> threads = new ArrayList<>();
        for (int part = 0; part < plan.threads(); part++) {
            threads.add(Thread.ofPlatform().name("load-" + part).start(new Part(part)));
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while inserting", e);
            }
        }
        switch (failure.get()) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e.toString(), e);
        }
    }

    /** Rows that are to be changed, of a batch that was inserted. */
    private record Changes(long batch, List<LineItem> items) {}

    /** One thread's share. */
    private final class Part implements Runnable {
        private final int number;
        private final ArrayDeque<Changes> waiting = new ArrayDeque<>();
        private final List<WriteBatch> batches = new ArrayList<>();
        private final List<CompletableFuture<Void>> acknowledged = new ArrayList<>();
        private int next;

        Part(int number) {
            this.number = number;
        }

        @Override
        public void run() {
            try {
                for (int i = 0; i < plan.inFlight(); i++) {
                    batches.add(table.newBatch());
                    acknowledged.add(CompletableFuture.completedFuture(null));
                }
                insertAll();
                while (!waiting.isEmpty()) {
                    change();
                }
                acknowledged.forEach(CompletableFuture::join);
            } catch (CompletionException e) {
                failure.compareAndSet(null, e.getCause());
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            } finally {
                acknowledged.forEach(each -> each.exceptionally(_ -> null).join());
                batches.forEach(WriteBatch::close);
            }
        }

        private void insertAll() {
            Iterator<LineItem> source = LineItems.part(plan.scale(), number, plan.threads());
            for (long batch = 0; source.hasNext() && failure.get() == null; batch++) {
                List<LineItem> items = new ArrayList<>();
                while (items.size() < plan.batchRows() && source.hasNext()) {
                    items.add(source.next());
                }
                if (batch >= plan.batchesDone().get(number)) {
                    insert(batch, items);
                }
                if (batch >= changesDone.get(number)) {
                    items.removeIf(item -> LineItemChange.of(item) == LineItemChange.NONE);
                    waiting.add(new Changes(batch, items));
                }
                while (waiting.size() > lag) {
                    change();
                }
            }
        }

        private void insert(long batch, List<LineItem> items) {
            OperationBatch rows = nextRows();
            items.forEach(item -> LineItems.insert(rows, OperationKind.INSERT_IGNORE, item));
            commit(() -> told.inserted(number, batch));
        }

        private void change() {
            OperationBatch rows = nextRows();
            Changes changes = waiting.remove();
            changes.items().forEach(item -> LineItemChange.of(item).write(rows, item, true));
            commit(() -> told.changed(number, changes.batch()));
        }

        /** Of the batch that was committed longest ago, once it is durable. */
        private OperationBatch nextRows() {
            acknowledged.get(next).join();
            return batches.get(next).rows();
        }

        private void commit(Runnable then) {
            acknowledged.set(next, batches.get(next).commitAsync().thenAccept(result -> {
                result.orThrow();
                then.run();
            }));
            next = (next + 1) % batches.size();
        }
    }
}
