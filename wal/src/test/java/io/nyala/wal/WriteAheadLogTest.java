package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what is appended is what is read back, in order, over rolls, restarts and retention.
 * Method: random appends on the simulated disk, and once on a real one, against a list.
 */
final class WriteAheadLogTest {
    @RepeatedTest(32)
    void readsBackWhatWasAppended(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        readsBackWhatWasAppended(random, disk, TestLog.config().withInFlightMax(random.nextInt(1, 5)));
    }

    @Test
    void readsBackWhatWasAppendedToARealDisk(@Seed SplittableRandom random, @TempDir Path directory) {
        try (Disk disk = Disks.best()) {
            WalConfig config = WalConfig.in(directory).withSegmentBytes(1 << 20);
            readsBackWhatWasAppended(random, disk, config);
        }
    }

    private static void readsBackWhatWasAppended(SplittableRandom random, Disk disk, WalConfig config) {
        List<Entry> expected = new ArrayList<>();
        for (int session = random.nextInt(1, 5); session > 0; session--) {
            try (TestLog log = TestLog.start(disk, config)) {
                assertEquals(expected, log.read);
                assertTrue(log.recovery.wasClosedCleanly());
                assertNull(log.recovery.tornTail());
                int bytesMax = random.nextBoolean() ? 100 : config.payloadBytesMax();
                for (int i = random.nextInt(100); i > 0; i--) {
                    expected.add(log.append(random, bytesMax));
                    if (random.nextInt(4) == 0) {
                        log.await(log.log().lastSequence());
                    }
                }
            }
        }
        assertEquals(expected, TestLog.readAll(disk, config));
    }
}
