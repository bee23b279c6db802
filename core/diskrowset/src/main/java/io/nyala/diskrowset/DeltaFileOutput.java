package io.nyala.diskrowset;

/**
 * A delta file that was written.
 *
 * @param fileId name of its file
 * @param cellCount cells that its changes set
 * @param deletedCount rows that it deletes
 * @param oldestTime of its changes
 * @param newestTime of its changes
 * @param fileBytes size of its file
 */
public record DeltaFileOutput(
        long fileId, long cellCount, long deletedCount, long oldestTime, long newestTime, long fileBytes) {
    /** Cells that it sets, and rows that it deletes. */
    public long changeCount() {
        return cellCount + deletedCount;
    }
}
