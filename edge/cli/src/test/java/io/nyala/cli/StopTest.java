package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Goal: whoever ends the process waits for a server that serves, and for no other. Method: the end is asked for before
 * the start, after it, and after a failure, by another thread that stands for the hook.
 */
@Timeout(300) // Against hangs only: that is what goes wrong.
final class StopTest {
    private final List<String> lines = new ArrayList<>();
    private final ServeCommand.Stop stop = new ServeCommand.Stop(lines::add);

    @Test
    void aServerThatOpensIsNotWaitedForAndDoesNotStart() {
        stop.ask();
        assertEquals(1, lines.size());
        assertTrue(lines.getFirst().startsWith("stopped while it opened; nothing is lost"), lines::toString);
        assertFalse(stop.start(), "it must not serve any more");
    }

    @Test
    void aServerThatServesIsWaitedFor() throws InterruptedException {
        assertTrue(stop.start());
        Thread hook = Thread.ofPlatform().start(stop::ask);
        stop.await();
        assertTrue(stop.isAsked());
        lines.add("closed");
        stop.end();
        hook.join();
        assertEquals(List.of("closed"), lines);
    }

    @Test
    void aServerThatHasFailedIsNotSpokenOf() {
        stop.end();
        stop.ask();
        assertEquals(List.of(), lines);
    }
}
