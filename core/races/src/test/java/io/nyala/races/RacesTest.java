package io.nyala.races;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.infra.Status;
import org.openjdk.jcstress.infra.TestInfo;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.grading.TestGrading;
import org.openjdk.jcstress.infra.runners.ForkedTestConfig;
import org.openjdk.jcstress.infra.runners.Runner;
import org.openjdk.jcstress.infra.runners.TestConfig;
import org.openjdk.jcstress.infra.runners.TestList;
import org.openjdk.jcstress.os.AffinityMode;
import org.openjdk.jcstress.os.NodeType;
import org.openjdk.jcstress.os.SchedulingClass;
import org.openjdk.jcstress.vm.CompileMode;

/**
 * Goal: where threads meet without a lock, nothing happens that must not. Method: jcstress, which runs the actors of
 * each {@code ...Races} class of this module against each other on two processors, very often, and counts what came of
 * it. A moment of each, all in this process, finds what is plainly wrong: to start one for each takes longer than the
 * moment, most of which goes by before anything is compiled. The long run starts them, compiles them in many ways and
 * takes minutes of each.
 *
 * @see <a href="https://github.com/openjdk/jcstress">jcstress</a>
 */
final class RacesTest {
    private static final String ALL = "io\\.nyala\\..*Races";

    private static final int MOMENT_MILLIS = 300;

    /**
     * A fifth of jcstress's own, which tries before each race how many states memory has room for, beginning with one,
     * one thread and nothing compiled: longer than the moment.
     */
    private static final int STRIDES = 8;

    /** Far more than a moment takes: who has not ended by then waits for another for ever. */
    private static final Duration MOMENT_MAX = Duration.ofSeconds(100);

    @TestFactory
    Stream<DynamicTest> nothingForbiddenHappens() throws IOException {
        var options = new Options(new String[] {
            "-iters", "1", "-time", Integer.toString(MOMENT_MILLIS), "-strideCount", Integer.toString(STRIDES)
        });
        assertTrue(options.parse(), "jcstress does not take its options");
        return TestList.tests().stream()
                .sorted()
                .map(name -> dynamicTest(
                        name.substring(name.lastIndexOf('.') + 1),
                        () -> assertTimeoutPreemptively(MOMENT_MAX, () -> race(options, TestList.getInfo(name)))));
    }

    /** As jcstress does in each process that it starts. */
    private static void race(Options options, TestInfo test) throws ReflectiveOperationException {
        var free = new SchedulingClass(AffinityMode.NONE, test.threads(), NodeType.PACKAGE);
        var config = new TestConfig(options, test, 0, List.of(), CompileMode.UNIFIED, free);
        TestResult result = Class.forName(test.generatedRunner())
                .asSubclass(Runner.class)
                .getConstructor(ForkedTestConfig.class)
                .newInstance(new ForkedTestConfig(config))
                .run();
        result.setConfig(config);
        assertEquals(Status.NORMAL, result.status(), () -> String.join("\n", result.getMessages()));
        TestGrading grading = TestGrading.grade(result);
        assertTrue(grading.isPassed, () -> String.join("\n", grading.failureMessages));
    }

    /** In a process of its own, which starts others; it writes where it is started. */
    @Tag("soak")
    @Test
    void nothingForbiddenHappensForLong(@TempDir Path directory) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "org.openjdk.jcstress.Main"));
        command.addAll(List.of("-t", ALL, "-v", "-r", "report", "-m", "default", "--jvmArgsPrepend", flags()));
        Path output = directory.resolve("output");
        new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start()
                .waitFor();
        String text = Files.readString(output);
        assertTrue(text.contains("RUN RESULTS"), text);
        assertTrue(text.contains("Failed tests: No matches."), text);
        assertTrue(text.contains("Error tests: No matches."), text);
    }

    /** What a process needs to load our classes at all; and assertions. */
    private static String flags() {
        List<String> flags = new ArrayList<>(List.of("-ea"));
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (flag.startsWith("--add-") || flag.startsWith("--enable-") || flag.startsWith("--sun-misc-")) {
                flags.add(flag);
            }
        }
        return String.join(" ", flags);
    }
}
