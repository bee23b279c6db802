package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import io.nyala.time.HybridTime;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: what was read at a time stays all there is at that time, whatever happens to the system's clock.
 * Method: a simulated host, whose clock is stepped back between two lives of an engine, with and without a power cut.
 */
final class ClockLeaseTest {
    private static final long HOUR_MICROS = 3_600_000_000L;

    @RepeatedTest(8)
    void nothingIsWrittenAtOrBelowATimeThatWasReadBeforeTheClockWentBack(@Seed SplittableRandom random) {
        var world = new World(random.split());
        var driver = new ModelDriver(random.split());
        World.Running running = world.open();
        commit(driver, running);
        world.clock().advanceMicros(random.nextLong(20_000_000));
        long time = running.engine().now();
        try (Scan scan = running.table().scan().at(time).open()) { // A promise, without any write after it.
            assertEquals(time, scan.snapshot());
        }
        if (random.nextBoolean()) {
            world.disk().powerCut();
            assertThrows(RuntimeException.class, running.engine()::close);
            world.disk().restart();
        } else {
            running.engine().close();
        }
        world.clock().stepWallClock(-random.nextLong(HOUR_MICROS));
        World.Running reopened = world.open();
        CommitResult after = commit(driver, reopened);
        assertTrue(
                after.timestamp() > time,
                () -> "written at " + HybridTime.format(after.timestamp()) + ", but read before at "
                        + HybridTime.format(time));
        driver.assertAgrees(reopened.table());
        reopened.engine().close();
    }

    /** A batch that changed nothing has no record: its time is forgotten, but what had happened by then is not. */
    @RepeatedTest(4)
    void whoHasATimeReadsItAgainAfterARestart(@Seed SplittableRandom random) {
        var one = new OneTable(random.split());
        Table table = one.create();
        Numbers.insertRange(table, 0, 10);
        long refused = Numbers.insert(table, 3).timestamp();
        assertTrue(table.latest() >= refused, "acknowledged, and above the newest time");
        if (random.nextBoolean()) {
            one.flush();
        }
        if (random.nextBoolean()) {
            one.powerCut();
        } else {
            one.reopen();
        }
        assertEquals(Numbers.list(0, 10), Numbers.ids(one.table().scan()));
        long latest = one.table().latest();
        assertEquals(Numbers.list(0, 10), Numbers.ids(one.table().scan().at(latest)));
        assertEquals(Numbers.list(0, 10), Numbers.ids(one.table().scan().at(refused)));
        long next = Numbers.insert(one.table(), 10).timestamp();
        assertTrue(next > Math.max(latest, refused), "nothing happens where somebody has read");
        assertEquals(Numbers.list(0, 10), Numbers.ids(one.table().scan().at(refused)));
        one.engine().close();
    }

    @Test
    void aSnapshotOfTheFutureIsRefused(@Seed SplittableRandom random) {
        var world = new World(random.split());
        World.Running running = world.open();
        long future = HybridTime.of(HybridTime.micros(running.engine().now()) + 1_000_000, 0);
        ScanBuilder scan = running.table().scan().at(future);
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, scan::open);
        assertTrue(String.valueOf(refused.getMessage()).contains("future"), refused.getMessage());
        running.engine().close();
    }

    private static CommitResult commit(ModelDriver driver, World.Running running) {
        try (WriteBatch batch = running.table().newBatch()) {
            List<ModelOperation> operations = driver.draw(true);
            ModelDriver.fill(batch.rows(), operations);
            CommitResult result = batch.commit();
            driver.acknowledged(result, operations);
            return result;
        }
    }
}
