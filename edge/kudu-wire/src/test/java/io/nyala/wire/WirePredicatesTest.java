package io.nyala.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.nyala.protocol.BlockBloomFilter.BlockBloomFilterPB;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Hash.HashAlgorithm;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.rows.CellFilter;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Limits;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a predicate of a client matches the cells that Kudu's would, and hostile ones are refused in its words; bounds
 * of keys are taken as they are. Method: random predicates and cells against a comparison of their bytes; a case for
 * each error; damaged requests.
 */
final class WirePredicatesTest {
    private static final Schema SCHEMA = Vectors.schema();

    private TestMemory memory;

    @BeforeEach
    void open() {
        memory = new TestMemory();
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @RepeatedTest(100)
    void matchesTheCellsThatItIsTrueOf(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        int index = random.nextInt(schema.columnCount());
        Column column = schema.column(index);
        List<byte[] @Nullable []> rows = Batches.rows(random, List.of(column), 100);
        byte[] low = anyCell(random, column, rows);
        byte[] high = anyCell(random, column, rows);
        int kind = random.nextInt(7);
        ColumnPredicatePB given = predicate(column.name(), kind, low, high);
        try (var batch = new ColumnBatch(List.of(column), false, memory.account())) {
            Batches.fill(batch, rows);
            boolean[] actual = matching(schema, given, batch.column(0), rows.size());
            for (int i = 0; i < rows.size(); i++) {
                assertEquals(matches(column, kind, rows.get(i)[0], low, high), actual[i], given + " row " + i);
            }
        }
    }

    private static byte[] anyCell(SplittableRandom random, Column column, List<byte[] @Nullable []> rows) {
        byte @Nullable [] cell = rows.get(random.nextInt(rows.size()))[0];
        return cell == null || random.nextInt(3) == 0 ? RandomData.cell(random, column) : cell;
    }

    private static ColumnPredicatePB predicate(String column, int kind, byte[] low, byte[] high) {
        ColumnPredicatePB.Builder given = ColumnPredicatePB.newBuilder().setColumn(column);
        ByteString lower = ByteString.copyFrom(low);
        ByteString upper = ByteString.copyFrom(high);
        switch (kind) {
            case 0 -> given.getEqualityBuilder().setValue(lower);
            case 1 -> given.getRangeBuilder().setLower(lower);
            case 2 -> given.getRangeBuilder().setUpper(upper);
            case 3 -> given.getRangeBuilder().setLower(lower).setUpper(upper);
            case 4 -> given.getInListBuilder().addValues(lower).addValues(upper).addValues(lower);
            case 5 -> given.getIsNullBuilder();
            default -> given.getIsNotNullBuilder();
        }
        return given.build();
    }

    private static boolean matches(Column column, int kind, byte @Nullable [] cell, byte[] low, byte[] high) {
        if (cell == null || kind > 4) {
            return cell == null ? kind == 5 : kind == 6;
        }
        return switch (kind) {
            case 0 -> compare(column, cell, low) == 0;
            case 1 -> isOrdered(column, cell, low) && compare(column, cell, low) >= 0;
            case 2 -> isOrdered(column, cell, high) && compare(column, cell, high) < 0;
            case 3 -> matches(column, 1, cell, low, high) && matches(column, 2, cell, low, high);
            default -> compare(column, cell, low) == 0 || compare(column, cell, high) == 0;
        };
    }

    private static boolean isOrdered(Column column, byte[] cell, byte[] other) {
        return !isFloating(column) || (!Double.isNaN(number(cell)) && !Double.isNaN(number(other)));
    }

    private static boolean isFloating(Column column) {
        return column.type() == ColumnType.FLOAT || column.type() == ColumnType.DOUBLE;
    }

    private static double number(byte[] cell) {
        MemorySegment bytes = MemorySegment.ofArray(cell);
        return cell.length == Float.BYTES
                ? bytes.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)
                : bytes.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0);
    }

    private static int compare(Column column, byte[] cell, byte[] other) {
        if (isFloating(column)) {
            double left = number(cell);
            double right = number(other);
            return left < right ? -1 : left > right ? 1 : left == right ? 0 : 2;
        }
        return column.type().isVariable()
                ? Arrays.compareUnsigned(cell, other)
                : integer(cell).compareTo(integer(other));
    }

    private static BigInteger integer(byte[] cell) {
        byte[] bigEndian = new byte[cell.length];
        for (int i = 0; i < cell.length; i++) {
            bigEndian[i] = cell[cell.length - 1 - i];
        }
        return new BigInteger(bigEndian);
    }

    /** Which rows of a vector match. */
    private static boolean[] matching(Schema schema, ColumnPredicatePB given, ColumnVector vector, int count) {
        MemorySegment bits = MemorySegment.ofArray(new long[Limits.VECTOR_ROWS / Long.SIZE + 8]);
        bits.fill((byte) -1);
        for (Predicate predicate : WirePredicates.toPredicates(schema, List.of(given))) {
            assertEquals(schema.indexOf(given.getColumn()), predicate.column());
            CellFilter.of(schema, predicate).evaluate(vector, count, bits);
        }
        boolean[] matching = new boolean[count];
        for (int i = 0; i < count; i++) {
            matching[i] = (bits.get(ValueLayout.JAVA_BYTE, i >> 3) >> (i & 7) & 1) != 0;
        }
        return matching;
    }

    @Test
    void matchesNothingWithAnEmptyList() {
        ColumnPredicatePB.Builder given = ColumnPredicatePB.newBuilder().setColumn("i8");
        given.getInListBuilder();
        assertEquals(List.of(Predicate.never(3)), WirePredicates.toPredicates(SCHEMA, List.of(given.build())));
    }

    @Test
    void refusesPredicatesThatAreNone() {
        refused(
                "Column predicate must include a column: is_null { }",
                ColumnPredicatePB.newBuilder().setIsNull(ColumnPredicatePB.IsNull.getDefaultInstance()));
        refused(
                "unknown column in predicate: column: \"nope\"",
                ColumnPredicatePB.newBuilder().setColumn("nope"));
        refused("Unknown predicate type for column: k1", on("k1"));
        ColumnPredicatePB.Builder range = on("k1");
        range.getRangeBuilder();
        refused("Invalid range predicate on column: no bounds: k1", range);
        ColumnPredicatePB.Builder equality = on("k1");
        equality.getEqualityBuilder();
        refused("Invalid equality predicate on column: no value: k1", equality);
        equality.getEqualityBuilder().setValue(ByteString.fromHex("010203"));
        refused("Bad predicate on k1 INT32 NOT NULL. Expected value size 4, got 3", equality);
        range.getRangeBuilder().setUpper(ByteString.fromHex("0102030405"));
        refused("Bad predicate on k1 INT32 NOT NULL. Expected value size 4, got 5", range);
        ColumnPredicatePB.Builder list = on("k1");
        list.getInListBuilder().addValues(ByteString.EMPTY);
        refused("Bad predicate on k1 INT32 NOT NULL. Expected value size 4, got 0", list);
    }

    private static ColumnPredicatePB.Builder on(String column) {
        return ColumnPredicatePB.newBuilder().setColumn(column);
    }

    private static void refused(String message, ColumnPredicatePB.Builder given) {
        WireException e =
                assertThrows(WireException.class, () -> WirePredicates.toPredicates(SCHEMA, List.of(given.build())));
        assertEquals(message, e.getMessage());
        assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
        assertEquals(
                TabletServerErrorPB.Code.INVALID_SCAN_SPEC,
                e.tabletServerError().getCode());
    }

    @Test
    void refusesBloomFiltersThatAreNone() {
        refused("Invalid bloom filter predicate on column: k1. No bloom filters supplied", bloom());
        String failed = "Failed to initialize bloom filter predicate on column: k1: ";
        refused(failed + "Missing arguments to initialize BlockBloomFilter.", bloom(BlockBloomFilterPB.newBuilder()));
        refused(
                failed + "Invalid/Unsupported hash algorithm CITY_HASH",
                bloom(filter(5).setHashAlgorithm(HashAlgorithm.CITY_HASH)));
        refused(
                failed + "Missing arguments to initialize BlockBloomFilter.",
                bloom(filter(6).clearHashAlgorithm()));
        for (int log : new int[] {38, 64, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            refused(
                    failed + "Bloom filter too large. log_space_bytes: " + log,
                    bloom(filter(6).setLogSpaceBytes(log)));
        }
        for (int log : new int[] {7, 26, 31, 37}) {
            refused(
                    failed + "Mismatch in BlockBloomFilter source directory size 64 and expected size " + (1L << log),
                    bloom(filter(6).setLogSpaceBytes(log)));
        }
        for (int log : new int[] {-1, 0, 5, 6}) { // As large as the smallest.
            refused(
                    failed + "Mismatch in BlockBloomFilter source directory size 32 and expected size 64",
                    bloom(filter(5).setLogSpaceBytes(log)));
            assertEquals(
                    1,
                    WirePredicates.toPredicates(
                                    SCHEMA,
                                    List.of(bloom(filter(6).setLogSpaceBytes(log))
                                            .build()))
                            .size());
        }
    }

    @Test
    void takesBloomFiltersWithTheirBounds() {
        BlockBloomFilterPB.Builder one = filter(6).setHashSeed(-3);
        BlockBloomFilterPB.Builder empty = filter(6).setAlwaysFalse(true);
        ColumnPredicatePB.Builder given = bloom(one, empty);
        given.getInBloomFilterBuilder().setLower(ByteString.fromHex("01000000"));
        List<Predicate> predicates = WirePredicates.toPredicates(SCHEMA, List.of(given.build()));
        assertEquals(
                List.of(
                        new Predicate.InBloomFilters(
                                0,
                                List.of(
                                        new Predicate.BloomFilter(new byte[64], -3, false),
                                        new Predicate.BloomFilter(new byte[64], 0, true))),
                        Predicate.atLeast(SCHEMA, "k1", 1)),
                predicates);
        given.getInBloomFilterBuilder().setUpper(ByteString.fromHex("05000000"));
        assertEquals(
                Predicate.range(SCHEMA, "k1", 1, 5),
                WirePredicates.toPredicates(SCHEMA, List.of(given.build())).getLast());
    }

    private static BlockBloomFilterPB.Builder filter(int log) {
        return BlockBloomFilterPB.newBuilder()
                .setLogSpaceBytes(log)
                .setBloomData(ByteString.copyFrom(new byte[1 << log]))
                .setHashAlgorithm(HashAlgorithm.FAST_HASH)
                .setAlwaysFalse(false);
    }

    private static ColumnPredicatePB.Builder bloom(BlockBloomFilterPB.Builder... filters) {
        ColumnPredicatePB.Builder given = on("k1");
        given.getInBloomFilterBuilder();
        for (BlockBloomFilterPB.Builder filter : filters) {
            given.getInBloomFilterBuilder().addBloomFilters(filter);
        }
        return given;
    }

    @RepeatedTest(200)
    void refusesDamagedPredicatesWithAWireException(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        Column column = schema.column(random.nextInt(schema.columnCount()));
        NewScanRequestPB.Builder request = NewScanRequestPB.newBuilder().setTabletId(ByteString.copyFromUtf8("t"));
        for (int kind = 0; kind < 7; kind++) {
            request.addColumnPredicates(
                    predicate(column.name(), kind, RandomData.cell(random, column), RandomData.cell(random, column)));
        }
        request.addColumnPredicates(bloom(filter(5)).setColumn(column.name()));
        for (Column projected : schema.columns()) {
            request.addProjectedColumns(
                    WireSchema.toProto(projected).toBuilder().clearId());
        }
        for (int i = 0; i < 20; i++) {
            byte[] damaged = RandomData.damaged(random, request.build().toByteArray());
            try {
                NewScanRequestPB parsed = NewScanRequestPB.parseFrom(damaged);
                List<Predicate> predicates = WirePredicates.toPredicates(schema, parsed.getColumnPredicatesList());
                predicates.forEach(predicate -> CellFilter.of(schema, predicate));
                WireSchema.projection(schema, parsed.getProjectedColumnsList());
                WireKeys.toKeyRange(parsed);
            } catch (InvalidProtocolBufferException | WireException e) {
                assertTrue(e.getMessage() != null);
            }
        }
    }

    @Test
    void takesBoundsOfKeysAsTheyAre() {
        assertEquals(KeyRange.ALL, WireKeys.toKeyRange(NewScanRequestPB.getDefaultInstance()));
        byte[] key = Vectors.bytes("7ffffffb6100016200008000000000000007");
        KeyRange range = range("7ffffffb61", "80000001", "");
        assertTrue(range.contains(key));
        assertFalse(range.contains(Vectors.bytes("80000001")));
        assertFalse(range.contains(Vectors.bytes("7ffffffb60")));
        // Behind the last row that was answered, not from it on; and never before the start.
        KeyRange rest = range("7ffffffb61", "80000001", "7ffffffb6100016200008000000000000007");
        assertFalse(rest.contains(key));
        assertTrue(rest.contains(Vectors.bytes("7ffffffb6100016200008000000000000008")));
        assertFalse(range("7ffffffb61", "", "00").contains(Vectors.bytes("01")));
        // A scan that was not in key order has answered any rows, not those up to its last one.
        NewScanRequestPB unordered = NewScanRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8("t"))
                .setLastPrimaryKey(ByteString.fromHex("7ffffffb61"))
                .build();
        assertEquals(KeyRange.ALL, WireKeys.toKeyRange(unordered));
    }

    private static KeyRange range(String start, String stop, String last) {
        return WireKeys.toKeyRange(NewScanRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8("t"))
                .setStartPrimaryKey(ByteString.fromHex(start))
                .setStopPrimaryKey(ByteString.fromHex(stop))
                .setLastPrimaryKey(ByteString.fromHex(last))
                .setOrderMode(OrderMode.ORDERED)
                .build());
    }

    @Test
    void refusesKeysThatAreTooLong() {
        WireException e = assertThrows(WireException.class, () -> range("00".repeat(40_000), "", ""));
        assertEquals("Invalid scan start key: 40000 bytes, a key has at most 16384", e.getMessage());
    }

    @Test
    void answersTheKeyOfTheLastRow() {
        List<Column> columns = SCHEMA.columns().subList(0, 1);
        try (var batch = new ColumnBatch(columns, true, memory.account())) {
            List<byte[]> keys = new ArrayList<>(
                    List.of(Vectors.bytes("7ffffffb6100016200008000000000000007"), Vectors.bytes("80")));
            for (int i = 0; i < keys.size(); i++) {
                batch.keys().setBytes(i, MemorySegment.ofArray(keys.get(i)), 0, keys.get(i).length);
            }
            batch.rowCount(2);
            assertEquals(ByteString.copyFrom(keys.get(0)), WireKeys.lastKey(batch, 1));
            assertEquals(ByteString.copyFrom(keys.get(1)), WireKeys.lastKey(batch, 2));
        }
    }
}
