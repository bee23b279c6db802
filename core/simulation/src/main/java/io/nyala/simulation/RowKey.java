package io.nyala.simulation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A primary key in a model: the values of its columns, as {@link Cells} holds them, ordered column by column.
 * Immutable.
 *
 * @param values none is null
 */
public record RowKey(List<Object> values) implements Comparable<RowKey> {
    public RowKey {
        values = List.copyOf(values);
    }

    /** The key of a row that begins with its key columns. */
    public static RowKey of(List<@Nullable Object> row, int keyColumnCount) {
        return new RowKey(row.subList(0, keyColumnCount).stream()
                .map(value -> {
                    if (value == null) {
                        throw new IllegalArgumentException("a key column is NULL in " + row);
                    }
                    return value;
                })
                .toList());
    }

    @Override
    public int compareTo(RowKey other) {
        for (int i = 0; i < values.size(); i++) {
            int order = compare(values.get(i), other.values.get(i));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    @SuppressWarnings("unchecked") // Both are values of one column, whose values have one type.
    private static int compare(Object left, Object right) {
        return ((Comparable<Object>) left).compareTo(right);
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
