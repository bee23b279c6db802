package io.nyala.tablet;

import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Flush;
import io.nyala.compaction.MergeSource;
import io.nyala.compaction.RewriteSource;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileMerge;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.DeltaSource;
import org.jspecify.annotations.Nullable;

/** What a flush or a merge needs from its host. Used by maintenance workers, of which several may merge at once. */
public interface FlushContext {
    TabletManifest manifest();

    /** Starts to write the sealed {@code rows} into new rowset files of {@code tablet}, by a worker that so calls. */
    Flush newFlush(Tablet tablet, MemRowSet rows, DeviceCalls calls);

    /** Pays for what a merge needs. */
    MemoryAccount mergeMemory();

    /** Starts to write merged {@code rows} into new rowset files of {@code tablet}. */
    Flush newMerge(Tablet tablet, MergeSource rows);

    /** Starts to write one rowset again, with the pages of columns that have not changed. */
    Flush newMerge(Tablet tablet, RewriteSource rows);

    /** Time before which nobody reads the tablet from now on, {@link MergeSource#NO_MARK} for none. */
    long raiseHistoryMark(Tablet tablet);

    /** Closes a rowset that was merged, soon, and deletes its files. Any thread. */
    void discard(LiveRowSet merged);

    /** Closes a delta file that was merged, soon, and deletes it. Any thread. */
    void discard(DeltaFile merged);

    /** Opens a rowset of {@code tablet} for reading. */
    DiskRowSet open(Tablet tablet, long fileId);

    /** What changes in memory of rows on disk are paid from. */
    MemoryAccount changeMemory();

    /**
     * Writes frozen {@code changes} of rows of a rowset into a new delta file, which is durable, its name included,
     * when this returns; null if there is nothing in them that the table still has.
     *
     * @param calls how the worker waits until it is written; the changes are not touched meanwhile
     */
    @Nullable
    DeltaFileOutput writeChanges(Tablet tablet, DiskRowSet rowSet, DeltaSource changes, DeviceCalls calls);

    /** Creates the file of what merged delta files have, when all of it is in memory. */
    void create(Tablet tablet, DeltaFileMerge merged);

    /** Writes some of that; null if there is more, else it is durable, its name included. */
    @Nullable
    DeltaFileOutput write(DeltaFileMerge merged);

    /** Opens a delta file of a rowset for reading. */
    DeltaFile openChanges(Tablet tablet, DiskRowSet rowSet, long fileId);

    /** Deletes a file that is surely not part of a tablet. */
    void delete(long fileId);

    /** Makes the worker look for work. */
    Runnable wake();
}
