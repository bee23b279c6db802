package io.nyala.acceptance;

import com.stumbleupon.async.Deferred;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.AsyncKuduClient;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.AsyncKuduScanner.ReadMode;
import org.apache.kudu.client.AsyncKuduSession;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: the asynchronous client of the published library makes, changes and drops tables, reads them, and hears of
 * errors as with a real Kudu, also where many of its calls are under way at once. Method: stories told of both.
 */
@ExtendWith(Both.Parameter.class)
final class ClientAsyncTest {
    private static final long PATIENCE_MILLIS = 240_000;
    private static final int TABLES = 4;
    private static final int ROWS = 500;

    private static CreateTableOptions plain() {
        return new CreateTableOptions().setNumReplicas(1).addHashPartitions(List.of("k"), 2);
    }

    private static <T> T await(Deferred<T> deferred) throws Exception {
        return deferred.join(PATIENCE_MILLIS);
    }

    @Test
    void manyTablesAreMadeChangedAndDroppedAtOnce(Both both) throws Exception {
        both.same(synchronous -> {
            Said said = new Said();
            AsyncKuduClient client = SmallTable.create(synchronous, "at_once").getAsyncClient();
            List<Deferred<KuduTable>> made = new ArrayList<>();
            for (int i = 0; i < TABLES; i++) {
                made.add(client.createTable("at_once_" + i, SmallTable.SCHEMA, plain()));
            }
            for (Deferred<KuduTable> table : made) {
                said.ask("made", () -> await(table).getName());
            }
            List<Deferred<?>> changes = new ArrayList<>();
            for (int i = 0; i < TABLES; i++) {
                changes.add(client.alterTable(
                        "at_once_" + i, new AlterTableOptions().addNullableColumn("added" + i, Type.DOUBLE)));
            }
            changes.add(client.alterTable("at_once_0", new AlterTableOptions().dropColumn("never")));
            changes.add(client.alterTable("at_once_never", new AlterTableOptions().dropColumn("v")));
            for (Deferred<?> change : changes) {
                said.tryTo("changed", () -> await(change));
            }
            for (int i = 0; i < TABLES; i++) {
                String name = "at_once_" + i;
                said.ask(
                        "opened",
                        () -> await(client.openTable(name)).getSchema().toString());
                said.ask(
                        "changed",
                        () -> "" + await(client.isAlterTableDone(name)).isDone());
            }
            List<Deferred<?>> drops = new ArrayList<>();
            for (int i = 0; i <= TABLES; i++) { // The last is not there.
                drops.add(client.deleteTable("at_once_" + i));
            }
            for (Deferred<?> drop : drops) {
                said.tryTo("dropped", () -> await(drop));
            }
            said.ask(
                    "there",
                    () -> await(client.getTablesList("at_once")).getTablesList().toString());
            said.ask("exists", () -> "" + await(client.tableExists("at_once_1")));
            said.ask("opened", () -> await(client.openTable("at_once_1")).getName());
            return said.toString();
        });
    }

    @Test
    void scansThatAreOpenAtOnceAreKeptAliveReadAndClosed(Both both) throws Exception {
        both.same(synchronous -> {
            Said said = new Said();
            KuduTable table = SmallTable.filled(synchronous, "async_scans", ROWS);
            AsyncKuduClient client = table.getAsyncClient();
            List<AsyncKuduScanner> scanners = new ArrayList<>();
            for (int i = 0; i < TABLES; i++) {
                scanners.add(client.newScannerBuilder(table)
                        .readMode(ReadMode.READ_YOUR_WRITES)
                        .batchSizeBytes(512)
                        .build());
            }
            List<Deferred<?>> first = new ArrayList<>();
            for (AsyncKuduScanner scanner : scanners) {
                first.add(scanner.nextRows());
            }
            for (Deferred<?> rows : first) {
                said.tryTo("first rows", () -> await(rows));
            }
            for (AsyncKuduScanner scanner : scanners) {
                said.tryTo("kept alive", () -> await(scanner.keepAlive()));
            }
            TreeSet<Integer> keys = new TreeSet<>();
            AsyncKuduScanner whole = client.newScannerBuilder(table)
                    .readMode(ReadMode.READ_YOUR_WRITES)
                    .batchSizeBytes(512)
                    .build();
            while (whole.hasMoreRows()) {
                for (RowResult row : await(whole.nextRows())) {
                    keys.add(row.getInt("k"));
                }
            }
            said.ask("keys", () -> keys.size() + " to " + keys.last());
            for (AsyncKuduScanner scanner : scanners) {
                said.tryTo("closed", () -> await(scanner.close()));
                said.tryTo("read when closed", () -> await(scanner.nextRows()));
            }
            return said.toString();
        });
    }

    @Test
    void eachWriteHearsOfItsOwnError(Both both) throws Exception {
        both.same(synchronous -> {
            Said said = new Said();
            KuduTable table = SmallTable.filled(synchronous, "async_errors", 4);
            AsyncKuduSession session = table.getAsyncClient().newSession();
            session.setFlushMode(FlushMode.AUTO_FLUSH_BACKGROUND);
            List<Deferred<OperationResponse>> answers = new ArrayList<>();
            for (int k = 2; k < 6; k++) {
                answers.add(session.apply(SmallTable.insert(table, k)));
            }
            answers.add(session.apply(SmallTable.delete(table, 77)));
            await(session.flush());
            for (Deferred<OperationResponse> answer : answers) {
                said.ask("answer", () -> {
                    OperationResponse response = await(answer);
                    return response.hasRowError()
                            ? ClusterRun.failure(response.getRowError().getErrorStatus())
                            : "written";
                });
            }
            await(session.close());
            return said.toString();
        });
    }
}
