package io.nyala.cli;

import io.nyala.engine.EngineCounters;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nyala counters}: what an engine has done since it was opened, seen from outside its process. */
@Command(
        name = "counters",
        description = "Show what the engine in a directory has done since it was opened, also while it is open.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {"  nyala counters data", "  watch -n 1 nyala counters data"})
final class CountersCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "Directory of an engine.")
    private Path directory = Path.of(".");

    @Option(names = "--json", description = "Print for machines.")
    private boolean json;

    @Override
    public Integer call() {
        if (!Files.isDirectory(directory.resolve("storage"))) {
            throw new UsageException(directory + " is no engine's directory; name one");
        }
        Map<String, Long> counters = EngineCounters.read(directory);
        if (json) {
            spec.commandLine().getOut().println(Json.text(counters));
            return Main.OK;
        }
        var table = new TextTable("counter", ">value");
        counters.forEach((label, value) -> table.row(label, Figures.count(value)));
        table.print(spec.commandLine().getOut());
        return Main.OK;
    }
}
