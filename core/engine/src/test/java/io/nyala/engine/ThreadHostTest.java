package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Parking;
import io.nyala.testkit.Spin;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.Agent;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: agents run while there is work, sleep while there is none, and end alone when they fail; who waits for them is
 * woken by what they do, by what others announce, and by their end.
 * Method: agents that do what the test hands them, and a test that goes on when a thread is seen parked: no time is
 * measured, and a wake-up that is lost hangs.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ThreadHostTest {
    private static final int WAKES = 200;

    /** Does one handed piece of work a round, and keeps what became of it. */
    private static final class Worker implements Agent {
        private final String name;
        private final List<String> ended;
        private final Parking parking = Parking.ofThread();
        private final AtomicInteger roundCount = new AtomicInteger();
        private final CountDownLatch closed = new CountDownLatch(1);
        private volatile @Nullable Runnable work;
        private volatile @Nullable Thread thread;

        Worker(String name, List<String> ended) {
            this.name = name;
            this.ended = ended;
        }

        void startOn(AgentHost host) {
            host.start(this, parking, parking);
        }

        void hand(Runnable newWork) {
            work = newWork;
            parking.wake();
        }

        @Override
        public void onStart() {
            thread = Thread.currentThread();
        }

        @Override
        public int doWork() {
            roundCount.incrementAndGet();
            Runnable taken = work;
            if (taken == null) {
                return 0;
            }
            work = null;
            taken.run();
            return 1;
        }

        @Override
        public void onClose() {
            ended.add(name);
            closed.countDown();
        }

        @Override
        public String roleName() {
            return name;
        }

        /** Goes on when its thread sleeps in the JDK, on its parking. */
        void awaitParked() {
            Spin.until(() -> {
                Thread present = thread;
                return present != null && LockSupport.getBlocker(present) != null;
            });
        }
    }

    private final List<String> ended = Collections.synchronizedList(new ArrayList<>());
    private final ThreadHost host = new ThreadHost("test-");

    private Worker worker(String name) {
        var worker = new Worker(name, ended);
        worker.startOn(host);
        return worker;
    }

    /** A server answers others meanwhile. */
    @Test
    void whoWaitsLeavesItsThreadOfAPoolToOthers() {
        var pool = new ForkJoinPool(
                1, ForkJoinPool.defaultForkJoinWorkerThreadFactory, null, true, 1, 9, 1, null, 10, TimeUnit.SECONDS);
        try (pool) {
            AtomicBoolean isDone = new AtomicBoolean();
            CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> host.await(isDone::get), pool);
            CompletableFuture<Void> other = CompletableFuture.runAsync(
                    () -> {
                        isDone.set(true);
                        host.announce();
                    },
                    pool);
            CompletableFuture.allOf(waiting, other).join();
        }
        host.close();
    }

    @Test
    void anIdleAgentSleepsUntilItIsWoken() {
        Worker worker = worker("idle");
        worker.awaitParked();
        assertEquals(1, worker.roundCount.get(), "rounds before anything was to be done");
        for (int i = 1; i <= WAKES; i++) {
            worker.parking.wake();
            int rounds = i + 1;
            Spin.until(() -> worker.roundCount.get() >= rounds);
            worker.awaitParked();
            assertEquals(rounds, worker.roundCount.get(), "one round for a wake-up, and no more");
        }
        host.close();
        assertEquals(List.of("idle"), ended);
    }

    @Test
    void aWakeUpRightBeforeItSleepsIsNotLost() {
        Worker worker = worker("busy");
        for (int i = 0; i < WAKES; i++) {
            var done = new CountDownLatch(1);
            worker.hand(done::countDown); // While it is on its way to sleep, asleep, or in a round.
            await(done);
        }
        host.close();
    }

    @Test
    void agentsAreStoppedInTheOrderOppositeToTheirStart() {
        List<Worker> workers = List.of(worker("a"), worker("b"), worker("c"));
        workers.forEach(Worker::awaitParked);
        host.close();
        assertEquals(List.of("c", "b", "a"), ended);
        host.close();
        assertEquals(3, ended.size(), "each is closed once");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anAgentThatFailsEndsAloneAndWhoWaitsIsWoken(boolean isError) {
        Worker failing = worker("failing");
        Worker other = worker("other");
        CompletableFuture<Void> waiter = waiting(() -> failing.closed.getCount() == 0);
        failing.hand(() -> {
            if (isError) {
                throw new AssertionError("planned");
            }
            throw new IllegalStateException("planned");
        });
        waiter.join(); // onClose has run, and it was announced.
        int rounds = failing.roundCount.get();
        failing.parking.wake();
        var done = new CountDownLatch(1);
        other.hand(done::countDown);
        await(done);
        assertEquals(rounds, failing.roundCount.get(), "what has failed does not go on");
        assertEquals(List.of("failing"), ended);
        host.close();
        assertEquals(List.of("failing", "other"), ended);
    }

    @Test
    void workOfAnAgentWakesWhoWaitsForIt() {
        Worker worker = worker("worker");
        for (int i = 0; i < WAKES; i++) {
            var isDone = new AtomicBoolean();
            CompletableFuture<Void> waiter = waiting(isDone::get);
            worker.hand(() -> isDone.set(true));
            waiter.join();
        }
        host.close();
    }

    @Test
    void whatAnotherThreadAnnouncesWakesAllWhoWait() {
        var isDone = new AtomicBoolean();
        List<CompletableFuture<Void>> waiters = List.of(waiting(isDone::get), waiting(isDone::get));
        host.announce(); // Nothing has changed.
        isDone.set(true);
        host.announce();
        waiters.forEach(CompletableFuture::join);
        host.await(isDone::get); // Holds already: nobody need announce it.
        host.close();
    }

    @Test
    void aConditionThatThrowsEndsTheWait() {
        var failure = new IllegalStateException("planned");
        assertEquals(
                failure,
                assertThrows(
                        IllegalStateException.class,
                        () -> host.await(() -> {
                            throw failure;
                        })));
        host.announce(); // It is not counted among those who wait any more.
        host.close();
    }

    @Test
    void anInterruptIsKeptForTheCallerAndEndsNoWait() throws InterruptedException {
        var isDone = new AtomicBoolean();
        var wasInterrupted = new AtomicBoolean();
        var isOpen = new AtomicBoolean();
        var wasOpen = new AtomicBoolean();
        AgentHost.Gate gate = host.newGate();
        var thread = new Thread(() -> {
            gate.await();
            wasOpen.set(isOpen.get());
            host.await(isDone::get);
            wasInterrupted.set(Thread.currentThread().isInterrupted());
        });
        thread.start();
        awaitBlocked(thread);
        thread.interrupt();
        Spin.until(() -> !thread.isInterrupted()); // The gate has taken note of it.
        isOpen.set(true);
        gate.open();
        isDone.set(true);
        host.announce();
        thread.join();
        assertTrue(wasOpen.get(), "the gate held");
        assertTrue(wasInterrupted.get());
        host.close();
    }

    @Test
    void aGateThatWasOpenedBeforeDoesNotHoldAndCanBeUsedAgain() throws InterruptedException {
        AgentHost.Gate gate = host.newGate();
        gate.open();
        gate.await();
        for (int i = 0; i < WAKES; i++) {
            gate.reset();
            var opener = new Thread(gate::open);
            opener.start();
            gate.await();
            opener.join();
        }
        host.close();
    }

    @Test
    void threadsHaveTheNamesOfTheirAgents() {
        Worker worker = worker("writer");
        worker.awaitParked();
        Thread thread = worker.thread;
        assertNotNull(thread);
        assertEquals("test-writer", thread.getName());
        assertTrue(thread.isDaemon());
        assertNotEquals(Thread.currentThread(), thread);
        host.close();
        assertFalse(thread.isAlive(), "close waits for the threads");
    }

    /** Another thread that waits for a condition; it has looked at it once at least, in vain. */
    private CompletableFuture<Void> waiting(BooleanSupplier condition) {
        var hasLooked = new CountDownLatch(1);
        var done = new CompletableFuture<Void>();
        var thread = new Thread(() -> {
            try {
                host.await(() -> {
                    boolean holds = condition.getAsBoolean();
                    hasLooked.countDown();
                    return holds;
                });
                done.complete(null);
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        await(hasLooked);
        return done;
    }

    private static void awaitBlocked(Thread thread) {
        Spin.until(() -> LockSupport.getBlocker(thread) != null);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
