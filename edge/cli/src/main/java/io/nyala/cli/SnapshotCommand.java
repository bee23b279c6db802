package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import io.nyala.time.HybridTime;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nyala snapshot}: states of tables that have names, and are kept until these are dropped. One thread. */
@Command(
        name = "snapshot",
        description = {
            "Give the state of a table a name, and keep it.",
            "Until the name is dropped that state can be read, and what changed since, however old it becomes. The"
                    + " history that this takes is kept as well. No other engine may have the directory open."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {SnapshotCommand.Create.class, SnapshotCommand.Listing.class, SnapshotCommand.Drop.class},
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala snapshot create lineitem before --data data",
            "  nyala scan lineitem --as-of before --data data",
            "  nyala scan lineitem --changed-since before --data data",
            "  nyala snapshot drop lineitem before --data data"
        })
final class SnapshotCommand implements Runnable {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say what to do: create, list or drop");
    }

    /**
     * A state of a table that has a name. Immutable.
     *
     * @param table its name
     * @param time hybrid time of the state
     * @param seconds how old it is
     * @param isOld whether history is kept only because of it
     */
    record Kept(String table, String name, long time, long seconds, boolean isOld) {
        private static final long MICROS_PER_SECOND = 1_000_000;

        /** Those of a table, by their names. */
        static List<Kept> all(Table table, long nowMicros) {
            List<Kept> all = new ArrayList<>();
            table.snapshots().forEach((name, time) -> {
                long seconds = Math.max(0, nowMicros - HybridTime.micros(time)) / MICROS_PER_SECOND;
                boolean isOld = table.historySecondsMax() >= 0 && seconds > table.historySecondsMax();
                all.add(new Kept(table.name(), name, time, seconds, isOld));
            });
            return all;
        }
    }

    /** {@code nyala snapshot create}. */
    @Command(
            name = "create",
            description = "Keep the state of a table as it is now.",
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class,
            sortOptions = false)
    static final class Create extends OfOne {
        @Override
        String done(Table open, String name) {
            return "is kept: " + HybridTime.format(open.createSnapshot(name));
        }
    }

    /** {@code nyala snapshot list}. */
    @Command(
            name = "list",
            description = "List the snapshots that have names, and how old they are.",
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class,
            sortOptions = false)
    static final class Listing implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Parameters(
                index = "0",
                arity = "0..1",
                paramLabel = "TABLE",
                description = "Name of the table; else all of them.")
        private @Nullable String table;

        @Mixin
        private DataDirectory data = new DataDirectory();

        @Option(names = "--json", description = "Print JSON instead of a table.")
        private boolean isJson;

        @Override
        public Integer call() {
            List<Kept> all = new ArrayList<>();
            try (Engine engine = data.open()) {
                long now = HybridTime.micros(engine.now());
                for (Table each : table == null ? engine.tables() : List.of(data.table(engine, table))) {
                    all.addAll(Kept.all(each, now));
                }
            }
            PrintWriter out = spec.commandLine().getOut();
            if (isJson) {
                out.println(Json.text(all.stream().map(Listing::json).toList()));
            } else {
                print(all, out);
            }
            return Main.OK;
        }

        private static void print(List<Kept> all, PrintWriter out) {
            TextTable lines = new TextTable("table", "snapshot", "hybrid time", ">seconds ago", "");
            for (Kept kept : all) {
                lines.row(
                        kept.table(),
                        kept.name(),
                        HybridTime.format(kept.time()),
                        String.valueOf(kept.seconds()),
                        kept.isOld() ? "keeps history that is too old for the table; drop it if nobody needs it" : "");
            }
            lines.print(out);
        }

        private static Map<String, Object> json(Kept kept) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("table", kept.table());
            all.put("name", kept.name());
            all.put("time", kept.time());
            all.put("secondsAgo", kept.seconds());
            all.put("keepsTooOldHistory", kept.isOld());
            return all;
        }
    }

    /** {@code nyala snapshot drop}. */
    @Command(
            name = "drop",
            description = "Forget a snapshot: its history is kept as long as the table says, and no longer.",
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class,
            sortOptions = false)
    static final class Drop extends OfOne {
        @Override
        String done(Table open, String name) {
            open.dropSnapshot(name);
            return "is dropped";
        }
    }

    /** What is done with one of them. */
    abstract static class OfOne implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Parameters(index = "0", paramLabel = "TABLE", description = "Name of the table.")
        private String table = "";

        @Parameters(
                index = "1",
                paramLabel = "NAME",
                description = "Name of the snapshot; each of a table has its own.")
        private String name = "";

        @Mixin
        private DataDirectory data = new DataDirectory();

        /** Does it; answers in words what has become of it. */
        abstract String done(Table open, String name);

        @Override
        public Integer call() {
            try (Engine engine = data.open()) {
                String words = done(data.table(engine, table), name);
                spec.commandLine().getOut().println("\"" + name + "\" of \"" + table + "\" " + words);
            }
            return Main.OK;
        }
    }
}
