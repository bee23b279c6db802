package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: a client that sends many requests and does not take the answers has no more of them made than may be unsent;
 * all of them when it does, and none is lost when it goes.
 * Method: a connection without sockets and threads, whose client takes answers when the test says so.
 */
final class AnswersTest {
    private static final int UNSENT_BYTES_MAX = 64 << 10;
    private static final int ANSWER_BYTES = 20_000;
    private static final int CALLS = 40;

    private final EmbeddedServer server = new EmbeddedServer(
            RpcConfig.of("TabletServer", "127.0.0.1", 0).withUnsentBytesMax(UNSENT_BYTES_MAX), Runnable::run);

    /** All calls at once, and nothing is taken of what they come to. */
    private EmbeddedServer.Client pipelined() {
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        client.received();
        client.takeNothing();
        var calls = new ByteArrayOutputStream();
        for (int i = 0; i < CALLS; i++) {
            calls.writeBytes(Bytes.call(Bytes.header(i, "Echo"), TestService.request(ANSWER_BYTES)));
        }
        client.send(calls.toByteArray());
        client.channel.runPendingTasks();
        return client;
    }

    private static void assertBounded(EmbeddedServer.Client client) {
        long unsent = client.unsentBytes();
        assertTrue(unsent > UNSENT_BYTES_MAX, "more may be made: " + unsent);
        assertTrue(unsent < UNSENT_BYTES_MAX + 2 * ANSWER_BYTES, "unsent: " + unsent);
    }

    @Test
    void callsDoNotBeginWhileTheirClientDoesNotTakeWhatIsAnswered() {
        EmbeddedServer.Client client = pipelined();
        assertBounded(client);
        assertTrue(server.dispatcher.underWay() > CALLS / 2, server.dispatcher.underWay() + " have come in");
        int received = 0;
        int takes = 0;
        while (server.dispatcher.underWay() > 0) {
            assertBounded(client);
            client.takeOnce();
            received += client.received().length;
            takes++;
        }
        client.takeOnce();
        received += client.received().length;
        assertTrue(received > CALLS * ANSWER_BYTES, "received " + received);
        assertTrue(takes > CALLS * ANSWER_BYTES / (UNSENT_BYTES_MAX + 2 * ANSWER_BYTES), takes + " times");
        client.close();
        assertEquals(0, server.bytesInUse());
    }

    @Test
    void callsThatWaitEndWhenTheirClientGoes() {
        EmbeddedServer.Client client = pipelined();
        assertTrue(server.dispatcher.underWay() > CALLS / 2, server.dispatcher.underWay() + " under way");
        client.close();
        assertEquals(0, server.dispatcher.underWay());
        assertEquals(0, server.requestBytes.usedBytes());
        assertEquals(0, server.bytesInUse());
        assertEquals(0, server.connections.count());
    }
}
