package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertIterableEquals;

import io.nyala.testkit.Seed;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a run on the simulated host depends on its seed alone, so that a failure can be repeated by its seed anywhere:
 * not on addresses, on the order of a hash table, on the clock, or on the process.
 * Method: the same model run here and in another JVM, whose hashes differ; after each step the same must have been done
 * and the same calls have been made to the disk.
 */
final class TwoProcessesTest {
    private static final int STEPS = 60;
    private static final String MARK = "step: ";

    @TempDir
    private Path directory;

    /** The other process. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) {
            steps(Long.parseLong(arguments[0])).forEach(line -> System.out.println(MARK + line));
        }
    }

    /** What came of each step, in one line. */
    private static List<String> steps(long seed) {
        List<String> lines = new ArrayList<>();
        var run = new ModelRun(seed);
        for (int step = 0; step < STEPS; step++) {
            run.step(step);
            // Of a String, this is the same everywhere.
            lines.add(
                    step + ": " + run.trace().size() + " notes, " + run.trace().hashCode() + ", " + run.diskState());
        }
        run.end();
        lines.add(run.tally().toString());
        return lines;
    }

    @Test
    void aRunIsTheSameInAnotherProcess(@Seed long seed) throws IOException, InterruptedException {
        assertIterableEquals(steps(seed), stepsOfChild(seed), () -> "the runs with seed " + seed + " part");
    }

    private List<String> stepsOfChild(long seed) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of("-XX:+UnlockExperimentalVMOptions", "-XX:hashCode=2", "-ea"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName(), "" + seed));
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        int status = process.waitFor();
        List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
        assertEquals(0, status, () -> String.join("\n", lines));
        return lines.stream()
                .filter(line -> line.startsWith(MARK))
                .map(line -> line.substring(MARK.length()))
                .toList();
    }
}
