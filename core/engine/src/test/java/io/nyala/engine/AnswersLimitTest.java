package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.tablet.TabletBusyException;
import io.nyala.testkit.Seed;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: what all tablets of a host answered takes little of the log, and late clients of one tablet do not take the
 * room of another's for ever. Method: answers with many errors until there is no room, on a simulated host whose clock
 * goes on.
 */
final class AnswersLimitTest {
    /** Rows that are there already: so many errors has an answer. */
    private static final long[] IDS = LongStream.range(0, 1_000).toArray();

    /** Of {@link World}: two of its segments. */
    private static final int ROOM_BYTES = 2 * (128 << 10);

    private OneTable one;
    private Table idle;
    private Table busy;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
        idle = create("idle");
        busy = create("busy");
    }

    private Table create(String name) {
        Table table = one.engine().createTable(name, Numbers.SCHEMA);
        for (int i = 0; i < IDS.length; i += 500) {
            Numbers.insertRange(table, i, i + 500);
        }
        return table;
    }

    /** Until there is no room; answers how many requests were answered. */
    private static int fill(Table table, int firstClient) {
        int answered = 0;
        try {
            while (answered < 10_000) {
                Requests.insert(table, Requests.name(firstClient + answered, 1), IDS);
                answered++;
            }
        } catch (TabletBusyException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("bytes of 262,144"), e.getMessage());
        }
        return answered;
    }

    @Test
    void tabletsShareARoomThatTheLogHoldsSeveralTimes() {
        int inOne = fill(idle, 1);
        long answerBytes = 40 + 24 + 8L * IDS.length;
        assertEquals(ROOM_BYTES / answerBytes, inOne);
        assertEquals(0, fill(busy, 10_000), "the other tablet has it");
        one.engine().dropTable("idle");
        one.settle();
        assertEquals(inOne, fill(busy, 20_000), "dropped tablets have no answers");
        one.engine().close();
    }

    /** Nobody writes to the one tablet any more; the other hears that there is no room, and then there is. */
    @Test
    void lateClientsAreForgottenThoughNobodyAsksTheirTablet() {
        fill(idle, 1);
        one.world().clock().advanceMicros(Duration.ofMinutes(59).toMillis() * 1_000);
        assertEquals(0, retry(), "not late yet");
        one.world().clock().advanceMicros(Duration.ofMinutes(2).toMillis() * 1_000);
        assertEquals(1, retry());
        one.engine().close();
    }

    /** As clients that are told to: the first time the clock may have no lease. Answers how many got an answer. */
    private int retry() {
        for (int i = 0; i < 3; i++) {
            try {
                assertEquals(
                        IDS.length,
                        Requests.insert(busy, Requests.name(9_000, 1), IDS)
                                .errors()
                                .size());
                return 1;
            } catch (TabletBusyException _) {
                one.settle();
            }
        }
        return 0;
    }

    /** What a restart finds is counted, and what is carried forward is not counted twice. */
    @Test
    void theRoomIsTheSameAfterARestart() {
        int inOne = fill(idle, 1);
        Numbers.flush(one.running(), idle);
        one.reopen();
        idle = one.engine().table("idle").orElseThrow();
        assertEquals(0, fill(idle, 10_000));
        Requests.Answer again = Requests.insert(idle, Requests.name(inOne, 1), IDS);
        assertEquals(IDS.length, again.errors().size());
        assertTrue(inOne > 10, "there were some");
        one.engine().close();
    }
}
