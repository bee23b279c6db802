package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Goal: what clients leave behind is closed as long as the server runs, whatever went wrong before. Method: tasks that
 * fail, on the real thread.
 */
final class HousekeepingTest {
    @Test
    void goesOnAfterAnyFailure() throws InterruptedException {
        CountDownLatch looks = new CountDownLatch(2);
        List<Runnable> tasks = List.of(
                () -> {
                    throw new IllegalStateException("says the test");
                },
                () -> {
                    throw new StackOverflowError("says the test");
                },
                looks::countDown);
        Housekeeping housekeeping = new Housekeeping(tasks);
        try {
            assertTrue(looks.await(2, TimeUnit.MINUTES), "it looks no more"); // Against hangs only.
        } finally {
            housekeeping.close(TimeUnit.MINUTES.toNanos(2));
        }
    }
}
