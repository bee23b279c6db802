package io.nyala.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.CellFilter;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: a scan asks every partition that may have a matching row, and no other where that can be known. Method: random
 * tables, predicates and key bounds, of which every matching row's partition must be asked; small domains, tried out
 * value by value, where exactly the partitions with possible rows must be.
 */
final class PruningTest {
    @RepeatedTest(200)
    void asksEveryPartitionWithAMatchingRow(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        var layout = new RowLayout(schema);
        PartitionSchema partitioning = RandomTables.partitioning(random, schema);
        var map = PartitionMap.of(partitioning, RandomTables.ranges(random, partitioning));
        try (var rows = new Rows(schema)) {
            List<Long> operations = new ArrayList<>();
            List<Object[]> values = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                values.add(RandomTables.row(random, schema));
                operations.add(rows.add(values.getLast()));
            }
            for (int n = 0; n < 20; n++) {
                Object[] some = values.get(random.nextInt(values.size()));
                List<Predicate> predicates = RandomScans.predicates(random, schema, some);
                KeyRange keys = RandomScans.keyRange(random, schema, some, predicates);
                List<CellFilter> filters = predicates.stream()
                        .map(predicate -> CellFilter.of(schema, predicate))
                        .toList();
                BitSet asked = map.prune(predicates, keys);
                ScanSpec scan =
                        ScanSpec.all(schema, 0).withPredicates(predicates).withKeyRange(keys);
                for (int i = 0; i < map.size(); i++) {
                    assertEquals(asked.get(i), map.mayMatch(map.partitions().get(i), scan));
                }
                for (int i = 0; i < operations.size(); i++) {
                    long row = rows.row(operations.get(i));
                    boolean isMatch = keys.contains(rows.keyOf(operations.get(i)))
                            && filters.stream().allMatch(filter -> filter.matches(layout, rows.memory(), row));
                    int index = map.find(rows.memory(), row);
                    assertTrue(
                            !isMatch || index < 0 || asked.get(index),
                            () -> map + " " + RandomScans.text(schema, predicates, keys));
                }
            }
        }
    }

    @RepeatedTest(100)
    void asksOnePartitionPerRangeIfAllHashColumnsAreGiven(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema partitioning = RandomTables.partitioning(random, schema);
        var map = PartitionMap.of(partitioning, RandomTables.ranges(random, partitioning));
        Object[] row = RandomTables.row(random, schema);
        // All columns of the key, so that ranges of its own hash levels are exact too.
        Predicate[] all = IntStream.range(0, schema.keyColumnCount())
                .mapToObj(i -> Predicate.equal(schema, schema.column(i).name(), row[i]))
                .toArray(Predicate[]::new);
        assertEquals(Reference.partitionsOf(map, row), indexes(map.prune(all)));
        // By the bounds of the key alone as well.
        var codec = new KeyCodec(new RowLayout(schema));
        KeyRange key = KeyRange.from(codec, List.of(all));
        assertEquals(Reference.partitionsOf(map, row), indexes(map.prune(List.of(), key)));
        // And if only the columns of the table's hash levels are given: the same buckets of every range.
        Predicate[] hashed = partitioning.hashLevels().stream()
                .flatMap(level -> level.columnIds().stream())
                .map(schema::indexOfId)
                .map(i -> Predicate.equal(schema, schema.column(i).name(), row[i]))
                .toArray(Predicate[]::new);
        PartitionMap plain = PartitionMap.of(
                partitioning,
                map.ranges().stream()
                        .map(range -> new RangePartition(range.bounds(), partitioning.hashLevels()))
                        .toList());
        List<Integer> buckets = partitioning.hashLevels().stream()
                .map(level -> Reference.bucket(schema, level, row))
                .toList();
        List<Integer> expected = new ArrayList<>(IntStream.range(0, plain.size())
                .filter(i -> plain.partitions().get(i).hashBuckets().equals(buckets))
                .boxed()
                .toList());
        List<Integer> asked = indexes(plain.prune(hashed));
        assertTrue(expected.containsAll(asked), plain.toString());
        if (partitioning.rangeColumnIds().stream().noneMatch(id -> isHashed(partitioning, id))) {
            expected.removeIf(i -> hasNoRow(plain.partitions().get(i).range(), partitioning));
            assertEquals(expected, asked);
        }
    }

    private static boolean isHashed(PartitionSchema partitioning, int id) {
        return partitioning.hashLevels().stream()
                .anyMatch(level -> level.columnIds().contains(id));
    }

    /** Up to the least value of each column there is no row. */
    private static boolean hasNoRow(RangeBounds range, PartitionSchema partitioning) {
        Schema schema = partitioning.schema();
        List<Column> columns = partitioning.rangeColumnIds().stream()
                .map(id -> schema.column(schema.indexOfId(id)))
                .toList();
        var least = new ByteArrayOutputStream();
        for (int i = 0; i < columns.size(); i++) {
            ColumnType type = columns.get(i).type();
            KeyBytes.append(least, type, ColumnConstraint.least(type), i == columns.size() - 1);
        }
        return range.hasUpper() && Arrays.compareUnsigned(range.upper(), least.toByteArray()) <= 0;
    }

    private static List<Integer> indexes(BitSet set) {
        return set.stream().boxed().toList();
    }

    private static final Schema BYTES = Schema.of(
            Column.key("a", ColumnType.INT8),
            Column.key("b", ColumnType.INT8),
            Column.key("c", ColumnType.INT8),
            Column.key("d", ColumnType.INT8));

    @RepeatedTest(100)
    void asksNoPartitionWithoutPossibleRows(@Seed SplittableRandom random) {
        PartitionSchema partitioning = PartitionSchema.of(BYTES)
                .hash(3, "a")
                .hash(4, "b")
                .seed(9)
                .range("c", "d")
                .build();
        var map = PartitionMap.of(
                partitioning,
                RandomTables.ranges(random, partitioning).stream()
                        .map(range -> new RangePartition(range.bounds(), partitioning.hashLevels()))
                        .toList());
        List<Predicate> predicates = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) {
            for (int n = random.nextInt(3); n > 0; n--) {
                predicates.add(RandomScans.valuePredicate(random, BYTES, name));
            }
        }
        boolean isOneKnown = predicates.stream().anyMatch(predicate -> predicate.column() == 2);
        for (int n = isOneKnown ? random.nextInt(3) : 0; n > 0; n--) {
            predicates.add(RandomScans.rangePredicate(random, BYTES, "d"));
        }
        Set<Integer> bucketsOfA = buckets(partitioning.hashLevels().get(0), allowed(predicates, 0));
        Set<Integer> bucketsOfB = buckets(partitioning.hashLevels().get(1), allowed(predicates, 1));
        int[] cs = allowed(predicates, 2);
        int[] ds = allowed(predicates, 3);
        BitSet expected = new BitSet();
        for (int i = 0; i < map.size(); i++) {
            Partition partition = map.partitions().get(i);
            expected.set(
                    i,
                    bucketsOfA.contains(partition.hashBucket(0))
                            && bucketsOfB.contains(partition.hashBucket(1))
                            && isAnyIn(cs, ds, partition.range()));
        }
        assertEquals(
                expected,
                map.prune(predicates, KeyRange.ALL),
                () -> map + " " + RandomScans.text(BYTES, predicates, KeyRange.ALL));
    }

    private static int[] allowed(List<Predicate> predicates, int column) {
        List<CellFilter> filters = predicates.stream()
                .filter(predicate -> predicate.column() == column)
                .map(predicate -> CellFilter.of(BYTES, predicate))
                .toList();
        return IntStream.rangeClosed(Byte.MIN_VALUE, Byte.MAX_VALUE)
                .filter(value -> filters.stream().allMatch(filter -> filter.matchesLong(value)))
                .toArray();
    }

    private static Set<Integer> buckets(HashLevel level, int[] values) {
        Set<Integer> buckets = new HashSet<>();
        for (int value : values) {
            Object[] row = new Object[BYTES.keyColumnCount()];
            Arrays.fill(row, (byte) value);
            buckets.add(Reference.bucket(BYTES, level, row));
        }
        return buckets;
    }

    private static boolean isAnyIn(int[] cs, int[] ds, RangeBounds range) {
        for (int c : cs) {
            for (int d : ds) {
                if (range.contains(new byte[] {(byte) (c ^ 0x80), (byte) (d ^ 0x80)})) {
                    return true;
                }
            }
        }
        return false;
    }

    @Test
    void prunesPrimaryKeyRangesAsKudusTestsExpect() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT8), Column.key("b", ColumnType.INT8), Column.key("c", ColumnType.INT8));
        PartitionSchema partitioning =
                PartitionSchema.of(schema).range("a", "b", "c").build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt(List.of(0, 0, 0), List.of(10, 10, 10)));
        assertEquals(3, asked(map, null, null));
        assertEquals(1, asked(map, null, List.of(-1, -128, -128)));
        assertEquals(2, asked(map, null, List.of(10, 10, 10)));
        assertEquals(3, asked(map, null, List.of(100, -128, -128)));
        assertEquals(3, asked(map, List.of(-10, -10, -10), null));
        assertEquals(2, asked(map, List.of(0, 0, 0), null));
        assertEquals(1, asked(map, List.of(100, 0, 0), null));
        assertEquals(3, asked(map, List.of(-10, 0, 0), List.of(100, 0, 0)));
        assertEquals(1, asked(map, List.of(0, 0, 0), List.of(10, 10, 10)));
        assertEquals(2, asked(map, List.of(0, 0, 0), List.of(10, 10, 11)));
    }

    private static int asked(PartitionMap map, @Nullable List<?> lower, @Nullable List<?> upper) {
        return map.prune(List.of(), keys(map, lower, upper)).cardinality();
    }

    private static KeyRange keys(PartitionMap map, @Nullable List<?> lower, @Nullable List<?> upper) {
        var codec = new KeyCodec(new RowLayout(map.schema().schema()));
        return new KeyRange(
                lower == null ? null : codec.encodeValues(lower.toArray()),
                upper == null ? null : codec.encodeValues(upper.toArray()));
    }

    /** The first columns of an upper key bound were taken for an excluded bound of the range key: rows were missed. */
    @Test
    void kudu2173RangeColumnsThatAreAPrefixOfTheKeyLoseNoRows() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT8),
                Column.key("b", ColumnType.STRING),
                Column.key("c", ColumnType.STRING));
        PartitionSchema partitioning =
                PartitionSchema.of(schema).range("a", "b").build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt(List.of(0, "m"), List.of(10, "r")));
        // (10, "r", "") is below (10, "r", "fuzzy"), and it is in the third range.
        assertEquals(3, asked(map, null, List.of(10, "r", "fuzzy")));
        assertEquals(2, asked(map, null, List.of(10, "r", "")));
        assertEquals(2, asked(map, null, List.of(10, "r")));
        assertEquals(1, asked(map, null, List.of(-1, "")));
        assertEquals(3, asked(map, null, List.of(100, "")));
        assertEquals(3, asked(map, List.of(-10, "m"), null));
        assertEquals(3, asked(map, List.of(0, ""), null));
        assertEquals(2, asked(map, List.of(0, "m"), null));
        assertEquals(1, asked(map, List.of(100, ""), null));
        assertEquals(2, asked(map, List.of(0, "m"), List.of(10, "r", "fuzzy")));
        assertEquals(1, asked(map, List.of(0, "m"), List.of(10, "r", "")));
        assertEquals(2, asked(map, List.of(0, ""), List.of(10, "m")));
        assertEquals(1, asked(map, List.of(10, "m"), List.of(10, "m", "fuzzy")));
    }

    @Test
    void prunesRangesAsKudusTestsExpect() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT8), Column.key("b", ColumnType.STRING), Column.key("c", ColumnType.INT8));
        PartitionSchema partitioning =
                PartitionSchema.of(schema).range("c", "b").build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt(List.of(0, "m"), List.of(10, "r")));
        assertAsked(3, map);
        assertAsked(1, map, Predicate.lessThan(schema, "c", -10));
        assertAsked(1, map, Predicate.equal(schema, "c", -10));
        assertAsked(2, map, Predicate.lessThan(schema, "c", 10));
        assertAsked(3, map, Predicate.lessThan(schema, "c", 100));
        assertAsked(0, map, Predicate.lessThan(schema, "c", -128));
        assertAsked(3, map, Predicate.lessThan(schema, "c", 127));
        assertAsked(3, map, Predicate.atLeast(schema, "c", 0));
        assertAsked(2, map, Predicate.atLeast(schema, "c", 5));
        assertAsked(2, map, Predicate.atLeast(schema, "c", 10));
        assertAsked(1, map, Predicate.atLeast(schema, "c", 100));
        assertAsked(3, map, Predicate.atLeast(schema, "c", -128));
        assertAsked(1, map, Predicate.atLeast(schema, "c", 127));
        assertAsked(1, map, Predicate.equal(schema, "c", -128));
        assertAsked(1, map, Predicate.range(schema, "c", -10, 0));
        assertAsked(2, map, Predicate.range(schema, "c", 5, 100));
        assertAsked(3, map, Predicate.equal(schema, "b", ""));
        assertAsked(3, map, Predicate.range(schema, "b", "m", "z"));
        assertAsked(1, map, Predicate.atLeast(schema, "c", 10), Predicate.atLeast(schema, "b", "r"));
        assertAsked(2, map, Predicate.atLeast(schema, "c", 10), Predicate.lessThan(schema, "b", "r"));
        assertAsked(1, map, Predicate.equal(schema, "c", 10), Predicate.lessThan(schema, "b", "r"));
        assertAsked(1, map, Predicate.lessThan(schema, "c", 0), Predicate.lessThan(schema, "b", "z"));
        assertAsked(1, map, Predicate.equal(schema, "c", 0), Predicate.equal(schema, "b", "m\0"));
        assertAsked(1, map, Predicate.equal(schema, "c", 0), Predicate.lessThan(schema, "b", "m"));
        assertAsked(2, map, Predicate.equal(schema, "c", 0), Predicate.lessThan(schema, "b", "m\0"));
        assertAsked(3, map, Predicate.isNotNull(schema, "c"));
        assertAsked(0, map, Predicate.isNull(schema, "c"));
        // Kudu asks all that lies between the values of a list; we only where they are.
        assertAsked(2, map, Predicate.in(schema, "c", List.of(-10, 100)));
    }

    private static void assertAsked(int expected, PartitionMap map, Predicate... predicates) {
        assertEquals(expected, map.prune(predicates).cardinality(), () -> Arrays.toString(predicates));
    }

    @Test
    void prunesHashesAsKudusTestsExpect() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT8), Column.key("b", ColumnType.INT8), Column.key("c", ColumnType.INT8));
        PartitionMap map = PartitionMap.of(
                PartitionSchema.of(schema).hash(2, "a").hash(2, "b", "c").build());
        assertAsked(4, map);
        assertAsked(2, map, Predicate.equal(schema, "a", 0));
        assertAsked(4, map, Predicate.atLeast(schema, "a", 0));
        assertAsked(2, map, Predicate.range(schema, "a", 0, 1));
        assertAsked(4, map, Predicate.range(schema, "a", 0, 2));
        assertAsked(4, map, Predicate.equal(schema, "b", 1));
        assertAsked(2, map, Predicate.equal(schema, "b", 1), Predicate.equal(schema, "c", 2));
        assertAsked(
                1,
                map,
                Predicate.equal(schema, "a", 0),
                Predicate.equal(schema, "b", 1),
                Predicate.equal(schema, "c", 2));
    }

    @Test
    void prunesHashesAndRangesAsKudusTestsExpect() {
        Schema schema = Schema.of(
                Column.key("host", ColumnType.STRING),
                Column.key("metric", ColumnType.STRING),
                Column.key("time", ColumnType.UNIXTIME_MICROS));
        PartitionSchema partitioning = PartitionSchema.of(schema)
                .hash(2, "host", "metric")
                .range("time")
                .build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt(10L));
        assertEquals(4, map.size());
        Predicate host = Predicate.equal(schema, "host", "a");
        Predicate metric = Predicate.equal(schema, "metric", "a");
        assertAsked(2, map, host, metric, Predicate.atLeast(schema, "time", 9L));
        assertAsked(1, map, host, metric, Predicate.range(schema, "time", 10L, 20L));
        assertAsked(1, map, host, metric, Predicate.lessThan(schema, "time", 10L));
        assertAsked(1, map, host, metric, Predicate.atLeast(schema, "time", 10L));
        assertAsked(1, map, host, metric, Predicate.equal(schema, "time", 10L));
        assertAsked(2, map, Predicate.equal(schema, "time", 10L));
        assertAsked(0, map, Predicate.in(schema, "host", List.of()));
    }

    /** IN lists were hashed by the table's levels where a range has its own: rows were missed. */
    @Test
    void kudu3564InListsGoByTheHashLevelsOfEachRange() {
        Schema schema = Schema.of(Column.key("id", ColumnType.INT64), Column.key("day", ColumnType.INT32));
        PartitionSchema partitioning =
                PartitionSchema.of(schema).hash(2, "id").range("day").build();
        var map = PartitionMap.of(
                partitioning,
                List.of(
                        partitioning.between(0, 10),
                        partitioning
                                .newRange()
                                .from(10)
                                .before(20)
                                .hash(5, "id")
                                .seed(3)
                                .build(),
                        partitioning
                                .newRange()
                                .from(20)
                                .before(30)
                                .hash(3, "day")
                                .build()));
        for (long id = 0; id < 50; id += 2) {
            BitSet asked = map.prune(Predicate.in(schema, "id", List.of(id, id + 1)));
            BitSet expected = new BitSet();
            for (int day : new int[] {5, 15, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}) {
                Reference.partitionsOf(map, new Object[] {id, day}).forEach(expected::set);
                Reference.partitionsOf(map, new Object[] {id + 1, day}).forEach(expected::set);
            }
            assertEquals(expected, asked, "ids from " + id);
        }
    }

    /** IN lists on several columns of a level were multiplied out without limit, in memory. */
    @Test
    @Tag("allocation")
    void kudu3455ManyLongInListsAreNotMultipliedOut() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT32),
                Column.key("b", ColumnType.INT32),
                Column.key("c", ColumnType.INT32));
        PartitionSchema partitioning = PartitionSchema.of(schema)
                .hash(3, "a", "b")
                .hash(3, "c")
                .range("a", "b", "c")
                .build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt(1_000, 2_000, 100_000));
        List<Integer> many = IntStream.range(1_500, 3_500).boxed().toList();
        Predicate[] lists = {
            Predicate.in(schema, "a", many), Predicate.in(schema, "b", many), Predicate.in(schema, "c", List.of(7))
        };
        BitSet asked = map.prune(lists);
        // Four million combinations would take a hundred megabytes and more.
        assertTrue(Allocation.bytes(() -> map.prune(lists)) < 16 << 20);
        // Of the first level all buckets, of the second one; of the ranges those between the ends of the first list.
        assertEquals(2 * 3, asked.cardinality());
        List<Integer> few = many.subList(0, 200);
        Predicate[] fewer = {
            Predicate.in(schema, "a", few), Predicate.in(schema, "b", List.of(1)), Predicate.in(schema, "c", List.of(7))
        };
        assertEquals(3, map.prune(fewer).cardinality());
        Predicate[] one = {
            Predicate.equal(schema, "a", 1_500), Predicate.in(schema, "b", List.of(1)), Predicate.equal(schema, "c", 7)
        };
        assertEquals(1, map.prune(one).cardinality());
    }

    @Test
    void prunesByWhatAScanAsksFor() {
        Schema schema = Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT32));
        PartitionMap map =
                PartitionMap.of(PartitionSchema.of(schema).hash(8, "id").build());
        ScanSpec all = ScanSpec.all(schema, 0);
        assertEquals(8, map.prune(all).cardinality());
        ScanSpec one = all.withPredicates(List.of(Predicate.equal(schema, "id", 7L)));
        assertEquals(Reference.partitionsOf(map, new Object[] {7L}), indexes(map.prune(one)));
        KeyRange key = keys(map, List.of(7L), List.of(8L));
        assertEquals(Reference.partitionsOf(map, new Object[] {7L}), indexes(map.prune(all.withKeyRange(key))));
        assertEquals(0, map.prune(one.withKeys(key.upper(), null)).cardinality());
        assertEquals(0, map.prune(all.withKeyRange(KeyRange.EMPTY)).cardinality());
        assertAsked(0, map, Predicate.in(schema, "value", List.of()));
    }

    /** A scan of a table in an uncovered gap asks nobody. */
    @Test
    void asksNobodyAboutRowsOutsideOfAllRanges() {
        Schema schema = Schema.of(Column.key("day", ColumnType.INT32));
        PartitionSchema partitioning = PartitionSchema.of(schema).range("day").build();
        var map = PartitionMap.of(partitioning, List.of(partitioning.between(0, 10), partitioning.between(20, 30)));
        assertAsked(0, map, Predicate.range(schema, "day", 10, 20));
        assertAsked(0, map, Predicate.equal(schema, "day", 30));
        assertAsked(1, map, Predicate.in(schema, "day", List.of(-5, 15, 29, 31)));
        assertAsked(2, map, Predicate.range(schema, "day", 9, 21));
    }

    /** Where what one value of a list allows ends just where a range begins, the next value counts. */
    @Test
    void asksTheRangeThatBeginsBehindAValueOfAList() {
        Schema schema = Schema.of(Column.key("name", ColumnType.STRING));
        PartitionSchema partitioning = PartitionSchema.of(schema).range("name").build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt("a\0", "c"));
        assertEquals(List.of(0, 1), indexes(map.prune(Predicate.in(schema, "name", List.of("a", "b")))));
        assertEquals(List.of(0), indexes(map.prune(Predicate.equal(schema, "name", "a"))));
        assertEquals(List.of(0, 2), indexes(map.prune(Predicate.in(schema, "name", List.of("a", "c")))));
    }

    /** Bounds may be cut off anywhere, and need not be keys at all. */
    @Test
    void takesBoundsThatAreNoKeys() {
        Schema schema = Schema.of(Column.key("a", ColumnType.STRING), Column.key("b", ColumnType.STRING));
        PartitionSchema partitioning = PartitionSchema.of(schema).range("a").build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt("s", "s\0", "s\0\0", "s\1"));
        byte[][] uppers = {{'s'}, {'s', 0}, {'s', 0, 0}, {'s', 0, 0, 'x'}, {'s', 0, 1}, {'s', 0, 5}, {'s', 0, -1}};
        int[] counts = new int[uppers.length];
        for (int i = 0; i < uppers.length; i++) {
            counts[i] = map.prune(List.of(), new KeyRange(null, uppers[i])).cardinality();
        }
        // "s" itself is below s 00 00 x; below s 00 05 is all that begins with s 00.
        assertEquals(List.of(1, 1, 1, 2, 2, 4, 4), Arrays.stream(counts).boxed().toList());
    }
}
