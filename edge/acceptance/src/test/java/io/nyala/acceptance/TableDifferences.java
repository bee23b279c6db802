package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.peer.KuduTool;
import io.nyala.protocol.master.Master.GetTabletLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTabletLocationsResponsePB;
import io.nyala.protocol.server.ServerBase.GetFlagsRequestPB;
import io.nyala.protocol.server.ServerBase.GetFlagsResponsePB;
import io.nyala.protocol.server.ServerBase.SetFlagRequestPB;
import io.nyala.protocol.server.ServerBase.SetFlagResponsePB;
import io.nyala.rpc.RpcConfig;
import java.io.IOException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.Partition;
import org.apache.kudu.client.RangePartitionBound;
import org.apache.kudu.client.RangePartitionWithCustomHashSchema;

/** What differs on purpose about tables and servers: a method for each line, told to both. One thread. */
final class TableDifferences {
    private static final String PRIORITY = "kudu.table.maintenance_priority";
    private static final String NO_COMPACTION = "kudu.table.disable_compaction";
    private static final String GENERIC = "kudu.server.GenericService";

    /** Replicas that a Kudu of one tablet server makes for a new table. */
    private static final int KUDU_REPLICAS_MAX = 60;

    private final Both both;

    TableDifferences(Both both) {
        this.both = both;
    }

    /** The text of a story of each. */
    private void assertDiffers(String kudu, String here, Both.Story story) throws Exception {
        assertEquals(kudu, story.tell(both.kuduClient()), "what a real Kudu does");
        assertEquals(here, story.tell(both.ourClient()), "what our server does");
    }

