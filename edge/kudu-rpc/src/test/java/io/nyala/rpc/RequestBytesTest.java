package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: requests never hold more than the limit and one frame, those that wait get their memory in turn, and however
 * much is asked for at once, everything gets done.
 * Method: a few steps by hand, then random frames that grow, wait and end, one at a time.
 */
final class RequestBytesTest {
    private static final long LIMIT = 1000;
    private static final int FRAME_MAX = 600;

    private final RequestBytes bytes = new RequestBytes(LIMIT);

    @Test
    void oneFrameMayGoBeyondTheLimitAndOthersWaitInTurn() {
        List<String> granted = new ArrayList<>();
        Frame first = frame(() -> granted.add("first"));
        Frame second = frame(() -> granted.add("second"));
        Frame third = frame(() -> granted.add("third"));
        Frame fourth = frame(() -> granted.add("fourth"));
        assertTrue(bytes.take(first, 900));
        assertTrue(bytes.take(second, 200), "the one that may go beyond");
        assertTrue(bytes.take(second, 300), "and on");
        assertFalse(bytes.take(third, 500));
        assertFalse(bytes.take(fourth, 1), "would fit, but is not first in line");
        assertEquals(1400, bytes.usedBytes());
        bytes.giveBack(second);
        assertEquals(List.of("third"), granted, "the next one beyond");
        bytes.giveBack(first);
        assertEquals(List.of("third", "fourth"), granted);
        bytes.giveBack(third);
        bytes.giveBack(fourth);
        assertEquals(0, bytes.usedBytes());
    }

    @Test
    void aFrameThatEndsWhileItWaitsIsForgotten() {
        Frame first = frame(() -> {});
        Frame second = frame(() -> {});
        Frame gone = frame(() -> {
            throw new AssertionError("granted to nobody");
        });
        assertTrue(bytes.take(first, 900));
        assertTrue(bytes.take(second, 900));
        assertFalse(bytes.take(gone, 10));
        bytes.giveBack(gone);
        bytes.giveBack(first);
        bytes.giveBack(second);
        assertEquals(0, bytes.usedBytes());
    }

    @RepeatedTest(50)
    void everythingGetsDoneWithinTheLimitAndOneFrame(@Seed SplittableRandom random) {
        List<Growing> growing = new ArrayList<>();
        int toCome = 200;
        while (toCome > 0 || !growing.isEmpty()) {
            if (toCome > 0 && random.nextInt(3) == 0) {
                growing.add(new Growing(random.nextInt(1, FRAME_MAX + 1)));
                toCome--;
            }
            // Frames whose turn it is; if everything waited for each other, there would be none.
            List<Growing> able = growing.stream().filter(g -> !g.isWaiting).toList();
            assertTrue(growing.isEmpty() || !able.isEmpty(), "all wait");
            if (!able.isEmpty()) {
                Growing one = able.get(random.nextInt(able.size()));
                if (one.held < one.length && random.nextInt(20) > 0) {
                    one.grow(random.nextInt(1, one.length - one.held + 1));
                } else {
                    growing.remove(one); // Answered, or its client has gone.
                    bytes.giveBack(one.frame);
                }
            }
            assertTrue(bytes.usedBytes() <= LIMIT + FRAME_MAX, "used " + bytes.usedBytes());
            assertEquals(growing.stream().mapToLong(g -> g.held).sum(), bytes.usedBytes());
        }
    }

    private Frame frame(Runnable granted) {
        return new Frame(bytes, FRAME_MAX, new Frame.Sender() {
            @Override
            public void granted() {
                granted.run();
            }

            @Override
            public void tooLate(Frame frame) {
                throw new AssertionError("nobody looks");
            }
        });
    }

    /** A request that comes in piece by piece. */
    private final class Growing {
        private final Frame frame = frame(this::granted);
        private final int length;
        private int held;
        private int asked;
        private boolean isWaiting;

        private Growing(int length) {
            this.length = length;
        }

        private void grow(int more) {
            asked = more;
            isWaiting = !bytes.take(frame, more);
            if (!isWaiting) {
                held += more;
            }
        }

        private void granted() {
            isWaiting = false;
            held += asked;
        }
    }
}
