package io.nyala.partition;

import io.nyala.memory.Check;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a table is cut into tablets: by any number of hash levels, by ranges of some columns, by both or not at all; bit
 * for bit as Kudu does it. Which ranges there are is up to {@link PartitionMap}.
 *
 * <pre>{@code
 * var partitioning = PartitionSchema.of(schema).hash(4, "host", "metric").range("day").build();
 * var january = partitioning.between(LocalDate.of(2024, 1, 1), LocalDate.of(2024, 2, 1));
 * var map = PartitionMap.of(partitioning, List.of(january));
 * }</pre>
 *
 * <p>All columns are of the key, and none is in two hash levels. A range may have hash levels of its own, as many as
 * the table has; those are kept here, as in Kudu. A Kudu client that does not say how it wants ranges means one range
 * over all columns of the key; here that has to be said: {@code range} with their names.
 *
 * <p>Immutable and shared.
 */
public final class PartitionSchema {
    private final Schema schema;
    private final List<HashLevel> hashLevels;
    private final List<Integer> rangeColumnIds;
    private final @Nullable RangeKeys rangeKeys;
    private final List<RangePartition> customRanges;
    private final Map<RangeBounds, List<HashLevel>> customLevels = new HashMap<>();

    PartitionSchema(
            Schema schema,
            List<HashLevel> hashLevels,
            List<Integer> rangeColumnIds,
            List<RangePartition> customRanges) {
        this.schema = schema;
        this.hashLevels = List.copyOf(hashLevels);
        this.rangeColumnIds = List.copyOf(rangeColumnIds);
        HashLevels.check(schema, hashLevels);
        List<Column> rangeColumns = rangeColumns(schema, rangeColumnIds);
        this.rangeKeys = rangeColumns.isEmpty() ? null : new RangeKeys(schema, rangeColumns);
        this.customRanges = customRanges.stream().sorted().toList();
        Check.inRange("number of ranges with own hash levels", customRanges.size(), 0, PartitionLimits.RANGES_MAX);
        for (RangePartition range : this.customRanges) {
            check(range);
            customLevels.put(range.bounds(), range.hashLevels());
        }
        checkDisjoint(this.customRanges);
    }

    private static List<Column> rangeColumns(Schema schema, List<Integer> ids) {
        List<Column> columns = new ArrayList<>();
        Set<Integer> seen = new HashSet<>();
        for (int id : ids) {
            Column column = HashLevels.columnOfId(schema, id, "range partition component");
            if (!seen.add(id)) {
                throw new IllegalArgumentException("duplicate column in range partition: " + column.name());
            }
            columns.add(column);
        }
        return columns;
    }

    /** Starts with a table of one tablet. */
    public static Builder of(Schema schema) {
        return new Builder(schema);
    }

    /** The table's schema. */
    public Schema schema() {
        return schema;
    }

    /** Of all ranges that have none of their own. */
    public List<HashLevel> hashLevels() {
        return hashLevels;
    }

    /** In the order of the range level; empty if there is none. */
    public List<Integer> rangeColumnIds() {
        return rangeColumnIds;
    }

    public boolean hasRangeLevel() {
        return rangeKeys != null;
    }

    /** The ranges with hash levels of their own, in order. */
    public List<RangePartition> customRanges() {
        return customRanges;
    }

    /** The hash levels of the range with these bounds. */
    public List<HashLevel> hashLevelsOf(RangeBounds bounds) {
        return customLevels.getOrDefault(bounds, hashLevels);
    }

    /**
     * The rows from one bound to another. A bound is null for none, a Java value (any that a column takes elsewhere),
     * or a list of them if there are several range columns.
     *
     * @param lower included
     * @param upper excluded
     */
    public RangePartition between(@Nullable Object lower, @Nullable Object upper) {
        if (lower == null && upper == null) {
            return new RangePartition(RangeBounds.ALL, hashLevels);
        }
        return newRange().from(values(lower)).before(values(upper)).build();
    }

    private static @Nullable Object[] values(@Nullable Object bound) {
        return bound instanceof List<?> list ? list.toArray() : new @Nullable Object[] {bound};
    }

