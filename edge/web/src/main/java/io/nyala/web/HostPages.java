package io.nyala.web;

import io.nyala.engine.EngineView;
import io.nyala.memory.AccountUsage;
import io.nyala.tablet.Merging;
import io.nyala.text.Figures;
import io.nyala.time.HybridTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Pages about the engine as a whole, its memory, scanners and maintenance. Thread-safe. */
final class HostPages {
    private final Catalog catalog;
    private final Instant started;

    /** When the program's pages came up. */
    HostPages(Catalog catalog, Instant started) {
        this.catalog = catalog;
        this.started = started;
    }

    private EngineView view() {
        return catalog.engine().view();
    }

    Page overview() {
        EngineView view = view();
        Sums sums = Sums.of(catalog.engine().tables());
        Page page = new Page("Overview");
        warnings(page, view, sums);
        page.facts(
                "",
                "version",
                Cell.text(catalog.host().version()),
                "uptime",
                Cell.millis(Duration.between(started, Instant.now()).toMillis()),
                "started",
                Cell.text(started.truncatedTo(ChronoUnit.SECONDS).toString()),
                "directory",
                Cell.text(view.directory().toAbsolutePath().toString()),
                "java",
                Cell.text(Runtime.version() + " on " + System.getProperty("os.arch")));
        addresses(page);
        rows(page, sums);
        memory(page, view);
        disk(page, view, sums);
        page.facts(
                "Pressure",
                "batches that wait for their turn",
                Cell.count(sums.undecidedBatches()),
                "tablets whose batches wait for memory",
                Cell.count(sums.held()),
                "tablets that are to be flushed",
                Cell.count(sums.awaitingFlush()).linkedTo("/maintenance"),
                "open scans",
                Cell.count(view.openScans()).linkedTo("/scans"));
        return done(page, view);
    }

    private static void warnings(Page page, EngineView view, Sums sums) {
        for (RuntimeException failure : view.failures()) {
            page.warning(Failures.text(failure));
        }
        sums.historyWarning().ifPresent(page::warning);
        if (sums.missingRowSets() > 0) {
            page.warning(Figures.count(sums.missingRowSets(), "rowset", "rowsets")
                    + " cannot be read, and what may concern their rows is refused; the pages of their tablets"
                    + " say why");
        }
        if (sums.failed() > 0) {
            page.warning(Figures.count(sums.failed(), "tablet takes", "tablets take") + " no writes any more");
        }
    }

    private void addresses(Page page) {
        List<Page.Fact> facts = new ArrayList<>();
        catalog.host().addresses().forEach((what, address) -> facts.add(new Page.Fact(what, Cell.text(address))));
        if (!facts.isEmpty()) {
            page.add(new Page.Facts("Addresses", facts));
        }
    }

    private void rows(Page page, Sums sums) {
        page.facts(
                "Data",
                "tables",
                Cell.count(catalog.engine().tables().size()).linkedTo("/tables"),
                "tablets",
                Cell.count(sums.tabletCount()).linkedTo("/tablets"),
                "rows",
                Cell.count(sums.liveRows()),
                "rows in memory",
                Cell.count(sums.freshRows()),
                "rowsets",
                Cell.count(sums.rowSets()));
    }

    private void disk(Page page, EngineView view, Sums sums) {
        page.facts(
                "Disk",
                "input and output",
                Cell.text(view.disk()),
                "rowsets",
                Cell.bytes(sums.diskBytes()),
                "of these delta files",
                Cell.bytes(sums.deltaBytes()),
                "of these history",
                Cell.bytes(sums.historyBytes()),
                "log retained",
                Cell.bytes(view.log().retainedBytes()),
                "log segments",
                Cell.count(view.log().segmentCount()),
                "log held by tablet",
                view.log().oldestTablet().isEmpty()
                        ? Cell.none()
                        : catalog.tabletCell(view.log().oldestTablet().getAsLong()),
                "log written",
                Cell.bytes(view.log().writtenBytes()),
                "log files prepared",
                Cell.bytes(view.log().preparedBytes()),
                "of what was written payload",
                Cell.bytes(view.log().payloadBytes()),
                "free",
                free(view.directory()));
    }

    private static Cell free(Path directory) {
        try {
            return Cell.bytes(Files.getFileStore(directory).getUsableSpace());
        } catch (IOException _) {
            return Cell.none();
        }
    }

