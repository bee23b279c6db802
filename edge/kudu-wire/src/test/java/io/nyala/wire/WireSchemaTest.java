package io.nyala.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.nyala.protocol.Common.ColumnSchemaDeltaPB;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.EncodingType;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.Compression.CompressionType;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a schema goes to the engine and back as Kudu's master takes and gives it, and one that it would refuse is
 * refused in its words. Method: what a Kudu 1.18.1 server answered, random schemas there and back, one test for each
 * refusal, damaged requests.
 */
final class WireSchemaTest {
    @Test
    void answersTheSchemaAsKuduDoes() {
        assertEquals(Vectors.answer().getSchema(), WireSchema.toProto(Vectors.schema()));
    }

    @Test
    void readsTheDefaultAsTheEngineDoes() {
        Column column = Vectors.schema().column(15);
        assertEquals("def", column.name());
        assertEquals(CellValue.ofBytes(Vectors.bytes("2a000000")), column.readDefault());
        assertEquals(column.readDefault(), column.writeDefault());
    }

    @RepeatedTest(100)
    void bringsBackEachSchema(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        SchemaPB.Builder request = SchemaPB.newBuilder();
        for (ColumnSchemaPB column : WireSchema.toProto(schema).getColumnsList()) {
            request.addColumns(column.toBuilder().clearId());
        }
        assertEquals(schema, WireSchema.toSchema(request.build()));
    }

    @RepeatedTest(500)
    void refusesDamagedSchemasWithAWireException(@Seed SplittableRandom random) {
        byte[] bytes = RandomData.damaged(
                random, WireSchema.toProto(RandomData.schema(random)).toByteArray());
        try {
            SchemaPB.Builder request = SchemaPB.newBuilder();
            for (ColumnSchemaPB column : SchemaPB.parseFrom(bytes).getColumnsList()) {
                request.addColumns(
                        random.nextInt(8) == 0
                                ? column.toBuilder()
                                : column.toBuilder().clearId());
            }
            WireSchema.toSchema(request.build());
        } catch (InvalidProtocolBufferException | WireException e) {
            assertEquals(true, e.getMessage() != null);
        }
    }

    @Test
    void refusesWhatIsNoSchemaOfATable() {
        refused(
                "user requests should not have Column IDs",
                columns -> columns.get(1).setId(0));
        refused("must specify at least one key column", columns -> {
            columns.get(0).setIsKey(false);
            columns.get(1).setIsKey(false);
        });
        refused("must specify at least one key column", List::clear);
        refused(
                "Got out-of-order key column: name: \"b\" type: STRING is_key: true",
                columns -> columns.get(0).setIsKey(false));
        refused("Duplicate column name: a", columns -> columns.get(2).setName("a"));
        refused(
                "Bad schema: Nullable key columns are not supported: b",
                columns -> columns.get(1).setIsNullable(true));
        for (DataType type : List.of(DataType.BOOL, DataType.FLOAT, DataType.DOUBLE)) {
            refused(
                    "key column may not have type of BOOL, FLOAT, or DOUBLE",
                    columns -> columns.get(1).setType(type));
        }
        refused("number of columns 301 is greater than the permitted maximum 300", columns -> {
            for (int i = columns.size(); i <= WireSchema.COLUMNS_MAX; i++) {
                columns.add(column("c" + i, DataType.INT8));
            }
        });
        refused(
                "may not create virtual column of type 'is_deleted' (column 'c')",
                columns -> columns.get(2).setType(DataType.IS_DELETED));
        refused(
                ErrorCode.NOT_SUPPORTED,
                "column 'c': a table has no columns of type UINT32",
                columns -> columns.get(2).setType(DataType.UINT32));
        refused(
                ErrorCode.NOT_SUPPORTED,
                "column 'c': auto-incrementing columns are not supported",
                columns -> columns.get(2).setIsAutoIncrementing(true));
    }

    @Test
    void refusesNamesAndComments() {
        refused(
                "invalid column name: empty string not a valid identifier",
                columns -> columns.get(2).setName(""));
        refused(
                "invalid column name: identifier must not contain null bytes",
                columns -> columns.get(2).setName("a\0b"));
        refused(
                "invalid column name: invalid UTF8 sequence",
                columns -> columns.get(2).setNameBytes(ByteString.fromHex("61ff")));
        String long257 = "n".repeat(257);
        refused(
                "invalid column name: identifier '" + long257 + "' longer than maximum permitted length 256",
                columns -> columns.get(2).setName(long257));
        refused(
                "invalid column comment: identifier '" + long257 + "' longer than maximum permitted length 256",
                columns -> columns.get(2).setComment(long257));
    }

