package io.nyala.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: every timestamp is above all that were given, received or reserved before, whatever the clock below does.
 * Method: a clock set by hand, at random and in the cases that matter.
 */
final class HybridClockTest {
    private static final long START = 1_700_000_000_000_000L;

    private final AtomicLong micros = new AtomicLong(START);
    private final HybridClock clock = new HybridClock(micros::get);

    @RepeatedTest(50)
    void growsWhateverTheClockBelowDoes(@Seed SplittableRandom random) {
        long last = HybridTime.NONE;
        for (int i = 0; i < 1_000; i++) {
            micros.addAndGet(random.nextInt(4) == 0 ? random.nextInt(-1_000_000, 1_000) : random.nextInt(3));
            if (random.nextInt(10) == 0) {
                long other = HybridTime.ofMicros(micros.get() + random.nextInt(-5_000_000, 5_000_000));
                if (random.nextBoolean()) {
                    clock.update(other);
                } else {
                    clock.reserve(other);
                }
                last = Math.max(last, other);
            }
            long now = clock.now();
            assertTrue(now > last, HybridTime.format(now) + " after " + HybridTime.format(last));
            assertTrue(now >= HybridTime.ofMicros(micros.get()));
            assertEquals(now, clock.last());
            last = now;
        }
    }

    @Test
    void carriesTheLogicalPartIntoTheMicroseconds() {
        long last = 0;
        for (int i = 0; i < 5_000; i++) {
            last = clock.now();
        }
        assertEquals(HybridTime.ofMicros(START) + 4_999, last);
        assertEquals(START + 1, HybridTime.micros(last));
        assertEquals(START + 1 + "." + (4_999 - 4_096), HybridTime.format(last));
    }

    @Test
    void refusesTimesFarAheadEvenInSmallSteps() {
        clock.update(HybridTime.ofMicros(START + HybridClock.AHEAD_MICROS_MAX));
        long further = HybridTime.ofMicros(START + HybridClock.AHEAD_MICROS_MAX + 1);
        var exception = assertThrows(IllegalArgumentException.class, () -> clock.update(further));
        assertTrue(String.valueOf(exception.getMessage()).contains("more than 10 s ahead"), exception.getMessage());
        assertThrows(IllegalArgumentException.class, () -> clock.reserve(HybridTime.MAX));
        assertThrows(IllegalArgumentException.class, () -> clock.update(-1));
        assertEquals(HybridTime.ofMicros(START + HybridClock.AHEAD_MICROS_MAX), clock.last());
    }

    @Test
    void startsAboveALeaseHoweverFarAhead() {
        long lease = HybridTime.ofMicros(START + 3_600_000_000L);
        clock.startAbove(lease);
        assertEquals(lease + 1, clock.now());
        clock.update(lease); // What we gave out ourselves comes back: no reason to refuse it.
        assertEquals(lease + 2, clock.now());
    }
}
