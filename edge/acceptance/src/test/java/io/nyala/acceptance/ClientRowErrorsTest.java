package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RowError;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a row that cannot be written is refused with Kudu's code and with words that say why, and others are not.
 * Method: one operation after another, of our server and of a real Kudu; the words are ours.
 */
@ExtendWith(Both.Parameter.class)
final class ClientRowErrorsTest {
    private static final String ROWS = """
        a row: done
        insert it again: Already present: key already present (error 0)
        insert it again, or not: done
        update one that is missing: Not found: key not found (error 0)
        update it, or not: done
        delete one that is missing: Not found: key not found (error 0)
        delete it, or not: done
        delete with a value: done
        above all ranges: Not found: accessed range partition ([0x80000064, <end>)) does not exist in \
        table: rows_refused
        below all ranges: Not found: accessed range partition ([<start>, 0x80000000)) does not exist in \
        table: rows_refused
        delete outside of ranges: Not found: accessed range partition ([<start>, 0x80000000)) does not \
        exist in table: rows_refused
        without a column that is needed: Invalid argument: No value provided for required column: needed \
        INT32 NOT NULL (error 0)
        upsert without it: Invalid argument: No value provided for required column: needed INT32 NOT NULL \
        (error 0)
        update without any value: Invalid argument: No fields updated, key is: (int32 k=<redacted>, \
        string l=<redacted>) (error 0)
        without a column of the key: Invalid argument: No value provided for required column: l STRING \
        NOT NULL (error 0)
        NULL where none may be: the client refuses: needed cannot be set to null
        a cell of another type: the client refuses: v isn't [Type: int32], it's string
        a column that is missing: the client refuses: Unknown column: x
        the longest cell: done
        a longer one: Invalid argument: value too large for column 'v' (65537 bytes, maximum is 65536 \
        bytes) (error 0)
        a longer one in an update: Invalid argument: value too large for column 'v' (65537 bytes, maximum \
        is 65536 bytes) (error 0)
        a long key: done
        a longer key: Invalid argument: encoded primary key too large (16385 bytes, maximum is 16384 \
        bytes) (error 0)
        a column dropped since: Invalid argument: Client provided column v STRING NULLABLE not present in \
        tablet (error 0)
        a column added since: Invalid argument: Client provided column v STRING NULLABLE not present in \
        tablet (error 0)
        """;

