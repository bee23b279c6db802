package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.AlterTable;
import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.rpc.RequestId;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: a request with a name that comes again has the answer that it had, or goes on where it ended, whatever became
 * of the table meanwhile, so that its rows are cut otherwise or cannot be read any more. Method: requests over a
 * socket, with errors of all kinds, again after a restart or an ALTER.
 */
final class RepeatedWritesTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("v", ColumnType.BINARY),
            Column.of("extra", ColumnType.INT32).nullable());

    /** Which the client does not know of; each takes eight bytes of a row. */
    private static final int UNKNOWN_COLUMNS = 140;

    /** Some 20 MiB, so three parts. */
    private static final int ROWS = 340;

    private static final byte[] VALUE = new byte[60_000];

    private Path directory;
    private WriteServer server;

    @BeforeEach
    void open(@TempDir Path newDirectory) throws IOException {
        directory = newDirectory;
        server = new WriteServer(directory);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    /** What happens to the table between the first time and the second; rows are cut otherwise then. */
    enum Between {
        NOTHING,
        RESTART,
        WIDER {
            @Override
            void happen(Table table) {
                AlterTable change = table.alter();
                for (int i = 0; i < UNKNOWN_COLUMNS; i++) {
                    change.addColumn(Column.of("wide" + i, ColumnType.INT64).nullable());
                }
                change.commit();
            }
        },
        NARROWER {
            @Override
            void happen(Table table) {
                AlterTable change = table.alter();
                for (int i = 0; i < UNKNOWN_COLUMNS; i++) {
                    change.dropColumn("unknown" + i);
                }
                change.commit();
            }
        },
        UNREADABLE {
            @Override
            void happen(Table table) {
                table.alter().dropColumn("extra").commit();
            }
        },
        UNREADABLE_AND_RESTART {
            @Override
            void happen(Table table) {
                UNREADABLE.happen(table);
            }
        };

        void happen(Table table) {}

        boolean isRestart() {
            return name().endsWith("RESTART");
        }
    }

    /** Some are there, some have no value, some ignore that they are there. */
    private static WireRows mixed(int count) {
        WireRows rows = new WireRows(SCHEMA);
        for (int i = 0; i < count; i++) {
            byte[] key = WireRows.cell(i % 50 == 10 || i % 50 == 30 ? 0 : i);
            RowOperationsPB.Type kind = i % 50 == 30 ? RowOperationsPB.Type.INSERT_IGNORE : RowOperationsPB.Type.INSERT;
            rows.add(kind, key, i % 50 == 20 ? new byte[70_000] : VALUE, null);
        }
        return rows;
    }

    @ParameterizedTest
    @EnumSource
    void aRequestOfPartsThatComesAgainHasItsAnswer(Between between) throws IOException {
        repeat(between, mixed(ROWS), -1);
    }

    @ParameterizedTest
    @EnumSource
    void aRequestOfOneBatchThatComesAgainHasItsAnswer(Between between) throws IOException {
        repeat(between, mixed(60), -1);
    }

    /** The first time it stops before its last part. */
    @ParameterizedTest
    @EnumSource
    void aRequestOfWhichSomePartsAreInGoesOnBehindThem(Between between) throws IOException {
        repeat(between, mixed(ROWS), 2);
    }

    private void repeat(Between between, WireRows rows, int refused) throws IOException {
        List<Column> columns = new ArrayList<>(SCHEMA.columns());
        for (int i = 0; i < UNKNOWN_COLUMNS; i++) {
            columns.add(Column.of("unknown" + i, ColumnType.INT64).nullable());
        }
        Table table = server.engine.createTable("t", Schema.of(columns));
        server.refuse(refused);
        WriteRequestPB request = rows.request(server.tablet(table));
        WireClient.Reply reply = server.call(request, WriteServer.named());
        assertEquals(refused >= 0, reply.isError(), "refused as busy");
        between.happen(table);
        if (between.isRestart()) {
            server.close();
            server = new WriteServer(directory);
        }
        server.beforeCommit(_ -> {});
        WriteResponsePB again = server.write(request, WriteServer.named());
        Table now = server.engine.table("t").orElseThrow();
        if (refused < 0) {
            WriteResponsePB first = reply.message(WriteResponsePB.parser());
            assertEquals(first.getTimestamp(), again.getTimestamp());
            assertEquals(first.getResourceMetrics(), again.getResourceMetrics());
            assertEquals(codes(first), codes(again));
            if (!between.name().startsWith("UNREADABLE")) {
                assertEquals(first.getPerRowErrorsList(), again.getPerRowErrorsList());
            }
        }
        List<Integer> good = IntStream.range(0, rows.count())
                .filter(i -> i % 50 != 10 && i % 50 != 20 && i % 50 != 30)
                .boxed()
                .toList();
        if (refused >= 0 && between.name().startsWith("UNREADABLE")) {
            int in = WriteServer.keys(now).size();
            assertEquals(good.subList(0, in), WriteServer.keys(now));
            assertEquals(
                    rows.count() - 1,
                    codes(again).keySet().stream().mapToInt(i -> i).max().orElseThrow());
            assertEquals(in, again.getResourceMetrics().getSuccessfulInserts());
        } else {
            assertEquals(good, WriteServer.keys(now));
            assertEquals(good.size(), again.getResourceMetrics().getSuccessfulInserts());
            assertEquals(
                    rows.count() - good.size(),
                    again.getPerRowErrorsCount() + again.getResourceMetrics().getInsertIgnoreErrors());
            assertEquals(
                    again.getPerRowErrorsCount(),
                    codes(again).keySet().stream()
                            .filter(i -> i % 50 == 10 || i % 50 == 20)
                            .count());
        }
        assertEquals(0, server.batches.takenCount());
    }

    private static SortedMap<Integer, ErrorCode> codes(WriteResponsePB answer) {
        SortedMap<Integer, ErrorCode> codes = new TreeMap<>();
        answer.getPerRowErrorsList()
                .forEach(
                        error -> codes.put(error.getRowIndex(), error.getError().getCode()));
        return codes;
    }

    /** Fewer rows than were answered, under their name. */
    @Test
    void otherRowsUnderTheSameNameHaveNoAnswer() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        String tablet = server.tablet(table);
        server.write(mixed(ROWS).request(tablet), WriteServer.named());
        List<Integer> keys = WriteServer.keys(table);
        WireClient.Reply reply = server.call(mixed(3).request(tablet), WriteServer.named());
        assertEquals(RpcErrorCodePB.ERROR_INVALID_REQUEST, reply.error().getCode());
        assertEquals(keys, WriteServer.keys(table));
    }

    /** What the engine waits for is given up by the same check; here the commit itself stands for a wait. */
    @Test
    void aWriteWhoseClientHasGivenUpEndsWhereItWaits() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        WriteRequestPB request = mixed(2).request(server.tablet(table));
        server.beforeCommit(_ -> {
            Engine.wanted().run(); // Nobody has given up yet.
            Spin.until(() -> server.call().nanosLeft() == 0);
            Engine.wanted().run();
        });
        WireClient.Reply reply = server.call(request, WriteServer.named().setTimeoutMillis(300));
        assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, reply.error().getCode());
        assertTrue(reply.error().getMessage().contains("past its client's deadline"), reply::toString);
        assertEquals(0, server.batches.takenCount(), "its memory is given back");
        server.beforeCommit(_ -> Engine.wanted().run());
        server.write(request, WriteServer.named().setTimeoutMillis(60_000));
        assertEquals(2, WriteServer.keys(table).size());
    }

    /** Its first part is the same, and the second has fewer rows than were answered. */
    @Test
    void otherRowsInALaterPartUnderTheSameNameHaveNoAnswer() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        String tablet = server.tablet(table);
        server.write(mixed(ROWS).request(tablet), WriteServer.named());
        List<Integer> keys = WriteServer.keys(table);
        WireClient.Reply reply = server.call(mixed(ROWS / 2).request(tablet), WriteServer.named());
        assertTrue(reply.isError(), "an answer of rows");
        assertEquals(RpcErrorCodePB.ERROR_INVALID_REQUEST, reply.error().getCode());
        assertEquals(keys, WriteServer.keys(table));
    }

    /** Its client says that it has heard the answer, and so another request does, between two parts. */
    @Test
    void aRequestThatBecomesStaleBetweenPartsFailsAsThat() throws IOException {
        Table table = server.engine.createTable("t", SCHEMA);
        RequestId next = new RequestId("0123456789abcdef0123456789abcdef", 2, 2, 0);
        server.beforeCommit(part -> {
            if (part == 1) {
                try (WriteBatch batch = table.newBatch()) {
                    batch.rows()
                            .start(OperationKind.INSERT)
                            .setInt(0, -1)
                            .setBytes(1, new byte[1])
                            .end();
                    batch.request(Objects.requireNonNull(WriteService.name(next, part)))
                            .commit()
                            .orThrow();
                }
            }
        });
        WireClient.Reply reply = server.call(mixed(ROWS).request(server.tablet(table)), WriteServer.named());
        assertTrue(reply.isError(), "an answer of rows");
        assertEquals(RpcErrorCodePB.ERROR_REQUEST_STALE, reply.error().getCode());
        assertEquals(0, server.batches.takenCount());
    }
}
