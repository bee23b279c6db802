package io.nyala.rows;

import static io.nyala.rows.LittleEndian.DOUBLE;
import static io.nyala.rows.LittleEndian.FLOAT;
import static io.nyala.rows.LittleEndian.INT;
import static io.nyala.rows.LittleEndian.LONG;
import static io.nyala.rows.LittleEndian.SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;

/**
 * The cells of one column of a {@link ColumnBatch}, off-heap, as Arrow lays them out.
 *
 * <pre>{@code
 *   validity   u64[16]: bit i % 64 of word i / 64 is 1 if row i is not NULL
 *   values     rows x width, little-endian                    of a fixed-width column; a NULL has any value
 *   offsets    i32[1024 + 1]: row i is bytes[offsets[i], offsets[i + 1])    of a variable-length column
 *   bytes      at most 1 MiB
 * }</pre>
 *
 * <p>One difference: a BOOL is a byte, 0 or 1, not a bit. Behind values, offsets and bytes lie 64 bytes more that may
 * be read and written, so that kernels can work on whole registers.
 *
 * <p>A writer either sets cells row by row, in ascending order for a variable-length column, or fills validity, values
 * (or offsets and bytes) itself. Belongs to its batch and to one thread at a time; segments are valid until the batch
 * is closed, {@link #bytes} until the vector next grows.
 */
public final class ColumnVector {
    static final int PADDING_BYTES = 64;

    private static final int VALIDITY_BYTES = Limits.VECTOR_ROWS / Byte.SIZE;

    /** What reads a cell of a type; another one would read part of it, or other bits than it means. */
    private enum Getter {
        BOOLEAN("getBoolean"),
        BYTE("getByte"),
        SHORT("getShort"),
        INT("getInt"),
        LONG("getLong"),
        FLOAT("getFloat"),
        DOUBLE("getDouble"),
        WIDE("getHighLong and getLowLong"),
        BYTES("getString, getBytes, or variableOffset and variableBytes");

        private final String names;

        Getter(String names) {
            this.names = names;
        }

        static Getter of(ColumnType type) {
            return switch (type) {
                case BOOL -> BOOLEAN;
                case INT8 -> BYTE;
                case INT16 -> SHORT;
                case INT32, DATE, DECIMAL32 -> INT;
                case INT64, UNIXTIME_MICROS, DECIMAL64 -> LONG;
                case FLOAT -> FLOAT;
                case DOUBLE -> DOUBLE;
                case DECIMAL128 -> WIDE;
                case STRING, BINARY, VARCHAR -> BYTES;
            };
        }
    }

    private final ColumnBatch batch;
    private final Column column;
    private final ColumnType type;
    private final Getter getter;
    private final int width;
    private final MemorySegment validity;
    private final MemorySegment values;
    private final GrowingBuffer bytes;

    /** @param fixed so many bytes as {@link #fixedBytes} of its batch's rows, and perhaps some more */
    ColumnVector(ColumnBatch batch, Column column, MemorySegment fixed, MemoryAccount account) {
        this.batch = batch;
        this.column = column;
        this.type = column.type();
        this.getter = Getter.of(type);
        this.width = type.isVariable() ? Integer.BYTES : type.cellBytes();
        this.validity = fixed.asSlice(0, VALIDITY_BYTES);
        this.values = fixed.asSlice(VALIDITY_BYTES, valuesBytes(type, batch.rowsMax()));
        this.bytes = new GrowingBuffer(account);
        clear();
    }

    /** Memory of the validity and the values, or offsets, of a column. */
    static long fixedBytes(ColumnType type, int rowsMax) {
        return VALIDITY_BYTES + valuesBytes(type, rowsMax);
    }

    private static long valuesBytes(ColumnType type, int rowsMax) {
        long bytes = type.isVariable()
                ? (rowsMax + 1L) * Integer.BYTES + Integer.BYTES * 15L
                : (long) rowsMax * type.cellBytes();
        return bytes + PADDING_BYTES;
    }

    void clear() {
        validity.fill((byte) 0);
        if (type.isVariable()) {
            values.set(INT, 0, 0);
        }
    }

    void close() {
        bytes.close();
    }

