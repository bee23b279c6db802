package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a server says what it does not have enough of, and keeps within it.
 * Method: a real process with few files and little memory; more clients than it says that it takes.
 */
@Timeout(300) // Against hangs only.
@EnabledOnOs(OS.LINUX) // ulimit
final class ServeLimitsTest {
    private static final int FILES = 256;
    private static final Pattern CONNECTIONS = Pattern.compile("up to (\\d+) connections at each port, not 10,000");
    private static final Pattern MEMORY = Pattern.compile("requests may have 26 MiB and answers 13 MiB at each port");
    private static final Pattern TABLET_SERVER = Pattern.compile("tablet server +127\\.0\\.0\\.1:(\\d+)");

    @TempDir
    private Path directory = Path.of("");

    private Process serve() throws IOException {
        List<String> command = new ArrayList<>(List.of("bash", "-c", "ulimit -n " + FILES + " && exec \"$@\"", "bash"));
        List<String> java = BadInputCommandsTest.javaCommand(_ -> true);
        java.add(1, "-XX:MaxDirectMemorySize=256m");
        command.addAll(java);
        command.addAll(List.of("serve", "--data", directory.toString(), "--memory", "128", "--web-port", "0"));
        command.addAll(List.of("--master-port", "0", "--tserver-port", "0"));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static Matcher await(Pattern pattern, BufferedReader lines) throws IOException {
        StringBuilder before = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Matcher matcher = pattern.matcher(line);
            if (matcher.find()) {
                return matcher;
            }
            before.append(line).append('\n');
        }
        throw new AssertionError("no " + pattern + " in " + before);
    }

    @Test
    void aProcessWithFewFilesTakesAsManyConnectionsAsItSaysAndStopsAsItShould() throws Exception {
        Process process = serve();
        CompletableFuture<Void> late = CompletableFuture.runAsync(
                process::destroyForcibly, CompletableFuture.delayedExecutor(240, TimeUnit.SECONDS)); // Ends the lines.
        List<Socket> clients = new ArrayList<>();
        try (BufferedReader lines = process.inputReader()) {
            int connections = Integer.parseInt(await(CONNECTIONS, lines).group(1));
            assertTrue(connections >= 16 && connections < FILES / 4, connections + " of " + FILES + " files");
            await(MEMORY, lines);
            int port = Integer.parseInt(await(TABLET_SERVER, lines).group(1));
            for (int i = 0; i < 4 * connections; i++) {
                clients.add(new Socket(InetAddress.getLoopbackAddress(), port));
            }
            await(Pattern.compile("refused .*: there are " + connections + " connections, which is the limit"), lines);
            process.toHandle().destroy(); // Process.destroy would close its output, too.
            assertEquals(143, process.onExit().join().exitValue());
            assertTrue(lines.lines().anyMatch(line -> line.endsWith(" stopped")), "it ended as it should");
        } finally {
            for (Socket client : clients) {
                client.close();
            }
            late.cancel(false);
            process.destroyForcibly();
            process.onExit().join();
        }
    }
}
