package io.nyala.tablet;

import io.nyala.compaction.DeviceCalls;
import io.nyala.memory.MemoryLimitException;
import org.jspecify.annotations.Nullable;

/**
 * What maintenance does for one tablet at a time, as far as it was asked: its rows in memory become rowsets, and the
 * changes in memory of rows on disk become delta files. Then answers of requests are carried forward, if they hold the
 * log. Belongs to one worker.
 */
public final class TabletFlush {
    private final Tablet tablet;
    private final FlushContext context;
    private final DeviceCalls calls;
    private final FlushTask rows;
    private final DeltaFlushTask changes;
    private final Pressure.Wanted wanted;
    private final WriterAgent.Command answers;
    private boolean areAnswersAskedFor;
    private boolean areAnswersCarried;
    private boolean hasLeftChanges;

    /** Makes room for late changes; null while none is needed. */
    private @Nullable DeltaFlushTask relief;

    /**
     * @param calls how its worker waits for devices: where that throws, the flush is another one's, and is to be
     *     aborted
     */
    public TabletFlush(Tablet tablet, FlushContext context, Pressure.Wanted wanted, DeviceCalls calls) {
        this.tablet = tablet;
        this.context = context;
        this.calls = calls;
        this.rows = new FlushTask(tablet, context, calls);
        this.changes = new DeltaFlushTask(tablet, context, calls);
        this.wanted = wanted;
        this.answers = new WriterAgent.Command(tablet, context.wake());
    }

    public Tablet tablet() {
        return tablet;
    }

    /** Whether what was in memory at the beginning, and wanted, is on disk, and the log needed no further back. */
    public boolean isDone() {
        return areAnswersCarried;
    }

    /** The part of the rows in memory that is written, from 0 to 1; those of one MemRowSet at a time. Any thread. */
    public double share() {
        return rows.share();
    }

    /** Whether anything of the tablet was in memory, and is on disk now. */
    public boolean hasWritten() {
        return rows.hasWritten() || changes.hasWritten() || (relief != null && relief.hasWritten());
    }

    /** Of the files that are part of the tablet now. */
    public long writtenBytes() {
        return rows.writtenBytes() + changes.writtenBytes() + (relief == null ? 0 : relief.writtenBytes());
    }

    /**
     * Whether changes stay in memory that were there at the beginning, because a merge has their rowsets: a flush of
     * them is asked for when it is over.
     */
    public boolean hasLeftChanges() {
        return hasLeftChanges;
    }

    /**
     * Does one bounded piece; answers whether it got anywhere. When it did not, the writer or the log will wake the
     * worker.
     */
    public boolean step() {
        if (relief != null && !relief.isDone()) {
            return relief.step();
        }
        if (wanted.rows() && !rows.isDone()) {
            return stepOfRows();
        }
        if (wanted.changes() && !changes.isDone()) {
            hasLeftChanges |= tablet.merging().isAheadOfFlush(); // It may take long, and others wait for their flush.
            return changes.step();
        }
        return !areAnswersCarried && carryAnswers();
    }

    /** Rows do not need the log any more: so answers shall not hold it either. */
    private boolean carryAnswers() {
        if (!areAnswersAskedFor) {
            areAnswersAskedFor = answers.ask(() -> {
                tablet.named().carry(context.wake());
                return true;
            });
            return areAnswersAskedFor;
        }
        if (!answers.isAnswered()) {
            return false;
        }
        if (tablet.named().isCarrying()) {
            tablet.pending().throwIfFailed();
            return false;
        }
        areAnswersCarried = true;
        return true;
    }

    /** Late changes need memory before the flush can free some: changes of other rows on disk can give it at once. */
    private boolean stepOfRows() {
        try {
            return rows.step();
        } catch (MemoryLimitException e) {
            if (relief != null || !rows.isCarryingOver()) {
                throw e;
            }
            relief = new DeltaFlushTask(tablet, context, calls);
            rows.carryOverAgain();
            return true;
        }
    }

    /** Gives back what an unfinished flush holds, and deletes files that are surely not part of the tablet. */
    public void abort() {
        if (relief != null) {
            relief.abort();
        }
        rows.abort();
        changes.abort();
    }
}
