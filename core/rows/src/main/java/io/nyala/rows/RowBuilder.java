package io.nyala.rows;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Fills one operation of a batch, in place: checks each value against its column, notes the first thing that is wrong
 * with the row, and at the end completes the packed row and encodes the key. Variable cells are appended as they are
 * set, and packed anew at the end if that was not the order of the columns.
 *
 * <p>Belongs to its batch. Allocates nothing but for errors and values that come as objects.
 */
final class RowBuilder {
    private final RowLayout layout;
    private final Schema schema;
    private final KeyCodec keys;
    private final GrowingBuffer buffer;

    // The started operation.
    private boolean isStarted;
    private OperationKind kind = OperationKind.INSERT;
    private long operation;
    private long row;
    private int rowEnd;
    private int lastVariable;
    private boolean isOrdered;
    private @Nullable RowErrorCode errorCode;
    private String errorMessage = "";

    RowBuilder(RowLayout layout, GrowingBuffer buffer) {
        this.layout = layout;
        this.schema = layout.schema();
        this.keys = new KeyCodec(layout);
        this.buffer = buffer;
    }

    boolean isStarted() {
        return isStarted;
    }

    OperationKind kind() {
        return kind;
    }

    /** Why the row that was ended last is not in the batch; null if it is. */
    @Nullable
    RowErrorCode errorCode() {
        return errorCode;
    }

    String errorMessage() {
        return errorMessage;
    }

    void drop() {
        isStarted = false;
    }

    void start(long newOperation, OperationKind newKind, int index) {
        int issetBytes = layout.bitmapBytes();
        operation = newOperation;
        kind = newKind;
        row = newOperation + OperationFormat.HEADER_BYTES + issetBytes;
        rowEnd = layout.fixedBytes();
        lastVariable = -1;
        isOrdered = true;
        errorCode = null;
        isStarted = true;
        ensure(row + rowEnd, operation);
        MemorySegment memory = buffer.memory();
        OperationFormat.writeHeader(memory, operation, newKind, issetBytes, index);
        for (long at = operation + OperationFormat.HEADER_BYTES; at < row + rowEnd; at++) {
            memory.set(JAVA_BYTE, at, (byte) 0);
        }
    }

    void setNull(int column) {
        checkColumn(column);
        if (!schema.column(column).isNullable()) {
            fail(RowErrorCode.NULL_IN_NOT_NULL, schema.column(column).describe() + " cannot be NULL");
            return;
        }
        isOrdered &= !layout.isVariable(column) || !isSet(column);
        markSet(column);
        MemorySegment memory = buffer.memory();
        layout.setNull(memory, row, column);
        for (long at = 0; at < layout.cellBytes(column); at++) {
            memory.set(JAVA_BYTE, cell(column) + at, (byte) 0);
        }
    }

    void setBoolean(int column, boolean value) {
        checkColumn(column);
        if (layout.type(column) != ColumnType.BOOL) {
            throw wrongType(column, "boolean");
        }
        buffer.memory().set(JAVA_BYTE, cell(column), (byte) (value ? 1 : 0));
        markNotNull(column);
    }

    void setLong(int column, long value) {
        checkColumn(column);
        ColumnType type = layout.type(column);
        boolean isHeld =
                switch (type) {
                    case INT8 -> value == (byte) value;
                    case INT16 -> value == (short) value;
                    case INT32 -> value == (int) value;
                    case DATE -> Limits.DATE_DAYS_MIN <= value && value <= Limits.DATE_DAYS_MAX;
                    case INT64, UNIXTIME_MICROS -> true;
                    default -> throw wrongType(column, "whole number");
                };
        if (isHeld) {
            putInteger(column, type, value);
        } else {
            failOutOfRange(column);
        }
    }

    void setUnscaled(int column, long value) {
        checkColumn(column);
        ColumnType type = layout.type(column);
        if (!type.isDecimal()) {
            throw wrongType(column, "decimal");
        }
        putUnscaled(column, type, value >> (Long.SIZE - 1), value);
    }

    private void putUnscaled(int column, ColumnType type, long high, long low) {
        if (!CellConversion.hasDigits(schema.column(column).attributes().precision(), high, low)) {
            failOutOfRange(column);
        } else if (type == ColumnType.DECIMAL128) {
            putWide(column, high, low);
        } else {
            putInteger(column, type, low);
        }
    }

