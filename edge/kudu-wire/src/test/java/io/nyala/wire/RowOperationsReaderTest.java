package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.partition.PartitionMap;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.testkit.Allocation;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows of a client become operations of a batch, and errors are those of a Kudu tablet server, word for word.
 * Method: the rows that a Kudu 1.18.1 server was sent and its answers; a case for each error; rows that do not fit in
 * one batch. {@link RandomWritesTest} has random ones.
 */
final class RowOperationsReaderTest {
    private static final Schema SCHEMA = Vectors.schema();
    private static final RowLayout LAYOUT = new RowLayout(SCHEMA);

    private TestMemory memory;
    private OperationBatch batch;
    private final RowOperationsReader reader = new RowOperationsReader();

    @BeforeEach
    void open() {
        memory = new TestMemory();
        batch = new OperationBatch(LAYOUT, memory.account());
    }

    @AfterEach
    void close() {
        batch.close();
        memory.close();
    }

    private void read(WriteRequestPB request) {
        read(request, SCHEMA, batch);
    }

    private void read(WriteRequestPB request, Schema schema, OperationBatch target) {
        target.clear();
        var parts = new WriteRequestReader();
        byte[] bytes = request.toByteArray();
        parts.read(MemorySegment.ofArray(bytes), 0, bytes.length);
        reader.start(parts, schema);
        reader.fill(target);
    }

    private void read(String rows, String indirect) {
        read(WireRows.request(SCHEMA.columns(), Vectors.rows(rows, indirect)));
    }

    @Test
    void readsTheRowsThatAKuduServerWasSent() {
        read(
                "01ff7f0000fbffffff000000000000000003000000000000000700000000000000fffeff010000c03f00000000000002c0"
                        + "0300000000000000020000000000000000401e18240a060039300000fbffffffffffffff0000000000000000"
                        + "c0ffffffffffffff05000000000000000600000000000000384a0000",
                "610062010268c3a96c6c6f");
        assertRow(1, "7ffffffb6100016200008000000000000007", """
            k1=fbffffff k2=610062 k3=0700000000000000 i8=ff i16=feff b=01 f=0000c03f d=00000000000002c0 bin=0102 \
            ts=00401e18240a0600 d32=39300000 d64=fbffffffffffffff d128=0000000000000000c0ffffffffffffff \
            vc=68c3a96c6c6f dt=384a0000 def=2a000000\
            """);
        read("010700000001000000000000000000000000000000000000006300000000000000", "");
        assertRow(0, "8000000100008000000000000063", """
            k1=01000000 k2= k3=6300000000000000 i8=NULL i16=NULL b=NULL f=NULL d=NULL bin=NULL ts=NULL d32=NULL \
            d64=NULL d128=NULL vc=NULL dt=NULL def=2a000000\
            """);
        read(
                "010fa008000200000000000000000000000200000000000000fa000000000000000200000000000000000000000000000001"
                        + "000000",
                "7a7a");
        assertRow(0, "800000027a7a000080000000000000fa", """
            k1=02000000 k2=7a7a k3=fa00000000000000 i8=NULL i16=NULL b=NULL f=NULL d=NULL bin=NULL ts=NULL d32=NULL \
            d64=NULL d128=NULL vc= dt=NULL def=01000000\
            """);
    }

    private void assertRow(int bucket, String key, String cells) {
        assertEquals(List.of(), batch.errors());
        assertEquals(1, batch.acceptedCount());
        assertEquals(OperationKind.INSERT, OperationFormat.kind(batch.memory(), 0));
        byte[] encoded = batch.memory()
                .asSlice(OperationFormat.keyOffset(batch.memory(), 0), OperationFormat.keyBytes(batch.memory(), 0))
                .toArray(JAVA_BYTE);
        assertEquals(key, HexFormat.of().formatHex(encoded));
        assertEquals(cells, text());
        PartitionMap map = Vectors.map();
        int partition = map.findOperation(batch.memory(), 0);
        assertEquals(bucket, map.partitions().get(partition).hashBucket(0));
    }

