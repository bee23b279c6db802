package io.nyala.encoding;

import org.jspecify.annotations.Nullable;

/**
 * What {@link ByteStrings} needs to know of a list of strings before it writes them: which, how many bytes together,
 * how long the shortest.
 *
 * <p>A reusable part of {@link EncoderScratch}, for one thread.
 */
final class StringShape {
    private FlatBinary source = new FlatBinary();
    private int @Nullable [] rows;
    private int @Nullable [] lengths;
    private int count;
    private long dataBytes;
    private int stride;

    /** Takes the shape of all {@code count} strings. */
    void ofAll(FlatBinary source, int count) {
        measure(source, null, null, count);
    }

    /** Takes the shape of the strings at {@code rows[0, count)}. */
    void ofRows(FlatBinary source, int[] rows, int count) {
        measure(source, rows, null, count);
    }

    /** Takes the shape of {@code count} strings of these lengths, which stay as they are. */
    void ofLengths(int[] lengths, int count) {
        measure(source, null, lengths, count);
    }

    private void measure(FlatBinary source, int @Nullable [] rows, int @Nullable [] lengths, int count) {
        this.source = source;
        this.lengths = lengths;
        this.rows = rows;
        this.count = count;
        long sum = 0;
        int least = Integer.MAX_VALUE;
        for (int i = 0; i < count; i++) {
            int bytes = bytes(i);
            least = Math.min(least, bytes);
            sum += bytes;
        }
        dataBytes = sum;
        stride = count == 0 ? 0 : least;
    }

    int count() {
        return count;
    }

    /** Whether these are all strings, which then lie back to back. */
    boolean isWhole() {
        return rows == null;
    }

    int row(int index) {
        return rows == null ? index : rows[index];
    }

    /** Bytes of one of the strings. */
    int bytes(int index) {
        return lengths == null ? source.bytes(row(index)) : lengths[index];
    }

    long dataBytes() {
        return dataBytes;
    }

    /** Length of the shortest. */
    int stride() {
        return stride;
    }

    /** Bits of a packed end: the last is the farthest from its multiple of the stride. */
    int width() {
        return PackedInts.width(dataBytes - (long) count * stride);
    }

    /** What the list takes as {@link ByteStrings}. */
    long encodedBytes() {
        return ByteStrings.bytes(count, width(), dataBytes);
    }
}
