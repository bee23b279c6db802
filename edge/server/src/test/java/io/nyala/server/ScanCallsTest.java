package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whatever a client sends to go on with a scan or to end it, it is answered as by a real Kudu, rows included.
 * Method: requests to a whole server; what a Kudu 1.18.1 answered to the same ones stands here.
 */
final class ScanCallsTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT32));
    private static final int ROWS = 1000;
    private static final ByteString NOBODYS = ByteString.copyFromUtf8("0".repeat(32));

    private RunningServer server;
    private ByteString tablet;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        server = RunningServer.in(directory);
        Table table = server.create("herd", SCHEMA, 1);
        tablet = server.tabletId(table);
        insert(0, ROWS);
    }

    private void insert(int from, int to) throws IOException {
        WireRows rows = new WireRows(SCHEMA);
        for (int k = from; k < to; k++) {
            rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(k), WireRows.cell(-k));
        }
        WriteResponsePB written =
                server.tablets().tablet("Write", rows.request(tablet.toStringUtf8()), WriteResponsePB.parser());
        assertFalse(written.hasError() || written.getPerRowErrorsCount() > 0, written::toString);
    }

    @AfterEach
    void close() throws IOException {
        assertEquals(0, server.use().scanners(), "each test ends its scans");
        server.close();
    }

    private ScanRequestPB.Builder opening() {
        return ScanRequestPB.newBuilder()
                .setNewScanRequest(NewScanRequestPB.newBuilder()
                        .setTabletId(tablet)
                        .addAllProjectedColumns(WireRows.view(SCHEMA.columns()).getColumnsList()));
    }

    /** A scan that has given no rows yet. */
    private ByteString opened() throws IOException {
        ScanResponsePB answer = scan(opening().setBatchSizeBytes(0));
        assertEquals(0, answer.getData().getNumRows());
        assertTrue(answer.getHasMoreResults());
        assertEquals(32, answer.getScannerId().size());
        return answer.getScannerId();
    }

    private static ScanRequestPB.Builder next(ByteString scanner, int sequence) {
        return ScanRequestPB.newBuilder().setScannerId(scanner).setCallSeqId(sequence);
    }

    private ScanResponsePB scan(ScanRequestPB.Builder request) throws IOException {
        return server.tablets().tablet("Scan", request.build(), ScanResponsePB.parser());
    }

    private void assertFails(Code code, ErrorCode status, String message, ScanRequestPB.Builder request)
            throws IOException {
        ScanResponsePB answer = scan(request);
        assertEquals(code, answer.getError().getCode());
        assertEquals(status, answer.getError().getStatus().getCode());
        assertEquals(message, answer.getError().getStatus().getMessage());
    }

    private void assertGone(ByteString scanner, int sequence) throws IOException {
        assertExpired(next(scanner, sequence));
    }

    private void assertExpired(ScanRequestPB.Builder request) throws IOException {
        String id = request.getScannerId().toStringUtf8();
        String message = "Scanner " + id + " not found (it may have expired)";
        assertFails(Code.SCANNER_EXPIRED, ErrorCode.NOT_FOUND, message, request);
    }

    private static void assertEnded(ScanResponsePB answer) {
        assertFalse(answer.hasError(), answer::toString);
        assertTrue(answer.hasHasMoreResults() && !answer.getHasMoreResults());
        assertFalse(answer.hasScannerId());
        assertTrue(answer.hasPropagatedTimestamp());
    }

    @Test
    void theLastRequestHasRowsUnlessItAsksForNone() throws IOException {
        ByteString some = opened();
        ScanResponsePB answer = scan(next(some, 1).setCloseScanner(true).setBatchSizeBytes(100));
        assertEnded(answer);
        assertTrue(answer.getData().getNumRows() > 0 && answer.getData().getNumRows() < ROWS, answer::toString);
        assertGone(some, 2);

        ByteString asManyAsUsual = opened();
        answer = scan(next(asManyAsUsual, 1).setCloseScanner(true));
        assertEnded(answer);
        assertEquals(ROWS, answer.getData().getNumRows());
        assertGone(asManyAsUsual, 2);

        ByteString none = opened();
        answer = scan(next(none, 1).setCloseScanner(true).setBatchSizeBytes(0));
        assertEnded(answer);
        assertFalse(answer.hasData());
        assertGone(none, 1);
    }

    @Test
    void onlyARequestForNoRowsMayComeOutOfTurn() throws IOException {
        ByteString ended = opened();
        assertEnded(scan(next(ended, 7).setCloseScanner(true).setBatchSizeBytes(0)));
        for (boolean isLast : new boolean[] {false, true}) {
            ByteString scanner = opened();
            assertFails(
                    Code.INVALID_SCAN_CALL_SEQ_ID,
                    ErrorCode.INVALID_ARGUMENT,
                    "Invalid call sequence ID in scan request",
                    next(scanner, 7).setCloseScanner(isLast).setBatchSizeBytes(100));
            assertGone(scanner, 1);
        }
        assertFails(
                Code.INVALID_SCAN_CALL_SEQ_ID,
                ErrorCode.INVALID_ARGUMENT,
                "Invalid call sequence ID in scan request",
                opening().setCallSeqId(5));
    }

    @Test
    void whoGoesOnForNoBytesGetsRowsAllTheSame() throws IOException {
        ByteString scanner = opened();
        int rows = 0;
        boolean hasMore = true;
        for (int i = 1; hasMore && i <= ROWS + 1; i++) {
            ScanResponsePB answer = scan(next(scanner, i).setBatchSizeBytes(0));
            assertFalse(answer.hasScannerId(), "it is known");
            rows += answer.getData().getNumRows();
            hasMore = answer.getHasMoreResults();
        }
        assertEquals(ROWS, rows);
    }

    @Test
    void aScanThatIsNotThereCanBeEndedAndNotReadFrom() throws IOException {
        assertEnded(scan(next(NOBODYS, 1).setCloseScanner(true).setBatchSizeBytes(0)));
        assertExpired(next(NOBODYS, 1).setCloseScanner(true));
        assertExpired(next(NOBODYS, 1).setCloseScanner(true).setBatchSizeBytes(100));
        assertExpired(next(ByteString.EMPTY, 1));
        assertExpired(next(ByteString.copyFromUtf8("h\u00e9rd"), 1));
    }

    @Test
    void aScanIsOfOneUser() throws IOException {
        ByteString scanner = opened();
        try (WireClient mallory = WireClient.of(server.tabletServerAddress(), "mallory")) {
            for (int bytes : new int[] {0, 100}) {
                ScanRequestPB request = next(scanner, 1)
                        .setCloseScanner(true)
                        .setBatchSizeBytes(bytes)
                        .build();
                WireClient.Reply reply = mallory.call(WireClient.TABLET_SERVER, "Scan", request);
                assertEquals(RpcErrorCodePB.FATAL_UNAUTHORIZED, reply.error().getCode());
                assertEquals(
                        "Not authorized: User mallory doesn't own scanner " + scanner.toStringUtf8(),
                        reply.error().getMessage());
            }
        }
        assertEquals(ROWS, scan(next(scanner, 1)).getData().getNumRows());
    }

    @Test
    void aRequestEitherOpensAScanOrGoesOn() throws IOException {
        ByteString scanner = opened();
        assertRefused(
                "Invalid argument: Must not pass both a scanner_id and new_scan_request",
                opening().setScannerId(scanner).setCallSeqId(1));
        assertRefused(
                "Invalid argument: Must pass either a scanner_id or new_scan_request",
                ScanRequestPB.newBuilder().setCloseScanner(true));
        assertEquals(ROWS, scan(next(scanner, 1)).getData().getNumRows());
    }

    private void assertRefused(String message, ScanRequestPB.Builder request) throws IOException {
        WireClient.Reply reply = server.tablets().call(WireClient.TABLET_SERVER, "Scan", request.build());
        assertEquals(RpcErrorCodePB.ERROR_APPLICATION, reply.error().getCode());
        assertEquals(message, reply.error().getMessage());
    }

    // ---- Without memory ----

    /** All that is left of the engine's memory, to be given back. */
    private List<Slab> takeMemory() {
        MemoryAccount account = server.engine().resultMemory();
        List<Slab> taken = new ArrayList<>();
        for (long bytes = 64 << 20; bytes > 0; bytes /= 2) {
            try {
                while (true) {
                    taken.add(account.take(bytes));
                }
            } catch (MemoryLimitException _) {
                // Half of it may be there.
            }
        }
        return taken;
    }

    private void giveBack(List<Slab> taken) {
        taken.forEach(server.engine().resultMemory()::giveBack);
    }

    /** The client waits and sends the same call: it must find its scanner, and each row once. */
    @Test
    void aCallThatFindsNoMemoryMayComeAgain() throws IOException {
        ByteString scanner = opened();
        List<Slab> taken = takeMemory();
        try {
            for (int i = 0; i < 3; i++) {
                WireClient.Reply reply = server.tablets()
                        .call(
                                WireClient.header(0, WireClient.TABLET_SERVER, "Scan"),
                                next(scanner, 1).build().toByteArray());
                assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, reply.error().getCode());
            }
        } finally {
            giveBack(taken);
        }
        ScanResponsePB answer = scan(next(scanner, 1));
        assertEquals(ROWS, answer.getData().getNumRows());
        assertFalse(answer.getHasMoreResults());
    }

    @Test
    void whatThereIsMemoryForIsSent() throws IOException {
        int count = 40 * ROWS; // More than the first memory of an answer holds.
        insert(ROWS, count);
        ScanResponsePB answer = scan(opening().setBatchSizeBytes(1));
        ByteString scanner = answer.getScannerId();
        int rows = answer.getData().getNumRows();
        List<Slab> taken = takeMemory();
        int sequence = 1;
        try {
            for (; sequence < 3; sequence++) {
                answer = scan(next(scanner, sequence));
                assertTrue(answer.getHasMoreResults(), answer::toString);
                assertTrue(answer.getData().getNumRows() > 0, answer::toString);
                rows += answer.getData().getNumRows();
            }
        } finally {
            giveBack(taken);
        }
        answer = scan(next(scanner, sequence));
        assertEquals(count, rows + answer.getData().getNumRows());
        assertFalse(answer.getHasMoreResults());
    }
}
