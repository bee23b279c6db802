package io.nyala.perf;

import io.nyala.io.BlockingIo;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.memory.Check;
import io.nyala.memory.PageSource;
import io.nyala.perf.DeviceSideBySide.Contender.Job.Kind;
import io.nyala.perf.DeviceSideBySide.Contender.Sample;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;

/**
 * How near our disks are to what the device does: the same jobs by fio and by each of them, on the same file, in turn,
 * the order turned each time; medians of all times, and their ratio to fio's.
 *
 * <pre>{@code
 * perf/run device DIRECTORY [TIMES [SECONDS [JOBS]]]
 * }</pre>
 *
 * {@code JOBS} is a regular expression that jobs' names must contain. Where fio or one of our disks cannot be
 * used, it says why and measures the others. The file is written before, and removed afterwards.
 */
public final class DeviceSideBySide {
    private static final int DEFAULT_TIMES = 5;
    private static final double DEFAULT_SECONDS = 1;
    private static final long FILE_BYTES = 1L << 30;
    private static final List<String> DISKS = List.of("ring", "syscall", "channel");
    private static final int KIB = 1024;
    private static final List<Contender.Job> JOBS = List.of(
            new Contender.Job(Kind.READ, true, 4 * KIB, 1),
            new Contender.Job(Kind.READ, true, 4 * KIB, 32),
            new Contender.Job(Kind.READ, true, 4 * KIB, 128),
            new Contender.Job(Kind.READ, false, 256 * KIB, 8),
            new Contender.Job(Kind.WRITE, false, 256 * KIB, 8),
            new Contender.Job(Kind.WRITE_DURABLE, false, 4 * KIB, 1));

    private final List<Contender> contenders;
    private final Path file;
    private final int times;
    private final long nanos;