    private String text() {
        long row = OperationFormat.rowOffset(batch.memory(), 0);
        LAYOUT.check(batch.memory(), row, OperationFormat.rowBytes(batch.memory(), 0));
        var text = new StringBuilder();
        for (int i = 0; i < SCHEMA.columnCount(); i++) {
            text.append(i == 0 ? "" : " ").append(SCHEMA.column(i).name()).append('=');
            text.append(LAYOUT.isNull(batch.memory(), row, i) ? "NULL" : LAYOUT.value(batch.memory(), row, i));
        }
        return text.toString();
    }

    /** A row of the table with the key (-5, "a\0b", 7) and these cells; a key column that is null is not set. */
    private static WriteRequestPB row(int type, Map<String, byte[]> values, String... nulls) {
        byte[] @Nullable [] cells = new byte[SCHEMA.columnCount()][];
        Arrays.fill(cells, WireRows.UNSET);
        cells[0] = Vectors.bytes("fbffffff");
        cells[1] = Vectors.bytes("610062");
        values.forEach((name, cell) -> cells[SCHEMA.indexOf(name)] = cell);
        for (String name : nulls) {
            cells[SCHEMA.indexOf(name)] = null;
        }
        return new WireRows(SCHEMA.columns()).add(type, cells).request();
    }

    private static final byte[] SEVEN = Vectors.bytes("0700000000000000");

    @Test
    void answersErrorsOfRowsAsAKuduServer() {
        rowError(
                "No fields updated, key is: (int32 k1=<redacted>, string k2=<redacted>, int64 k3=<redacted>)",
                row(2, Map.of("k3", SEVEN)));
        rowError("No value provided for required column: k3 INT64 NOT NULL", row(1, Map.of()));
        rowError(
                "value too large for column 'bin' (70000 bytes, maximum is 65536 bytes)",
                row(1, Map.of("k3", SEVEN, "bin", new byte[70_000])));
        rowError(
                "DELETE should not have a value for column: i8 INT8 NULLABLE",
                row(3, Map.of("k3", SEVEN, "i8", new byte[1])));
        rowError("DELETE should not have a value for column: i8 INT8 NULLABLE", row(12, Map.of("k3", SEVEN), "i8"));
        rowError("No value provided for key column: k3 INT64 NOT NULL", row(2, Map.of("i8", new byte[1])));
        rowError("No value provided for key column: k3 INT64 NOT NULL", row(3, Map.of()));
        rowError("NULL values not allowed for key column: k3 INT64 NOT NULL", row(3, Map.of(), "k3"));
        rowError("NULL values not allowed for non-nullable column: k3 INT64 NOT NULL", row(5, Map.of(), "k3"));
        rowError(
                "NULL value not allowed for non-nullable column: def INT32 NOT NULL",
                row(11, Map.of("k3", SEVEN), "def"));
        rowError(
                "encoded primary key too large (16386 bytes, maximum is 16384 bytes)",
                row(1, Map.of("k2", "k".repeat(16_372).getBytes(StandardCharsets.UTF_8), "k3", SEVEN)));
        rowError(
                "the value for column d32 DECIMAL(9, 2) NULLABLE is out of range: between -999999999 and 999999999,"
                        + " without the decimal point",
                row(1, Map.of("k3", SEVEN, "d32", Vectors.bytes("00ca9a3b"))));
        rowError(
                "the value for column dt DATE NULLABLE is out of range: between -719162 and 2932896",
                row(1, Map.of("k3", SEVEN, "dt", Vectors.bytes("ffffff7f"))));
    }

    private void rowError(String message, WriteRequestPB request) {
        read(request);
        assertEquals(0, batch.acceptedCount());
        assertEquals(1, reader.rowCount());
        RowError error = batch.errors().getFirst();
        AppStatusPB status = WireErrors.status(error);
        assertEquals(message, status.getMessage());
        assertEquals(ErrorCode.INVALID_ARGUMENT, status.getCode());
        assertEquals(0, error.operationIndex());
    }

    private static final Schema FIXED = Schema.of(
            Column.key("k", ColumnType.INT8),
            Column.of("fixed", ColumnType.STRING).immutable(),
            Column.of("v", ColumnType.STRING).nullable());

