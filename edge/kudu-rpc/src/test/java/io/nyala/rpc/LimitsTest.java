package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: whatever clients do, and however many there are, a server's memory, queue and time have bounds, and everybody
 * else is served.
 * Method: servers with small limits on the loopback, and clients that hold back, do not read, or go away. Nothing is
 * timed: each test waits for what must come.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(FindsLeaks.class)
final class LimitsTest {
    /** More than the system's socket buffers take, many times; those of the clients are small and do not grow. */
    private static final int FLOOD_BYTES = 32 << 20;

    private static final int IDLE_CONNECTIONS = 1000;

    /** Measured: 3 KiB, the client's end included; the rest is for other JVMs. */
    private static final long IDLE_HEAP_BYTES_MAX = 12 << 10;

    private final TestService service = new TestService();
    private final RpcThreads threads = RpcThreads.start(1, 2, RpcTransport.BEST);
    private RpcServer server = RpcServer.start(RpcConfig.of("unused", "127.0.0.1", 0), List.of(), threads);

    private void start(UnaryOperator<RpcConfig> change) {
        server.close();
        server = RpcServer.start(change.apply(RpcConfig.of("TabletServer", "127.0.0.1", 0)), List.of(service), threads);
    }

    @AfterEach
    void stop() {
        server.close();
        assertEquals(0, server.connectionCount());
        assertEquals(0, threads.bytesInUse(), "bytes of requests and answers that nobody has freed");
        threads.close();
    }

    private RawClient ready() throws IOException {
        return RawClient.ready(server.address());
    }

    private void answerHeld(int count) throws InterruptedException {
        for (int i = 0; i < count; i++) {
            service.takeHeld().answer(TestService.request(1));
        }
    }

