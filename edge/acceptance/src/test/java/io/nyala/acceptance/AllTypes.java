package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.SessionConfiguration.FlushMode;

/** A table with a column of each kind, and rows of each of their values and of NULL. Stateless. */
final class AllTypes {
    static final int ROWS = 20;

    private AllTypes() {}

    /** In two tablets by hash. */
    static KuduTable filled(KuduClient client, String name) throws KuduException {
        List<ColumnSchema> columns = new ArrayList<>(List.of(
                new ColumnSchema.ColumnSchemaBuilder("k", Type.INT32).key(true).build()));
        for (ColumnKind kind : ColumnKind.values()) {
            columns.add(kind.column(kind.name()).nullable(true).build());
        }
        CreateTableOptions options = new CreateTableOptions().setNumReplicas(1).addHashPartitions(List.of("k"), 2);
        KuduTable table = client.createTable(name, new Schema(columns), options);
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        for (int k = 0; k < ROWS; k++) {
            Operation insert = SmallTable.insert(table, k);
            for (ColumnKind kind : ColumnKind.values()) {
                int value = k % (kind.samples().size() + 1);
                if (value < kind.samples().size()) {
                    insert.getRow().addObject(kind.name(), kind.samples().get(value));
                }
            }
            session.apply(insert);
        }
        session.flush().forEach(response -> assertFalse(response.hasRowError(), response::toString));
        session.close();
        return table;
    }
}
