package io.nyala.compaction;

import java.util.List;

/**
 * What a policy knows of a rowset. Immutable (the arrays are not to be changed).
 *
 * @param fileId by which it is named
 * @param rowCount rows in it, deleted ones included
 * @param bytes of its file
 * @param changeBytes of the changes since, in files and in memory
 * @param minKey no key in it is less
 * @param maxKey no key in it is greater
 * @param deltaFiles those that have changes since, the oldest first
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; nobody compares these.
public record RowSetShape(
        long fileId,
        long rowCount,
        long bytes,
        long changeBytes,
        byte[] minKey,
        byte[] maxKey,
        List<DeltaFileShape> deltaFiles) {
    public RowSetShape {
        deltaFiles = List.copyOf(deltaFiles);
    }

    /**
     * A delta file.
     *
     * @param fileId by which it is named
     * @param bytes of it
     */
    public record DeltaFileShape(long fileId, long bytes) {}

    /** Whether so much of it has changed that it is better written again than read with its changes. */
    boolean isMuchChanged(MergePolicy.Budget budget) {
        return changeBytes > 0 && changeBytes >= budget.changeShareMin() * bytes;
    }

    /** Bytes of changes as a share of its own: more than 1, if they are more. */
    double changeShare() {
        return (double) changeBytes / Math.max(1, bytes);
    }

    /** What it takes to write it again: it is read with its changes. */
    public long cost() {
        return bytes + changeBytes;
    }
}
