package io.nyala.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestPlan;

/**
 * Says after a module's tests how much of its time budget they used, on the console and in {@code target}, so that the
 * build stays quick for ever. JUnit finds it through {@code ServiceLoader}; the build names module and budget in the
 * system properties {@code nyala.test.module}, which is {@code cfile/allocation} where a module's tests run in several
 * processes, and {@code nyala.test.budget.seconds}. Never fails a build: a busy machine is no bug. Called by one
 * thread.
 */
public final class TimeBudget implements TestExecutionListener {
    private long startNanos;
    private long usedNanos;

    public TimeBudget() {}

    @Override
    public void testPlanExecutionStarted(TestPlan plan) {
        startNanos = System.nanoTime();
    }

    @Override
    public void testPlanExecutionFinished(TestPlan plan) {
        usedNanos += System.nanoTime() - startNanos;
        String module = System.getProperty("nyala.test.module", "");
        if (module.isEmpty() || !plan.containsTests()) {
            return;
        }
        String line = report(module, usedNanos / 1e9, Integer.getInteger("nyala.test.budget.seconds", 0));
        System.out.println(line);
        String fork = System.getProperty("surefire.forkNumber", "1"); // Where a module's classes run in several.
        Path file = Path.of("target", "time-budget-" + module.replace('/', '-') + "-" + fork + ".txt");
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, line + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file.toAbsolutePath(), e);
        }
    }

    static String report(String module, double usedSeconds, int budgetSeconds) {
        String line =
                String.format(Locale.ROOT, "module %s: tests used %.1f s of %d s", module, usedSeconds, budgetSeconds);
        return usedSeconds > budgetSeconds ? line + "  OVER BUDGET" : line;
    }
}
