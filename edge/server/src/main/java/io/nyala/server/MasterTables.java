package io.nyala.server;

import com.google.protobuf.ByteString;
import com.google.protobuf.TextFormat;
import io.nyala.catalog.CatalogLimits;
import io.nyala.catalog.TableDescription;
import io.nyala.catalog.TabletPlace;
import io.nyala.engine.Table;
import io.nyala.engine.TableExistsException;
import io.nyala.engine.TableSpec;
import io.nyala.protocol.Common.TableTypePB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.DeleteTableRequestPB;
import io.nyala.protocol.master.Master.GetTableSchemaResponsePB;
import io.nyala.protocol.master.Master.GetTableStatisticsResponsePB;
import io.nyala.protocol.master.Master.ListTablesRequestPB;
import io.nyala.protocol.master.Master.ListTablesResponsePB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.master.Master.RecallDeletedTableRequestPB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.rows.Schema;
import io.nyala.table.TableStatistics;
import io.nyala.wire.WirePartitions;
import io.nyala.wire.WireSchema;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Tables made, listed, described and dropped, as a master does it. Thread-safe. */
final class MasterTables {
    private final CatalogView catalog;
    private final int replicasMax;
    private final int listedBytesMax;

    /**
     * @param replicasMax of a table
     * @param listedBytesMax of a list of tables
     */
    MasterTables(CatalogView catalog, int replicasMax, int listedBytesMax) {
        this.catalog = catalog;
        this.replicasMax = replicasMax;
        this.listedBytesMax = listedBytesMax;
    }

    // ---- Found ----

    /** The table that a request names, unless it was dropped. */
    Table find(TableIdentifierPB identifier) {
        return lookUp(identifier).filter(table -> !table.isDropped()).orElseThrow(() -> notFound(identifier));
    }

    /** By its id; if there is a name too, the table must have it. By its name otherwise. */
    private Optional<Table> lookUp(TableIdentifierPB identifier) {
        if (!identifier.hasTableId() && !identifier.hasTableName()) {
            throw new MasterException(
                    MasterErrorPB.Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT, "missing table ID or table name");
        }
        if (!identifier.hasTableId()) {
            return catalog.engine().table(identifier.getTableName());
        }
        Optional<Table> found = catalog.table(identifier.getTableId().toStringUtf8());
        if (found.isPresent()
                && identifier.hasTableName()
                && !found.get().name().equals(identifier.getTableName())) {
            throw notFound(
                    "the table ID refers to a different table '" + found.get().name() + "' than '"
                            + identifier.getTableName() + "'",
                    identifier);
        }
        return found;
    }

    private static MasterException notFound(TableIdentifierPB identifier) {
        return notFound("the table does not exist", identifier);
    }

    private static MasterException notFound(String what, TableIdentifierPB identifier) {
        String text = TextFormat.printer().emittingSingleLine(true).printToString(identifier);
        return new MasterException(MasterErrorPB.Code.TABLE_NOT_FOUND, ErrorCode.NOT_FOUND, what + ": " + text);
    }

    // ---- Made ----

    CreateTableResponsePB create(CreateTableRequestPB request, String user) {
        WireSchema.checkName("table", request.getNameBytes());
        if (request.hasOwner()) {
            WireSchema.checkOwner(request.getOwnerBytes(), CatalogLimits.OWNER_BYTES_MAX);
        }
        WireSchema.checkComment(request.getCommentBytes());
        checkReplicas(request);
        if (request.getTableType() != TableTypePB.DEFAULT_TABLE) {
            throw new MasterException(
                    MasterErrorPB.Code.UNKNOWN_ERROR, ErrorCode.NOT_SUPPORTED, "transactions are not supported");
        }
        Schema schema = WireSchema.toSchema(request.getSchema());
        var partitions = WirePartitions.toPartitions(
                schema,
                request.getPartitionSchema(),
                request.getSplitRowsRangeBounds(),
                request.getAllowEmptyPartition());
        TableDescription description = new TableDescription(
                request.getName(),
                request.hasOwner() ? request.getOwner() : user,
                request.getComment(),
                TableDescription.HISTORY_SECONDS_DEFAULT,
                schema,
                partitions.schema());
        try {
            TableDescription whole = ExtraConfigs.describe(description, request.getExtraConfigsMap());
            Table table = catalog.engine().createTable(new TableSpec(whole, partitions.ranges()));
            return CreateTableResponsePB.newBuilder()
                    .setTableId(ByteString.copyFromUtf8(catalog.idOf(table)))
                    .build();
        } catch (TableExistsException e) {
            throw alreadyPresent(request.getName(), e);
        }
    }

    private MasterException alreadyPresent(String name, TableExistsException cause) {
        String id = catalog.engine().table(name).map(catalog::idOf).orElse("of a table that is being dropped");
        var failure = new MasterException(
                MasterErrorPB.Code.TABLE_ALREADY_PRESENT,
                ErrorCode.ALREADY_PRESENT,
                "table " + name + " already exists with id " + id);
        failure.initCause(cause);
        return failure;
    }

    private void checkReplicas(CreateTableRequestPB request) {
        if (request.hasNumReplicas()) {
            checkReplicas(request.getNumReplicas());
        }
    }

