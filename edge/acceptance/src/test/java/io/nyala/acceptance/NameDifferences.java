package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.master.Master.DeleteTableRequestPB;
import io.nyala.protocol.master.Master.DeleteTableResponsePB;
import io.nyala.protocol.master.Master.RecallDeletedTableRequestPB;
import io.nyala.protocol.master.Master.RecallDeletedTableResponsePB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import java.io.IOException;
import java.util.List;
import org.apache.kudu.client.CreateTableOptions;

/** What differs on purpose in hand-made requests: names, sizes, keys and times that no client says. */
final class NameDifferences {
    private static final ByteString HALF_OF_PAIR = RawTable.bytes(0xED, 0xA0, 0x80);
    private static final int LARGE_BYTES = 5 << 20;

    private final Both both;

    NameDifferences(Both both) {
        this.both = both;
    }

    private void assertDiffers(String kudu, String here, RawBoth.Call call) throws IOException {
        try (RawBoth raw = RawBoth.of(both)) {
            raw.differ(kudu, here, call);
        }
    }

    void largeRequests() throws IOException {
        assertDiffers(
                "INVALID_SCHEMA INVALID_ARGUMENT invalid table comment: identifier 'mm",
                "the call fails: ERROR_INVALID_REQUEST",
                cluster -> {
                    String said = RawTable.create(
                            cluster, "differ_large", create -> create.setComment("m".repeat(LARGE_BYTES)));
                    return said.replaceFirst("m{3,}$", "mm");
                });
    }

    void halvesOfPairs() throws IOException {
        assertDiffers(
                "made",
                "INVALID_SCHEMA INVALID_ARGUMENT invalid table name: invalid UTF8 sequence",
                cluster -> RawTable.create(cluster, "", create -> create.setNameBytes(HALF_OF_PAIR)));
        assertDiffers(
                "made",
                "INVALID_SCHEMA INVALID_ARGUMENT invalid owner name: invalid UTF8 sequence",
                cluster -> RawTable.create(cluster, "differ_owner", create -> create.setOwnerBytes(HALF_OF_PAIR)));
        assertDiffers(
                "made",
                "INVALID_SCHEMA INVALID_ARGUMENT invalid table comment: invalid UTF8 sequence",
                cluster -> RawTable.create(cluster, "differ_comment", create -> create.setCommentBytes(HALF_OF_PAIR)));
    }

    void startAndLastKey() throws Exception {
        // The client waits until there are tablets.
        both.same(client -> {
            CreateTableOptions whole =
                    new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of());
            return client.createTable("differ_keys", SmallTable.SCHEMA, whole).getName();
        });
        assertDiffers("Cannot specify both a start key and a last key", "0 rows", cluster -> {
            NewScanRequestPB.Builder scan = NewScanRequestPB.newBuilder()
                    .setTabletId(cluster.tabletIds("differ_keys").getFirst())
                    .addAllProjectedColumns(cluster.columns("differ_keys"))
                    .setReadMode(ReadMode.READ_AT_SNAPSHOT)
                    .setOrderMode(OrderMode.ORDERED)
                    .setStartPrimaryKey(RawTable.bytes(0x80, 0, 0, 3))
                    .setLastPrimaryKey(RawTable.bytes(0x80, 0, 0, 9));
            ScanRequestPB request = ScanRequestPB.newBuilder()
                    .setNewScanRequest(scan)
                    .setCloseScanner(true)
                    .build();
            ScanResponsePB answer = cluster.tablets().tablet("Scan", request, ScanResponsePB.parser());
            return answer.hasError()
                    ? answer.getError().getStatus().getMessage()
                    : answer.getData().getNumRows() + " rows";
        });
    }

    void longestReservation() throws IOException {
        assertDiffers(
                "TABLE_NOT_FOUND NOT_FOUND the table # soft-deleted state false, expired state false, can't recall",
                "recalled",
                NameDifferences::droppedAndRecalled);
    }

    private static String droppedAndRecalled(RawCluster cluster) throws IOException {
        RawTable.create(cluster, "differ_reserved", _ -> {});
        TableIdentifierPB.Builder id = TableIdentifierPB.newBuilder().setTableId(cluster.tableId("differ_reserved"));
        DeleteTableRequestPB drop = DeleteTableRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName("differ_reserved"))
                .setReserveSeconds(-1)
                .build();
        DeleteTableResponsePB dropped =
                cluster.master().call(WireClient.MASTER, "DeleteTable", drop).message(DeleteTableResponsePB.parser());
        assertEquals(DeleteTableResponsePB.getDefaultInstance(), dropped, "it is dropped");
        RecallDeletedTableResponsePB recalled = cluster.master()
                .call(
                        WireClient.MASTER,
                        "RecallDeletedTable",
                        RecallDeletedTableRequestPB.newBuilder().setTable(id).build())
                .message(RecallDeletedTableResponsePB.parser());
        return recalled.hasError() ? RawTable.told(recalled.getError()) : "recalled";
    }
}
