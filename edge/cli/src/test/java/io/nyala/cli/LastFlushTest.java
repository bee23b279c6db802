package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
 * that is done, one that never ends, one that fails, and an engine with rows in memory.
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
        EngineConfig config = EngineConfig.in(directory).withMemoryBytes(128 << 20);
        try (Engine engine = Engine.open(config)) {
            write(engine.createTable("kept", SCHEMA), 100);
            write(engine.createTable("dropped", SCHEMA), 20);
            engine.dropTable("dropped", Duration.ofHours(1));
            new LastFlush(lines::add, 600_000, 1).run(engine); // The time is against hangs only.
        }
        assertEquals(
                List.of(
                        "stopping: 120 new rows and 0 B of changes of others in memory only; they are written to disk,"
                                + " so that the next start has nothing to replay",
                        "stopping: nothing is left in memory; the log is closed"),
                lines);
        try (Engine engine = Engine.open(config)) {
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
