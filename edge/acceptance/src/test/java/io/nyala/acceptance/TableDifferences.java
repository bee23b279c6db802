package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.caller.WireClient;
import io.nyala.peer.KuduTool;
import io.nyala.protocol.server.ServerBase.GetFlagsRequestPB;
import io.nyala.protocol.server.ServerBase.GetFlagsResponsePB;
import io.nyala.protocol.server.ServerBase.SetFlagRequestPB;
import io.nyala.protocol.server.ServerBase.SetFlagResponsePB;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduTable;

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
