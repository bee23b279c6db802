package io.nyala.engine;

import io.nyala.partition.PartitionMap;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Schema;
import io.nyala.simulation.Bytes;
import io.nyala.simulation.RowKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How the rows of a table are spread over tablets, as its model sees it: which ranges there are, by values and not by
 * encoded keys. Not at all, by hash, by several levels of it, by ranges of one or more columns of the key, unbounded or
 * not, with gaps between them, and with hash levels of their own. Immutable.
 *
 * @param hashLevels of all ranges that have none of their own; indexes of columns of the key
 * @param rangeColumns of the key, by index; empty for one range of all rows
 * @param cuts between which ranges lie, ascending; values of the range columns
 * @param ranges that there are
 */
record ModelLayout(List<HashColumns> hashLevels, List<Integer> rangeColumns, List<RowKey> cuts, List<Range> ranges) {
    private static final int CUTS_MAX = 4;
    private static final int BUCKETS_MAX = 3;

    ModelLayout {
        hashLevels = List.copyOf(hashLevels);
        rangeColumns = List.copyOf(rangeColumns);
        cuts = List.copyOf(cuts);
        ranges = List.copyOf(ranges);
    }

    /** Rows are spread over {@code buckets} by the hash of these columns. */
    record HashColumns(List<Integer> columns, int buckets) {}