    /** What is refused of rows, by the server or by the client before it. */
    @Test
    void rowsThatCannotBeWritten(Both both) throws Exception {
        both.tellByCode(ROWS, client -> {
            Schema schema = new Schema(List.of(
                    new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
                    new ColumnSchemaBuilder("l", Type.STRING).key(true).build(),
                    new ColumnSchemaBuilder("v", Type.STRING).nullable(true).build(),
                    new ColumnSchemaBuilder("needed", Type.INT32).build()));
            PartialRow lower = schema.newPartialRow();
            lower.addInt("k", 0);
            PartialRow upper = schema.newPartialRow();
            upper.addInt("k", 100);
            KuduTable table = client.createTable(
                    "rows_refused",
                    schema,
                    new CreateTableOptions()
                            .setRangePartitionColumns(List.of("k"))
                            .addRangePartition(lower, upper));
            Said said = new Said();
            write(said, client, "a row", set(table.newInsert(), 1, "a", "v"));
            write(said, client, "insert it again", set(table.newInsert(), 1, "a", "v"));
            write(said, client, "insert it again, or not", set(table.newInsertIgnore(), 1, "a", "v"));
            write(said, client, "update one that is missing", set(table.newUpdate(), 2, "a", "v"));
            write(said, client, "update it, or not", set(table.newUpdateIgnore(), 2, "a", "v"));
            write(said, client, "delete one that is missing", key(table.newDelete(), 2, "a"));
            write(said, client, "delete it, or not", key(table.newDeleteIgnore(), 2, "a"));
            write(said, client, "delete with a value", set(table.newDelete(), 1, "a", "v"));
            write(said, client, "above all ranges", set(table.newInsert(), 100, "a", "v"));
            write(said, client, "below all ranges", set(table.newUpsert(), -1, "a", "v"));
            write(said, client, "delete outside of ranges", key(table.newDelete(), -1, "a"));
            write(said, client, "without a column that is needed", key(table.newInsert(), 3, "a"));
            write(said, client, "upsert without it", key(table.newUpsert(), 3, "a"));
            write(said, client, "update without any value", key(table.newUpdate(), 1, "a"));
            Operation keyless = table.newInsert();
            keyless.getRow().addInt("k", 3);
            write(said, client, "without a column of the key", keyless);
            said.tryTo(
                    "NULL where none may be",
                    () -> key(table.newInsert(), 3, "a").getRow().setNull("needed"));
            said.tryTo(
                    "a cell of another type",
                    () -> key(table.newInsert(), 3, "a").getRow().addInt("v", 1));
            said.tryTo(
                    "a column that is missing",
                    () -> key(table.newInsert(), 3, "a").getRow().addInt("x", 1));
            write(said, client, "the longest cell", set(table.newInsert(), 4, "a", "x".repeat(65_536)));
            write(said, client, "a longer one", set(table.newInsert(), 5, "a", "x".repeat(65_537)));
            write(said, client, "a longer one in an update", set(table.newUpdate(), 1, "a", "x".repeat(65_537)));
            write(said, client, "a long key", set(table.newInsert(), 6, "x".repeat(16_380), "v"));
            write(said, client, "a longer key", set(table.newInsert(), 6, "x".repeat(16_381), "v"));
            client.alterTable("rows_refused", new AlterTableOptions().dropColumn("v"));
            write(said, client, "a column dropped since", set(table.newInsert(), 7, "a", "v"));
            client.alterTable("rows_refused", new AlterTableOptions().addColumn("w", Type.INT32, 1));
            write(said, client, "a column added since", key(table.newDelete(), 1, "a"));
            return said.toString();
        });
    }

    /** Of the rows of one tablet in one request: an error of another row would be as good as none. */
    @ParameterizedTest
    @ValueSource(strings = {"0", "9", "3 7", "0 9", "0 1", "8 9", "1 4 6", "0 1 2 3 4 5 6 7 8 9"})
    void errorsOfABatchAreThoseOfTheirRows(String refused, Both both) throws Exception {
        List<Integer> keys = Pattern.compile(" ")
                .splitAsStream(refused)
                .map(Integer::valueOf)
                .toList();
        both.tell("refused: " + refused, client -> {
            String name = "refused_" + refused.replace(' ', '_');
            KuduTable table = client.createTable(
                    name,
                    SmallTable.SCHEMA,
                    new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
            KuduSession session = client.newSession();
            for (int k : keys) {
                session.apply(SmallTable.insert(table, k));
            }
            session.setFlushMode(FlushMode.MANUAL_FLUSH);
            for (int k = 0; k < 10; k++) {
                session.apply(SmallTable.insert(table, k));
            }
            StringJoiner said = new StringJoiner(" ", "refused: ", "");
            List<OperationResponse> responses = session.flush();
            for (int i = 0; i < responses.size(); i++) {
                if (responses.get(i).hasRowError()) {
                    RowError error = responses.get(i).getRowError();
                    assertTrue(error.getErrorStatus().isAlreadyPresent(), error::toString);
                    assertEquals(i, error.getOperation().getRow().getInt("k"), "the row that it is told of");
                    said.add(Integer.toString(i));
                }
            }
            session.close();
            return said.toString();
        });
    }

    private static Operation key(Operation operation, int k, String l) {
        operation.getRow().addInt("k", k);
        operation.getRow().addString("l", l);
        return operation;
    }

    private static Operation set(Operation operation, int k, String l, String v) {
        key(operation, k, l).getRow().addString("v", v);
        operation.getRow().addInt("needed", 1);
        return operation;
    }

    private static void write(Said said, KuduClient client, String what, Operation operation) throws Exception {
        said.ask(what, () -> {
            OperationResponse response = client.newSession().apply(operation);
            return response.hasRowError()
                    ? ClusterRun.failure(response.getRowError().getErrorStatus())
                    : "done";
        });
    }
}
