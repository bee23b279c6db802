package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.DeleteTableRequestPB;
import io.nyala.protocol.master.Master.DeleteTableResponsePB;
import io.nyala.protocol.master.Master.GetTableSchemaRequestPB;
import io.nyala.protocol.master.Master.GetTableSchemaResponsePB;
import io.nyala.protocol.master.Master.GetTabletLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTabletLocationsResponsePB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a master finds tables and tablets by what names them, all of it, and does not find what is gone, in Kudu's
 * words. Method: requests to a whole server, before and after ranges and tables are dropped.
 */
final class MasterLookupsTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT32));

    private RunningServer server;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        server = RunningServer.in(directory);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    // ---- Tablets ----

    private GetTabletLocationsResponsePB locations(List<String> tablets) throws IOException {
        GetTabletLocationsRequestPB.Builder request = GetTabletLocationsRequestPB.newBuilder();
        tablets.forEach(id -> request.addTabletIds(ByteString.copyFromUtf8(id)));
        return server.master()
                .call(WireClient.MASTER, "GetTabletLocations", request.build())
                .message(GetTabletLocationsResponsePB.parser());
    }

    @Test
    void aTabletWhoseRangeWasDroppedIsNotFound() throws IOException {
        PartitionSchema partitions = PartitionSchema.of(SCHEMA).range("k").build();
        List<RangePartition> ranges = partitions.splitAt(10, 20);
        Table table = server.engine().createTable(TableSpec.of("t", partitions).withRanges(ranges));
        List<String> before = server.tabletIds(table);
        assertEquals(3, locations(before).getTabletLocationsCount());
        assertEquals(0, write(before.get(1), 15).getPerRowErrorsCount()); // So that its tablet is known.

        table.alter().dropRange(ranges.get(1)).commit();
        assertGone(before);
        table.alter().addRange(ranges.get(1)).commit(); // It is another tablet.
        assertGone(before);
        assertEquals(3, locations(server.tabletIds(table)).getTabletLocationsCount());
        assertEquals(
                TabletServerErrorPB.Code.TABLET_NOT_FOUND,
                write(before.get(1), 15).getError().getCode(),
                "so that clients look it up again");
    }

    /** The second of these. */
    private void assertGone(List<String> tablets) throws IOException {
        GetTabletLocationsResponsePB found = locations(tablets);
        assertEquals(
                List.of(tablets.get(0), tablets.get(2)),
                found.getTabletLocationsList().stream()
                        .map(location -> location.getTabletId().toStringUtf8())
                        .toList());
        assertEquals(1, found.getErrorsCount());
        assertEquals(tablets.get(1), found.getErrors(0).getTabletId().toStringUtf8());
        assertEquals(ErrorCode.NOT_FOUND, found.getErrors(0).getStatus().getCode());
        assertEquals(
                "Unknown tablet " + tablets.get(1),
                found.getErrors(0).getStatus().getMessage());
    }

    private WriteResponsePB write(String tablet, int key) throws IOException {
        return server.tablets()
                .tablet(
                        "Write",
                        new WireRows(SCHEMA)
                                .add(RowOperationsPB.Type.INSERT, WireRows.cell(key))
                                .request(tablet),
                        WriteResponsePB.parser());
    }

    @Test
    void aTabletOfADroppedTableIsNotFound() throws IOException {
        List<String> tablets = server.tabletIds(server.create("t", SCHEMA, 2));
        assertEquals(2, locations(tablets).getTabletLocationsCount());
        server.engine().dropTable("t");
        assertEquals(2, locations(tablets).getErrorsCount());
    }

    // ---- Tables ----

    private GetTableSchemaResponsePB schema(TableIdentifierPB identifier) throws IOException {
        return server.master()
                .call(
                        WireClient.MASTER,
                        "GetTableSchema",
                        GetTableSchemaRequestPB.newBuilder()
                                .setTable(identifier)
                                .build())
                .message(GetTableSchemaResponsePB.parser());
    }

    private void assertNotFound(TableIdentifierPB identifier, String message) throws IOException {
        MasterErrorPB error = schema(identifier).getError();
        assertEquals(MasterErrorPB.Code.TABLE_NOT_FOUND, error.getCode());
        assertEquals(ErrorCode.NOT_FOUND, error.getStatus().getCode());
        assertEquals(message, error.getStatus().getMessage());
    }

    @Test
    void aTableHasTheNameThatIsGivenBesideItsId() throws IOException {
        server.create("other", SCHEMA, 1);
        server.create("t", SCHEMA, 1);
        TableIdentifierPB byName =
                TableIdentifierPB.newBuilder().setTableName("t").build();
        ByteString id = schema(byName).getTableId();
        TableIdentifierPB byId = TableIdentifierPB.newBuilder().setTableId(id).build();
        assertEquals("t", schema(byId).getTableName());
        TableIdentifierPB.Builder both = byId.toBuilder();
        assertFalse(schema(both.setTableName("t").build()).hasError());
        String text = ": table_id: \"" + id.toStringUtf8() + "\" table_name: ";
        assertNotFound(
                both.setTableName("other").build(),
                "the table ID refers to a different table 't' than 'other'" + text + "\"other\"");
        assertNotFound(
                both.setTableName("none").build(),
                "the table ID refers to a different table 't' than 'none'" + text + "\"none\"");
        assertNotFound(
                TableIdentifierPB.newBuilder().setTableName("none").build(),
                "the table does not exist: table_name: \"none\"");
        String unknown = "0123456789abcdef0123456789abcdef";
        assertNotFound(
                TableIdentifierPB.newBuilder()
                        .setTableId(ByteString.copyFromUtf8(unknown))
                        .setTableName("t")
                        .build(),
                "the table does not exist: table_id: \"" + unknown + "\" table_name: \"t\"");
    }

    @Test
    void aTableWithoutANameAndWithoutAnIdIsARequestGoneWrong() throws IOException {
        MasterErrorPB error = schema(TableIdentifierPB.getDefaultInstance()).getError();
        assertEquals(MasterErrorPB.Code.UNKNOWN_ERROR, error.getCode());
        assertEquals(ErrorCode.INVALID_ARGUMENT, error.getStatus().getCode());
        assertEquals("missing table ID or table name", error.getStatus().getMessage());
        assertTrue(error.isInitialized());
    }

    /** From 2^31 seconds on, which are negative where they are signed, a table was gone at once with all its rows. */
    @ParameterizedTest
    @ValueSource(longs = {1, (1L << 31) - 1, 1L << 31, (1L << 32) - 1})
    void aTableIsKeptForAsLongAsItsClientSays(long seconds) throws IOException {
        Table table = server.create("t", SCHEMA, 1);
        assertEquals(0, write(server.tabletIds(table).getFirst(), 7).getPerRowErrorsCount());
        DeleteTableRequestPB.Builder drop = DeleteTableRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName("t"))
                .setReserveSeconds((int) seconds);
        assertFalse(server.master()
                .call(WireClient.MASTER, "DeleteTable", drop.build())
                .message(DeleteTableResponsePB.parser())
                .hasError());
        assertEquals(List.of(table), server.engine().droppedTables());
        assertEquals(1, server.engine().recallTable(table.id()).statistics().liveRowCount());
    }
}
