package io.nyala.cli;

import io.nyala.rows.Limits;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import java.io.PrintWriter;
import java.io.Writer;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nyala demo}: the main job on TPC-H's lineitem, or its survival when the process is killed. One thread. */
@Command(
        name = "demo",
        description = {
            "Ingest TPC-H lineitem durably, while another thread updates and deletes rows of it, query it, and check"
                    + " the answers against the generator's rows, changed alike.",
            "With --crash, let a child process insert, update and delete, kill it at random moments, and check that"
                    + " every acknowledged batch is there and every other one whole or absent in each tablet."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala demo                            600,572 rows in a temporary directory",
            "  nyala demo --scale 1 --threads 4      ten times as many, by four threads",
            "  nyala demo --data /tmp/nyala --json   keep the data, print JSON",
            "  nyala demo --crash --rounds 20        kill it twenty times"
        })
final class DemoCommand implements Callable<Integer> {
    private static final int TABLETS_MAX = 256;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--scale",
            paramLabel = "S",
            defaultValue = "0.1",
            description = "Scale of TPC-H: 1 is 6 million rows. Default: ${DEFAULT-VALUE}.")
    private double scale;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "2",
            description = "Threads that ingest. Default: ${DEFAULT-VALUE}.")
    private int threads;

    @Option(
            names = "--tablets",
            paramLabel = "N",
            defaultValue = "4",
            description = "Tablets that the rows are spread over, by the hash of their order. Default: "
                    + "${DEFAULT-VALUE}.")
    private int tablets;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "Where to put the data, which then stays. Default: a temporary directory, deleted at the end.")
    private @Nullable Path data;

    @Option(
            names = "--batch",
            paramLabel = "ROWS",
            defaultValue = "1000",
            description = "Rows committed together. Default: ${DEFAULT-VALUE}.")
    private int batchRows;

    @Option(
            names = "--in-flight",
            paramLabel = "N",
            defaultValue = "4",
            description = "Batches of a thread that may wait for their acknowledgement. Default: ${DEFAULT-VALUE}.")
    private int inFlight;

    @Option(names = "--json", description = "Print JSON instead of tables.")
    private boolean isJson;

    @Option(names = "--crash", description = "Kill the process that ingests, again and again.")
    private boolean isCrash;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "10",
            description = "How often to kill it, with --crash. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--seed",
            paramLabel = "HEX",
            description = "Draws the moments of death, with --crash; printed by each run. Default: a new one.")
    private @Nullable String seed;

    @Override
    public Integer call() {
        check("--scale", scale, 0.0001, LineItems.SCALE_MAX);
        check("--threads", threads, 1, 256);
        check("--tablets", tablets, 1, TABLETS_MAX);
        check("--batch", batchRows, 1, Limits.BATCH_OPERATIONS_MAX);
        check("--in-flight", inFlight, 1, 64);
        check("--rounds", rounds, 1, 1_000_000);
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        Ingest.Plan plan = new Ingest.Plan(scale, tablets, batchRows, inFlight, Demo.fresh(threads));
        try (DemoDirectory directory = DemoDirectory.of(data)) {
            Path engine = directory.path();
            if (isCrash) {
                engine = CrashDemo.dataOf(directory);
                crash(directory, plan, out);
            } else {
                run(directory, plan, out, err);
            }
            if (!directory.isTemporary() && !isJson) {
                out.println("The data is in " + engine + ".");
            }
        }
        return Main.OK;
    }

    private void run(DemoDirectory directory, Ingest.Plan plan, PrintWriter out, PrintWriter err) {
        Demo.Outcome outcome;
        try {
            outcome = new Demo(directory, plan, err).run();
        } catch (CheckFailedException e) {
            directory.keep();
            throw new CheckFailedException(e.getMessage() + ". The data is kept in " + directory.path(), e);
        }
        if (isJson) {
            out.println(DemoReport.json(outcome));
        } else {
            DemoReport.print(outcome, out);
        }
    }

    private void crash(DemoDirectory directory, Ingest.Plan plan, PrintWriter out) {
        if (!directory.isEmpty()) {
            throw new UsageException(directory.path() + " is not empty; --crash needs a directory of its own");
        }
        long drawn = seed == null ? new SecureRandom().nextLong() : seedOf(seed);
        String name = Long.toHexString(drawn);
        PrintWriter lines = isJson ? new PrintWriter(Writer.nullWriter()) : out;
        lines.println("Killing a process that inserts, updates and deletes rows of TPC-H lineitem at scale "
                + BigDecimal.valueOf(scale).toPlainString() + ", "
                + Figures.count(rounds, "time", "times") + "; repeat with --seed " + name);
        CrashDemo demo = new CrashDemo(directory, plan, rounds, drawn, lines);
        List<CrashDemo.Round> held = demo.run();
        if (isJson) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("seed", name);
            all.put("rounds", held.stream().map(CrashDemo.Round::json).toList());
            out.println(Json.text(all));
            return;
        }
        long acknowledged =
                held.stream().mapToLong(CrashDemo.Round::acknowledged).sum();
        long killed = held.stream().filter(CrashDemo.Round::isKilled).count();
        long survived = held.stream().mapToLong(CrashDemo.Round::survived).sum();
        long compared = held.stream().mapToLong(round -> round.found().rows()).sum();
        long changed = held.stream()
                .mapToLong(round -> round.found().updated() + round.found().deleted())
                .sum();
        out.println();
        out.println("Killed " + Figures.count(killed, "time", "times") + ", " + Figures.count(compared)
                + " rows compared column by column, " + Figures.count(changed) + " changed or gone: all of "
                + Figures.count(acknowledged, "acknowledged batch", "acknowledged batches")
                + " there, every other one in each tablet whole or absent (" + Figures.count(survived)
                + " whole in all), and nothing else.");
        if (demo.startedOver() > 0) {
            out.println("All rows were in " + Figures.count(demo.startedOver(), "time", "times")
                    + " before the process could be killed; such a round was repeated from an empty directory.");
        }
    }

    private static long seedOf(String text) {
        try {
            return Long.parseUnsignedLong(text, 16);
        } catch (NumberFormatException _) {
            throw new UsageException("--seed must be a hexadecimal number of up to 16 digits, was " + text);
        }
    }

    private static void check(String option, double value, double min, double max) {
        if (!(value >= min && value <= max)) {
            throw new UsageException(
                    option + " must be between " + plain(min) + " and " + plain(max) + ", was " + plain(value));
        }
    }

    private static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Figures.count((long) value)
                : Double.isFinite(value) ? BigDecimal.valueOf(value).toPlainString() : String.valueOf(value);
    }
}
