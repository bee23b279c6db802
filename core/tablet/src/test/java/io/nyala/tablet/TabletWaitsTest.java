package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import io.nyala.time.TabletClock;
import io.nyala.wal.Durability;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: no batch and no reader of a tablet waits for what will never come, nor for another tablet.
 * Method: tablets with a clock and memory that the test holds back, stepped until nothing moves any more.
 */
final class TabletWaitsTest {
    @Test
    void anAnswerThatRestsOnARecordThatIsOnlyWrittenComes(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Tablets.Write written = member.inserts(1, 1);
            written.write.durability(Durability.WRITTEN);
            assertTrue(written.trySubmit());
            tablets.step();
            assertTrue(written.isDone());
            Tablets.Write again = member.inserts(1, 1);
            assertTrue(again.trySubmit());
            tablets.step();
            assertTrue(again.isDone(), "nobody has asked for the sync that it waits for");
            assertEquals(1, again.write.errorCount());
        }
    }

    @Test
    void aBatchThatWaitsForMemoryHoldsUpNoOtherTablet(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member poor = tablets.tablet(tablets::tick);
            Tablets.Member rich = tablets.tablet(tablets::tick);
            Runnable memory = poor.takeMemory();
            List<Tablets.Write> waiting = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                waiting.add(poor.inserts(1000L * i, 100));
                assertTrue(waiting.get(i).trySubmit());
            }
            Tablets.Write other = rich.inserts(0, 100);
            assertTrue(other.trySubmit());
            tablets.step();
            assertTrue(other.isDone());
            assertEquals(0, waiting.getFirst().answers, "there is no memory");
            Tablets.Write later = poor.inserts(9000, 1);
            assertFalse(later.trySubmit(), "who comes later waits outside");
            poor.tablet().queue().admission().lineUp(later.write.caller);
            tablets.step();
            assertFalse(later.write.caller.isAdmitted());
            memory.run();
            tablets.step();
            assertTrue(later.write.caller.isAdmitted());
            assertTrue(poor.inserts(9001, 1).trySubmit(), "nobody is before him any more");
            for (int i = 0; i < 3; i++) {
                assertTrue(waiting.get(i).isDone());
                assertEquals(0, waiting.get(i).probesWanted, "no rowset was swapped");
                assertTrue(i == 0
                        || waiting.get(i - 1).write.timestamp()
                                < waiting.get(i).write.timestamp());
            }
        }
    }

    /** There may be thousands of others. */
    @Test
    void onlyTabletsThatHaveSomethingToDoAreLookedAt(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            List<Tablets.Member> members = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                members.add(tablets.tablet(tablets::tick));
            }
            tablets.step();
            assertEquals(0, tablets.writer().activeCount());
            Runnable memory = members.get(3).takeMemory();
            Tablets.Write waiting = members.get(3).inserts(0, 100);
            assertTrue(waiting.trySubmit());
            for (int i = 0; i < 50; i++) {
                Tablets.Write write = members.get(random.nextInt(4, 12)).inserts(100L * i, 10);
                assertTrue(write.trySubmit());
                if (random.nextBoolean()) {
                    tablets.writer().doWork();
                }
                if (random.nextInt(3) == 0) {
                    tablets.step();
                    assertTrue(write.isDone());
                    assertEquals(1, tablets.writer().activeCount(), "that which waits for memory");
                }
            }
            memory.run();
            tablets.step();
            assertTrue(waiting.isDone());
            assertEquals(0, tablets.writer().activeCount());
        }
    }

    @Test
    void aBatchThatWaitsForMemoryHearsThatNoneWillCome(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Runnable memory = member.takeMemory();
            Tablets.Write waiting = member.inserts(0, 100);
            assertTrue(waiting.trySubmit());
            tablets.step();
            assertTrue(member.tablet().pressure().isMemoryWanted());
            member.tablet().pressure().refuseMemory(new IllegalStateException("scans have it"));
            tablets.step();
            assertInstanceOf(TabletBusyException.class, waiting.failure);
            assertTrue(String.valueOf(waiting.failure.getMessage()).contains("scans have it"));
            assertFalse(member.tablet().pressure().isMemoryWanted());
            Tablets.Write next = member.inserts(0, 100);
            assertTrue(next.trySubmit());
            tablets.step();
            assertEquals(0, next.answers, "it waits for itself, not for what another has heard");
            memory.run();
            tablets.step();
            assertTrue(next.isDone());
        }
    }

    @Test
    void noFlushIsTriedAgainForABatchThatWasRefused(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Runnable memory = member.takeMemory();
            Tablets.Write waiting = member.inserts(0, 100);
            assertTrue(waiting.trySubmit());
            tablets.step();
            assertTrue(member.tablet().pressure().isMemoryWanted());
            member.tablet().pressure().flushFailed(new IllegalStateException("disk full"));
            tablets.step();
            assertInstanceOf(TabletBusyException.class, waiting.failure);
            assertFalse(member.tablet().pressure().isMemoryWanted(), "nobody waits");
            memory.run();
        }
    }

    @Test
    void aBatchBeyondTheMemoryThatThereCanBeIsRefused(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Tablets.Write large = member.inserts(0, 14_000); // Nodes and changes may take 370 bytes each.
            assertTrue(large.trySubmit());
            tablets.step();
            assertInstanceOf(BatchTooLargeException.class, large.failure);
            String message = String.valueOf(large.failure.getMessage());
            assertTrue(message.contains("14000 operations"), message);
            assertTrue(message.contains("rows in memory"), message);
        }
    }

    @Test
    void callersBeyondTheQueueWaitAndNoneFails(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Deque<Tablets.Write> handed = new ArrayDeque<>();
            Tablets.Write next = member.inserts(0, 1);
            while (next.trySubmit()) {
                handed.add(next);
                next = member.inserts(handed.size(), 1);
            }
            assertEquals(WriteQueue.ADMITTED_MAX, handed.size());
            tablets.step();
            handed.forEach(write -> assertTrue(write.isDone()));
            assertTrue(next.trySubmit());
            tablets.step();
            assertTrue(next.isDone());
        }
    }

    /** The clock has a time that a reader was promised, and then no more: that time must not hold the reader up. */
    @Test
    void aReaderNeedNotWaitForATimeThatWasDrawnInVain(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Deque<Long> times = new ArrayDeque<>();
            Tablets.Member member = tablets.tablet(() -> times.isEmpty() ? TabletClock.NOT_LEASED : times.poll());
            long promised = tablets.tick() + 5;
            member.tablet().promise(promised);
            times.add(promised - 2);
            Tablets.Write write = member.inserts(0, 1);
            assertTrue(write.trySubmit());
            tablets.step();
            assertEquals(0, write.answers, "there is no lease");
            assertTrue(member.tablet().isSettled(promised), "nothing is on its way");
            times.add(promised + 1);
            tablets.step();
            assertTrue(write.isDone());
            assertEquals(promised + 1, write.write.timestamp());
        }
    }

    @Test
    void aRefusedBatchLeavesNoTimeUnsettled(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Deque<Long> times = new ArrayDeque<>();
            Tablets.Member member = tablets.tablet(() -> {
                if (times.isEmpty()) {
                    throw new TabletBusyException("no lease", new IllegalStateException("disk full"));
                }
                return times.poll();
            });
            long promised = tablets.tick() + 5;
            member.tablet().promise(promised);
            times.add(promised);
            Tablets.Write write = member.inserts(0, 1);
            assertTrue(write.trySubmit());
            tablets.step();
            assertInstanceOf(TabletBusyException.class, write.failure);
            assertTrue(member.tablet().isSettled(promised));
        }
    }

    /** The writer ends while a batch is out to be probed again: its prober finds that, and the batch has one answer. */
    @Test
    void whatIsHandedOverAfterTheWritersEndIsAnswered(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            tablets.writer().onClose();
            Tablets.Write late = member.inserts(0, 1);
            assertTrue(late.trySubmit());
            assertInstanceOf(TabletClosedException.class, late.failure);
            assertEquals(1, late.answers);
        }
    }
}
