package io.nyala.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The real {@code kudu} command. Stateless. */
public final class KuduTool {
    private static final long SECONDS_MAX = 600;

    private KuduTool() {}

    /**
     * How a command ended.
     *
     * @param output of both kinds
     */
    public record Result(int exitCode, String output) {}

    /** Runs it to its end; two minutes at most. */
    public static Result run(String... arguments) {
        List<String> command = new ArrayList<>(List.of(KuduBinary.path("kudu").toString()));
        command.addAll(List.of(arguments));
        try {
            Process process =
                    KuduBinary.process(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            CompletableFuture<Process> ended = process.onExit().orTimeout(SECONDS_MAX, TimeUnit.SECONDS);
            CompletableFuture<Process> cleared =
                    ended.exceptionally(_ -> process.destroyForcibly()); // Ends its output.
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int exitCode = cleared.join().waitFor();
            if (ended.isCompletedExceptionally()) {
                throw new IllegalStateException(command + " did not end in " + SECONDS_MAX + " s: " + output);
            }
            return new Result(exitCode, output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while " + command + " runs", e);
        }
    }

    /**
     * What a command prints that succeeds.
     *
     * @throws IllegalStateException if it does not: its exit code and what it printed
     */
    public static String succeed(String... arguments) {
        Result result = run(arguments);
        if (result.exitCode() != 0) {
            throw new IllegalStateException("kudu " + String.join(" ", arguments) + " ended with exit code "
                    + result.exitCode() + ": " + result.output());
        }
        return result.output();
    }
}
