package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.memory.AccountUsage;
import io.nyala.table.TableStatistics;
import io.nyala.text.Figures;
import java.io.PrintWriter;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * The main job once from end to end: ingest while rows change, flush, query, compare, open again. One thread, used
 * once.
 */
final class Demo {
    /** Long enough for the JVM to compile the scan, where there are rows enough for figures to mean something. */
    private static final long WARM_NANOS_MAX = 1_000_000_000L;

    private static final long WARM_NANOS_PER_ROW = 2000;
    private static final int WARM_RUNS_MIN = 5;
    private static final int WARM_RUNS_MAX = 200;

    /** Commits longer than this are counted as this long. */
    private static final long LATENCY_NANOS_MAX = 600_000_000_000L;

    private static final int LATENCY_DIGITS = 3;

    private final DemoDirectory directory;
    private final Ingest.Plan plan;
    private final PrintWriter err;

    Demo(DemoDirectory directory, Ingest.Plan plan, PrintWriter err) {
        this.directory = directory;
        this.plan = plan;
        this.err = err;
    }

    /** All that was done and measured. */
    record Outcome(Ingest.Plan plan, Measured measured, Reopened reopened) {}

    /**
     * What was done and measured until the engine was closed.
     *
     * @param disk that the engine uses, in its words
     * @param changes of rows while others were inserted
     * @param walBytes size of the log's files, whatever is in them
     */
    record Measured(
            String disk,
            Ingest.Result ingest,
            Changes changes,
            Histogram latencies,
            long flushNanos,
            TableStatistics stored,
            long walBytes,
            Query pricing,
            Query revenue,
            long memoryBytesPeak,
            List<AccountUsage> memory) {
        Measured {
            memory = List.copyOf(memory);
        }
    }

    /**
     * Rows that another thread changed.
     *
     * @param nanosAfter from the last insert to the last change
     */
    record Changes(long updatedRows, long deletedRows, long nanosAfter) {}

    /**
     * A query's answer, and what it took.
     *
     * @param coldNanos of the first run, which reads from disk and is not compiled yet
     * @param warmRuns how many followed
     * @param warmNanos of the fastest of those
     * @param heapBytes that the last of them allocated
     */
    record Query(LineItemSums sums, long coldNanos, int warmRuns, long warmNanos, long heapBytes) {}

    /**
     * The engine after it was closed and opened again.
     *
     * @param openNanos that opening took
     * @param found rows, each compared in every column
     * @param compareNanos that comparing them took, the generator included
     */
    record Reopened(
            long openNanos, RowCheck.Found found, long compareNanos, LineItemSums pricing, LineItemSums revenue) {}

    /**
     * Runs it all.
     *
     * @throws CheckFailedException if an answer differs from the generator's rows
     */
    Outcome run() {
        LineItems.prepare();
        EngineConfig config = EngineConfig.in(directory.path());
        Measured measured;
        try (Engine engine = Engine.open(config)) {
            measured = measure(engine);
        }
        return new Outcome(plan, measured, reopen(config, measured.ingest()));
    }

    private Measured measure(Engine engine) {
        if (engine.table(LineItems.TABLE).isPresent()) {
            throw new UsageException(directory.path() + " already has a table " + LineItems.TABLE
                    + "; name another directory by --data, or remove this one");
        }
        Table table = engine.createTable(LineItems.table(plan.tablets()));
        Recorder recorder = new Recorder(LATENCY_NANOS_MAX, LATENCY_DIGITS);
        Changer changer = Changer.start(table, plan);
        Ingest.Result ingest;
        long insertedAt;
        try (changer) {
            ingest = ingest(table, changer, recorder);
            insertedAt = System.nanoTime();
        }
        changer.throwIfFailed();
        var changes = new Changes(changer.updatedRows(), changer.deletedRows(), System.nanoTime() - insertedAt);
        long flushStart = System.nanoTime();
        table.flush().join();
        long flushNanos = System.nanoTime() - flushStart;
        long rows = LineItemQueries.countRows(table);
        check(rows == ingest.rowsLeft() ? null : rowsDiffer(rows, ingest.rowsLeft(), "after the flush"));
        Query pricing = measure(table, rows, LineItemQueries::pricingSummary);
        check(pricing.sums().pricingDifference(ingest.sums()));
        Query revenue = measure(table, rows, LineItemQueries::forecastRevenue);
        check(revenue.sums().revenueDifference(ingest.sums()));
        return new Measured(
                engine.diskDescription(),
                ingest,
                changes,
                recorder.getIntervalHistogram(),
                flushNanos,
                table.statistics(),
                directory.bytes("wal"),
                pricing,
                revenue,
                engine.memoryBytesPeak(),
                engine.memoryUsage());
    }

    private Ingest.Result ingest(Table table, Changer changer, Recorder recorder) {
        try (ProgressBar progress = ProgressBar.on(err, "ingesting", "rows")) {
            Ingest.Acknowledgement latency =
                    (_, _, _, nanos) -> recorder.recordValue(Math.min(nanos, LATENCY_NANOS_MAX));
            return new Ingest(table, plan, changer, latency).run(progress);
        }
    }

    private static Query measure(Table table, long rows, Function<Table, LineItemSums> query) {
        long start = System.nanoTime();
        LineItemSums sums = query.apply(table);
        long cold = System.nanoTime() - start;
        long enough = Math.min(WARM_NANOS_MAX, rows * WARM_NANOS_PER_ROW);
        long best = Long.MAX_VALUE;
        long total = 0;
        long heap = 0;
        int runs = 0;
        while (runs < WARM_RUNS_MIN || (total < enough && runs < WARM_RUNS_MAX)) {
            long heapBefore = Ingest.HeapMeter.allThreads();
            long again = System.nanoTime();
            sums = query.apply(table); // So that the fast runs are checked too.
            long nanos = System.nanoTime() - again;
            heap = Ingest.HeapMeter.allThreads() - heapBefore;
            best = Math.min(best, nanos);
            total += nanos;
            runs++;
        }
        return new Query(sums, cold, runs, best, heap);
    }

    private Reopened reopen(EngineConfig config, Ingest.Result ingest) {
        long start = System.nanoTime();
        try (Engine engine = Engine.open(config)) {
            long nanos = System.nanoTime() - start;
            Table table = engine.table(LineItems.TABLE)
                    .orElseThrow(() -> new CheckFailedException(
                            "table " + LineItems.TABLE + " is gone after reopening " + config.directory()));
            long rows = LineItemQueries.countRows(table);
            check(rows == ingest.rowsLeft() ? null : rowsDiffer(rows, ingest.rowsLeft(), "after reopening"));
            LineItemSums pricing = LineItemQueries.pricingSummary(table);
            check(pricing.pricingDifference(ingest.sums()));
            LineItemSums revenue = LineItemQueries.forecastRevenue(table);
            check(revenue.revenueDifference(ingest.sums()));
            long compareStart = System.nanoTime();
            RowCheck.Found found = RowCheck.check(engine, table, plan, RowCheck.Batches.all(plan));
            return new Reopened(nanos, found, System.nanoTime() - compareStart, pricing, revenue);
        }
    }

    private static String rowsDiffer(long found, long expected, String when) {
        return "there are " + Figures.count(found) + " rows " + when + ", expected " + Figures.count(expected);
    }

    private static void check(@Nullable String difference) {
        if (difference != null) {
            throw new CheckFailedException(difference);
        }
    }

    static List<Long> fresh(int threads) {
        return Collections.nCopies(threads, 0L);
    }
}
