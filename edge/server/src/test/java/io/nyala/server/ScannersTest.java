package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.Schema;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.web.OpenScanner;
import io.nyala.wire.ResultBlock;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a scanner is one call's at a time, its user's alone, and closed when nobody asks for it, at the limit, and at
 * the end. Method: scans of a real engine, and a clock that the test turns.
 */
final class ScannersTest {
    private static final int IDLE_MILLIS = 1_000;
    private static final int SCANNERS_MAX = 2;
    private static final int PREDICATE_BYTES_MAX = 1_000;

    /** More than there are rowsets, at whose ends a scan may come back, too. */
    private static final int LOOKS = 12;

    private Engine engine;
    private Table table;
    private long nanos;
    private final Scanners scanners = new Scanners(() -> nanos, IDLE_MILLIS, SCANNERS_MAX, PREDICATE_BYTES_MAX);

    /** A scanner that was given back once, and its scan. */
    private record Open(String id, Scanner scanner, Scan scan) {
        boolean isClosed() {
            try {
                scan.next();
                return false;
            } catch (IllegalStateException _) {
                return true;
            }
        }
    }

    @BeforeEach
    void open(@TempDir Path directory) {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
        table = engine.createTable("t", Schema.of(Column.key("k", ColumnType.INT32)));
    }

    @AfterEach
    void close() {
        scanners.closeAll();
        engine.close();
    }

    @Test
    void oneThatNobodyAsksForIsGoneWhenItIsAskedForTooLate() {
        Open kept = open("ann");
        Open left = open("ann");
        turn(IDLE_MILLIS);
        scanners.keepAlive(kept.id(), "ann");
        turn(1);
        refused(Code.SCANNER_EXPIRED, ErrorCode.NOT_FOUND, () -> scanners.take(left.id(), "ann"));
        assertTrue(left.isClosed());
        assertEquals(1, scanners.count());
        scanners.giveBack(kept.id(), scanners.take(kept.id(), "ann")); // To take it counts as a sign of life.
        turn(IDLE_MILLIS);
        scanners.closeIdle();
        assertFalse(kept.isClosed());
        turn(1);
        refused(Code.SCANNER_EXPIRED, ErrorCode.NOT_FOUND, () -> scanners.keepAlive(kept.id(), "ann"));
        assertFalse(kept.isClosed(), "closing takes longer than a quick call may");
        scanners.closeIdle();
        assertTrue(kept.isClosed());
        assertEquals(0, scanners.count());
    }

    @Test
    void oneThatACallHasIsNotIdleHoweverLongThatTakes() {
        Open taken = open("ann");
        scanners.take(taken.id(), "ann");
        turn(10 * IDLE_MILLIS);
        scanners.closeIdle();
        assertFalse(taken.isClosed());
        scanners.giveBack(taken.id(), taken.scanner());
        scanners.closeIdle();
        assertFalse(taken.isClosed());
        turn(IDLE_MILLIS + 1);
        scanners.closeIdle();
        assertTrue(taken.isClosed());
    }

    @Test
    void anotherUserCanNeitherReadNorKeepNorCloseIt() {
        Open anns = open("ann");
        refusedToBob(() -> scanners.take(anns.id(), "bob"));
        refusedToBob(() -> scanners.keepAlive(anns.id(), "bob"));
        refusedToBob(() -> scanners.close(anns.id(), "bob"));
        assertFalse(anns.isClosed());
        scanners.close(anns.id(), "ann");
        assertTrue(anns.isClosed());
        scanners.close(anns.id(), "ann"); // Not there any more: nothing happens.
        assertEquals(0, scanners.count());
    }

    @Test
    void twoCallsCannotHaveItAtATime() {
        Open open = open("ann");
        Scanner taken = scanners.take(open.id(), "ann");
        refused(Code.INVALID_SCAN_CALL_SEQ_ID, ErrorCode.INVALID_ARGUMENT, () -> scanners.take(open.id(), "ann"));
        scanners.giveBack(open.id(), taken);
        scanners.take(open.id(), "ann");
        assertTrue(taken.isNext(1));
        assertTrue(taken.isNext(2));
        assertFalse(taken.isNext(2)); // Sent twice.
        scanners.remove(open.id(), taken);
    }

    /** It stayed until its time was over, though its client had heard that it was closed. */
    @Test
    void oneThatIsClosedWhileACallHasItEndsWithThatCall() {
        Open open = open("ann");
        Scanner taken = scanners.take(open.id(), "ann");
        scanners.close(open.id(), "ann");
        scanners.close(open.id(), "ann");
        assertFalse(open.isClosed()); // Or the call would read from memory that is gone.
        refused(Code.SCANNER_EXPIRED, ErrorCode.NOT_FOUND, () -> scanners.take(open.id(), "ann"));
        refused(Code.SCANNER_EXPIRED, ErrorCode.NOT_FOUND, () -> scanners.keepAlive(open.id(), "ann"));
        scanners.giveBack(open.id(), taken);
        assertTrue(open.isClosed());
        assertEquals(0, scanners.count());
        refused(Code.SCANNER_EXPIRED, ErrorCode.NOT_FOUND, () -> scanners.take(open.id(), "ann"));
    }

    @Test
    void thereAreNoMoreThanTheLimitAndIdleOnesMakeRoom() {
        Open first = open("ann");
        turn(1);
        Open second = open("ann");
        try (Scanner third = newScanner(table.scan().open(), "ann", 0)) {
            RpcException full = assertThrows(RpcException.class, () -> scanners.add(third));
            assertEquals(RpcErrorCode.ERROR_SERVER_TOO_BUSY, full.code());
        }
        assertEquals(2, scanners.count());
        turn(IDLE_MILLIS);
        Open fourth = open("ann");
        assertTrue(first.isClosed());
        assertFalse(second.isClosed());
        scanners.close(fourth.id(), "ann");
        turn(IDLE_MILLIS);
        open("ann"); // There is room: nobody is looked at.
        assertFalse(second.isClosed());
        assertEquals(2, scanners.count());
    }

