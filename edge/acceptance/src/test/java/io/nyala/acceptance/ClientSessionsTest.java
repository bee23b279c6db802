package io.nyala.acceptance;

import com.stumbleupon.async.Deferred;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
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
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.RowErrorsAndOverflowStatus;
import org.apache.kudu.client.RowResultIterator;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.apache.kudu.client.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: sessions of the synchronous and of the asynchronous client write in each flush mode, and tell of each row that
 * is refused where that mode tells it. Method: the same stories told of our server and of a real Kudu.
 */
@ExtendWith(Both.Parameter.class)
final class ClientSessionsTest {
    private static final int ROWS = 500;
    private static final String FULL_OR_CLOSED = """
        a third row: Illegal state: MANUAL_FLUSH is enabled but the buffer is too big
        another mode: the client refuses: Cannot change flush mode when writes are buffered
        close: [, ] true
        rows: [INT32 k=1, STRING v=NULL, INT32 k=2, STRING v=NULL]
        """;

    @ParameterizedTest
    @EnumSource
    void rowsAreWrittenInEachFlushMode(FlushMode mode, Both both) throws Exception {
        both.tell(ROWS + " rows, 0 errors, false", client -> {
            KuduTable table = SmallTable.create(client, "mode_" + mode);
            KuduSession session = client.newSession();
            session.setFlushMode(mode);
            session.setMutationBufferSpace(50);
            for (int k = 0; k < ROWS; k++) {
                if (mode == FlushMode.MANUAL_FLUSH && k % 50 == 0) {
                    session.flush();
                }
                session.apply(SmallTable.upsert(table, k, "v" + k));
            }
            session.flush();
            session.close();
            return SmallTable.rows(client, table).size() + " rows, " + session.countPendingErrors() + " errors, "
                    + session.hasPendingOperations();
        });
    }

