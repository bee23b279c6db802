package io.nyala.cli;

import io.nyala.memory.AccountUsage;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** What a demo found, as tables for people or as JSON for scripts. Stateless. */
final class DemoReport {
    private static final double[] PERCENTILES = {50, 90, 99, 99.9};
    private static final String[] PLAIN = {"", ">", ""};

    private DemoReport() {}

    static void print(Demo.Outcome outcome, PrintWriter out) {
        Ingest.Plan plan = outcome.plan();
        Demo.Measured measured = outcome.measured();
        Ingest.Result ingest = measured.ingest();
        out.println("TPC-H lineitem at scale "
                + BigDecimal.valueOf(plan.scale()).toPlainString() + ": "
                + Figures.count(ingest.rows()) + " rows, "
                + Figures.count(plan.tablets(), "tablet", "tablets") + ", "
                + Figures.count(plan.threads(), "thread", "threads") + ", batches of " + Figures.count(plan.batchRows())
                + ", " + plan.inFlight() + " under way per thread");
        out.println("on " + measured.disk());
        out.println();
        out.println("Ingest, each batch durable when acknowledged");
        printIngest(measured, plan, out);
        out.println();
        out.println("Commit latency of a batch");
        printLatencies(measured.latencies(), out);
        out.println();
        out.println("Q1, pricing summary of what was shipped until " + LineItemSums.SHIPPED_UNTIL
                + ": equal to the generator's rows, changed alike");
        printPricing(measured.pricing().sums(), out);
        out.println();
        out.println("Q6, revenue from discounts of " + LineItemSums.SHIPPED_FROM.getYear()
                + ": equal to the generator's rows, changed alike");
        new TextTable(">revenue", ">rows")
                .row(
                        Figures.decimal(measured.revenue().sums().revenue()),
                        Figures.count(measured.revenue().sums().revenueRows()))
                .print(out);
        out.println();
        out.println("Scans, one thread");
        printScans(measured, out);
        out.println();
        out.println("Space");
        printSpace(measured, out);
        out.println();
        Demo.Reopened reopened = outcome.reopened();
        RowCheck.Found found = reopened.found();
        out.println("After reopening, which took " + Figures.duration(reopened.openNanos()) + ": Q1 and Q6 "
                + Figures.decimal(reopened.revenue().revenue()) + " equal; "
                + Figures.count(found.rows()) + " rows equal in every column, "
                + Figures.count(found.updated()) + " of them updated, and "
                + Figures.count(found.deleted()) + " gone (compared in "
                + Figures.duration(reopened.compareNanos()) + ")");
    }

    private static void printIngest(Demo.Measured measured, Ingest.Plan plan, PrintWriter out) {
        Ingest.Result ingest = measured.ingest();
        long rows = ingest.rows();
        new TextTable(PLAIN)
                .row("throughput", Figures.count(Figures.perSecond(rows, ingest.nanos())), "rows/s")
                .row("time", Figures.duration(ingest.nanos()), "")
                .row(
                        "of which the generator",
                        Figures.duration(ingest.generatorNanos() / plan.threads()),
                        "in each thread, its reference sums included")
                .row(
                        "changed meanwhile",
                        Figures.count(measured.changes().updatedRows()
                                + measured.changes().deletedRows()),
                        "rows, " + Figures.count(measured.changes().deletedRows())
                                + " of them deleted, by another thread; the last one "
                                + Figures.duration(measured.changes().nanosAfter()) + " after the last insert")
                .row("flush of the rest", Figures.duration(measured.flushNanos()), "")
                .row(
                        "heap allocated",
                        Figures.bytes(ingest.heapBytes()),
                        Figures.bytesPerRow(ingest.heapBytes(), rows) + ", by the engine and this loop, measured from a"
                                + " cold start")
                .row(
                        "heap of the generator",
                        Figures.bytes(ingest.generatorHeapBytes()),
                        Figures.bytesPerRow(ingest.generatorHeapBytes(), rows) + ", not in the line above")
                .print(out);
    }

