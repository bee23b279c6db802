package io.nyala.engine;

import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: whatever happens, tables answer what their models answer, and what was acknowledged survives.
 * Method: random schemas, operations, scans, flushes, restarts, power cuts and faults of the disk by seed, all agents
 * on one thread over a simulated disk; after each step each table is read and held against its model.
 */
final class EngineModelTest {
    private static final int STEPS = 100;

    /** How many operations the long variant makes: {@code -Dnyala.soak.operations=10000000}. */
    private static final long SOAK_OPERATIONS = Long.getLong("nyala.soak.operations", 1_000_000);

    @RepeatedTest(24)
    void answersWhatTheModelAnswers(@Seed SplittableRandom random) {
        ModelRuns.run(random.nextLong(), STEPS);
    }

    @Tag("soak")
    @Test
    void answersWhatTheModelAnswersForLong(@Seed SplittableRandom random) {
        long operations = 0;
        while (operations < SOAK_OPERATIONS) {
            operations += ModelRuns.run(random.nextLong(), random.nextInt(STEPS, 20 * STEPS));
        }
    }
}