    public Column column() {
        return column;
    }

    public ColumnType type() {
        return type;
    }

    /** 128 bytes. */
    public MemorySegment validity() {
        return validity;
    }

    /** The values of a fixed-width column, and the padding behind them. */
    public MemorySegment values() {
        assert !type.isVariable() : type + " has offsets and bytes";
        return values;
    }

    /** The offsets of a variable-length column, and the padding behind them. */
    public MemorySegment offsets() {
        assert type.isVariable() : type + " has values";
        return values;
    }

    /** The bytes of a variable-length column, as much as there is room for now; see {@link #reserve}. */
    public MemorySegment bytes() {
        assert type.isVariable() : type + " has values";
        return bytes.memory();
    }

    /**
     * Makes room for so many bytes in all, of which the first {@code usedBytes} are kept, and padding; answers {@link
     * #bytes}.
     */
    public MemorySegment reserve(int usedBytes, int totalBytes) {
        assert type.isVariable() : type + " has no bytes";
        Check.inRange("bytes of a column of a batch", totalBytes, 0, Limits.BATCH_VARIABLE_BYTES_MAX);
        bytes.ensure(usedBytes, (long) totalBytes + PADDING_BYTES);
        return bytes.memory();
    }

    /** Always on. What it compares does not change within a loop over rows. */
    private void check(Getter asked, int row) {
        if (getter != asked) {
            throw wrongType(asked.names);
        }
        checkRow(row);
    }

    private void checkRow(int row) {
        if (row < 0 || row >= batch.rowCount()) {
            throw new IndexOutOfBoundsException("row " + row + " of " + column.describe()
                    + " was asked for; the batch has " + batch.rowCount() + " rows, from 0 on");
        }
    }

    private IllegalArgumentException wrongType(String asked) {
        return new IllegalArgumentException(column.describe() + " is not read by " + asked + ", but by "
                + (type.isDecimal() ? "getDecimal, or unscaled by " : "") + getter.names);
    }

    public boolean isNull(int row) {
        checkRow(row);
        return isNullAt(row);
    }

    private boolean isNullAt(int row) {
        return (validity.get(JAVA_BYTE, row >> 3) >> (row & 7) & 1) == 0;
    }

    public boolean getBoolean(int row) {
        check(Getter.BOOLEAN, row);
        return values.get(JAVA_BYTE, row) != 0;
    }

    /** Of an INT8, or of a BOOL: 0 or 1. */
    public byte getByte(int row) {
        if (getter != Getter.BOOLEAN) {
            check(Getter.BYTE, row);
        }
        checkRow(row);
        return values.get(JAVA_BYTE, row);
    }

    public short getShort(int row) {
        check(Getter.SHORT, row);
        return values.get(SHORT, (long) row * Short.BYTES);
    }

    /** Of an INT32, a DATE or a DECIMAL32. */
    public int getInt(int row) {
        check(Getter.INT, row);
        return values.get(INT, (long) row * Integer.BYTES);
    }

    /** Of an INT64, a UNIXTIME_MICROS or a DECIMAL64. */
    public long getLong(int row) {
        check(Getter.LONG, row);
        return values.get(LONG, (long) row * Long.BYTES);
    }

    public float getFloat(int row) {
        check(Getter.FLOAT, row);
        return floatAt(row);
    }

    public double getDouble(int row) {
        check(Getter.DOUBLE, row);
        return doubleAt(row);
    }

    /** Of an integer-like column (or BOOL) of at most 8 bytes, widened. */
    public long getInteger(int row) {
        return switch (width) {
            case Byte.BYTES -> getByte(row);
            case Short.BYTES -> getShort(row);
            case Integer.BYTES -> getInt(row);
            default -> getLong(row);
        };
    }

    /** The upper half of a DECIMAL128. */
    public long getHighLong(int row) {
        check(Getter.WIDE, row);
        return highLongAt(row);
    }

    /** The lower half of a DECIMAL128. */
    public long getLowLong(int row) {
        check(Getter.WIDE, row);
        return lowLongAt(row);
    }

