package io.nyala.rows;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** From Java values to cells and back, on the control plane. Stateless. */
final class CellConversion {
    private static final BigInteger MICROS_PER_SECOND = BigInteger.valueOf(1_000_000);
    private static final BigInteger NANOS_PER_MICRO = BigInteger.valueOf(1_000);

    // By the number of digits: the least number that has more, of 128 bits.
    private static final long[] BEYOND_HIGH = new long[Limits.DECIMAL_PRECISION_MAX + 1];
    private static final long[] BEYOND_LOW = new long[Limits.DECIMAL_PRECISION_MAX + 1];

    static {
        for (int digits = 0; digits <= Limits.DECIMAL_PRECISION_MAX; digits++) {
            BigInteger beyond = BigInteger.TEN.pow(digits);
            BEYOND_HIGH[digits] = beyond.shiftRight(Long.SIZE).longValueExact();
            BEYOND_LOW[digits] = beyond.longValue();
        }
    }

    private CellConversion() {}

    /**
     * A Java value among the values that a column can hold.
     *
     * @param ceiling the smallest integer of the column's unit that is not below the value; may be out of the column's
     *     range
     * @param isExact whether it is the value
     */
    record Scaled(BigInteger ceiling, boolean isExact) {}

    /** The cell that holds exactly this value. */
    static CellValue exact(Column column, Object value) {
        ColumnType type = column.type();
        CellValue cell = direct(column, value);
        if (cell != null) {
            return cell;
        }
        Scaled scaled = scaled(column, value);
        if (!scaled.isExact()) {
            throw new IllegalArgumentException(column.describe() + " cannot hold this "
                    + value.getClass().getSimpleName() + " exactly: it has too many digits after the "
                    + (type.isDecimal() ? "decimal point" : "microsecond"));
        }
        BigInteger units = scaled.ceiling();
        if (units.compareTo(min(column)) < 0 || units.compareTo(max(column)) > 0) {
            throw new IllegalArgumentException(column.describe() + " cannot hold this "
                    + value.getClass().getSimpleName() + ": out of range (between " + min(column) + " and "
                    + max(column) + (type.isDecimal() ? ", without the decimal point)" : ")"));
        }
        return CellValue.ofInteger(type, units);
    }

    /** The cell of a floating-point or variable-length column; null for the others. */
    static @Nullable CellValue direct(Column column, Object value) {
        return switch (column.type()) {
            case FLOAT -> {
                if (value instanceof Float number) {
                    yield CellValue.ofFloat(number);
                }
                throw wrongType(column, value, "a Float");
            }
            case DOUBLE -> {
                if (value instanceof Double || value instanceof Float) {
                    yield CellValue.ofDouble(((Number) value).doubleValue());
                }
                throw wrongType(column, value, "a Double or Float");
            }
            case STRING, VARCHAR -> {
                if (value instanceof String text) {
                    yield CellValue.owning(text.getBytes(StandardCharsets.UTF_8));
                }
                if (value instanceof byte[] bytes) {
                    yield CellValue.ofBytes(bytes);
                }
                throw wrongType(column, value, "a String or byte[]");
            }
            case BINARY -> {
                if (value instanceof byte[] bytes) {
                    yield CellValue.ofBytes(bytes);
                }
                throw wrongType(column, value, "a byte[]");
            }
            default -> null;
        };
    }

    /** The value in the unit of an integer-like column (or BOOL). */
    static Scaled scaled(Column column, Object value) {
        return switch (column.type()) {
            case BOOL -> {
                if (value instanceof Boolean truth) {
                    yield new Scaled(truth ? BigInteger.ONE : BigInteger.ZERO, true);
                }
                throw wrongType(column, value, "a Boolean");
            }
            case INT8, INT16, INT32, INT64 -> {
                BigInteger whole = whole(value);
                if (whole != null) {
                    yield new Scaled(whole, true);
                }
                throw wrongType(column, value, "a Byte, Short, Integer or Long");
            }
            case DECIMAL32, DECIMAL64, DECIMAL128 -> scaledDecimal(column, value);
            case DATE -> {
                if (value instanceof LocalDate date) {
                    yield new Scaled(BigInteger.valueOf(date.toEpochDay()), true);
                }
                throw wrongType(column, value, "a LocalDate");
            }
            case UNIXTIME_MICROS -> {
                if (value instanceof Long micros) {
                    yield new Scaled(BigInteger.valueOf(micros), true);
                }
                if (value instanceof Instant instant) {
                    yield scaledInstant(instant);
                }
                throw wrongType(column, value, "an Instant, or a Long of microseconds");
            }
            case FLOAT, DOUBLE, STRING, BINARY, VARCHAR -> throw new AssertionError(column.type() + " has no unit");
        };
    }

