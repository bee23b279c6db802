package io.nyala.tablet;

import io.nyala.compaction.Flush;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RowSetOutput;
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
 * <p>It is done when everything that was in memory at its beginning is on disk: what earlier flushes left behind,
 * because they failed, comes first, each MemRowSet by an edit of its own.
 */
public final class FlushTask {
    private enum Stage {
        START,
        SEALING,
        AWAIT_LOG,
        WRITING,
        COMMITTED,
        SWAPPING,
        DONE
    }

    private final Tablet tablet;
    private final FlushContext context;
    private Stage stage = Stage.START;
    private @Nullable Flush flush;
    private List<DiskRowSet> outputs = List.of();

    // Answers of the writer.
    private volatile boolean isAnswered;
    private volatile boolean isAllSealed;
    private volatile @Nullable RuntimeException refusal;
    private volatile Seals.@Nullable Sealed sealed;

    public FlushTask(Tablet tablet, FlushContext context) {
        this.tablet = tablet;
        this.context = context;
    }

    public Tablet tablet() {
        return tablet;
    }

    /** Whether rowsets are in place of what was sealed. */
    public boolean isDone() {
        return stage == Stage.DONE;
    }

    /**
     * Does one bounded piece; answers whether it got anywhere. When it did not, the writer or the log will wake the
     * worker.
     */
    public boolean step() {
        return switch (stage) {
            case START -> {
                tablet.throwIfFailed();
                yield ask(this::seal, Stage.SEALING);
            }
            case SEALING, SWAPPING -> goOn();
            case AWAIT_LOG -> startWriting();
            case WRITING -> write();
            case COMMITTED -> askForSwap();
            case DONE -> false;
        };
    }

    /** Gives back what an unfinished flush holds, and deletes files that are surely not part of the tablet. */
    public void abort() {
        Flush unfinished = flush;
        if (unfinished != null) {
            flush = null;
            unfinished.close();
        }
        outputs.forEach(DiskRowSet::close);
        outputs = List.of();
    }

    /** On the writer. False if it has to wait for what was flushed before to be freed. */
    private boolean seal() {
        isAllSealed = tablet.seal();
        sealed = tablet.seals().oldest();
        return isAllSealed || sealed != null;
    }

    private boolean goOn() {
        if (!isAnswered) {
            tablet.throwIfFailed();
            return false;
        }
        RuntimeException refused = refusal;
        if (refused != null) {
            throw refused;
        }
        if (sealed != null) {
            stage = Stage.AWAIT_LOG;
        } else {
            stage = isAllSealed ? Stage.DONE : Stage.START;
        }
        return true;
    }

    private boolean startWriting() {
        tablet.throwIfFailed();
        Seals.Sealed input = sealed();
        if (tablet.log().durableUpTo() < input.sequence()) {
            tablet.log().wantDurable(input.sequence());
            return false;
        }
        flush = context.newFlush(tablet, input.rows().rows());
        stage = Stage.WRITING;
        return true;
    }

    private boolean write() {
        tablet.throwIfFailed();
        Flush running = Objects.requireNonNull(flush, "writing without a flush");
        if (!running.step()) {
            commit(running);
        }
        return true;
    }

    private void commit(Flush written) {
        List<RowSetEntry> entries = new ArrayList<>();
        List<DiskRowSet> opened = new ArrayList<>();
        outputs = opened;
        for (RowSetOutput output : written.outputs()) {
            DiskRowSet rowSet = context.open(tablet, output.fileId());
            opened.add(rowSet);
            entries.add(RowSetEntry.of(
                    output.fileId(),
                    output.rowCount(),
                    output.fileBytes(),
                    rowSet.minKey(),
                    rowSet.maxKey(),
                    sealed().sequence()));
        }
        try {
            context.manifest().flushed(tablet.id(), entries, sealed().sequence());
        } catch (LogFullException | TabletClosedException e) {
            throw e; // There is no such edit, so the files can go.
        } catch (RuntimeException e) {
            written.keepOutputs(); // Nobody knows whether the edit is on disk; the next start does.
            throw e;
        }
        written.keepOutputs();
        flush = null;
        written.close();
        tablet.applied(sealed().sequence());
        stage = Stage.COMMITTED;
    }

    private boolean askForSwap() {
        List<DiskRowSet> replacement = outputs;
        FreshRows input = sealed().rows();
        boolean isAsked = ask(
                () -> {
                    tablet.swap(input, replacement);
                    sealed = tablet.seals().oldest();
                    return true;
                },
                Stage.SWAPPING);
        if (isAsked) {
            outputs = List.of(); // The writer's, who runs what was asked for even if it is closed.
        }
        return isAsked;
    }

    /** Has the writer do something; answers whether it will. */
    private boolean ask(BooleanSupplier command, Stage next) {
        isAnswered = false;
        boolean isAsked = tablet.writer().command(() -> answer(command));
        if (isAsked) {
            stage = next;
        }
        return isAsked;
    }

    /** On the writer: now, or if the command says so, when it can. */
    private void answer(BooleanSupplier command) {
        try {
            if (!command.getAsBoolean()) {
                tablet.seals().afterReclaim(() -> answer(command));
                return;
            }
        } catch (RuntimeException e) {
            refusal = e; // That ends the flush, not the writer.
        }
        isAnswered = true;
        context.wake().run();
    }

    private Seals.Sealed sealed() {
        return Objects.requireNonNull(sealed, "nothing is sealed yet");
    }
}
