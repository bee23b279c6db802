package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.Slab;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/**
 * Goal: a batch holds what was set, packed as the layout says, and every mistake is answered as the class says. Method:
 * random rows of random schemas, set in random order, against the values; a case for every error.
 */
final class OperationBatchTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT32),
            Column.key("name", ColumnType.STRING),
            Column.of("small", ColumnType.INT8).nullable(),
            Column.of("text", ColumnType.STRING).nullable(),
            Column.varchar("cut", 3).nullable(),
            Column.decimal("price", 6, 2).nullable(),
            Column.of("day", ColumnType.DATE).nullable(),
            Column.of("at", ColumnType.UNIXTIME_MICROS).nullable(),
            Column.of("must", ColumnType.BOOL).defaultValue(true),
            Column.of("given", ColumnType.STRING).writeDefault("dflt"),
            Column.of("need", ColumnType.INT64));

    private TestMemory memory;
    private OperationBatch batch;

    @BeforeEach
    void open(TestInfo info) {
        memory = new TestMemory(info.getTags().contains("large") ? 64 << 20 : 12 << 20);
        batch = new OperationBatch(new RowLayout(SCHEMA), memory.account());
    }

    @AfterEach
    void close() {
        batch.close();
        memory.close();
    }

    @RepeatedTest(200)
    void readsBackWhatWasSet(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        try (var rows = new OperationBatch(layout, memory.account())) {
            List<@Nullable Object[]> expected = new ArrayList<>();
            for (int n = random.nextInt(1, 20); n > 0; n--) {
                @Nullable Object[] values = RandomRows.row(random, schema);
                rows.start(OperationKind.UPSERT);
                for (int column : shuffled(random, schema.columnCount())) {
                    if (random.nextInt(8) == 0) {
                        rows.set(column, RandomRows.valueOrNull(random, schema.column(column)));
                    }
                    rows.set(schema.column(column).name(), values[column]);
                }
                assertTrue(rows.end(), () -> rows.errors().toString());
                expected.add(values);
            }
            int[] count = {0};
            rows.forEach((segment, operation) -> {
                int index = OperationFormat.operationIndex(segment, operation);
                assertEquals(count[0]++, index);
                assertEquals(0, OperationFormat.operationBytes(segment, operation) % 8);
                assertRow(layout, expected.get(index), segment, operation);
            });
            assertEquals(expected.size(), count[0]);
        }
    }

    @RepeatedTest(200)
    void takesCellsAsTheyAreInARow(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        try (var rows = new OperationBatch(layout, memory.account())) {
            @Nullable Object[] values = RandomRows.row(random, schema);
            rows.start(OperationKind.INSERT);
            for (int column : shuffled(random, schema.columnCount())) {
                Object value = values[column];
                if (value == null || layout.isVariable(column)) {
                    rows.set(column, value);
                } else {
                    CellValue cell = CellValue.of(schema.column(column), value);
                    rows.setCell(column, cell.segment(), 0);
                }
            }
            assertTrue(rows.end(), () -> rows.errors().toString());
            assertRow(layout, values, rows.memory(), 0);
        }
    }

    @RepeatedTest(200)
    void refusesCellsWithTooManyDigits(@Seed SplittableRandom random) {
        int precision = random.nextInt(1, Limits.DECIMAL_PRECISION_MAX + 1);
        Column column = Column.decimal("d", precision, 0);
        int bits = column.type().cellBytes() * Byte.SIZE;
        BigInteger beyond = BigInteger.TEN.pow(precision);
        BigInteger[] near = {
            beyond,
            beyond.subtract(BigInteger.ONE),
            beyond.negate(),
            beyond.negate().add(BigInteger.ONE),
            BigInteger.ONE.shiftLeft(bits - 1).negate(),
            BigInteger.ONE.shiftLeft(bits - 1).subtract(BigInteger.ONE),
            new BigInteger(1, RandomRows.bytes(random, bits / 8)).subtract(BigInteger.ONE.shiftLeft(bits - 1)),
            BigInteger.ONE.shiftLeft(random.nextInt(bits - 1)).negate(),
            BigInteger.ZERO
        };
        try (var rows = new OperationBatch(
                new RowLayout(Schema.of(Column.key("k", ColumnType.INT8), column)), memory.account())) {
            for (BigInteger value : near) {
                if (value.bitLength() < bits) {
                    rows.start(OperationKind.INSERT).setInt(0, 1);
                    rows.setCell(1, CellValue.ofInteger(column.type(), value).segment(), 0);
                    assertEquals(value.abs().compareTo(beyond) < 0, rows.end(), value + " of " + precision);
                }
            }
        }
    }

    @Test
    void endsWithTheFirstErrorOfTheCaller() {
        batch.start(OperationKind.UPDATE).set("id", 1).set("name", "a").set("small", (byte) 1);
        batch.fail(RowErrorCode.BAD_VALUE, "first").fail(RowErrorCode.CELL_TOO_LONG, "second");
        assertFalse(batch.end());
        assertEquals(List.of(new RowError(0, RowErrorCode.BAD_VALUE, "first")), batch.errors());
        assertEquals(0, batch.bytes());
        assertThrows(IllegalStateException.class, () -> batch.fail(RowErrorCode.BAD_VALUE, "none started"));
        batch.start(OperationKind.UPDATE);
        assertThrows(
                IllegalArgumentException.class,
                () -> batch.setCell(1, memory.budget().memory(), 0));
    }

    private static List<Integer> shuffled(SplittableRandom random, int count) {
        List<Integer> indexes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            indexes.add(random.nextInt(i + 1), i);
        }
        return indexes;
    }

    private static void assertRow(RowLayout layout, @Nullable Object[] expected, MemorySegment memory, long operation) {
        long row = OperationFormat.rowOffset(memory, operation);
        layout.check(memory, row, OperationFormat.rowBytes(memory, operation));
        assertEquals(layout.rowBytes(memory, row), OperationFormat.rowBytes(memory, operation));
        for (int i = 0; i < expected.length; i++) {
            Column column = layout.schema().column(i);
            assertTrue(OperationFormat.isSet(memory, operation, i));
            assertEquals(expected[i] == null, layout.isNull(memory, row, i), column.name());
            if (expected[i] != null) {
                assertEquals(CellValue.of(column, expected[i]), layout.value(memory, row, i), column.describe());
            }
        }
        var codec = new KeyCodec(layout);
        int keyBytes = OperationFormat.keyBytes(memory, operation);
        codec.check(memory, OperationFormat.keyOffset(memory, operation), keyBytes);
    }

    @Test
    void fillsInWriteDefaultsAndNulls() {
        assertTrue(batch.start(OperationKind.INSERT)
                .set("id", 1)
                .set("name", "n")
                .set("need", 5L)
                .end());
        var layout = batch.layout();
        long row = OperationFormat.rowOffset(batch.memory(), 0);
        layout.check(batch.memory(), row, OperationFormat.rowBytes(batch.memory(), 0));
        assertTrue(layout.isNull(batch.memory(), row, SCHEMA.indexOf("text")));
        assertTrue(layout.getBoolean(batch.memory(), row, SCHEMA.indexOf("must")));
        assertEquals("dflt", text("given"));
        assertFalse(OperationFormat.isSet(batch.memory(), 0, SCHEMA.indexOf("given")), "set by us, not by the caller");
        assertEquals(1, OperationFormat.changeCount(batch.memory(), 0, batch.layout()));
    }

    /** The decision what is refused is the tablet's. */
    @Test
    void knowsWhatAnUpdateWouldChangeOfARowWithImmutableColumns() {
        var layout = new RowLayout(Schema.of(
                Column.key("k", ColumnType.INT32).immutable(),
                Column.of("fixed", ColumnType.STRING).nullable().immutable(),
                Column.of("v", ColumnType.STRING).nullable()));
        try (var some = new OperationBatch(layout, memory.account())) {
            some.start(OperationKind.UPDATE).set("k", 1).set("v", "new").end();
            assertFalse(OperationFormat.setsImmutable(some.memory(), 0, layout), "the key does not count");
            some.clear();
            some.start(OperationKind.UPDATE)
                    .set("k", 1)
                    .set("v", "new")
                    .set("fixed", null)
                    .end();
            assertTrue(OperationFormat.setsImmutable(some.memory(), 0, layout));
            assertEquals(1, OperationFormat.changeCount(some.memory(), 0, layout));
            MemorySegment effect = MemorySegment.ofArray(new byte[Effect.bytesMax(some.memory(), 0, 3)]);
            int bytes = Effect.writeUpdate(layout, some.memory(), 0, effect, 0);
            Effect.check(new KeyCodec(layout), effect, 0, bytes);
            long change = Effect.bodyOffset(effect, 0);
            assertEquals(1, RowChange.cellCount(effect, change));
            assertEquals(layout.columnId(2), RowChange.cellColumnId(effect, RowChange.firstCell(change)));
        }
    }

    @Test
    void cutsVarcharsToTheirCharacters() {
        for (Object value : List.of("a€\uD83E\uDD8Cmore", "a€\uD83E\uDD8Cmore".getBytes(StandardCharsets.UTF_8))) {
            batch.clear();
            start(OperationKind.INSERT).set("cut", value);
            assertTrue(batch.end());
            assertEquals("a€\uD83E\uDD8C", text("cut"));
        }
        byte[] bytes = "a€\uD83E\uDD8Cmore".getBytes(StandardCharsets.UTF_8);
        batch.clear();
        start(OperationKind.INSERT).setBytes(SCHEMA.indexOf("cut"), MemorySegment.ofArray(bytes), 1, bytes.length - 1);
        assertTrue(batch.end());
        assertEquals("€\uD83E\uDD8Cm", text("cut"));
    }

    private String text(String column) {
        long row = OperationFormat.rowOffset(batch.memory(), 0);
        return new String(
                batch.layout()
                        .value(batch.memory(), row, SCHEMA.indexOf(column))
                        .toByteArray(),
                StandardCharsets.UTF_8);
    }

    @Test
    void namesWhatIsWrongWithARowAndGoesOn() {
        String long64 = "x".repeat(Limits.CELL_BYTES_MAX + 1);
        assertError(
                RowErrorCode.MISSING_VALUE,
                "column id",
                b -> b.start(OperationKind.DELETE).set("name", "n"));
        assertError(
                RowErrorCode.MISSING_VALUE,
                "column need",
                b -> b.start(OperationKind.UPSERT).set("id", 1).set("name", "n"));
        assertError(
                RowErrorCode.NULL_IN_NOT_NULL,
                "column id",
                b -> b.start(OperationKind.INSERT).set("id", null));
        assertError(
                RowErrorCode.NULL_IN_NOT_NULL, "column need", b -> started(b).set("need", null));
        assertError(RowErrorCode.CELL_TOO_LONG, "65,536", b -> started(b).set("text", long64));
        assertError(
                RowErrorCode.CELL_TOO_LONG,
                "65,537",
                b -> started(b).set("text", long64.getBytes(StandardCharsets.UTF_8)));
        assertError(
                RowErrorCode.KEY_TOO_LONG, "maximum is 16384", b -> started(b).set("name", "x".repeat(16_381)));
        assertError(
                RowErrorCode.KEY_TOO_LONG, "maximum is 16384", b -> started(b).set("name", "x".repeat(65_000)));
        assertError(RowErrorCode.BAD_VALUE, "column small", b -> started(b).set("small", 128));
        assertError(RowErrorCode.BAD_VALUE, "9999", b -> started(b).set("price", new BigDecimal("10000")));
        assertError(RowErrorCode.BAD_VALUE, "9999", b -> started(b).setUnscaled(5, -1_000_000));
        assertError(RowErrorCode.BAD_VALUE, "digits", b -> started(b).set("price", new BigDecimal("1.234")));
        assertError(
                RowErrorCode.BAD_VALUE, "column price", b -> started(b).set("price", new BigDecimal("1e999999999")));
        assertError(RowErrorCode.BAD_VALUE, "column day", b -> started(b).set("day", LocalDate.of(0, 12, 31)));
        assertError(RowErrorCode.BAD_VALUE, "column day", b -> started(b).setInt(6, 3_000_000));
        assertError(RowErrorCode.BAD_VALUE, "column at", b -> started(b).set("at", Instant.MAX));
        assertError(RowErrorCode.BAD_VALUE, "surrogate", b -> started(b).set("text", "a\uD83E"));
        assertError(RowErrorCode.BAD_VALUE, "surrogate", b -> started(b).set("text", "\uDD8C"));
        assertError(
                RowErrorCode.NOTHING_TO_UPDATE,
                "key",
                b -> b.start(OperationKind.UPDATE).set("id", 1).set("name", "n"));
        assertError(
                RowErrorCode.BAD_VALUE,
                "DELETE",
                b -> b.start(OperationKind.DELETE).set("id", 1).set("name", "n").set("small", 1));
        assertEquals(0, batch.acceptedCount());
        start(OperationKind.INSERT);
        assertTrue(batch.end());
        assertEquals(batch.errors().size(), OperationFormat.operationIndex(batch.memory(), 0));
        assertEquals(batch.errors().size() + 1, batch.operationCount());
    }

    private void assertError(RowErrorCode code, String words, Consumer<OperationBatch> fill) {
        fill.accept(batch);
        assertFalse(batch.end(), words);
        RowError error = batch.errors().getLast();
        assertEquals(code, error.code(), error.message());
        assertEquals(batch.operationCount() - 1, error.operationIndex());
        assertTrue(error.message().contains(words), error.message());
    }

    private OperationBatch start(OperationKind kind) {
        return batch.start(kind).set("id", 1).set("name", "n").set("need", 5);
    }

    private static OperationBatch started(OperationBatch target) {
        return target.start(OperationKind.INSERT).set("id", 1).set("name", "n").set("need", 5);
    }

    @Test
    void throwsWhatAProgramDoesWrongAndDropsTheRow() {
        start(OperationKind.INSERT);
        batch.end();
        assertMistake(
                "no column has the name nix. The columns are id, name, small",
                b -> started(b).set("nix", 1));
        assertMistake(
                "column small INT8 NULLABLE cannot be set to a String",
                b -> started(b).set("small", "x"));
        assertMistake(
                "column id INT32 NOT NULL cannot be set to a boolean",
                b -> started(b).set("id", true));
        assertMistake(
                "column text STRING NULLABLE cannot be set to a whole number",
                b -> started(b).set("text", 1));
        assertMistake(
                "column day DATE NULLABLE cannot be set to a Long",
                b -> started(b).set("day", 1L));
        assertMistake(
                "column id INT32 NOT NULL cannot be set to a ArrayList",
                b -> started(b).set("id", new ArrayList<>()));
        assertMistake(
                "column price DECIMAL(6, 2) NULLABLE cannot be set to a double",
                b -> started(b).set("price", 1.5));
        assertMistake(
                "column index must be between 0 and 10, was 11", b -> started(b).setInt(11, 1));
        assertThrows(IllegalStateException.class, () -> batch.setInt(0, 1));
        assertThrows(IllegalStateException.class, () -> batch.end());
        batch.start(OperationKind.INSERT);
        assertThrows(IllegalStateException.class, () -> batch.start(OperationKind.INSERT));
    }

    /** The compiler does not see it in a program without annotations. */
    @Test
    @SuppressWarnings({"NullAway", "DataFlowIssue"})
    void saysHowToSetNullWhereANullIsGivenAsAValue() {
        start(OperationKind.INSERT);
        batch.end();
        String words = " NULLABLE was given null as a value; setNull, or set(column, null), sets it to NULL";
        Schema schema = batch.layout().schema();
        assertMistake("column text STRING" + words, b -> started(b).setString(schema.indexOf("text"), null));
        assertMistake("column text STRING" + words, b -> started(b).setBytes(schema.indexOf("text"), (byte[]) null));
        assertMistake(
                "column text STRING" + words, b -> started(b).setBytes(schema.indexOf("text"), (byte[]) null, 0, 0));
        assertMistake("column day DATE" + words, b -> started(b).setDate(schema.indexOf("day"), null));
        assertMistake("column price DECIMAL(6, 2)" + words, b -> started(b).setDecimal(schema.indexOf("price"), null));
        assertMistake(
                "column index must be between 0 and 10, was 11", b -> started(b).setString(11, null));
    }

    private void assertMistake(String words, UnaryOperator<OperationBatch> fill) {
        int bytes = batch.bytes();
        var exception = assertThrows(IllegalArgumentException.class, () -> fill.apply(batch));
        assertTrue(String.valueOf(exception.getMessage()).startsWith(words), exception.getMessage());
        assertEquals(bytes, batch.bytes());
        assertEquals(1, batch.operationCount());
        assertEquals(List.of(), batch.errors());
    }

    @Test
    @Tag("large")
    void refusesWhatDoesNotFitAndKeepsTheRest() {
        String half = "x".repeat(32 << 10);
        int before;
        int count = 0;
        while (true) {
            before = batch.bytes();
            try {
                start(OperationKind.INSERT).set("text", half);
                assertTrue(batch.end());
                count++;
            } catch (BatchFullException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("8,388,608"), e.getMessage());
                break;
            }
        }
        assertEquals(before, batch.bytes());
        assertEquals(count, batch.operationCount());
        assertTrue(batch.bytes() > Limits.BATCH_BYTES_MAX - 34_000, "full at " + batch.bytes());
        start(OperationKind.DELETE);
        assertFalse(batch.end());
        batch.clear();
        start(OperationKind.INSERT).set("text", half);
        assertTrue(batch.end());
    }

    @Test
    void keepsIndexesOfCopiedOperations() {
        for (int i = 0; i < 3; i++) {
            batch.start(OperationKind.UPDATE).set("id", i).set("name", "n").set("small", i);
            batch.end();
        }
        try (var part = new OperationBatch(batch.layout(), memory.account())) {
            long second = OperationFormat.operationBytes(batch.memory(), 0);
            part.copyFrom(batch.memory(), second);
            assertEquals(1, OperationFormat.operationIndex(part.memory(), 0));
            assertEquals(1, part.acceptedCount());
            assertEquals(batch.bytes() / 3, part.bytes());
            MemorySegment copied = batch.memory().asSlice(second, part.bytes());
            assertEquals(-1, copied.mismatch(part.memory().asSlice(0, part.bytes())));
        }
    }

    @Test
    @Tag("allocation")
    void allocatesNothing() {
        byte[] bytes = "bytes".getBytes(StandardCharsets.UTF_8);
        Slab slab = memory.account().take(16 << 10);
        MemorySegment segment = slab.segment().fill((byte) 'x');
        Allocation.assertNone("filling a batch", () -> {
            batch.clear();
            for (int i = 0; i < 100; i++) {
                batch.start(OperationKind.INSERT)
                        .setInt(0, i)
                        .setString(1, "näme")
                        .setInt(2, i)
                        .setBytes(3, bytes)
                        .setBytes(4, segment, 7, 9)
                        .setUnscaled(5, i)
                        .setInt(6, i)
                        .setLong(7, i)
                        .setBoolean(8, true)
                        .setLong(10, i)
                        .end();
            }
        });
        assertEquals(100, batch.acceptedCount());
        memory.account().giveBack(slab);
    }
}
