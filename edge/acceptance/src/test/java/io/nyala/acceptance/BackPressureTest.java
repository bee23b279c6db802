package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.server.NyalaServer;
import io.nyala.server.ServerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a client that writes faster than the server can take is held back, goes on by itself when there is room, and
 * has each row there once; the operator hears of it. Method: the published Java client inserts rows while the directory
 * that flushes write to is away, so that memory fills up, until the server says that it is too busy; then it comes
 * back.
 */
final class BackPressureTest {
    private static final int BATCH_ROWS = 500;
    private static final int TEXT_CHARS = 1_000;

    /** Far more than is in memory of a tablet that cannot flush. */
    private static final int ROWS_MAX = 100_000;

    /** Against hangs only. */
    private static final int SECONDS_MAX = 120;

    /** It tells of each flush that fails. Kept here, because a logger that nobody keeps forgets its level. */
    private static final Logger LOG = Logger.getLogger("io.nyala.maintenance");

    static {
        LOG.setLevel(Level.OFF);
    }

    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final AtomicBoolean isHeldBack = new AtomicBoolean();

    @TempDir
    private Path directory = Path.of("");

    @Test
    void aClientThatIsHeldBackGoesOnByItself() throws Exception {
        EngineConfig engineConfig = EngineConfig.in(directory.resolve("data"))
                .withMemoryBytes(128 << 20)
                .withFlushBytes(64 << 10);
        ServerConfig config = ServerConfig.standard().withMasterPort(0).withTabletServerPort(0);
        try (Engine engine = Engine.open(engineConfig);
                NyalaServer server = NyalaServer.start(engine, config, events::add);
                KuduClient client = new KuduClient.KuduClientBuilder(server.masterAddress()).build()) {
            KuduTable table = client.createTable(
                    "pressed",
                    SmallTable.SCHEMA,
                    new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
            Path away = directory.resolve("away");
            Files.move(rowSets(), away);
            CompletableFuture<Integer> writing = CompletableFuture.supplyAsync(() -> write(client, table));
            String line = awaitLine("too busy: ");
            assertTrue(line.contains("no memory for more rows in tablet"), line);
            assertFalse(writing.isDone(), "it waits, and has not given up");
            isHeldBack.set(true);
            Files.move(away, rowSets());
            int rows = writing.get(SECONDS_MAX, TimeUnit.SECONDS);
            assertTrue(rows < ROWS_MAX, "it was held back before that");
            assertEquals(rows, countEachOnce(client, table));
        }
    }

    private Path rowSets() {
        return directory.resolve("data").resolve("rowsets");
    }

    private String awaitLine(String beginning) throws InterruptedException {
        String line;
        do {
            line = events.poll(SECONDS_MAX, TimeUnit.SECONDS);
            assertNotNull(line, "the operator does not hear of it");
        } while (!line.startsWith(beginning));
        return line;
    }

    /** Until it was held back; answers how many rows. */
    private int write(KuduClient client, KuduTable table) {
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        session.setTimeoutMillis(TimeUnit.SECONDS.toMillis(SECONDS_MAX));
        int written = 0;
        try {
            while (!isHeldBack.get() && written < ROWS_MAX) {
                for (int i = 0; i < BATCH_ROWS; i++) {
                    Operation insert = SmallTable.insert(table, written++);
                    insert.getRow().addString("v", "x".repeat(TEXT_CHARS));
                    session.apply(insert);
                }
                for (OperationResponse response : session.flush()) {
                    assertFalse(response.hasRowError(), response::toString);
                }
            }
            session.close();
        } catch (KuduException e) {
            throw new IllegalStateException(e);
        }
        return written;
    }

    private static int countEachOnce(KuduClient client, KuduTable table) throws IOException {
        int expected = 0;
        KuduScanner scanner =
                client.newScannerBuilder(table).setFaultTolerant(true).build(); // In order.
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                assertEquals(expected++, row.getInt("k"));
            }
        }
        return expected;
    }
}
