package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: who sends half of a request, and the rest by drops, takes memory from nobody for long; who has a thin line gets
 * through as long as nobody waits for it.
 * Method: connections without sockets and threads, small limits; the test lets time go by, and looks when it is time.
 */
final class SlowRequestsTest {
    private static final int MIB = 1 << 20;
    private static final int LATE_MILLIS = 5_000;

    /** Nothing comes in any more: the first look that finds it too late. */
    private static final int LOOKS = LATE_MILLIS / RequestBytes.LOOK_MILLIS + 1;

    /** Of 1 MiB a second, in one look. */
    private static final int LOOK_BYTES = MIB * RequestBytes.LOOK_MILLIS / 1000;

    private EmbeddedServer server = limitedTo(MIB);
    private final List<EmbeddedServer.Client> clients = new ArrayList<>();

    private static EmbeddedServer limitedTo(int requestBytesMax) {
        RpcConfig config = RpcConfig.of("TabletServer", "127.0.0.1", 0)
                .withRequestBytesMax(requestBytesMax)
                .withSlowFrameMillis(LATE_MILLIS);
        return new EmbeddedServer(config, Runnable::run);
    }

    @AfterEach
    void nothingIsLeft() {
        clients.forEach(EmbeddedServer.Client::close);
        look();
        assertTrue(server.looks.isEmpty(), "somebody looks though nobody waits");
        assertEquals(0, server.bytesInUse(), "bytes of requests and answers that nobody has freed");
        assertEquals(0, server.requestBytes.usedBytes());
        assertEquals(0, server.connections.count());
    }

    private EmbeddedServer.Client ready() {
        EmbeddedServer.Client client = server.connect();
        clients.add(client);
        client.send(Bytes.introduction("tester"));
        client.received();
        return client;
    }

    /** A request of so many bytes and some, its length included. */
    private static byte[] call(int bytes) {
        return Bytes.call(Bytes.header(0, "Echo"), TestService.request(bytes));
    }

    /** A client whose request comes in up to there, so that it holds memory for all of it. */
    private EmbeddedServer.Client half(byte[] call) {
        EmbeddedServer.Client client = ready();
        client.send(call, 0, call.length / 4);
        return client;
    }

    /** Time passes between two looks, if anybody is to look. */
    private void look() {
        for (var looks : List.of(server.looks, server.answerLooks)) {
            Runnable next = looks.poll();
            if (next != null) {
                next.run();
            }
        }
        clients.forEach(client -> client.channel.runPendingTasks());
    }

    private long open() {
        return clients.stream().filter(client -> client.channel.isOpen()).count();
    }

    private static boolean isAnswered(EmbeddedServer.Client client, int bytes) {
        return client.received().length > bytes;
    }

    @Test
    void halfSentRequestsAreLetGoWhenOthersWaitForTheirMemory() {
        byte[] call = call(300_000);
        List<EmbeddedServer.Client> slow = new ArrayList<>();
        for (int i = 0; i < 4; i++) { // Three within the limit, one beyond it.
            slow.add(half(call));
        }
        assertTrue(server.looks.isEmpty(), "nobody waits");
        EmbeddedServer.Client honest = ready();
        honest.send(call);
        EmbeddedServer.Client behind = ready();
        behind.send(call(10));
        for (int i = 1; i < LOOKS; i++) {
            slow.get(i % 4).send(call, call.length / 4 + i, call.length / 4 + i + 1); // A byte, now and then.
            look();
            assertEquals(6, open(), "after look " + i);
        }
        assertFalse(isAnswered(honest, 0));
        look();
        assertTrue(isAnswered(honest, 300_000));
        assertTrue(isAnswered(behind, 10));
        assertEquals(5, open(), "one is enough for who waits");
        assertTrue(
                server.lines
                        .getLast()
                        .endsWith("a request of " + (call.length - 4) + " bytes, of which it has sent "
                                + (call.length / 4 - 4 + 5) + ", comes in too slowly, and others wait for memory"),
                server.lines.getLast());
        look();
        assertTrue(server.looks.isEmpty(), "nobody waits any more");
        assertEquals(5, open());
    }

