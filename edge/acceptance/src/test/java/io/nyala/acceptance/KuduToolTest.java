package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.peer.Cluster;
import io.nyala.peer.KuduTool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.kudu.client.KuduClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: Kudu's own command works against our server. Method: the real {@code kudu}, the same commands against our
 * server and against a real Kudu; what they print must be equal but for identifiers, addresses and times.
 */
@ExtendWith(Both.Parameter.class)
final class KuduToolTest {
    private static final Pattern IDENTITY = Pattern.compile("[0-9a-f]{32}|127\\.0\\.0\\.1:\\d+");
    private static final Pattern SPACES = Pattern.compile("[ -]*\\|[ -]*|[ -]{3,}|\\+[-+]*");

    private static final Pattern SECTION = Pattern.compile(" [Ss]ummary$|^Summary by|^Tablet Replica Count");

    /** The tablets and the scanners of a server. */
    private static final Pattern OTHER_TABLES = Pattern.compile("<none> \\d+ \\d+");

    private static final String CREATE = """
        {"table_name": "metrics", "schema": {
          "columns": [
            {"column_name": "host", "column_type": "STRING", "is_nullable": false},
            {"column_name": "day", "column_type": "INT32", "is_nullable": false},
            {"column_name": "load", "column_type": "DOUBLE", "is_nullable": true, "comment": "one minute"},
            {"column_name": "price", "column_type": "DECIMAL", "type_attributes": {"precision": 9, "scale": 2},
             "is_nullable": true},
            {"column_name": "note", "column_type": "STRING", "is_nullable": false, "default_value": "none",
             "encoding": "PLAIN_ENCODING", "compression": "LZ4"}],
          "key_column_names": ["host", "day"]},
         "partition": {
          "hash_partitions": [{"columns": ["host"], "num_buckets": 3, "seed": 8}],
          "range_partition": {"columns": ["day"], "range_bounds": [
            {"upper_bound": {"bound_type": "exclusive", "bound_values": ["100"]}},
            {"lower_bound": {"bound_type": "inclusive", "bound_values": ["100"]},
             "upper_bound": {"bound_type": "exclusive", "bound_values": ["200"]}}]}},
         "owner": "ops", "comment": "of all hosts", "num_replicas": 1,
         "extra_configs": {"configs": {"kudu.table.history_max_age_sec": "3600"}}}\
        """;

    private final Both both;

    KuduToolTest(Both both) {
        this.both = both;
    }

    @Test
    void tablesAreMadeChangedReadAndDropped() {
        same("table", "create", "MASTER", CREATE);
        same("table", "create", "MASTER", CREATE);
        same("table", "list", "MASTER", "-tables=me*");
        same("table", "describe", "MASTER", "metrics", "-show_attributes", "-show_column_comment");
        same("table", "describe", "MASTER", "missing");
        same("table", "get_extra_configs", "MASTER", "metrics");
        same("table", "add_column", "MASTER", "metrics", "size", "INT64", "-default_value=[7]");
        same("table", "add_column", "MASTER", "metrics", "size", "INT64");
        same("table", "rename_column", "MASTER", "metrics", "size", "bytes");
        same("table", "rename_column", "MASTER", "metrics", "missing", "bytes2");
        same("table", "column_set_default", "MASTER", "metrics", "bytes", "[8]");
        same("table", "column_set_comment", "MASTER", "metrics", "bytes", "of memory");
        same("table", "column_set_compression", "MASTER", "metrics", "bytes", "ZLIB");
        same("table", "column_set_encoding", "MASTER", "metrics", "bytes", "RLE");
        same("table", "column_set_block_size", "MASTER", "metrics", "bytes", "16384");
        same("table", "describe", "MASTER", "metrics", "-show_attributes", "-show_column_comment");
        same("table", "column_remove_default", "MASTER", "metrics", "bytes");
        same("table", "add_range_partition", "MASTER", "metrics", "[200]", "[300]");
        same("table", "add_range_partition", "MASTER", "metrics", "[250]", "[350]");
        same("table", "drop_range_partition", "MASTER", "metrics", "[200]", "[300]");
        same("table", "drop_range_partition", "MASTER", "metrics", "[200]", "[300]");
        same("table", "delete_column", "MASTER", "metrics", "bytes");
        same("table", "delete_column", "MASTER", "metrics", "host");
        same("table", "set_comment", "MASTER", "metrics", "changed");
        same("table", "clear_comment", "MASTER", "metrics");
        same("table", "set_extra_config", "MASTER", "metrics", "kudu.table.history_max_age_sec", "7200");
        same("table", "get_extra_configs", "MASTER", "metrics");
        same("table", "set_limit", "disk_size", "MASTER", "metrics", "1000000");
        same("table", "set_limit", "row_count", "MASTER", "metrics", "1000000");
        same("table", "locate_row", "MASTER", "metrics", "[\"host\", 5]");
        same("table", "locate_row", "MASTER", "metrics", "[\"host\", 500]");
        same("table", "rename_table", "MASTER", "metrics", "measures");
        same("table", "describe", "MASTER", "measures");
        same("table", "delete", "MASTER", "measures", "-reserve_seconds=600");
        same("table", "list", "MASTER", "-tables=me*");
        same("table", "list", "MASTER", "-show_soft_deleted_table", "-tables=me*");
        same("table", "delete", "MASTER", "missing");
    }

