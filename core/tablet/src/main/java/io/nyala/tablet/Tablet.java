package io.nyala.tablet;

import io.nyala.diskrowset.DeltaFile;
import io.nyala.memory.Epochs;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.record.RequestResults;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.time.VisibleTime;
import io.nyala.wal.CommitLog;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
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
 * <p><b>Threads</b>: {@link #trySubmit}, {@link #scan}, {@link #visible} and the reading part are for any
 * thread; package-private methods named in {@link WriterAgent} and {@link FlushTask} belong to those agents.
 *
 * <p><b>Memory</b>: MemRowSets take theirs from the account given; a flushed one is freed when the last reader and the
 * last batch that looked at an older map have left.
 *
 * <p><b>Errors</b>: when the log fails, the tablet stops taking writes for good and answers each with that failure;
 * what was visible can still be read.
 */
public final class Tablet {
    /** Readers inside one call at any moment; each is a thread in the middle of a vector in memory. */
    private static final int READERS_MAX = 512;

    private final TabletConfig config;
    private final CommitLog log;
    private final WriterAgent writer;
    private final VisibleTime time;
    private final Epochs epochs = new Epochs(WriteQueue.ADMITTED_MAX + READERS_MAX);
    private final PendingWrites pending;
    private final WriteQueue queue;
    private final Seals seals;
    private final Pressure pressure;
    private final NamedWrites named;
    private final Merging merging;
    private volatile RowSetMap map;
    private volatile long appliedUpTo;
    private final long keptFrom;
    private long lastSequence;
    private long lastTime;
    private long lastSwapVersion;
    private long lastMergeVersion; // Rows that were found in an older map may be elsewhere.
    private long lastFilesVersion; // Of the last swap of rows or of changes.

    /** By {@link TabletRecovery} only. */
    Tablet(TabletConfig config, CommitLog log, WriterAgent writer, TabletRecovery.Beginning beginning) {
        this.config = config;
        this.log = log;
        this.writer = writer;
        this.map = beginning.map();
        this.lastSequence = beginning.sequence();
        this.lastTime = beginning.time();
        this.keptFrom = beginning.keptFrom();
        this.time = new VisibleTime(beginning.time(), beginning.historyMark());
        this.pending = new PendingWrites(log, time);
        this.seals = new Seals(config, epochs, beginning.nextSlab());
        this.pressure = new Pressure(config.id(), config.newPace(), writer::wake, config.maintenanceWake());
        this.queue = new WriteQueue(this, writer);
        this.merging = new Merging(pressure);
        this.named = new NamedWrites(this, beginning.results(), beginning.answersFrom());
    }

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

    /** Which times can be read. */
    public VisibleTime time() {
        return time;
    }

    RowSetMap map() {
        return map;
    }

    // ---- Writing: any thread ----

    /**
     * Looks up which keys of the batch are on disk, so that the writer need not, and hands it to the writer. False, and
     * nothing was done, if the caller has to wait: there are too many batches already, those before it wait for memory,
     * or other callers do. May read from disk.
     *
     * @throws MissingRowSetException if a key may be in a rowset that cannot be read
     * @throws io.nyala.cfile.CorruptPageException if a page is damaged that may have one of them
     */
    public boolean trySubmit(TabletWrite write) {
        queue.measure(write);
        if (!queue.admission().tryAdmit(write.caller)) {
            return false;
        }
        queue.submit(write);
        return true;
    }

    /**
     * As {@link #trySubmit}, but where that says false the caller waits, behind all who wait already.
     *
     * @param await waits for a condition that the writer makes true; throws if the caller gives up
     */
    public void submit(TabletWrite write, Consumer<BooleanSupplier> await) {
        queue.measure(write);
        queue.admission().admit(write.caller, await);
        queue.submit(write);
    }

    /** What {@link TabletWrite.Completion#probeWanted} asks for. May read from disk. */
    public void probeAgain(TabletWrite write) {
        try {
            probe(write);
        } catch (RuntimeException e) {
            write.probeFailure = e;
        } catch (Error e) { // The batch is the tablet's: its caller hears of it there, like of all else.
            write.probeFailure = new IllegalStateException("keys could not be looked up on disk: " + e, e);
        }
        queue.probedAgain(write);
    }

    /** As {@link #probeAgain}, where nobody can do that any more: the batch is refused. */
    public void probeFailed(TabletWrite write, RuntimeException reason) {
        write.probeFailure = reason;
        queue.probedAgain(write);
    }

    void probe(TabletWrite write) {
        write.probeFailure = null;
        write.epochTicket = enter();
        boolean isProbed = false;
        try {
            RowSetMap seen = map;
            write.mapVersion = seen.version();
            write.probe.run(seen);
            isProbed = true;
        } finally {
            if (!isProbed) {
                giveTicketBack(write);
            }
        }
    }

    /** From now on the batch keeps nothing in memory, and its probe is good until the next swap. */
    void giveTicketBack(TabletWrite write) {
        int ticket = write.epochTicket;
        if (ticket != TabletWrite.NO_TICKET) {
            write.epochTicket = TabletWrite.NO_TICKET;
            exit(ticket);
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
        pending.throwIfFailed();
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
        return inside(RowSetMap::rowCount);
    }

    /** Rows in memory and on disk that are not deleted. */
    public long liveRowCount() {
        return inside(RowSetMap::liveRowCount);
    }

    private long inside(ToLongFunction<RowSetMap> counting) {
        int ticket = enter();
        try {
            return counting.applyAsLong(map);
        } finally {
            exit(ticket);
        }
    }

    /**
     * Oldest log record that a restart would need, because there are rows or changes in memory, or answers of named
     * requests; {@link Long#MAX_VALUE} for none. Any thread.
     */
    public long neededFrom() {
        return Math.min(named.neededFrom(), neededFromByRows());
    }

    /** As {@link #neededFrom}, for rows and changes alone: {@link Long#MAX_VALUE} once all is flushed. */
    public long neededFromByRows() {
        return inside(_ -> rowsNeededFrom());
    }

    /** By the writer, or who has entered the epochs. */
    long rowsNeededFrom() {
        long applied = appliedUpTo;
        return Math.min(keptFrom, map.neededFrom(applied));
    }

    /** A durable edit says that log records up to {@code sequence} are in rowsets. */
    void applied(long sequence) {
        appliedUpTo = sequence;
    }

    /** What it has and does now. Any thread, with nobody closing it meanwhile. */
    public TabletView view() {
        return TabletView.of(this, queue);
    }

    /** Files of rowsets, those that cannot be read included. */
    public List<Path> files() {
        return map.files();
    }

    /** Rowsets on disk. */
    public int rowSetCount() {
        return map.onDisk().size();
    }

    /** Bytes of the files of this tablet. */
    public long diskBytes() {
        return inside(RowSetMap::diskBytes);
    }

    /** Waits while a great many readers are in, each for a moment; batches cannot take all tickets. */
    int enter() {
        return epochs.enterOrWait();
    }

    /** The last reader of what was flushed wakes the writer, which frees it (see {@link Epochs}). */
    void exit(int ticket) {
        epochs.exit(ticket);
        if (epochs.pending() > 0) {
            writer.wake();
        }
    }

    // ---- The writer's part ----

    /**
     * Whether what the probe found still holds, or can be made up for by rows that are still in memory. What files say
     * of conditions cannot: it may be in newer files now.
     */
    boolean isProbeGood(TabletWrite write) {
        if (write.probeFailure != null || write.isOnlyRepeated()) {
            return true;
        }
        return write.conditions.count() > 0
                ? write.mapVersion >= lastFilesVersion
                : write.mapVersion >= lastMergeVersion
                        && (write.epochTicket != TabletWrite.NO_TICKET || write.mapVersion >= lastSwapVersion);
    }

    WriteQueue queue() {
        return queue;
    }

    /** Whether the writer has nothing to do for it, until somebody comes. */
    boolean isQuiet() {
        return queue.isEmpty() && pending.isQuiet() && !named.isCarrying() && epochs.pending() == 0;
    }

    /** Sequence that the answers of everything decided so far depend on. */
    long lastSequence() {
        return lastSequence;
    }

    /** Of the newest record. */
    long lastTime() {
        return lastTime;
    }

    void published(long sequence, long timestamp) {
        assert sequence > lastSequence : "sequence " + sequence + " after " + lastSequence;
        lastSequence = sequence;
        lastTime = timestamp;
    }

    /** Answers the batches that have become durable, in order. */
    int completeDurable() {
        int completed = pending.completeDurable() + (named.carryOn() ? 1 : 0);
        if (epochs.pending() > 0) {
            completed += seals.reclaim();
        }
        return completed;
    }

    void refuse(TabletWrite write, RuntimeException reason) {
        giveTicketBack(write);
        write.complete(reason);
    }

    /** What a batch hears that the writer did not come to before its end. */
    RuntimeException closedReason() {
        RuntimeException failed = pending.failure();
        return failed != null ? failed : new TabletClosedException(id());
    }

    /** Batches that were decided, and what became of them. */
    PendingWrites pending() {
        return pending;
    }

    /** Requests that have names, and what they were answered. */
    NamedWrites named() {
        return named;
    }

    /**
     * What named requests were answered, for a tablet that takes this one's place; null for nothing. With no batch
     * under way, and none to come before {@link #takeAnswersBack}. This one does not write them again any more. No
     * future, and nothing was done, if the writer has too much to do just now.
     */
    public Optional<CompletableFuture<@Nullable RequestResults>> handOverAnswers() {
        CompletableFuture<@Nullable RequestResults> copy = new CompletableFuture<>();
        boolean isAsked = writer.command(() -> copy.complete(named.handOver()));
        if (writer.isClosed()) {
            copy.completeExceptionally(closedReason()); // Unless it was there just in time.
        }
        return isAsked || copy.isDone() ? Optional.of(copy) : Optional.empty();
    }

    /** Forgets clients of named requests that have not been heard of for long, soon. Any thread. */
    public void forgetLateAnswers() {
        if (named.hasAnswers()) {
            writer.command(named::forgetLate); // Or another time, if the writer has too much to do.
        }
    }

    /** No tablet takes this one's place, if one was to. */
    public void takeAnswersBack() {
        named.takeBack();
    }

    Seals seals() {
        return seals;
    }

    /** Freezes the active MemRowSet, unless it is empty; false if that cannot be now ({@link Seals#seal}). */
    boolean seal() {
        RowSetMap present = map;
        if (present.active().rows().rowCount() == 0) {
            return true;
        }
        FreshRows next = seals.seal(present.active(), lastSequence);
        if (next == null) {
            return false;
        }
        map = present.withSeal(next);
        return true;
    }

    /** Puts the outputs of a flush in the place of its input. */
    void swap(FreshRows flushed, List<LiveRowSet> outputs) {
        RowSetMap next = map.withSwap(flushed, outputs);
        flushed.retire(outputs, next.version());
        map = next;
        lastSwapVersion = next.version();
        lastFilesVersion = next.version();
        seals.retire(flushed);
    }

    /** Freezes the changes of rows on disk that are in memory; answers the rowsets that have any. */
    List<LiveRowSet> sealChanges() {
        return map.sealChanges(lastSequence);
    }

    /** Puts a delta file in the place of frozen changes, or nothing if there was nothing to write. */
    void swap(LiveRowSet rowSet, @Nullable DeltaFile file) {
        DeltaMemStore flushed = rowSet.swap(file);
        RowSetMap next = map.withChangedRowSet(); // After it: who sees this version sees the file.
        map = next;
        lastFilesVersion = next.version();
        epochs.retire(() -> merging.free(flushed::close));
    }

    /** Puts a delta file in the place of others; {@code closer} gets each of these without a reader. */
    void swap(LiveRowSet rowSet, List<DeltaFile> merged, @Nullable DeltaFile by, Consumer<DeltaFile> closer) {
        rowSet.replace(merged, by);
        map = map.withChangedRowSet();
        epochs.retire(() -> merging.free(() -> merged.forEach(closer)));
    }

    /** Puts the outputs of a merge in the place of its inputs; {@code closer} gets each of these without a reader. */
    void swap(List<LiveRowSet> inputs, List<LiveRowSet> outputs, Consumer<LiveRowSet> closer) {
        RowSetMap next = map.withMerge(inputs, outputs);
        map = next;
        merging.forget(inputs);
        lastFilesVersion = next.version();
        lastMergeVersion = next.version();
        epochs.retire(() -> merging.free(() -> inputs.forEach(input -> input.retire(closer))));
    }

    /** What is being merged. */
    public Merging merging() {
        return merging;
    }

    // ---- Maintenance ----

    /** What maintenance can do for the tablet, and what the tablet must hear of it. */
    public Pressure pressure() {
        return pressure;
    }

    /** Whether there is something to flush, or being flushed. */
    public boolean hasRowsInMemory() {
        RowSetMap seen = map;
        return !seen.sealed().isEmpty() || seen.active().rows().rowCount() > 0 || seen.changeBytes() > 0;
    }

    /** Whether something was flushed whose last readers are still in. */
    public boolean isReclaiming() {
        return epochs.pending() > 0;
    }

    /** Bytes of rows in memory, sealed ones and changes of those on disk included. */
    public long memoryBytes() {
        return map.memoryBytes();
    }

    /**
     * Takes the tablet from its writer, with no batch under way and none to come; {@code left} runs on the writer's
     * thread, which does nothing for the tablet afterwards. False, and nothing was done, if the writer has too much to
     * do just now.
     */
    public boolean leave(Runnable left) {
        return writer.command(() -> {
            writer.detach(this);
            left.run();
        });
    }

    /**
     * Gives all memory and all files back, also if a file cannot be closed. After it has left its writer, or that has
     * stopped, and with no reader left.
     */
    public void close() {
        List<Runnable> closers = List.of(seals::close, map::close, named::close);
        RowSetMap.runAll(closers.iterator());
    }
}
