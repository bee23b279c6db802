package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.peer.Cluster;
import io.nyala.peer.KuduTool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kudu.client.KuduClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: Kudu's own command works against our server. Method: the real {@code kudu}, each command against our server and
 * a real Kudu at once; exit codes and all that is printed must be equal.
 *
 * <p>Left out of the comparison, for no two clusters have it in common:
 *
 * <ul>
 *   <li>identifiers, addresses, times and how long something took;
 *   <li>versions, and who built them;
 *   <li>bytes on disk, and what a replica says of its disk and its start;
 *   <li>the order of tablets where the command goes by their identifiers, and of rows where it reads several at a time;
 *   <li>what the command logs of its own connections, and our words about a flag that is not there.
 * </ul>
 */
@ExtendWith(Both.Parameter.class)
final class KuduToolTest {
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern ADDRESS = Pattern.compile("127\\.0\\.0\\.1:\\d+");

    private static final Pattern LINE_LEFT_OUT = Pattern.compile("[IWE]\\d{8} .*|  (?:git_hash|build_\\w+): .*");

    /** What is left out of a line, one after the other. */
    private static final List<LeftOut> LEFT_OUT = List.of(
            LeftOut.of("(?:kudu )?1\\.18\\.1(?:-nyala| \\(rev \\w+\\))?", "VERSION"),
            LeftOut.of("[0-9a-f]{32}|127\\.0\\.0\\.1:\\d+|\\b\\d{16}\\b|port: \\d+", "#"),
            LeftOut.of("\\d+-\\d+-\\d+ \\d+:\\d+:\\d+ UTC|\\b[0-9.]+ ?ms\\b|cost \\S+ seconds", "TIME"),
            LeftOut.of("(on disk size|Last status|Data dirs):.*", "$1"),
            LeftOut.of(" msg: \"there is no flag.*", ""));

    private record LeftOut(Pattern pattern, String replacement) {
        static LeftOut of(String pattern, String replacement) {
            return new LeftOut(Pattern.compile(pattern), replacement);
        }
    }

    private static final Pattern SPACES = Pattern.compile("[ -]*\\|[ -]*|[ -]{3,}|\\+[-+]*");

    private static final Pattern SECTION = Pattern.compile(" [Ss]ummary$|^Summary by|^Tablet Replica Count");

    /** The tablets and the scanners of a server. */
    private static final Pattern OTHER_TABLES = Pattern.compile("<none> \\d+ \\d+");

    /** A heartbeat brings a real master the numbers of its tablets, once a second. */
    private static final int HEARTBEAT_TRIES = 200;

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

    // ---- Tables ----

