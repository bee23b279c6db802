package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rpc.IdleWatch.Verdict;
import org.junit.jupiter.api.Test;

/**
 * Goal: only connections that are of no more use are closed: not those of clients that are slow, or wait for us.
 * Method: lives of connections, at times of our own.
 */
final class IdleWatchTest {
    private static final long IDLE = 100;

    private final IdleWatch watch = new IdleWatch(IDLE);

    @Test
    void aConnectionIsIdleAfterTheTimeSinceItsLastByte() {
        watch.active(1000);
        assertEquals(Verdict.GOES_ON, watch.look(1099, 0, 0, false));
        assertEquals(1, watch.nanosToNextLook(1099));
        watch.active(1099);
        assertEquals(Verdict.GOES_ON, watch.look(1100, 0, 0, false));
        assertEquals(99, watch.nanosToNextLook(1100));
        assertEquals(Verdict.IDLE, watch.look(1199, 0, 0, false));
    }

    @Test
    void ofARequestThatIsNotThereYetOnlyAPieceIsASignOfLife() {
        watch.active(1000);
        watch.received(1050, IdleWatch.PIECE_BYTES - 1);
        watch.received(1060, 1);
        assertEquals(Verdict.GOES_ON, watch.look(1159, 0, 0, false));
        watch.received(1110, 1);
        assertEquals(1, watch.nanosToNextLook(1159), "the next piece has begun, and a byte is not it");
        assertEquals(Verdict.IDLE, watch.look(1160, 0, 0, false));
        watch.received(1170, IdleWatch.PIECE_BYTES - 2);
        watch.active(1170); // The request is there.
        watch.received(1180, 2);
        assertEquals(Verdict.IDLE, watch.look(1270, 0, 0, false), "pieces are of one request");
    }

    @Test
    void aConnectionThatWaitsForUsIsNotIdle() {
        watch.active(1000);
        assertEquals(Verdict.GOES_ON, watch.look(1100, 0, 0, true));
        assertEquals(IDLE, watch.nanosToNextLook(1100));
        assertEquals(Verdict.GOES_ON, watch.look(1200, 0, 0, true));
        watch.active(1250); // The answer.
        assertEquals(Verdict.GOES_ON, watch.look(1300, 0, 0, false));
        assertEquals(Verdict.IDLE, watch.look(1350, 0, 0, false));
    }

    @Test
    void aClientThatTakesItsAnswersSlowlyIsNotStuck() {
        long all = 1 << 20;
        watch.active(1000);
        for (int i = 1; i <= 10; i++) {
            long now = 1000 + i * IDLE;
            assertEquals(Verdict.GOES_ON, watch.look(now, all - (long) i * IdleWatch.PIECE_BYTES, all, i % 2 == 0));
            assertEquals(IDLE, watch.nanosToNextLook(now));
        }
        assertEquals(Verdict.STUCK, watch.look(2100, all - 10 * IdleWatch.PIECE_BYTES, all, false));
    }

    @Test
    void oneThatTakesADropNowAndThenIsStuck() {
        long all = 1 << 20;
        watch.active(1000);
        assertEquals(Verdict.GOES_ON, watch.look(1099, all, all, true));
        assertEquals(Verdict.GOES_ON, watch.look(1199, all - IdleWatch.PIECE_BYTES, all, true));
        assertEquals(Verdict.STUCK, watch.look(1299, all - 2 * IdleWatch.PIECE_BYTES + 1, all, true));
    }

    @Test
    void aBusyConnectionMayHaveAsMuchUnsentAsLastTime() {
        long more = IdleWatch.PIECE_BYTES;
        watch.active(1000);
        assertEquals(Verdict.GOES_ON, watch.look(1100, 500, 500 + more, true));
        assertEquals(Verdict.GOES_ON, watch.look(1200, 500, 500 + 2 * more, true), "others have come in its place");
        watch.active(1250);
        assertEquals(Verdict.GOES_ON, watch.look(1300, 500, 500 + 2 * more, true));
        assertEquals(Verdict.STUCK, watch.look(1400, 500, 500 + 2 * more, true), "whatever is under way");
    }
}
