package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.INSERT;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException.Kind;
import io.nyala.rows.OperationKind;
import io.nyala.simulation.Bytes;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: particular states that a process may leave behind are recovered from.
 * Method: a few operations up to that state, on a simulated host; then the engine is opened again.
 */
final class EngineRecoveryTest {
    /** Flushes that failed leave rows of two MemRowSets in the log alone; they are replayed into one. */
    @RepeatedTest(4)
    void aRowDeletedBeforeAFailedFlushAndInsertedAgainAfterItIsRecovered(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        Table table = running.table();
        for (int i = 0; i < 3; i++) { // More than the engine begins by itself.
            world.disk()
                    .failNext(
                            call -> call.operation() == Operation.CREATE
                                    && call.fileName().endsWith(".rowset"),
                            Kind.IO_ERROR);
        }
        commit(driver, table, INSERT, DELETE);
        CompletableFuture<Void> flush = table.flush();
        running.host().await(flush::isDone);
        assertTrue(flush.isCompletedExceptionally(), "the flush cannot create its file");
        commit(driver, table, INSERT);
        driver.assertAgrees(table);
        running.engine().close();
        World.Running reopened = world.open();
        driver.assertAgrees(reopened.table());
        reopened.engine().close();
    }

    private static void commit(ModelDriver driver, Table table, OperationKind... kinds) {
        List<ModelOperation> operations = new ArrayList<>();
        for (OperationKind kind : kinds) {
            operations.add(
                    kind == DELETE
                            ? new ModelOperation(
                                    kind,
                                    Arrays.asList(1, Bytes.ofText("again"), null, null, null),
                                    new boolean[] {true, true, false, false, false},
                                    null,
                                    0,
                                    List.of())
                            : ModelOperation.of(kind, 1, Bytes.ofText("again"), 7L, Bytes.ofText(kind.name()), 0.5));
        }
        try (WriteBatch batch = table.newBatch()) {
            driver.commit(batch, operations);
        }
    }
}
