package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what is appended is what is read back, in order, over rolls, restarts and retention.
 * Method: random appends on the simulated disk, and once on a real one, against a list.
 */
final class WriteAheadLogTest {
    /** What changes nothing. */
    private static final Set<Operation> LOOKS = EnumSet.of(
            Operation.NEW_QUEUE,
            Operation.OPEN,
            Operation.CLOSE,
            Operation.LIST,
            Operation.EXISTS,
            Operation.LENGTH,
            Operation.READ);

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

    @RepeatedTest(16)
    void aLogThatIsOnlyLookedAtIsReadAndStaysAsItIs(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        List<Entry> expected = new ArrayList<>();
        TestLog log = TestLog.start(disk, TestLog.config());
        for (int i = 0; i < 40; i++) {
            expected.add(log.append(random, 1000));
        }
        log.await(log.log().lastSequence());
        boolean isClosed = random.nextBoolean();
        if (isClosed) {
            log.close();
        } else {
            log.kill();
        }
        long changes = changes(disk);
        try (TestLog looked = TestLog.inspect(disk, TestLog.config())) {
            assertEquals(expected, looked.read);
            LogInspection found = looked.recovery.inspection();
            assertEquals(
                    disk.list(TestLog.DIRECTORY).stream()
                            .filter(path -> path.toString().matches(".*(wal|sealed)"))
                            .count(),
                    found.segmentCount());
            assertEquals(1, found.firstSequence()); // START, which nobody is handed.
            assertEquals(isClosed, found.wasClosedCleanly());
            assertEquals(TestLog.LOG_ID, looked.recovery.logId());
            assertThrows(IllegalStateException.class, looked::start);
        }
        assertEquals(changes, changes(disk));
    }

    @Test
    void whereNoLogIsNoneIsFoundAndNothingMade(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        try (TestLog looked = TestLog.inspect(disk, TestLog.config())) {
            assertTrue(looked.recovery.isNew());
            assertEquals(new LogInspection(0, 0, 0, true, null), looked.recovery.inspection());
        }
        assertFalse(disk.exists(TestLog.DIRECTORY));
    }

    private static long changes(SimulatedDisk disk) {
        return Stream.of(Operation.values())
                .filter(operation -> !LOOKS.contains(operation))
                .mapToLong(disk::callCount)
                .sum();
    }
}