    @Test
    void generatedRowsAreWrittenCountedScannedAndCopied() {
        for (String options :
                new String[] {"-num_threads=2", "-use_random", "-use_random -use_upsert", "-string_len=300"}) {
            String loaded = KuduTool.succeed(arguments(
                    "perf loadgen MASTER -num_rows_per_thread=2000 -run_scan -table_num_hash_partitions=3 " + options));
            assertTrue(loaded.contains("expected rows: 4000"), loaded);
            assertTrue(loaded.contains("actual rows  : 4000"), loaded);
        }
        KuduTool.succeed(arguments(
                "perf loadgen MASTER -num_threads=1 -num_rows_per_thread=3000 -keep_auto_table -auto_database=load"));
        String table =
                KuduTool.succeed(arguments("table list MASTER -tables=load*")).strip();
        assertTrue(
                KuduTool.succeed(arguments("perf table_scan MASTER " + table)).contains("Total count 3000"));
        assertTrue(KuduTool.succeed(arguments("table scan MASTER " + table + " -row_count_only"))
                .contains("Total count 3000"));
        assertTrue(
                KuduTool.succeed(arguments("table statistics MASTER " + table)).contains("live row count: 3000"));
        KuduTool.succeed(arguments("table copy MASTER " + table + " MASTER -dst_table=copied -write_type=insert"));
        assertEquals(3000, rows(table).size());
        assertEquals(rows(table), rows("copied"));
        String tolerant = KuduTool.succeed(
                arguments("perf table_scan MASTER copied -fault_tolerant -num_threads=1 -scan_batch_size=1000"));
        assertTrue(tolerant.contains("Total count 3000"), tolerant);
        String filtered = KuduTool.succeed(
                "table", "scan", both.ours().masterAddress(), "copied", "-predicates=[\"AND\", [\"<\", \"key\", 10]]");
        assertTrue(filtered.contains("Total count 10"), filtered);
        KuduTool.succeed(arguments("table delete MASTER copied"));
    }

    /** As the command prints them, sorted; it reads several tablets at a time. */
    private List<String> rows(String table) {
        return KuduTool.succeed(arguments("table scan MASTER " + table))
                .lines()
                .filter(line -> line.startsWith("("))
                .sorted()
                .toList();
    }