    private static void printLatencies(Histogram latencies, PrintWriter out) {
        new TextTable(">p50", ">p90", ">p99", ">p99.9", ">max", ">batches")
                .row(
                        latency(latencies, 0),
                        latency(latencies, 1),
                        latency(latencies, 2),
                        latency(latencies, 3),
                        Figures.duration(latencies.getMaxValue()),
                        Figures.count(latencies.getTotalCount()))
                .print(out);
    }

    private static String latency(Histogram latencies, int percentile) {
        return Figures.duration(latencies.getValueAtPercentile(PERCENTILES[percentile]));
    }

    private static void printPricing(LineItemSums sums, PrintWriter out) {
        TextTable table = new TextTable(
                "flag",
                "status",
                ">sum quantity",
                ">sum price",
                ">sum discounted",
                ">sum charge",
                ">avg quantity",
                ">avg price",
                ">avg discount",
                ">rows");
        for (LineItemSums.Group group : sums.groups()) {
            table.row(
                    group.returnFlag(),
                    group.lineStatus(),
                    Figures.decimal(group.sum(LineItemSums.QUANTITY)),
                    Figures.decimal(group.sum(LineItemSums.PRICE)),
                    Figures.decimal(group.sum(LineItemSums.DISCOUNTED)),
                    Figures.decimal(group.sum(LineItemSums.CHARGE)),
                    Figures.decimal(group.average(LineItemSums.QUANTITY)),
                    Figures.decimal(group.average(LineItemSums.PRICE)),
                    Figures.decimal(group.average(LineItemSums.DISCOUNT)),
                    Figures.count(group.count()));
        }
        table.print(out);
    }

    private static void printScans(Demo.Measured measured, PrintWriter out) {
        TextTable table = new TextTable(
                "query", ">first run", ">rows/s", ">best of more", ">rows/s", ">runs", ">heap of the last", ">per row");
        long rows = measured.ingest().rowsLeft();
        addScan(table, "Q1", measured.pricing(), rows);
        addScan(table, "Q6", measured.revenue(), rows);
        table.print(out);
    }

    private static void addScan(TextTable table, String name, Demo.Query query, long rows) {
        table.row(
                name,
                Figures.duration(query.coldNanos()),
                Figures.count(Figures.perSecond(rows, query.coldNanos())),
                Figures.duration(query.warmNanos()),
                Figures.count(Figures.perSecond(rows, query.warmNanos())),
                Figures.count(query.warmRuns()),
                Figures.bytes(query.heapBytes()),
                Figures.bytesPerRow(query.heapBytes(), rows));
    }

    private static void printSpace(Demo.Measured measured, PrintWriter out) {
        long rows = measured.ingest().rowsLeft();
        long diskBytes = measured.stored().diskBytes();
        TextTable table = new TextTable(PLAIN)
                .row(
                        "rowsets on disk",
                        Figures.bytes(diskBytes),
                        Figures.bytesPerRow(diskBytes, rows) + ", "
                                + Figures.count(measured.stored().rowSetCount(), "file", "files"))
                .row("log on disk", Figures.bytes(measured.walBytes()), "files written ahead and reused included")
                .row("peak native memory", Figures.bytes(measured.memoryBytesPeak()), "");
        for (AccountUsage account : measured.memory()) {
            table.row("  " + account.owner(), Figures.bytes(account.peakBytes()), "at its own peak");
        }
        table.print(out);
    }

