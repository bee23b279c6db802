package io.nyala.record;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Makes log records of a tablet by hand, as its writer would. One thread. */
final class TestRecord implements AutoCloseable {
    static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("s", ColumnType.STRING).nullable());

    final RowLayout layout = new RowLayout(SCHEMA);
    final MemorySegment memory;
    final long record;
    private final MemoryAccount account;
    private final Slab slab;
    private final OperationBatch operations;
    private int effectCount;
    private int effectBytes;
    private int errorCount;

    /** Of the request. */
    @Nullable
    RequestName name = new RequestName(77, 78, 5, 3);

    TestRecord(MemoryAccount account) {
        this.account = account;
        this.slab = account.take(64 << 10);
        this.memory = account.budget().memory();
        this.record = slab.offset();
        this.operations = new OperationBatch(layout, account);
    }

    /** Empties the record. */
    void clear() {
        slab.segment().fill((byte) 0);
        effectCount = 0;
        effectBytes = 0;
        errorCount = 0;
    }

    /** Appends an effect of this {@link Effect#kind}. */
    void add(int kind, int key, String text) {
        operations.clear();
        operations.start(kind == Effect.DELETE ? OperationKind.DELETE : OperationKind.UPSERT);
        operations.setInt(0, key);
        if (kind != Effect.DELETE) {
            operations.setString(1, text);
        }
        if (!operations.end()) {
            throw new AssertionError(operations.errors());
        }
        long at = record + TabletRecordFormat.headerBytes(name) + effectBytes;
        MemorySegment source = operations.memory();
        effectBytes += switch (kind) {
            case Effect.INSERT -> Effect.writeInsert(source, 0, memory, at);
            case Effect.REINSERT -> Effect.writeReinsert(source, 0, memory, at);
            case Effect.DELETE -> Effect.writeDelete(source, 0, memory, at);
            default -> Effect.writeUpdate(layout, source, 0, memory, at);
        };
        effectCount++;
    }

    /** Appends an error; after all effects. */
    void error(int operationIndex, int code) {
        long at = record
                + TabletRecordFormat.headerBytes(name)
                + effectBytes
                + (long) errorCount * TabletRecordFormat.ERROR_BYTES;
        TabletRecordFormat.writeError(memory, at, operationIndex, code);
        errorCount++;
    }

    /** Writes the header; answers the bytes of the record. */
    int end(long tabletId, long timestamp) {
        TabletRecordFormat.writeHeader(
                memory,
                record,
                new TabletRecordFormat.Header(
                        tabletId, timestamp, name, SCHEMA.version(), effectCount, effectBytes, errorCount));
        return TabletRecordFormat.headerBytes(name) + effectBytes + errorCount * TabletRecordFormat.ERROR_BYTES;
    }

    @Override
    public void close() {
        operations.close();
        account.giveBack(slab);
    }
}
