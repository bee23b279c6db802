package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.TextFormat;
import io.nyala.caller.WireClient;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.PartitionSchemaPB;
import io.nyala.protocol.Common.PartitionSchemaPB.ColumnIdentifierPB;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.GetTableLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTableLocationsResponsePB;
import io.nyala.protocol.master.Master.GetTableSchemaRequestPB;
import io.nyala.protocol.master.Master.GetTableSchemaResponsePB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.master.Master.TabletLocationsPB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.server.ServerBase.ServerClockRequestPB;
import io.nyala.protocol.server.ServerBase.ServerClockResponsePB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeRequestPB;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what a Kudu 1.18.1 server was asked and answered is what ours answers, to the last line of what was recorded.
 * Method: the record is read from its first line to its last, and each is asked for again; a line that is covered by
 * nothing would be in the way. Only ids, times, addresses and measurements are taken for equal.
 */
final class CapturedVectorsTest {
    private static final String TABLE = "vec1";

    private final Deque<String> lines = new ArrayDeque<>();
    private RunningServer server;
    private WireClient master;
    private WireClient tablets;
    private CapturedRows rows = new CapturedRows(SchemaPB.getDefaultInstance());
    private List<TabletLocationsPB> locations = List.of();

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        try (InputStream text = CapturedVectorsTest.class.getResourceAsStream("/server/kudu-vectors.txt")) {
            new String(text.readAllBytes(), StandardCharsets.UTF_8).lines().forEach(lines::add);
        }
        server = RunningServer.in(directory);
        master = WireClient.of(server.masterAddress(), "vec");
        tablets = WireClient.of(server.tabletServerAddress(), "vec");
    }

    @AfterEach
    void close() throws IOException {
        master.close();
        tablets.close();
        server.close();
    }

    @Test
    void answersAsIsRecorded() throws IOException {
        tableIsMade();
        tabletsAreLocated();
        rowsAreWritten();
        writesAreRefused();
        rowsAreScanned();
        scansAreRefused();
        callsAreRefused();
        assertEquals(List.of(), List.copyOf(lines), "lines that nothing covers");
    }

    // ---- The record ----

    /** What follows these words in the next line, which must begin with them. */
    private String after(String words) {
        String line = lines.isEmpty() ? "the end" : lines.remove();
        assertTrue(line.startsWith(words), () -> "expected " + words + ", recorded is " + line);
        return line.substring(words.length());
    }

    /** Lines up to an empty one, of which the first begins with these words. */
    private String paragraphAfter(String words) {
        StringBuilder all = new StringBuilder(after(words));
        for (String next = lines.remove(); !next.isEmpty(); next = lines.remove()) {
            all.append('\n').append(next);
        }
        return all.toString();
    }

    private static void assertSame(String recorded, MessageOrBuilder answer) {
        assertEquals(plain(recorded), plain(text(answer)));
    }

    private static String text(MessageOrBuilder answer) {
        return TextFormat.printer().printToString(answer);
    }

    /** On one line, without what differs from one server, day and run to the next. */
    private static String plain(String text) {
        return text.replaceAll("\\s+", " ")
                .replaceAll("timestamp: [0-9]+", "timestamp: T")
                .replaceAll("\\b[0-9a-f]{32}\\b", "ID")
                .replaceAll("127\\.0\\.0\\.1:[0-9]+", "ADDRESS")
                .replace("\\007", "\\a") // Python's way and Java's.
                .replaceAll("num_rows: 0 ", "") // It is 0 when it is not said.
                .replaceAll("size_bytes_estimates: [0-9]+", "size_bytes_estimates: N")
                .replaceAll("resource_metrics \\{ cfile[^}]*\\} ", "")
                .strip();
    }

    // ---- Tables ----

    private static TableIdentifierPB table() {
        return TableIdentifierPB.newBuilder().setTableName(TABLE).build();
    }

    private GetTableSchemaResponsePB schema() throws IOException {
        GetTableSchemaRequestPB request =
                GetTableSchemaRequestPB.newBuilder().setTable(table()).build();
        return master.call(WireClient.MASTER, "GetTableSchema", request).message(GetTableSchemaResponsePB.parser());
    }

    private CreateTableResponsePB create(CreateTableRequestPB request) throws IOException {
        return master.call(WireClient.MASTER, "CreateTable", request).message(CreateTableResponsePB.parser());
    }

    private void tableIsMade() throws IOException {
        assertSame(paragraphAfter(""), schema());
        ByteString bounds = ByteString.fromHex(after("CreateTable row_ops rows hex: "));
        String created = paragraphAfter("CreateTable -> ");
        String again = paragraphAfter("CreateTable again -> ");
        GetTableSchemaResponsePB recorded =
                TextFormat.parse(paragraphAfter("GetTableSchema -> "), GetTableSchemaResponsePB.class);
        SchemaPB.Builder columns = SchemaPB.newBuilder();
        for (ColumnSchemaPB column : recorded.getSchema().getColumnsList()) {
            columns.addColumns(column.toBuilder().clearId().clearWriteDefaultValue());
        }
        CreateTableRequestPB request = CreateTableRequestPB.newBuilder()
                .setName(TABLE)
                .setSchema(columns)
                .setPartitionSchema(PartitionSchemaPB.newBuilder()
                        .addHashSchema(PartitionSchemaPB.HashBucketSchemaPB.newBuilder()
                                .addColumns(named("k1"))
                                .addColumns(named("k2"))
                                .setNumBuckets(3)
                                .setSeed(7))
                        .setRangeSchema(
                                PartitionSchemaPB.RangeSchemaPB.newBuilder().addColumns(named("k3"))))
                .setSplitRowsRangeBounds(RowOperationsPB.newBuilder().setRows(bounds))
                .setNumReplicas(1)
                .build();
        assertSame(created, create(request));
        assertSame(again, create(request));
        assertSame(text(recorded), schema());
        rows = new CapturedRows(columns.build());
    }

    private static ColumnIdentifierPB named(String column) {
        return ColumnIdentifierPB.newBuilder().setName(column).build();
    }

    private List<TabletLocationsPB> locations(ByteString from, int max) throws IOException {
        GetTableLocationsRequestPB request = GetTableLocationsRequestPB.newBuilder()
                .setTable(table())
                .setPartitionKeyStart(from)
                .setMaxReturnedLocations(max)
                .build();
        return master.call(WireClient.MASTER, "GetTableLocations", request)
                .message(GetTableLocationsResponsePB.parser())
                .getTabletLocationsList();
    }

    private static String hex(ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    private void tabletsAreLocated() throws IOException {
        locations = locations(ByteString.EMPTY, 100);
        for (TabletLocationsPB tablet : locations) {
            assertEquals(
                    plain(after("tablet ")),
                    plain(tablet.getTabletId().toStringUtf8() + " "
                            + tablet.getPartition().getHashBucketsList() + " "
                            + hex(tablet.getPartition().getPartitionKeyStart()) + " .. "
                            + hex(tablet.getPartition().getPartitionKeyEnd())));
        }
        while (lines.element().startsWith("locations from ")) {
            String[] asked = after("locations from ").split(" -> ", -1);
            List<String> found = locations(ByteString.fromHex(asked[0]), 2).stream()
                    .map(tablet -> "('" + hex(tablet.getPartition().getPartitionKeyStart()) + "', '"
                            + hex(tablet.getPartition().getPartitionKeyEnd()) + "')")
                    .toList();
            assertEquals(asked[1], found.toString());
        }
    }

    // ---- Rows ----

    private ByteString tablet(int index) {
        return locations.get(index).getTabletId();
    }

    /** The tablet of a row by its primary key; its buckets and keys are as recorded. */
    private int located(String recorded) {
        // The input of the hash and the hash itself are those of a test of core/partition: here is what comes of them.
        String[] words = recorded.split(" ", -1);
        PartitionMap map = server.engine().table(TABLE).orElseThrow().partitions();
        byte[] key = HexFormat.of().parseHex(words[words.length - 1]);
        byte[] partitionKey = HexFormat.of().parseHex(words[words.length - 4]);
        Partition partition;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, key);
            partition = map.partitions().get(map.findKey(memory, 0, key.length));
        }
        assertEquals(word(recorded, "bucket"), String.valueOf(partition.hashBucket(0)));
        assertEquals("%08x".formatted(partition.hashBucket(0)) + words[words.length - 7], words[words.length - 4]);
        return IntStream.range(0, locations.size())
                .filter(i -> contains(locations.get(i), ByteString.copyFrom(partitionKey)))
                .findFirst()
                .orElseThrow();
    }

    private static String word(String line, String before) {
        return line.replaceFirst(".* " + before + " ", "").replaceFirst(" .*", "");
    }

    private static boolean contains(TabletLocationsPB tablet, ByteString key) {
        var order = ByteString.unsignedLexicographicalComparator();
        return order.compare(tablet.getPartition().getPartitionKeyStart(), key) <= 0
                && order.compare(tablet.getPartition().getPartitionKeyEnd(), key) > 0;
    }

    private WriteResponsePB write(ByteString tablet, RowOperationsPB operations, int sequence) throws IOException {
        return write(tablet, rows.schema(), operations, sequence);
    }

    private WriteResponsePB write(ByteString tablet, SchemaPB schema, RowOperationsPB operations, int sequence)
            throws IOException {
        RequestHeader.Builder header =
                WireClient.header(0, WireClient.TABLET_SERVER, "Write").setRequestId(WireClient.name("vec", sequence));
        WriteRequestPB request = WriteRequestPB.newBuilder()
                .setTabletId(tablet)
                .setSchema(schema)
                .setRowOperations(operations)
                .build();
        return tablets.call(header, request.toByteArray()).message(WriteResponsePB.parser());
    }

    private void rowsAreWritten() throws IOException {
        for (int row = 0; row < 3; row++) {
            int right = located(after("row "));
            String written = after(" write to right tablet -> ");
            String refused = after(" write to WRONG tablet -> ");
            String[] bytes = after(" row_operations rows ").split(" indirect ", -1);
            RowOperationsPB operations = RowOperationsPB.newBuilder()
                    .setRows(ByteString.fromHex(bytes[0]))
                    .setIndirectData(ByteString.fromHex(bytes[1]))
                    .build();
            assertSame(written, write(tablet(right), operations, 10 + row));
            assertSame(refused, write(tablet(0), operations, 20 + row));
        }
    }

    /** The tablet of the row whose key is (-5, "a\0b", 7), to which all of these go. */
    private static final int OF_SEVEN = 4;

    private void writesAreRefused() throws IOException {
        int sequence = 30;
        RowOperationsPB last = RowOperationsPB.getDefaultInstance();
        while (lines.element().startsWith("op ")) {
            String[] asked = after("op ").split(" -> ", 2);
            last = rows.operation(asked[0]);
            assertSame(asked[1], write(tablet(OF_SEVEN), last, ++sequence));
        }
        String again = plain(text(write(tablet(OF_SEVEN), last, sequence)));
        assertTrue(again.startsWith(plain(after("retry same seq -> "))), again); // The record is cut there.
        assertSame(after("no such tablet -> "), write(ByteString.copyFromUtf8("nope"), last, 50));
        SchemaPB more = rows.schema().toBuilder()
                .addColumns(ColumnSchemaPB.newBuilder()
                        .setName("zzz")
                        .setType(DataType.INT32)
                        .setIsNullable(true))
                .build();
        assertSame(after("unknown column -> "), write(tablet(OF_SEVEN), more, last, 51));
        RowOperationsPB garbage =
                RowOperationsPB.newBuilder().setRows(ByteString.fromHex("01")).build();
        assertSame(after("garbage rows -> "), write(tablet(OF_SEVEN), garbage, 52));
    }

    // ---- Scans ----

    private NewScanRequestPB.Builder scan(int tablet, String... columns) {
        return NewScanRequestPB.newBuilder()
                .setTabletId(tablet(tablet))
                .addAllProjectedColumns(rows.projection(columns));
    }

    private WireClient.Reply scan(ScanRequestPB.Builder request) throws IOException {
        return tablets.call(WireClient.TABLET_SERVER, "Scan", request.build());
    }

    private WireClient.Reply open(NewScanRequestPB.Builder wanted) throws IOException {
        return scan(ScanRequestPB.newBuilder().setNewScanRequest(wanted));
    }

    private static ScanResponsePB answer(WireClient.Reply reply) throws IOException {
        return reply.message(ScanResponsePB.parser());
    }

    private static List<String> sidecars(WireClient.Reply reply) {
        List<String> sidecars = new ArrayList<>();
        for (int i = 0; i < reply.header().getSidecarOffsetsCount(); i++) {
            sidecars.add(hex(ByteString.copyFrom(reply.sidecar(i))));
        }
        return sidecars;
    }

    private void rowsAreScanned() throws IOException {
        String[] layouts = {"rowwise", "rowwise padded", "columnar"};
        for (int flags = 0; flags < layouts.length; flags++) {
            for (int i = 0; i < locations.size(); i++) {
                WireClient.Reply reply = open(scan(i, rows.names()).setRowFormatFlags(flags));
                ScanResponsePB answer = answer(reply);
                if (answer.getData().getNumRows() + answer.getColumnarData().getNumRows() > 0) {
                    String tablet = " tablet " + locations.get(i).getPartition().getHashBucketsList() + " ";
                    assertSame(after("SCAN " + layouts[flags] + tablet), answer);
                    for (String sidecar : sidecars(reply)) {
                        assertEquals(after("   car ").replaceFirst("[0-9]+ ", ""), sidecar);
                    }
                }
            }
        }
    }

    /** An answer and its sidecars, as they are recorded where they are few. */
    private static void assertSame(String recorded, WireClient.Reply reply) throws IOException {
        List<String> sidecars = sidecars(reply).stream()
                .map(each -> each.isEmpty() ? "b''" : "'" + each + "'")
                .toList();
        String beside = answer(reply).hasError() ? "" : " " + sidecars;
        assertEquals(plain(recorded), plain(text(answer(reply)) + beside));
    }

    private void scansAreRefused() throws IOException {
        assertSame(after("empty projection -> "), open(scan(OF_SEVEN)));
        WireClient.Reply open = scan(ScanRequestPB.newBuilder()
                .setNewScanRequest(scan(OF_SEVEN, "i8"))
                .setBatchSizeBytes(0));
        assertSame(after("batch 0 open -> "), open);
        ScanRequestPB.Builder third = ScanRequestPB.newBuilder()
                .setScannerId(answer(open).getScannerId())
                .setCallSeqId(3);
        assertSame(after("bad seq -> "), scan(third));
        assertSame(after("after -> "), scan(third));
        NewScanRequestPB.Builder ordered = scan(OF_SEVEN, "i8").setOrderMode(OrderMode.ORDERED);
        assertSame(after("ordered+latest -> "), open(ordered));
        assertSame(after("ordered+snapshot -> "), open(ordered.setReadMode(ReadMode.READ_AT_SNAPSHOT)));
        NewScanRequestPB.Builder unknown = scan(OF_SEVEN, "i8");
        unknown.getProjectedColumnsBuilder(0).setName("nope");
        assertSame(after("unknown col -> "), open(unknown));
        NewScanRequestPB.Builder none = scan(OF_SEVEN, "i8");
        none.addColumnPredicatesBuilder().setColumn("i8").getEqualityBuilder().setValue(ByteString.copyFrom(new byte[] {
            5
        }));
        assertSame(after("pred no match -> "), open(none));
    }

    // ---- Calls ----

    private Message refused(RequestHeader.Builder header) throws IOException {
        return tablets.call(header, new byte[0]).error();
    }

    private void callsAreRefused() throws IOException {
        String service = WireClient.TABLET_SERVER;
        assertSame(
                after("unknown flag -> "),
                refused(WireClient.header(0, service, "Ping").addRequiredFeatureFlags(77)));
        assertSame(after("no method -> "), refused(WireClient.header(0, service, "Nope")));
        assertSame(after("no service -> "), refused(WireClient.header(0, "a.b.C", "Nope")));
        assertSame(after("bad req -> "), refused(WireClient.header(0, service, "Write")));
        SplitKeyRangeRequestPB split = SplitKeyRangeRequestPB.newBuilder()
                .setTabletId(tablet(OF_SEVEN))
                .build();
        assertSame(after("split -> "), tablets.tablet("SplitKeyRange", split, SplitKeyRangeResponsePB.parser()));
        String[] clock = after("clock ").split(" ", -1); // A hybrid time, its microseconds, its logical part.
        assertEquals(Long.parseLong(clock[1]), Long.parseUnsignedLong(clock[0]) >>> 12);
        ServerClockResponsePB now = tablets.call(
                        "kudu.server.GenericService", "ServerClock", ServerClockRequestPB.getDefaultInstance())
                .message(ServerClockResponsePB.parser());
        assertTrue(now.getTimestamp() >>> 12 > 1L << 50, "microseconds since 1970: " + (now.getTimestamp() >>> 12));
    }
}
