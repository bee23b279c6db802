package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.protocol.master.Master.ConnectToMasterRequestPB;
import io.nyala.protocol.server.ServerBase.GetStatusRequestPB;
import io.nyala.protocol.server.ServerBase.ServerClockRequestPB;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveRequestPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: who asks whether the server is there, or keeps a scanner, has an answer while all threads do something that
 * takes long. Method: calls that wait for the test, more than there are threads, and then each of those.
 */
final class QuickCallsTest {
    private static final String GENERIC = "kudu.server.GenericService";
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT32));

    @Test
    void areAnsweredWhileAllThreadsAreTaken(@TempDir Path directory) throws IOException {
        int threads = Math.max(4, 2 * Runtime.getRuntime().availableProcessors()); // As RpcThreads has them.
        AtomicInteger waiting = new AtomicInteger();
        CountDownLatch gate = new CountDownLatch(1);
        ServerConfig config = ServerConfig.standard().withMasterPort(0).withTabletServerPort(0);
        try (Engine engine = Engine.open(
                        EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
                NyalaServer server = NyalaServer.start(engine, config, _ -> {
                    waiting.incrementAndGet();
                    await(gate);
                });
                WireClient busy = WireClient.of(server.masterAddress());
                WireClient master = WireClient.of(server.masterAddress());
                WireClient tablets = WireClient.of(server.tabletServerAddress());
                Gate _ =
                        gate::countDown) { // Before the server is closed, which tells its listener so and waits for it.
            for (int i = 0; i < threads + 2; i++) { // One by one, or some would wait for their turn and free a thread.
                busy.submit(
                        WireClient.MASTER,
                        "CreateTable",
                        RunningServer.creation("t" + i, SCHEMA, 1).toByteArray());
                int taken = Math.min(i + 1, threads);
                Spin.until(() -> waiting.get() == taken);
            }
            PingRequestPB ping = PingRequestPB.getDefaultInstance();
            assertFalse(master.call(WireClient.MASTER, "Ping", ping).isError());
            assertFalse(master.call(WireClient.MASTER, "ConnectToMaster", ConnectToMasterRequestPB.getDefaultInstance())
                    .isError());
            assertFalse(tablets.call(WireClient.TABLET_SERVER, "Ping", ping).isError());
            ScannerKeepAliveRequestPB keepAlive = ScannerKeepAliveRequestPB.newBuilder()
                    .setScannerId(ByteString.copyFromUtf8("none"))
                    .build();
            assertFalse(tablets.call(WireClient.TABLET_SERVER, "ScannerKeepAlive", keepAlive)
                    .isError());
            for (WireClient client : new WireClient[] {master, tablets}) {
                assertFalse(client.call(GENERIC, "GetStatus", GetStatusRequestPB.getDefaultInstance())
                        .isError());
                assertFalse(client.call(GENERIC, "ServerClock", ServerClockRequestPB.getDefaultInstance())
                        .isError());
            }
            assertEquals(threads, waiting.get(), "others are still where they were");
            gate.countDown();
            for (int i = 0; i < threads + 2; i++) {
                assertFalse(busy.read().isError());
            }
        }
    }

    /** Something that is opened when a test is over, however it ends. */
    private interface Gate extends AutoCloseable {
        @Override
        void close();
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
