package io.nyala.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: nothing is left out that a reader needs who was not refused, and the mark never goes back.
 * Method: single steps; random ones against a list of readers; readers beside one who raises the mark as far as he can.
 */
final class HistoryMarkTest {
    private static final int ROUNDS = 50_000;
    private static final int READERS = 3;

    @Test
    void aReaderAtTheMarkIsServedAndOneBeforeItIsNot() {
        var history = new HistoryMark(10);
        assertNull(history.tryHold(9));
        assertNotNull(history.tryHold(10));
    }

    @Test
    void theMarkStopsAtTheOldestReaderUntilItLetsGo() {
        var history = new HistoryMark(HybridTime.NONE);
        HistoryMark.Hold one = history.tryHold(5);
        HistoryMark.Hold same = history.tryHold(5);
        assertNotNull(one);
        assertNotNull(same);
        assertEquals(5, history.raise(8));
        one.close();
        one.close(); // Counts once.
        assertEquals(5, history.raise(8));
        same.close();
        assertEquals(8, history.raise(8));
        assertEquals(8, history.raise(3), "the mark has gone back");
        assertEquals(8, history.mark());
    }

    @RepeatedTest(20)
    void isWhatAListOfReadersSays(@Seed SplittableRandom random) {
        var history = new HistoryMark(HybridTime.NONE);
        long mark = 0;
        List<Long> times = new ArrayList<>();
        List<HistoryMark.Hold> holds = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            switch (random.nextInt(3)) {
                case 0 -> {
                    long time = random.nextLong(mark - Math.min(mark, 3), mark + 20);
                    HistoryMark.Hold hold = history.tryHold(time);
                    assertEquals(time < mark, hold == null, time + " at " + mark);
                    if (hold != null) {
                        times.add(time);
                        holds.add(hold);
                    }
                }
                case 1 -> {
                    if (!holds.isEmpty()) {
                        int index = random.nextInt(holds.size());
                        times.remove(index);
                        holds.remove(index).close();
                    }
                }
                default -> {
                    long wanted = mark + random.nextLong(-5, 10);
                    long least = times.stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
                    mark = Math.max(mark, Math.min(wanted, least));
                    assertEquals(mark, history.raise(wanted));
                }
            }
        }
    }

    @Test
    void noReaderIsPassed(@Seed SplittableRandom random) throws Exception {
        var history = new HistoryMark(HybridTime.NONE);
        try (ExecutorService pool = Executors.newFixedThreadPool(READERS + 1)) {
            List<Future<Boolean>> ends = new ArrayList<>();
            ends.add(pool.submit(() -> raise(history)));
            for (int i = 0; i < READERS; i++) {
                ends.add(pool.submit(reader(history, random.split())));
            }
            for (Future<Boolean> end : ends) {
                assertTrue(end.get());
            }
        }
    }

    private static boolean raise(HistoryMark history) {
        for (long time = 1; time <= ROUNDS; time++) {
            long mark = history.raise(time);
            assertTrue(mark <= time && mark <= history.mark());
        }
        return true;
    }

    private static Callable<Boolean> reader(HistoryMark history, SplittableRandom random) {
        return () -> {
            for (int i = 0; i < ROUNDS / 10; i++) {
                long time = history.mark() + random.nextInt(3);
                HistoryMark.Hold hold = history.tryHold(time);
                if (hold != null) {
                    assertTrue(history.mark() <= time, "the mark has passed a reader");
                    hold.close();
                }
            }
            return true;
        };
    }
}
