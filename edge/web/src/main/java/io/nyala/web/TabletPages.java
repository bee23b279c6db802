package io.nyala.web;

import io.nyala.compaction.Lane;
import io.nyala.compaction.WritePace;
import io.nyala.engine.Table;
import io.nyala.maintenance.TabletExplanation;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowLayout;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.TabletView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Pages about tablets. Thread-safe. */
final class TabletPages {
    private final Catalog catalog;

    TabletPages(Catalog catalog) {
        this.catalog = catalog;
    }

    Page all(Request request) {
        int count = catalog.tabletCount();
        int from = Math.min(request.from(), count);
        int to = Math.min(count, from + Request.LINES_MAX);
        return new Page("Tablets").add(grid(catalog.tablets(from, to))).part(request, from, to, count);
    }

    Page.Grid grid(List<Catalog.Shown> tablets) {
        long durableUpTo = catalog.engine().view().log().durableUpTo();
        List<List<Cell>> lines = new ArrayList<>();
        for (Catalog.Shown shown : tablets) {
            TabletView view = shown.view();
            lines.add(List.of(
                    catalog.tabletCell(view.tabletId()),
                    catalog.tableCell(shown.place().table()),
                    Cell.text(shown.place().partition()),
                    Cell.text(state(view)),
                    Cell.count(view.liveRowCount()),
                    Cell.count(view.freshRowCount()),
                    Cell.bytes(view.freshBytes() + view.changeBytes()),
                    Cell.count(view.rowSetCount()),
                    Cell.bytes(view.diskBytes()),
                    Cell.bytes(view.deltaBytes()),
                    Cell.bytes(view.historyBytes()),
                    logRecords(view, durableUpTo)));
        }
        return new Page.Grid(
                "Tablets",
                List.of(
                        "id",
                        "table",
                        "partition",
                        "state",
                        "rows",
                        "rows in memory",
                        "in memory",
                        "rowsets",
                        "on disk",
                        "delta files",
                        "history",
                        "log records"),
                lines,
                "There is no tablet yet.");
    }

    private static String state(TabletView view) {
        if (view.failure().isPresent()) {
            return "failed";
        }
        if (!view.missing().isEmpty()) {
            return "rowsets missing";
        }
        if (view.isHeld()) {
            return "waits for memory";
        }
        return view.bytesPerSecondMax() == WritePace.UNLIMITED ? "running" : "slowed, since merges have fallen behind";
    }

    /** How far back the log is kept for the tablet. */
    private static Cell logRecords(TabletView view, long durableUpTo) {
        return view.neededFrom() == Long.MAX_VALUE
                ? Cell.count(0)
                : Cell.count(Math.max(0, durableUpTo - view.neededFrom() + 1));
    }

    Page one(Request request) {
        Catalog.Place place = catalog.tablet(request);
        Table table = place.table();
        TabletView view = table.view(place.tabletId())
                .orElseThrow(() -> WebException.notFound("tablet " + place.tabletId() + " was dropped just now"));
        Page page = new Page("Tablet " + place.tabletId());
        view.failure().ifPresent(reason -> page.warning("It takes no writes any more: " + Failures.text(reason)));
        view.flushFailure().ifPresent(reason -> page.warning("Its last flush failed: " + Failures.text(reason)));
        for (MissingRowSet missing :
                view.missing().stream().limit(Request.LINES_MAX).toList()) {
            page.warning("Set aside: " + missing + ": " + Failures.text(missing.cause()));
        }
        Sums.of(view).historyWarning().ifPresent(page::warning);
        facts(page, place, view);
        List<RowSetEntry> rowSets = new ArrayList<>(table.rowSets(place.tabletId()));
        rowSets.sort(Comparator.comparing(RowSetEntry::minKey, Arrays::compareUnsigned)
                .thenComparingLong(RowSetEntry::fileId));
        int from = Math.min(request.from(), rowSets.size());
        int to = Math.min(rowSets.size(), from + Request.LINES_MAX);
        KeyCodec keys = new KeyCodec(new RowLayout(table.schema()));
        Optional<TabletExplanation> explanation = table.explain(place.tabletId());
        Set<Long> chosen =
                explanation.map(why -> Set.copyOf(why.choice().fileIds())).orElse(Set.of());
        if (!rowSets.isEmpty()) {
            RowSetPicture picture = RowSetPicture.of(rowSets.subList(from, to), keys, chosen);
            page.add(new Page.Drawing("Rowset layout", picture.draw(), picture.words()));
            page.facts("Layout", "average height", picture.height(), "lanes", Cell.count(picture.laneCount()));
        }
        explanation.ifPresent(why -> merging(page, why));
        page.add(grid(rowSets.subList(from, to), chosen, keys));
        return page.part(request, from, to, rowSets.size());
    }

