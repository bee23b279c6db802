package io.nyala.partition;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.hexdump.HexDump;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a partition schema and a partition read back as they were written, in the bytes that their formats promise;
 * damaged bytes are refused with their position, or are another one of the same table. Method: golden script; random
 * tables; every byte changed in several ways, and every length.
 */
final class PartitionFormatTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("host", ColumnType.STRING),
            Column.key("id", ColumnType.INT32),
            Column.of("value", ColumnType.DOUBLE));

    @Test
    void bytesAreAsTheyWere() {
        Script.check("partition/formats", PartitionFormatTest::run);
    }

    private static String run(String command) {
        PartitionSchema hash = PartitionSchema.of(SCHEMA).hash(4, "host").build();
        PartitionSchema both = PartitionSchema.of(SCHEMA)
                .hash(4, "id", "host")
                .seed(0xFFFF_FFFEL)
                .range("id")
                .build();
        RangePartition own = both.newRange().from(10).before(20).hash(2, "host").build();
        PartitionMap map = PartitionMap.of(both, List.of(both.between(0, 10), own));
        return switch (command) {
            case "schema none" -> dump(PartitionSchema.of(SCHEMA).build());
            case "schema hash" -> dump(hash);
            case "schema hash, range, a range with its own hash level" -> dump(map.schema());
            case "partition none" -> dump(Partition.of(List.of(), RangeBounds.ALL));
            case "partition unbounded" ->
                dump(PartitionMap.of(hash).partitions().get(3));
            case "partition bounded" -> dump(map.partitions().getLast());
            default -> throw new IllegalArgumentException(command);
        };
    }

    private static String dump(PartitionSchema partitioning) {
        byte[] bytes = PartitionSchemaFormat.toBytes(partitioning);
        MemorySegment memory = MemorySegment.ofArray(bytes);
        return HexDump.text(memory, notes -> PartitionSchemaFormat.annotate(memory, 0, bytes.length, SCHEMA, notes));
    }

    private static String dump(Partition partition) {
        byte[] bytes = PartitionFormat.toBytes(partition);
        MemorySegment memory = MemorySegment.ofArray(bytes);
        return HexDump.text(memory, notes -> PartitionFormat.annotate(memory, 0, bytes.length, notes));
    }

    @RepeatedTest(100)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema plain = RandomTables.partitioning(random, schema);
        var map = PartitionMap.of(plain, RandomTables.ranges(random, plain));
        byte[] bytes = PartitionSchemaFormat.toBytes(map.schema());
        MemorySegment within = within(bytes);
        assertEquals(map.schema(), PartitionSchemaFormat.fromBytes(within, 7, bytes.length, schema));
        for (Partition partition : map.partitions()) {
            byte[] one = PartitionFormat.toBytes(partition);
            assertEquals(partition, PartitionFormat.fromBytes(within(one), 7, one.length));
        }
    }

    private static MemorySegment within(byte[] bytes) {
        byte[] within = new byte[bytes.length + 12];
        System.arraycopy(bytes, 0, within, 7, bytes.length);
        return MemorySegment.ofArray(within);
    }

    @RepeatedTest(30)
    void refusesEveryDamagedByteOrReadsAnotherOne(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema plain = RandomTables.partitioning(random, schema);
        var map = PartitionMap.of(plain, RandomTables.ranges(random, plain));
        byte[] good = PartitionSchemaFormat.toBytes(map.schema());
        for (int i = 0; i < good.length; i++) {
            for (int change : new int[] {1, 0x80, 0xff, random.nextInt(1, 256)}) {
                byte[] bad = good.clone();
                bad[i] ^= (byte) change;
                tryRead(bad, schema, map.schema());
            }
        }
        for (int bytes = 0; bytes < good.length + 5; bytes++) {
            if (bytes != good.length) {
                byte[] bad = Arrays.copyOf(good, bytes);
                assertThrows(MalformedBytesException.class, () -> readSchema(bad, schema));
            }
        }
    }

    private static PartitionSchema readSchema(byte[] bytes, Schema schema) {
        MemorySegment memory = within(bytes);
        HexDump.text(memory, notes -> PartitionSchemaFormat.annotate(memory, 7, bytes.length, schema, notes));
        return PartitionSchemaFormat.fromBytes(memory, 7, bytes.length, schema);
    }

    private static void tryRead(byte[] bad, Schema schema, PartitionSchema original) {
        try {
            PartitionSchema other = readSchema(bad, schema);
            assertTrue(!other.equals(original), "a changed byte was not seen");
            assertArrayEquals(bad, PartitionSchemaFormat.toBytes(other));
        } catch (MalformedBytesException e) {
            assertTrue(e.offset() >= 7 && e.offset() <= 7 + bad.length, e.getMessage());
        }
    }

    @RepeatedTest(30)
    void refusesEveryDamagedByteOfAPartitionOrReadsAnotherOne(@Seed SplittableRandom random) {
        Schema schema = RandomTables.schema(random);
        PartitionSchema plain = RandomTables.partitioning(random, schema);
        List<RangePartition> ranges = RandomTables.ranges(random, plain);
        for (RangePartition range : ranges) {
            Partition partition =
                    PartitionMap.of(plain, List.of(range)).partitions().getLast();
            byte[] good = PartitionFormat.toBytes(partition);
            for (int i = 0; i < good.length; i++) {
                byte[] bad = good.clone();
                bad[i] ^= (byte) random.nextInt(1, 256);
                try {
                    Partition other = PartitionFormat.fromBytes(within(bad), 7, bad.length);
                    assertArrayEquals(bad, PartitionFormat.toBytes(other));
                } catch (MalformedBytesException e) {
                    assertTrue(e.offset() >= 7 && e.offset() <= 7 + bad.length, e.getMessage());
                }
            }
            for (int bytes = 0; bytes < good.length; bytes++) {
                byte[] bad = Arrays.copyOf(good, bytes);
                assertThrows(
                        MalformedBytesException.class, () -> PartitionFormat.fromBytes(within(bad), 7, bad.length));
            }
        }
    }

    @Test
    void refusesAnotherFormatNamingBoth() {
        byte[] schema = PartitionSchemaFormat.toBytes(PartitionSchema.of(SCHEMA).build());
        schema[0] = 2;
        assertEquals(
                "malformed bytes at 7: partition schema format 2, but this version of Nyala reads format 1",
                assertThrows(MalformedBytesException.class, () -> readSchema(schema, SCHEMA))
                        .getMessage());
        byte[] partition = PartitionFormat.toBytes(Partition.of(List.of(), RangeBounds.ALL));
        partition[0] = 3;
        assertEquals(
                "malformed bytes at 7: partition format 3, but this version of Nyala reads format 1",
                assertThrows(
                                MalformedBytesException.class,
                                () -> PartitionFormat.fromBytes(within(partition), 7, partition.length))
                        .getMessage());
    }

    @Test
    void refusesWhatIsNotInTheOrderInWhichItIsWritten() {
        PartitionSchema both =
                PartitionSchema.of(SCHEMA).hash(4, "host", "id").range("id").build();
        byte[] bytes = PartitionSchemaFormat.toBytes(both);
        swap(bytes, 28, 32, 4);
        assertMalformed("malformed bytes at 23: hash columns do not ascend: [1, 0]", bytes);
        List<RangePartition> ranges = List.of(
                both.newRange().from(0).before(5).hash(2, "host").build(),
                both.newRange().from(5).before(9).hash(3, "host").build());
        bytes = PartitionSchemaFormat.toBytes(PartitionMap.of(both, ranges).schema());
        swap(bytes, bytes.length - 64, bytes.length - 32, 32);
        assertMalformed("malformed bytes at 79: custom ranges do not ascend", bytes);
    }

    private static void swap(byte[] bytes, int left, int right, int count) {
        byte[] before = bytes.clone();
        System.arraycopy(before, left, bytes, right, count);
        System.arraycopy(before, right, bytes, left, count);
    }

    private static void assertMalformed(String message, byte[] bytes) {
        var refused = assertThrows(MalformedBytesException.class, () -> readSchema(bytes, SCHEMA));
        assertEquals(message, refused.getMessage());
    }

    @Test
    void refusesThePartitionSchemaOfAnotherTable() {
        byte[] bytes = PartitionSchemaFormat.toBytes(
                PartitionSchema.of(SCHEMA).hash(4, "id").build());
        Schema other = Schema.of(Column.key("host", ColumnType.STRING), Column.of("id", ColumnType.INT32));
        var refused = assertThrows(MalformedBytesException.class, () -> readSchema(bytes, other));
        assertTrue(String.valueOf(refused.getMessage()).contains("id is not in the key"), refused.getMessage());
    }
}
