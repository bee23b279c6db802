package io.nyala.compaction;

import io.nyala.diskrowset.RowSetFile;
import io.nyala.diskrowset.RowSetOutput;
import io.nyala.diskrowset.RowSetWriter;
import io.nyala.io.DiskException;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.RowSource;
import io.nyala.rows.Schema;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes rows that come in key order into rowsets, as many as it takes, a piece at a time. A flush of a MemRowSet is a
 * compaction with one input.
 *
 * <p>Memory is bounded however many rows and columns there are: a file is written when it has the size of a rowset, or
 * when as much memory is in use as may be. Belongs to one worker. Owns the source; {@link #close} deletes what was
 * written, unless {@link #keepOutputs} was called before.
 */
public final class Flush implements AutoCloseable {
    /** A step is some tens of microseconds to a millisecond, so that a worker stays responsive. */
    private static final int ROWS_PER_STEP = 1024;

    /** How much memory is in use is looked at so often. */
    private static final int ROWS_PER_LOOK = 64;

    /** A rowset that is ended because it has its share of memory has at least such a part of what it should have. */
    private static final int SMALLER_MAX = 2;

    /** Likewise, if others have taken what it would need: then a small rowset is better than none. */
    private static final int SMALLEST_MAX = 8;

    /** Keys of a rowset under construction take 8 bytes each, of one slab; rows this narrow need no larger files. */
    static final int ROWS_PER_ROWSET_MAX = 4 << 20;

    /** All columns may need memory for a page at the same row, where cells of all take the same. */
    private static final long PAGE_BYTES = 64 << 10;

    /** What it takes to write a file: buffers, and a key filter of a million keys. */
    private static final long FINISHING_BYTES = 4 << 20;

    private static final Logger LOG = System.getLogger(Flush.class.getName());

    private final RowSource source;
    private final @Nullable RewriteSource rewritten;
    private final @Nullable MergeSource merged;

    /** What the rows of a merge do not have. */
    private final @Nullable LaterColumns later;

    private final Target target;
    private final DeviceCalls calls;
    private final List<RowSetOutput> outputs = new ArrayList<>();
    private final List<RowSetFile> created = new ArrayList<>();

    /** From so much in use on a rowset is ended. */
    private final long endingBytes;

    private @Nullable RowSetWriter writer;
    private long rowCount;
    private boolean isAtEnd; // Of the source.
    private boolean isEnding; // All rows are there that the present rowset gets.
    private boolean isFinished;
    private boolean isGivenUp;
    private boolean isKept;

    public Flush(RowSource source, Target target) {
        this(source, target, DeviceCalls.UNWATCHED);
    }

    /** {@code calls}: how it waits until a file is written; its source is not touched meanwhile. */
    public Flush(RowSource source, Target target, DeviceCalls calls) {
        this(source, null, null, target, calls);
    }

    /** Rows of rowsets, and then the columns that rows do not have, of each output. */
    public Flush(MergeSource source, Target target) {
        this(source, null, source, target, DeviceCalls.UNWATCHED);
    }

    /** One rowset, of the columns that have changed and the pages of all others; or it {@link #isGivenUp}. */
    public Flush(RewriteSource source, Target target) {
        this(source, source, null, target, DeviceCalls.UNWATCHED);
    }

    private Flush(
            RowSource source,
            @Nullable RewriteSource rewritten,
            @Nullable MergeSource merged,
            Target target,
            DeviceCalls calls) {
        this.source = source;
        this.rewritten = rewritten;
        this.merged = merged;
        MergeColumns columns = merged == null ? null : merged.columns();
        this.later = columns == null || columns.later().isEmpty() ? null : new LaterColumns(columns, target.memory());
        this.target = target;
        this.calls = calls;
        this.endingBytes =
                target.memoryBytes() - FINISHING_BYTES - target.schema().columnCount() * PAGE_BYTES;
    }

    /**
     * Where the rows go.
     *
     * @param memory pays for a rowset under construction
     * @param rowSetBytes size from which on a rowset is ended and the next begun
     * @param memoryBytes that may be taken of {@code memory}, by whoever reads the rows too: a wide rowset, each column
     *     of which takes some, is ended before it has its size
     * @param filterRate part of the keys that a rowset does not have which its key filter may let through
     * @param io queues for writing
     * @param files makes names for new files
     */
    public record Target(
            Schema schema,
            MemoryAccount memory,
            long rowSetBytes,
            long memoryBytes,
            double filterRate,
            IoPool io,
            Files files) {}

    /** Makes names for new files. */
    @FunctionalInterface
    public interface Files {
        /** A file that does not exist, whose id is logged durably, so that a crash leaves no stranger. */
        RowSetFile next();
    }

    /** Does one bounded piece; false when everything is written and durable, names of files included. */
    public boolean step() {
        if (isFinished) {
            return false;
        }
        RowSetWriter present = writer;
        if (isEnding && present != null) {
            complete(present);
        } else {
            takeRows();
        }
        return !isFinished;
    }

    private void takeRows() {
        for (int i = 0; i < ROWS_PER_STEP && !isEnding; i++) {
            if (!source.next()) {
                isAtEnd = true;
                if (writer == null) {
                    finish();
                } else {
                    isEnding = true;
                }
                return;
            }
            append();
            if (isGivenUp) {
                isFinished = true;
                return;
            }
        }
    }

    /** All rows of the rowset are there. */
    private void complete(RowSetWriter present) {
        if (later != null && later.step(present)) {
            return;
        }
        end(present);
        isEnding = false;
        if (isAtEnd) {
            finish();
        }
    }

    private void append() {
        RowSetWriter present = writer;
        if (present == null) {
            present = newWriter();
            writer = present;
        }
        source.placed(outputs.size(), present.rowCount());
        present.append(source);
        rowCount++;
        if (later != null && merged != null) {
            later.add(merged.input(), merged.ordinal());
        }
        boolean isOutOfMemory = isOutOfMemory(present);
        if (rewritten != null) {
            isGivenUp = isOutOfMemory || rewritten.isToBeMerged(present.estimatedBytes(), target.rowSetBytes());
        } else {
            isEnding = isOutOfMemory
                    || present.estimatedBytes() + laterBytes() >= target.rowSetBytes()
                    || present.rowCount() >= ROWS_PER_ROWSET_MAX;
        }
    }

    private long laterBytes() {
        return later == null ? 0 : later.estimatedBytes();
    }

    /** Asked now and then. Rowsets that are very small would be merged again, and become as small again. */
    private boolean isOutOfMemory(RowSetWriter present) {
        if (present.rowCount() % ROWS_PER_LOOK != 0) {
            return false;
        }
        long bytes = present.estimatedBytes() + laterBytes();
        boolean hasItsShare = target.memory().usedBytes() + laterBytes() >= endingBytes;
        return (hasItsShare && bytes >= target.rowSetBytes() / SMALLER_MAX)
                || (bytes >= target.rowSetBytes() / SMALLEST_MAX
                        && !target.memory().isFree(FINISHING_BYTES + present.finishingBytes()));
    }

    private RowSetWriter newWriter() {
        if (rewritten != null) {
            return rewritten.newWriter(target.memory());
        }
        MergeColumns columns = merged == null ? null : merged.columns();
        return columns == null
                ? new RowSetWriter(target.schema(), target.memory(), target.filterRate())
                : columns.newWriter(target.memory(), target.filterRate());
    }

    private void end(RowSetWriter ended) {
        RowSetFile file = target.files().next();
        created.add(file);
        IoQueue queue = target.io().borrow();
        try {
            calls.run(() -> outputs.add(ended.finish(file, queue)));
        } finally {
            target.io().giveBack(queue);
        }
        ended.close();
        writer = null;
    }

    private void finish() {
        Set<Path> directories = new HashSet<>();
        for (RowSetFile file : created) {
            Path directory = file.path().toAbsolutePath().getParent();
            if (directory != null && directories.add(directory)) {
                calls.run(() -> file.disk().syncDirectory(directory));
            }
        }
        isFinished = true;
    }

    /**
     * Whether a rowset cannot be written again with all of its rows, and is to be merged: one of them is to be left
     * out, or it became too large. Nothing was written.
     */
    public boolean isGivenUp() {
        return isGivenUp;
    }

    /** Pages that were copied as they were. */
    public int copiedPageCount() {
        RewriteSource rewrite = rewritten;
        return rewrite == null || isGivenUp ? 0 : rewrite.copiedPageCount();
    }

    /**
     * Rows that were written until now, or are in the rowset under construction; of those whose other columns are still
     * to be written, the part that is.
     */
    public long rowCount() {
        RowSetWriter present = writer;
        if (later == null || present == null) {
            return rowCount;
        }
        return rowCount - (long) ((1 - later.progress()) * present.rowCount());
    }

    /** What was written, in key order. */
    public List<RowSetOutput> outputs() {
        return List.copyOf(outputs);
    }

    /** The files are, or may be, part of a tablet now. */
    public void keepOutputs() {
        isKept = true;
    }

    @Override
    public void close() {
        if (writer != null) {
            writer.close();
            writer = null;
        }
        if (later != null) {
            later.close();
        }
        source.close();
        if (!isKept) {
            deleteCreated();
        }
    }

    /** What stays behind here is deleted at the next start: its id is logged. */
    private void deleteCreated() {
        for (RowSetFile file : created) {
            try {
                if (file.disk().exists(file.path())) {
                    file.disk().delete(file.path());
                }
            } catch (DiskException e) {
                LOG.log(Level.WARNING, "cannot delete " + file.path() + " now; it is deleted at the next start", e);
            }
        }
        created.clear();
    }
}
