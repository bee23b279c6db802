package io.nyala.partition;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: a row has at most one partition, the one that its buckets and its range say, whether it is found by the row or
 * by its key, and finding it allocates nothing. Method: random tables cut at random against a reference in plain Java.
 */
final class PartitionMapTest {
    @RepeatedTest(200)
    void findsTheOnePartitionThatHasTheRow(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema partitioning = RandomTables.partitioning(random, schema);
        var map = PartitionMap.of(partitioning, RandomTables.ranges(random, partitioning));
        try (var rows = new Rows(schema)) {
            for (int i = 0; i < 40; i++) {
                Object[] values = RandomTables.row(random, schema);
                long operation = rows.add(values);
                List<Integer> expected = Reference.partitionsOf(map, values);
                assertTrue(expected.size() <= 1, () -> map + " has the row twice: " + Arrays.toString(values));
                int index = expected.isEmpty() ? PartitionMap.NOT_FOUND : expected.getFirst();
                String what = map + " " + Arrays.toString(values);
                assertEquals(index, map.find(rows.memory(), rows.row(operation)), what);
                assertEquals(index, map.findOperation(rows.memory(), operation), what);
                assertEquals(index, map.findKey(rows.memory(), rows.key(operation), rows.keyBytes(operation)), what);
                byte[] key = map.partitionKey(rows.memory(), rows.row(operation));
                assertArrayEquals(partitionKey(map, index, values), key, what);
                if (index >= 0) {
                    assertTrue(isIn(map.partitions().get(index), key), what);
                    assertEquals(index, map.floorIndex(key), what);
                }
            }
        }
    }

    private static byte[] partitionKey(PartitionMap map, int index, Object[] values) {
        Schema schema = map.schema().schema();
        List<HashLevel> levels = index < 0
                ? map.schema().hashLevels()
                : map.schema().hashLevelsOf(map.partitions().get(index).range());
        byte[] rangeKey = Reference.keyOfIds(schema, map.schema().rangeColumnIds(), values);
        ByteBuffer key = ByteBuffer.allocate(4 * levels.size() + rangeKey.length);
        levels.forEach(level -> key.putInt(Reference.bucket(schema, level, values)));
        return key.put(rangeKey).array();
    }

    private static boolean isIn(Partition partition, byte[] key) {
        return Arrays.compareUnsigned(partition.keyStart(), key) <= 0
                && (partition.keyEnd().length == 0 || Arrays.compareUnsigned(key, partition.keyEnd()) < 0);
    }

