package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.UnsafeByteOperations;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: requests that are valid and as large as they can be cost what they say, or are refused with a code, and others
 * are served meanwhile. Method: the largest of each kind, over real connections, and a Ping beside each.
 */
final class LargeRequestsTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT8));

    /** Just below the 50 MiB that a request may have. */
    private static final int ROW_BYTES = 3;

    private static final int ROWS = 17_000_000;
    private static final int MANY = 100_000;
    private static final int VALUES = 1_000_000;
    private static final int SCANNERS = 1_000;

    private RunningServer server;
    private Table table;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        server = RunningServer.in(directory);
        table = server.create("t", SCHEMA, 1);
    }

    @AfterEach
    void close() throws IOException {
        server.close(); // The engine finds memory that was not given back.
    }

    /** Another client is answered while the request is on its way, or worked on. */
    private WireClient.Reply call(String service, String method, MessageLite request) throws IOException {
        boolean isMaster = service.equals(WireClient.MASTER);
        try (WireClient client = WireClient.of(isMaster ? server.masterAddress() : server.tabletServerAddress())) {
            client.submit(service, method, request.toByteArray());
            WireClient other = isMaster ? server.tablets() : server.master();
            assertFalse(other.call(
                            isMaster ? WireClient.TABLET_SERVER : WireClient.MASTER,
                            "Ping",
                            PingRequestPB.getDefaultInstance())
                    .isError());
            return client.read();
        }
    }

    @Test
    void aRequestOfTheLeastRowsIsRefusedByTheirNumber() throws IOException {
        byte[] rows = new byte[ROW_BYTES * ROWS];
        for (int i = 0; i < ROWS; i++) {
            rows[ROW_BYTES * i] = RowOperationsPB.Type.UPSERT_VALUE;
            rows[ROW_BYTES * i + 1] = 1; // The key is set.
            rows[ROW_BYTES * i + 2] = (byte) i;
        }
        WriteRequestPB request = WriteRequestPB.newBuilder()
                .setTabletId(server.tabletId(table))
                .setSchema(WireRows.view(SCHEMA.columns()))
                .setRowOperations(RowOperationsPB.newBuilder().setRows(UnsafeByteOperations.unsafeWrap(rows)))
                .build();
        WriteResponsePB answer =
                call(WireClient.TABLET_SERVER, "Write", request).message(WriteResponsePB.parser());
        AppStatusPB status = answer.getError().getStatus();
        assertEquals(ErrorCode.INVALID_ARGUMENT, status.getCode());
        assertTrue(
                status.getMessage().contains("1,048,576") || status.getMessage().contains("1048576"),
                status::getMessage);
        assertEquals(0, table.statistics().liveRowCount());
    }

    @Test
    void aTableOfTooManyColumnsOrRangesIsRefused() throws IOException {
        CreateTableRequestPB.Builder columns = RunningServer.creation("columns", SCHEMA, 1).toBuilder();
        for (int i = 0; i < MANY; i++) {
            columns.getSchemaBuilder()
                    .addColumns(ColumnSchemaPB.newBuilder().setName("c" + i).setType(DataType.INT8));
        }
        assertRefused("greater than the permitted maximum 300", columns.build());
        Schema wide = Schema.of(Column.key("k", ColumnType.INT32));
        WireRows bounds = new WireRows(wide);
        ByteArrayOutputStream splits = new ByteArrayOutputStream();
        for (int i = 0; i < MANY; i++) {
            splits.write(RowOperationsPB.Type.SPLIT_ROW_VALUE);
            splits.write(1);
            splits.writeBytes(WireRows.cell(i));
        }
        assertRefused(
                "more than 32768 bounds and split rows",
                RunningServer.creation("ranges", wide, 1).toBuilder()
                        .setSplitRowsRangeBounds(
                                bounds.operations().toBuilder().setRows(ByteString.copyFrom(splits.toByteArray())))
                        .build());
        assertEquals(1, server.engine().tables().size());
    }

    private void assertRefused(String why, CreateTableRequestPB request) throws IOException {
        AppStatusPB status = call(WireClient.MASTER, "CreateTable", request)
                .message(CreateTableResponsePB.parser())
                .getError()
                .getStatus();
        assertEquals(ErrorCode.INVALID_ARGUMENT, status.getCode());
        assertTrue(status.getMessage().contains(why), status::getMessage);
    }

    @Test
    void aMillionValuesAreLookedFor() throws IOException {
        WriteRequestPB rows = new WireRows(SCHEMA)
                .add(RowOperationsPB.Type.INSERT, new byte[] {7})
                .add(RowOperationsPB.Type.INSERT, new byte[] {8})
                .request(server.tabletId(table).toStringUtf8());
        assertFalse(call(WireClient.TABLET_SERVER, "Write", rows)
                .message(WriteResponsePB.parser())
                .hasError());
        ColumnPredicatePB.InList.Builder values = ColumnPredicatePB.InList.newBuilder();
        ByteString seven = ByteString.copyFrom(new byte[] {7});
        for (int i = 0; i < VALUES; i++) {
            values.addValues(seven);
        }
        NewScanRequestPB scan = NewScanRequestPB.newBuilder()
                .setTabletId(server.tabletId(table))
                .addColumnPredicates(
                        ColumnPredicatePB.newBuilder().setColumn("k").setInList(values))
                .build();
        ScanResponsePB answer = call(
                        WireClient.TABLET_SERVER,
                        "Scan",
                        ScanRequestPB.newBuilder().setNewScanRequest(scan).build())
                .message(ScanResponsePB.parser());
        assertFalse(answer.hasError(), answer::toString);
        assertEquals(1, answer.getData().getNumRows());
    }

    @Test
    void aThousandScannersThatAreForgottenHoldNothingBack() throws IOException {
        ScanRequestPB open = ScanRequestPB.newBuilder()
                .setNewScanRequest(NewScanRequestPB.newBuilder().setTabletId(server.tabletId(table)))
                .setBatchSizeBytes(0)
                .build();
        for (int i = 0; i < SCANNERS; i++) {
            ScanResponsePB answer = server.tablets().tablet("Scan", open, ScanResponsePB.parser());
            assertTrue(answer.hasScannerId(), answer::toString);
        }
        assertEquals(SCANNERS, server.use().scanners());
        WriteRequestPB row = new WireRows(SCHEMA)
                .add(RowOperationsPB.Type.INSERT, new byte[] {7})
                .request(server.tabletId(table).toStringUtf8());
        assertFalse(call(WireClient.TABLET_SERVER, "Write", row)
                .message(WriteResponsePB.parser())
                .hasError());
        assertEquals(1, table.statistics().liveRowCount());
    }
}
