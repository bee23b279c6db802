package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.table.TableStatistics;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nyala ls}: the tables of an engine. One thread. */
@Command(
        name = "ls",
        description = "List the tables. No other engine may have the directory open.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {"  nyala ls --data data", "  nyala ls --json | jq -r .[].name"})
final class ListCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private DataDirectory data = new DataDirectory();

    @Option(names = "--json", description = "Print JSON instead of a table.")
    private boolean isJson;

    @Override
    public Integer call() {
        try (Engine engine = data.open()) {
            List<Table> tables = new ArrayList<>(engine.tables());
            tables.addAll(engine.droppedTables());
            PrintWriter out = spec.commandLine().getOut();
            if (isJson) {
                out.println(Json.text(tables.stream().map(ListCommand::json).toList()));
            } else {
                print(tables, out);
            }
        }
        return Main.OK;
    }

    private static void print(List<Table> tables, PrintWriter out) {
        TextTable lines = new TextTable("table", ">id", ">tablets", ">rows", ">on disk", ">in memory", "owner", "");
        for (Table table : tables) {
            TableStatistics statistics = table.statistics();
            lines.row(
                    table.name(),
                    String.valueOf(table.id()),
                    Figures.count(statistics.tablets().size()),
                    Figures.count(statistics.liveRowCount()),
                    Figures.bytes(statistics.diskBytes()),
                    Figures.bytes(statistics.memoryBytes()),
                    table.owner(),
                    table.isDropped() ? "dropped" : "");
        }
        lines.print(out);
        out.println(Figures.count(tables.size(), "table", "tables"));
    }

    private static Map<String, Object> json(Table table) {
        TableStatistics statistics = table.statistics();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("name", table.name());
        all.put("id", table.id());
        all.put("owner", table.owner());
        all.put("tablets", statistics.tablets().size());
        all.put("rows", statistics.liveRowCount());
        all.put("diskBytes", statistics.diskBytes());
        all.put("memoryBytes", statistics.memoryBytes());
        all.put("dropped", table.isDropped());
        return all;
    }
}
