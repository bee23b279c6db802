package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: the most urgent lane comes first, and each that has work is served within its number of claims, whatever the
 * others have.
 * Method: the order that a person expects of a few, then lanes that get and lose work at random.
 */
final class LaneTest {
    private static final int ALL = Lane.set(Lane.values());

    private long turns = Lane.NO_TURNS;

    private Lane claim(int asked, int published) {
        Lane next = Lane.next(turns, asked & published);
        turns = Lane.after(turns, asked, asked & published, next);
        return next;
    }

    private List<Lane> claims(int count, int asked, int published) {
        List<Lane> claimed = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            claimed.add(claim(asked, published));
        }
        return claimed;
    }

    @Test
    void theLogAndMemoryComeInTurn() {
        int flushes = Lane.set(Lane.FREE_LOG, Lane.FREE_MEMORY);
        assertEquals(
                List.of(Lane.FREE_LOG, Lane.FREE_MEMORY, Lane.FREE_LOG, Lane.FREE_MEMORY), claims(4, flushes, ALL));
    }

    @Test
    void spaceHasOneClaimInSoMany() {
        int merges = Lane.set(Lane.KEEP_READS_FAST, Lane.RECLAIM_SPACE);
        List<Lane> claimed = claims(17, merges, ALL);
        assertEquals(16, claimed.indexOf(Lane.RECLAIM_SPACE));
        assertEquals(16, claimed.lastIndexOf(Lane.RECLAIM_SPACE));
    }

    @Test
    void whoHasNoWorkDoesNotWait() {
        int merges = Lane.set(Lane.KEEP_READS_FAST, Lane.RECLAIM_SPACE);
        claims(15, merges, merges);
        claims(1, merges, Lane.set(Lane.KEEP_READS_FAST));
        assertEquals(Lane.KEEP_READS_FAST, claims(2, merges, merges).getLast(), "it begins anew");
    }

    @Test
    void claimsOfOtherLanesChangeNothing() {
        int merges = Lane.set(Lane.KEEP_READS_FAST, Lane.RECLAIM_SPACE);
        claims(16, merges, merges);
        claims(10, Lane.set(Lane.FREE_LOG, Lane.FREE_MEMORY), ALL);
        assertEquals(Lane.RECLAIM_SPACE, claim(merges, merges));
    }

    @RepeatedTest(16)
    void eachIsServedInTimeWhateverIsPublished(@Seed SplittableRandom random) {
        Map<Lane, Integer> waits = new EnumMap<>(Lane.class);
        int published = 0;
        int changesEvery = random.nextInt(1, 40);
        for (int i = 0; i < 5_000; i++) {
            if (i % changesEvery == 0 || published == 0) {
                published = random.nextInt(1, ALL + 1);
            }
            Lane claimed = claim(ALL, published);
            assertTrue(claimed.isIn(published), () -> claimed + " has no work");
            for (Lane lane : Lane.values()) {
                boolean isPassed = lane != claimed && lane.isIn(published);
                waits.put(lane, isPassed ? waits.getOrDefault(lane, 0) + 1 : 0);
                assertTrue(waits.get(lane) < lane.claimsMax(), () -> lane + " waits for " + waits);
            }
        }
    }
}
