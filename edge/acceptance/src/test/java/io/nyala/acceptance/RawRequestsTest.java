package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireBloom;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireResults;
import io.nyala.protocol.BlockBloomFilter.BlockBloomFilterPB;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.PartitionSchemaPB;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.Hash.HashAlgorithm;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.DeleteTableRequestPB;
import io.nyala.protocol.master.Master.DeleteTableResponsePB;
import io.nyala.protocol.master.Master.ListTablesRequestPB;
import io.nyala.protocol.master.Master.ListTablesResponsePB;
import io.nyala.protocol.master.Master.RecallDeletedTableRequestPB;
import io.nyala.protocol.master.Master.RecallDeletedTableResponsePB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PartialRow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: what the published Java client never says is answered as by a real Kudu, too. Method: the same hand-made
 * requests to both; answers must be equal, words of errors included.
 */
@ExtendWith(Both.Parameter.class)
final class RawRequestsTest {
    private final Both both;

    @AutoClose
    private final RawBoth raw;

    RawRequestsTest(Both both) throws IOException {
        this.both = both;
        raw = RawBoth.of(both);
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

    @Test
    void checksumsAreThoseOfARealKudu() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            AllTypes.filled(client, "checksum_types");
        }
        raw.same(cluster -> checksum(cluster, "checksum_types"));
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
        raw.same(cluster -> checksum(cluster, "checksum_long"));
    }

    // ---- Bloom filters ----

    private static final BlockBloomFilterPB GOOD = new WireBloom(6, 1).toProto().build();

    private static final List<String> TEXTS =
            List.of("", "a", "\0", "abcdefg", "abcdefgh", "abcdefghi", "x".repeat(100));

    /** The table of these tests, made by the first. */
    private void requireFiltered() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            if (client.tableExists("filtered")) {
                return;
            }
            KuduTable table = SmallTable.filled(client, "filtered", 20);
            KuduSession session = client.newSession();
            for (int i = 0; i < TEXTS.size(); i++) {
                session.apply(SmallTable.upsert(table, 100 + i, TEXTS.get(i)));
            }
            session.close();
        }
    }

    /** Filters with cells of all lengths, in all sizes, with bounds and without. */
    @Test
    void filtersFindTheirRows() throws Exception {
        requireFiltered();
        for (String text : TEXTS) {
            for (int i = 0; i < 4; i++) {
                WireBloom filter = new WireBloom(6 + i, 7 * i);
                filter.add(text.getBytes(StandardCharsets.UTF_8));
                filter.add("row 5".getBytes(StandardCharsets.UTF_8));
                ColumnPredicatePB.InBloomFilter.Builder wanted = ColumnPredicatePB.InBloomFilter.newBuilder();
                wanted.addBloomFilters(filter.toProto());
                if (i % 2 == 1) {
                    wanted.setLower(ByteString.copyFromUtf8("a"));
                }
                if (i > 1) {
                    wanted.setUpper(ByteString.copyFromUtf8("row 6"));
                }
                raw.same(cluster -> scanned(cluster, wanted));
                assertTrue(i % 2 == 1 || i > 1 || scanned(raw.ours(), wanted).contains("found"), text);
            }
        }
    }

    @Test
    void filtersThatAreNoneAreRefused() throws Exception {
        requireFiltered();
        List<BlockBloomFilterPB.Builder> filters = new ArrayList<>();
        for (int log : new int[] {Integer.MIN_VALUE, -1, 0, 5, 6, 7, 26, 37, 38, Integer.MAX_VALUE}) {
            for (int bytes : new int[] {0, 32, 64}) {
                filters.add(GOOD.toBuilder().setLogSpaceBytes(log).setBloomData(ByteString.copyFrom(new byte[bytes])));
            }
        }
        for (HashAlgorithm algorithm : HashAlgorithm.values()) {
            filters.add(GOOD.toBuilder().setHashAlgorithm(algorithm));
        }
        filters.add(GOOD.toBuilder().clearLogSpaceBytes());
        filters.add(GOOD.toBuilder().clearBloomData());
        filters.add(GOOD.toBuilder().clearAlwaysFalse());
        filters.add(GOOD.toBuilder().clearHashAlgorithm());
        filters.add(GOOD.toBuilder().clearHashSeed());
        filters.add(GOOD.toBuilder().setAlwaysFalse(true));
        for (BlockBloomFilterPB.Builder filter : filters) {
            raw.same(cluster -> scanned(
                    cluster,
                    ColumnPredicatePB.InBloomFilter.newBuilder()
                            .addBloomFilters(GOOD)
                            .addBloomFilters(filter)));
        }
        raw.same(cluster -> scanned(cluster, ColumnPredicatePB.InBloomFilter.newBuilder()));
    }

    private static String scanned(RawCluster cluster, ColumnPredicatePB.InBloomFilter.Builder wanted)
            throws IOException {
        StringBuilder seen = new StringBuilder();
        for (ByteString tablet : cluster.tabletIds("filtered")) {
            NewScanRequestPB.Builder scan = NewScanRequestPB.newBuilder()
                    .setTabletId(tablet)
                    .setReadMode(ReadMode.READ_AT_SNAPSHOT)
                    .setOrderMode(OrderMode.ORDERED)
                    .addAllProjectedColumns(cluster.columns("filtered"))
                    .addColumnPredicates(
                            ColumnPredicatePB.newBuilder().setColumn("v").setInBloomFilter(wanted));
            WireClient.Reply reply = cluster.tablets()
                    .call(
                            WireClient.TABLET_SERVER,
                            "Scan",
                            ScanRequestPB.newBuilder().setNewScanRequest(scan).build());
            ScanResponsePB answer = reply.message(ScanResponsePB.parser());
            if (answer.hasError()) {
                seen.append(answer.getError());
                continue;
            }
            for (byte[] @Nullable [] row :
                    WireResults.rows(reply, answer, cluster.schema("filtered").columns())) {
                seen.append("found ").append(HexFormat.of().formatHex(row[0])).append('\n');
            }
        }
        return seen.toString();
    }

    // ---- Dropped tables ----

    /** The field has no sign. Its largest number is no time to a real Kudu, which cannot recall the table then. */
    @Test
    void tablesAreKeptForAsLongAsByARealKudu() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            SmallTable.create(client, "raw_reserved");
        }
        for (int seconds : new int[] {600, Integer.MAX_VALUE, Integer.MIN_VALUE, -2}) {
            raw.same(cluster -> droppedAndRecalled(cluster, seconds));
        }
    }

    private static String droppedAndRecalled(RawCluster cluster, int seconds) throws IOException {
        TableIdentifierPB byId = TableIdentifierPB.newBuilder()
                .setTableId(cluster.tableId("raw_reserved"))
                .build();
        DeleteTableRequestPB drop = DeleteTableRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName("raw_reserved")) // By an id, Kudu cannot.
                .setReserveSeconds(seconds)
                .build();
        RecallDeletedTableRequestPB recall =
                RecallDeletedTableRequestPB.newBuilder().setTable(byId).build();
        ListTablesRequestPB dropped = ListTablesRequestPB.newBuilder()
                .setNameFilter("raw_reserved")
                .setShowSoftDeleted(true)
                .build();
        String seen = "dropped for " + Integer.toUnsignedString(seconds) + " s: "
                + cluster.master().call(WireClient.MASTER, "DeleteTable", drop).message(DeleteTableResponsePB.parser())
                + cluster.master()
                        .call(WireClient.MASTER, "ListTables", dropped)
                        .message(ListTablesResponsePB.parser())
                        .getTables(0)
                        .getName()
                + ", recalled: "
                + cluster.master()
                        .call(WireClient.MASTER, "RecallDeletedTable", recall)
                        .message(RecallDeletedTableResponsePB.parser());
        assertTrue(!seen.contains("error"), seen);
        return seen;
    }

    // ---- Scanners ----

    /** What to say to a scanner, after it was opened in one of the ways, and what both answer. */
    @Test
    void scannersGoOnAndEndAsThoseOfARealKudu() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            KuduTable table = client.createTable(
                    "raw_scanned",
                    SmallTable.SCHEMA,
                    new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
            SmallTable.fill(client, table, 0, 1, 20);
        }
        for (boolean isClosedAtOnce : new boolean[] {false, true}) {
            for (int bytes : new int[] {0, 1 << 20}) {
                raw.same(cluster -> scanner(cluster, isClosedAtOnce, bytes));
            }
        }
        raw.same(cluster -> answer(
                cluster,
                "not there",
                ScanRequestPB.newBuilder()
                        .setScannerId(ByteString.copyFromUtf8("0".repeat(32)))
                        .setCallSeqId(1)));
    }

    private static String scanner(RawCluster cluster, boolean isClosedAtOnce, int bytes) throws IOException {
        ScanRequestPB.Builder open = ScanRequestPB.newBuilder()
                .setNewScanRequest(NewScanRequestPB.newBuilder()
                        .setTabletId(cluster.tabletIds("raw_scanned").getFirst())
                        .addAllProjectedColumns(cluster.columns("raw_scanned")))
                .setCloseScanner(isClosedAtOnce)
                .setBatchSizeBytes(bytes);
        StringBuilder seen = new StringBuilder();
        ScanResponsePB opened = cluster.tablets().tablet("Scan", open.build(), ScanResponsePB.parser());
        seen.append(told("open", opened));
        if (opened.hasScannerId()) {
            ScanRequestPB.Builder next = ScanRequestPB.newBuilder().setScannerId(opened.getScannerId());
            seen.append(answer(cluster, "go on", next.setCallSeqId(1)))
                    .append(answer(cluster, "go on after the end", next.setCallSeqId(2)))
                    .append(answer(
                            cluster,
                            "close",
                            next.setCallSeqId(3).setCloseScanner(true).setBatchSizeBytes(0)));
        }
        return seen.toString();
    }

    private static String answer(RawCluster cluster, String what, ScanRequestPB.Builder request) throws IOException {
        return told(what, cluster.tablets().tablet("Scan", request.build(), ScanResponsePB.parser()));
    }

    private static String told(String what, ScanResponsePB answer) {
        String error = answer.getError().toString().replaceAll("[0-9a-f]{32}", "#");
        return what + ": " + answer.getData().getNumRows() + " rows, more " + answer.getHasMoreResults() + ", known "
                + answer.hasScannerId() + " " + error + "\n";
    }

    // ---- Tables that begin without partitions ----

    /** The range level of a table. */
    enum Level {
        OF_K_UNDER_HASHES,
        NONE
    }

    /** They refuse all rows until they are given a range, also where they have no range columns. */
    @ParameterizedTest
    @EnumSource
    void aTableMayBeginWithoutPartitions(Level level) throws Exception {
        String name = "empty_" + level;
        CreateTableRequestPB.Builder create = CreateTableRequestPB.newBuilder()
                .setName(name)
                .setNumReplicas(1)
                .setSchema(SchemaPB.newBuilder()
                        .addColumns(column("k", DataType.INT32).setIsKey(true))
                        .addColumns(column("v", DataType.STRING).setIsNullable(true)))
                .setAllowEmptyPartition(true);
        PartitionSchemaPB.Builder partitioning = create.getPartitionSchemaBuilder();
        PartitionSchemaPB.RangeSchemaPB.Builder ranges = partitioning.getRangeSchemaBuilder();
        if (level == Level.OF_K_UNDER_HASHES) {
            ranges.addColumnsBuilder().setName("k");
            partitioning
                    .addHashSchemaBuilder()
                    .setNumBuckets(2)
                    .addColumnsBuilder()
                    .setName("k");
        }
        create(raw.kudu(), both.kuduClient(), create.build());
        create(raw.ours(), both.ourClient(), create.build());
        both.same(client -> {
            Said said = new Said();
            said.ask("at first", () -> look(client, name));
            PartialRow none = SmallTable.SCHEMA.newPartialRow();
            said.ask("given a range", () -> {
                client.alterTable(name, new AlterTableOptions().addRangePartition(none, none));
                return look(client, name);
            });
            said.ask("deprived of it", () -> {
                client.alterTable(name, new AlterTableOptions().dropRangePartition(none, none));
                return look(client, name);
            });
            return said.toString();
        });
    }

    private static ColumnSchemaPB.Builder column(String name, DataType type) {
        return ColumnSchemaPB.newBuilder().setName(name).setType(type);
    }

    private static void create(RawCluster cluster, KuduClient client, CreateTableRequestPB request) throws Exception {
        CreateTableResponsePB answer = cluster.master()
                .call(WireClient.MASTER, "CreateTable", request)
                .message(CreateTableResponsePB.parser());
        assertFalse(answer.hasError(), () -> answer.getError().toString());
        client.isCreateTableDone(request.getName()); // Waits.
    }

    /** Its partitions, whether it takes a row, and what is read of it. */
    private static String look(KuduClient client, String name) throws Exception {
        KuduTable table = client.openTable(name);
        KuduSession session = client.newSession();
        OperationResponse written = session.apply(SmallTable.upsert(table, 5, "five"));
        session.close();
        return Describe.partitions(client, table)
                + (written.hasRowError()
                        ? ClusterRun.failure(written.getRowError().getErrorStatus())
                        : "written")
                + SmallTable.read(client.newScannerBuilder(table)
                        .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                        .build());
    }
}
