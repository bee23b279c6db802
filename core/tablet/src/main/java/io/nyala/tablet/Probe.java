package io.nyala.tablet;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.RowSet;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Finds out, before a batch reaches the writer, which of its keys are live in rowsets on disk: by key range, filter and
 * key index, reading pages where they are not cached. Runs on the caller's thread, so that the writer never waits for a
 * device.
 *
 * <p>A key that may be in a rowset that cannot be read fails the batch: it could be there already.
 */
final class Probe {
    private Probe() {}

    static void run(TabletWrite write, RowSetMap map) {
        OperationBatch operations = write.operations();
        write.clearOnDisk(operations.acceptedCount());
        List<DiskRowSet> rowSets = map.onDisk();
        List<MissingRowSet> missing = map.missing();
        if (rowSets.isEmpty() && missing.isEmpty()) {
            return;
        }
        MemorySegment memory = operations.memory();
        long operation = 0;
        for (int i = 0; i < operations.acceptedCount(); i++) {
            long key = OperationFormat.keyOffset(memory, operation);
            int keyBytes = OperationFormat.keyBytes(memory, operation);
            throwIfMissing(missing, memory, key, keyBytes);
            if (isLiveInAny(rowSets, memory, key, keyBytes)) {
                write.setOnDisk(i);
            }
            operation += OperationFormat.operationBytes(memory, operation);
        }
    }

    private static void throwIfMissing(List<MissingRowSet> missing, MemorySegment memory, long key, int keyBytes) {
        for (int i = 0; i < missing.size(); i++) {
            if (missing.get(i).mayHave(memory, key, keyBytes)) {
                throw missing.get(i).refusal();
            }
        }
    }

    private static boolean isLiveInAny(List<DiskRowSet> rowSets, MemorySegment memory, long key, int keyBytes) {
        for (int i = 0; i < rowSets.size(); i++) {
            if (rowSets.get(i).lookup(memory, key, keyBytes) == RowSet.LIVE) {
                return true;
            }
        }
        return false;
    }
}
