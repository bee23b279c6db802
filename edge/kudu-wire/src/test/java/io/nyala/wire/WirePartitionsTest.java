package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.nyala.partition.HashLevel;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangeBounds;
import io.nyala.partition.RangePartition;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.PartitionPB;
import io.nyala.protocol.Common.PartitionSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a table is cut where a Kudu master would cut it, and clients are told so in Kudu's form. Method: the request
 * and the answers of a Kudu 1.18.1 server, bounds of each kind, random bounds there and back, damaged requests.
 */
final class WirePartitionsTest {
    private static final Schema TWO = Schema.of(
            Column.key("a", ColumnType.INT32),
            Column.key("b", ColumnType.STRING),
            Column.of("v", ColumnType.INT8).nullable());

    private static final RowOperationsPB NONE = RowOperationsPB.getDefaultInstance();

    /** What the tablets of this table are in a Kudu is said where tables are cut, in {@code core/partition}. */
    @Test
    void readsTheTableOfAKuduMasterAndTellsWhereItIsCut() {
        PartitionMap map = Vectors.map();
        PartitionSchema partitioning = PartitionSchema.of(Vectors.schema())
                .hash(3, "k1", "k2")
                .seed(7)
                .range("k3")
                .build();
        assertEquals(partitioning, map.schema());
        assertEquals(
                List.of(
                        partitioning.between(null, 0L),
                        partitioning.between(0L, 100L),
                        partitioning.newRange().after(199L).upTo(299L).build()),
                map.ranges());
        assertEquals(9, map.size());
        for (Partition partition : map.partitions()) {
            PartitionPB answer = WirePartitions.toProto(partition);
            assertEquals(partition.hashBuckets(), answer.getHashBucketsList());
            assertEquals(ByteString.copyFrom(partition.keyStart()), answer.getPartitionKeyStart());
            assertEquals(ByteString.copyFrom(partition.keyEnd()), answer.getPartitionKeyEnd());
        }
    }

