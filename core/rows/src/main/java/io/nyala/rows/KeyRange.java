package io.nyala.rows;

import io.nyala.rows.Predicate.Equal;
import io.nyala.rows.Predicate.InBloomFilters;
import io.nyala.rows.Predicate.InList;
import io.nyala.rows.Predicate.IsNotNull;
import io.nyala.rows.Predicate.IsNull;
import io.nyala.rows.Predicate.Range;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A half-open range of encoded keys. Immutable (the arrays are not to be changed).
 *
 * @param lower included; null for no bound. May be the beginning of a key
 * @param upper excluded; null for no bound. May be the beginning of a key
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; nobody compares ranges.
public record KeyRange(byte @Nullable [] lower, byte @Nullable [] upper) {
    public static final KeyRange ALL = new KeyRange(null, null);

    private static final byte[] LEAST = {};

    /** No key is in it. */
    public static final KeyRange EMPTY = new KeyRange(LEAST, LEAST);

    /**
     * The narrowest range that predicates on the key's first columns allow: as long as a column must equal one value
     * the next one counts too; a range or a list on the first column that need not ends it. Every matching row's key
     * is in the range; rows in the range need not match.
     */
    public static KeyRange from(KeyCodec keys, List<Predicate> predicates) {
        Schema schema = keys.layout().schema();
        List<CellValue> prefix = new ArrayList<>();
        while (prefix.size() < schema.keyColumnCount()) {
            CellBounds bounds = bounds(schema, prefix.size(), predicates);
            if (bounds.isEmpty()) {
                return EMPTY;
            }
            CellValue only = bounds.only();
            if (only == null) {
                return within(keys, prefix, bounds);
            }
            prefix.add(only);
        }
        byte[] key = keys.encodePrefix(prefix);
        return new KeyRange(key, Arrays.copyOf(key, key.length + 1));
    }

    public boolean isEmpty() {
        return upper != null && Arrays.compareUnsigned(lower == null ? LEAST : lower, upper) >= 0;
    }

    /** The only key that can be in it, or null if that is not certain. */
    public byte @Nullable [] onlyKey() {
        byte[] first = lower;
        byte[] end = upper;
        boolean isOne = first != null
                && end != null
                && end.length == first.length + 1
                && end[first.length] == 0
                && Arrays.mismatch(first, end) == first.length;
        return isOne ? first : null;
    }

    public boolean contains(byte[] key) {
        return (lower == null || Arrays.compareUnsigned(key, lower) >= 0)
                && (upper == null || Arrays.compareUnsigned(key, upper) < 0);
    }

    public boolean contains(MemorySegment memory, long key, int keyBytes) {
        return (lower == null || KeyCodec.compare(memory, key, keyBytes, lower) >= 0)
                && (upper == null || KeyCodec.compare(memory, key, keyBytes, upper) < 0);
    }

    /** Whether any key between two, both included, may be in it. */
    public boolean meets(byte[] minKey, byte[] maxKey) {
        return !isEmpty()
                && (lower == null || Arrays.compareUnsigned(maxKey, lower) >= 0)
                && (upper == null || Arrays.compareUnsigned(minKey, upper) < 0);
    }

    /** What is in both. */
    public KeyRange and(KeyRange other) {
        byte[] newLower = lower;
        if (newLower == null || (other.lower != null && Arrays.compareUnsigned(other.lower, newLower) > 0)) {
            newLower = other.lower;
        }
        byte[] newUpper = upper;
        if (newUpper == null || (other.upper != null && Arrays.compareUnsigned(other.upper, newUpper) < 0)) {
            newUpper = other.upper;
        }
        return new KeyRange(newLower, newUpper);
    }

