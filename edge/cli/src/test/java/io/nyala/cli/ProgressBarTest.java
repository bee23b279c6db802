package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Goal: a terminal sees how far work is that says nothing, and nothing else does. Method: work that ends when seen. */
@Timeout(300) // Against hangs only.
final class ProgressBarTest {
    private final StringWriter text = new StringWriter();

    private ProgressBar bar(boolean isShown) {
        return new ProgressBar(new PrintWriter(text, true), isShown, "writing", "MiB");
    }

    @Test
    void workIsSeenWhileItGoesOnAndTheLineIsClearedThen() {
        AtomicInteger looks = new AtomicInteger();
        CountDownLatch seen = new CountDownLatch(3);
        int answer = bar(true)
                .during(
                        () -> {
                            seen.countDown();
                            return looks.incrementAndGet() * 16L;
                        },
                        64,
                        () -> {
                            assertTrue(awaited(seen), "nobody looks");
                            return 7;
                        });
        assertEquals(7, answer);
        assertTrue(text.toString().contains("25%  16 of 64 MiB"), text::toString);
        assertTrue(text.toString().contains("50%  32 of 64 MiB"), text::toString);
        assertTrue(text.toString().endsWith("\r\033[K"), "it is cleared");
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            latch.await();
            return true;
        } catch (InterruptedException _) {
            return false;
        }
    }

    @Test
    void aFailureOfTheWorkComesThroughAndTheLineIsCleared() {
        IllegalStateException failure = new IllegalStateException("the work's own");
        assertEquals(
                failure,
                assertThrows(
                        IllegalStateException.class,
                        () -> bar(true).during(() -> 1, 2, () -> {
                            throw failure;
                        })));
        assertTrue(text.toString().isEmpty() || text.toString().endsWith("\r\033[K"), text::toString);
    }

    @Test
    void whereThereIsNoTerminalNobodyLooks() {
        assertEquals(
                7,
                bar(false)
                        .<Integer>during(
                                () -> {
                                    throw new AssertionError("looked");
                                },
                                64,
                                () -> 7));
        assertEquals("", text.toString());
    }
}
