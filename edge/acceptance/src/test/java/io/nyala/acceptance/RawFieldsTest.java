package io.nyala.acceptance;

import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.protobuf.TextFormat;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.consensus.Consensus.GetConsensusStateRequestPB;
import io.nyala.protocol.consensus.Consensus.GetConsensusStateResponsePB;
import io.nyala.protocol.master.Master.ListTabletServersRequestPB;
import io.nyala.protocol.master.Master.ListTabletServersResponsePB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.protocol.tserver.TserverAdmin.QuiesceTabletServerRequestPB;
import io.nyala.protocol.tserver.TserverAdmin.QuiesceTabletServerResponsePB;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import io.nyala.time.HybridTime;
import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduTable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: fields that no published client sets, or not like this, mean what they mean to a real Kudu. Method: the same
 * hand-made requests to both; answers must be equal, words of errors included.
 */
@ExtendWith(Both.Parameter.class)
final class RawFieldsTest {
    private static final String TABLE = "raw_fields";
    private static final String TABLETS = WireClient.TABLET_SERVER;
    private static final int ROWS = 20;

    /** Measures, times, addresses and versions; the id of a scanner that has no more. */
    private static final Pattern NOISE = Pattern.compile("(?s)resource_metrics \\{.*?\\}\n"
            + "|(propagated_timestamp|snap_timestamp|instance_seqno|start_time|millis_since_heartbeat|port): [0-9]+"
            + "|(software_version|scanner_id): \"[^\"]*\"|(OBSOLETE_local|https_enabled): (true|false)");

    private final Both both;

    @AutoClose
    private final RawBoth raw;

    RawFieldsTest(Both both) throws IOException {
        this.both = both;
        raw = RawBoth.of(both);
    }

    @BeforeEach
    void fill() throws KuduException {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            if (!client.tableExists(TABLE)) {
                KuduTable table = client.createTable(
                        TABLE,
                        SmallTable.SCHEMA,
                        new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
                SmallTable.fill(client, table, 0, 1, ROWS);
            }
        }
    }

    /** A call of a hand-made request, in the text format of protobuf. */
    private static String call(WireClient client, String service, String method, Message.Builder request, String more)
            throws IOException {
        TextFormat.getParser().merge(more, request);
        return told(client.call(service, method, request.build()), answerOf(request));
    }

    private static Parser<? extends Message> answerOf(Message.Builder request) {
        return switch (request) {
            case ChecksumRequestPB.Builder _ -> ChecksumResponsePB.parser();
            case ScanRequestPB.Builder _ -> ScanResponsePB.parser();
            case GetConsensusStateRequestPB.Builder _ -> GetConsensusStateResponsePB.parser();
            case QuiesceTabletServerRequestPB.Builder _ -> QuiesceTabletServerResponsePB.parser();
            case ListTabletServersRequestPB.Builder _ -> ListTabletServersResponsePB.parser();
            case WriteRequestPB.Builder _ -> WriteResponsePB.parser();
            default -> throw new AssertionError(request.getDescriptorForType().getFullName());
        };
    }

    /** Without what no two servers have in common, and what one says that means nothing. */
    private static String told(WireClient.Reply reply, Parser<? extends Message> parser) throws IOException {
        String text = reply.isError()
                ? "error " + reply.error().getCode() + ": " + reply.error().getMessage()
                : TextFormat.printer().printToString(reply.message(parser));
        return NOISE.matcher(text)
                        .replaceAll("")
                        .replaceAll("[0-9a-f]{32}", "an id")
                        .replaceAll("[ \\t]*\\n\\s*", "\n") + "\n";
    }

    // ---- Checksums ----

    @Test
    void checksumsAreCutAndClosed() throws IOException {
        for (String fields : List.of("", "close_scanner: true", "batch_size_bytes: 1", "call_seq_id: 3")) {
            raw.same(cluster -> wholeChecksum(cluster, fields));
        }
        for (String fields : List.of("batch_size_bytes: 0", "batch_size_bytes: 0 close_scanner: true")) {
            raw.same(cluster -> wholeChecksum(cluster, fields));
            raw.same(cluster -> closedChecksum(cluster, fields));
        }
        raw.same(cluster -> call(cluster.tablets(), TABLETS, "Checksum", ChecksumRequestPB.newBuilder(), ""));
        raw.same(cluster -> call(
                cluster.tablets(),
                TABLETS,
                "Checksum",
                checksum(cluster),
                "continue_request { scanner_id: 'x' previous_checksum: 7 }"));
    }

    private static ChecksumRequestPB.Builder checksum(RawCluster cluster) throws IOException {
        ChecksumRequestPB.Builder request = ChecksumRequestPB.newBuilder();
        request.getNewRequestBuilder()
                .setTabletId(cluster.tabletIds(TABLE).getFirst())
                .addAllProjectedColumns(cluster.columns(TABLE));
        return request;
    }

