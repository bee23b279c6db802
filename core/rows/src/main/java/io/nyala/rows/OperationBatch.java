package io.nyala.rows;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operations of a write batch, off-heap, one after the other as {@link OperationFormat} draws them.
 *
 * <pre>{@code
 * batch.start(INSERT).setLong(0, 17).setString(1, "kudu").setNull(2).end();
 * batch.start(DELETE).set("id", 18L).end();
 * batch.start(UPDATE).set("id", 19L).set("state", "sold").onlyIf("state", "free").end(); // Compare and set.
 * }</pre>
 *
 * <p>There are two kinds of errors. What a program does wrong whatever the data (an unknown column, a value of the
 * wrong Java type, a batch larger than {@link Limits#BATCH_BYTES_MAX}) is thrown at once, and the started row is
 * dropped as if it had never been started. What is wrong with a row's values (no value for a column that needs one, a
 * NULL, a number out of range, a cell or key that is too long) becomes a {@link RowError} of that operation at
 * {@link #end}; the row is left out and the batch goes on.
 *
 * <p>A VARCHAR is cut to its length. An operation that may insert takes the write default, else NULL, for a column that
 * is not set. An UPDATE or UPSERT changes the columns that are set, a DELETE has the key only. Any of these three may
 * have conditions ({@link #onlyIf(int, Object)}).
 *
 * <p>Belongs to one thread at a time; whoever made it closes it. Filling it allocates nothing on the heap but what
 * errors need, as long as values come as primitives, Strings or bytes.
 */
public final class OperationBatch implements AutoCloseable {
    private final RowLayout layout;
    private final GrowingBuffer buffer;
    private final RowBuilder builder;
    private final ConditionBuilder conditions;
    private final List<RowError> errors = new ArrayList<>();
    private int startedCount;
    private int acceptedCount;
    private int bytes;
    private boolean isClosed;
    private volatile boolean isLent; // Taken back on any thread.

    public OperationBatch(RowLayout layout, MemoryAccount account) {
        this.layout = layout;
        this.buffer = new GrowingBuffer(account);
        this.builder = new RowBuilder(layout, buffer);
        this.conditions = new ConditionBuilder(layout, account);
    }

    /** Starts an operation; {@link #end} ends it. */
    public OperationBatch start(OperationKind kind) {
        checkOwn();
        if (builder.isStarted()) {
            throw new IllegalStateException("the row that was started before has not been ended");
        }
        if (startedCount == Limits.BATCH_OPERATIONS_MAX) {
            throw new BatchFullException("a batch has at most " + CellConversion.number(Limits.BATCH_OPERATIONS_MAX)
                    + " operations. Commit it and start the next one");
        }
        conditions.clear();
        builder.start(bytes, kind, startedCount);
        return this;
    }

    public OperationBatch setNull(int column) {
        builder.setNull(column);
        return this;
    }

    public OperationBatch setBoolean(int column, boolean value) {
        builder.setBoolean(column, value);
        return this;
    }

    /** An INT8, INT16, INT32 or INT64, days of a DATE, or microseconds of a UNIXTIME_MICROS. */
    public OperationBatch setInt(int column, int value) {
        builder.setLong(column, value);
        return this;
    }

    /** As {@link #setInt}. */
    public OperationBatch setLong(int column, long value) {
        builder.setLong(column, value);
        return this;
    }

    public OperationBatch setFloat(int column, float value) {
        builder.setFloat(column, value);
        return this;
    }

    public OperationBatch setDouble(int column, double value) {
        builder.setDouble(column, value);
        return this;
    }

    public OperationBatch setDecimal(int column, BigDecimal value) {
        builder.setScaled(column, ColumnType::isDecimal, given(column, value));
        return this;
    }

    /** A decimal without its point: 1.50 in a DECIMAL of scale 2 is 150. */
    public OperationBatch setUnscaled(int column, long value) {
        builder.setUnscaled(column, value);
        return this;
    }

    public OperationBatch setDate(int column, LocalDate value) {
        putDate(builder, column, given(column, value));
        return this;
    }

    /** A UNIXTIME_MICROS; what is finer than a microsecond is cut off. */
    public OperationBatch setTimestamp(int column, Instant value) {
        putTimestamp(builder, column, given(column, value));
        return this;
    }

    /** A STRING or VARCHAR. */
    public OperationBatch setString(int column, String value) {
        builder.setString(column, given(column, value));
        return this;
    }

    /** A BINARY, or a STRING or VARCHAR in UTF-8, which is not checked. */
    public OperationBatch setBytes(int column, byte[] value) {
        builder.setBytes(column, value, 0, given(column, value).length);
        return this;
    }

    /** As {@link #setBytes(int, byte[])}, of a part of an array. */
    public OperationBatch setBytes(int column, byte[] value, int offset, int count) {
        Check.within("bytes", offset, count, given(column, value).length);
        builder.setBytes(column, value, offset, count);
        return this;
    }

    /** As {@link #setBytes(int, byte[])}, of memory. */
    public OperationBatch setBytes(int column, MemorySegment memory, long offset, int count) {
        Check.within("bytes", offset, count, memory.byteSize());
        builder.setBytes(column, memory, offset, count);
        return this;
    }

    /**
     * A cell of fixed width, with the bytes that it has in a packed row ({@link RowLayout}); checked as other values
     * are. Of a BOOL whatever is not 0 is true.
     */
    public OperationBatch setCell(int column, MemorySegment memory, long offset) {
        builder.setCell(column, memory, offset);
        return this;
    }

    /** The started operation has an error that its caller found: {@link #end} leaves it out. The first one counts. */
    public OperationBatch fail(RowErrorCode code, String message) {
        if (!builder.isStarted()) {
            throw new IllegalStateException("there is no started row that could have the error: " + message);
        }
        builder.fail(code, message);
        return this;
    }

    /** By name and with any Java value that {@link CellValue#of} takes for the column; null for NULL. */
    public OperationBatch set(String name, @Nullable Object value) {
        return set(indexOf(name), value);
    }

    /** With any Java value that {@link CellValue#of} takes for the column; null for NULL. */
    public OperationBatch set(int column, @Nullable Object value) {
        put(builder, column, value);
        return this;
    }

    /** As {@link #onlyIf(int, Object)}, by name. */
    public OperationBatch onlyIf(String name, @Nullable Object value) {
        return onlyIf(indexOf(name), value);
    }

    /**
     * The started operation is done only if the row exists and has this value in this column, which is not of the key;
     * null for NULL. If there are several conditions, all must hold. For each kind but INSERT and INSERT_IGNORE; before
     * or after values are set.
     *
     * <p>What counts is the row as it is when the operation's turn comes, with everything that operations before it
     * did, those of the same batch included. Where the row has another value, the operation is refused as {@link
     * RowErrorCode#CONDITION_NOT_MET}, also if it is of an {@code _IGNORE} kind: that ignores a missing row only. An
     * UPSERT with a condition never inserts: where there is no row, its condition is not met. An UPDATE or DELETE of a
     * missing row is {@link RowErrorCode#NOT_FOUND}, or ignored, as without conditions.
     *
     * <p>The value is converted as {@link #set(int, Object)} does, a VARCHAR is cut to its length. It is compared as a
     * scan does: -0.0 equals 0.0, NaN equals nothing.
     */
    public OperationBatch onlyIf(int column, @Nullable Object value) {
        builder.checkColumn(column);
        try {
            checkMayHaveCondition(column);
            put(conditions.start(), column, value);
            RowErrorCode code = conditions.errorCode();
            if (code == null) {
                conditions.add(column);
            } else {
                builder.fail(code, "in a condition: " + conditions.errorMessage());
            }
        } catch (RuntimeException e) {
            builder.drop();
            throw e;
        }
        return this;
    }

    private void checkMayHaveCondition(int column) {
        Column definition = layout.schema().column(column);
        switch (builder.kind()) {
            case INSERT, INSERT_IGNORE ->
                throw new IllegalArgumentException(
                        builder.kind() + " takes no condition, since there is no row yet that could meet it; use"
                                + " UPSERT, UPDATE or DELETE to change a row that has certain values");
            case UPSERT, UPDATE, DELETE, UPSERT_IGNORE, UPDATE_IGNORE, DELETE_IGNORE -> {}
        }
        if (definition.isKey()) {
            throw new IllegalArgumentException(definition.describe() + " is of the key, by which the row is found: set"
                    + " it, and name other columns in conditions");
        }
        if (conditions.count() == Limits.COLUMNS_MAX) {
            throw new IllegalArgumentException(
                    "an operation has at most " + Limits.COLUMNS_MAX + " conditions, one for each column is enough");
        }
    }

    private int indexOf(String name) {
        int column = layout.schema().indexOf(name);
        if (column < 0) {
            builder.drop();
            throw layout.schema().unknown(name);
        }
        return column;
    }

    private static void put(RowBuilder target, int column, @Nullable Object value) {
        switch (value) {
            case null -> target.setNull(column);
            case Boolean truth -> target.setBoolean(column, truth);
            case String text -> target.setString(column, text);
            case byte[] array -> target.setBytes(column, array, 0, array.length);
            case Float number -> target.setFloat(column, number);
            case Double number -> target.setDouble(column, number);
            case Instant instant -> putTimestamp(target, column, instant);
            case LocalDate date -> putDate(target, column, date);
            case BigDecimal decimal -> target.setScaled(column, ColumnType::isDecimal, decimal);
            case Byte _, Short _, Integer _, Long _, BigInteger _ -> target.setWhole(column, (Number) value);
            default -> throw target.wrongType(column, value.getClass().getSimpleName());
        }
    }

    /** Null is the program's mistake, not NULL, which has a method of its own. */
    private <T> T given(int column, @Nullable T value) {
        builder.checkColumn(column);
        if (value == null) {
            builder.drop();
            throw new IllegalArgumentException(layout.schema().column(column).describe()
                    + " was given null as a value; setNull, or set(column, null), sets it to NULL");
        }
        return value;
    }

    private static void putDate(RowBuilder target, int column, LocalDate value) {
        target.setScaled(column, type -> type == ColumnType.DATE, value);
    }

    private static void putTimestamp(RowBuilder target, int column, Instant value) {
        Instant micros = value.truncatedTo(ChronoUnit.MICROS);
        target.setScaled(column, type -> type == ColumnType.UNIXTIME_MICROS, micros);
    }

    /**
     * Ends the started operation.
     *
     * @return whether it is in the batch; if not, the last of {@link #errors} says why
     */
    public boolean end() {
        int operationBytes = builder.end();
        RowErrorCode code = builder.errorCode();
        if (code == null) {
            operationBytes = conditions.appendTo(buffer, bytes, operationBytes);
        }
        startedCount++;
        if (code != null) {
            errors.add(new RowError(startedCount - 1, code, builder.errorMessage()));
            return false;
        }
        bytes += operationBytes;
        acceptedCount++;
        return true;
    }

    /** Appends an operation of another batch with the same schema, and keeps its index there. */
    public void copyFrom(MemorySegment memory, long operation) {
        checkOwn();
        int operationBytes = OperationFormat.operationBytes(memory, operation);
        checkFits((long) bytes + operationBytes);
        buffer.ensure(bytes, (long) bytes + operationBytes);
        MemorySegment.copy(memory, operation, buffer.memory(), bytes, operationBytes);
        bytes += operationBytes;
        acceptedCount++;
        startedCount = Math.max(startedCount, OperationFormat.operationIndex(memory, operation) + 1);
    }

    static void checkFits(long batchBytes) {
        if (batchBytes > Limits.BATCH_BYTES_MAX) {
            throw new BatchFullException("a batch has at most " + CellConversion.number(Limits.BATCH_BYTES_MAX)
                    + " bytes, with this row it would have " + CellConversion.number(batchBytes)
                    + ". Commit what is in it and start the next one with this row");
        }
    }

    /** Lets others read it while nobody may change it, until {@link #takeBack}. */
    public void lend() {
        checkOwn();
        if (builder.isStarted()) {
            throw new IllegalStateException("a row was started and not ended; end it, or clear the batch");
        }
        isLent = true;
    }

    /** Nobody reads it any more. Any thread. */
    public void takeBack() {
        isLent = false;
    }

    private void checkOwn() {
        if (isLent) {
            throw new IllegalStateException(
                    "the batch is being committed, or its keys are being looked up; wait for the"
                            + " result before touching it");
        }
        if (isClosed) {
            throw new IllegalStateException("the batch is closed; make a new one");
        }
    }

    /** Forgets everything; the memory stays. */
    public void clear() {
        checkOwn();
        forget();
    }

    private void forget() {
        builder.drop();
        errors.clear();
        startedCount = 0;
        acceptedCount = 0;
        bytes = 0;
    }

    public RowLayout layout() {
        return layout;
    }

    /** Whether an operation was started that was not ended. */
    public boolean isStarted() {
        return builder.isStarted();
    }

    /** Operations that were ended, with those that had errors. */
    public int operationCount() {
        return startedCount;
    }

    /** Operations that are in the batch. */
    public int acceptedCount() {
        return acceptedCount;
    }

    /** Operations that are not in the batch, by index. A view. */
    public List<RowError> errors() {
        return Collections.unmodifiableList(errors);
    }

    /** What the operations lie in, the first one at 0; until the next one is started. */
    public MemorySegment memory() {
        return buffer.memory();
    }

    /** Of all operations: where the next one would begin. */
    public int bytes() {
        return bytes;
    }

    /** The operations one by one. */
    public void forEach(OperationVisitor visitor) {
        for (long operation = 0; operation < bytes; ) {
            visitor.visit(buffer.memory(), operation);
            operation += OperationFormat.operationBytes(buffer.memory(), operation);
        }
    }

    /** Takes operations one by one. */
    @FunctionalInterface
    public interface OperationVisitor {
        void visit(MemorySegment memory, long operation);
    }

    @Override
    public void close() {
        if (!isClosed) {
            checkOwn();
            isClosed = true;
            forget();
            conditions.close();
            buffer.close();
        }
    }
}
