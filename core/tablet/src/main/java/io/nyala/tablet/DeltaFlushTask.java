package io.nyala.tablet;

import io.nyala.compaction.DeviceCalls;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.wal.LogFullException;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the changes in memory of rows on disk into delta files, one for each rowset that has any: freeze them all on
 * the writer, wait until the log is durable up to there, then for each rowset write the file, make it part of the
 * rowset by one durable edit, and swap on the writer. Belongs to a maintenance worker, from which it may be taken as
 * {@link FlushTask} is.
 *
 * <p>A crash before an edit leaves an orphan file, whose id is logged, and a log that replays the changes; after it,
 * replay skips them, because the edit says how far the log is in the rowset's files.
 */
final class DeltaFlushTask {
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
    private final DeviceCalls calls;
    private final WriterAgent.Command writer;
    private final ArrayDeque<LiveRowSet> changed = new ArrayDeque<>();
    private Stage stage = Stage.START;
    private @Nullable DeltaFile output;
    private boolean hasWritten;
    private long writtenBytes;

    /** Answer of the writer. */
    private volatile List<LiveRowSet> sealed = List.of();

    DeltaFlushTask(Tablet tablet, FlushContext context, DeviceCalls calls) {
        this.tablet = tablet;
        this.context = context;
        this.calls = calls;
        this.writer = new WriterAgent.Command(tablet, context.wake());
    }

    boolean isDone() {
        return stage == Stage.DONE;
    }

    /** Whether there were changes, and some are on disk. */
    boolean hasWritten() {
        return hasWritten;
    }

    /** As {@link FlushTask#writtenBytes}. */
    long writtenBytes() {
        return writtenBytes;
    }

    /** As {@link FlushTask#step}. */
    boolean step() {
        return switch (stage) {
            case START -> {
                tablet.pending().throwIfFailed();
                yield ask(Stage.SEALING, () -> sealed = tablet.sealChanges());
            }
            case SEALING -> takeSealed();
            case AWAIT_LOG -> awaitLog();
            case WRITING -> write();
            case COMMITTED -> askForSwap();
            case SWAPPING -> next();
            case DONE -> false;
        };
    }

    /** Closes what is not the tablet's. */
    void abort() {
        DeltaFile unused = output;
        if (unused != null) {
            output = null;
            unused.close();
        }
    }

    private boolean takeSealed() {
        if (!writer.isAnswered()) {
            return false;
        }
        changed.addAll(sealed);
        stage = changed.isEmpty() ? Stage.DONE : Stage.AWAIT_LOG;
        return true;
    }

    private boolean awaitLog() {
        tablet.pending().throwIfFailed();
        long upTo = 0;
        for (LiveRowSet rowSet : changed) {
            upTo = Math.max(upTo, rowSet.sealed().getLast().upTo());
        }
        if (tablet.log().durableUpTo() < upTo) {
            tablet.log().wantDurable(upTo);
            return false;
        }
        stage = Stage.WRITING;
        return true;
    }

    private boolean write() {
        tablet.pending().throwIfFailed();
        LiveRowSet rowSet = changed.element();
        LiveRowSet.Store store = rowSet.sealed().getFirst();
        DeltaFileOutput written = context.writeChanges(tablet, rowSet.base(), store.changes(), calls);
        List<DeltaFileEntry> entries = written == null ? List.of() : List.of(DeltaFileEntry.of(written));
        boolean isUnused = true;
        try {
            if (written != null) {
                calls.run(() -> output = context.openChanges(tablet, rowSet.base(), written.fileId()));
            }
            isUnused =
                    false; // From here on nobody knows whether the edit is on disk, if it fails; the next start does.
            context.manifest().deltasFlushed(tablet.id(), rowSet.base().fileId(), entries, store.upTo());
        } catch (LogFullException | TabletClosedException e) {
            isUnused = true; // There is no such edit.
            throw e;
        } finally {
            if (isUnused) {
                abort();
                entries.forEach(entry -> context.delete(entry.fileId()));
            }
        }
        hasWritten = true;
        writtenBytes += written == null ? 0 : written.fileBytes();
        stage = Stage.COMMITTED;
        return true;
    }

    private boolean askForSwap() {
        DeltaFile file = output;
        LiveRowSet rowSet = changed.element();
        boolean isAsked = ask(Stage.SWAPPING, () -> tablet.swap(rowSet, file));
        if (isAsked) {
            output = null; // The writer's, who runs what was asked for even if it is closed.
        }
        return isAsked;
    }

    private boolean next() {
        if (!writer.isAnswered()) {
            return false;
        }
        if (changed.element().sealed().isEmpty()) {
            changed.remove();
        }
        stage = changed.isEmpty() ? Stage.DONE : Stage.WRITING;
        return true;
    }

    private boolean ask(Stage next, Runnable command) {
        boolean isAsked = writer.ask(() -> {
            command.run();
            return true;
        });
        if (isAsked) {
            stage = next;
        }
        return isAsked;
    }
}
