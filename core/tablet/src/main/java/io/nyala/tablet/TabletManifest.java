package io.nyala.tablet;

import java.nio.file.Path;
import java.util.List;

/**
 * What a tablet needs from the storage log of its host: names for files before they are created, and edits that are
 * durable when the call returns. Called by maintenance, never by the writer.
 */
public interface TabletManifest {
    /**
     * A file id that was never used; logged, durably, before this returns, so that an orphan can be told from a
     * stranger.
     */
    long allocateFileId(long tabletId);

    /** Where the file of that id lives. */
    Path path(long fileId);

    /**
     * Makes the result of a flush durable in one edit: {@code added} are part of the tablet, and the effects of its log
     * records up to {@code appliedUpTo} are in its rowsets.
     */
    void flushed(long tabletId, List<RowSetEntry> added, long appliedUpTo);

    /**
     * Makes the result of a flush of deltas durable in one edit: the files {@code added} correct a rowset, after those
     * it has, and changes of its tablet's log records up to {@code appliedUpTo} to its rows are in its files.
     */
    void deltasFlushed(long tabletId, long rowSetFileId, List<DeltaFileEntry> added, long appliedUpTo);

    /**
     * Makes the result of a merge of delta files durable in one edit: the files {@code added} correct a rowset, in the
     * place of those that are {@code removed}, which lie one behind another, and have the same changes.
     */
    void deltasReplaced(long tabletId, long rowSetFileId, List<Long> removed, List<DeltaFileEntry> added);

    /**
     * Makes the result of a merge durable in one edit: the rowsets {@code added} are in the place of those whose files
     * are {@code removed}, and have the changes of the tablet's log records up to {@code appliedUpTo} to their rows.
     *
     * @param historyMark before which the tablet cannot be read any more
     */
    void merged(long tabletId, List<Long> removed, List<RowSetEntry> added, long appliedUpTo, long historyMark);
}