    @Test
    void theOneThatIsFurthestBehindIsLetGoFirst() {
        server = limitedTo(32 * MIB);
        byte[] slowCall = call(16 * MIB);
        byte[] quickCall = call(12 * MIB);
        EmbeddedServer.Client slow = half(slowCall);
        EmbeddedServer.Client silent = half(call(10 * MIB));
        EmbeddedServer.Client quick = half(quickCall); // Goes beyond the limit.
        EmbeddedServer.Client waiting = ready();
        waiting.send(call(9 * MIB));
        int slowSent = slowCall.length / 4;
        int quickSent = quickCall.length / 4;
        for (int i = 0; i <= LOOKS; i++) { // The first finds the quarters, so nobody is late.
            assertEquals(4, open(), "after look " + i);
            slow.send(slowCall, slowSent, slowSent + LOOK_BYTES / 25); // Too slow as well, but for little.
            quick.send(quickCall, quickSent, quickSent + LOOK_BYTES);
            slowSent += LOOK_BYTES / 25;
            quickSent += LOOK_BYTES;
            look();
        }
        assertEquals(3, open(), "one at a time");
        assertFalse(silent.channel.isOpen());
        assertFalse(isAnswered(waiting, 0), "needs more");
        look();
        assertFalse(slow.channel.isOpen());
        assertTrue(isAnswered(waiting, 9 * MIB));
        quick.send(quickCall, quickSent, quickCall.length);
        assertTrue(isAnswered(quick, 12 * MIB));
    }

    @Test
    void neitherWhoWaitsForMemoryNorWhoIsAnsweredIsLate() throws InterruptedException {
        byte[] call = call(300_000);
        EmbeddedServer.Client waiting = ready();
        waiting.send(call, 0, call.length / 10);
        EmbeddedServer.Client silent = half(call(100_000));
        byte[] held = Bytes.call(Bytes.header(0, "Hold"), TestService.request(600_000));
        for (int i = 0; i < 2; i++) { // The second one goes beyond the limit.
            ready().send(held);
        }
        waiting.send(call, call.length / 10, call.length);
        for (int i = 0; i < 3 * LOOKS; i++) {
            look();
        }
        assertFalse(silent.channel.isOpen(), "though that is not enough");
        assertEquals(3, open());
        assertFalse(isAnswered(waiting, 0));
        for (int i = 0; i < 2; i++) {
            server.service.takeHeld().answer(TestService.request(1));
        }
        clients.forEach(client -> client.channel.runPendingTasks());
        assertTrue(isAnswered(waiting, 300_000));
    }

    /** It may have sent the rest: it is we who do not read it, for want of room for answers, which it takes. */
    @Test
    void whomWeDoNotReadFromIsNotLate() throws InterruptedException {
        EmbeddedServer.Client full = ready();
        full.takeNothing();
        full.send(Bytes.call(Bytes.header(0, "Hold"), TestService.request(1)));
        byte[] call = call(800_000);
        full.send(call, 0, call.length / 4);
        server.service.takeHeld().answer(TestService.request(4 * server.config.unsentBytesMax()));
        full.channel.runPendingTasks();
        EmbeddedServer.Client beyond = ready();
        beyond.send(Bytes.call(Bytes.header(0, "Hold"), TestService.request(1_000_000)));
        EmbeddedServer.Client waiting = ready();
        waiting.send(call(300_000));
        assertEquals(1, server.looks.size(), "somebody waits");
        for (int i = 0; i < 3 * LOOKS; i++) {
            full.take(LOOK_BYTES);
            look();
            assertEquals(3, open(), "after look " + i);
        }
        full.take(Long.MAX_VALUE);
        for (int i = 0; i < LOOKS; i++) { // The first still has some of the time before.
            look();
            assertEquals(3, open(), "after look " + i + " since we read on");
        }
        look();
        assertFalse(full.channel.isOpen(), "now it is late");
        server.service.takeHeld().answer(TestService.request(1));
        clients.forEach(client -> client.channel.runPendingTasks());
        assertTrue(isAnswered(waiting, 300_000));
    }

    @Test
    void aThinLineWillDoWhileNobodyWaits() {
        byte[] call = call(MIB);
        EmbeddedServer.Client client = ready();
        for (int sent = 0; sent < call.length; sent += IdleWatch.PIECE_BYTES) {
            assertFalse(isAnswered(client, 0));
            client.send(call, sent, Math.min(call.length, sent + IdleWatch.PIECE_BYTES));
            client.pass(server.config.idleMillis() - 1);
        }
        assertTrue(isAnswered(client, MIB));
        client.pass(1);
        assertFalse(client.channel.isOpen());
        assertTrue(server.lines.getLast().endsWith("it was idle for 65000 ms"), server.lines.getLast());
    }

    @Test
    void aByteNowAndThenIsNoSignOfLife() {
        byte[] call = call(300_000);
        EmbeddedServer.Client client = half(call);
        int sent = call.length / 4;
        int waits = 10;
        for (int i = 0; i < waits; i++) {
            assertTrue(client.channel.isOpen());
            client.send(call, sent + i, sent + i + 1);
            client.pass(server.config.idleMillis() / waits);
        }
        assertFalse(client.channel.isOpen());
        assertEquals(
                "a request of " + (call.length - 4) + " bytes, of which it has sent " + (sent + waits - 4)
                        + ", comes in, less than 65536 bytes for 65000 ms",
                server.lines.getLast().replaceFirst(".*: ", ""));
    }
}
