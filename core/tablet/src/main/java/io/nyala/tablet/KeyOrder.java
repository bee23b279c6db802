package io.nyala.tablet;

import io.nyala.rows.KeyCodec;
import io.nyala.rows.OperationFormat;
import java.lang.foreign.MemorySegment;

/**
 * The operations of a batch in the order of their keys; those of one key in the order of the batch.
 *
 * <p>Reused from batch to batch; allocates nothing once its arrays are large enough. One thread at a time.
 */
final class KeyOrder {
    static final int NONE = -1;

    /** Short runs are sorted by insertion, which is faster there. */
    private static final int INSERTION_MAX = 8;

    private MemorySegment memory = MemorySegment.NULL;

    // By operation.
    private long[] keys = {};
    private int[] keyBytes = {};
    private long[] prefixes = {};

    private int[] previous = {};

    // By rank.
    private int[] order = {};
    private int[] scratch = {};
    private int count;
    private boolean isAscending;

    /** Orders all operations of a batch. */
    void sort(TabletWrite write) {
        begin(write.operations().memory(), write.operationCount());
        for (int i = 0; i < write.operationCount(); i++) {
            add(write.operationOffset(i));
        }
        sort();
    }

    /** Forgets what it has; {@code operationCount} operations in {@code newMemory} are added then, and sorted. */
    void begin(MemorySegment newMemory, int operationCount) {
        memory = newMemory;
        count = 0;
        isAscending = true;
        ensure(operationCount);
    }

    /** Adds an operation behind those that were added before. */
    void add(long operation) {
        int i = count++;
        keys[i] = OperationFormat.keyOffset(memory, operation);
        keyBytes[i] = OperationFormat.keyBytes(memory, operation);
        prefixes[i] = KeyCodec.prefix(memory, keys[i], keyBytes[i]) ^ Long.MIN_VALUE; // Signed numbers order so.
        order[i] = i;
        isAscending = isAscending && (i == 0 || !isAfter(i - 1, i));
    }

    /** Orders what was added. Keys that ascend already are left as they are. */
    void sort() {
        if (!isAscending) {
            sort(0, count);
        }
    }

    private void ensure(int capacity) {
        if (capacity > order.length) {
            int larger = Math.max(capacity, 2 * order.length);
            keys = new long[larger];
            keyBytes = new int[larger];
            prefixes = new long[larger];
            order = new int[larger];
            scratch = new int[larger];
        }
    }

    /** Merge sort, because it keeps the order of equal keys. */
    private void sort(int from, int to) {
        if (to - from <= INSERTION_MAX) {
            insert(from, to);
            return;
        }
        int middle = (from + to) >>> 1;
        sort(from, middle);
        sort(middle, to);
        if (isAfter(order[middle - 1], order[middle])) {
            merge(from, middle, to);
        }
    }

    private void insert(int from, int to) {
        for (int i = from + 1; i < to; i++) {
            int operation = order[i];
            int at = i;
            for (; at > from && isAfter(order[at - 1], operation); at--) {
                order[at] = order[at - 1];
            }
            order[at] = operation;
        }
    }

    private void merge(int from, int middle, int to) {
        System.arraycopy(order, from, scratch, from, middle - from);
        int left = from;
        int right = middle;
        for (int at = from; left < middle; at++) {
            boolean isRight = right < to && isAfter(scratch[left], order[right]);
            order[at] = isRight ? order[right++] : scratch[left++];
        }
    }

    private boolean isAfter(int left, int right) {
        return prefixes[left] == prefixes[right]
                ? KeyCodec.compare(memory, keys[left], keyBytes[left], memory, keys[right], keyBytes[right]) > 0
                : prefixes[left] > prefixes[right];
    }

    /** Finds out, in what was sorted, which operations have the same key as one before. */
    void link() {
        if (previous.length < count) {
            previous = new int[order.length];
        }
        for (int rank = 0; rank < count; rank++) {
            boolean isTwin = rank > 0 && !isAfter(order[rank], order[rank - 1]); // It is not before it, either.
            previous[order[rank]] = isTwin ? order[rank - 1] : NONE;
        }
    }

    /** The last operation before this one with the same key, after {@link #link}; {@link #NONE} if there is none. */
    int previous(int operation) {
        assert operation >= 0 && operation < count : operation + " of " + count;
        return previous[operation];
    }

    /** The operation, by its index in the batch, whose key is at this place of the order. */
    int operation(int rank) {
        assert rank >= 0 && rank < count : rank + " of " + count;
        return order[rank];
    }

    /** Where an operation's key begins. */
    long key(int operation) {
        return keys[operation];
    }

    int keyBytes(int operation) {
        return keyBytes[operation];
    }

    /** What the keys lie in. */
    MemorySegment memory() {
        return memory;
    }

    int count() {
        return count;
    }
}
