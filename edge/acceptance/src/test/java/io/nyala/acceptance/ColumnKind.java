package io.nyala.acceptance;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Date;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.ColumnTypeAttributes.ColumnTypeAttributesBuilder;
import org.apache.kudu.Type;
import org.apache.kudu.client.RowResult;
import org.jspecify.annotations.Nullable;

/**
 * Each type of column that a client can make, decimals by the width that they are stored in, with values of it: the
 * least, the largest and some between, in the order that a server must see in them.
 */
enum ColumnKind {
    BOOL(Type.BOOL, false, true),
    INT8(Type.INT8, Byte.MIN_VALUE, (byte) -1, (byte) 0, (byte) 1, Byte.MAX_VALUE),
    INT16(Type.INT16, Short.MIN_VALUE, (short) -1, (short) 0, (short) 256, Short.MAX_VALUE),
    INT32(Type.INT32, Integer.MIN_VALUE, -1, 0, 65_536, Integer.MAX_VALUE),
    INT64(Type.INT64, Long.MIN_VALUE, -1L, 0L, 1L << 32, Long.MAX_VALUE),
    FLOAT(
            Type.FLOAT,
            Float.NEGATIVE_INFINITY,
            -Float.MAX_VALUE,
            -1.5f,
            0f,
            Float.MIN_VALUE,
            Float.MAX_VALUE,
            Float.POSITIVE_INFINITY),
    DOUBLE(
            Type.DOUBLE,
            Double.NEGATIVE_INFINITY,
            -Double.MAX_VALUE,
            -1.5,
            0.0,
            Double.MIN_VALUE,
            Double.MAX_VALUE,
            Double.POSITIVE_INFINITY),
    DECIMAL32(decimal(9, 2)),
    DECIMAL64(decimal(18, 4)),
    DECIMAL128(decimal(38, 10)),
    STRING(Type.STRING, "", "\0", "\0\0", "a", "a\0b", "ab", "ab" + "c".repeat(2_000), "é", "\uffff", "\ud83e\udd8c"),
    VARCHAR(Type.VARCHAR, "", "\0a", "a", "abc", "é", "ééé", "\ud83e\udd8ca"),
    BINARY(
            Type.BINARY,
            bytes(""),
            bytes("00"),
            bytes("0000"),
            bytes("0001"),
            bytes("01"),
            bytes("7f"),
            bytes("80"),
            bytes("ff"),
            bytes("ffff")),
    DATE(Type.DATE, day(-719_162), day(-1), day(0), day(1), day(2_932_896)),
    UNIXTIME_MICROS(Type.UNIXTIME_MICROS, Long.MIN_VALUE, -1L, 0L, 1_700_000_000_123_456L, Long.MAX_VALUE);

    private static final int VARCHAR_LENGTH = 3;

    private final Type type;
    private final int precision;
    private final int scale;

    @SuppressWarnings("ImmutableEnumChecker") // Nobody changes it.
    private final List<Object> values;

    ColumnKind(Type type, Object... values) {
        this.type = type;
        this.precision = 0;
        this.scale = 0;
        this.values = List.of(values);
    }

    ColumnKind(List<Object> decimals) {
        BigDecimal largest = (BigDecimal) decimals.getLast();
        this.type = Type.DECIMAL;
        this.precision = largest.precision();
        this.scale = largest.scale();
        this.values = decimals;
    }

    private static List<Object> decimal(int precision, int scale) {
        BigInteger largest = BigInteger.TEN.pow(precision).subtract(BigInteger.ONE);
        List<Object> values = new ArrayList<>();
        for (BigInteger units :
                List.of(largest.negate(), BigInteger.ONE.negate(), BigInteger.ZERO, BigInteger.ONE, largest)) {
            values.add(new BigDecimal(units, scale));
        }
        return values;
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private static Date day(long epochDay) {
        return Date.valueOf(LocalDate.ofEpochDay(epochDay));
    }

    /** A column of it, nullable or not as the caller then says. */
    ColumnSchemaBuilder column(String name) {
        ColumnSchemaBuilder column = new ColumnSchemaBuilder(name, type);
        return switch (type) {
            case DECIMAL ->
                column.typeAttributes(new ColumnTypeAttributesBuilder()
                        .precision(precision)
                        .scale(scale)
                        .build());
            case VARCHAR ->
                column.typeAttributes(
                        new ColumnTypeAttributesBuilder().length(VARCHAR_LENGTH).build());
            default -> column;
        };
    }

    /** Ascending; as {@code PartialRow.addObject} and predicates take them. */
    List<Object> samples() {
        return values;
    }

    boolean mayBeKey() {
        return Values.mayBeKey(type);
    }

    /** The cell of a row, as text that no two values have in common. */
    String read(RowResult row, String column) {
        if (row.isNull(column)) {
            return text(null);
        }
        // A moment before 1582 or after 294,247 is none that the client's own kind of moment can hold.
        return text(type == Type.UNIXTIME_MICROS ? (Object) row.getLong(column) : row.getObject(column));
    }

    static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "NULL";
            case byte[] bytes -> "0x" + HexFormat.of().formatHex(bytes);
            case String string -> '"' + string + '"';
            default -> value.toString();
        };
    }
}
