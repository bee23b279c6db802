package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.text.Figures;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Kills a process that inserts, updates and deletes rows, at a random moment, opens what it left, and compares: round
 * after round on the same directory, so that log and rowsets age. When all rows are in, the next round begins with an
 * empty directory.
 *
 * <p>A round dies either a little after a random number of acknowledgements, or, one in four, while it is still opening
 * the directory. A process that has inserted all rows before its moment is checked as well, and its round is repeated.
 * Now and then the directory is flushed between two rounds. SIGKILL ends the process, not the machine:
 * what the operating system was given survives. That nothing is acknowledged before it is on the device, the simulated
 * power cuts of the engine's tests show.
 *
 * <p>One thread, used once.
 */
final class CrashDemo {
    private static final int OPENING_ONE_IN = 4;
    /** So that the next round finds rowsets and an empty log, as others find none and a long one. */
    private static final int FLUSH_ONE_IN = 3;

    private static final int OPENING_PAUSE_MICROS_MAX = 300_000;
    private static final int PAUSE_MICROS_MAX = 20_000;

    /** Processes that are started for a round on average: nearly all are killed at once. */
    private static final long ATTEMPTS_PER_ROUND_MAX = 20;

    private static final String ENDED = "not, it had ended";

    /** 128 + SIGKILL. */
    private static final int KILLED = 137;

    private static final String LINE = "%5s  %-24s  %12s  %14s  %12s  %8s  %8s  %7s  %9s%n";

    private final DemoDirectory directory;
    private final Path data;
    private final Ingest.Plan plan;
    private final int rounds;
    private final SplittableRandom random;
    private final PrintWriter out;
    private final long batchCount; // Those that insert, and as many that change.

    // Of each part, since the directory was empty.
    private List<Long> batchesDone;
    private List<Long> changesDone;
    private RowCheck.Batches acknowledged;
    private long startedOver;

    /** @param out for a line per round; what is not wanted goes to a writer that drops it */
    CrashDemo(DemoDirectory directory, Ingest.Plan plan, int rounds, long seed, PrintWriter out) {
        this.directory = directory;
        this.data = dataOf(directory);
        this.plan = plan;
        this.rounds = rounds;
        this.random = new SplittableRandom(seed);
        this.out = out;
        this.batchCount = 2 * Math.max(1, LineItems.rowCountEstimate(plan.scale()) / plan.batchRows());
        this.batchesDone = plan.batchesDone();
        this.changesDone = plan.batchesDone();
        this.acknowledged = RowCheck.Batches.none(plan.threads());
    }

    /** Where its engine's files are. */
    static Path dataOf(DemoDirectory directory) {
        return directory.path().resolve("data");
    }

    /**
     * A round that held.
     *
     * @param number from 1; the same again where the process had ended before it could be killed
     * @param moment of death, in words
     * @param acknowledged batches in this round
     * @param survived batches of this round that were not acknowledged and are there, whole
     * @param found what is in the table now
     */
    record Round(
            int number,
            String moment,
            long acknowledged,
            long survived,
            RowCheck.Found found,
            int rowSets,
            long openNanos) {
        boolean isKilled() {
            return !moment.equals(ENDED);
        }

        Map<String, Object> json() {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("round", number);
            all.put("killed", moment);
            all.put("acknowledgedBatches", acknowledged);
            all.put("unacknowledgedWhole", survived);
            all.put("rowsCompared", found.rows());
            all.put("rowsUpdated", found.updated());
            all.put("rowsDeleted", found.deleted());
            all.put("rowsetFiles", rowSets);
            all.put("openNanos", openNanos);
            return all;
        }
    }

    /**
     * All rounds.
     *
     * @throws CheckFailedException at the first violation; the directory is kept then
     */
    List<Round> run() {
        LineItems.prepare();
        List<Round> held = new ArrayList<>();
        out.printf(
                LINE,
                "round",
                "killed",
                "acknowledged",
                "unacknowledged",
                "rows",
                "of them",
                "rows",
                "rowsets",
                "opened in");
        out.printf(LINE, "", "batches + pause", "batches", "but whole", "all compared", "updated", "deleted", "", "");
        for (int round = 1; round <= rounds; ) {
            try {
                Round done = round(round);
                held.add(done);
                round += done.isKilled() ? 1 : 0;
                throwIfHopeless(held.size());
                out.printf(
                        LINE,
                        done.number(),
                        done.moment(),
                        Figures.count(done.acknowledged()),
                        Figures.count(done.survived()),
                        Figures.count(done.found().rows()),
                        Figures.count(done.found().updated()),
                        Figures.count(done.found().deleted()),
                        Figures.count(done.rowSets()),
                        Figures.duration(done.openNanos()));
                out.flush();
            } catch (RuntimeException e) {
                directory.keep();
                throw new CheckFailedException(
                        "round " + round + " of " + rounds + ": " + e.getMessage() + ". The data is kept in " + data,
                        e);
            }
        }
        return held;
    }

