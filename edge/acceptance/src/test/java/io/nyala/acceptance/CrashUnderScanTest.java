package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.peer.ServerProcess;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a scan that tolerates faults is a pause longer, and nothing else, when its server is killed. Method: a process
 * that ends by SIGKILL at any moment of a scan by the published client, and is started again at the same ports; the
 * first start is ended by SIGTERM while it opens, after the second rows change, before which the scanner asks on. It
 * must have each row of its snapshot once, in order.
 */
final class CrashUnderScanTest {
    private static final int ROWS = 3_000;
    private static final int KILLS = 1;

    /** What a process ends with that SIGTERM has ended, whenever that was. */
    private static final int TERMINATED = 128 + 15;

    /** What a session of the client takes at a time. */
    private static final int SESSION_ROWS = 1_000;

    /** So that a tablet takes many calls. */
    private static final int SCAN_BATCH_BYTES = 2_000;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void theScannerGoesOnWhereItWas(@Seed SplittableRandom random) throws Exception {
        String[] options = ServerProcess.atFixedPorts("--memory", "256");
        ServerProcess server = ServerProcess.start(directory, options);
        CompletableFuture<ServerProcess> restarted = CompletableFuture.completedFuture(server);
        try (KuduClient client = Clients.of(server)) {
            KuduTable table = inRanges(client);
            for (int from = 0; from < ROWS; from += SESSION_ROWS) {
                SmallTable.fill(client, table, from, 1, from + SESSION_ROWS);
            }
            KuduScanner scanner = client.newScannerBuilder(table)
                    .setFaultTolerant(true)
                    .batchSizeBytes(SCAN_BATCH_BYTES)
                    .prefetching(false)
                    .build();
            int kills = 0;
            int nextKill = random.nextInt(ROWS / KILLS);
            int expected = 0;
            while (scanner.hasMoreRows()) {
                for (RowResult row : scanner.nextRows()) {
                    assertEquals(expected, row.getInt("k"));
                    assertEquals("row " + expected, row.getString("v"), "as it was when the scan began");
                    expected++;
                }
                if (kills < KILLS && expected > nextKill) {
                    kills++;
                    nextKill = ROWS * kills / KILLS + random.nextInt(ROWS / KILLS);
                    restarted.join().kill();
                    restarted = CompletableFuture.supplyAsync(() -> restarted(options));
                }
            }
            assertEquals(ROWS, expected);
            assertEquals(KILLS, kills, "kills in the middle of the scan");
            restarted.join();
            List<String> now = SmallTable.rows(client, table);
            assertEquals(ROWS, now.size(), "as many came as went");
            assertTrue(now.contains("INT32 k=0, STRING v=changed"), now::toString);
            assertTrue(now.contains("INT32 k=-1, STRING v=new"), now::toString);
        } finally {
            restarted.join().close();
        }
    }

    /** Three tablets, one behind the other, so that a scan in order has the keys of all in order. */
    private static KuduTable inRanges(KuduClient client) throws KuduException {
        CreateTableOptions options =
                new CreateTableOptions().setRangePartitionColumns(List.of("k")).setNumReplicas(1);
        for (int split : new int[] {ROWS / 3, 2 * ROWS / 3}) {
            PartialRow bound = SmallTable.SCHEMA.newPartialRow();
            bound.addInt("k", split);
            options.addSplitRow(bound);
        }
        return client.createTable("scanned", SmallTable.SCHEMA, options);
    }

    /** Not at the first try: that one is told to stop while it replays, and loses nothing either. */
    private ServerProcess restarted(String[] options) {
        ServerProcess.Ended stopped = ServerProcess.stopWhileOpening(directory, options);
        assertEquals(TERMINATED, stopped.exitCode(), stopped::output);
        assertTrue(stopped.output().contains(" stopped"), stopped::output);
        return changed(ServerProcess.start(directory, options));
    }

    /** Rows change, go and come, as soon as there is a server again; the scan must see nothing of it. */
    private static ServerProcess changed(ServerProcess server) {
        try (KuduClient other = Clients.of(server)) {
            KuduTable table = other.openTable("scanned");
            KuduSession session = other.newSession();
            session.setFlushMode(FlushMode.MANUAL_FLUSH);
            for (int k = 0; k < ROWS; k += 10) {
                session.apply(SmallTable.upsert(table, k, "changed"));
                session.apply(SmallTable.keyed(table.newDeleteIgnore(), k + 1));
                session.apply(SmallTable.upsert(table, -k - 1, "new"));
            }
            session.flush().forEach(response -> assertFalse(response.hasRowError(), response::toString));
            session.close();
            return server;
        } catch (KuduException e) {
            server.close();
            throw new IllegalStateException(e);
        }
    }
}
