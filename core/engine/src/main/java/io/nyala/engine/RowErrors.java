package io.nyala.engine;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import java.lang.foreign.MemorySegment;

/** Says in words what a tablet answered in codes. Control plane: only errors come here. */
final class RowErrors {
    private RowErrors() {}

    /** The refusal of one operation of a batch that still has its rows. */
    static RowError of(OperationBatch batch, int operationIndex, RowErrorCode code) {
        String key = key(batch, operationIndex);
        String message =
                switch (code) {
                    case ALREADY_PRESENT -> "row " + key + " is already present";
                    case NOT_FOUND -> "row " + key + " is not found";
                    case ROW_FLUSHED ->
                        "row " + key + " is in a rowset on disk, and rows there cannot be changed by this version yet";
                    default -> "row " + key + ": " + code;
                };
        return new RowError(operationIndex, code, message);
    }

    private static String key(OperationBatch batch, int operationIndex) {
        MemorySegment memory = batch.memory();
        for (long operation = 0; operation < batch.bytes(); ) {
            if (OperationFormat.operationIndex(memory, operation) == operationIndex) {
                return batch.layout().describeKey(memory, OperationFormat.rowOffset(memory, operation));
            }
            operation += OperationFormat.operationBytes(memory, operation);
        }
        throw new IllegalArgumentException("the batch has no operation " + operationIndex);
    }
}
