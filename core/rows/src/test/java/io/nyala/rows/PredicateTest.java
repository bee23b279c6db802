package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: a predicate matches the cells whose values it is true of, on packed rows, on vectors and through the range of
 * keys it allows, and values that the column cannot hold mean what mathematics says. Method: random predicates and
 * rows against a comparison of the Java values; edge cases by hand.
 */
final class PredicateTest {
    private static final List<String> OPERATORS =
            List.of("=", "<", "<=", ">", ">=", "between", "in", "null", "not null");

    /** A predicate and what it means. */
    private record Case(Predicate predicate, int column, String operator, List<Object> values) {
        boolean matches(Column definition, @Nullable Object cell) {
            if (operator.equals("null") || operator.equals("not null")) {
                return operator.equals("null") == (cell == null);
            }
            if (cell == null) {
                return false;
            }
            return switch (operator) {
                case "=", "in" -> values.stream().anyMatch(value -> is(definition, cell, "=", value));
                case "between" -> is(definition, cell, ">=", values.get(0)) && is(definition, cell, "<", values.get(1));
                default -> is(definition, cell, operator, values.getFirst());
            };
        }

        private static boolean is(Column column, Object cell, String operator, Object value) {
            if (cell instanceof Number left
                    && value instanceof Number right
                    && (Double.isNaN(left.doubleValue()) || Double.isNaN(right.doubleValue()))) {
                return false;
            }
            int order = compare(column, cell, value);
            return switch (operator) {
                case "=" -> order == 0;
                case "<" -> order < 0;
                case "<=" -> order <= 0;
                case ">" -> order > 0;
                default -> order >= 0;
            };
        }

        private static int compare(Column column, Object cell, Object value) {
            if (cell instanceof Float || cell instanceof Double) {
                // Adding 0.0 makes 0.0 of -0.0.
                return Double.compare(((Number) cell).doubleValue() + 0.0, ((Number) value).doubleValue() + 0.0);
            }
            return CellValue.of(column, cell).compareTo(CellValue.of(column, value), column.type());
        }
    }

    private static Case random(SplittableRandom random, Schema schema, int column, List<@Nullable Object[]> rows) {
        String name = schema.column(column).name();
        String operator = OPERATORS.get(random.nextInt(OPERATORS.size()));
        List<Object> values = new ArrayList<>();
        for (int i = operator.equals("in") ? random.nextInt(5) : 2; i > 0; i--) {
            Object met = rows.isEmpty() ? null : rows.get(random.nextInt(rows.size()))[column];
            values.add(met != null && random.nextBoolean() ? met : RandomRows.value(random, schema.column(column)));
        }
        Predicate predicate =
                switch (operator) {
                    case "=" -> Predicate.in(schema, name, values);
                    case "<" -> Predicate.lessThan(schema, name, values.getFirst());
                    case "<=" -> Predicate.atMost(schema, name, values.getFirst());
                    case ">" -> Predicate.greaterThan(schema, name, values.getFirst());
                    case ">=" -> Predicate.atLeast(schema, name, values.getFirst());
                    case "between" -> Predicate.range(schema, name, values.get(0), values.get(1));
                    case "in" -> Predicate.in(schema, name, values);
                    case "null" -> Predicate.isNull(schema, name);
                    default -> Predicate.isNotNull(schema, name);
                };
        return new Case(predicate, column, operator, values);
    }

