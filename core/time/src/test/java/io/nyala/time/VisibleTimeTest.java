package io.nyala.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import io.nyala.testkit.Spin;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;

/**
 * Goal: nothing is ever written at or below a time that a reader was promised, and was told is settled.
 * Method: single steps; then a writer that draws, delays and publishes beside readers that promise and look twice.
 */
final class VisibleTimeTest {
    private static final int TIMES = 200_000;
    private static final int READERS = 3;

    @Test
    void theWriterDrawsAboveWhatWasPromised() {
        var time = new VisibleTime(10);
        assertEquals(10, time.visible());
        time.promise(20);
        assertTrue(time.isSettled(20), "nothing was drawn");
        assertFalse(time.tryDraw(15));
        assertFalse(time.tryDraw(20));
        assertTrue(time.tryDraw(21));
        assertTrue(time.isSettled(15) || time.visible() < 15);
    }

    @Test
    void aReaderWaitsForWhatWasDrawnBefore() {
        var time = new VisibleTime(0);
        assertTrue(time.tryDraw(5));
        time.promise(7);
        assertFalse(time.isSettled(7));
        time.advance(5);
        assertTrue(time.isSettled(7));
        assertFalse(time.tryDraw(7));
        assertTrue(time.tryDraw(8));
        assertFalse(time.isSettled(8));
    }

    @Test
    void whatAReaderSawAtATimeStaysAllThereIs(@Seed SplittableRandom random) throws Exception {
        var time = new VisibleTime(0);
        var written = new AtomicLongArray(TIMES); // What is at each time, once it is visible.
        var newest = new AtomicLong();
        try (ExecutorService pool = Executors.newFixedThreadPool(READERS + 1)) {
            List<Future<Integer>> ends = new ArrayList<>();
            var start = new CyclicBarrier(READERS + 1);
            Callable<Integer> writer = writer(time, written, newest);
            ends.add(pool.submit(() -> {
                start.await();
                return writer.call();
            }));
            for (int i = 0; i < READERS; i++) {
                Callable<Integer> reader = reader(time, written, newest, random.split());
                ends.add(pool.submit(() -> {
                    start.await();
                    return reader.call();
                }));
            }
            for (Future<Integer> end : ends) {
                assertTrue(end.get() > 0, "one never got anywhere");
            }
        }
    }

    private static Callable<Integer> writer(VisibleTime time, AtomicLongArray written, AtomicLong newest) {
        return () -> {
            int count = 0;
            for (int at = 1; at < TIMES; at++) {
                newest.setRelease(at);
                if (time.tryDraw(at)) {
                    if (at % 7 == 0) {
                        Thread.onSpinWait();
                    }
                    written.set(at, 1);
                    time.advance(at);
                    count++;
                }
            }
            return count;
        };
    }

    private static Callable<Integer> reader(
            VisibleTime time, AtomicLongArray written, AtomicLong newest, SplittableRandom random) {
        return () -> {
            int count = 0;
            do { // Once at least, also if the writer was done before this thread was given a processor.
                int promised = (int) Math.min(TIMES - 1, newest.getAcquire() + random.nextInt(3));
                time.promise(promised);
                Spin.until(() -> time.isSettled(promised));
                int from = Math.max(1, promised - 30);
                int before = sum(written, from, promised);
                for (int i = 0; i < 20; i++) {
                    Thread.onSpinWait();
                }
                assertEquals(before, sum(written, from, promised), "the past before " + promised + " has changed");
                count++;
            } while (newest.getAcquire() < TIMES - 1);
            return count;
        };
    }

    private static int sum(AtomicLongArray written, int from, int to) {
        int sum = 0;
        for (int i = from; i <= to; i++) {
            sum += (int) written.get(i);
        }
        return sum;
    }
}
