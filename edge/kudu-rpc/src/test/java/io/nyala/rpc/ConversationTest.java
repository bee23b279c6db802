package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.protocol.rpc.RpcHeader.RequestIdPB;
import io.nyala.testkit.Mutations;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: it does not matter in which pieces bytes come in, and whatever they are, nothing escapes, nothing leaks and the
 * next client is served.
 * Method: whole conversations, cut everywhere and mutated at random, given to a connection without sockets and threads.
 */
final class ConversationTest {
    /** Times 100 repetitions. */
    private static final int MUTATIONS = 200;

    private final EmbeddedServer server = EmbeddedServer.ofDefaults();

    /** Counts what is not freed, to the byte: with so many conversations, leak detection would take minutes. */
    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, server.bytesInUse(), "bytes of requests and answers that nobody has freed");
        assertEquals(0, server.requestBytes.usedBytes());
        assertEquals(0, server.firstBytes.usedBytes());
        assertEquals(0, server.dispatcher.underWay());
        assertEquals(0, server.dispatcher.queued());
        assertEquals(0, server.connections.count());
    }

    /** Everything that a client may do right, and calls that fail. */
    private static byte[] conversation() {
        RequestIdPB id = RequestIdPB.newBuilder()
                .setClientId("client-1")
                .setSeqNo(1)
                .setFirstIncompleteSeqNo(0)
                .setAttemptNo(0)
                .build();
        return Bytes.join(
                Bytes.introduction("jo\u00E9"),
                Bytes.call(Bytes.header(0, "Echo").setTimeoutMillis(10_000), TestService.request(20)),
                Bytes.call(Bytes.header(1, "Cut").setRequestId(id), TestService.request(70)),
                Bytes.call(Bytes.header(2, "Nope").addRequiredFeatureFlags(2), TestService.request(0)),
                Bytes.call(Bytes.header(3, "Echo").addRequiredFeatureFlags(9), TestService.request(3)),
                Bytes.call(Bytes.header(4, "Refuse"), TestService.request(3)));
    }

    /** What comes back if it is sent at once, which RpcServerTest and the vectors say is right. */
    private byte[] expected(byte[] conversation) {
        EmbeddedServer.Client client = server.connect();
        client.send(conversation);
        byte[] received = client.received();
        assertTrue(client.channel.isOpen());
        client.close();
        assertArrayEquals(Bytes.OFFER, Arrays.copyOf(received, Bytes.OFFER.length));
        return received;
    }

    @Test
    void takesAConversationCutAnywhere() {
        byte[] conversation = conversation();
        byte[] expected = expected(conversation);
        for (int cut = 1; cut < conversation.length; cut++) {
            EmbeddedServer.Client client = server.connect();
            client.send(conversation, 0, cut);
            client.send(conversation, cut, conversation.length);
            assertArrayEquals(expected, client.received(), "cut at " + cut);
            client.close();
        }
    }

    @Test
    void takesAConversationByteByByte() {
        byte[] conversation = conversation();
        byte[] expected = expected(conversation);
        EmbeddedServer.Client client = server.connect();
        for (int i = 0; i < conversation.length; i++) {
            client.send(conversation, i, i + 1);
        }
        assertArrayEquals(expected, client.received());
        client.close();
    }

    @RepeatedTest(20)
    void takesLargeRequestsInPiecesOfAnySize(@Seed SplittableRandom random) {
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        client.received();
        int rowBytes = random.nextInt(1 << random.nextInt(1, 21));
        byte[] call = Bytes.call(Bytes.header(1, "Echo"), TestService.request(rowBytes));
        int pieceMax = 1 + random.nextInt(call.length);
        for (int at = 0; at < call.length; ) {
            int end = Math.min(call.length, at + random.nextInt(Math.max(1, pieceMax / 20), pieceMax + 1));
            client.send(call, at, end);
            at = end;
        }
        ByteString answer = ByteString.copyFrom(client.received());
        assertTrue(answer.endsWith(TestService.request(rowBytes).toByteString()), rowBytes + " bytes");
        client.close();
    }

    @Test
    void freesWhatIsHalfSentWhenTheClientGoes() {
        byte[] conversation = conversation();
        for (int sent = 0; sent < conversation.length; sent++) {
            EmbeddedServer.Client client = server.connect();
            client.send(conversation, 0, sent);
            client.close();
            nothingIsLeft();
        }
    }

    @RepeatedTest(100)
    void standsAnyBytes(@Seed SplittableRandom random) {
        byte[] conversation = conversation();
        byte[] introduction = Bytes.introduction("tester");
        byte[] calls = Arrays.copyOfRange(conversation, Bytes.introduction("jo\u00E9").length, conversation.length);
        for (int i = 0; i < MUTATIONS; i++) {
            // Most of what is changed should not end in the introduction.
            byte[] bytes = random.nextInt(4) == 0
                    ? Mutations.of(conversation, random)
                    : Bytes.join(introduction, Mutations.of(calls, random));
            EmbeddedServer.Client client = server.connect();
            for (int at = 0; at < bytes.length; ) {
                int end = random.nextBoolean() ? bytes.length : random.nextInt(at, bytes.length) + 1;
                client.send(bytes, at, end);
                at = end;
            }
            client.received();
            for (RpcCall held : drain()) {
                held.answer(TestService.request(1));
            }
            client.close();
            nothingIsLeft();
        }
        expected(conversation);
    }

    /** The mutated name of a method may be that of one that holds its calls. */
    private List<RpcCall> drain() {
        List<RpcCall> calls = new ArrayList<>();
        server.service.held.drainTo(calls);
        return calls;
    }

    @Test
    void closesOnWhatIsNoFrame() {
        assertLetGo(new byte[4], "a length of 0");
        assertLetGo(new byte[] {3, 32, 0, 0}, "a length of 52428804 bytes, and this server takes up to 52428800");
        assertLetGo(new byte[] {-1, -1, -1, -1}, "a length of 4294967299 bytes, and this server takes up to");
        assertLetGo(Bytes.prefixed(new byte[] {100, 1, 2}), "a header of 100 bytes where 2 are left");
        assertLetGo(Bytes.prefixed(new byte[] {-1, -1, -1, -1, -1, 1}), "more than 5 bytes");
        byte[] call = Bytes.call(Bytes.header(5, "Echo"), TestService.request(0));
        call[3]++; // The frame has a byte more than its message.
        assertLetGo(Bytes.join(call, new byte[1]), " bytes, and 13 are left of it");
        assertLetGo(Bytes.call(Bytes.header(-2, "Echo"), TestService.request(0)), "a call has the id -2");
        assertLetGo(Bytes.call(Bytes.header(-33, "Echo"), TestService.request(0)), "a call has the id -33");
        assertLetGo(Bytes.context(), "call -3 names no method");
        assertLetGo(
                Bytes.frame(Bytes.header(5, "Echo").clearRemoteMethod().build(), new byte[0]),
                "call 5 names no method");
        byte[] held = Bytes.call(Bytes.header(5, "Hold"), TestService.request(0));
        assertLetGo(Bytes.join(held, held), "a call has the id 5, which another one under way has");
    }

    private void assertLetGo(byte[] bytes, String why) {
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        assertTrue(client.channel.isOpen());
        client.send(bytes);
        assertFalse(client.channel.isOpen(), why);
        assertTrue(server.lines.getLast().startsWith("closed the connection of 127.0.0.1:40000: "));
        assertTrue(server.lines.getLast().contains(why), server.lines.getLast());
        drain().forEach(call -> call.answer(TestService.request(0)));
        client.channel.runPendingTasks();
        client.close();
        nothingIsLeft();
    }

    @Test
    void takesAHeaderOfTheLargestSizeAndNoneAboveIt() {
        int others = Bytes.header(0, "").build().getSerializedSize() + 4; // Of lengths of two names.
        String name = "x".repeat(RequestFrame.HEADER_BYTES_MAX - others);
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        client.received();
        client.send(Bytes.call(Bytes.header(0, name), TestService.request(0)));
        assertTrue(client.channel.isOpen() && client.received().length > 0);
        client.close();
        assertLetGo(
                Bytes.call(Bytes.header(0, name + "x"), TestService.request(0)),
                "a header of 65537 bytes, and this server reads up to 65536");
    }

    @Test
    void takesAFrameOfTheLargestSizeAndNoneAboveIt() {
        EmbeddedServer small =
                new EmbeddedServer(RpcConfig.of("TabletServer", "127.0.0.1", 0).withFrameBytesMax(5000), Runnable::run);
        EmbeddedServer.Client client = small.connect();
        client.send(Bytes.introduction("tester"));
        client.received();
        int others = Bytes.call(Bytes.header(1, "Echo"), TestService.request(4000)).length - 4000;
        client.send(Bytes.call(Bytes.header(1, "Echo"), TestService.request(5000 - others)));
        assertTrue(client.channel.isOpen() && client.received().length > 4000);
        client.send(Bytes.call(Bytes.header(1, "Echo"), TestService.request(5001 - others)));
        assertFalse(client.channel.isOpen());
        client.close();
        assertEquals(0, small.bytesInUse());
    }

    @Test
    void aClientThatIsNotKnownYetGetsLittleMemory() {
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.START);
        client.send(Bytes.prefixed(new byte[Negotiation.FRAME_BYTES_MAX - 3]));
        assertFalse(client.channel.isOpen());
        client.close();
    }

    @Test
    void aClientThatAnnouncesMuchAndSendsLittleCostsLittle() {
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        client.received();
        byte[] sent = new byte[100_000];
        sent[0] = 3; // 50,331,648 bytes.
        int used = 0;
        for (int at = 0; at < sent.length; at += 1000) {
            client.send(sent, at, at + 1000);
            used = Math.toIntExact(server.bytesInUse());
            assertTrue(used <= Math.max(20_000, 10 * (at + 1000)), used + " bytes for " + (at + 1000));
        }
        assertTrue(used > 100_000 && server.requestBytes.usedBytes() > 100_000, "what is used is counted");
        client.close();
    }

    @Test
    void anIdMayBeUsedAgainOnceItIsAnswered() {
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        for (int i = 0; i < 3; i++) {
            client.send(Bytes.call(Bytes.header(5, "Hold"), TestService.request(0)));
            drain().forEach(call -> call.answer(TestService.request(0)));
            client.received();
            assertTrue(client.channel.isOpen());
        }
        client.close();
    }
}
