package io.nyala.cli;

import io.nyala.engine.AlterTable;
import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnCompression;
import io.nyala.rows.ColumnEncoding;
import io.nyala.text.TextTable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nyala alter}: how columns of a table are to be encoded and compressed. One thread. */
@Command(
        name = "alter",
        description = {
            "Say how columns of a table are to be encoded and compressed.",
            "That holds for what is written from then on; rowsets on disk stay as they are until they are merged. No"
                    + " other engine may have the directory open."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala alter lineitem --compression l_comment=zstd_dictionary",
            "  nyala alter lineitem --encoding l_shipmode=dict --compression l_shipmode=none",
            "  nyala alter lineitem --compression l_comment=default   back to what the writer thinks best"
        })
final class AlterCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "TABLE", description = "Name of the table.")
    private String table = "";

    @Mixin
    private DataDirectory data = new DataDirectory();

    @Option(
            names = "--encoding",
            paramLabel = "COLUMN=ENCODING",
            description = "auto, plain, prefix, rle, dict or bit_shuffle; for several columns, several times.")
    private Map<String, ColumnEncoding> encodings = new LinkedHashMap<>();

    @Option(
            names = "--compression",
            paramLabel = "COLUMN=COMPRESSION",
            description = "default, none, lz4, zstd, snappy, zlib, or zstd_dictionary: ZSTD with a dictionary that is"
                    + " trained for each file and kept where it pays.")
    private Map<String, ColumnCompression> compressions = new LinkedHashMap<>();

    @Override
    public Integer call() {
        if (encodings.isEmpty() && compressions.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "say what to change, such as --compression COLUMN=zstd_dictionary");
        }
        try (Engine engine = data.open()) {
            Table found = data.table(engine, table);
            var names = new TreeSet<>(encodings.keySet());
            names.addAll(compressions.keySet());
            names.forEach(name -> check(found, name));
            AlterTable changes = found.alter();
            encodings.forEach((name, hint) -> changes.changeColumn(name, column -> column.encoding(hint)));
            compressions.forEach((name, hint) -> changes.changeColumn(name, column -> column.compression(hint)));
            changes.commit();
            TextTable lines = new TextTable("", "");
            for (Column column : found.schema().columns()) {
                if (names.contains(column.name())) {
                    lines.row(DescribeCommand.typed(column), column.encoding() + ", " + column.compression());
                }
            }
            lines.print(spec.commandLine().getOut());
        }
        return Main.OK;
    }

    private static void check(Table table, String name) {
        List<String> all = table.schema().columns().stream().map(Column::name).toList();
        if (!all.contains(name)) {
            throw new UsageException(
                    "table \"" + table.name() + "\" has no column \"" + name + "\"; its columns are " + all);
        }
    }
}
