package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.fail;

import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a client cannot tell our server from a real Kudu. Method: random programs of tables, changes, writes, scans
 * and mistakes, the same against both by the published Java client; what each step saw must be equal, row by row and
 * error by error.
 */
final class DifferentialTest {
    private static final int PROGRAMS = Integer.getInteger("nyala.programs", 100);
    private static final int STEPS = 16;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void answersWhatARealKuduAnswers(@Seed SplittableRandom random) throws KuduException {
        compare(random, PROGRAMS);
    }

    @Test
    @Tag("soak")
    void answersWhatARealKuduAnswersForLong(@Seed SplittableRandom random) throws KuduException {
        compare(random, Integer.getInteger("nyala.soak.programs", 5_000));
    }

    private void compare(SplittableRandom random, int programs) throws KuduException {
        try (RealKudu kudu = RealKudu.start(directory.resolve("kudu"));
                OurServer ours = OurServer.start(directory.resolve("nyala"));
                KuduClient theirClient = Clients.of(kudu);
                KuduClient ourClient = Clients.of(ours)) {
            for (int i = 0; i < programs; i++) {
                compare(new Program("p" + i + "_", random.split(), STEPS), theirClient, ourClient);
            }
        }
    }

    private static void compare(Program program, KuduClient theirClient, KuduClient ourClient) {
        ClusterRun theirs = new ClusterRun(theirClient);
        ClusterRun ours = new ClusterRun(ourClient);
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