    @Test
    void aFullQueueSaysSoAndClientsMayTryAgain() throws Exception {
        start(config -> config.withQueuedCallsMax(3));
        try (RawClient client = ready()) {
            // Two calls keep the two threads busy, three wait.
            for (int i = 0; i < 2; i++) {
                client.call(Bytes.header(i, "Block"), TestService.request(0));
            }
            Spin.until(() -> service.blocked.get() == 2);
            for (int i = 2; i < 6; i++) {
                client.call(Bytes.header(i, "Echo"), TestService.request(0));
            }
            RawClient.Reply reply = client.read();
            assertEquals(5, reply.callId());
            assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, reply.error().getCode());
            assertEquals(
                    "Service unavailable: Echo request on nyala.test.TestService from 127.0.0.1:" + client.localPort()
                            + " dropped due to backpressure. The service queue is full; it has 3 items.",
                    reply.error().getMessage());
            assertEquals(new RpcLoad(1, reply.error().getMessage(), false), server.load());
            service.gate.countDown();
            Set<Integer> answered = new HashSet<>();
            for (int i = 0; i < 5; i++) {
                RawClient.Reply next = client.read();
                next.echoed();
                answered.add(next.callId());
            }
            assertEquals(Set.of(0, 1, 2, 3, 4), answered);
            client.call(Bytes.header(5, "Echo"), TestService.request(7));
            assertEquals(TestService.request(7), client.read().echoed());
        }
    }

    @Test
    void quickCallsAreAnsweredWhileAllThreadsAreTakenAndTheQueueIsFull() throws Exception {
        start(config -> config.withQueuedCallsMax(1));
        try (RawClient client = ready()) {
            for (int i = 0; i < 3; i++) { // Two keep the two threads busy, one waits.
                client.call(Bytes.header(i, "Block"), TestService.request(0));
                int blocked = Math.min(i + 1, 2);
                Spin.until(() -> service.blocked.get() == blocked);
            }
            for (int i = 3; i < 10; i++) {
                client.call(Bytes.header(i, "Quick"), TestService.request(i));
                RawClient.Reply reply = client.read();
                assertEquals(i, reply.callId());
                assertEquals(TestService.request(i), reply.echoed());
            }
            service.gate.countDown();
            for (int i = 0; i < 3; i++) {
                client.read().echoed();
            }
        }
    }

    @Test
    void callsThatWaitLeaveTheirThreadsToOthersUpToALimit() throws Exception {
        start(UnaryOperator.identity());
        try (RawClient client = ready();
                RawClient other = ready()) {
            int max = threads.methodThreadsMax();
            int count = max + 5;
            for (int i = 0; i < count; i++) {
                client.call(Bytes.header(i, "Wait"), TestService.request(0));
            }
            for (int i = 0; i < 5; i++) {
                RawClient.Reply reply = client.read();
                assertEquals(RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, reply.error().getCode());
                assertEquals(
                        "Service unavailable: " + max
                                + " calls of nyala.test.TestService.Wait run, or wait for memory or for"
                                + " a change of their table",
                        reply.error().getMessage());
            }
            assertEquals(max, service.waiting.get());
            other.call(Bytes.header(0, "Echo"), TestService.request(3));
            assertEquals(TestService.request(3), other.read().echoed());
            service.goOn.complete(null);
            for (int i = 5; i < count; i++) {
                client.read().echoed();
            }
            client.call(Bytes.header(count, "Wait"), TestService.request(0));
            client.read().echoed();
        }
    }

    /** As on a host of many cores. */
    @Test
    void callsThatDoNotWaitMayHaveAllThreads() throws Exception {
        int workers = 60;
        try (RpcThreads many = RpcThreads.start(1, workers, RpcTransport.BEST);
                RpcServer large =
                        RpcServer.start(RpcConfig.of("TabletServer", "127.0.0.1", 0), List.of(service), many);
                RawClient client = RawClient.ready(large.address())) {
            for (int i = 0; i < workers; i++) {
                client.call(Bytes.header(i, "Block"), TestService.request(0));
            }
            Spin.until(() -> service.blocked.get() + large.load().busyCount() == workers);
            service.gate.countDown();
            assertEquals(new RpcLoad(0, "", false), large.load());
            for (int i = 0; i < workers; i++) {
                client.read().echoed();
            }
        }
    }

    @Test
    void aMethodHasLessThanAllSpareThreadsAndNoFewerThanThereAreOthers() {
        assertEquals(52, WorkerPool.methodThreadsMax(4));
        assertEquals(108, WorkerPool.methodThreadsMax(60));
        assertEquals(255, WorkerPool.methodThreadsMax(250));
        assertEquals(1024, WorkerPool.methodThreadsMax(1024));
    }

    @Test
    void quickCallsWithMuchToReadWaitAsOthersDo() throws Exception {
        start(UnaryOperator.identity());
        try (RawClient client = ready()) {
            for (int i = 0; i < 2; i++) {
                client.call(Bytes.header(i, "Block"), TestService.request(0));
            }
            Spin.until(() -> service.blocked.get() == 2);
            client.call(Bytes.header(2, "Quick"), TestService.request(RpcCall.QUICK_BYTES_MAX));
            for (int i = 3; i < 6; i++) {
                client.call(Bytes.header(i, "Quick"), TestService.request(RpcCall.QUICK_BYTES_MAX - 100));
                assertEquals(i, client.read().callId());
            }
            service.gate.countDown();
            Set<Integer> answered = new HashSet<>();
            for (int i = 0; i < 3; i++) {
                answered.add(client.read().callId());
            }
            assertEquals(Set.of(0, 1, 2), answered);
        }
    }

    @Test
    void aCallWhoseTimeIsOverWhenItsTurnComesIsDropped() throws Exception {
        start(UnaryOperator.identity());
        try (RawClient client = ready()) {
            for (int i = 0; i < 2; i++) {
                client.call(Bytes.header(i, "Block"), TestService.request(0));
            }
            Spin.until(() -> service.blocked.get() == 2);
            client.call(Bytes.header(2, "Hold").setTimeoutMillis(1), TestService.request(0));
            client.call(Bytes.header(3, "Nope"), TestService.request(0));
            assertEquals(3, client.read().callId(), "answered at once, so call 2 is in the queue");
            long start = System.nanoTime();
            Spin.until(() -> System.nanoTime() - start > TimeUnit.MILLISECONDS.toNanos(2));
            service.gate.countDown();
            for (int i = 0; i < 3; i++) {
                RawClient.Reply reply = client.read();
                if (reply.callId() == 2) {
                    assertEquals(
                            RpcErrorCodePB.ERROR_SERVER_TOO_BUSY, reply.error().getCode());
                    assertEquals(
                            "Timed out: Call waited in the queue past client deadline",
                            reply.error().getMessage());
                } else {
                    reply.echoed();
                }
            }
            assertTrue(service.held.isEmpty());
        }
    }

    @Test
    void requestsBeyondTheLimitAreNotReadAndComeAboutLater() throws Exception {
        start(config -> config.withRequestBytesMax(1 << 20).withSlowFrameMillis(600_000)); // Nobody is blamed.
        List<RawClient> clients = new ArrayList<>();
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            RawClient client = ready();
            clients.add(client);
            byte[] call = Bytes.call(Bytes.header(i, "Hold"), TestService.request(900_000));
            writers.add(Thread.ofPlatform().start(() -> client.sendUnchecked(call)));
        }
        // One fits, perhaps, and one goes beyond; the others wait, each with what it has got so far.
        try (RawClient client = ready()) {
            RpcCall call = service.takeHeld();
            client.call(Bytes.header(0, "Echo"), TestService.request(100)); // Behind the others.
            Spin.until(() -> server.load().isWaiting());
            for (int i = 0; i < 8; i++) {
                assertTrue(service.held.size() <= 1, "calls that have come about: " + (1 + service.held.size()));
                // The limit, one frame, what a read brings to each, and what the pool rounds up.
                assertTrue(threads.bytesInUse() < 5 << 20, "in use: " + threads.bytesInUse());
                call.answer(TestService.request(0));
                if (i < 7) {
                    call = service.takeHeld();
                }
            }
            client.read().echoed();
            assertEquals(new RpcLoad(0, "", false), server.load());
        }
        for (int i = 0; i < clients.size(); i++) {
            assertEquals(i, clients.get(i).read().callId());
            writers.get(i).join();
            clients.get(i).close();
        }
    }

    @Test
    void aConnectionWithManyCallsUnderWayIsNotReadFromUntilOneIsAnswered() throws Exception {
        start(config -> config.withConnectionCallsMax(4));
        try (RawClient client = ready();
                RawClient other = ready()) {
            for (int i = 0; i < 10; i++) {
                client.call(Bytes.header(i, "Hold"), TestService.request(i));
            }
            List<RpcCall> calls = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                calls.add(service.takeHeld());
            }
            other.call(Bytes.header(0, "Echo"), TestService.request(1));
            other.read().echoed();
            assertEquals(4, server.callsUnderWay());
            for (RpcCall call : calls) {
                call.answer(TestService.request(0));
            }
            answerHeld(6);
            for (int i = 0; i < 10; i++) {
                client.read().echoed();
            }
        }
    }

    @Test
    void aClientThatDoesNotReadItsAnswersIsNotReadFrom() throws Exception {
        start(config -> config.withUnsentBytesMax(1 << 20).withConnectionCallsMax(4));
        try (RawClient client = RawClient.sending(server.address(), new byte[0]);
                RawClient other = ready()) {
            byte[] call = Bytes.call(Bytes.header(0, "Echo"), TestService.request(400_000));
            int calls = FLOOD_BYTES / call.length;
            Thread writer = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < calls; i++) {
                    client.sendUnchecked(Bytes.call(Bytes.header(i, "Echo"), TestService.request(400_000)));
                }
            });
            // The first answers fill the socket; then answers wait here, and requests wait at the client.
            Spin.until(() -> threads.bytesInUse() > 1 << 20);
            for (int i = 0; i < 100; i++) {
                other.call(Bytes.header(i, "Echo"), TestService.request(1));
                other.read().echoed();
                // High-water mark, four calls and their answers, one frame that comes in; twice, for the pool rounds
                // up.
                long inUse = threads.bytesInUse();
                assertTrue(inUse < (1 << 20) + 20 * call.length, "in use: " + inUse);
            }
            assertTrue(writer.isAlive(), "all is sent, and nobody has read an answer");
            for (int i = 0; i < calls; i++) {
                client.read().echoed();
            }
            writer.join();
        }
    }

    @Test
    void sidecarsAreLetGoOnceWhenTheClientHasGone() throws Exception {
        start(UnaryOperator.identity());
        try (Arena arena = Arena.ofShared()) {
            MemorySegment large = arena.allocate(FLOOD_BYTES);
            RawClient client = RawClient.sending(server.address(), new byte[0]);
            client.call(Bytes.header(0, "Hold"), TestService.request(10));
            client.call(Bytes.header(1, "Hold"), TestService.request(10));
            RpcCall inTime = service.takeHeld();
            RpcCall late = service.takeHeld();
            inTime.answer(TestService.request(1), List.of(large), service.sent::incrementAndGet);
            client.read4Bytes(); // It is on its way, and does not fit into the socket's buffers.
            assertEquals(0, service.sent.get());
            client.reset();
            Spin.until(() -> service.sent.get() == 1);
            Spin.until(() -> server.connectionCount() == 0);
            assertEquals(
                    10,
                    late.parse(WriteRequestPB.parser())
                            .getRowOperations()
                            .getRows()
                            .size());
            late.answer(TestService.request(1), List.of(large, large), service.sent::incrementAndGet);
            Spin.until(() -> service.sent.get() == 2);
            Spin.until(() -> server.callsUnderWay() == 0);
        }
        assertEquals(2, service.sent.get());
    }

    @Test
    void refusesSidecarsThatCannotBeSent() throws Exception {
        start(UnaryOperator.identity());
        try (RawClient client = ready();
                Arena confined = Arena.ofConfined()) {
            client.call(Bytes.header(0, "Hold"), TestService.request(10));
            RpcCall call = service.takeHeld();
            assertRefused(call, List.of(confined.allocate(8)), "belongs to one thread");
            Arena closed = Arena.ofShared();
            MemorySegment gone = closed.allocate(8);
            closed.close();
            assertRefused(call, List.of(gone), "is closed");
            List<MemorySegment> many = new ArrayList<>();
            for (int i = 0; i <= 10_000; i++) {
                many.add(MemorySegment.NULL);
            }
            assertRefused(call, many, "10,000 sidecars, this one has 10001");
            call.answer(TestService.request(0), many.subList(0, 10_000), service.sent::incrementAndGet);
            assertEquals(10_000, client.read().header().getSidecarOffsetsCount());
            Spin.until(() -> service.sent.get() == 1);
        }
    }

    private void assertRefused(RpcCall call, List<MemorySegment> sidecars, String why) {
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class,
                () -> call.answer(TestService.request(0), sidecars, service.sent::incrementAndGet));
        assertTrue(String.valueOf(e.getMessage()).contains(why), e.getMessage());
        assertEquals(0, service.sent.get());
    }

    @Test
    void aThousandIdleConnectionsCostLittle() throws Exception {
        start(UnaryOperator.identity());
        int threadsBefore = ManagementFactory.getThreadMXBean().getThreadCount();
        List<RawClient> clients = new ArrayList<>();
        try {
            ready().close();
            long heapBefore = heapBytes();
            for (int i = 0; i < IDLE_CONNECTIONS; i++) {
                clients.add(ready());
            }
            Spin.until(() -> server.connectionCount() == IDLE_CONNECTIONS);
            Spin.until(() -> threads.bytesInUse() == 0); // No buffer that waits for bytes to come.
            long heap = (heapBytes() - heapBefore) / IDLE_CONNECTIONS;
            assertTrue(heap < IDLE_HEAP_BYTES_MAX, heap + " bytes of heap per idle connection");
            assertTrue(ManagementFactory.getThreadMXBean().getThreadCount() <= threadsBefore + 8);
            clients.getFirst().call(Bytes.header(0, "Echo"), TestService.request(5));
            clients.getFirst().read().echoed();
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
    }

    private static long heapBytes() {
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }

    @Test
    void idleConnectionsAreClosedAndThoseWithCallsUnderWayAreNot() throws Exception {
        start(config -> config.withIdleMillis(20));
        byte[] held = Bytes.call(Bytes.header(0, "Hold"), TestService.request(1));
        byte[] part = {0, 0, 1, 0, 1, 2, 3}; // And never the rest.
        try (RawClient busy = RawClient.sending(server.address(), held);
                RawClient half = RawClient.sending(server.address(), part)) {
            RpcCall call = service.takeHeld();
            for (int i = 0; i < 3; i++) {
                try (RawClient idle = ready()) {
                    idle.expectClosed();
                }
            }
            half.expectClosed();
            call.answer(TestService.request(1));
            busy.read().echoed();
            busy.expectClosed();
        }
    }

    @Test
    void clientsThatTakeNothingAreIdleToo() throws Exception {
        start(config -> config.withIdleMillis(20).withUnsentBytesMax(1024));
        byte[] held = Bytes.call(Bytes.header(0, "Hold"), TestService.request(1));
        try (Arena arena = Arena.ofShared();
                RawClient _ = RawClient.sending(server.address(), held)) {
            service.takeHeld()
                    .answer(
                            TestService.request(1),
                            List.of(arena.allocate(FLOOD_BYTES)),
                            service.sent::incrementAndGet);
            Spin.until(() -> server.connectionCount() == 0);
            assertEquals(1, service.sent.get());
        }
    }

    @Test
    void clientsThatDoNotIntroduceThemselvesAreClosed() throws Exception {
        start(config -> config.withNegotiationMillis(20));
        try (RawClient silent = new RawClient(server.address());
                RawClient slow = new RawClient(server.address())) {
            slow.send(Bytes.START);
            silent.expectClosed();
            slow.expectClosed();
        }
    }

    @Test
    void connectionsBeyondTheLimitAreClosedAtOnce() throws Exception {
        start(config -> config.withConnectionsMax(2));
        try (RawClient first = ready();
                RawClient second = ready();
                RawClient third = new RawClient(server.address())) {
            third.expectClosed();
            first.reset();
            Spin.until(() -> server.connectionCount() == 1);
            try (RawClient fourth = ready()) {
                fourth.call(Bytes.header(0, "Echo"), TestService.request(1));
                fourth.read().echoed();
            }
            second.call(Bytes.header(0, "Echo"), TestService.request(1));
            second.read().echoed();
        }
    }
}