    private static Scaled scaledDecimal(Column column, Object value) {
        BigInteger whole = whole(value);
        BigDecimal decimal = value instanceof BigDecimal given ? given : whole == null ? null : new BigDecimal(whole);
        if (decimal == null) {
            throw wrongType(column, value, "a BigDecimal or a whole number");
        }
        // A huge exponent would ask for gigabytes of digits; beyond these bounds all values are equally out of range or
        // next to zero.
        int digits = 2 * Limits.DECIMAL_PRECISION_MAX;
        long magnitude = (long) decimal.precision() - decimal.scale();
        if (decimal.signum() != 0 && magnitude > digits) {
            BigInteger beyond = BigInteger.TEN.pow(digits);
            return new Scaled(decimal.signum() < 0 ? beyond.negate() : beyond, true);
        }
        if (decimal.signum() != 0 && magnitude < -digits) {
            return new Scaled(decimal.signum() < 0 ? BigInteger.ZERO : BigInteger.ONE, false);
        }
        BigDecimal ceiling = decimal.setScale(column.attributes().scale(), RoundingMode.CEILING);
        return new Scaled(ceiling.unscaledValue(), ceiling.compareTo(decimal) == 0);
    }

    private static Scaled scaledInstant(Instant instant) {
        BigInteger[] micros = BigInteger.valueOf(instant.getNano()).divideAndRemainder(NANOS_PER_MICRO);
        boolean isExact = micros[1].signum() == 0;
        BigInteger floor = BigInteger.valueOf(instant.getEpochSecond())
                .multiply(MICROS_PER_SECOND)
                .add(micros[0]);
        return new Scaled(isExact ? floor : floor.add(BigInteger.ONE), isExact);
    }

    private static @Nullable BigInteger whole(Object value) {
        if (value instanceof Integer || value instanceof Long || value instanceof Short || value instanceof Byte) {
            return BigInteger.valueOf(((Number) value).longValue());
        }
        return value instanceof BigInteger big ? big : null;
    }

    /** The least value of an integer-like column (or BOOL), in its unit. */
    static BigInteger min(Column column) {
        return switch (column.type()) {
            case BOOL -> BigInteger.ZERO;
            case DATE -> BigInteger.valueOf(Limits.DATE_DAYS_MIN);
            case DECIMAL32, DECIMAL64, DECIMAL128 -> max(column).negate();
            default -> max(column).not();
        };
    }

    /** The largest value of an integer-like column (or BOOL), in its unit. */
    static BigInteger max(Column column) {
        return switch (column.type()) {
            case BOOL -> BigInteger.ONE;
            case DATE -> BigInteger.valueOf(Limits.DATE_DAYS_MAX);
            case DECIMAL32, DECIMAL64, DECIMAL128 ->
                BigInteger.TEN.pow(column.attributes().precision()).subtract(BigInteger.ONE);
            default ->
                BigInteger.ONE
                        .shiftLeft(column.type().cellBytes() * Byte.SIZE - 1)
                        .subtract(BigInteger.ONE);
        };
    }

    /** Whether a column's unit lies below (negative), within (0) or above what the column can hold. */
    static int compareToRange(Column column, BigInteger units) {
        if (units.compareTo(min(column)) < 0) {
            return -1;
        }
        return units.compareTo(max(column)) > 0 ? 1 : 0;
    }

    /** Whether a number of 128 bits has at most so many digits. */
    static boolean hasDigits(int digits, long high, long low) {
        long positiveLow = high < 0 ? -low : low;
        long positiveHigh = high < 0 ? ~high + (low == 0 ? 1 : 0) : high;
        return positiveHigh >= 0
                && (positiveHigh < BEYOND_HIGH[digits]
                        || (positiveHigh == BEYOND_HIGH[digits]
                                && Long.compareUnsigned(positiveLow, BEYOND_LOW[digits]) < 0));
    }

    static int digits(BigInteger value) {
        return value.abs().toString().length();
    }

    static Instant instant(long micros) {
        return Instant.ofEpochSecond(Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1_000L);
    }

    static IllegalArgumentException wrongType(Column column, Object value, String expected) {
        return new IllegalArgumentException(column.describe() + " takes " + expected + ", was given a "
                + value.getClass().getSimpleName());
    }

    /** Digits in groups of three, whatever the locale. */
    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    static String outOfRange(Column column) {
        return "the value for " + column.describe() + " is out of range: between " + min(column) + " and " + max(column)
                + (column.type().isDecimal() ? ", without the decimal point" : "");
    }

    static String tooManyDigits(Column column) {
        return column.describe() + " has no room for so many digits after the decimal point";
    }

    static String tooLong(Column column, String bytes) {
        return "the value for " + column.describe() + " is too long: " + bytes + " bytes, "
                + number(Limits.CELL_BYTES_MAX) + " is the limit";
    }

    static String halfPair(Column column) {
        return column.describe() + " was given a string with half of a surrogate pair";
    }

    static String keyTooLong(long bytes) {
        return "encoded primary key too large (" + bytes + " bytes, maximum is " + Limits.KEY_BYTES_MAX + " bytes)";
    }