    /**
     * What the predicates leave of one column.
     *
     * @param lower included
     * @param last included
     * @param upper excluded
     */
    private record CellBounds(
            @Nullable CellValue lower,
            @Nullable CellValue last,
            @Nullable CellValue upper,
            boolean isEmpty) {
        static final CellBounds ALL = new CellBounds(null, null, null, false);

        static final CellBounds NONE = new CellBounds(null, null, null, true);

        /** The one value that is left, if it is certain that there is only one. */
        @Nullable
        CellValue only() {
            return lower != null && last != null && lower.equals(last) ? lower : null;
        }

        CellBounds and(CellBounds other, ColumnType type) {
            CellValue newLower = max(lower, other.lower, type);
            CellValue newLast = min(last, other.last, type);
            CellValue newUpper = min(upper, other.upper, type);
            boolean isCrossed = newLower != null
                    && ((newLast != null && newLower.compareTo(newLast, type) > 0)
                            || (newUpper != null && newLower.compareTo(newUpper, type) >= 0));
            return new CellBounds(newLower, newLast, newUpper, isEmpty || other.isEmpty || isCrossed);
        }

        private static @Nullable CellValue min(@Nullable CellValue left, @Nullable CellValue right, ColumnType type) {
            if (left == null || right == null) {
                return left == null ? right : left;
            }
            return left.compareTo(right, type) <= 0 ? left : right;
        }

        private static @Nullable CellValue max(@Nullable CellValue left, @Nullable CellValue right, ColumnType type) {
            if (left == null || right == null) {
                return left == null ? right : left;
            }
            return left.compareTo(right, type) >= 0 ? left : right;
        }
    }

    private static CellBounds bounds(Schema schema, int column, List<Predicate> predicates) {
        CellBounds bounds = CellBounds.ALL;
        for (Predicate predicate : predicates) {
            if (predicate.column() == column) {
                bounds = bounds.and(bounds(predicate), schema.column(column).type());
            }
        }
        return bounds;
    }

    private static CellBounds bounds(Predicate predicate) {
        return switch (predicate) {
            case Equal equal -> new CellBounds(equal.value(), equal.value(), null, false);
            case Range range -> new CellBounds(range.lower(), null, range.upper(), false);
            case InList list ->
                list.values().isEmpty()
                        ? CellBounds.NONE
                        : new CellBounds(list.values().getFirst(), list.values().getLast(), null, false);
            case IsNull _ -> CellBounds.NONE; // No column of a key is ever NULL.
            case IsNotNull _, InBloomFilters _ -> CellBounds.ALL;
        };
    }

    private static KeyRange within(KeyCodec keys, List<CellValue> prefix, CellBounds bounds) {
        byte[] before = keys.encodePrefix(prefix);
        byte[] lower = bounds.lower() == null ? before : with(keys, prefix, bounds.lower());
        byte[] upper = behind(before);
        if (bounds.upper() != null) {
            upper = with(keys, prefix, bounds.upper());
        }
        if (bounds.last() != null) {
            byte[] last = with(keys, prefix, bounds.last());
            boolean isWhole = prefix.size() + 1 == keys.layout().schema().keyColumnCount();
            byte[] behindLast = isWhole ? Arrays.copyOf(last, last.length + 1) : behind(last);
            if (upper == null || (behindLast != null && Arrays.compareUnsigned(behindLast, upper) < 0)) {
                upper = behindLast;
            }
        }
        return new KeyRange(lower.length == 0 ? null : lower, upper);
    }

    private static byte[] with(KeyCodec keys, List<CellValue> prefix, CellValue value) {
        List<CellValue> cells = new ArrayList<>(prefix);
        cells.add(value);
        return keys.encodePrefix(cells);
    }

    /** The first bytes behind everything that begins with these; null if nothing is. */
    public static byte @Nullable [] behind(byte[] prefix) {
        int bytes = prefix.length;
        while (bytes > 0 && prefix[bytes - 1] == (byte) 0xff) {
            bytes--;
        }
        if (bytes == 0) {
            return null;
        }
        byte[] behind = Arrays.copyOf(prefix, bytes);
        behind[bytes - 1]++;
        return behind;
    }
}