    // ---- Memory ----

    Page memory() {
        EngineView view = view();
        Page page = new Page("Memory");
        memory(page, view);
        Runtime runtime = Runtime.getRuntime();
        page.facts(
                "Java heap",
                "used",
                used(runtime.totalMemory() - runtime.freeMemory(), 0, runtime.maxMemory()),
                "taken from the system",
                Cell.bytes(runtime.totalMemory()),
                "limit",
                Cell.bytes(runtime.maxMemory()));
        page.facts(
                "Page cache",
                "pages",
                Cell.count(view.cache().pageCount()),
                "bytes",
                Cell.bytes(view.cache().bytes()),
                "hits",
                Cell.count(view.cache().hits()),
                "misses",
                Cell.count(view.cache().misses()),
                "evictions",
                Cell.count(view.cache().evictions()));
        return page;
    }

    private static void memory(Page page, EngineView view) {
        long limit = view.memoryBytesMax();
        long used = view.memory().stream().mapToLong(AccountUsage::usedBytes).sum();
        List<List<Cell>> lines = new ArrayList<>();
        for (AccountUsage use : view.memory()) {
            lines.add(List.of(
                    Cell.text(use.owner()),
                    Cell.bytes(use.usedBytes()),
                    Cell.bytes(use.reservedBytes()),
                    Cell.bytes(use.peakBytes()),
                    share(use.usedBytes(), use.reservedBytes(), limit)));
        }
        page.facts(
                "Memory outside the heap",
                "used",
                used(used, 0, limit),
                "limit",
                Cell.bytes(limit),
                "peak",
                Cell.bytes(view.memoryBytesPeak()));
        page.add(new Page.Grid(
                "By purpose", List.of("purpose", "used", "reserved", "peak", "share"), lines, "Nothing is used."));
    }

    private static Cell used(long used, long reserved, long whole) {
        return Cell.bytes(used).with(share(used, reserved, whole).picture().orElseThrow());
    }

    private static Cell share(long used, long reserved, long whole) {
        double percent = 100.0 * used / Math.max(1, whole);
        String words = String.format(Locale.ROOT, "%.1f %% of %s", percent, Figures.bytes(whole));
        Cell cell = Cell.text("").with(Svg.bar(used, reserved, whole, words));
        return cell.withValue(Math.round(percent * 10) / 10.0, "percent");
    }

    // ---- What goes on ----

    private static Page done(Page page, EngineView view) {
        List<Page.Fact> facts = new ArrayList<>();
        for (Map.Entry<String, Long> counter : view.counters().entrySet()) {
            facts.add(new Page.Fact(counter.getKey(), Cell.count(counter.getValue())));
        }
        return page.add(new Page.Facts("Done since it was opened", facts));
    }

    Page scans(Request request) {
        List<OpenScanner> all = catalog.host().scanners();
        Page page = new Page("Scans");
        page.facts("", "open scans", Cell.count(view().openScans()), "scanners of clients", Cell.count(all.size()));
        int from = Math.min(request.from(), all.size());
        int to = Math.min(all.size(), from + Request.LINES_MAX);
        List<List<Cell>> lines = new ArrayList<>();
        for (OpenScanner scanner : all.subList(from, to)) {
            lines.add(List.of(
                    Cell.text(scanner.id()),
                    Cell.text(scanner.user()),
                    Cell.text(scanner.table()),
                    catalog.tabletCell(scanner.tabletId()),
                    Cell.text(HybridTime.format(scanner.snapshot())),
                    Cell.millis(scanner.ageMillis()),
                    Cell.millis(scanner.idleMillis())));
        }
        page.add(new Page.Grid(
                "Scanners",
                List.of("id", "user", "table", "tablet", "snapshot", "age", "idle"),
                lines,
                "No client has a scanner open."));
        return page.part(request, from, to, all.size());
    }

