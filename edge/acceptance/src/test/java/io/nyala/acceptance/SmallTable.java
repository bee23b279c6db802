package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;

/** A table of a number and a text, in three tablets by hash, for stories that need just any. Stateless. */
final class SmallTable {
    static final Schema SCHEMA = new Schema(List.of(
            new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
            new ColumnSchemaBuilder("v", Type.STRING).nullable(true).build()));

    private SmallTable() {}

    static KuduTable create(KuduClient client, String name) throws KuduException {
        return client.createTable(
                name,
                SCHEMA,
                new CreateTableOptions().addHashPartitions(List.of("k"), 3).setNumReplicas(1));
    }

    /** With the rows {@code 0 <= k < rows}. */
    static KuduTable filled(KuduClient client, String name, int rows) throws KuduException {
        KuduTable table = create(client, name);
        fill(client, table, 0, 1, rows);
        return table;
    }

    /** Writes each {@code step}th row from {@code first} to {@code end}. */
    static void fill(KuduClient client, KuduTable table, int first, int step, int end) throws KuduException {
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        for (int k = first; k < end; k += step) {
            session.apply(upsert(table, k, "row " + k));
        }
        session.flush().forEach(response -> assertFalse(response.hasRowError(), response::toString));
        session.close();
    }

    static Operation insert(KuduTable table, int k) {
        return keyed(table.newInsert(), k);
    }

    static Operation delete(KuduTable table, int k) {
        return keyed(table.newDelete(), k);
    }

    static Operation upsert(KuduTable table, int k, String v) {
        Operation upsert = keyed(table.newUpsert(), k);
        upsert.getRow().addString("v", v);
        return upsert;
    }

    static Operation keyed(Operation operation, int k) {
        operation.getRow().addInt("k", k);
        return operation;
    }

    /** All rows, sorted as texts. */
    static List<String> rows(KuduClient client, KuduTable table) throws KuduException {
        return read(client.newScannerBuilder(table)
                        .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                        .build())
                .stream()
                .sorted()
                .toList();
    }

    /** The rows of a scan in its order. */
    static List<String> read(KuduScanner scanner) throws KuduException {
        List<String> rows = new ArrayList<>();
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                rows.add(row.rowToString());
            }
        }
        return rows;
    }
}
