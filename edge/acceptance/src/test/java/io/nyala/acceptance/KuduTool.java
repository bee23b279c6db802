package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The real {@code kudu} command. Stateless. */
final class KuduTool {
    private static final long SECONDS_MAX = 120;

    private KuduTool() {}

    /**
     * How a command ended.
     *
     * @param output of both kinds
     */
    record Result(int exitCode, String output) {}

    static Result run(String... arguments) {
        List<String> command = new ArrayList<>(List.of(KuduBinary.path("kudu").toString()));
        command.addAll(List.of(arguments));
        try {
            Process process =
                    KuduBinary.process(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException(command + " does not end: " + output);
            }
            return new Result(process.exitValue(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while " + command + " runs", e);
        }
    }

    /** What a command prints that succeeds. */
    static String succeed(String... arguments) {
        Result result = run(arguments);
        assertEquals(0, result.exitCode(), () -> List.of(arguments) + ": " + result.output());
        return result.output();
    }
}
