package io.nyala.maintenance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.tablet.Tablet;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * Goal: what a round of maintenance costs is up to the tablets that want something, however many there are beside them.
 * Method: a host of many tablets without rows, which counts who is looked at.
 */
final class ManyTabletsTest {
    private static final int TABLETS = 500;

    private final List<Tablet> tablets = new ArrayList<>();

    private QuietHost host(SplittableRandom random) {
        var host = new QuietHost(random);
        for (int i = 1; i <= TABLETS; i++) {
            Tablet tablet = host.newTablet(i);
            tablets.add(tablet);
            host.maintenance().attach(tablet);
        }
        return host;
    }

    private static void rest(QuietHost host) {
        for (int i = 0; i < 2 * TABLETS || host.maintenance().microsToNext() == 0; i++) {
            host.round();
        }
        host.forget();
    }

    private static void await(QuietHost host, List<CompletableFuture<Void>> flushes) {
        for (int i = 0; !flushes.stream().allMatch(CompletableFuture::isDone); i++) {
            assertTrue(i < 100 * TABLETS, "a flush is wanted, and nobody does it");
            host.round();
        }
        flushes.forEach(CompletableFuture::join);
    }

    @Test
    void onlyThoseThatWantAFlushAreLookedAt(@Seed SplittableRandom random) {
        try (QuietHost host = host(random)) {
            rest(host);
            for (int i = 0; i < 50; i++) {
                host.round();
            }
            assertEquals(List.of(), host.askedForLog, "nobody wants anything");
            Tablet one = tablets.get(random.nextInt(TABLETS));
            CompletableFuture<Void> flushed = host.maintenance().flush(one);
            await(host, List.of(flushed));
            assertEquals(List.of(one), host.flushed);
            assertEquals(Set.of(one), Set.copyOf(host.askedForLog));
            host.forget();
            rest(host);
            assertEquals(List.of(), host.askedForLog, "it wants nothing any more");
        }
    }

    @Test
    void whoWantsAFlushBesideAnotherOneHasItsTurn(@Seed SplittableRandom random) {
        try (QuietHost host = host(random)) {
            rest(host);
            List<Tablet> wanting = new ArrayList<>(tablets);
            for (int i = wanting.size() - 1; i > 0; i--) {
                Collections.swap(wanting, i, random.nextInt(i + 1));
            }
            List<CompletableFuture<Void>> flushes = new ArrayList<>();
            for (Tablet tablet : wanting.subList(0, 40)) {
                flushes.add(host.maintenance().flush(tablet));
                if (random.nextBoolean()) {
                    host.round();
                }
            }
            Tablet urgent = wanting.get(40);
            host.forLog.add(urgent);
            flushes.add(host.maintenance().flush(urgent));
            int before = host.flushed.size();
            await(host, flushes);
            assertEquals(urgent, host.flushed.get(before), "all writes wait for that one");
            assertEquals(Set.copyOf(wanting.subList(0, 41)), Set.copyOf(host.flushed));
        }
    }

    /** Each may take milliseconds, and a flush for which all writes wait comes behind them. */
    @Test
    void looksTakeAShortPartOfARound(@Seed SplittableRandom random) {
        try (QuietHost host = host(random)) {
            host.round();
            assertEquals(MergeCandidates.LOOKS_PER_ROUND, host.lookedAt.size(), "they take no time");
            rest(host);
            host.lookMicros = MergeCandidates.LOOK_MICROS_MAX / 2;
            lookAgain(host);
            assertEquals(2, host.lookedAt.size());
            rest(host);
            host.lookMicros = 10 * MergeCandidates.LOOK_MICROS_MAX;
            lookAgain(host);
            assertEquals(1, host.lookedAt.size(), "one, or none would ever be");
            while (host.maintenance().microsToNext() == 0) {
                host.round();
            }
            assertEquals(Set.copyOf(tablets), Set.copyOf(host.lookedAt));
            assertEquals(TABLETS, host.lookedAt.size());
        }
    }

    private void lookAgain(QuietHost host) {
        tablets.forEach(host.maintenance()::lookAgain);
        host.round();
    }

    @Test
    void whatIsDetachedIsForgotten(@Seed SplittableRandom random) {
        try (QuietHost host = host(random)) {
            rest(host);
            List<Tablet> gone = tablets.subList(0, TABLETS / 2);
            var reason = new IllegalStateException("dropped");
            List<CompletableFuture<Void>> flushes = new ArrayList<>();
            for (Tablet tablet : gone) {
                if (random.nextBoolean()) {
                    flushes.add(host.maintenance().flush(tablet));
                }
                if (random.nextInt(5) == 0) {
                    host.round();
                }
            }
            gone.forEach(tablet -> host.maintenance().detach(tablet, reason));
            rest(host);
            assertTrue(flushes.stream().allMatch(CompletableFuture::isDone));
            gone.forEach(tablet -> tablet.pressure().wantFlush());
            rest(host);
            for (int i = 0; i < 10; i++) {
                host.round();
            }
            assertEquals(List.of(), host.askedForLog);
            assertEquals(List.of(), host.lookedAt);
            CompletableFuture<Void> other = host.maintenance().flush(tablets.getLast());
            await(host, List.of(other));
        }
    }
}
