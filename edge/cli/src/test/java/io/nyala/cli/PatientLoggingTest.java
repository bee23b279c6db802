package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what a server logs while it stops is read, though Java closes its logging when a process is told to end.
 * Method: a real process that is told to end; a line is logged at its first step and at its last, for the first time.
 */
@Timeout(300) // Against hangs only.
final class PatientLoggingTest {
    private static final String FIRST = "stopping: no more connections and calls are taken";

    @TempDir
    private Path directory = Path.of("");

    /** The command, and something that logs while its server stops. */
    static final class Served {
        private Served() {}

        public static void main(String[] arguments) {
            Logging.quiet();
            PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
            System.exit(Main.command(new Lines(), err).execute(arguments));
        }
    }

    private static final class Lines extends PrintWriter {
        /** For Java's hook to have done its worst; it waits instead. */
        private static final long HOOK_NANOS = TimeUnit.SECONDS.toNanos(3);

        Lines() {
            super(System.out, true, System.out.charset());
        }

        @Override
        public void println(String line) {
            super.println(line);
            if (line.contains(FIRST)) {
                awaitHook();
                log("a line of the first step");
            } else if (line.endsWith(" stopped")) {
                log("a line of the last step");
            }
        }

        private static void log(String line) {
            System.getLogger(PatientLoggingTest.class.getName()).log(Level.WARNING, line);
        }

        private static void awaitHook() {
            long start = System.nanoTime();
            while (!isHookWaiting() && System.nanoTime() - start < HOOK_NANOS) {
                LockSupport.parkNanos(1_000_000);
            }
        }

        private static boolean isHookWaiting() {
            return Thread.getAllStackTraces().keySet().stream()
                    .anyMatch(thread ->
                            thread.getName().equals("Logging-Cleaner") && thread.getState() == Thread.State.WAITING);
        }
    }

    private Process serve() throws IOException {
        List<String> command = BadInputCommandsTest.javaCommand(_ -> true);
        command.set(command.size() - 1, Served.class.getName());
        command.addAll(List.of("serve", "--data", directory.resolve("new").toString(), "--memory", "128"));
        command.addAll(List.of("--web-port", "0", "--master-port", "0", "--tserver-port", "0"));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    @Test
    void whatIsLoggedWhileAServerStopsComesOut() throws IOException {
        Process process = serve();
        CompletableFuture<Void> late = CompletableFuture.runAsync(
                process::destroyForcibly, CompletableFuture.delayedExecutor(240, TimeUnit.SECONDS)); // Ends the lines.
        try (BufferedReader lines = process.inputReader()) {
            String line = lines.readLine();
            while (line != null && !line.endsWith(" serving; Ctrl-C stops")) {
                line = lines.readLine();
            }
            process.toHandle().destroy(); // Process.destroy would close its output, too.
            List<String> rest = lines.lines().toList();
            assertEquals(143, process.onExit().join().exitValue());
            assertTrue(rest.contains("nyala: WARNING: a line of the first step"), rest::toString);
            assertTrue(rest.contains("nyala: WARNING: a line of the last step"), rest::toString);
            assertTrue(rest.stream().anyMatch(said -> said.endsWith(" stopped")), rest::toString);
        } finally {
            late.cancel(false);
            process.destroyForcibly();
            process.onExit().join();
        }
    }
}
