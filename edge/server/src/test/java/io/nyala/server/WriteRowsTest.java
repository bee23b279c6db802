package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.CommitResult;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.MemoryLimitException;
import io.nyala.partition.PartitionSchema;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.rpc.RpcConfig;
import io.nyala.rpc.RpcServer;
import io.nyala.rpc.RpcThreads;
import io.nyala.table.WrongTabletException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a request whose rows are several batches is done once, and its answer says of each row what became of it,
 * whatever happens between its parts. Method: requests of some 20 MiB over a socket; before a part is committed, the
 * test alters the table, or has the engine refuse.
 */
final class WriteRowsTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("v", ColumnType.BINARY),
            Column.of("extra", ColumnType.INT32).nullable());

    /** Some 20 MiB, so three parts. */
    private static final int ROWS = 340;

    private static final byte[] VALUE = new byte[60_000];

    private Engine engine;
    private RpcThreads threads;
    private RpcServer server;
    private WireClient client;
    private BatchPool batches;
    private CatalogView catalog;
    private int commits;
    private IntConsumer beforeCommit = _ -> {};

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        engine = Engine.open(EngineConfig.in(directory).withMemoryBytes(256 << 20));
        threads = RpcThreads.start();
        batches = new BatchPool(System::nanoTime, Long.MAX_VALUE);
        catalog = new CatalogView(engine, new ServerIds(engine.hostId()));
        var service = new WriteService(catalog, batches, this::commit, threads.pool());
        server = RpcServer.start(
                RpcConfig.of("TabletServer", "127.0.0.1", 0),
                List.of(new Methods(WireClient.TABLET_SERVER, Set.of()).on("Write", service::write)),
                threads);
        client = WireClient.of("127.0.0.1:" + server.address().getPort());
    }

    private CompletableFuture<CommitResult> commit(WriteBatch batch) {
        beforeCommit.accept(commits++);
        return batch.commitAsync();
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
        threads.close();
        batches.close();
        engine.close();
    }

    // ---- A table that changes ----

    @Test
    void aTableThatIsAlteredBetweenPartsGetsEachRowOnce() throws IOException {
        Table table = engine.createTable("t", SCHEMA);
        beforeCommit = part -> {
            if (part == 1 || part == 2) { // The second of three parts, and when it comes again.
                table.alter()
                        .addColumn(Column.of("new" + part, ColumnType.INT64).nullable())
                        .commit();
            }
        };
        WriteResponsePB answer = write(inserts(table, ROWS), RequestHeader.newBuilder());
        assertEquals(List.of(), answer.getPerRowErrorsList());
        assertEquals(ROWS, answer.getResourceMetrics().getSuccessfulInserts());
        assertEquals(IntStream.range(0, ROWS).boxed().toList(), keys(table));
        assertEquals(5, commits); // Three parts, and two that came again.
    }

    @Test
    void aTableThatIsAlteredBeforeTheFirstPartGetsEachRowOnce() throws IOException {
        Table table = engine.createTable("t", SCHEMA);
        beforeCommit = part -> {
            if (part == 0) {
                table.alter()
                        .addColumn(Column.of("new", ColumnType.INT64).nullable())
                        .commit();
            }
        };
        assertDone(write(inserts(table, ROWS), RequestHeader.newBuilder()));
        assertEquals(IntStream.range(0, ROWS).boxed().toList(), keys(table));
    }

    @Test
    void aRequestWithANameGoesOnAfterAnAlterAndHasItsAnswer() throws IOException {
        Table table = engine.createTable("t", SCHEMA);
        beforeCommit = part -> {
            if (part == 1) {
                table.alter()
                        .addColumn(Column.of("new", ColumnType.INT64).nullable())
                        .commit();
            }
        };
        WriteRequestPB request = inserts(table, ROWS);
        WriteResponsePB answer = write(request, named());
        assertDone(answer);
        WriteResponsePB again = write(request, named());
        assertDone(again);
        assertEquals(answer.getTimestamp(), again.getTimestamp());
    }

    @Test
    void rowsThatFitTheTableNoMoreAreErrorsAndThoseBeforeThemAreIn() throws IOException {
        Table table = engine.createTable("t", SCHEMA);
        beforeCommit = part -> {
            if (part == 1) {
                table.alter().dropColumn("extra").commit();
            }
        };
        WriteResponsePB answer = write(inserts(table, ROWS), RequestHeader.newBuilder());
        assertFalse(answer.hasError());
        int in = ROWS - answer.getPerRowErrorsCount();
        assertTrue(in > 0 && in < ROWS, in + " rows");
        assertEquals(in, answer.getResourceMetrics().getSuccessfulInserts());
        assertEquals(IntStream.range(0, in).boxed().toList(), keys(table));
        for (int i = 0; i < answer.getPerRowErrorsCount(); i++) {
            WriteResponsePB.PerRowErrorPB error = answer.getPerRowErrors(i);
            assertEquals(in + i, error.getRowIndex());
            assertEquals(ErrorCode.INVALID_ARGUMENT, error.getError().getCode());
            assertEquals(
                    "Client provided column extra INT32 NULLABLE not present in tablet",
                    error.getError().getMessage());
        }
    }

    @Test
    void aTableThatIsAlteredEachTimeIsBusyAndNothingIsIn() throws IOException {
        Table table = engine.createTable("t", SCHEMA);
        beforeCommit = part -> table.alter()
                .addColumn(Column.of("new" + part, ColumnType.INT64).nullable())
                .commit();
        WriteResponsePB answer = write(inserts(table, 3), RequestHeader.newBuilder());
        assertEquals(Code.THROTTLED, answer.getError().getCode());
        assertEquals(List.of(), keys(table));
    }

    // ---- Failures ----

    @Test
    void aRowOfAnotherTabletInALaterPartFailsTheRequestBeforeAnythingIsIn() throws IOException {
        Table table = engine.createTable(
                TableSpec.of("t", PartitionSchema.of(SCHEMA).hash(2, "k").build()));
        List<Integer> own = ownKeys(table);
        WireRows rows = new WireRows(SCHEMA);
        own.subList(0, ROWS).forEach(k -> rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(k), VALUE));
        int foreign = IntStream.range(0, 100)
                .filter(k -> !own.contains(k))
                .findFirst()
                .orElseThrow();
        rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(foreign), VALUE);
        WriteResponsePB answer = write(rows.request(tablet(table)), RequestHeader.newBuilder());
        assertEquals(Code.UNKNOWN_ERROR, answer.getError().getCode());
        assertEquals(ErrorCode.NOT_FOUND, answer.getError().getStatus().getCode());
        assertTrue(
                answer.getError().getStatus().getMessage().startsWith("Row not in tablet partition."),
                answer::toString);
        assertEquals(0, commits);
        assertEquals(List.of(), keys(table));
    }

    @Test
    void whatIsRefusedOfALaterPartIsAnErrorOfItsRowsWhereNoNameMakesARetrySafe() throws IOException {
        Table table = engine.createTable("t", SCHEMA);
        beforeCommit = WriteRowsTest::refuseSecond;
        WriteResponsePB answer = write(inserts(table, ROWS), RequestHeader.newBuilder());
        assertFalse(answer.hasError());
        int in = ROWS - answer.getPerRowErrorsCount();
        assertEquals(IntStream.range(0, in).boxed().toList(), keys(table));
        assertTrue(in > 0 && in < ROWS, in + " rows");
        assertEquals(in, answer.getPerRowErrors(0).getRowIndex());
        assertEquals(
                ErrorCode.SERVICE_UNAVAILABLE,
                answer.getPerRowErrors(0).getError().getCode());
    }

    @Test
    void aRequestWithANameFailsAsAWholeAndItsRetryIsDoneOnce() throws IOException {
        Table table = engine.createTable("t", SCHEMA);
        beforeCommit = WriteRowsTest::refuseSecond;
        WriteRequestPB request = inserts(table, ROWS);
        WriteResponsePB refused = write(request, named());
        assertEquals(Code.THROTTLED, refused.getError().getCode());
        assertDone(write(request, named()));
        assertEquals(IntStream.range(0, ROWS).boxed().toList(), keys(table));
    }

    private static void refuseSecond(int part) {
        if (part == 1) {
            throw new MemoryLimitException("no memory, says the test");
        }
    }

    // ---- Steps ----

    private static WireRows rows(int count) {
        WireRows rows = new WireRows(SCHEMA);
        for (int k = 0; k < count; k++) {
            rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(k), VALUE, null);
        }
        return rows;
    }

    private WriteRequestPB inserts(Table table, int count) {
        return rows(count).request(tablet(table));
    }

    private String tablet(Table table) {
        return catalog.ids().tablet(table.tablets().getFirst().id());
    }

    private static List<Integer> ownKeys(Table table) {
        List<Integer> own = new ArrayList<>();
        try (WriteBatch batch =
                table.newBatch().onlyTablet(table.tablets().getFirst().id())) {
            for (int k = 0; k < 3 * ROWS; k++) {
                batch.rows().start(OperationKind.INSERT);
                batch.rows().setInt(0, k);
                batch.rows().setBytes(1, new byte[1]);
                batch.rows().end();
                try {
                    batch.check();
                    own.add(k);
                } catch (WrongTabletException _) {
                    // Of the other one.
                }
                batch.rows().clear();
            }
        }
        return own;
    }

    private static RequestHeader.Builder named() {
        return RequestHeader.newBuilder().setRequestId(WireClient.name("0123456789abcdef0123456789abcdef", 1));
    }

    private WriteResponsePB write(WriteRequestPB request, RequestHeader.Builder header) throws IOException {
        RequestHeader.Builder call = WireClient.header(0, WireClient.TABLET_SERVER, "Write");
        return client.call(call.mergeFrom(header.buildPartial()), request.toByteArray())
                .message(WriteResponsePB.parser());
    }

    private static void assertDone(WriteResponsePB answer) {
        assertFalse(answer.hasError(), answer::toString);
        assertEquals(List.of(), answer.getPerRowErrorsList());
        assertEquals(ROWS, answer.getResourceMetrics().getSuccessfulInserts());
    }

    private static List<Integer> keys(Table table) {
        List<Integer> keys = new ArrayList<>();
        try (Scan scan = table.scan().project("k").inKeyOrder().open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                for (int i = 0; i < batch.rowCount(); i++) {
                    keys.add(batch.column(0).getInt(i));
                }
            }
        }
        return keys;
    }
}