    /**
     * The rows from one cut to another. Compared by identity: one that is dropped and added again is another one.
     *
     * @param from index of a cut, included; -1 for the beginning
     * @param to index of a cut, excluded; the number of cuts for the end
     * @param hashLevels of its own, or those of the table
     */
    record Range(int from, int to, List<HashColumns> hashLevels) {
        @Override
        @SuppressWarnings("ReferenceEquality")
        public boolean equals(@Nullable Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    /** One tablet for all rows. */
    static ModelLayout oneTablet() {
        return new ModelLayout(List.of(), List.of(), List.of(), List.of(new Range(-1, 0, List.of())));
    }

    /**
     * Any layout of a table with such keys.
     *
     * @param keys that rows will have
     */
    static ModelLayout draw(SplittableRandom random, int keyColumnCount, List<RowKey> keys) {
        if (random.nextInt(3) == 0) {
            return oneTablet();
        }
        List<Integer> columns = shuffled(random, keyColumnCount);
        List<HashColumns> hashLevels = new ArrayList<>();
        boolean hasRanges = random.nextBoolean();
        int levelCount = random.nextInt(hasRanges ? 0 : 1, 3);
        for (int i = 0; i < Math.min(levelCount, keyColumnCount); i++) {
            boolean isLast = i == levelCount - 1 && random.nextBoolean();
            hashLevels.add(new HashColumns(
                    isLast ? List.copyOf(columns.subList(i, keyColumnCount)) : List.of(columns.get(i)),
                    random.nextInt(2, BUCKETS_MAX + 1)));
        }
        if (!hasRanges) {
            return new ModelLayout(hashLevels, List.of(), List.of(), List.of(new Range(-1, 0, hashLevels)));
        }
        // In any order, or the first ones of the key, whose ranges are read one after the other.
        List<Integer> order = random.nextBoolean() ? shuffled(random, keyColumnCount) : inOrder(keyColumnCount);
        List<Integer> rangeColumns = order.subList(0, random.nextInt(1, keyColumnCount + 1));
        List<RowKey> cuts = cuts(random, rangeColumns, keys);
        var layout = new ModelLayout(hashLevels, rangeColumns, cuts, List.of());
        for (int i = random.nextInt(1, cuts.size() + 2); i > 0; i--) {
            Range range = layout.newRange(random);
            layout = range == null ? layout : layout.with(range);
        }
        return layout;
    }

    private static List<Integer> inOrder(int count) {
        return Stream.iterate(0, i -> i + 1).limit(count).toList();
    }

    private static List<Integer> shuffled(SplittableRandom random, int count) {
        List<Integer> numbers = new ArrayList<>(inOrder(count));
        for (int i = count - 1; i > 0; i--) {
            Collections.swap(numbers, i, random.nextInt(i + 1));
        }
        return numbers;
    }

    /** Some values of rows; but not the least ones there are, below which there is nothing. */
    private static List<RowKey> cuts(SplittableRandom random, List<Integer> rangeColumns, List<RowKey> keys) {
        TreeSet<RowKey> cuts = new TreeSet<>();
        for (int i = random.nextInt(1, CUTS_MAX + 1); i > 0; i--) {
            RowKey cut = rangeKey(rangeColumns, keys.get(random.nextInt(keys.size())));
            boolean isEmpty =
                    cut.values().stream().allMatch(value -> value instanceof Bytes bytes && bytes.array().length == 0);
            if (!isEmpty) {
                cuts.add(cut);
            }
        }
        return List.copyOf(cuts);
    }

    private static RowKey rangeKey(List<Integer> rangeColumns, RowKey key) {
        return new RowKey(rangeColumns.stream().<Object>map(key.values()::get).toList());
    }

    boolean hasRangeLevel() {
        return !rangeColumns.isEmpty();
    }

    int tabletCount() {
        return ranges.stream()
                .mapToInt(range ->
                        range.hashLevels.stream().mapToInt(HashColumns::buckets).reduce(1, (a, b) -> a * b))
                .sum();
    }

    /** Where a row is; null if there is no range for it. */
    @Nullable
    Range rangeOf(RowKey key) {
        if (!hasRangeLevel()) {
            return ranges.getFirst();
        }
        RowKey rangeKey = rangeKey(rangeColumns, key);
        int last = -1; // Of the cuts, the last one at or before it.
        while (last + 1 < cuts.size() && cuts.get(last + 1).compareTo(rangeKey) <= 0) {
            last++;
        }
        for (Range range : ranges) {
            if (range.from <= last && last < range.to) {
                return range;
            }
        }
        return null;
    }

    // ---- Changes ----

    /** A range where there is none; null if there is no room. */
    @Nullable
    Range newRange(SplittableRandom random) {
        List<Integer> free = new ArrayList<>(); // Gaps between two cuts that follow one another, by the first.
        for (int i = -1; i < cuts.size(); i++) {
            int gap = i;
            if (hasRangeLevel() && ranges.stream().noneMatch(range -> range.from <= gap && gap < range.to)) {
                free.add(gap);
            }
        }
        if (free.isEmpty()) {
            return null;
        }
        int from = free.get(random.nextInt(free.size()));
        int to = from + 1;
        while (free.contains(to) && random.nextBoolean()) {
            to++;
        }
        List<HashColumns> own = new ArrayList<>();
        for (HashColumns level : hashLevels) {
            own.add(new HashColumns(level.columns(), random.nextInt(2, BUCKETS_MAX + 2)));
        }
        return new Range(from, to, random.nextInt(3) == 0 ? own : hashLevels);
    }

    ModelLayout with(Range range) {
        List<Range> more = new ArrayList<>(ranges);
        more.add(range);
        return new ModelLayout(hashLevels, rangeColumns, cuts, more);
    }

    ModelLayout without(Range range) {
        return new ModelLayout(
                hashLevels,
                rangeColumns,
                cuts,
                ranges.stream().filter(each -> !each.equals(range)).toList());
    }

    // ---- For the engine ----

    TableSpec spec(String name, Schema schema) {
        PartitionSchema.Builder builder = PartitionSchema.of(schema);
        hashLevels.forEach(level -> builder.hash(level.buckets(), names(schema, level.columns())));
        if (!hasRangeLevel()) {
            return TableSpec.of(name, builder.build());
        }
        PartitionSchema partitioning =
                builder.range(names(schema, rangeColumns)).build();
        return TableSpec.of(name, partitioning).withRanges(partitions(partitioning));
    }

    /** All ranges, in order. */
    List<RangePartition> partitions(PartitionSchema partitioning) {
        if (!hasRangeLevel()) {
            return PartitionMap.of(partitioning).ranges();
        }
        return ranges.stream()
                .map(range -> partition(partitioning, range))
                .sorted()
                .toList();
    }

    RangePartition partition(PartitionSchema partitioning, Range range) {
        RangePartition.Builder builder = partitioning.newRange();
        if (range.from >= 0) {
            builder.from(bound(range.from));
        }
        if (range.to < cuts.size()) {
            builder.before(bound(range.to));
        }
        if (!range.hashLevels.equals(hashLevels)) {
            range.hashLevels.forEach(
                    level -> builder.hash(level.buckets(), names(partitioning.schema(), level.columns())));
        }
        return builder.build();
    }

    private @Nullable Object[] bound(int cut) {
        return cuts.get(cut).values().stream()
                .map(value -> value instanceof Bytes bytes ? bytes.array() : value)
                .toArray();
    }

    private static String[] names(Schema schema, List<Integer> columns) {
        return columns.stream().map(index -> schema.column(index).name()).toArray(String[]::new);
    }

    @Override
    public String toString() {
        return "hash " + hashLevels + ", ranges of " + rangeColumns + " at " + cuts + ": " + ranges;
    }
}
