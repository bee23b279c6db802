package io.nyala.partition;

import io.nyala.rows.CellValue;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a scan lets one key column be: what lies between two bounds, or some values, which then are the bounds too.
 * Values are as in {@link KeyBytes}. Immutable.
 */
final class ColumnConstraint {
    private final ColumnType type;
    private final byte[] lower;
    private final byte @Nullable [] upper;
    private final @Nullable List<byte[]> values;

    private ColumnConstraint(ColumnType type, byte[] lower, byte @Nullable [] upper, @Nullable List<byte[]> values) {
        this.type = type;
        this.lower = lower;
        this.upper = upper;
        this.values = values;
    }

    /** Anything. */
    static ColumnConstraint all(ColumnType type) {
        return between(type, least(type), null);
    }

    /** The bytes below which the type has no value; they are one. */
    static byte[] least(ColumnType type) {
        return type.isVariable() ? KeyBytes.NONE : new byte[type.cellBytes()];
    }

    /**
     * @param lower a value, included
     * @param upper excluded; null for no bound
     */
    static ColumnConstraint between(ColumnType type, byte[] lower, byte @Nullable [] upper) {
        if (upper != null && Arrays.compareUnsigned(lower, upper) >= 0) {
            return nothing(type);
        }
        // Between a value and the next one, or from the last one on, there is nothing but that value.
        boolean isOne = Arrays.equals(upper, KeyBytes.behindValue(type, lower));
        return new ColumnConstraint(type, lower, upper, isOne ? List.of(lower) : null);
    }

    static ColumnConstraint nothing(ColumnType type) {
        return new ColumnConstraint(type, KeyBytes.NONE, KeyBytes.NONE, List.of());
    }

    /** @param values ascending */
    private static ColumnConstraint anyOf(ColumnType type, List<byte[]> values) {
        return values.isEmpty()
                ? nothing(type)
                : new ColumnConstraint(type, values.getFirst(), KeyBytes.behindValue(type, values.getLast()), values);
    }

    static ColumnConstraint of(ColumnType type, Predicate predicate) {
        return switch (predicate) {
            case Predicate.Equal equal -> anyOf(type, List.of(KeyBytes.ofCell(type, equal.value())));
            case Predicate.InList list ->
                anyOf(
                        type,
                        list.values().stream()
                                .map(value -> KeyBytes.ofCell(type, value))
                                .sorted(Arrays::compareUnsigned)
                                .toList());
            case Predicate.Range range -> {
                CellValue first = range.lower();
                CellValue end = range.upper();
                yield between(
                        type,
                        first == null ? least(type) : KeyBytes.ofCell(type, first),
                        end == null ? null : KeyBytes.ofCell(type, end));
            }
            case Predicate.IsNull _ -> nothing(type); // No column of a key is ever NULL.
            case Predicate.IsNotNull _, Predicate.InBloomFilters _ -> all(type);
        };
    }

    /** What both allow. */
    ColumnConstraint and(ColumnConstraint other) {
        if (values != null) {
            return anyOf(type, values.stream().filter(other::allows).toList());
        }
        if (other.values != null) {
            return other.and(this);
        }
        byte[] least = Arrays.compareUnsigned(lower, other.lower) >= 0 ? lower : other.lower;
        byte[] behind = upper;
        if (behind == null || (other.upper != null && Arrays.compareUnsigned(other.upper, behind) < 0)) {
            behind = other.upper;
        }
        return between(type, least, behind);
    }

    private boolean allows(byte[] value) {
        return values == null
                ? Arrays.compareUnsigned(value, lower) >= 0
                        && (upper == null || Arrays.compareUnsigned(value, upper) < 0)
                : Collections.binarySearch(values, value, Arrays::compareUnsigned) >= 0;
    }

    /** The least value that it may be, or one below that. */
    byte[] lower() {
        return lower;
    }

    /** Excluded; null for no bound. */
    byte @Nullable [] upper() {
        return upper;
    }

    /** All that it may be, ascending; null if that is not known. */
    @Nullable
    List<byte[]> values() {
        return values;
    }

    boolean isEmpty() {
        return values != null && values.isEmpty();
    }
}
