package io.nyala.cli;

import io.nyala.compaction.Lane;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.RowSetShape;
import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.maintenance.TabletExplanation;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowLayout;
import io.nyala.tablet.TabletView;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import io.nyala.time.HybridTime;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code nyala explain}: how the rowsets of tablets lie along their keys, and which of them would be merged and why.
 *
 * <pre>{@code
 *       rowset     rows     bytes  changes  least key to greatest
 *    -  ------  -------  --------  -------  ------------------------------------------
 *    *       3  120,000   3.2 MiB      0 B  |##################                      |
 *    *       7   80,000   2.1 MiB  1.0 KiB  |            ######################      |
 *            9   20,000   0.6 MiB      0 B  |                                  ######|
 * }</pre>
 *
 * <pre>{@code
 *   merged in this order, where several could be:
 *   lane              score  tablet  waits for
 *   ----------------  -----  ------  ------------
 *   keep reads fast   1.902       4  -
 *   keep reads fast   0.731       2  tablet 4
 *   reclaim space     0.020       3  tablet 2, 16 turns at most
 * }</pre>
 *
 * <p>Keys have no distances: the line of keys is stretched by data, so that a rowset is as long as the share of all
 * look-ups that have to ask it. One thread.
 */
@Command(
        name = "explain",
        description = {
            "Show how the rowsets of a table lie along the keys of each tablet, and which of them would be merged next"
                    + " (*), or have delta files that would be, and why.",
            "The last table says in which order several tablets would be merged. Flushes come before: lanes are, the"
                    + " most urgent first, to free the log, to free memory, to keep reads fast, and to reclaim space;"
                    + " in a lane the highest score is next. Whoever was passed over often enough has a turn.",
            "A rowset is as long as the share of look-ups that have to ask it; where two lie above one another both are"
                    + " asked. No other engine may have the directory open: of one that is, its web page of the tablet"
                    + " shows the same."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala explain lineitem --data data",
            "  nyala explain lineitem 4 --data data      its tablet 4, as `nyala describe` numbers them",
            "  nyala explain lineitem --json | jq '.[].height'"
        })