    @RepeatedTest(200)
    void hashesAsTheDefinitionSays(@Seed SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(40)];
        random.nextBytes(bytes);
        int seed = random.nextInt();
        long expected = Reference.murmur2(bytes, seed);
        assertEquals(expected, Murmur2.hash(bytes, seed));
        long hash = Murmur2.start(seed, bytes.length);
        long held = 0;
        for (int at = 0; at < bytes.length; ) {
            int count = random.nextInt(1, Math.min(8, bytes.length - at) + 1);
            long word = Words.load(MemorySegment.ofArray(bytes), at, count);
            hash = Murmur2.absorb(hash, held, word, count);
            held = Murmur2.hold(held, word, count);
            at += count;
        }
        assertEquals(expected, Murmur2.finish(hash, held));
    }

    @RepeatedTest(100)
    void partitionsAreSortedAndAllOfEachRange(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema partitioning = RandomTables.partitioning(random, schema);
        List<RangePartition> ranges = RandomTables.ranges(random, partitioning);
        var map = PartitionMap.of(partitioning, RandomTables.shuffled(random, ranges));
        assertEquals(map.partitions().stream().sorted().toList(), map.partitions());
        assertEquals(map.size(), new HashSet<>(map.partitions()).size());
        assertEquals(ranges.stream().mapToLong(RangePartition::tabletCount).sum(), map.size());
        for (int i = 0; i < map.size(); i++) {
            Partition partition = map.partitions().get(i);
            assertEquals(i, map.indexOf(partition));
            assertEquals(
                    partition, Partition.ofKeys(partition.hashBuckets(), partition.keyStart(), partition.keyEnd()));
            if (i > 0) {
                byte[] before = map.partitions().get(i - 1).keyStart();
                assertTrue(Arrays.compareUnsigned(before, partition.keyStart()) < 0, map.toString());
            }
        }
        assertEquals(map, PartitionMap.ofPartitions(map.schema(), RandomTables.shuffled(random, map.partitions())));
    }

    @RepeatedTest(100)
    void addsAndDropsRangesOneByOne(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema partitioning = RandomTables.partitioning(random, schema);
        if (!partitioning.hasRangeLevel()) {
            return;
        }
        List<RangePartition> ranges = RandomTables.ranges(random, partitioning);
        PartitionMap whole = PartitionMap.of(partitioning, ranges);
        PartitionMap map = PartitionMap.of(partitioning, List.of());
        for (RangePartition range : RandomTables.shuffled(random, ranges)) {
            map = map.withRange(range);
        }
        assertEquals(whole, map);
        for (RangePartition range : RandomTables.shuffled(random, ranges)) {
            map = map.withoutRange(range.bounds());
        }
        assertEquals(PartitionMap.of(partitioning, List.of()), map);
        assertEquals(List.of(), map.schema().customRanges());
    }

    @Test
    void saysNoWhenNoRangeHasTheRow() {
        Schema schema = Schema.of(Column.key("day", ColumnType.INT32));
        PartitionSchema partitioning = PartitionSchema.of(schema).range("day").build();
        var map = PartitionMap.of(partitioning, List.of(partitioning.between(0, 10), partitioning.between(20, null)));
        try (var rows = new Rows(schema)) {
            List<Integer> found = new ArrayList<>();
            for (int day : new int[] {-1, 0, 9, 10, 19, 20, Integer.MAX_VALUE}) {
                long operation = rows.add(day);
                found.add(map.findOperation(rows.memory(), operation));
            }
            assertEquals(List.of(-1, 0, 0, -1, -1, 1, 1), found);
        }
        assertEquals("No tablet covering the requested range partition", PartitionMap.NOT_FOUND_MESSAGE);
    }

    @Test
    void rowsOfALaterSchemaAreFoundByTheLaterMap() {
        Schema before = Schema.of(Column.key("a", ColumnType.STRING), Column.key("b", ColumnType.INT64));
        List<Column> columns = new ArrayList<>(before.columns());
        for (int i = 2; i < 12; i++) {
            columns.add(Column.of("v" + i, ColumnType.INT32).nullable().withId(i));
        }
        var after = new Schema(1, 12, columns);
        PartitionMap map =
                PartitionMap.of(PartitionSchema.of(before).hash(5, "b", "a").build());
        PartitionMap later = map.withSchema(after);
        try (var rows = new Rows(before);
                var laterRows = new Rows(after)) {
            long row = rows.add("x", 7L);
            long laterRow = laterRows.add("x", 7L);
            assertEquals(map.findOperation(rows.memory(), row), later.findOperation(laterRows.memory(), laterRow));
        }
    }

    @Test
    @Tag("allocation")
    void findingAllocatesNothing() {
        Schema schema = Schema.of(
                Column.key("host", ColumnType.STRING),
                Column.key("metric", ColumnType.STRING),
                Column.key("amount", ColumnType.DECIMAL128),
                Column.key("time", ColumnType.UNIXTIME_MICROS));
        PartitionSchema partitioning = PartitionSchema.of(schema)
                .hash(8, "host")
                .hash(4, "metric", "amount")
                .range("time", "host")
                .build();
        var map = PartitionMap.of(partitioning, partitioning.splitAt(1_000L, List.of(2_000L, "m"), 3_000L));
        try (var rows = new Rows(schema)) {
            long[] operations = new long[20];
            for (int i = 0; i < operations.length; i++) {
                operations[i] = rows.add("a host\0 with a name " + i, "m", i, 200L * i);
            }
            MemorySegment memory = rows.memory();
            Allocation.assertNone("finding the partition of a row and of a key", () -> {
                for (long operation : operations) {
                    int index = map.findOperation(memory, operation);
                    if (index < 0 || index != map.findKey(memory, rows.key(operation), rows.keyBytes(operation))) {
                        throw new AssertionError("row and key in different partitions");
                    }
                }
            });
        }
    }

    @RepeatedTest(100)
    void keysAreThoseOfTheKeyCodec(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema byKey = PartitionSchema.of(schema)
                .range(RandomTables.keyNames(schema).toArray(String[]::new))
                .build();
        var codec = new KeyCodec(new RowLayout(schema));
        try (var rows = new Rows(schema)) {
            Object[] values = RandomTables.row(random, schema);
            byte[] key = codec.encodeValues(values);
            assertArrayEquals(
                    key, byKey.newRange().from(values).build().bounds().lower());
            long operation = rows.add(values);
            assertArrayEquals(key, PartitionMap.of(byKey).partitionKey(rows.memory(), rows.row(operation)));
        }
    }

    @Test
    void orderIsTotal() {
        var none = new RangeBounds(new byte[0], new byte[0]);
        var low = new RangeBounds(new byte[0], new byte[] {5});
        var high = new RangeBounds(new byte[] {(byte) 200}, new byte[0]);
        List<Partition> ascending = List.of(
                Partition.of(List.of(0, 1), low),
                Partition.of(List.of(0, 1), none),
                Partition.of(List.of(0, 1), high),
                Partition.of(List.of(0, 2), low),
                Partition.of(List.of(1, 0), low));
        for (int i = 0; i < ascending.size(); i++) {
            for (int j = 0; j < ascending.size(); j++) {
                int order = ascending.get(i).compareTo(ascending.get(j));
                assertEquals(Integer.compare(i, j), Integer.signum(order), i + " and " + j);
            }
        }
        assertNotEquals(ascending.get(0), ascending.get(1));
    }
}
