package io.nyala.acceptance;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: a scan of the past is answered and refused as by a real Kudu. Method: times before and after the ancient
 * history mark of tables that keep their history for a week, and not at all, asked of both by the published Java
 * client.
 */
@ExtendWith(Both.Parameter.class)
final class ClientHistoryTest {
    /** What follows names times, and a setting that each server calls by its own name. */
    private static final Pattern DETAILS = Pattern.compile("(ancient history mark).*");

    @Test
    void timesBeforeTheMarkAreRefused(Both both) throws Exception {
        both.tell("""
            167 hours ago: []
            169 hours ago: Invalid argument: snapshot scan end timestamp is earlier than the ancient history mark
            a moment ago: Invalid argument: snapshot scan end timestamp is earlier than the ancient history mark
            now: [INT32 k=1, STRING v=after]
            """, client -> {
            var answers = new Said();
            KuduTable table = SmallTable.filled(client, "history_of_a_week", 10);
            for (int hours : new int[] {7 * 24 - 1, 7 * 24 + 1}) {
                long micros = (client.getLastPropagatedTimestamp() >>> 12) - TimeUnit.HOURS.toMicros(hours);
                answers.ask(hours + " hours ago", () -> RowDifferences.rowsAt(client, table, micros << 12));
            }
            forgetful(client, answers);
            return DETAILS.matcher(answers.toString()).replaceAll("$1");
        });
    }

    private static void forgetful(KuduClient client, Said answers) throws Exception {
        KuduTable table = client.createTable(
                "history_of_nothing",
                SmallTable.SCHEMA,
                new CreateTableOptions()
                        .setRangePartitionColumns(List.of())
                        .setNumReplicas(1)
                        .setExtraConfigs(Map.of("kudu.table.history_max_age_sec", "0")));
        KuduSession session = client.newSession();
        session.apply(SmallTable.upsert(table, 1, "before"));
        long before = client.getLastPropagatedTimestamp() + 1;
        session.apply(SmallTable.upsert(table, 1, "after"));
        session.close();
        answers.ask("a moment ago", () -> RowDifferences.rowsAt(client, table, before));
        answers.ask(
                "now",
                () -> SmallTable.read(client.newScannerBuilder(table).build()).toString());
    }
}
