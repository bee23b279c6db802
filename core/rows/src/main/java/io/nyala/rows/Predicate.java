package io.nyala.rows;

import io.nyala.memory.Check;
import io.nyala.rows.CellConversion.Bounds;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A condition on one column. Immutable. NULL matches {@link IsNull} and nothing else.
 *
 * <p>The factories take Java values and mean what mathematics means: a value that the column cannot hold (300 in an
 * INT8, 1.234 in a DECIMAL of scale 2) equals no cell, and as a bound it is as good as any other. A value of the wrong
 * Java type is an {@link IllegalArgumentException}. To evaluate one, compile it: {@link CellFilter}.
 */
public sealed interface Predicate {
    /** Index in the schema. */
    int column();

    /** The cell has this value. */
    record Equal(int column, CellValue value) implements Predicate {}

    /**
     * The cell lies between two bounds, at least one of which is given: without any it would be {@link IsNotNull},
     * which NaN matches and a range does not.
     *
     * @param lower included; null for no bound
     * @param upper excluded; null for no bound
     */
    record Range(
            int column, @Nullable CellValue lower, @Nullable CellValue upper) implements Predicate {
        public Range {
            if (lower == null && upper == null) {
                throw new IllegalArgumentException("a range on column " + column + " without bounds: use IsNotNull");
            }
        }
    }

    /**
     * The cell has one of these values.
     *
     * @param values ascending as cells of the column compare, none twice; may be empty, then nothing matches
     */
    record InList(int column, List<CellValue> values) implements Predicate {
        public InList {
            values = List.copyOf(values);
            Check.inRange("number of values of an IN list", values.size(), 0, Limits.IN_LIST_VALUES_MAX);
        }
    }

    record IsNull(int column) implements Predicate {}

    record IsNotNull(int column) implements Predicate {}

    /** {@code column = value}. */
    static Predicate equal(Schema schema, String name, Object value) {
        return in(schema, name, List.of(value));
    }

    /** {@code column IN (values)}. */
    static Predicate in(Schema schema, String name, Collection<?> values) {
        int index = schema.indexOfExisting(name);
        Column column = schema.column(index);
        List<CellValue> cells = values.stream()
                .map(value -> Bounds.cellOrNull(column, value))
                .filter(Objects::nonNull)
                .toList();
        return ofCells(schema, index, cells);
    }

    /** {@code column IN (values)} for values that are cells already, in any order. */
    static Predicate ofCells(Schema schema, int column, List<CellValue> values) {
        ColumnType type = schema.column(column).type();
        CellValue[] sorted = values.toArray(CellValue[]::new);
        Arrays.sort(sorted, (left, right) -> left.compareTo(right, type));
        int count = 0;
        for (CellValue value : sorted) {
            if (count == 0 || sorted[count - 1].compareTo(value, type) != 0) {
                sorted[count++] = value;
            }
        }
        return count == 1 ? new Equal(column, sorted[0]) : new InList(column, List.of(Arrays.copyOf(sorted, count)));
    }

    /** {@code lower <= column < upper}. */
    static Predicate range(Schema schema, String name, Object lower, Object upper) {
        int index = schema.indexOfExisting(name);
        Column column = schema.column(index);
        return Bounds.atLeast(column, lower).and(Bounds.lessThan(column, upper)).predicate(index);
    }

    /** {@code column >= value}. */
    static Predicate atLeast(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.atLeast(schema.column(index), value).predicate(index);
    }

    /** {@code column > value}. */
    static Predicate greaterThan(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.greaterThan(schema.column(index), value).predicate(index);
    }

    /** {@code column < value}. */
    static Predicate lessThan(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.lessThan(schema.column(index), value).predicate(index);
    }

    /** {@code column <= value}. */
    static Predicate atMost(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.atMost(schema.column(index), value).predicate(index);
    }

    /** {@code column IS NULL}. */
    static Predicate isNull(Schema schema, String name) {
        return new IsNull(schema.indexOfExisting(name));
    }

    /** {@code column IS NOT NULL}. */
    static Predicate isNotNull(Schema schema, String name) {
        return new IsNotNull(schema.indexOfExisting(name));
    }

    /** What matches nothing. */
    static Predicate never(int column) {
        return new InList(column, List.of());
    }

    /** For messages and {@code explain}. */
    default String describe(Schema schema) {
        Column column = schema.column(column());
        String name = column.name();
        return switch (this) {
            case Equal equal -> name + " = " + equal.value().text(column);
            case Range range ->
                (range.lower() == null ? "" : range.lower().text(column) + " <= ")
                        + name
                        + (range.upper() == null ? "" : " < " + range.upper().text(column));
            case InList list ->
                name + " IN "
                        + list.values().stream()
                                .map(value -> value.text(column))
                                .toList();
            case IsNull _ -> name + " IS NULL";
            case IsNotNull _ -> name + " IS NOT NULL";
        };
    }
}
