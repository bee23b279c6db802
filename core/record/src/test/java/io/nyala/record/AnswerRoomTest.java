package io.nyala.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.time.HybridTime;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * Goal: the answers of all tablets of a host together take no more than there is room for, and what one forgets another
 * may have. Method: two tables of answers and a room for two answers; {@link RequestResultsTest} has random ones.
 */
final class AnswerRoomTest {
    private static RequestName name(long client, long sequence, long firstIncomplete) {
        return RequestName.of(new UUID(client, 1), sequence, firstIncomplete);
    }

    @Test
    void tabletsOfAHostShareTheRoom() {
        int[] wanted = {0};
        var room = new AnswerRoom(2 * (40 + 24), () -> wanted[0]++);
        var first = new RequestResults(room);
        var second = new RequestResults(room);
        assertTrue(first.makeRoom(name(1, 1, 1), 0, 1));
        first.add(name(1, 1, 1), HybridTime.of(1, 0), 1, Refused.NONE);
        assertFalse(second.makeRoom(name(2, 1, 1), 1, 1), "the error has no room");
        assertTrue(room.takeWanted());
        assertFalse(room.takeWanted());
        assertEquals(1, wanted[0]);
        assertTrue(second.makeRoom(name(2, 1, 1), 0, 1));
        second.add(name(2, 1, 1), 2, 1, Refused.NONE);
        assertFalse(second.makeRoom(name(3, 1, 1), 0, 2));
        assertTrue(second.describeFullness().endsWith("those of all tablets take 128 bytes of 128"));
        assertFalse(second.find(name(2, 2, 2), 2));
        assertTrue(second.makeRoom(name(2, 2, 2), 0, 2), "in the place of what its client has heard");
        second.add(name(2, 2, 2), 2, 2, Refused.NONE);
        assertEquals(128, room.usedBytes());
        first.forgetLate(HybridTime.of(RequestLimits.FORGET_AFTER_MICROS + 2, 0));
        assertEquals(64, room.usedBytes());
        RequestResults copy = second.copy();
        assertEquals(128, room.usedBytes());
        second.close();
        copy.close();
        assertEquals(0, room.usedBytes());
    }
}
