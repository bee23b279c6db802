package io.nyala.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.opentest4j.AssertionFailedError;

/**
 * Runs a text file of commands and the outputs expected of them: documentation and test in one. With {@code
 * -Drewrite=true} the outputs are written to the file in the source tree instead, for a person to read in the diff.
 *
 * <pre>{@code
 * # A comment, kept.
 * encode 1000 1003 1001
 * ----
 * 0-4     03000000          # count: 3
 * 4-5     02                # width: 2
 *
 * next command
 * ----
 * }</pre>
 *
 * A command may have several lines; it ends at {@code ----}, its output at the next blank line or the end of the file,
 * so an output has no blank lines. Stateless; single-threaded.
 */
public final class Script {
    private static final String RULE = "----";

    private final Path file;
    private final Function<String, String> run;
    private final boolean rewrite;

    Script(Path file, Function<String, String> run, boolean rewrite) {
        this.file = file;
        this.run = run;
        this.rewrite = rewrite;
    }

    /**
     * Runs {@code src/test/resources/NAME.script} of the module under test, each command through {@code run}, in order.
     *
     * @param name the module and the topic: {@code "wal/record"}
     * @param run from the text of a command to its output
     */
    public static void check(String name, Function<String, String> run) {
        Path file = Path.of("src/test/resources", name + ".script");
        new Script(file, run, Boolean.getBoolean("rewrite")).check();
    }

    void check() {
        List<String> lines = read();
        List<String> target = new ArrayList<>();
        int blocks = 0;
        for (int at = 0; at < lines.size(); ) {
            if (lines.get(at).isBlank() || lines.get(at).startsWith("#")) {
                target.add(lines.get(at++));
                continue;
            }
            int rule = at;
            while (rule < lines.size() && !lines.get(rule).equals(RULE)) {
                rule++;
            }
            if (rule == lines.size()) {
                throw new IllegalArgumentException(file + ":" + (at + 1) + ": command without a line of " + RULE);
            }
            int end = rule + 1;
            while (end < lines.size() && !lines.get(end).isBlank()) {
                end++;
            }
            target.addAll(lines.subList(at, rule + 1));
            target.addAll(block(at, lines.subList(at, rule), lines.subList(rule + 1, end)));
            at = end;
            blocks++;
        }
        if (blocks == 0) {
            throw new IllegalArgumentException(file + " holds no command; write one, then run with -Drewrite=true");
        }
        if (rewrite && !target.equals(lines)) {
            write(target);
        }
    }

    private List<String> block(int at, List<String> command, List<String> expected) {
        List<String> actual =
                run.apply(String.join("\n", command)).stripTrailing().lines().toList();
        if (actual.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException(
                    "%s:%d: the output has a blank line, which would end it early".formatted(file, at + 1));
        }
        if (!rewrite && !actual.equals(expected)) {
            String before = String.join("\n", expected);
            String after = String.join("\n", actual);
            String message = "%s:%d: %s%nexpected%n%s%nwas%n%s%nif the new output is right: -Drewrite=true"
                    .formatted(file, at + 1, command.getFirst(), before, after);
            throw new AssertionFailedError(message, before, after);
        }
        return actual;
    }

    private List<String> read() {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException("no script " + file.toAbsolutePath() + "; write its commands first", e);
        }
    }

    private void write(List<String> lines) {
        try {
            Files.write(file, lines);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot rewrite " + file.toAbsolutePath(), e);
        }
    }
}