    /** The cell of a fixed-width column, as it is in a packed row; a BOOL is whatever is not 0. */
    void setCell(int column, MemorySegment source, long offset) {
        checkColumn(column);
        ColumnType type = layout.type(column);
        switch (type) {
            case BOOL -> setBoolean(column, source.get(JAVA_BYTE, offset) != 0);
            case INT8 -> putInteger(column, type, source.get(JAVA_BYTE, offset));
            case INT16 -> putInteger(column, type, source.get(LittleEndian.SHORT, offset));
            case INT32, FLOAT -> putInteger(column, type, source.get(LittleEndian.INT, offset));
            case INT64, UNIXTIME_MICROS, DOUBLE -> putInteger(column, type, source.get(LittleEndian.LONG, offset));
            case DATE -> setLong(column, source.get(LittleEndian.INT, offset));
            case DECIMAL32 -> setUnscaled(column, source.get(LittleEndian.INT, offset));
            case DECIMAL64 -> setUnscaled(column, source.get(LittleEndian.LONG, offset));
            case DECIMAL128 -> {
                long high = source.get(LittleEndian.LONG, offset + Long.BYTES);
                putUnscaled(column, type, high, source.get(LittleEndian.LONG, offset));
            }
            case STRING, BINARY, VARCHAR -> throw wrongType(column, "cell of fixed width");
        }
    }

    /** A byte, short, int, long or big integer: for an integer column itself, for a decimal the whole part. */
    void setWhole(int column, Number value) {
        checkColumn(column);
        ColumnType type = layout.type(column);
        if (type.isDecimal()) {
            setScaled(column, ColumnType::isDecimal, value);
        } else if (value instanceof BigInteger) {
            setScaled(column, other -> other.isIntegerLike() && other != ColumnType.DATE, value);
        } else if (type == ColumnType.DATE) {
            throw wrongType(column, value.getClass().getSimpleName());
        } else {
            setLong(column, value.longValue());
        }
    }

    /** A value that comes as an object, for a column of an integer-like type. */
    void setScaled(int column, Predicate<ColumnType> types, Object value) {
        checkColumn(column);
        ColumnType type = layout.type(column);
        if (!types.test(type)) {
            throw wrongType(column, value.getClass().getSimpleName());
        }
        Column definition = schema.column(column);
        if (value instanceof BigDecimal decimal
                && type != ColumnType.DECIMAL128
                && decimal.scale() == definition.attributes().scale()
                && decimal.precision() <= definition.attributes().precision()) {
            putInteger(column, type, decimal.unscaledValue().longValue());
            return;
        }
        CellConversion.Scaled scaled = CellConversion.scaled(definition, value);
        if (!scaled.isExact()) {
            fail(RowErrorCode.BAD_VALUE, CellConversion.tooManyDigits(definition));
        } else if (CellConversion.compareToRange(definition, scaled.ceiling()) != 0) {
            failOutOfRange(column);
        } else if (type == ColumnType.DECIMAL128) {
            putWide(
                    column,
                    scaled.ceiling().shiftRight(Long.SIZE).longValue(),
                    scaled.ceiling().longValue());
        } else {
            putInteger(column, type, scaled.ceiling().longValue());
        }
    }

    void setFloat(int column, float value) {
        checkColumn(column);
        if (layout.type(column) == ColumnType.DOUBLE) {
            setDouble(column, value);
            return;
        }
        if (layout.type(column) != ColumnType.FLOAT) {
            throw wrongType(column, "float");
        }
        buffer.memory().set(LittleEndian.FLOAT, cell(column), value);
        markNotNull(column);
    }

    void setDouble(int column, double value) {
        checkColumn(column);
        if (layout.type(column) != ColumnType.DOUBLE) {
            throw wrongType(column, "double");
        }
        buffer.memory().set(LittleEndian.DOUBLE, cell(column), value);
        markNotNull(column);
    }

    void setString(int column, String value) {
        checkColumn(column);
        ColumnType type = layout.type(column);
        if (type != ColumnType.STRING && type != ColumnType.VARCHAR) {
            throw wrongType(column, "String");
        }
        ensureCell(Math.min(Utf8.BYTES_PER_CHAR_MAX * (long) value.length(), Limits.CELL_BYTES_MAX + Utf8.SLACK_BYTES));
        int bytes = Utf8.encode(value, charsMax(column), buffer.memory(), row + rowEnd, Limits.CELL_BYTES_MAX);
        if (bytes == Utf8.MALFORMED) {
            fail(RowErrorCode.BAD_VALUE, CellConversion.halfPair(schema.column(column)));
        } else if (bytes == Utf8.TOO_LONG) {
            fail(
                    RowErrorCode.CELL_TOO_LONG,
                    CellConversion.tooLong(
                            schema.column(column),
                            CellConversion.number(value.getBytes(StandardCharsets.UTF_8).length)));
        } else {
            putVariable(column, bytes);
        }
    }

