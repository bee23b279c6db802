package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: work is done by one worker at a time, the most urgent first, and a worker that was replaced cannot deliver.
 * Method: each transition by hand, then many threads that claim and release while others publish and take over.
 */
final class MaintenanceSchedulerTest {
    private static final int ALL = Lane.set(Lane.values());

    private final MaintenanceScheduler scheduler = new MaintenanceScheduler();

    @Test
    void theMostUrgentIsClaimedFirst() {
        MaintenanceScheduler.Slot low = scheduler.register("low");
        MaintenanceScheduler.Slot high = scheduler.register("high");
        MaintenanceScheduler.Slot idle = scheduler.register("idle");
        low.publish(Lane.FREE_MEMORY, 1);
        high.publish(Lane.FREE_MEMORY, 2);
        assertSame(high, claim().slot());
        assertSame(low, claim().slot());
        assertNull(scheduler.claim(ALL), idle + " has nothing to do");
    }

    @Test
    void aHigherLaneIsClaimedFirstAndAWorkerMayAskForSomeAlone() {
        MaintenanceScheduler.Slot merge = scheduler.register("merge");
        MaintenanceScheduler.Slot flush = scheduler.register("flush");
        merge.publish(Lane.KEEP_READS_FAST, 1_000);
        flush.publish(Lane.FREE_LOG, 1);
        assertEquals(Lane.FREE_LOG, flush.lane());
        assertNull(scheduler.claim(Lane.set(Lane.FREE_MEMORY, Lane.RECLAIM_SPACE)));
        MaintenanceScheduler.Claim first = claim();
        assertSame(flush, first.slot());
        assertTrue(first.release());
        MaintenanceScheduler.Claim other = scheduler.claim(Lane.set(Lane.KEEP_READS_FAST));
        assertNotNull(other);
        assertSame(merge, other.slot());
        assertTrue(other.release());
        flush.withdraw();
        assertNull(flush.lane());
        assertSame(merge, claim().slot());
    }

