package io.nyala.tablet;

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
    public DeltaFileEntry {
        Check.notNegative("fileBytes", fileBytes);
        Check.notNegative("changeCount", changeCount);
    }
}