    /** Texts with any bytes, moments before the first one, NULL; and what is selected of them. */
    @Test
    void rowsOfAllTypesArePrintedAsThoseOfARealKudu() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            AllTypes.filled(client, "printed");
        }
        for (String options : new String[] {
            "",
            "-columns=k,DECIMAL128,BINARY",
            "-predicates=[\"AND\",[\"<\",\"INT16\",1],[\"NOTNULL\",\"STRING\"]]",
            "-predicates=[\"AND\",[\"NULL\",\"DATE\"]]",
            "-predicates=[\"AND\",[\"IN\",\"INT8\",[-1,1,7]]]"
        }) {
            assertEquals(
                    String.join("\n", printed(both.kudu(), options)),
                    String.join("\n", printed(both.ours(), options)),
                    options);
        }
        assertEquals(AllTypes.ROWS + 1, printed(both.ours(), "").size());
    }

    /** Rows and their count, sorted; the command reads both tablets at a time. */
    private static List<String> printed(Cluster cluster, String options) {
        List<String> command = new ArrayList<>(List.of("table", "scan", cluster.masterAddress(), "printed"));
        if (!options.isEmpty()) {
            command.add(options);
        }
        return KuduTool.succeed(command.toArray(String[]::new))
                .lines()
                .filter(line -> line.startsWith("(") || line.startsWith("Total count"))
                .map(line -> line.replaceFirst(" cost .*", "")) // Of time.
                .sorted()
                .toList();
    }

    @Test
    void theClusterIsHealthy() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            AllTypes.filled(client, "healthy");
        }
        String[] command = {"cluster", "ksck", "MASTER", "-checksum_scan", "-ksck_format=plain_full", "-tables=healthy"
        };
        KuduTool.Result theirs = run(both.kudu(), command);
        KuduTool.Result own = run(both.ours(), command);
        assertEquals(report(theirs.output()), report(own.output()));
        assertEquals(0, own.exitCode(), own.output());
        // A real Kudu is warned about for the flags that it needs here; ours has none.
        assertEquals("OK", own.output().lines().toList().getLast(), own.output());
        assertEquals(
                2,
                own.output()
                        .lines()
                        .filter(line -> line.endsWith(" is healthy."))
                        .count(),
                own.output());
    }

    /**
     * What ksck says of servers, tables, tablets and sums, sorted, for tablets come in the order of their identifiers;
     * without flags, and warnings about them, and without what depends on other tables.
     */
    private static String report(String output) {
        List<String> lines = new ArrayList<>();
        boolean isKept = false;
        for (String line : plain(output).lines().toList()) {
            if (SECTION.matcher(line).find()) {
                isKept = true;
            } else if (line.contains("lags ") || line.startsWith("====") || line.equals("OK")) {
                isKept = false;
            }
            if (isKept && !line.isBlank()) {
                lines.add(OTHER_TABLES
                        .matcher(line.replace("-nyala", ""))
                        .replaceAll("<none> #")
                        .strip());
            }
        }
        Collections.sort(lines);
        return String.join("\n", lines);
    }

    @Test
    void serversTellAboutThemselves() {
        String tabletServers = KuduTool.succeed(arguments("tserver list MASTER"));
        assertEquals(3, tabletServers.lines().count(), tabletServers);
        String address =
                tabletServers.substring(tabletServers.indexOf("127.0.0.1:")).strip();
        assertTrue(KuduTool.succeed(arguments("master list MASTER"))
                .contains(both.ours().masterAddress()));
        assertTrue(KuduTool.succeed(arguments("master status MASTER")).contains("bound_rpc_addresses"));
        assertTrue(KuduTool.succeed("tserver", "status", address).contains("node_instance"));
        assertTrue(Long.parseLong(
                        KuduTool.succeed(arguments("master timestamp MASTER")).strip())
                > 0);
        String flags = KuduTool.succeed("tserver", "get_flags", address);
        assertTrue(
                flags.lines().findFirst().orElse("").matches(" *flag *\\| *value *\\| *default value\\? *\\| *tags *"),
                flags);
        assertEquals(2, flags.lines().count(), () -> "there are no flags: " + flags);
        KuduTool.succeed(arguments("perf loadgen MASTER -num_rows_per_thread=10 -keep_auto_table -auto_database=listed"
                + " -table_num_hash_partitions=2"));
        String listed =
                KuduTool.succeed(arguments("table list MASTER -tables=listed*")).strip();
        List<String> replicas = KuduTool.succeed("remote_replica", "list", address, "-table_name=" + listed)
                .lines()
                .map(String::strip)
                .toList();
        assertEquals(
                2, replicas.stream().filter(("Table name: " + listed)::equals).count(), replicas::toString);
        assertEquals(2, replicas.stream().filter("State: RUNNING"::equals).count(), replicas::toString);
        assertEquals(
                2,
                replicas.stream()
                        .filter(line -> line.startsWith("Partition: HASH (key) PARTITION "))
                        .count(),
                replicas::toString);
        assertEquals(
                1, KuduTool.run("tserver", "set_flag", address, "none", "1").exitCode());
    }

    // ---- Both ----

    private String[] arguments(String command) {
        return command.replace("MASTER", both.ours().masterAddress()).split(" ", -1);
    }

    /** Runs a command against both, and compares. */
    private void same(String... command) {
        KuduTool.Result theirs = run(both.kudu(), command);
        KuduTool.Result own = run(both.ours(), command);
        String text = String.join(" ", command);
        assertEquals(plain(theirs.output()), plain(own.output()), text);
        assertEquals(theirs.exitCode(), own.exitCode(), text);
    }

    private static KuduTool.Result run(Cluster cluster, String... command) {
        String[] arguments = command.clone();
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = arguments[i].replace("MASTER", cluster.masterAddress());
        }
        return KuduTool.run(arguments);
    }

    private static String plain(String output) {
        return SPACES.matcher(IDENTITY.matcher(output).replaceAll("#")).replaceAll(" ");
    }
}