    @Test
    void atTheEndOneThatACallHasIsClosedWhenItIsGivenBack() {
        Open idle = open("ann");
        Open taken = open("ann");
        scanners.take(taken.id(), "ann");
        scanners.closeAll();
        assertTrue(idle.isClosed());
        assertFalse(taken.isClosed()); // Or the call would read from memory that is gone.
        scanners.giveBack(taken.id(), taken.scanner());
        assertTrue(taken.isClosed());
        assertEquals(0, scanners.count());
    }

    @Test
    void thoseThatAreOpenAreListed() {
        Open open = open("ann");
        turn(300);
        scanners.keepAlive(open.id(), "ann");
        turn(200);
        OpenScanner listed = scanners.list().getFirst();
        long tabletId = table.tablets().getFirst().id();
        assertEquals(
                new OpenScanner(open.id(), "ann", "t", tabletId, open.scan().snapshot(), 500, 200), listed);
        scanners.close(open.id(), "ann");
        assertEquals(List.of(), scanners.list());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCallThatFindsNothingComesBackWhenItsTimeIsUp(boolean isFlushed) {
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT32));
        Table large = engine.createTable("large", schema);
        int rows = LOOKS * RowCursor.LOOKS_MAX * Limits.VECTOR_ROWS;
        try (WriteBatch batch = large.newBatch()) {
            for (int row = 0; row < rows; row++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setLong(0, row)
                        .setLong(1, 2L * (row % 1_000))
                        .end();
                if (row % 10_000 == 0) {
                    batch.commit().orThrow();
                }
            }
            batch.commit().orThrow();
        }
        if (isFlushed) {
            large.flush().join();
        }
        Predicate odd = Predicate.in(schema, "v", List.of(101, 1_001)); // In range, so nothing is left out unread.
        int calls = 0;
        try (Scan scan = large.scan().where(odd).open();
                ResultBlock block = ResultBlock.of(scan.batch().columns(), 0, engine.resultMemory());
                Scanner scanner = newScanner(scan, "ann", 0)) {
            while (!scanner.isAtEnd()) {
                scanner.fill(block, 1 << 20, () -> nanos++, 0);
                calls++;
            }
            assertEquals(0, block.rowCount());
        }
        assertTrue(calls >= LOOKS, calls + " calls for " + rows + " rows");
    }

    /** There are thousands of scanners, and an answer may have 8 MiB. */
    @Test
    void oneThatNobodyAsksForTheMomentHoldsNoMemoryForItsNextAnswer() {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.INSERT).setInt(0, 7).end();
            batch.commit().orThrow();
        }
        var patient = new Scanners(() -> nanos, 60 * IDLE_MILLIS, SCANNERS_MAX, PREDICATE_BYTES_MAX);
        Scan scan = table.scan().open();
        long before = engine.resultMemory().usedBytes();
        Scanner scanner = new Scanner(
                scan,
                new CatalogView.HostedTablet("7", table, table.tablets().getFirst()),
                "ann",
                0,
                () -> ResultBlock.of(scan.batch().columns(), 0, engine.resultMemory()));
        ResultBlock block = scanner.takeBlock();
        scanner.fill(block, 1, () -> nanos, Long.MAX_VALUE);
        String id = patient.add(scanner);
        patient.giveBack(id, scanner);
        scanner.sent(block);
        turn(1_000);
        patient.closeIdle();
        assertTrue(engine.resultMemory().usedBytes() > before, "who reads on finds it");
        turn(1);
        patient.closeIdle();
        assertEquals(before, engine.resultMemory().usedBytes());
        assertEquals(1, patient.count());
        patient.closeAll();
    }

    /** A filter has up to 4 MiB, and lies on the heap as long as its scanner is open. */
    @Test
    void predicatesOfAllThatAreOpenHaveALimit() {
        Open small = open("ann");
        Scanner large = newScanner(table.scan().open(), "ann", PREDICATE_BYTES_MAX);
        RpcException refused = assertThrows(RpcException.class, () -> scanners.add(large));
        assertEquals(RpcErrorCode.ERROR_SERVER_TOO_BUSY, refused.code(), "it may come again");
        scanners.close(small.id(), "ann");
        String id = scanners.add(large);
        Scanner next = newScanner(table.scan().open(), "ann", 1);
        assertThrows(RpcException.class, () -> scanners.add(next));
        scanners.remove(id, large);
        scanners.giveBack(scanners.add(next), next);
    }

    private void turn(int millis) {
        nanos += millis * 1_000_000L;
    }

    private Open open(String user) {
        Scan scan = table.scan().open();
        Scanner scanner = newScanner(scan, user, 1);
        String id = scanners.add(scanner);
        scanners.giveBack(id, scanner);
        return new Open(id, scanner, scan);
    }

    private Scanner newScanner(Scan scan, String user, int predicateBytes) {
        var tablet = new CatalogView.HostedTablet("7", table, table.tablets().getFirst());
        return new Scanner(scan, tablet, user, predicateBytes, () -> {
            throw new AssertionError("no block is wanted");
        });
    }

    private static void refusedToBob(Executable call) {
        assertEquals(
                RpcErrorCode.FATAL_UNAUTHORIZED,
                assertThrows(RpcException.class, call).code());
    }

    private static void refused(Code code, ErrorCode status, Executable call) {
        TabletServerErrorPB error = assertThrows(TabletException.class, call).error();
        assertEquals(code, error.getCode());
        assertEquals(status, error.getStatus().getCode());
    }
}
