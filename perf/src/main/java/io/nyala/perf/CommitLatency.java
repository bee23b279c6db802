package io.nyala.perf;

import io.nyala.perf.CommitLoad.Callers;
import io.nyala.perf.CommitLoad.Committer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/**
 * Durable commits of the log alone and of the engine, beside a file that is written and forced for each, RocksDB, and
 * H2's MVStore: so many callers, batches of 1 row and of 100 rows of 100 bytes. All in one run and in turn, the order
 * turned each time.
 *
 * <pre>{@code
 * perf/run log [DIRECTORY [MILLIS [TIMES [DISK [CALLERS [ROWS]]]]]]
 * }</pre>
 *
 * Commits per second are medians of all times; percentiles are of all times together, in microseconds, corrected for
 * what callers would have sent while they waited. What a contender did first, while its code was compiled, is not
 * counted.
 */
public final class CommitLatency {
    private static final int DEFAULT_MILLIS = 500;
    private static final int DEFAULT_TIMES = 3;
    private static final int[] CALLERS = {1, 4, 16, 64, 256};
    private static final int[] ROWS = {1, 100};
    private static final int WARM_UPS = 3;
    private static final int WARM_UP_CALLERS = 16;

    private final Path directory;
    private final long nanos;
    private final int times;
    private final String diskName;

    private CommitLatency(Path directory, long nanos, int times, String diskName) {
        this.directory = directory;
        this.nanos = nanos;
        this.times = times;
        this.diskName = diskName;
    }

    /** Who is measured, and how its callers wait. */
    private record Contender(Committer committer, Callers kind) {
        String title() {
            return kind == Callers.PLATFORM
                    ? committer.name()
                    : committer.name() + ", " + kind.name().toLowerCase(Locale.ROOT);
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        Path directory = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        int millis = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_MILLIS;
        int times = arguments.length > 2 ? Integer.parseInt(arguments[2]) : DEFAULT_TIMES;
        String diskName = arguments.length > 3 ? arguments[3] : "best";
        int[] callers = arguments.length > 4 ? numbers(arguments[4]) : CALLERS;
        int[] rows = arguments.length > 5 ? numbers(arguments[5]) : ROWS;
        print(directory, TimeUnit.MILLISECONDS.toNanos(millis), times, diskName, callers, rows);
    }

    private static int[] numbers(String text) {
        return List.of(text.split(",")).stream().mapToInt(Integer::parseInt).toArray();
    }

    /** Measures everything, which takes a minute or two, and prints a table for each size of batches. */
    static void print(Path directory, long nanos, int times) throws InterruptedException {
        print(directory, nanos, times, "best", CALLERS, ROWS);
    }

    private static void print(Path directory, long nanos, int times, String diskName, int[] callers, int[] rows)
            throws InterruptedException {
        for (int count : rows) {
            new CommitLatency(directory, nanos, times, diskName).print(callers, count);
        }
    }

    private void print(int[] callerCounts, int rows) throws InterruptedException {
        System.out.printf(Locale.ROOT, "Batches of %d rows of %d bytes%n%n", rows, Committer.ROW_BYTES);
        System.out.println("| callers | durable commits | per second | of RocksDB | p50 | p99 | p99.9 | max | syncs |");
        System.out.println("|---|---|---|---|---|---|---|---|---|");
        List<Committer> open = new ArrayList<>();
        try {
            List<Contender> contenders = contenders(rows, open);
            for (Contender contender : contenders) {
                for (int i = 0; i < WARM_UPS; i++) {
                    run(contender, WARM_UP_CALLERS);
                }
            }
            for (int callers : callerCounts) {
                print(contenders, callers);
            }
        } finally {
            open.forEach(Committer::close);
        }
        System.out.println();
    }

    private List<Contender> contenders(int rows, List<Committer> open) {
        List<Supplier<Committer>> makers = List.of(
                () -> new LogCommitter(directory, diskName, rows),
                () -> new EngineCommitter(directory, rows),
                () -> new RocksCommitter(directory, rows),
                () -> new MvStoreCommitter(directory, rows),
                () -> new FileCommitter(directory, rows));
        List<Contender> contenders = new ArrayList<>();
        for (Supplier<Committer> maker : makers) {
            Committer committer = maker.get();
            open.add(committer);
            contenders.add(new Contender(committer, Callers.PLATFORM));
            if (committer instanceof Committer.Asynchronous) { // And ours, whose callers may be virtual threads.
                contenders.add(new Contender(committer, Callers.VIRTUAL));
                contenders.add(new Contender(committer, Callers.ASYNCHRONOUS));
            }
        }
        return contenders;
    }

    private CommitLoad.Result run(Contender contender, int callers) throws InterruptedException {
        CommitLoad.Result result = CommitLoad.run(contender.committer(), contender.kind(), callers, nanos);
        contender.committer().settle();
        return result;
    }

    private void print(List<Contender> contenders, int callers) throws InterruptedException {
        Map<Contender, List<CommitLoad.Result>> results = new LinkedHashMap<>();
        contenders.forEach(contender -> results.put(contender, new ArrayList<>()));
        List<Contender> turn = new ArrayList<>(contenders);
        for (int i = 0; i < times; i++) {
            for (Contender contender : turn) {
                results.computeIfAbsent(contender, _ -> new ArrayList<>()).add(run(contender, callers));
            }
            Collections.rotate(turn, 1);
        }
        double peer = results.entrySet().stream()
                .filter(entry -> entry.getKey().committer() instanceof RocksCommitter)
                .mapToDouble(entry -> perSecond(entry.getValue()))
                .sum();
        results.forEach((contender, of) -> print(contender.title(), callers, of, perSecond(of) / peer));
    }

    private static double perSecond(List<CommitLoad.Result> results) {
        double[] sorted = results.stream()
                .mapToDouble(CommitLoad.Result::perSecond)
                .sorted()
                .toArray();
        return sorted[sorted.length / 2];
    }

    private static void print(String title, int callers, List<CommitLoad.Result> results, double ratio) {
        Histogram all = CommitLoad.newHistogram();
        long commits = 0;
        long flushes = 0;
        for (CommitLoad.Result result : results) {
            all.add(result.corrected());
            commits += result.nanos().getTotalCount();
            flushes += result.flushes();
        }
        System.out.printf(
                Locale.ROOT,
                "| %d | %s | %,.0f | %.2f | %,.0f | %,.0f | %,.0f | %,.0f | %.3f |%n",
                callers,
                title,
                perSecond(results),
                ratio,
                all.getValueAtPercentile(50) / 1e3,
                all.getValueAtPercentile(99) / 1e3,
                all.getValueAtPercentile(99.9) / 1e3,
                all.getMaxValue() / 1e3,
                (double) flushes / Math.max(1, commits));
    }
}
