package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.record.RequestMismatchException;
import io.nyala.record.RequestName;
import io.nyala.record.StaleRequestException;
import io.nyala.rows.RowErrorCode;
import io.nyala.testkit.Seed;
import io.nyala.wal.CommitLog;
import io.nyala.wal.Durability;
import io.nyala.wal.LogFullException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Goal: a request takes effect once, and its retries get the answer of the first when that is durable, not before.
 * Method: batches of one client handed to a tablet twice, with or without time for the log in between.
 */
final class NamedWritesTest {
    private static RequestName name(long client, long sequence, long firstIncomplete) {
        return new RequestName(client, 1, sequence, firstIncomplete);
    }

    /** Inserts of some ids under a name, handed over. */
    private static Tablets.Write submit(Tablets.Member member, RequestName name, long from, int count) {
        Tablets.Write write = member.inserts(from, count);
        write.write.name(name);
        assertTrue(write.trySubmit());
        return write;
    }

    private static void assertRepeated(Tablets.Write first, Tablets.Write again) {
        assertNull(again.failure);
        assertEquals(1, again.answers);
        assertEquals(first.write.timestamp(), again.write.timestamp());
        assertEquals(first.write.errorCount(), again.write.errorCount());
        for (int i = 0; i < first.write.errorCount(); i++) {
            assertEquals(first.write.errorIndex(i), again.write.errorIndex(i));
            assertEquals(first.write.errorOffset(i), again.write.errorOffset(i));
            assertEquals(first.write.errorCode(i), again.write.errorCode(i));
        }
    }

