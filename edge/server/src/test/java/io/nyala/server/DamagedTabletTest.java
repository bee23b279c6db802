package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tablet.Metadata.TabletStatePB;
import io.nyala.protocol.tablet.Tablet.TabletStatusPB;
import io.nyala.protocol.tserver.Tserver.ListTabletsRequestPB;
import io.nyala.protocol.tserver.Tserver.ListTabletsResponsePB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.testkit.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: clients and operators hear of a damaged file what it is, and where. Method: one rowset on disk, of which a byte
 * is changed between two runs of a server.
 */
final class DamagedTabletTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT32));

    /** Where the first page is. */
    private static final long PAGE = 4096;

    @TempDir
    private Path directory = Path.of("");

    private Path rowSet = Path.of("");

    @BeforeEach
    void makeOne() throws IOException {
        try (RunningServer server = RunningServer.in(directory)) {
            Table table = server.create("t", SCHEMA, 1);
            try (WriteBatch batch = table.newBatch()) {
                for (int k = 0; k < 1000; k++) {
                    batch.rows().start(OperationKind.INSERT);
                    batch.rows().setInt(0, k);
                    batch.rows().end();
                }
                batch.commit();
            }
            table.flush().join();
            assertEquals(TabletStatePB.RUNNING, status(server).getState());
            assertEquals("", status(server).getLastStatus());
        }
        try (Stream<Path> files = Files.list(directory.resolve("rowsets"))) {
            rowSet = files.filter(file -> file.toString().endsWith(".rowset"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private void damage(long offset) throws IOException {
        try (FileChannel file = FileChannel.open(rowSet, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            file.read(one, offset);
            file.write(ByteBuffer.wrap(new byte[] {(byte) ~one.get(0)}), offset);
        }
    }

    private static TabletStatusPB status(RunningServer server) throws IOException {
        ListTabletsResponsePB answer = server.tablets()
                .tablet("ListTablets", ListTabletsRequestPB.getDefaultInstance(), ListTabletsResponsePB.parser());
        assertEquals(1, answer.getStatusAndSchemaCount());
        return answer.getStatusAndSchema(0).getTabletStatus();
    }

    @Test
    void aScanOverADamagedPageSaysWhichItIs() throws IOException {
        damage(PAGE + 20);
        try (RunningServer server = RunningServer.in(directory)) {
            ScanRequestPB request = ScanRequestPB.newBuilder()
                    .setNewScanRequest(NewScanRequestPB.newBuilder()
                            .setTabletId(
                                    server.tabletId(server.engine().table("t").orElseThrow()))
                            .addAllProjectedColumns(
                                    WireRows.view(SCHEMA.columns()).getColumnsList()))
                    .build();
            ScanResponsePB answer = server.tablets().tablet("Scan", request, ScanResponsePB.parser());
            assertEquals(Code.UNKNOWN_ERROR, answer.getError().getCode());
            assertEquals(ErrorCode.CORRUPTION, answer.getError().getStatus().getCode());
            String message = answer.getError().getStatus().getMessage();
            assertTrue(message.contains("corrupt page in " + rowSet + " at byte 4,096"), message);
        }
    }

    @Test
    void aTabletWithARowSetSetAsideIsListedAsFailedAndWhy() throws IOException {
        damage(Files.size(rowSet) - 10);
        try (RunningServer server = RunningServer.in(directory)) {
            TabletStatusPB status = status(server);
            assertEquals(TabletStatePB.FAILED, status.getState());
            assertTrue(status.getLastStatus().contains("set aside"), status::getLastStatus);
            assertTrue(status.getLastStatus().contains("corrupt page in " + rowSet), status::getLastStatus);
            Failure.expect(
                    MissingRowSetException.class,
                    () -> server.engine().table("t").orElseThrow().scan().open(),
                    "`nyala verify " + rowSet + "` says what is damaged");
        }
    }
}
