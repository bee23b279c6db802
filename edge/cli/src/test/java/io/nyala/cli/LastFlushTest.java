package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: who stops a server reads how far it is, and need not wait for a disk that does not come on. Method: a flush
 * that is done, one that never ends, one that fails, and an engine with rows in memory, also under a server that does
 * not close.
 */
final class LastFlushTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT64), Column.of("v", ColumnType.INT64));

    private final List<String> lines = new ArrayList<>();

    private LastFlush flush(int slices) {
        return new LastFlush(lines::add, 1, slices);
    }

    @Test
    void aFlushThatDoesNotEndIsGivenUp() throws InterruptedException {
        flush(3).await(new CompletableFuture<>(), () -> "7 new rows");
        assertEquals(
                List.of(
                        "stopping: 7 new rows are left after 1.0 ms",
                        "stopping: 7 new rows are left after 2.0 ms",
                        "stopping: 7 new rows are left after 3.0 ms, which is as long as stopping may take; they are in"
                                + " the log, and the next start replays them"),
                lines);
    }

    @Test
    void aFlushThatFailsIsToldWithItsReason() {
        CompletableFuture<Void> failed = CompletableFuture.failedFuture(new IllegalStateException("the disk is full"));
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> flush(1).await(failed, () -> ""));
        assertTrue(String.valueOf(e.getMessage()).contains("the next start replays it: the disk is full"), e::toString);
    }

    @Test
    void whatIsInMemoryIsWrittenAlsoOfTablesThatCanBeRecalled(@TempDir Path directory) throws InterruptedException {
        try (Engine engine = filled(directory)) {
            longFlush().run(engine);
        }
        assertAllIsWritten(directory);
    }

    /** The rows stayed in the log only, and the next start replayed them. */
    @Test
    void whatIsInMemoryIsWrittenAlsoIfTheServerDoesNotCloseCleanly(@TempDir Path directory) {
        IllegalStateException unclean = new IllegalStateException("the server did not close cleanly");
        try (Engine engine = filled(directory)) {
            Runnable close = () -> {
                lines.add("closing");
                throw unclean;
            };
            assertSame(
                    unclean,
                    assertThrows(RuntimeException.class, () -> longFlush().runAfter(close, engine)));
        }
        assertEquals("closing", lines.removeFirst());
        assertAllIsWritten(directory);
    }

    private static EngineConfig config(Path directory) {
        return EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20);
    }

    private static Engine filled(Path directory) {
        Engine engine = Engine.open(config(directory));
        write(engine.createTable("kept", SCHEMA), 100);
        write(engine.createTable("dropped", SCHEMA), 20);
        engine.dropTable("dropped", Duration.ofHours(1));
        return engine;
    }

    private LastFlush longFlush() {
        return new LastFlush(lines::add, 600_000, 1); // The time is against hangs only.
    }

    private void assertAllIsWritten(Path directory) {
        assertEquals(
                List.of(
                        "stopping: 120 new rows and 0 B of changes of others, of 2 of 2 tablets in memory only; they"
                                + " are written to disk, so that the next start has nothing to replay",
                        "stopping: nothing is left in memory; the log is closed"),
                lines);
        try (Engine engine = Engine.open(config(directory))) {
            long fresh =
                    engine.table("kept").orElseThrow().views(0, 1).getFirst().freshRowCount();
            assertEquals(0, fresh, "rows replayed");
        }
    }

    private static void write(Table table, int rows) {
        try (WriteBatch batch = table.newBatch()) {
            for (long k = 0; k < rows; k++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setLong(0, k)
                        .setLong(1, k)
                        .end();
            }
            batch.commit().orThrow();
        }
    }
}
