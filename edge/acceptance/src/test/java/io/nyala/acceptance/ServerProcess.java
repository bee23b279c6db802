package io.nyala.acceptance;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code nyala serve} in a process of its own, which can be killed. One thread. */
final class ServerProcess implements Cluster {
    private static final Pattern MASTER = Pattern.compile(" master +(\\S+:\\d+)");

    private final Process process;
    private final String masterAddress;
    private final List<String> output = new ArrayList<>();
    private final Thread reader;

    private ServerProcess(Path directory, int masterPort, int tabletServerPort) {
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
                "--memory",
                "256",
                "--master-port",
                Integer.toString(masterPort),
                "--tserver-port",
                Integer.toString(tabletServerPort)));
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        BufferedReader lines = process.inputReader();
        masterAddress = awaitAddress(lines);
        reader = Thread.ofVirtual().start(() -> lines.lines().forEach(this::heard));
    }

    /** Starts one and waits until it serves; port 0 for any that is free. */
    static ServerProcess start(Path directory, int masterPort, int tabletServerPort) {
        return new ServerProcess(directory, masterPort, tabletServerPort);
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
    synchronized String output() {
        return String.join("\n", output);
    }

    @Override
    public String masterAddress() {
        return masterAddress;
    }

    int masterPort() {
        return Integer.parseInt(masterAddress.substring(masterAddress.lastIndexOf(':') + 1));
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    /** SIGTERM; answers the exit code. */
    int stop() throws InterruptedException {
        process.toHandle().destroy(); // Process.destroy would close its output, too.
        int code = process.onExit().join().exitValue();
        reader.join();
        return code;
    }

    @Override
    public void close() {
        kill();
    }
}
