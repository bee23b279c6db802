package io.nyala.tablet;

import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Flush;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RowSetOutput;
import io.nyala.memrowset.CarryOver;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.wal.LogFullException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One flush from seal to swap, in steps: seal on the writer, wait until the log is durable up to the seal, write the
 * rowsets, make them part of the tablet by one durable edit, swap on the writer. Belongs to a maintenance worker.
 *
 * <p>A crash before the edit leaves orphan files, whose ids are logged, and a log that replays everything; a crash
 * after it leaves a log whose records up to the seal are skipped. Nothing in between is possible: the edit is one
 * record.
 *
 * <p>While it waits for a device to write or read a file, and only then, another worker may have the same MemRowSet
 * flushed anew ({@link DeviceCalls}): this one hears of it before it touches any of the tablet again.
 *
 * <p>It is done when everything that was in memory at its beginning is on disk: what earlier flushes left behind,
 * because they failed, comes first, each MemRowSet by an edit of its own.
 */
final class FlushTask {
    private enum Stage {
        START,
        SEALING,
        AWAIT_LOG,
        WRITING,
        CARRYING_OVER,
        SWAPPING,
        DONE
    }

    /** Bounded as a step of writing is. */
    private static final int CHANGES_PER_STEP = 1024;

    /** The writer is asked to swap when so few are left, some tens of microseconds of its time. */
    private static final int CHANGES_LEFT_TO_WRITER_MAX = 128;

    /**
     * What it carries over with those that came until it does what it was asked for: a few tenths of a millisecond. If
     * there are more it does not swap yet. That is at most once for each 384 of {@link FreshRows#LATE_CHANGES_MAX}, and
     * for the batch that is over these: then batches wait for the swap.
     */
    static final int CHANGES_OF_WRITER_MAX = 512;

    private final Tablet tablet;
    private final FlushContext context;
    private final DeviceCalls calls;
    private final WriterAgent.Command writer;
    private Stage stage = Stage.START;
    private @Nullable Flush flush;
    private boolean hasWritten;
    private long writtenBytes;

    // Written by the worker alone.
    private volatile long rowsWritten;
    private volatile long rowsMax;

    // Answers of the writer.
    private volatile boolean isAllSealed;
    private volatile Seals.@Nullable Sealed sealed;

    FlushTask(Tablet tablet, FlushContext context, DeviceCalls calls) {
        this.tablet = tablet;
        this.context = context;
        this.calls = calls;
        this.writer = new WriterAgent.Command(tablet, context.wake());
    }

    /** Whether rowsets are in place of what was sealed. */
    boolean isDone() {
        return stage == Stage.DONE;
    }

    /** Whether there were rows, and they are on disk. */
    boolean hasWritten() {
        return hasWritten;
    }

    /** The part of the rows that are being written which is, from 0 to 1. Any thread. */
    double share() {
        return (double) rowsWritten / Math.max(1, rowsMax);
    }

    /** Of the files that are part of the tablet now. */
    long writtenBytes() {
        return writtenBytes;
    }

    /**
     * Does one bounded piece; answers whether it got anywhere. When it did not, the writer or the log will wake the
     * worker.
     */
    boolean step() {
        return switch (stage) {
            case START -> {
                tablet.pending().throwIfFailed();
                yield ask(this::seal, Stage.SEALING);
            }
            case SEALING, SWAPPING -> goOn();
            case AWAIT_LOG -> startWriting();
            case WRITING -> write();
            case CARRYING_OVER -> carryOver();
            case DONE -> false;
        };
    }

    /** Gives back what an unfinished flush holds, and deletes files that are surely not part of the tablet. */
    void abort() {
        Flush unfinished = flush;
        if (unfinished != null) {
            flush = null;
            unfinished.close();
        }
    }

    /** On the writer. False if it has to wait for what was flushed before to be freed. */
    private boolean seal() {
        isAllSealed = tablet.seal();
        sealed = tablet.seals().oldest();
        return isAllSealed || sealed != null;
    }

    private boolean goOn() {
        if (!writer.isAnswered()) {
            return false;
        }
        Seals.Sealed next = sealed;
        if (next == null) {
            stage = isAllSealed ? Stage.DONE : Stage.START;
        } else {
            stage = next.replacement() == null ? Stage.AWAIT_LOG : Stage.CARRYING_OVER;
        }
        return true;
    }