    /** Before it looks at the value of a cell that is not to be changed. */
    @Test
    void anUpdateSetsNoImmutableColumn() {
        byte[] large = new byte[70_000];
        assertEquals(
                "IMMUTABLE UPDATE not allowed for immutable column: fixed STRING NOT NULL IMMUTABLE",
                fixed(2, large, null));
        assertEquals("INVALID_ARGUMENT No fields updated, key is: (int8 k=<redacted>)", fixed(11, large, null));
        assertEquals("", fixed(11, null, new byte[] {'x'}));
        assertTrue(
                OperationFormat.isSet(batch.memory(), 0, 1), "so that the tablet counts it, though it may not be NULL");
        assertEquals("", fixed(11, large, new byte[] {'x'}));
        assertTrue(OperationFormat.isSet(batch.memory(), 0, 1), "so that the tablet counts it, though it is too long");
        assertEquals("", fixed(11, new byte[] {'f'}, new byte[] {'x'}));
        assertTrue(OperationFormat.isSet(batch.memory(), 0, 1), "so that the tablet counts it");
        assertEquals("", fixed(5, new byte[] {'f'}, WireRows.UNSET));
        assertEquals("", fixed(13, new byte[] {'f'}, WireRows.UNSET));
        assertTrue(OperationFormat.isSet(batch.memory(), 0, 1), "of an UPSERT the tablet decides");
    }

    private String fixed(int type, byte @Nullable [] fixed, byte @Nullable [] value) {
        batch.close();
        batch = new OperationBatch(new RowLayout(FIXED), memory.account());
        byte @Nullable [] v = fixed != null && value == null ? WireRows.UNSET : value;
        read(
                new WireRows(FIXED.columns())
                        .add(type, new byte[][] {new byte[1], fixed, v})
                        .request(),
                FIXED,
                batch);
        if (batch.errors().isEmpty()) {
            return "";
        }
        AppStatusPB status = WireErrors.status(batch.errors().getFirst());
        return status.getCode() + " " + status.getMessage();
    }

    @Test
    void goesOnBehindARowWithErrors() {
        WireRows rows = new WireRows(SCHEMA.columns());
        byte[] unset = WireRows.UNSET;
        byte[] @Nullable [] good = new byte[SCHEMA.columnCount()][];
        byte[] @Nullable [] bad = new byte[SCHEMA.columnCount()][];
        Arrays.fill(good, unset);
        good[0] = Vectors.bytes("01000000");
        good[1] = new byte[] {'x'};
        good[2] = SEVEN;
        System.arraycopy(good, 0, bad, 0, good.length);
        bad[2] = null;
        bad[8] = new byte[70_000];
        bad[15] = null;
        rows.add(1, bad).add(5, good).add(2, good).add(3, good).add(1, bad).add(12, good);
        read(rows.request());
        assertEquals(
                List.of(0, 2, 4),
                batch.errors().stream().map(RowError::operationIndex).toList());
        assertEquals(3, batch.acceptedCount());
    }

    @Test
    void refusesBytesThatAreNoRowsAsAKuduServer() {
        mismatched(ErrorCode.CORRUPTION, "Cannot find isset bitmap", "01", "");
        mismatched(ErrorCode.CORRUPTION, "Cannot find null bitmap", "01ff7f00", "");
        mismatched(ErrorCode.CORRUPTION, "Unknown operation type: 99", "63", "");
        mismatched(ErrorCode.CORRUPTION, "Unknown operation type: 255", "ff", "");
        mismatched(ErrorCode.INVALID_ARGUMENT, "Invalid write operation type SPLIT_ROW", "0400000000", "");
        mismatched(ErrorCode.INVALID_ARGUMENT, "Invalid write operation type UNKNOWN", "0000000000", "");
        // A column that cannot be NULL has a cell even if the bitmap of NULLs has it.
        mismatched(
                ErrorCode.CORRUPTION,
                "Not enough data for column: def INT32 NOT NULL",
                "0107800080fbffffff000000000000000003000000000000000700000000000000",
                "610062");
        String key = "0107000000fbffffff";
        String rest = "0700000000000000";
        badSlice(key + "0000000000000000" + "0400000000000000" + rest);
        badSlice(key + "0400000000000000" + "0000000000000000" + rest);
        badSlice(key + "ffffffffffffffff" + "0000000000000000" + rest);
        badSlice(key + "ffffffffffffff7f" + "0100000000000000" + rest);
        badSlice(key + "0000000000000000" + "ffffffffffffff7f" + rest);
        badSlice(key + "0100000000000000" + "ffffffffffffffff" + rest);
        read(key + "0300000000000000" + "0000000000000000" + rest, "610062");
        assertEquals(1, batch.acceptedCount());
    }

