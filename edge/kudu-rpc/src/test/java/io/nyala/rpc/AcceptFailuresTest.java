package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Goal: a port at which nothing can be taken is not tried again and again, and is when it may work.
 * Method: a port without a socket, whose clock the test drives, is told of failures as the transport does.
 */
final class AcceptFailuresTest {
    private final List<String> lines = new ArrayList<>();
    private final EmbeddedChannel port =
            new EmbeddedChannel(new AcceptFailures(new QuietLog(new LineLogger(lines), () -> 0)));

    private void pass(long millis) {
        port.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        port.runScheduledPendingTasks();
    }

    @Test
    void aPortThatCannotTakeConnectionsRests() {
        port.freezeTime();
        for (int i = 0; i < 3; i++) {
            port.pipeline().fireExceptionCaught(new IOException("accept(..) failed: Too many open files"));
            port.pipeline().fireExceptionCaught(new IOException("one that was on its way"));
            assertFalse(port.config().isAutoRead(), "would be told of it again at once");
            pass(AcceptFailures.PAUSE_MILLIS - 1);
            assertFalse(port.config().isAutoRead());
            pass(1);
            assertTrue(port.config().isAutoRead(), "goes on");
        }
        port.checkException(); // Nothing is left to the transport's own log.
        assertEquals(6, lines.size());
        assertTrue(lines.getFirst().contains("Too many open files; tries again every 1000 ms."), lines.getFirst());
    }
}
