package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.google.protobuf.InvalidProtocolBufferException;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.rows.BatchFullException;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.wire.WireException.Fault;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Puts the rows of a write request into batches.
 *
 * <pre>{@code
 *   one row:   u8 type | isset bitmap | null bitmap, if the client knows a nullable column | cells
 *
 *   bit i of a bitmap: the client's column i, lowest bit first; 1 in the second one is NULL
 *   cells:             of columns that are set and not NULL, in their order; fixed width: little-endian;
 *                      variable length: u64 offset, u64 bytes, in the request's indirect data
 *
 *   reader.start(request, schema);
 *   do {
 *       reader.fill(batch);        // Row reader.firstRow() of the request is operation 0 of the batch.
 *       ...                        // Commit it, clear it.
 *   } while (reader.hasMore());
 * }</pre>
 *
 * <p>Bytes that are no rows, and columns that are not the table's, make a {@link WireException} before anything of the
 * request is handed out. What is wrong with a single row becomes an error of that operation of the batch, in Kudu's
 * words; where there are several, the first one.
 *
 * <p>Schemas are understood once: clients send the same bytes with each request. Rows cost nothing on the heap, unless
 * they have errors. One thread.
 */
public final class RowOperationsReader {
    /** Clients of a server are few kinds of programs, and each writes to a few tables at a time. */
    private static final int VIEWS_MAX = 16;

    private static final int KINDS_AT_FIRST = 1024;
    private static final int UNKNOWN = -1;

    /** More than a schema of 300 columns needs; longer ones are understood anew each time. */
    private static final int VIEW_BYTES_MAX = 256 << 10;

