package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableResponsePB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.ListTablesRequestPB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.testkit.Mutations;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whatever clients send, others are served, nothing of it is left when they are gone, and tables have what was
 * written and no more. Method: storms of wrong bytes against a whole server, from a seed; after each the server's use
 * is counted, an orderly client reads the table, and the end finds all memory given back.
 */
final class HostileClientsTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.STRING).nullable());

    private static final int ROWS = 40;

    /** It would tell of each of them. Kept here, because a logger that nobody keeps forgets its level. */
    private static final Logger RPC_LOG = Logger.getLogger("io.nyala.rpc");

    static {
        RPC_LOG.setLevel(Level.OFF);
    }

    /** Clients of the test itself. */
    private static final int OWN_CONNECTIONS = 2;

    /** Some ten seconds and more, in which the server hears of the end of connections; mostly a handful are enough. */
    private static final int CALLS_MAX = 300_000;

    /** Of a server that has no more for requests; those of these tests are far shorter. */
    private static final int REQUEST_BYTES = 1 << 20;

    /** Two looks: calls of an orderly client come in as a whole, so none is ever late. */
    private static final int SLOW_MILLIS = 250;

    /** More than an eighth of three times as much. */
    private static final int HALF_BYTES = 200_000;

    private RunningServer server;
    private Table table;
    private final Map<String, List<byte[]>> keys = new LinkedHashMap<>(); // By tablet.
    private final WrittenRows written = new WrittenRows();

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        server = RunningServer.in(
                directory,
                ServerConfig.standard().withRequestBytesMax(REQUEST_BYTES).withSlowRequestMillis(SLOW_MILLIS));
        table = server.create("herd", SCHEMA, 2);
        List<String> tablets = server.tabletIds(table);
        for (String tablet : tablets) {
            List<byte[]> own = new ArrayList<>();
            keys.put(tablet, own);
            for (int k = 0; k < 2 * ROWS; k++) { // Each is of one of the two: the other one refuses it.
                byte[] cell = WireRows.cell(k);
                WireRows row = k < ROWS
                        ? new WireRows(SCHEMA).add(RowOperationsPB.Type.INSERT, cell, text("v" + k))
                        : new WireRows(SCHEMA).add(RowOperationsPB.Type.DELETE_IGNORE, cell);
                if (write(row.request(tablet).toByteArray())) {
                    own.add(cell);
                }
            }
        }
        assertEquals(ROWS, written.count());
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    private static byte[] text(String value) {
        return value.getBytes(StandardCharsets.UTF_8);
    }

    // ---- Bytes that are no calls ----

    @Test
    void bytesThatAreNoCallsHarmNobody(@Seed SplittableRandom random) throws IOException {
        byte[] introduction = WireClient.introduction("mallory");
        byte[] call = ping();
        for (int i = 0; i < 300; i++) {
            String address = random.nextBoolean() ? server.masterAddress() : server.tabletServerAddress();
            try (WireClient client = WireClient.silent(address)) {
                client.send(
                        switch (random.nextInt(6)) {
                            case 0 -> bytes(random, random.nextInt(1, 200));
                            case 1 -> Mutations.of(introduction, random);
                            case 2 -> Arrays.copyOf(introduction, random.nextInt(introduction.length));
                            case 3 -> join(introduction, Arrays.copyOf(call, random.nextInt(call.length)));
                            case 4 -> join(introduction, Mutations.of(call, random));
                            default -> join(introduction, announced(random), bytes(random, 100));
                        });
            } catch (IOException _) {
                // The server was quicker to close it.
            }
        }
        assertServesAndHasNothingLeft();
    }

    /** The length of a frame that is too long, or of none. */
    private static byte[] announced(SplittableRandom random) {
        int[] lengths = {Integer.MAX_VALUE, -1, Integer.MIN_VALUE, (50 << 20) + 1, 0, 1, 50 << 20};
        return ByteBuffer.allocate(Integer.BYTES)
                .putInt(lengths[random.nextInt(lengths.length)])
                .array();
    }

    private static byte[] ping() throws IOException {
        return WireClient.frame(
                WireClient.header(0, WireClient.TABLET_SERVER, "Ping").build(), new byte[0]);
    }

    @Test
    void anotherVersionIsLetGo() throws IOException {
        for (String start : List.of("hrpc\u0008\0\0", "hrpc\n\0\0", "HTTP/1.1", "GET / HTTP/1.1\r\n\r\n")) {
            try (WireClient client = WireClient.silent(server.masterAddress())) {
                client.send(start.getBytes(StandardCharsets.ISO_8859_1));
                assertEquals(null, client.readOrEnd(), start);
            }
        }
        assertServesAndHasNothingLeft();
    }

    // ---- Calls that are wrong ----

    @Test
    void headersThatAreWrongFailTheirCallOrTheirConnection(@Seed SplittableRandom random) throws IOException {
        byte[] body = PingRequestPB.getDefaultInstance().toByteArray();
        List<RequestHeader.Builder> headers = new ArrayList<>();
        for (int offset : new int[] {Integer.MAX_VALUE, Integer.MIN_VALUE, -1, 1, 50 << 20}) {
            headers.add(ofPing().addSidecarOffsets(offset));
            headers.add(ofPing().addSidecarOffsets(0).addSidecarOffsets(offset));
        }
        headers.add(WireClient.header(1, WireClient.TABLET_SERVER, "Pong"));
        headers.add(WireClient.header(1, "kudu.tserver.Nothing", "Ping"));
        headers.add(WireClient.header(1, "", ""));
        headers.add(ofPing().setCallId(-33));
        headers.add(ofPing().setCallId(-3));
        headers.add(ofPing().addRequiredFeatureFlags(999));
        headers.add(RequestHeader.newBuilder().setCallId(1));
        byte[] valid = ofPing().setTimeoutMillis(1_000).build().toByteArray();
        for (int i = 0; i < 300; i++) {
            headers.add(parsed(Mutations.of(valid, random)));
        }
        int closed = 0;
        for (RequestHeader.Builder header : headers) {
            try (WireClient client = WireClient.of(server.tabletServerAddress())) {
                client.send(WireClient.frame(header.buildPartial(), body));
                client.send(ping());
                closed += client.readOrEnd() == null ? 1 : 0; // An answer, an error, or the end.
            }
        }
        assertTrue(closed > 0 && closed < headers.size(), closed + " of " + headers.size());
        assertServesAndHasNothingLeft();
    }

    private static RequestHeader.Builder ofPing() {
        return WireClient.header(1, WireClient.TABLET_SERVER, "Ping");
    }

    /** The message if it is one, else an empty one. */
    private static RequestHeader.Builder parsed(byte[] bytes) {
        try {
            return RequestHeader.newBuilder().mergeFrom(bytes);
        } catch (InvalidProtocolBufferException _) {
            return RequestHeader.newBuilder();
        }
    }

    @Test
    void writesThatWentWrongWriteWhatTheirAnswersSay(@Seed SplittableRandom random) throws IOException {
        List<byte[]> valid = new ArrayList<>();
        for (Map.Entry<String, List<byte[]>> tablet : keys.entrySet()) {
            for (RowOperationsPB.Type type : WrittenRows.KINDS) {
                WireRows rows = new WireRows(SCHEMA);
                for (int i = 0; i < 3; i++) {
                    List<byte[]> own = tablet.getValue();
                    byte[] k = own.get(random.nextInt(own.size()));
                    boolean isDelete =
                            type == RowOperationsPB.Type.DELETE || type == RowOperationsPB.Type.DELETE_IGNORE;
                    if (isDelete) {
                        rows.add(type, k);
                    } else {
                        rows.add(type, k, random.nextInt(4) == 0 ? null : text("w" + i));
                    }
                }
                valid.add(rows.request(tablet.getKey()).toByteArray());
            }
        }
        int done = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] request = valid.get(random.nextInt(valid.size()));
            done += write(random.nextInt(10) == 0 ? request : Mutations.of(request, random)) ? 1 : 0;
        }
        assertTrue(done > 100, done + " writes were right");
        assertServesAndHasNothingLeft();
    }

    /** Sends a Write, and does what its answer says to what must be in the table; answers whether it was one. */
    private boolean write(byte[] request) throws IOException {
        WireClient.Reply reply =
                server.tablets().call(WireClient.header(0, WireClient.TABLET_SERVER, "Write"), request);
        if (reply.isError()) {
            return false;
        }
        WriteResponsePB answer = reply.message(WriteResponsePB.parser());
        if (answer.hasError()) {
            return false;
        }
        written.add(request, answer);
        return true;
    }

    @Test
    void scansThatWentWrongLeaveNoScanner(@Seed SplittableRandom random) throws IOException {
        ScanRequestPB open = scan(table, 0).toBuilder().setBatchSizeBytes(100).build();
        ColumnPredicatePB.Builder predicate = ColumnPredicatePB.newBuilder().setColumn("k");
        predicate.getRangeBuilder().setLower(ByteString.copyFrom(WireRows.cell(3)));
        ScanRequestPB.Builder filtered = open.toBuilder();
        filtered.getNewScanRequestBuilder()
                .addColumnPredicates(predicate)
                .setStartPrimaryKey(ByteString.copyFrom(new byte[4]))
                .setLimit(5);
        List<Message> valid = List.of(open, filtered.build());
        int opened = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] request =
                    Mutations.of(valid.get(random.nextInt(valid.size())).toByteArray(), random);
            ByteString scanner = scanned(request);
            if (!scanner.isEmpty()) {
                opened++;
                byte[] next = ScanRequestPB.newBuilder()
                        .setScannerId(scanner)
                        .setCallSeqId(1)
                        .setBatchSizeBytes(50)
                        .build()
                        .toByteArray();
                scanned(Mutations.of(next, random));
                ScanRequestPB last = ScanRequestPB.newBuilder()
                        .setScannerId(scanner)
                        .setCloseScanner(true)
                        .setBatchSizeBytes(0)
                        .build();
                assertFalse(server.tablets()
                        .tablet("Scan", last, ScanResponsePB.parser())
                        .hasError());
            }
        }
        assertTrue(opened > 20, opened + " scanners were opened");
        assertServesAndHasNothingLeft();
    }

    /** Sends a Scan; answers the scanner to go on with, which is empty if there is none. */
    private ByteString scanned(byte[] request) throws IOException {
        WireClient.Reply reply = server.tablets().call(WireClient.header(0, WireClient.TABLET_SERVER, "Scan"), request);
        return reply.isError()
                ? ByteString.EMPTY
                : reply.message(ScanResponsePB.parser()).getScannerId();
    }

    @Test
    void changesOfTablesThatWentWrongMakeNoOthersThanTheirAnswersSay(@Seed SplittableRandom random) throws IOException {
        byte[] create = RunningServer.creation("young", SCHEMA, 2).toByteArray();
        byte[] alter = AlterTableRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName("changed"))
                .setNewTableName("changing")
                .addAlterSchemaSteps(AlterTableRequestPB.Step.newBuilder()
                        .setType(AlterTableRequestPB.StepType.ADD_COLUMN)
                        .setAddColumn(AlterTableRequestPB.AddColumn.newBuilder()
                                .setSchema(WireRows.view(SCHEMA.columns()).getColumns(1).toBuilder()
                                        .setName("added"))))
                .build()
                .toByteArray();
        int created = 0;
        for (int i = 0; i < 500; i++) {
            CreateTableResponsePB made = changed("CreateTable", create, CreateTableResponsePB.parser(), random);
            if (made != null && !made.hasError()) {
                created++;
                Table young = server.engine().tables().stream()
                        .filter(each -> made.getTableId().toStringUtf8().equals(id(each)))
                        .findFirst()
                        .orElseThrow();
                server.engine().dropTable(young.name());
            }
        }
        assertTrue(created > 5, created + " tables were created");
        server.create("changed", SCHEMA, 1);
        for (int i = 0; i < 500; i++) {
            AlterTableResponsePB altered = changed("AlterTable", alter, AlterTableResponsePB.parser(), random);
            if (altered != null && !altered.hasError()) {
                server.engine().tables().stream()
                        .filter(each -> each.id() != table.id())
                        .forEach(each -> server.engine().dropTable(each.name(), Duration.ZERO));
                server.create("changed", SCHEMA, 1);
            }
        }
        server.engine().tables().stream()
                .filter(each -> each.id() != table.id())
                .forEach(each -> server.engine().dropTable(each.name()));
        assertServesAndHasNothingLeft();
    }

    private String id(Table of) {
        return new ServerIds(server.engine().hostId()).table(of.id());
    }

    /** Sends a request that went wrong; its answer, or null if the call failed. */
    private <M extends MessageLite> @Nullable M changed(
            String method, byte[] request, Parser<M> parser, SplittableRandom random) throws IOException {
        byte[] sent = Mutations.of(request, random);
        WireClient.Reply reply = server.master().call(WireClient.header(0, WireClient.MASTER, method), sent);
        return reply.isError() ? null : reply.message(parser);
    }

    // ---- Many ----

    @Test
    void aThousandConnectionsThatDoNothingHinderNobody() throws IOException {
        assertNothingIsLeft();
        List<WireClient> idle = new ArrayList<>();
        try {
            for (int i = 0; i < 500; i++) {
                idle.add(WireClient.of(server.masterAddress()));
                idle.add(WireClient.of(server.tabletServerAddress()));
            }
            assertEquals(OWN_CONNECTIONS + 1_000, server.use().connections());
            assertServes();
            assertTrue(server.use().connections() >= OWN_CONNECTIONS + 1_000);
        } finally {
            for (WireClient client : idle) {
                client.close();
            }
        }
        assertServesAndHasNothingLeft();
    }

    /** Each holds what it has announced, because a part has come; together they hold all there is. */
    @Test
    void halvesOfRequestsWhoseRestNeverComesStopNobody() throws IOException {
        assertNothingIsLeft();
        byte[] half = ByteBuffer.allocate(HALF_BYTES).putInt(3 * HALF_BYTES).array();
        List<WireClient> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) { // Two hold all there is, and each that goes takes two looks.
                WireClient client = WireClient.of(server.tabletServerAddress(), "mallory");
                slow.add(client);
                client.send(half);
            }
            for (int i = 0; i < CALLS_MAX && server.use().networkBytes() < REQUEST_BYTES; i++) {
                assertFalse(server.master()
                        .call(WireClient.MASTER, "Ping", PingRequestPB.getDefaultInstance())
                        .isError());
            }
            assertTrue(server.use().networkBytes() >= REQUEST_BYTES, "they hold " + server.use());
            assertServes();
        } finally {
            for (WireClient client : slow) {
                client.close();
            }
        }
        assertServesAndHasNothingLeft();
    }

    // ---- What must hold ----

    private void assertServesAndHasNothingLeft() throws IOException {
        assertServes();
        assertNothingIsLeft();
        assertEquals(1, server.engine().tables().size());
    }

    /** The server hears of the end of connections a moment later, which it is given by calls. */
    private void assertNothingIsLeft() throws IOException {
        ServerUse nothing = new ServerUse(OWN_CONNECTIONS, 0, 0, 0, 0);
        for (int i = 0; i < CALLS_MAX && !server.use().equals(nothing); i++) {
            assertFalse(server.master()
                    .call(WireClient.MASTER, "Ping", PingRequestPB.getDefaultInstance())
                    .isError());
        }
        assertEquals(nothing, server.use());
    }

    /** An orderly client finds each row that was written, and no other. */
    private void assertServes() throws IOException {
        try (WireClient master = WireClient.of(server.masterAddress(), "orderly");
                WireClient tablets = WireClient.of(server.tabletServerAddress(), "orderly")) {
            assertFalse(master.call(WireClient.MASTER, "ListTables", ListTablesRequestPB.getDefaultInstance())
                    .isError());
            List<String> rows = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                WireClient.Reply reply = tablets.call(WireClient.TABLET_SERVER, "Scan", scan(table, i));
                rows.addAll(WrittenRows.of(reply));
            }
            rows.sort(null);
            assertEquals(written.all(), rows);
        }
    }

    private ScanRequestPB scan(Table of, int tablet) {
        return ScanRequestPB.newBuilder()
                .setNewScanRequest(NewScanRequestPB.newBuilder()
                        .setTabletId(
                                ByteString.copyFromUtf8(server.tabletIds(of).get(tablet)))
                        .addAllProjectedColumns(WireRows.view(SCHEMA.columns()).getColumnsList()))
                .build();
    }

    private static byte[] bytes(SplittableRandom random, int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] join(byte[]... parts) {
        ByteString all = ByteString.EMPTY;
        for (byte[] part : parts) {
            all = all.concat(ByteString.copyFrom(part));
        }
        return all.toByteArray();
    }
}
