package io.nyala.tablet;

import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileMerge;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.wal.LogFullException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One minor delta compaction from its claim to its swap, in steps: delta files that lie one behind another beside a
 * rowset become one. Belongs to a maintenance worker.
 *
 * <pre>{@code
 *   worker                                               writer
 *   claim the rowset's delta files
 *   write one file of several, in steps                  (changes go to the rowset, and are flushed behind them)
 *   one edit: that one in the place of the others
 *                                                   ->   swap: scans find it at their next batch
 * }</pre>
 *
 * <p>All changes stay, at their times, so it makes no difference to a scan where it finds them, and no record of the
 * log is in question. The writer has to do with it only because what a rowset consists of is changed by the writer
 * alone. The files that were merged are closed and deleted when all have left who were within one call at the time of
 * the swap.
 *
 * <p>A crash before the edit leaves an orphan file, whose id is logged; after it those that were merged are orphans.
 */
public final class DeltaMergeTask implements Merging.Task {
    private enum Stage {
        READING,
        WRITING,
        COMMITTED,
        SWAPPING,
        DONE
    }

    private final Tablet tablet;
    private final FlushContext context;
    private final WriterAgent.Command writer;
    private final LiveRowSet rowSet;
    private final List<DeltaFile> inputs;
    private final long claim;
    private Stage stage = Stage.READING;
    private @Nullable DeltaFileMerge merge;
    private @Nullable DeltaFile output;
    private boolean isCreated;
    private long writtenBytes;

    /** Of all inputs. Written by the worker alone. */
    private volatile long entriesMerged;

    private volatile long entriesMax;

    private DeltaMergeTask(Tablet tablet, FlushContext context, LiveRowSet rowSet, List<DeltaFile> inputs, long claim) {
        this.tablet = tablet;
        this.context = context;
        this.writer = new WriterAgent.Command(tablet, context.wake());
        this.rowSet = rowSet;
        this.inputs = List.copyOf(inputs);
        this.claim = claim;
    }

    /**
     * Claims delta files of a rowset; null if somebody has the rowset, if they are not one behind another beside it any
     * more, or if nothing may begin.
     */
    public static @Nullable DeltaMergeTask begin(
            Tablet tablet, FlushContext context, long rowSetFileId, List<Long> fileIds) {
        Optional<LiveRowSet> found = tablet.map().onDisk().stream()
                .filter(each -> each.base().fileId() == rowSetFileId)
                .findFirst();
        if (!tablet.merging().mayBegin() || found.isEmpty()) {
            return null;
        }
        LiveRowSet rowSet = found.get();
        long claim = rowSet.claim().tryDeltaFiles();
        if (claim == Merging.Claim.NONE) {
            return null;
        }
        int first = rowSet.entry().indexOfDeltas(fileIds);
        if (first < 0) {
            rowSet.claim().end(claim);
            return null;
        }
        List<DeltaFile> inputs = rowSet.deltaFiles().subList(first, first + fileIds.size());
        var task = new DeltaMergeTask(tablet, context, rowSet, inputs, claim);
        tablet.merging().running(task);
        return task;
    }

    @Override
    public Tablet tablet() {
        return tablet;
    }

    @Override
    public boolean hasChanges() {
        return false;
    }

    @Override
    public String describe() {
        return "merge of delta files " + inputIds() + " of rowset "
                + rowSet.base().fileId();
    }

    @Override
    public long readBytes() {
        return inputs.stream().mapToLong(DeltaFile::fileBytes).sum();
    }

    @Override
    public long writtenBytes() {
        return writtenBytes;
    }

    @Override
    public long movedBytes() {
        DeltaFileMerge present = merge;
        long nowWritten = present == null ? writtenBytes : present.writtenBytes();
        return (long) (readBytes() * share()) + nowWritten;
    }

    /** The part of what it has to read that it has, from 0 to 1. Any thread. */
    double share() {
        return (double) entriesMerged / Math.max(1, entriesMax);
    }

    private List<Long> inputIds() {
        return inputs.stream().map(DeltaFile::fileId).toList();
    }

    @Override
    public boolean isDone() {
        return stage == Stage.DONE;
    }

