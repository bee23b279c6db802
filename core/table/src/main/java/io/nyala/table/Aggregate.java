package io.nyala.table;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One number, or value, about all rows of a scan.
 *
 * @param column whose cells that are not NULL count; null for whole rows
 */
public record Aggregate(Kind kind, @Nullable String column) {
    /** What is to be known. */
    public enum Kind {
        /** How many there are. */
        COUNT,
        /** Of integers and decimals exact, however large it becomes; of floating-point numbers in no certain order. */
        SUM,
        /** As conditions order values; -0.0 is 0.0, and NaN is larger than any other number. */
        MIN,
        MAX
    }

    public Aggregate {
        Objects.requireNonNull(kind, "kind");
        if (column == null && kind != Kind.COUNT) {
            throw new IllegalArgumentException(kind + " needs a column");
        }
    }

    /** The rows. */
    public static Aggregate count() {
        return new Aggregate(Kind.COUNT, null);
    }

    /** The cells of a column that are not NULL. */
    public static Aggregate count(String column) {
        return new Aggregate(Kind.COUNT, column);
    }

    /** Of a column of numbers. */
    public static Aggregate sum(String column) {
        return new Aggregate(Kind.SUM, column);
    }

    public static Aggregate min(String column) {
        return new Aggregate(Kind.MIN, column);
    }

    public static Aggregate max(String column) {
        return new Aggregate(Kind.MAX, column);
    }

    @Override
    public String toString() {
        return kind + "(" + (column == null ? "*" : column) + ")";
    }
}
