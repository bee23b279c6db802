package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.apache.kudu.ColumnSchema;
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
import org.jspecify.annotations.Nullable;

/**
 * A table about one kind of column: each of its values as key, where a key may have it, and with each of these each of
 * its values and NULL as value. What a scan of it must answer follows from the order of the kind's values. Immutable.
 */
final class TypedTable {
    private final ColumnKind kind;
    private final String name;

    TypedTable(ColumnKind kind, String prefix) {
        this.kind = kind;
        this.name = prefix + kind;
    }

    String name() {
        return name;
    }

    Schema schema() {
        List<ColumnSchema> columns = new ArrayList<>();
        if (kind.mayBeKey()) {
            columns.add(kind.column("k").key(true).build());
        }
        columns.add(
                new ColumnSchema.ColumnSchemaBuilder("id", Type.INT32).key(true).build());
        columns.add(kind.column("v").nullable(true).build());
        return new Schema(columns);
    }

    /** Keys by their place among the kind's values. */
    int keys() {
        return kind.mayBeKey() ? kind.samples().size() : 1;
    }

    /** Values of a key, the last of which is NULL. */
    int valuesOfKey() {
        return kind.samples().size() + 1;
    }

    @Nullable
    Object value(int index) {
        return index == kind.samples().size() ? null : kind.samples().get(index);
    }

    KuduTable create(KuduClient client) throws KuduException {
        KuduTable table =
                client.createTable(name, schema(), new CreateTableOptions().setRangePartitionColumns(List.of()));
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        for (int key = 0; key < keys(); key++) {
            for (int value = 0; value < valuesOfKey(); value++) {
                session.apply(row(table.newInsert(), key, value, value));
            }
        }
        session.flush().forEach(response -> assertFalse(response.hasRowError(), response::toString));
        session.close();
        return table;
    }

    /** Fills the row {@code (key, id)} in, so that it has a value, by its place. */
    Operation row(Operation operation, int key, int id, int value) {
        if (kind.mayBeKey()) {
            operation.getRow().addObject("k", kind.samples().get(key));
        }
        operation.getRow().addInt("id", id);
        if (value == kind.samples().size()) {
            operation.getRow().setNull("v");
        } else {
            operation.getRow().addObject("v", kind.samples().get(value));
        }
        return operation;
    }

    /** What a scan answers that selects by the places of keys and values, in the order of keys. */
    String expected(IntPredicate keySelected, IntPredicate valueSelected) {
        List<String> rows = new ArrayList<>();
        for (int key = 0; key < keys(); key++) {
            for (int value = 0; value < valuesOfKey(); value++) {
                if (keySelected.test(key) && valueSelected.test(value)) {
                    rows.add(text(key, value, value));
                }
            }
        }
        return rows.toString();
    }

    String text(int key, int id, int value) {
        return (kind.mayBeKey() ? ColumnKind.text(kind.samples().get(key)) + " " : "") + id + " "
                + ColumnKind.text(value(value));
    }

    /** A scan in the order of keys, of all that this client knows to be written. */
    static KuduScanner.KuduScannerBuilder scan(KuduClient client, KuduTable table) {
        return client.newScannerBuilder(table)
                .readMode(AsyncKuduScanner.ReadMode.READ_AT_SNAPSHOT)
                .snapshotTimestampRaw(client.getLastPropagatedTimestamp() + 1)
                .setFaultTolerant(true);
    }

    /** All rows of a scan, in its order. */
    String read(KuduScanner scanner, AsyncKuduScanner.RowDataFormat format) throws KuduException {
        scanner.setRowDataFormat(format);
        List<String> rows = new ArrayList<>();
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                rows.add((kind.mayBeKey() ? kind.read(row, "k") + " " : "") + row.getInt("id") + " "
                        + kind.read(row, "v"));
            }
        }
        scanner.close();
        return rows.toString();
    }
}
