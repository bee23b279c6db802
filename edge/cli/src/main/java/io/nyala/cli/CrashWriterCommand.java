package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The process that {@code demo --crash} kills: inserts and changes rows from where the directory ends, and says on
 * standard output what was acknowledged, after it was. A line is one write to a pipe, so what was said before the end
 * is read whole.
 *
 * <pre>{@code
 * opening          the engine is about to be opened
 * ready            it is open
 * ack PART BATCH   this batch is durable
 * chg PART BATCH   so are the changes of its rows
 * done             so is everything
 * }</pre>
 */
@Command(name = "crash-writer", hidden = true, description = "The process that demo --crash kills.")
final class CrashWriterCommand implements Callable<Integer> {
    static final String OPENING = "opening";
    static final String READY = "ready";
    static final String ACKNOWLEDGED = "ack";
    static final String CHANGED = "chg";
    static final String DONE = "done";

    @Option(names = "--data", required = true)
    private Path data = Path.of("");

    @Option(names = "--scale", required = true)
    private double scale;

    @Option(names = "--tablets", required = true)
    private int tablets;

    @Option(names = "--batch", required = true)
    private int batchRows;

    @Option(names = "--in-flight", required = true)
    private int inFlight;

    @Option(names = "--done", required = true, split = ",", description = "Batches of each part that are there.")
    private List<Long> batchesDone = List.of();

    @Option(names = "--changed", required = true, split = ",", description = "Those whose rows were changed.")
    private List<Long> changesDone = List.of();

    @Override
    public Integer call() {
        OutputStream pipe = new FileOutputStream(FileDescriptor.out); // Unbuffered, unlike System.out.
        LineItems.prepare();
        say(pipe, OPENING);
        try (Engine engine = Engine.open(CrashSetup.writer(data, scale))) {
            Table table = engine.table(LineItems.TABLE).orElseGet(() -> engine.createTable(LineItems.table(tablets)));
            say(pipe, READY);
            Ingest.Plan plan = new Ingest.Plan(scale, tablets, batchRows, inFlight, batchesDone);
            new CrashLoad(table, plan, changesDone, new Teller(pipe)).run();
        }
        say(pipe, DONE);
        return Main.OK;
    }

    private record Teller(OutputStream pipe) implements CrashLoad.Told {
        @Override
        public void inserted(int part, long batch) {
            say(pipe, ACKNOWLEDGED + " " + part + " " + batch);
        }

        @Override
        public void changed(int part, long batch) {
            say(pipe, CHANGED + " " + part + " " + batch);
        }
    }

    private static void say(OutputStream pipe, String line) {
        try {
            pipe.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException("whoever started this process is gone: " + e, e);
        }
    }
}
