package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.netty.channel.ChannelPipelineException;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.rpc.RpcHeader.ResponseHeader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: whatever fails between a request and its answer, the call ends, its memory comes back, and its client is
 * answered or let go.
 * Method: a connection without sockets and threads, whose memory, pool and channel fail when the test says so.
 */
final class LostAnswersTest {
    private static final int LARGE = 20_000;

    private final OutOfMemoryError noHeap = new OutOfMemoryError("no heap for a queue");

    /** Enough for an error. */
    private static final int SMALL = 1024;

    private EmbeddedServer server = EmbeddedServer.ofDefaults();

    @AfterEach
    void nothingIsLeft() {
        server.bufferBytesMax = Integer.MAX_VALUE;
        server.writeFailure = null;
        server.promiseFailure = null;
        server.logFailure = null;
        server.executeFailure = null;
        EmbeddedServer.Client next = ready();
        next.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE)));
        assertTrue(next.received().length > LARGE, "the next client is served");
        next.close();
        assertEquals(0, server.dispatcher.underWay());
        assertEquals(0, server.dispatcher.queued());
        assertEquals(0, server.requestBytes.usedBytes());
        assertEquals(0, server.answerBytes.usedBytes());
        assertEquals(0, server.connections.count());
        assertEquals(0, server.bytesInUse(), "bytes of requests and answers that nobody has freed");
    }

    private EmbeddedServer.Client ready() {
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        client.received();
        return client;
    }

    private RpcCall held(EmbeddedServer.Client client, int callId) throws InterruptedException {
        client.send(Bytes.call(Bytes.header(callId, "Hold"), TestService.request(10)));
        return server.service.takeHeld();
    }

    private static ErrorStatusPB error(EmbeddedServer.Client client) {
        byte[] received = client.received();
        var frame = new ByteArrayInputStream(received, Integer.BYTES, received.length);
        try {
            ResponseHeader header = ResponseHeader.parseDelimitedFrom(frame);
            assertTrue(header.getIsError());
            return ErrorStatusPB.parseDelimitedFrom(frame);
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void assertLetGo(EmbeddedServer.Client client, String why) {
        client.received();
        assertFalse(client.channel.isOpen());
        assertTrue(server.lines.getLast().contains(why), server.lines.getLast());
    }

    @Test
    void anAnswerWithoutMemoryIsAnErrorOnWhichClientsComeAgain() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall call = held(client, 0);
        server.bufferBytesMax = SMALL;
        call.answer(TestService.request(LARGE));
        ErrorStatusPB error = error(client);
        assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, error.getCode());
        assertTrue(error.getMessage().contains("no memory for the answer"), error.getMessage());
        assertTrue(client.channel.isOpen());
        client.close();
    }

    @Test
    void anAnswerWithSidecarsWithoutMemoryIsLeftToItsMethod() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall call = held(client, 0);
        server.bufferBytesMax = SMALL;
        try (Arena arena = Arena.ofShared()) {
            var sidecars = List.of(arena.allocate(8));
            Runnable whenSent = server.service.sent::incrementAndGet;
            assertThrows(OutOfMemoryError.class, () -> call.answer(TestService.request(LARGE), sidecars, whenSent));
        }
        assertEquals(0, server.service.sent.get());
        call.fail(RpcErrorCode.ERROR_APPLICATION, "no scan today");
        assertEquals("no scan today", error(client).getMessage());
        client.close();
    }

    @Test
    void aCallThatCannotEvenFailEndsAndItsConnectionIsClosed() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall first = held(client, 0);
        RpcCall second = held(client, 1);
        RpcCall third = held(client, 2);
        server.bufferBytesMax = 0;
        first.answer(TestService.request(LARGE));
        second.fail(RpcErrorCode.ERROR_APPLICATION, "broken");
        assertThrows(IllegalStateException.class, () -> second.fail(RpcErrorCode.ERROR_APPLICATION, "broken"));
        assertLetGo(client, "no memory");
        assertEquals(1, server.dispatcher.underWay());
        assertTrue(third.failUnlessAnswered(RpcErrorCode.ERROR_APPLICATION, "broken"));
        client.received();
        client.close();
    }

    @Test
    void aMethodThatFailsWithoutMemoryEndsAndItsConnectionIsClosed() {
        EmbeddedServer.Client client = ready();
        byte[] call = Bytes.call(Bytes.header(0, "Throw"), TestService.request(10));
        client.send(call, 0, call.length - 1);
        client.send(call, call.length - 1, call.length, () -> server.bufferBytesMax = 0);
        assertLetGo(client, "no memory");
        client.close();
    }

    @Test
    void aRequestWithoutMemoryEndsWithItsConnection() {
        EmbeddedServer.Client client = ready();
        byte[] call = Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE));
        client.send(call, 0, call.length, () -> server.bufferBytesMax = 0);
        assertLetGo(client, "no memory");
        client.close();
    }

    @Test
    void aRequestThatGrowsBeyondTheMemoryThereIsIsToldToComeAgain() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall other = held(client, 1);
        server.bufferBytesMax = 4 * SMALL; // For an eighth of it, and then no more.
        byte[] call = Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE));
        int piece = 1000;
        for (int at = 0; at + piece < call.length; at += piece) {
            client.send(call, at, at + piece);
            assertEquals(0, client.received().length, "an answer to what is not all there");
        }
        client.send(call, call.length - call.length % piece, call.length);
        ErrorStatusPB error = error(client);
        assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, error.getCode());
        assertTrue(error.getMessage().contains("no memory for a request of " + (call.length - 4)), error.getMessage());
        other.answer(TestService.request(1));
        assertTrue(client.received().length > 0, "the connection goes on");
        server.bufferBytesMax = Integer.MAX_VALUE;
        client.send(Bytes.join(call, Bytes.call(Bytes.header(2, "Echo"), TestService.request(LARGE))));
        assertTrue(client.received().length > 2 * LARGE, "both are found where they begin");
        client.close();
    }

    @Test
    void aRequestIsPassedOverBetweenOthersOfTheSamePiece() {
        EmbeddedServer.Client client = ready();
        byte[] small = Bytes.call(Bytes.header(0, "Echo"), TestService.request(10));
        byte[] large = Bytes.call(Bytes.header(1, "Echo"), TestService.request(LARGE));
        byte[] last = Bytes.call(Bytes.header(2, "Echo"), TestService.request(10));
        byte[] all = Bytes.join(Bytes.join(small, large), last);
        client.send(all, 0, all.length, () -> server.bufferBytesMax = 4 * SMALL);
        String received = new String(client.received(), StandardCharsets.ISO_8859_1);
        assertTrue(received.contains("no memory for a request of " + (large.length - 4)), received);
        assertEquals(2, received.split("tablet", -1).length - 1, "the others are sent back");
        client.close();
    }

    @Test
    void aClientThatGoesWhileItsRequestIsPassedOverLeavesNothing() {
        EmbeddedServer.Client client = ready();
        byte[] call = Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE));
        client.send(call, 0, call.length - 1, () -> server.bufferBytesMax = 4 * SMALL);
        assertEquals(0, server.requestBytes.usedBytes());
        client.close();
    }

    @Test
    void aRequestThatFailsBeforeItIsACallIsFreed() {
        EmbeddedServer.Client client = ready();
        client.send(Bytes.call(Bytes.header(0, "Lookup"), TestService.request(10)));
        assertFalse(client.channel.isOpen());
        client.close();
    }

    @Test
    void aPoolThatCannotStartThreadsFailsItsCalls() {
        var isFull = new AtomicBoolean(true);
        Executor pool = task -> {
            if (isFull.get()) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            task.run();
        };
        server = new EmbeddedServer(RpcConfig.of("TabletServer", "127.0.0.1", 0), pool);
        EmbeddedServer.Client client = ready();
        client.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(10)));
        ErrorStatusPB error = error(client);
        assertEquals(RpcErrorCodePB.ERROR_APPLICATION, error.getCode());
        assertTrue(error.getMessage().contains("unable to create native thread"), error.getMessage());
        client.close();
        isFull.set(false);
    }

    /** Its text was made before it was answered, and nothing was; and its request was freed twice. */
    @Test
    void aMethodThatFailsWithoutHeapForWordsIsAnswered() {
        EmbeddedServer.Client client = ready();
        client.send(Bytes.call(Bytes.header(0, "Mute"), TestService.request(10)));
        ErrorStatusPB error = error(client);
        assertEquals(RpcErrorCodePB.ERROR_APPLICATION, error.getCode());
        assertTrue(error.getMessage().contains("no memory to say why"), error.getMessage());
        assertTrue(client.channel.isOpen());
        client.close();
    }

    /** What it takes from then on would be counted never, and others would wait for that. */
    @Test
    void aClientIsLetGoOfWhichNobodyWouldHearWhatItTakes() {
        EmbeddedServer.Client client = ready();
        client.takeNothing();
        server.promiseFailure = noHeap;
        client.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE)));
        client.received();
        assertFalse(client.channel.isOpen());
        assertTrue(
                server.lines.stream().anyMatch(line -> line.contains("no heap for a queue")), server.lines::toString);
        client.close();
    }

    @Test
    void whatFollowsAnAnswerMayFailAndTheOthersAreSent() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall first = held(client, 0);
        RpcCall second = held(client, 1);
        first.answer(TestService.request(1), List.of(), () -> {
            throw new AssertionError("broken on purpose");
        });
        second.answer(TestService.request(LARGE));
        assertTrue(client.received().length > LARGE);
        assertTrue(client.channel.isOpen());
        client.close();
    }

    @Test
    void answersThatCannotBeHandedOverEndWithTheirConnection() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall first = held(client, 0);
        RpcCall second = held(client, 1);
        server.writeFailure = new OutOfMemoryError("no memory for a list");
        first.answer(TestService.request(1));
        try (Arena arena = Arena.ofShared()) {
            second.answer(TestService.request(1), List.of(arena.allocate(8)), server.service.sent::incrementAndGet);
            assertLetGo(client, "no memory for a list");
        }
        assertEquals(1, server.service.sent.get());
        client.close();
    }

    /** The client would take the next answer for the cells that are missing. */
    @Test
    void anAnswerWhoseLastSidecarIsNotTakenIsNotSentInPart() throws Exception {
        assertNothingIsSentOfAnAnswerInPart(() -> server.promiseFailure = noHeap);
    }

    @Test
    void anAnswerOfWhichASidecarCannotBeHandedOverIsNotSentInPart() throws Exception {
        assertNothingIsSentOfAnAnswerInPart(() -> {
            server.writesBeforeFailure = 2; // The head and one sidecar.
            server.writeFailure = noHeap;
        });
    }

    private void assertNothingIsSentOfAnAnswerInPart(Runnable breaks) throws InterruptedException {
        EmbeddedServer.Client client = ready();
        RpcCall first = held(client, 0);
        RpcCall second = held(client, 1);
        breaks.run();
        List<Long> unsentBytes = new ArrayList<>();
        Runnable whenSent = () -> unsentBytes.add(client.unsentBytes());
        try (Arena arena = Arena.ofShared()) {
            MemorySegment block = arena.allocate(24);
            List<MemorySegment> sidecars = List.of(block.asSlice(0, 8), block.asSlice(8, 8), block.asSlice(16, 8));
            server.executeFailure = noHeap; // So that both are sent at once.
            first.answer(TestService.request(1), sidecars, whenSent);
            server.executeFailure = null;
            second.answer(TestService.request(1));
            assertEquals(0, client.received().length, "bytes of an answer that is not there as a whole");
            assertLetGo(client, "no heap for a queue");
            assertEquals(List.of(0L), unsentBytes, "what waited to be sent when its memory was let go, once");
        }
        client.close();
    }

    @Test
    void anAnswerThatIsNotHandedOverIsSentWithTheNext() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall first = held(client, 0);
        RpcCall second = held(client, 1);
        server.executeFailure = noHeap;
        first.answer(TestService.request(LARGE));
        server.executeFailure = null;
        assertEquals(0, client.received().length);
        second.answer(TestService.request(LARGE));
        assertTrue(client.received().length > 2 * LARGE, "both are sent");
        client.close();
    }

    @Test
    void anAnswerThatIsNotHandedOverIsSentWhenAnotherClientComes() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall call = held(client, 0);
        server.executeFailure = noHeap;
        call.answer(TestService.request(LARGE));
        EmbeddedServer.Client other = server.connect();
        other.send(Bytes.introduction("tester"));
        assertEquals(0, client.received().length, "it was tried again in vain");
        server.executeFailure = null;
        other.send(Bytes.call(Bytes.header(0, "Hold"), TestService.request(10)), 0, 1);
        assertTrue(client.received().length > LARGE, "sent after one byte of another client");
        other.close();
        client.close();
    }

    @Test
    void anAnswerThatIsNotHandedOverIsSentWhenItsClientIsLookedAfter() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall call = held(client, 0);
        server.executeFailure = noHeap;
        call.answer(TestService.request(LARGE));
        server.executeFailure = null;
        client.pass(server.config.idleMillis());
        assertTrue(client.received().length > LARGE);
        client.close();
    }

    @Test
    void anAnswerThatIsNeverHandedOverComesBackWithItsClient() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall call = held(client, 0);
        server.executeFailure = noHeap;
        try (Arena arena = Arena.ofShared()) {
            var sidecars = List.of(arena.allocate(8));
            call.answer(TestService.request(1), sidecars, server.service.sent::incrementAndGet);
            assertEquals(0, server.service.sent.get());
            server.executeFailure = null; // The transport tells of the end by the same queue.
            client.close();
            assertEquals(1, server.service.sent.get(), "its memory may be used again");
        }
        assertEquals(0, server.dispatcher.underWay());
    }

    /** Else it would count among the connections of the server for ever. */
    @Test
    void aClientThatGoesIsForgottenEvenIfThereIsNoHeapForWords() throws Exception {
        EmbeddedServer.Client client = ready();
        RpcCall call = held(client, 0);
        server.executeFailure = noHeap;
        server.bufferBytesMax = 0;
        call.fail(RpcErrorCode.ERROR_APPLICATION, "broken");
        server.executeFailure = null;
        server.logFailure = noHeap;
        try {
            client.close();
        } catch (ChannelPipelineException | OutOfMemoryError e) {
            assertSame(noHeap, e instanceof OutOfMemoryError ? e : e.getCause());
        }
        server.logFailure = null;
        assertEquals(0, server.connections.count());
    }

    @Test
    void memoryForARequestThatIsNotToldIsToldLater() throws Exception {
        server = new EmbeddedServer(
                RpcConfig.of("TabletServer", "127.0.0.1", 0).withRequestBytesMax(64 << 10), Runnable::run);
        int most = 60 << 10;
        EmbeddedServer.Client client = ready();
        client.send(Bytes.call(Bytes.header(0, "Hold"), TestService.request(most)));
        server.service.takeHeld().answer(TestService.request(1));
        EmbeddedServer.Client beyond = ready();
        beyond.send(Bytes.call(Bytes.header(0, "Hold"), TestService.request(most)));
        EmbeddedServer.Client waiting = ready();
        waiting.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE)));
        client.received();
        assertEquals(0, waiting.received().length);
        server.service.takeHeld().answer(TestService.request(1));
        server.executeFailure = noHeap;
        beyond.received();
        server.executeFailure = null;
        assertEquals(0, waiting.received().length, "nobody could tell it");
        EmbeddedServer.Client other = ready();
        assertTrue(waiting.received().length > LARGE);
        List.of(client, beyond, waiting, other).forEach(EmbeddedServer.Client::close);
    }

    @Test
    void aTurnThatIsNotToldComesLater() {
        server = new EmbeddedServer(
                RpcConfig.of("TabletServer", "127.0.0.1", 0).withAnswerBytesMax(LARGE), Runnable::run);
        EmbeddedServer.Client client = ready();
        client.takeNothing();
        client.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE)));
        client.received();
        EmbeddedServer.Client waiting = ready();
        waiting.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(LARGE)));
        assertEquals(0, waiting.received().length, "answers have all that there is");
        server.executeFailure = noHeap;
        client.take(Long.MAX_VALUE);
        server.executeFailure = null;
        assertEquals(0, waiting.received().length, "nobody could tell it");
        EmbeddedServer.Client other = ready();
        client.received(); // Now it is known that it has taken all.
        assertTrue(waiting.received().length > LARGE);
        List.of(client, waiting, other).forEach(EmbeddedServer.Client::close);
    }
}
