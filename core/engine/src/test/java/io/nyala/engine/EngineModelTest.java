package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.management.ManagementFactory;
import java.lang.management.RuntimeMXBean;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Goal: whatever happens, tables answer what their models answer, and what was acknowledged survives.
 * Method: random schemas and partitionings, batches, scans, flushes, merges, changes of the catalog, restarts, power
 * cuts and faults of the disk by seed, all agents on one thread over a simulated disk; after each step the catalog and
 * each table are read and held against their models.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class EngineModelTest {
    private static final int RUNS = 24;
    private static final int STEPS = 100;

    /** The least that all runs together do: operations on rows, and whatever else happens as one each. */
    private static final long OPERATIONS_MIN = 50_000;

    /** The least merges of rowsets that come about in all runs together. */
    private static final int MERGES_MIN = 25;

    /** The least scans of a time that is forgotten, of tables that are there at the end. */
    private static final int REFUSED_MIN = 25;

    /** The same of merges that nobody asked for, which half of the runs have. */
    private static final long AUTOMATIC_MERGES_MIN = 50;

    /** The least merges of delta files that were asked for. */
    private static final int DELTA_MERGES_MIN = 5;

    /** The same of those that nobody asked for. */
    private static final long AUTOMATIC_DELTA_MERGES_MIN = 10;

    /** How many operations the long variant makes. */
    private static final long SOAK_OPERATIONS = Long.getLong("nyala.soak.operations", 10_000_000);

    /** Between two lines that say how far it is. */
    private static final long PROGRESS_MILLIS = 60_000;

    private int runCount;
    private long operationCount;
    private int mergeCount;
    private int refusedCount;
    private long automaticMergeCount;
    private int deltaMergeCount;
    private long automaticDeltaMergeCount;

    @RepeatedTest(RUNS)
    void answersWhatTheModelAnswers(@Seed SplittableRandom random) {
        ModelRuns.Done done = ModelRuns.run(random.nextLong(), STEPS);
        operationCount += done.operationCount();
        mergeCount += done.mergeCount();
        refusedCount += done.refusedCount();
        automaticMergeCount += done.automaticMergeCount();
        deltaMergeCount += done.deltaMergeCount();
        automaticDeltaMergeCount += done.automaticDeltaMergeCount();
        runCount++;
    }

    @AfterAll
    void muchHasHappened() {
        assertTrue(runCount < RUNS || operationCount >= OPERATIONS_MIN, () -> operationCount + " operations only");
        assertTrue(runCount < RUNS || mergeCount >= MERGES_MIN, () -> mergeCount + " merges only");
        assertTrue(runCount < RUNS || refusedCount >= REFUSED_MIN, () -> refusedCount + " scans came too late only");
        assertTrue(
                runCount < RUNS || automaticMergeCount >= AUTOMATIC_MERGES_MIN,
                () -> automaticMergeCount + " merges only that nobody asked for");
        assertTrue(
                runCount < RUNS || deltaMergeCount >= DELTA_MERGES_MIN,
                () -> deltaMergeCount + " merges of delta files only");
        assertTrue(
                runCount < RUNS || automaticDeltaMergeCount >= AUTOMATIC_DELTA_MERGES_MIN,
                () -> automaticDeltaMergeCount + " merges of delta files only that nobody asked for");
    }

    @Tag("soak")
    @Test
    void answersWhatTheModelAnswersForLong(@Seed SplittableRandom random) {
        RuntimeMXBean process = ManagementFactory.getRuntimeMXBean();
        long begin = process.getUptime();
        long told = begin;
        long operations = 0;
        for (int run = 1; operations < SOAK_OPERATIONS; run++) {
            operations += ModelRuns.run(random.nextLong(), random.nextInt(STEPS, 20 * STEPS))
                    .operationCount();
            long now = process.getUptime();
            if (operations >= SOAK_OPERATIONS || now - told >= PROGRESS_MILLIS) {
                told = now;
                System.out.printf("%,d operations in %,d runs, %,d s%n", operations, run, (now - begin) / 1_000);
            }
        }
    }

    /** One run once more: a run that fails says how. */
    @Tag("soak")
    @EnabledIfSystemProperty(named = ModelRuns.SEED, matches = ".+")
    @Test
    void answersWhatTheModelAnswersOnceMore() {
        var _ = ModelRuns.run(Long.getLong(ModelRuns.SEED, 0), Integer.getInteger(ModelRuns.STEPS, STEPS));
    }
}
