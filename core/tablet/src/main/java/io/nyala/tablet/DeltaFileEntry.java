package io.nyala.tablet;

import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.memory.Check;

/**
 * A delta file of a rowset as the storage log knows it. Immutable.
 *
 * @param fileId name of its file
 * @param fileBytes size of its file
 * @param changeCount cells that it sets, and rows that it deletes
 * @param deletedRowCount rows that are fewer by it: those it deletes, less those it brings back
 */
public record DeltaFileEntry(long fileId, long fileBytes, long changeCount, long deletedRowCount) {
    /** Of a file that was just written, which is REDO: it brings no row back. */
    static DeltaFileEntry of(DeltaFileOutput written) {
        return new DeltaFileEntry(written.fileId(), written.fileBytes(), written.changeCount(), written.deletedCount());
    }

    static DeltaFileEntry of(DeltaFile file) {
        return new DeltaFileEntry(file.fileId(), file.fileBytes(), file.changeCount(), file.deletedCount());
    }

    public DeltaFileEntry {
        Check.notNegative("fileBytes", fileBytes);
        Check.notNegative("changeCount", changeCount);
    }
}
