package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kudu.client.KuduClient;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: a client cannot tell our server from a real Kudu. Method: random programs of tables, changes, writes, scans
 * and mistakes, the same against both by the published Java client; what each step saw must be equal, row by row and
 * error by error, in the order of keys where a scan has that. Rows of ours are flushed at random steps between; a real
 * Kudu keeps its rows in memory in most programs, and brings them to disk as fast as it can in the others.
 */
@ExtendWith(Both.Parameter.class)
final class DifferentialTest {
    private static final int PROGRAMS = Integer.getInteger("nyala.programs", 100);
    private static final int STEPS = 16;

    /** In one of so many programs a real Kudu reads from disk. */
    private static final int ON_DISK_EACH = 4;

    /** A real Kudu takes its time to make a table, most of which it waits. */
    private static final int AT_A_TIME = 6;

    @Test
    void answersWhatARealKuduAnswers(@Seed SplittableRandom random, Both both) throws Exception {
        compare(random, both, PROGRAMS);
    }

    @Test
    @Tag("soak")
    void answersWhatARealKuduAnswersForLong(@Seed SplittableRandom random, Both both) throws Exception {
        compare(random, both, Integer.getInteger("nyala.soak.programs", 5_000));
    }

    private static void compare(SplittableRandom random, Both both, int programs) throws Exception {
        int onDisk = programs / ON_DISK_EACH;
        List<Throwable> failures = new ArrayList<>(run(random, both, programs - onDisk));
        long flushes = both.kuduFlushes();
        try (AutoCloseable _ = both.flushKuduAtOnce()) {
            failures.addAll(run(random, both, onDisk));
        }
        if (!failures.isEmpty()) {
            var failure = new AssertionError(
                    failures.size() + " of " + programs + " programs; the first: " + failures.getFirst(),
                    failures.getFirst());
            failures.stream().skip(1).forEach(failure::addSuppressed);
            throw failure;
        }
        assertTrue(both.kuduFlushes() > flushes, "a real Kudu has brought no rows to disk");
    }

    /** Answers what failed. */
    private static List<Throwable> run(SplittableRandom random, Both both, int programs) throws Exception {
        String run = Long.toHexString(random.nextLong()); // Tables of another run may have been left.
        List<Throwable> failures = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(AT_A_TIME);
                KuduClient theirOther = Clients.of(both.kudu());
                KuduClient ourOther = Clients.of(both.ours())) {
            List<Future<?>> ends = new ArrayList<>();
            for (int i = 0; i < programs; i++) {
                Program program = new Program("p" + run + "_" + i + "_", random.split(), STEPS);
                ends.add(threads.submit(() -> compare(program, both, theirOther, ourOther)));
            }
            for (Future<?> end : ends) {
                try {
                    end.get();
                } catch (ExecutionException e) {
                    failures.add(e.getCause());
                }
            }
        }
        return failures;
    }

    private static void compare(Program program, Both both, KuduClient theirOther, KuduClient ourOther) {
        var theirs = new ClusterRun(both.kuduClient(), theirOther, both.kudu(), _ -> {}); // It flushes by itself.
        var ours = new ClusterRun(both.ourClient(), ourOther, both.ours(), both::flushOurs);
        List<Program.Step> steps = program.steps();
        for (int i = 0; i < steps.size(); i++) {
            theirs.perform(steps.get(i).action());
            ours.perform(steps.get(i).action());
            if (!theirs.seen().get(i).equals(ours.seen().get(i))) {
                fail(difference(steps, i, theirs.seen().get(i), ours.seen().get(i)));
            }
        }
    }

    private static String difference(List<Program.Step> steps, int at, String theirs, String ours) {
        StringBuilder text =
                new StringBuilder("step " + at + " differs\n  Kudu : " + theirs + "\n  Nyala: " + ours + "\nafter");
        for (int i = 0; i <= at; i++) {
            text.append("\n  ").append(i).append(": ").append(steps.get(i).text());
        }
        return text.toString();
    }
}
