package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.SessionConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: what the published Java client never says is answered as by a real Kudu, too. Method: the same hand-made
 * requests to both; answers must be equal, words of errors included.
 */
@ExtendWith(Both.Parameter.class)
final class RawRequestsTest {
    private final Both both;
    private final RawCluster kudu;
    private final RawCluster ours;

    RawRequestsTest(Both both) throws IOException {
        this.both = both;
        kudu = RawCluster.of(both.kudu());
        ours = RawCluster.of(both.ours());
    }

    @AfterEach
    void disconnect() throws IOException {
        try (kudu;
                ours) {
            // Both, whatever fails.
        }
    }

    /** What a cluster answers, as text. */
    @FunctionalInterface
    private interface Call {
        String answer(RawCluster cluster) throws IOException;
    }

    private void same(Call call) throws IOException {
        assertEquals(call.answer(kudu), call.answer(ours));
    }

    // ---- Checksums ----

    private static String checksum(RawCluster cluster, String table) throws IOException {
        StringBuilder sums = new StringBuilder();
        for (ByteString tablet : cluster.tabletIds(table)) {
            NewScanRequestPB.Builder scan =
                    NewScanRequestPB.newBuilder().setTabletId(tablet).addAllProjectedColumns(cluster.columns(table));
            ChecksumResponsePB answer = cluster.tablets()
                    .tablet(
                            "Checksum",
                            ChecksumRequestPB.newBuilder().setNewRequest(scan).build(),
                            ChecksumResponsePB.parser());
            sums.append(answer.getRowsChecksummed())
                    .append(" rows ")
                    .append(Long.toHexString(answer.getChecksum()))
                    .append(answer.getError())
                    .append('\n');
        }
        return sums.toString();
    }

    /** A column of each type, and rows of each of their values and of NULL. */
    @Test
    void checksumsAreThoseOfARealKudu() throws Exception {
        List<ColumnSchema> columns = new ArrayList<>(List.of(
                new ColumnSchema.ColumnSchemaBuilder("k", Type.INT32).key(true).build()));
        for (ColumnKind kind : ColumnKind.values()) {
            columns.add(kind.column(kind.name()).nullable(true).build());
        }
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            KuduTable table = client.createTable(
                    "checksum_types",
                    new Schema(columns),
                    new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
            KuduSession session = client.newSession();
            session.setFlushMode(SessionConfiguration.FlushMode.MANUAL_FLUSH);
            for (int k = 0; k < 20; k++) {
                Operation insert = SmallTable.insert(table, k);
                for (ColumnKind kind : ColumnKind.values()) {
                    int value = k % (kind.samples().size() + 1);
                    if (value < kind.samples().size()) {
                        insert.getRow().addObject(kind.name(), kind.samples().get(value));
                    }
                }
                session.apply(insert);
            }
            assertEquals(
                    List.of(),
                    session.flush().stream()
                            .filter(OperationResponse::hasRowError)
                            .toList());
            session.close();
        }
        same(cluster -> checksum(cluster, "checksum_types"));
    }

    /** Cells longer than the pieces in which ours gathers rows, and rows in several tablets. */
    @Test
    void checksumsOfLongCellsAreThoseOfARealKudu() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            KuduTable table = SmallTable.filled(client, "checksum_long", 300);
            KuduSession session = client.newSession();
            for (int bytes : new int[] {4_086, 4_087, 4_088, 4_095, 4_096, 4_097, 20_000}) {
                session.apply(SmallTable.upsert(table, bytes, "x".repeat(bytes)));
            }
            session.close();
        }
        both.flushOurs("checksum_long");
        same(cluster -> checksum(cluster, "checksum_long"));
    }
}
