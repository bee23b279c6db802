package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * What every {@link CommitLog} must do, said by nothing but the interface: one that replicates its records passes this,
 * too. A subclass says where the log is, and drives it.
 */
abstract class CommitLogContract {
    private static final int ROUNDS_MAX = 1_000_000;

    /** A log whose next opening finds what the last one left. */
    interface Host extends AutoCloseable {
        /** Opens the log; what it gives back of its records is added to {@code found}, as sequence and payload. */
        CommitLog open(List<TestLog.Entry> found);

        /** Lets the open log go on a little: its own thread may, or may not, do so anyway. */
        void work();

        /** The open log fails at its next write. */
        void breakDevice();

        @Override
        void close();
    }

    abstract Host newHost(SplittableRandom random);

    /** How records are published where it does not matter to a test. */
    abstract Durability durability();

    private TestLog.Entry append(Host host, CommitLog log, String payload, Durability durability) {
        byte[] bytes = payload.getBytes(StandardCharsets.ISO_8859_1);
        var source = TestLog.segmentOf(bytes);
        for (int round = 0; round < ROUNDS_MAX; round++) {
            long sequence = log.append(source, 0, bytes.length, durability);
            if (sequence != 0) {
                return new TestLog.Entry(sequence, payload);
            }
            host.work();
        }
        throw new AssertionError("there never is room");
    }

    private TestLog.Entry append(Host host, CommitLog log, SplittableRandom random) {
        return append(host, log, TestLog.randomText(random, random.nextInt(300)), durability());
    }

    private long reached(CommitLog log) {
        return durability() == Durability.SYNC ? log.durableUpTo() : log.writtenUpTo();
    }

    private void await(Host host, CommitLog log, long sequence) {
        for (int round = 0; reached(log) < sequence; round++) {
            assertTrue(round < ROUNDS_MAX, "record " + sequence + " is never acknowledged");
            host.work();
        }
    }

    @RepeatedTest(4)
    void recordsComeBackInOrder(@Seed SplittableRandom random) {
        List<TestLog.Entry> written = new ArrayList<>();
        try (Host host = newHost(random)) {
            for (int session = 0; session < 3; session++) {
                List<TestLog.Entry> found = new ArrayList<>();
                try (CommitLog log = host.open(found)) {
                    assertEquals(written, found);
                    for (int i = random.nextInt(40); i > 0; i--) {
                        written.add(append(host, log, random));
                        host.work();
                    }
                }
            }
        }
    }

