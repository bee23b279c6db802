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
 * @param forgottenBytes of all these, about what nobody can read any more: rows that were deleted, and history, before
 *     the tablet's ancient history mark
 * @param isApart whether it cannot be written again for now, since a row of it has too much history
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; nobody compares these.
public record RowSetShape(
        long fileId,
        long rowCount,
        long bytes,
        long changeBytes,
        byte[] minKey,
        byte[] maxKey,
        List<DeltaFileShape> deltaFiles,
        long forgottenBytes,
        boolean isApart) {
    public RowSetShape {
        deltaFiles = List.copyOf(deltaFiles);
    }

    /** Of which so much cannot be read any more. */
    public RowSetShape forgetting(long newForgottenBytes) {
        long forgotten = Math.min(newForgottenBytes, cost());
        return new RowSetShape(fileId, rowCount, bytes, changeBytes, minKey, maxKey, deltaFiles, forgotten, isApart);
    }

    /** As it is, but whether it can be written again. */
    public RowSetShape apart(boolean newIsApart) {
        return new RowSetShape(
                fileId, rowCount, bytes, changeBytes, minKey, maxKey, deltaFiles, forgottenBytes, newIsApart);
    }

    /** Whether it can be written again, by itself or with others. */
    boolean isWritable(MergePolicy.Budget budget) {
        return !isApart && rowCount <= budget.rowsMax();
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

    /** Whether it has so much that nobody can read any more that it is better written again without that. */
    boolean isMuchForgotten(MergePolicy.Budget budget) {
        return forgottenBytes > 0 && forgottenBytes >= budget.forgottenShareMin() * cost();
    }

    /** Bytes that nobody can read any more as a share of all: what of its space comes back. */
    double forgottenShare() {
        return (double) forgottenBytes / Math.max(1, cost());
    }

    /** What it takes to write it again: it is read with its changes. */
    public long cost() {
        return bytes + changeBytes;
    }
}