    /** Starts a range of which more can be said. */
    public RangePartition.Builder newRange() {
        return new RangePartition.Builder(this, existingRangeKeys());
    }

    /** All rows, cut at these points; each is the lower bound of a range. */
    public List<RangePartition> splitAt(Object... points) {
        return split(List.of(new RangePartition(RangeBounds.ALL, hashLevels)), Arrays.asList(points));
    }

    /**
     * Ranges, cut at points that lie in them; a piece has the hash levels of its range.
     *
     * @param points each a Java value, or a list of them if there are several range columns
     */
    public List<RangePartition> split(List<RangePartition> ranges, List<?> points) {
        RangeKeys keys = existingRangeKeys();
        List<byte[]> cuts = new ArrayList<>();
        for (Object point : points) {
            byte[] cut = keys.encode(Arrays.asList(values(point)));
            Check.that(cut.length > 0, "split rows must contain a value for at least one range partition column");
            cuts.add(cut);
        }
        cuts.sort(Arrays::compareUnsigned);
        List<RangePartition> sorted = ranges.stream().sorted().toList();
        checkDisjoint(sorted);
        List<RangePartition> pieces = new ArrayList<>();
        int next = 0;
        for (RangePartition range : sorted) {
            byte[] lower = range.bounds().lower();
            byte[] upper = range.bounds().upper();
            for (; next < cuts.size() && isUpTo(upper, cuts.get(next)); next++) {
                byte[] cut = cuts.get(next);
                checkSplit(keys, range.bounds(), cut, next > 0 && Arrays.equals(cut, cuts.get(next - 1)));
                pieces.add(new RangePartition(new RangeBounds(lower, cut), range.hashLevels()));
                lower = cut;
            }
            pieces.add(new RangePartition(new RangeBounds(lower, upper), range.hashLevels()));
        }
        if (next < cuts.size()) {
            throw badSplit("split out of bounds", keys, cuts.get(next));
        }
        return pieces;
    }

    private static boolean isUpTo(byte[] upper, byte[] cut) {
        return upper.length == 0 || Arrays.compareUnsigned(cut, upper) <= 0;
    }

    private static void checkSplit(RangeKeys keys, RangeBounds range, byte[] cut, boolean isDuplicate) {
        if (isDuplicate) {
            throw badSplit("duplicate split row", keys, cut);
        }
        if (Arrays.equals(cut, range.lower()) || Arrays.equals(cut, range.upper())) {
            throw badSplit("split matches lower or upper bound", keys, cut);
        }
        if (!range.contains(cut)) {
            throw badSplit("split out of bounds", keys, cut);
        }
    }

    private static IllegalArgumentException badSplit(String what, RangeKeys keys, byte[] cut) {
        return new IllegalArgumentException(what + ": " + PartitionText.key(keys, cut));
    }

