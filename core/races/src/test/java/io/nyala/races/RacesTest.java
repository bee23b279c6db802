package io.nyala.races;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: where threads meet without a lock, nothing happens that must not. Method: jcstress, which runs the actors of
 * each {@code ...Races} class of this module against each other on two processors, very often, and counts what came of
 * it. A moment of each finds what is plainly wrong; the long run compiles them in many ways and takes minutes of
 * each.
 *
 * @see <a href="https://github.com/openjdk/jcstress">jcstress</a>
 */
final class RacesTest {
    private static final String ALL = "io\\.nyala\\..*Races";

    @Test
    void nothingForbiddenHappens(@TempDir Path directory) throws IOException, InterruptedException {
        run(
                directory,
                List.of(
                        "-m",
                        "default",
                        "-sc",
                        "false",
                        "-f",
                        "1",
                        "-fsm",
                        "0",
                        "-iters",
                        "1",
                        "-time",
                        "300",
                        "--jvmArgs",
                        flags()));
    }

    @Tag("soak")
    @Test
    void nothingForbiddenHappensForLong(@TempDir Path directory) throws IOException, InterruptedException {
        run(directory, List.of("-m", "default", "--jvmArgsPrepend", flags()));
    }

    /** In a process of its own, which starts others; it writes where it is started. */
    private static void run(Path directory, List<String> effort) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "org.openjdk.jcstress.Main"));
        command.addAll(List.of("-t", ALL, "-v", "-r", "report"));
        command.addAll(effort);
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
