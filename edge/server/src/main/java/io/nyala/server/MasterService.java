package io.nyala.server;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.nyala.engine.Table;
import io.nyala.protocol.consensus.Metadata.RaftPeerPB;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableResponsePB;
import io.nyala.protocol.master.Master.ConnectToMasterRequestPB;
import io.nyala.protocol.master.Master.ConnectToMasterResponsePB;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.DeleteTableRequestPB;
import io.nyala.protocol.master.Master.DeleteTableResponsePB;
import io.nyala.protocol.master.Master.GetMasterRegistrationRequestPB;
import io.nyala.protocol.master.Master.GetMasterRegistrationResponsePB;
import io.nyala.protocol.master.Master.GetTableLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTableLocationsResponsePB;
import io.nyala.protocol.master.Master.GetTableSchemaRequestPB;
import io.nyala.protocol.master.Master.GetTableSchemaResponsePB;
import io.nyala.protocol.master.Master.GetTableStatisticsRequestPB;
import io.nyala.protocol.master.Master.GetTableStatisticsResponsePB;
import io.nyala.protocol.master.Master.GetTabletLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTabletLocationsResponsePB;
import io.nyala.protocol.master.Master.IsAlterTableDoneRequestPB;
import io.nyala.protocol.master.Master.IsAlterTableDoneResponsePB;
import io.nyala.protocol.master.Master.IsCreateTableDoneRequestPB;
import io.nyala.protocol.master.Master.IsCreateTableDoneResponsePB;
import io.nyala.protocol.master.Master.ListMastersRequestPB;
import io.nyala.protocol.master.Master.ListMastersResponsePB;
import io.nyala.protocol.master.Master.ListTablesRequestPB;
import io.nyala.protocol.master.Master.ListTablesResponsePB;
import io.nyala.protocol.master.Master.ListTabletServersRequestPB;
import io.nyala.protocol.master.Master.ListTabletServersResponsePB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.master.Master.MasterFeatures;
import io.nyala.protocol.master.Master.PingRequestPB;
import io.nyala.protocol.master.Master.PingResponsePB;
import io.nyala.protocol.master.Master.RecallDeletedTableRequestPB;
import io.nyala.protocol.master.Master.RecallDeletedTableResponsePB;
import io.nyala.protocol.master.Master.TServerStatePB;
import io.nyala.rpc.RpcCall;
import io.nyala.rpc.RpcService;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Kudu's master over an engine: the catalog, and who is where. Thread-safe. */
final class MasterService {
    private static final String NAME = "kudu.master.MasterService";

    private static final Set<Integer> FEATURES = Set.of(
            MasterFeatures.RANGE_PARTITION_BOUNDS_VALUE,
            MasterFeatures.ADD_DROP_RANGE_PARTITIONS_VALUE,
            MasterFeatures.CONNECT_TO_MASTER_VALUE,
            MasterFeatures.IGNORE_OPERATIONS_VALUE,
            MasterFeatures.RANGE_SPECIFIC_HASH_SCHEMA_VALUE,
            MasterFeatures.UPSERT_IGNORE_VALUE,
            MasterFeatures.IMMUTABLE_COLUMN_ATTRIBUTE_VALUE);

    private final CatalogView catalog;
    private final Supplier<Identity> identity;
    private final MasterTables tables;
    private final MasterLocations locations;
    private final Events events;
    private final Turns changes = new Turns(); // The engine makes one at a time, too, but keeps the threads that wait.
    private final Methods methods = new Methods(NAME, FEATURES);

    MasterService(CatalogView catalog, Supplier<Identity> identity, int replicasMax, Events events) {
        this.catalog = catalog;
        this.identity = identity;
        this.tables = new MasterTables(catalog, replicasMax, Methods.LISTED_BYTES_MAX);
        this.locations = new MasterLocations(catalog, identity, Methods.LISTED_BYTES_MAX);
        this.events = events;
    }

    RpcService service() {
        methods.onQuick("Ping", PingRequestPB.parser(), _ -> PingResponsePB.getDefaultInstance());
        methods.onQuick("ConnectToMaster", ConnectToMasterRequestPB.parser(), _ -> connect());
        methods.onQuick("GetMasterRegistration", GetMasterRegistrationRequestPB.parser(), _ -> registration());
        methods.onQuick(
                "ListMasters",
                ListMastersRequestPB.parser(),
                _ -> ListMastersResponsePB.newBuilder()
                        .addMasters(identity.get().masterEntry())
                        .build());
        methods.onQuick("ListTabletServers", ListTabletServersRequestPB.parser(), _ -> tabletServers());
        addTables();
        addOneTable();
        return methods;
    }

    private void addTables() {
        onChange(
                "CreateTable",
                CreateTableRequestPB.parser(),
                this::create,
                error -> CreateTableResponsePB.newBuilder().setError(error).build());
        onChange(
                "DeleteTable",
                DeleteTableRequestPB.parser(),
                this::delete,
                error -> DeleteTableResponsePB.newBuilder().setError(error).build());
        onChange(
                "RecallDeletedTable",
                RecallDeletedTableRequestPB.parser(),
                this::recall,
                error -> RecallDeletedTableResponsePB.newBuilder()
                        .setError(error)
                        .build());
        onChange(
                "AlterTable",
                AlterTableRequestPB.parser(),
                this::alter,
                error -> AlterTableResponsePB.newBuilder().setError(error).build());
        on(
                "ListTables",
                ListTablesRequestPB.parser(),
                (_, request) -> tables.list(request),
                error -> ListTablesResponsePB.newBuilder().setError(error).build());
    }

