package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * Goal: a seat is taken from a worker that hangs in a call, and from no other; that one hears of it before it touches
 * anything; who watches is woken when there is something to watch.
 * Method: a clock and calls that the test makes; {@code SeatRaces} has the same on threads.
 */
final class SeatTest {
    private static final long STUCK_MICROS = 1_000;

    private long now = 5_000;
    private int woken;
    private final Seat seat = new Seat(() -> now, () -> woken++);
    private final Seat.Hold first = seat.first();

    @Test
    void itIsTakenFromWhoHangsAndFromNobodyElse() {
        assertNull(seat.takeOver(now + STUCK_MICROS, STUCK_MICROS), "its worker is in no call");
        first.run(() -> now += STUCK_MICROS - 1);
        assertNull(seat.takeOver(now + STUCK_MICROS, STUCK_MICROS), "its worker has come back");
        first.run(() -> {
            now += STUCK_MICROS - 1;
            assertNull(seat.takeOver(now, STUCK_MICROS), "not for long enough");
            assertEquals(STUCK_MICROS - 1, seat.stuckMicros(now));
        });
        assertEquals(0, seat.stuckMicros(now + STUCK_MICROS));
        var failure = new IllegalStateException("planned");
        var successor = new Seat.Hold[1];
        Seat.LostException lost = assertThrows(
                Seat.LostException.class,
                () -> first.run(() -> {
                    now += STUCK_MICROS;
                    successor[0] = Objects.requireNonNull(seat.takeOver(now, STUCK_MICROS));
                    assertNull(seat.takeOver(now, STUCK_MICROS), "it is taken once");
                    throw failure;
                }));
        assertSame(failure, lost.getCause(), "and not thrown by itself, or it would be dealt with");
        assertThrows(Seat.LostException.class, () -> first.run(() -> now++), "nor does it call again");
        assertNotNull(successor[0]);
        successor[0].run(() -> now++);
        assertSame(
                failure,
                assertThrows(
                        IllegalStateException.class,
                        () -> successor[0].run(() -> {
                            throw failure;
                        })));
        successor[0].run(() -> now++);
    }

    @Test
    void whoLosesItWhileTheSuccessorIsInACallHearsOfIt() {
        assertThrows(
                Seat.LostException.class,
                () -> first.run(() -> {
                    now += STUCK_MICROS;
                    Seat.Hold successor = Objects.requireNonNull(seat.takeOver(now, STUCK_MICROS));
                    successor.run(() -> now++);
                    assertNull(seat.takeOver(now + STUCK_MICROS, STUCK_MICROS));
                }));
    }

    @Test
    void whoRestsIsWokenByTheNextCallOnce() {
        first.run(() -> now++);
        first.run(() -> now++);
        assertEquals(1, woken);
        long seen = seat.state();
        first.run(() -> now++);
        assertFalse(seat.rest(seen), "something was called");
        first.run(() -> assertFalse(seat.rest(seat.state()), "something is being called"));
        assertEquals(1, woken);
        assertTrue(seat.rest(seat.state()));
        first.run(() -> now++);
        first.run(() -> now++);
        assertEquals(2, woken);
    }
}
