package io.nyala.engine;

import io.nyala.record.RequestName;
import io.nyala.rows.Column;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.table.BatchParts;
import io.nyala.table.TableDroppedException;
import io.nyala.table.TableState;
import io.nyala.wal.Durability;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
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
 * <p>An acknowledged commit is durable: its log record is on stable storage. A batch is not all-or-nothing unless it is
 * {@link #atomic}: each operation succeeds or is an error in the {@link CommitResult}, in the order in which they
 * stand. All that succeeded in one tablet get one timestamp and become visible at once. The operations of a table of
 * several tablets are handed to all of them at once; each takes its part by itself.
 *
 * <p>An operation may be done only if its row has certain values ({@link OperationBatch#onlyIf(String, Object)}), as
 * they are when its turn comes: compare and set.
 *
 * <p>Where there is no memory for more rows, filling a batch waits for the engine to flush rows of others. If there is
 * nothing to flush, because batches and scans have the memory, it throws {@link
 * io.nyala.memory.MemoryLimitException}; the row that was started is dropped, all before it are still there.
 *
 * <p>One thread at a time. After {@link #commitAsync} the batch must not be touched until its result is there. Rows
 * live in native memory of the engine, at most 8 MiB of them; {@link #close} gives it back.
 */
public final class WriteBatch implements AutoCloseable {
    private final Engine engine;
    private final Table table;
    private final OperationBatch rows;
    private final BatchParts parts;
    private final AgentHost.Gate gate;
    private volatile @Nullable CompletableFuture<CommitResult> future;
    private final Queue<BatchParts.Part> wantedProbes = new ConcurrentLinkedQueue<>();
    private @Nullable RowErrors unsettled; // Errors of the last commit, which are still made of its rows.
    private volatile boolean isAnswered;
    private volatile boolean isCommitting;
    private long begunAt; // By the clock of the counters: the present commit.
    private boolean isClosed;

    WriteBatch(Engine engine, Table table) {
        this.engine = engine;
        this.table = table;
        this.rows = new OperationBatch(new RowLayout(table.schema()), engine.batchMemory());
        this.gate = engine.agents().newGate();
        this.parts = new BatchParts(rows, new Answers());
    }

    /**
     * Where operations are put in. Empty again after each commit; while one is under way it takes nothing.
     *
     * @throws IllegalStateException if a commit is under way, or the batch is closed
     */
    public OperationBatch rows() {
        engine.throwIfClosed();
        throwIfNotOurs();
        settle();
        return rows;
    }

    /**
     * When later commits of this batch count as acknowledged: {@link Durability#SYNC}, which is the default, or
     * {@link Durability#WRITTEN}, which survives the end of the process but not a power cut.
     */
    public WriteBatch durability(Durability durability) {
        parts.durability(durability);
        return this;
    }

    /**
     * Whether later commits of this batch do all of their operations in a tablet or none; they do what they can unless
     * this is set. If one operation of a tablet's part is an error, nothing of that part happens, and each other
     * operation of it is {@link io.nyala.rows.RowErrorCode#ROLLED_BACK}. An {@code _IGNORE} kind that finds nothing to
     * do is no error. If an operation never came into the batch, or lies outside of every range, nothing of the whole
     * batch happens.
     *
     * <p>A batch over several tablets is atomic in each of them, not over all: one may do its part and another not.
     */
    public WriteBatch atomic(boolean isAtomic) {
        parts.atomic(isAtomic);
        return this;
    }

    /**
     * Says that later commits of this batch are for one tablet, for a host that routes rows itself: a commit with a row
     * that belongs elsewhere throws {@link io.nyala.table.WrongTabletException}, and nothing of it is done.
     */
    public WriteBatch onlyTablet(long tabletId) {
        parts.onlyTablet(tabletId);
        return this;
    }

    /**
     * Names what is in the batch, so that it takes effect once however often it is committed: a commit under a name
     * that a tablet has answered before gets that answer again, with its time and its errors, also after a crash. So
     * does the retry of a commit that some tablets took and others did not: those that did not take their part then.
     *
     * <p>The name holds for the next commit, until one succeeds. Answers are remembered until the client's {@link
     * RequestName#firstIncomplete} passes them, for its last thousand requests, and for an hour after it was last heard
     * of. Where no tablet is asked, for rows outside of all ranges, they are judged anew.
     *
     * @throws IllegalStateException if a commit is under way, or the batch is closed
     */
    public WriteBatch request(RequestName name) {
        throwIfNotOurs();
        parts.name(name);
        return this;
    }

    /**
     * Names what is in the batch as a part of a request of one tablet ({@link #onlyTablet}) that has more rows than a
     * batch takes. Where parts end depends on the table, so who comes again may cut the request otherwise. Then the
     * part has the answer to the operations that it had the first time: {@link CommitResult#repeatedCount} says how
     * many, and the next part begins behind those. Errors that kept operations out of the batch are remembered, too.
     *
     * @param name of this part; its number among the request's parts must be in it
     * @param isLast whether all is in the batch that the request has left
     */
    public WriteBatch requestPart(RequestName name, boolean isLast) {
        throwIfNotOurs();
        parts.requestPart(name, isLast);
        return this;
    }

    /**
     * The next commit is to find out whether the request that was named has an answer, and does nothing if there is
     * none: then its result is not {@linkplain CommitResult#repeatedCount repeated}. For rows that the table cannot
     * take any more.
     */
    public WriteBatch onlyRepeat() {
        throwIfNotOurs();
        parts.onlyRepeat();
        return this;
    }

    /**
     * Whether a commit would find the rows in their place, as it would say itself: for who has more rows than one batch
     * takes, and wants to know before the first of them is in. Nothing is done; what the table is may change until the
     * commit.
     *
     * @throws io.nyala.table.WrongTabletException if a row is not of the one tablet that {@link #onlyTablet} names
     * @throws TableDroppedException as {@link #commit}
     * @throws TableChangedException as {@link #commit}
     */
    public void check() {
        engine.throwIfClosed();
        throwIfNotOurs();
        settle();
        engine.callBegins();
        boolean isBegun = false;
        try {
            TableState state = table.batchBegins(engine.host());
            isBegun = true;
            checkRows(state);
            parts.check(state, engine.host());
        } finally {
            ends(isBegun);
        }
    }

    /**
     * Commits what is in the batch and waits until it is durable and visible. Then the batch is empty.
     *
     * @throws TableDroppedException if the table was dropped
     * @throws TableChangedException if the table was altered, and its rows are others than those of the batch
     * @throws PartialCommitException if some tablets took their part and others did not; the batch keeps its operations
     * @throws io.nyala.record.StaleRequestException if the batch has a name whose answer was forgotten
     * @throws io.nyala.record.RequestMismatchException if it has the name that other rows had
     */
    public CommitResult commit() {
        begin();
        gate.reset();
        isAnswered = false;
        parts.submit();
        do {
            gate.await();
            gate.reset();
            for (BatchParts.Part part = wantedProbes.poll(); part != null; part = wantedProbes.poll()) {
                part.target().tablet().probeAgain(part.write());
            }
        } while (!isAnswered);
        try {
            CommitResult result = finish();
            settle();
            return result;
        } finally {
            ends(true);
        }
    }

    /**
     * Commits what is in the batch, and answers when it is durable and visible. Waits only while too many batches are
     * on their way to the writer, or wait there for memory. Stages that depend on the result run on the engine's writer
     * unless given another executor: they must be short, and cannot wait for memory of a batch.
     */
    public CompletableFuture<CommitResult> commitAsync() {
        begin();
        CompletableFuture<CommitResult> result = new CompletableFuture<>();
        future = result;
        parts.submit();
        return result;
    }

    /**
     * How many key filters of rowsets its last commit asked: one for each row, and each rowset in whose range its key
     * is. Not while a commit is under way.
     */
    public long filtersAsked() {
        return parts.filtersAsked();
    }

    /** How many keys its last commit looked for in rowsets whose filters let them through. As {@link #filtersAsked}. */
    public long keysLookedUp() {
        return parts.keysLookedUp();
    }

    /** What became of the batch in each tablet, each at its own time. */
    BatchParts parts() {
        return parts;
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
            engine.agents().announce(); // Somebody may wait for its memory.
        }
    }

    private void begin() {
        engine.throwIfClosed();
        throwIfNotOurs();
        settle();
        engine.callBegins();
        boolean isBegun = false;
        boolean isSplit = false;
        try {
            begunAt = engine.counters().commitBegins();
            rows.lend();
            TableState state = table.batchBegins(engine.host());
            isBegun = true;
            checkRows(state);
            parts.wanted(Engine.wanted());
            parts.split(state, engine.host());
            isSplit = true;
        } finally {
            if (!isSplit) {
                engine.counters().commitFailed();
                rows.takeBack();
                ends(isBegun);
            }
        }
        isCommitting = true;
    }

    private void throwIfNotOurs() {
        if (isClosed) {
            throw new IllegalStateException("the batch is closed; make a new one with Table.newBatch()");
        }
        if (isCommitting) {
            throw new IllegalStateException(
                    "a commit of this batch is under way; wait for its result, or use two batches");
        }
    }

    private void ends(boolean isBegun) {
        if (isBegun) {
            table.batchEnds(engine.host());
        }
        engine.callEnds();
    }

    /** A new name, comment, default or encoding of a column makes no difference to rows. */
    @SuppressWarnings("ReferenceEquality") // The same object as a rule; else they are compared.
    private void checkRows(TableState state) {
        Schema present = state.schema();
        Schema own = rows.layout().schema();
        if (present == own) {
            return;
        }
        boolean isSame = present.columnCount() == own.columnCount();
        for (int i = 0; isSame && i < own.columnCount(); i++) {
            Column before = own.column(i);
            Column after = present.column(i);
            isSame = before.id() == after.id()
                    && before.type() == after.type()
                    && before.isNullable() == after.isNullable()
                    && before.attributes().equals(after.attributes());
        }
        if (!isSame) {
            throw new TableChangedException("table \"" + table.name() + "\" has schema version " + present.version()
                    + ", the batch is of version " + own.version() + " and its rows are others; make a new batch with"
                    + " Table.newBatch(), and fill it again");
        }
    }

    /** On the thread of the writer that answers last. */
    private final class Answers implements BatchParts.Answers {
        @Override
        public void allAnswered() {
            CompletableFuture<CommitResult> waiting = future;
            if (waiting == null) {
                isAnswered = true; // From here on the batch is its thread's again.
                gate.open();
            } else {
                future = null;
                complete(waiting);
            }
        }

        @Override
        public void probeWanted(BatchParts.Part part) {
            if (future == null) {
                wantedProbes.add(part); // By the thread that waits in commit().
                gate.open();
            } else {
                engine.maintenance().probeAgain(part.target().tablet(), part.write());
            }
        }
    }

    private void complete(CompletableFuture<CommitResult> waiting) {
        CommitResult result;
        try {
            result = finish();
        } catch (RuntimeException | Error e) {
            ends(true);
            waiting.completeExceptionally(e);
            return;
        }
        ends(true);
        waiting.complete(result);
    }

    private CommitResult finish() {
        rows.takeBack();
        isCommitting = false;
        RuntimeException failed = parts.firstFailure();
        if (failed != null) {
            engine.counters().commitFailed();
            throw PartialCommitException.failure(rows, parts, failed);
        }
        parts.name(null);
        int errorCount = parts.errorCount();
        engine.counters().committed(rows.operationCount(), errorCount, begunAt);
        engine.counters().probed(parts.filtersAsked(), parts.keysLookedUp());
        long decidedAt = parts.timestamp();
        long timestamp = decidedAt == 0 ? engine.time() : decidedAt;
        if (errorCount == 0) {
            CommitResult result = CommitResult.of(timestamp, rows, parts, List.of());
            rows.clear();
            return result;
        }
        var errors = new RowErrors(rows, parts);
        unsettled = errors;
        return CommitResult.of(timestamp, rows, parts, errors);
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
