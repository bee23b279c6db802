package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.Unpooled;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.testkit.Leaks;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: closing loses no answer that is about to come, waits for none that never comes, and leaves nothing behind.
 * Method: servers closed at every point of a call's life, by another thread than the test's.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(FindsLeaks.class)
final class ShutdownTest {
    private static final int AT_ONCE = 0;
    private static final int DAY_MILLIS = 86_400_000;

    private final TestService service = new TestService();

    private static RpcConfig config() {
        return RpcConfig.of("TabletServer", "127.0.0.1", 0);
    }

    @Test
    void leavesNoThreadNoFileAndNoMemory() throws Throwable {
        useServer(); // Loads classes, and the library of epoll.
        Leaks.assertNone("start, calls and close", () -> 0, this::useServer);
    }

    private void useServer() throws Exception {
        RpcServer server = RpcServer.start(config(), List.of(service));
        try (RawClient client = RawClient.ready(server.address())) {
            for (int i = 0; i < 10; i++) {
                client.call(Bytes.header(i, "Echo"), TestService.request(i));
                client.read().echoed();
            }
            server.close();
            client.expectClosed();
        }
        server.close(); // Once more is no harm.
    }

    @ParameterizedTest
    @EnumSource(
            value = RpcTransport.class,
            names = {"BEST", "NIO"})
    void callsUnderWayAreAnsweredAndNewOnesRefused(RpcTransport transport) throws Exception {
        try (RpcThreads threads = RpcThreads.start(1, 2, transport)) {
            RpcServer server = RpcServer.start(config().withCloseMillis(120_000), List.of(service), threads);
            try (RawClient client = RawClient.ready(server.address());
                    Arena arena = Arena.ofShared()) {
                MemorySegment large = arena.allocate(8 << 20);
                client.call(Bytes.header(0, "Hold"), TestService.request(1));
                RpcCall call = service.takeHeld();
                Thread closer = Thread.ofPlatform().start(server::close);
                Spin.until(() -> refusesConnections(server));
                client.call(Bytes.header(1, "Echo"), TestService.request(1));
                RawClient.Reply refusal = client.read();
                assertEquals(1, refusal.callId());
                assertEquals(RpcErrorCodePB.ERROR_UNAVAILABLE, refusal.error().getCode());
                assertTrue(closer.isAlive(), "waits for the call");
                call.answer(TestService.request(5), List.of(large), service.sent::incrementAndGet);
                RawClient.Reply answer = client.read(); // All of it, though the server closes as soon as it is out.
                assertEquals(TestService.request(5), answer.echoed());
                assertEquals(8 << 20, answer.sidecar(0).length);
                client.expectClosed();
                closer.join();
                assertEquals(1, service.sent.get());
            }
            assertEquals(0, threads.bytesInUse());
        }
    }

