package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.stumbleupon.async.Deferred;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AsyncKuduClient;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.AsyncKuduSession;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.ExternalConsistencyMode;
import org.apache.kudu.client.Insert;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduPredicate;
import org.apache.kudu.client.KuduScanToken;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.RowResultIterator;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.apache.kudu.client.Status;
import org.apache.kudu.client.Upsert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: what the published Java client offers beside plain writes and scans works. Method: a short story for each, told
 * of a real Kudu, too, where it has a text.
 */
@ExtendWith(Both.Parameter.class)
final class JavaClientTest {
    private static final Schema SCHEMA = new Schema(List.of(
            new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
            new ColumnSchemaBuilder("v", Type.STRING).nullable(true).build()));

    private static final int ROWS = 500;

    // ---- Writes ----

    @Test
    void rowsAreWrittenInEachFlushMode(Both both) throws Exception {
        for (FlushMode mode : FlushMode.values()) {
            String name = "mode_" + mode;
            both.same(client -> {
                KuduTable table = create(client, name);
                KuduSession session = client.newSession();
                session.setFlushMode(mode);
                session.setMutationBufferSpace(50);
                int written = 0;
                for (int k = 0; k < ROWS; k++) {
                    if (mode == FlushMode.MANUAL_FLUSH && k % 50 == 0) {
                        session.flush();
                    }
                    session.apply(upsert(table, k, "v" + k));
                    written++;
                }
                session.flush();
                session.close();
                return written + " written, " + session.countPendingErrors() + " errors, "
                        + rows(client, table).size();
            });
        }
    }

