package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.channel.ChannelPipeline;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.epoll.Epoll;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.rpc.RpcHeader.RequestIdPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.testkit.Seed;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: what a client calls is what a service gets, and what the service answers is what the client gets, in any order
 * and with any sidecars; and what fails does so with real Kudu's codes and texts.
 * Method: a server on the loopback, and clients made of plain sockets and protobuf's own classes.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(FindsLeaks.class)
final class RpcServerTest {
    private final TestService service = new TestService();
    private RpcThreads threads;
    private RpcServer server;

    @BeforeEach
    void start() {
        start(RpcTransport.BEST);
    }

    private void start(RpcTransport transport) {
        threads = RpcThreads.start(1, 4, transport);
        server = RpcServer.start(RpcConfig.of("TabletServer", "127.0.0.1", 0), List.of(service), threads);
    }

    @AfterEach
    void stop() {
        server.close();
        assertEquals(0, server.callsUnderWay());
        assertEquals(0, server.connectionCount());
        assertEquals(0, threads.bytesInUse(), "bytes of requests and answers that nobody has freed");
        threads.close();
    }

    /** Else it would count among the connections of the server for ever. */
    @Test
    void aClientForWhichThereIsNoHeapIsForgotten() {
        OutOfMemoryError noHeap = new OutOfMemoryError("no heap for a context");
        EmbeddedChannel channel = new EmbeddedChannel() {
            @Override
            protected SocketAddress localAddress0() {
                return server.address();
            }

            @Override
            protected SocketAddress remoteAddress0() {
                return server.address();
            }

            @Override
            public ChannelPipeline pipeline() {
                if (service.asked.get() > 0) { // Not while it is made.
                    throw noHeap;
                }
                return super.pipeline();
            }
        };
        service.asked.incrementAndGet();
        assertSame(noHeap, assertThrows(OutOfMemoryError.class, () -> server.accept(channel)));
        service.asked.set(0);
        assertEquals(0, server.connectionCount());
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @EnumSource(RpcTransport.class)
    void negotiatesByRealBytesAndEchoes(RpcTransport transport) throws Exception {
        assumeTrue(transport != RpcTransport.EPOLL || isEpollThere());
        stop();
        start(transport);
        try (RawClient client = new RawClient(server.address())) {
            client.send(Bytes.START);
            client.send(Bytes.negotiation(Bytes.hello().build()));
            client.expect(Bytes.OFFER);
            client.send(Bytes.negotiation(Bytes.plain("\0jos\u00E9\0secret").build()));
            client.expect(Bytes.SUCCESS);
            client.send(Bytes.context());
            client.call(Bytes.header(0, "Echo"), TestService.request(100));
            assertEquals(TestService.request(100), client.read().echoed());
            client.call(Bytes.header(1, "Hold").setTimeoutMillis(60_000), TestService.request(0));
            RpcCall call = service.takeHeld();
            assertEquals("jos\u00E9", call.user());
            assertNull(call.requestId());
            assertTrue(call.nanosLeft() > 0 && call.nanosLeft() <= 60_000_000_000L, "left: " + call.nanosLeft());
            call.answer(TestService.request(1));
            assertEquals(TestService.request(1), client.read().echoed());
        }
    }

    /** On Linux it must be; but the published client has a copy of its library, and beside that it does not load. */
    private static boolean isEpollThere() {
        if (!Epoll.isAvailable() && System.getProperty("os.name").equals("Linux")) {
            Throwable cause = Epoll.unavailabilityCause();
            assertTrue(String.valueOf(cause.getCause()).contains("Multiple resources found"), String.valueOf(cause));
        }
        return Epoll.isAvailable();
    }

    @Test
    void carriesTheNameOfTrackedRequests() throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            RequestIdPB id = RequestIdPB.newBuilder()
                    .setClientId("0123456789abcdef")
                    .setSeqNo(1L << 40)
                    .setFirstIncompleteSeqNo(7)
                    .setAttemptNo(2)
                    .build();
            client.call(Bytes.header(5, "Hold").setRequestId(id), TestService.request(0));
            RpcCall call = service.takeHeld();
            assertEquals(new RequestId("0123456789abcdef", 1L << 40, 7, 2), call.requestId());
            assertEquals(Long.MAX_VALUE, call.nanosLeft());
            call.answer(TestService.request(0));
            assertEquals(5, client.read().callId());
        }
    }

    @Test
    void answersInTheOrderInWhichTheyAreReady(@Seed SplittableRandom random) throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            List<RpcCall> calls = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                client.call(Bytes.header(i, "Hold"), TestService.request(i));
            }
            for (int i = 0; i < 100; i++) {
                calls.add(service.takeHeld());
            }
            for (int i = calls.size(); i > 1; i--) {
                Collections.swap(calls, i - 1, random.nextInt(i));
            }
            List<WriteRequestPB> expected = new ArrayList<>();
            for (RpcCall call : calls) {
                WriteRequestPB answer = call.parse(WriteRequestPB.parser());
                expected.add(answer);
                call.answer(answer);
            }
            for (int i = 0; i < 100; i++) {
                RawClient.Reply reply = client.read();
                assertEquals(expected.get(i), reply.echoed());
                assertEquals(expected.get(i).getRowOperations().getRows().size(), reply.callId());
            }
        }
    }

    @Test
    void takesAThousandCallsAtOnce() throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            byte[][] calls = new byte[1000][];
            for (int i = 0; i < calls.length; i++) {
                calls[i] = Bytes.call(Bytes.header(i, "Echo"), TestService.request(i));
            }
            client.send(Bytes.join(calls));
            BitSet answered = new BitSet();
            for (int i = 0; i < calls.length; i++) {
                RawClient.Reply reply = client.read();
                assertEquals(TestService.request(reply.callId()), reply.echoed());
                answered.set(reply.callId());
            }
            assertEquals(calls.length, answered.cardinality());
        }
    }

    @Test
    void takesLargeRequestsAndSendsLargeAnswers() throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            for (int bytes : new int[] {16 << 10, 100_000, 1 << 20, 9_000_000}) {
                client.call(Bytes.header(bytes, "Echo"), TestService.request(bytes));
                assertEquals(TestService.request(bytes), client.read().echoed());
            }
        }
    }

    @Test
    void sendsSidecarsFromWhereTheyLie() throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            for (int bytes : new int[] {1, 1000, 100_000, 3_000_000}) {
                byte[] body = TestService.request(bytes).toByteArray();
                client.call(Bytes.header(bytes, "Cut"), TestService.request(bytes));
                RawClient.Reply reply = client.read();
                assertEquals(TestService.request(0), reply.echoed());
                byte[] joined = new byte[0];
                for (int i = 0; i < reply.header().getSidecarOffsetsCount() - 1; i++) {
                    assertEquals(i * i, reply.sidecar(i).length);
                }
                for (int i = 0; i < reply.header().getSidecarOffsetsCount(); i++) {
                    joined = Bytes.join(joined, reply.sidecar(i));
                }
                assertArrayEquals(body, joined);
            }
            Spin.until(() -> service.sent.get() == 4);
        }
    }

    @Test
    void failsAsRealKuduDoes() throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            client.call(Bytes.header(1, "Echo").addRequiredFeatureFlags(1).addRequiredFeatureFlags(77), request());
            assertError(client, 1, RpcErrorCodePB.ERROR_INVALID_REQUEST, "unsupported feature flags", 77);
            client.call(Bytes.header(2, "Nope"), request());
            assertError(
                    client,
                    2,
                    RpcErrorCodePB.ERROR_NO_SUCH_METHOD,
                    "Invalid argument: Call on service nyala.test.TestService received at 127.0.0.1:"
                            + server.address().getPort() + " from 127.0.0.1:" + client.localPort()
                            + " with an invalid method name: Nope");
            client.call(Bytes.header(3, "a.b.C", "Write"), request());
            assertError(
                    client,
                    3,
                    RpcErrorCodePB.ERROR_NO_SUCH_SERVICE,
                    "Not found: service a.b.C not registered on TabletServer");
            client.call(Bytes.header(4, "Echo"), io.nyala.protocol.tserver.Tserver.PingRequestPB.getDefaultInstance());
            assertError(
                    client,
                    4,
                    RpcErrorCodePB.ERROR_INVALID_REQUEST,
                    "Invalid argument: invalid parameter for call nyala.test.TestService.Echo: missing fields:"
                            + " tablet_id");
            client.call(Bytes.header(9, "Quick"), TestService.request(RpcCall.PARSED_BYTES_MAX));
            RawClient.Reply tooLarge = client.read();
            assertEquals(RpcErrorCodePB.ERROR_INVALID_REQUEST, tooLarge.error().getCode());
            assertTrue(tooLarge.error().getMessage().endsWith(" bytes, the limit is 4194304"), tooLarge::toString);
            client.call(Bytes.header(5, "Refuse"), request());
            assertError(client, 5, RpcErrorCodePB.ERROR_UNAVAILABLE, "Service unavailable: not yet");
            client.call(Bytes.header(6, "Throw"), request());
            assertError(
                    client,
                    6,
                    RpcErrorCodePB.ERROR_APPLICATION,
                    "Runtime error: nyala.test.TestService.Throw failed: java.lang.IllegalStateException: broken on"
                            + " purpose");
            client.call(Bytes.header(7, "Twice"), request()); // Its second answer is an exception, and only that.
            assertEquals(request(), client.read().echoed());
            client.call(Bytes.header(8, "Echo").addRequiredFeatureFlags(1).addRequiredFeatureFlags(2), request());
            assertEquals(8, client.read().callId());
        }
    }

    private static WriteRequestPB request() {
        return TestService.request(10);
    }

    private static void assertError(
            RawClient client, int callId, RpcErrorCodePB code, String message, Integer... unsupported)
            throws IOException {
        RawClient.Reply reply = client.read();
        assertEquals(callId, reply.callId());
        assertEquals(message, reply.error().getMessage());
        assertEquals(code, reply.error().getCode());
        assertEquals(List.of(unsupported), reply.error().getUnsupportedFeatureFlagsList());
    }

    @Test
    void refusesASecondAnswer() throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            client.call(Bytes.header(3, "Hold"), request());
            RpcCall call = service.takeHeld();
            call.answer(request());
            IllegalStateException e = assertThrows(
                    IllegalStateException.class, () -> call.fail(RpcErrorCode.ERROR_APPLICATION, "too late"));
            assertEquals(
                    "call 3 of nyala.test.TestService.Hold from 127.0.0.1:" + client.localPort()
                            + " is answered twice; each call has one answer",
                    e.getMessage());
            assertThrows(IllegalStateException.class, call::body);
            assertEquals(3, client.read().callId());
        }
    }

    /** Each call is answered by two threads at once, many times over. */
    @Test
    void ofTwoAnswersAtOnceOneIsSent() throws Exception {
        try (RawClient client = RawClient.ready(server.address())) {
            for (int round = 0; round < 50; round++) {
                for (int i = 0; i < 20; i++) {
                    client.call(Bytes.header(i, "Hold"), TestService.request(i));
                }
                List<RpcCall> calls = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    calls.add(service.takeHeld());
                }
                AtomicInteger refused = new AtomicInteger();
                AtomicInteger sent = new AtomicInteger();
                AtomicInteger arrived = new AtomicInteger();
                Runnable answerAll = () -> {
                    for (int i = 0; i < calls.size(); i++) {
                        int both = 2 * (i + 1);
                        arrived.incrementAndGet();
                        Spin.until(() -> arrived.get() >= both);
                        try {
                            calls.get(i)
                                    .answer(
                                            TestService.request(3),
                                            List.of(MemorySegment.ofArray(new byte[] {1, 2, 3})),
                                            sent::incrementAndGet);
                        } catch (IllegalStateException _) {
                            refused.incrementAndGet();
                        }
                    }
                };
                Thread one = Thread.ofPlatform().start(answerAll);
                Thread other = Thread.ofPlatform().start(answerAll);
                BitSet answered = new BitSet();
                for (int i = 0; i < 20; i++) {
                    RawClient.Reply reply = client.read();
                    assertArrayEquals(new byte[] {1, 2, 3}, reply.sidecar(0));
                    answered.set(reply.callId());
                }
                one.join();
                other.join();
                assertEquals(20, answered.cardinality());
                assertEquals(20, refused.get());
                Spin.until(() -> sent.get() == 20);
            }
        }
    }

    @Test
    void saysWhichAddressIsInUse() {
        InetSocketAddress taken = server.address();
        UncheckedIOException e = assertThrows(
                UncheckedIOException.class,
                () -> RpcServer.start(RpcConfig.of("Master", "127.0.0.1", taken.getPort()), List.of(service)));
        String text = String.valueOf(e.getMessage());
        assertEquals(
                "Master cannot listen at 127.0.0.1:" + taken.getPort() + ": Address already in use; stop what listens"
                        + " there, or choose another port (0 for any that is free), or another address of this host",
                text);
    }
}