    /** By the answer of each row, by the answers of a flush, and by a list that is asked for later. */
    @Test
    void eachFlushModeTellsOfRefusedRowsInItsOwnPlace(Both both) throws Exception {
        both.tell("""
            AUTO_FLUSH_SYNC: answers [, Already present: key already present (error 0)], 0 pending
            AUTO_FLUSH_BACKGROUND: answers [null, null], 1 pending
              [Already present: key already present (error 0)] overflowed false
            MANUAL_FLUSH: answers [null, null], 0 pending
              flushed [, Already present: key already present (error 0)]
            """, client -> {
            StringBuilder said = new StringBuilder();
            for (FlushMode mode : FlushMode.values()) {
                KuduTable table = SmallTable.create(client, "refused_" + mode);
                KuduSession session = client.newSession();
                session.setFlushMode(mode);
                session.setFlushInterval(60_000); // Not before it is told to.
                List<OperationResponse> answers = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    answers.add(session.apply(SmallTable.insert(table, 7)));
                }
                List<OperationResponse> flushed = session.flush();
                said.append(mode)
                        .append(": answers ")
                        .append(texts(answers))
                        .append(", ")
                        .append(session.countPendingErrors())
                        .append(" pending\n");
                if (mode == FlushMode.MANUAL_FLUSH) {
                    said.append("  flushed ").append(texts(flushed)).append('\n');
                }
                if (session.countPendingErrors() > 0) {
                    said.append("  ")
                            .append(pending(session.getPendingErrors()))
                            .append('\n');
                }
                session.close();
            }
            return said.toString();
        });
    }

    private static List<String> texts(List<OperationResponse> answers) {
        List<String> texts = new ArrayList<>();
        for (OperationResponse answer : answers) {
            texts.add(
                    answer == null
                            ? "null"
                            : answer.hasRowError()
                                    ? ClusterRun.failure(answer.getRowError().getErrorStatus())
                                    : "");
        }
        return texts;
    }

    private static String pending(RowErrorsAndOverflowStatus errors) {
        return Arrays.stream(errors.getRowErrors())
                        .map(error -> ClusterRun.failure(error.getErrorStatus()))
                        .toList()
                + " overflowed " + errors.isOverflowed();
    }

    @Test
    void aListOfErrorsThatIsFullForgetsTheOldestAndSaysSo(Both both) throws Exception {
        both.tell("5 pending, 5 kept, overflowed true, then 0 pending", client -> {
            KuduTable table = SmallTable.create(client, "overflow");
            KuduSession session = client.newSession();
            session.setFlushMode(FlushMode.AUTO_FLUSH_BACKGROUND);
            session.setErrorCollectorSpace(5);
            for (int i = 0; i < 20; i++) {
                session.apply(SmallTable.insert(table, i % 10));
            }
            session.flush();
            String text = session.countPendingErrors() + " pending, ";
            RowErrorsAndOverflowStatus errors = session.getPendingErrors();
            return text + errors.getRowErrors().length + " kept, overflowed " + errors.isOverflowed() + ", then "
                    + session.countPendingErrors() + " pending";
        });
    }

    @Test
    void errorsThatASessionIsToldToIgnoreAreNone(Both both) throws Exception {
        both.tell("false false, true true", client -> {
            KuduTable table = SmallTable.create(client, "ignoring");
            KuduSession session = client.newSession();
            session.setIgnoreAllDuplicateRows(true);
            session.setIgnoreAllNotFoundRows(true);
            session.apply(SmallTable.insert(table, 1));
            boolean isDuplicate = session.apply(SmallTable.insert(table, 1)).hasRowError();
            boolean isMissing = session.apply(SmallTable.delete(table, 2)).hasRowError();
            session.setIgnoreAllDuplicateRows(false);
            session.setIgnoreAllNotFoundRows(false);
            return isDuplicate + " " + isMissing + ", "
                    + session.apply(SmallTable.insert(table, 1)).hasRowError() + " "
                    + session.apply(SmallTable.delete(table, 2)).hasRowError();
        });
    }

    @Test
    void aSessionThatIsFullOrClosedTakesNothing(Both both) throws Exception {
        both.tell(FULL_OR_CLOSED, client -> {
            KuduTable table = SmallTable.create(client, "full");
            KuduSession session = client.newSession();
            session.setFlushMode(FlushMode.MANUAL_FLUSH);
            session.setMutationBufferSpace(2);
            session.apply(SmallTable.insert(table, 1));
            session.apply(SmallTable.insert(table, 2));
            Said said = new Said();
            said.tryTo("a third row", () -> session.apply(SmallTable.insert(table, 3)));
            said.tryTo("another mode", () -> session.setFlushMode(FlushMode.AUTO_FLUSH_SYNC));
            said.ask("close", () -> texts(session.close()) + " " + session.isClosed());
            said.ask("rows", () -> SmallTable.rows(client, table).toString());
            return said.toString();
        });
    }

    /** Each kind of operation, on a row that is there and on one that is not, and one that is refused. */
    @Test
    void operationsAreCountedAsTheyEnd(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = SmallTable.create(client, "metrics");
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
                session.apply(SmallTable.upsert(table, k, "there"));
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
                session.apply(SmallTable.delete(table, 2));
            }
            return counted;
        });
    }

    @ParameterizedTest
    @EnumSource
    void anAsynchronousClientWritesAndReadsInEachFlushMode(FlushMode mode, Both both) throws Exception {
        both.tell(ROWS + " rows, 1 refused: " + "Already present: key already present (error 0)", synchronous -> {
            AsyncKuduClient client =
                    SmallTable.create(synchronous, "async_" + mode).getAsyncClient();
            KuduTable table = client.openTable("async_" + mode).join();
            AsyncKuduSession session = client.newSession();
            session.setFlushMode(mode);
            session.setMutationBufferSpace(2 * ROWS);
            List<Deferred<OperationResponse>> answers = new ArrayList<>();
            for (int k = 0; k < ROWS; k++) {
                answers.add(session.apply(SmallTable.insert(table, k)));
            }
            session.flush().join();
            answers.add(session.apply(SmallTable.insert(table, 0)));
            session.flush().join();
            session.close().join();
            List<Status> refused = new ArrayList<>();
            for (Deferred<OperationResponse> answer : answers) {
                OperationResponse response = answer.join();
                if (response.hasRowError()) {
                    refused.add(response.getRowError().getErrorStatus());
                }
            }
            return keys(client, table).size() + " rows, " + refused.size() + " refused: "
                    + ClusterRun.failure(refused.getFirst());
        });
    }

    private static Set<Integer> keys(AsyncKuduClient client, KuduTable table) throws Exception {
        AsyncKuduScanner scanner = client.newScannerBuilder(table)
                .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                .build();
        Set<Integer> keys = new TreeSet<>();
        while (scanner.hasMoreRows()) {
            RowResultIterator rows = scanner.nextRows().join();
            while (rows != null && rows.hasNext()) {
                keys.add(rows.next().getInt("k"));
            }
        }
        return keys;
    }
}
