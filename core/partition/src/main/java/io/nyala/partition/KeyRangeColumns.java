package io.nyala.partition;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Schema;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a range of encoded keys says about single columns, and about the range key if that is made of the first columns.
 * Its bounds may be cut off anywhere, as bounds of keys may; every key in it fits what is answered, but not all that
 * fits need be in it. Stateless.
 */
final class KeyRangeColumns {
    private KeyRangeColumns() {}

    /**
     * One column of a bound.
     *
     * @param value what the column's value cannot be below, if the bound is a lower one
     * @param behind what it cannot reach, if the bound is an upper one that ends here
     * @param next where the next column begins; -1 if the bound ends here
     */
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
    private record Part(byte[] value, byte[] behind, int next) {
        boolean isWhole() {
            return next >= 0;
        }
    }

    /** What is left of each column of the key. */
    static List<ColumnConstraint> constraints(Schema schema, KeyRange range) {
        List<ColumnConstraint> constraints = new ArrayList<>();
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            constraints.add(ColumnConstraint.all(schema.column(i).type()));
        }
        // As long as a bound is given, all keys in the range begin with what it has before `at`.
        byte @Nullable [] lower = range.lower();
        byte @Nullable [] upper = range.upper();
        int at = 0;
        for (int i = 0; i < schema.keyColumnCount() && (lower != null || upper != null); i++) {
            ColumnType type = schema.column(i).type();
            Part first = lower == null ? null : part(schema, lower, at, i);
            Part last = upper == null ? null : part(schema, upper, at, i);
            byte[] least = first == null ? ColumnConstraint.least(type) : first.value;
            byte[] behind = upper == null || last == null ? null : behind(schema, upper, last, i);
            ColumnConstraint constraint = ColumnConstraint.between(type, least, behind);
            constraints.set(i, constraint);
            List<byte[]> values = constraint.values();
            if (values == null || values.size() != 1) {
                break;
            }
            int nextOfLower = first == null ? -1 : first.next;
            int nextOfUpper = last != null && Arrays.equals(last.value, values.getFirst()) ? last.next : -1;
            lower = nextOfLower < 0 ? null : lower;
            upper = nextOfUpper < 0 ? null : upper;
            at = Math.max(nextOfLower, nextOfUpper);
        }
        return constraints;
    }

    /** What a column cannot reach because of an upper bound that all columns before it reach; null if nothing. */
    private static byte @Nullable [] behind(Schema schema, byte[] upper, Part last, int column) {
        if (!last.isWhole()) {
            return last.behind;
        }
        // The value itself is possible only if what follows it in a key can be below what follows it in the bound.
        return isLeast(schema, upper, last.next, column + 1)
                ? last.value
                : KeyBytes.behindValue(schema.column(column).type(), last.value);
    }

    /** Whether no key has less than these bytes from this column on. */
    private static boolean isLeast(Schema schema, byte[] upper, int at, int column) {
        int bytesMin = 0;
        for (int i = column; i < schema.keyColumnCount(); i++) {
            ColumnType type = schema.column(i).type();
            boolean isLast = i == schema.keyColumnCount() - 1;
            bytesMin += type.isVariable() ? (isLast ? 0 : Short.BYTES) : type.cellBytes();
        }
        for (int i = at; i < upper.length; i++) {
            if (upper[i] != 0) {
                return false;
            }
        }
        return upper.length - at <= bytesMin;
    }

    private static Part part(Schema schema, byte[] bound, int at, int column) {
        ColumnType type = schema.column(column).type();
        if (!type.isVariable()) {
            // What is cut off is at least zeros.
            byte[] value = Arrays.copyOfRange(bound, at, at + type.cellBytes());
            return new Part(value, value, at + type.cellBytes() <= bound.length ? at + type.cellBytes() : -1);
        }
        if (column == schema.keyColumnCount() - 1) {
            byte[] value = Arrays.copyOfRange(bound, at, bound.length);
            return new Part(value, value, -1);
        }
        return escapedPart(bound, at);
    }

    private static Part escapedPart(byte[] bound, int start) {
        var value = new ByteArrayOutputStream();
        int at = start;
        while (at < bound.length) {
            value.write(bound[at]);
            if (bound[at++] != 0) {
                continue;
            }
            int mark = at < bound.length ? bound[at++] & 0xff : -1;
            if (mark == 1) {
                continue;
            }
            byte[] bytes = Arrays.copyOf(value.toByteArray(), value.size() - 1);
            if (mark == 0) {
                return new Part(bytes, bytes, at);
            }
            if (mark < 0) {
                return new Part(bytes, bytes, -1); // Half of the end.
            }
            // No key has such bytes; all values that go on with a zero are below them.
            value.reset();
            value.writeBytes(bytes);
            value.write(1);
            return new Part(bytes, value.toByteArray(), -1);
        }
        return new Part(value.toByteArray(), value.toByteArray(), -1);
    }

    /** The range keys that the keys in a range have; all, unless the range columns are the first columns of the key. */
    static KeyRange rangeKeys(Schema schema, List<Column> rangeColumns, KeyRange range) {
        for (int i = 0; i < rangeColumns.size(); i++) {
            if (schema.column(i).id() != rangeColumns.get(i).id()) {
                return KeyRange.ALL;
            }
        }
        if (rangeColumns.size() == schema.keyColumnCount()) {
            return range;
        }
        byte @Nullable [] lower = range.lower();
        byte @Nullable [] upper = range.upper();
        return new KeyRange(
                lower == null ? null : bound(schema, rangeColumns.size(), lower, false),
                upper == null ? null : bound(schema, rangeColumns.size(), upper, true));
    }

    private static byte[] bound(Schema schema, int rangeColumnCount, byte[] bound, boolean isUpper) {
        int at = 0;
        for (int i = 0; i < rangeColumnCount - 1; i++) {
            Part part = part(schema, bound, at, i);
            if (!part.isWhole()) {
                return bound;
            }
            at = part.next;
        }
        Part last = part(schema, bound, at, rangeColumnCount - 1);
        var key = new ByteArrayOutputStream();
        key.write(bound, 0, at);
        if (!last.isWhole()) {
            key.writeBytes(isUpper ? last.behind : last.value);
            return key.toByteArray();
        }
        key.writeBytes(last.value);
        if (isUpper && !isLeast(schema, bound, last.next, rangeColumnCount)) {
            key.write(0); // The range key itself is possible.
        }
        return key.toByteArray();
    }
}
