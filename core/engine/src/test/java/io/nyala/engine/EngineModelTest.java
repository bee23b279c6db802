package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.engine.ModelTally.Kind;
import io.nyala.testkit.Seed;
import java.lang.management.ManagementFactory;
import java.lang.management.RuntimeMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Goal: whatever happens, tables answer what their models answer, and what was acknowledged survives.
 * Method: random schemas and partitionings, batches, scans of now, of before and of what changed in between, flushes,
 * merges of all kinds, changes of the catalog, states with names, restarts, power cuts and faults of the disk by seed,
 * all agents on one thread over a simulated disk and clock; after each step the catalog and each table that something
 * was done to are read and held against their models.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class EngineModelTest {
    private static final int RUNS = 20;
    private static final int STEPS = 100;

    /** Where so many are not enough, something does not come about any more. Bounds the time as well. */
    private static final int RUNS_MAX = 2 * RUNS;

    /** The least that all runs together do: operations on rows, and of steps and comparisons each as one. */
    private static final long OPERATIONS_MIN = 1_000_000;

    /** The least that comes about of what could silently come to an end. */
    private static final Map<Kind, Long> COUNTS_MIN = Map.ofEntries(
            Map.entry(Kind.COMPARISON, 3_000L),
            Map.entry(Kind.PAST_SCAN, 200L),
            Map.entry(Kind.CHANGES_SCAN, 200L),
            Map.entry(Kind.REFUSED_SCAN, 100L),
            Map.entry(Kind.NAMED_SNAPSHOT, 10L),
            Map.entry(Kind.CATALOG_CHANGE, 100L),
            Map.entry(Kind.FLUSH, 100L),
            Map.entry(Kind.MERGE, 15L),
            Map.entry(Kind.DELTA_MERGE, 4L),
            Map.entry(Kind.VACUUM, 5L),
            Map.entry(Kind.AUTOMATIC_MERGE, 50L),
            Map.entry(Kind.AUTOMATIC_DELTA_MERGE, 5L),
            Map.entry(Kind.RESTART, 40L),
            Map.entry(Kind.POWER_CUT, 70L),
            Map.entry(Kind.KILLED_PROCESS, 10L),
            Map.entry(Kind.FAULT, 10L),
            Map.entry(Kind.MERGE_OF_SEVERAL, 40L),
            Map.entry(Kind.MAJOR_DELTA_COMPACTION, 40L),
            Map.entry(Kind.MINOR_DELTA_COMPACTION, 8L),
            Map.entry(Kind.SPACE_REWRITE, 6L),
            Map.entry(Kind.DROPPED_ROWSET, 12L),
            Map.entry(Kind.LOG_RELEASE, 30L),
            Map.entry(Kind.LONG_LOG, 30L),
            Map.entry(Kind.HANG, 25L),
            Map.entry(Kind.TAKE_OVER, 20L),
            Map.entry(Kind.MERGE_TAKE_OVER, 4L),
            Map.entry(Kind.REFUSED_ZOMBIE, 20L));

    /** How long the long variant goes on. */
    private static final long SOAK_MINUTES = Long.getLong("nyala.soak.minutes", 60);

    /** Between two lines that say how far it is. */
    private static final long PROGRESS_MILLIS = 60_000;

    private int runCount;
    private final ModelTally tally = new ModelTally();
    private final MaintenanceLog log = new MaintenanceLog();

    /** With some seeds less comes about than with others: then there are more runs. */
    @RepeatedTest(RUNS)
    void answersWhatTheModelAnswers(RepetitionInfo repetition, @Seed SplittableRandom random) {
        run(random.nextLong());
        boolean isLast = repetition.getCurrentRepetition() == RUNS && runCount == RUNS;
        while (isLast && runCount < RUNS_MAX && !rare().isEmpty()) {
            run(random.nextLong());
        }
    }

    private void run(long seed) {
        tally.add(ModelRuns.run(seed, STEPS));
        runCount++;
    }

    @AfterAll
    void muchHasHappened() {
        log.close();
        System.out.printf("%,d operations in %d runs: %s, %s%n", tally.operationCount(), runCount, tally, log.tally());
        if (runCount >= RUNS) { // Else some of them were run alone, or one has failed.
            assertEquals(List.of(), rare(), () -> "of " + tally + ", " + log.tally() + " in " + runCount + " runs");
        }
    }

    private List<String> rare() {
        List<String> rare = new ArrayList<>();
        if (tally.operationCount() < OPERATIONS_MIN) {
            rare.add("%,d operations, and %,d are to be tried".formatted(tally.operationCount(), OPERATIONS_MIN));
        }
        COUNTS_MIN.forEach((kind, least) -> {
            long count = tally.of(kind) + log.tally().of(kind);
            if (count < least) {
                rare.add(kind + " " + count + " times, and it is to be tried " + least + " times");
            }
        });
        return rare;
    }

    @Tag("soak")
    @Test
    void answersWhatTheModelAnswersForLong(@Seed SplittableRandom random) {
        RuntimeMXBean process = ManagementFactory.getRuntimeMXBean();
        long begin = process.getUptime();
        long end = begin + TimeUnit.MINUTES.toMillis(SOAK_MINUTES);
        long told = begin;
        var all = new ModelTally();
        for (int run = 1; process.getUptime() < end; run++) {
            all.add(ModelRuns.run(random.nextLong(), random.nextInt(STEPS, 20 * STEPS)));
            long now = process.getUptime();
            if (now >= end || now - told >= PROGRESS_MILLIS) {
                told = now;
                System.out.printf(
                        "%,d operations in %,d runs, %,d s: %s%n",
                        all.operationCount(), run, (now - begin) / 1_000, all);
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
