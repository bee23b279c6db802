package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.WritePace;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: who writes without end, more than merges can do, waits for these, so that rowsets do not become ever more; and
 * who does not, or where nothing is merged, never waits.
 * Method: a simulated host on which merges may move 1 MiB a second; the clock goes on while everybody sleeps.
 */
final class SlowdownTest {
    private static final int SLOWDOWN_HEIGHT = 4;
    private static final int BATCHES = 120;
    private static final int BATCH_ROWS = 400;

    private static EngineConfig config() {
        return World.config()
                .withFlushBytes(128 << 10)
                .withMergeDelayMillis(0)
                .withSlowdownHeight(SLOWDOWN_HEIGHT)
                .withMergeBytesPerSecond(1 << 20);
    }

    /**
     * Batches of rows whose keys lie all along those of the others; answers the greatest height in the second half of
     * them, as the first ones come before half a second is over, which is what the load is averaged over.
     */
    private static double fill(Table table) {
        double height = 0;
        for (int i = 0; i < BATCHES; i++) {
            long first = i;
            Numbers.insert(
                            table,
                            LongStream.range(0, BATCH_ROWS)
                                    .map(row -> row * BATCHES + first)
                                    .toArray())
                    .orThrow();
            if (i >= BATCHES / 2) {
                height = Math.max(height, table.explain().getFirst().height());
            }
        }
        return height;
    }

    @Test
    void whoWritesMoreThanMergesCanDoWaitsForThem(@Seed SplittableRandom random) {
        World world = new World(random);
        World.Running running = world.open(config().withAutomaticMerges(true));
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        double height = fill(table);
        assertTrue(height < 5 * SLOWDOWN_HEIGHT, () -> "height " + height);
        assertEquals(Numbers.list(0, (long) BATCHES * BATCH_ROWS), Numbers.ids(table.scan()));
        running.engine().close();
    }

    @Test
    void whereNothingIsMergedNobodyWaits(@Seed SplittableRandom random) {
        World world = new World(random);
        World.Running running = world.open(config().withAutomaticMerges(false));
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        double height = fill(table);
        assertTrue(height > 10 * SLOWDOWN_HEIGHT, () -> "height " + height);
        assertEquals(WritePace.UNLIMITED, table.views(0, 1).getFirst().bytesPerSecondMax());
        running.engine().close();
    }
}