    private static String hex(ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    @Test
    void answersThePartitioningAsKuduDoes() {
        assertEquals(
                Vectors.answer().getPartitionSchema(),
                WirePartitions.toProto(Vectors.map().schema()));
    }

    @Test
    void takesColumnsByIdAsWellAsByName() {
        PartitionSchema partitioning = Vectors.map().schema();
        WirePartitions.TablePartitions again = WirePartitions.toPartitions(
                Vectors.schema(), WirePartitions.toProto(partitioning), Vectors.rows(Vectors.BOUNDS, ""), false);
        assertEquals(partitioning, again.schema());
        assertEquals(Vectors.map().ranges(), again.ranges());
    }

    @Test
    void takesAllColumnsOfTheKeyForRangesWhereNoneAreNamed() {
        WirePartitions.TablePartitions partitions =
                WirePartitions.toPartitions(TWO, PartitionSchemaPB.getDefaultInstance(), NONE, false);
        assertEquals(List.of(0, 1), partitions.schema().rangeColumnIds());
        assertEquals(List.of(new RangePartition(RangeBounds.ALL, List.of())), partitions.ranges());
        PartitionPB answer = WirePartitions.toProto(PartitionMap.of(partitions.schema(), partitions.ranges())
                .partitions()
                .getFirst());
        assertEquals("hash: [] \"\" \"\"", "hash: " + answer.getHashBucketsList() + text(answer));
    }

    private static String text(PartitionPB answer) {
        return " \"" + answer.getPartitionKeyStart().toStringUtf8() + "\" \""
                + answer.getPartitionKeyEnd().toStringUtf8() + "\"";
    }

    @Test
    void hasNoRangeWhereNoneIsGivenAndThatIsAllowed() {
        for (PartitionSchemaPB given : List.of(
                byA(),
                PartitionSchemaPB.getDefaultInstance(),
                PartitionSchemaPB.newBuilder()
                        .addHashSchema(level("a", 4))
                        .setRangeSchema(PartitionSchemaPB.RangeSchemaPB.getDefaultInstance())
                        .build())) {
            assertEquals(
                    List.of(),
                    WirePartitions.toPartitions(TWO, given, NONE, true).ranges());
        }
        RowOperationsPB bounds = Vectors.rows(row(6, "00000000") + row(7, "05000000"), "");
        assertEquals(
                WirePartitions.toPartitions(TWO, byA(), bounds, false),
                WirePartitions.toPartitions(TWO, byA(), bounds, true));
        RowOperationsPB split = Vectors.rows(row(4, "01000000"), "");
        WireException e = assertThrows(WireException.class, () -> WirePartitions.toPartitions(TWO, byA(), split, true));
        assertEquals("split out of bounds: 1", e.getMessage());
    }

    @Test
    void hasNoRangeLevelWhereItIsSaidToBeEmpty() {
        PartitionSchemaPB given = PartitionSchemaPB.newBuilder()
                .addHashSchema(level("a", 4))
                .setRangeSchema(PartitionSchemaPB.RangeSchemaPB.getDefaultInstance())
                .build();
        WirePartitions.TablePartitions partitions = WirePartitions.toPartitions(TWO, given, NONE, false);
        assertEquals(List.of(), partitions.schema().rangeColumnIds());
        assertEquals(
                given.toBuilder()
                        .setHashSchema(
                                0,
                                level("a", 4)
                                        .setColumns(
                                                0, Vectors.name("a").toBuilder().setId(0))
                                        .setSeed(0))
                        .build(),
                WirePartitions.toProto(partitions.schema()));
    }

    private static PartitionSchemaPB.HashBucketSchemaPB.Builder level(String column, int buckets) {
        return PartitionSchemaPB.HashBucketSchemaPB.newBuilder()
                .addColumns(Vectors.name(column))
                .setNumBuckets(buckets);
    }

    @Test
    void cutsAtSplitPoints() {
        // a = 5; a = 2; a = -1.
        assertEquals(
                "[.., 7fffffff) [7fffffff, 80000002) [80000002, 80000005) [80000005, ..)",
                cut(row(4, "05000000") + row(4, "02000000") + row(4, "ffffffff")));
        assertEquals(
                "[80000000, 80000002) [80000002, 80000009)",
                cut(row(6, "00000000") + row(7, "09000000") + row(4, "02000000")));
        refused("split out of bounds: 12", row(6, "00000000") + row(7, "09000000") + row(4, "0c000000"));
        refused("duplicate split row: 5", row(4, "05000000") + row(4, "05000000"));
        refused("split rows must contain a value for at least one range partition column", "040000");
    }

    @Test
    void movesBoundsOfTheOtherKinds() {
        assertEquals("[80000006, 8000000a)", cut(row(8, "05000000") + row(9, "09000000")));
        assertEquals("[80000005, 8000000a)", cut(row(6, "05000000") + row(9, "09000000")));
        assertEquals("[.., 80000009)", cut("060000" + row(7, "09000000")));
        assertEquals("[80000005, ..)", cut(row(6, "05000000") + "070000"));
        assertEquals("[.., ..)", cut("060000070000"));
        assertEquals("[.., ..)", cut(""));
        assertEquals("[80000005, ..)", cut(row(6, "05000000") + row(9, "ffffff7f")));
        refused(
                "Exclusive lower bound range partition key must not have maximum values for all components",
                row(8, "ffffff7f") + "070000");
    }

    /** Column a of the three is set, and NULL it is not. */
    private static String row(int type, String a) {
        return "%02x0100".formatted(type) + a;
    }

    private static String cut(String rows) {
        List<String> ranges = new ArrayList<>();
        for (RangePartition range : WirePartitions.toPartitions(TWO, byA(), Vectors.rows(rows, ""), false)
                .ranges()) {
            ranges.add("[" + bound(range.bounds().lower()) + ", "
                    + bound(range.bounds().upper()) + ")");
        }
        return String.join(" ", ranges);
    }

    private static String bound(byte[] bound) {
        return bound.length == 0 ? ".." : HexFormat.of().formatHex(bound);
    }

    private static PartitionSchemaPB byA() {
        return PartitionSchemaPB.newBuilder()
                .setRangeSchema(PartitionSchemaPB.RangeSchemaPB.newBuilder().addColumns(Vectors.name("a")))
                .build();
    }

    private static void refused(String message, String rows) {
        refused(ErrorCode.INVALID_ARGUMENT, message, byA(), Vectors.rows(rows, ""));
    }

    private static void refused(ErrorCode code, String message, PartitionSchemaPB given, RowOperationsPB rows) {
        WireException e = assertThrows(WireException.class, () -> WirePartitions.toPartitions(TWO, given, rows, false));
        assertTrue(e.getMessage().startsWith(message), e.getMessage());
        assertEquals(code, e.code());
    }

    @Test
    void refusesRowsThatAreNoBounds() {
        refused("missing upper range bound in create table request", row(6, "05000000"));
        refused("missing upper range bound in create table request", row(6, "05000000") + row(4, "05000000"));
        refused("Illegal row operation type in create table request: 7", row(7, "05000000") + "060000");
        refused("Invalid split row type INSERT", row(1, "05000000"));
        refused(
                "range partition lower bound must be less than the upper bound: ",
                "%s%s".formatted(row(6, "05000000"), row(7, "05000000")));
        refused(
                "overlapping range partitions: first range partition: ",
                "%s%s%s%s".formatted(row(6, "01000000"), row(7, "05000000"), row(6, "04000000"), row(7, "09000000")));
        refused("column is NULL: a INT32 NOT NULL", "060101" + "07000000");
        refused("split rows may only contain values for range partition columns: v", "060400" + "07" + "070000");
        refused(ErrorCode.CORRUPTION, "Unknown operation type: 99", byA(), Vectors.rows("630100", ""));
        refused(ErrorCode.CORRUPTION, "Cannot find isset bitmap", byA(), Vectors.rows("06", ""));
        refused(ErrorCode.CORRUPTION, "Cannot find null bitmap", byA(), Vectors.rows("0601", ""));
        refused(
                ErrorCode.CORRUPTION,
                "Not enough data for column: a INT32 NOT NULL",
                byA(),
                Vectors.rows("060100050000", ""));
        String badSlice = "060200" + "0100000000000000" + "0200000000000000";
        refused(ErrorCode.CORRUPTION, "Bad indirect slice", byA(), Vectors.rows(badSlice, "6161"));
        String overflow = "060200" + "ffffffffffffff7f" + "0200000000000000";
        refused(ErrorCode.CORRUPTION, "Bad indirect slice", byA(), Vectors.rows(overflow, "6161"));
    }

    @Test
    void refusesLevelsThatAreNone() {
        refusedLevel("unknown column: name: \"x\"", level("x", 2));
        refusedLevel("must have at least two hash buckets", level("a", 1));
        refusedLevel("must have at least one hash column", level("a", 2).clearColumns());
        refusedLevel("must specify only primary key columns for hash bucket partition components", level("v", 2));
        refusedLevel("hash bucket schema components must not contain columns in common", level("a", 2), level("a", 2));
        refusedLevel(
                "unknown column id: id: 9",
                level("a", 2).setColumns(0, Vectors.name("a").toBuilder().setId(9)));
        PartitionSchemaPB byV = PartitionSchemaPB.newBuilder()
                .setRangeSchema(PartitionSchemaPB.RangeSchemaPB.newBuilder().addColumns(Vectors.name("v")))
                .build();
        refused(
                ErrorCode.INVALID_ARGUMENT,
                "must specify only primary key columns for range partition component",
                byV,
                NONE);
    }

    private static void refusedLevel(String message, PartitionSchemaPB.HashBucketSchemaPB.Builder... levels) {
        PartitionSchemaPB.Builder given = byA().toBuilder();
        for (PartitionSchemaPB.HashBucketSchemaPB.Builder level : levels) {
            given.addHashSchema(level);
        }
        refused(ErrorCode.INVALID_ARGUMENT, message, given.build(), NONE);
    }

    @Test
    void givesRangesHashLevelsOfTheirOwnAndAnswersThem() {
        PartitionSchemaPB given = byA().toBuilder()
                .addHashSchema(level("b", 2))
                .addCustomHashSchemaRanges(custom(row(6, "00000000") + row(7, "05000000"))
                        .addHashSchema(level("a", 4).setSeed(9)))
                .addCustomHashSchemaRanges(
                        custom(row(6, "05000000") + row(9, "09000000")).addHashSchema(level("b", 2)))
                .build();
        WirePartitions.TablePartitions partitions = WirePartitions.toPartitions(TWO, given, NONE, false);
        assertEquals(
                List.of(new HashLevel(List.of(0), 4, 9)),
                partitions.ranges().getFirst().hashLevels());
        PartitionMap map = PartitionMap.of(partitions.schema(), partitions.ranges());
        assertEquals(6, map.size());
        PartitionSchemaPB answer = WirePartitions.toProto(map.schema());
        assertEquals(1, answer.getCustomHashSchemaRangesCount());
        assertEquals(
                "06010000000000" + "07010005000000",
                hex(answer.getCustomHashSchemaRanges(0).getRangeBounds().getRows()));
        assertEquals(9, answer.getCustomHashSchemaRanges(0).getHashSchema(0).getSeed());
        WirePartitions.TablePartitions again = WirePartitions.toPartitions(TWO, answer, NONE, false);
        assertEquals(partitions.ranges().subList(0, 1), again.ranges());
    }

    private static PartitionSchemaPB.RangeWithHashSchemaPB.Builder custom(String rows) {
        return PartitionSchemaPB.RangeWithHashSchemaPB.newBuilder().setRangeBounds(Vectors.rows(rows, ""));
    }

    @Test
    void refusesRangesWithOtherNumbersOfLevelsOrRows() {
        PartitionSchemaPB.Builder given = byA().toBuilder().addHashSchema(level("b", 2));
        String bounds = row(6, "00000000") + row(7, "05000000");
        refused(
                ErrorCode.NOT_SUPPORTED,
                "varying number of hash dimensions per range is not yet supported",
                given.clone().addCustomHashSchemaRanges(custom(bounds)).build(),
                NONE);
        PartitionSchemaPB own = given.clone()
                .addCustomHashSchemaRanges(custom(bounds).addHashSchema(level("b", 3)))
                .build();
        refused(
                ErrorCode.INVALID_ARGUMENT,
                "both split rows and custom hash schema ranges must not be populated at the same time",
                own,
                Vectors.rows(row(4, "02000000"), ""));
        refused(
                ErrorCode.INVALID_ARGUMENT,
                "both range bounds and custom hash schema ranges must not be populated at the same time",
                own,
                Vectors.rows(bounds, ""));
        refusedPair("1 ops were provided; only two ops are expected for this pair of range bounds", row(6, "00000000"));
        refusedPair("Illegal row operation type in request: 4", row(4, "00000000") + row(7, "05000000"));
        refusedPair("missing upper range bound in request", row(6, "00000000") + row(4, "05000000"));
    }

    private static void refusedPair(String message, String rows) {
        PartitionSchemaPB given =
                byA().toBuilder().addCustomHashSchemaRanges(custom(rows)).build();
        refused(ErrorCode.INVALID_ARGUMENT, message, given, NONE);
    }

    @Test
    void readsTheRangeOfAnAlterStepInTheClientsSchema() {
        PartitionSchema partitioning =
                PartitionSchema.of(TWO).hash(2, "b").range("a").build();
        SchemaPB.Builder view = SchemaPB.newBuilder();
        // The client has not heard of v, and puts b first: one byte of bits, no bitmap of NULLs.
        for (int i : new int[] {1, 0}) {
            view.addColumns(WireSchema.toProto(TWO.column(i)).toBuilder().clearId());
        }
        RowOperationsPB rows = Vectors.rows("0602" + "05000000" + "0702" + "09000000", "");
        RangePartition range = WirePartitions.toRange(partitioning, view.build(), rows, null);
        assertEquals(partitioning.between(5, 9), range);
        RowOperationsPB byTable = Vectors.rows(row(6, "05000000") + row(7, "09000000"), "");
        assertEquals(range, WirePartitions.toRange(partitioning, SchemaPB.getDefaultInstance(), byTable, null));
        RangePartition own = WirePartitions.toRange(
                partitioning,
                SchemaPB.getDefaultInstance(),
                byTable,
                List.of(level("b", 5).build()));
        assertEquals(List.of(new HashLevel(List.of(1), 5, 0)), own.hashLevels());
        WireException none = assertThrows(
                WireException.class,
                () -> WirePartitions.toRange(partitioning, SchemaPB.getDefaultInstance(), byTable, List.of()));
        assertEquals("varying number of hash dimensions per range is not yet supported", none.getMessage());
    }

    @Test
    void refusesAlterStepsWithoutARange() {
        refusedStep("expected two row operations for alter range partition step", row(6, "05000000"));
        refusedStep(
                "expected a lower bound and upper bound row op for alter range partition step",
                row(7, "05000000") + row(6, "09000000"));
    }

    private static void refusedStep(String message, String rows) {
        PartitionSchema partitioning = PartitionSchema.of(TWO).range("a").build();
        WireException e = assertThrows(
                WireException.class,
                () -> WirePartitions.toRange(
                        partitioning, SchemaPB.getDefaultInstance(), Vectors.rows(rows, ""), List.of()));
        assertEquals(message, e.getMessage());
    }

    @Test
    void refusesAViewWithOtherColumns() {
        SchemaPB given = WireSchema.toProto(TWO);
        SchemaPB.Builder view = SchemaPB.newBuilder();
        given.getColumnsList()
                .forEach(column -> view.addColumns(column.toBuilder().clearId()));
        ColumnSchemaPB.Builder v = view.getColumnsBuilder(2);
        refusedView(
                "Client missing required column: b STRING NOT NULL",
                view.clone().removeColumns(1));
        v.setName("zzz");
        refusedView("Client provided column zzz INT8 NULLABLE not present in tablet", view);
        v.setName("v").setIsNullable(false);
        refusedView("The column 'v' must have type INT8 NULLABLE found INT8 NOT NULL", view);
        v.setName("a");
        refusedView("Cannot decode client schema: Duplicate column name: a", view);
        v.setName("v").setId(3);
        refusedView("User requests should not have Column IDs", view);
    }

    private static void refusedView(String message, SchemaPB.Builder view) {
        WireException e = assertThrows(WireException.class, () -> ClientColumns.of(view.build(), TWO));
        assertEquals(message, e.getMessage());
    }

    @RepeatedTest(100)
    void bringsBackEachBoundOfEachType(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        List<Column> range = schema.columns().subList(0, random.nextInt(1, schema.keyColumnCount() + 1));
        PartitionSchema partitioning = PartitionSchema.of(schema)
                .range(range.stream().map(Column::name).toArray(String[]::new))
                .build();
        List<CellValue> values = new ArrayList<>();
        for (Column column : range) {
            values.add(CellValue.ofBytes(RandomData.cell(random, column)));
        }
        RowOperationsPB rows = RangeRows.write(schema, range, values, List.of());
        RangePartition made = WirePartitions.toRange(partitioning, SchemaPB.getDefaultInstance(), rows, null);
        List<CellValue> back = partitioning.values(made.bounds().lower());
        boolean isNone = range.size() == 1 && values.getFirst().bytes() == 0;
        assertEquals(isNone ? List.of() : values, back);
    }

    @RepeatedTest(500)
    void refusesDamagedRequestsWithAWireException(@Seed SplittableRandom random) {
        PartitionSchemaPB given = byA().toBuilder()
                .addHashSchema(level("b", 2))
                .addCustomHashSchemaRanges(
                        custom(row(6, "00000000") + row(7, "05000000")).addHashSchema(level("b", 3)))
                .build();
        boolean damagesRows = random.nextBoolean();
        byte[] rows = damagesRows
                ? RandomData.damaged(
                        random, Vectors.bytes(row(8, "00000000") + row(9, "05000000") + row(4, "01000000")))
                : new byte[0];
        try {
            PartitionSchemaPB damaged =
                    damagesRows ? byA() : PartitionSchemaPB.parseFrom(RandomData.damaged(random, given.toByteArray()));
            WirePartitions.toPartitions(
                    TWO,
                    damaged,
                    RowOperationsPB.newBuilder()
                            .setRows(ByteString.copyFrom(rows))
                            .build(),
                    random.nextBoolean());
        } catch (InvalidProtocolBufferException | WireException e) {
            assertTrue(e.getMessage() != null);
        }
    }

    @Test
    void saysThatARowIsNotInItsPartitionAsKuduDoes() {
        PartitionMap map = Vectors.map();
        var layout = new RowLayout(map.schema().schema());
        MemorySegment row = MemorySegment.ofArray(new byte[layout.fixedBytes() + 3]);
        row.set(JAVA_INT_UNALIGNED, layout.cellOffset(0), -5);
        layout.setVariable(row, 0, 1, layout.fixedBytes(), 3);
        row.set(JAVA_BYTE, layout.fixedBytes(), (byte) 'a');
        row.set(JAVA_BYTE, layout.fixedBytes() + 2, (byte) 'b');
        WireException e = WirePartitions.notInPartition(map, 0, row, 0);
        assertEquals(
                "Row not in tablet partition. Partition: 'HASH (k1, k2) PARTITION 0, RANGE (k3) PARTITION VALUES < 0',"
                        + " row: 'HASH (k1, k2): 1, RANGE (k3): int64 k3=<redacted>'.",
                e.getMessage());
        assertEquals(
                TabletServerErrorPB.Code.UNKNOWN_ERROR, e.tabletServerError().getCode());
        assertEquals(ErrorCode.NOT_FOUND, e.code());
    }
}