    private void addOneTable() {
        on(
                "IsCreateTableDone",
                IsCreateTableDoneRequestPB.parser(),
                (_, request) -> created(request),
                error ->
                        IsCreateTableDoneResponsePB.newBuilder().setError(error).build());
        on(
                "IsAlterTableDone",
                IsAlterTableDoneRequestPB.parser(),
                (_, request) -> altered(request),
                error -> IsAlterTableDoneResponsePB.newBuilder().setError(error).build());
        on(
                "GetTableSchema",
                GetTableSchemaRequestPB.parser(),
                (_, request) -> tables.schema(request.getTable()),
                error -> GetTableSchemaResponsePB.newBuilder().setError(error).build());
        on(
                "GetTableStatistics",
                GetTableStatisticsRequestPB.parser(),
                (_, request) -> tables.statistics(request.getTable()),
                error -> GetTableStatisticsResponsePB.newBuilder()
                        .setError(error)
                        .build());
        on(
                "GetTableLocations",
                GetTableLocationsRequestPB.parser(),
                (_, request) -> locations.ofTable(tables.find(request.getTable()), request),
                error ->
                        GetTableLocationsResponsePB.newBuilder().setError(error).build());
        on(
                "GetTabletLocations",
                GetTabletLocationsRequestPB.parser(),
                (_, request) -> locations.ofTablets(request),
                error -> GetTabletLocationsResponsePB.newBuilder()
                        .setError(error)
                        .build());
    }

    /** A method whose failures are answered as errors of its own message. */
    private <M extends MessageLite> void on(
            String name,
            Parser<M> parser,
            BiFunction<RpcCall, M, MessageLite> handler,
            Function<MasterErrorPB, MessageLite> failed) {
        methods.on(name, call -> {
            M request = call.parse(parser);
            MessageLite answer;
            try {
                answer = handler.apply(call, request);
            } catch (RuntimeException e) {
                answer = failed.apply(MasterErrors.of(e));
            }
            call.answer(answer);
        });
    }

    /** What a change came to: what the client is told, and what everybody else is. */
    private record Change(MessageLite answer, @Nullable String line) {}

    /** The same for a change of the catalog, which waits for its turn before its request takes room on the heap. */
    private <M extends MessageLite> void onChange(
            String name,
            Parser<M> parser,
            BiFunction<RpcCall, M, Change> handler,
            Function<MasterErrorPB, MessageLite> failed) {
        methods.on(name, call -> {
            Change change = changes.take(() -> {
                M request = call.parse(parser);
                try {
                    return handler.apply(call, request);
                } catch (RuntimeException e) {
                    return new Change(failed.apply(MasterErrors.of(e)), null);
                }
            });
            if (change.line() != null) {
                events.tell(change.line());
            }
            call.answer(change.answer());
        });
    }

    // ---- The cluster ----

    private ConnectToMasterResponsePB connect() {
        return ConnectToMasterResponsePB.newBuilder()
                .setRole(RaftPeerPB.Role.LEADER)
                .addMasterAddrs(identity.get().masterAddress())
                .setClusterId(identity.get().ids().cluster())
                .build();
    }

    private GetMasterRegistrationResponsePB registration() {
        return GetMasterRegistrationResponsePB.newBuilder()
                .setInstanceId(identity.get().masterInstance())
                .setRegistration(identity.get().masterRegistration())
                .setRole(RaftPeerPB.Role.LEADER)
                .setClusterId(identity.get().ids().cluster())
                .setMemberType(RaftPeerPB.MemberType.VOTER)
                .build();
    }

    private ListTabletServersResponsePB tabletServers() {
        return ListTabletServersResponsePB.newBuilder()
                .addServers(ListTabletServersResponsePB.Entry.newBuilder()
                        .setInstanceId(identity.get().tabletServerInstance())
                        .setRegistration(identity.get().tabletServerRegistration())
                        .setMillisSinceHeartbeat(0)
                        .setState(TServerStatePB.NONE))
                .build();
    }

    // ---- Tables ----

    private Change create(RpcCall call, CreateTableRequestPB request) {
        return new Change(
                tables.create(request, call.user()), "table " + request.getName() + " created by " + call.user());
    }

    private Change delete(RpcCall call, DeleteTableRequestPB request) {
        String name = tables.delete(request);
        return new Change(DeleteTableResponsePB.getDefaultInstance(), "table " + name + " dropped by " + call.user());
    }

    private Change recall(RpcCall call, RecallDeletedTableRequestPB request) {
        String name = tables.recall(request);
        return new Change(
                RecallDeletedTableResponsePB.getDefaultInstance(), "table " + name + " recalled by " + call.user());
    }

    private Change alter(RpcCall call, AlterTableRequestPB request) {
        Table table = tables.find(request.getTable());
        if (request.hasNumReplicas()) {
            tables.checkReplicas(request.getNumReplicas());
        }
        MasterAlter change = new MasterAlter(table, request);
        return new Change(
                change.commit(catalog.idOf(table)),
                "table " + table.name() + " altered by " + call.user() + ": " + change.words());
    }

    /** A table exists with all its tablets when it was created. */
    private IsCreateTableDoneResponsePB created(IsCreateTableDoneRequestPB request) {
        tables.find(request.getTable());
        return IsCreateTableDoneResponsePB.newBuilder().setDone(true).build();
    }

    /** A change holds in all tablets when it was made. */
    private IsAlterTableDoneResponsePB altered(IsAlterTableDoneRequestPB request) {
        Table table = tables.find(request.getTable());
        return IsAlterTableDoneResponsePB.newBuilder()
                .setSchemaVersion(table.schema().version())
                .setDone(true)
                .build();
    }
}