    private void throwIfHopeless(int attempts) {
        if (attempts > rounds * ATTEMPTS_PER_ROUND_MAX) {
            throw new CheckFailedException(attempts + " processes were started, and too few lived long enough to be"
                    + " killed; choose a larger --scale");
        }
    }

    /** How often all rows were in before the process could be killed: that was checked, but is no round. */
    long startedOver() {
        return startedOver;
    }

    private Round round(int number) {
        long left = Math.max(1, batchCount - sum(batchesDone) - sum(changesDone));
        long share = Math.clamp(2 * left / (rounds - number + 1), 1, left);
        boolean diesOpening = random.nextInt(OPENING_ONE_IN) == 0;
        long afterBatches = diesOpening ? 0 : random.nextLong(1, share + 1);
        int pauseMicros = random.nextInt(diesOpening ? OPENING_PAUSE_MICROS_MAX : PAUSE_MICROS_MAX);
        long before = acknowledged.count();
        boolean isDone = writeAndKill(new Death(diesOpening, afterBatches, pauseMicros));
        String moment = (diesOpening ? "opening" : Figures.count(afterBatches, "batch", "batches")) + " + "
                + Figures.duration(pauseMicros * 1000L);
        Round round;
        long start = System.nanoTime();
        try (Engine engine = Engine.open(CrashSetup.checker(data, plan.scale()))) {
            long openNanos = System.nanoTime() - start;
            RowCheck.Found found = check(engine);
            round = new Round(
                    number,
                    isDone ? ENDED : moment,
                    acknowledged.count() - before,
                    found.survived(),
                    found,
                    engine.table(LineItems.TABLE)
                            .map(table -> table.statistics().rowSetCount())
                            .orElse(0),
                    openNanos);
            batchesDone = found.inserted();
            changesDone = found.changed();
            for (int part = 0; part < plan.threads(); part++) { // They will stay.
                acknowledged.inserted().get(part).set(0, Math.toIntExact(batchesDone.get(part)));
                acknowledged.changed().get(part).set(0, Math.toIntExact(changesDone.get(part)));
            }
            if (random.nextInt(FLUSH_ONE_IN) == 0) {
                engine.table(LineItems.TABLE).ifPresent(table -> table.flush().join());
            }
        }
        if (isDone) {
            directory.clear();
            batchesDone = Demo.fresh(plan.threads());
            changesDone = batchesDone;
            acknowledged = RowCheck.Batches.none(plan.threads());
            startedOver++;
        }
        return round;
    }

    /** When a writer is killed: when it begins to open, or after some batches, and a little later. */
    private record Death(boolean isOpening, long afterBatches, int pauseMicros) {}

    /** Answers whether the writer had inserted all there is. */
    private boolean writeAndKill(Death death) {
        Ingest.Plan next =
                new Ingest.Plan(plan.scale(), plan.tablets(), plan.batchRows(), plan.inFlight(), batchesDone);
        boolean isKilled = false;
        boolean isDone = false;
        long batches = 0;
        try (CrashWriter writer =
                new CrashWriter(data, next, changesDone, directory.path().resolve("errors"))) {
            for (String line = writer.nextLine(); !line.equals(CrashWriter.END); line = writer.nextLine()) {
                String[] words = line.split(" ", -1);
                boolean isInserted = words[0].equals(CrashWriterCommand.ACKNOWLEDGED);
                if (words.length == 3 && (isInserted || words[0].equals(CrashWriterCommand.CHANGED))) {
                    batches++;
                    int part = Integer.parseInt(words[1]);
                    BitSet known = (isInserted ? acknowledged.inserted() : acknowledged.changed()).get(part);
                    known.set(Integer.parseInt(words[2]));
                }
                isDone |= line.equals(CrashWriterCommand.DONE);
                boolean isMoment =
                        death.isOpening ? line.equals(CrashWriterCommand.OPENING) : batches >= death.afterBatches;
                if (!isKilled && isMoment) {
                    pause(death.pauseMicros);
                    writer.kill();
                    isKilled = true;
                }
            }
            int exitCode = writer.exitCode();
            if (!isDone && (!isKilled || exitCode != KILLED)) {
                throw new CheckFailedException(
                        "the writing process ended by itself, exit code " + exitCode + ": " + writer.complaint());
            }
        }
        return isDone;
    }

    private RowCheck.Found check(Engine engine) {
        Optional<Table> table = engine.table(LineItems.TABLE);
        if (table.isPresent()) {
            return RowCheck.check(engine, table.get(), plan, acknowledged);
        }
        if (acknowledged.count() > 0) {
            throw new CheckFailedException(
                    "table " + LineItems.TABLE + " is gone, with " + acknowledged.count() + " acknowledged batches");
        }
        return RowCheck.Found.nothing(plan.threads());
    }

    private static void pause(int micros) {
        long end = System.nanoTime() + micros * 1000L;
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static long sum(List<Long> batches) {
        return batches.stream().mapToLong(Long::longValue).sum();
    }
}