    /**
     * A half-open range of the cells of a column, in the making: from Java values, which may lie outside of what the
     * column can hold, or between two of its cells. Immutable.
     *
     * @param lower included; null for no bound
     * @param upper excluded; null for no bound
     * @param isEmpty whether no cell can lie in it
     */
    record Bounds(
            ColumnType type,
            @Nullable CellValue lower,
            @Nullable CellValue upper,
            boolean isEmpty) {
        static Bounds atLeast(Column column, Object value) {
            return above(column, value, true);
        }

        static Bounds greaterThan(Column column, Object value) {
            return above(column, value, false);
        }

        static Bounds lessThan(Column column, Object value) {
            return below(column, value, false);
        }

        static Bounds atMost(Column column, Object value) {
            return below(column, value, true);
        }

        /** The cell that is equal to a value, null if the column cannot hold it. */
        static @Nullable CellValue cellOrNull(Column column, Object value) {
            CellValue cell = direct(column, value);
            if (cell != null) {
                return isNaN(column, cell) ? null : normalized(column, cell);
            }
            Scaled scaled = scaled(column, value);
            boolean isHeld = scaled.isExact() && compareToRange(column, scaled.ceiling()) == 0;
            return isHeld ? CellValue.ofInteger(column.type(), scaled.ceiling()) : null;
        }

        private static Bounds above(Column column, Object value, boolean isIncluded) {
            ColumnType type = column.type();
            CellValue cell = direct(column, value);
            if (cell != null) {
                if (isNaN(column, cell)) {
                    return new Bounds(type, null, null, true);
                }
                CellValue lower = isIncluded ? normalized(column, cell) : next(column, cell);
                return new Bounds(type, lower, null, lower == null);
            }
            BigInteger lower = firstUnit(scaled(column, value), isIncluded);
            int side = compareToRange(column, lower);
            return new Bounds(type, side == 0 ? CellValue.ofInteger(type, lower) : null, null, side > 0);
        }

        private static Bounds below(Column column, Object value, boolean isIncluded) {
            ColumnType type = column.type();
            CellValue cell = direct(column, value);
            if (cell != null) {
                if (isNaN(column, cell)) {
                    return new Bounds(type, null, null, true);
                }
                CellValue upper = isIncluded ? next(column, cell) : normalized(column, cell);
                // Up to infinity lies everything but NaN, and that is more than to be not NULL.
                return upper == null ? atLeast(column, Float.NEGATIVE_INFINITY) : new Bounds(type, null, upper, false);
            }
            // <= v is < the first unit above v; < v is < the first unit not below v.
            BigInteger upper = firstUnit(scaled(column, value), !isIncluded);
            boolean isEmpty = upper.compareTo(min(column)) <= 0;
            boolean isBound = compareToRange(column, upper) == 0;
            return new Bounds(type, null, isBound ? CellValue.ofInteger(type, upper) : null, isEmpty);
        }

        /** The first unit of the column that is not below the value, or above it. */
        private static BigInteger firstUnit(Scaled scaled, boolean isIncluded) {
            return scaled.isExact() && !isIncluded ? scaled.ceiling().add(BigInteger.ONE) : scaled.ceiling();
        }

        private static boolean isNaN(Column column, CellValue cell) {
            return isFloating(column) && Double.isNaN(cell.toDouble());
        }

        private static boolean isFloating(Column column) {
            return column.type() == ColumnType.FLOAT || column.type() == ColumnType.DOUBLE;
        }

        /** -0.0 equals 0.0, but their bytes differ. */
        private static CellValue normalized(Column column, CellValue cell) {
            if (!isFloating(column) || cell.toDouble() != 0) {
                return cell;
            }
            return column.type() == ColumnType.FLOAT ? CellValue.ofFloat(0) : CellValue.ofDouble(0);
        }

        /** The next larger cell of a floating-point or variable-length column, null if there is none. */
        private static @Nullable CellValue next(Column column, CellValue cell) {
            if (!isFloating(column)) {
                return CellValue.owning(Arrays.copyOf(cell.raw(), cell.bytes() + 1));
            }
            double value = cell.toDouble();
            if (value == Double.POSITIVE_INFINITY) {
                return null;
            }
            return column.type() == ColumnType.FLOAT
                    ? CellValue.ofFloat(Math.nextUp((float) value))
                    : CellValue.ofDouble(Math.nextUp(value));
        }

        /** Where both lie; each has at most one bound. */
        Bounds and(Bounds other) {
            CellValue newLower = lower == null ? other.lower : lower;
            CellValue newUpper = upper == null ? other.upper : upper;
            boolean isCrossed = newLower != null && newUpper != null && newLower.compareTo(newUpper, type) >= 0;
            return new Bounds(type, newLower, newUpper, isEmpty || other.isEmpty || isCrossed);
        }

        Predicate predicate(int column) {
            if (isEmpty) {
                return Predicate.never(column);
            }
            return lower == null && upper == null
                    ? new Predicate.IsNotNull(column)
                    : new Predicate.Range(column, lower, upper);
        }
    }
}
