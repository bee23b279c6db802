package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.TestExecutionListener;

/**
 * Goal: the build says what each module's tests used of their budget.
 * Method: the line for both cases, and that JUnit finds the listener.
 */
final class TimeBudgetTest {
    @Test
    void saysWhatWasUsed() {
        assertEquals("module wal: tests used 12.3 s of 40 s", TimeBudget.report("wal", 12.34, 40));
    }

    @Test
    void saysWhenItWasTooMuch() {
        assertEquals("module wal: tests used 40.1 s of 40 s  OVER BUDGET", TimeBudget.report("wal", 40.1, 40));
    }

    @Test
    void isFoundByJUnit() {
        assertTrue(ServiceLoader.load(TestExecutionListener.class).stream()
                .anyMatch(provider -> provider.type() == TimeBudget.class));
    }
}
