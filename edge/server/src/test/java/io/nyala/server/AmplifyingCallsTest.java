package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.CommitResult;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.partition.PartitionSchema;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableResponsePB;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.GetTableLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTabletLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTabletLocationsResponsePB;
import io.nyala.protocol.master.Master.ListTablesRequestPB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.tserver.Tserver.ListTabletsRequestPB;
import io.nyala.protocol.tserver.Tserver.ListTabletsResponsePB;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: no request costs the server a multiple of its own size on the heap. Method: requests that point to the same
 * bytes again and again, have many rows of next to nothing, or names of MiB; and what the threads of the server have
 * put on the heap for each.
 */
final class AmplifyingCallsTest {
    /** Beside four times the request: classes that are loaded, and words of errors. */
    private static final long HEAP_BYTES_MAX = 16 << 20;

    private static final int BOUND_BYTES = 16 << 10;
    private static final Schema TEXT = Schema.of(Column.key("k", ColumnType.STRING));
    private static final Schema BYTE = Schema.of(Column.key("k", ColumnType.INT8));

    /** Kept here, because a logger that nobody keeps forgets its level. */
    private static final Logger LOG = Logger.getLogger("io.nyala.rpc");

    static {
        LOG.setLevel(Level.OFF);
    }

    private RunningServer server;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        server = RunningServer.in(directory);
    }

    @AfterEach
    void close() throws IOException {
        assertFalse(server.master()
                .call(WireClient.MASTER, "Ping", PingRequestPB.getDefaultInstance())
                .isError());
        server.close();
    }

    /** By all threads that requests are read, and methods run on. */
    private static long allocatedBytes() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = 0;
        for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith("rpc-")) {
                bytes += Math.max(0, threads.getThreadAllocatedBytes(thread.getThreadId()));
            }
        }
        return bytes;
    }

    private interface Call<T> {
        T run() throws IOException;
    }

    private static <T> T bounded(long requestBytes, Call<T> call) throws IOException {
        long before = allocatedBytes();
        T answer = call.run();
        long bytes = allocatedBytes() - before;
        assertTrue(bytes < HEAP_BYTES_MAX + 4 * requestBytes, bytes + " bytes of heap for " + requestBytes);
        return answer;
    }

    // ---- Bounds of ranges ----

    /** Bounds whose cells are all the same bytes. */
    private static RowOperationsPB aliased(int count, int bytes, RowOperationsPB.Type type) {
        ByteBuffer rows = ByteBuffer.allocate(18 * count).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            rows.put((byte) type.getNumber()).put((byte) 1).putLong(0).putLong(bytes);
        }
        return RowOperationsPB.newBuilder()
                .setRows(ByteString.copyFrom(rows.array()))
                .setIndirectData(ByteString.copyFrom(new byte[bytes]))
                .build();
    }

    private String refusal(Schema schema, RowOperationsPB bounds) throws IOException {
        CreateTableRequestPB request = RunningServer.creation("t", schema, 1).toBuilder()
                .setSplitRowsRangeBounds(bounds)
                .build();
        CreateTableResponsePB answer = bounded(
                request.getSerializedSize(),
                () -> server.master()
                        .call(WireClient.MASTER, "CreateTable", request)
                        .message(CreateTableResponsePB.parser()));
        assertTrue(answer.hasError());
        return answer.getError().getStatus().getMessage();
    }

    @Test
    void boundsThatPointToTheSameBytesAreNotCopiedWithoutEnd() throws IOException {
        String why = refusal(TEXT, aliased(20_000, BOUND_BYTES, RowOperationsPB.Type.SPLIT_ROW));
        assertTrue(why.contains("values of more than 16777216 bytes"), why);
    }

    @Test
    void boundsAreNotCopiedBeforeTheirLengthIsLookedAt() throws IOException {
        String why = refusal(TEXT, aliased(100, 1 << 20, RowOperationsPB.Type.SPLIT_ROW));
        assertTrue(why.contains("a range bound has up to 16384 bytes, this one has 1048576"), why);
    }

    @Test
    void boundsAreNotReadBeyondThoseThatATableMayHave() throws IOException {
        byte[] rows = new byte[2 << 20];
        for (int i = 0; i < rows.length; i += 2) {
            rows[i] = (byte) RowOperationsPB.Type.SPLIT_ROW_VALUE;
        }
        String why = refusal(
                BYTE,
                RowOperationsPB.newBuilder().setRows(ByteString.copyFrom(rows)).build());
        assertTrue(why.contains("more than 32768 bounds and split rows"), why);
    }

    @Test
    void boundsOfARangeThatIsAddedAreNotCopiedWithoutEnd() throws IOException {
        server.create("t", TEXT, 1);
        AlterTableRequestPB.Builder request = AlterTableRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName("t"));
        request.addAlterSchemaStepsBuilder()
                .setType(AlterTableRequestPB.StepType.ADD_RANGE_PARTITION)
                .getAddRangePartitionBuilder()
                .setRangeBounds(aliased(20_000, BOUND_BYTES, RowOperationsPB.Type.RANGE_LOWER_BOUND));
        request.setSchema(WireRows.view(TEXT.columns()));
        AlterTableRequestPB built = request.build();
        AlterTableResponsePB answer = bounded(
                built.getSerializedSize(),
                () -> server.master()
                        .call(WireClient.MASTER, "AlterTable", built)
                        .message(AlterTableResponsePB.parser()));
        String why = answer.getError().getStatus().getMessage();
        assertTrue(why.contains("values of more than 16777216 bytes"), why);
    }

    // ---- Rows of next to nothing ----

    private void assertNotKept(SchemaPB view, byte[] rows) throws IOException {
        Table table = server.create("t", BYTE, 1);
        WriteRequestPB request = WriteRequestPB.newBuilder()
                .setTabletId(server.tabletId(table))
                .setSchema(view)
                .setRowOperations(RowOperationsPB.newBuilder().setRows(ByteString.copyFrom(rows)))
                .build();
        RequestHeader.Builder header = WireClient.header(0, WireClient.TABLET_SERVER, "Write")
                .setRequestId(WireClient.name("0123456789abcdef0123456789abcdef", 1));
        byte[] message = request.toByteArray();
        WriteResponsePB answer =
                bounded(0, () -> server.tablets().call(header, message).message(WriteResponsePB.parser()));
        assertTrue(answer.hasError());
        assertEquals(0, table.statistics().liveRowCount());
    }

    private static byte[] rows(int bytes, int rowBytes) {
        byte[] rows = new byte[bytes];
        for (int i = 0; i < bytes; i += rowBytes) {
            rows[i] = (byte) RowOperationsPB.Type.INSERT_VALUE;
        }
        return rows;
    }

    @Test
    void rowsWithoutColumnsAreNotCounted() throws IOException {
        assertNotKept(SchemaPB.getDefaultInstance(), rows(24 << 20, 1));
    }

    @Test
    void rowsOfAnotherTableAreCountedAsFarAsARequestMayHave() throws IOException {
        Column other = Column.key("other", ColumnType.INT8);
        assertNotKept(WireRows.view(List.of(other)), rows(40 << 20, 2));
    }

    /** While there is room for words, and behind that; another error among them changes nothing. */
    @Test
    void errorsOfRowsInTheSameWordsAreKeptOnce() {
        int count = 12_000;
        WriteAnswer answer = new WriteAnswer();
        List<RowError> errors = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean isOther = i % 100 == 99;
            errors.add(new RowError(
                    i,
                    isOther ? RowErrorCode.NOT_FOUND : RowErrorCode.MISSING_VALUE,
                    "no value, in many words: ".repeat(40)));
        }
        byte[] kinds = new byte[count];
        Arrays.fill(kinds, (byte) OperationKind.INSERT.code());
        answer.addRepeated(0, kinds, new CommitResult(1, count, count, CommitResult.Ignored.NONE, errors));
        WriteResponsePB response = answer.response();
        assertEquals(count, response.getPerRowErrorsCount());
        Set<AppStatusPB> kept = Collections.newSetFromMap(new IdentityHashMap<>());
        response.getPerRowErrorsList().forEach(error -> kept.add(error.getError()));
        assertEquals(4, kept.size(), "two codes, with words and without");
        assertEquals(4, Set.copyOf(kept).size());
    }

    // ---- Lists ----

    /** With a schema of 480 KB, which is about the largest there is. */
    private void createLarge(String name, int tablets) throws IOException {
        List<Column> columns = new ArrayList<>(List.of(Column.key("k", ColumnType.INT32)));
        for (int i = 0; i < 4; i++) {
            columns.add(Column.of("v" + i, ColumnType.STRING).defaultValue("x".repeat(60_000)));
        }
        server.create(name, Schema.of(columns.toArray(Column[]::new)), tablets);
    }

    private ListTabletsResponsePB list(boolean withSchemas) throws IOException {
        var request =
                ListTabletsRequestPB.newBuilder().setNeedSchemaInfo(withSchemas).build();
        return bounded(0, () -> server.tablets().tablet("ListTablets", request, ListTabletsResponsePB.parser()));
    }

    @Test
    void schemasOfTabletsAreMadeOncePerTableAndNoMoreThanClientsTake() throws IOException {
        createLarge("a", 96);
        ListTabletsResponsePB answer = list(true);
        assertEquals(96, answer.getStatusAndSchemaCount());
        answer.getStatusAndSchemaList().forEach(tablet -> {
            assertEquals(5, tablet.getSchema().getColumnsCount());
            assertEquals("a", tablet.getTabletStatus().getTableName());
        });
        createLarge("b", 16);
        String why = list(true).getError().getStatus().getMessage();
        assertTrue(why.contains("more than 51380224 bytes") && why.contains("ask without schemas"), why);
        assertEquals(112, list(false).getStatusAndSchemaCount());
    }

    private static ByteString id(int i) {
        return ByteString.copyFromUtf8(Integer.toString(i));
    }

    private GetTabletLocationsResponsePB locate(long heapBytes, Iterable<ByteString> tablets) throws IOException {
        var request = GetTabletLocationsRequestPB.newBuilder()
                .addAllTabletIds(tablets)
                .build();
        return bounded(
                heapBytes,
                () -> server.master()
                        .call(WireClient.MASTER, "GetTabletLocations", request)
                        .message(GetTabletLocationsResponsePB.parser()));
    }

    @Test
    void idsOfTabletsAreCounted() throws IOException {
        List<ByteString> nothing = Collections.nCopies(1 << 20, ByteString.EMPTY);
        String why = locate(2L * nothing.size(), nothing).getError().getStatus().getMessage();
        assertEquals("a request has 1048576 ids of tablets, the limit is 10000; send them in several requests", why);
        List<ByteString> most =
                IntStream.range(0, 10_000).mapToObj(AmplifyingCallsTest::id).toList();
        assertEquals(10_000, locate(0, most).getErrorsCount());
    }

    /** Of tables whose tablets have two bounds of 16,000 bytes each. */
    private Table createLongBounds(int buckets) {
        PartitionSchema partitions =
                PartitionSchema.of(TEXT).hash(buckets, "k").range("k").build();
        String bound = "b".repeat(16_000);
        return server.engine()
                .createTable(TableSpec.of("t", partitions)
                        .withRanges(List.of(partitions.between(bound + "0", bound + "1"))));
    }

    @Test
    void aTabletIsAnsweredOnceHoweverOftenItIsAskedFor() throws IOException {
        Table table = createLongBounds(2);
        List<ByteString> again = Collections.nCopies(10_000, server.tabletId(table));
        GetTabletLocationsResponsePB answer = locate(0, again);
        assertEquals(1, answer.getTabletLocationsCount());
        assertEquals(again.getFirst(), answer.getTabletLocations(0).getTabletId());
    }

    /** With a bound of 100 KB for 49 MiB, of which a catalog is hard to fill. */
    @Test
    void locationsAreNoMoreThanClientsTake() {
        int bytesMax = 100_000; // Three tablets and some.
        Table table = createLongBounds(4);
        ServerIds names = new ServerIds(server.engine().hostId());
        CatalogView catalog = new CatalogView(server.engine(), names);
        Identity identity = new Identity(names, "localhost", 1, 2, ServerConfig.NO_WEB, 0);
        MasterLocations locations = new MasterLocations(catalog, () -> identity, bytesMax);
        List<ByteString> ids =
                server.tabletIds(table).stream().map(ByteString::copyFromUtf8).toList();
        var ofTablets = GetTabletLocationsRequestPB.newBuilder().addAllTabletIds(ids);
        assertTooLong("ask for fewer tablets", () -> locations.ofTablets(ofTablets.build()));
        var ofTable = GetTableLocationsRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName("t"))
                .setMaxReturnedLocations(Integer.MAX_VALUE);
        assertTooLong("ask for fewer, by max_returned_locations", () -> locations.ofTable(table, ofTable.build()));
        MasterTables tables = new MasterTables(catalog, 7, bytesMax);
        var list = ListTablesRequestPB.newBuilder();
        assertEquals(4, tables.list(list.build()).getTables(0).getNumTablets());
        list.setListTabletWithPartition(true);
        assertTooLong("ask for fewer, by name_filter, or without their tablets", () -> tables.list(list.build()));
        MasterTables fewer = new MasterTables(catalog, 7, 4 * bytesMax / 3);
        assertEquals(4, fewer.list(list.build()).getTables(0).getTabletWithPartitionCount());
    }

    private static void assertTooLong(String advice, Executable call) {
        MasterException refusal = assertThrows(MasterException.class, call);
        assertEquals(ErrorCode.INVALID_ARGUMENT, refusal.error().getStatus().getCode());
        String why = String.valueOf(refusal.getMessage());
        assertTrue(why.contains(" has more than 100000 bytes") && why.endsWith("; " + advice), why);
    }

    // ---- Names ----

    private void assertLetGo(RequestHeader.Builder header, MessageLite message) throws IOException {
        byte[] call = WireClient.frame(header.build(), message.toByteArray());
        try (WireClient client = WireClient.of(server.tabletServerAddress())) {
            boolean isLetGo = bounded(0, () -> {
                client.send(call);
                return client.readOrEnd() == null;
            });
            assertTrue(isLetGo);
        }
    }

    @Test
    void namesOfClientsAreNotKept() throws IOException {
        assertLetGo(
                WireClient.header(0, WireClient.TABLET_SERVER, "Ping")
                        .setRequestId(WireClient.name("c".repeat(32 << 20), 1)),
                PingRequestPB.getDefaultInstance());
    }

    @Test
    void namesOfMethodsAreNotMade() throws IOException {
        assertLetGo(
                WireClient.header(0, WireClient.TABLET_SERVER, "m".repeat(32 << 20)),
                PingRequestPB.getDefaultInstance());
    }
}