    /** Where the row's bytes begin in {@link #bytes}. */
    public int variableOffset(int row) {
        check(Getter.BYTES, row);
        return offsetAt(row);
    }

    public int variableBytes(int row) {
        check(Getter.BYTES, row);
        return bytesAt(row);
    }

    // ---- Of rows that may not be in the batch yet, by who knows the type ----

    long integerAt(int row) {
        assert isRow(row) && !type.isVariable() && width <= Long.BYTES : row + " of " + type;
        return switch (width) {
            case Byte.BYTES -> values.get(JAVA_BYTE, row);
            case Short.BYTES -> values.get(SHORT, (long) row * Short.BYTES);
            case Integer.BYTES -> values.get(INT, (long) row * Integer.BYTES);
            default -> values.get(LONG, (long) row * Long.BYTES);
        };
    }

    float floatAt(int row) {
        assert isRow(row) && type == ColumnType.FLOAT : row + " of " + type;
        return values.get(FLOAT, (long) row * Float.BYTES);
    }

    double doubleAt(int row) {
        assert isRow(row) && type == ColumnType.DOUBLE : row + " of " + type;
        return values.get(DOUBLE, (long) row * Double.BYTES);
    }

    long highLongAt(int row) {
        assert isRow(row) && type == ColumnType.DECIMAL128 : row + " of " + type;
        return values.get(LONG, (long) row * width + Long.BYTES);
    }

    long lowLongAt(int row) {
        assert isRow(row) && type == ColumnType.DECIMAL128 : row + " of " + type;
        return values.get(LONG, (long) row * width);
    }

    int offsetAt(int row) {
        assert isRow(row) && type.isVariable() : row + " of " + type;
        return values.get(INT, (long) row * Integer.BYTES);
    }

    int bytesAt(int row) {
        assert isRow(row) && type.isVariable() : row + " of " + type;
        return values.get(INT, (row + 1L) * Integer.BYTES) - values.get(INT, (long) row * Integer.BYTES);
    }

    /** A copy of the value's bytes. Allocates. */
    public byte[] getBytes(int row) {
        return getValue(row).raw();
    }

    /** Of a STRING or VARCHAR; of a BINARY as if it were UTF-8. Allocates. */
    public String getString(int row) {
        check(Getter.BYTES, row);
        return new String(getBytes(row), StandardCharsets.UTF_8);
    }

    /** Allocates. */
    public BigDecimal getDecimal(int row) {
        if (!type.isDecimal()) {
            throw wrongType("getDecimal");
        }
        return new BigDecimal(getValue(row).toBigInteger(), column.attributes().scale());
    }

    /** The cell, which is not NULL. Allocates. */
    public CellValue getValue(int row) {
        if (isNull(row)) {
            throw new IllegalStateException(
                    column.describe() + " is NULL in row " + row + "; ask isNull before its value");
        }
        boolean isVariable = type.isVariable();
        long offset = isVariable ? offsetAt(row) : (long) row * width;
        byte[] target = new byte[isVariable ? bytesAt(row) : width];
        MemorySegment.copy(isVariable ? bytes.memory() : values, JAVA_BYTE, offset, target, 0, target.length);
        return CellValue.owning(target);
    }

    public void setNull(int row) {
        assert isRow(row) : row;
        setValidity(row, 0);
        switch (width) {
            case Byte.BYTES -> values.set(JAVA_BYTE, row, (byte) 0);
            case Short.BYTES -> values.set(SHORT, (long) row * Short.BYTES, (short) 0);
            case Integer.BYTES -> {
                if (type.isVariable()) {
                    values.set(INT, (row + 1L) * Integer.BYTES, offsetAt(row));
                } else {
                    values.set(INT, (long) row * Integer.BYTES, 0);
                }
            }
            case Long.BYTES -> values.set(LONG, (long) row * Long.BYTES, 0);
            default -> {
                values.set(LONG, (long) row * width, 0);
                values.set(LONG, (long) row * width + Long.BYTES, 0);
            }
        }
    }

    /** BOOL or INT8. */
    public void setByte(int row, byte value) {
        assert isRow(row) && width == Byte.BYTES : row + " of " + type;
        values.set(JAVA_BYTE, row, value);
        setValidity(row, 1);
    }