    private void badSlice(String rows) {
        mismatched(ErrorCode.CORRUPTION, "Bad indirect slice", rows, "610062");
    }

    private void mismatched(ErrorCode code, String message, String rows, String indirect) {
        mismatched(code, message, WireRows.request(SCHEMA.columns(), Vectors.rows(rows, indirect)));
    }

    private void mismatched(ErrorCode code, String message, WriteRequestPB request) {
        WireException e = assertThrows(WireException.class, () -> read(request));
        assertEquals(message, e.getMessage());
        assertEquals(
                TabletServerErrorPB.Code.MISMATCHED_SCHEMA,
                e.tabletServerError().getCode());
        assertEquals(code, e.code());
        assertEquals(0, batch.operationCount());
    }

    @Test
    void refusesOtherColumnsAsAKuduServer() {
        WriteRequestPB request = row(1, Map.of("k3", SEVEN));
        WriteRequestPB.Builder unknown = request.toBuilder();
        unknown.getSchemaBuilder()
                .addColumns(
                        WireSchema.toProto(Column.of("zzz", ColumnType.INT32).nullable()));
        mismatched(
                ErrorCode.INVALID_ARGUMENT,
                "Client provided column zzz INT32 NULLABLE not present in tablet",
                unknown.build());
        WriteRequestPB.Builder missing = request.toBuilder();
        missing.getSchemaBuilder().removeColumns(2);
        mismatched(ErrorCode.INVALID_ARGUMENT, "Client missing required column: k3 INT64 NOT NULL", missing.build());
    }

    @Test
    void understandsTheSameSchemaAnewWhereTheTableHasChanged() {
        Schema newer = new Schema(
                1,
                SCHEMA.nextColumnId() + 1,
                Stream.concat(
                                SCHEMA.columns().stream(),
                                Stream.of(Column.of("more", ColumnType.INT64)
                                        .defaultValue(9L)
                                        .withId(SCHEMA.nextColumnId())))
                        .toList());
        WriteRequestPB request = row(1, Map.of("k3", SEVEN));
        read(request);
        assertEquals(1, batch.acceptedCount());
        var layout = new RowLayout(newer);
        try (var wider = new OperationBatch(layout, memory.account())) {
            read(request, newer, wider);
            long row = OperationFormat.rowOffset(wider.memory(), 0);
            assertEquals(9, layout.getLong(wider.memory(), row, 16));
            assertFalse(OperationFormat.isSet(wider.memory(), 0, 16));
        }
        read(request);
        assertEquals(1, batch.acceptedCount());
    }

