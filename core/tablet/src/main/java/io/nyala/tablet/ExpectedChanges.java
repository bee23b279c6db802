package io.nyala.tablet;

/** Upper bounds of what a batch may do to one {@link RowHome}. Belongs to the writer. */
final class ExpectedChanges {
    private long bytes;
    private long count;
    private long largest;

    /** One more change; answers whether it is the first. */
    boolean add(int effectBytesMax) {
        bytes += effectBytesMax;
        largest = Math.max(largest, effectBytesMax);
        return count++ == 0;
    }

    /** Of all effects. */
    long bytes() {
        return bytes;
    }

    long count() {
        return count;
    }

    /** Bytes of the largest effect. */
    long largest() {
        return largest;
    }

    void clear() {
        bytes = 0;
        count = 0;
        largest = 0;
    }
}
