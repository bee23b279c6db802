package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.System.Logger.Level;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: connections never take the files that an engine needs, and as many are taken as can be.
 * Method: limits that systems have, and random ones; what is said when they are low.
 */
final class OpenFilesTest {
    private static final int WANTED = 10_000;

    @Test
    void aHighLimitTakesNothingAway() {
        assertEquals(WANTED, new OpenFiles(1 << 20, 100).connectionsMax(WANTED));
        assertEquals(WANTED, new OpenFiles(Long.MAX_VALUE, 100).connectionsMax(WANTED));
        assertEquals(WANTED, new OpenFiles(40_100, 100).connectionsMax(WANTED), "just enough");
        assertEquals(WANTED - 1, new OpenFiles(40_099, 100).connectionsMax(WANTED));
    }

    @Test
    void aLowLimitIsSharedWithTheEngine() {
        OpenFiles usual = new OpenFiles(1024, 124);
        assertEquals(225, usual.connectionsMax(WANTED));
        assertEquals(
                "up to 225 connections at each port, not 10,000: the process may have 1,024 files open and has 124, and"
                        + " half of the others are kept for the engine; raise the limit (ulimit -Hn, LimitNOFILE of a"
                        + " service) to 40,124 for all",
                usual.advice(WANTED));
        assertEquals(Level.WARNING, usual.level(WANTED));
    }

    /** It was a warning at each start where a process may have less than 40,000 files. */
    @Test
    void enoughForManyClientsIsNoReasonToWarn() {
        assertEquals(Level.INFO, new OpenFiles(4_000 + 99, 99).level(WANTED));
        assertEquals(Level.WARNING, new OpenFiles(4_000 + 98, 99).level(WANTED));
    }

    @Test
    void aLimitThatIsTooLowIsRefusedWithBothNumbers() {
        assertEquals(16, new OpenFiles(164, 100).connectionsMax(WANTED));
        String said = assertThrows(IllegalStateException.class, () -> new OpenFiles(163, 100).connectionsMax(WANTED))
                .toString();
        assertTrue(said.contains("the process may have 163 files open and has 100: too few for 16 connections"), said);
        assertThrows(IllegalStateException.class, () -> new OpenFiles(100, 163).connectionsMax(WANTED));
    }

    @RepeatedTest(20)
    void bothPortsLeaveHalfToTheEngine(@Seed SplittableRandom random) {
        long open = random.nextLong(500);
        long limit = open + 64 + random.nextLong(100_000);
        int connections = new OpenFiles(limit, open).connectionsMax(WANTED);
        assertTrue(2L * connections <= (limit - open) / 2, connections + " of " + limit + " with " + open + " open");
        assertTrue(connections == WANTED || 4L * (connections + 1) > limit - open, "no more would have fitted");
    }

    @Test
    void theProcessKnowsItsOwn() {
        OpenFiles own = OpenFiles.ofProcess().orElseThrow();
        assertTrue(own.open() > 0 && own.open() < own.limit(), own::toString);
    }
}
