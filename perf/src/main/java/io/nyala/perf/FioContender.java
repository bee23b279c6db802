package io.nyala.perf;

import io.nyala.io.Disk;
import io.nyala.perf.DeviceSideBySide.Contender;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The tool that storage is measured with, through io_uring and without the page cache, and without the clock calls that
 * only its percentiles need. Stateless.
 *
 * <p>Its memory on huge pages: no huge pages are reserved on most hosts, so that its own options for them fail. glibc
 * asks for transparent ones when it is told to, for what is aligned to them.
 *
 * @see <a href="https://fio.readthedocs.io/en/latest/fio_doc.html#terse-output">terse output</a>
 */
final class FioContender implements Contender {
    private static final String HUGE = "glibc.malloc.hugetlb=1";
    private static final int FIELD_COUNT_MIN = 89;
    private static final int ERROR = 4;
    private static final int READ_PER_SECOND = 7;
    private static final int WRITE_PER_SECOND = 48;
    private static final int USER_CPU = 87;
    private static final int SYSTEM_CPU = 88;

    /** Why it cannot be measured with here, or null if it can: it is not installed, or cannot do this on the disk. */
    static @Nullable String obstacle(Path file) throws InterruptedException {
        try {
            new FioContender()
                    .run(new Contender.Job(Contender.Job.Kind.READ, false, Disk.ALIGNMENT_BYTES, 1), false, file, 0);
            return null;
        } catch (IOException e) {
            return "it is not installed (" + e.getMessage() + "); Debian: apt install fio";
        } catch (IllegalStateException e) {
            return String.valueOf(e.getMessage());
        }
    }

    @Override
    public String name() {
        return "fio";
    }

    @Override
    public Sample run(Contender.Job job, boolean isHuge, Path file, long nanos)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                "fio",
                "--name=job",
                "--filename=" + file,
                "--rw=" + (job.isRandom() ? "rand" : "") + (job.kind() == Contender.Job.Kind.READ ? "read" : "write"),
                "--bs=" + job.bytes(),
                "--iodepth=" + job.depth(),
                "--ioengine=io_uring",
                "--direct=1",
                "--norandommap",
                "--overwrite=1",
                "--time_based",
                "--ramp_time=" + TimeUnit.NANOSECONDS.toMillis(nanos / WARM_UP_PART) + "ms",
                "--runtime=" + Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos)) + "ms",
                "--gtod_reduce=1",
                "--output-format=terse",
                "--terse-version=3"));
        if (job.kind() == Contender.Job.Kind.WRITE_DURABLE) {
            command.add("--sync=dsync");
        }
        if (isHuge) {
            command.add("--iomem_align=2m");
        }
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        if (isHuge) {
            builder.environment().put("GLIBC_TUNABLES", HUGE);
        }
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        return parse(job, status, output);
    }

    /** Takes the one line that is a result; what else fio says are warnings. */
    static Sample parse(Contender.Job job, int status, String output) {
        for (String line : output.lines().toList()) {
            String[] fields = line.split(";", -1);
            if (fields.length >= FIELD_COUNT_MIN && fields[0].equals("3") && fields[ERROR].equals("0") && status == 0) {
                double perSecond = Double.parseDouble(
                        fields[job.kind() == Contender.Job.Kind.READ ? READ_PER_SECOND : WRITE_PER_SECOND]);
                return new Sample(
                        perSecond, (percent(fields[USER_CPU]) + percent(fields[SYSTEM_CPU])) * 1e4 / perSecond, 0);
            }
        }
        throw new IllegalStateException("fio failed at " + job + " with status " + status + ": " + output);
    }

    private static double percent(String text) {
        return Double.parseDouble(text.replace("%", ""));
    }

    @Override
    public void close() {}
}