    @Test
    void noLaneWaitsForEver() {
        for (Lane lane : Lane.values()) {
            scheduler.register(lane.words()).publish(lane, 1);
        }
        List<Lane> claimed = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            MaintenanceScheduler.Claim claim = claim();
            claimed.add(Objects.requireNonNull(claim.slot().lane()));
            assertTrue(claim.release());
        }
        for (Lane lane : Lane.values()) {
            int last = -1;
            for (int i = 0; i < claimed.size(); i++) {
                assertTrue(i - last <= lane.claimsMax(), () -> lane + " waits for too long: " + claimed);
                last = claimed.get(i) == lane ? i : last;
            }
        }
    }

    /** A small tablet was never flushed while larger ones wanted to be, nor merged beside those that gained more. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 40})
    void noneWaitsForEverForHigherScores(int count) {
        List<MaintenanceScheduler.Slot> slots = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            slots.add(scheduler.register(Integer.toString(i)));
        }
        int[] waits = new int[count];
        int highest = 0;
        for (int round = 0; round < 20 * count; round++) {
            for (int i = 0; i < count; i++) {
                slots.get(i).publish(Lane.FREE_MEMORY, 1 + i + (i == 0 ? 0 : round % 7)); // They grow, but the first.
            }
            MaintenanceScheduler.Claim claim = claim();
            int claimed = slots.indexOf(claim.slot());
            highest += claimed == count - 1 ? 1 : 0;
            for (int i = 0; i < count; i++) {
                waits[i] = i == claimed ? 0 : waits[i] + 1;
                int slot = i;
                assertTrue(
                        waits[i] <= MaintenanceScheduler.CLAIMS_PER_OLDEST * count,
                        () -> slot + " has waited for " + waits[slot] + " claims");
            }
            assertTrue(claim.release());
        }
        assertTrue(highest >= 20 * count * 3 / 4, "else the highest score is next, not " + highest);
    }

    @Test
    void whoHasHadNoWorkHasNotWaited() {
        MaintenanceScheduler.Slot large = scheduler.register("large");
        MaintenanceScheduler.Slot small = scheduler.register("small");
        for (int i = 0; i < 12; i++) {
            large.publish(Lane.KEEP_READS_FAST, 2);
            small.publish(Lane.KEEP_READS_FAST, 1);
            small.withdraw();
            assertTrue(claim().release());
        }
        MaintenanceScheduler.Slot middle = scheduler.register("middle");
        middle.publish(Lane.KEEP_READS_FAST, 1);
        assertTrue(claim().release());
        small.publish(Lane.KEEP_READS_FAST, 1);
        assertTrue(claim().release());
        assertTrue(claim().release());
        assertSame(middle, claim().slot(), "small has work since a moment ago");
    }

    @Test
    void whatIsReleasedCanBeClaimedAgainAndAClaimEndsOnce() {
        scheduler.register("work").publish(Lane.FREE_MEMORY, 1);
        MaintenanceScheduler.Claim first = claim();
        assertTrue(first.release());
        assertFalse(first.release());
        MaintenanceScheduler.Claim second = claim();
        assertFalse(first.release(), "it is another's now");
        assertNull(scheduler.claim(ALL), "the second has it still");
        assertTrue(second.release());
    }

    /** There may be thousands of others. */
    @Test
    void onlySlotsThatHaveWorkAreLookedAt() {
        List<MaintenanceScheduler.Slot> slots = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            slots.add(scheduler.register(Integer.toString(i)));
        }
        assertEquals(0, scheduler.publishedCount());
        for (int i : new int[] {700, 3, 50, 999}) {
            slots.get(i).publish(Lane.FREE_MEMORY, 1);
            slots.get(i).publish(Lane.FREE_LOG, 2);
        }
        assertEquals(4, scheduler.publishedCount());
        assertSame(slots.get(3), claim().slot(), "of equal scores the first is next");
        assertSame(slots.get(50), claim().slot());
        slots.get(50).withdraw();
        slots.get(50).withdraw();
        assertEquals(3, scheduler.publishedCount());
        slots.get(50).publish(Lane.FREE_MEMORY, 1);
        assertEquals(4, scheduler.publishedCount());
        assertSame(slots.get(700), claim().slot(), "50 is claimed still");
        slots.forEach(scheduler::unregister);
        assertEquals(0, scheduler.publishedCount());
    }

    @Test
    void whatIsForgottenIsNotFoundAgain() {
        MaintenanceScheduler.Slot slot = scheduler.register("work");
        scheduler.unregister(slot);
        slot.publish(Lane.FREE_MEMORY, 1);
        assertNull(scheduler.claim(ALL));
        slot.withdraw();
        slot.publish(Lane.FREE_LOG, 1);
        assertEquals(0, scheduler.publishedCount());
    }

    @Test
    void oneWorkerAtATimeHasTheWork() throws Exception {
        List<AtomicInteger> workers = new ArrayList<>();
        List<MaintenanceScheduler.Slot> slots = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            MaintenanceScheduler.Slot slot = scheduler.register(Integer.toString(i));
            slot.publish(i == 1 ? Lane.FREE_LOG : Lane.RECLAIM_SPACE, 1 + i);
            slots.add(slot);
            workers.add(new AtomicInteger());
        }
        try (ExecutorService executor = Executors.newFixedThreadPool(4)) {
            List<Future<Integer>> rounds = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                rounds.add(executor.submit(() -> work(slots, workers)));
            }
            int claims = 0;
            for (Future<Integer> round : rounds) {
                claims += round.get();
            }
            assertTrue(claims > 0);
        }
        for (int i = 0; i < slots.size(); i++) {
            claim(); // All were released.
        }
    }

    private int work(List<MaintenanceScheduler.Slot> slots, List<AtomicInteger> workers) {
        int claims = 0;
        for (int i = 0; i < 20_000; i++) {
            MaintenanceScheduler.Claim claim = scheduler.claim(ALL);
            if (claim != null) {
                AtomicInteger present = workers.get(slots.indexOf(claim.slot()));
                assertEquals(1, present.incrementAndGet(), "two workers at " + claim.slot());
                present.decrementAndGet();
                assertTrue(claim.release());
                claims++;
            }
        }
        return claims;
    }

    private MaintenanceScheduler.Claim claim() {
        MaintenanceScheduler.Claim claim = scheduler.claim(ALL);
        assertNotNull(claim);
        return claim;
    }
}
