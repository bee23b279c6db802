package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: settings of a table are taken, refused and shown as a real Kudu does. Method: each setting with each kind of
 * text, at creation and in a change, told of both by the published Java client.
 */
@ExtendWith(Both.Parameter.class)
final class ExtraConfigsTest {
    private static final String PRIORITY = "kudu.table.maintenance_priority";
    private static final String NO_COMPACTION = "kudu.table.disable_compaction";
    private static final String HISTORY = "kudu.table.history_max_age_sec";

    private static final List<String> NUMBERS = List.of("0", "-6", "2147483647", "2147483648", "", "x", " +03 ", "-0");
    private static final List<String> TRUTHS = List.of("true", "FALSE", "", "1", "yes", " true");

    private static final Schema SCHEMA = new Schema(
            List.of(new ColumnSchemaBuilder("k", Type.INT32).key(true).build()));

    private static CreateTableOptions options(Map<String, String> settings) {
        return new CreateTableOptions()
                .setNumReplicas(1)
                .setRangePartitionColumns(List.of())
                .setExtraConfigs(settings);
    }

    private static List<Map<String, String>> all() {
        List<Map<String, String>> all = new ArrayList<>();
        NUMBERS.forEach(number -> all.add(Map.of(PRIORITY, number)));
        NUMBERS.forEach(number -> all.add(Map.of(HISTORY, number)));
        all.add(Map.of(HISTORY, "604800"));
        all.add(Map.of(HISTORY, "-5"));
        all.add(Map.of("kudu.table.none", "1"));
        all.add(Map.of(PRIORITY, "1", HISTORY, "5000"));
        return all;
    }

    private static String said(KuduException e) {
        return ClusterRun.failure(e.getStatus());
    }

    @Test
    void areTakenAndShownAtCreation(Both both) throws Exception {
        List<Map<String, String>> all = all();
        TRUTHS.forEach(truth -> all.add(Map.of(NO_COMPACTION, truth)));
        all.add(Map.of(PRIORITY, "3", NO_COMPACTION, "true", HISTORY, "77"));
        both.same(client -> {
            StringBuilder seen = new StringBuilder();
            for (int i = 0; i < all.size(); i++) {
                seen.append('\n').append(all.get(i)).append(": ").append(create(client, "settings" + i, all.get(i)));
            }
            return seen.toString();
        });
    }

    private static String create(KuduClient client, String name, Map<String, String> settings) {
        try {
            client.createTable(name, SCHEMA, options(settings));
            return Describe.table(client.openTable(name));
        } catch (KuduException e) {
            return said(e);
        }
    }

    @Test
    void areChangedOneByOne(Both both) throws Exception {
        both.same(client -> {
            client.createTable("settings_changed", SCHEMA, options(Map.of(PRIORITY, "2")));
            StringBuilder seen = new StringBuilder();
            for (Map<String, String> settings : all()) {
                seen.append('\n').append(settings).append(": ").append(alter(client, settings));
            }
            return seen.append(alter(client, Map.of(NO_COMPACTION, "True"))).toString();
        });
    }

    private static String alter(KuduClient client, Map<String, String> settings) {
        try {
            client.alterTable("settings_changed", new AlterTableOptions().alterExtraConfigs(settings));
            return Describe.table(client.openTable("settings_changed"));
        } catch (KuduException e) {
            return said(e);
        }
    }
}
