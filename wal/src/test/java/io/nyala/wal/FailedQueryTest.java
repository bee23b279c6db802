package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: where the disk does not say how long a file is, or fails to close one, the log goes on, stops or says so, loses
 * nothing that it has acknowledged, and leaves no file open.
 * Method: each query of random workloads fails once; then the power is cut and all is read.
 */
final class FailedQueryTest {
    @RepeatedTest(3)
    void eachQueryMayFailOnce(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        CrashWorkload whole = new CrashWorkload(new SplittableRandom(seed));
        whole.run(2, 25);
        long queries = whole.disk.queryCount();
        assertTrue(queries > 3, queries + " queries");
        for (long query = 0; query < queries; query++) {
            try {
                failAt(seed, query);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("workload " + seed + ", query " + query + ": " + e.getMessage(), e);
            }
        }
    }

    private static void failAt(long seed, long query) {
        CrashWorkload workload = new CrashWorkload(new SplittableRandom(seed));
        workload.disk.failCall(-1 - query, Kind.IO_ERROR);
        try {
            workload.run(2, 25);
        } catch (DiskException | LogStoppedException | LogFullException e) {
            assertNotNull(e.getMessage());
        }
        assertEquals(0, workload.disk.openFileCount(), "files left open");
        workload.disk.powerCut();
        workload.disk.restart();
        workload.checkAfterPowerCut(workload.disk);
        workload.goOn();
    }
}