    @Test
    void handsOutWhatDoesNotFitInPartsButOnlyIfAllOfItIsRows() {
        Schema small = Schema.of(Column.key("k", ColumnType.INT32));
        List<Column> columns = new ArrayList<>(small.columns());
        for (int i = 0; i < 8; i++) {
            columns.add(Column.of("unset" + i, ColumnType.INT64).nullable());
        }
        Schema wide = Schema.of(columns);
        int count = 120_000; // Of some 100 bytes each in a batch: 12 MiB.
        ByteBuffer rows = ByteBuffer.allocate(6 * count).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            rows.put((byte) 1).put((byte) 1).putInt(i);
        }
        RowOperationsPB operations = RowOperationsPB.newBuilder()
                .setRows(ByteString.copyFrom(rows.flip()))
                .build();
        try (var large = new TestMemory(24 << 20);
                var target = new OperationBatch(new RowLayout(wide), large.account())) {
            read(WireRows.request(small.columns(), operations), wide, target);
            int first = target.acceptedCount();
            assertTrue(reader.hasMore());
            assertEquals(0, reader.firstRow());
            target.clear();
            reader.fill(target);
            assertFalse(reader.hasMore());
            assertEquals(first, reader.firstRow());
            assertEquals(count, first + target.acceptedCount());
            assertEquals(count, reader.rowCount());
            assertEquals(
                    first,
                    new RowLayout(wide).getInt(target.memory(), OperationFormat.rowOffset(target.memory(), 0), 0));
            RowOperationsPB torn = operations.toBuilder()
                    .setRows(operations
                            .getRows()
                            .substring(0, operations.getRows().size() - 1))
                    .build();
            WireException e = assertThrows(
                    WireException.class, () -> read(WireRows.request(small.columns(), torn), wide, target));
            assertEquals("Not enough data for column: k INT32 NOT NULL", e.getMessage());
            assertEquals(0, target.operationCount());
        }
    }

    /** A part ends after so many rows at the latest, and some have another kind. */
    @Test
    void stepsOverRowsForATableThatIsWiderNowOrForNone() {
        Schema small = Schema.of(Column.key("k", ColumnType.INT32));
        Schema wide =
                Schema.of(small.column(0), Column.of("new", ColumnType.INT64).nullable());
        int count = RowOperationsReader.BATCH_ROWS_MAX + 1000;
        WireRows rows = new WireRows(small.columns());
        for (int i = 0; i < count; i++) {
            rows.add(
                    i % 3 == 0 ? 5 : 1,
                    new byte[][] {MemorySegment.ofArray(new int[] {i}).toArray(JAVA_BYTE)});
        }
        var parts = new WriteRequestReader();
        byte[] request = WireRows.request(small.columns(), rows.operations()).toByteArray();
        parts.read(MemorySegment.ofArray(request), 0, request.length);
        try (var large = new TestMemory(40 << 20);
                var target = new OperationBatch(new RowLayout(wide), large.account())) {
            Schema other = Schema.of(Column.key("other", ColumnType.INT32));
            assertThrows(WireException.class, () -> reader.start(parts, other));
            reader.start(parts, wide);
            reader.fill(target);
            assertEquals(RowOperationsReader.BATCH_ROWS_MAX, target.acceptedCount());
            target.clear();
            reader.start(parts, wide);
            assertArrayEquals(new byte[] {5, 1, 1, 5}, reader.skip(4));
            reader.fill(target);
            assertEquals(4, reader.firstRow());
            long row = OperationFormat.rowOffset(target.memory(), 0);
            assertEquals(4, new RowLayout(wide).getInt(target.memory(), row, 0));
            reader.startUnread(parts);
            byte[] kinds = reader.skip(Integer.MAX_VALUE);
            assertEquals(count, kinds.length);
            assertEquals(count, reader.rowCount());
            assertEquals(5, kinds[3]);
            assertEquals(1, kinds[count - 1]);
            assertFalse(reader.hasMore());
        }
    }

    @Test
    void cutsVarcharsByCharacters() {
        read(row(1, Map.of("k3", SEVEN, "vc", "h\u00e9llo w\u00f6rld".getBytes(StandardCharsets.UTF_8))));
        long row = OperationFormat.rowOffset(batch.memory(), 0);
        assertEquals(CellValue.ofBytes(Vectors.bytes("68c3a96c6c6f")), LAYOUT.value(batch.memory(), row, 13));
    }

    @Test
    void takesStringsAsBytesWhateverTheyAre() {
        byte[] noUtf8 = Vectors.bytes("ff00fe80");
        read(row(1, Map.of("k3", SEVEN, "k2", noUtf8)));
        long row = OperationFormat.rowOffset(batch.memory(), 0);
        assertArrayEquals(noUtf8, LAYOUT.value(batch.memory(), row, 1).toByteArray());
    }

    @Tag("allocation")
    @Test
    void readsRowsWithoutGarbage() {
        WireRows rows = new WireRows(SCHEMA.columns());
        byte[] @Nullable [] cells = new byte[SCHEMA.columnCount()][];
        for (int i = 0; i < cells.length; i++) {
            cells[i] = SCHEMA.column(i).type().isVariable()
                    ? new byte[] {'a', 'b'}
                    : new byte[SCHEMA.column(i).type().cellBytes()];
        }
        cells[5] = null;
        for (int i = 0; i < 1_000; i++) {
            rows.add(i % 3 == 0 ? 5 : 1, cells);
        }
        byte[] bytes = rows.request().toByteArray();
        MemorySegment request = MemorySegment.ofArray(bytes);
        var parts = new WriteRequestReader();
        Allocation.assertNone("reading 1,000 rows", () -> {
            parts.read(request, 0, request.byteSize());
            reader.start(parts, SCHEMA);
            batch.clear();
            reader.fill(batch);
        });
        assertEquals(1_000, batch.acceptedCount());
    }
}
