package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.AssertionFailedError;

/**
 * Goal: a script passes exactly if every output is as written, and a rewrite changes outputs and nothing else.
 * Method: scripts in a temporary directory through a function that turns letters upper-case, and one of the source
 * tree.
 */
final class ScriptTest {
    @TempDir
    private Path directory = Path.of("unset");

    private Path file = Path.of("unset");

    @BeforeEach
    void setUp() {
        file = directory.resolve("upper.script");
    }

    @Test
    void passesAScriptOfTheSourceTree() {
        Script.check("testkit/upper", ScriptTest::upper);
    }

    @Test
    void failsWithLineAndBothTexts() throws IOException {
        Files.writeString(file, "# two blocks\n\na\n----\nA\n\nb\nc\n----\nB\nX\n");
        var error =
                Failure.expect(AssertionFailedError.class, () -> script(false).check(), "upper.script:7: b");
        assertEquals("B\nX", error.getExpected().getStringRepresentation());
        assertEquals("B\nC", error.getActual().getStringRepresentation());
    }

    @Test
    void rewritesOutputsAndKeepsTheRest() throws IOException {
        Files.writeString(file, "# kept\n\na\n----\nwrong\nlonger\n\n\nb\n----\n");
        script(true).check();
        assertEquals("# kept\n\na\n----\nA\n\n\nb\n----\nB\n", Files.readString(file));
        script(false).check();
    }

    @Test
    void leavesTheFileAloneWithoutRewrite() throws IOException {
        Files.writeString(file, "a\n----\nwrong\n");
        assertThrows(AssertionFailedError.class, () -> script(false).check());
        assertEquals("a\n----\nwrong\n", Files.readString(file));
    }

    @Test
    void refusesWhatItCannotRead() throws IOException {
        assertThrows(UncheckedIOException.class, () -> script(true).check());
        Files.writeString(file, "a\nA\n");
        assertThrows(IllegalArgumentException.class, () -> script(true).check());
        Files.writeString(file, "# nothing\n");
        assertThrows(IllegalArgumentException.class, () -> script(true).check());
    }

    @Test
    void refusesAnOutputWithABlankLine() throws IOException {
        Files.writeString(file, "a\n----\nA\n");
        var script = new Script(file, command -> command + "\n\n" + command, true);
        assertThrows(IllegalArgumentException.class, script::check);
    }

    private Script script(boolean rewrite) {
        return new Script(file, ScriptTest::upper, rewrite);
    }

    private static String upper(String command) {
        return command.toUpperCase(Locale.ROOT);
    }
}
