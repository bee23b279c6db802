package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.OperationKind;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: changes that are spread over many rowsets, few in each, are flushed before they fill memory that scans and
 * merges need. Method: as many rowsets as one of them has too few changes for; what is in memory of them all is held to
 * about what a MemRowSet may have.
 */
final class SpreadChangesTest {
    private static final int ROWSETS = 40;
    private static final int ROWS_EACH = 10;
    private static final int BATCHES = 60;
    private static final long FLUSH_BYTES = 512 << 10;
    private static final int STEPS_BETWEEN_BATCHES = 2_000;
    private static final int TEXT_BYTES = 1_000;

    @Test
    void fewChangesInEachOfManyRowSetsAreFlushed(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(World.config().withFlushBytes(FLUSH_BYTES));
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        for (int i = 0; i < ROWSETS; i++) {
            Numbers.insertRange(table, (long) i * ROWS_EACH, (long) (i + 1) * ROWS_EACH);
            Numbers.flush(running, table);
        }
        assertEquals(ROWSETS, table.statistics().rowSetCount());
        long most = 0;
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < BATCHES; i++) {
                for (int rowSet = 0; rowSet < ROWSETS; rowSet++) {
                    batch.rows()
                            .start(OperationKind.UPDATE)
                            .setLong(0, (long) rowSet * ROWS_EACH + i % ROWS_EACH)
                            .setString(1, "x".repeat(TEXT_BYTES))
                            .end();
                }
                batch.commit().orThrow();
                for (int step = 0; step < STEPS_BETWEEN_BATCHES; step++) {
                    running.host().step();
                }
                most = Math.max(most, table.views(0, 1).getFirst().changeBytes());
            }
        }
        long given = (long) BATCHES * ROWSETS * TEXT_BYTES;
        long held = most;
        assertTrue(held < 2 * FLUSH_BYTES, () -> held + " bytes of changes in memory, of " + given);
        running.engine().close();
    }
}