    private static CreateTableOptions plain() {
        return new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of());
    }

    void replicas() throws Exception {
        assertDiffers("""
            1: has 1
            3: Invalid argument: not enough live tablet servers to create a table with the requested replication \
            factor 3; 1 tablet servers are alive (error 0)
            5: Invalid argument: not enough live tablet servers to create a table with the requested replication \
            factor 5; 1 tablet servers are alive (error 0)
            7: Invalid argument: not enough live tablet servers to create a table with the requested replication \
            factor 7; 1 tablet servers are alive (error 0)
            """, """
            1: has 1
            3: has 1
            5: has 1
            7: has 1
            """, client -> {
            Said said = new Said();
            for (int replicas = 1; replicas <= 7; replicas += 2) {
                String name = "differ_replicas_" + replicas;
                CreateTableOptions options = plain().setNumReplicas(replicas);
                said.ask(String.valueOf(replicas), () -> {
                    client.createTable(name, SmallTable.SCHEMA, options);
                    return "has " + client.openTable(name).getNumReplicas();
                });
            }
            return said.toString();
        });
    }

    /** A Kudu of one tablet server refuses more than one replica first, unless it is told not to look. */
    void tabletsOfNewTable() throws Exception {
        Both.Story story = client -> {
            Said said = new Said();
            for (int replicas = 1; replicas <= 3; replicas += 2) {
                int tablets = KUDU_REPLICAS_MAX / replicas + 1;
                CreateTableOptions options = new CreateTableOptions()
                        .setNumReplicas(replicas)
                        .addHashPartitions(List.of("k"), tablets)
                        .setWait(false); // A real Kudu takes seconds to make them.
                said.tryTo(tablets + " tablets, " + replicas + " replicas", () -> {
                    client.createTable("differ_tablets", SmallTable.SCHEMA, options);
                    client.deleteTable("differ_tablets");
                });
            }
            return said.toString();
        };
        setCheckOfServers(false);
        try {
            assertDiffers("""
                61 tablets, 1 replicas: done
                21 tablets, 3 replicas: Invalid argument: the requested number of tablet replicas is over the \
                maximum permitted at creation time (60), additional tablets may be added by adding range \
                partitions to the table post-creation (error 0)
                """, """
                61 tablets, 1 replicas: done
                21 tablets, 3 replicas: done
                """, story);
        } finally {
            setCheckOfServers(true);
        }
    }

    private void setCheckOfServers(boolean isOn) {
        KuduTool.succeed(
                "master",
                "set_flag",
                both.kudu().masterAddress(),
                "catalog_manager_check_ts_count_for_create_table",
                String.valueOf(isOn),
                "--force");
    }

    /** What clients see of them is the same; what maintenance makes of them no client sees. */
    void settings() throws Exception {
        Both.Story story = client -> {
            client.createTable(
                    "differ_settings",
                    SmallTable.SCHEMA,
                    plain().setExtraConfigs(Map.of(PRIORITY, "4", NO_COMPACTION, "true")));
            return Describe.table(client.openTable("differ_settings"));
        };
        both.same(story);
    }

    void settingsOfTableThatIsNotCompacted() throws Exception {
        assertDiffers(
                "set the priority: Invalid argument: unable to parse kudu.table.disable_compaction: 1 (error 0)\n"
                        + "{kudu.table.disable_compaction=1}",
                "set the priority: done\n" + "{kudu.table.disable_compaction=1, kudu.table.maintenance_priority=4}",
                client -> {
                    client.createTable(
                            "differ_compaction",
                            SmallTable.SCHEMA,
                            plain().setExtraConfigs(Map.of(NO_COMPACTION, "true")));
                    Said said = new Said();
                    said.ask("set the priority", () -> {
                        client.alterTable(
                                "differ_compaction", new AlterTableOptions().alterExtraConfigs(Map.of(PRIORITY, "4")));
                        return "done";
                    });
                    return said.toString()
                            + new TreeMap<>(
                                    client.openTable("differ_compaction").getExtraConfig());
                });
    }

    void settingsOfRecalledTable() throws Exception {
        assertDiffers("{kudu.table.disable_compaction=0}", "{}", client -> {
            KuduTable table = SmallTable.create(client, "differ_gone");
            client.deleteTable("differ_gone", 600);
            client.recallDeletedTable(table.getTableId());
            return client.openTable("differ_gone").getExtraConfig().toString();
        });
    }

    // ---- Ranges ----

    void boundsOfRangesWithOwnHash() throws Exception {
        assertDiffers("""
            exclusive below: Invalid argument: Exclusive lower bound range partition key must not have maximum \
            values for all components: () (error 0)
            inclusive above: 00000000 80000000 to 00000000 8000000a
            """, """
            exclusive below: 00000000 80000001 to 00000000 8000000a
            inclusive above: 00000000 80000000 to 00000000 8000000b
            """, client -> {
            Said said = new Said();
            for (boolean isLower : new boolean[] {true, false}) {
                var range = new RangePartitionWithCustomHashSchema(
                        key(0),
                        key(10),
                        isLower ? RangePartitionBound.EXCLUSIVE_BOUND : RangePartitionBound.INCLUSIVE_BOUND,
                        isLower ? RangePartitionBound.EXCLUSIVE_BOUND : RangePartitionBound.INCLUSIVE_BOUND);
                range.addHashPartitions(List.of("k"), 2, 0);
                CreateTableOptions options = new CreateTableOptions()
                        .setNumReplicas(1)
                        .addHashPartitions(List.of("k"), 3)
                        .setRangePartitionColumns(List.of("k"))
                        .addRangePartition(range);
                said.ask(isLower ? "exclusive below" : "inclusive above", () -> {
                    KuduTable table = client.createTable("differ_own_" + isLower, SmallTable.SCHEMA, options);
                    Partition first = client.newScanTokenBuilder(table)
                            .build()
                            .getFirst()
                            .getTablet()
                            .getPartition();
                    return hex(first.getPartitionKeyStart()) + " to " + hex(first.getPartitionKeyEnd());
                });
            }
            return said.toString();
        });
    }

    private static PartialRow key(int k) {
        PartialRow row = SmallTable.SCHEMA.newPartialRow();
        row.addInt("k", k);
        return row;
    }

    /** The bucket, and the key. */
    private static String hex(byte[] partitionKey) {
        return HexFormat.of().formatHex(partitionKey, 0, 4) + " "
                + HexFormat.of().formatHex(partitionKey, 4, 8);
    }

    void boundsWithoutTime() throws Exception {
        Schema schema = new Schema(List.of(
                new ColumnSchema.ColumnSchemaBuilder("k", Type.INT8).key(true).build(),
                new ColumnSchema.ColumnSchemaBuilder("at", Type.UNIXTIME_MICROS)
                        .key(true)
                        .build()));
        String refused =
                "Invalid argument: invalid type int64 provided for column 'at' (expected unixtime_micros) (error 0)\n";
        assertDiffers("behind 3: " + refused + "up to 3: " + refused, """
            behind 3: VALUES >= (3, #)
            up to 3: VALUES < (3, #)
            """, client -> {
            PartialRow none = schema.newPartialRow();
            PartialRow three = schema.newPartialRow();
            three.addByte("k", (byte) 3);
            Said said = new Said();
            for (boolean isLower : new boolean[] {true, false}) {
                RangePartitionBound unusual =
                        isLower ? RangePartitionBound.EXCLUSIVE_BOUND : RangePartitionBound.INCLUSIVE_BOUND;
                CreateTableOptions options = new CreateTableOptions()
                        .setNumReplicas(1)
                        .setRangePartitionColumns(List.of("k", "at"))
                        .addRangePartition(isLower ? three : none, isLower ? none : three, unusual, unusual);
                said.ask(
                        isLower ? "behind 3" : "up to 3",
                        () -> client.createTable("differ_time_" + isLower, schema, options)
                                .getFormattedRangePartitions(60_000)
                                .getFirst()
                                .replaceAll(", [0-9TZ:.-]+\\)", ", #)")); // The client's own idea of the least time.
            }
            return said.toString();
        });
    }

    void emptyUpperBound() throws Exception {
        Schema schema = new Schema(List.of(
                new ColumnSchema.ColumnSchemaBuilder("k", Type.STRING).key(true).build()));
        assertDiffers(
                "to nothing: [VALUES >= \"a\"]\n",
                "to nothing: Invalid argument: range partition lower bound must be less than the upper bound: "
                        + "no row is before \"\" in [k] (error 0)\n",
                client -> {
                    PartialRow lower = schema.newPartialRow();
                    lower.addString("k", "a");
                    PartialRow upper = schema.newPartialRow();
                    upper.addString("k", "");
                    Said said = new Said();
                    said.ask("to nothing", () -> {
                        KuduTable table = client.createTable(
                                "differ_empty",
                                schema,
                                new CreateTableOptions()
                                        .setNumReplicas(1)
                                        .setRangePartitionColumns(List.of("k"))
                                        .addRangePartition(lower, upper));
                        return table.getFormattedRangePartitions(60_000).toString();
                    });
                    return said.toString();
                });
    }

    void emptyTextInBoundsWithOwnHash() throws Exception {
        Schema schema = new Schema(List.of(
                new ColumnSchema.ColumnSchemaBuilder("k", Type.INT8).key(true).build(),
                new ColumnSchema.ColumnSchemaBuilder("text", Type.STRING)
                        .key(true)
                        .build()));
        assertDiffers("""
            from 3: IO error: Primary key column text is not set
            from 3 and nothing: IO error: Primary key column text is not set
            """, """
            from 3: [VALUES >= (3, "") HASH(k) PARTITIONS 2]
            from 3 and nothing: [VALUES >= (3, "") HASH(k) PARTITIONS 2]
            """, client -> {
            Said said = new Said();
            PartialRow lower = schema.newPartialRow();
            lower.addByte("k", (byte) 3);
            said.ask("from 3", () -> rangesFrom(client, "differ_left_out_own", schema, lower));
            lower.addString("text", "");
            said.ask("from 3 and nothing", () -> rangesFrom(client, "differ_empty_own", schema, lower));
            return said.toString();
        });
    }

    /** Makes a table with one range, which has hash levels of its own and no end; answers what it has then. */
    private static String rangesFrom(KuduClient client, String name, Schema schema, PartialRow lower) throws Exception {
        var range = new RangePartitionWithCustomHashSchema(
                lower,
                schema.newPartialRow(),
                RangePartitionBound.INCLUSIVE_BOUND,
                RangePartitionBound.EXCLUSIVE_BOUND);
        range.addHashPartitions(List.of("k"), 2, 0);
        CreateTableOptions options = new CreateTableOptions()
                .setNumReplicas(1)
                .addHashPartitions(List.of("k"), 3)
                .setRangePartitionColumns(List.of("k", "text"))
                .addRangePartition(range);
        return client.createTable(name, schema, options)
                .getFormattedRangePartitionsWithHashSchema(60_000)
                .toString();
    }

    // ---- Dropped tables, flags ----

    /** Where a real Kudu places replicas cannot be seen with one server: what it says of the label can. */
    void labels() throws Exception {
        Both.Story story = client -> {
            client.createTable("differ_label", SmallTable.SCHEMA, plain().setDimensionLabel("hot"));
            return "created";
        };
        both.same(story);
        try (RawCluster kudu = RawCluster.of(both.kudu());
                RawCluster ours = RawCluster.of(both.ours())) {
            assertEquals("[hot]", kudu.labels("differ_label").toString());
            assertEquals("[]", ours.labels("differ_label").toString());
        }
    }

    /** What is beyond the limit a test of the server's port sees, with a lower one. */
    void connections() throws IOException {
        assertEquals(10_000, RpcConfig.of("any", "127.0.0.1", 0).connectionsMax());
        RowDifferences.assertTestIsThere(
                "edge/kudu-rpc/src/test/java/io/nyala/rpc/LimitsTest.java", "connectionsBeyondTheLimitAreClosedAtOnce");
        RowDifferences.assertTestIsThere(
                "edge/kudu-rpc/src/test/java/io/nyala/rpc/OpenFilesTest.java", "aLowLimitIsSharedWithTheEngine");
    }

    void droppedTables() throws Exception {
        assertDiffers("""
            is there: true
            open: differ_dropped
            another of its name: Already present: table differ_dropped already exists with id # (error 0)
            drop by its name: done
            recall by its id: Not found: the table # soft-deleted state false, expired state false, can't recall \
            (error 0)
            """, """
            is there: false
            open: Not found: the table does not exist: table_name: "differ_dropped" (error 0)
            another of its name: differ_dropped
            drop by its name: done
            recall by its id: done
            """, client -> {
            KuduTable table = SmallTable.filled(client, "differ_dropped", 10);
            client.deleteTable("differ_dropped", 600);
            Said said = new Said();
            said.ask("is there", () -> String.valueOf(client.tableExists("differ_dropped")));
            said.ask("open", () -> client.openTable("differ_dropped").getName());
            said.ask(
                    "another of its name",
                    () -> SmallTable.create(client, "differ_dropped").getName());
            said.tryTo("drop by its name", () -> client.deleteTable("differ_dropped"));
            said.tryTo("recall by its id", () -> client.recallDeletedTable(table.getTableId(), "differ_back"));
            return said.toString();
        });
    }

    void idsOfTablets() throws Exception {
        both.same(client -> {
            client.createTable("differ_ids", SmallTable.SCHEMA, plain());
            return "made";
        });
        int none = 10_001;
        try (RawCluster kudu = RawCluster.of(both.kudu());
                RawCluster ours = RawCluster.of(both.ours())) {
            assertEquals(
                    "2 tablets, 0 errors",
                    located(
                            kudu,
                            Collections.nCopies(2, kudu.tabletIds("differ_ids").getFirst())));
            assertEquals(
                    "1 tablets, 0 errors",
                    located(
                            ours,
                            Collections.nCopies(2, ours.tabletIds("differ_ids").getFirst())));
            List<ByteString> unknown = IntStream.range(0, none)
                    .mapToObj(i -> ByteString.copyFromUtf8(String.valueOf(i)))
                    .toList();
            assertEquals("0 tablets, 10001 errors", located(kudu, unknown));
            assertEquals("INVALID_ARGUMENT", located(ours, unknown));
            assertEquals("0 tablets, 10000 errors", located(ours, unknown.subList(1, none)));
        }
    }

    private static String located(RawCluster cluster, List<ByteString> tablets) throws IOException {
        GetTabletLocationsResponsePB answer = cluster.master()
                .call(
                        WireClient.MASTER,
                        "GetTabletLocations",
                        GetTabletLocationsRequestPB.newBuilder()
                                .addAllTabletIds(tablets)
                                .build())
                .message(GetTabletLocationsResponsePB.parser());
        return answer.hasError()
                ? answer.getError().getStatus().getCode().name()
                : answer.getTabletLocationsCount() + " tablets, " + answer.getErrorsCount() + " errors";
    }

    void flags() throws IOException {
        try (RawCluster kudu = RawCluster.of(both.kudu());
                RawCluster ours = RawCluster.of(both.ours())) {
            for (boolean isMaster : new boolean[] {true, false}) {
                assertEquals("has flags, SUCCESS", flags(isMaster ? kudu.master() : kudu.tablets()));
                assertEquals("no flags, NO_SUCH_FLAG", flags(isMaster ? ours.master() : ours.tablets()));
            }
        }
    }

    private static String flags(WireClient server) throws IOException {
        GetFlagsResponsePB all = server.call(GENERIC, "GetFlags", GetFlagsRequestPB.getDefaultInstance())
                .message(GetFlagsResponsePB.parser());
        SetFlagRequestPB log =
                SetFlagRequestPB.newBuilder().setFlag("v").setValue("0").build();
        SetFlagResponsePB set = server.call(GENERIC, "SetFlag", log).message(SetFlagResponsePB.parser());
        return (all.getFlagsCount() > 0 ? "has flags, " : "no flags, ") + set.getResult();
    }
}
