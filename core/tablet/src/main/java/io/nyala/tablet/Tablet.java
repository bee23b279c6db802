package io.nyala.tablet;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memory.Epochs;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.wal.CommitLog;
import io.nyala.wal.Durability;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rows of one table, or of one partition of it: written by one agent, read by anyone, fresh in memory and old on disk.
 *
 * <pre>{@code
 *   caller                          writer agent                             log
 *   probe: which keys are on disk -> decide each operation, apply to memory -> durable
 *                                    advance visible, answer callers       <-
 * }</pre>
 *
 * <p><b>Threads</b>: {@link #probe}, {@link #submit}, {@link #scan}, {@link #visible} and the reading part are for any
 * thread; package-private methods named in {@link WriterAgent} and {@link FlushTask} belong to those agents.
 *
 * <p><b>Memory</b>: MemRowSets take theirs from the account given; a flushed one is freed when the last reader and the
 * last batch that looked at an older map have left.
 *
 * <p><b>Errors</b>: when the log fails, the tablet stops taking writes for good and answers each with that failure;
 * what was visible can still be read.
 */
public final class Tablet {
    /** Readers inside one call, and batches between probe and decision, at any moment. */
    static final int EPOCH_TICKETS_MAX = 4096;

    /** Sealed MemRowSets that wait for their flush; when there are more, writers wait. */
    static final int SEALED_MAX = 2;

    /** Times {@code flushBytes} that a MemRowSet may reach before its seal: a flush may be slower than writers. */
    static final int ACTIVE_FLUSHES_MAX = 2;

    private final TabletConfig config;
    private final CommitLog log;
    private final WriterAgent writer;
    private final VisibleTime time;
    private final Epochs epochs = new Epochs(EPOCH_TICKETS_MAX);
    private final ArrayDeque<TabletWrite> pending = new ArrayDeque<>();
    private final List<FreshRows> retired = new ArrayList<>();
    private final ArrayDeque<Sealed> awaitingFlush = new ArrayDeque<>();
    private final Decision decision;
    private volatile RowSetMap map;
    private volatile boolean flushWanted;
    private volatile @Nullable RuntimeException failure;
    private volatile @Nullable RuntimeException flushFailure;
    private volatile long appliedUpTo;
    private long lastSequence;
    private long nextMemRowSetId = 2;

    /** By {@link TabletRecovery} only. */
    Tablet(TabletConfig config, CommitLog log, WriterAgent writer, RowSetMap map, Position position) {
        this.config = config;
        this.log = log;
        this.writer = writer;
        this.map = map;
        this.lastSequence = position.sequence();
        this.time = new VisibleTime(position.time());
        this.decision = new Decision(this);
    }

    /**
     * Where a tablet stands after recovery.
     *
     * @param sequence newest log record whose effects it has
     * @param time newest change it has
     */
    record Position(long sequence, long time) {}

    public long id() {
        return config.id();
    }

    public Schema schema() {
        return config.schema();
    }

    TabletConfig config() {
        return config;
    }

    CommitLog log() {
        return log;
    }

    WriterAgent writer() {
        return writer;
    }

    VisibleTime time() {
        return time;
    }

    RowSetMap map() {
        return map;
    }

    // ---- Writing: any thread ----

    /**
     * Looks up which keys of the batch are in rowsets on disk, so that the writer need not. May read from disk; call it
     * right before {@link #submit}, or {@link #abandon} the write.
     *
     * @throws MissingRowSetException if a key may be in a rowset that cannot be read
     * @throws io.nyala.cfile.CorruptPageException if a page is damaged that may have one of them
     */
    public void probe(TabletWrite write) {
        write.epochTicket = epochs.enter();
        try {
            RowSetMap seen = map;
            write.mapVersion = seen.version();
            Probe.run(write, seen);
        } catch (RuntimeException e) {
            abandon(write);
            throw e;
        }
    }

    /** Hands a probed batch to the writer; false if the queue is full, and then the caller waits and tries again. */
    public boolean submit(TabletWrite write) {
        return writer.submit(new WriterAgent.PendingWrite(this, write));
    }

    /** Lets go of what {@link #probe} holds, for a write that will not be submitted. */
    public void abandon(TabletWrite write) {
        if (write.epochTicket != TabletWrite.NO_TICKET) {
            epochs.exit(write.epochTicket);
            write.epochTicket = TabletWrite.NO_TICKET;
        }
    }

    // ---- Reading: any thread ----

    /** Newest snapshot that can be read at once. */
    public long visible() {
        return time.visible();
    }

    /** Promises that nothing will change at or below {@code timestamp}; then wait until {@link #isSettled}. */
    public void promise(long timestamp) {
        time.promise(timestamp);
    }

    /** Whether a promised timestamp can be read. Throws if it never will be, because the log has failed. */
    public boolean isSettled(long timestamp) {
        if (time.isSettled(timestamp)) {
            return true;
        }
        throwIfFailed();
        return false;
    }

    /**
     * Rows of all rowsets at the snapshot of {@code spec}; in key order if it says so.
     *
     * @param leftOut told of each rowset that cannot be read, and left out; null to fail where there is one
     * @throws MissingRowSetException if a rowset cannot be read that may have rows of the scan
     */
    public RowCursor scan(ScanSpec spec, MemoryAccount account, @Nullable Consumer<MissingRowSet> leftOut) {
        return new TabletScan(this, spec, account, leftOut).open();
    }

    /** Rowsets that cannot be read, since the tablet was opened. */
    public List<MissingRowSet> missingRowSets() {
        return map.missing();
    }

    /** Rows in memory and on disk, deleted ones included. */
    public long rowCount() {
        RowSetMap seen = map;
        long rows = 0;
        int ticket = enter();
        try {
            rows += seen.active().rows().rowCount();
            for (FreshRows sealed : seen.sealed()) {
                rows += sealed.rows().rowCount();
            }
        } finally {
            exit(ticket);
        }
        for (DiskRowSet rowSet : seen.onDisk()) {
            rows += rowSet.rowCount();
        }
        return rows;
    }

    /**
     * Oldest log record that a restart would need, if there are rows in memory; else {@link Long#MAX_VALUE}. Any
     * thread.
     */
    public long neededFrom() {
        long applied = appliedUpTo;
        RowSetMap seen = map;
        int ticket = enter();
        try {
            boolean isAllOnDisk =
                    seen.sealed().isEmpty() && seen.active().rows().rowCount() == 0;
            return isAllOnDisk ? Long.MAX_VALUE : applied + 1;
        } finally {
            exit(ticket);
        }
    }

    /** A durable edit says that log records up to {@code sequence} are in rowsets. */
    void applied(long sequence) {
        appliedUpTo = sequence;
    }

    /** Rowsets on disk. */
    public int rowSetCount() {
        return map.onDisk().size();
    }

    /** Bytes of the files of this tablet. */
    public long diskBytes() {
        return map.onDisk().stream().mapToLong(DiskRowSet::fileBytes).sum();
    }

    int enter() {
        return epochs.enter();
    }

    void exit(int ticket) {
        epochs.exit(ticket);
        if (epochs.pending() > 0) {
            writer.wake();
        }
    }

    // ---- The writer's part ----

    /** Decides and applies one batch; false if there is no room for it yet. */
    boolean decide(TabletWrite write) {
        RuntimeException failed = failure;
        if (failed != null) {
            refuse(write, failed);
            return true;
        }
        try {
            if (!decision.run(write)) {
                return false;
            }
        } catch (BatchTooLargeException | LogFullException | LogStoppedException | TabletBusyException e) {
            refuse(write, e);
            return true;
        } catch (RuntimeException | Error e) {
            var reason = new TabletFailedException(id(), e);
            failure = reason;
            refuse(write, reason);
            if (e instanceof Error error) {
                throw error;
            }
            return true;
        }
        abandon(write);
        pending.add(write);
        if (map.active().rows().memoryBytes() >= config.flushBytes()) {
            wantFlush();
        }
        return true;
    }

    /** Sequence that the answers of everything decided so far depend on. */
    long lastSequence() {
        return lastSequence;
    }

    void published(long sequence) {
        assert sequence > lastSequence : "sequence " + sequence + " after " + lastSequence;
        lastSequence = sequence;
    }

    /** Answers the batches that have become durable, in order. */
    int completeDurable() {
        int completed = 0;
        for (TabletWrite write = pending.peek(); write != null; write = pending.peek()) {
            if (write.sequence() > (write.durability == Durability.SYNC ? log.durableUpTo() : log.writtenUpTo())) {
                break;
            }
            pending.poll();
            time.advance(write.timestamp());
            write.complete(null);
            completed++;
        }
        RuntimeException failed = log.failure();
        if (failed != null && (failure == null || !pending.isEmpty())) {
            failPending(failed);
            completed++;
        }
        if (epochs.pending() > 0) {
            completed += epochs.reclaim();
        }
        return completed;
    }

    void refuse(TabletWrite write, RuntimeException reason) {
        abandon(write);
        write.complete(reason);
    }

    void failPending(RuntimeException reason) {
        if (failure == null) {
            failure = reason;
        }
        for (TabletWrite write = pending.poll(); write != null; write = pending.poll()) {
            write.complete(reason);
        }
    }

    /**
     * MemRowSets that are out of the map, but may hold rows that a batch probed in {@code version} could not see on
     * disk.
     */
    List<FreshRows> retired() {
        return retired;
    }

    /**
     * Freezes the active MemRowSet, unless it is empty; false if too many are frozen already, because flushes failed. A
     * frozen one may enter the manifest only when the log is durable up to its seal.
     */
    boolean seal() {
        FreshRows active = map.active();
        if (active.rows().rowCount() == 0) {
            return true;
        }
        if (awaitingFlush.size() >= SEALED_MAX) {
            return false;
        }
        FreshRows next = freshRows();
        active.rows().seal();
        awaitingFlush.add(new Sealed(active, lastSequence));
        map = map.withSeal(next);
        return true;
    }

    /** What is to be flushed next: the oldest that is frozen, or null. */
    @Nullable
    Sealed oldestSealed() {
        return awaitingFlush.peek();
    }

    /**
     * A frozen MemRowSet.
     *
     * @param rows what was frozen
     * @param sequence all records of the tablet up to here are in {@code rows} or older rowsets, none after it is
     */
    record Sealed(FreshRows rows, long sequence) {}

    /** Puts the outputs of a flush in the place of its input. */
    void swap(FreshRows flushed, List<DiskRowSet> outputs) {
        Sealed oldest = awaitingFlush.remove();
        assert oldest.rows() == flushed : "flushed out of order";
        RowSetMap next = map.withSwap(flushed, outputs);
        flushed.retire(outputs, next.version());
        retired.add(flushed);
        map = next;
        epochs.retire(() -> {
            retired.remove(flushed);
            flushed.rows().close();
        });
    }

    // ---- Maintenance ----

    /** Asks for a flush of what is in memory now. */
    public void wantFlush() {
        if (!flushWanted) {
            flushWanted = true;
            config.maintenanceWake().run();
        }
    }

    /** Whether a flush was asked for and is not under way. */
    public boolean isFlushWanted() {
        return flushWanted;
    }

    /** A flush begins, which will seal what is in memory: who wants later rows flushed asks again. */
    public void beginFlush() {
        flushFailure = null;
        flushWanted = false;
    }

    /** A flush failed: writers that wait for the memory that it would have freed hear of it. */
    public void flushFailed(RuntimeException reason) {
        flushFailure = reason;
        writer.wake();
    }

    void throwIfFlushFailed() {
        RuntimeException reason = flushFailure;
        if (reason != null) {
            throw new TabletBusyException(
                    "no memory for more rows in tablet " + id() + ", because writing them to disk failed; try again"
                            + " later: " + reason.getMessage(),
                    reason);
        }
    }

    /** Bytes of rows in memory, sealed ones included. */
    public long memoryBytes() {
        RowSetMap seen = map;
        return seen.active().rows().memoryBytes()
                + seen.sealed().stream().mapToLong(f -> f.rows().memoryBytes()).sum();
    }

    void throwIfFailed() {
        RuntimeException failed = failure;
        if (failed != null) {
            throw failed;
        }
        failed = log.failure();
        if (failed != null) {
            throw failed;
        }
    }

    /** Gives all memory and all files back. After the writer has stopped, and with no reader left. */
    public void close() {
        epochs.reclaim();
        RowSetMap last = map;
        last.active().rows().close();
        last.sealed().forEach(fresh -> fresh.rows().close());
        last.onDisk().forEach(DiskRowSet::close);
    }

    private FreshRows freshRows() {
        return new FreshRows(new MemRowSet(nextMemRowSetId++, config.schema(), config.memory()));
    }
}
