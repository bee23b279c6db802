package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Allocation;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: the conditions of an operation stand behind it as they were given, leave the rest of it alone, and hold exactly
 * where a cell is equal. Method: random conditions of all types against rows and cells that equal them or not, by what
 * equality means for their Java values; a case for every mistake.
 */
final class ConditionTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT32),
            Column.of("n", ColumnType.INT8),
            Column.varchar("cut", 3).nullable(),
            Column.decimal("price", 6, 2).nullable());

    private final TestMemory memory = new TestMemory(24 << 20);

    @AfterEach
    void close() {
        memory.close();
    }

    private OperationBatch newBatch(Schema schema) {
        return new OperationBatch(new RowLayout(schema), memory.account());
    }

    /** One that is given: column and value. */
    private record Given(int column, @Nullable Object value) {}

    @RepeatedTest(100)
    void standBehindTheOperationThatIsElseTheSame(@Seed SplittableRandom random) {
        int keyCount = random.nextInt(1, 3);
        Schema schema = RandomRows.schema(random, keyCount, keyCount + random.nextInt(1, 12));
        try (OperationBatch plain = newBatch(schema);
                OperationBatch batch = newBatch(schema)) {
            List<List<Given>> all = new ArrayList<>();
            for (int n = random.nextInt(1, 12); n > 0; n--) {
                @Nullable Object[] values = RandomRows.row(random, schema);
                List<Given> given = new ArrayList<>();
                plain.start(OperationKind.UPSERT);
                batch.start(OperationKind.UPSERT);
                for (int i = 0; i < values.length; i++) {
                    int column = random.nextInt(keyCount, values.length);
                    if (random.nextInt(3) == 0) {
                        given.add(new Given(column, RandomRows.valueOrNull(random, schema.column(column))));
                        batch.onlyIf(column, given.getLast().value());
                    }
                    plain.set(i, values[i]);
                    batch.set(i, values[i]);
                }
                assertTrue(plain.end());
                assertTrue(batch.end());
                all.add(given);
            }
            check(schema, plain, batch, all);
        }
    }

    private static void check(Schema schema, OperationBatch plain, OperationBatch batch, List<List<Given>> all) {
        long expected = 0;
        long found = 0;
        for (List<Given> given : all) {
            MemorySegment memory = batch.memory();
            int plainBytes = OperationFormat.operationBytes(plain.memory(), expected);
            assertEquals(OperationKind.UPSERT, OperationFormat.kind(memory, found));
            assertEquals(!given.isEmpty(), OperationFormat.hasConditions(memory, found));
            long behindBytes = OperationFormat.issetOffset(memory, found) - found;
            MemorySegment rest = plain.memory().asSlice(expected + behindBytes, plainBytes - behindBytes);
            assertEquals(-1, rest.mismatch(memory.asSlice(found + behindBytes, plainBytes - behindBytes)));
            if (!given.isEmpty()) {
                checkCells(schema, memory, OperationFormat.conditionsOffset(memory, found), given);
                assertEquals(found + plainBytes, OperationFormat.conditionsOffset(memory, found));
            }
            expected += plainBytes;
            found += OperationFormat.operationBytes(memory, found);
            assertEquals(0, found % OperationFormat.ALIGNMENT);
        }
        assertEquals(batch.bytes(), found);
    }

    private static void checkCells(Schema schema, MemorySegment memory, long conditions, List<Given> given) {
        assertEquals(RowChange.UPDATE, RowChange.kind(memory, conditions));
        assertEquals(given.size(), RowChange.cellCount(memory, conditions));
        long cell = RowChange.firstCell(conditions);
        for (Given condition : given) {
            Column column = schema.column(condition.column());
            assertEquals(column.id(), RowChange.cellColumnId(memory, cell));
            assertEquals(condition.value() == null, RowChange.cellIsNull(memory, cell));
            if (condition.value() != null) {
                MemorySegment value = memory.asSlice(RowChange.cellValue(cell), RowChange.cellBytes(memory, cell));
                assertEquals(
                        -1,
                        value.mismatch(CellValue.of(column, condition.value()).segment()));
            }
            cell = RowChange.nextCell(memory, cell);
        }
    }

    @RepeatedTest(100)
    void holdWhereTheCellIsEqual(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random, 1, 20);
        try (OperationBatch batch = newBatch(schema)) {
            @Nullable Object[] values = RandomRows.row(random, schema);
            batch.start(OperationKind.UPSERT);
            List<Given> given = new ArrayList<>();
            for (int i = 0; i < values.length; i++) {
                batch.set(i, values[i]);
                if (i > 0) {
                    boolean isOther = random.nextBoolean();
                    Object value = isOther ? RandomRows.valueOrNull(random, schema.column(i)) : values[i];
                    given.add(new Given(i, value));
                    batch.onlyIf(schema.column(i).name(), value);
                }
            }
            assertTrue(batch.end());
            MemorySegment bytes = batch.memory();
            long row = OperationFormat.rowOffset(bytes, 0);
            long cell = RowChange.firstCell(OperationFormat.conditionsOffset(bytes, 0));
            MemorySegment other = MemorySegment.ofArray(new byte[100_000]);
            for (Given condition : given) {
                int column = condition.column();
                boolean expected = isEqual(schema.column(column), values[column], condition.value());
                assertEquals(expected, CellEquality.ofRow(batch.layout(), bytes, row, column, bytes, cell), "row");
                RowChange.writeCell(batch.layout(), bytes, row, column, other, 7);
                ColumnType type = schema.column(column).type();
                assertEquals(expected, CellEquality.ofCells(type, other, 7, bytes, cell), "cell");
                cell = RowChange.nextCell(bytes, cell);
            }
        }
    }

    private static boolean isEqual(Column column, @Nullable Object left, @Nullable Object right) {
        if (left == null || right == null) {
            return left == null && right == null;
        }
        return switch (left) {
            case Float number -> number.floatValue() == ((Float) right).floatValue();
            case Double number -> number.doubleValue() == ((Double) right).doubleValue();
            default -> Objects.equals(CellValue.of(column, left), CellValue.of(column, right));
        };
    }

    @Test
    void aValueIsConvertedAsOneThatIsSet() {
        try (OperationBatch batch = newBatch(SCHEMA)) {
            batch.start(OperationKind.DELETE).set("id", 1).onlyIf("cut", "abcd").onlyIf("price", 3);
            assertTrue(batch.end());
            MemorySegment bytes = batch.memory();
            long cell = RowChange.firstCell(OperationFormat.conditionsOffset(bytes, 0));
            assertEquals(3, RowChange.cellBytes(bytes, cell));
            assertEquals(300, LittleEndian.getInt(bytes, RowChange.cellValue(RowChange.nextCell(bytes, cell))));
        }
    }

    @Test
    void aValueThatTheColumnCannotHoldIsAnErrorOfTheOperation() {
        try (OperationBatch batch = newBatch(SCHEMA)) {
            assertError(batch, "n", 128, RowErrorCode.BAD_VALUE, "in a condition: ");
            assertError(batch, "n", null, RowErrorCode.NULL_IN_NOT_NULL, "column n");
            assertError(batch, "price", new BigDecimal("1.234"), RowErrorCode.BAD_VALUE, "digits");
            batch.start(OperationKind.DELETE).set("id", 1).onlyIf("price", null);
            assertTrue(batch.end(), "an error was left behind");
        }
    }

    private static void assertError(
            OperationBatch batch, String column, @Nullable Object value, RowErrorCode code, String words) {
        batch.start(OperationKind.UPDATE).set("id", 1).onlyIf(column, value).set("n", 5);
        assertFalse(batch.end());
        RowError error = batch.errors().getLast();
        assertEquals(code, error.code());
        assertTrue(error.message().contains(words), error.message());
    }

    @Test
    void aMistakeDropsTheRow() {
        try (OperationBatch batch = newBatch(SCHEMA)) {
            assertMistake(batch, OperationKind.INSERT, "n", 1, "INSERT takes no condition", "use UPSERT");
            assertMistake(batch, OperationKind.INSERT_IGNORE, "n", 1, "INSERT_IGNORE takes no condition");
            assertMistake(batch, OperationKind.UPDATE, "id", 1, "column id", "is of the key", "name other columns");
            assertMistake(batch, OperationKind.UPDATE, "nix", 1, "no column has the name nix");
            assertMistake(batch, OperationKind.UPDATE, "n", "one", "column n", "String");
            assertThrows(IllegalStateException.class, () -> batch.onlyIf(1, 1));
            batch.start(OperationKind.DELETE).set("id", 1);
            Failure.expect(IllegalArgumentException.class, () -> batch.onlyIf(4, 1), "between 0 and 3", "was 4");
            batch.start(OperationKind.DELETE).set("id", 1);
            for (int i = 0; i < Limits.COLUMNS_MAX; i++) {
                batch.onlyIf("n", 1);
            }
            Failure.expect(IllegalArgumentException.class, () -> batch.onlyIf("n", 1), "at most 1024 conditions");
            assertEquals(0, batch.operationCount());
        }
    }

    private static void assertMistake(
            OperationBatch batch, OperationKind kind, String column, Object value, String... words) {
        batch.start(kind).set("id", 1);
        Failure.expect(IllegalArgumentException.class, () -> batch.onlyIf(column, value), words);
        assertThrows(IllegalStateException.class, batch::end);
    }

    @Test
    void aBatchThatIsFullKeepsTheRest() {
        Schema schema = Schema.of(
                Column.key("id", ColumnType.INT32),
                Column.of("text", ColumnType.STRING).nullable());
        String half = "x".repeat(60 << 10);
        try (OperationBatch batch = newBatch(schema)) {
            int count = 0;
            BatchFullException full = null;
            while (full == null) {
                batch.start(OperationKind.DELETE).set(0, count).onlyIf(1, half);
                try {
                    assertTrue(batch.end());
                    count++;
                } catch (BatchFullException e) {
                    full = e;
                }
            }
            assertEquals(Limits.BATCH_BYTES_MAX / (60 << 10), count);
            assertEquals(count, batch.operationCount());
            batch.start(OperationKind.DELETE).set(0, 1);
            assertTrue(batch.end());
            int[] seen = {0};
            batch.forEach((_, _) -> seen[0]++);
            assertEquals(count + 1, seen[0]);
        }
    }

    @Test
    void goWithACopiedOperation() {
        try (OperationBatch batch = newBatch(SCHEMA);
                OperationBatch copy = newBatch(SCHEMA)) {
            batch.start(OperationKind.UPDATE)
                    .set("id", 1)
                    .set("n", 2)
                    .onlyIf("n", 1)
                    .end();
            copy.copyFrom(batch.memory(), 0);
            assertTrue(OperationFormat.hasConditions(copy.memory(), 0));
            MemorySegment copied = copy.memory().asSlice(0, copy.bytes());
            assertEquals(-1, copied.mismatch(batch.memory().asSlice(0, batch.bytes())));
        }
    }

    @Test
    @Tag("allocation")
    void allocateNothing() {
        Object one = 1;
        try (OperationBatch batch = newBatch(SCHEMA)) {
            Allocation.assertNone("filling a batch with conditions", () -> {
                batch.clear();
                for (int i = 0; i < 100; i++) {
                    batch.start(OperationKind.UPDATE)
                            .setInt(0, i)
                            .setInt(1, i)
                            .onlyIf(1, one)
                            .onlyIf(2, "a");
                    batch.end();
                }
            });
        }
    }
}
