package io.nyala.cli;

import io.nyala.catalog.TableDescription;
import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.rows.Column;
import io.nyala.table.TableStatistics;
import io.nyala.table.TabletStatistics;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nyala describe}: what a table is made of, and what is in each of its tablets. One thread. */
@Command(
        name = "describe",
        description = "Show columns, partitions and tablets of a table. No other engine may have the directory open.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {"  nyala describe lineitem --data data", "  nyala describe lineitem --json | jq .tablets"})
final class DescribeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "TABLE", description = "Name of the table.")
    private String table = "";

    @Mixin
    private DataDirectory data = new DataDirectory();

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean isJson;

    @Override
    public Integer call() {
        try (Engine engine = data.open()) {
            Table found = data.table(engine, table);
            PrintWriter out = spec.commandLine().getOut();
            if (isJson) {
                out.println(Json.text(json(found)));
            } else {
                print(found, out);
            }
        }
        return Main.OK;
    }

    private static void print(Table table, PrintWriter out) {
        TableStatistics statistics = table.statistics();
        TextTable head = new TextTable("", "");
        head.row("table", table.name());
        head.row("id", String.valueOf(table.id()));
        head.row("owner", table.owner());
        head.row("comment", table.comment());
        head.row("history", history(table));
        table.settings().forEach(head::row);
        head.row("schema version", String.valueOf(table.schema().version()));
        head.row("partitioning", partitioning(table));
        head.row("rows", Figures.count(statistics.liveRowCount()));
        head.row("on disk", Figures.bytes(statistics.diskBytes()));
        head.row("in memory", Figures.bytes(statistics.memoryBytes()));
        head.print(out);
        out.println();
        TextTable columns = new TextTable(">id", "column", "encoding", "compression", "");
        for (Column column : table.schema().columns()) {
            columns.row(
                    String.valueOf(column.id()),
                    typed(column),
                    column.encoding().name(),
                    column.compression().name(),
                    column.comment());
        }
        columns.print(out);
        out.println();
        TextTable tablets = new TextTable(">tablet", ">rows", ">rowsets", ">on disk", ">in memory", "partition");
        for (TabletStatistics tablet : statistics.tablets()) {
            tablets.row(
                    String.valueOf(tablet.tabletId()),
                    Figures.count(tablet.liveRowCount()),
                    Figures.count(tablet.rowSetCount()),
                    Figures.bytes(tablet.diskBytes()),
                    Figures.bytes(tablet.memoryBytes()),
                    table.partitions().schema().describe(tablet.partition()));
        }
        tablets.print(out);
    }

    /** Name and type of a column. */
    static String typed(Column column) {
        return column.name() + " " + column.describeType();
    }

    private static String partitioning(Table table) {
        String text = table.partitions().schema().toString();
        return text.isEmpty() ? "none" : text;
    }

    private static String history(Table table) {
        long seconds = table.historySecondsMax();
        if (seconds == TableDescription.HISTORY_FOREVER) {
            return "for ever";
        }
        long days = Duration.ofSeconds(seconds).toDays();
        return days * 86_400 == seconds
                ? Figures.count(days, "day", "days")
                : Figures.count(seconds, "second", "seconds");
    }

    private static Map<String, Object> json(Table table) {
        TableStatistics statistics = table.statistics();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("name", table.name());
        all.put("id", table.id());
        all.put("owner", table.owner());
        all.put("comment", table.comment());
        all.put("historySecondsMax", table.historySecondsMax());
        all.put("settings", new LinkedHashMap<>(table.settings()));
        all.put("schemaVersion", table.schema().version());
        all.put(
                "columns",
                table.schema().columns().stream().map(DescribeCommand::json).toList());
        all.put("partitioning", table.partitions().schema().toString());
        all.put("rows", statistics.liveRowCount());
        all.put("diskBytes", statistics.diskBytes());
        all.put("memoryBytes", statistics.memoryBytes());
        List<Map<String, Object>> tablets =
                statistics.tablets().stream().map(tablet -> json(table, tablet)).toList();
        all.put("tablets", tablets);
        return all;
    }

    private static Map<String, Object> json(Column column) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("id", column.id());
        all.put("name", column.name());
        all.put("type", column.type().toString());
        all.put("key", column.isKey());
        all.put("nullable", column.isNullable());
        all.put("immutable", column.isImmutable());
        all.put("encoding", column.encoding().toString());
        all.put("compression", column.compression().toString());
        all.put("comment", column.comment());
        return all;
    }

    private static Map<String, Object> json(Table table, TabletStatistics tablet) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("id", tablet.tabletId());
        all.put("partition", table.partitions().schema().describe(tablet.partition()));
        all.put("rows", tablet.liveRowCount());
        all.put("rowsets", tablet.rowSetCount());
        all.put("diskBytes", tablet.diskBytes());
        all.put("memoryBytes", tablet.memoryBytes());
        return all;
    }
}
