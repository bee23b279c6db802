package io.nyala.acceptance;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RangePartitionBound;
import org.apache.kudu.client.RangePartitionWithCustomHashSchema;

/**
 * How a random table is divided: levels of hash, ranges of any columns of the key with bounds of all kinds, some of
 * which have hashes of their own, rows to split at. Most can be; what cannot is for the servers to refuse. One thread.
 */
final class DrawnPartitions {
    private final List<ColumnSchema> keys;
    private final List<ColumnSchema> rangeColumns = new ArrayList<>();
    private final List<Level> levels;
    private final List<Range> ranges = new ArrayList<>();
    private final List<List<Object>> splits = new ArrayList<>();

    /** A level of hash. */
    private record Level(List<String> columns, int buckets, int seed) {}

    /**
     * A range.
     *
     * @param lower values of the first of its columns; without any, it has no lower end
     * @param upper as {@code lower}
     * @param own its own levels of hash, if it has some
     */
    private record Range(
            List<Object> lower,
            RangePartitionBound lowerKind,
            List<Object> upper,
            RangePartitionBound upperKind,
            boolean hasOwn,
            List<Level> own) {}

    DrawnPartitions(List<ColumnSchema> keys, SplittableRandom random) {
        this.keys = List.copyOf(keys);
        this.levels = levels(random, random.nextInt(3));
        if (random.nextBoolean()) {
            return;
        }
        int first = random.nextInt(4) == 0 ? random.nextInt(keys.size()) : 0;
        int count = random.nextInt(3) == 0 ? random.nextInt(1, keys.size() - first + 1) : 1;
        rangeColumns.addAll(keys.subList(first, first + count));
        if (random.nextInt(4) == 0) {
            for (int i = 0; i < 1 + random.nextInt(2); i++) {
                splits.add(values(random));
            }
        }
        if (splits.isEmpty() || random.nextInt(4) == 0) {
            drawRanges(random);
        }
    }

    /** On columns that no other level has, while there are some. */
    private List<Level> levels(SplittableRandom random, int count) {
        List<String> free =
                new ArrayList<>(keys.stream().map(ColumnSchema::getName).toList());
        List<Level> drawn = new ArrayList<>();
        for (int i = 0; i < count && !free.isEmpty(); i++) {
            List<String> columns = new ArrayList<>();
            int columnCount = random.nextInt(1, Math.max(2, free.size() - (count - i - 1) + 1));
            for (int c = 0; c < columnCount && !free.isEmpty(); c++) {
                columns.add(free.remove(random.nextInt(free.size())));
            }
            drawn.add(new Level(columns, random.nextInt(2, 4), random.nextInt(2) * 7));
        }
        return drawn;
    }

    private List<Object> values(SplittableRandom random) {
        int count = random.nextInt(4) == 0 ? random.nextInt(1, rangeColumns.size() + 1) : rangeColumns.size();
        List<Object> values = new ArrayList<>();
        for (ColumnSchema column : rangeColumns.subList(0, count)) {
            values.add(Values.draw(column, random));
        }
        // The empty one alone is no end of a range to a real Kudu.
        return values.size() == 1 && endsWithEmptyText(values) ? values(random) : values;
    }

    private static boolean endsWithEmptyText(List<Object> values) {
        return !values.isEmpty()
                && (values.getLast().equals("") || (values.getLast() instanceof byte[] bytes && bytes.length == 0));
    }

    private void drawRanges(SplittableRandom random) {
        List<List<Object>> cuts = new ArrayList<>();
        for (int i = 0; i < 1 + random.nextInt(4); i++) {
            cuts.add(values(random));
        }
        cuts.sort(DrawnPartitions::compare);
        if (random.nextBoolean()) {
            cuts.addFirst(List.of());
        }
        if (random.nextBoolean() || cuts.size() == 1) {
            cuts.addLast(List.of());
        }
        // Clients allow one of the two; a real Kudu forgets an empty text behind other values, or one that is left out.
        boolean mayHaveOwn = splits.isEmpty()
                && cuts.stream().noneMatch(cut -> endsWithEmptyText(cut) || leavesOutText(cut))
                && random.nextBoolean();
        for (int i = 0; i + 1 < cuts.size(); i++) {
            boolean isPoint =
                    compare(cuts.get(i), cuts.get(i + 1)) == 0 && !cuts.get(i).isEmpty();
            if (!isPoint && random.nextInt(4) > 0) {
                ranges.add(range(cuts.get(i), cuts.get(i + 1), mayHaveOwn, random));
            }
        }
    }

