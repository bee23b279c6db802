package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: segments go when nobody needs them, the oldest first, at the same cost however many there are, and no more
 * files stay for reuse than may. Method: segments are released one at a time from a long log and from a short one,
 * and calls of the disk counted; random releases are held against a list of what was written.
 */
final class RetentionTest {
    /** With room in the newest segment for what the log says of each release. */
    private static final int SEGMENT_BYTES = 128 << 10;

    private static final int RECORD_BYTES = SEGMENT_BYTES / 4;

    private static WalConfig config(int sparesMax) {
        return TestLog.config().withSegmentBytes(SEGMENT_BYTES).withSparesMax(sparesMax);
    }

    private static List<Long> begins(TestLog log) {
        return IntStream.range(0, log.log().segmentCount())
                .mapToObj(i -> log.log().newestFrom(log.log().segmentCount() - i))
                .toList();
    }

    private static List<Long> fillSegments(TestLog log, SplittableRandom random, int count) {
        while (log.log().segmentCount() < count) {
            log.append(TestLog.randomText(random, RECORD_BYTES), Durability.SYNC);
            log.await(log.log().lastSequence());
        }
        log.settle();
        return begins(log);
    }

    /** Calls of the disk for each segment that is released, one at a time, the oldest first. */
    private static List<Long> callsForEachRelease(SplittableRandom random, int segments) {
        SimulatedDisk disk = TestLog.newDisk(random);
        List<Long> calls = new ArrayList<>();
        try (TestLog log = TestLog.start(disk, config(0))) {
            List<Long> begins = fillSegments(log, random, segments);
            for (int i = 1; i <= 5; i++) {
                long before = disk.callCount();
                log.log().releaseUpTo(begins.get(i) - 1);
                log.settle();
                assertEquals(segments - i, log.log().segmentCount());
                assertEquals(begins.get(i), log.log().oldestSequence());
                calls.add(disk.callCount() - before);
            }
        }
        return calls;
    }

    @Test
    void freeingASegmentCostsTheSameHoweverManyThereAre(@Seed SplittableRandom random) {
        List<Long> ofFew = callsForEachRelease(random.split(), 7);
        assertEquals(1, ofFew.stream().distinct().count(), ofFew::toString);
        assertEquals(ofFew, callsForEachRelease(random.split(), 150));
    }

    @Test
    void noMoreFilesStayForReuseThanMay(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        int sparesMax = 3;
        try (TestLog log = TestLog.start(disk, config(sparesMax))) {
            fillSegments(log, random, 20);
            log.log().releaseUpTo(log.log().lastSequence());
            log.settle();
            assertEquals(1, log.log().segmentCount());
            int files = disk.list(TestLog.DIRECTORY).size(); // What is written, the next, a note.
            assertTrue(files <= 3 + sparesMax, files + " files");
        }
    }

    @Test
    void appendersWaitAtTheLimitUntilASegmentIsReleased(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        int limit = random.nextInt(3, 8);
        try (TestLog log = TestLog.start(disk, config(0).withSegmentsMax(limit))) {
            int[] wakes = {0};
            log.log().onProgress(() -> wakes[0]++);
            for (int round = 0; round < 5; round++) {
                appendUntilFull(log);
                assertEquals(limit, log.log().segmentCount());
                assertTrue(log.log().isAtLimit());
                assertTrue(
                        disk.list(TestLog.DIRECTORY).stream()
                                .noneMatch(path -> path.toString().endsWith(".spare")),
                        "no file is made in advance");
                assertTrue(wakes[0] > 0, "who could release something is told");
                assertEquals(0, log.log().reserve(RECORD_BYTES), "it waits");
                log.log().releaseUpTo(log.log().newestFrom(limit - 1) - 1);
                assertFalse(log.log().isAtLimit(), "it takes a moment");
                wakes[0] = 0;
                log.settle();
                assertTrue(wakes[0] > 0, "appenders are woken");
                log.append(random, RECORD_BYTES);
            }
        }
    }

    @Test
    void whereNobodyWillReleaseAppendersAreRefusedUntilSomebodyDoes(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        try (TestLog log = TestLog.start(disk, config(0).withSegmentsMax(3))) {
            log.log().refuseAtLimit("not yet");
            appendUntilFull(log);
            assertEquals(0, log.log().reserve(RECORD_BYTES), "what was said before it came to that does not count");
            log.log().refuseAtLimit("tablet 7 needs them");
            LogFullException e =
                    assertThrows(LogFullException.class, () -> log.log().reserve(RECORD_BYTES));
            assertTrue(String.valueOf(e.getMessage()).contains("tablet 7 needs them"), e::getMessage);
            log.log().releaseUpTo(log.log().newestFrom(2) - 1);
            log.settle();
            appendUntilFull(log);
            assertEquals(0, log.log().reserve(RECORD_BYTES), "it waits again");
        }
    }

    /** But not without end. */
    @Test
    void aRecordThatLetsOthersGoMayExceedTheLimit(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        try (TestLog log = TestLog.start(disk, config(0).withSegmentsMax(3))) {
            for (int excess = 1; excess <= 2; excess++) {
                appendUntilFull(log);
                assertEquals(0, log.log().reserveToRelease(RECORD_BYTES), "a segment is made");
                log.settle();
                assertTrue(log.log().reserveToRelease(RECORD_BYTES) > 0);
                log.log().publish(RECORD_BYTES, Durability.SYNC);
                log.settle();
                assertEquals(3 + excess, log.log().segmentCount());
            }
            appendUntilFull(log);
            assertThrows(LogFullException.class, () -> log.log().reserveToRelease(RECORD_BYTES));
            assertEquals(5, log.log().segmentCount());
            log.log().releaseUpTo(log.log().newestFrom(2) - 1);
            log.settle();
            assertTrue(log.log().segmentCount() <= 3, log.log().segmentCount() + " segments"); // One for the MARK.
            assertTrue(log.log().reserve(RECORD_BYTES) > 0);
            log.log().abandon();
        }
    }

    private static void appendUntilFull(TestLog log) {
        log.settle();
        for (int i = 0; log.log().reserve(RECORD_BYTES) != 0; i++) {
            log.log().publish(RECORD_BYTES, Durability.SYNC);
            log.settle();
            assertTrue(i < 1_000, "there is no limit");
        }
    }

    @RepeatedTest(4)
    void whatIsNeededStaysAndTheRestGoes(@Seed SplittableRandom random) {
        SimulatedDisk disk = TestLog.newDisk(random);
        try (TestLog log = TestLog.start(disk, config(4))) {
            for (int round = 0; round < 12; round++) {
                List<Long> begins = fillSegments(log, random, log.log().segmentCount() + random.nextInt(6));
                long released = random.nextLong(log.log().lastSequence() + 1);
                long oldestBefore = log.log().oldestSequence();
                log.log().releaseUpTo(released);
                log.settle();
                long expected =
                        begins.stream().filter(begin -> begin <= released + 1).reduce(oldestBefore, Math::max);
                assertEquals(expected, log.log().oldestSequence(), "after " + released + " of " + begins);
                List<Long> kept =
                        begins.stream().filter(begin -> begin >= expected).toList();
                assertEquals(kept, begins(log).subList(0, kept.size())); // There may be one more by now.
            }
        }
    }
}