    @Override
    public boolean step() {
        if (stage != Stage.SWAPPING && stage != Stage.DONE) {
            if (!rowSet.claim().isHeld(claim)) {
                throw new Merging.TakenOverException(this);
            }
            tablet.pending().throwIfFailed();
        }
        return switch (stage) {
            case READING -> read();
            case WRITING -> write();
            case COMMITTED -> askForSwap();
            case SWAPPING -> isSwapped();
            case DONE -> false;
        };
    }

    @Override
    public boolean takeOver() {
        boolean isTaken = tablet.merging().takeOver(() -> rowSet.claim().revoke(claim));
        context.wake().run();
        return isTaken;
    }

    private boolean read() {
        DeltaFileMerge running = merge;
        if (running == null) {
            running = new DeltaFileMerge(tablet.schema(), inputs, context.mergeMemory());
            merge = running;
            entriesMax = running.entryCountMax();
        }
        if (!running.step()) {
            stage = Stage.WRITING;
        }
        entriesMerged = running.entryCount();
        return true;
    }

    /** Some of the file at a time, as long as the claim holds. */
    private boolean write() {
        DeltaFileMerge read = Objects.requireNonNull(merge, "nothing was read");
        if (read.isEmpty()) {
            commit(null);
        } else if (!isCreated) {
            context.create(tablet, read);
            isCreated = true;
        } else {
            DeltaFileOutput written = context.write(read);
            if (written != null) {
                commit(written);
            }
        }
        return true;
    }

    /** {@code written}: null if nothing is left. */
    private void commit(@Nullable DeltaFileOutput written) {
        if (written != null) {
            writtenBytes = written.fileBytes();
        }
        List<DeltaFileEntry> entries = written == null ? List.of() : List.of(DeltaFileEntry.of(written));
        boolean isUnused = true;
        try {
            closeMerge();
            output = written == null ? null : context.openChanges(tablet, rowSet.base(), written.fileId());
            if (!rowSet.claim().tryCommit(claim)) {
                throw new Merging.TakenOverException(this);
            }
            isUnused = false; // From here on nobody knows whether the edit is on disk, if it fails.
            context.manifest().deltasReplaced(tablet.id(), rowSet.base().fileId(), inputIds(), entries);
        } catch (LogFullException | TabletClosedException e) {
            isUnused = true; // There is no such edit.
            throw e;
        } finally {
            if (isUnused) {
                closeOutput();
                entries.forEach(entry -> context.delete(entry.fileId()));
            }
        }
        stage = Stage.COMMITTED;
    }

    /** A file that it has not written to the end is deleted. */
    private void closeMerge() {
        DeltaFileMerge present = merge;
        merge = null;
        if (present != null) {
            present.close();
        }
    }

    private void closeOutput() {
        DeltaFile unused = output;
        output = null;
        if (unused != null) {
            unused.close();
        }
    }

    private boolean askForSwap() {
        DeltaFile file = output;
        boolean isAsked = writer.ask(() -> {
            swap(file);
            return true;
        });
        if (isAsked) {
            output = null; // The writer's, who runs what was asked for even if it is closed.
            stage = Stage.SWAPPING;
        }
        return isAsked;
    }

    private void swap(@Nullable DeltaFile file) {
        assert rowSet.claim().isHeld(claim) : "a merge of delta files has lost its claim between its edit and its swap";
        tablet.swap(rowSet, inputs, file, context::discard);
        end();
    }

    private boolean isSwapped() {
        boolean isAnswered = writer.isAnswered();
        if (isAnswered) {
            stage = Stage.DONE;
        }
        return isAnswered;
    }

    @Override
    public void abort() {
        if (stage == Stage.SWAPPING || stage == Stage.DONE) {
            return;
        }
        boolean isOurs = rowSet.claim().tryCommit(claim); // Else it was taken over, and the rowset is another's.
        stage = Stage.DONE;
        try {
            closeMerge();
            closeOutput();
        } finally {
            if (isOurs) {
                end();
            } else {
                tablet.merging().workerBack();
                context.wake().run();
            }
        }
    }

    private void end() {
        rowSet.claim().end(claim);
        tablet.merging().running(null);
        context.wake().run();
    }
}