final class ExplainCommand implements Callable<Integer> {
    private static final int BAR_CHARS = 40;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "TABLE", description = "Name of the table.")
    private String table = "";

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "TABLET",
            description = "Number of one of its tablets; else all of them.")
    private @Nullable Long tablet;

    @Mixin
    private DataDirectory data = new DataDirectory();

    @Option(
            names = "--rowsets",
            paramLabel = "COUNT",
            defaultValue = "40",
            description = "Most that are shown of a tablet (${DEFAULT-VALUE}): those that would be merged, then the"
                    + " largest.")
    private int rowSetsMax;

    @Option(names = "--json", description = "Print JSON, of all rowsets, instead of pictures.")
    private boolean isJson;

    @Override
    public Integer call() {
        if (rowSetsMax < 1) {
            throw new UsageException("--rowsets must be at least 1, was " + rowSetsMax);
        }
        try (Engine engine = data.open()) {
            Table open = data.table(engine, table);
            Long one = tablet;
            List<TabletExplanation> all = one == null
                    ? open.explain()
                    : List.of(open.explain(one).orElseThrow(() -> DataDirectory.noTablet(open, one)));
            var keys = new KeyCodec(new RowLayout(open.schema()));
            PrintWriter out = spec.commandLine().getOut();
            if (isJson) {
                Map<Long, TabletExplanation> before = before(all);
                out.println(Json.text(all.stream()
                        .map(tablet -> json(tablet, before.get(tablet.tabletId()), historyBytes(open, tablet), keys))
                        .toList()));
            } else {
                warnOfSnapshots(open, HybridTime.micros(engine.now()), out);
                all.forEach(explanation -> print(explanation, keys, out));
                printOrder(all, out);
            }
        }
        return Main.OK;
    }

    /** Of the oldest, if the table would have given its history up by now. */
    private static void warnOfSnapshots(Table table, long nowMicros, PrintWriter out) {
        Optional<SnapshotCommand.Kept> oldest = SnapshotCommand.Kept.all(table, nowMicros).stream()
                .filter(SnapshotCommand.Kept::isOld)
                .max(Comparator.comparingLong(SnapshotCommand.Kept::seconds));
        if (oldest.isEmpty()) {
            return;
        }
        long historyBytes = 0;
        long deltaBytes = 0;
        for (TabletView view : table.views(0, Integer.MAX_VALUE)) {
            historyBytes += view.historyBytes();
            deltaBytes += view.deltaBytes();
        }
        out.printf(
                Locale.ROOT,
                "warning: snapshot \"%s\" keeps history since %,d s ago, and the table would keep %,d s; on disk there"
                        + " are %s of history and %s of changes. If nobody needs it: nyala snapshot drop %s %s%n%n",
                oldest.get().name(),
                oldest.get().seconds(),
                table.historySecondsMax(),
                Figures.bytes(historyBytes),
                Figures.bytes(deltaBytes),
                table.name(),
                oldest.get().name());
    }

    private void print(TabletExplanation tablet, KeyCodec keys, PrintWriter out) {
        List<MergePolicy.Placed> rowSets = tablet.rowSets();
        long bytes =
                rowSets.stream().mapToLong(placed -> placed.shape().bytes()).sum();
        out.println("tablet " + tablet.tabletId() + ": " + Figures.count(rowSets.size(), "rowset", "rowsets") + ", "
                + Figures.bytes(bytes) + String.format(Locale.ROOT, ", average height %.3f", tablet.height()));
        out.println("  " + tablet.choice().reason());
        if (!rowSets.isEmpty()) {
            bars(tablet, out);
            out.println("  keys " + keys.describe(least(rowSets)) + " to " + keys.describe(greatest(rowSets)));
        }
        out.println();
    }

    static void printOrder(List<TabletExplanation> tablets, PrintWriter out) {
        List<TabletExplanation> order = TabletExplanation.inOrder(tablets);
        if (order.isEmpty()) {
            return;
        }
        out.println("merged in this order, where several could be:");
        TextTable lines = new TextTable("lane", ">score", ">tablet", "waits for");
        Map<Long, TabletExplanation> before = before(tablets);
        for (TabletExplanation tablet : order) {
            lines.row(
                    tablet.lane().orElseThrow().words(),
                    String.format(Locale.ROOT, "%.3f", tablet.score()),
                    Long.toString(tablet.tabletId()),
                    waitsFor(tablet, before.get(tablet.tabletId())));
        }
        lines.print(out);
    }

    /** Of a higher lane it does not wait for all. */
    private static String waitsFor(TabletExplanation tablet, @Nullable TabletExplanation before) {
        if (before == null) {
            return "-";
        }
        Lane lane = tablet.lane().orElseThrow();
        boolean isSame = before.lane().equals(tablet.lane());
        return "tablet " + before.tabletId() + (isSame ? "" : ", " + lane.patience() + " turns at most");
    }

    /** By tablet the one that it comes behind; none for the first, nor for those in which nothing is to be merged. */
    private static Map<Long, TabletExplanation> before(List<TabletExplanation> tablets) {
        Map<Long, TabletExplanation> before = new HashMap<>();
        List<TabletExplanation> order = TabletExplanation.inOrder(tablets);
        for (int i = 1; i < order.size(); i++) {
            before.put(order.get(i).tabletId(), order.get(i - 1));
        }
        return before;
    }

    private static byte[] least(List<MergePolicy.Placed> rowSets) {
        return rowSets.stream()
                .map(placed -> placed.shape().minKey())
                .min(Arrays::compareUnsigned)
                .orElseThrow();
    }

    private static byte[] greatest(List<MergePolicy.Placed> rowSets) {
        return rowSets.stream()
                .map(placed -> placed.shape().maxKey())
                .max(Arrays::compareUnsigned)
                .orElseThrow();
    }

    private void bars(TabletExplanation tablet, PrintWriter out) {
        List<Long> chosen = tablet.choice().fileIds();
        Set<Long> shown = tablet.rowSets().stream()
                .map(MergePolicy.Placed::shape)
                .sorted(Comparator.comparing((RowSetShape shape) -> chosen.contains(shape.fileId()))
                        .thenComparingLong(RowSetShape::bytes)
                        .reversed())
                .limit(rowSetsMax)
                .map(RowSetShape::fileId)
                .collect(Collectors.toSet());
        TextTable lines = new TextTable("", ">rowset", ">rows", ">bytes", ">changes", "least key to greatest");
        for (MergePolicy.Placed placed : tablet.rowSets()) {
            RowSetShape shape = placed.shape();
            if (!shown.contains(shape.fileId())) {
                continue;
            }
            lines.row(
                    chosen.contains(shape.fileId()) ? "*" : "",
                    Long.toString(shape.fileId()),
                    Figures.count(shape.rowCount()),
                    Figures.bytes(shape.bytes()),
                    Figures.bytes(shape.changeBytes()),
                    bar(placed));
        }
        lines.print(out);
        int left = tablet.rowSets().size() - shown.size();
        if (left > 0) {
            out.println("  and " + Figures.count(left) + " more; --rowsets shows them");
        }
    }

    private static String bar(MergePolicy.Placed placed) {
        int begin = Math.clamp((int) (placed.from() * BAR_CHARS), 0, BAR_CHARS - 1);
        int end = Math.clamp(Math.round(placed.to() * BAR_CHARS), begin + 1, BAR_CHARS);
        return "|" + " ".repeat(begin) + "#".repeat(end - begin) + " ".repeat(BAR_CHARS - end) + "|";
    }

    private static long historyBytes(Table table, TabletExplanation tablet) {
        return table.view(tablet.tabletId()).map(TabletView::historyBytes).orElse(0L);
    }

    private static Map<String, @Nullable Object> json(
            TabletExplanation tablet, @Nullable TabletExplanation before, long historyBytes, KeyCodec keys) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("tablet", tablet.tabletId());
        all.put("height", tablet.height());
        all.put("historyBytes", historyBytes);
        all.put("merge", tablet.choice().fileIds());
        all.put("mergeDeltaFiles", tablet.choice().deltaFileIds());
        all.put("gain", tablet.choice().gain());
        all.put("reason", tablet.choice().reason());
        all.put("lane", tablet.lane().map(Lane::words).orElse(null));
        all.put("score", tablet.score());
        all.put("waitsForTablet", before == null ? null : before.tabletId());
        all.put(
                "rowsets",
                tablet.rowSets().stream().map(placed -> json(placed, keys)).toList());
        return all;
    }

    private static Map<String, Object> json(MergePolicy.Placed placed, KeyCodec keys) {
        RowSetShape shape = placed.shape();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("rowset", shape.fileId());
        all.put("rows", shape.rowCount());
        all.put("bytes", shape.bytes());
        all.put("changeBytes", shape.changeBytes());
        all.put("deltaFiles", shape.deltaFiles().size());
        all.put("from", placed.from());
        all.put("to", placed.to());
        all.put("leastKey", keys.describe(shape.minKey()));
        all.put("greatestKey", keys.describe(shape.maxKey()));
        return all;
    }
}
