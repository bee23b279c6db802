package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.table.TableStatistics;
import io.nyala.table.TabletStatistics;
import io.nyala.tablet.MergeTask;
import io.nyala.tablet.TabletView;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code nyala flush}, {@code nyala compact} and {@code nyala vacuum}: what maintenance does by itself while an engine
 * is open, at once and until nothing is left to do. One thread.
 */
abstract sealed class UpkeepCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(index = "0", arity = "0..1", paramLabel = "TABLE", description = "Name of the table; else all of them.")
    private @Nullable String table;

    @Mixin
    private DataDirectory data = new DataDirectory();

    @Option(names = "--json", description = "Print JSON instead of a table.")
    private boolean isJson;

    /** A table, or tablets of it, before and after. */
    private record Done(String table, TableStatistics before, TableStatistics after, long nanos) {}

    /** Begins what is to be done with a table. */
    abstract CompletableFuture<Void> begin(Table open);

    /** What is told of, of a table. */
    TableStatistics statistics(Table open) {
        return open.statistics();
    }

    @Override
    public Integer call() {
        List<Done> all = new ArrayList<>();
        try (Engine engine = data.open()) {
            List<Table> tables = table == null ? engine.tables() : List.of(data.table(engine, table));
            for (Table open : tables) {
                TableStatistics before = statistics(open);
                long start = System.nanoTime();
                await(open, begin(open));
                all.add(new Done(open.name(), before, statistics(open), System.nanoTime() - start));
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (isJson) {
            out.println(Json.text(all.stream().map(UpkeepCommand::json).toList()));
        } else {
            print(all, out);
        }
        return Main.OK;
    }

    /** Shows merges as they go on. What it fails with is what has failed, not that something has. */
    private void await(Table open, CompletableFuture<Void> work) {
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr(), "merging in " + open.name(), "rows")) {
            bar.during(() -> show(open, bar), work::join);
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private static void show(Table open, ProgressBar bar) {
        long written = 0;
        long max = 0;
        for (TabletView tablet : open.views(0, Integer.MAX_VALUE)) {
            written += tablet.merge().map(MergeTask.Progress::rowsWritten).orElse(0L);
            max += tablet.merge().map(MergeTask.Progress::rowsMax).orElse(0L);
        }
        if (max > 0) {
            bar.update(written, max);
        }
    }

    private static void print(List<Done> all, PrintWriter out) {
        TextTable lines = new TextTable("table", ">tablets", "rowsets", "on disk", "in memory", ">time");
        for (Done done : all) {
            lines.row(
                    done.table(),
                    Figures.count(done.before().tablets().size()),
                    change(done, statistics -> Figures.count(statistics.rowSetCount())),
                    change(done, statistics -> Figures.bytes(statistics.diskBytes())),
                    change(done, statistics -> Figures.bytes(statistics.memoryBytes())),
                    Figures.duration(done.nanos()));
        }
        lines.print(out);
    }

    private static String change(Done done, Function<TableStatistics, String> figure) {
        String before = figure.apply(done.before());
        String after = figure.apply(done.after());
        return before.equals(after) ? before : before + " -> " + after;
    }

    private static Map<String, Object> json(Done done) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("table", done.table());
        all.put("tablets", done.before().tablets().size());
        all.put("before", json(done.before()));
        all.put("after", json(done.after()));
        all.put("millis", done.nanos() / 1_000_000);
        return all;
    }

    private static Map<String, Object> json(TableStatistics statistics) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("rowsets", statistics.rowSetCount());
        all.put("diskBytes", statistics.diskBytes());
        all.put("memoryBytes", statistics.memoryBytes());
        return all;
    }

    /** {@code nyala flush}. */
    @Command(
            name = "flush",
            description = {
                "Write what is in memory to disk as columns.",
                "An engine does that by itself when enough has come together. What is not written yet is in the log,"
                        + " and nothing is lost without this; but the next start need not replay it."
            },
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class,
            sortOptions = false,
            footerHeading = "%nExamples:%n",
            footer = {"  nyala flush --data data", "  nyala flush lineitem --data data"})
    static final class Flush extends UpkeepCommand {
        @Override
        CompletableFuture<Void> begin(Table open) {
            return open.flush();
        }
    }

    /** What can be done with one tablet, too. */
    abstract static sealed class OfTablets extends UpkeepCommand {
        @Parameters(
                index = "1",
                arity = "0..1",
                paramLabel = "TABLET",
                description = "Number of one of its tablets; else all of them.")
        private @Nullable Long tablet;

        @Override
        TableStatistics statistics(Table open) {
            Long one = tablet;
            return one == null ? open.statistics() : of(open, one);
        }

        private static TableStatistics of(Table open, long tablet) {
            List<TabletStatistics> all = open.statistics().tablets();
            List<TabletStatistics> one = all.stream()
                    .filter(statistics -> statistics.tabletId() == tablet)
                    .toList();
            if (one.isEmpty()) {
                throw DataDirectory.noTablet(open, tablet);
            }
            return TableStatistics.of(one);
        }

        @Override
        CompletableFuture<Void> begin(Table open) {
            Long one = tablet;
            return open.flush().thenCompose(_ -> one == null ? begunOn(open) : begunOn(open, one));
        }

        /** What is in memory is on disk. */
        abstract CompletableFuture<Void> begunOn(Table open);

        abstract CompletableFuture<Void> begunOn(Table open, long tabletId);
    }

    /** {@code nyala compact}. */
    @Command(
            name = "compact",
            description = {
                "Write what is in memory to disk, then merge rowsets until hardly a key lies in two of them.",
                "Reads ask fewer files afterwards. What was changed is written once, in the place of the rows and"
                        + " their changes; history that scans of the past need stays. Ending this at any moment loses"
                        + " nothing: a merge that is not done is begun again.",
                "`nyala explain` says what it would do. No other engine may have the directory open; one that is open"
                        + " merges by itself."
            },
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class,
            sortOptions = false,
            footerHeading = "%nExamples:%n",
            footer = {
                "  nyala compact --data data",
                "  nyala compact lineitem --data data",
                "  nyala compact lineitem 4 --data data      its tablet 4, as `nyala describe` numbers them"
            })
    static final class Compact extends OfTablets {
        @Override
        CompletableFuture<Void> begunOn(Table open) {
            return open.compact();
        }

        @Override
        CompletableFuture<Void> begunOn(Table open, long tabletId) {
            return open.compact(tabletId);
        }
    }

    /** {@code nyala vacuum}. */
    @Command(
            name = "vacuum",
            description = {
                "Write what is in memory to disk, then give all history up: what rows were before, and rows that are"
                        + " deleted.",
                "The space they take comes back at once, not only when they are as old as the table's history may"
                        + " become (see `nyala describe`). Rows stay as they are now, but no scan can read what they"
                        + " were before this: that cannot be undone. No other engine may have the directory open."
            },
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class,
            sortOptions = false,
            footerHeading = "%nExamples:%n",
            footer = {
                "  nyala vacuum lineitem --data data",
                "  nyala vacuum --data data",
                "  nyala vacuum lineitem 4 --data data      its tablet 4, as `nyala describe` numbers them"
            })
    static final class Vacuum extends OfTablets {
        @Override
        CompletableFuture<Void> begunOn(Table open) {
            return open.vacuum();
        }

        @Override
        CompletableFuture<Void> begunOn(Table open, long tabletId) {
            return open.vacuum(tabletId);
        }
    }
}
