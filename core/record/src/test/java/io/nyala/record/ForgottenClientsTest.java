package io.nyala.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.time.HybridTime;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * Goal: clients are forgotten when they are late, earlier only if they are quiet and others need their room, and never
 * otherwise, also across a restart.
 * Method: as many clients as there may be, at known times, and one more.
 */
final class ForgottenClientsTest {
    private static final RequestLimits SMALL = new RequestLimits(5, 7, 1000, 2000, 500);

    private static RequestName name(long client, long sequence, long firstIncomplete) {
        return RequestName.of(new UUID(client, 1), sequence, firstIncomplete);
    }

    private static void answer(RequestResults results, RequestName name, long time) {
        assertFalse(results.find(name, time));
        assertTrue(results.makeRoom(name, 1, time));
        results.add(name, time, 1, Refused.NONE);
    }

    private static RequestResults full(long start) {
        var results = new RequestResults(AnswerRoom.unlimited());
        for (long client = 0; client < RequestLimits.CLIENTS_MAX; client++) {
            answer(results, name(client, 9, 9), start + HybridTime.of(client, 0));
        }
        return results;
    }

    /** Requests of an hour ago are new ones again. */
    @Test
    void clientsAreForgottenAfterAnHourAndNotBefore() {
        long hour = HybridTime.of(RequestLimits.FORGET_AFTER_MICROS, 0);
        long start = HybridTime.of(1_000_000, 0);
        RequestResults results = full(start);
        results.forgetLate(start + hour);
        assertEquals(RequestLimits.CLIENTS_MAX, results.clientCount(), "none is older than an hour");
        assertTrue(results.find(name(0, 9, 9), start + hour));
        long later = HybridTime.of(HybridTime.micros(start + hour) + RequestLimits.CLIENTS_MAX, 0);
        results.forgetLate(later);
        assertEquals(1, results.clientCount(), "the one that was heard of");
        assertFalse(results.find(name(1, 5, 5), later), "nobody knows that client");
    }

    /** Programs of a minute are new clients each time, and none of them comes back. */
    @Test
    void clientsThatAreQuietForTenMinutesMakeRoomForOthersAndTheQuietestFirst() {
        long tenMinutes = HybridTime.of(RequestLimits.REPLACE_AFTER_MICROS, 0);
        long start = HybridTime.of(1_000_000, 0);
        RequestResults results = full(start);
        assertTrue(results.find(name(0, 9, 9), start + tenMinutes));
        RequestName more = name(50_000, 0, 0);
        long tooEarly = start + tenMinutes + HybridTime.of(1, 0); // For client 1, the quietest now.
        assertFalse(results.makeRoom(more, 0, tooEarly), "all were heard of within ten minutes");
        assertTrue(results.describeFullness().startsWith("16,384 answers of 16,384 clients take 1,048,576 bytes"));
        long later = start + tenMinutes + HybridTime.of(1_000, 0);
        assertTrue(results.makeRoom(more, 0, later));
        assertEquals(RequestLimits.CLIENTS_MAX - 256, results.clientCount(), "one in 64 has gone");
        assertTrue(results.find(name(0, 9, 9), later), "it was heard of");
        assertFalse(results.find(name(1, 5, 5), later), "nobody knows the quietest");
        assertFalse(results.find(name(256, 5, 5), later), "nor the last of them");
        assertTrue(results.find(name(257, 9, 9), later), "others may come, and are known");
    }

    /** Who was quiet when the log ended is so after it, and nobody has to wait ten minutes more for its place. */
    @Test
    void whomARestartFindsQuietMakesRoomAtOnce() {
        var log = new AnswersLog(SMALL);
        int clients = SMALL.clients() + 2;
        for (long client = 1; client <= clients; client++) {
            log.append(name(client, 1, 1), HybridTime.of(client * 200, 0), Refused.NONE);
        }
        RequestResults results = log.replay();
        assertEquals(clients, results.clientCount());
        long opened = HybridTime.of(10_000, 0);
        assertTrue(results.find(name(1, 1, 1), opened), "it comes and asks");
        assertTrue(results.makeRoom(name(99, 1, 1), 0, opened));
        assertEquals(SMALL.clients() - 1, results.clientCount(), "those heard of within 500 µs of the end, and one");
        assertTrue(results.find(name(1, 1, 1), opened));
        assertTrue(results.find(name(5, 1, 1), opened));
    }

    /** The log does not say that a client was forgotten, so a restart finds more of them than there may be. */
    @Test
    void whatARestartFindsTooManyOfIsForgottenWhenThereIsNeed() {
        var log = new AnswersLog(SMALL);
        int clients = 3 * SMALL.clients();
        long time = 0;
        for (long client = 1; client <= clients; client++) {
            time = HybridTime.of(client * (SMALL.forgetAfterMicros() + 1) / (SMALL.clients() - 1), 0);
            log.append(name(client, 1, 1), time, Refused.NONE);
        }
        RequestResults results = log.replay();
        assertEquals(clients, results.clientCount());
        long later = HybridTime.of(HybridTime.micros(time) + SMALL.forgetAfterMicros() / 2, 0);
        assertTrue(results.makeRoom(name(99, 1, 1), 0, later));
        assertEquals(SMALL.clients() - 1, results.clientCount(), "those that were not late when the log ended");
        assertTrue(results.find(name(clients, 1, 1), later));
    }

    /** Nobody could be heard of while there was nobody to hear. */
    @Test
    void whomARestartFindsIsForgottenAnHourAfterItAndNotBefore() {
        var log = new AnswersLog(SMALL);
        for (long client = 1; client <= SMALL.clients(); client++) {
            log.append(name(client, 1, 1), HybridTime.of(client, 0), Refused.NONE);
        }
        RequestResults results = log.replay();
        long opened = HybridTime.of(10 * SMALL.forgetAfterMicros(), 0);
        results.forgetLate(opened);
        assertEquals(SMALL.clients(), results.clientCount());
        assertTrue(results.find(name(1, 1, 1), opened));
        assertFalse(results.makeRoom(name(99, 1, 1), 0, opened), "others may come and ask");
        long last = HybridTime.of(HybridTime.micros(opened) + SMALL.forgetAfterMicros(), 0);
        RequestResults copy = results.copy();
        for (RequestResults each : List.of(results, copy)) {
            assertTrue(each.find(name(2, 1, 1), last));
            assertFalse(each.find(name(3, 1, 1), HybridTime.of(HybridTime.micros(last) + 1, 0)));
        }
    }

    /** Half of its answers are in the log when it is forgotten: those of the next are written from the first on. */
    @Test
    void aClientForgottenWhileItIsCarriedForwardLeavesNoGap() {
        var results = new RequestResults(SMALL, AnswerRoom.unlimited());
        for (long sequence = 100; sequence < 104; sequence++) {
            answer(results, name(1, sequence, 100), HybridTime.of(1, 0));
        }
        long later = HybridTime.of(SMALL.forgetAfterMicros() + 1, 0);
        answer(results, name(2, 5, 5), later);
        var log = new AnswersLog(SMALL);
        log.carryNext(results, 130, 1000);
        assertEquals(1, log.recordCount());
        results.forgetLate(HybridTime.of(SMALL.forgetAfterMicros() + 2, 0));
        assertEquals(1, results.clientCount());
        log.carryNext(results, 130, 1000);
        log.carryNext(results, 130, 1000); // All is written: the log lets go of what was before.
        assertTrue(log.replay().find(name(2, 5, 5), 0));
    }
}