    @Test
    void tablesAreMadeChangedReadAndDropped() {
        same("table", "create", "MASTER", CREATE);
        refused("table", "create", "MASTER", CREATE);
        same("table", "list", "MASTER", "-tables=me*");
        same("table", "describe", "MASTER", "metrics", "-show_attributes", "-show_column_comment");
        refused("table", "describe", "MASTER", "missing");
        same("table", "get_extra_configs", "MASTER", "metrics");
        same("table", "add_column", "MASTER", "metrics", "size", "INT64", "-default_value=[7]");
        refused("table", "add_column", "MASTER", "metrics", "size", "INT64");
        same("table", "rename_column", "MASTER", "metrics", "size", "bytes");
        refused("table", "rename_column", "MASTER", "metrics", "missing", "bytes2");
        same("table", "column_set_default", "MASTER", "metrics", "bytes", "[8]");
        same("table", "column_set_comment", "MASTER", "metrics", "bytes", "of memory");
        same("table", "column_set_compression", "MASTER", "metrics", "bytes", "ZLIB");
        same("table", "column_set_encoding", "MASTER", "metrics", "bytes", "RLE");
        same("table", "column_set_block_size", "MASTER", "metrics", "bytes", "16384");
        same("table", "describe", "MASTER", "metrics", "-show_attributes", "-show_column_comment");
        same("table", "column_remove_default", "MASTER", "metrics", "bytes");
        same("table", "add_range_partition", "MASTER", "metrics", "[200]", "[300]");
        refused("table", "add_range_partition", "MASTER", "metrics", "[250]", "[350]");
        same("table", "drop_range_partition", "MASTER", "metrics", "[200]", "[300]");
        refused("table", "drop_range_partition", "MASTER", "metrics", "[200]", "[300]");
        same("table", "delete_column", "MASTER", "metrics", "bytes");
        refused("table", "delete_column", "MASTER", "metrics", "host");
        same("table", "set_comment", "MASTER", "metrics", "changed");
        same("table", "describe", "MASTER", "metrics", "-show_attributes");
        same("table", "clear_comment", "MASTER", "metrics");
        same("table", "set_extra_config", "MASTER", "metrics", "kudu.table.history_max_age_sec", "7200");
        same("table", "get_extra_configs", "MASTER", "metrics");
        for (String limit : List.of("disk_size", "row_count")) {
            String said =
                    compare(false, KuduToolTest::withoutAdvice, "table", "set_limit", limit, "MASTER", "metrics", "9");
            assertTrue(said.contains("altering table limit is not supported"), said);
        }
        same("table", "rename_table", "MASTER", "metrics", "measures");
        same("table", "describe", "MASTER", "measures");
        same("table", "delete", "MASTER", "measures", "-reserve_seconds=600");
        same("table", "list", "MASTER", "-tables=me*");
        same("table", "list", "MASTER", "-soft_deleted_only", "-tables=me*");
        each(cluster -> "table recall " + cluster.masterAddress() + " "
                + only(ID, cluster, "table list MASTER -soft_deleted_only -columns=id -tables=measures"));
        same("table", "list", "MASTER", "-tables=me*");
        same("table", "delete", "MASTER", "measures");
        refused("table", "delete", "MASTER", "missing");
    }

    @Test
    void tabletsAreListedAndFound() {
        same("table", "create", "MASTER", CREATE.replace("metrics", "cut"));
        same("table", "list", "MASTER", "-tables=cut", "-list_tablets");
        String[] list = ("table list MASTER -tables=cut -list_tablets -show_tablet_partition_info"
                        + " -show_hash_partition_info -list_table_output_format=json")
                .split(" ");
        same(list);
        for (int day : new int[] {5, 100}) {
            String row = "[\"host" + day + "\", " + day + "]";
            List<String> found = new ArrayList<>();
            for (Cluster cluster : List.of(both.kudu(), both.ours())) {
                String tablet = KuduTool.succeed("table", "locate_row", cluster.masterAddress(), "cut", row)
                        .strip();
                Matcher partition = Pattern.compile(tablet + "\",\\s*\"partition_info\": \"(.*)\"")
                        .matcher(run(cluster, list).output());
                assertTrue(partition.find(), tablet);
                found.add(partition.group(1));
            }
            assertEquals(found.getFirst(), found.getLast(), row);
            refused("table", "locate_row", "MASTER", "cut", row, "-check_row_existence");
        }
        refused("table", "locate_row", "MASTER", "cut", "[\"host\", 500]");
        same(KuduToolTest::replicas, "remote_replica", "list", "TABLETS", "-table_name=cut");
        same("table", "delete", "MASTER", "cut");
    }

    /** Sorted, for they come in the order of their identifiers. */
    private static String replicas(String output) {
        List<String> replicas = Pattern.compile("(?m)^Tablet id: ")
                .splitAsStream(output)
                .map(String::strip)
                .sorted()
                .toList();
        assertEquals(1 + 6, replicas.size(), output); // The first is what is before the first one, nothing.
        return String.join("\n", replicas);
    }

    // ---- Rows ----

