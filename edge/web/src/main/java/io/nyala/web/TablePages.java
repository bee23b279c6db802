package io.nyala.web;

import io.nyala.catalog.TableDescription;
import io.nyala.engine.Table;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pages about tables. Thread-safe. */
final class TablePages {
    private final Catalog catalog;
    private final TabletPages tablets;

    TablePages(Catalog catalog, TabletPages tablets) {
        this.catalog = catalog;
        this.tablets = tablets;
    }

    Page all(Request request) {
        List<Table> all = new ArrayList<>(catalog.engine().tables());
        all.addAll(catalog.engine().droppedTables());
        int from = Math.min(request.from(), all.size());
        int to = Math.min(all.size(), from + Request.LINES_MAX);
        List<List<Cell>> lines = new ArrayList<>();
        for (Table table : all.subList(from, to)) {
            Sums sums = Sums.of(table);
            lines.add(List.of(
                    catalog.tableCell(table),
                    Cell.number(table.id()),
                    Cell.count(sums.tabletCount()),
                    Cell.count(sums.liveRows()),
                    Cell.bytes(sums.diskBytes()),
                    Cell.bytes(sums.freshBytes() + sums.changeBytes()),
                    Cell.text(table.owner()),
                    Cell.text(state(table, sums))));
        }
        Page page = new Page("Tables");
        page.add(new Page.Grid(
                "Tables",
                List.of("name", "id", "tablets", "rows", "on disk", "in memory", "owner", "state"),
                lines,
                "There is no table yet."));
        return page.part(request, from, to, all.size());
    }

    private static String state(Table table, Sums sums) {
        if (table.isDropped()) {
            return "dropped";
        }
        if (sums.failed() > 0) {
            return "failed, " + sums.failed() + " of " + sums.tabletCount() + " tablets";
        }
        if (sums.missingRowSets() > 0) {
            return "rowsets missing, " + sums.missingRowSets();
        }
        return sums.held() > 0 ? "waits for memory" : "running";
    }

    Page one(Request request) {
        Table table = catalog.table(request);
        Sums sums = Sums.of(table);
        Page page = new Page("Table " + Cell.cut(table.name()));
        if (table.isDropped()) {
            page.warning("It was dropped, and can be recalled for a while.");
        }
        table.missingRowSets().stream()
                .limit(Request.LINES_MAX)
                .forEach(missing -> page.warning("Set aside: " + missing + ": " + Failures.text(missing.cause())));
        sums.historyWarning().ifPresent(page::warning);
        String partitioning = table.partitions().schema().toString();
        page.facts(
                "",
                "name",
                Cell.text(table.name()),
                "id",
                Cell.number(table.id()),
                "id of clients",
                Cell.text(catalog.host().tableId(table.id())),
                "owner",
                Cell.text(table.owner()),
                "comment",
                Cell.text(table.comment()),
                "history kept",
                history(table.historySecondsMax()),
                "schema version",
                Cell.number(table.schema().version()),
                "partitioning",
                Cell.text(partitioning.isEmpty() ? "none" : partitioning),
                "tablets",
                Cell.count(sums.tabletCount()),
                "rows",
                Cell.count(sums.liveRows()),
                "rowsets",
                Cell.count(sums.rowSets()),
                "on disk",
                Cell.bytes(sums.diskBytes()),
                "of these delta files",
                Cell.bytes(sums.deltaBytes()),
                "of these history",
                Cell.bytes(sums.historyBytes()),
                "in memory",
                Cell.bytes(sums.freshBytes() + sums.changeBytes()));
        page.add(columns(table));
        int count = table.tablets().size();
        int from = Math.min(request.from(), count);
        int to = Math.min(count, from + Request.LINES_MAX);
        page.add(tablets.grid(Catalog.tablets(table, from, to)));
        return page.part(request, from, to, count);
    }

    private static Cell history(long seconds) {
        return seconds == TableDescription.HISTORY_FOREVER
                ? Cell.text("for ever")
                : Cell.millis(Duration.ofSeconds(seconds).toMillis());
    }

    private static Page.Grid columns(Table table) {
        List<List<Cell>> lines = new ArrayList<>();
        for (Column column : table.schema().columns()) {
            lines.add(List.of(
                    Cell.number(column.id()),
                    Cell.text(column.name()),
                    Cell.text(type(column)),
                    Cell.flag(column.isKey()),
                    Cell.flag(column.isNullable()),
                    value(column, column.writeDefault()),
                    Cell.text(column.encoding().toString()),
                    Cell.text(column.compression().toString()),
                    Cell.text(column.comment())));
        }
        return new Page.Grid(
                "Columns",
                List.of("id", "name", "type", "key", "nullable", "default", "encoding", "compression", "comment"),
                lines,
                "There is no column.");
    }

    private static String type(Column column) {
        Column.Attributes attributes = column.attributes();
        if (column.type().isDecimal()) {
            return column.type() + "(" + attributes.precision() + ", " + attributes.scale() + ")";
        }
        return attributes.lengthChars() > 0 ? column.type() + "(" + attributes.lengthChars() + ")" : "" + column.type();
    }

    private static String text(Object value) {
        return value instanceof byte[] bytes ? "0x" + HexFormat.of().formatHex(bytes) : value.toString();
    }

    private static Cell value(Column column, @Nullable CellValue value) {
        return value == null ? Cell.none() : Cell.text(text(value.toObject(column)));
    }
}
