package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryLimitException;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: a batch yields the cells that were appended, from rows or from another batch, ends where it must, and gives its
 * memory back. Method: random rows and projections against their values; rows as large as they may be.
 */
final class ColumnBatchTest {
    @RepeatedTest(100)
    void yieldsWhatWasAppended(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        List<Integer> columns = new ArrayList<>();
        for (int i = random.nextInt(6); i > 0; i--) {
            columns.add(random.nextInt(schema.columnCount()));
        }
        var spec = ScanSpec.all(schema, Long.MAX_VALUE).withProjection(columns).withKeyOrder(true);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account());
                var rows = ColumnBatch.of(spec, memory.account());
                var copy = ColumnBatch.of(spec, memory.account())) {
            var projection = new RowProjection(layout, columns);
            var codec = new KeyCodec(layout);
            List<@Nullable Object[]> values = new ArrayList<>();
            for (int i = random.nextInt(50); i > 0; i--) {
                values.add(RandomRows.row(random, schema));
                RandomRows.append(batch, OperationKind.INSERT, values.getLast());
            }
            rows.rowCount(0);
            batch.forEach((segment, operation) -> assertTrue(rows.appendRow(
                    projection,
                    segment,
                    OperationFormat.rowOffset(segment, operation),
                    segment,
                    OperationFormat.keyOffset(segment, operation),
                    OperationFormat.keyBytes(segment, operation))));
            for (int i = 0; i < rows.rowCount(); i++) {
                assertTrue(copy.appendFrom(rows, i));
            }
            assertEquals(values.size(), copy.rowCount());
            for (int i = 0; i < values.size(); i++) {
                byte[] key = codec.encodeValues(Arrays.copyOf(values.get(i), schema.keyColumnCount()));
                assertEquals(Arrays.toString(key), Arrays.toString(copy.keys().getBytes(i)));
                for (int c = 0; c < columns.size(); c++) {
                    Object expected = values.get(i)[columns.get(c)];
                    assertCell(expected, rows.column(c), i);
                    assertCell(expected, copy.column(c), i);
                }
            }
        }
    }

    private static void assertCell(@Nullable Object expected, ColumnVector vector, int row) {
        assertEquals(expected == null, vector.isNull(row));
        if (expected != null) {
            assertEquals(
                    CellValue.of(vector.column(), expected),
                    vector.getValue(row),
                    vector.column().describe());
        }
    }

    @Test
    void endsAtThousandRows() {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT16));
        var layout = new RowLayout(schema);
        try (var memory = new TestMemory();
                var batch = new ColumnBatch(schema.columns(), false, memory.account())) {
            MemorySegment row = MemorySegment.ofArray(new byte[] {0, 7, 0});
            var projection = new RowProjection(layout, List.of(0));
            int count = 0;
            while (batch.appendRow(projection, row, 0)) {
                count++;
            }
            assertEquals(Limits.VECTOR_ROWS, count);
            assertTrue(batch.isFull());
            assertFalse(batch.appendFrom(batch, 0));
            assertThrows(IllegalStateException.class, batch::keys);
            assertEquals(7, batch.column(0).getShort(1_023));
        }
    }

    @Test
    void endsBeforeAColumnPassesItsBytes() {
        Schema schema = Schema.of(Column.key("k", ColumnType.BINARY), Column.of("v", ColumnType.BINARY));
        var layout = new RowLayout(schema);
        try (var memory = new TestMemory(24 << 20);
                var operations = new OperationBatch(layout, memory.account());
                var batch = new ColumnBatch(schema.columns(), true, memory.account());
                var copy = new ColumnBatch(schema.columns(), true, memory.account())) {
            RandomRows.append(
                    operations, OperationKind.INSERT, new Object[] {new byte[3], new byte[Limits.CELL_BYTES_MAX]});
            var projection = new RowProjection(layout, List.of(0, 1));
            MemorySegment segment = operations.memory();
            long row = OperationFormat.rowOffset(segment, 0);
            int count = 0;
            while (batch.appendRow(projection, segment, row, segment, OperationFormat.keyOffset(segment, 0), 3)) {
                count++;
            }
            assertEquals(Limits.BATCH_VARIABLE_BYTES_MAX / Limits.CELL_BYTES_MAX, count);
            assertEquals(count, batch.rowCount());
            assertFalse(batch.isFull());
            for (int i = 0; i < count; i++) {
                assertTrue(copy.appendFrom(batch, i));
            }
            assertFalse(copy.appendFrom(batch, 0));
            batch.clear();
            assertTrue(batch.isEmpty());
            assertTrue(batch.appendFrom(copy, 0));
        }
    }

    @Test
    void wideTablesShareSlabsAndGiveAllBack() {
        List<Column> columns = new ArrayList<>();
        columns.add(Column.key("k", ColumnType.INT64));
        IntStream.range(1, 300).forEach(i -> columns.add(Column.of("c" + i, ColumnType.DECIMAL128)));
        try (var memory = new TestMemory(24 << 20)) {
            try (var batch = new ColumnBatch(Schema.of(columns).columns(), true, memory.account())) {
                assertEquals(300, batch.columnCount());
                batch.column(299).setWide(1_023, -1, 5);
                batch.rowCount(1_024);
                assertEquals(5, batch.column(299).getLowLong(1_023));
            }
            assertEquals(0, memory.account().usedBytes());
        }
        try (var memory = new TestMemory(2 << 20)) {
            assertThrows(
                    MemoryLimitException.class,
                    () -> new ColumnBatch(Schema.of(columns).columns(), true, memory.account()).close());
            assertEquals(0, memory.account().usedBytes(), "a batch that could not be made holds nothing");
        }
    }

    @Test
    @Tag("allocation")
    void appendingAllocatesNothing() {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT64),
                Column.of("s", ColumnType.STRING).nullable());
        var layout = new RowLayout(schema);
        try (var memory = new TestMemory();
                var operations = new OperationBatch(layout, memory.account());
                var source = new ColumnBatch(schema.columns(), false, memory.account());
                var target = new ColumnBatch(schema.columns(), false, memory.account())) {
            RandomRows.append(operations, OperationKind.INSERT, new Object[] {1L, "text"});
            MemorySegment segment = operations.memory();
            source.appendRow(new RowProjection(layout, List.of(0, 1)), segment, OperationFormat.rowOffset(segment, 0));
            Allocation.assertNone("appendFrom", () -> {
                target.clear();
                for (int i = 0; i < Limits.VECTOR_ROWS; i++) {
                    target.appendFrom(source, 0);
                }
            });
        }
    }
}
