package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.testkit.Spin;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: an idle agent uses no CPU, and no wake-up is ever lost. Method: agents parked in each way, with producers whose
 * handing over is as weakly ordered as Agrona's queues allow; a lost wake-up hangs the test.
 */
@Timeout(300)
final class ParkingTest {
    private static final int PRODUCERS = 3;
    private static final int ITEMS_EACH = 30_000;
    private static final int STOPS = 20;
    private static final long WINDOW_MILLIS = 300;
    private static final int WINDOWS_MAX = 40;

    /** Where an agent parks. */
    enum Place {
        THREAD,
        CHANNEL_QUEUE,
        SYSCALL_QUEUE,
        RING_QUEUE;

        Disk newDisk() {
            String obstacle =
                    switch (this) {
                        case THREAD, CHANNEL_QUEUE -> null;
                        case SYSCALL_QUEUE -> RingDisk.nativeObstacle();
                        case RING_QUEUE -> RingDisk.obstacle();
                    };
            assumeTrue(obstacle == null, obstacle);
            return switch (this) {
                case THREAD, CHANNEL_QUEUE -> Disks.channel();
                case SYSCALL_QUEUE -> Disks.syscall();
                case RING_QUEUE -> Disks.ring();
            };
        }
    }

    @ParameterizedTest
    @EnumSource
    void losesNoWakeUp(Place place) throws InterruptedException {
        try (Parked parked = new Parked(place)) {
            ManyToOneConcurrentArrayQueue<Integer> queue = new ManyToOneConcurrentArrayQueue<>(64);
            AtomicLong taken = new AtomicLong();
            CountDownLatch all = new CountDownLatch(PRODUCERS * ITEMS_EACH);
            AgentRunner runner = parked.start(() -> {
                if (queue.poll() == null) { // One at a time, so that it often runs dry.
                    return 0;
                }
                taken.incrementAndGet();
                all.countDown();
                return 1;
            });
            for (int p = 0; p < PRODUCERS; p++) {
                boolean isSlow = p == 0; // Waits until its item is taken, which hangs if the wake-up is lost.
                Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < ITEMS_EACH; i++) {
                        long before = taken.get();
                        Integer item = i;
                        Spin.until(() -> queue.offer(item));
                        parked.parking.wake();
                        if (isSlow && i % 16 == 0) {
                            Spin.until(() -> taken.get() != before);
                        }
                    }
                });
            }
            assertTrue(all.await(240, TimeUnit.SECONDS), () -> "still waiting for " + all.getCount());
            parked.parking.stop(runner);
        }
    }

    @ParameterizedTest
    @EnumSource
    void usesNoCpuWhenIdle(Place place) throws InterruptedException {
        try (Parked parked = new Parked(place)) {
            CountDownLatch started = new CountDownLatch(1);
            AtomicLong rounds = new AtomicLong();
            AgentRunner runner = parked.start(() -> {
                rounds.incrementAndGet();
                started.countDown();
                return 0;
            });
            started.await();
            boolean isIdle = false;
            for (int i = 0; i < WINDOWS_MAX && !isIdle; i++) { // On its way to sleep it may be held up.
                isIdle = isIdleForAWindow(parked.threadId.get(), rounds);
            }
            assertTrue(isIdle, "it was not parked, or used more than 1 % CPU");
            parked.parking.stop(runner);
            assertTrue(runner.isClosed());
        }
    }

    private static boolean isIdleForAWindow(long threadId, AtomicLong rounds) throws InterruptedException {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long before = threads.getThreadCpuTime(threadId);
        long roundsBefore = rounds.get();
        assertFalse(new CountDownLatch(1).await(WINDOW_MILLIS, TimeUnit.MILLISECONDS));
        long cpuNanos = threads.getThreadCpuTime(threadId) - before;
        return rounds.get() == roundsBefore && cpuNanos < TimeUnit.MILLISECONDS.toNanos(WINDOW_MILLIS) / 100;
    }

    @ParameterizedTest
    @EnumSource
    void wakingBeforeParkingCounts(Place place) {
        try (Parked parked = new Parked(place)) {
            parked.parking.wake();
            parked.parking.wake();
            parked.parking.idle(0); // Would hang.
            parked.parking.idle(1);
            parked.parking.park(1_000);
            parked.parking.wake();
            parked.parking.idle();
        }
    }

    @ParameterizedTest
    @EnumSource
    void stopsWithoutDelay(Place place) {
        try (Parked parked = new Parked(place)) {
            for (int i = 0; i < STOPS; i++) {
                AgentRunner runner = parked.start(() -> 0);
                parked.parking.stop(runner);
                parked.again();
            }
            // AgentRunner interrupts a thread that has not ended within seconds.
            assertTrue(parked.interrupts.get() <= 1, () -> parked.interrupts + " of " + STOPS + " were not woken");
        }
    }

    /** One piece of work. */
    private interface Work {
        int run();
    }

    private static final class Parked implements AutoCloseable {
        private final Place place;
        private final Disk disk;
        private final AtomicLong threadId = new AtomicLong();
        private final AtomicInteger interrupts = new AtomicInteger();
        private IoQueue queue;
        private Parking parking;

        Parked(Place place) {
            this.place = place;
            this.disk = place.newDisk();
            this.queue = disk.newQueue(1);
            this.parking = place == Place.THREAD ? Parking.ofThread() : Parking.ofQueue(queue);
        }

        /** A queue belongs to one thread: a new one for the next. */
        void again() {
            queue.close();
            queue = disk.newQueue(1);
            parking = place == Place.THREAD ? Parking.ofThread() : Parking.ofQueue(queue);
        }

        AgentRunner start(Work work) {
            Agent agent = new Agent() {
                @Override
                public void onStart() {
                    threadId.set(Thread.currentThread().threadId());
                }

                @Override
                public int doWork() {
                    return work.run();
                }

                @Override
                public void onClose() {
                    if (Thread.currentThread().isInterrupted()) {
                        interrupts.incrementAndGet();
                    }
                }

                @Override
                public String roleName() {
                    return "parked";
                }
            };
            AgentRunner runner = new AgentRunner(parking, Throwable::printStackTrace, null, agent);
            AgentRunner.startOnThread(runner);
            return runner;
        }

        @Override
        public void close() {
            queue.close();
            disk.close();
        }
    }
}