    /** In as many pieces as a server likes, each as small as it can be. */
    private static String wholeChecksum(RawCluster cluster, String fields) throws IOException {
        ChecksumRequestPB.Builder open = checksum(cluster);
        TextFormat.getParser().merge(fields, open);
        ChecksumResponsePB answer = cluster.tablets().tablet("Checksum", open.build(), ChecksumResponsePB.parser());
        long rows = answer.getRowsChecksummed();
        for (int call = 1; answer.getHasMoreResults(); call++) {
            answer = cluster.tablets().tablet("Checksum", next(answer, call, 1).build(), ChecksumResponsePB.parser());
            rows += answer.getRowsChecksummed();
        }
        return rows + " rows " + answer.getChecksum() + answer.getError();
    }

    private static ChecksumRequestPB.Builder next(ChecksumResponsePB last, int call, int bytes) {
        ChecksumRequestPB.Builder request =
                ChecksumRequestPB.newBuilder().setCallSeqId(call).setBatchSizeBytes(bytes);
        request.getContinueRequestBuilder().setScannerId(last.getScannerId()).setPreviousChecksum(last.getChecksum());
        return request;
    }

    private static String closedChecksum(RawCluster cluster, String fields) throws IOException {
        ChecksumRequestPB.Builder open = checksum(cluster);
        TextFormat.getParser().merge(fields, open);
        ChecksumResponsePB opened = cluster.tablets().tablet("Checksum", open.build(), ChecksumResponsePB.parser());
        return call(cluster.tablets(), TABLETS, "Checksum", next(opened, 1, 0), "close_scanner: true")
                + call(cluster.tablets(), TABLETS, "Checksum", next(opened, 2, 1), "");
    }

    // ---- Scans ----

    @Test
    void ordersAndKeysOfScansMeanTheSame() throws Exception {
        for (String fields : List.of(
                "order_mode: UNKNOWN_ORDER_MODE",
                "read_mode: READ_AT_SNAPSHOT order_mode: ORDERED last_primary_key: '\\200\\000\\000\\005'",
                "last_primary_key: '\\200\\000\\000\\005'",
                "projected_columns { name: 'other' type: INT32 is_auto_incrementing: true }")) {
            raw.same(cluster -> {
                ScanRequestPB.Builder request = scan(cluster);
                return call(cluster.tablets(), TABLETS, "Scan", request, "new_scan_request { " + fields + " }");
            });
        }
    }

    private static ScanRequestPB.Builder scan(RawCluster cluster) throws IOException {
        ScanRequestPB.Builder request = ScanRequestPB.newBuilder();
        request.getNewScanRequestBuilder()
                .setTabletId(cluster.tabletIds(TABLE).getFirst())
                .addAllProjectedColumns(cluster.columns(TABLE));
        return request;
    }

    // ---- Times ----

    /** A client whose clock is wrong does not have all others wait: more than 10 s ahead is too much, to both. */
    @Test
    void timesFarAheadAreRefused() throws IOException {
        long ahead = HybridTime.ofMicros(1_000 * (System.currentTimeMillis() + 60_000));
        String field = "propagated_timestamp: " + ahead;
        for (String mode : List.of("READ_LATEST", "READ_AT_SNAPSHOT", "READ_YOUR_WRITES")) {
            raw.same(cluster -> {
                ScanRequestPB.Builder scan = scan(cluster);
                scan.getNewScanRequestBuilder().setReadMode(ReadMode.valueOf(mode));
                return withoutWords(
                        call(cluster.tablets(), TABLETS, "Scan", scan, "new_scan_request { " + field + " }"));
            });
        }
        raw.same(cluster -> {
            WriteRequestPB.Builder write = new WireRows(cluster.schema(TABLE))
                            .add(RowOperationsPB.Type.UPSERT, WireRows.cell(3))
                            .request(cluster.tabletIds(TABLE).getFirst().toStringUtf8())
                            .toBuilder();
            return withoutWords(call(cluster.tablets(), TABLETS, "Write", write, field));
        });
    }

    private static String withoutWords(String answer) {
        return answer.replaceAll("message: .*", "");
    }

    // ---- Servers ----

    @Test
    void serversAnswerForThemselvesOnly() throws IOException {
        for (String fields : List.of("", "dest_uuid: 'x'", "dest_uuid: ''", "report_health: INCLUDE_HEALTH_REPORT")) {
            raw.same(cluster -> {
                String tablet = TextFormat.escapeBytes(cluster.tabletIds(TABLE).getFirst());
                GetConsensusStateRequestPB.Builder request = GetConsensusStateRequestPB.newBuilder();
                return call(
                        cluster.tablets(),
                        "kudu.consensus.ConsensusService",
                        "GetConsensusState",
                        request,
                        fields + " tablet_ids: \"" + tablet + "\"");
            });
        }
        for (String fields : List.of("", "return_stats: false")) {
            raw.same(cluster -> call(
                    cluster.tablets(),
                    "kudu.tserver.TabletServerAdminService",
                    "Quiesce",
                    QuiesceTabletServerRequestPB.newBuilder(),
                    fields));
        }
        for (String fields : List.of("", "include_states: true")) {
            raw.same(cluster -> call(
                    cluster.master(),
                    WireClient.MASTER,
                    "ListTabletServers",
                    ListTabletServersRequestPB.newBuilder(),
                    fields));
        }
    }
}
