package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Goal: changes come one after the other, and those that wait leave their threads to others. Method: a pool of two
 * threads, of which one has the turn and waits for a task that is queued behind ten that want it.
 */
@Timeout(300)
final class TurnsTest {
    private static final int OTHERS = 10;

    private final Turns turns = new Turns();

    @Test
    void whoWaitsLeavesItsThreadToOthers() {
        var pool = new ForkJoinPool(
                2, ForkJoinPool.defaultForkJoinWorkerThreadFactory, null, true, 2, 20, 2, null, 10, TimeUnit.SECONDS);
        try (pool) {
            var entered = new CompletableFuture<Void>();
            var last = new CompletableFuture<Void>();
            AtomicInteger inside = new AtomicInteger();
            List<CompletableFuture<Integer>> results = new ArrayList<>();
            results.add(CompletableFuture.supplyAsync(
                    () -> turns.take(() -> {
                        entered.complete(null);
                        last.join();
                        return inside.incrementAndGet();
                    }),
                    pool));
            entered.join();
            for (int i = 0; i < OTHERS; i++) {
                results.add(CompletableFuture.supplyAsync(() -> turns.take(inside::incrementAndGet), pool));
            }
            CompletableFuture.runAsync(() -> last.complete(null), pool).join();
            List<Integer> order = results.stream().map(CompletableFuture::join).toList();
            assertEquals(1, order.getFirst(), "the others had to wait");
            assertEquals(
                    OTHERS + 1, order.stream().mapToInt(Integer::intValue).max().orElseThrow());
        }
    }

    @Test
    void theTurnIsOverWhenTheActionFails() {
        assertThrows(
                IllegalStateException.class,
                () -> turns.take(() -> {
                    throw new IllegalStateException("on purpose");
                }));
        assertEquals(7, turns.take(() -> 7));
    }
}
