package io.nyala.peer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code nyala serve} in a process of its own, which can be killed. One thread. */
public final class ServerProcess implements ProcessCluster {
    private static final long START_SECONDS_MAX = 300;

    private static final Pattern MASTER = Pattern.compile(" master +(\\S+:\\d+)");

    private final Process process;
    private final String masterAddress;
    private final List<String> output = new ArrayList<>();
    private final Thread reader;

    private ServerProcess(Path directory, List<String> options) {
        process = launch(directory, options);
        BufferedReader lines = process.inputReader();
        CompletableFuture<Void> late = CompletableFuture.runAsync(
                process::destroyForcibly,
                CompletableFuture.delayedExecutor(START_SECONDS_MAX, TimeUnit.SECONDS)); // Ends the lines.
        masterAddress = awaitAddress(lines);
        late.cancel(false);
        reader = Thread.ofVirtual().start(() -> lines.lines().forEach(this::heard));
    }

    private static Process launch(Path directory, List<String> options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments()); // The flags that this one has.
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                "io.nyala.cli.Main",
                "serve",
                "--data",
                directory.toString(),
                "--web-port",
                "0"));
        command.addAll(options);
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A process that has ended.
     *
     * @param exitCode more than 128 if by a signal
     */
    public record Ended(int exitCode, String output) {}

    /** As {@link #start}, and tells it to stop as soon as it says that it opens its directory. */
    public static Ended stopWhileOpening(Path directory, String... options) {
        Process process = launch(directory, List.of(options));
        StringBuilder output = new StringBuilder();
        process.inputReader().lines().forEach(line -> {
            output.append(line).append('\n');
            if (line.contains(" opening ")) {
                process.toHandle().destroy(); // Process.destroy would close its output, too.
            }
        });
        return new Ended(process.onExit().join().exitValue(), output.toString());
    }

    /**
     * Starts one with this process's classes and JVM flags, and waits until it serves.
     *
     * @param options of the command, besides its directory
     */
    public static ServerProcess start(Path directory, String... options) {
        return new ServerProcess(directory, List.of(options));
    }

    /**
     * Options with which each start listens at the same ports, so that clients find it again.
     *
     * @param options others
     */
    public static String[] atFixedPorts(String... options) {
        // Two at once, or they might be one.
        try (ServerSocket master = new ServerSocket(0);
                ServerSocket tablets = new ServerSocket(0)) {
            List<String> all = new ArrayList<>(List.of(options));
            all.addAll(List.of("--master-port", Integer.toString(master.getLocalPort())));
            all.addAll(List.of("--tserver-port", Integer.toString(tablets.getLocalPort())));
            return all.toArray(String[]::new);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String awaitAddress(BufferedReader lines) {
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                heard(line);
                Matcher matcher = MASTER.matcher(line);
                if (matcher.find()) {
                    return matcher.group(1);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        process.destroyForcibly();
        throw new IllegalStateException("nyala serve did not start: " + output);
    }

    private synchronized void heard(String line) {
        output.add(line);
    }

    /** What it has printed until now. */
    public synchronized String output() {
        return String.join("\n", output);
    }

    @Override
    public String masterAddress() {
        return masterAddress;
    }

    /** SIGKILL. */
    public void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    @Override
    public List<ProcessHandle> processes() {
        return List.of(process.toHandle());
    }

    @Override
    public void stop() throws InterruptedException {
        process.toHandle().destroy(); // Process.destroy would close its output, too.
        process.onExit().join();
        reader.join();
    }

    @Override
    public void close() {
        kill();
    }
}
