package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import io.nyala.protocol.tserver.TserverService.ContinueChecksumRequestPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.rpc.RpcConfig;
import io.nyala.rpc.RpcServer;
import io.nyala.rpc.RpcThreads;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a checksum that is asked for piece by piece is that of all rows, and one that cannot go on says so. Method: a
 * server that has nothing else, and a clock by which each batch of rows takes as long as an answer may; all memory is
 * taken between two pieces.
 */
final class ChecksumCallsTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.STRING));
    private static final int ROWS = 3_000;

    /** Rows behind this one are long: a batch of them needs more memory than one of those before. */
    private static final int SHORT_ROWS = 2_500;

    private final AtomicLong nanos = new AtomicLong();
    private Engine engine;
    private RpcThreads threads;
    private RpcServer server;
    private WireClient client;
    private Scanners scanners;
    private ByteString tablet;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
        Table table = engine.createTable("t", SCHEMA);
        try (WriteBatch batch = table.newBatch()) {
            for (int k = 0; k < ROWS; k++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setInt(0, k)
                        .setString(1, "v".repeat(k < SHORT_ROWS ? 1 : 4_000))
                        .end();
            }
            batch.commit().orThrow();
        }
        CatalogView catalog = new CatalogView(engine, new ServerIds(engine.hostId()));
        tablet = ByteString.copyFromUtf8(
                catalog.ids().tablet(table.tablets().getFirst().id()));
        scanners = new Scanners(() -> 0, 60_000, 10, 1 << 20);
        ChecksumService service = new ChecksumService(catalog, scanners, () -> nanos.addAndGet(1_000_000_000));
        threads = RpcThreads.start();
        server = RpcServer.start(
                RpcConfig.of("TabletServer", "127.0.0.1", 0),
                List.of(new Methods(WireClient.TABLET_SERVER, Set.of()).on("Checksum", service::checksum)),
                threads);
        client = WireClient.of("127.0.0.1:" + server.address().getPort());
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
        threads.close();
        scanners.closeAll();
        engine.close();
    }

    private ChecksumResponsePB begin() throws IOException {
        return ask(ChecksumRequestPB.newBuilder()
                .setNewRequest(NewScanRequestPB.newBuilder()
                        .setTabletId(tablet)
                        .addAllProjectedColumns(WireRows.view(SCHEMA.columns()).getColumnsList())));
    }

    private ChecksumResponsePB goOn(ByteString scanner, int call, long sum) throws IOException {
        return ask(ChecksumRequestPB.newBuilder()
                .setCallSeqId(call)
                .setContinueRequest(ContinueChecksumRequestPB.newBuilder()
                        .setScannerId(scanner)
                        .setPreviousChecksum(sum)));
    }

    private ChecksumResponsePB ask(ChecksumRequestPB.Builder request) throws IOException {
        return client.tablet("Checksum", request.build(), ChecksumResponsePB.parser());
    }

    /** Asks to the end; answers how many pieces it took. */
    private int readAll() throws IOException {
        ChecksumResponsePB answer = begin();
        long rows = answer.getRowsChecksummed();
        int pieces = 1;
        while (answer.getHasMoreResults()) {
            answer = goOn(answer.getScannerId(), pieces++, answer.getChecksum());
            assertFalse(answer.hasError(), answer::toString);
            rows += answer.getRowsChecksummed();
        }
        assertEquals(ROWS, rows);
        return pieces;
    }

    /** Its client was told to come again with the same call, and then that there is no such scanner. */
    @Test
    void oneThatFindsNoMemoryToGoOnHearsThatItIsOver() throws IOException {
        assertTrue(readAll() > 2);
        ChecksumResponsePB answer = begin();
        ByteString scanner = answer.getScannerId();
        List<Slab> taken = takeMemory();
        try {
            for (int call = 1; !answer.hasError(); call++) {
                assertTrue(answer.getHasMoreResults(), "there was memory for all");
                answer = goOn(scanner, call, answer.getChecksum());
            }
        } finally {
            taken.forEach(engine.resultMemory()::giveBack);
        }
        assertEquals(Code.SCANNER_EXPIRED, answer.getError().getCode());
        assertEquals(ErrorCode.NOT_FOUND, answer.getError().getStatus().getCode());
        String message = answer.getError().getStatus().getMessage();
        assertTrue(message.startsWith("Scanner " + scanner.toStringUtf8() + " not found (it was closed, for"), message);
        assertEquals(0, scanners.count());
        readAll();
    }

    private List<Slab> takeMemory() {
        MemoryAccount account = engine.resultMemory();
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
}