    void setBytes(int column, byte[] value, int offset, int count) {
        int bytes = Utf8.prefixBytes(value, offset, count, charsMaxOfBytes(column));
        if (hasRoom(column, bytes)) {
            MemorySegment.copy(value, offset, buffer.memory(), JAVA_BYTE, row + rowEnd, bytes);
            putVariable(column, bytes);
        }
    }

    void setBytes(int column, MemorySegment value, long offset, int count) {
        int bytes = Utf8.prefixBytes(value, offset, count, charsMaxOfBytes(column));
        if (hasRoom(column, bytes)) {
            MemorySegment.copy(value, offset, buffer.memory(), row + rowEnd, bytes);
            putVariable(column, bytes);
        }
    }

    private int charsMaxOfBytes(int column) {
        checkColumn(column);
        if (!layout.isVariable(column)) {
            throw wrongType(column, "byte sequence");
        }
        return charsMax(column);
    }

    private int charsMax(int column) {
        return layout.type(column) == ColumnType.VARCHAR
                ? schema.column(column).attributes().lengthChars()
                : Integer.MAX_VALUE;
    }

    private boolean hasRoom(int column, int bytes) {
        if (bytes > Limits.CELL_BYTES_MAX) {
            fail(
                    RowErrorCode.CELL_TOO_LONG,
                    CellConversion.tooLong(schema.column(column), CellConversion.number(bytes)));
            return false;
        }
        ensureCell(bytes);
        return true;
    }

    /** Completes the row; answers the bytes of the operation, 0 if there is an error. */
    int end() {
        if (!isStarted) {
            throw notStarted();
        }
        if (errorCode == null) {
            checkValues();
        }
        int operationBytes = errorCode == null ? pack() : 0;
        isStarted = false;
        return operationBytes;
    }

    private void checkValues() {
        int keyCount = schema.keyColumnCount();
        int values = 0;
        for (int i = 0; i < schema.columnCount() && errorCode == null; i++) {
            if (isSet(i)) {
                values += i < keyCount ? 0 : 1;
                if (i >= keyCount && kind.isDelete()) {
                    String name = schema.column(i).describe();
                    fail(RowErrorCode.BAD_VALUE, kind + " takes the key only, but a value was set for " + name);
                }
            } else if (i < keyCount || kind.mayInsert()) {
                setDefault(i);
            }
        }
        if (errorCode == null && values == 0 && kind.isUpdate()) {
            fail(RowErrorCode.NOTHING_TO_UPDATE, "no column was set but the key");
        }
    }

    private void setDefault(int column) {
        Column definition = schema.column(column);
        CellValue value = kind.mayInsert() ? definition.writeDefault() : null;
        if (value == null) {
            if (definition.isNullable()) {
                layout.setNull(buffer.memory(), row, column);
            } else {
                fail(RowErrorCode.MISSING_VALUE, "no value was set for " + definition.describe());
            }
            return;
        }
        byte[] bytes = value.raw();
        if (definition.type().isVariable()) {
            ensureCell(bytes.length);
            MemorySegment.copy(bytes, 0, buffer.memory(), JAVA_BYTE, row + rowEnd, bytes.length);
            appendVariable(column, bytes.length);
        } else {
            MemorySegment.copy(bytes, 0, buffer.memory(), JAVA_BYTE, cell(column), bytes.length);
        }
    }