    /**
     * Bounds are of the usual kinds where a range may have hashes of its own, or where they leave out a time: of others
     * a real Kudu makes a mess.
     */
    private Range range(List<Object> lower, List<Object> upper, boolean mayHaveOwn, SplittableRandom random) {
        boolean hasOwn = mayHaveOwn && random.nextBoolean();
        int count = random.nextInt(8) == 0 ? random.nextInt(3) : levels.size();
        return new Range(
                lower,
                !mayHaveOwn && random.nextInt(4) == 0 && !leavesOutTime(lower)
                        ? RangePartitionBound.EXCLUSIVE_BOUND
                        : RangePartitionBound.INCLUSIVE_BOUND,
                upper,
                !mayHaveOwn && random.nextInt(6) == 0 && !leavesOutTime(upper)
                        ? RangePartitionBound.INCLUSIVE_BOUND
                        : RangePartitionBound.EXCLUSIVE_BOUND,
                hasOwn,
                hasOwn ? levels(random, count) : List.of());
    }

    private boolean leavesOutText(List<Object> values) {
        Type last = rangeColumns.getLast().getType();
        return !values.isEmpty()
                && values.size() < rangeColumns.size()
                && (last == Type.STRING || last == Type.VARCHAR || last == Type.BINARY);
    }

    private boolean leavesOutTime(List<Object> values) {
        return values.size() < rangeColumns.size() && rangeColumns.getLast().getType() == Type.UNIXTIME_MICROS;
    }

    private static int compare(List<Object> some, List<Object> others) {
        for (int i = 0; i < Math.min(some.size(), others.size()); i++) {
            int order = compareValues(some.get(i), others.get(i));
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(some.size(), others.size());
    }

    @SuppressWarnings("unchecked")
    private static int compareValues(Object some, Object other) {
        return switch (some) {
            case byte[] bytes -> Arrays.compareUnsigned(bytes, (byte[]) other);
            case String text ->
                Arrays.compareUnsigned(
                        text.getBytes(StandardCharsets.UTF_8), ((String) other).getBytes(StandardCharsets.UTF_8));
            default -> ((Comparable<Object>) some).compareTo(other);
        };
    }

    boolean hasRanges() {
        return !rangeColumns.isEmpty();
    }

    /** How to create the table. */
    CreateTableOptions toCreate(Schema schema) {
        CreateTableOptions options = new CreateTableOptions()
                .setNumReplicas(1)
                .setRangePartitionColumns(
                        rangeColumns.stream().map(ColumnSchema::getName).toList());
        for (Level level : levels) {
            options.addHashPartitions(level.columns(), level.buckets(), level.seed());
        }
        for (Range range : ranges) {
            if (range.hasOwn()) {
                options.addRangePartition(withOwn(schema, range));
            } else {
                options.addRangePartition(
                        bound(schema, range.lower()),
                        bound(schema, range.upper()),
                        range.lowerKind(),
                        range.upperKind());
            }
        }
        splits.forEach(split -> options.addSplitRow(bound(schema, split)));
        return options;
    }

    private RangePartitionWithCustomHashSchema withOwn(Schema schema, Range range) {
        var made = new RangePartitionWithCustomHashSchema(
                bound(schema, range.lower()), bound(schema, range.upper()), range.lowerKind(), range.upperKind());
        range.own().forEach(level -> made.addHashPartitions(level.columns(), level.buckets(), level.seed()));
        return made;
    }

    private PartialRow bound(Schema schema, List<Object> values) {
        PartialRow row = schema.newPartialRow();
        for (int i = 0; i < values.size(); i++) {
            row.addObject(rangeColumns.get(i).getName(), values.get(i));
        }
        return row;
    }

    /** A change of the table: one of its ranges less, or another one, which may be in the way of those there are. */
    AlterTableOptions drawChange(Schema schema, SplittableRandom random) {
        AlterTableOptions change = new AlterTableOptions();
        if (!ranges.isEmpty() && random.nextBoolean()) {
            Range gone = ranges.get(random.nextInt(ranges.size()));
            if (random.nextInt(4) > 0) {
                ranges.remove(gone);
            }
            return change.dropRangePartition(
                    bound(schema, gone.lower()), bound(schema, gone.upper()), gone.lowerKind(), gone.upperKind());
        }
        List<List<Object>> ends = new ArrayList<>(List.of(values(random), values(random)));
        ends.sort(DrawnPartitions::compare);
        Range made = range(
                random.nextInt(4) == 0 ? List.of() : ends.get(0),
                random.nextInt(4) == 0 ? List.of() : ends.get(1),
                random.nextInt(3) == 0 && ends.stream().noneMatch(DrawnPartitions::endsWithEmptyText),
                random);
        ranges.add(made);
        return made.hasOwn()
                ? change.addRangePartition(withOwn(schema, made))
                : change.addRangePartition(
                        bound(schema, made.lower()), bound(schema, made.upper()), made.lowerKind(), made.upperKind());
    }

    @Override
    public String toString() {
        return "hash " + levels + " ranges of "
                + rangeColumns.stream().map(ColumnSchema::getName).toList() + " " + ranges + " split at " + splits;
    }
}
