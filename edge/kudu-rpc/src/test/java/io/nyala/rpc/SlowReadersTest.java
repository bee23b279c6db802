package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: who asks for much and takes it by drops takes memory from nobody for long, be it that of answers or of requests
 * that wait behind them; who has a thin line gets all of it as long as nobody waits.
 * Method: connections without sockets and threads, small limits; the test takes answers, lets time go by, and looks
 * when it is time.
 */
final class SlowReadersTest {
    private static final int MIB = 1 << 20;
    private static final int LATE_MILLIS = 5_000;

    /** Nothing is taken any more: the first look that finds it too late, the one that begins included. */
    private static final int LOOKS = LATE_MILLIS / RequestBytes.LOOK_MILLIS + 3;

    private static final int ANSWER_BYTES = 100_000;

    /** What an answer has more than the rows in it, and what it costs on the heap. */
    private static final int MORE_BYTES = 200;

    private EmbeddedServer server = limited(MIB, 64 * MIB);
    private final List<EmbeddedServer.Client> clients = new ArrayList<>();

    private static EmbeddedServer limited(int answerBytesMax, int requestBytesMax) {
        RpcConfig config = RpcConfig.of("TabletServer", "127.0.0.1", 0)
                .withAnswerBytesMax(answerBytesMax)
                .withRequestBytesMax(requestBytesMax)
                .withSlowFrameMillis(LATE_MILLIS);
        return new EmbeddedServer(config, Runnable::run);
    }

    @AfterEach
    void nothingIsLeft() {
        clients.forEach(EmbeddedServer.Client::close);
        look();
        assertTrue(server.answerLooks.isEmpty(), "somebody looks though nobody waits");
        assertEquals(0, server.answerBytes.usedBytes());
        assertEquals(0, server.requestBytes.usedBytes());
        assertEquals(0, server.dispatcher.underWay());
        assertEquals(0, server.bytesInUse(), "bytes of requests and answers that nobody has freed");
        assertEquals(0, server.connections.count());
    }

    private EmbeddedServer.Client ready() {
        EmbeddedServer.Client client = server.connect();
        clients.add(client);
        client.send(Bytes.introduction("tester"));
        client.received();
        return client;
    }

    /** A client that asks for so many answers at once, and takes none. */
    private EmbeddedServer.Client asking(int calls, int answerBytes) {
        EmbeddedServer.Client client = ready();
        client.takeNothing();
        var all = new ByteArrayOutputStream();
        for (int i = 0; i < calls; i++) {
            all.writeBytes(Bytes.call(Bytes.header(i, "Echo"), TestService.request(answerBytes)));
        }
        client.send(all.toByteArray());
        runTasks();
        return client;
    }

    private void runTasks() {
        for (int i = 0; i < 3; i++) { // Some give others something to do.
            clients.forEach(client -> client.channel.runPendingTasks());
        }
    }

    /** Time passes between two looks, if anybody is to look. */
    private void look() {
        for (var looks : List.of(server.looks, server.answerLooks)) {
            Runnable next = looks.poll();
            if (next != null) {
                next.run();
            }
        }
        runTasks();
    }

    private static boolean isAnswered(EmbeddedServer.Client client, int bytes) {
        return client.received().length > bytes;
    }

