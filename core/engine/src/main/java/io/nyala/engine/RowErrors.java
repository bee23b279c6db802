package io.nyala.engine;

import io.nyala.partition.PartitionMap;
import io.nyala.rows.Column;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.RowLayout;
import io.nyala.table.BatchParts;
import io.nyala.tablet.TabletWrite;
import java.lang.foreign.MemorySegment;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The errors of a batch, in the order of their operations. Words are made of codes, and of the keys of rows, when they
 * are first asked for: so not by the writer, which answers. Until then the batch must keep its rows; {@link #settle}
 * makes it independent of them.
 *
 * <p>Thread-safe once it was handed over: who asks and who settles may be two threads.
 */
final class RowErrors extends AbstractList<RowError> {
    private final int count;

    // Guarded by this.
    private @Nullable OperationBatch rows;
    private @Nullable BatchParts parts;
    private List<RowError> errors = List.of();

    /** What the batch itself refused, what no tablet is for, and what the tablets refused. */
    RowErrors(OperationBatch rows, BatchParts parts) {
        this.rows = rows;
        this.parts = parts;
        this.count = parts.errorCount();
    }

    /** Takes from the batch what the errors say. */
    void settle() {
        settled();
    }

    @Override
    public RowError get(int index) {
        return settled().get(index);
    }

    @Override
    public int size() {
        return count;
    }

    private synchronized List<RowError> settled() {
        OperationBatch batch = rows;
        BatchParts answered = parts;
        if (batch != null && answered != null) {
            TabletWrite repeated = answered.repeatedPart();
            List<RowError> made = repeated == null ? made(batch, answered) : repeated(batch, repeated);
            made.sort(Comparator.comparingInt(RowError::operationIndex));
            errors = made;
            rows = null;
            parts = null;
        }
        return errors;
    }

    private static List<RowError> made(OperationBatch batch, BatchParts answered) {
        List<RowError> made = new ArrayList<>(batch.errors());
        for (int i = 0; i < answered.strayCount(); i++) {
            made.add(ofStray(batch, answered.map(), answered.strayOffset(i)));
        }
        for (int i = 0; i < answered.partCount(); i++) {
            TabletWrite write = answered.part(i).write();
            int errorCount = answered.part(i).failure() == null ? write.errorCount() : 0;
            for (int k = 0; k < errorCount; k++) {
                made.add(of(batch, write.errorIndex(k), write.errorOffset(k), write.errorCode(k)));
            }
        }
        return made;
    }

    /** Those that were recorded; with words about their rows where these are in the batch, too. */
    private static List<RowError> repeated(OperationBatch batch, TabletWrite write) {
        Map<Integer, RowError> now = new HashMap<>();
        batch.errors().forEach(error -> now.put(error.operationIndex(), error));
        List<RowError> made = new ArrayList<>();
        for (int k = 0; k < write.errorCount(); k++) {
            int operation = write.errorIndex(k);
            RowError again = now.get(operation);
            if (write.errorOffset(k) >= 0) {
                made.add(of(batch, operation, write.errorOffset(k), write.errorCode(k)));
            } else if (again != null && again.code() == write.errorCode(k)) {
                made.add(again);
            } else {
                made.add(new RowError(
                        operation,
                        write.errorCode(k),
                        "was refused when the request came first: " + write.errorCode(k)));
            }
        }
        return made;
    }

    /** In Kudu's words. */
    private static RowError ofStray(OperationBatch batch, PartitionMap map, long operation) {
        MemorySegment memory = batch.memory();
        String row = map.describeRowAsKudu(memory, OperationFormat.rowOffset(memory, operation));
        return new RowError(
                OperationFormat.operationIndex(memory, operation),
                RowErrorCode.NO_RANGE,
                PartitionMap.NOT_FOUND_MESSAGE + ": " + row);
    }

    private static RowError of(OperationBatch batch, int operationIndex, long operation, RowErrorCode code) {
        MemorySegment memory = batch.memory();
        assert OperationFormat.operationIndex(memory, operation) == operationIndex : "operation " + operationIndex;
        String key = batch.layout().describeKey(memory, OperationFormat.rowOffset(memory, operation));
        String message =
                switch (code) {
                    case ALREADY_PRESENT -> "row " + key + " is already present";
                    case NOT_FOUND -> "row " + key + " is not found";
                    case CONDITION_NOT_MET -> "row " + key + " does not meet " + conditions(batch, operation);
                    case ROLLED_BACK ->
                        "row " + key + " is as it was, because another operation of the atomic batch failed";
                    case IMMUTABLE -> "UPDATE not allowed for immutable column" + immutable(batch, operation);
                    default -> "row " + key + ": " + code;
                };
        return new RowError(operationIndex, code, message);
    }

    /** The first that the operation sets, in Kudu's words; nothing where the batch is older than the attribute. */
    private static String immutable(OperationBatch batch, long operation) {
        RowLayout layout = batch.layout();
        for (int i = 0; i < layout.columnCount(); i++) {
            if (layout.isImmutable(i) && OperationFormat.isSet(batch.memory(), operation, i)) {
                Column column = layout.schema().column(i);
                return ": " + column.name() + " " + column.describeType();
            }
        }
        return "";
    }

    /** What the row must have; it is not known, of several, which it lacks. */
    private static String conditions(OperationBatch batch, long operation) {
        MemorySegment memory = batch.memory();
        if (!OperationFormat.hasConditions(memory, operation)) {
            return "a condition that the operation had when it was first made";
        }
        long conditions = OperationFormat.conditionsOffset(memory, operation);
        return (RowChange.cellCount(memory, conditions) == 1 ? "the condition " : "all of the conditions ")
                + RowChange.describeCells(batch.layout(), memory, conditions);
    }
}
