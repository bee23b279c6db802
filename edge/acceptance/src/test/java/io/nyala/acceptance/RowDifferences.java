package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireBloom;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.protocol.BlockBloomFilter.BlockBloomFilterPB;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB.PerRowErrorPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;

/** What differs on purpose about rows: a method for each line, told to both. One thread. */
final class RowDifferences {
    private static final int ROWS_MAX = 1 << 20;
    private static final int TEXT_CHARS_MAX = 8 << 20;
    private static final int VALUES_MAX = 65_536;
    private static final int FILTERS_MAX = 64;

    /** A name of such a length makes errors of more than 300 characters, which name it. */
    private static final String LONG_NAME = "n".repeat(256);

    private static final Schema REQUEST =
            Schema.of(Column.key("k", ColumnType.INT8), Column.of(LONG_NAME, ColumnType.INT8));

    private static final org.apache.kudu.Schema SCHEMA_OF_REQUEST = new org.apache.kudu.Schema(List.of(
            new ColumnSchemaBuilder("k", org.apache.kudu.Type.INT8).key(true).build(),
            new ColumnSchemaBuilder(LONG_NAME, org.apache.kudu.Type.INT8).build()));

    private final Both both;

    RowDifferences(Both both) {
        this.both = both;
    }

    private static CreateTableOptions plain() {
        return new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of());
    }

    // ---- Durability ----

    /**
     * A real Kudu tells by its flag. Here the log has the record on the disk when the client has the answer. What that
     * is worth when the power is cut is not shown here, and the page says so: a test of the engine shows it, on a disk
     * that forgets what was not synced.
     */
    void durability() throws Exception {
        try (RawCluster kudu = RawCluster.of(both.kudu())) {
            assertEquals("false", kudu.flag("log_force_fsync_all"));
        }
        KuduTable table = SmallTable.create(both.ourClient(), "differ_durability");
        KuduSession session = both.ourClient().newSession(); // Sends each operation by itself.
        for (int k = 0; k < 20; k++) {
            long before = both.durableUpTo();
            session.apply(SmallTable.insert(table, k));
            assertTrue(both.durableUpTo() > before, "row " + k + " is acknowledged and not on the disk");
        }
        session.close();
        assertTestIsThere(
                "core/engine/src/test/java/io/nyala/engine/DurabilityTest.java",
                "aSyncCommitThatFindsAWrittenRowIsAnsweredAndMakesItDurable");
    }

    /** As many clients would take minutes: a test of the tablet's own memory has them. */
    void clientsWhoseAnswersAreKept() throws Exception {
        try (RawCluster kudu = RawCluster.of(both.kudu())) {
            assertEquals("3600000", kudu.flag("remember_clients_ttl_ms"));
        }
        assertTestIsThere(
                "core/record/src/test/java/io/nyala/record/ForgottenClientsTest.java",
                "clientsThatAreQuietForTenMinutesMakeRoomForOthersAndTheQuietestFirst");
    }

    /** A test elsewhere that shows what a client cannot see. */
    static void assertTestIsThere(String file, String test) throws IOException {
        String source = Files.readString(DifferencesPage.file(file));
        assertTrue(source.contains("void " + test + "("), test + " is not in " + file);
    }

    // ---- Time ----

    void historyOfNothing() throws Exception {
        Both.Story story = client -> {
            Said said = new Said();
            KuduTable table = SmallTable.create(client, "differ_history");
            long micros = (client.getLastPropagatedTimestamp() >>> 12) - TimeUnit.HOURS.toMicros(7 * 24 + 1);
            said.ask("before the history", () -> rowsAt(client, table, micros << 12));
            return Said.codes(said.toString());
        };
        assertEquals("before the history: Invalid argument\n", story.tell(both.kuduClient()));
        assertEquals("before the history: []\n", story.tell(both.ourClient()));
    }

    static String rowsAt(KuduClient client, KuduTable table, long time) throws KuduException {
        return SmallTable.read(client.newScannerBuilder(table)
                        .readMode(AsyncKuduScanner.ReadMode.READ_AT_SNAPSHOT)
                        .snapshotTimestampRaw(time)
                        .build())
                .toString();
    }

    // ---- Requests ----

    void rowsOfRequest() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            client.createTable("differ_request", SCHEMA_OF_REQUEST, plain());
        }
        try (RawCluster kudu = RawCluster.of(both.kudu());
                RawCluster ours = RawCluster.of(both.ours())) {
            assertEquals(
                    0,
                    write(kudu, RowOperationsPB.Type.DELETE_IGNORE, ROWS_MAX + 1)
                            .getPerRowErrorsCount());
            assertEquals(
                    0, write(ours, RowOperationsPB.Type.DELETE_IGNORE, ROWS_MAX).getPerRowErrorsCount());
            AppStatusPB refused = write(ours, RowOperationsPB.Type.DELETE_IGNORE, ROWS_MAX + 1)
                    .getError()
                    .getStatus();
            assertEquals(AppStatusPB.ErrorCode.INVALID_ARGUMENT, refused.getCode());
            assertEquals(
                    "a request has 1048577 rows, the limit is 1048576; send them in several requests",
                    refused.getMessage());
            List<PerRowErrorPB> theirs =
                    write(kudu, RowOperationsPB.Type.INSERT, 30_000).getPerRowErrorsList();
            List<PerRowErrorPB> own =
                    write(ours, RowOperationsPB.Type.INSERT, 30_000).getPerRowErrorsList();
            int withWords =
                    TEXT_CHARS_MAX / theirs.getFirst().getError().getMessage().length();
            assertTrue(withWords < 30_000);
            for (int i = 0; i < 30_000; i++) {
                AppStatusPB expected = theirs.get(i).getError();
                assertTrue(expected.getMessage().contains(LONG_NAME));
                assertEquals(theirs.get(i).getRowIndex(), own.get(i).getRowIndex());
                assertEquals(expected.getCode(), own.get(i).getError().getCode());
                assertEquals(
                        i < withWords ? expected.getMessage() : "",
                        own.get(i).getError().getMessage());
            }
        }
    }

    /** Operations on the key 0, which name nothing else. */
    private static WriteResponsePB write(RawCluster cluster, RowOperationsPB.Type kind, int rows) throws IOException {
        byte[] bytes = new byte[3 * rows];
        for (int i = 0; i < bytes.length; i += 3) {
            bytes[i] = (byte) kind.getNumber();
            bytes[i + 1] = 1; // The first column is set.
        }
        WriteRequestPB request = WriteRequestPB.newBuilder()
                .setTabletId(cluster.tabletIds("differ_request").getFirst())
                .setSchema(WireRows.view(REQUEST.columns()))
                .setRowOperations(RowOperationsPB.newBuilder().setRows(ByteString.copyFrom(bytes)))
                .build();
        return cluster.tablets().tablet("Write", request, WriteResponsePB.parser());
    }

    /** Of 127 and of 129 cells as long as cells can be, of 64 KiB. */
    void largeRows() throws Exception {
        Both.Story story = client -> {
            List<ColumnSchema> columns = new ArrayList<>();
            columns.add(new ColumnSchemaBuilder("k", org.apache.kudu.Type.INT32)
                    .key(true)
                    .build());
            for (int i = 1; i < 130; i++) {
                columns.add(new ColumnSchemaBuilder("v" + i, org.apache.kudu.Type.BINARY)
                        .nullable(true)
                        .build());
            }
            KuduTable table = client.createTable("differ_large", new org.apache.kudu.Schema(columns), plain());
            KuduSession session = client.newSession();
            Said said = new Said();
            for (int cells : new int[] {127, 129}) {
                Operation insert = SmallTable.insert(table, cells);
                for (int i = 1; i <= cells; i++) {
                    insert.getRow().addBinary(i, new byte[64 << 10]);
                }
                said.ask(cells + " cells", () -> {
                    OperationResponse response = session.apply(insert);
                    return response.hasRowError()
                            ? ClusterRun.failure(response.getRowError().getErrorStatus())
                            : "done";
                });
            }
            session.close();
            return Said.codes(said.toString());
        };
        assertEquals("127 cells: done\n129 cells: done\n", story.tell(both.kuduClient()));
        assertEquals("127 cells: done\n129 cells: Invalid argument\n", story.tell(both.ourClient()));
    }

    // ---- Scans ----

    void predicates() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            client.createTable("differ_predicates", SmallTable.SCHEMA, plain());
        }
        BlockBloomFilterPB small = new WireBloom(6, 1).toProto().build();
        ColumnPredicatePB large = ColumnPredicatePB.newBuilder()
                .setColumn("v")
                .setInBloomFilter(ColumnPredicatePB.InBloomFilter.newBuilder()
                        .addBloomFilters(new WireBloom(22, 1).toProto())) // 4 MiB, and what belongs to it.
                .build();
        try (RawCluster kudu = RawCluster.of(both.kudu());
                RawCluster ours = RawCluster.of(both.ours())) {
            for (boolean isMore : new boolean[] {false, true}) {
                ColumnPredicatePB list = inList(isMore ? VALUES_MAX + 1 : VALUES_MAX);
                assertEquals("OK", scanned(kudu, list));
                assertEquals(isMore ? "INVALID_ARGUMENT" : "OK", scanned(ours, list));
                ColumnPredicatePB filters = ColumnPredicatePB.newBuilder()
                        .setColumn("v")
                        .setInBloomFilter(ColumnPredicatePB.InBloomFilter.newBuilder()
                                .addAllBloomFilters(Collections.nCopies(isMore ? FILTERS_MAX + 1 : FILTERS_MAX, small)))
                        .build();
                assertEquals("OK", scanned(kudu, filters));
                assertEquals(isMore ? "INVALID_ARGUMENT" : "OK", scanned(ours, filters));
            }
            assertEquals("OK", scanned(kudu, large));
            assertEquals("ERROR_INVALID_REQUEST", scanned(ours, large));
        }
    }

    private static ColumnPredicatePB inList(int values) {
        ColumnPredicatePB.InList.Builder list = ColumnPredicatePB.InList.newBuilder();
        for (int i = 0; i < values; i++) {
            list.addValues(ByteString.copyFrom(WireRows.cell(i)));
        }
        return ColumnPredicatePB.newBuilder().setColumn("k").setInList(list).build();
    }

    /** The code that a scan with this predicate ends with. */
    private static String scanned(RawCluster cluster, ColumnPredicatePB predicate) throws IOException {
        NewScanRequestPB.Builder scan = NewScanRequestPB.newBuilder()
                .setTabletId(cluster.tabletIds("differ_predicates").getFirst())
                .addAllProjectedColumns(cluster.columns("differ_predicates"))
                .addColumnPredicates(predicate);
        WireClient.Reply reply = cluster.tablets()
                .call(
                        WireClient.TABLET_SERVER,
                        "Scan",
                        ScanRequestPB.newBuilder().setNewScanRequest(scan).build());
        return reply.isError()
                ? reply.error().getCode().toString()
                : reply.message(ScanResponsePB.parser())
                        .getError()
                        .getStatus()
                        .getCode()
                        .toString()
                        .replace("UNKNOWN_ERROR", "OK");
    }

    /** Rows have 26 bytes and more. */
    void batchOfScan() throws Exception {
        Both.Story story = client -> {
            KuduTable table = client.createTable("differ_batch", SmallTable.SCHEMA, plain());
            SmallTable.fill(client, table, 0, 1, 500);
            StringBuilder counts = new StringBuilder();
            for (int bytes : new int[] {1, 1024, 4096}) {
                counts.append(bytes).append(':');
                KuduScanner scanner =
                        client.newScannerBuilder(table).batchSizeBytes(bytes).build();
                for (int rows = 0; rows < 300; ) {
                    int count = scanner.nextRows().getNumRows();
                    rows += count;
                    counts.append(' ').append(count);
                }
                scanner.close();
                counts.append('\n');
            }
            return counts.toString();
        };
        assertEquals("""
            1: 128 128 128
            1024: 128 128 128
            4096: 256 244
            """, story.tell(both.kuduClient()));
        assertEquals("""
            1: 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16
            1024: 39 38 38 37 37 37 37 37
            4096: 151 147 147
            """, story.tell(both.ourClient()));
    }
}
