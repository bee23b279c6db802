package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a predicate on encoded vectors finds exactly the rows that it finds one by one, and no page is skipped that has
 * one. Method: random columns and predicates against a comparison of the cells in plain Java.
 */
final class PredicateTest {
    private static final int PREDICATES = 40;

    private static final int FILES = 25;
    private static final int MANY_PREDICATES = 500;
    private static final int FEW_ROWS = 16;

    @RepeatedTest(30)
    void findsWhatAPlainLoopFinds(@Seed SplittableRandom random) {
        int rowCount = random.nextInt(1, 1 << random.nextInt(1, 15));
        TestColumn column = TestColumn.random(random, 0, rowCount);
        if (random.nextInt(4) == 0) { // Sorted: pages with bounds that exclude.
            column.cells()
                    .sort((a, b) -> a == null ? (b == null ? 0 : -1) : b == null ? 1 : Arrays.compareUnsigned(a, b));
        }
        Schema schema = schema(column);
        try (Files files = new Files(random.split());
                Arena arena = Arena.ofConfined()) {
            files.write(List.of(column), null);
            try (CFileReader reader = files.open()) {
                for (int i = 0; i < PREDICATES; i++) {
                    check(column, reader.column(0), predicate(random, column, schema), files, arena.allocate(128));
                }
            }
        }
    }

    private static Schema schema(TestColumn column) {
        return Schema.of(
                Column.key("k", ColumnType.INT8),
                Column.of("c", TestColumn.type(column.spec().kind())).nullable());
    }

    /**
     * A hundred thousand cases: columns of every kind, encoding, share of nulls and size of pages, all of them
     * short.
     */
    @Test
    void findsWhatAPlainLoopFindsManyTimes(@Seed SplittableRandom random) {
        int cases = 0;
        for (int i = 0; i < FILES; i++) {
            int rowCount = random.nextInt(1, FEW_ROWS);
            List<TestColumn> columns = new ArrayList<>();
            for (CellKind kind : CellKind.values()) {
                columns.add(TestColumn.random(random, columns.size(), rowCount, kind));
            }
            try (Files files = new Files(random.split());
                    Arena arena = Arena.ofConfined()) {
                files.write(columns, null);
                MemorySegment bitmap = arena.allocate(128);
                try (CFileReader reader = files.open()) {
                    for (TestColumn column : columns) {
                        Schema schema = schema(column);
                        ColumnReader read = reader.column(column.spec().id());
                        for (int p = 0; p < MANY_PREDICATES; p++, cases++) {
                            check(column, read, predicate(random, column, schema), files, bitmap);
                        }
                    }
                }
            }
        }
        assertEquals(CellKind.values().length * FILES * MANY_PREDICATES, cases);
    }

    private static void check(
            TestColumn column, ColumnReader reader, Predicate predicate, Files files, MemorySegment bitmap) {
        ColumnPredicate compiled = ColumnPredicate.of(predicate, column.spec().kind());
        VectorSelection selection = new VectorSelection(reader.rowCount());
        reader.prune(compiled, selection);
        try (ColumnCursor cursor = reader.cursor(files.scratch)) {
            for (int vector = 0; vector < reader.vectorCount(); vector++) {
                cursor.seek(vector);
                bitmap.fill((byte) 0xFF);
                cursor.and(compiled, bitmap, 0);
                for (int row = 0; row < cursor.rowCount(); row++) {
                    byte[] cell = column.cells().get(vector * ColumnSpec.VECTOR_ROWS + row);
                    boolean expected = matches(predicate, column.spec().kind(), cell);
                    boolean found = (bitmap.get(Cells.BYTE, row >>> 3) >>> (row & 7) & 1) != 0;
                    assertEquals(expected, found, () -> predicate + " on " + column.spec());
                    assertFalse(expected && !selection.has(vector), () -> "pruned: " + predicate);
                }
                int unused = cursor.rowCount() % 64;
                if (unused != 0) {
                    assertEquals(0, bitmap.get(Cells.LONG, cursor.rowCount() / 64 * 8L) >>> unused);
                }
            }
        }
    }

