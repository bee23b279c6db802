package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: keys are encoded as Kudu does, their bytes are ordered as the keys are, and decode to what was encoded. Method:
 * vectors recorded from a Kudu server, random tuples against a comparison of their values, damaged keys.
 */
final class KeyCodecTest {
    private static final Schema VECTORS = Schema.of(
            Column.key("k1", ColumnType.INT32),
            Column.key("k2", ColumnType.STRING),
            Column.key("k3", ColumnType.INT64));

    @Test
    void encodesAsKuduDoes() {
        var codec = new KeyCodec(new RowLayout(VECTORS));
        assertEquals("7ffffffb6100016200008000000000000007", hex(codec.encodeValues(-5, "a\0b", 7L)));
        assertEquals("8000000100008000000000000063", hex(codec.encodeValues(1, "", 99L)));
        assertEquals("800000027a7a000080000000000000fa", hex(codec.encodeValues(2, "zz", 250L)));
    }

    @Test
    void describesKeysForMessages() {
        var codec = new KeyCodec(new RowLayout(VECTORS));
        byte[] key = codec.encodeValues(-5, "a\0b", 7L);
        assertEquals("(k1=-5, k2=\"a\\u0000b\", k3=7)", codec.describe(key));
        assertEquals("0x7ffffffb61", codec.describe(Arrays.copyOf(key, 5)));
        assertEquals(
                "0x7ffffffb61" + "00".repeat(27) + "...", codec.describe(Arrays.copyOf(Arrays.copyOf(key, 5), 999)));
        String long1 = codec.describe(codec.encodeValues(1, "x".repeat(10_000), 2L));
        assertTrue(long1.length() < 300 && long1.endsWith("k3=2)"), long1);
    }

    @Test
    void encodesEveryTypeByItsRule() {
        assertEquals("00", encode(Column.key("k", ColumnType.INT8), -128));
        assertEquals("7fff", encode(Column.key("k", ColumnType.INT16), -1));
        assertEquals("800004d2", encode(Column.decimal("k", 9, 2).asKey(), new BigDecimal("12.34")));
        assertEquals("7ffffffffffffb2e", encode(Column.decimal("k", 18, 2).asKey(), new BigDecimal("-12.34")));
        assertEquals(
                "800000000000000000000000000004d2",
                encode(Column.decimal("k", 19, 2).asKey(), new BigDecimal("12.34")));
        assertEquals(
                "7ffffffffffffffffffffffffffffb2e",
                encode(Column.decimal("k", 38, 2).asKey(), new BigDecimal("-12.34")));
        assertEquals("80000001", encode(Column.key("k", ColumnType.DATE), LocalDate.of(1970, 1, 2)));
        assertEquals(
                "80000000000003e8",
                encode(Column.key("k", ColumnType.UNIXTIME_MICROS), Instant.ofEpochSecond(0, 1_000_000)));
        assertEquals("610062", encode(Column.key("k", ColumnType.STRING), "a\0b"));
        assertEquals("00ff", encode(Column.key("k", ColumnType.BINARY), new byte[] {0, -1}));
    }

    private static String encode(Column column, Object value) {
        return hex(new KeyCodec(new RowLayout(Schema.of(column))).encodeValues(value));
    }