    Page maintenance() {
        EngineView view = view();
        Page page = new Page("Maintenance");
        view.failures().forEach(failure -> page.warning(Failures.text(failure)));
        page.facts(
                "",
                "tablet that is being flushed",
                view.flushingTablet().isPresent()
                        ? catalog.tabletCell(view.flushingTablet().getAsLong())
                        : Cell.none(),
                "of its rows in memory are written",
                view.flushedShare().isPresent()
                        ? Cell.text(String.format(
                                Locale.ROOT,
                                "%.0f %%",
                                100 * view.flushedShare().getAsDouble()))
                        : Cell.none(),
                "flushes",
                Cell.count(view.counters().getOrDefault("flushes", 0L)),
                "flushes failed",
                Cell.count(view.counters().getOrDefault("flushes failed", 0L)),
                "merges",
                Cell.count(view.counters().getOrDefault("merges", 0L)),
                "merges failed",
                Cell.count(view.counters().getOrDefault("merges failed", 0L)),
                "merges of delta files",
                Cell.count(view.counters().getOrDefault("merges of delta files", 0L)),
                "merges of delta files failed",
                Cell.count(view.counters().getOrDefault("merges of delta files failed", 0L)));
        written(page, view);
        List<List<Cell>> merges = new ArrayList<>();
        List<List<Cell>> lines = new ArrayList<>();
        int waiting = 0;
        for (Catalog.Shown shown : catalog.tablets(0, Integer.MAX_VALUE)) {
            shown.view().merge().ifPresent(merge -> merges.add(merging(shown, merge)));
            boolean hasFailed = shown.view().flushFailure().isPresent();
            if (!hasFailed && !shown.view().isFlushWanted()) {
                continue;
            }
            waiting++;
            if (lines.size() < Request.LINES_MAX) {
                lines.add(waiting(shown));
            }
        }
        page.add(new Page.Grid(
                "Rowsets that are merged",
                List.of("tablet", "table", "average height", "rowsets", "rows", "written", "share"),
                merges,
                "No merge is under way."));
        page.add(new Page.Grid(
                "Tablets that are to be flushed",
                List.of("tablet", "table", "rows in memory", "changes in memory", "failed"),
                lines,
                "No flush is due."));
        if (waiting > lines.size()) {
            page.note(Figures.count(waiting - lines.size()) + " more wait.");
        }
        return page;
    }

    private List<Cell> merging(Catalog.Shown shown, Merging.Progress merge) {
        long percent = 100 * merge.rowsWritten() / Math.max(1, merge.rowsMax());
        return List.of(
                catalog.tabletCell(shown.place().tabletId()),
                catalog.tableCell(shown.place().table()),
                Cell.text(height(shown)),
                Cell.count(merge.rowSetCount()),
                Cell.count(merge.rowsMax()),
                Cell.count(merge.rowsWritten()),
                Cell.text("")
                        .with(Svg.bar(merge.rowsWritten(), 0, merge.rowsMax(), percent + " %"))
                        .withValue(percent, "percent"));
    }

    /** What each byte that was flushed has cost by now. */
    private static void written(Page page, EngineView view) {
        long flushed = view.counters().getOrDefault("bytes written by flushes", 0L);
        long merged = view.counters().getOrDefault("bytes written by merges", 0L);
        long deltas = view.counters().getOrDefault("bytes written by merges of delta files", 0L);
        double amplification = (double) (flushed + merged + deltas) / flushed;
        page.facts(
                "Written since it was opened",
                "by flushes",
                Cell.bytes(flushed),
                "by merges",
                Cell.bytes(merged),
                "by merges of delta files",
                Cell.bytes(deltas),
                "write amplification",
                flushed == 0 ? Cell.none() : Cell.text(String.format(Locale.ROOT, "%.2f", amplification)));
    }

    private static String height(Catalog.Shown shown) {
        return shown.place()
                .table()
                .explain(shown.place().tabletId())
                .map(why -> String.format(Locale.ROOT, "%.3f", why.height()))
                .orElse("-");
    }

    private List<Cell> waiting(Catalog.Shown shown) {
        @Nullable
        String failure = shown.view().flushFailure().map(Failures::text).orElse(null);
        return List.of(
                catalog.tabletCell(shown.place().tabletId()),
                catalog.tableCell(shown.place().table()),
                Cell.bytes(shown.view().freshBytes()),
                Cell.bytes(shown.view().changeBytes()),
                failure == null ? Cell.none() : Cell.text(failure));
    }

    /** For who watches whether it works: one word, or what does not. */
    Answer health() {
        List<RuntimeException> failures = view().failures();
        if (failures.isEmpty()) {
            return Answer.of(200, Answer.TEXT, "OK\n");
        }
        StringBuilder why = new StringBuilder();
        failures.forEach(failure -> why.append(Failures.text(failure)).append('\n'));
        return Answer.of(503, Answer.TEXT, why.toString());
    }
}
