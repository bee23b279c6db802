package io.nyala.io;

import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.IdleStrategy;

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

    private Parking() {}

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

    /** Ends the present {@link #park}, or makes the next one return at once. */
    public abstract void wake();

    /**
     * Sleeps until woken, but not longer than told. May return early.
     *
     * @param nanosMax time of the agent's next deadline from now; {@code Long.MAX_VALUE} if it has none
     */
    public abstract void park(long nanosMax);

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
        if (!isRetired) {
            park(Long.MAX_VALUE);
        }
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
        public void wake() {
            parker.wake();
        }

        @Override
        public void park(long nanosMax) {
            parker.park(nanosMax);
        }
    }

    private static final class OfQueue extends Parking {
        private final IoQueue queue;

        OfQueue(IoQueue queue) {
            this.queue = queue;
        }

        @Override
        public void wake() {
            queue.wake();
        }

        @Override
        public void park(long nanosMax) {
            queue.await(nanosMax);
        }
    }
}