    static String json(Demo.Outcome outcome) {
        Demo.Measured measured = outcome.measured();
        Ingest.Result ingest = measured.ingest();
        long rows = ingest.rows();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("scale", outcome.plan().scale());
        all.put("tablets", outcome.plan().tablets());
        all.put("threads", outcome.plan().threads());
        all.put("batchRows", outcome.plan().batchRows());
        all.put("disk", measured.disk());
        all.put("rows", rows);
        Map<String, Object> ingested = new LinkedHashMap<>();
        ingested.put("nanos", ingest.nanos());
        ingested.put("rowsPerSecond", Figures.perSecond(rows, ingest.nanos()));
        ingested.put("generatorNanosOfAllThreads", ingest.generatorNanos());
        ingested.put("heapBytes", ingest.heapBytes());
        ingested.put("generatorHeapBytes", ingest.generatorHeapBytes());
        ingested.put("flushNanos", measured.flushNanos());
        all.put("ingest", ingested);
        Map<String, Object> changed = new LinkedHashMap<>();
        changed.put("updatedRows", measured.changes().updatedRows());
        changed.put("deletedRows", measured.changes().deletedRows());
        changed.put("nanosAfterLastInsert", measured.changes().nanosAfter());
        all.put("changes", changed);
        all.put("commitLatencyNanos", latencies(measured.latencies()));
        all.put(
                "q1",
                scan(
                        measured.pricing(),
                        ingest.rowsLeft(),
                        "groups",
                        groups(measured.pricing().sums())));
        LineItemSums revenue = measured.revenue().sums();
        all.put("q6", scan(measured.revenue(), ingest.rowsLeft(), "revenue", revenue.revenue()));
        all.put("rowsetBytes", measured.stored().diskBytes());
        all.put("rowsetFiles", measured.stored().rowSetCount());
        all.put("logBytes", measured.walBytes());
        all.put("nativeMemoryBytesPeak", measured.memoryBytesPeak());
        Map<String, Object> accounts = new LinkedHashMap<>();
        measured.memory().forEach(account -> accounts.put(account.owner(), account.peakBytes()));
        all.put("nativeMemoryBytesPeakByAccount", accounts);
        Map<String, Object> reopened = new LinkedHashMap<>();
        reopened.put("openNanos", outcome.reopened().openNanos());
        reopened.put("rowsCompared", outcome.reopened().found().rows());
        reopened.put("rowsUpdated", outcome.reopened().found().updated());
        reopened.put("rowsDeleted", outcome.reopened().found().deleted());
        reopened.put("compareNanos", outcome.reopened().compareNanos());
        reopened.put("groups", groups(outcome.reopened().pricing()));
        reopened.put("revenue", outcome.reopened().revenue().revenue());
        all.put("reopened", reopened);
        return Json.text(all);
    }

    private static Map<String, Object> latencies(Histogram latencies) {
        Map<String, Object> all = new LinkedHashMap<>();
        for (double percentile : PERCENTILES) {
            String name =
                    "p" + BigDecimal.valueOf(percentile).stripTrailingZeros().toPlainString();
            all.put(name, latencies.getValueAtPercentile(percentile));
        }
        all.put("max", latencies.getMaxValue());
        all.put("batches", latencies.getTotalCount());
        return all;
    }

    private static Map<String, Object> scan(Demo.Query query, long rows, String name, Object answer) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put(name, answer);
        all.put("firstNanos", query.coldNanos());
        all.put("bestNanos", query.warmNanos());
        all.put("runs", query.warmRuns());
        all.put("rowsPerSecond", Figures.perSecond(rows, query.warmNanos()));
        all.put("heapBytesOfLastRun", query.heapBytes());
        return all;
    }

    private static List<Object> groups(LineItemSums sums) {
        List<Object> groups = new ArrayList<>();
        for (LineItemSums.Group group : sums.groups()) {
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("returnFlag", group.returnFlag());
            values.put("lineStatus", group.lineStatus());
            values.put("sumQuantity", group.sum(LineItemSums.QUANTITY));
            values.put("sumPrice", group.sum(LineItemSums.PRICE));
            values.put("sumDiscounted", group.sum(LineItemSums.DISCOUNTED));
            values.put("sumCharge", group.sum(LineItemSums.CHARGE));
            values.put("count", group.count());
            groups.add(values);
        }
        return groups;
    }
}
