package io.nyala.server;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.ExternalConsistencyMode;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.consensus.Consensus.GetConsensusStateRequestPB;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableResponsePB;
import io.nyala.protocol.master.Master.ConnectToMasterRequestPB;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.DeleteTableRequestPB;
import io.nyala.protocol.master.Master.GetMasterRegistrationRequestPB;
import io.nyala.protocol.master.Master.GetTableLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTableSchemaRequestPB;
import io.nyala.protocol.master.Master.GetTableStatisticsRequestPB;
import io.nyala.protocol.master.Master.GetTabletLocationsRequestPB;
import io.nyala.protocol.master.Master.IsAlterTableDoneRequestPB;
import io.nyala.protocol.master.Master.IsCreateTableDoneRequestPB;
import io.nyala.protocol.master.Master.ListMastersRequestPB;
import io.nyala.protocol.master.Master.ListTablesRequestPB;
import io.nyala.protocol.master.Master.ListTabletServersRequestPB;
import io.nyala.protocol.master.Master.RecallDeletedTableRequestPB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.server.ServerBase.DumpMemTrackersRequestPB;
import io.nyala.protocol.server.ServerBase.GetFlagsRequestPB;
import io.nyala.protocol.server.ServerBase.GetStatusRequestPB;
import io.nyala.protocol.server.ServerBase.ServerClockRequestPB;
import io.nyala.protocol.server.ServerBase.SetFlagRequestPB;
import io.nyala.protocol.tserver.Tserver.ColumnRangePredicatePB;
import io.nyala.protocol.tserver.Tserver.ListTabletsRequestPB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveRequestPB;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.protocol.tserver.TserverAdmin.QuiesceTabletServerRequestPB;
import io.nyala.protocol.tserver.TserverAdmin.QuiesceTabletServerResponsePB;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** For each method of Kudu's services a request that can be answered, and requests that must be refused. One thread. */
final class CompatibilityCalls {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT32).nullable());

    /** Methods that are answered, by their services; each has a request here. */
    static final Map<String, List<String>> ANSWERED = Map.of(
            WireClient.MASTER,
            List.of(
                    "ConnectToMaster",
                    "GetMasterRegistration",
                    "ListMasters",
                    "ListTabletServers",
                    "Ping",
                    "ListTables",
                    "CreateTable",
                    "DeleteTable",
                    "RecallDeletedTable",
                    "AlterTable",
                    "IsCreateTableDone",
                    "IsAlterTableDone",
                    "GetTableSchema",
                    "GetTableLocations",
                    "GetTabletLocations",
                    "GetTableStatistics"),
            WireClient.TABLET_SERVER,
            List.of("Ping", "Write", "Scan", "ScannerKeepAlive", "SplitKeyRange", "Checksum", "ListTablets"),
            "kudu.tserver.TabletServerAdminService",
            List.of("Quiesce"),
            "kudu.server.GenericService",
            List.of("GetStatus", "ServerClock", "GetFlags", "SetFlag", "DumpMemTrackers"),
            "kudu.consensus.ConsensusService",
            List.of("GetConsensusState"));

    private final RunningServer server;
    private final ByteString tablet;

    private static final int ROWS = 40;

    /** Makes the table that requests are of, with some rows. */
    CompatibilityCalls(RunningServer server) throws IOException {
        this.server = server;
        Table table = server.create("t", SCHEMA, 2);
        tablet = server.tabletId(table);
        try (WriteBatch batch = table.newBatch()) {
            for (int k = 0; k < ROWS; k++) {
                batch.rows().start(OperationKind.INSERT).setInt(0, k).end();
            }
            batch.commit().orThrow();
        }
    }

    /** A call that must be refused; answers the code that it got. */
    @FunctionalInterface
    interface Refused {
        String code() throws IOException;
    }

    // ---- Answered ----

    /** A request that has an answer; what it needs is there. */
    Message request(String method) throws IOException {
        return switch (method) {
            case "MasterService.ConnectToMaster" -> ConnectToMasterRequestPB.getDefaultInstance();
            case "MasterService.GetMasterRegistration" -> GetMasterRegistrationRequestPB.getDefaultInstance();
            case "MasterService.ListMasters" -> ListMastersRequestPB.getDefaultInstance();
            case "MasterService.ListTabletServers" -> ListTabletServersRequestPB.getDefaultInstance();
            case "MasterService.Ping", "TabletServerService.Ping" -> PingRequestPB.getDefaultInstance();
            case "MasterService.ListTables" -> ListTablesRequestPB.getDefaultInstance();
            case "MasterService.CreateTable" -> RunningServer.creation("created", SCHEMA, 2);
            case "MasterService.DeleteTable" -> deletion();
            case "MasterService.RecallDeletedTable" -> recall();
            case "MasterService.AlterTable" ->
                alteration().setNewTableComment("altered").build();
            case "MasterService.GetTabletLocations" ->
                GetTabletLocationsRequestPB.newBuilder().addTabletIds(tablet).build();
            default -> method.startsWith("MasterService.") ? ofTable(method) : ofTabletServer(method);
        };
    }

    private static Message ofTable(String method) {
        return switch (method) {
            case "MasterService.IsCreateTableDone" ->
                IsCreateTableDoneRequestPB.newBuilder().setTable(named("t")).build();
            case "MasterService.IsAlterTableDone" ->
                IsAlterTableDoneRequestPB.newBuilder().setTable(named("t")).build();
            case "MasterService.GetTableSchema" ->
                GetTableSchemaRequestPB.newBuilder().setTable(named("t")).build();
            case "MasterService.GetTableLocations" ->
                GetTableLocationsRequestPB.newBuilder().setTable(named("t")).build();
            case "MasterService.GetTableStatistics" ->
                GetTableStatisticsRequestPB.newBuilder().setTable(named("t")).build();
            default ->
                throw new AssertionError("the page says that " + method + " is answered; the test has no request");
        };
    }

    private Message ofTabletServer(String method) throws IOException {
        return switch (method) {
            case "TabletServerService.Write" -> write().build();
            case "TabletServerService.Scan" -> scan(NewScanRequestPB.newBuilder());
            case "TabletServerService.ScannerKeepAlive" ->
                ScannerKeepAliveRequestPB.newBuilder().setScannerId(scanner()).build();
            case "TabletServerService.SplitKeyRange" ->
                SplitKeyRangeRequestPB.newBuilder().setTabletId(tablet).build();
            case "TabletServerService.Checksum" ->
                ChecksumRequestPB.newBuilder()
                        .setNewRequest(scan(NewScanRequestPB.newBuilder()).getNewScanRequest())
                        .build();
            case "TabletServerService.ListTablets" -> ListTabletsRequestPB.getDefaultInstance();
            case "TabletServerAdminService.Quiesce" -> QuiesceTabletServerRequestPB.getDefaultInstance();
            case "GenericService.GetStatus" -> GetStatusRequestPB.getDefaultInstance();
            case "GenericService.ServerClock" -> ServerClockRequestPB.getDefaultInstance();
            case "GenericService.GetFlags" -> GetFlagsRequestPB.getDefaultInstance();
            case "GenericService.SetFlag" ->
                SetFlagRequestPB.newBuilder().setFlag("f").setValue("v").build();
            case "GenericService.DumpMemTrackers" -> DumpMemTrackersRequestPB.getDefaultInstance();
            case "ConsensusService.GetConsensusState" -> GetConsensusStateRequestPB.getDefaultInstance();
            default ->
                throw new AssertionError("the page says that " + method + " is answered; the test has no request");
        };
    }

    private static TableIdentifierPB named(String name) {
        return TableIdentifierPB.newBuilder().setTableName(name).build();
    }

    private DeleteTableRequestPB deletion() {
        server.engine().createTable("deleted", SCHEMA);
        return DeleteTableRequestPB.newBuilder().setTable(named("deleted")).build();
    }

    private RecallDeletedTableRequestPB recall() {
        Table dropped = server.engine().createTable("dropped", SCHEMA);
        server.engine().dropTable("dropped", Duration.ofHours(1));
        String id = new ServerIds(server.engine().hostId()).table(dropped.id());
        return RecallDeletedTableRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableId(ByteString.copyFromUtf8(id)))
                .build();
    }

    private static AlterTableRequestPB.Builder alteration() {
        return AlterTableRequestPB.newBuilder().setTable(named("t"));
    }

    /** Of no rows. */
    private WriteRequestPB.Builder write() {
        return new WireRows(SCHEMA).request(tablet.toStringUtf8()).toBuilder();
    }

    private ScanRequestPB scan(NewScanRequestPB.Builder wanted) {
        return ScanRequestPB.newBuilder()
                .setNewScanRequest(wanted.setTabletId(tablet))
                .build();
    }

    private ByteString scanner() throws IOException {
        ScanRequestPB open = scan(NewScanRequestPB.newBuilder()).toBuilder()
                .setBatchSizeBytes(0)
                .build();
        return server.tablets().tablet("Scan", open, ScanResponsePB.parser()).getScannerId();
    }

    // ---- Refused ----

    /** By the words of the page. */
    Map<String, List<Refused>> refused() {
        return Map.of(
                "Other extra settings",
                List.of(
                        () -> created(RunningServer.creation("x", SCHEMA, 2).toBuilder()
                                .putExtraConfigs("kudu.table.other", "1")),
                        () -> altered(alteration().putNewExtraConfigs("kudu.table.other", "1"))),
                "Limits on size or rows",
                List.of(
                        () -> altered(alteration().setDiskSizeLimit(1)),
                        () -> altered(alteration().setRowCountLimit(1))),
                "Transactions, COMMIT_WAIT",
                List.of(
                        () -> written(write().setTxnId(1)),
                        () -> written(write().setExternalConsistencyMode(ExternalConsistencyMode.COMMIT_WAIT))),
                "DEPRECATED_range_predicates of old clients",
                List.of(this::scanOfDeprecatedRange),
                "to quiesce",
                List.of(this::quiesced),
                "Keys that are not unique (auto-incrementing columns), unsigned integers and INT128",
                List.of(
                        () -> createdWith(ColumnSchemaPB.newBuilder()
                                .setType(DataType.INT64)
                                .setIsAutoIncrementing(true)),
                        () -> createdWith(ColumnSchemaPB.newBuilder().setType(DataType.UINT32)),
                        () -> createdWith(ColumnSchemaPB.newBuilder().setType(DataType.INT128))));
    }

    private static String code(AppStatusPB status) {
        return status.getCode().name();
    }

    private String created(CreateTableRequestPB.Builder request) throws IOException {
        return code(server.master()
                .call(WireClient.MASTER, "CreateTable", request.build())
                .message(CreateTableResponsePB.parser())
                .getError()
                .getStatus());
    }

    private String createdWith(ColumnSchemaPB.Builder column) throws IOException {
        CreateTableRequestPB.Builder request = RunningServer.creation("x", SCHEMA, 2).toBuilder();
        request.getSchemaBuilder().addColumns(column.setName("extra"));
        return created(request);
    }

    private String altered(AlterTableRequestPB.Builder request) throws IOException {
        return code(server.master()
                .call(WireClient.MASTER, "AlterTable", request.build())
                .message(AlterTableResponsePB.parser())
                .getError()
                .getStatus());
    }

    private String written(WriteRequestPB.Builder request) throws IOException {
        return code(server.tablets()
                .tablet("Write", request.build(), WriteResponsePB.parser())
                .getError()
                .getStatus());
    }

    /** Left out, it would answer rows that are not wanted. */
    private String scanOfDeprecatedRange() throws IOException {
        return refusedScan(NewScanRequestPB.newBuilder()
                .addDEPRECATEDRangePredicates(ColumnRangePredicatePB.newBuilder()
                        .setColumn(WireRows.view(SCHEMA.columns()).getColumns(0))
                        .setInclusiveUpperBound(ByteString.copyFrom(WireRows.cell(7)))));
    }

    private String refusedScan(NewScanRequestPB.Builder wanted) throws IOException {
        return code(server.tablets()
                .tablet("Scan", scan(wanted), ScanResponsePB.parser())
                .getError()
                .getStatus());
    }

    private String quiesced() throws IOException {
        return code(server.tablets()
                .call(
                        "kudu.tserver.TabletServerAdminService",
                        "Quiesce",
                        QuiesceTabletServerRequestPB.newBuilder()
                                .setQuiesce(true)
                                .build())
                .message(QuiesceTabletServerResponsePB.parser())
                .getError()
                .getStatus());
    }
}