    @Test
    void refusesDefaultsAndAttributes() {
        refused(
                ErrorCode.CORRUPTION,
                "Not enough bytes for INT32: read default size (3) less than type size (4)",
                columns -> columns.get(2).setReadDefaultValue(ByteString.fromHex("010203")));
        refused(
                "wrong size for default value",
                columns -> columns.get(2).setReadDefaultValue(ByteString.fromHex("0102030405")));
        refused(
                "column 'c' has mismatched read/write defaults",
                columns -> columns.get(2)
                        .setReadDefaultValue(ByteString.fromHex("01020304"))
                        .setWriteDefaultValue(ByteString.fromHex("01020305")));
        refused(
                "column 'c' has write_default field set but no read_default",
                columns -> columns.get(2).setWriteDefaultValue(ByteString.fromHex("01020304")));
        refused(
                "precision of column c must be between 1 and 38, was 0",
                columns -> columns.get(2).setType(DataType.DECIMAL32));
        refused(
                "length of column c must be between 1 and 65,535, was 0",
                columns -> columns.get(2).setType(DataType.VARCHAR));
        refused(
                "blockBytes of column c must be between 0 and 16,777,216, was -1",
                columns -> columns.get(2).setCfileBlockSize(-1));
    }

    @Test
    void refusesEncodingsThatATypeHasNot() {
        record Case(DataType type, EncodingType encoding) {}

        for (Case each : List.of(
                new Case(DataType.STRING, EncodingType.RLE),
                new Case(DataType.BINARY, EncodingType.BIT_SHUFFLE),
                new Case(DataType.INT32, EncodingType.DICT_ENCODING),
                new Case(DataType.INT8, EncodingType.GROUP_VARINT),
                new Case(DataType.BOOL, EncodingType.BIT_SHUFFLE),
                new Case(DataType.DOUBLE, EncodingType.RLE),
                new Case(DataType.FLOAT, EncodingType.PREFIX_ENCODING))) {
            refused(
                    ErrorCode.NOT_SUPPORTED,
                    "invalid encoding for column 'c': encoding " + each.encoding() + " not supported for type "
                            + each.type(),
                    columns -> columns.get(2).setType(each.type()).setEncoding(each.encoding()));
        }
    }

    private static void refused(String message, Consumer<List<ColumnSchemaPB.Builder>> change) {
        refused(ErrorCode.INVALID_ARGUMENT, message, change);
    }

    private static void refused(ErrorCode code, String message, Consumer<List<ColumnSchemaPB.Builder>> change) {
        List<ColumnSchemaPB.Builder> columns = new ArrayList<>(List.of(
                column("a", DataType.INT32).setIsKey(true),
                column("b", DataType.STRING).setIsKey(true),
                column("c", DataType.INT32).setIsNullable(true)));
        change.accept(columns);
        SchemaPB.Builder request = SchemaPB.newBuilder();
        columns.forEach(request::addColumns);
        WireException e = assertThrows(WireException.class, () -> WireSchema.toSchema(request.build()));
        assertEquals(message, e.getMessage());
        assertEquals(code, e.code());
        assertEquals(MasterErrorPB.Code.INVALID_SCHEMA, e.masterError().getCode());
        assertEquals(message, e.masterError().getStatus().getMessage());
        assertEquals(code, e.masterError().getStatus().getCode());
    }

    private static ColumnSchemaPB.Builder column(String name, DataType type) {
        return ColumnSchemaPB.newBuilder().setName(name).setType(type);
    }

    @Test
    void addsAColumnWithADefault() {
        Column added = WireSchema.toColumn(column("new", DataType.STRING)
                .setReadDefaultValue(ByteString.copyFromUtf8("x"))
                .build());
        assertEquals(Column.of("new", ColumnType.STRING).defaultValue("x"), added);
        WireException e = assertThrows(
                WireException.class,
                () -> WireSchema.toColumn(
                        column("new", DataType.STRING).setIsKey(true).build()));
        assertEquals("cannot add a key column: new", e.getMessage());
    }

