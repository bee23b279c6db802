package io.nyala.tablet;

import io.nyala.compaction.RowSetShape;
import io.nyala.memory.Check;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Limits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;

/**
 * A rowset as the storage log knows it, whatever has become of its file. Immutable (the arrays are not to be changed).
 *
 * @param fileId name of its file
 * @param rowCount rows in it, deleted ones included
 * @param fileBytes size of its file
 * @param minKey no key in it is less
 * @param maxKey no key in it is greater
 * @param appliedUpTo changes of log records up to this sequence to its rows are in its files
 * @param deltas files that correct it, oldest first
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; compared by their bytes.
public record RowSetEntry(
        long fileId,
        long rowCount,
        long fileBytes,
        byte[] minKey,
        byte[] maxKey,
        long appliedUpTo,
        List<DeltaFileEntry> deltas) {
    /**
     * Longer keys are cut, outwards: the rowsets of a flush must fit into one edit, and what a cut adds to the range
     * matters only for a rowset that cannot be read.
     */
    static final int KEY_BYTES_MAX = 1024;

    public RowSetEntry {
        Check.inRange("bytes of a rowset's least key", minKey.length, 0, Limits.KEY_BYTES_MAX);
        Check.inRange("bytes of a rowset's greatest key", maxKey.length, 0, Limits.KEY_BYTES_MAX);
        deltas = List.copyOf(deltas);
    }

    /** The entry of a rowset without deltas that has rows between two keys. */
    static RowSetEntry of(long fileId, long rowCount, long fileBytes, byte[] minKey, byte[] maxKey, long appliedUpTo) {
        byte[] least = minKey.length <= KEY_BYTES_MAX ? minKey : Arrays.copyOf(minKey, KEY_BYTES_MAX);
        return new RowSetEntry(fileId, rowCount, fileBytes, least, cutUpwards(maxKey), appliedUpTo, List.of());
    }

    private static byte[] cutUpwards(byte[] key) {
        if (key.length <= KEY_BYTES_MAX) {
            return key;
        }
        byte[] behind = KeyRange.behind(Arrays.copyOf(key, KEY_BYTES_MAX));
        return behind == null ? key : behind; // Nothing shorter is above a thousand times 255.
    }

    /** The same rows, corrected by these files, which have their changes up to a sequence. */
    public RowSetEntry with(List<DeltaFileEntry> newDeltas, long newAppliedUpTo) {
        return new RowSetEntry(fileId, rowCount, fileBytes, minKey, maxKey, newAppliedUpTo, newDeltas);
    }

    /** As above, by these behind those that it has. */
    public RowSetEntry withDeltas(List<DeltaFileEntry> added, long newAppliedUpTo) {
        List<DeltaFileEntry> newDeltas = new ArrayList<>(deltas);
        newDeltas.addAll(added);
        return with(newDeltas, newAppliedUpTo);
    }

    /** The same rows, corrected by the files {@code added} in the place of others, which lie one behind another. */
    public RowSetEntry withReplaced(List<Long> removed, List<DeltaFileEntry> added) {
        int first = indexOfDeltas(removed);
        Check.that(first >= 0, "delta files " + removed + " are not one behind another in " + this);
        List<DeltaFileEntry> newDeltas = new ArrayList<>(deltas);
        newDeltas.subList(first, first + removed.size()).clear();
        newDeltas.addAll(first, added);
        return with(newDeltas, appliedUpTo);
    }

    /** Where the first of these is among the files that correct it; -1 unless they lie there one behind another. */
    public int indexOfDeltas(List<Long> fileIds) {
        List<Long> all = deltas.stream().map(DeltaFileEntry::fileId).toList();
        return fileIds.isEmpty() ? -1 : Collections.indexOfSubList(all, fileIds);
    }

    /** As a policy sees it, with so many bytes of changes in memory. */
    RowSetShape shape(long changeBytes) {
        List<RowSetShape.DeltaFileShape> files = deltas.stream()
                .map(delta -> new RowSetShape.DeltaFileShape(delta.fileId(), delta.fileBytes()))
                .toList();
        return new RowSetShape(
                fileId, rowCount, fileBytes, deltaBytes() + changeBytes, minKey, maxKey, files, 0, false);
    }

    /** Size of the files that correct it. */
    public long deltaBytes() {
        return deltas.stream().mapToLong(DeltaFileEntry::fileBytes).sum();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RowSetEntry entry
                && fileId == entry.fileId
                && rowCount == entry.rowCount
                && fileBytes == entry.fileBytes
                && Arrays.equals(minKey, entry.minKey)
                && Arrays.equals(maxKey, entry.maxKey);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(fileId);
    }

    @Override
    public String toString() {
        return "rowset " + fileId + " of " + rowCount + " rows, " + fileBytes + " bytes, keys "
                + HexFormat.of().formatHex(minKey) + " to "
                + HexFormat.of().formatHex(maxKey)
                + ", applied up to " + appliedUpTo + ", " + deltas;
    }
}
