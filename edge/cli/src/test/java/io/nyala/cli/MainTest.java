package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;

/**
 * Goal: exit codes and texts are what scripts and people rely on.
 * Method: runs commands in this process and reads what they print.
 */
final class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void printsHelp() {
        assertEquals(Main.OK, run("--help"));
        assertTrue(out.toString().startsWith("Usage: nyala "), out.toString());
        assertTrue(out.toString().contains("Exit codes:"), out.toString());
    }

    @Test
    void printsItsVersionAndThatOfJava() {
        assertEquals(Main.OK, run("--version"));
        assertTrue(out.toString().matches("nyala .+\\R?(.|\\R)*Java 25(.|\\R)*"), out.toString());
    }

    @Test
    void namesACommandThatIsMissing() {
        assertEquals(Main.USAGE, run());
        assertEquals(List.of("nyala: name a command, such as demo or serve", "try `nyala --help`"), lines());
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        assertEquals(Main.USAGE, run("graze"));
        assertTrue(err.toString().contains("'graze'"), err.toString());
        assertEquals("try `nyala --help`", lines().getLast());
    }

    /** And not its help, beyond which nobody would see what is wrong. */
    @Test
    void namesTheHelpOfTheCommandThatWasMeant() {
        assertEquals(Main.USAGE, run("serve", "--dta", "x"));
        assertTrue(lines().getFirst().startsWith("nyala: Unknown option"), err::toString);
        assertEquals("try `nyala serve --help`", lines().getLast());
        assertTrue(lines().size() <= 4, err::toString);
    }

    private List<String> lines() {
        return err.toString().lines().toList();
    }

    @Test
    void printsTheMessageOfAFailureAndNothingElse() {
        assertEquals(Main.FAILED, run("fail"));
        assertEquals("nyala: log 7 is full; remove a segment", err.toString().strip());
    }

    @Test
    void printsWhereAFailureAroseWhenAsked() {
        assertEquals(Main.FAILED, run("fail", "--stacktrace"));
        assertTrue(err.toString().contains("at io.nyala.cli.MainTest"), err.toString());
    }

    private int run(String... arguments) {
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .addSubcommand(new Fail())
                .execute(arguments);
    }

    @Command(name = "fail")
    static final class Fail implements Callable<Integer> {
        @Override
        public Integer call() {
            throw new IllegalStateException("log 7 is full; remove a segment");
        }
    }
}
