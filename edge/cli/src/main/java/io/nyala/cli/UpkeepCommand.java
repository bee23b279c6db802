package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.maintenance.TabletUpkeep;
import io.nyala.table.TableStatistics;
import io.nyala.table.TabletStatistics;
import io.nyala.tablet.Merging;
import io.nyala.tablet.TabletView;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
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

    /** A table, or tablets of it, before and after, and what was left undone. */
    record Done(
            String table, TableStatistics before, TableStatistics after, long nanos, List<TabletUpkeep.Left> left) {}

    /** Begins what is to be done with a table; answers what could not be. */
    abstract CompletableFuture<List<TabletUpkeep.Left>> begin(Table open);

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
                Meter meter = new Meter(open.views(0, Integer.MAX_VALUE));
                long start = System.nanoTime();
                List<TabletUpkeep.Left> left = await(open, meter, begin(open));
                all.add(new Done(open.name(), before, statistics(open), System.nanoTime() - start, left));
            }
        }
        return report(all, isJson, spec.commandLine());
    }

    /** Says what was done, and complains of what was left; answers the exit code. */
    static int report(List<Done> all, boolean isJson, CommandLine command) {
        PrintWriter out = command.getOut();
        if (isJson) {
            out.println(Json.text(all.stream().map(UpkeepCommand::json).toList()));
        } else {
            print(all, out);
        }
        boolean isAllDone = true;
        for (Done done : all) {
            for (TabletUpkeep.Left left : done.left()) {
                command.getErr().println(done.table() + ": " + left);
                isAllDone = false;
            }
        }
        return isAllDone ? Main.OK : Main.LEFT;
    }

    /** Shows how it goes on. What it fails with is what has failed, not that something has. */
    private <T> T await(Table open, Meter meter, CompletableFuture<T> work) {
        String label = spec.name() + " " + open.name();
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr(), label, "rows")) {
            return bar.during(() -> meter.show(open.views(0, Integer.MAX_VALUE), bar), work::join);
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /**
     * How far all is that a command does to a table: rows that were in memory, and those of merges, which become known
     * one after the other, so that there are more of them with each; what is done never becomes less.
     */
    static final class Meter {
        private final long freshBefore;
        private final Map<Long, Merging.Progress> running = new HashMap<>();
        private long fresh;
        private long endedRows;

        Meter(List<TabletView> before) {
            this(before.stream().mapToLong(TabletView::freshRowCount).sum());
        }

        Meter(long freshBefore) {
            this.freshBefore = freshBefore;
            this.fresh = freshBefore;
        }

        void show(List<TabletView> now, ProgressBar bar) {
            fresh(now.stream().mapToLong(TabletView::freshRowCount).sum());
            now.forEach(tablet -> merge(tablet.tabletId(), tablet.merge()));
            bar.update(done(), total());
        }

        /** So many rows are in memory yet. */
        void fresh(long rows) {
            fresh = Math.min(fresh, rows); // Others may write.
        }

        /** How far the merge in a tablet is, if there is one. */
        void merge(long tabletId, Optional<Merging.Progress> now) {
            Merging.Progress before = running.get(tabletId);
            boolean isSame = before != null
                    && now.isPresent()
                    && now.get().rowsMax() == before.rowsMax()
                    && now.get().rowsWritten() >= before.rowsWritten();
            if (before != null && !isSame) {
                endedRows += before.rowsMax();
                running.remove(tabletId);
            }
            now.ifPresent(progress -> running.put(tabletId, progress));
        }

        long done() {
            return freshBefore
                    - fresh
                    + endedRows
                    + running.values().stream()
                            .mapToLong(Merging.Progress::rowsWritten)
                            .sum();
        }

        long total() {
            return freshBefore
                    + endedRows
                    + running.values().stream()
                            .mapToLong(Merging.Progress::rowsMax)
                            .sum();
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
        all.put("left", done.left().stream().map(UpkeepCommand::json).toList());
        return all;
    }

    private static Map<String, Object> json(TableStatistics statistics) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("rowsets", statistics.rowSetCount());
        all.put("diskBytes", statistics.diskBytes());
        all.put("memoryBytes", statistics.memoryBytes());
        return all;
    }

    private static Map<String, Object> json(TabletUpkeep.Left left) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("tablet", left.tabletId());
        all.put("rowsets", left.rowSets());
        all.put("reason", left.reason());
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
        CompletableFuture<List<TabletUpkeep.Left>> begin(Table open) {
            return open.flush().thenApply(_ -> List.of());
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
        CompletableFuture<List<TabletUpkeep.Left>> begin(Table open) {
            Long one = tablet;
            return open.flush().thenCompose(_ -> one == null ? begunOn(open) : begunOn(open, one));
        }

        /** What is in memory is on disk. */
        abstract CompletableFuture<List<TabletUpkeep.Left>> begunOn(Table open);

        abstract CompletableFuture<List<TabletUpkeep.Left>> begunOn(Table open, long tabletId);
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
        CompletableFuture<List<TabletUpkeep.Left>> begunOn(Table open) {
            return open.compact();
        }

        @Override
        CompletableFuture<List<TabletUpkeep.Left>> begunOn(Table open, long tabletId) {
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
        CompletableFuture<List<TabletUpkeep.Left>> begunOn(Table open) {
            return open.vacuum();
        }

        @Override
        CompletableFuture<List<TabletUpkeep.Left>> begunOn(Table open, long tabletId) {
            return open.vacuum(tabletId);
        }
    }
}
