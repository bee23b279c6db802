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
 */
final class Probe {
    private Probe() {}

    static void run(TabletWrite write, List<DiskRowSet> rowSets) {
        OperationBatch operations = write.operations();
        write.clearOnDisk(operations.acceptedCount());
        if (rowSets.isEmpty()) {
            return;
        }
        MemorySegment memory = operations.memory();
        long operation = 0;
        for (int i = 0; i < operations.acceptedCount(); i++) {
            long key = OperationFormat.keyOffset(memory, operation);
            int keyBytes = OperationFormat.keyBytes(memory, operation);
            if (isLiveInAny(rowSets, memory, key, keyBytes)) {
                write.setOnDisk(i);
            }
            operation += OperationFormat.operationBytes(memory, operation);
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
