package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.MemoryLimitException;
import io.nyala.partition.PartitionSchema;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.table.WrongTabletException;
import io.nyala.wire.RowOperationsReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    private WriteServer server;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        server = new WriteServer(directory);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    // ---- A table that changes ----

    @Test
    void aTableThatIsAlteredBetweenPartsGetsEachRowOnce() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.beforeCommit(part -> {
            if (part == 1 || part == 2) { // The second of three parts, and when it comes again.
                table.alter()
                        .addColumn(Column.of("new" + part, ColumnType.INT64).nullable())
                        .commit();
            }
        });
        WriteResponsePB answer = server.write(inserts(table, ROWS), RequestHeader.newBuilder());
        assertEquals(List.of(), answer.getPerRowErrorsList());
        assertEquals(ROWS, answer.getResourceMetrics().getSuccessfulInserts());
        assertEquals(IntStream.range(0, ROWS).boxed().toList(), WriteServer.keys(table));
        assertEquals(5, server.commits()); // Three parts, and two that came again.
    }

    @Test
    void aTableThatIsAlteredBeforeTheFirstPartGetsEachRowOnce() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.beforeCommit(part -> {
            if (part == 0) {
                table.alter()
                        .addColumn(Column.of("new", ColumnType.INT64).nullable())
                        .commit();
            }
        });
        assertDone(server.write(inserts(table, ROWS), RequestHeader.newBuilder()));
        assertEquals(IntStream.range(0, ROWS).boxed().toList(), WriteServer.keys(table));
    }

    @Test
    void aRequestWithANameGoesOnAfterAnAlterAndHasItsAnswer() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.beforeCommit(part -> {
            if (part == 1) {
                table.alter()
                        .addColumn(Column.of("new", ColumnType.INT64).nullable())
                        .commit();
            }
        });
        WriteRequestPB request = inserts(table, ROWS);
        WriteResponsePB answer = server.write(request, WriteServer.named());
        assertDone(answer);
        WriteResponsePB again = server.write(request, WriteServer.named());
        assertDone(again);
        assertEquals(answer.getTimestamp(), again.getTimestamp());
    }

    @Test
    void rowsThatFitTheTableNoMoreAreErrorsAndThoseBeforeThemAreIn() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.beforeCommit(part -> {
            if (part == 1) {
                table.alter().dropColumn("extra").commit();
            }
        });
        WriteResponsePB answer = server.write(inserts(table, ROWS), RequestHeader.newBuilder());
        assertFalse(answer.hasError());
        int in = ROWS - answer.getPerRowErrorsCount();
        assertTrue(in > 0 && in < ROWS, in + " rows");
        assertEquals(in, answer.getResourceMetrics().getSuccessfulInserts());
        assertEquals(IntStream.range(0, in).boxed().toList(), WriteServer.keys(table));
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
        Table table = server.engine.createTable("t", SCHEMA);
        server.beforeCommit(part -> table.alter()
                .addColumn(Column.of("new" + part, ColumnType.INT64).nullable())
                .commit());
        WireClient.Reply answer = server.call(inserts(table, 3), RequestHeader.newBuilder());
        assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, answer.error().getCode());
        assertEquals(List.of(), WriteServer.keys(table));
    }

    // ---- Failures ----

    @Test
    void aRowOfAnotherTabletInALaterPartFailsTheRequestBeforeAnythingIsIn() throws IOException {
        Table table = server.engine.createTable(
                TableSpec.of("t", PartitionSchema.of(SCHEMA).hash(2, "k").build()));
        List<Integer> own = ownKeys(table);
        WireRows rows = new WireRows(SCHEMA);
        own.subList(0, ROWS).forEach(k -> rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(k), VALUE));
        int foreign = IntStream.range(0, 100)
                .filter(k -> !own.contains(k))
                .findFirst()
                .orElseThrow();
        rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(foreign), VALUE);
        WriteResponsePB answer = server.write(rows.request(server.tablet(table)), RequestHeader.newBuilder());
        assertEquals(Code.UNKNOWN_ERROR, answer.getError().getCode());
        assertEquals(ErrorCode.NOT_FOUND, answer.getError().getStatus().getCode());
        assertTrue(
                answer.getError().getStatus().getMessage().startsWith("Row not in tablet partition."),
                answer::toString);
        assertEquals(0, server.commits());
        assertEquals(List.of(), WriteServer.keys(table));
    }

    @Test
    void whatIsRefusedOfALaterPartIsAnErrorOfItsRowsWhereNoNameMakesARetrySafe() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.refuse(1);
        WriteResponsePB answer = server.write(inserts(table, ROWS), RequestHeader.newBuilder());
        assertFalse(answer.hasError());
        int in = ROWS - answer.getPerRowErrorsCount();
        assertEquals(IntStream.range(0, in).boxed().toList(), WriteServer.keys(table));
        assertTrue(in > 0 && in < ROWS, in + " rows");
        assertEquals(in, answer.getPerRowErrors(0).getRowIndex());
        assertEquals(
                ErrorCode.SERVICE_UNAVAILABLE,
                answer.getPerRowErrors(0).getError().getCode());
    }

    @Test
    void aRequestWithANameFailsAsAWholeAndItsRetryIsDoneOnce() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.refuse(1);
        WriteRequestPB request = inserts(table, ROWS);
        WireClient.Reply refused = server.call(request, WriteServer.named());
        assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, refused.error().getCode());
        assertDone(server.write(request, WriteServer.named()));
        assertEquals(IntStream.range(0, ROWS).boxed().toList(), WriteServer.keys(table));
    }

    // ---- Immutable columns ----

    /** As a Kudu, which does not look at what it leaves out. */
    @Test
    void cellsOfImmutableColumnsAreIgnoredAndCountedWhateverTheyAre() throws IOException {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("changes", ColumnType.INT32),
                Column.of("stays", ColumnType.BINARY).immutable(),
                Column.of("may_be_null", ColumnType.INT32).nullable());
        Table table = server.engine.createTable("t", schema);
        byte[] one = WireRows.cell(1);
        WireRows rows = new WireRows(schema).add(RowOperationsPB.Type.INSERT, one, one, new byte[3]);
        List<byte[]> values = List.of(new byte[3], new byte[0], new byte[70_000]);
        values.forEach(value -> rows.add(RowOperationsPB.Type.UPDATE_IGNORE, one, WireRows.cell(2), value));
        WriteResponsePB answer = server.write(rows.request(server.tablet(table)), RequestHeader.newBuilder());
        assertEquals(List.of(), answer.getPerRowErrorsList());
        assertEquals(values.size(), answer.getResourceMetrics().getUpdateIgnoreErrors());
        assertEquals(values.size(), answer.getResourceMetrics().getSuccessfulUpdates());
        WireRows none = new WireRows(schema).addNull(RowOperationsPB.Type.UPDATE_IGNORE, one, WireRows.cell(3));
        WriteResponsePB ofNull = server.write(none.request(server.tablet(table)), RequestHeader.newBuilder());
        assertEquals(List.of(), ofNull.getPerRowErrorsList());
        assertEquals(1, ofNull.getResourceMetrics().getUpdateIgnoreErrors());
    }

    // ---- Calls that cannot be answered ----

    /** The session was closed while it was in the pool, and counted down twice. */
    @Test
    void aCallThatCannotBeAnsweredGivesItsSessionBackOnce() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.beforeCommit(commit -> {
            if (commit == 0) {
                server.call().fail(RpcErrorCode.ERROR_APPLICATION, "answered by the test");
            }
        });
        assertTrue(server.call(inserts(table, 3), RequestHeader.newBuilder()).isError());
        assertFalse(server.write(inserts(table, 3), RequestHeader.newBuilder()).hasError());
        server.close(); // Waits for what the log's thread does after the answer.
        assertEquals(0, server.batches.takenCount());
    }

    /** The exception went into a future that nobody reads: no answer ever, and the memory of the request gone. */
    @Test
    void aCallIsAnsweredAlsoWhenThePoolTakesNothingAnyMore() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        assertFalse(server.write(inserts(table, 3), RequestHeader.newBuilder()).hasError());
        server.closePool();
        WireClient.Reply reply = server.call(inserts(table, 3), WriteServer.named()); // Has errors, so words to make.
        assertTrue(reply.isError());
        assertEquals(
                RpcErrorCode.ERROR_UNAVAILABLE.number(), reply.error().getCode().getNumber());
        assertEquals(0, server.batches.takenCount());
    }

    @Test
    void anErrorOfTheMachineFailsTheCallAndHoldsNothing() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        server.beforeCommit(_ -> {
            throw new StackOverflowError("says the test");
        });
        WireClient.Reply reply = server.call(inserts(table, 3), RequestHeader.newBuilder());
        assertTrue(reply.isError());
        assertEquals(0, server.batches.takenCount());
    }

    // ---- Limits ----

    @Test
    void aRequestOfTooManyRowsIsRefusedBeforeAnythingIsIn() throws IOException {
        Table table = server.engine.createTable("t", Schema.of(Column.key("k", ColumnType.INT32)));
        WriteResponsePB answer = server.write(
                keysOnly(WriteRows.ROWS_MAX + 1).request(server.tablet(table)), RequestHeader.newBuilder());
        assertEquals(
                "a request has 1048577 rows, the limit is 1048576; send them in several requests",
                answer.getError().getStatus().getMessage());
        assertEquals(List.of(), WriteServer.keys(table));
    }

    @Test
    void anAnswerHasAnErrorForEachRowButNotAllWords() throws IOException {
        Table table = server.engine.createTable("t", Schema.of(Column.key("k", ColumnType.INT32)));
        server.write(keysOnly(1).request(server.tablet(table)), RequestHeader.newBuilder());
        server.beforeCommit(part -> {
            if (part == 2) {
                throw new MemoryLimitException("no memory, says the test, in " + "many ".repeat(50) + "words");
            }
        });
        int count = 300_000;
        WireRows rows = keysOnly(count);
        rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(0));
        WriteResponsePB answer = server.write(rows.request(server.tablet(table)), RequestHeader.newBuilder());
        int in = WriteServer.keys(table).size();
        assertEquals(count + 1 - in + 1, answer.getPerRowErrorsCount()); // The first row of all was there.
        int texts = answer.getPerRowErrorsList().stream()
                .mapToInt(error -> error.getError().getMessage().length())
                .sum();
        assertTrue(texts <= WriteAnswer.TEXT_CHARS_MAX, texts + " characters");
        assertEquals(
                ErrorCode.SERVICE_UNAVAILABLE,
                answer.getPerRowErrors(answer.getPerRowErrorsCount() - 1)
                        .getError()
                        .getCode());
        assertTrue(
                answer.getSerializedSize() < WriteAnswer.TEXT_CHARS_MAX + 14 * count,
                answer.getSerializedSize() + " bytes");
    }

    private static WireRows keysOnly(int count) {
        WireRows rows = new WireRows(Schema.of(Column.key("k", ColumnType.INT32)));
        for (int k = 0; k < count; k++) {
            rows.add(RowOperationsPB.Type.INSERT, WireRows.cell(k));
        }
        return rows;
    }

    // ---- What reads requests ----

    @Test
    void ofWhatReadManyRequestsAtOnceTheOnesUsedLastAreKept() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        List<RowOperationsReader> used = new ArrayList<>();
        server.beforeCommit(_ -> {
            readAgain(2 * WriteService.IDLE_DECODERS_MAX, used);
            readAgain(1, used);
        });
        assertEquals(
                0, server.write(inserts(table, 1), RequestHeader.newBuilder()).getPerRowErrorsCount());
        assertEquals(WriteService.IDLE_DECODERS_MAX, server.service().idleDecoderCount());
        assertSame(used.getFirst(), used.getLast(), "the first that was taken is the last that was given back");
    }

    /** So many at a time, one within the other. */
    private void readAgain(int count, List<RowOperationsReader> used) {
        server.service().readAgain(server.call(), (_, rows) -> {
            used.add(rows);
            if (count > 1) {
                readAgain(count - 1, used);
            }
        });
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
        return rows(count).request(server.tablet(table));
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

    private static void assertDone(WriteResponsePB answer) {
        assertFalse(answer.hasError(), answer::toString);
        assertEquals(List.of(), answer.getPerRowErrorsList());
        assertEquals(ROWS, answer.getResourceMetrics().getSuccessfulInserts());
    }
}
