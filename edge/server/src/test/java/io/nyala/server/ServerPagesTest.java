package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the web pages of a server are there when they are asked for, name things as its clients do, and go with it.
 * Method: a server, a client of its protocol and one of HTTP.
 */
final class ServerPagesTest {
    private static final ServerConfig CONFIG =
            ServerConfig.standard().withMasterPort(0).withTabletServerPort(0).withWebPort(ServerConfig.ANY_WEB_PORT);

    private static final Schema SCHEMA =
            Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.STRING));

    @TempDir
    private Path directory = Path.of("");

    private Engine engine() {
        return Engine.open(EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
    }

    private static String get(NyalaServer server, String address) throws IOException, InterruptedException {
        String url = server.webUrl().orElseThrow();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(url).resolve(address)).build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            assertEquals(200, answer.statusCode(), answer::body);
            return answer.body();
        }
    }

    @Test
    void thereAreNoneUnlessTheyAreAskedFor() {
        try (Engine engine = engine();
                NyalaServer server = NyalaServer.start(engine, CONFIG.withWebPort(ServerConfig.NO_WEB))) {
            assertEquals(Optional.empty(), server.webUrl());
        }
        assertEquals(ServerConfig.NO_WEB, ServerConfig.standard().webPort());
    }

    @Test
    void theySayWhereClientsGoAndWhatTheyReadNow() throws Exception {
        try (Engine engine = engine();
                NyalaServer server = NyalaServer.start(engine, CONFIG)) {
            Table table = engine.createTable("t", SCHEMA);
            fill(table);
            long tablet = table.tablets().getFirst().id();
            String tabletId = new ServerIds(engine.hostId()).tablet(tablet);
            String overview = get(server, "/");
            assertTrue(overview.contains(server.masterAddress()), overview);
            assertTrue(overview.contains(server.tabletServerAddress()), overview);
            assertTrue(overview.contains(Identity.SOFTWARE_VERSION), overview);
            assertTrue(get(server, "/tablet?id=" + tabletId).contains("Tablet " + tablet), "no page by clients' id");
            assertFalse(get(server, "/scans").contains("tester"));
            try (WireClient client = WireClient.of(server.tabletServerAddress())) {
                ScanResponsePB answer = client.tablet("Scan", scan(tabletId), ScanResponsePB.parser());
                assertTrue(answer.getHasMoreResults(), answer::toString);
                String scanner = answer.getScannerId().toStringUtf8();
                String page = get(server, "/scans?json");
                assertTrue(page.contains("\"id\": \"" + scanner + "\""), page);
                assertTrue(page.contains("\"user\": \"tester\""), page);
                assertTrue(page.contains("\"tablet\": " + tablet), page);
                assertTrue(page.contains("\"openScans\": 1"), page);
            }
        }
    }

    private static ScanRequestPB scan(String tabletId) {
        return ScanRequestPB.newBuilder()
                .setNewScanRequest(NewScanRequestPB.newBuilder()
                        .setTabletId(ByteString.copyFromUtf8(tabletId))
                        .addAllProjectedColumns(WireRows.view(SCHEMA.columns()).getColumnsList()))
                .setBatchSizeBytes(1)
                .build();
    }

    private static void fill(Table table) {
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < 1000; i++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setInt(0, i)
                        .setString(1, "x".repeat(50))
                        .end();
            }
            batch.commit().orThrow();
        }
    }

    @Test
    void aWebPortInUseIsNamedAndTheServerIsNotStarted() throws IOException {
        try (Engine engine = engine();
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            UncheckedIOException refused = assertThrows(
                    UncheckedIOException.class,
                    () -> NyalaServer.start(engine, CONFIG.withWebPort(taken.getLocalPort())));
            String message = String.valueOf(refused.getMessage());
            assertTrue(message.contains("127.0.0.1:" + taken.getLocalPort()), message);
            assertTrue(message.contains("--web-port"), message);
            NyalaServer.start(engine, CONFIG).close(); // Nothing of the first is in the way.
        }
    }

    @Test
    void theyGoWithTheServer() throws Exception {
        try (Engine engine = engine()) {
            NyalaServer server = NyalaServer.start(engine, CONFIG);
            assertEquals("OK\n", get(server, "/healthz"));
            server.close();
            assertThrows(IOException.class, () -> get(server, "/healthz"));
        }
    }
}