    public void setShort(int row, short value) {
        assert isRow(row) && width == Short.BYTES : row + " of " + type;
        values.set(SHORT, (long) row * Short.BYTES, value);
        setValidity(row, 1);
    }

    public void setInt(int row, int value) {
        assert isRow(row) && width == Integer.BYTES && !type.isVariable() : row + " of " + type;
        values.set(INT, (long) row * Integer.BYTES, value);
        setValidity(row, 1);
    }

    public void setLong(int row, long value) {
        assert isRow(row) && width == Long.BYTES : row + " of " + type;
        values.set(LONG, (long) row * Long.BYTES, value);
        setValidity(row, 1);
    }

    public void setFloat(int row, float value) {
        setInt(row, Float.floatToRawIntBits(value));
    }

    public void setDouble(int row, double value) {
        setLong(row, Double.doubleToRawLongBits(value));
    }

    /** DECIMAL128. */
    public void setWide(int row, long high, long low) {
        assert isRow(row) && type == ColumnType.DECIMAL128 : row + " of " + type;
        values.set(LONG, (long) row * width, low);
        values.set(LONG, (long) row * width + Long.BYTES, high);
        setValidity(row, 1);
    }

    /** Of a variable-length column; rows come in ascending order, and {@link #fits} said yes. */
    public void setBytes(int row, MemorySegment source, long offset, int count) {
        int start = offsetAt(row);
        int end = start + count;
        MemorySegment.copy(source, offset, reserve(start, end), start, count);
        values.set(INT, (row + 1L) * Integer.BYTES, end);
        setValidity(row, 1);
    }

    /** Whether a row of so many bytes still fits under the limit of 1 MiB. */
    public boolean fits(int row, int count) {
        return offsetAt(row) <= Limits.BATCH_VARIABLE_BYTES_MAX - count;
    }

    /** Copies a packed row's cell. */
    void setFromRow(int row, RowLayout layout, MemorySegment memory, long packedRow, int index) {
        assert layout.type(index) == type : layout.type(index) + " for " + type;
        if (layout.isNull(memory, packedRow, index)) {
            setNull(row);
            return;
        }
        if (type.isVariable()) {
            long value = packedRow + layout.variableOffset(memory, packedRow, index);
            setBytes(row, memory, value, layout.variableBytes(memory, packedRow, index));
        } else {
            copyFixed(row, memory, packedRow + layout.cellOffset(index));
        }
    }

    /** Gives the first {@code count} rows, of a vector that is clear, the cell of a packed row. */
    public void fillFromRow(int count, RowLayout layout, MemorySegment memory, long packedRow, int index) {
        for (int row = 0; row < count; row++) {
            setFromRow(row, layout, memory, packedRow, index);
        }
    }

    /** Copies a cell of another vector of the same type. */
    void setFromVector(int row, ColumnVector source, int sourceRow) {
        assert source.type == type : source.type + " for " + type;
        if (source.isNullAt(sourceRow)) {
            setNull(row);
            return;
        }
        if (type.isVariable()) {
            setBytes(row, source.bytes(), source.offsetAt(sourceRow), source.bytesAt(sourceRow));
        } else {
            copyFixed(row, source.values, (long) sourceRow * width);
        }
    }

    private void copyFixed(int row, MemorySegment source, long offset) {
        switch (width) {
            case Byte.BYTES -> setByte(row, source.get(JAVA_BYTE, offset));
            case Short.BYTES -> setShort(row, source.get(SHORT, offset));
            case Integer.BYTES -> setInt(row, source.get(INT, offset));
            case Long.BYTES -> setLong(row, source.get(LONG, offset));
            default -> setWide(row, source.get(LONG, offset + Long.BYTES), source.get(LONG, offset));
        }
    }

    private void setValidity(int row, int bit) {
        int cleared = validity.get(JAVA_BYTE, row >> 3) & ~(1 << (row & 7));
        validity.set(JAVA_BYTE, row >> 3, (byte) (cleared | bit << (row & 7)));
    }

    private static boolean isRow(int row) {
        return row >= 0 && row < Limits.VECTOR_ROWS;
    }
}
