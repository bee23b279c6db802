package io.nyala.rows;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Collects the conditions of one operation: each is converted as a value of its column is, in a row of its own, and
 * kept as a cell. {@link #appendTo} puts them behind the operation, when that has ended.
 *
 * <p>Belongs to its batch, which closes it. Takes no memory before the first condition.
 */
final class ConditionBuilder implements AutoCloseable {
    private static final int ROW = 0;

    private final RowLayout layout;
    private final GrowingBuffer rowBuffer;
    private final RowBuilder row;
    private final GrowingBuffer cells;
    private final long packedRow;
    private int count;
    private long bytes;

    ConditionBuilder(RowLayout layout, MemoryAccount account) {
        this.layout = layout;
        this.rowBuffer = new GrowingBuffer(account);
        this.row = new RowBuilder(layout, rowBuffer);
        this.cells = new GrowingBuffer(account);
        this.packedRow = ROW + (long) OperationFormat.HEADER_BYTES + layout.bitmapBytes();
    }

    /** Before the conditions of another operation. */
    void clear() {
        count = 0;
        bytes = 0;
    }

    int count() {
        return count;
    }

    /** Where the value of the next condition is to be set; then {@link #add}. */
    RowBuilder start() {
        row.start(ROW, OperationKind.UPDATE, 0);
        return row;
    }

    /** Why the value that was set cannot be one of its column; null if it can. */
    @Nullable
    RowErrorCode errorCode() {
        return row.errorCode();
    }

    String errorMessage() {
        return row.errorMessage();
    }

    /** Takes the value that was set as the condition on a column. */
    void add(int column) {
        MemorySegment memory = rowBuffer.memory();
        int valueBytes = layout.isNull(memory, packedRow, column) ? 0 : layout.valueBytes(memory, packedRow, column);
        cells.ensure(bytes, bytes + RowChange.CELL_HEADER_BYTES + valueBytes);
        bytes = RowChange.writeCell(layout, memory, packedRow, column, cells.memory(), bytes);
        count++;
    }

    /** Appends the conditions to an operation of so many bytes, the last one in its batch; answers its bytes then. */
    int appendTo(GrowingBuffer batch, long operation, int operationBytes) {
        if (count == 0) {
            return operationBytes;
        }
        long end = operation + operationBytes + RowChange.HEADER_BYTES + bytes;
        long aligned = (end + OperationFormat.ALIGNMENT - 1) & -OperationFormat.ALIGNMENT;
        OperationBatch.checkFits(aligned);
        batch.ensure(operation + operationBytes, aligned);
        MemorySegment memory = batch.memory();
        long first = RowChange.startUpdate(memory, operation + operationBytes, count);
        MemorySegment.copy(cells.memory(), 0, memory, first, bytes);
        Zeros.fill(memory, end, aligned - end);
        OperationFormat.setConditions(memory, operation, (int) (aligned - operation));
        return (int) (aligned - operation);
    }

    @Override
    public void close() {
        clear();
        rowBuffer.close();
        cells.close();
    }
}