    @Test
    void errorsOfTheBackgroundAreCollected(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = create(client, "background");
            KuduSession session = client.newSession();
            session.setFlushMode(FlushMode.AUTO_FLUSH_BACKGROUND);
            for (int k = 0; k < 20; k++) {
                session.apply(insert(table, k % 15));
            }
            session.flush();
            return session.countPendingErrors() + " errors, first: "
                    + ClusterRun.failure(
                            session.getPendingErrors().getRowErrors()[0].getErrorStatus());
        });
    }

    /** Each kind of operation, on a row that is there and on one that is not, and one that is refused. */
    @Test
    void operationsAreCountedAsTheyEnd(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = create(client, "metrics");
            KuduSession session = client.newSession();
            session.setFlushMode(FlushMode.MANUAL_FLUSH);
            List<Supplier<Operation>> kinds = List.of(
                    table::newInsert,
                    table::newInsertIgnore,
                    table::newUpsert,
                    table::newUpsertIgnore,
                    table::newUpdate,
                    table::newUpdateIgnore,
                    table::newDelete,
                    table::newDeleteIgnore);
            String counted = "";
            for (int k = 0; k < kinds.size(); k++) {
                session.apply(upsert(table, k, "there"));
                for (int key : new int[] {k, 100 + k}) {
                    Operation operation = kinds.get(k).get();
                    operation.getRow().addInt("k", key);
                    if (k < 6) {
                        operation.getRow().addString("v", "new");
                    }
                    session.apply(operation);
                }
                session.flush();
                counted += new TreeMap<>(session.getWriteOpMetrics().get()) + "\n";
            }
            return counted + session.countPendingErrors();
        });
    }

    @Test
    void cellsThatStayAsTheyAreAreCounted(Both both) throws Exception {
        both.same(client -> {
            Schema schema = new Schema(List.of(
                    new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
                    new ColumnSchemaBuilder("fixed", Type.INT32)
                            .immutable(true)
                            .nullable(true)
                            .build(),
                    new ColumnSchemaBuilder("v", Type.INT32).nullable(true).build()));
            KuduTable table = client.createTable(
                    "fixed",
                    schema,
                    new CreateTableOptions().addHashPartitions(List.of("k"), 2).setNumReplicas(1));
            KuduSession session = client.newSession();
            String counted = "";
            for (Supplier<Operation> kind : List.<Supplier<Operation>>of(
                    table::newInsertIgnore, table::newUpsertIgnore, table::newUpdateIgnore, table::newUpdateIgnore)) {
                for (int key = 1; key <= 2; key++) {
                    for (int columns = 1; columns <= 3; columns++) {
                        Operation operation = kind.get();
                        operation.getRow().addInt("k", key);
                        if ((columns & 1) != 0) {
                            operation.getRow().addInt("fixed", 7);
                        }
                        if ((columns & 2) != 0) {
                            operation.getRow().addInt("v", 8);
                        }
                        OperationResponse response = session.apply(operation);
                        counted += new TreeMap<>(session.getWriteOpMetrics().get())
                                + (response.hasRowError()
                                        ? " " + response.getRowError().getErrorStatus()
                                        : "") + "\n";
                    }
                }
                Operation gone = table.newDelete();
                gone.getRow().addInt("k", 2);
                session.apply(gone);
            }
            return counted;
        });
    }

    @Test
    void anAsynchronousClientWritesAndReads(Both both) throws Exception {
        KuduTable table = create(both.ourClient(), "async");
        AsyncKuduClient client = Clients.asyncOf(both.ours());
        try {
            KuduTable opened = client.openTable("async").join();
            AsyncKuduSession session = client.newSession();
            session.setFlushMode(FlushMode.AUTO_FLUSH_BACKGROUND);
            List<Deferred<OperationResponse>> answers = new ArrayList<>();
            for (int k = 0; k < ROWS; k++) {
                answers.add(session.apply(upsert(opened, k, "v")));
            }
            session.flush().join();
            for (Deferred<OperationResponse> answer : answers) {
                assertFalse(answer.join().hasRowError());
            }
            AsyncKuduScanner scanner = client.newScannerBuilder(opened).build();
            int count = 0;
            while (scanner.hasMoreRows()) {
                RowResultIterator rows = scanner.nextRows().join();
                count += rows == null ? 0 : rows.getNumRows();
            }
            assertEquals(ROWS, count);
            assertEquals(ROWS, rows(both.ourClient(), table).size());
        } finally {
            client.shutdown().join();
        }
    }

    @Test
    void whatIsNotThereIsRefusedPlainly(Both both) throws Exception {
        KuduClient client = both.ourClient();
        KuduTable table = create(client, "refused");
        KuduSession session = client.newSession();
        session.setExternalConsistencyMode(ExternalConsistencyMode.COMMIT_WAIT);
        Status commitWait = session.apply(insert(table, 1)).getRowError().getErrorStatus();
        assertTrue(commitWait.isNotSupported(), commitWait::toString);
        KuduScanner differences = client.newScannerBuilder(table)
                .diffScan(client.getLastPropagatedTimestamp(), client.getLastPropagatedTimestamp() + 1)
                .build();
        KuduException diff = assertThrows(KuduException.class, differences::nextRows);
        assertTrue(diff.getStatus().isNotSupported(), () -> String.valueOf(diff.getStatus()));
        assertThrows(KuduException.class, client::newTransaction);
    }

    // ---- Scans ----

    @Test
    void tokensReadTheTableInParts(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = filled(client, "tokens");
            TreeSet<Integer> keys = new TreeSet<>();
            List<KuduScanToken> tokens = client.newScanTokenBuilder(table)
                    .setProjectedColumnNames(List.of("k"))
                    .addPredicate(KuduPredicate.newComparisonPredicate(
                            SCHEMA.getColumn("k"), KuduPredicate.ComparisonOp.LESS, 300))
                    .build();
            for (KuduScanToken token : tokens) {
                KuduScanner scanner = KuduScanToken.deserializeIntoScanner(token.serialize(), client);
                while (scanner.hasMoreRows()) {
                    for (RowResult row : scanner.nextRows()) {
                        assertTrue(keys.add(row.getInt("k")));
                    }
                }
            }
            return tokens.size() + " tokens, " + keys.size() + " rows, " + keys.first() + " to " + keys.last();
        });
    }

    @Test
    void boundsOfKeysCutAScan(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = filled(client, "bounds");
            PartialRow lower = SCHEMA.newPartialRow();
            lower.addInt("k", 100);
            PartialRow upper = SCHEMA.newPartialRow();
            upper.addInt("k", 200);
            KuduScanner scanner = client.newScannerBuilder(table)
                    .lowerBound(lower)
                    .exclusiveUpperBound(upper)
                    .build();
            return read(scanner).size() + " rows";
        });
    }

    @Test
    void aScannerThatIsKeptAliveGoesOn(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = filled(client, "alive");
            KuduScanner scanner =
                    client.newScannerBuilder(table).batchSizeBytes(100).build();
            int rows = scanner.nextRows().getNumRows();
            scanner.keepAlive();
            rows += read(scanner).size();
            scanner.close();
            return rows + " rows";
        });
    }

    @Test
    void aFaultTolerantScanComesInOrder(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = filled(client, "ordered");
            KuduScanner scanner = client.newScannerBuilder(table)
                    .readMode(AsyncKuduScanner.ReadMode.READ_AT_SNAPSHOT)
                    .setFaultTolerant(true)
                    .batchSizeBytes(300)
                    .build();
            return String.valueOf(read(scanner));
        });
    }

    // ---- Tables ----

    @Test
    void aTableThatWasDroppedComesBack(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = filled(client, "recalled");
            client.deleteTable("recalled", 600);
            String gone = client.getTablesList("recalled").getTablesList() + " "
                    + client.getSoftDeletedTablesList("recalled").getTablesList();
            client.recallDeletedTable(table.getTableId(), "recalled_again");
            return gone + " " + client.tableExists("recalled_again") + " "
                    + rows(client, client.openTable("recalled_again")).size();
        });
    }

    @Test
    void serversAndFeaturesAreToldOf(Both both) throws Exception {
        both.same(client -> client.listTabletServers().getTabletServersCount() + " "
                + client.supportsIgnoreOperations() + " "
                + client.isCreateTableDone(create(client, "told").getName())
                + " " + client.isAlterTableDone("told"));
        assertEquals(32, both.ourClient().getClusterId().length());
        KuduTable counted = filled(both.ourClient(), "counted");
        assertEquals(
                ROWS, both.ourClient().getTableStatistics(counted.getName()).getLiveRowCount());
    }

    // ---- Steps ----

    private static KuduTable create(KuduClient client, String name) throws KuduException {
        return client.createTable(
                name,
                SCHEMA,
                new CreateTableOptions().addHashPartitions(List.of("k"), 3).setNumReplicas(1));
    }

    private static KuduTable filled(KuduClient client, String name) throws KuduException {
        KuduTable table = create(client, name);
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        for (int k = 0; k < ROWS; k++) {
            session.apply(upsert(table, k, "row " + k));
        }
        session.flush().forEach(response -> assertFalse(response.hasRowError()));
        return table;
    }

    private static Insert insert(KuduTable table, int k) {
        Insert insert = table.newInsert();
        insert.getRow().addInt("k", k);
        return insert;
    }

    private static Upsert upsert(KuduTable table, int k, String v) {
        Upsert upsert = table.newUpsert();
        upsert.getRow().addInt("k", k);
        upsert.getRow().addString("v", v);
        return upsert;
    }

    private static List<String> rows(KuduClient client, KuduTable table) throws KuduException {
        return read(client.newScannerBuilder(table)
                .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                .build());
    }

    private static List<String> read(KuduScanner scanner) throws KuduException {
        List<String> rows = new ArrayList<>();
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                rows.add(row.rowToString());
            }
        }
        return rows;
    }
}
