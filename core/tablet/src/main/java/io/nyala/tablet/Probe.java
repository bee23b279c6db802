package io.nyala.tablet;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.record.TabletRecordFormat;
import io.nyala.rows.Effect;
import io.nyala.rows.OperationFormat;
import java.lang.foreign.MemorySegment;
import java.util.List;

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

    Probe(TabletWrite write) {
        this.write = write;
    }

    /** Notes the home of each operation whose row is live in a rowset of the map. */
    void run(RowSetMap map) {
        write.clearHomes();
        throwIfMissing(map.missing());
        List<LiveRowSet> rowSets = map.onDisk();
        if (rowSets.isEmpty() && !write.isJudged()) {
            return;
        }
        order.sort(write);
        if (write.isJudged()) {
            order.link();
        }
        ensure(order.count());
        homelessCount = order.count();
        for (int i = 0; i < rowSets.size() && homelessCount > 0; i++) {
            find(rowSets.get(i));
        }
    }

    private void throwIfMissing(List<MissingRowSet> missing) {
        if (missing.isEmpty()) {
            return;
        }
        MemorySegment memory = write.operations().memory();
        for (int i = 0; i < write.operationCount(); i++) {
            long operation = write.operationOffset(i);
            long key = OperationFormat.keyOffset(memory, operation);
            int bytes = OperationFormat.keyBytes(memory, operation);
            for (int k = 0; k < missing.size(); k++) {
                if (missing.get(k).mayHave(memory, key, bytes)) {
                    throw missing.get(k).refusal();
                }
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
    private void find(LiveRowSet rowSet) {
        collect(rowSet.base());
        if (count == 0) {
            return;
        }
        rowSet.base().findAll(order.memory(), keys, keyBytes, count, ordinals);
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

    /** The last operation before this one with the same key, or -1; for batches that are judged. */
    int previous(int operation) {
        return order.previous(operation);
    }

    private void collect(DiskRowSet rowSet) {
        count = 0;
        for (int rank = firstWithin(rowSet); rank < order.count(); rank++) {
            int operation = order.operation(rank);
            if (compareRange(rowSet, operation) > 0) {
                return;
            }
            if (write.home(operation) == null) {
                operations[count] = operation;
                keys[count] = order.key(operation);
                keyBytes[count++] = order.keyBytes(operation);
            }
        }
    }

    /** The rank of the first key that is not below all of a rowset. */
    private int firstWithin(DiskRowSet rowSet) {
        int low = 0;
        int high = order.count();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (compareRange(rowSet, order.operation(middle)) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private int compareRange(DiskRowSet rowSet, int operation) {
        return rowSet.compareRange(order.memory(), order.key(operation), order.keyBytes(operation));
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
