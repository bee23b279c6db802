package io.nyala.diskrowset;

/**
 * The rowset whose rows a delta file is about.
 *
 * @param fileId of the rowset's file
 * @param rowCount rows in it, deleted ones included
 */
public record DeltaBase(long fileId, long rowCount) {
    public static DeltaBase of(DiskRowSet rowSet) {
        return new DeltaBase(rowSet.fileId(), rowSet.rowCount());
    }
}
