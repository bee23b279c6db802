package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.fail;

import io.nyala.encoding.VectorEncoding;
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
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;

/**
 * Goal: a predicate on encoded vectors finds exactly the rows that it finds one by one, and no page is skipped that has
 * one. Method: a hundred thousand random predicates on columns of every kind and encoding, share of nulls and size of
 * pages, against a comparison of the cells in plain Java.
 */
final class PredicateTest {
    private static final int FILES = 25;
    private static final int PREDICATES = 500;
    private static final int VECTORS_MAX = 3;

    @Test
    void findsWhatAPlainLoopFinds(@Seed SplittableRandom random) {
        int cases = 0;
        Set<VectorEncoding> seen = EnumSet.noneOf(VectorEncoding.class);
        for (int i = 0; i < FILES; i++) {
            boolean isLarge = i % 4 == 3;
            int rowCount = isLarge
                    ? random.nextInt(ColumnSpec.VECTOR_ROWS, VECTORS_MAX * ColumnSpec.VECTOR_ROWS)
                    : random.nextInt(1, i % 4 == 2 ? 1_100 : 100);
            List<TestColumn> columns = new ArrayList<>();
            for (CellKind kind : CellKind.values()) {
                columns.add(TestColumn.shaped(random, columns.size(), rowCount, kind, i / 4 % 4, !isLarge));
            }
            try (Files files = new Files(random.split())) {
                files.write(columns, null);
                try (CFileReader reader = files.open()) {
                    for (TestColumn column : columns) {
                        cases += check(
                                random, column, reader.column(column.spec().id()), files, seen);
                    }
                }
            }
        }
        assertEquals(CellKind.values().length * FILES * (PREDICATES + 1), cases);
        assertEquals(EnumSet.allOf(VectorEncoding.class), seen);
    }

