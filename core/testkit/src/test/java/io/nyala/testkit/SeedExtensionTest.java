package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder.request;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Goal: each execution has its own seed, and a failure says how to repeat it.
 * Method: runs failing test classes in a launcher of its own and reads what they report.
 */
final class SeedExtensionTest {
    @Test
    void saysHowToRepeatAFailure() {
        Throwable failure = failures(Fails.class).getFirst();
        assertEquals(
                "repeat with: mvn test -pl core/testkit -am -Dtest=Fails#fails -Dseed=" + failure.getMessage(),
                failure.getSuppressed()[0].getMessage());
    }

    @Test
    void drawsAFreshSeedForEachExecution() {
        List<Throwable> failures = failures(FailsTwice.class);
        assertEquals(2, failures.size());
        assertNotEquals(failures.get(0).getMessage(), failures.get(1).getMessage(), "two executions, one seed");
    }

    @Test
    void saysHowToRepeatAFailureOfTheSetUp() {
        Throwable failure = failures(FailsInSetUp.class).getFirst();
        assertEquals(1, failure.getSuppressed().length);
    }

    @Test
    void repeatsWhatWasGiven() {
        assertEquals(0x1e57e840aeaL, SeedExtension.draw("1e57e840aea", "any"));
        assertEquals(-1, SeedExtension.draw("ffffffffffffffff", "any"), "seeds are unsigned");
    }

    @Test
    void drawsTheSameSeedInEveryRun() {
        assertEquals(
                failures(Fails.class).getFirst().getMessage(),
                failures(Fails.class).getFirst().getMessage());
    }

    @Test
    void refusesASeedThatIsNotHexadecimal() {
        assertThrows(IllegalArgumentException.class, () -> SeedExtension.draw("seed", "any"));
    }

    private static List<Throwable> failures(Class<?> testClass) {
        List<Throwable> failures = new ArrayList<>();
        LauncherConfig quiet = LauncherConfig.builder()
                .enableTestExecutionListenerAutoRegistration(false)
                .build();
        LauncherFactory.create(quiet)
                .execute(request().selectors(selectClass(testClass)).build(), new TestExecutionListener() {
                    @Override
                    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                        result.getThrowable().ifPresent(failures::add);
                    }
                });
        return failures;
    }

    static final class Fails {
        @Test
        void fails(@Seed long seed) {
            throw new AssertionError(Long.toHexString(seed));
        }
    }

    static final class FailsTwice {
        @RepeatedTest(2)
        void fails(@Seed SplittableRandom random) {
            throw new AssertionError(Long.toHexString(random.nextLong()));
        }
    }

    static final class FailsInSetUp {
        @BeforeEach
        void setUp(@Seed SplittableRandom random) {
            assertEquals(0.5, random.nextInt());
        }

        @Test
        void never() {}
    }
}
