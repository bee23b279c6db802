package io.nyala.tablet;

import io.nyala.record.TabletRecordFormat;
import io.nyala.rows.Effect;
import io.nyala.rows.KeyIntervals;
import io.nyala.rows.OperationFormat;
import java.lang.foreign.MemorySegment;

/**
 * Finds out, before a batch reaches the writer, where its keys are live in rowsets on disk: by key range, filter and
 * key index, reading pages where they are not cached, those of one rowset together. Runs on the caller's thread, so
 * that the writer never waits for a device. For conditions it asks what the files say of the rows that it has found.
 *
 * <p>A key that may be in a rowset that cannot be read fails the batch: it could be there already.
 *
 * <p>Belongs to its batch, and is used again with it; allocates nothing once its arrays are large enough.
 */
final class Probe {
    private final TabletWrite write;
    private final KeyOrder order = new KeyOrder();
    private int homelessCount;

    // What is looked up in one rowset, in the order of keys.
    private int[] operations = {};
    private long[] keys = {};
    private int[] keyBytes = {};
    private long[] ordinals = {};
    private int count;

    // What it took; of the caller.
    private long filtersAsked;
    private long keysLookedUp;

    Probe(TabletWrite write) {
        this.write = write;
    }

    /** Notes the home of each operation whose row is live in a rowset of the map. */
    void run(RowSetMap map) {
        write.clearHomes();
        filtersAsked = 0;
        keysLookedUp = 0;
        throwIfMissing(map.unreadable());
        KeyIntervals<LiveRowSet> rowSets = map.rowSets();
        if (rowSets.count() == 0 && !write.isJudged()) {
            return;
        }
        order.sort(write);
        if (write.isJudged()) {
            order.link();
        }
        ensure(order.count());
        homelessCount = order.count();
        look(rowSets);
    }

    /**
     * Goes along rowsets and keys, both in their order: a rowset is passed over together with all that end below the
     * same key.
     */
    private void look(KeyIntervals<LiveRowSet> rowSets) {
        int rank = 0; // Of the first key that is not below the rowset.
        int rowSet = 0;
        while (rowSet < rowSets.count() && homelessCount > 0) {
            rank = firstWithin(rowSets, rowSet, rank);
            if (rank == order.count()) {
                return; // All that follow begin above all keys, too.
            }
            if (isBelow(rowSets, rowSet, rank)) {
                int operation = order.operation(rank);
                long key = order.key(operation);
                int bytes = order.keyBytes(operation);
                int end = rowSets.end(order.memory(), key, bytes);
                rowSet = rowSets.next(rowSet + 1, end, rowSets.rank(order.memory(), key, bytes));
            } else {
                find(rowSets, rowSet, rank);
                rowSet++;
            }
        }
    }

    private void throwIfMissing(KeyIntervals<MissingRowSet> missing) {
        if (missing.count() == 0) {
            return;
        }
        MemorySegment memory = write.operations().memory();
        for (int i = 0; i < write.operationCount(); i++) {
            long operation = write.operationOffset(i);
            long key = OperationFormat.keyOffset(memory, operation);
            int bytes = OperationFormat.keyBytes(memory, operation);
            int end = missing.end(memory, key, bytes);
            int first = missing.next(0, end, missing.rank(memory, key, bytes));
            if (first < end) {
                throw missing.value(first).refusal();
            }
        }
    }

    private void ensure(int capacity) {
        if (capacity > operations.length) {
            int larger = Math.max(capacity, 2 * operations.length);
            operations = new int[larger];
            keys = new long[larger];
            keyBytes = new int[larger];
            ordinals = new long[larger];
        }
    }

    /** A key is live in one place at most, so those that have a home are not looked for. */
    private void find(KeyIntervals<LiveRowSet> rowSets, int position, int firstRank) {
        collect(rowSets, position, firstRank);
        if (count == 0) {
            return;
        }
        LiveRowSet rowSet = rowSets.value(position);
        filtersAsked += count;
        keysLookedUp += rowSet.base().findAll(order.memory(), keys, keyBytes, count, ordinals);
        for (int i = 0; i < count; i++) {
            if (ordinals[i] >= 0 && rowSet.isLive(ordinals[i])) {
                write.home(operations[i], rowSet, ordinals[i]);
                homelessCount--;
            }
        }
        if (write.conditions.count() > 0) {
            write.conditions.askFiles(write, rowSet, operations, ordinals, count);
        }
    }

