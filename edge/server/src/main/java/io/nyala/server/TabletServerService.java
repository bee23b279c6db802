package io.nyala.server;

import com.google.protobuf.MessageLite;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.consensus.Metadata.RaftPeerPB.Role;
import io.nyala.protocol.tablet.Metadata.TabletDataState;
import io.nyala.protocol.tablet.Metadata.TabletStatePB;
import io.nyala.protocol.tablet.Tablet.TabletStatusPB;
import io.nyala.protocol.tserver.Tserver.ListTabletsRequestPB;
import io.nyala.protocol.tserver.Tserver.ListTabletsResponsePB;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.PingResponsePB;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerFeatures;
import io.nyala.protocol.tserver.TserverAdmin.QuiesceTabletServerRequestPB;
import io.nyala.protocol.tserver.TserverAdmin.QuiesceTabletServerResponsePB;
import io.nyala.rpc.RpcMethod;
import io.nyala.rpc.RpcService;
import io.nyala.table.TabletStatistics;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.TabletView;
import io.nyala.web.OpenScanner;
import io.nyala.wire.WirePartitions;
import io.nyala.wire.WireSchema;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Kudu's tablet server over an engine: rows in and out, and what its tools ask. Thread-safe. */
final class TabletServerService {
    private static final String NAME = "kudu.tserver.TabletServerService";
    private static final String ADMIN_NAME = "kudu.tserver.TabletServerAdminService";

    private static final Set<Integer> FEATURES = Set.of(
            TabletServerFeatures.COLUMN_PREDICATES_VALUE,
            TabletServerFeatures.PAD_UNIXTIME_MICROS_TO_16_BYTES_VALUE,
            TabletServerFeatures.BLOOM_FILTER_PREDICATE_VALUE,
            TabletServerFeatures.BLOOM_FILTER_PREDICATE_V2_VALUE,
            TabletServerFeatures.COLUMNAR_LAYOUT_FEATURE_VALUE);

    /** The part of the heap that predicates of open scanners may take: filters of joins have MiB each. */
    private static final int PREDICATES_HEAP_PART = 8;

    private static final long BATCH_IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final CatalogView catalog;
    private final WriteService writes;
    private final ScanService scans;
    private final ChecksumService checksums;
    private final BatchPool batches;
    private final Scanners scanners;
    private final Housekeeping housekeeping;

    /**
     * @param pool where answers are made that take a while
     * @param look runs once a second
     */
    TabletServerService(CatalogView catalog, ServerConfig config, Executor pool, Runnable look) {
        this.catalog = catalog;
        this.batches = new BatchPool(System::nanoTime, BATCH_IDLE_NANOS);
        this.scanners = new Scanners(
                System::nanoTime,
                config.scannerMillis(),
                config.scannersMax(),
                Runtime.getRuntime().maxMemory() / PREDICATES_HEAP_PART);
        this.writes = new WriteService(catalog, batches, WriteBatch::commitAsync, pool);
        this.scans = new ScanService(catalog, scanners, System::nanoTime);
        this.checksums = new ChecksumService(catalog, scanners, System::nanoTime);
        this.housekeeping = new Housekeeping(List.of(
                batches::closeIdle,
                scanners::closeIdle,
                catalog::forgetGone,
                catalog.engine()::lookAtWaits, // Writes whose client gives up while nothing else happens.
                look));
    }

    /** What clients read from now. */
    List<OpenScanner> openScanners() {
        return scanners.list();
    }

    int scannerCount() {
        return scanners.count();
    }

    int batchCount() {
        return batches.takenCount();
    }

    RpcService service() {
        return new Methods(NAME, FEATURES)
                .onQuick("Ping", PingRequestPB.parser(), _ -> PingResponsePB.getDefaultInstance())
                .on("Write", writes::write)
                .on("Scan", scans::scan)
                .on("ScannerKeepAlive", RpcMethod.quick(scans::keepAlive))
                .on("Checksum", checksums::checksum)
                .on("SplitKeyRange", SplitKeyRangeRequestPB.parser(), request -> KeySplits.answer(catalog, request))
                .on("ListTablets", ListTabletsRequestPB.parser(), this::listTablets);
    }

    /** What ksck asks beside it. */
    RpcService adminService() {
        return new Methods(ADMIN_NAME, Set.of(TabletServerFeatures.QUIESCING_VALUE))
                .on("Quiesce", QuiesceTabletServerRequestPB.parser(), this::quiesce);
    }