    /** The column as it was written, and as predicates find it; answers how many cases that were. */
    private static int check(
            SplittableRandom random, TestColumn column, ColumnReader reader, Files files, Set<VectorEncoding> seen) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT8),
                Column.of("c", TestColumn.type(column.spec().kind())).nullable());
        var rows = new PlainRows(column);
        try (ColumnCursor cursor = reader.cursor(files.scratch);
                Arena arena = Arena.ofConfined()) {
            MemorySegment bitmap = arena.allocate(ColumnSpec.VECTOR_ROWS / Byte.SIZE);
            column.check(reader, cursor, random);
            for (int i = 0; i < PREDICATES; i++) {
                check(rows, reader, predicate(random, column, schema), cursor, bitmap);
            }
            for (int vector = 0; vector < reader.vectorCount(); vector++) {
                cursor.seek(vector);
                if (!cursor.isAllNull()) {
                    seen.add(cursor.values().encoding());
                }
            }
        }
        return PREDICATES + 1;
    }

    private static void check(
            PlainRows rows, ColumnReader reader, Predicate predicate, ColumnCursor cursor, MemorySegment bitmap) {
        ColumnPredicate compiled = ColumnPredicate.of(predicate, reader.kind());
        VectorSelection selection = new VectorSelection(reader.rowCount());
        reader.prune(compiled, selection);
        IntPredicate matching = rows.matching(predicate);
        for (int vector = 0; vector < reader.vectorCount(); vector++) {
            cursor.seek(vector);
            bitmap.fill((byte) 0xFF);
            cursor.and(compiled, bitmap, 0);
            int first = vector * ColumnSpec.VECTOR_ROWS;
            boolean isAny = false;
            for (int start = 0; start < cursor.rowCount(); start += Long.SIZE) {
                long expected = 0;
                for (int row = start; row < Math.min(cursor.rowCount(), start + Long.SIZE); row++) {
                    expected |= (rows.matches(predicate, matching, first + row) ? 1L : 0) << row;
                }
                long found = bitmap.get(Cells.LONG, start / Byte.SIZE);
                if (expected != found) {
                    int row = first + start + Long.numberOfTrailingZeros(expected ^ found);
                    fail(predicate + " of row " + row + ", which is " + rows.text(row) + ", on " + rows.column.spec());
                }
                isAny |= expected != 0;
            }
            assertFalse(isAny && !selection.has(vector), () -> "pruned: " + predicate + " on " + rows.column.spec());
        }
    }

    /** The cells of a column as Java values, of which those of its kind are used. */
    private static final class PlainRows {
        private final TestColumn column;
        private final CellKind kind;
        private final double[] doubles;
        private final BigInteger[] integers;
        private final long[] longs;

        PlainRows(TestColumn column) {
            this.column = column;
            this.kind = column.spec().kind();
            int count = column.rowCount();
            doubles = new double[count];
            integers = new BigInteger[count];
            longs = new long[count];
            for (int row = 0; row < count; row++) {
                byte[] cell = column.cells().get(row);
                if (cell == null || kind.isBinary()) {
                    continue;
                }
                integers[row] = integer(cell);
                longs[row] = integers[row].longValue();
                doubles[row] = cell.length > Double.BYTES || cell.length < Float.BYTES
                        ? 0
                        : CellValue.ofBytes(cell).toDouble();
            }
        }

        private static BigInteger integer(byte[] littleEndian) {
            byte[] bytes = new byte[littleEndian.length];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = littleEndian[bytes.length - 1 - i];
            }
            return new BigInteger(bytes);
        }

        String text(int row) {
            return Arrays.toString(column.cells().get(row));
        }

        boolean matches(Predicate predicate, IntPredicate matching, int row) {
            return column.cells().get(row) == null ? predicate instanceof Predicate.IsNull : matching.test(row);
        }

        /** What a predicate says of rows that are not null. */
        IntPredicate matching(Predicate predicate) {
            return switch (predicate) {
                case Predicate.Equal equal -> compared(equal.value(), 0, 0);
                case Predicate.Range(int _, CellValue lower, CellValue upper) -> {
                    IntPredicate isAbove = lower == null ? null : compared(lower, 0, 1);
                    IntPredicate isBelow = upper == null ? null : compared(upper, -1, -1);
                    yield row -> (isAbove == null || isAbove.test(row)) && (isBelow == null || isBelow.test(row));
                }
                case Predicate.InList list -> {
                    var any = list.values().stream()
                            .map(value -> compared(value, 0, 0))
                            .toArray(IntPredicate[]::new);
                    yield row -> isAny(any, row);
                }
                case Predicate.InBloomFilters bloom ->
                    row -> isInAll(bloom, Objects.requireNonNull(column.cells().get(row)));
                case Predicate.IsNull _ -> _ -> false;
                case Predicate.IsNotNull _ -> _ -> true;
            };
        }

        private static boolean isAny(IntPredicate[] predicates, int row) {
            for (IntPredicate each : predicates) {
                if (each.test(row)) {
                    return true;
                }
            }
            return false;
        }

        private static boolean isInAll(Predicate.InBloomFilters bloom, byte[] cell) {
            for (Predicate.BloomFilter filter : bloom.filters()) {
                if (!filter.mayContain(MemorySegment.ofArray(cell), 0, cell.length)) {
                    return false;
                }
            }
            return true;
        }

        /** Whether a cell compares with the value from {@code least} to {@code most}; a NaN compares with nothing. */
        private IntPredicate compared(CellValue value, int least, int most) {
            return switch (kind) {
                case BINARY -> {
                    byte[] other = value.toByteArray();
                    yield row -> isWithin(Arrays.compareUnsigned(column.cells().get(row), other), least, most);
                }
                case FLOAT, DOUBLE -> {
                    double other = value.toDouble();
                    yield row -> {
                        double cell = doubles[row];
                        boolean isOrdered = cell <= other || cell > other;
                        return isOrdered && isWithin(cell < other ? -1 : cell > other ? 1 : 0, least, most);
                    };
                }
                case INT128 -> {
                    BigInteger other = integer(value.toByteArray());
                    yield row -> isWithin(integers[row].compareTo(other), least, most);
                }
                case INT8, INT16, INT32, INT64 -> {
                    long other = integer(value.toByteArray()).longValue();
                    yield row -> isWithin(Long.compare(longs[row], other), least, most);
                }
            };
        }

        private static boolean isWithin(int order, int least, int most) {
            return least <= Integer.signum(order) && Integer.signum(order) <= most;
        }
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

    /** The number, of zeros either, or one near it. */
    private static double near(SplittableRandom random, double number) {
        return number == 0 ? (random.nextBoolean() ? 0.0 : -0.0) : number + random.nextInt(-1, 2) / 8.0;
    }

    /** A cell of the column, or one near it; NaN now and then. */
    private static CellValue value(SplittableRandom random, TestColumn column) {
        byte[] cell = column.cells().get(random.nextInt(column.rowCount()));
        CellKind kind = column.spec().kind();
        byte[] value = cell == null ? new byte[kind.cellBytes()] : cell.clone();
        if (kind == CellKind.FLOAT || kind == CellKind.DOUBLE) {
            double number = CellValue.ofBytes(value).toDouble();
            boolean isNan = random.nextInt(20) == 0 || (Double.isNaN(number) && random.nextBoolean());
            number = isNan ? Double.NaN : Double.isNaN(number) ? 0.0 : near(random, number);
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
