package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.protocol.Common.ExternalConsistencyMode;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.wire.WireException.Fault;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Where the parts of a WriteRequestPB lie, found by hand: the generated class would copy all rows to the heap.
 *
 * <pre>{@code
 *   1 tablet_id  2 schema  3 row_operations { 2 rows  3 indirect_data }  4 external_consistency_mode
 *   5 propagated_timestamp (fixed64)  7 txn_id  and others, which mean nothing here
 * }</pre>
 *
 * <p>A view of the memory of the request, good while that is. A field that comes twice counts as it came last; no
 * client sends one so. To be used again and again; one thread.
 */
public final class WriteRequestReader {
    /** Longer than any id of a tablet. */
    private static final int TABLET_ID_BYTES_MAX = 256;

    private final ProtoFields fields = new ProtoFields("WriteRequestPB");
    private final ProtoFields rowFields = new ProtoFields("RowOperationsPB");
    private MemorySegment memory = MemorySegment.NULL;
    private long tabletIdOffset;
    private long tabletIdBytes;
    private long schemaOffset;
    private long schemaBytes;
    private long rowsOffset;
    private long rowsBytes;
    private long indirectOffset;
    private long indirectBytes;
    private long propagatedTimestamp;
    private long consistencyMode;
    private boolean hasTransaction;

    /** Finds the parts of the request that lies here. */
    public void read(MemorySegment newMemory, long offset, long bytes) {
        clear(newMemory);
        fields.start(newMemory, offset, bytes);
        boolean hasTabletId = false;
        while (fields.next()) {
            if (fields.is(WriteRequestPB.TABLET_ID_FIELD_NUMBER, ProtoFields.BYTES)) {
                tabletIdOffset = fields.valueOffset();
                tabletIdBytes = fields.valueBytes();
                hasTabletId = true;
            } else if (fields.is(WriteRequestPB.SCHEMA_FIELD_NUMBER, ProtoFields.BYTES)) {
                schemaOffset = fields.valueOffset();
                schemaBytes = fields.valueBytes();
            } else if (fields.is(WriteRequestPB.ROW_OPERATIONS_FIELD_NUMBER, ProtoFields.BYTES)) {
                readRows();
            } else if (fields.is(WriteRequestPB.EXTERNAL_CONSISTENCY_MODE_FIELD_NUMBER, ProtoFields.VARINT)) {
                consistencyMode = fields.value();
            } else if (fields.is(WriteRequestPB.PROPAGATED_TIMESTAMP_FIELD_NUMBER, ProtoFields.FIXED64)) {
                propagatedTimestamp = fields.value();
            } else if (fields.is(WriteRequestPB.TXN_ID_FIELD_NUMBER, ProtoFields.VARINT)) {
                hasTransaction = true;
            }
        }
        if (!hasTabletId) {
            throw new WireException(
                    Fault.REQUEST,
                    "invalid parameter for call kudu.tserver.TabletServerService.Write: missing fields: tablet_id");
        }
    }

    private void clear(MemorySegment newMemory) {
        memory = newMemory;
        schemaOffset = 0;
        schemaBytes = 0;
        rowsOffset = 0;
        rowsBytes = 0;
        indirectOffset = 0;
        indirectBytes = 0;
        propagatedTimestamp = 0;
        consistencyMode = 0;
        hasTransaction = false;
    }

    private void readRows() {
        rowFields.start(memory, fields.valueOffset(), fields.valueBytes());
        while (rowFields.next()) {
            if (rowFields.is(RowOperationsPB.ROWS_FIELD_NUMBER, ProtoFields.BYTES)) {
                rowsOffset = rowFields.valueOffset();
                rowsBytes = rowFields.valueBytes();
            } else if (rowFields.is(RowOperationsPB.INDIRECT_DATA_FIELD_NUMBER, ProtoFields.BYTES)) {
                indirectOffset = rowFields.valueOffset();
                indirectBytes = rowFields.valueBytes();
            }
        }
    }

    /** As the client sent it; no longer than one could be. Allocates. */
    public String tabletId() {
        byte[] id = new byte[(int) Math.min(tabletIdBytes, TABLET_ID_BYTES_MAX)];
        MemorySegment.copy(memory, JAVA_BYTE, tabletIdOffset, id, 0, id.length);
        return new String(id, StandardCharsets.ISO_8859_1);
    }

    /** The latest time that the client knows of; 0 if it knows of none. */
    public long propagatedTimestamp() {
        return propagatedTimestamp;
    }

    /** Whether the answer is to wait until all clocks are past the write's time. */
    public boolean isCommitWait() {
        return consistencyMode == ExternalConsistencyMode.COMMIT_WAIT_VALUE;
    }

    /** Whether the write is part of a transaction of several calls. */
    public boolean hasTransaction() {
        return hasTransaction;
    }

    /** Bytes of rows and of what they point to. */
    public long dataBytes() {
        return rowsBytes + indirectBytes;
    }

    /** The memory that the offsets are of. */
    MemorySegment memory() {
        return memory;
    }

    long schemaOffset() {
        return schemaOffset;
    }

    long schemaBytes() {
        return schemaBytes;
    }

    long rowsOffset() {
        return rowsOffset;
    }

    long rowsBytes() {
        return rowsBytes;
    }

    long indirectOffset() {
        return indirectOffset;
    }

    long indirectBytes() {
        return indirectBytes;
    }
}