    /** There is no other server to which leaders could go: only asked, never told. */
    private QuiesceTabletServerResponsePB quiesce(QuiesceTabletServerRequestPB request) {
        if (request.hasQuiesce()) {
            return QuiesceTabletServerResponsePB.newBuilder()
                    .setError(TabletErrors.error(
                            TabletServerErrorPB.Code.UNKNOWN_ERROR,
                            ErrorCode.NOT_SUPPORTED,
                            "the only server of a cluster cannot be quiesced"))
                    .build();
        }
        QuiesceTabletServerResponsePB.Builder answer =
                QuiesceTabletServerResponsePB.newBuilder().setIsQuiescing(false);
        if (request.getReturnStats()) {
            answer.setNumActiveScanners(scanners.count())
                    .setNumLeaders(catalog.allTablets().size());
        }
        return answer.build();
    }

    private MessageLite listTablets(ListTabletsRequestPB request) {
        ListTabletsResponsePB.Builder answer = ListTabletsResponsePB.newBuilder();
        long bytes = 0;
        for (Table table : catalog.engine().tables()) {
            ListTabletsResponsePB.StatusAndSchemaPB ofTable = describe(table, request);
            Map<Long, TabletStatistics> statistics = table.statistics().tablets().stream()
                    .collect(Collectors.toMap(TabletStatistics::tabletId, each -> each));
            for (TabletView view : table.views(0, Integer.MAX_VALUE)) {
                TabletStatistics tablet = statistics.get(view.tabletId());
                if (tablet != null) {
                    ListTabletsResponsePB.StatusAndSchemaPB described = describe(table, tablet, view, ofTable);
                    bytes += described.getSerializedSize();
                    if (bytes > Methods.LISTED_BYTES_MAX) {
                        return tooManyTablets(request);
                    }
                    answer.addStatusAndSchema(described);
                }
            }
        }
        return answer.build();
    }

    private static ListTabletsResponsePB tooManyTablets(ListTabletsRequestPB request) {
        return ListTabletsResponsePB.newBuilder()
                .setError(TabletErrors.error(
                        TabletServerErrorPB.Code.UNKNOWN_ERROR,
                        ErrorCode.INVALID_ARGUMENT,
                        "a list of the tablets has more than " + Methods.LISTED_BYTES_MAX
                                + " bytes, and clients take 50 MiB; "
                                + (request.getNeedSchemaInfo() ? "ask without schemas" : "ask the master")))
                .build();
    }

    /** What all tablets of a table have in common, once for all of them: there may be thousands. */
    private static ListTabletsResponsePB.StatusAndSchemaPB describe(Table table, ListTabletsRequestPB request) {
        ListTabletsResponsePB.StatusAndSchemaPB.Builder described = ListTabletsResponsePB.StatusAndSchemaPB.newBuilder()
                .setSchemaVersion(table.schema().version())
                .setRole(Role.LEADER);
        if (request.getNeedSchemaInfo()) {
            described
                    .setSchema(WireSchema.toProto(table.schema()))
                    .setPartitionSchema(
                            WirePartitions.toProto(table.partitions().schema()));
        }
        return described.buildPartial();
    }

    private ListTabletsResponsePB.StatusAndSchemaPB describe(
            Table table, TabletStatistics tablet, TabletView view, ListTabletsResponsePB.StatusAndSchemaPB ofTable) {
        return ofTable.toBuilder()
                .setTabletStatus(TabletStatusPB.newBuilder()
                        .setTabletId(catalog.ids().tablet(tablet.tabletId()))
                        .setTableName(table.name())
                        .setState(isWhole(view) ? TabletStatePB.RUNNING : TabletStatePB.FAILED)
                        .setTabletDataState(TabletDataState.TABLET_DATA_READY)
                        .setLastStatus(lastStatus(view))
                        .setPartition(WirePartitions.toProto(tablet.partition()))
                        .setEstimatedOnDiskSize(tablet.diskBytes()))
                .build();
    }

    /** All of its rows can be read and written. Of another one operators are to hear, by ksck for one. */
    private static boolean isWhole(TabletView view) {
        return view.failure().isEmpty() && view.missing().isEmpty();
    }

    private static String lastStatus(TabletView view) {
        if (view.failure().isPresent()) {
            return "it takes no writes any more: " + view.failure().get().getMessage();
        }
        if (!view.missing().isEmpty()) {
            MissingRowSet first = view.missing().getFirst();
            return view.missing().size() + " rowsets are set aside, the first: " + first + ": "
                    + first.cause().getMessage();
        }
        return view.flushFailure()
                .map(reason -> "its last flush failed: " + reason.getMessage())
                .orElse("");
    }

    /** Its calls have ended. */
    void close(long nanosMax) {
        housekeeping.close(nanosMax);
        scanners.closeAll();
        batches.close();
    }
}
