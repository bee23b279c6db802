package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.peer.KuduTool;
import io.nyala.peer.ServerProcess;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.Insert;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a server that is killed or stopped under load is a pause to its clients, and nothing else. Method: a process
 * that ends by SIGKILL or by SIGTERM, and is started again at the same ports, while the published client writes on;
 * then each row must be there once, as it was acknowledged last; and one that was stopped says it replayed nothing.
 */
final class CrashUnderLoadTest {
    /** Acknowledged before each end of the server, while more are under way. */
    private static final int ROWS_BEFORE_END = 500;

    private static final int BATCH = 50;

    /** Some seconds of work for the command, so that both ends of the server are in the midst of it. */
    private static final int GENERATED_ROWS = 20_000;

    private static final int KILLS = 2;
    private static final int STOPS = 1;
    private static final String NOTHING_REPLAYED = " 0 changes of rows replayed";

    @TempDir
    private Path directory = Path.of("");

    /** So do the published client and Kudu's own command, at the same time; that reads its rows when it has written. */
    @Test
    void theClientGoesOnAndEachAcknowledgedRowIsThere() throws Exception {
        String[] options = ServerProcess.atFixedPorts("--memory", "256");
        ServerProcess server = ServerProcess.start(directory, options);
        try (KuduClient client = Clients.of(server)) {
            create(client);
            AtomicInteger acknowledged = new AtomicInteger();
            AtomicBoolean isEnough = new AtomicBoolean();
            CompletableFuture<Void> writer = start(() -> write(client, acknowledged, isEnough));
            awaitMore(acknowledged::get, writer, ROWS_BEFORE_END);
            CompletableFuture<KuduTool.Result> loaded = loadByCommand(server.masterAddress());
            awaitGenerated(client, loaded);
            assertFalse(loaded.isDone(), "the command had ended before the server was killed");
            server.kill();
            server = ServerProcess.start(directory, options);
            awaitMore(acknowledged::get, writer, ROWS_BEFORE_END);
            server.stop();
            server = ServerProcess.start(directory, options);
            awaitMore(acknowledged::get, writer, ROWS_BEFORE_END);
            isEnough.set(true);
            writer.join();
            assertEquals(acknowledged.get(), idsOf(client).cardinality());
            KuduTool.Result load = loaded.join();
            assertEquals(0, load.exitCode(), load.output());
            assertTrue(load.output().contains("expected rows: " + GENERATED_ROWS + "\n"), load.output());
            assertTrue(load.output().contains("actual rows  : " + GENERATED_ROWS + "\n"), load.output());
            server.stop();
            assertTrue(server.output().contains("stopped"), server::output);
        } finally {
            server.close();
        }
    }

    /**
     * Batches of several tablets in flight at each end. After each, all goes on; then, with all acknowledged, the
     * server is killed once more, and each row must be as it was acknowledged last.
     */
    @Test
    void rowsAreAsTheyWereAcknowledgedLastThroughSeveralKills(@Seed SplittableRandom random) throws Exception {
        String[] options = ServerProcess.atFixedPorts("--memory", "256");
        ServerProcess server = ServerProcess.start(directory, options);
        try (KuduClient client = Clients.of(server)) {
            Load load = new Load(client, random);
            for (int round = 0; round < KILLS; round++) {
                AtomicBoolean isEnough = new AtomicBoolean();
                CompletableFuture<Void> writer = start(() -> load.write(isEnough::get));
                awaitMore(load::acknowledgedCount, writer, random.nextInt(1, ROWS_BEFORE_END));
                server.kill();
                server = ServerProcess.start(directory, options);
                awaitMore(load::acknowledgedCount, writer, ROWS_BEFORE_END);
                isEnough.set(true);
                writer.join();
                server.kill();
                server = ServerProcess.start(directory, options);
                assertFalse(server.output().contains(NOTHING_REPLAYED), server::output);
                assertEquals(load.expected(), Load.found(client), "round " + round);
            }
        } finally {
            server.close();
        }
    }

