package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Table;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanToken;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a client that wants to read a tablet with several scans gets pieces of about the size that it asks for, which
 * together have each row once. Method: the published Java client, a table whose keys are texts and numbers, with rows
 * in memory, in several rowsets, changed and deleted since.
 */
final class SplitTokensTest {
    private static final Schema SCHEMA = new Schema(List.of(
            new ColumnSchemaBuilder("name", Type.STRING).key(true).build(),
            new ColumnSchemaBuilder("id", Type.INT64).key(true).build(),
            new ColumnSchemaBuilder("text", Type.STRING).nullable(true).build()));

    private static final int ROWS = 6_000;

    @TempDir
    private Path directory;

    private OurServer server;
    private KuduClient client;

    @BeforeEach
    void start() {
        server = OurServer.start(directory);
        client = Clients.of(server);
    }

    @AfterEach
    void stop() throws KuduException {
        client.close();
        server.close();
    }

    private KuduTable create(String name, int buckets) throws KuduException {
        CreateTableOptions options = new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of());
        if (buckets > 1) {
            options.addHashPartitions(List.of("id"), buckets);
        }
        client.createTable(name, SCHEMA, options);
        return client.openTable(name);
    }

    private static void row(Operation operation, int number, String text) {
        PartialRow row = operation.getRow();
        row.addString("name", "name\0" + number % 97);
        row.addLong("id", number);
        if (!text.isEmpty()) {
            row.addString("text", text);
        }
    }

    private void write(KuduTable table, int from, int to) throws KuduException {
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.AUTO_FLUSH_BACKGROUND);
        for (int i = from; i < to; i++) {
            Operation upsert = table.newUpsert();
            row(upsert, i, "text of " + i + "x".repeat(i % 50));
            session.apply(upsert);
            if (i % 7 == 0) {
                Operation delete = table.newDelete();
                row(delete, i, "");
                session.apply(delete);
            }
        }
        session.close();
        assertEquals(0, session.countPendingErrors());
    }

    private Map<Long, Integer> read(List<KuduScanToken> tokens) throws Exception {
        Map<Long, Integer> counts = new HashMap<>();
        for (KuduScanToken token : tokens) {
            KuduScanner scanner = KuduScanToken.deserializeIntoScanner(token.serialize(), client);
            for (RowResult row : scanner) {
                counts.merge(row.getLong("id"), 1, Integer::sum);
            }
        }
        return counts;
    }

    private List<KuduScanToken> tokens(KuduTable table, long bytes) {
        return client.newScanTokenBuilder(table).setSplitSizeBytes(bytes).build();
    }

    private void flush(String name) {
        Table table = server.engine().table(name).orElseThrow();
        table.flush().join();
    }

    @Test
    void eachRowIsInOnePiece() throws Exception {
        for (int buckets = 1; buckets <= 3; buckets += 2) {
            String name = "split" + buckets;
            KuduTable table = create(name, buckets);
            List<Integer> counts = new ArrayList<>();
            for (int part = 0; part < 3; part++) { // In memory, then in one rowset and in memory, then in two.
                write(table, part * ROWS / 2, part * ROWS / 2 + ROWS);
                List<KuduScanToken> tokens = tokens(table, 16 << 10);
                counts.add(tokens.size());
                Map<Long, Integer> rows = read(tokens);
                assertEquals(read(tokens(table, Long.MAX_VALUE)), rows);
                assertTrue(rows.values().stream().allMatch(count -> count == 1), "a row was read twice");
                long expected = 0;
                for (long i = 0; i < part * ROWS / 2 + ROWS; i++) {
                    expected += i % 7 == 0 ? 0 : 1;
                }
                assertEquals(expected, rows.size());
                flush(name);
            }
            assertTrue(counts.stream().allMatch(count -> count > 5), counts::toString);
            assertEquals(buckets, tokens(table, Long.MAX_VALUE).size());
        }
    }

    @Test
    void anEmptyTableHasOnePieceForEachTablet() throws Exception {
        KuduTable table = create("empty", 3);
        List<KuduScanToken> tokens = tokens(table, 1);
        assertEquals(3, tokens.size());
        assertEquals(Map.of(), read(tokens));
    }

    /** Bounds of the scan are those of its first and last piece. */
    @Test
    void aPartOfATableIsDividedToo() throws Exception {
        KuduTable table = create("part", 1);
        write(table, 0, ROWS);
        flush("part");
        PartialRow lower = SCHEMA.newPartialRow();
        lower.addString("name", "name\00020");
        lower.addLong("id", 0);
        PartialRow upper = SCHEMA.newPartialRow();
        upper.addString("name", "name\00060");
        upper.addLong("id", 0);
        List<KuduScanToken> tokens = client.newScanTokenBuilder(table)
                .lowerBound(lower)
                .exclusiveUpperBound(upper)
                .setSplitSizeBytes(8 << 10)
                .build();
        assertTrue(tokens.size() > 3, () -> tokens.size() + " tokens");
        Map<Long, Integer> rows = read(tokens);
        for (long i = 0; i < ROWS; i++) {
            String name = "name\0" + i % 97;
            boolean isIn = i % 7 != 0 && name.compareTo("name\00020") >= 0 && name.compareTo("name\00060") < 0;
            assertEquals(isIn ? 1 : 0, rows.getOrDefault(i, 0), "row " + i);
        }
    }
}
