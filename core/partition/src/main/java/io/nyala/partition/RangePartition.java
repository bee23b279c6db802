package io.nyala.partition;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A range of the range level, and the hash levels by which its rows are spread: one tablet for each combination of
 * buckets. Ordered by bounds. Immutable. Most come from {@link PartitionSchema#between}; what that cannot say, a
 * builder can:
 *
 * <pre>{@code
 * partitioning.newRange().from(january).before(february).hash(8, "host").build()
 * }</pre>
 *
 * @param bounds which rows
 * @param hashLevels as many as those of the table, which they are unless it has its own
 */
public record RangePartition(RangeBounds bounds, List<HashLevel> hashLevels) implements Comparable<RangePartition> {
    /** No table has so many; counting on would overflow. */
    private static final long TABLETS_COUNTED_MAX = 1L << 40;

    public RangePartition {
        hashLevels = List.copyOf(hashLevels);
    }

    @Override
    public int compareTo(RangePartition other) {
        return bounds.compareTo(other.bounds);
    }

    /** How many tablets it has; from {@code 1L << 40} on only that it has as many. */
    public long tabletCount() {
        long count = 1;
        for (HashLevel level : hashLevels) {
            count = Math.min(count * level.buckets(), TABLETS_COUNTED_MAX);
        }
        return count;
    }

    /**
     * A range partition in the making. A bound has a value for each range column, in their order; those at the end may
     * be left out, and null stands for one that is left out: the least value of the column. A bound without any value
     * is none. Belongs to one thread.
     */
    public static final class Builder {
        private final PartitionSchema schema;
        private final RangeKeys keys;
        private final HashLevels levels;
        private byte[] lower = KeyBytes.NONE;
        private byte[] upper = KeyBytes.NONE;

        Builder(PartitionSchema schema, RangeKeys keys) {
            this.schema = schema;
            this.keys = keys;
            this.levels = new HashLevels(schema.schema());
        }

        /** Rows from these values on. */
        public Builder from(@Nullable Object... values) {
            lower = keys.encode(Arrays.asList(values));
            return this;
        }

        /** Rows behind these values. */
        public Builder after(@Nullable Object... values) {
            lower = keys.encodeBehind(Arrays.asList(values), true);
            return this;
        }

        /** Rows before these values. */
        public Builder before(@Nullable Object... values) {
            upper = keys.encode(Arrays.asList(values));
            keys.checkUpper(values, upper);
            return this;
        }

        /** Rows up to these values, included. */
        public Builder upTo(@Nullable Object... values) {
            upper = keys.encodeBehind(Arrays.asList(values), false);
            return this;
        }

        /** Adds a hash level of its own; the table's levels then do not hold for this range. */
        public Builder hash(int buckets, String... columns) {
            levels.add(buckets, columns);
            return this;
        }

        /** As {@link #hash(int, String...)}, by ids. */
        public Builder hash(HashLevel level) {
            levels.add(level);
            return this;
        }

        /** The seed of the hash level that was added last, unsigned 32 bits; 0 unless set. */
        public Builder seed(long seed) {
            levels.seed(seed);
            return this;
        }

        public RangePartition build() {
            keys.checkOrder(lower, upper);
            List<HashLevel> own = levels.build();
            var range = new RangePartition(new RangeBounds(lower, upper), own.isEmpty() ? schema.hashLevels() : own);
            schema.check(range);
            return range;
        }
    }
}
