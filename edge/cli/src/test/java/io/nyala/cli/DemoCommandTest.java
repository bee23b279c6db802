package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the demo does the main job, leaves nothing behind that was not asked for, and refuses what makes no sense.
 * Method: runs it in this process at a small scale; the crash rounds kill real processes.
 */
final class DemoCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    @Test
    void answersAsTheGeneratorDoesAndKeepsTheData() {
        Path data = directory.resolve("data");
        assertEquals(Main.OK, run("demo", "--scale", "0.001", "--data", data.toString()), err::toString);
        String text = out.toString();
        assertTrue(text.contains("6,005 rows"), text);
        assertTrue(text.contains("39,051.00  38,918,132.67"), text);
        assertTrue(text.contains("100,726.8240   113"), text);
        assertTrue(text.contains("4 tablets"), text);
        assertTrue(text.contains("changed meanwhile"), text);
        assertTrue(text.contains("5,645 rows equal in every column"), text);
        assertTrue(text.contains("p99.9"), text);
        assertTrue(text.lines().allMatch(line -> line.equals(line.stripTrailing())), text);
        assertTrue(Files.isDirectory(data.resolve("wal")));

        assertEquals(Main.USAGE, run("demo", "--scale", "0.001", "--data", data.toString()));
        assertTrue(err.toString().contains("already has a table lineitem; name another directory"), err::toString);
    }

    @Test
    void printsJsonAndLeavesNothingBehind() throws IOException {
        String usual = System.getProperty("java.io.tmpdir");
        System.setProperty("java.io.tmpdir", directory.toString()); // Nobody else makes anything there.
        try {
            assertEquals(
                    Main.OK,
                    run("demo", "--scale", "0.0005", "--threads", "3", "--tablets", "1", "--json"),
                    err::toString);
        } finally {
            System.setProperty("java.io.tmpdir", usual);
        }
        String text = out.toString();
        assertTrue(text.startsWith("{") && text.strip().endsWith("}"), text);
        assertTrue(text.contains("\"rows\": 3028"), text);
        assertTrue(text.contains("\"p99.9\": "), text);
        assertTrue(text.contains("\"logBytes\": "), text);
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void survivesBeingKilled() {
        Path data = directory.resolve("crash");
        int code =
                run("demo", "--crash", "--rounds", "2", "--scale", "0.002", "--seed", "2a", "--data", data.toString());
        assertEquals(Main.OK, code, err::toString);
        String text = out.toString();
        assertTrue(text.contains("repeat with --seed 2a"), text);
        assertTrue(text.contains("Killed 2 times, "), text);
        assertTrue(text.contains("and nothing else."), text);
    }

    @Test
    void isKilledInADirectoryOfItsOwnOnly() throws IOException {
        Path data = directory.resolve("used");
        Files.createDirectories(data.resolve("storage")); // As an engine's looks.
        assertEquals(Main.USAGE, run("demo", "--crash", "--data", data.toString()));
        assertTrue(err.toString().contains("is not empty"), err::toString);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--scale 0",
                "--scale 31",
                "--scale NaN",
                "--scale much",
                "--threads 0",
                "--tablets 0",
                "--tablets 257",
                "--batch 0",
                "--in-flight 65",
                "--rounds 0",
                "--crash --seed xyz",
                "--sacle 1"
            })
    void refusesWhatMakesNoSense(String arguments) {
        assertEquals(Main.USAGE, run(("demo " + arguments).split(" ", -1)));
        assertTrue(err.toString().contains(arguments.replaceAll("--crash | .*", "")), err::toString);
        assertTrue(out.toString().isEmpty(), out::toString);
    }

    @Test
    void refusesADirectoryOfSomebodyElse() throws IOException {
        Path dear = Files.writeString(directory.resolve("dear"), "to somebody");
        assertEquals(Main.USAGE, run("demo", "--data", directory.toString()));
        assertTrue(err.toString().contains("not an engine's"), err::toString);
        assertEquals(Main.USAGE, run("demo", "--data", dear.toString()));
        assertTrue(err.toString().contains("is not a directory"), err::toString);
        assertEquals("to somebody", Files.readString(dear));
    }

    @Test
    void explainsItself() {
        assertEquals(Main.OK, run("demo", "--help"));
        assertTrue(out.toString().contains("Examples:"), out::toString);
        assertTrue(out.toString().contains("--crash"), out::toString);
        assertFalse(out.toString().contains("crash-writer"), out::toString);
    }

    private int run(String... arguments) {
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
    }
}