    @Test
    void aRetryWaitsForTheRecordOfTheFirst(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Tablets.Write first = submit(member, name(7, 0, 0), 0, 10);
            Tablets.Write again = submit(member, name(7, 0, 0), 0, 10);
            for (int i = 0; i < 10; i++) {
                tablets.writer().doWork(); // Nothing of the log is written meanwhile.
            }
            assertTrue(first.write.isDecided() && again.write.isDecided());
            assertEquals(0, first.answers + again.answers, "it is not durable");
            tablets.step();
            assertTrue(first.isDone());
            assertRepeated(first, again);
            Tablets.Write later = submit(member, name(7, 0, 0), 0, 10);
            tablets.step();
            assertRepeated(first, later);
            assertEquals(0, later.write.errorCount());
            assertEquals(10, member.tablet().rowCount());
        }
    }

    @Test
    void errorsAreRepeatedAndCostNothingToTheRowsThatCameSince(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            submit(member, name(8, 0, 0), 5, 3);
            Tablets.Write first = submit(member, name(7, 1, 0), 0, 10);
            tablets.step();
            assertEquals(3, first.write.errorCount());
            Tablets.Write again = submit(member, name(7, 1, 0), 0, 10);
            Tablets.Write other = submit(member, name(7, 2, 0), 0, 10);
            tablets.step();
            assertRepeated(first, again);
            assertEquals(RowErrorCode.ALREADY_PRESENT, again.write.errorCode(2));
            assertEquals(7, again.write.errorIndex(2));
            assertEquals(10, other.write.errorCount(), "another number is another request");
        }
    }

    /** Without a record of its own nobody would know after a crash that the row had been there before. */
    @Test
    void aNamedBatchWithoutEffectsIsInTheLog(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Tablets.Write row = submit(member, name(7, 0, 0), 0, 1);
            tablets.step();
            long before = member.tablet().log().lastSequence();
            Tablets.Write refused = submit(member, name(7, 1, 0), 0, 1);
            tablets.step();
            assertEquals(1, refused.write.errorCount());
            assertTrue(refused.write.timestamp() > row.write.timestamp());
            assertTrue(member.tablet().log().lastSequence() > before);
            assertTrue(member.tablet().neededFrom() <= before);
        }
    }

    @Test
    void otherRowsUnderAnOldNameAreRefused(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            submit(member, name(8, 0, 0), 0, 10);
            Tablets.Write first = submit(member, name(7, 1, 0), 0, 10);
            tablets.step();
            assertEquals(10, first.write.errorCount());
            Tablets.Write fewer = submit(member, name(7, 1, 0), 100, 3);
            tablets.step();
            assertInstanceOf(RequestMismatchException.class, fewer.failure);
            assertTrue(String.valueOf(fewer.failure.getMessage()).contains("operation 3"), fewer.failure::getMessage);
            assertEquals(10, member.tablet().rowCount());
            Tablets.Write next = submit(member, name(7, 2, 2), 100, 3);
            tablets.step();
            assertTrue(next.isDone());
        }
    }

    @Test
    void whatTheClientHasHeardIsStale(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            submit(member, name(7, 1, 0), 0, 10);
            submit(member, name(7, 2, 2), 10, 10);
            Tablets.Write late = submit(member, name(7, 1, 1), 0, 10);
            tablets.step();
            assertInstanceOf(StaleRequestException.class, late.failure);
            assertFalse(late.write.isDecided());
            Tablets.Write known = submit(member, name(7, 2, 2), 10, 10);
            tablets.step();
            assertTrue(known.isDone());
            assertEquals(20, member.tablet().rowCount());
        }
    }

    /** A time that a reader was promised is not held up, nor is it broken, by an answer of long ago. */
    @Test
    void anAnswerOfLongAgoDoesNotMoveTime(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Tablets.Write first = submit(member, name(7, 1, 0), 0, 10);
            submit(member, name(7, 2, 0), 10, 10);
            tablets.step();
            long visible = member.tablet().visible();
            Tablets.Write again = submit(member, name(7, 1, 0), 0, 10);
            tablets.step();
            assertRepeated(first, again);
            assertEquals(visible, member.tablet().visible());
            long promised = tablets.tick();
            member.tablet().promise(promised);
            assertTrue(member.tablet().isSettled(promised));
        }
    }

    @Test
    void aTabletWithManyClientsIsBusyForMoreUntilTheyAreQuietForTenMinutes(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            List<Tablets.Write> writes = new ArrayList<>();
            for (int i = 0; i < 256; i++) {
                writes.add(member.inserts(i, 1));
            }
            for (int client = 1; client <= 16_384; client++) {
                TabletWrite write = writes.get(client % writes.size()).write;
                write.clear();
                write.addAll();
                write.name(name(client, 0, 0));
                assertTrue(member.tablet().trySubmit(write));
                if (client % writes.size() == 0) {
                    tablets.step();
                }
            }
            Tablets.Write more = submit(member, name(50_000, 0, 0), 50_000, 1);
            tablets.step();
            assertInstanceOf(TabletBusyException.class, more.failure);
            String message = String.valueOf(more.failure.getMessage());
            assertTrue(message.contains("16,384 clients") && message.contains("request 0 of client"), message);
            Tablets.Write known = submit(member, name(1, 0, 0), 1, 1);
            tablets.step();
            assertTrue(known.isDone(), "who is known is not in need of room");
            tablets.pass(600);
            Tablets.Write later = submit(member, name(50_000, 0, 0), 50_000, 1);
            tablets.step();
            assertTrue(later.isDone());
        }
    }

    @Test
    void aBatchThatWasRefusedAsAWholeRunsWhenItIsRepeated(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Runnable memory = member.takeMemory();
            Tablets.Write waiting = submit(member, name(7, 1, 0), 0, 100);
            tablets.step();
            member.tablet().pressure().refuseMemory(new IllegalStateException("scans have it"));
            tablets.step();
            assertInstanceOf(TabletBusyException.class, waiting.failure);
            memory.run();
            Tablets.Write again = submit(member, name(7, 1, 0), 0, 100);
            tablets.step();
            assertTrue(again.isDone());
            assertEquals(0, again.write.errorCount());
            assertEquals(100, member.tablet().rowCount());
        }
    }

    // ---- Carrying forward ----

    /** A tablet with answers, whose rows need the log no more. */
    private static Tablets.Member flushed(Tablets tablets) {
        Tablets.Member member = tablets.tablet(tablets::tick);
        for (int i = 0; i < 5; i++) {
            submit(member, name(7, i, 0), 10L * i, 10);
        }
        tablets.step();
        member.tablet().applied(member.tablet().lastSequence());
        return member;
    }

    @Test
    void theLogIsNeededUntilTheAnswersThatWereCarriedForwardAreDurable(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = flushed(tablets);
            long before = member.tablet().neededFrom();
            var done = new AtomicInteger();
            member.tablet().named().carry(done::getAndIncrement);
            for (int i = 0; i < 10; i++) {
                tablets.writer().doWork(); // Nothing of the log is written meanwhile.
            }
            long written = member.tablet().lastSequence();
            assertTrue(member.tablet().named().isCarrying());
            assertEquals(before, member.tablet().neededFrom());
            tablets.step();
            assertFalse(member.tablet().named().isCarrying());
            assertEquals(1, done.get());
            assertEquals(written, member.tablet().named().neededFrom());
            member.tablet().named().carry(done::getAndIncrement);
            tablets.step();
            assertEquals(written, member.tablet().lastSequence(), "rows need more of the log");
            member.tablet().applied(written);
            member.tablet().named().carry(done::getAndIncrement);
            tablets.step();
            assertTrue(member.tablet().lastSequence() > written);
            assertEquals(member.tablet().lastSequence(), member.tablet().named().neededFrom());
        }
    }

    /**
     * It takes the place of a client that is forgotten, behind which the writer of answers is already, though it has
     * not written any: the log had no room just then.
     */
    @Test
    void theLogIsNeededForAClientThatComesBeforeTheFirstAnswerIsCarried(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            submit(member, name(1, 0, 0), 0, 1);
            tablets.step();
            tablets.pass(3601);
            int answers = 100;
            for (int i = 0; i < answers; i++) {
                submit(member, name(2, i, 0), 10 + i, 1);
            }
            tablets.step();
            CommitLog log = member.tablet().log();
            member.tablet().applied(log.lastSequence());
            int carriedBytes = answers * 24; // At the least.
            while (log.reserve(carriedBytes) != 0) { // A smaller record still fits.
                log.publish(200, Durability.SYNC);
            }
            NamedWrites named = member.tablet().named();
            named.carry(() -> {});
            Tablets.Write fresh = submit(member, name(3, 0, 0), 500, 1);
            tablets.writer().doWork();
            assertTrue(named.isCarrying());
            assertTrue(fresh.write.isDecided(), "before anything was carried");
            assertEquals(fresh.write.sequence(), log.lastSequence());
            tablets.step();
            assertFalse(named.isCarrying());
            assertTrue(log.lastSequence() > fresh.write.sequence());
            assertEquals(fresh.write.sequence(), named.neededFrom());
        }
    }

    /** Its records would be older than those of the tablet that has the answers, and stand behind them. */
    @Test
    void whatIsHandedOverIsCarriedNoFurtherUnlessItIsTakenBack(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = flushed(tablets);
            NamedWrites named = member.tablet().named();
            long before = named.neededFrom();
            long written = member.tablet().lastSequence();
            var done = new AtomicInteger();
            named.carry(done::getAndIncrement);
            assertTrue(named.isCarrying());
            assertNotNull(named.handOver());
            assertFalse(named.isCarrying());
            assertEquals(1, done.get(), "who waits for it hears of its end");
            named.carry(done::getAndIncrement);
            tablets.step();
            assertEquals(written, member.tablet().lastSequence());
            assertEquals(before, named.neededFrom());
            member.tablet().takeAnswersBack();
            named.carry(done::getAndIncrement);
            tablets.step();
            assertEquals(2, done.get());
            assertTrue(named.neededFrom() > written);
            assertEquals(member.tablet().lastSequence(), named.neededFrom());
        }
    }

    @Test
    void answersAreHandedOverWhenTheWriterHasRoomForIt(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = flushed(tablets);
            while (tablets.writer().command(() -> {})) {
                // Until there are too many.
            }
            assertTrue(member.tablet().handOverAnswers().isEmpty());
            tablets.step();
            var answers = member.tablet().handOverAnswers().orElseThrow();
            tablets.step();
            assertEquals(5, answers.join().requestCount());
        }
    }

    /** Else nobody could append to the log any more, and all tablets would wait. */
    @Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    @Test
    void theLogIsGivenBackWhereAnswersCannotBeWritten(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            var log = new ShortLog(tablets.log());
            Tablets.Member member = tablets.tablet(tablets::tick, log);
            submit(member, name(7, 0, 0), 0, 1);
            tablets.step();
            member.tablet().applied(member.tablet().lastSequence());
            log.isShort(true);
            member.tablet().named().carry(() -> {});
            assertThrows(IndexOutOfBoundsException.class, tablets.writer()::doWork);
            assertTrue(log.isFree());
            log.isShort(false);
            tablets.step();
        }
    }

    /** It is needed as before, and there is a next time. */
    @Test
    void aFullLogTakesNoAnswersAndLosesNone(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = flushed(tablets);
            long before = member.tablet().neededFrom();
            tablets.disk().noSpaceAfter(0);
            fill(tablets, member.tablet().log());
            var done = new AtomicInteger();
            member.tablet().named().carry(done::getAndIncrement);
            tablets.step();
            assertEquals(1, done.get());
            assertEquals(before, member.tablet().neededFrom());
            Tablets.Write known = submit(member, name(7, 2, 0), 20, 10);
            tablets.step();
            assertTrue(known.isDone());
            Tablets.Write unknown = submit(member, name(7, 10, 0), 200, 10);
            tablets.step();
            assertInstanceOf(LogFullException.class, unknown.failure);
            tablets.disk().unlimitSpace();
            tablets.step();
            for (int i = 0; i < 3 && member.tablet().neededFrom() == before; i++) { // Who tries first hears of before.
                member.tablet().named().carry(done::getAndIncrement);
                tablets.step();
            }
            assertTrue(member.tablet().neededFrom() > before);
            Tablets.Write again = submit(member, name(7, 10, 0), 200, 10);
            tablets.step();
            assertTrue(again.isDone());
            assertEquals(0, again.write.errorCount());
        }
    }

    private static void fill(Tablets tablets, CommitLog log) {
        for (int bytes = 32 << 10; bytes >= 8; bytes /= 2) {
            try {
                while (true) {
                    if (log.reserve(bytes) != 0) {
                        log.publish(bytes, Durability.SYNC);
                    }
                    tablets.step();
                }
            } catch (LogFullException _) {
                // Perhaps there is room for something smaller.
            }
        }
    }

    @Test
    void answersThatAreLateAreNotCarriedButForgotten(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = flushed(tablets);
            long written = member.tablet().lastSequence();
            tablets.pass(3601);
            member.tablet().named().carry(() -> {});
            tablets.step();
            assertEquals(written, member.tablet().lastSequence());
            assertEquals(Long.MAX_VALUE, member.tablet().named().neededFrom());
        }
    }

    @Test
    void aTabletWithoutNamedRequestsNeedsNothingForThem(@Seed SplittableRandom random) {
        try (var tablets = new Tablets(random)) {
            Tablets.Member member = tablets.tablet(tablets::tick);
            Tablets.Write write = member.inserts(0, 10);
            assertTrue(write.trySubmit());
            tablets.step();
            assertTrue(write.isDone());
            assertNull(member.tablet().named().handOver());
            assertEquals(Long.MAX_VALUE, member.tablet().named().neededFrom());
        }
    }
}
