package io.nyala.cli;

import io.nyala.catalog.TabletPlace;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option that says where an engine's files are, for commands that open it. One thread. */
final class DataDirectory {
    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "${NYALA_DATA:-data}",
            description = "Directory of the engine (NYALA_DATA, else data).")
    private Path directory = Path.of("data");

    /** Opens the engine, which must be there. */
    Engine open() {
        if (!Files.isDirectory(directory.resolve("storage"))) {
            throw new UsageException(directory + " is no engine's directory; name one with --data");
        }
        // Who looks at a directory, or asks for one thing, does not want more of it written anew.
        return Engine.open(EngineConfig.in(directory).withAutomaticMerges(false));
    }

    /** What somebody hears who has named a tablet that the table does not have. */
    static UsageException noTablet(Table table, long tabletId) {
        return new UsageException("table \"" + table.name() + "\" has no tablet " + tabletId + "; it has "
                + table.tablets().stream().map(TabletPlace::id).toList());
    }

    /** The table of that name, which must be there. */
    Table table(Engine engine, String name) {
        return engine.table(name)
                .orElseThrow(() -> new UsageException("there is no table \"" + name + "\" in " + directory + "; it has "
                        + engine.tables().stream().map(Table::name).toList()));
    }
}