    @Test
    void generatedRowsAreWrittenCountedScannedAndCopied() {
        String load = "perf loadgen MASTER -num_threads=2 -num_rows_per_thread=1500 -table_num_hash_partitions=3 ";
        for (String options : List.of(
                "-run_scan -keep_auto_table -auto_database=load -string_len=300",
                "-run_scan -use_random",
                "-run_scan -use_random -use_upsert")) {
            String loaded = same((load + options).split(" "));
            assertTrue(loaded.contains("actual rows  : 3000"), loaded);
        }
        each(cluster -> "table rename_table " + cluster.masterAddress() + " "
                + only(Pattern.compile("load\\.\\w+"), cluster, "table list MASTER -tables=load*") + " loaded");
        same("perf", "table_scan", "MASTER", "loaded");
        assertTrue(same("table", "scan", "MASTER", "loaded", "-row_count_only").contains("Total count 3000"));
        same("table", "copy", "MASTER", "loaded", "MASTER", "-dst_table=copied", "-write_type=insert");
        same("table", "describe", "MASTER", "copied", "-show_attributes");
        String rows = same(KuduToolTest::sorted, "table", "scan", "MASTER", "loaded");
        assertEquals(rows, same(KuduToolTest::sorted, "table", "scan", "MASTER", "copied"));
        assertEquals(3000, rows.lines().filter(KuduToolTest::isRow).count());
        same("perf table_scan MASTER copied -fault_tolerant -num_threads=1 -scan_batch_size=1000".split(" "));
        same(KuduToolTest::sorted, "table", "scan", "MASTER", "copied", "-predicates=[\"AND\", [\"<\", \"key\", 10]]");
        refused("table", "scan", "MASTER", "copied", "-predicates=[\"AND\", [\"<\", \"none\", 10]]");
        sameSoon("table", "statistics", "MASTER", "copied");
        sameSoon("table", "list", "MASTER", "-tables=copied", "-show_table_info");
        same("table", "delete", "MASTER", "loaded");
        same("table", "delete", "MASTER", "copied");
    }

    /** Texts with any bytes, moments before the first one, NULL; and what is selected of them. */
    @Test
    void rowsOfAllTypesArePrintedAsThoseOfARealKudu() throws Exception {
        fill("typed");
        for (String options : List.of(
                "-show_values",
                "-columns=k,DECIMAL128,BINARY",
                "-predicates=[\"AND\",[\"<\",\"INT16\",1],[\"NOTNULL\",\"STRING\"]]",
                "-predicates=[\"AND\",[\"NULL\",\"DATE\"]]",
                "-predicates=[\"AND\",[\"IN\",\"INT8\",[-1,1,7]]]")) {
            String rows = same(KuduToolTest::sorted, "table", "scan", "MASTER", "typed", options);
            assertTrue(rows.lines().anyMatch(KuduToolTest::isRow), () -> options + " selects nothing");
        }
    }

