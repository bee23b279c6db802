package io.nyala.perf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What other processes use, as the kernel counts it. Linux only. Stateless.
 *
 * @see <a href="https://man7.org/linux/man-pages/man5/proc_pid_status.5.html">proc_pid_status(5)</a>
 */
final class ProcessUsage {
    private static final long KIB = 1024;

    /** Value that makes the kernel forget a process's peak so far. */
    private static final String RESET_PEAK = "5";

    private ProcessUsage() {}

    /** CPU time of all of them, user's and system's, in seconds; in steps of 10 ms. */
    static double cpuSeconds(List<ProcessHandle> processes) {
        return processes.stream()
                .map(process -> process.info().totalCpuDuration().orElse(Duration.ZERO))
                .mapToDouble(duration -> duration.toNanos() / 1e9)
                .sum();
    }

    /** The most memory that each had in RAM since {@link #resetPeak}, in bytes, added up. */
    static long peakBytes(List<ProcessHandle> processes) {
        return processes.stream().mapToLong(process -> peakBytes(process.pid())).sum();
    }

    private static long peakBytes(long pid) {
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * KIB)
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void resetPeak(List<ProcessHandle> processes) {
        processes.forEach(process -> {
            try {
                Files.writeString(Path.of("/proc/" + process.pid() + "/clear_refs"), RESET_PEAK);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }
}
