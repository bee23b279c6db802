package io.nyala.engine;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.RowLayout;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletWrite;
import io.nyala.wal.Durability;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Rows to insert, change or delete, committed together.
 *
 * <pre>{@code
 * batch.rows().start(INSERT);
 * batch.rows().setLong(0, id);
 * batch.rows().setString(1, name);
 * batch.rows().end();
 * batch.commit().orThrow();
 * }</pre>
 *
 * <p>An acknowledged commit is durable: its log record is on stable storage. A batch is not all-or-nothing: each
 * operation succeeds or is an error in the {@link CommitResult}, in the order in which they stand. All that succeeded
 * get one timestamp and become visible at once.
 *
 * <p>One thread at a time. After {@link #commitAsync} the batch must not be touched until its result is there. Rows
 * live in native memory of the engine, at most 8 MiB of them; {@link #close} gives it back.
 */
public final class WriteBatch implements AutoCloseable {
    private final Engine engine;
    private final Table table;
    private final OperationBatch rows;
    private final TabletWrite write;
    private final AgentHost.Gate gate;
    private @Nullable CompletableFuture<CommitResult> future;
    private @Nullable RuntimeException failure;
    private @Nullable RowErrors unsettled; // Errors of the last commit, which are still made of its rows.
    private boolean isCommitting;
    private boolean isProbeWanted;
    private boolean isClosed;

    WriteBatch(Engine engine, Table table) {
        this.engine = engine;
        this.table = table;
        this.rows = new OperationBatch(new RowLayout(table.schema()), engine.batchMemory());
        this.gate = engine.agents().newGate();
        this.write = new TabletWrite(rows, new Answers());
    }

    /** Where operations are put in. Empty again after each commit. */
    public OperationBatch rows() {
        engine.throwIfClosed();
        settle();
        return rows;
    }

    /**
     * When later commits of this batch count as acknowledged: {@link Durability#SYNC}, which is the default, or
     * {@link Durability#WRITTEN}, which survives the end of the process but not a power cut.
     */
    public WriteBatch durability(Durability durability) {
        write.durability(durability);
        return this;
    }

    /** Commits what is in the batch and waits until it is durable and visible. Then the batch is empty. */
    public CommitResult commit() {
        begin();
        gate.reset();
        hand();
        gate.await();
        while (isProbeWanted) {
            isProbeWanted = false;
            gate.reset();
            table.tablet().probeAgain(write);
            gate.await();
        }
        try {
            CommitResult result = finish();
            settle();
            return result;
        } finally {
            engine.callEnds();
        }
    }

    /**
     * Commits what is in the batch, and answers when it is durable and visible. Waits only while too many batches are
     * on their way to the writer, or wait there for memory. Stages that depend on the result run on the engine's writer
     * unless given another executor: they must be short.
     */
    public CompletableFuture<CommitResult> commitAsync() {
        begin();
        CompletableFuture<CommitResult> result = new CompletableFuture<>();
        future = result;
        hand();
        return result;
    }

    /** Gives the memory back. Not while a commit is under way. */
    @Override
    public void close() {
        if (!isClosed) {
            if (isCommitting) {
                throw new IllegalStateException("a commit is under way; wait for its result before closing the batch");
            }
            isClosed = true;
            settle();
            rows.close();
        }
    }

    private void begin() {
        engine.throwIfClosed();
        if (isClosed) {
            throw new IllegalStateException("the batch is closed; make a new one with Table.newBatch()");
        }
        if (isCommitting) {
            throw new IllegalStateException(
                    "a commit of this batch is under way; wait for its result, or use two batches");
        }
        settle();
        engine.callBegins();
        isCommitting = true;
        failure = null;
    }

    private void hand() {
        Tablet tablet = table.tablet();
        boolean isHanded = false;
        try {
            if (!tablet.trySubmit(write)) {
                engine.agents().await(() -> tablet.trySubmit(write));
            }
            isHanded = true;
        } finally {
            if (!isHanded) {
                isCommitting = false;
                future = null;
                engine.counters().commitFailed();
                engine.callEnds();
                engine.agents().announce(); // Its place in the tablet's queue may be free again.
            }
        }
    }

    /** On the writer's thread. */
    private final class Answers implements TabletWrite.Completion {
        @Override
        public void completed(TabletWrite done, @Nullable RuntimeException newFailure) {
            answer(newFailure);
        }

        @Override
        public void probeWanted(TabletWrite waiting) {
            if (future == null) {
                isProbeWanted = true; // By the thread that waits in commit().
                gate.open();
            } else {
                engine.maintenance().probeAgain(table.tablet(), waiting);
            }
        }
    }

    private void answer(@Nullable RuntimeException newFailure) {
        failure = newFailure;
        if (newFailure == null) {
            engine.counters().committed(rows.operationCount(), rows.errors().size() + write.errorCount());
        } else {
            engine.counters().commitFailed();
        }
        CompletableFuture<CommitResult> waiting = future;
        if (waiting == null) {
            gate.open();
            return;
        }
        future = null;
        CommitResult result;
        try {
            result = finish();
        } catch (RuntimeException | Error e) {
            engine.callEnds();
            waiting.completeExceptionally(e);
            return;
        }
        engine.callEnds();
        waiting.complete(result);
    }

    private CommitResult finish() {
        isCommitting = false;
        RuntimeException failed = failure;
        if (failed != null) {
            throw failed;
        }
        int operationCount = rows.operationCount();
        if (rows.acceptedCount() == operationCount && write.errorCount() == 0) {
            rows.clear();
            return new CommitResult(write.timestamp(), operationCount, List.of());
        }
        var errors = new RowErrors(rows, write);
        unsettled = errors;
        return new CommitResult(write.timestamp(), operationCount, errors);
    }

    /** Empties the batch of a commit with errors, which the result needs no longer then. */
    private void settle() {
        RowErrors errors = unsettled;
        if (errors != null) {
            unsettled = null;
            errors.settle();
            rows.clear();
        }
    }
}
