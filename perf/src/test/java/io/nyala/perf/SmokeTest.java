package io.nyala.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Goal: no benchmark rots: each can be set up, run and torn down, with assertions on; and none is forgotten in reports.
 * Method: a single shot of each in this process, with the first and the last value of each of its parameters, but for
 * the number of rows, which is small.
 */
final class SmokeTest {
    /** Instead of the constants of benchmarks that are no parameters. */
    private static final String ROWS = "nyala.perf.rows";

    /** How much data is enough to see that it works. */
    private static final String SMOKE_ROWS = "5000";

    @BeforeAll
    static void fillLess() {
        System.setProperty(ROWS, SMOKE_ROWS);
    }

    @AfterAll
    static void fillAll() {
        System.clearProperty(ROWS);
    }

    @TestFactory
    Stream<DynamicTest> everyBenchmarkRuns() {
        return entries().values().stream()
                .sorted(Comparator.comparing(BenchmarkListEntry::getUsername))
                .map(entry -> DynamicTest.dynamicTest(entry.getUsername(), () -> run(entry)));
    }

    /** Figures of a part that is measured alone are published with all others. */
    @Test
    void everyClassOfBenchmarksIsInATable() {
        Map<String, Boolean> shown = new TreeMap<>();
        for (String benchmark : entries().keySet()) {
            shown.merge(
                    benchmark.substring(0, benchmark.lastIndexOf('.')), Figures.isShown(benchmark), Boolean::logicalOr);
        }
        shown.values().removeIf(isShown -> isShown);
        assertEquals(Set.of(), shown.keySet(), "not in all-figures");
    }

    private static Map<String, BenchmarkListEntry> entries() {
        Map<String, BenchmarkListEntry> entries = new TreeMap<>();
        for (BenchmarkListEntry entry : BenchmarkList.defaultList()
                .getAll(OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT), List.of())) {
            entries.put(entry.getUsername(), entry);
        }
        assertFalse(entries.isEmpty(), "the annotation processor of JMH did not run");
        return entries;
    }

    private static void run(BenchmarkListEntry entry) throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include("^" + entry.getUsername().replace(".", "\\.") + "$")
                .forks(0)
                .mode(Mode.SingleShotTime)
                .warmupIterations(0)
                .measurementIterations(1)
                .threads(1)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT);
        entry.getParams()
                .orElse(Map.of())
                .forEach((name, values) ->
                        options.param(name, name.equals("rows") ? new String[] {SMOKE_ROWS} : ends(values)));
        Collection<RunResult> results = new Runner(options.build()).run();
        assertFalse(results.isEmpty(), entry.getUsername());
    }

    private static String[] ends(String[] values) {
        return values.length == 1 ? values : new String[] {values[0], values[values.length - 1]};
    }
}