    private static boolean matches(Predicate predicate, CellKind kind, byte @Nullable [] cell) {
        if (cell == null) {
            return predicate instanceof Predicate.IsNull;
        }
        return switch (predicate) {
            case Predicate.Equal equal -> is(kind, cell, equal.value(), 0, 0);
            case Predicate.Range range ->
                (range.lower() == null || is(kind, cell, range.lower(), 0, 1))
                        && (range.upper() == null || is(kind, cell, range.upper(), -1, -1));
            case Predicate.InList list -> list.values().stream().anyMatch(value -> is(kind, cell, value, 0, 0));
            case Predicate.InBloomFilters bloom ->
                bloom.filters().stream()
                        .allMatch(filter -> filter.mayContain(MemorySegment.ofArray(cell), 0, cell.length));
            case Predicate.IsNull _ -> false;
            case Predicate.IsNotNull _ -> true;
        };
    }

    /** Whether the cell compares with the value from {@code least} to {@code most}; a NaN compares with nothing. */
    private static boolean is(CellKind kind, byte[] cell, CellValue value, int least, int most) {
        byte[] other = value.toByteArray();
        int order;
        switch (kind) {
            case BINARY -> order = Arrays.compareUnsigned(cell, other);
            case FLOAT, DOUBLE -> {
                double left = CellValue.ofBytes(cell).toDouble();
                double right = value.toDouble();
                if (Double.isNaN(left)) {
                    return false;
                }
                order = left < right ? -1 : left > right ? 1 : 0;
            }
            default -> order = integer(cell).compareTo(integer(other));
        }
        return least <= Integer.signum(order) && Integer.signum(order) <= most;
    }

    private static BigInteger integer(byte[] littleEndian) {
        byte[] bytes = new byte[littleEndian.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = littleEndian[bytes.length - 1 - i];
        }
        return new BigInteger(bytes);
    }

    private static Predicate predicate(SplittableRandom random, TestColumn column, Schema schema) {
        return switch (random.nextInt(9)) {
            case 8 -> {
                List<Predicate.BloomFilter> filters = new ArrayList<>();
                for (int i = random.nextInt(1, 3); i > 0; i--) {
                    var empty = new Predicate.BloomFilter(new byte[32 << random.nextInt(3)], random.nextInt(), true);
                    List<CellValue> values = new ArrayList<>();
                    for (int n = random.nextInt(12); n > 0; n--) {
                        values.add(value(random, column));
                    }
                    filters.add(empty.with(values));
                }
                yield new Predicate.InBloomFilters(1, filters);
            }
            case 0 -> new Predicate.IsNull(1);
            case 1 -> new Predicate.IsNotNull(1);
            case 2 -> {
                List<CellValue> values = new ArrayList<>();
                for (int i = random.nextInt(10); i > 0; i--) {
                    values.add(value(random, column));
                }
                yield Predicate.ofCells(schema, 1, values);
            }
            case 3, 4 -> new Predicate.Equal(1, value(random, column));
            case 5 -> new Predicate.Range(1, value(random, column), null);
            case 6 -> new Predicate.Range(1, null, value(random, column));
            default -> new Predicate.Range(1, value(random, column), value(random, column));
        };
    }

    /** A cell of the column, or one near it. */
    private static CellValue value(SplittableRandom random, TestColumn column) {
        byte[] cell = column.cells().get(random.nextInt(column.rowCount()));
        CellKind kind = column.spec().kind();
        byte[] value = cell == null ? new byte[kind.cellBytes()] : cell.clone();
        if (kind == CellKind.FLOAT || kind == CellKind.DOUBLE) {
            double number = CellValue.ofBytes(value).toDouble();
            number = Double.isNaN(number) || number == 0 ? 0.0 : number + random.nextInt(-1, 2) / 8.0;
            MemorySegment memory = MemorySegment.ofArray(value);
            if (kind == CellKind.FLOAT) {
                memory.set(Cells.FLOAT, 0, (float) number);
            } else {
                memory.set(Cells.DOUBLE, 0, number);
            }
        } else if (kind.isBinary()) {
            value = Arrays.copyOf(value, random.nextInt(value.length + 2));
        } else if (random.nextBoolean()) {
            value[random.nextInt(value.length)] += (byte) random.nextInt(-1, 2);
        }
        return CellValue.ofBytes(value);
    }
}
