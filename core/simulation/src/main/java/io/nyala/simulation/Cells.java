package io.nyala.simulation;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.OperationBatch;
import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * Cells as the values of a model: Boolean, Byte, Short, Integer, Long, Float, Double, BigDecimal, LocalDate, Instant,
 * and {@link Bytes} for everything of variable length; null for NULL. {@code equals} tells -0.0 from 0.0, and takes
 * every NaN for the same. Stateless.
 */
public final class Cells {
    private static final long MICROS_PER_SECOND = 1_000_000;
    private static final long NANOS_PER_MICRO = 1_000;

    private Cells() {}

    /** What a scan answers. */
    public static @Nullable Object read(ColumnVector vector, int row) {
        if (vector.isNull(row)) {
            return null;
        }
        return switch (vector.type()) {
            case BOOL -> vector.getBoolean(row);
            case INT8 -> vector.getByte(row);
            case INT16 -> vector.getShort(row);
            case INT32 -> vector.getInt(row);
            case INT64 -> vector.getLong(row);
            case FLOAT -> vector.getFloat(row);
            case DOUBLE -> vector.getDouble(row);
            case DECIMAL32, DECIMAL64, DECIMAL128 -> vector.getDecimal(row);
            case STRING, VARCHAR, BINARY -> new Bytes(vector.getBytes(row));
            case DATE -> LocalDate.ofEpochDay(vector.getInt(row));
            case UNIXTIME_MICROS -> instant(vector.getLong(row));
        };
    }

    /** A default as a value. */
    public static Object of(Column column, CellValue value) {
        Object object = value.toObject(column);
        return switch (object) {
            case String text -> Bytes.ofText(text);
            case byte[] array -> new Bytes(array);
            default -> object;
        };
    }

    /**
     * Sets a cell of the started operation.
     *
     * @param asObject by the method that takes any object; otherwise by the one of the type, where there is one
     */
    public static void write(OperationBatch rows, int column, @Nullable Object value, boolean asObject) {
        switch (value) {
            case null -> {
                if (asObject) {
                    rows.set(column, null);
                } else {
                    rows.setNull(column);
                }
            }
            case Bytes bytes -> writeBytes(rows, column, bytes, asObject);
            case Boolean truth when !asObject -> rows.setBoolean(column, truth);
            case Byte number when !asObject -> writeInteger(rows, column, number);
            case Short number when !asObject -> writeInteger(rows, column, number);
            case Integer number when !asObject -> writeInteger(rows, column, number);
            case Long number when !asObject -> writeInteger(rows, column, number);
            case Float number when !asObject -> rows.setFloat(column, number);
            case Double number when !asObject -> rows.setDouble(column, number);
            default -> rows.set(column, value);
        }
    }

    private static void writeInteger(OperationBatch rows, int column, Number number) {
        if (rows.layout().schema().column(column).type().isDecimal()) {
            rows.set(column, number);
        } else {
            rows.setLong(column, number.longValue());
        }
    }

    private static void writeBytes(OperationBatch rows, int column, Bytes bytes, boolean asObject) {
        boolean isBinary = rows.layout().schema().column(column).type() == ColumnType.BINARY;
        if (asObject && !isBinary && bytes.isText()) {
            rows.setString(column, bytes.text());
        } else {
            rows.setBytes(column, bytes.array());
        }
    }

    /** What a column keeps of a value that it takes: a VARCHAR so many characters, a timestamp the microseconds. */
    public static @Nullable Object stored(Column column, @Nullable Object value) {
        return switch (value) {
            case Bytes bytes
            when column.type() == ColumnType.VARCHAR ->
                bytes.cutTo(column.attributes().lengthChars());
            case Instant instant -> instant.truncatedTo(ChronoUnit.MICROS);
            case null, default -> value;
        };
    }

    static Instant instant(long micros) {
        return Instant.ofEpochSecond(
                Math.floorDiv(micros, MICROS_PER_SECOND), Math.floorMod(micros, MICROS_PER_SECOND) * NANOS_PER_MICRO);
    }
}