    /** What clients ask on is refused, as fast as they like: a server that waited for that would end after them. */
    @Test
    void refusedCallsAreNotWaitedFor() throws InterruptedException {
        EmbeddedServer server = EmbeddedServer.ofDefaults();
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.introduction("tester"));
        client.received();
        server.dispatcher.close();
        byte[] call = Bytes.call(Bytes.header(7, "Echo"), TestService.request(1));
        client.channel.pipeline().fireChannelRead(Unpooled.copiedBuffer(call));
        assertTrue(server.requestBytes.usedBytes() > 0, "the call has come in, and its answer is not on its way yet");
        assertTrue(server.dispatcher.awaitIdle(0));
        String refusal = new String(client.received(), StandardCharsets.ISO_8859_1);
        assertTrue(refusal.contains("Service unavailable: Service is shutting down"), refusal);
        assertEquals(0, server.requestBytes.usedBytes());
        assertEquals(0, server.dispatcher.underWay());
        client.close();
        assertEquals(0, server.bytesInUse());
    }

    /** Their time runs together: the last to be closed does not wait once more for as long. */
    @Test
    void serversThatAreToldToEndTogetherWaitTogether() throws Exception {
        try (RpcThreads threads = RpcThreads.start(2, 2, RpcTransport.BEST)) {
            RpcServer one = RpcServer.start(config().withCloseMillis(DAY_MILLIS), List.of(service), threads);
            RpcServer other = RpcServer.start(config().withCloseMillis(DAY_MILLIS), List.of(service), threads);
            try (RawClient client = RawClient.ready(other.address())) {
                client.call(Bytes.header(0, "Hold"), TestService.request(1));
                RpcCall call = service.takeHeld();
                one.refuse();
                other.refuse();
                one.close();
                Spin.until(() -> refusesConnections(other)); // Though it waits for a call still; a moment later by NIO.
                client.call(Bytes.header(1, "Echo"), TestService.request(1));
                assertEquals(
                        RpcErrorCodePB.ERROR_UNAVAILABLE, client.read().error().getCode());
                call.answer(TestService.request(2));
                assertEquals(TestService.request(2), client.read().echoed());
                other.close();
            }
        }
    }

    /** One after the other, each had its own time, and the clients of the last waited for those of the first. */
    @Test
    void aClientThatDoesNotReadKeepsOnlyItselfFromBeingClosed() throws Exception {
        try (RpcThreads threads = RpcThreads.start(2, 2, RpcTransport.BEST);
                Arena arena = Arena.ofShared()) {
            RpcConfig patient = config().withCloseMillis(DAY_MILLIS);
            RpcServer one = RpcServer.start(patient, List.of(service), threads);
            RpcServer other = RpcServer.start(patient, List.of(service), threads);
            try (RawClient stuck = RawClient.ready(one.address());
                    RawClient quiet = RawClient.ready(other.address())) {
                stuck.call(Bytes.header(0, "Hold"), TestService.request(1));
                MemorySegment large = arena.allocate(32 << 20);
                service.takeHeld().answer(TestService.request(1), List.of(large), service.sent::incrementAndGet);
                Thread closer = Thread.ofPlatform().start(() -> RpcServer.closeAll(List.of(one, other)));
                quiet.expectClosed();
                assertTrue(closer.isAlive(), "what one client has not taken is waited for");
                assertEquals(32 << 20, stuck.read().sidecar(0).length);
                stuck.expectClosed();
                closer.join();
            }
        }
    }

    @Test
    void whatHangsIsLeftAloneWhenTheTimeIsOver() throws InterruptedException {
        RpcThreads threads = RpcThreads.start(1, 1, RpcTransport.BEST);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        threads.pool().execute(() -> {
            begun.countDown();
            Spin.until(() -> mayEnd.getCount() == 0); // Whoever interrupts it.
            ended.countDown();
        });
        begun.await();
        assertTimeout(Duration.ofSeconds(5), () -> threads.close(0), "half of what it takes at its leisure");
        assertEquals(1, ended.getCount());
        mayEnd.countDown();
        ended.await();
    }

    @Test
    void closingTakesAsLongAsTheManualSays() {
        assertEquals(20_000, config().closeMillisMax());
    }

    private static boolean refusesConnections(RpcServer server) {
        try (RawClient _ = new RawClient(server.address())) {
            return false;
        } catch (ConnectException _) {
            return true;
        } catch (IOException _) {
            return false; // Was in the line of those that come in.
        }
    }

    @Test
    void aCallThatNeverEndsIsWaitedForNoLongerThanSaid() throws Exception {
        RpcThreads threads = RpcThreads.start(1, 2, RpcTransport.BEST);
        RpcServer server = RpcServer.start(config().withCloseMillis(AT_ONCE), List.of(service), threads);
        try (RawClient client = RawClient.ready(server.address())) {
            for (int i = 0; i < 3; i++) {
                client.call(Bytes.header(i, "Hold"), TestService.request(100));
            }
            RpcCall beforeThreadsEnd = service.takeHeld();
            RpcCall afterThreadsEnd = service.takeHeld();
            RpcCall withSidecars = service.takeHeld();
            server.close();
            client.expectClosed();
            assertEquals(3, server.callsUnderWay());
            beforeThreadsEnd.answer(TestService.request(1));
            Spin.until(() -> server.callsUnderWay() == 2);
            threads.close();
            afterThreadsEnd.answer(TestService.request(1));
            withSidecars.answer(
                    TestService.request(1),
                    List.of(MemorySegment.ofArray(new byte[10])),
                    service.sent::incrementAndGet);
            assertEquals(1, service.sent.get());
            assertEquals(0, server.callsUnderWay());
            assertThrows(IllegalStateException.class, () -> withSidecars.answer(TestService.request(1)));
        }
        assertEquals(0, threads.bytesInUse());
    }

    @Test
    void callsThatWaitForAThreadAreFreedWhenThereIsNone() throws Exception {
        RpcThreads threads = RpcThreads.start(1, 1, RpcTransport.BEST);
        RpcServer server = RpcServer.start(config().withCloseMillis(AT_ONCE), List.of(service), threads);
        try (RawClient client = RawClient.ready(server.address())) {
            client.call(Bytes.header(0, "Block"), TestService.request(0));
            for (int i = 1; i < 5; i++) {
                client.call(Bytes.header(i, "Hold"), TestService.request(100));
            }
            client.call(Bytes.header(5, "Nope"), TestService.request(100));
            assertEquals(5, client.read().callId(), "answered at once, so the others have come in");
            server.close();
            threads.close(); // Interrupts the one that blocks.
        }
        assertEquals(0, server.callsUnderWay());
        assertEquals(0, threads.bytesInUse());
        assertTrue(service.held.isEmpty());
    }

    @Test
    void aClientThatDoesNotReadDoesNotKeepAServerFromClosing() throws Exception {
        try (RpcThreads threads = RpcThreads.start(1, 2, RpcTransport.BEST);
                Arena arena = Arena.ofShared()) {
            RpcServer server = RpcServer.start(config().withCloseMillis(20), List.of(service), threads);
            try (RawClient client = RawClient.sending(server.address(), new byte[0])) {
                client.call(Bytes.header(0, "Hold"), TestService.request(1));
                service.takeHeld()
                        .answer(
                                TestService.request(1),
                                List.of(arena.allocate(32 << 20)),
                                service.sent::incrementAndGet);
                server.close();
                assertEquals(1, service.sent.get());
            }
            assertEquals(0, threads.bytesInUse());
        }
    }

    @Test
    void serversMayShareThreads() throws Exception {
        try (RpcThreads threads = RpcThreads.start(2, 2, RpcTransport.BEST)) {
            RpcServer one = RpcServer.start(config(), List.of(service), threads);
            RpcServer other = RpcServer.start(config(), List.of(service), threads);
            try (RawClient client = RawClient.ready(other.address())) {
                one.close();
                client.call(Bytes.header(0, "Echo"), TestService.request(1));
                client.read().echoed();
            }
            other.close();
            assertFalse(threads.bytesHeld() > 32 << 20);
        }
    }

    @Test
    void twoServicesOfOneNameAreRefused() {
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class, () -> RpcServer.start(config(), List.of(service, new TestService())));
        assertEquals("two services are named nyala.test.TestService", e.getMessage());
    }
}
