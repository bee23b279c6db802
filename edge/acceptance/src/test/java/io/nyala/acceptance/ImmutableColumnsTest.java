package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.peer.Cluster;
import io.nyala.peer.KuduTool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: immutable columns are what they are in a real Kudu: made, changed, shown, and what each kind of write gets for
 * setting one. Method: the same stories told to both by the published Java client and tool.
 */
@ExtendWith(Both.Parameter.class)
final class ImmutableColumnsTest {
    private static final String LARGE = "x".repeat(70_000);

    private static final Schema SCHEMA = new Schema(List.of(
            new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
            new ColumnSchemaBuilder("v", Type.STRING).nullable(true).build(),
            new ColumnSchemaBuilder("fixed", Type.STRING)
                    .nullable(true)
                    .immutable(true)
                    .build(),
            new ColumnSchemaBuilder("count", Type.INT32)
                    .defaultValue(5)
                    .immutable(true)
                    .build()));

    private static KuduTable create(KuduClient client, String name) throws KuduException {
        client.createTable(
                name, SCHEMA, new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
        return client.openTable(name);
    }

    private static Operation set(Operation operation, int key, @Nullable Object... namesAndValues) {
        operation.getRow().addInt("k", key);
        for (int i = 0; i < namesAndValues.length; i += 2) {
            String name = String.valueOf(namesAndValues[i]);
            Object value = namesAndValues[i + 1];
            if (value == null) {
                operation.getRow().setNull(name);
            } else {
                operation.getRow().addObject(name, value);
            }
        }
        return operation;
    }

    /** Writes them together; answers what was said of each. */
    private static String write(KuduClient client, Operation... operations) throws KuduException {
        return write(client, false, operations);
    }

    /** The same, and how many were done and ignored. */
    private static String count(KuduClient client, Operation... operations) throws KuduException {
        return write(client, true, operations);
    }

    private static String write(KuduClient client, boolean withCounts, Operation... operations) throws KuduException {
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        for (Operation operation : operations) {
            session.apply(operation);
        }
        List<String> said = new ArrayList<>();
        for (OperationResponse response : session.flush()) {
            said.add(
                    response.hasRowError()
                            ? ClusterRun.failure(response.getRowError().getErrorStatus())
                            : "ok");
        }
        session.close();
        return said + (withCounts ? counts(session) : "");
    }

    /** What was done and what was ignored, where it is some. */
    private static String counts(KuduSession session) {
        Map<String, Long> counts = new TreeMap<>(session.getWriteOpMetrics().get());
        counts.values().removeIf(count -> count == 0);
        counts.keySet().removeIf(name -> !name.startsWith("successful_") && !name.endsWith("_ignore_errors"));
        return counts.isEmpty() ? "" : " " + counts;
    }

    private static String rows(KuduClient client, KuduTable table) throws KuduException {
        List<String> rows = new ArrayList<>();
        for (RowResult row : client.newScannerBuilder(table).build()) {
            rows.add(row.rowToString());
        }
        return rows.stream().sorted().toList().toString();
    }

    @Test
    void eachKindOfWriteGetsItsAnswer(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = create(client, "immutable_kinds");
            List<String> said = new ArrayList<>();
            said.add(count(client, set(table.newInsert(), 1, "fixed", "a")));
            said.add(count(client, set(table.newUpdate(), 1, "v", "v1", "fixed", "b")));
            said.add(count(client, set(table.newUpdate(), 1, "count", 3, "fixed", "b")));
            said.add(count(client, set(table.newUpdate(), 1, "fixed", null)));
            said.add(count(client, set(table.newUpdate(), 1, "fixed", "a")));
            said.add(count(client, set(table.newUpdate(), 99, "fixed", "a")));
            said.add(count(client, set(table.newUpdate(), 1, "v", LARGE, "fixed", "a")));
            said.add(count(client, set(table.newUpdate(), 1, "fixed", LARGE)));
            said.add(count(client, set(table.newUpdateIgnore(), 99, "fixed", "b")));
            said.add(count(client, set(table.newUpdateIgnore(), 99, "fixed", "b", "v", "v2")));
            said.add(count(client, set(table.newUpdateIgnore(), 1, "fixed", "b")));
            said.add(count(client, set(table.newUpdateIgnore(), 1, "fixed", "b", "v", "v3")));
            said.add(rows(client, table));
            said.add(count(client, set(table.newUpdateIgnore(), 1, "fixed", LARGE, "v", "v4")));
            said.add(count(client, set(table.newUpdateIgnore(), 1, "fixed", "b", "v", LARGE)));
            said.add(count(client, set(table.newUpsert(), 1, "fixed", "b", "v", "v5")));
            said.add(count(client, set(table.newUpsert(), 1, "v", "v6")));
            said.add(count(client, set(table.newUpsert(), 2, "fixed", "new")));
            said.add(count(client, set(table.newUpsert(), 1, "fixed", LARGE)));
            said.add(count(client, set(table.newUpsertIgnore(), 1, "fixed", "b", "v", "v7")));
            said.add(count(client, set(table.newUpsertIgnore(), 1, "fixed", "b")));
            said.add(count(client, set(table.newUpsertIgnore(), 3, "fixed", "b")));
            said.add(count(client, set(table.newUpsertIgnore(), 1, "fixed", LARGE)));
            said.add(count(client, set(table.newInsertIgnore(), 1, "fixed", "b")));
            said.add(rows(client, table));
            said.add(count(
                    client,
                    set(table.newDelete(), 1),
                    set(table.newUpsert(), 1, "fixed", "c"),
                    set(table.newUpsert(), 1, "fixed", "d"),
                    set(table.newUpsertIgnore(), 1, "fixed", "e", "v", "v8")));
            said.add(rows(client, table));
            return String.join("\n", said);
        });
    }

    @Test
    void theWordsAndTheCodeOfTheErrorAreKudus(Both both) throws Exception {
        KuduTable table = create(both.ourClient(), "immutable_words");
        assertEquals(
                "[Immutable: UPDATE not allowed for immutable column: fixed STRING NULLABLE IMMUTABLE (error 0)]",
                write(both.ourClient(), set(table.newUpdate(), 1, "fixed", "a")));
        assertEquals(
                "[ok, Immutable: UPDATE not allowed for immutable column: count INT32 NOT NULL IMMUTABLE (error 0)]",
                write(both.ourClient(), set(table.newInsert(), 1), set(table.newUpsert(), 1, "count", 7)));
    }

    @Test
    void aTableInUseGetsAndLosesImmutableColumns(Both both) throws Exception {
        both.same(client -> {
            KuduTable before = create(client, "immutable_alter");
            List<String> said = new ArrayList<>();
            said.add(write(client, set(before.newInsert(), 1, "v", "a", "fixed", "a")));
            ColumnSchema added = new ColumnSchemaBuilder("added", Type.INT32)
                    .nullable(true)
                    .immutable(true)
                    .build();
            said.add(alter(client, new AlterTableOptions().addColumn(added)));
            said.add(alter(client, new AlterTableOptions().changeImmutable("v", true)));
            said.add(alter(client, new AlterTableOptions().changeImmutable("none", true)));
            said.add(alter(client, new AlterTableOptions().changeImmutable("k", true)));
            said.add(alter(client, new AlterTableOptions().changeComment("v", "still immutable")));
            said.add(write(client, set(before.newUpdate(), 1, "v", "b")));
            said.add(write(client, set(before.newUpsert(), 1, "v", "b")));
            said.add(rows(client, before));
            said.add(alter(client, new AlterTableOptions().changeImmutable("v", false)));
            said.add(alter(client, new AlterTableOptions().renameColumn("fixed", "still_fixed")));
            KuduTable after = client.openTable("immutable_alter");
            said.add(write(client, set(after.newUpdate(), 1, "v", "c"), set(after.newUpdate(), 1, "still_fixed", "c")));
            said.add(write(client, set(after.newDelete(), 1)));
            said.add(rows(client, after));
            return String.join("\n", said);
        });
    }

    private static String alter(KuduClient client, AlterTableOptions options) {
        try {
            client.alterTable("immutable_alter", options);
            return Describe.table(client.openTable("immutable_alter"));
        } catch (KuduException e) {
            return ClusterRun.failure(e.getStatus());
        }
    }

    @Test
    void theToolShowsThem(Both both) throws Exception {
        create(both.kuduClient(), "immutable_shown");
        create(both.ourClient(), "immutable_shown");
        String theirs = describe(both.kudu());
        assertTrue(theirs.contains("fixed STRING NULLABLE IMMUTABLE"), theirs);
        assertEquals(theirs, describe(both.ours()));
    }

    private static String describe(Cluster cluster) {
        String text = KuduTool.run("table", "describe", cluster.masterAddress(), "immutable_shown", "-show_attributes")
                .output();
        return text.substring(0, text.indexOf(")\n\n")); // The owner is whoever runs this.
    }
}
