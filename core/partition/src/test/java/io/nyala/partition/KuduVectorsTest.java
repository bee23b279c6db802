package io.nyala.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Goal: hashes, buckets, partition keys, the tablets of a table and the words about them are Kudu's. Method: what a
 * Kudu 1.18.1 server said (a table {@code HASH (k1, k2) PARTITIONS 3 SEED 7, RANGE (k3)}), and answers that Kudu's own
 * tests expect.
 */
final class KuduVectorsTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k1", ColumnType.INT32),
            Column.key("k2", ColumnType.STRING),
            Column.key("k3", ColumnType.INT64),
            Column.of("i8", ColumnType.INT8).nullable(),
            Column.of("bin", ColumnType.BINARY).nullable());

    private static final PartitionSchema PARTITIONING =
            PartitionSchema.of(SCHEMA).hash(3, "k1", "k2").seed(7).range("k3").build();

    /** As the table was created: the last range with an exclusive lower and an inclusive upper bound. */
    private static final PartitionMap MAP = PartitionMap.of(
            PARTITIONING,
            List.of(
                    PARTITIONING.between(null, 0L),
                    PARTITIONING.between(0L, 100L),
                    PARTITIONING.newRange().after(199L).upTo(299L).build()));

    private static final String TABLETS = """
        [0] 00000000 .. 000000008000000000000000
        [0] 000000008000000000000000 .. 000000008000000000000064
        [0] 0000000080000000000000c8 .. 00000000800000000000012c
        [1] 00000001 .. 000000018000000000000000
        [1] 000000018000000000000000 .. 000000018000000000000064
        [1] 0000000180000000000000c8 .. 00000001800000000000012c
        [2] 00000002 .. 000000028000000000000000
        [2] 000000028000000000000000 .. 000000028000000000000064
        [2] 0000000280000000000000c8 .. 00000002800000000000012c
        """;

    @Test
    void cutsTheTableIntoTheSameTablets() {
        assertEquals("HASH (k1, k2) PARTITIONS 3 SEED 7, RANGE (k3)", PARTITIONING.toString());
        var tablets = new StringBuilder();
        for (Partition partition : MAP.partitions()) {
            tablets.append(partition.hashBuckets())
                    .append(' ')
                    .append(hex(partition.keyStart()))
                    .append(" .. ")
                    .append(hex(partition.keyEnd()))
                    .append('\n');
        }
        assertEquals(TABLETS, tablets.toString());
    }

    @Test
    void hashesTheSameRowsIntoTheSameTablets() {
        assertRow("deaec02be3d16b1b", 1, "000000018000000000000007", -5, "a\0b", 7L);
        assertRow("4da97d58804bcfbe", 0, "000000008000000000000063", 1, "", 99L);
        assertRow("437127b3666f25a5", 0, "0000000080000000000000fa", 2, "zz", 250L);
    }

    private static void assertRow(String hash, int bucket, String partitionKey, Object... values) {
        try (var rows = new Rows(SCHEMA)) {
            long operation = rows.add(values);
            var columns = new HashColumns(
                    new KeyCells(new RowLayout(SCHEMA)),
                    PARTITIONING.hashLevels().getFirst());
            assertEquals(hash, hex(columns.hash(rows.memory(), rows.row(operation), KeyCells.ROW)));
            assertEquals(hash, hex(columns.hash(rows.memory(), rows.key(operation), rows.keyBytes(operation))));
            assertEquals(partitionKey, hex(MAP.partitionKey(rows.memory(), rows.row(operation))));
            Partition partition = MAP.partitions().get(MAP.findOperation(rows.memory(), operation));
            assertEquals(List.of(bucket), partition.hashBuckets());
            assertEquals(
                    "HASH (k1, k2): " + bucket + ", RANGE (k3): int64 k3=<redacted>",
                    MAP.describeRowAsKudu(rows.memory(), rows.row(operation)));
        }
    }

    private static String hex(long value) {
        return HexFormat.of().toHexDigits(value);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @Test
    void listsTabletsFromTheSamePlaces() {
        assertEquals(0, MAP.floorIndex(new byte[0]));
        assertEquals(3, floor("00000001"));
        assertEquals(1, floor("000000008000000000000096"));
        assertEquals(8, floor("0000000280000000000000fa"));
        assertEquals(8, floor("00000007"));
    }

    private static int floor(String partitionKey) {
        return MAP.floorIndex(HexFormat.of().parseHex(partitionKey));
    }

    @Test
    void writesPartitionsInTheSameWords() {
        List<Partition> partitions = MAP.partitions();
        assertEquals(
                "HASH (k1, k2) PARTITION 0, RANGE (k3) PARTITION VALUES < 0",
                PARTITIONING.describeAsKudu(partitions.get(0)));
        assertEquals(
                "HASH (k1, k2) PARTITION 2, RANGE (k3) PARTITION 200 <= VALUES < 300",
                PARTITIONING.describeAsKudu(partitions.get(8)));
        assertEquals("HASH(k1, k2) BUCKET 0, RANGE k3 < 0", PARTITIONING.describe(partitions.get(0)));
        assertEquals("HASH(k1, k2) BUCKET 2, RANGE 200 <= k3 < 300", PARTITIONING.describe(partitions.get(8)));
    }

    @Test
    void encodesARowInParts() {
        Schema schema = Schema.of(
                Column.key("k1", ColumnType.INT32),
                Column.key("k2", ColumnType.STRING),
                Column.key("k3", ColumnType.INT64));
        PartitionSchema partitioning =
                PartitionSchema.of(schema).range("k1", "k2", "k3").build();
        assertEquals(
                "7ffffffb6100016200008000000000000007",
                hex(partitioning.between(List.of(-5, "a\0b", 7L), null).bounds().lower()));
    }

    @Test
    void hashesBytesAsKudusTestsExpect() {
        assertEquals(7115271465109541368L, Murmur2.hash(ascii("ab"), 0));
        assertEquals(2601573339036254301L, Murmur2.hash(ascii("abcdefg"), 0));
        assertEquals(3575930248840144026L, Murmur2.hash(ascii("quick brown fox"), 42));
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void encodesPartitionKeysAsKudusTestsExpect() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT32),
                Column.key("b", ColumnType.STRING),
                Column.key("c", ColumnType.STRING));
        PartitionSchema partitioning = PartitionSchema.of(schema)
                .hash(32, "b", "a") // Whatever the order: ids decide.
                .hash(32, "c")
                .seed(42)
                .range("a", "b", "c")
                .build();
        assertEquals(
                "HASH (a, b) PARTITIONS 32, HASH (c) PARTITIONS 32 SEED 42, RANGE (a, b, c)", partitioning.toString());
        var map = PartitionMap.of(partitioning);
        try (var rows = new Rows(schema)) {
            List<String> keys = new ArrayList<>();
            for (Object[] row : List.of(
                    new Object[] {0, "", ""}, new Object[] {1, "", ""}, new Object[] {0, "b", "c"}, new Object[] {
                        1, "b", "c"
                    })) {
                long operation = rows.add(row);
                keys.add(hex(map.partitionKey(rows.memory(), rows.row(operation))));
            }
            assertEquals(
                    List.of(
                            "00000000" + "00000014" + "80000000" + "0000",
                            "00000005" + "00000014" + "80000001" + "0000",
                            "0000001a" + "0000001d" + "80000000" + "620000" + "63",
                            "00000000" + "0000001d" + "80000001" + "620000" + "63"),
                    keys);
            long operation = rows.add(1, "b", "c");
            assertEquals(
                    "HASH (a, b): 0, HASH (c): 29, RANGE (a, b, c): "
                            + "(int32 a=<redacted>, string b=<redacted>, string c=<redacted>)",
                    map.describeRowAsKudu(rows.memory(), rows.row(operation)));
        }
    }

    @Test
    void takesTheLeastValueForColumnsOfABoundThatAreNotSet() {
        Schema schema = Schema.of(
                Column.key("c1", ColumnType.STRING),
                Column.key("c2", ColumnType.STRING),
                Column.key("c3", ColumnType.STRING));
        PartitionSchema partitioning =
                PartitionSchema.of(schema).range("c1", "c2", "c3").build();
        List<RangePartition> ranges = partitioning.split(
                List.of(
                        partitioning.newRange().before(null, null, "b").build(),
                        partitioning
                                .newRange()
                                .from(null, "b", "c")
                                .before("d", null, "f")
                                .build(),
                        partitioning.newRange().from("e").build()),
                List.of(Arrays.asList(null, null, "a")));
        assertEquals(
                List.of(
                        "VALUES < (\"\", \"\", \"a\")",
                        "(\"\", \"\", \"a\") <= VALUES < (\"\", \"\", \"b\")",
                        "(\"\", \"b\", \"c\") <= VALUES < (\"d\", \"\", \"f\")",
                        "VALUES >= (\"e\", \"\", \"\")"),
                ranges.stream()
                        .map(range -> partitioning.describe(range.bounds()))
                        .toList());
    }

    @Test
    void unboundedRangesEndAtTheNextBucket() {
        Schema schema = Schema.of(Column.key("id", ColumnType.INT64), Column.key("b", ColumnType.INT64));
        var map = PartitionMap.of(PartitionSchema.of(schema).hash(8, "id").build());
        assertEquals("00000000", hex(map.partitions().get(0).keyStart()));
        assertEquals("00000001", hex(map.partitions().get(0).keyEnd()));
        assertEquals("00000008", hex(map.partitions().get(7).keyEnd()));
        // Without a carry: behind bucket 1 of 2 comes bucket 2.
        var two = PartitionMap.of(
                PartitionSchema.of(schema).hash(2, "id").hash(2, "b").build());
        assertEquals("0000000000000001", hex(two.partitions().get(1).keyStart()));
        assertEquals("0000000000000002", hex(two.partitions().get(1).keyEnd()));
        var one = PartitionMap.of(PartitionSchema.of(schema).build());
        assertEquals("", hex(one.partitions().get(0).keyStart()));
        assertEquals("", hex(one.partitions().get(0).keyEnd()));
        assertEquals("ALL ROWS", one.schema().describe(one.partitions().get(0)));
    }

    @Test
    void writesValuesAsKuduDoes() {
        assertValue("-7", Column.key("k", ColumnType.INT8), (byte) -7);
        assertValue("2024-02-29", Column.key("k", ColumnType.DATE), LocalDate.of(2024, 2, 29));
        assertValue(
                "1970-01-01T00:00:01.000000Z", Column.key("k", ColumnType.UNIXTIME_MICROS), Instant.ofEpochSecond(1));
        assertValue("1234_D32", Column.decimal("k", 9, 2).asKey(), new BigDecimal("12.34"));
        assertValue("-1234_D128", Column.decimal("k", 38, 2).asKey(), new BigDecimal("-12.34"));
        assertValue("\"a\\000\\\"\\n\u00e9\"", Column.key("k", ColumnType.STRING), "a\0\"\n\u00e9");
        assertValue("\"a\\x01\\x62g\"", Column.key("k", ColumnType.BINARY), new byte[] {'a', 1, 'b', 'g'});
    }

    private static void assertValue(String expected, Column column, Object value) {
        PartitionSchema partitioning =
                PartitionSchema.of(Schema.of(column)).range("k").build();
        assertEquals(
                "VALUES >= " + expected,
                partitioning.describe(partitioning.between(value, null).bounds()));
        assertEquals(
                CellValue.of(column, value),
                KeyBytes.toCell(column.type(), KeyBytes.ofCell(column.type(), CellValue.of(column, value))));
    }
}
