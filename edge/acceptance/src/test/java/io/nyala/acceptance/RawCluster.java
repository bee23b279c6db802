package io.nyala.acceptance;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.peer.Cluster;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.HostPortPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.master.Master.GetTableLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTableLocationsResponsePB;
import io.nyala.protocol.master.Master.GetTableSchemaRequestPB;
import io.nyala.protocol.master.Master.GetTableSchemaResponsePB;
import io.nyala.protocol.master.Master.ListTabletServersRequestPB;
import io.nyala.protocol.master.Master.ListTabletServersResponsePB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.master.Master.TabletLocationsPB;
import io.nyala.protocol.server.ServerBase.GetFlagsRequestPB;
import io.nyala.protocol.server.ServerBase.GetFlagsResponsePB;
import io.nyala.protocol.server.ServerBase.SetFlagRequestPB;
import io.nyala.protocol.server.ServerBase.SetFlagResponsePB;
import io.nyala.rows.Schema;
import io.nyala.wire.WireSchema;
import java.io.IOException;
import java.util.List;

/** A cluster of one tablet server, to which a test says things that no published client says. One thread. */
final class RawCluster implements AutoCloseable {
    /** Who started the servers, and so may ask them all. */
    private static final String USER = System.getProperty("user.name");

    private static final String GENERIC = "kudu.server.GenericService";

    private final WireClient master;
    private final WireClient tablets;

    private RawCluster(WireClient master) throws IOException {
        this.master = master;
        HostPortPB address = master.call(
                        WireClient.MASTER, "ListTabletServers", ListTabletServersRequestPB.getDefaultInstance())
                .message(ListTabletServersResponsePB.parser())
                .getServers(0)
                .getRegistration()
                .getRpcAddresses(0);
        this.tablets = WireClient.of(address.getHost() + ":" + address.getPort(), USER);
    }

    static RawCluster of(Cluster cluster) throws IOException {
        return new RawCluster(WireClient.of(cluster.masterAddress(), USER));
    }

    WireClient master() {
        return master;
    }

    WireClient tablets() {
        return tablets;
    }

    /** Ids of the tablets of a table, in the order of their partitions. */
    List<ByteString> tabletIds(String table) throws IOException {
        return locations(table).stream().map(each -> each.getTabletId()).toList();
    }

    /** Labels that the replicas of a table have. */
    List<String> labels(String table) throws IOException {
        return locations(table).stream()
                .flatMap(tablet -> tablet.getInternedReplicasList().stream())
                .filter(replica -> replica.hasDimensionLabel())
                .map(replica -> replica.getDimensionLabel())
                .toList();
    }

    private List<TabletLocationsPB> locations(String table) throws IOException {
        GetTableLocationsRequestPB request = GetTableLocationsRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName(table))
                .setMaxReturnedLocations(1_000)
                .setInternTsInfosInResponse(true)
                .build();
        return master.call(WireClient.MASTER, "GetTableLocations", request)
                .message(GetTableLocationsResponsePB.parser())
                .getTabletLocationsList();
    }

    /** What a master has of a table. */
    private GetTableSchemaResponsePB described(String table) throws IOException {
        GetTableSchemaRequestPB request = GetTableSchemaRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName(table))
                .build();
        return master.call(WireClient.MASTER, "GetTableSchema", request).message(GetTableSchemaResponsePB.parser());
    }

    ByteString tableId(String table) throws IOException {
        return described(table).getTableId();
    }

    private SchemaPB schemaOf(String table) throws IOException {
        return described(table).getSchema();
    }

    /** What a table is, as our own code understands it; without defaults: those that changed are none to begin with. */
    Schema schema(String table) throws IOException {
        SchemaPB.Builder view = SchemaPB.newBuilder();
        schemaOf(table)
                .getColumnsList()
                .forEach(column -> view.addColumns(
                        column.toBuilder().clearId().clearReadDefaultValue().clearWriteDefaultValue()));
        return WireSchema.toSchema(view.build());
    }

    /** All columns of a table, as a scan names them. */
    List<ColumnSchemaPB> columns(String table) throws IOException {
        return schemaOf(table).getColumnsList().stream()
                .map(column -> ColumnSchemaPB.newBuilder()
                        .setName(column.getName())
                        .setType(column.getType())
                        .setIsNullable(column.getIsNullable())
                        .setTypeAttributes(column.getTypeAttributes())
                        .build())
                .toList();
    }

    /** A flag of a real Kudu's tablet server. */
    String flag(String name) throws IOException {
        GetFlagsRequestPB request =
                GetFlagsRequestPB.newBuilder().setAllFlags(true).addFlags(name).build();
        return tablets.call(GENERIC, "GetFlags", request)
                .message(GetFlagsResponsePB.parser())
                .getFlags(0)
                .getValue();
    }

    /** Sets one, also if it is not meant to be set while the server runs. */
    void setFlag(String name, String value) throws IOException {
        SetFlagRequestPB request = SetFlagRequestPB.newBuilder()
                .setFlag(name)
                .setValue(value)
                .setForce(true)
                .build();
        SetFlagResponsePB answer = tablets.call(GENERIC, "SetFlag", request).message(SetFlagResponsePB.parser());
        if (answer.getResult() != SetFlagResponsePB.Code.SUCCESS) {
            throw new AssertionError("flag " + name + " cannot be " + value + ": " + answer);
        }
    }

    @Override
    public void close() throws IOException {
        try (master;
                tablets) {
            // Both, whatever fails.
        }
    }
}
