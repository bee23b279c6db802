package io.nyala.cli;

import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.trino.tpch.LineItem;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A thread that updates and deletes rows while others go on inserting: those that {@link LineItemChange} says, each
 * some time after its insert was acknowledged, so that many are on disk by then.
 *
 * <p>{@link #acknowledged} and {@link #close} are for any thread. Used once.
 */
final class Changer implements AutoCloseable {
    /** Batches that stay behind the newest one while rows go in; fewer where there are few in all. */
    private static final int LAG_MAX = 256;

    /** Inserting threads wait when it is so much further behind. */
    private static final int QUEUED_MAX = LAG_MAX + 256;

    private static final int LAGS_PER_LOAD = 4;

    private final Table table;
    private final int batchRows;
    private final int lag;
    private final ArrayDeque<List<LineItem>> queue = new ArrayDeque<>();
    private final Thread thread = Thread.ofPlatform().name("change").unstarted(this::run);
    private final Lock lock = new ReentrantLock();
    private final Condition isOther = lock.newCondition();
    private boolean isInserted;
    private boolean isEnded;
    private @Nullable Throwable failure;
    private long updatedRows; // Of the thread, until it has ended.
    private long deletedRows;

    /** Changes rows of a table from now on. */
    static Changer start(Table table, Ingest.Plan plan) {
        var changer = new Changer(table, plan);
        changer.thread.start();
        return changer;
    }

    private Changer(Table table, Ingest.Plan plan) {
        this.table = table;
        this.batchRows = plan.batchRows();
        long batches = LineItems.rowCountEstimate(plan.scale()) / plan.batchRows();
        this.lag = (int) Math.min(LAG_MAX, batches / LAGS_PER_LOAD);
    }

    /** Those rows of a batch that are to be changed. */
    static List<LineItem> changedOf(LineItem[] items, int count) {
        List<LineItem> changed = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if (LineItemChange.of(items[i]) != LineItemChange.NONE) {
                changed.add(items[i]);
            }
        }
        return changed;
    }

    /** Rows that are to be changed, and whose insert is durable. Waits where this is far behind. */
    void acknowledged(List<LineItem> changed) {
        lock.lock();
        try {
            while (queue.size() >= QUEUED_MAX && !isEnded) {
                isOther.awaitUninterruptibly();
            }
            queue.add(changed);
            isOther.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** No more rows will come: waits until all changes are durable, or one has failed. */
    @Override
    public void close() {
        lock.lock();
        try {
            isInserted = true;
            isOther.signalAll();
            while (!isEnded) {
                isOther.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** After {@link #close}: throws what went wrong. */
    void throwIfFailed() {
        switch (failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Throwable e -> throw new IllegalStateException(e.toString(), e);
        }
    }

    /** After {@link #close}. */
    long updatedRows() {
        return updatedRows;
    }

    /** After {@link #close}. */
    long deletedRows() {
        return deletedRows;
    }

    private void run() {
        try (WriteBatch batch = table.newBatch()) {
            for (List<LineItem> items = next(); items != null; items = next()) {
                for (LineItem item : items) {
                    change(batch, item);
                }
            }
            commit(batch);
            end(null);
        } catch (RuntimeException | Error e) {
            end(e);
        }
    }

    private void end(@Nullable Throwable newFailure) {
        lock.lock();
        try {
            failure = newFailure;
            isEnded = true;
            queue.clear();
            isOther.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable List<LineItem> next() {
        lock.lock();
        try {
            while (queue.size() <= lag && !isInserted) {
                isOther.awaitUninterruptibly();
            }
            isOther.signalAll();
            return queue.poll();
        } finally {
            lock.unlock();
        }
    }

    private void change(WriteBatch batch, LineItem item) {
        LineItemChange change = LineItemChange.of(item);
        change.write(batch.rows(), item, false);
        updatedRows += change == LineItemChange.UPDATE ? 1 : 0;
        deletedRows += change == LineItemChange.DELETE ? 1 : 0;
        if (batch.rows().operationCount() == batchRows) {
            commit(batch);
        }
    }

    private static void commit(WriteBatch batch) {
        if (batch.rows().operationCount() > 0) {
            batch.commit().orThrow();
        }
    }
}