    private boolean startWriting() {
        tablet.pending().throwIfFailed();
        Seals.Sealed input = sealed();
        if (tablet.log().durableUpTo() < input.sequence()) {
            tablet.log().wantDurable(input.sequence());
            return false;
        }
        rowsWritten = 0;
        rowsMax = input.rows().rows().rowCount();
        flush = context.newFlush(tablet, input.rows().rows(), calls);
        stage = Stage.WRITING;
        return true;
    }

    private boolean write() {
        tablet.pending().throwIfFailed();
        Flush running = Objects.requireNonNull(flush, "writing without a flush");
        boolean isWriting = running.step();
        rowsWritten = running.rowCount();
        if (!isWriting) {
            commit(running);
        }
        return true;
    }

    private void commit(Flush written) {
        Seals.Sealed input = sealed();
        List<RowSetEntry> entries = new ArrayList<>();
        List<LiveRowSet> outputs = new ArrayList<>();
        boolean isCommitted = false;
        try {
            for (RowSetOutput output : written.outputs()) {
                calls.run(() -> outputs.add(open(output, input.sequence())));
                DiskRowSet rowSet = outputs.getLast().base();
                entries.add(RowSetEntry.of(
                        output.fileId(),
                        output.rowCount(),
                        output.fileBytes(),
                        rowSet.minKey(),
                        rowSet.maxKey(),
                        input.sequence()));
            }
            List<DeltaMemStore> stores =
                    outputs.stream().map(LiveRowSet::carriedOver).toList();
            var replacement = new Seals.Replacement(
                    List.copyOf(outputs), new CarryOver(input.rows().rows(), stores));
            commit(written, entries, input.sequence());
            isCommitted = true;
            input.replaceBy(replacement);
        } finally {
            if (!isCommitted) {
                outputs.forEach(LiveRowSet::close);
            }
        }
        flush = null;
        hasWritten = true;
        writtenBytes += entries.stream().mapToLong(RowSetEntry::fileBytes).sum();
        written.close();
        tablet.applied(input.sequence());
        stage = Stage.CARRYING_OVER;
    }

    private LiveRowSet open(RowSetOutput output, long appliedUpTo) {
        DiskRowSet rowSet = context.open(tablet, output.fileId());
        return new LiveRowSet(rowSet, List.of(), appliedUpTo, context.changeMemory());
    }

    private void commit(Flush written, List<RowSetEntry> entries, long appliedUpTo) {
        try {
            context.manifest().flushed(tablet.id(), entries, appliedUpTo);
        } catch (LogFullException | TabletClosedException e) {
            throw e; // There is no such edit, so the files can go.
        } catch (RuntimeException e) {
            written.keepOutputs(); // Nobody knows whether the edit is on disk; the next start does.
            throw e;
        }
        written.keepOutputs();
    }

    /** Most late changes are carried over here, beside the writer; it does the last few, unless they are many again. */
    private boolean carryOver() {
        tablet.pending().throwIfFailed();
        Seals.Replacement replacement = replacement();
        if (replacement.late().remaining() > CHANGES_LEFT_TO_WRITER_MAX) {
            replacement.late().carry(CHANGES_PER_STEP);
            return true;
        }
        FreshRows input = sealed().rows();
        return ask(
                () -> {
                    replacement.late().carry(CHANGES_OF_WRITER_MAX);
                    if (replacement.late().remaining() == 0) {
                        tablet.swap(input, replacement.rowSets());
                        sealed = tablet.seals().oldest();
                    }
                    return true;
                },
                Stage.SWAPPING);
    }

    /** Whether the rowsets are part of the tablet, and late changes on their way to them. */
    boolean isCarryingOver() {
        return stage == Stage.CARRYING_OVER || stage == Stage.SWAPPING;
    }

    /** After there was no memory for one of them. */
    void carryOverAgain() {
        assert isCarryingOver() : stage;
        stage = Stage.CARRYING_OVER;
    }

    private Seals.Replacement replacement() {
        return Objects.requireNonNull(sealed().replacement(), "nothing is committed yet");
    }

    private boolean ask(BooleanSupplier command, Stage next) {
        boolean isAsked = writer.ask(command);
        if (isAsked) {
            stage = next;
        }
        return isAsked;
    }

    private Seals.Sealed sealed() {
        return Objects.requireNonNull(sealed, "nothing is sealed yet");
    }
}
