package io.nyala.tablet;

import io.nyala.record.TabletRecordFormat;
import io.nyala.rows.Effect;
import io.nyala.rows.OperationFormat;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Finds out, before a batch reaches the writer, where its keys are live in rowsets on disk: by key range, filter and
 * key index, reading pages where they are not cached. Runs on the caller's thread, so that the writer never waits for a
 * device.
 *
 * <p>A key that may be in a rowset that cannot be read fails the batch: it could be there already.
 */
final class Probe {
    private Probe() {}

    static void run(TabletWrite write, RowSetMap map) {
        write.clearHomes();
        List<LiveRowSet> rowSets = map.onDisk();
        List<MissingRowSet> missing = map.missing();
        if (rowSets.isEmpty() && missing.isEmpty()) {
            return;
        }
        MemorySegment memory = write.operations().memory();
        for (int i = 0; i < write.operationCount(); i++) {
            long operation = write.operationOffset(i);
            long key = OperationFormat.keyOffset(memory, operation);
            int keyBytes = OperationFormat.keyBytes(memory, operation);
            throwIfMissing(missing, memory, key, keyBytes);
            find(write, i, rowSets, key, keyBytes);
        }
    }

    private static void throwIfMissing(List<MissingRowSet> missing, MemorySegment memory, long key, int keyBytes) {
        for (int i = 0; i < missing.size(); i++) {
            if (missing.get(i).mayHave(memory, key, keyBytes)) {
                throw missing.get(i).refusal();
            }
        }
    }

    /** How large the batch's log record and its largest effect can become: on the caller's thread, since it walks. */
    static void measure(TabletWrite write, int columnCount) {
        MemorySegment memory = write.operations().memory();
        long bytes = TabletRecordFormat.HEADER_BYTES + (long) write.operationCount() * TabletRecordFormat.ERROR_BYTES;
        long largest = 0;
        for (int i = 0; i < write.operationCount(); i++) {
            int effectBytes = effectBytesMax(memory, write.operationOffset(i), columnCount);
            bytes += effectBytes;
            largest = Math.max(largest, effectBytes);
        }
        write.recordBytesMax = bytes;
        write.effectBytesMax = largest;
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

    private static void find(TabletWrite write, int index, List<LiveRowSet> rowSets, long key, int keyBytes) {
        MemorySegment memory = write.operations().memory();
        for (int i = 0; i < rowSets.size(); i++) {
            LiveRowSet rowSet = rowSets.get(i);
            long ordinal = rowSet.find(memory, key, keyBytes);
            if (ordinal >= 0) {
                write.home(index, rowSet, ordinal); // A key is live in one place at most.
                return;
            }
        }
    }
}
