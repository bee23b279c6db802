package io.nyala.acceptance;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.ColumnSchema.CompressionAlgorithm;
import org.apache.kudu.ColumnSchema.Encoding;
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
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: each step of ALTER does what it does in a real Kudu, to the table and to the rows that it had and gets. Method:
 * one table, one step after another with a row written after each, of our server with rows in memory and on disk; after
 * each step what the table is and has must be equal.
 */
@ExtendWith(Both.Parameter.class)
final class ClientAlterTest {
    private static final Schema SCHEMA = new Schema(List.of(
            new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
            new ColumnSchemaBuilder("text", Type.STRING).nullable(true).build(),
            new ColumnSchemaBuilder("number", Type.INT64).defaultValue(7L).build()));

    private static final int ROWS_OF_STEP = 3;

    /** A step; its name stands where it differs. */
    private record Step(String name, AlterTableOptions options) {}

    private static AlterTableOptions with() {
        return new AlterTableOptions();
    }

    private static List<Step> stepsOfColumns() {
        return List.of(
                new Step("add a column with a default", with().addColumn("flag", Type.BOOL, true)),
                new Step("add a column that may be NULL", with().addNullableColumn("real", Type.DOUBLE)),
                new Step(
                        "add one that may be NULL with a default",
                        with().addNullableColumn("short", Type.INT16, (short) 3)),
                new Step(
                        "add columns of types with attributes",
                        with().addColumn(ColumnKind.DECIMAL128
                                        .column("decimal")
                                        .defaultValue(
                                                ColumnKind.DECIMAL128.samples().getLast())
                                        .build())
                                .addColumn(ColumnKind.VARCHAR
                                        .column("varchar")
                                        .nullable(true)
                                        .build())),
                new Step("change a default", with().changeDefault("number", 8L)),
                new Step("give one that may be NULL a default", with().changeDefault("text", "none")),
                new Step("change the default of a column that was added", with().changeDefault("short", (short) 4)),
                new Step("drop a default", with().removeDefault("number")),
                new Step("drop the default of one that may be NULL", with().removeDefault("text")),
                new Step("comment on a column", with().changeComment("text", "some text")),
                new Step("drop the comment", with().changeComment("text", "")),
                new Step("change the encoding", with().changeEncoding("text", Encoding.PREFIX_ENCODING)),
                new Step("change the encoding back", with().changeEncoding("text", Encoding.AUTO_ENCODING)),
                new Step(
                        "change the compression",
                        with().changeCompressionAlgorithm("text", CompressionAlgorithm.LZ4)
                                .changeCompressionAlgorithm("number", CompressionAlgorithm.ZLIB)),
                new Step("change the size of blocks", with().changeDesiredBlockSize("text", 4_096)),
                new Step("make a column immutable", with().changeImmutable("real", true)),
                new Step("make it mutable", with().changeImmutable("real", false)));
    }

    private static List<Step> stepsOfNames() {
        return List.of(
                new Step("rename a column", with().renameColumn("text", "words")),
                new Step("rename the key", with().renameColumn("k", "key")),
                new Step(
                        "swap two names",
                        with().renameColumn("flag", "x")
                                .renameColumn("words", "flag")
                                .renameColumn("x", "words")),
                new Step("drop a column", with().dropColumn("real")),
                new Step("add another of that name", with().addNullableColumn("real", Type.INT8)),
                new Step(
                        "drop and add at once",
                        with().dropColumn("real").addNullableColumn("real", Type.STRING, "again")),
                new Step("owner", with().setOwner("somebody")),
                new Step("comment", with().setComment("what it is for")),
                new Step("settings", with().alterExtraConfigs(Map.of("kudu.table.history_max_age_sec", "3600"))),
                new Step(
                        "settings as they were",
                        with().alterExtraConfigs(Map.of("kudu.table.history_max_age_sec", ""))),
                new Step(
                        "all at once",
                        with().renameTable("alter_renamed")
                                .setOwner("another")
                                .setComment("")
                                .addNullableColumn("last", Type.BINARY)
                                .renameColumn("number", "n")
                                .changeDefault("n", 9L)));
    }

    @Test
    void eachStepDoesToTheTableWhatItSays(Both both) throws Exception {
        String name = "alter";
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            client.createTable(name, SCHEMA, new CreateTableOptions().addHashPartitions(List.of("k"), 2));
        }
        List<Step> steps = new ArrayList<>(stepsOfColumns());
        steps.addAll(stepsOfNames());
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            String before = name;
            String after = i == steps.size() - 1 ? "alter_renamed" : name;
            int rows = ROWS_OF_STEP * i;
            both.same(client -> {
                String written = write(client, client.openTable(before), rows);
                client.alterTable(before, step.options());
                KuduTable table = client.openTable(after);
                return step.name() + ": " + client.isAlterTableDone(after) + " " + written + described(table)
                        + SmallTable.rows(client, table);
            });
            if (i % 3 == 1) {
                both.flushOurs(after); // Then the next steps meet rows on disk, and rows in memory.
            }
            name = after;
        }
        both.tell("false", client -> String.valueOf(client.tableExists("alter")));
    }

    /** Rows with all cells, with NULL where it may be, and with defaults; the oldest row is changed too. */
    private static String write(KuduClient client, KuduTable table, int first) throws KuduException {
        Schema schema = table.getSchema();
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        for (int i = 0; i <= ROWS_OF_STEP; i++) {
            Operation operation = i < ROWS_OF_STEP ? table.newInsert() : table.newUpsert();
            PartialRow row = operation.getRow();
            row.addInt(0, i < ROWS_OF_STEP ? first + i : 0);
            for (int c = 1; c < schema.getColumnCount(); c++) {
                ColumnSchema column = schema.getColumnByIndex(c);
                if (i == 1 && column.isNullable()) {
                    row.setNull(c);
                } else if (i != 2 || (!column.isNullable() && column.getDefaultValue() == null)) {
                    row.addObject(c, cell(column, first + i));
                }
            }
            session.apply(operation);
        }
        StringBuilder text = new StringBuilder();
        for (OperationResponse response : session.flush()) {
            text.append(
                    response.hasRowError()
                            ? ClusterRun.failure(response.getRowError().getErrorStatus())
                            : "ok");
            text.append(' ');
        }
        session.close();
        return text.toString();
    }

    private static Object cell(ColumnSchema column, int number) {
        return switch (column.getType()) {
            case BOOL -> number % 2 == 0;
            case INT8 -> (byte) number;
            case INT16 -> (short) number;
            case INT64 -> (long) number;
            case DOUBLE -> number / 4.0;
            case STRING -> "text " + number;
            case VARCHAR -> "v" + number % 10;
            case BINARY -> new byte[] {(byte) number};
            case DECIMAL ->
                new BigDecimal(
                        BigInteger.valueOf(number), column.getTypeAttributes().getScale());
            default -> throw new IllegalArgumentException("no cells of " + column);
        };
    }

    private static String described(KuduTable table) throws KuduException {
        StringBuilder text = new StringBuilder(Describe.table(table));
        for (ColumnSchema column : table.getSchema().getColumns()) {
            text.append(' ').append(column.getDesiredBlockSize());
        }
        boolean isOwned = !table.getOwner().equals(System.getProperty("user.name"));
        return text + " owner " + (isOwned ? table.getOwner() : "") + " comment " + table.getComment() + " settings "
                + new TreeMap<>(table.getExtraConfig()) + "\n";
    }
}