    /** The same rows in both, unless they are there. */
    private void fill(String table) throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            if (!client.tableExists(table)) {
                AllTypes.filled(client, table);
            }
        }
    }

    private static String sorted(String output) {
        return output.lines().sorted().collect(Collectors.joining("\n"));
    }

    // ---- The cluster ----

    @Test
    void theClusterIsHealthy() throws Exception {
        fill("typed");
        String[] command = {"cluster", "ksck", "MASTER", "-checksum_scan", "-ksck_format=plain_full", "-tables=typed"};
        same(KuduToolTest::report, command);
        String own = run(both.ours(), command).output();
        // A real Kudu is warned about for the flags that it needs here; ours has none.
        assertEquals("OK", own.lines().toList().getLast(), own);
        assertEquals(
                2, own.lines().filter(line -> line.endsWith(" is healthy.")).count(), own);
    }

    /**
     * What ksck says of servers, tables, tablets and sums, sorted, for tablets come in the order of their identifiers;
     * without flags, and warnings about them, and without what depends on other tables.
     */
    private static String report(String output) {
        List<String> lines = new ArrayList<>();
        boolean isKept = false;
        for (String line : output.lines().toList()) {
            if (SECTION.matcher(line).find()) {
                isKept = true;
            } else if (line.contains("lags ") || line.startsWith("====") || line.equals("OK")) {
                isKept = false;
            }
            if (isKept && !line.isBlank()) {
                lines.add(OTHER_TABLES.matcher(line).replaceAll("<none> #").strip());
            }
        }
        Collections.sort(lines);
        return String.join("\n", lines);
    }

    @Test
    void serversTellAboutThemselves() {
        same("tserver", "list", "MASTER");
        same("tserver", "list", "MASTER", "-columns=uuid,rpc-addresses,version,seqno,heartbeat,start_time,state");
        same("master", "list", "MASTER");
        same("master", "list", "MASTER", "-columns=uuid,cluster_id,version,seqno,start_time,role,member_type");
        same("master", "status", "MASTER");
        same("tserver", "status", "TABLETS");
        for (String timestamp : List.of("master timestamp MASTER", "tserver timestamp TABLETS")) {
            same(output -> output.replaceAll("^\\d{19}$", "a hybrid time"), timestamp.split(" "));
        }
        // A real Kudu has hundreds of flags, and ours has none.
        same("master", "get_flags", "MASTER", "-flags=none");
        same("tserver", "get_flags", "TABLETS", "-flags=none");
        assertEquals(
                2,
                run(both.ours(), "tserver", "get_flags", "TABLETS")
                        .output()
                        .lines()
                        .count(),
                "a flag");
        refused("master", "set_flag", "MASTER", "none", "1");
        refused("tserver", "set_flag", "TABLETS", "none", "1");
        refused("remote_replica", "list", "127.0.0.1:1");
    }

    // ---- Both ----

    /** A command that both must follow and print the same of; answers that. */
    private String same(String... command) {
        return same(UnaryOperator.identity(), command);
    }

    private String same(UnaryOperator<String> shown, String... command) {
        return compare(true, shown, command);
    }

    /** A command that both must refuse with the same words. */
    private void refused(String... command) {
        assertNotEquals("", compare(false, UnaryOperator.identity(), command), "words of an error");
    }

    /** A real Kudu names a flag, which ours does not have. */
    private static String withoutAdvice(String refusal) {
        return refusal.replaceAll("(is not supported)(:| because).*", "$1");
    }

    private String compare(boolean succeeds, UnaryOperator<String> shown, String... command) {
        var theirs = CompletableFuture.supplyAsync(() -> run(both.kudu(), command));
        KuduTool.Result own = run(both.ours(), command);
        String text = String.join(" ", command);
        String wanted = shown.apply(plain(theirs.join().output()));
        assertEquals(wanted, shown.apply(plain(own.output())), text);
        assertEquals(succeeds, theirs.join().exitCode() == 0, () -> text + " of a real Kudu: " + wanted);
        assertEquals(theirs.join().exitCode(), own.exitCode(), text);
        return wanted;
    }

    /** The same, of numbers that come to a real master a little later. */
    private void sameSoon(String... command) {
        String own = plain(run(both.ours(), command).output());
        for (int i = 0; i < HEARTBEAT_TRIES; i++) {
            if (plain(run(both.kudu(), command).output()).equals(own)) {
                break;
            }
        }
        same(command);
    }

    /** A command of each that has something of its own in it. */
    private void each(Function<Cluster, String> command) {
        for (Cluster cluster : List.of(both.kudu(), both.ours())) {
            KuduTool.succeed(command.apply(cluster).split(" "));
        }
    }

    /** The only match in what a command prints. */
    private String only(Pattern pattern, Cluster cluster, String command) {
        String output = run(cluster, command.split(" ")).output();
        List<String> found =
                pattern.matcher(output).results().map(match -> match.group()).toList();
        assertEquals(1, found.size(), () -> command + " printed " + output);
        return found.getFirst();
    }

    private KuduTool.Result run(Cluster cluster, String... command) {
        String[] arguments = command.clone();
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = switch (arguments[i]) {
                case "MASTER" -> cluster.masterAddress();
                case "TABLETS" -> only(ADDRESS, cluster, "tserver list MASTER");
                default -> arguments[i];
            };
        }
        return KuduTool.run(arguments);
    }

    private static String plain(String output) {
        return output.lines()
                .filter(line -> !LINE_LEFT_OUT.matcher(line).matches())
                .map(line -> isRow(line) ? line : plainLine(line))
                .collect(Collectors.joining("\n"));
    }

    private static boolean isRow(String line) {
        return line.startsWith("(");
    }

    private static String plainLine(String line) {
        String plain = line;
        for (LeftOut each : LEFT_OUT) {
            plain = each.pattern().matcher(plain).replaceAll(each.replacement());
        }
        return SPACES.matcher(plain).replaceAll(" ");
    }
}