    /** What lies behind the reserved bytes may be records that are on their way. */
    @Test
    void noMoreIsPublishedThanWasReserved(@Seed SplittableRandom random) {
        List<TestLog.Entry> written = new ArrayList<>();
        try (Host host = newHost(random)) {
            try (CommitLog log = host.open(new ArrayList<>())) {
                written.add(append(host, log, random));
                byte[] payload = "as reserved".getBytes(StandardCharsets.ISO_8859_1);
                long offset = log.reserve(payload.length);
                assertTrue(offset > 0, "an empty log has room");
                MemorySegment.copy(payload, 0, log.memory(), JAVA_BYTE, offset, payload.length);
                long last = log.lastSequence();
                for (int bytes : new int[] {payload.length + 1, 5_000, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
                    assertThrows(IllegalArgumentException.class, () -> log.publish(bytes, durability()));
                }
                assertEquals(last, log.lastSequence());
                written.add(new TestLog.Entry(log.publish(payload.length, durability()), "as reserved"));
                written.add(append(host, log, random));
                assertThrows(IllegalArgumentException.class, () -> log.publish(1, durability()), "nothing is reserved");
            }
            List<TestLog.Entry> found = new ArrayList<>();
            host.open(found).close();
            assertEquals(written, found);
        }
    }

    @Test
    void sequencesGrowAndTheLastIsKnown(@Seed SplittableRandom random) {
        try (Host host = newHost(random)) {
            long before = 0;
            for (int session = 0; session < 2; session++) {
                try (CommitLog log = host.open(new ArrayList<>())) {
                    for (int i = 0; i < 10; i++) {
                        long sequence = append(host, log, random).sequence();
                        assertTrue(sequence > before, sequence + " after " + before);
                        assertTrue(log.lastSequence() >= sequence);
                        before = sequence;
                    }
                }
            }
        }
    }

    /** What is durable is written, what is written was published, and none of them ever goes back. */
    @Test
    void acknowledgementsGrowAndCoverOneAnother(@Seed SplittableRandom random) {
        try (Host host = newHost(random);
                CommitLog log = host.open(new ArrayList<>())) {
            long durable = 0;
            long written = 0;
            for (int i = 0; i < 200; i++) {
                if (random.nextInt(3) == 0) {
                    String payload = TestLog.randomText(random, random.nextInt(50));
                    append(host, log, payload, random.nextBoolean() ? Durability.SYNC : Durability.WRITTEN);
                }
                long durableNow = log.durableUpTo();
                long writtenNow = log.writtenUpTo();
                assertTrue(durableNow >= durable && writtenNow >= written, "an acknowledgement was taken back");
                assertTrue(durableNow <= writtenNow, durableNow + " is durable, but " + writtenNow + " written");
                assertTrue(writtenNow <= log.lastSequence());
                durable = durableNow;
                written = writtenNow;
                host.work();
            }
            await(host, log, append(host, log, random).sequence());
        }
    }

    @Test
    void aRecordThatWasOnlyWrittenBecomesDurableWhenSomebodyAsks(@Seed SplittableRandom random) {
        try (Host host = newHost(random);
                CommitLog log = host.open(new ArrayList<>())) {
            long sequence = append(host, log, "written", Durability.WRITTEN).sequence();
            log.wantDurable(sequence);
            for (int round = 0; log.durableUpTo() < sequence; round++) {
                assertTrue(round < ROUNDS_MAX, "asked for, and never durable");
                host.work();
            }
        }
    }

    @Test
    void progressIsTold(@Seed SplittableRandom random) throws InterruptedException {
        try (Host host = newHost(random);
                CommitLog log = host.open(new ArrayList<>())) {
            long[] seen = {0};
            log.onProgress(() -> {
                synchronized (seen) {
                    seen[0] = Math.max(seen[0], reached(log));
                }
            });
            long sequence = append(host, log, random).sequence();
            await(host, log, sequence);
            for (int round = 0; ; round++) {
                synchronized (seen) {
                    if (seen[0] >= sequence) {
                        break;
                    }
                }
                assertTrue(round < ROUNDS_MAX, "acknowledged, and nobody was told");
                host.work();
            }
        }
    }

    @Test
    void whatIsAbandonedLeavesNothing(@Seed SplittableRandom random) {
        List<TestLog.Entry> written = new ArrayList<>();
        try (Host host = newHost(random)) {
            try (CommitLog log = host.open(new ArrayList<>())) {
                for (int i = 0; i < 20; i++) {
                    int bytes = random.nextInt(1, 200);
                    long offset = log.reserve(bytes);
                    if (offset != 0) {
                        log.memory().asSlice(offset, bytes).fill((byte) 7);
                        log.abandon();
                    }
                    written.add(append(host, log, random));
                }
            }
            List<TestLog.Entry> found = new ArrayList<>();
            host.open(found).close();
            assertEquals(written, found);
        }
    }

    @Test
    void roomIsAlignedAndMayBeUsedInPart(@Seed SplittableRandom random) {
        try (Host host = newHost(random)) {
            try (CommitLog log = host.open(new ArrayList<>())) {
                long offset = 0;
                while (offset == 0) {
                    offset = log.reserve(1000);
                    host.work();
                }
                assertEquals(0, offset % Long.BYTES);
                log.memory().set(JAVA_BYTE, offset, (byte) 'x');
                await(host, log, log.publish(1, durability()));
            }
            List<TestLog.Entry> found = new ArrayList<>();
            host.open(found).close();
            assertEquals(
                    List.of("x"), found.stream().map(TestLog.Entry::payload).toList());
        }
    }

    @Test
    void theLargestPayloadFitsAndALargerOneIsRefused(@Seed SplittableRandom random) {
        try (Host host = newHost(random)) {
            String largest;
            try (CommitLog log = host.open(new ArrayList<>())) {
                largest = TestLog.randomText(random, log.payloadBytesMax());
                await(host, log, append(host, log, largest, durability()).sequence());
                assertThrows(IllegalArgumentException.class, () -> log.reserve(log.payloadBytesMax() + 1));
                await(host, log, append(host, log, random).sequence());
            }
            List<TestLog.Entry> found = new ArrayList<>();
            host.open(found).close();
            assertEquals(largest, found.getFirst().payload());
        }
    }

    /** Released records need not come back; all others must. */
    @Test
    void whatIsNotReleasedIsKept(@Seed SplittableRandom random) {
        List<TestLog.Entry> written = new ArrayList<>();
        long released = 0;
        try (Host host = newHost(random)) {
            try (CommitLog log = host.open(new ArrayList<>())) {
                for (int i = 0; i < 300; i++) {
                    written.add(append(host, log, random));
                    if (random.nextInt(20) == 0) {
                        released = written.get(random.nextInt(written.size())).sequence();
                        log.releaseUpTo(released);
                    }
                    host.work();
                    assertTrue(log.oldestSequence() <= written.getLast().sequence());
                }
            }
            List<TestLog.Entry> found = new ArrayList<>();
            host.open(found).close();
            assertEquals(written.subList(written.size() - found.size(), written.size()), found);
            written.removeAll(found);
            for (TestLog.Entry gone : written) {
                assertTrue(isReleased(gone, found), "record " + gone.sequence() + " is gone");
            }
        }
    }

    private static boolean isReleased(TestLog.Entry gone, List<TestLog.Entry> found) {
        return !found.isEmpty() && gone.sequence() < found.getFirst().sequence();
    }

    @Test
    void aLogThatFailedAcknowledgesNothingMoreAndSaysWhy(@Seed SplittableRandom random) {
        try (Host host = newHost(random)) {
            List<TestLog.Entry> acknowledged = new ArrayList<>();
            try (CommitLog log = host.open(new ArrayList<>())) {
                assertNull(log.failure());
                acknowledged.add(append(host, log, random));
                await(host, log, acknowledged.getFirst().sequence());
                log.wantDurable(acknowledged.getFirst().sequence());
                for (int round = 0; log.durableUpTo() < acknowledged.getFirst().sequence(); round++) {
                    assertTrue(round < ROUNDS_MAX);
                    host.work();
                }
                host.breakDevice();
                long lost = append(host, log, "lost", durability()).sequence();
                for (int round = 0; log.failure() == null; round++) {
                    assertTrue(round < ROUNDS_MAX, "the failure is never told");
                    host.work();
                }
                assertTrue(reached(log) < lost, "acknowledged after a failure");
                assertNotNull(log.failure().getMessage());
                assertThrows(LogStoppedException.class, () -> log.reserve(1));
                host.work();
                assertTrue(reached(log) < lost);
            }
            List<TestLog.Entry> found = new ArrayList<>();
            host.open(found).close();
            assertEquals(acknowledged.getFirst(), found.getFirst());
        }
    }

    @Test
    void aClosedLogTakesNothing(@Seed SplittableRandom random) {
        try (Host host = newHost(random)) {
            CommitLog log = host.open(new ArrayList<>());
            long sequence = append(host, log, random).sequence();
            log.close();
            assertTrue(log.durableUpTo() >= sequence, "closing makes everything durable");
            assertThrows(LogStoppedException.class, () -> log.reserve(1));
            log.close(); // Again does nothing.
        }
    }
}