    private static void merging(Page page, TabletExplanation why) {
        page.facts(
                "Merging",
                "next",
                Cell.text(why.choice().reason()),
                "lane",
                why.lane().map(Lane::words).map(Cell::text).orElseGet(Cell::none),
                "score",
                Cell.text(String.format(Locale.ROOT, "%.3f", why.score())),
                "when",
                Cell.text(why.plan()));
    }

    private void facts(Page page, Catalog.Place place, TabletView view) {
        long durableUpTo = catalog.engine().view().log().durableUpTo();
        page.facts(
                "",
                "id",
                Cell.number(view.tabletId()),
                "id of clients",
                Cell.text(catalog.host().tabletId(view.tabletId())),
                "table",
                catalog.tableCell(place.table()),
                "partition",
                Cell.text(place.partition()),
                "state",
                Cell.text(state(view)),
                "batches taken in a second, at most",
                view.bytesPerSecondMax() == WritePace.UNLIMITED ? Cell.text("-") : Cell.bytes(view.bytesPerSecondMax()),
                "rows",
                Cell.count(view.liveRowCount()),
                "rows with deleted ones",
                Cell.count(view.rowCount()),
                "rows in memory",
                Cell.count(view.freshRowCount()),
                "memory of rows",
                Cell.bytes(view.freshBytes()),
                "memory of changes",
                Cell.bytes(view.changeBytes()),
                "sealed MemRowSets",
                Cell.count(view.sealedCount()),
                "on disk",
                Cell.bytes(view.diskBytes()),
                "delta files",
                Cell.bytes(view.deltaBytes()),
                "history",
                Cell.bytes(view.historyBytes()),
                "log records",
                logRecords(view, durableUpTo),
                "batches that wait",
                Cell.count(view.undecidedBatches()),
                "flush due",
                Cell.flag(view.isFlushWanted()));
    }

    private static Page.Grid grid(List<RowSetEntry> rowSets, Set<Long> chosen, KeyCodec keys) {
        List<List<Cell>> lines = new ArrayList<>();
        for (RowSetEntry rowSet : rowSets) {
            lines.add(List.of(
                    Cell.number(rowSet.fileId()),
                    Cell.count(rowSet.rowCount()),
                    Cell.bytes(rowSet.fileBytes()),
                    Cell.count(rowSet.deltas().size()),
                    Cell.bytes(rowSet.deltaBytes()),
                    Cell.count(rowSet.deltas().stream()
                            .mapToLong(DeltaFileEntry::changeCount)
                            .sum()),
                    Cell.flag(chosen.contains(rowSet.fileId())),
                    Cell.text(keys.describe(rowSet.minKey())),
                    Cell.text(keys.describe(rowSet.maxKey()))));
        }
        return new Page.Grid(
                "Rowsets",
                List.of(
                        "file",
                        "rows",
                        "bytes",
                        "delta files",
                        "delta bytes",
                        "changes",
                        "merged next",
                        "least key",
                        "greatest key"),
                lines,
                "All rows are in memory.");
    }
}
