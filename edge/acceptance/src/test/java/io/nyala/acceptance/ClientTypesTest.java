package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.AsyncKuduScanner.RowDataFormat;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.Insert;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: each type of column holds its values, from the least to the largest, and NULL, as key and as value, written,
 * changed and by default. Method: a table for each type, with the published Java client, of our server and of a real
 * Kudu; both must answer what the values' own order says.
 */
@ExtendWith(Both.Parameter.class)
final class ClientTypesTest {
    /** Rows of ours first in memory, then on disk with changes in memory, then on disk with changes there. */
    @ParameterizedTest
    @EnumSource
    void valuesComeBackAsTheyWereWrittenAndChanged(ColumnKind kind, Both both) throws Exception {
        TypedTable typed = new TypedTable(kind, "types_");
        String written = typed.expected(_ -> true, _ -> true);
        both.tell(written, client -> ordered(client, typed, typed.create(client)));
        both.tell(rotated(typed, 1), client -> rotate(client, typed, 1));
        both.flushOurs(typed.name());
        both.tellOfOurs(rotated(typed, 1), client -> ordered(client, typed, client.openTable(typed.name())));
        both.tell(rotated(typed, 2), client -> rotate(client, typed, 2));
        both.flushOurs(typed.name());
        both.tellOfOurs(rotated(typed, 2), client -> ordered(client, typed, client.openTable(typed.name())));
    }

    private static String rotated(TypedTable typed, int by) {
        List<String> rows = new ArrayList<>();
        for (int key = 0; key < typed.keys(); key++) {
            for (int id = 0; id < typed.valuesOfKey(); id++) {
                rows.add(typed.text(key, id, (id + by) % typed.valuesOfKey()));
            }
        }
        return rows.toString();
    }

    private static String rotate(KuduClient client, TypedTable typed, int by) throws KuduException {
        KuduTable table = client.openTable(typed.name());
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        for (int key = 0; key < typed.keys(); key++) {
            for (int id = 0; id < typed.valuesOfKey(); id++) {
                session.apply(typed.row(
                        id % 2 == 0 ? table.newUpdate() : table.newUpsert(), key, id, (id + by) % typed.valuesOfKey()));
            }
        }
        session.flush().forEach(response -> assertFalse(response.hasRowError(), response::toString));
        session.close();
        return ordered(client, typed, table);
    }

    /** All rows in the order of keys; in both layouts, which must be equal. */
    private static String ordered(KuduClient client, TypedTable typed, KuduTable table) throws KuduException {
        String rows = null;
        for (RowDataFormat format : RowDataFormat.values()) {
            String read = typed.read(TypedTable.scan(client, table).build(), format);
            assertTrue(
                    rows == null || rows.equals(read), () -> "by rows and by columns " + table.getName() + " differs");
            rows = read;
        }
        return String.valueOf(rows);
    }

    /** Each value of each type as the default of a column of its own. */
    @Test
    void cellsThatAreNotWrittenHaveTheDefault(Both both) throws Exception {
        List<ColumnSchema> columns = new ArrayList<>();
        columns.add(new ColumnSchemaBuilder("id", Type.INT32).key(true).build());
        StringBuilder expected = new StringBuilder();
        for (ColumnKind kind : ColumnKind.values()) {
            for (int i = 0; i < kind.samples().size(); i++) {
                columns.add(kind.column(kind + "_" + i)
                        .defaultValue(kind.samples().get(i))
                        .build());
                expected.append(ColumnKind.text(kind.samples().get(i))).append(' ');
            }
        }
        both.tell(expected.toString(), client -> {
            KuduTable table = client.createTable(
                    "defaults", new Schema(columns), new CreateTableOptions().setRangePartitionColumns(List.of()));
            Insert insert = table.newInsert();
            insert.getRow().addInt("id", 1);
            assertFalse(client.newSession().apply(insert).hasRowError());
            RowResult row = client.newScannerBuilder(table)
                    .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                    .build()
                    .nextRows()
                    .next();
            StringBuilder text = new StringBuilder();
            for (ColumnKind kind : ColumnKind.values()) {
                for (int i = 0; i < kind.samples().size(); i++) {
                    text.append(kind.read(row, kind + "_" + i)).append(' ');
                }
            }
            return text.toString();
        });
    }

    @Test
    void notANumberIsANumberToo(Both both) throws Exception {
        both.tell("NaN NaN -0.0 -0.0", client -> {
            KuduTable table = client.createTable(
                    "not_a_number",
                    new Schema(List.of(
                            new ColumnSchemaBuilder("id", Type.INT32).key(true).build(),
                            new ColumnSchemaBuilder("f", Type.FLOAT).build(),
                            new ColumnSchemaBuilder("d", Type.DOUBLE).build())),
                    new CreateTableOptions().setRangePartitionColumns(List.of()));
            KuduSession session = client.newSession();
            float[] values = {Float.NaN, -0f};
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < values.length; i++) {
                Insert insert = table.newInsert();
                insert.getRow().addInt("id", i);
                insert.getRow().addFloat("f", values[i]);
                insert.getRow().addDouble("d", values[i]);
                session.apply(insert);
            }
            for (RowResult row : client.newScannerBuilder(table)
                    .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                    .build()) {
                text.append(row.getFloat("f"))
                        .append(' ')
                        .append(row.getDouble("d"))
                        .append(' ');
            }
            return text.toString().strip();
        });
    }

    /** By the client as it is written: Kudu's rule. */
    @Test
    void aTextThatIsLongerThanItsColumnIsCut(Both both) throws Exception {
        both.tell("éab", client -> {
            KuduTable table = client.createTable(
                    "cut",
                    new Schema(List.of(
                            new ColumnSchemaBuilder("id", Type.INT32).key(true).build(),
                            ColumnKind.VARCHAR.column("v").build())),
                    new CreateTableOptions().setRangePartitionColumns(List.of()));
            Insert insert = table.newInsert();
            insert.getRow().addInt("id", 1);
            insert.getRow().addVarchar("v", "éabcdef");
            client.newSession().apply(insert);
            return client.newScannerBuilder(table)
                    .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                    .build()
                    .nextRows()
                    .next()
                    .getVarchar("v");
        });
    }
}
