package io.nyala.partition;

import io.nyala.memory.Check;
import io.nyala.rows.CellValue;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The partitions of a table, in order, and which of them a row belongs to or a scan must ask. A partition is known by
 * its index in {@link #partitions}; callers keep their tablets in an array beside it. A change of the ranges is a new
 * map, in which the others may have other indexes.
 *
 * <pre>{@code
 * int index = map.find(memory, row);            // -1: no range has it
 * BitSet asked = map.prune(predicates);
 * map = map.withRange(map.schema().between(february, march));
 * }</pre>
 *
 * <p>Immutable and shared. {@link #find} and its siblings allocate nothing; the rest is control plane.
 */
public final class PartitionMap {
    /** What {@link #find} answers for a row outside of all ranges. */
    public static final int NOT_FOUND = RangeIndex.NOT_FOUND;

    /** What Kudu says then; its status is NotFound. */
    public static final String NOT_FOUND_MESSAGE = "No tablet covering the requested range partition";

    private static final int RANGES_IN_MESSAGE = 5;

    private final PartitionSchema schema;
    private final List<RangePartition> ranges;
    private final List<Partition> partitions;
    private final KeyCells cells;
    private final RangeIndex rangeIndex;

    // The partitions of a range are numbered as the digits of its buckets say; by range and this number: the index.
    private final HashColumns[][] levels;
    private final int[][] indexes;

    private PartitionMap(PartitionSchema schema, List<RangePartition> ranges) {
        this.ranges = ranges.stream().sorted().toList();
        checkRanges(schema, this.ranges);
        this.schema = schema.withCustomRanges(this.ranges);
        this.cells = new KeyCells(new RowLayout(schema.schema()));
        this.rangeIndex = new RangeIndex(cells, schema.rangeKeys(), this.ranges);
        Map<HashLevel, HashColumns> byLevel = new HashMap<>();
        this.levels = this.ranges.stream()
                .map(range -> range.hashLevels().stream()
                        .map(level -> byLevel.computeIfAbsent(level, _ -> new HashColumns(cells, level)))
                        .toArray(HashColumns[]::new))
                .toArray(HashColumns[][]::new);
        List<Slot> slots = slots(this.ranges);
        this.partitions = slots.stream().map(Slot::partition).toList();
        this.indexes = this.ranges.stream()
                .map(range -> new int[(int) range.tabletCount()])
                .toArray(int[][]::new);
        for (int i = 0; i < slots.size(); i++) {
            indexes[slots.get(i).range()][slots.get(i).number()] = i;
        }
    }

    /** A partition, the index of its range, and the number that its buckets make. */
    private record Slot(Partition partition, int range, int number) {}

    private static void checkRanges(PartitionSchema schema, List<RangePartition> ranges) {
        Check.inRange("number of range partitions", ranges.size(), 0, PartitionLimits.RANGES_MAX);
        long tablets = 0;
        for (RangePartition range : ranges) {
            schema.check(range);
            tablets += range.tabletCount();
        }
        Check.inRange("number of tablets of a table", tablets, 0, PartitionLimits.TABLETS_MAX);
        schema.checkDisjoint(ranges);
        Check.that(schema.hasRangeLevel() || ranges.size() <= 1, "a table without range level has one range, or none");
    }

    private static List<Slot> slots(List<RangePartition> ranges) {
        List<Slot> slots = new ArrayList<>();
        for (int range = 0; range < ranges.size(); range++) {
            List<HashLevel> levels = ranges.get(range).hashLevels();
            int count = (int) ranges.get(range).tabletCount();
            for (int number = 0; number < count; number++) {
                Integer[] buckets = new Integer[levels.size()];
                int rest = number;
                for (int i = buckets.length - 1; i >= 0; i--) {
                    buckets[i] = rest % levels.get(i).buckets();
                    rest /= levels.get(i).buckets();
                }
                Partition partition =
                        Partition.of(List.of(buckets), ranges.get(range).bounds());
                slots.add(new Slot(partition, range, number));
            }
        }
        slots.sort(Comparator.comparing(Slot::partition));
        return slots;
    }

    /** One range, unbounded. */
    public static PartitionMap of(PartitionSchema schema) {
        return of(schema, List.of(new RangePartition(RangeBounds.ALL, schema.hashLevels())));
    }

    /**
     * These ranges.
     *
     * @param ranges disjoint, in any order; none if all rows are to be refused for now
     */
    public static PartitionMap of(PartitionSchema schema, List<RangePartition> ranges) {
        return new PartitionMap(schema, ranges);
    }

    /**
     * Of what was kept of each tablet.
     *
     * @param partitions in any order; of each range all combinations of buckets
     */
    public static PartitionMap ofPartitions(PartitionSchema schema, Collection<Partition> partitions) {
        List<RangePartition> ranges = partitions.stream()
                .map(Partition::range)
                .distinct()
                .map(bounds -> new RangePartition(bounds, schema.hashLevelsOf(bounds)))
                .toList();
        var map = new PartitionMap(schema, ranges);
        map.checkSame(partitions);
        return map;
    }

    private void checkSame(Collection<Partition> given) {
        Set<Partition> seen = new HashSet<>();
        for (Partition partition : given) {
            if (indexOf(partition) == NOT_FOUND) {
                throw new IllegalArgumentException(
                        "the table (" + this + ") has no partition " + schema.describe(partition));
            }
            if (!seen.add(partition)) {
                throw new IllegalArgumentException("two tablets have the partition " + schema.describe(partition));
            }
        }
        for (Partition partition : partitions) {
            if (!seen.contains(partition)) {
                throw new IllegalArgumentException("no tablet has the partition " + schema.describe(partition));
            }
        }
    }

    /** With the hash levels that single ranges have for their own. */
    public PartitionSchema schema() {
        return schema;
    }

    /** In order. */
    public List<RangePartition> ranges() {
        return ranges;
    }

    /** In order, disjoint. */
    public List<Partition> partitions() {
        return partitions;
    }

    /** How many partitions there are. */
    public int size() {
        return partitions.size();
    }

    /** The index of this partition, or {@link #NOT_FOUND}. */
    public int indexOf(Partition partition) {
        int index = Collections.binarySearch(partitions, partition);
        return index < 0 ? NOT_FOUND : index;
    }

    /** The index of the partition of a packed row, or {@link #NOT_FOUND}. */
    public int find(MemorySegment memory, long row) {
        return locate(memory, row, KeyCells.ROW);
    }

    /** The index of the partition of an operation of a batch, or {@link #NOT_FOUND}. */
    public int findOperation(MemorySegment memory, long operation) {
        return locate(memory, OperationFormat.rowOffset(memory, operation), KeyCells.ROW);
    }

    /**
     * The index of the partition of the row with this encoded key, or {@link #NOT_FOUND}. A key that came from
     * elsewhere goes through {@link KeyCodec#check} first.
     */
    public int findKey(MemorySegment memory, long key, int keyBytes) {
        Check.notNegative("keyBytes", keyBytes);
        return locate(memory, key, keyBytes);
    }

    private int locate(MemorySegment memory, long base, int keyBytes) {
        int range = rangeIndex.find(memory, base, keyBytes);
        if (range == RangeIndex.NOT_FOUND) {
            return NOT_FOUND;
        }
        int number = 0;
        for (HashColumns level : levels[range]) {
            number = number * level.buckets() + level.bucket(memory, base, keyBytes);
        }
        return indexes[range][number];
    }

    /**
     * The index of the last partition that begins at or before a partition key, 0 if all begin behind it: where Kudu's
     * master begins to list tablets. {@link #NOT_FOUND} if there is no partition.
     */
    public int floorIndex(byte[] partitionKey) {
        int from = 0;
        int to = partitions.size() - 1;
        while (from <= to) {
            int middle = (from + to) >>> 1;
            if (Arrays.compareUnsigned(partitions.get(middle).keyStart(), partitionKey) <= 0) {
                from = middle + 1;
            } else {
                to = middle - 1;
            }
        }
        return partitions.isEmpty() ? NOT_FOUND : Math.max(to, 0);
    }

    /** The partition key of a packed row, be it in a range or not. Allocates. */
    public byte[] partitionKey(MemorySegment memory, long row) {
        RangeKeys keys = schema.rangeKeys();
        var rangeKey = new ByteArrayOutputStream();
        for (int i = 0; keys != null && i < keys.columns().size(); i++) {
            var type = keys.columns().get(i).type();
            CellValue value = cells.layout()
                    .value(
                            memory,
                            row,
                            schema.schema().indexOfId(keys.columns().get(i).id()));
            boolean isLast = i == keys.columns().size() - 1;
            KeyBytes.append(rangeKey, type, KeyBytes.ofCell(type, value), isLast);
        }
        return Partition.key(buckets(memory, row), rangeKey.toByteArray());
    }

    /** As Kudu writes a row in its error messages: {@code HASH (k1): 1, RANGE (k2): int64 k2=<redacted>}. Allocates. */
    public String describeRowAsKudu(MemorySegment memory, long row) {
        return PartitionText.kuduRow(schema, levelsOf(memory, row), buckets(memory, row));
    }

    private List<HashLevel> levelsOf(MemorySegment memory, long row) {
        int range = rangeIndex.find(memory, row, KeyCells.ROW);
        return range == RangeIndex.NOT_FOUND
                ? schema.hashLevels()
                : ranges.get(range).hashLevels();
    }

    private int[] buckets(MemorySegment memory, long row) {
        return levelsOf(memory, row).stream()
                .mapToInt(level -> new HashColumns(cells, level).bucket(memory, row, KeyCells.ROW))
                .toArray();
    }

    /** With a range more, of which no row may be in another one. */
    public PartitionMap withRange(RangePartition range) {
        schema.check(range);
        for (RangePartition existing : ranges) {
            if (existing.bounds().overlaps(range.bounds())) {
                String what = existing.bounds().equals(range.bounds())
                        ? "range partition already exists: "
                        : "new range partition conflicts with existing one: " + schema.describe(range.bounds())
                                + " and ";
                throw new IllegalArgumentException(what + schema.describe(existing.bounds()));
            }
        }
        List<RangePartition> more = new ArrayList<>(ranges);
        more.add(range);
        return of(schema, more);
    }

    /** Without the range that has exactly these bounds. */
    public PartitionMap withoutRange(RangeBounds bounds) {
        List<RangePartition> less =
                ranges.stream().filter(range -> !range.bounds().equals(bounds)).toList();
        if (less.size() == ranges.size()) {
            throw new IllegalArgumentException("No range partition found for drop range partition step: "
                    + schema.describe(bounds) + ". " + existing());
        }
        return of(schema, less);
    }

    private String existing() {
        if (!schema.hasRangeLevel()) {
            return "The table has no range level";
        }
        List<String> first = ranges.stream()
                .limit(RANGES_IN_MESSAGE)
                .map(range -> schema.describe(range.bounds()))
                .toList();
        return "The table has " + ranges.size() + (first.isEmpty() ? "" : ": " + String.join(", ", first))
                + (ranges.size() > first.size() ? " and so on" : "");
    }

    /** The same, for rows of a later version of the table's schema. */
    public PartitionMap withSchema(Schema newSchema) {
        return of(schema.withSchema(newSchema), ranges);
    }

    /** As {@link #prune(Collection, KeyRange)}, without bounds of the key. */
    public BitSet prune(Predicate... predicates) {
        return prune(Arrays.asList(predicates), KeyRange.ALL);
    }

    /** As {@link #prune(Collection, KeyRange)}, by what a scan asks for. */
    public BitSet prune(ScanSpec scan) {
        return prune(scan.predicates(), scan.keyRange());
    }

    /**
     * The indexes of the partitions that may have rows for which all predicates hold and whose key is in a range; the
     * other partitions have none. Where all columns of a hash level must have certain values, and not too many of them,
     * only the buckets of those are left. A new set, which is the caller's.
     *
     * @param predicates on columns of any version of the table's schema
     * @param keys of encoded keys
     */
    public BitSet prune(Collection<Predicate> predicates, KeyRange keys) {
        var pruner = new PartitionPruner(schema, predicates, keys);
        var matching = new BitSet(partitions.size());
        for (int range = 0; range < ranges.size(); range++) {
            if (pruner.mayMatch(ranges.get(range).bounds())) {
                addMatching(pruner, range, 0, 0, matching);
            }
        }
        return matching;
    }

    /** Those of a range whose buckets of the levels before {@code level} make {@code number}. */
    private void addMatching(PartitionPruner pruner, int range, int level, int number, BitSet matching) {
        List<HashLevel> hashLevels = ranges.get(range).hashLevels();
        if (level == hashLevels.size()) {
            matching.set(indexes[range][number]);
            return;
        }
        HashLevel hashed = hashLevels.get(level);
        BitSet buckets = pruner.buckets(hashed);
        for (int bucket = buckets.nextSetBit(0); bucket >= 0; bucket = buckets.nextSetBit(bucket + 1)) {
            addMatching(pruner, range, level + 1, number * hashed.buckets() + bucket, matching);
        }
    }

    /** Whether {@link #prune(ScanSpec)} has this partition of the map. Does not look at the others. */
    public boolean mayMatch(Partition partition, ScanSpec scan) {
        var pruner = new PartitionPruner(schema, scan.predicates(), scan.keyRange());
        return pruner.mayMatch(partition, schema.hashLevelsOf(partition.range()));
    }

    /** For people: the partition schema and how many partitions there are. */
    @Override
    public String toString() {
        return schema + ": " + partitions.size() + " partitions of " + ranges.size() + " ranges";
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PartitionMap map && schema.equals(map.schema) && ranges.equals(map.ranges);
    }

    @Override
    public int hashCode() {
        return 31 * schema.hashCode() + ranges.hashCode();
    }
}