    /** The same, for a later version of the table's schema: the key is the same, by ids and types. */
    public PartitionSchema withSchema(Schema newSchema) {
        Check.that(
                newSchema.keyColumnCount() == schema.keyColumnCount(),
                "a table keeps its key: of " + schema.keyColumnCount() + " columns, not of "
                        + newSchema.keyColumnCount());
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            Column before = schema.column(i);
            Column after = newSchema.column(i);
            Check.that(
                    before.id() == after.id() && before.type() == after.type(),
                    "a table keeps its key: " + before.describe() + " cannot become " + after.describe());
        }
        return new PartitionSchema(newSchema, hashLevels, rangeColumnIds, customRanges);
    }

    /** The same with these as {@link #customRanges}, but for those that have the table's hash levels. */
    PartitionSchema withCustomRanges(List<RangePartition> ranges) {
        List<RangePartition> custom = ranges.stream()
                .filter(range -> !range.hashLevels().equals(hashLevels))
                .toList();
        return custom.equals(customRanges) ? this : new PartitionSchema(schema, hashLevels, rangeColumnIds, custom);
    }

    @Nullable
    RangeKeys rangeKeys() {
        return rangeKeys;
    }

    private RangeKeys existingRangeKeys() {
        if (rangeKeys == null) {
            throw new IllegalArgumentException("the table has no range level, so it has no bounds: call range with the "
                    + "names of the range columns when its partition schema is built");
        }
        return rangeKeys;
    }

    /** Guards a range that may have been made for another table. */
    void check(RangePartition range) {
        if (range.hashLevels().size() != hashLevels.size()) {
            throw new IllegalArgumentException("varying number of hash dimensions per range is not yet supported: "
                    + describe(range.bounds()) + " has " + range.hashLevels().size() + ", the table "
                    + hashLevels.size());
        }
        HashLevels.check(schema, range.hashLevels());
        checkBound(range.bounds().lower());
        checkBound(range.bounds().upper());
        Check.that(
                rangeKeys != null || range.hashLevels().equals(hashLevels),
                "a table without range level has no range with hash levels of its own");
    }

    private void checkBound(byte[] bound) {
        Check.inRange("bytes of a range bound", bound.length, 0, PartitionLimits.BOUND_BYTES_MAX);
        if (bound.length == 0) {
            return;
        }
        try {
            existingRangeKeys().check(MemorySegment.ofArray(bound), 0, bound.length);
        } catch (MalformedBytesException e) {
            throw new IllegalArgumentException("a range bound is no key of the range columns: " + e.getMessage(), e);
        }
    }

    /** @param ranges in order */
    void checkDisjoint(List<RangePartition> ranges) {
        for (int i = 1; i < ranges.size(); i++) {
            RangeBounds first = ranges.get(i - 1).bounds();
            RangeBounds second = ranges.get(i).bounds();
            if (first.overlaps(second)) {
                throw new IllegalArgumentException("overlapping range partitions: first range partition: "
                        + describe(first) + ", second range partition: " + describe(second));
            }
        }
    }

    /** The values of the range columns at a bound of this table; none if it is no bound. */
    public List<CellValue> values(byte[] bound) {
        return bound.length == 0 ? List.of() : existingRangeKeys().decode(bound);
    }

    /** As Kudu writes the bounds of a range: {@code 2024-01-01 <= VALUES < 2024-02-01}. */
    public String describe(RangeBounds bounds) {
        return rangeKeys == null ? "UNBOUNDED" : PartitionText.kuduRange(rangeKeys, bounds);
    }

    /** For people: {@code HASH(host) BUCKET 3, RANGE 2024-01-01 <= day < 2024-02-01}. */
    public String describe(Partition partition) {
        return PartitionText.partition(this, partition);
    }

    /** As in Kudu's error messages: {@code HASH (host) PARTITION 3, RANGE (day) PARTITION UNBOUNDED}. */
    public String describeAsKudu(Partition partition) {
        return PartitionText.kuduPartition(this, partition);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PartitionSchema partitioning
                && hashLevels.equals(partitioning.hashLevels)
                && rangeColumnIds.equals(partitioning.rangeColumnIds)
                && customRanges.equals(partitioning.customRanges);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * hashLevels.hashCode() + rangeColumnIds.hashCode()) + customRanges.hashCode();
    }

    /** As Kudu writes it: {@code HASH (host, metric) PARTITIONS 4, RANGE (day)}. */
    @Override
    public String toString() {
        return PartitionText.kuduSchema(this);
    }

    /** A partition schema in the making. Belongs to one thread. */
    public static final class Builder {
        private final Schema schema;
        private final HashLevels levels;
        private List<Integer> rangeColumnIds = List.of();

        Builder(Schema schema) {
            this.schema = schema;
            this.levels = new HashLevels(schema);
        }

        /** Adds a hash level over columns of the key, which may be named in any order: their ids decide, as in Kudu. */
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

        /** The range level: columns of the key, of which the first one counts most. */
        public Builder range(String... columns) {
            Check.that(rangeColumnIds.isEmpty(), "a table has one range level: name all of its columns in one call");
            Check.that(columns.length > 0, "must have at least one range column, or no range level");
            rangeColumnIds = Arrays.stream(columns)
                    .map(name -> schema.column(schema.indexOfExisting(name)).id())
                    .toList();
            return this;
        }

        public PartitionSchema build() {
            return new PartitionSchema(schema, levels.build(), rangeColumnIds, Collections.emptyList());
        }
    }
}
