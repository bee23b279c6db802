package io.nyala.rows;

/**
 * What a column holds: how wide a cell is, how cells compare, and the code by which the type is known on disk.
 * Immutable.
 *
 * <p>Integer-like types compare as signed integers: decimals are two's complement unscaled values, dates are days and
 * timestamps are microseconds since 1970-01-01 (UTC). Strings compare as unsigned bytes (UTF-8, by agreement: not
 * checked).
 */
public enum ColumnType {
    BOOL(9, 1),
    INT8(1, 1),
    INT16(3, 2),
    INT32(5, 4),
    INT64(7, 8),
    FLOAT(10, 4),
    DOUBLE(11, 8),
    DECIMAL32(15, 4),
    DECIMAL64(16, 8),
    DECIMAL128(17, 16),
    STRING(8, 8),
    BINARY(12, 8),
    VARCHAR(19, 8),
    DATE(20, 4),
    UNIXTIME_MICROS(13, 8);

    private static final int CODES = 21;
    private static final ColumnType[] BY_CODE = new ColumnType[CODES];

    static {
        for (ColumnType type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final int cellBytes;

    ColumnType(int code, int cellBytes) {
        this.code = code;
        this.cellBytes = cellBytes;
    }

    /** The narrowest decimal that holds so many digits. */
    public static ColumnType decimal(int precision) {
        if (precision < 1 || precision > Limits.DECIMAL_PRECISION_MAX) {
            throw new IllegalArgumentException(
                    "precision must be between 1 and " + Limits.DECIMAL_PRECISION_MAX + ", was " + precision);
        }
        if (precision <= DECIMAL32.precisionMax()) {
            return DECIMAL32;
        }
        return precision <= DECIMAL64.precisionMax() ? DECIMAL64 : DECIMAL128;
    }

    /** The type with this code. */
    static ColumnType ofCode(int code) {
        ColumnType type = code < 0 || code >= CODES ? null : BY_CODE[code];
        if (type == null) {
            throw new IllegalArgumentException("no column type has the code " + code);
        }
        return type;
    }

    /** Stable, on disk; Kudu's number for the same type. */
    public int code() {
        return code;
    }

    /** Bytes of a cell in a packed row; of a variable-length one, its {@code u32 offset, u32 bytes}. */
    public int cellBytes() {
        return cellBytes;
    }

    public boolean isVariable() {
        return switch (this) {
            case STRING, BINARY, VARCHAR -> true;
            default -> false;
        };
    }

    /** Whether cells compare as signed integers. */
    public boolean isIntegerLike() {
        return switch (this) {
            case INT8, INT16, INT32, INT64, DECIMAL32, DECIMAL64, DECIMAL128, DATE, UNIXTIME_MICROS -> true;
            case BOOL, FLOAT, DOUBLE, STRING, BINARY, VARCHAR -> false;
        };
    }

    public boolean isDecimal() {
        return switch (this) {
            case DECIMAL32, DECIMAL64, DECIMAL128 -> true;
            default -> false;
        };
    }

    public boolean mayBeKey() {
        return isIntegerLike() || isVariable();
    }

    /** The most digits of a decimal of this type. */
    int precisionMax() {
        return switch (this) {
            case DECIMAL32 -> 9;
            case DECIMAL64 -> 18;
            case DECIMAL128 -> Limits.DECIMAL_PRECISION_MAX;
            default -> 0;
        };
    }
}