    @Test
    void answersThatNobodyTakesAreLetGoWhenOthersWaitForTheirMemory() {
        List<EmbeddedServer.Client> slow = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            slow.add(asking(15, ANSWER_BYTES));
        }
        long held = server.answerBytes.usedBytes();
        assertTrue(held >= MIB && held < MIB + ANSWER_BYTES + MORE_BYTES, "they hold " + held);
        EmbeddedServer.Client honest = ready();
        honest.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(ANSWER_BYTES)));
        for (int i = 1; i < LOOKS; i++) {
            slow.getFirst().take(1); // A byte, now and then.
            look();
            assertTrue(slow.getFirst().channel.isOpen(), "after look " + i);
            assertFalse(isAnswered(honest, 0));
        }
        look();
        assertFalse(slow.getFirst().channel.isOpen());
        assertTrue(isAnswered(honest, ANSWER_BYTES), "after all that waited before it have had a turn");
        assertEquals(
                4, clients.stream().filter(client -> client.channel.isOpen()).count(), "one is enough");
        assertEquals(
                1,
                server.lines.stream()
                        .filter(line -> line.contains("it takes its answers too slowly, of which 1"))
                        .count(),
                server.lines.toString());
        assertTrue(server.answerBytes.usedBytes() < MIB + ANSWER_BYTES + MORE_BYTES);
    }

    @Test
    void whoTakesAMebibyteASecondIsNotLate() {
        EmbeddedServer.Client quick = asking(40, ANSWER_BYTES);
        EmbeddedServer.Client waiting = ready();
        waiting.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(10)));
        waiting.takeNothing();
        int looks = 0;
        while (quick.unsentBytes() > 0) {
            quick.take(RequestBytes.LOOK_BYTES);
            look();
            assertTrue(quick.channel.isOpen(), "after look " + looks);
            looks++;
        }
        assertTrue(looks > 40 * ANSWER_BYTES / RequestBytes.LOOK_BYTES, "in " + looks);
    }

    /** A part of a large buffer is something: or who takes one large answer would look as if it took nothing. */
    @Test
    void aPartOfALargeAnswerIsTaken() {
        EmbeddedServer.Client client = asking(1, 7 * MIB);
        EmbeddedServer.Client waiting = asking(1, 10);
        for (int i = 0; i < LOOKS; i++) {
            client.take(RequestBytes.LOOK_BYTES);
            look();
            assertTrue(client.channel.isOpen(), "after look " + i);
        }
        assertEquals(0, waiting.unsentBytes(), "its turn has not come");
        client.pass(server.config.idleMillis());
        client.take(IdleWatch.PIECE_BYTES);
        client.pass(server.config.idleMillis());
        assertTrue(client.channel.isOpen(), "it was taken for stuck");
        client.take(IdleWatch.PIECE_BYTES - 1);
        client.pass(server.config.idleMillis());
        assertFalse(client.channel.isOpen());
    }

    @Test
    void aThinLineWillDoWhileNobodyWaits() {
        EmbeddedServer.Client client = asking(9, ANSWER_BYTES);
        assertTrue(server.answerLooks.isEmpty(), "nobody waits");
        for (int i = 0; i < 14; i++) {
            client.take(IdleWatch.PIECE_BYTES);
            assertEquals(i < 13, client.unsentBytes() > 0, "after " + i);
            client.pass(server.config.idleMillis());
        }
    }

    /** Calls wait behind its answers, and would keep from others what their requests hold. */
    @Test
    void whoseRequestsHoldWhatOthersWaitForIsLetGoToo() {
        server = limited(64 * MIB, 4 * MIB);
        EmbeddedServer.Client idle = ready();
        idle.send(Bytes.call(Bytes.header(0, "Hold"), TestService.request(1)));
        EmbeddedServer.Client slow = ready();
        slow.takeNothing();
        for (int i = 0; i < 6; i++) { // The last one goes beyond the limit.
            slow.send(Bytes.call(Bytes.header(i, "Hold"), TestService.request(i == 0 ? 1 : 900_000)));
        }
        RpcCall first = server.service.held.remove();
        server.service.held.remove().answer(TestService.request(9 * MIB));
        first.answer(TestService.request(1));
        runTasks();
        EmbeddedServer.Client honest = ready();
        honest.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(ANSWER_BYTES)));
        for (int i = 1; i < LOOKS; i++) {
            look();
            assertTrue(slow.channel.isOpen(), "after look " + i);
        }
        look();
        assertFalse(slow.channel.isOpen());
        assertTrue(idle.channel.isOpen(), "it holds nothing");
        while (!server.service.held.isEmpty()) {
            server.service.held.remove().answer(TestService.request(1));
        }
        runTasks();
        assertTrue(isAnswered(honest, ANSWER_BYTES));
    }

    @Test
    void quickCallsAreAnsweredWhileOthersWait() {
        EmbeddedServer.Client slow = asking(15, ANSWER_BYTES);
        EmbeddedServer.Client honest = ready();
        honest.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(10)));
        assertFalse(isAnswered(honest, 0));
        honest.send(Bytes.call(Bytes.header(1, "Quick"), TestService.request(20)));
        assertTrue(isAnswered(honest, 20));
        assertTrue(slow.channel.isOpen());
    }

    @RepeatedTest(20)
    void answersNeverHoldMoreThanTheLimitAndOne(@Seed SplittableRandom random) {
        for (int i = 0; i < 6; i++) {
            ready().takeNothing();
        }
        int[] nextCall = new int[100];
        for (int step = 0; step < 300; step++) {
            int at = random.nextInt(clients.size());
            EmbeddedServer.Client client = clients.get(at);
            switch (random.nextInt(8)) {
                case 0, 1, 2 ->
                    client.send(Bytes.call(
                            Bytes.header(nextCall[at]++, "Echo"), TestService.request(random.nextInt(ANSWER_BYTES))));
                case 3, 4, 5 -> client.take(random.nextInt(2 * ANSWER_BYTES));
                case 6 -> look();
                default -> {
                    if (random.nextInt(20) == 0 && clients.size() < nextCall.length) {
                        client.close();
                        ready().takeNothing();
                    }
                }
            }
            runTasks();
            long held = server.answerBytes.usedBytes();
            assertTrue(held >= 0 && held < MIB + ANSWER_BYTES + MORE_BYTES, "they hold " + held);
        }
        for (int i = 0; i < 1_000 && server.dispatcher.underWay() > 0; i++) {
            clients.forEach(client -> client.take(MIB));
            look();
        }
        assertEquals(0, server.dispatcher.underWay(), "calls that wait though all is taken");
    }
}