    @RepeatedTest(100)
    void ordersBytesAsValues(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        var codec = new KeyCodec(layout);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account())) {
            List<@Nullable Object[]> rows = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                rows.add(RandomRows.row(random, schema));
                RandomRows.append(batch, OperationKind.INSERT, rows.getLast());
            }
            List<Long> operations = new ArrayList<>();
            batch.forEach((_, operation) -> operations.add(operation));
            for (int i = 0; i < rows.size(); i++) {
                assertEquals(hex(key(batch, operations.get(i))), hex(codec.encodeValues(keyOf(schema, rows.get(i)))));
                for (int j = 0; j < rows.size(); j++) {
                    int expected = Integer.signum(RandomRows.compareKeys(schema, rows.get(i), rows.get(j)));
                    assertOrder(expected, batch, operations.get(i), operations.get(j));
                }
            }
        }
    }

    private static Object[] keyOf(Schema schema, @Nullable Object[] row) {
        return Arrays.copyOf(row, schema.keyColumnCount());
    }

    private static byte[] key(OperationBatch batch, long operation) {
        return batch.memory()
                .asSlice(
                        OperationFormat.keyOffset(batch.memory(), operation),
                        OperationFormat.keyBytes(batch.memory(), operation))
                .toArray(ValueLayout.JAVA_BYTE);
    }

    private static void assertOrder(int expected, OperationBatch batch, long left, long right) {
        MemorySegment memory = batch.memory();
        long leftKey = OperationFormat.keyOffset(memory, left);
        long rightKey = OperationFormat.keyOffset(memory, right);
        int leftBytes = OperationFormat.keyBytes(memory, left);
        int rightBytes = OperationFormat.keyBytes(memory, right);
        assertEquals(expected, Integer.signum(Arrays.compareUnsigned(key(batch, left), key(batch, right))));
        int order = KeyCodec.compare(memory, leftKey, leftBytes, memory, rightKey, rightBytes);
        assertEquals(expected, Integer.signum(order));
        int prefixOrder = Long.compareUnsigned(
                KeyCodec.prefix(memory, leftKey, leftBytes), KeyCodec.prefix(memory, rightKey, rightBytes));
        assertTrue(prefixOrder == 0 || Integer.signum(prefixOrder) == expected, "prefix");
    }

    @RepeatedTest(100)
    void decodesWhatWasEncoded(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        var codec = new KeyCodec(layout);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account())) {
            RandomRows.append(batch, OperationKind.INSERT, RandomRows.row(random, schema));
            byte[] key = key(batch, 0);
            MemorySegment row = MemorySegment.ofArray(new byte[codec.decodedBytesMax(key.length) + 3]);
            row.fill((byte) -1);
            int bytes = codec.decode(MemorySegment.ofArray(key), 0, key.length, row, 3);
            assertTrue(bytes <= codec.decodedBytesMax(key.length));
            layout.check(row, 3, bytes);
            long original = OperationFormat.rowOffset(batch.memory(), 0);
            for (int i = 0; i < schema.keyColumnCount(); i++) {
                assertEquals(layout.value(batch.memory(), original, i), layout.value(row, 3, i));
            }
            assertTrue(key.length <= codec.encodedBytesMax(row, 3));
        }
    }

    @RepeatedTest(300)
    void refusesDamagedKeysOrDecodesThem(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        var codec = new KeyCodec(layout);
        byte[] key = RandomRows.bytes(random, 40);
        if (random.nextBoolean()) {
            @Nullable Object[] row = RandomRows.row(random, schema);
            byte[] good = codec.encodeValues(keyOf(schema, row));
            key = Arrays.copyOf(good, random.nextInt(good.length + 3));
        }
        MemorySegment memory = MemorySegment.ofArray(key);
        MemorySegment row = MemorySegment.ofArray(new byte[codec.decodedBytesMax(key.length)]);
        boolean isKey;
        try {
            codec.check(memory, 0, key.length);
            isKey = true;
        } catch (MalformedBytesException _) {
            isKey = false;
        }
        if (isKey) {
            codec.decode(memory, 0, key.length, row, 0);
            MemorySegment again = MemorySegment.ofArray(new byte[codec.encodedBytesMax(row, 0)]);
            int bytes = codec.encode(row, 0, again, 0);
            assertEquals(hex(key), hex(again.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE)));
        } else {
            int keyBytes = key.length;
            assertThrows(MalformedBytesException.class, () -> codec.decode(memory, 0, keyBytes, row, 0));
        }
    }

    @Test
    void namesTheColumnThatCannotHoldAValue() {
        var codec = new KeyCodec(new RowLayout(VECTORS));
        var wrong = assertThrows(IllegalArgumentException.class, () -> codec.encodeValues(BigInteger.TWO.pow(40)));
        assertTrue(String.valueOf(wrong.getMessage()).startsWith("column k1 INT32 NOT NULL cannot hold"));
    }

    @Test
    @Tag("allocation")
    void allocatesNothing() {
        var layout = new RowLayout(VECTORS);
        var codec = new KeyCodec(layout);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account())) {
            RandomRows.append(batch, OperationKind.INSERT, new Object[] {7, "a string", 8L});
            MemorySegment source = batch.memory();
            long row = OperationFormat.rowOffset(source, 0);
            var slab = memory.account().take(1 << 14);
            MemorySegment target = slab.segment();
            Allocation.assertNone("encoding, decoding and comparing keys", () -> {
                for (int i = 0; i < 100; i++) {
                    int bytes = codec.encode(source, row, target, 0);
                    codec.decode(target, 0, bytes, target, 100);
                    if (KeyCodec.compare(target, 0, bytes, target, 0, bytes) != 0) {
                        throw new AssertionError("not equal to itself");
                    }
                }
            });
            memory.account().giveBack(slab);
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