    /** Filters of rowsets in whose range keys were, the last time it ran: one for each key and rowset. */
    long filtersAsked() {
        return filtersAsked;
    }

    /** Keys looked for in the key columns of rowsets whose filters let them through, the last time it ran. */
    long keysLookedUp() {
        return keysLookedUp;
    }

    /** The last operation before this one with the same key, or -1; for batches that are judged. */
    int previous(int operation) {
        return order.previous(operation);
    }

    private void collect(KeyIntervals<LiveRowSet> rowSets, int position, int firstRank) {
        count = 0;
        for (int rank = firstRank; rank < order.count() && !isBelow(rowSets, position, rank); rank++) {
            int operation = order.operation(rank);
            if (write.home(operation) == null) {
                operations[count] = operation;
                keys[count] = order.key(operation);
                keyBytes[count++] = order.keyBytes(operation);
            }
        }
    }

    /**
     * The rank of the first key that a rowset does not begin above, of a given one and those behind. It is looked for
     * in steps that grow, since it is near where rowsets lie close, and so are keys where they do not.
     */
    private int firstWithin(KeyIntervals<LiveRowSet> rowSets, int position, int from) {
        int low = from;
        int step = 1;
        while (low + step <= order.count() && isAbove(rowSets, position, low + step - 1)) {
            low += step;
            step *= 2;
        }
        int high = Math.min(order.count(), low + step - 1);
        while (low < high) {
            int middle = (low + high) >>> 1;
            boolean isAbove = isAbove(rowSets, position, middle);
            low = isAbove ? middle + 1 : low;
            high = isAbove ? high : middle;
        }
        return low;
    }

    /** Whether all keys of a rowset are above that one. */
    private boolean isAbove(KeyIntervals<LiveRowSet> rowSets, int position, int rank) {
        int operation = order.operation(rank);
        return rowSets.isAbove(position, order.memory(), order.key(operation), order.keyBytes(operation));
    }

    private boolean isBelow(KeyIntervals<LiveRowSet> rowSets, int position, int rank) {
        int operation = order.operation(rank);
        return rowSets.isBelow(position, order.memory(), order.key(operation), order.keyBytes(operation));
    }

    /**
     * How large the batch's log record and its largest effect can become, and which conditions it has: on the caller's
     * thread, since it walks.
     */
    static void measure(TabletWrite write, int columnCount) {
        MemorySegment memory = write.operations().memory();
        long bytes = TabletRecordFormat.headerBytes(write.name);
        if (write.name != null) {
            bytes += (long) write.answerEntriesMax() * TabletRecordFormat.ERROR_BYTES;
        }
        long largest = 0;
        boolean hasConditions = false;
        for (int i = 0; i < write.operationCount(); i++) {
            hasConditions |= OperationFormat.hasConditions(memory, write.operationOffset(i));
            int effectBytes = effectBytesMax(memory, write.operationOffset(i), columnCount);
            bytes += effectBytes;
            largest = Math.max(largest, effectBytes);
        }
        write.recordBytesMax = bytes;
        write.effectBytesMax = largest;
        if (hasConditions) {
            write.conditions.collect(write);
        } else {
            write.conditions.clear();
        }
    }

    /**
     * A row that can only be inserted or deleted leaves less than its operation takes; an update names each of its
     * cells.
     */
    private static int effectBytesMax(MemorySegment memory, long operation, int columnCount) {
        return switch (OperationFormat.kind(memory, operation)) {
            case INSERT, INSERT_IGNORE, DELETE, DELETE_IGNORE -> OperationFormat.operationBytes(memory, operation);
            case UPSERT, UPSERT_IGNORE, UPDATE, UPDATE_IGNORE -> Effect.bytesMax(memory, operation, columnCount);
        };
    }
}
