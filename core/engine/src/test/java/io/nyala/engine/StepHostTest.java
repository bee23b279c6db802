package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Parking;
import io.nyala.testkit.Seed;
import java.util.ArrayDeque;
import java.util.SplittableRandom;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: the simulated host finds a wake-up that is missing, and no other. Method: an agent that is handed work by a
 * producer who wakes it, or does not.
 */
final class StepHostTest {
    /** Takes what is in its queue, one piece a round. */
    private static final class Worker implements Agent {
        private final Parking parking = Parking.ofThread();
        private final ArrayDeque<Integer> queue = new ArrayDeque<>();
        private int doneCount;

        @Override
        public int doWork() {
            if (queue.poll() == null) {
                return 0;
            }
            doneCount++;
            return 1;
        }

        @Override
        public String roleName() {
            return "worker";
        }
    }

    private static void letPark(StepHost host) {
        for (int i = 0; i < 10; i++) {
            host.step();
        }
    }

    @RepeatedTest(4)
    void anAgentThatIsWokenDoesAllThatItWasHanded(@Seed SplittableRandom random) {
        Worker worker = new Worker();
        try (StepHost host = new StepHost(random.split(), _ -> {})) {
            host.start(worker, worker.parking, worker.parking);
            for (int i = 1; i <= 100; i++) {
                for (int steps = random.nextInt(3); steps > 0; steps--) {
                    host.step();
                }
                int count = i;
                worker.queue.add(i);
                worker.parking.wake();
                host.await(() -> worker.doneCount == count);
            }
            assertEquals(100, worker.doneCount);
        }
    }

    @Test
    void anAgentThatIsHandedWorkAndNotWokenIsFound() {
        Worker worker = new Worker();
        try (StepHost host = new StepHost(new SplittableRandom(1), _ -> {})) {
            host.start(worker, worker.parking, worker.parking);
            letPark(host);
            worker.queue.add(1); // And nobody wakes it.
            AssertionError found = assertThrows(AssertionError.class, () -> host.await(() -> worker.doneCount == 1));
            assertTrue(String.valueOf(found.getMessage()).contains("[worker sleeps]"), found::toString);
            worker.parking.wake();
            host.await(() -> worker.doneCount == 1);
        }
    }

    @Test
    void beingWokenBeforeSleepingCounts() {
        Worker worker = new Worker();
        try (StepHost host = new StepHost(new SplittableRandom(1), _ -> {})) {
            worker.parking.wake();
            host.start(worker, worker.parking, worker.parking);
            letPark(host);
            worker.parking.wake();
            worker.queue.add(1); // Woken before it was handed this, it looks for it all the same.
            host.await(() -> worker.doneCount == 1);
        }
    }

    @Test
    void whoSleepsForATimeIsNotWaitedForForEver() {
        Worker worker = new Worker();
        try (StepHost host = new StepHost(new SplittableRandom(1), _ -> {})) {
            host.start(worker, new ForATime(worker.parking), worker.parking);
            letPark(host);
            worker.queue.add(1); // It finds this by itself, when its time is up.
            host.await(() -> worker.doneCount == 1);
        }
    }

    /** Sleeps at most a millisecond. */
    private record ForATime(Parking parking) implements IdleStrategy {
        @Override
        public void idle(int workCount) {
            if (workCount <= 0) {
                idle();
            }
        }

        @Override
        public void idle() {
            parking.park(1_000_000);
        }

        @Override
        public void reset() {}
    }
}
