package io.nyala.tablet;

import io.nyala.memory.Check;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Limits;
import java.util.Arrays;

/**
 * A rowset as the storage log knows it, whatever has become of its file. Immutable (the arrays are not to be changed).
 *
 * @param fileId name of its file
 * @param rowCount rows in it, deleted ones included
 * @param fileBytes size of its file
 * @param minKey no key in it is less
 * @param maxKey no key in it is greater
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; compared by their bytes.
public record RowSetEntry(long fileId, long rowCount, long fileBytes, byte[] minKey, byte[] maxKey) {
    /**
     * Longer keys are cut, outwards: the rowsets of a flush must fit into one edit, and what a cut adds to the range
     * matters only for a rowset that cannot be read.
     */
    static final int KEY_BYTES_MAX = 1024;

    public RowSetEntry {
        Check.inRange("bytes of a rowset's least key", minKey.length, 0, Limits.KEY_BYTES_MAX);
        Check.inRange("bytes of a rowset's greatest key", maxKey.length, 0, Limits.KEY_BYTES_MAX);
    }

    /** The entry of a rowset that has rows between two keys. */
    static RowSetEntry of(long fileId, long rowCount, long fileBytes, byte[] minKey, byte[] maxKey) {
        byte[] least = minKey.length <= KEY_BYTES_MAX ? minKey : Arrays.copyOf(minKey, KEY_BYTES_MAX);
        return new RowSetEntry(fileId, rowCount, fileBytes, least, cutUpwards(maxKey));
    }

    private static byte[] cutUpwards(byte[] key) {
        if (key.length <= KEY_BYTES_MAX) {
            return key;
        }
        byte[] behind = KeyRange.behind(Arrays.copyOf(key, KEY_BYTES_MAX));
        return behind == null ? key : behind; // Nothing shorter is above a thousand times 255.
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
}
