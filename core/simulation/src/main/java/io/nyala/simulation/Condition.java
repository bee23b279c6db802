package io.nyala.simulation;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A random predicate, and beside it what it means by mathematics alone, for cells as {@link Cells} holds them: numbers
 * compare as numbers, NaN matches no value, NULL matches {@code IS NULL} only. Immutable.
 *
 * @param predicate for the engine
 * @param column that it is on
 * @param meaning what the model goes by
 */
public record Condition(Predicate predicate, int column, Meaning meaning) {
    private static final int LONG_LIST_VALUES = 300;

    /** Says whether a cell matches; null is NULL. */
    @FunctionalInterface
    public interface Meaning {
        boolean matches(@Nullable Object cell);
    }

    /**
     * Draws one.
     *
     * @param there values that the column has, one of which is compared with as often as not; may be empty
     */
    public static Condition draw(SplittableRandom random, Schema schema, int column, List<Object> there) {
        Column definition = schema.column(column);
        String name = definition.name();
        Object value = operand(random, definition, there);
        Object other = operand(random, definition, there);
        Object given = given(random, definition, value);
        return switch (random.nextInt(10)) {
            case 0 -> new Condition(Predicate.equal(schema, name, given), column, cell -> compare(cell, value, 0, 0));
            case 1 -> new Condition(Predicate.atLeast(schema, name, given), column, cell -> compare(cell, value, 0, 1));
            case 2 ->
                new Condition(Predicate.greaterThan(schema, name, given), column, cell -> compare(cell, value, 1, 1));
            case 3 ->
                new Condition(Predicate.lessThan(schema, name, given), column, cell -> compare(cell, value, -1, -1));
            case 4 -> new Condition(Predicate.atMost(schema, name, given), column, cell -> compare(cell, value, -1, 0));
            case 5, 6 ->
                new Condition(
                        Predicate.range(schema, name, given, given(random, definition, other)),
                        column,
                        cell -> compare(cell, value, 0, 1) && compare(cell, other, -1, -1));
            case 7 -> new Condition(Predicate.isNull(schema, name), column, cell -> cell == null);
            case 8 -> new Condition(Predicate.isNotNull(schema, name), column, cell -> cell != null);
            default -> list(random, schema, column, there);
        };
    }

    /** That the column, one of the key, has this value. */
    public static Condition ofKey(SplittableRandom random, Schema schema, int column, Object value) {
        Object given = given(random, schema.column(column), value);
        var predicate = Predicate.equal(schema, schema.column(column).name(), given);
        return new Condition(predicate, column, value::equals);
    }

    /** Whether a row, with all its cells, matches. */
    public boolean matches(List<@Nullable Object> row) {
        return meaning.matches(row.get(column));
    }

    private static Condition list(SplittableRandom random, Schema schema, int column, List<Object> there) {
        Column definition = schema.column(column);
        List<Object> values = new ArrayList<>();
        for (int i = random.nextInt(8) == 0 ? LONG_LIST_VALUES : random.nextInt(6); i > 0; i--) {
            values.add(operand(random, definition, there));
        }
        Predicate predicate = Predicate.in(
                schema,
                definition.name(),
                values.stream().map(value -> given(random, definition, value)).toList());
        return new Condition(predicate, column, cell -> values.stream().anyMatch(value -> compare(cell, value, 0, 0)));
    }

    private static Object operand(SplittableRandom random, Column column, List<Object> there) {
        if (!there.isEmpty() && random.nextBoolean()) {
            return there.get(random.nextInt(there.size()));
        }
        return random.nextInt(4) == 0 ? beyond(random, column) : RandomCells.value(random, column);
    }

    /** A value that the column cannot hold, or hardly; what it can hold where there is none. */
    private static Object beyond(SplittableRandom random, Column column) {
        return switch (column.type()) {
            case INT8, INT16, INT32, INT64 ->
                random.nextBoolean()
                        ? BigInteger.valueOf(RandomCells.integer(random, Long.SIZE))
                                .add(BigInteger.valueOf(random.nextInt(-2, 3)))
                        : RandomCells.integer(random, Long.SIZE);
            case DECIMAL32, DECIMAL64, DECIMAL128 -> {
                int scale = column.attributes().scale() + random.nextInt(-2, 3);
                yield new BigDecimal(BigInteger.valueOf(RandomCells.integer(random, Long.SIZE)), scale)
                        .scaleByPowerOfTen(random.nextInt(8) == 0 ? random.nextInt(-900, 900) : 0);
            }
            case DATE ->
                random.nextBoolean()
                        ? LocalDate.of(-5, 3, 1)
                        : LocalDate.of(10_000, 1, 1).plusDays(random.nextInt(9));
            case UNIXTIME_MICROS ->
                switch (random.nextInt(3)) {
                    case 0 -> Instant.MAX;
                    case 1 -> Instant.MIN;
                    default -> Instant.EPOCH.plusNanos(random.nextInt(-5_000, 5_000));
                };
            case BOOL, FLOAT, DOUBLE, STRING, VARCHAR, BINARY -> RandomCells.value(random, column);
        };
    }

    /** As an object that a predicate takes. */
    private static Object given(SplittableRandom random, Column column, Object value) {
        if (!(value instanceof Bytes bytes)) {
            return value;
        }
        boolean isText = column.type() != ColumnType.BINARY && bytes.isText() && random.nextBoolean();
        return isText ? bytes.text() : bytes.array();
    }

    /** Whether a cell has a value; -0.0 is 0.0, and NaN is nothing. */
    public static boolean isEqual(@Nullable Object cell, Object value) {
        return compare(cell, value, 0, 0);
    }

    /** Whether the sign of {@code cell} compared with {@code value} lies within two bounds; never for NULL or NaN. */
    private static boolean compare(@Nullable Object cell, Object value, int signMin, int signMax) {
        if (cell == null || isNaN(cell) || isNaN(value)) {
            return false;
        }
        int sign = Integer.signum(order(cell, value));
        return signMin <= sign && sign <= signMax;
    }

    private static boolean isNaN(Object value) {
        return (value instanceof Double real && real.isNaN()) || (value instanceof Float single && single.isNaN());
    }

    private static int order(Object left, Object right) {
        return switch (left) {
            case Float a -> Double.compare(a + 0.0, ((Number) right).doubleValue() + 0.0); // -0.0 becomes 0.0.
            case Double a -> Double.compare(a + 0.0, ((Number) right).doubleValue() + 0.0);
            case Number a -> number(a).compareTo(number((Number) right));
            case Boolean a -> a.compareTo((Boolean) right);
            case Bytes a -> a.compareTo((Bytes) right);
            case LocalDate a -> a.compareTo((LocalDate) right);
            case Instant a -> a.compareTo((Instant) right);
            default -> throw new AssertionError(left.getClass());
        };
    }

    private static BigDecimal number(Number number) {
        return switch (number) {
            case BigDecimal decimal -> decimal;
            case BigInteger whole -> new BigDecimal(whole);
            default -> BigDecimal.valueOf(number.longValue());
        };
    }
}
