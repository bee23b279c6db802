package io.nyala.server;

import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.record.RequestName;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A batch for the rows of one request after the other, and what must be known of them when it is empty again. */
final class WriteSession implements AutoCloseable {
    private static final int KINDS_AT_FIRST = 64;

    private final Table table;
    private final WriteBatch batch;
    private final Schema schema;
    private byte[] kinds = new byte[KINDS_AT_FIRST];
    private int operationCount;
    private int firstRow;
    private long idleSince;

    WriteSession(Table table) {
        this.table = table;
        this.batch = table.newBatch();
        this.schema = batch.rows().layout().schema();
    }

    Table table() {
        return table;
    }

    WriteBatch batch() {
        return batch;
    }

    OperationBatch operations() {
        return batch.rows();
    }

    /** Of the rows that it takes. */
    Schema schema() {
        return schema;
    }

    /** The batch is filled: for which tablet, from which row of its request on, under which name, up to the last. */
    void start(long tabletId, int newFirstRow, @Nullable RequestName name, boolean isLast) {
        firstRow = newFirstRow;
        batch.onlyTablet(tabletId);
        if (name != null) {
            batch.requestPart(name, isLast);
        }
        noteKinds();
    }

    /**
     * Whether the rows in the batch are that tablet's; nothing is done.
     *
     * @throws io.nyala.table.WrongTabletException if one is not
     */
    void check(long tabletId) {
        batch.onlyTablet(tabletId).check();
    }

    private void noteKinds() {
        OperationBatch rows = batch.rows();
        operationCount = rows.operationCount();
        if (kinds.length < operationCount) {
            kinds = new byte[operationCount + operationCount / 2];
        }
        MemorySegment memory = rows.memory();
        long operation = 0;
        for (int i = 0; i < rows.acceptedCount(); i++) {
            kinds[OperationFormat.operationIndex(memory, operation)] =
                    (byte) OperationFormat.kind(memory, operation).code();
            operation += OperationFormat.operationBytes(memory, operation);
        }
        rows.errors().forEach(error -> kinds[error.operationIndex()] = 0);
    }

    int operationCount() {
        return operationCount;
    }

    /** Number of the kind of an operation; 0 if it never came into the batch. */
    int kind(int operation) {
        return kinds[operation];
    }

    /** The row of the request that is the batch's first operation. */
    int firstRow() {
        return firstRow;
    }

    long idleSince() {
        return idleSince;
    }

    void idleSince(long nanoTime) {
        idleSince = nanoTime;
    }

    @Override
    public void close() {
        batch.close();
    }
}
