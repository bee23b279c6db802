package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rpc.RpcLoad;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Goal: pressure is told when it begins and when it ends, not in between. Method: looks at loads that are given. */
final class PressureTest {
    private static final String WHY = "Service unavailable: tablet 3 has no room";

    private final List<String> lines = new ArrayList<>();
    private RpcLoad load = new RpcLoad(0, "", false);
    private final Pressure pressure = new Pressure(() -> load, lines::add);

    private void look(int times, long busyCount, boolean isWaiting) {
        load = new RpcLoad(busyCount, busyCount == 0 ? "" : WHY, isWaiting);
        for (int i = 0; i < times; i++) {
            pressure.look();
        }
    }

    @Test
    void nothingIsToldOfAServerAtEase() {
        look(3 * Pressure.QUIET_LOOKS, 0, false);
        assertEquals(List.of(), lines);
    }

    @Test
    void requestsThatComeAgainAreToldAtTheBeginningAndAtTheEnd() {
        look(1, 12, false);
        assertEquals(
                List.of("too busy: 12 requests were told to come again within a second: tablet 3 has no room"), lines);
        look(1, 20, false);
        look(Pressure.QUIET_LOOKS - 1, 20, false); // Not long enough.
        look(1, 1_021, false);
        look(Pressure.QUIET_LOOKS - 1, 1_021, false);
        assertEquals(1, lines.size(), lines::toString);
        look(1, 1_021, false);
        assertEquals(2, lines.size(), lines::toString);
        assertEquals(
                "nobody was told to come again for some seconds: before that, in 7 s, 1,021 requests were",
                lines.get(1));
        look(3 * Pressure.QUIET_LOOKS, 1_021, false);
        assertEquals(2, lines.size(), lines::toString);
        look(1, 1_022, false);
        assertEquals(
                "too busy: 1 request was told to come again within a second: tablet 3 has no room", lines.getLast());
        look(Pressure.QUIET_LOOKS, 1_022, false);
        assertEquals(
                "nobody was told to come again for some seconds: before that, in 1 s, 1 request was", lines.getLast());
    }

    @Test
    void requestsThatWaitForMemoryAreToldAtTheBeginningAndAtTheEnd() {
        look(1, 0, false);
        look(3, 0, true);
        assertEquals(1, lines.size(), lines::toString);
        assertEquals("requests wait for memory: ", lines.getFirst().substring(0, 26));
        look(3 * Pressure.QUIET_LOOKS, 0, false);
        assertEquals(2, lines.size(), lines::toString);
        assertEquals("requests wait for memory no more, after 3 s", lines.get(1));
    }
}
