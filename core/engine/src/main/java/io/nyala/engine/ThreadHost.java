package io.nyala.engine;

import io.nyala.io.Parking;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.AgentTerminationException;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/** Gives each agent a thread of its own, which sleeps when the agent has nothing to do. */
final class ThreadHost implements AgentHost {
    /** How often a condition that nobody announces is looked at. */
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    private static final Logger LOG = System.getLogger(ThreadHost.class.getName());

    private final String prefix;
    private final Deque<Running> running = new ArrayDeque<>();

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
                new FailStop(agent));
        Thread thread = AgentRunner.startOnThread(runner, Thread.ofPlatform().daemon()::unstarted);
        thread.setName(prefix + agent.roleName());
        running.push(new Running(runner, parking));
    }

    @Override
    public Gate newGate() {
        return new ThreadGate();
    }

    @Override
    public void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            LockSupport.parkNanos(condition, LOOK_AGAIN_NANOS);
        }
    }

    @Override
    public void close() {
        while (!running.isEmpty()) {
            Running last = running.pop();
            last.parking().stop(last.runner());
        }
    }

    /**
     * Ends an agent that throws. What it was in the middle of is in doubt, so it must not go on; its {@code onClose},
     * which follows, tells those who wait for it.
     */
    private record FailStop(Agent agent) implements Agent {
        @Override
        public int doWork() throws Exception {
            try {
                return agent.doWork();
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
            agent.onClose();
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
