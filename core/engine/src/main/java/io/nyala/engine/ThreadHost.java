package io.nyala.engine;

import io.nyala.io.Parking;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.invoke.VarHandle;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.AgentTerminationException;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/** Gives each agent a thread of its own, which sleeps when the agent has nothing to do. */
final class ThreadHost implements AgentHost {
    private static final Logger LOG = System.getLogger(ThreadHost.class.getName());

    /** They are fed by one thread: more than a few others would only wait for it. */
    private static final int HELPERS_MAX = 4;

    private final String prefix;
    private final Deque<Running> running = new ConcurrentLinkedDeque<>();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final AtomicInteger waiterCount = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long changeCount; // Guarded by the lock; counts while there are waiters.

    ThreadHost(String prefix) {
        this.prefix = prefix;
    }

    private record Running(AgentRunner runner, Parking parking) {}

    @Override
    public void start(Agent agent, IdleStrategy idle, Parking parking) {
        var runner = new AgentRunner(
                idle,
                error -> LOG.log(Level.ERROR, agent.roleName() + " failed and has ended", error),
                null,
                new FailStop(agent, this::announce));
        Thread thread = AgentRunner.startOnThread(runner, this::newThread);
        thread.setName(prefix + agent.roleName());
        running.push(new Running(runner, parking));
    }

    private Thread newThread(Runnable runner) {
        Thread thread = Thread.ofPlatform().daemon().unstarted(runner);
        threads.add(thread);
        return thread;
    }

    @Override
    public boolean isAgent() {
        return threads.contains(Thread.currentThread());
    }

    @Override
    public int helpersMax() {
        return Math.min(HELPERS_MAX, Runtime.getRuntime().availableProcessors());
    }

    @Override
    public Gate newGate() {
        return new ThreadGate();
    }

    /**
     * Nobody polls: agents announce each piece of work that they have done while someone waits. The waiter counts
     * itself, then looks at the condition; who changes it does so, then looks at the count; both with a full fence in
     * between, so at least one of them sees the other. And a change between look and sleep is seen by its number.
     * Waiting on a condition leaves a thread of a {@link java.util.concurrent.ForkJoinPool} to others.
     */
    @Override
    public void await(BooleanSupplier condition) {
        waiterCount.incrementAndGet();
        try {
            VarHandle.fullFence(); // Partner: announce().
            long seen = awaitChange(-1);
            while (!condition.getAsBoolean()) {
                seen = awaitChange(seen);
            }
        } finally {
            waiterCount.decrementAndGet();
        }
    }

    /** Sleeps while nothing has changed since {@code seen}; not disturbed by interrupts, which stay for the caller. */
    private long awaitChange(long seen) {
        lock.lock();
        try {
            while (changeCount == seen) {
                changed.awaitUninterruptibly();
            }
            return changeCount;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void announce() {
        VarHandle.fullFence(); // Partner: await().
        if (waiterCount.get() > 0) {
            lock.lock();
            try {
                changeCount++;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    @Override
    public void close() {
        for (Running last = running.poll(); last != null; last = running.poll()) {
            last.parking().stop(last.runner());
        }
    }

    /**
     * Ends an agent that throws. What it was in the middle of is in doubt, so it must not go on; its {@code onClose},
     * which follows, tells those who wait for it.
     */
    private record FailStop(Agent agent, Runnable announce) implements Agent {
        @Override
        public int doWork() throws Exception {
            try {
                int workCount = agent.doWork();
                if (workCount > 0) {
                    announce.run();
                }
                return workCount;
            } catch (AgentTerminationException e) {
                throw e;
            } catch (RuntimeException | Error e) {
                throw new AgentTerminationException(e);
            }
        }

        @Override
        public void onStart() {
            agent.onStart();
        }

        @Override
        public void onClose() {
            try {
                agent.onClose();
            } finally {
                announce.run();
            }
        }

        @Override
        public String roleName() {
            return agent.roleName();
        }
    }

    /** Parks the waiting thread; a wake-up costs one unpark, and none when the waiter is still spinning up to it. */
    private static final class ThreadGate implements Gate {
        private volatile boolean isOpen;
        private volatile @Nullable Thread waiter;

        @Override
        public void await() {
            boolean interrupted = false;
            waiter = Thread.currentThread();
            while (!isOpen) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted(); // A commit cannot be called back: waited for, then reported.
            }
            waiter = null;
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void open() {
            isOpen = true;
            LockSupport.unpark(waiter);
        }

        @Override
        public void reset() {
            isOpen = false;
        }
    }
}