    /** Any number that a cluster could have is fine; a table has one replica. */
    void checkReplicas(int replicas) {
        String illegal = "illegal replication factor " + replicas + ": ";
        if (replicas < 1 || replicas > replicasMax) {
            throw new MasterException(
                    MasterErrorPB.Code.ILLEGAL_REPLICATION_FACTOR,
                    ErrorCode.INVALID_ARGUMENT,
                    illegal
                            + (replicas < 1
                                    ? "minimum allowed replication factor is 1"
                                    : "maximum allowed replication factor is " + replicasMax));
        }
        if (replicas % 2 == 0) {
            throw new MasterException(
                    MasterErrorPB.Code.EVEN_REPLICATION_FACTOR,
                    ErrorCode.INVALID_ARGUMENT,
                    illegal + "replication factor must be odd");
        }
    }

    // ---- Dropped ----

    /** Answers the name that the table had. */
    String delete(DeleteTableRequestPB request) {
        TableIdentifierPB identifier = request.getTable();
        Table table = lookUp(identifier).orElseThrow(() -> notFound(identifier));
        String name = table.name();
        Duration recallable = Duration.ofSeconds(Integer.toUnsignedLong(request.getReserveSeconds()));
        if (table.isDropped()) {
            if (!recallable.isZero()) {
                throw softDeleted(table);
            }
            catalog.engine().purgeTable(table.id());
        } else {
            catalog.engine().dropTable(table.id(), recallable);
        }
        return name;
    }

    /** Answers the name that the table has now. */
    String recall(RecallDeletedTableRequestPB request) {
        TableIdentifierPB identifier = request.getTable();
        Table table = lookUp(identifier).orElseThrow(() -> notFound(identifier));
        if (!table.isDropped()) {
            throw notFound(identifier);
        }
        String name = request.hasNewTableName() ? request.getNewTableName() : table.name();
        if (request.hasNewTableName()) {
            WireSchema.checkName("table", request.getNewTableNameBytes());
        }
        try {
            catalog.engine().recallTable(table.id(), name);
        } catch (TableExistsException e) {
            throw alreadyPresent(name, e);
        }
        return name;
    }

    private static MasterException softDeleted(Table table) {
        return new MasterException(
                MasterErrorPB.Code.TABLE_SOFT_DELETED,
                ErrorCode.INVALID_ARGUMENT,
                "soft_deleted table " + table.name() + " should not be soft deleted again");
    }

    // ---- Described ----

    ListTablesResponsePB list(ListTablesRequestPB request) {
        ListTablesResponsePB.Builder answer = ListTablesResponsePB.newBuilder();
        List<TableTypePB> types = request.getTypeFilterList();
        if (!types.isEmpty() && !types.contains(TableTypePB.DEFAULT_TABLE)) {
            return answer.build();
        }
        List<Table> tables = request.getShowSoftDeleted()
                ? catalog.engine().droppedTables()
                : catalog.engine().tables();
        long bytes = 0;
        for (Table table : tables) {
            if (table.name().contains(request.getNameFilter())) {
                List<TabletPlace> tablets = table.tablets();
                ListTablesResponsePB.TableInfo.Builder info = info(table, tablets.size());
                bytes = checkListed(bytes + info.buildPartial().getSerializedSize());
                if (request.getListTabletWithPartition()) {
                    for (TabletPlace tablet : tablets) {
                        ListTablesResponsePB.TabletWithPartition named = named(tablet);
                        bytes = checkListed(bytes + named.getSerializedSize());
                        info.addTabletWithPartition(named);
                    }
                }
                answer.addTables(info);
            }
        }
        return answer.build();
    }

    private long checkListed(long bytes) {
        if (bytes > listedBytesMax) {
            throw MasterException.listTooLong(
                    "a list of the tables", listedBytesMax, "ask for fewer, by name_filter, or without their tablets");
        }
        return bytes;
    }

    private ListTablesResponsePB.TableInfo.Builder info(Table table, int tablets) {
        return ListTablesResponsePB.TableInfo.newBuilder()
                .setId(ByteString.copyFromUtf8(catalog.idOf(table)))
                .setName(table.name())
                .setLiveRowCount(table.statistics().liveRowCount())
                .setNumTablets(tablets)
                .setNumReplicas(1);
    }

    private ListTablesResponsePB.TabletWithPartition named(TabletPlace tablet) {
        return ListTablesResponsePB.TabletWithPartition.newBuilder()
                .setTabletId(catalog.ids().tablet(tablet.id()))
                .setPartition(WirePartitions.toProto(tablet.partition()))
                .build();
    }

    GetTableSchemaResponsePB schema(TableIdentifierPB identifier) {
        Table table = find(identifier);
        return GetTableSchemaResponsePB.newBuilder()
                .setSchema(WireSchema.toProto(table.schema()))
                .setPartitionSchema(WirePartitions.toProto(table.partitions().schema()))
                .setNumReplicas(1)
                .setTableId(ByteString.copyFromUtf8(catalog.idOf(table)))
                .setTableName(table.name())
                .setOwner(table.owner())
                .setComment(table.comment())
                .putAllExtraConfigs(ExtraConfigs.of(table))
                .build();
    }

    GetTableStatisticsResponsePB statistics(TableIdentifierPB identifier) {
        TableStatistics statistics = find(identifier).statistics();
        return GetTableStatisticsResponsePB.newBuilder()
                .setOnDiskSize(statistics.diskBytes())
                .setLiveRowCount(statistics.liveRowCount())
                .build();
    }
}
