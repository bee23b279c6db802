package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