    @Test
    void aServerThatWasStoppedUnderLoadHasNothingToReplay(@Seed SplittableRandom random) throws Exception {
        String[] options = ServerProcess.atFixedPorts("--memory", "256");
        ServerProcess server = ServerProcess.start(directory, options);
        try (KuduClient client = Clients.of(server)) {
            Load load = new Load(client, random);
            for (int round = 0; round < STOPS; round++) {
                AtomicBoolean isEnough = new AtomicBoolean();
                CompletableFuture<Void> writer = start(() -> load.write(isEnough::get));
                awaitMore(load::acknowledgedCount, writer, random.nextInt(1, ROWS_BEFORE_END));
                server.stop();
                assertTrue(server.output().contains("stopped"), server::output);
                server = ServerProcess.start(directory, options);
                assertTrue(server.output().contains(NOTHING_REPLAYED), server::output);
                awaitMore(load::acknowledgedCount, writer, ROWS_BEFORE_END);
                isEnough.set(true);
                writer.join();
                assertEquals(load.expected(), Load.found(client), "round " + round);
            }
        } finally {
            server.close();
        }
    }

    /** Inserts by two threads, each of which waits for its rows a hundred at a time. */
    private static CompletableFuture<KuduTool.Result> loadByCommand(String master) {
        return CompletableFuture.supplyAsync(
                () -> KuduTool.run(
                        "perf",
                        "loadgen",
                        master,
                        "-num_threads=2",
                        "-num_rows_per_thread=" + GENERATED_ROWS / 2,
                        "-flush_per_n_rows=100",
                        "-timeout_ms=600000",
                        "-auto_database=generated",
                        "-run_scan"),
                Thread::startVirtualThread);
    }

    /** Until the command has written something. */
    private static void awaitGenerated(KuduClient client, CompletableFuture<KuduTool.Result> loaded)
            throws KuduException {
        boolean isWriting = false;
        while (!isWriting && !loaded.isDone()) {
            for (String table : client.getTablesList("generated").getTablesList()) {
                isWriting |= client.getTableStatistics(table).getLiveRowCount() > 0;
            }
        }
    }

    /** What writes until it is told that it is enough: no machine is so slow that it would end before the server. */
    private static CompletableFuture<Void> start(Runnable writer) {
        return CompletableFuture.runAsync(writer, task -> Thread.ofPlatform().start(task));
    }

    /** Until so many more rows are acknowledged; fails if the writer has. */
    private static void awaitMore(IntSupplier count, CompletableFuture<Void> writer, int rows) {
        int enough = count.getAsInt() + rows;
        while (count.getAsInt() < enough) {
            writer.copy().completeOnTimeout(null, 5, TimeUnit.MILLISECONDS).join();
        }
    }

    private static void create(KuduClient client) throws KuduException {
        Schema schema = new Schema(List.of(
                new ColumnSchemaBuilder("id", Type.INT64).key(true).build(),
                new ColumnSchemaBuilder("text", Type.STRING).build()));
        client.createTable("t", schema, new CreateTableOptions().addHashPartitions(List.of("id"), 3));
    }

    /** Inserts, so that a row that comes twice is an error. */
    private static void write(KuduClient client, AtomicInteger acknowledged, AtomicBoolean isEnough) {
        try {
            KuduTable table = client.openTable("t");
            KuduSession session = client.newSession();
            session.setFlushMode(SessionConfiguration.FlushMode.MANUAL_FLUSH);
            session.setTimeoutMillis(120_000);
            for (int from = 0; !isEnough.get(); from += BATCH) {
                for (int id = from; id < from + BATCH; id++) {
                    Insert insert = table.newInsert();
                    insert.getRow().addLong("id", id);
                    insert.getRow().addString("text", "row " + id);
                    session.apply(insert);
                }
                for (OperationResponse response : session.flush()) {
                    assertFalse(response.hasRowError(), () -> String.valueOf(response.getRowError()));
                }
                acknowledged.addAndGet(BATCH);
            }
        } catch (KuduException e) {
            throw new IllegalStateException(e);
        }
    }

    private static BitSet idsOf(KuduClient client) throws KuduException {
        BitSet ids = new BitSet();
        KuduScanner scanner = client.newScannerBuilder(client.openTable("t")).build();
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                int id = (int) row.getLong("id");
                assertFalse(ids.get(id), "row " + id + " is there twice");
                assertEquals("row " + id, row.getString("text"));
                ids.set(id);
            }
        }
        return ids;
    }
}
