package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.server.NyalaServer;
import io.nyala.server.ServerConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * Goal: who starts a server finds it and its pages, or hears why there are none.
 * Method: the help; the lines of a start; ports that are taken, numbers that are no ports, hosts that are none, a
 * directory with other things in it.
 */
@Timeout(300) // Against hangs only: most of its servers must not start.
final class ServeCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory = Path.of("");

    private int serve(String... options) {
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments(options));
    }

    private String[] arguments(String... options) {
        var arguments = new ArrayList<>(List.of("serve", "--memory", "128"));
        arguments.addAll(List.of(options));
        addUnlessGiven(arguments, "--data", directory.toString());
        addUnlessGiven(arguments, "--master-port", "0");
        addUnlessGiven(arguments, "--tserver-port", "0");
        return arguments.toArray(String[]::new);
    }

    private static void addUnlessGiven(List<String> arguments, String option, String value) {
        if (!arguments.contains(option)) {
            arguments.addAll(List.of(option, value));
        }
    }

    @Test
    void theHelpSaysWhereThePagesAre() {
        assertEquals(Main.OK, serve("--help"));
        String help = out.toString().replaceAll("\\s+", " ");
        assertTrue(help.contains("--web-port=PORT"), help);
        assertTrue(help.contains("(default: 8050)"), help);
        assertTrue(help.contains("http://127.0.0.1:8050/"), help);
        assertTrue(help.contains("nyala serve --web-port 0"), help);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--master-port", "--tserver-port", "--web-port"})
    void aPortThatIsTakenIsNamedWithItsOptionBeforeAnythingIsMade(String option) throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = Integer.toString(taken.getLocalPort());
            Path missing = directory.resolve("missing");
            assertEquals(Main.FAILED, serve("--data", missing.toString(), option, port));
            assertTrue(err.toString().contains("cannot listen at 127.0.0.1:" + port + ": "), err::toString);
            assertTrue(err.toString().contains("another port by " + option + " (0 for "), err::toString);
            assertFalse(out.toString().contains("opening"), out::toString);
            assertFalse(Files.exists(missing), "made for nothing");
        }
    }

    @Test
    void twoCannotHaveOnePort() {
        assertEquals(Main.USAGE, serve("--master-port", "7000", "--tserver-port", "7000"));
        assertTrue(err.toString().contains("--master-port and --tserver-port are both 7000"), err::toString);
        assertEquals(Main.USAGE, serve("--web-port", "7001", "--tserver-port", "7001"));
        assertTrue(err.toString().contains("--web-port and --tserver-port are both 7001"), err::toString);
    }

    @Test
    void anAddressThatIsNotOfThisMachineIsRefusedAtOnce() {
        assertEquals(Main.FAILED, serve("--host", "192.0.2.1")); // For documentation, nobody has it.
        assertTrue(
                err.toString().contains("this machine has no such address; name one that it has by --host"),
                err::toString);
        assertFalse(err.toString().contains("stop what listens there"), err::toString);
    }

    @Test
    void anAddressOfColonsStandsInBrackets() {
        assertEquals(Main.FAILED, serve("--host", "2001:db8::1", "--master-port", "7000")); // Nobody has it, either.
        assertTrue(err.toString().contains("cannot listen at [2001:db8::1]:7000: "), err::toString);
    }

    @Test
    void aDirectoryOfSomebodyIsNotTaken() throws IOException {
        Files.createFile(directory.resolve("diary.txt"));
        assertEquals(Main.FAILED, serve("--web-port", "0"));
        assertTrue(err.toString().contains("no engine's directory: it has no storage/ but diary.txt."), err::toString);
        assertTrue(
                out.toString().contains("making " + directory.toAbsolutePath() + "; 64.0 MiB of log"), out::toString);
        assertFalse(out.toString().contains("opening"), "there is nothing to open");
    }

    @Test
    void theStartSaysWhatClientsAreToldIfThatIsNotWhereItListens() {
        ServerConfig config = ServerConfig.standard()
                .withMasterPort(0)
                .withTabletServerPort(0)
                .withHost("0.0.0.0")
                .withAdvertisedHost("db1.example.org");
        assertTrue(welcome(config).contains("listens at     0.0.0.0; clients are told to come to db1.example.org"));
        assertTrue(out.toString().contains("kudu table list db1.example.org:"), out::toString);
        String plain = welcome(config.withHost("127.0.0.1").withAdvertisedHost(""));
        assertFalse(plain.contains("listens at"), plain);
        assertTrue(plain.contains("kudu table list 127.0.0.1:"), plain);
    }

    private String welcome(ServerConfig config) {
        out.getBuffer().setLength(0);
        try (Engine engine = Engine.open(
                        EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
                NyalaServer server = NyalaServer.start(engine, config)) {
            ServeCommand.welcome(new PrintWriter(out, true), directory, config, engine, server);
        }
        return out.toString();
    }

    @Test
    void nobodyIsToldToComeToAnyAddress() {
        assertEquals(Main.USAGE, serve("--advertise", "0.0.0.0"));
        assertTrue(err.toString().contains("clients cannot come to 0.0.0.0"), err::toString);
        assertEquals(Main.USAGE, serve("--advertise", "db1:7051"));
        assertTrue(err.toString().contains("\"db1:7051\" is neither"), err::toString);
        assertEquals(Main.USAGE, serve("--advertise="));
        assertTrue(err.toString().contains("--advertise names no host"), err::toString);
    }

    @Test
    void theLeastMemoryThatTheHelpNamesIsEnough() {
        long bytes = ServeCommand.MEMORY_MIB_MIN << 20;
        Engine.open(EngineConfig.in(directory).withMemoryBytes(bytes)).close();
        assertEquals(Main.OK, serve("--help"));
        String help = out.toString().replaceAll("\\s+", " ");
        assertTrue(help.contains("scans, " + ServeCommand.MEMORY_MIB_MIN + " or more"), help);
    }

    @Test
    void theFilterRateIsTheEngines() {
        var command = new ServeCommand();
        new CommandLine(command).parseArgs();
        assertEquals(0.0001, command.engineConfig().filterRate(), "as the help says");
        new CommandLine(command).parseArgs("--filter-rate", "0.01");
        assertEquals(0.01, command.engineConfig().filterRate());
    }

    @Test
    void whatIsNoPortIsRefused() {
        assertEquals(Main.USAGE, serve("--web-port", "65536"));
        assertTrue(err.toString().contains("--web-port"), err::toString);
    }
}
