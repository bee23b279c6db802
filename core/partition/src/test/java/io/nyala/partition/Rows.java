package io.nyala.partition;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Rows in native memory, each with its encoded key, as a writer has them. Belongs to one test. */
final class Rows implements AutoCloseable {
    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 12 << 20);
    private final MemoryAccount account = budget.account("test", 0);
    private final OperationBatch batch;

    Rows(Schema schema) {
        batch = new OperationBatch(new RowLayout(schema), account);
    }

    /** Adds a row that has these values in its first columns; answers where its operation is. */
    long add(Object... values) {
        long operation = batch.bytes();
        batch.start(OperationKind.UPSERT);
        for (int i = 0; i < values.length; i++) {
            batch.set(i, values[i]);
        }
        if (!batch.end()) {
            throw new AssertionError(batch.errors().getLast());
        }
        return operation;
    }

    /** Until the next row is added. */
    MemorySegment memory() {
        return batch.memory();
    }

    long row(long operation) {
        return OperationFormat.rowOffset(memory(), operation);
    }

    long key(long operation) {
        return OperationFormat.keyOffset(memory(), operation);
    }

    int keyBytes(long operation) {
        return OperationFormat.keyBytes(memory(), operation);
    }

    byte[] keyOf(long operation) {
        return memory().asSlice(key(operation), keyBytes(operation)).toArray(ValueLayout.JAVA_BYTE);
    }

    @Override
    public void close() {
        batch.close();
        account.close();
        budget.close();
    }
}