    private DeviceSideBySide(List<Contender> contenders, Path file, int times, long nanos) {
        this.contenders = contenders;
        this.file = file;
        this.times = times;
        this.nanos = nanos;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length == 0) {
            throw new IllegalArgumentException(
                    "device DIRECTORY [TIMES [SECONDS [JOBS]]]: name a directory on the disk");
        }
        int times = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_TIMES;
        double seconds = arguments.length > 2 ? Double.parseDouble(arguments[2]) : DEFAULT_SECONDS;
        Pattern jobs = Pattern.compile(arguments.length > 3 ? arguments[3] : "");
        print(Path.of(arguments[0]), FILE_BYTES, times, (long) (seconds * TimeUnit.SECONDS.toNanos(1)), jobs);
    }

    /** Does the jobs whose name has a match; prints two tables. */
    static void print(Path directory, long fileBytes, int times, long nanos, Pattern jobs)
            throws IOException, InterruptedException {
        Files.createDirectories(directory);
        Path file = directory.resolve("nyala-device-" + ProcessHandle.current().pid());
        List<Contender> contenders = new ArrayList<>();
        try {
            write(file, fileBytes);
            String obstacle = FioContender.obstacle(file);
            if (obstacle == null) {
                contenders.add(new FioContender());
            } else {
                System.out.println("Without fio: " + obstacle);
            }
            for (String name : DISKS) {
                add(name, contenders);
            }
            System.out.println("huge pages: " + HugePageSource.orJdk().description());
            System.out.println();
            new DeviceSideBySide(contenders, file, times, nanos).print(jobs);
        } finally {
            contenders.forEach(Contender::close);
            Files.deleteIfExists(file);
        }
    }

    private static void add(String disk, List<Contender> contenders) {
        try {
            DiskContender contender = new DiskContender(disk);
            contenders.add(contender);
            System.out.println(disk + ": " + contender.description());
        } catch (UnsupportedOperationException e) {
            System.out.println("Without " + disk + ": " + e.getMessage());
        }
    }

    private static void write(Path file, long bytes) {
        PageSource source = HugePageSource.orJdk();
        MemorySegment region = source.reserve(PageSource.REGION_BYTES);
        SplittableRandom random = new SplittableRandom(1);
        try (Disk disk = Disks.best();
                DiskFile target = disk.create(file);
                BlockingIo io = new BlockingIo(disk)) {
            for (long at = 0; at < region.byteSize(); at += Long.BYTES) {
                region.set(ValueLayout.JAVA_LONG, at, random.nextLong()); // No disk has a short way for it.
            }
            for (long position = 0; position < bytes; position += region.byteSize()) {
                io.write(target, position, region, 0, (int) Math.min(region.byteSize(), bytes - position));
            }
            io.sync(target);
        } finally {
            source.release(region);
        }
    }

    private void print(Pattern jobs) throws IOException, InterruptedException {
        Map<String, List<List<Sample>>> lines = new LinkedHashMap<>();
        for (Contender.Job job : JOBS) {
            for (boolean isHuge : new boolean[] {false, true}) {
                String line = job + " | " + (isHuge ? "huge" : "4 KiB");
                if (jobs.matcher(job.toString()).find()) {
                    lines.put(line, run(job, isHuge));
                }
            }
        }
        System.out.println("| transfers per second, median (lowest - highest) | pages |" + heading("%s |") + ratios());
        System.out.println("|---|---|" + heading("---|") + ratios().replaceAll("[^|]+", "---"));
        lines.forEach((line, samples) -> {
            StringBuilder row = new StringBuilder("| " + line + " |");
            samples.forEach(each -> row.append(String.format(
                    Locale.ROOT,
                    " %,.0f (%,.0f - %,.0f) |",
                    median(each, Sample::perSecond),
                    each.stream().mapToDouble(Sample::perSecond).min().orElseThrow(),
                    each.stream().mapToDouble(Sample::perSecond).max().orElseThrow())));
            double fio = median(samples.getFirst(), Sample::perSecond);
            for (int i = 1; isWithFio() && i < samples.size(); i++) {
                row.append(String.format(Locale.ROOT, " %.2f |", median(samples.get(i), Sample::perSecond) / fio));
            }
            System.out.println(row);
        });
        System.out.println();
        System.out.println("| CPU us, heap B of a transfer | pages |" + heading("%s |"));
        System.out.println("|---|---|" + heading("---|"));
        lines.forEach((line, samples) -> {
            StringBuilder row = new StringBuilder("| " + line + " |");
            for (int i = 0; i < samples.size(); i++) {
                row.append(String.format(Locale.ROOT, " %.2f", median(samples.get(i), Sample::cpuMicros)));
                row.append(
                        i == 0 && isWithFio()
                                ? " |"
                                : String.format(Locale.ROOT, ", %.1f |", median(samples.get(i), Sample::heapBytes)));
            }
            System.out.println(row);
        });
    }

    private boolean isWithFio() {
        return contenders.getFirst() instanceof FioContender;
    }

    private String heading(String format) {
        StringBuilder heading = new StringBuilder();
        contenders.forEach(each -> heading.append(String.format(format, " " + each.name())));
        return heading.toString();
    }

    private String ratios() {
        StringBuilder heading = new StringBuilder();
        for (int i = 1; isWithFio() && i < contenders.size(); i++) {
            heading.append(' ').append(contenders.get(i).name()).append(" : fio |");
        }
        return heading.toString();
    }

    /** The samples of each contender, in their order. */
    private List<List<Sample>> run(Contender.Job job, boolean isHuge) throws IOException, InterruptedException {
        List<List<Sample>> samples = new ArrayList<>();
        contenders.forEach(_ -> samples.add(new ArrayList<>()));
        for (int time = 0; time < times; time++) {
            for (int i = 0; i < contenders.size(); i++) {
                int turn = (i + time) % contenders.size();
                samples.get(turn).add(contenders.get(turn).run(job, isHuge, file, nanos));
            }
        }
        return samples;
    }

    private static double median(List<Sample> samples, ToDoubleFunction<Sample> figure) {
        double[] sorted = samples.stream().mapToDouble(figure).toArray();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** Who does the jobs. One thread. */
    interface Contender extends AutoCloseable {
        /** This part of a run comes before it is counted: the compiler, the first use of the memory. */
        int WARM_UP_PART = 4;

        String name();

        /**
         * Does a job for so long, over and over the same file.
         *
         * @param isHuge whether the memory of the transfers shall be on huge pages
         */
        Sample run(Job job, boolean isHuge, Path file, long nanos) throws IOException, InterruptedException;

        @Override
        void close();

        /**
         * What a run showed.
         *
         * @param perSecond transfers
         * @param cpuMicros CPU time of a transfer, user's and system's, of the whole process
         * @param heapBytes allocated on the heap for a transfer; of no meaning for a process without one
         */
        record Sample(double perSecond, double cpuMicros, double heapBytes) {}

        /**
         * Transfers of one kind, so many in flight at any time, that fio and our disks can be told to do. Immutable.
         *
         * @param kind what is done to the file
         * @param isRandom whether positions are drawn at random; otherwise they ascend, and begin anew at the end
         * @param bytes of each transfer
         * @param depth transfers in flight
         */
        record Job(Kind kind, boolean isRandom, int bytes, int depth) {
            private static final int KIB = 1024;

            public Job {
                Check.powerOfTwo("bytes", bytes);
                Check.inRange("depth", depth, 1, KIB);
            }

            /** What a transfer does. */
            enum Kind {
                READ("read"),
                WRITE("write"),
                WRITE_DURABLE("durable write");

                private final String text;

                Kind(String text) {
                    this.text = text;
                }
            }

            @Override
            public String toString() {
                return bytes / KIB + " KiB " + (isRandom ? "random " : "sequential ") + kind.text + ", depth " + depth;
            }
        }
    }
}
