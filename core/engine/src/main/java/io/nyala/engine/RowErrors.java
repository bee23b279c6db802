package io.nyala.engine;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.RowLayout;
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
        RowLayout layout = batch.layout();
        for (long operation = 0; operation < batch.bytes(); ) {
            if (OperationFormat.operationIndex(memory, operation) == operationIndex) {
                return key(layout, memory, OperationFormat.rowOffset(memory, operation));
            }
            operation += OperationFormat.operationBytes(memory, operation);
        }
        throw new IllegalArgumentException("the batch has no operation " + operationIndex);
    }

    private static String key(RowLayout layout, MemorySegment memory, long row) {
        var text = new StringBuilder("(");
        for (int i = 0; i < layout.schema().keyColumnCount(); i++) {
            text.append(i == 0 ? "" : ", ")
                    .append(layout.schema().column(i).name())
                    .append('=')
                    .append(layout.value(memory, row, i)
                            .toObject(layout.schema().column(i)));
        }
        return text.append(')').toString();
    }
}
