package io.nyala.engine;

import io.nyala.io.Parking;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;

/**
 * Runs the agents of an engine, and lets callers wait for them: on threads in production ({@link ThreadHost}), or one
 * step at a time, all on the caller's thread, in an order drawn from a seed, in a simulation.
 */
public interface AgentHost extends AutoCloseable {
    /**
     * Runs {@code agent} until this host is closed. By who opens the engine, or an agent.
     *
     * @param idle what it does between rounds that found nothing to do
     * @param parking what {@code idle} ends in, to wake the agent for the last time
     */
    void start(Agent agent, IdleStrategy idle, Parking parking);

    /** Threads that may work at a time for a caller that waits for all of them; 1 for none but its own. */
    default int helpersMax() {
        return 1;
    }

    /** Something a caller waits for. */
    Gate newGate();

    /**
     * Waits for a condition that an agent's work makes true, or a thread that then calls {@link #announce}: room in a
     * queue, a snapshot that settles. Answers when it holds; throws what it throws.
     */
    void await(BooleanSupplier condition);

    /**
     * Whether the caller is within an agent's work, or in what that calls: other agents may be waiting for it, so it
     * must not wait for them.
     */
    boolean isAgent();

    /** What somebody may await in {@link #await} has changed, and not by an agent. */
    void announce();

    /** Stops the agents, the last started first; each gets its {@link Agent#onClose}. */
    @Override
    void close();

    /** Closed until opened; one thread waits, any thread opens. Reusable. */
    interface Gate {
        void await();

        void open();

        /** Closes the gate again. By the waiting thread, before it hands over what will open it. */
        void reset();
    }
}
