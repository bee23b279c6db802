package io.nyala.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: what cannot be a partition schema, a range or a change of ranges is refused in words that say why, those that
 * Kudu's clients look for included; bounds are what Java values say. Method: a case for every rule.
 */
final class PartitionSchemaTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("host", ColumnType.STRING),
            Column.key("metric", ColumnType.STRING),
            Column.key("day", ColumnType.DATE),
            Column.of("value", ColumnType.DOUBLE));

    private static final PartitionSchema BY_DAY =
            PartitionSchema.of(SCHEMA).hash(4, "host", "metric").range("day").build();

    private static LocalDate day(int dayOfMonth) {
        return LocalDate.of(2024, 1, dayOfMonth);
    }

    @Test
    void readsAsItIsWritten() {
        assertEquals("HASH (host, metric) PARTITIONS 4, RANGE (day)", BY_DAY.toString());
        var map = PartitionMap.of(BY_DAY, List.of(BY_DAY.between(day(1), day(3)), BY_DAY.between(day(3), null)));
        assertEquals(8, map.size());
        assertEquals(
                "HASH(host, metric) BUCKET 1, RANGE 2024-01-01 <= day < 2024-01-03",
                map.schema().describe(map.partitions().get(2)));
        assertEquals(
                "HASH(host, metric) BUCKET 3, RANGE 2024-01-03 <= day",
                map.schema().describe(map.partitions().get(7)));
        assertEquals("HASH (host, metric) PARTITIONS 4, RANGE (day): 8 partitions of 2 ranges", map.toString());
        var two = PartitionSchema.of(SCHEMA).range("day", "host").build();
        var bounds = two.between(List.of(day(1), "a"), List.of(day(2), "b\0"));
        assertEquals(
                "RANGE (2024-01-01, \"a\") <= (day, host) < (2024-01-02, \"b\\000\")",
                two.describe(Partition.of(List.of(), bounds.bounds())));
        assertEquals("RANGE (day, host) UNBOUNDED", two.describe(Partition.of(List.of(), RangeBounds.ALL)));
        assertEquals(
                "<hash-partition-error: 0 vs 1 expected buckets>",
                BY_DAY.describe(Partition.of(List.of(), RangeBounds.ALL)));
    }

    @Test
    void refusesHashLevelsThatCannotBe() {
        assertRefused("must have at least two hash buckets, was given 1", () -> build(b -> b.hash(1, "host")));
        assertRefused("must be between 2 and 4,096, was 4,097", () -> build(b -> b.hash(4097, "host")));
        assertRefused("must have at least one hash column", () -> build(b -> b.hash(4)));
        assertRefused("no column has the name hots", () -> build(b -> b.hash(4, "hots")));
        assertRefused(
                "must specify only primary key columns for hash bucket partition components: value is not in the key",
                () -> build(b -> b.hash(4, "value")));
        assertRefused(
                "must specify existing columns for hash bucket partition components: no column has the id 9",
                () -> build(b -> b.hash(new HashLevel(List.of(9), 2, 0))));
        assertRefused("names a column twice", () -> build(b -> b.hash(4, "host", "host")));
        assertRefused(
                "hash bucket schema components must not contain columns in common: host is in two of them",
                () -> build(b -> b.hash(4, "host").hash(2, "metric", "host")));
        assertRefused("call hash before seed", () -> build(b -> b.seed(1)));
        assertRefused(
                "seed of a hash level must be between 0 and",
                () -> build(b -> b.hash(2, "host").seed(-1)));
        assertRefused(
                "seed of a hash level must be between 0 and",
                () -> build(b -> b.hash(2, "host").seed(1L << 32)));
        Schema wide = Schema.of(IntStream.range(0, 17)
                .mapToObj(i -> Column.key("k" + i, ColumnType.INT8))
                .toList());
        PartitionSchema.Builder many = PartitionSchema.of(wide);
        IntStream.range(0, 17).forEach(i -> many.hash(2, "k" + i));
        assertRefused("number of hash levels must be between 0 and 16, was 17", many::build);
    }

    @Test
    void refusesRangeLevelsThatCannotBe() {
        assertRefused(
                "must specify only primary key columns for range partition component: value is not in the key",
                () -> build(b -> b.range("value")));
        assertRefused("no column has the name days", () -> build(b -> b.range("days")));
        assertRefused("duplicate column in range partition: day", () -> build(b -> b.range("day", "day")));
        assertRefused("one range level", () -> build(b -> b.range("day").range("host")));
        assertRefused("at least one range column", () -> build(b -> b.range()));
    }

    private static void build(UnaryOperator<PartitionSchema.Builder> calls) {
        calls.apply(PartitionSchema.of(SCHEMA)).build();
    }

    @Test
    void refusesBoundsThatCannotBe() {
        assertRefused(
                "lower bound must be less than the upper bound: 2024-01-02 and 2024-01-01",
                () -> BY_DAY.between(day(2), day(1)));
        assertRefused("lower bound must be less than the upper bound", () -> BY_DAY.between(day(2), day(2)));
        assertRefused("column day DATE NOT NULL takes a LocalDate, was given a Integer", () -> BY_DAY.between(1, null));
        assertRefused(
                "2 values for a bound of the 1 range columns [day]", () -> BY_DAY.between(List.of(day(1), "a"), null));
        var byHost = PartitionSchema.of(SCHEMA).range("host").build();
        assertRefused("no row is before \"\" in [host]", () -> byHost.between(null, ""));
        assertRefused(
                "bytes of a range bound must be between 0 and 16,384", () -> byHost.between("x".repeat(16_385), null));
        var none = PartitionSchema.of(SCHEMA).hash(2, "host").build();
        assertRefused("the table has no range level", () -> none.between("a", "b"));
        assertEquals(RangeBounds.ALL, none.between(null, null).bounds());
        assertRefused(
                "varying number of hash dimensions per range is not yet supported: 2024-01-01 <= VALUES < 2024-01-02 "
                        + "has 2, the table 1",
                () -> BY_DAY.newRange()
                        .from(day(1))
                        .before(day(2))
                        .hash(2, "host")
                        .hash(2, "day")
                        .build());
        assertRefused(
                "a range bound is no key of the range columns",
                () -> PartitionMap.of(BY_DAY, List.of(range(BY_DAY, new byte[3], new byte[0]))));
        assertRefused(
                "the table has no range level",
                () -> PartitionMap.of(none, List.of(range(none, new byte[3], new byte[0]))));
    }

    private static RangePartition range(PartitionSchema partitioning, byte[] lower, byte[] upper) {
        return new RangePartition(new RangeBounds(lower, upper), partitioning.hashLevels());
    }

    @Test
    void refusesTablesWithTooManyTablets() {
        var many = PartitionSchema.of(SCHEMA)
                .hash(4096, "host")
                .hash(4096, "metric")
                .build();
        assertRefused(
                "number of tablets of a table must be between 0 and 16,384, was 16,777,216",
                () -> PartitionMap.of(many));
        Schema numbers = Schema.of(Column.key("k", ColumnType.INT32), Column.key("i", ColumnType.INT32));
        var twice = PartitionSchema.of(numbers).hash(2, "i").range("k").build();
        Object[] points = IntStream.range(0, 8192).boxed().toArray();
        assertRefused("was 16,386", () -> PartitionMap.of(twice, twice.splitAt(points)));
        assertEquals(
                16_384,
                PartitionMap.of(twice, twice.splitAt(Arrays.copyOf(points, 8191)))
                        .size());
        var once = PartitionSchema.of(numbers).range("k").build();
        Object[] more = IntStream.range(0, 16_384).boxed().toArray();
        assertRefused(
                "number of range partitions must be between 0 and 16,384, was 16,385",
                () -> PartitionMap.of(once, once.splitAt(more)));
    }

    @Test
    void turnsExclusiveAndInclusiveBoundsRound() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT8), Column.key("b", ColumnType.INT8), Column.key("c", ColumnType.INT8));
        var partitioning = PartitionSchema.of(schema).range("a", "b", "c").build();
        assertEquals("(1, 2, 4)", after(partitioning, 1, 2, 3));
        assertEquals("(1, 3, -128)", after(partitioning, 1, 2, 127));
        assertEquals("(1, 127, 4)", after(partitioning, 1, 127, 3));
        assertEquals("(1, -128, 4)", after(partitioning, 1, null, 3));
        assertEquals("(-128, -128, -127)", after(partitioning));
        assertEquals("(2, -128, -128)", after(partitioning, 1, 127, 127));
        assertRefused(
                "Exclusive lower bound range partition key must not have maximum values for all components",
                () -> partitioning.newRange().after(127, 127, 127));
        assertEquals(
                "VALUES < (1, 3, -128)",
                partitioning.describe(
                        partitioning.newRange().upTo(1, 2, 127).build().bounds()));
        assertEquals(
                RangeBounds.ALL,
                partitioning.newRange().upTo(127, 127, 127).build().bounds());
        assertEquals(RangeBounds.ALL, partitioning.newRange().upTo().build().bounds());
    }

    private static String after(PartitionSchema partitioning, @Nullable Object... values) {
        return partitioning
                .describe(partitioning.newRange().after(values).build().bounds())
                .substring("VALUES >= ".length());
    }

    @Test
    void incrementsEveryTypeUpToItsLargestValue() {
        assertNext("VALUES >= \"a\\000\"", Column.key("k", ColumnType.STRING), "a");
        assertNext("VALUES >= 2024-01-02", Column.key("k", ColumnType.DATE), day(1));
        assertNext("VALUES >= -32767", Column.key("k", ColumnType.INT16), Short.MIN_VALUE);
        assertNext("VALUES >= 100_D32", Column.decimal("k", 3, 2).asKey(), new BigDecimal("0.99"));
        assertLast(Column.key("k", ColumnType.INT64), Long.MAX_VALUE);
        assertLast(Column.key("k", ColumnType.DATE), LocalDate.of(9999, 12, 31));
        assertLast(Column.decimal("k", 3, 2).asKey(), new BigDecimal("9.99"));
        assertLast(Column.decimal("k", 30, 0).asKey(), new BigDecimal("9".repeat(30)));
        // A decimal that is not set is the least of its precision when it is counted up, as in Kudu.
        PartitionSchema decimal = byK(Column.decimal("k", 3, 2).asKey());
        assertEquals(
                "VALUES >= -998_D32",
                decimal.describe(decimal.newRange().after().build().bounds()));
    }

    @Test
    void leavesTextsAsTheyAreThatAColumnCannotHoldLonger() {
        Column column = Column.varchar("k", 3).asKey();
        assertNext("VALUES >= \"\\000\"", column, "");
        assertNext("VALUES >= \"ab\\000\"", column, "ab");
        assertNext("VALUES >= \"abc\"", column, "abc");
        assertNext("VALUES >= \"abc\"", column, "abcd");
        assertNext("VALUES >= \"a\u00e9\\000\"", column, "a\u00e9");
        assertNext("VALUES >= \"\ud83e\udd8c\u00e9c\"", column, "\ud83e\udd8c\u00e9c");
        PartitionSchema partitioning = byK(column);
        RangePartition upToFull = partitioning.newRange().upTo("abc").build();
        assertEquals("VALUES < \"abc\"", partitioning.describe(upToFull.bounds()));
        assertEquals(upToFull, partitioning.newRange().before("abcd").build());
        assertEquals(
                2,
                PartitionMap.of(partitioning, List.of(upToFull, partitioning.between("abc", null)))
                        .partitions()
                        .size());
    }

    @Test
    void takesTheFirstDayForADateThatIsNotSet() {
        PartitionSchema partitioning =
                PartitionSchema.of(SCHEMA).range("host", "day").build();
        RangeBounds bounds = partitioning.between(List.of("a"), null).bounds();
        assertEquals("VALUES >= (\"a\", 0001-01-01)", partitioning.describe(bounds));
        assertEquals("610000" + "7ff506c6", HexFormat.of().formatHex(bounds.lower()));
    }

    private static PartitionSchema byK(Column column) {
        return PartitionSchema.of(Schema.of(column)).range("k").build();
    }

    private static void assertNext(String expected, Column column, Object value) {
        PartitionSchema partitioning = byK(column);
        assertEquals(
                expected,
                partitioning.describe(
                        partitioning.newRange().after(value).build().bounds()));
    }

    private static void assertLast(Column column, Object value) {
        PartitionSchema partitioning = byK(column);
        assertEquals(
                RangeBounds.ALL, partitioning.newRange().upTo(value).build().bounds());
        assertRefused(
                "must not have maximum values", () -> partitioning.newRange().after(value));
    }

    @Test
    void splitsWithinRangesOnly() {
        List<RangePartition> ranges = List.of(BY_DAY.between(day(10), null), BY_DAY.between(day(1), day(5)));
        List<RangePartition> pieces = BY_DAY.split(ranges, List.of(day(20), day(3)));
        assertEquals(
                List.of(
                        "2024-01-01 <= VALUES < 2024-01-03",
                        "2024-01-03 <= VALUES < 2024-01-05",
                        "2024-01-10 <= VALUES < 2024-01-20",
                        "VALUES >= 2024-01-20"),
                pieces.stream().map(piece -> BY_DAY.describe(piece.bounds())).toList());
        assertRefused("split out of bounds: 2024-01-07", () -> BY_DAY.split(ranges, List.of(day(7))));
        assertRefused("split matches lower or upper bound: 2024-01-01", () -> BY_DAY.split(ranges, List.of(day(1))));
        assertRefused("split matches lower or upper bound: 2024-01-05", () -> BY_DAY.split(ranges, List.of(day(5))));
        assertRefused("duplicate split row: 2024-01-03", () -> BY_DAY.split(ranges, List.of(day(3), day(3))));
        List<RangePartition> closed = List.of(BY_DAY.between(day(1), day(5)));
        assertRefused("split out of bounds: 2024-01-07", () -> BY_DAY.split(closed, List.of(day(7))));
        assertRefused(
                "split rows must contain a value for at least one range partition column",
                () -> BY_DAY.split(ranges, List.of(List.of())));
        assertRefused(
                "overlapping range partitions: first range partition: 2024-01-01 <= VALUES < 2024-01-05, "
                        + "second range partition: 2024-01-04 <= VALUES < 2024-01-06",
                () -> PartitionMap.of(BY_DAY, List.of(BY_DAY.between(day(4), day(6)), closed.getFirst())));
    }

    @Test
    void addsAndDropsWholeRangesOnly() {
        var map = PartitionMap.of(BY_DAY, List.of(BY_DAY.between(day(1), day(5)), BY_DAY.between(day(10), day(20))));
        assertEquals(12, map.withRange(BY_DAY.between(day(5), day(10))).size());
        assertRefused(
                "range partition already exists: 2024-01-01 <= VALUES < 2024-01-05",
                () -> map.withRange(BY_DAY.between(day(1), day(5))));
        assertRefused(
                "new range partition conflicts with existing one: 2024-01-04 <= VALUES < 2024-01-06 and "
                        + "2024-01-01 <= VALUES < 2024-01-05",
                () -> map.withRange(BY_DAY.between(day(4), day(6))));
        assertRefused("new range partition conflicts", () -> map.withRange(BY_DAY.between(null, null)));
        assertRefused(
                "No range partition found for drop range partition step: 2024-01-01 <= VALUES < 2024-01-04. The table "
                        + "has 2: 2024-01-01 <= VALUES < 2024-01-05, 2024-01-10 <= VALUES < 2024-01-20",
                () -> map.withoutRange(BY_DAY.between(day(1), day(4)).bounds()));
        assertEquals(
                4, map.withoutRange(BY_DAY.between(day(1), day(5)).bounds()).size());
    }

    @Test
    void theOneRangeOfATableWithoutRangeLevelComesAndGoes() {
        PartitionSchema partitioning =
                PartitionSchema.of(SCHEMA).hash(2, "host").build();
        PartitionMap whole = PartitionMap.of(partitioning);
        RangePartition all = whole.ranges().getFirst();
        PartitionMap empty = whole.withoutRange(RangeBounds.ALL);
        assertEquals(0, empty.size());
        assertEquals(
                0, PartitionMap.ofPartitions(partitioning, empty.partitions()).size());
        assertEquals(0, empty.prune().cardinality());
        MemorySegment row = MemorySegment.ofArray(new byte[new RowLayout(SCHEMA).fixedBytes()]);
        assertEquals(PartitionMap.NOT_FOUND, empty.find(row, 0));
        assertRefused("The table has no range level", () -> empty.withoutRange(RangeBounds.ALL));
        assertEquals(whole.partitions(), empty.withRange(all).partitions());
        assertRefused("range partition already exists", () -> whole.withRange(all));
    }

    /** An unbounded range of a table with hash levels could not be dropped: its end was looked for in another form. */
    @Test
    void kudu3515UnboundedRangesOfHashedTablesCanBeDropped() {
        var twoLevels = PartitionSchema.of(SCHEMA)
                .hash(2, "host")
                .hash(3, "metric")
                .range("day")
                .build();
        var map = PartitionMap.of(twoLevels, twoLevels.splitAt(day(1), day(2)));
        // As a catalog would have it: from the keys of tablets.
        List<Partition> kept = map.partitions().stream()
                .map(one -> Partition.ofKeys(one.hashBuckets(), one.keyStart(), one.keyEnd()))
                .toList();
        var read = PartitionMap.ofPartitions(twoLevels, kept);
        assertEquals(
                12, read.withoutRange(twoLevels.between(null, day(1)).bounds()).size());
        assertEquals(
                12, read.withoutRange(twoLevels.between(day(2), null).bounds()).size());
        var all = PartitionMap.of(twoLevels);
        assertEquals(0, all.withoutRange(RangeBounds.ALL).size());
    }

    @Test
    void keepsHashLevelsOfSingleRangesAsLongAsTheRanges() {
        RangePartition own = BY_DAY.newRange()
                .from(day(5))
                .before(day(9))
                .hash(7, "day")
                .seed(2)
                .build();
        PartitionMap map =
                PartitionMap.of(BY_DAY, List.of(BY_DAY.between(null, day(5)))).withRange(own);
        assertEquals(11, map.size());
        assertEquals(List.of(own), map.schema().customRanges());
        assertNotEquals(BY_DAY, map.schema());
        assertEquals(own.hashLevels(), map.schema().hashLevelsOf(own.bounds()));
        assertEquals(BY_DAY, map.withoutRange(own.bounds()).schema());
        // Levels like the table's are no levels of its own.
        RangePartition same =
                BY_DAY.newRange().from(day(9)).hash(4, "metric", "host").build();
        assertEquals(List.of(own), map.withRange(same).schema().customRanges());
    }

    @Test
    void refusesTabletsThatDoNotMakeATable() {
        var map = PartitionMap.of(BY_DAY, BY_DAY.splitAt(day(1)));
        List<Partition> all = map.partitions();
        assertRefused(
                "no tablet has the partition HASH(host, metric) BUCKET 0, RANGE day < 2024-01-01",
                () -> PartitionMap.ofPartitions(BY_DAY, all.subList(1, all.size())));
        var twice = new ArrayList<>(all);
        twice.add(all.getFirst());
        assertRefused("two tablets have the partition HASH", () -> PartitionMap.ofPartitions(BY_DAY, twice));
        var other = Partition.of(List.of(4), all.getFirst().range());
        var strange = new ArrayList<>(all);
        strange.add(other);
        assertRefused("has no partition HASH", () -> PartitionMap.ofPartitions(BY_DAY, strange));
        assertRefused(
                "are none of the hash buckets [1]",
                () -> Partition.ofKeys(List.of(1), new byte[] {0, 0, 0, 2}, new byte[] {0, 0, 0, 3}));
        assertRefused("hash bucket must be between 0 and", () -> Partition.of(List.of(-1), RangeBounds.ALL));
    }

    @Test
    void refusesAnotherKey() {
        Schema shorter = Schema.of(Column.key("host", ColumnType.STRING), Column.key("metric", ColumnType.STRING));
        assertRefused("a table keeps its key: of 3 columns, not of 2", () -> BY_DAY.withSchema(shorter));
        Schema other = Schema.of(
                Column.key("host", ColumnType.STRING),
                Column.key("metric", ColumnType.INT8),
                Column.key("day", ColumnType.DATE));
        assertRefused(
                "a table keeps its key: column metric STRING NOT NULL cannot become column metric INT8",
                () -> BY_DAY.withSchema(other));
        Schema renamed = Schema.of(
                Column.key("server", ColumnType.STRING),
                Column.key("metric", ColumnType.STRING),
                Column.key("day", ColumnType.DATE));
        assertEquals(
                "HASH (server, metric) PARTITIONS 4, RANGE (day)",
                BY_DAY.withSchema(renamed).toString());
    }

    private static void assertRefused(String words, Runnable code) {
        var exception = assertThrows(IllegalArgumentException.class, code::run);
        assertTrue(String.valueOf(exception.getMessage()).contains(words), exception.getMessage());
    }
}