    /**
     * Most rows of a batch, be they good or not: an answer has an error for each, and takes a megabyte then in the log
     * that remembers it.
     */
    static final int BATCH_ROWS_MAX = 128 << 10;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** A cell that is right for each type. */
    private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[2 * Long.BYTES]);

    private static final @Nullable OperationKind[] KINDS =
            new OperationKind[RowOperationsPB.Type.UPSERT_IGNORE_VALUE + 1];

    static {
        for (OperationKind kind : OperationKind.values()) {
            KINDS[kind.code()] = kind; // Our codes are Kudu's.
        }
    }

    private final List<View> views = new ArrayList<>();
    private int nextView;

    private ClientColumns columns;
    private MemorySegment memory = MemorySegment.NULL;
    private long at;
    private long end;
    private long indirectOffset;
    private long indirectBytes;
    private int firstRow;
    private int nextRow;
    private int rowsInAll; // UNKNOWN until all were looked at.

    /** What a client calls a schema, as it was understood for a table. */
    private record View(MemorySegment bytes, ClientColumns columns) {}

    /** Knows nothing yet. */
    public RowOperationsReader() {
        this.columns = ClientColumns.NONE;
    }

    /**
     * Goes to the first row of a request.
     *
     * @param schema of the table
     * @throws WireException if the client's columns are not those of the table
     */
    public void start(WriteRequestReader request, Schema schema) {
        start(request, view(request, schema));
    }

    /**
     * Goes to the first row of a request, without a table: rows can be stepped over, not put into a batch.
     *
     * @throws WireException if the client's columns are those of no table, or if there are none
     */
    public void startUnread(WriteRequestReader request) {
        MemorySegment given = request.memory().asSlice(request.schemaOffset(), request.schemaBytes());
        start(request, ClientColumns.unread(parse(given.asByteBuffer())));
    }

    private void start(WriteRequestReader request, ClientColumns newColumns) {
        columns = newColumns;
        memory = request.memory();
        at = request.rowsOffset();
        end = at + request.rowsBytes();
        indirectOffset = request.indirectOffset();
        indirectBytes = request.indirectBytes();
        firstRow = 0;
        nextRow = 0;
        rowsInAll = UNKNOWN;
    }

    private ClientColumns view(WriteRequestReader request, Schema schema) {
        long offset = request.schemaOffset();
        long bytes = request.schemaBytes();
        for (int i = 0; i < views.size(); i++) {
            View view = views.get(i);
            if (view.bytes().byteSize() == bytes
                    && view.columns().schema().equals(schema)
                    && MemorySegment.mismatch(request.memory(), offset, offset + bytes, view.bytes(), 0, bytes) < 0) {
                return view.columns();
            }
        }
        MemorySegment given = request.memory().asSlice(offset, bytes);
        ClientColumns understood = ClientColumns.of(parse(given.asByteBuffer()), schema);
        if (bytes <= VIEW_BYTES_MAX) {
            keep(new View(MemorySegment.ofArray(given.toArray(JAVA_BYTE)), understood));
        }
        return understood;
    }

    private void keep(View view) {
        if (views.size() < VIEWS_MAX) {
            views.add(view);
        } else {
            views.set(nextView, view);
            nextView = (nextView + 1) % VIEWS_MAX;
        }
    }

    private static SchemaPB parse(ByteBuffer bytes) {
        try {
            return SchemaPB.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw new WireException(Fault.REQUEST, "malformed schema in WriteRequestPB: " + e.getMessage());
        }
    }

    /** Whether there are rows that no batch has got. */
    public boolean hasMore() {
        return at < end;
    }

    /** The row of the request, from 0, that is operation 0 of the batch that was filled last. */
    public int firstRow() {
        return firstRow;
    }

    /** How many rows of the request were handed out, or stepped over. */
    public int rowCount() {
        return nextRow;
    }

    /** Rows of the request; known from the first {@link #fill} on. */
    public int rowsInAll() {
        return rowsInAll;
    }

    /**
     * Puts the next rows into an empty batch of the table: all of them, or those that fit. A row that is larger than a
     * batch can be is an operation with an error. If it throws, the batch is empty, and the same rows are the next ones
     * again.
     *
     * @throws WireException if the bytes are no rows
     */
    public void fill(OperationBatch batch) {
        assert batch.operationCount() == 0 : "a batch with " + batch.operationCount() + " operations";
        long resume = at;
        firstRow = nextRow;
        try {
            while (at < end && nextRow - firstRow < BATCH_ROWS_MAX && append(batch)) {
                nextRow++;
            }
            if (rowsInAll == UNKNOWN) {
                rowsInAll = nextRow + countRest();
            }
        } catch (RuntimeException e) {
            batch.clear();
            at = resume;
            nextRow = firstRow;
            throw e;
        }
    }

    private boolean append(OperationBatch batch) {
        long row = at;
        try {
            readRow(batch);
            return true;
        } catch (BatchFullException _) {
            at = row;
        }
        if (nextRow > firstRow) {
            return false; // The next batch may have room for it.
        }
        batch.start(skipRow())
                .fail(
                        RowErrorCode.CELL_TOO_LONG,
                        "row too large (more than " + Limits.BATCH_BYTES_MAX + " bytes, with what belongs to it)")
                .end();
        return true;
    }

    private void readRow(OperationBatch batch) {
        OperationKind kind = readKind();
        long isSet = take(columns.bitmapBytes(), "Cannot find isset bitmap");
        long isNull = columns.hasNullable() ? take(columns.bitmapBytes(), "Cannot find null bitmap") : -1;
        batch.start(kind);
        int values = 0;
        int count = columns.count();
        for (int i = 0; i < count; i++) {
            if (hasBit(isSet, i)) {
                values += columns.isKey(i) || isIgnored(kind, i) ? 0 : 1;
                readCell(batch, kind, i, isNull >= 0 && hasBit(isNull, i));
            } else if (kind.mayInsert() ? columns.isRequired(i) : columns.isKey(i)) {
                String what = kind.mayInsert() ? "required" : "key";
                batch.fail(RowErrorCode.MISSING_VALUE, "No value provided for " + what + " column: " + describe(i));
            }
        }
        if (values == 0 && kind.isUpdate()) {
            batch.fail(RowErrorCode.NOTHING_TO_UPDATE, "No fields updated, key is: " + redactedKey());
        }
        batch.end();
    }

    private void readCell(OperationBatch batch, OperationKind kind, int column, boolean isNull) {
        boolean isNullCell = isNull && columns.isNullable(column);
        // A column that cannot be NULL has a cell even if the client says so.
        long cell = isNullCell ? -1 : takeCell(column);
        int index = columns.tableIndex(column);
        if (isIgnored(kind, column)) {
            setAnything(batch, column, index);
            return;
        }
        if (kind.isDelete() && !columns.isKey(column)) {
            batch.fail(RowErrorCode.BAD_VALUE, "DELETE should not have a value for column: " + describe(column));
        } else if (kind == OperationKind.UPDATE && columns.isImmutable(column)) {
            batch.fail(RowErrorCode.IMMUTABLE, "UPDATE not allowed for immutable column: " + describe(column));
        } else if (isNullCell) {
            batch.setNull(index);
        } else if (isNull) {
            batch.fail(RowErrorCode.NULL_IN_NOT_NULL, noNull(kind, column) + describe(column));
        } else if (!columns.isVariable(column)) {
            batch.setCell(index, memory, cell);
        } else {
            long bytes = memory.get(LONG, cell + Long.BYTES);
            if (bytes > Limits.CELL_BYTES_MAX) {
                batch.fail(
                        RowErrorCode.CELL_TOO_LONG,
                        "value too large for column '" + columns.column(column).name() + "' (" + bytes
                                + " bytes, maximum is " + Limits.CELL_BYTES_MAX + " bytes)");
            } else {
                batch.setBytes(index, memory, indirectOffset + memory.get(LONG, cell), (int) bytes);
            }
        }
    }

    /** Whatever the client's value is, the tablet will not take it, but count that it was set. */
    private void setAnything(OperationBatch batch, int column, int index) {
        if (columns.isVariable(column)) {
            batch.setBytes(index, ZEROS, 0, 0);
        } else {
            batch.setCell(index, ZEROS, 0);
        }
    }

    /** An UPSERT_IGNORE may insert what it sets: of that the tablet says what is ignored. */
    private boolean isIgnored(OperationKind kind, int column) {
        return kind == OperationKind.UPDATE_IGNORE && columns.isImmutable(column);
    }

    private String noNull(OperationKind kind, int column) {
        if (kind.mayInsert()) {
            return "NULL values not allowed for non-nullable column: ";
        }
        return columns.isKey(column)
                ? "NULL values not allowed for key column: "
                : "NULL value not allowed for non-nullable column: ";
    }

    private OperationKind readKind() {
        int type = memory.get(JAVA_BYTE, at++) & 0xff;
        OperationKind kind = type < KINDS.length ? KINDS[type] : null;
        if (kind == null) {
            throw noWrite(type);
        }
        return kind;
    }

    private WireException noWrite(int type) {
        RowOperationsPB.Type known = RowOperationsPB.Type.forNumber(type);
        return known == null
                ? corruption("Unknown operation type: " + type)
                : new WireException(Fault.MISMATCHED_SCHEMA, "Invalid write operation type " + known);
    }

    /** Steps over bytes of the rows; answers where they begin. */
    private long take(int bytes, String message) {
        if (bytes > end - at) {
            throw corruption(message);
        }
        long taken = at;
        at += bytes;
        return taken;
    }

    /** Steps over a cell; what it points to lies within the indirect data. */
    private long takeCell(int column) {
        if (columns.cellBytes(column) > end - at) {
            throw corruption("Not enough data for column: " + describe(column));
        }
        long cell = at;
        at += columns.cellBytes(column);
        if (columns.isVariable(column)) {
            long offset = memory.get(LONG, cell);
            long bytes = memory.get(LONG, cell + Long.BYTES);
            if (offset < 0 || bytes < 0 || offset > indirectBytes - bytes) {
                throw corruption("Bad indirect slice");
            }
        }
        return cell;
    }

    /**
     * Steps over the next rows, {@code countMax} at most; answers the number of each one's kind.
     *
     * @throws WireException if the bytes are no rows
     */
    public byte[] skip(int countMax) {
        var kinds = new byte[Math.min(countMax, KINDS_AT_FIRST)];
        int count = 0;
        while (count < countMax && at < end) {
            if (count == kinds.length) {
                kinds = Arrays.copyOf(kinds, Math.min(countMax, 2 * count));
            }
            kinds[count++] = (byte) skipRow().code();
        }
        nextRow += count;
        return Arrays.copyOf(kinds, count);
    }

    /** And checks it, so that nothing is written of a request that turns out to be no request further on. */
    private int countRest() {
        long resume = at;
        int count = 0;
        while (at < end) {
            skipRow();
            count++;
        }
        at = resume;
        return count;
    }

    private OperationKind skipRow() {
        OperationKind kind = readKind();
        long isSet = take(columns.bitmapBytes(), "Cannot find isset bitmap");
        long isNull = columns.hasNullable() ? take(columns.bitmapBytes(), "Cannot find null bitmap") : -1;
        for (int i = 0; i < columns.count(); i++) {
            if (hasBit(isSet, i) && !(isNull >= 0 && hasBit(isNull, i) && columns.isNullable(i))) {
                takeCell(i);
            }
        }
        return kind;
    }

    private boolean hasBit(long bitmap, int i) {
        return (memory.get(JAVA_BYTE, bitmap + (i >> 3)) >> (i & 7) & 1) != 0;
    }

    private String describe(int column) {
        return WireTypes.describe(columns.column(column));
    }

    /** As Kudu writes keys to clients: {@code (int32 k1=<redacted>, string k2=<redacted>)}. */
    private String redactedKey() {
        var text = new StringJoiner(", ", "(", ")");
        Schema schema = columns.schema();
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            text.add(WireTypes.lowerCaseName(schema.column(i).type()) + " "
                    + schema.column(i).name() + "=<redacted>");
        }
        return text.toString();
    }

    private static WireException corruption(String message) {
        return WireException.corruption(Fault.MISMATCHED_SCHEMA, message);
    }
}
