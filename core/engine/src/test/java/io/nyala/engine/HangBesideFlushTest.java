package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.OperationKind;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: a flush of changes comes about once, and gives back what it takes, wherever it is when its worker hangs in
 * something else, such as the deletion of a file that was merged, and another worker takes its place.
 * Method: files of a merge are kept open by a scan, which ends after a number of steps of a flush that grows from run
 * to run; deleting one of them hangs for longer than workers wait. Then a restart, and a merge of everything: it reads
 * all delta files, and refuses changes that are there twice.
 */
final class HangBesideFlushTest {
    private static final int ROWS = 40;
    private static final int DELETED_EVERY = 3;
    private static final List<Long> LEFT = LongStream.range(0, ROWS)
            .filter(id -> id % DELETED_EVERY != 0)
            .boxed()
            .toList();
    private static final int STEPS_BETWEEN_RUNS = 2;
    private static final int STEPS_OF_HANG = 1_000;
    private static final long HANG_MICROS = 61_000_000;

    private boolean isHung;

    @Test
    void aFlushIsDoneOnceWhereverItIsWhenItsWorkerHangs(@Seed SplittableRandom random) {
        int runs = 0;
        for (boolean wasUnderWay = true; wasUnderWay; runs++) {
            wasUnderWay = run(random.split(), runs * STEPS_BETWEEN_RUNS);
            assertTrue(isHung, "nothing hangs: the test is of no use");
        }
        assertTrue(runs > 10, "flushes end before they can be met: " + runs);
    }

    /** Whether the flush was still under way after so many steps. */
    private boolean run(SplittableRandom random, int steps) {
        isHung = false;
        var world = new World(random).withoutOwnFlushes();
        World.Running running = world.open();
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        for (int half = 0; half < 2; half++) {
            Numbers.insert(
                            table,
                            LongStream.range(0, ROWS / 2)
                                    .map(half == 0 ? id -> 2 * id : id -> 2 * id + 1)
                                    .toArray())
                    .orThrow();
            Numbers.flush(running, table);
        }
        CompletableFuture<Void> flushed;
        boolean wasUnderWay;
        try (Scan old = table.scan().open()) {
            compact(running, table);
            delete(table);
            flushed = table.flush();
            for (int i = 0; i < steps && !flushed.isDone(); i++) {
                running.host().step();
            }
            wasUnderWay = !flushed.isDone();
            World.Running now = running;
            world.disk().hangNext(call -> isDeletion(call, now), () -> hang(world, now));
            assertFalse(isHung, "files that a scan reads were deleted");
            assertTrue(old.next());
        }
        running.host().await(() -> flushed.isDone() && isHung);
        running.engine().close(); // Fails by name if a flush has left memory behind.
        running = world.open();
        table = running.table();
        assertEquals(LEFT, Numbers.ids(table.scan()));
        compact(running, table);
        assertEquals(LEFT, Numbers.ids(table.scan()));
        running.engine().close();
        return wasUnderWay;
    }

    private static void compact(World.Running running, Table table) {
        CompletableFuture<?> compacted = table.compact();
        running.host().await(compacted::isDone);
        compacted.join();
    }

    private static void delete(Table table) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id = 0; id < ROWS; id += DELETED_EVERY) {
                batch.rows().start(OperationKind.DELETE).setLong(0, id).end();
            }
            batch.commit().orThrow();
        }
    }

    private static boolean isDeletion(Call call, World.Running running) {
        return call.operation() == Operation.DELETE && running.host().role().startsWith("maintenance");
    }

    /** Another worker goes on meanwhile. */
    private void hang(World world, World.Running running) {
        isHung = true;
        world.clock().advanceMicros(HANG_MICROS);
        for (int i = 0; i < STEPS_OF_HANG; i++) {
            running.host().step();
        }
    }
}