    @Test
    void changesAColumnAsTheStepSays() {
        Column column = Vectors.schema().column(15);
        ColumnSchemaDeltaPB.Builder delta = ColumnSchemaDeltaPB.newBuilder().setName("def");
        assertEquals(column, WireSchema.change(column, delta.build()));
        Column changed = WireSchema.change(
                column,
                delta.setDefaultValue(ByteString.fromHex("07000000"))
                        .setEncoding(EncodingType.RLE)
                        .setCompression(CompressionType.ZLIB)
                        .setBlockSize(4096)
                        .setNewComment("seven")
                        .build());
        ColumnSchemaPB answer = WireSchema.toProto(changed);
        assertEquals(CellValue.ofBytes(Vectors.bytes("2a000000")), changed.readDefault());
        assertEquals(CellValue.ofBytes(Vectors.bytes("07000000")), changed.writeDefault());
        assertEquals(EncodingType.RLE, answer.getEncoding());
        assertEquals(CompressionType.ZLIB, answer.getCompression());
        assertEquals(4096, answer.getCfileBlockSize());
        assertEquals("seven", answer.getComment());
        Column without = WireSchema.change(
                changed, ColumnSchemaDeltaPB.newBuilder().setRemoveDefault(true).build());
        assertEquals(changed.withoutWriteDefault(), without);
        Column immutable = WireSchema.change(
                changed, ColumnSchemaDeltaPB.newBuilder().setImmutable(true).build());
        assertEquals(changed.immutable(), immutable);
        assertEquals(true, WireSchema.toProto(immutable).getImmutable());
        assertEquals(immutable, WireSchema.change(immutable, ColumnSchemaDeltaPB.getDefaultInstance()));
        assertEquals(
                changed,
                WireSchema.change(
                        immutable,
                        ColumnSchemaDeltaPB.newBuilder().setImmutable(false).build()));
        delta.setDefaultValue(ByteString.fromHex("07"));
        WireException e = assertThrows(WireException.class, () -> WireSchema.change(column, delta.build()));
        assertEquals("wrong size for default value", e.getMessage());
    }

    @Test
    void findsTheColumnsOfAProjection() {
        Schema schema = Vectors.schema();
        List<ColumnSchemaPB> all = Vectors.request().getColumnsList();
        assertArrayEquals(new int[] {13, 0, 10}, projection(all.get(13), all.get(0), all.get(10)));
        // The C++ client says of no column that it is of the key.
        assertArrayEquals(
                new int[] {0}, projection(all.get(0).toBuilder().clearIsKey().build()));
        // Nor has a client to know that a column has become immutable.
        assertArrayEquals(
                new int[] {13},
                projection(all.get(13).toBuilder().setImmutable(true).build()));
        assertArrayEquals(new int[0], WireSchema.projection(schema, List.of()));
    }

    private static int[] projection(ColumnSchemaPB... columns) {
        return WireSchema.projection(Vectors.schema(), List.of(columns));
    }

    @Test
    void refusesProjectionsOfOtherColumns() {
        ColumnSchemaPB k1 = Vectors.request().getColumns(0);
        ColumnSchemaPB d32 = Vectors.request().getColumns(10);
        mismatched(
                "Some columns are not present in the current schema: nope, neither",
                column("nope", DataType.INT32).build(),
                k1,
                column("neither", DataType.INT32).build());
        mismatched(
                "The column 'k1' must have type INT32 NOT NULL found INT32 NULLABLE",
                k1.toBuilder().setIsNullable(true).build());
        mismatched(
                "The column 'k1' must have type INT32 NOT NULL found INT64 NOT NULL",
                k1.toBuilder().setType(DataType.INT64).build());
        ColumnSchemaPB.Builder other = d32.toBuilder();
        other.getTypeAttributesBuilder().setScale(3);
        mismatched(
                "The column 'd32' must have type DECIMAL(9, 2) NULLABLE found DECIMAL(9, 3) NULLABLE", other.build());
        assertEquals(
                "Duplicate column name: k1",
                assertThrows(WireException.class, () -> projection(k1, k1)).getMessage());
        WireException e = assertThrows(
                WireException.class, () -> projection(k1.toBuilder().setId(0).build()));
        assertEquals("User requests should not have Column IDs", e.getMessage());
        assertEquals(
                TabletServerErrorPB.Code.INVALID_SCHEMA, e.tabletServerError().getCode());
    }

    private static void mismatched(String message, ColumnSchemaPB... columns) {
        WireException e = assertThrows(WireException.class, () -> projection(columns));
        assertEquals(message, e.getMessage());
        TabletServerErrorPB error = e.tabletServerError();
        assertEquals(TabletServerErrorPB.Code.MISMATCHED_SCHEMA, error.getCode());
        assertEquals(ErrorCode.INVALID_ARGUMENT, error.getStatus().getCode());
    }
}