    private int pack() {
        if (!isOrdered) {
            packVariableCells();
        }
        long keyBytesMin = 0;
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            keyBytesMin += layout.valueBytes(buffer.memory(), row, i);
        }
        int keyBytes = 0;
        if (keyBytesMin <= Limits.KEY_BYTES_MAX) {
            long key = row + rowEnd;
            ensure(key + keys.encodedBytesMax(buffer.memory(), row) + OperationFormat.ALIGNMENT, key);
            keyBytes = keys.encode(buffer.memory(), row, buffer.memory(), key);
        }
        if (Math.max(keyBytes, keyBytesMin) > Limits.KEY_BYTES_MAX) {
            fail(RowErrorCode.KEY_TOO_LONG, CellConversion.keyTooLong(Math.max(keyBytes, keyBytesMin)));
            return 0;
        }
        long end = row + rowEnd + keyBytes;
        long aligned = (end + OperationFormat.ALIGNMENT - 1) & -OperationFormat.ALIGNMENT;
        checkFitsOrDrop(aligned);
        for (long at = end; at < aligned; at++) {
            buffer.memory().set(JAVA_BYTE, at, (byte) 0);
        }
        int bytes = (int) (aligned - operation);
        OperationFormat.setBytes(buffer.memory(), operation, bytes, rowEnd, keyBytes);
        return bytes;
    }

    /** Puts the variable cells into the order of the columns, by way of the memory behind the row. */
    private void packVariableCells() {
        long scratch = row + rowEnd;
        ensure(scratch + rowEnd, scratch);
        MemorySegment memory = buffer.memory();
        int end = layout.fixedBytes();
        for (int n = 0; n < layout.variableColumnCount(); n++) {
            int column = layout.variableColumn(n);
            if (layout.isNull(memory, row, column) || (!isSet(column) && !kind.mayInsert())) {
                continue;
            }
            int bytes = layout.variableBytes(memory, row, column);
            MemorySegment.copy(memory, row + layout.variableOffset(memory, row, column), memory, scratch + end, bytes);
            layout.setVariable(memory, row, column, end, bytes);
            end += bytes;
        }
        int fixedBytes = layout.fixedBytes();
        MemorySegment.copy(memory, scratch + fixedBytes, memory, row + fixedBytes, end - fixedBytes);
        rowEnd = end;
    }

    private long cell(int column) {
        return row + layout.cellOffset(column);
    }

    private void putInteger(int column, ColumnType type, long value) {
        MemorySegment memory = buffer.memory();
        long cell = cell(column);
        switch (type.cellBytes()) {
            case Byte.BYTES -> memory.set(JAVA_BYTE, cell, (byte) value);
            case Short.BYTES -> memory.set(LittleEndian.SHORT, cell, (short) value);
            case Integer.BYTES -> memory.set(LittleEndian.INT, cell, (int) value);
            default -> memory.set(LittleEndian.LONG, cell, value);
        }
        markNotNull(column);
    }

    private void putWide(int column, long high, long low) {
        buffer.memory().set(LittleEndian.LONG, cell(column), low);
        buffer.memory().set(LittleEndian.LONG, cell(column) + Long.BYTES, high);
        markNotNull(column);
    }

    private void putVariable(int column, int bytes) {
        appendVariable(column, bytes);
        markNotNull(column);
    }

    /** Makes the bytes behind the row the column's. */
    private void appendVariable(int column, int bytes) {
        isOrdered &= column > lastVariable;
        lastVariable = column;
        layout.setVariable(buffer.memory(), row, column, rowEnd, bytes);
        rowEnd += bytes;
        checkFitsOrDrop(row + rowEnd);
    }

    private boolean isSet(int column) {
        return OperationFormat.isSet(buffer.memory(), operation, column);
    }

    private void markNotNull(int column) {
        layout.setNotNull(buffer.memory(), row, column);
        markSet(column);
    }

    private void markSet(int column) {
        long at = OperationFormat.issetOffset(buffer.memory(), operation) + (column >> 3);
        buffer.memory().set(JAVA_BYTE, at, (byte) (buffer.memory().get(JAVA_BYTE, at) | 1 << (column & 7)));
    }

    private void ensureCell(long bytes) {
        ensure(row + rowEnd + bytes, row + rowEnd);
    }

    private void ensure(long bytes, long usedBytes) {
        try {
            buffer.ensure(usedBytes, bytes);
        } catch (RuntimeException e) {
            drop();
            throw e;
        }
    }

    private void checkFitsOrDrop(long batchBytes) {
        if (batchBytes > Limits.BATCH_BYTES_MAX) {
            drop();
        }
        OperationBatch.checkFits(batchBytes);
    }

    void checkColumn(int column) {
        if (!isStarted) {
            throw notStarted();
        }
        if (column < 0 || column >= layout.columnCount()) {
            drop();
            throw new IllegalArgumentException(
                    "column index must be between 0 and " + (layout.columnCount() - 1) + ", was " + column);
        }
    }

    private static IllegalStateException notStarted() {
        return new IllegalStateException("no row has been started, or it was dropped because of an earlier exception");
    }

    IllegalArgumentException wrongType(int column, String given) {
        checkColumn(column);
        drop();
        return new IllegalArgumentException(schema.column(column).describe() + " cannot be set to a " + given);
    }

    void fail(RowErrorCode code, String message) {
        if (errorCode == null) {
            errorCode = code;
            errorMessage = message;
        }
    }

    private void failOutOfRange(int column) {
        fail(RowErrorCode.BAD_VALUE, CellConversion.outOfRange(schema.column(column)));
    }
}
