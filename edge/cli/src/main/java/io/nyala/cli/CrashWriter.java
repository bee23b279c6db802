package io.nyala.cli;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * A running {@link CrashWriterCommand} as its parent sees it: started with this process's Java, flags and class path;
 * what it says is read line by line, also what it said just before it was killed.
 *
 * <p>One thread, and one that reads. {@link #close} makes sure that it is gone.
 */
final class CrashWriter implements AutoCloseable {
    /** Flags that two processes must not share, or that are about this one only. */
    private static final List<String> NOT_INHERITED =
            List.of("-agentlib:", "-agentpath:", "-javaagent:", "-XX:ArchiveClassesAtExit", "-XX:StartFlightRecording");

    /** What {@link #nextLine} answers when there is nothing more. */
    static final String END = "";

    private static final int SILENCE_SECONDS_MAX = 60;

    private final Process process;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Path errors;

    /**
     * Starts it.
     *
     * @param changesDone batches of each part whose changes are there
     * @param errors file for what it complains about
     */
    CrashWriter(Path data, Ingest.Plan plan, List<Long> changesDone, Path errors) {
        this.errors = errors;
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (NOT_INHERITED.stream().noneMatch(flag::startsWith)) {
                command.add(flag);
            }
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of("crash-writer", "--data", data.toString(), "--scale", String.valueOf(plan.scale())));
        command.addAll(List.of("--tablets", String.valueOf(plan.tablets())));
        command.addAll(List.of("--batch", String.valueOf(plan.batchRows())));
        command.addAll(List.of("--in-flight", String.valueOf(plan.inFlight()), "--done", list(plan.batchesDone())));
        command.addAll(List.of("--changed", list(changesDone)));
        try {
            process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.to(errors.toFile()))
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + command.getFirst() + ": " + e, e);
        }
        Thread.ofVirtual().start(this::read);
    }

    private static String list(List<Long> batches) {
        return batches.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    private void read() {
        try (BufferedReader reader = process.inputReader(StandardCharsets.US_ASCII)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            lines.add("cannot read what the writing process says: " + e);
        } finally {
            lines.add(END);
        }
    }

    /**
     * The next whole line, or {@link #END}. Waits for it.
     *
     * @throws CheckFailedException if it says nothing for too long, which it has no reason for
     */
    String nextLine() {
        try {
            String line = lines.poll(SILENCE_SECONDS_MAX, TimeUnit.SECONDS);
            if (line == null) {
                throw new CheckFailedException("the writing process, pid " + process.pid() + ", said nothing for "
                        + SILENCE_SECONDS_MAX + " s; what it complained about: " + complaint());
            }
            return line;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a process was writing", e);
        }
    }

    /** SIGKILL. Not by {@link Process#destroyForcibly}, which also throws away what is still in the pipe. */
    void kill() {
        process.toHandle().destroyForcibly();
    }

    /** Waits for its end. */
    int exitCode() {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a process was ending", e);
        }
    }

    /** What it complained about. */
    String complaint() {
        try {
            return Files.readString(errors).strip();
        } catch (IOException e) {
            return "(" + errors + " cannot be read: " + e + ")";
        }
    }

    @Override
    public void close() {
        kill();
        exitCode();
    }
}
