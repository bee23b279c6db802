package io.nyala.partition;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one scan leaves of the hash buckets and of the range keys of a table. First, predicates and bounds of the key
 * become a constraint for each key column. Then, of a hash level whose columns all have certain values, those are
 * hashed; of the range level, the values of the first columns, as long as they are certain, and the bounds of the next
 * one become half-open intervals of range keys.
 *
 * <p>One scan, one thread. For the control plane.
 */
final class PartitionPruner {
    private final Schema schema;
    private final List<ColumnConstraint> constraints;
    private final boolean isEmpty;
    private final List<KeyRange> intervals;
    private final Map<HashLevel, BitSet> buckets = new HashMap<>();

    PartitionPruner(PartitionSchema partitioning, Collection<Predicate> predicates, KeyRange keys) {
        this.schema = partitioning.schema();
        this.constraints = KeyRangeColumns.constraints(schema, keys);
        boolean isNever = keys.isEmpty();
        for (Predicate predicate : predicates) {
            int column = predicate.column();
            if (column < schema.keyColumnCount()) {
                ColumnType type = schema.column(column).type();
                constraints.set(column, constraints.get(column).and(ColumnConstraint.of(type, predicate)));
            } else {
                isNever |= predicate instanceof Predicate.InList list
                        && list.values().isEmpty();
            }
        }
        this.isEmpty = isNever || constraints.stream().anyMatch(ColumnConstraint::isEmpty);
        RangeKeys rangeKeys = partitioning.rangeKeys();
        this.intervals = isEmpty || rangeKeys == null ? List.of(KeyRange.ALL) : intervals(rangeKeys.columns(), keys);
    }

    /** Whether a row in a range may match. */
    boolean mayMatch(RangeBounds range) {
        if (isEmpty) {
            return false;
        }
        // The first interval that does not end before the range.
        int from = 0;
        int to = intervals.size();
        while (from < to) {
            int middle = (from + to) >>> 1;
            byte[] upper = intervals.get(middle).upper();
            if (upper != null && Arrays.compareUnsigned(upper, range.lower()) <= 0) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return from < intervals.size() && range.overlaps(intervals.get(from));
    }

    /** Whether a row in a partition may match. */
    boolean mayMatch(Partition partition, List<HashLevel> levels) {
        if (!mayMatch(partition.range())) {
            return false;
        }
        for (int i = 0; i < levels.size(); i++) {
            if (!buckets(levels.get(i)).get(partition.hashBucket(i))) {
                return false;
            }
        }
        return true;
    }

    /** The buckets of a level in which a matching row may be. Not to be changed. */
    BitSet buckets(HashLevel level) {
        return buckets.computeIfAbsent(level, this::computeBuckets);
    }

    private BitSet computeBuckets(HashLevel level) {
        List<ColumnType> types = new ArrayList<>();
        List<List<byte[]>> values = new ArrayList<>();
        long combinations = 1;
        for (int id : level.columnIds()) {
            int column = schema.indexOfId(id);
            List<byte[]> certain = constraints.get(column).values();
            combinations = certain == null ? Long.MAX_VALUE : combinations * certain.size();
            if (certain == null || combinations > PartitionLimits.HASH_COMBINATIONS_MAX) {
                var all = new BitSet();
                all.set(0, level.buckets());
                return all;
            }
            types.add(schema.column(column).type());
            values.add(certain);
        }
        var found = new BitSet();
        for (byte[] key : combine(types, values)) {
            found.set(level.bucketOf(Murmur2.hash(key, level.seed())));
        }
        return found;
    }

    /** The keys that these columns would have by themselves. */
    private static List<byte[]> combine(List<ColumnType> types, List<List<byte[]>> values) {
        List<byte[]> keys = List.of(KeyBytes.NONE);
        for (int i = 0; i < types.size(); i++) {
            keys = extend(keys, types.get(i), values.get(i), i == types.size() - 1);
        }
        return keys;
    }

    private static List<byte[]> extend(List<byte[]> prefixes, ColumnType type, List<byte[]> values, boolean isLast) {
        List<byte[]> keys = new ArrayList<>();
        for (byte[] prefix : prefixes) {
            for (byte[] value : values) {
                keys.add(with(prefix, type, value, isLast));
            }
        }
        return keys;
    }

    private static byte[] with(byte[] prefix, ColumnType type, byte[] value, boolean isLast) {
        var key = new ByteArrayOutputStream();
        key.writeBytes(prefix);
        KeyBytes.append(key, type, value, isLast);
        return key.toByteArray();
    }

    /** Where matching rows may be among the range keys: disjoint, in order. */
    private List<KeyRange> intervals(List<Column> columns, KeyRange keys) {
        List<byte[]> prefixes = List.of(KeyBytes.NONE);
        int count = 0;
        for (; count < columns.size(); count++) {
            List<byte[]> values = constraint(columns.get(count)).values();
            if (values == null || (long) prefixes.size() * values.size() > PartitionLimits.RANGE_COMBINATIONS_MAX) {
                break;
            }
            prefixes = extend(prefixes, columns.get(count).type(), values, count == columns.size() - 1);
        }
        KeyRange within = KeyRangeColumns.rangeKeys(schema, columns, keys);
        List<KeyRange> found = new ArrayList<>();
        for (byte[] prefix : prefixes) {
            KeyRange interval = count == columns.size()
                    ? new KeyRange(prefix, Arrays.copyOf(prefix, prefix.length + 1))
                    : interval(columns, prefix, count);
            KeyRange both = interval.and(within);
            if (!both.isEmpty()) {
                found.add(both);
            }
        }
        return found;
    }

    /** What begins with certain values, and has the bounds of the column behind them. */
    private KeyRange interval(List<Column> columns, byte[] prefix, int count) {
        byte[] lower = prefix;
        // Whatever the columns are that follow, they are not below their own least values.
        for (int i = count; i < columns.size(); i++) {
            Column column = columns.get(i);
            lower = with(lower, column.type(), constraint(column).lower(), i == columns.size() - 1);
        }
        byte @Nullable [] upper = constraint(columns.get(count)).upper();
        return new KeyRange(
                lower,
                upper == null
                        ? KeyBytes.behindPrefix(prefix)
                        : with(prefix, columns.get(count).type(), upper, count == columns.size() - 1));
    }

    private ColumnConstraint constraint(Column column) {
        return constraints.get(schema.indexOfId(column.id()));
    }
}
