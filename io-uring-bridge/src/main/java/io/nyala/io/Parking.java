package io.nyala.io;

import java.util.function.LongSupplier;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * Lets an agent that has nothing to do sleep until someone brings work: no polling, no CPU. Whoever hands something to
 * the agent (a message in its queue, a flag) calls {@link #wake} afterwards; no such wake-up is lost, and it costs a
 * fence and a read when the agent is awake.
 *
 * <p>An agent that has transfers in flight is parked in its {@link IoQueue}, whose completions wake it as well.
 *
 * <p>{@link #wake} is for any thread, the rest for the agent's. Owns nothing: there is nothing to close.
 */
public abstract sealed class Parking implements IdleStrategy {
    private volatile boolean isRetired;
    private volatile @Nullable Sleep simulated;

    private Parking() {}

    /** The sleep of an agent that has no thread, but a simulator that steps it. */
    public interface Sleep {
        /**
         * The agent has nothing to do, and is not to be stepped before it is woken or its time is up.
         *
         * @param nanosMax as of {@link Parking#park}
         * @param hasTransfers whether transfers are in flight, whose completions wake the agent, too
         */
        void park(long nanosMax, boolean hasTransfers);

        /** From any thread; also if the agent does not sleep, whose next sleep then ends at once. */
        void wake();
    }

    /** For an agent without transfers: parked by the JDK. */
    public static Parking ofThread() {
        return new OfThread();
    }

    /**
     * For an agent that owns a queue: parked in {@link IoQueue#await}, woken by {@link IoQueue#wake} or a completion.
     */
    public static Parking ofQueue(IoQueue queue) {
        return new OfQueue(queue);
    }

    /** From now on nobody is stopped or started, but told of it. Before the agent is started. */
    public final void simulate(Sleep sleep) {
        simulated = sleep;
    }

    /** Ends the present {@link #park}, or makes the next one return at once. */
    public final void wake() {
        Sleep sleep = simulated;
        if (sleep == null) {
            wakeThread();
        } else {
            sleep.wake();
        }
    }

    /**
     * Sleeps until woken, but not longer than told. May return early.
     *
     * @param nanosMax time of the agent's next deadline from now; {@code Long.MAX_VALUE} if it has none
     */
    public final void park(long nanosMax) {
        Sleep sleep = simulated;
        if (sleep == null) {
            parkThread(nanosMax);
        } else {
            sleep.park(nanosMax, hasTransfers());
        }
    }

    abstract void wakeThread();

    abstract void parkThread(long nanosMax);

    abstract boolean hasTransfers();

    /**
     * Ends the agent's thread and waits for it. ({@code AgentRunner.close} alone would not wake a parked agent for
     * seconds.)
     */
    public final void stop(AgentRunner runner) {
        isRetired = true;
        wake();
        runner.close();
    }

    @Override
    public final void idle(int workCount) {
        if (workCount <= 0) {
            idle();
        }
    }

    @Override
    public final void idle() {
        idle(Long.MAX_VALUE);
    }

    /** As {@link #park}, but not at all any more once the agent is to end. */
    public final void idle(long nanosMax) {
        if (!isRetired) {
            park(nanosMax);
        }
    }

    /** Of an agent that has deadlines: as {@link #idle(long)}, with what the agent says each time. */
    public final IdleStrategy until(LongSupplier nanosMax) {
        return new IdleStrategy() {
            @Override
            public void idle(int workCount) {
                if (workCount <= 0) {
                    idle();
                }
            }

            @Override
            public void idle() {
                Parking.this.idle(nanosMax.getAsLong());
            }

            @Override
            public void reset() {}
        };
    }

    @Override
    public final void reset() {}

    @Override
    public final String alias() {
        return "park";
    }

    private static final class OfThread extends Parking {
        private final ThreadParker parker = new ThreadParker();

        @Override
        void wakeThread() {
            parker.wake();
        }

        @Override
        void parkThread(long nanosMax) {
            parker.park(nanosMax);
        }

        @Override
        boolean hasTransfers() {
            return false;
        }
    }

    private static final class OfQueue extends Parking {
        private final IoQueue queue;

        OfQueue(IoQueue queue) {
            this.queue = queue;
        }

        @Override
        void wakeThread() {
            queue.wake();
        }

        @Override
        void parkThread(long nanosMax) {
            queue.await(nanosMax);
        }

        @Override
        boolean hasTransfers() {
            return queue.inFlight() > 0;
        }
    }
}