    @RepeatedTest(100)
    void matchesRowsAndVectorsAsValuesCompare(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        List<Integer> all = IntStream.range(0, schema.columnCount()).boxed().toList();
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account());
                var columns = new ColumnBatch(schema.columns(), false, memory.account())) {
            var projection = new RowProjection(layout, all);
            List<@Nullable Object[]> rows = new ArrayList<>();
            for (int i = random.nextInt(150); i > 0; i--) {
                rows.add(RandomRows.row(random, schema));
                RandomRows.append(batch, OperationKind.INSERT, rows.getLast());
            }
            List<Long> packed = new ArrayList<>();
            batch.forEach((segment, operation) -> {
                packed.add(OperationFormat.rowOffset(segment, operation));
                columns.appendRow(projection, segment, packed.getLast());
            });
            var slab = memory.account().take(128);
            for (int n = 0; n < 20; n++) {
                Case some = random(random, schema, random.nextInt(schema.columnCount()), rows);
                var filter = new RowFilter(layout, List.of(some.predicate()));
                MemorySegment bitmap = slab.segment().fill((byte) -1);
                bitmap.set(LittleEndian.LONG, 0, 0x5555_5555_5555_5555L);
                CellFilter.of(schema, some.predicate()).evaluate(columns.column(some.column()), rows.size(), bitmap);
                for (int i = 0; i < rows.size(); i++) {
                    Object cell = rows.get(i)[some.column()];
                    boolean expected = some.matches(schema.column(some.column()), cell);
                    String what = some.predicate().describe(schema) + " of " + cell;
                    assertEquals(expected, filter.matches(batch.memory(), packed.get(i)), what);
                    boolean wasSet = i >= 64 || i % 2 == 0;
                    long word = bitmap.get(LittleEndian.LONG, i / 64 * 8L);
                    assertEquals(expected && wasSet, (word >> i & 1) != 0, what);
                }
                assertClearFrom(rows.size(), bitmap);
            }
            memory.account().giveBack(slab);
        }
    }

    private static void assertClearFrom(int count, MemorySegment bitmap) {
        if (count % 64 != 0) {
            long word = bitmap.get(LittleEndian.LONG, count / 64 * 8L);
            assertEquals(0, word >>> count, "bits behind the rows are clear");
        }
    }

    @Test
    void hashesAsFastHash() {
        // How SMHasher verifies it: keys of 0 to 255 bytes, their hashes hashed.
        MemorySegment hashes = MemorySegment.ofArray(new byte[256 * Long.BYTES]);
        MemorySegment folded = MemorySegment.ofArray(new byte[256 * Integer.BYTES]);
        MemorySegment key = MemorySegment.ofArray(new byte[256]);
        for (int i = 0; i < 256; i++) {
            long hash = Predicate.BloomFilter.hash(key, 0, i, 256 - i);
            hashes.set(LittleEndian.LONG, (long) i * Long.BYTES, hash);
            folded.set(LittleEndian.INT, (long) i * Integer.BYTES, Predicate.BloomFilter.fold(hash));
            LittleEndian.setByte(key, i, i);
        }
        assertEquals(0xA16231A7, (int) Predicate.BloomFilter.hash(hashes, 0, 256 * Long.BYTES, 0));
        long all = Predicate.BloomFilter.hash(folded, 0, 256 * Integer.BYTES, 0);
        assertEquals(0xE9481AFC, Predicate.BloomFilter.fold(all));
    }

    @RepeatedTest(100)
    void matchesWhatIsInAllBloomFilters(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        int index = random.nextInt(schema.columnCount());
        Column column = schema.column(index);
        List<CellValue> members = new ArrayList<>();
        for (int i = random.nextInt(30); i > 0; i--) {
            members.add(CellValue.of(column, RandomRows.value(random, column)));
        }
        byte[] none = new byte[1 << random.nextInt(5, 12)];
        var filter = new Predicate.BloomFilter(none, random.nextInt(), true).with(members);
        var all = new byte[32];
        Arrays.fill(all, (byte) -1);
        List<Predicate.BloomFilter> filters = List.of(new Predicate.BloomFilter(all, 7, false), filter);
        CellFilter compiled = CellFilter.of(schema, new Predicate.InBloomFilters(index, filters));
        var layout = new RowLayout(schema);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account());
                var columns = new ColumnBatch(List.of(column), false, memory.account())) {
            var projection = new RowProjection(layout, List.of(index));
            List<CellValue> cells = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                @Nullable Object[] row = RandomRows.row(random, schema);
                Object value = row[index];
                cells.add(value == null ? CellValue.ofBytes(new byte[0]) : CellValue.of(column, value));
                batch.clear();
                RandomRows.append(batch, OperationKind.INSERT, row);
                long packed = OperationFormat.rowOffset(batch.memory(), 0);
                columns.appendRow(projection, batch.memory(), packed);
                boolean isIn = value != null
                        && filter.mayContain(
                                cells.getLast().segment(), 0, cells.getLast().bytes());
                assertTrue(isIn || value == null || !members.contains(cells.getLast()));
                assertEquals(isIn, compiled.matches(layout, batch.memory(), packed));
                if (isIn
                        && cells.getLast().bytes() <= Long.BYTES
                        && !column.type().isVariable()) {
                    assertTrue(compiled.matchesLong(cells.getLast().toLong()));
                }
            }
            MemorySegment bitmap = MemorySegment.ofArray(new long[16]).fill((byte) -1);
            compiled.evaluate(columns.column(0), cells.size(), bitmap);
            for (int i = 0; i < cells.size(); i++) {
                boolean isNull = columns.column(0).isNull(i);
                boolean expected = !isNull
                        && filter.mayContain(
                                cells.get(i).segment(), 0, cells.get(i).bytes());
                assertEquals(expected, (LittleEndian.unsignedByte(bitmap, i / 8) >> i % 8 & 1) != 0);
            }
        }
    }

    /** The bits are those that a real Kudu 1.18.1 looks at. */
    @Test
    void findsTheEmptyCellWhereKuduDoes() {
        int[] seeds = {0, 1, -3};
        int[][] bits = {
            {271, 311, 351, 370, 410, 421, 455, 507},
            {260, 298, 344, 370, 390, 423, 468, 506},
            {30, 32, 82, 112, 149, 185, 213, 241}
        };
        MemorySegment nothing = MemorySegment.ofArray(new byte[0]);
        for (int i = 0; i < seeds.length; i++) {
            BitSet all = BitSet.valueOf(new long[8]);
            for (int bit : bits[i]) {
                all.set(bit);
            }
            byte[] data = Arrays.copyOf(all.toByteArray(), 64);
            var filter = new Predicate.BloomFilter(data, seeds[i], false);
            assertTrue(filter.mayContain(nothing, 0, 0));
            for (int bit : bits[i]) {
                byte[] less = data.clone();
                less[bit / 8] &= (byte) ~(1 << bit % 8);
                assertFalse(new Predicate.BloomFilter(less, seeds[i], false).mayContain(nothing, 0, 0));
            }
            var made = new Predicate.BloomFilter(new byte[64], seeds[i], true)
                    .with(List.of(CellValue.ofBytes(new byte[0])));
            assertArrayEquals(data, made.data());
        }
    }

    @Test
    void letsFewStrangersThroughABloomFilter() {
        Column column = Column.of("n", ColumnType.INT64);
        List<CellValue> members = new ArrayList<>();
        for (long i = 0; i < 1_000; i++) {
            members.add(CellValue.of(column, i));
        }
        // 16 bits a member.
        var filter = new Predicate.BloomFilter(new byte[2_048], 1, true).with(members);
        int strangers = 0;
        for (long i = 0; i < 100_000; i++) {
            boolean isIn = filter.mayContain(i, Long.BYTES);
            assertTrue(isIn || i >= 1_000);
            strangers += isIn && i >= 1_000 ? 1 : 0;
        }
        assertTrue(strangers < 1_000, strangers + " of 99,000");
        assertFalse(new Predicate.BloomFilter(filter.data(), 1, true).mayContain(5, Long.BYTES));
        assertEquals(filter, new Predicate.BloomFilter(filter.data(), 1, false));
        assertThrows(IllegalArgumentException.class, () -> new Predicate.BloomFilter(new byte[48], 0, false));
        assertThrows(IllegalArgumentException.class, () -> new Predicate.BloomFilter(new byte[16], 0, false));
    }

    @RepeatedTest(200)
    void rangeOfKeysHoldsEveryMatchingRow(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var codec = new KeyCodec(new RowLayout(schema));
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            rows.add(RandomRows.row(random, schema));
        }
        for (int n = 0; n < 10; n++) {
            List<Case> cases = new ArrayList<>();
            for (int i = random.nextInt(1, 4); i > 0; i--) {
                cases.add(random(random, schema, random.nextInt(schema.keyColumnCount()), rows));
            }
            KeyRange range =
                    KeyRange.from(codec, cases.stream().map(Case::predicate).toList());
            boolean isExact = isExact(cases);
            for (@Nullable Object[] row : rows) {
                byte[] key = codec.encodeValues(Arrays.copyOf(row, schema.keyColumnCount()));
                boolean matches =
                        cases.stream().allMatch(some -> some.matches(schema.column(some.column()), row[some.column()]));
                assertTrue(!matches || range.contains(key), () -> "not in the range, but matches: " + cases);
                assertTrue(!isExact || matches == range.contains(key), () -> "in the range: " + cases);
                assertFalse(range.contains(key) && !range.meets(key, key));
            }
        }
    }

    /** Whether the range can say all that the predicates say: one of them, on the first column, no list. */
    private static boolean isExact(List<Case> cases) {
        return cases.size() == 1
                && cases.getFirst().column() == 0
                && !(cases.getFirst().predicate() instanceof Predicate.InList);
    }

    @Test
    void pushesAPrefixAndOneRangeDownToKeys() {
        Schema schema = Schema.of(
                Column.key("a", ColumnType.INT32),
                Column.key("b", ColumnType.STRING),
                Column.key("c", ColumnType.INT8));
        var codec = new KeyCodec(new RowLayout(schema));
        Predicate a = Predicate.equal(schema, "a", 7);
        assertRange(codec, "80000007", "80000008", a);
        assertRange(codec, "80000007620000", "80000008", a, Predicate.atLeast(schema, "b", "b"));
        assertRange(codec, "80000007620000", "80000007640000", a, Predicate.range(schema, "b", "b", "d"));
        assertRange(codec, "80000007620000", "80000007620001", a, Predicate.equal(schema, "b", "b"));
        assertRange(
                codec,
                "8000000762000085",
                "800000076200008500",
                a,
                Predicate.equal(schema, "b", "b"),
                Predicate.equal(schema, "c", 5));
        assertRange(codec, "80000001", "80000006", Predicate.in(schema, "a", List.of(5, 1, 3)));
        assertRange(codec, null, null, Predicate.equal(schema, "b", "b"));
        assertTrue(KeyRange.from(codec, List.of(a, Predicate.equal(schema, "a", 8)))
                .isEmpty());
        assertTrue(KeyRange.from(codec, List.of(Predicate.isNull(schema, "a"))).isEmpty());
    }

    private static void assertRange(
            KeyCodec codec, @Nullable String lower, @Nullable String upper, Predicate... predicates) {
        KeyRange range = KeyRange.from(codec, List.of(predicates));
        assertEquals(lower, hex(range.lower()));
        assertEquals(upper, hex(range.upper()));
    }

    private static @Nullable String hex(byte @Nullable [] key) {
        return key == null ? null : HexFormat.of().formatHex(key);
    }

    @Test
    void valuesThatTheColumnCannotHoldMeanWhatMathematicsSays() {
        Schema schema = Schema.of(
                Column.key("i8", ColumnType.INT8),
                Column.decimal("d", 4, 2),
                Column.of("at", ColumnType.UNIXTIME_MICROS),
                Column.of("day", ColumnType.DATE),
                Column.of("f", ColumnType.DOUBLE),
                Column.of("s", ColumnType.STRING));
        assertNever(Predicate.equal(schema, "i8", 300));
        assertNever(Predicate.atLeast(schema, "i8", 128L));
        assertNever(Predicate.greaterThan(schema, "i8", 127));
        assertNever(Predicate.lessThan(schema, "i8", -128));
        assertAll(Predicate.lessThan(schema, "i8", 300));
        assertAll(Predicate.atMost(schema, "i8", 127));
        assertAll(Predicate.atLeast(schema, "i8", BigInteger.TEN.pow(30).negate()));
        assertEquals(Predicate.equal(schema, "i8", 5), Predicate.in(schema, "i8", List.of(5, 300, 5L)));
        assertNever(Predicate.equal(schema, "d", new BigDecimal("1.234")));
        assertEquals(
                Predicate.atLeast(schema, "d", new BigDecimal("1.24")),
                Predicate.greaterThan(schema, "d", new BigDecimal("1.234")));
        assertEquals(
                Predicate.lessThan(schema, "d", new BigDecimal("-1.23")),
                Predicate.lessThan(schema, "d", new BigDecimal("-1.234")));
        assertEquals(Predicate.equal(schema, "d", 3), Predicate.equal(schema, "d", new BigDecimal("3.000")));
        assertAll(Predicate.lessThan(schema, "d", new BigDecimal("1e2000000000")));
        assertEquals(
                Predicate.greaterThan(schema, "d", 0),
                Predicate.greaterThan(schema, "d", new BigDecimal("1e-2000000000")));
        assertEquals(
                Predicate.atLeast(schema, "at", 1L), Predicate.greaterThan(schema, "at", Instant.ofEpochSecond(0, 1)));
        assertAll(Predicate.lessThan(schema, "at", Instant.MAX));
        assertNever(Predicate.equal(schema, "day", LocalDate.of(10_000, 1, 1)));
        assertNever(Predicate.equal(schema, "f", Double.NaN));
        assertNever(Predicate.lessThan(schema, "f", Double.NaN));
        assertNever(Predicate.greaterThan(schema, "f", Double.POSITIVE_INFINITY));
        assertEquals(
                Predicate.atLeast(schema, "f", Double.NEGATIVE_INFINITY),
                Predicate.atMost(schema, "f", Double.POSITIVE_INFINITY),
                "all but NaN");
        assertNever(Predicate.range(schema, "s", "b", "b"));
        assertNever(Predicate.in(schema, "s", List.of()));
    }

    private static void assertNever(Predicate predicate) {
        assertEquals(Predicate.never(predicate.column()), predicate);
    }

    private static void assertAll(Predicate predicate) {
        assertInstanceOf(Predicate.IsNotNull.class, predicate);
    }

    @Test
    void namesColumnTypeAndValueTypeOfAMistake() {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT64), Column.of("t", ColumnType.DATE));
        assertMistake(
                "column k INT64 NOT NULL takes a Byte, Short, Integer or Long, was given a String",
                () -> Predicate.equal(schema, "k", "x"));
        assertMistake(
                "column t DATE NOT NULL takes a LocalDate, was given a Integer",
                () -> Predicate.range(schema, "t", LocalDate.EPOCH, 1));
        assertMistake("no column has the name z. The columns are k, t", () -> Predicate.isNull(schema, "z"));
    }

    private static void assertMistake(String message, Runnable code) {
        assertEquals(
                message, assertThrows(IllegalArgumentException.class, code::run).getMessage());
    }

    @Test
    void describesItself() {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT64), Column.of("s", ColumnType.STRING));
        assertEquals("1 <= k < 5", Predicate.range(schema, "k", 1, 5).describe(schema));
        assertEquals(
                "s IN [\"a\", \"b\"]",
                Predicate.in(schema, "s", List.of("b", "a", "b")).describe(schema));
        assertEquals("s = \"a\"", Predicate.equal(schema, "s", "a").describe(schema));
        assertEquals("s IS NULL", Predicate.isNull(schema, "s").describe(schema));
    }

    @Test
    @Tag("allocation")
    void allocatesNothing() {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT64),
                Column.of("s", ColumnType.STRING),
                Column.of("d", ColumnType.DOUBLE),
                Column.of("b", ColumnType.INT8),
                Column.decimal("w", 38, 0));
        var layout = new RowLayout(schema);
        List<Predicate> predicates = List.of(
                Predicate.range(schema, "k", 0, 50),
                Predicate.in(schema, "s", List.of("a", "b", "text")),
                Predicate.atLeast(schema, "d", 0.5),
                Predicate.in(schema, "b", List.of(1, 2, 3)),
                Predicate.atLeast(schema, "w", 0));
        List<CellFilter> filters =
                predicates.stream().map(p -> CellFilter.of(schema, p)).toList();
        var filter = new RowFilter(layout, predicates);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account());
                var columns = new ColumnBatch(schema.columns(), false, memory.account())) {
            RandomRows.append(batch, OperationKind.INSERT, new Object[] {7L, "text", 1.0, 2, 3});
            MemorySegment segment = batch.memory();
            long row = OperationFormat.rowOffset(segment, 0);
            var projection = new RowProjection(layout, List.of(0, 1, 2, 3, 4));
            var slab = memory.account().take(128);
            MemorySegment bitmap = slab.segment();
            Allocation.assertNone("filtering rows", () -> {
                for (int i = 0; i < 100; i++) {
                    assertTrue(filter.matches(segment, row));
                }
            });
            Allocation.assertNone("appending rows", () -> {
                columns.clear();
                for (int i = 0; i < 100; i++) {
                    assertTrue(columns.appendRow(projection, segment, row));
                }
            });
            Allocation.assertNone("evaluating vectors", () -> {
                bitmap.set(LittleEndian.LONG, 0, -1L);
                bitmap.set(LittleEndian.LONG, 8, -1L);
                for (int i = 0; i < 5; i++) {
                    filters.get(i).evaluate(columns.column(i), 100, bitmap);
                }
                assertTrue(Long.bitCount(bitmap.get(LittleEndian.LONG, 8)) == 36);
            });
            memory.account().giveBack(slab);
        }
    }
}
