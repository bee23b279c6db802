package io.nyala.engine;

import io.nyala.io.Parking;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentInvoker;
import org.agrona.concurrent.IdleStrategy;

/**
 * Runs all agents of an engine on the caller's thread, one step at a time, in an order drawn from a seed: a simulated
 * host. Time passes, and transfers complete, only here.
 */
final class StepHost implements AgentHost {
    /** Steps without an end in sight; the engine is stuck. */
    private static final int STEPS_MAX = 2_000_000;

    /** Of all agents, after one has started and before the engine goes on: they are threads, and wait for nobody. */
    private static final int STEPS_AT_START_MAX = 20;

    private final SplittableRandom random;
    private final Runnable tick;
    private final List<AgentInvoker> invokers = new ArrayList<>();
    private final Set<AgentInvoker> stepping = new HashSet<>();
    private final Map<String, BooleanSupplier> suspended = new HashMap<>(); // What ends it, by role.
    private boolean isStopped;

    /** {@code tick} lets time pass before each step. */
    StepHost(SplittableRandom random, Runnable tick) {
        this.random = random;
        this.tick = tick;
    }

    @Override
    public void start(Agent agent, IdleStrategy idle, Parking parking) {
        var invoker = new AgentInvoker(StepHost::rethrow, null, agent);
        invoker.start();
        invokers.add(invoker);
        for (int steps = random.nextInt(STEPS_AT_START_MAX); steps > 0; steps--) {
            step();
        }
    }

    private static void rethrow(Throwable error) {
        switch (error) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(error);
        }
    }

    /** For so many of its turns the agent of that role does nothing, as if it were in the middle of something long. */
    void suspend(String role, int steps) {
        int[] left = {steps};
        suspendUntil(role, () -> left[0]-- == 0);
    }

    /** As {@link #suspend}, until something has happened. */
    void suspendUntil(String role, BooleanSupplier end) {
        suspended.put(role, end);
    }

    private boolean isSuspended(AgentInvoker invoker) {
        String role = invoker.agent().roleName();
        BooleanSupplier end = suspended.get(role);
        if (end != null && end.getAsBoolean()) {
            suspended.remove(role);
        }
        return suspended.containsKey(role);
    }

    /** One step of one agent; not of one that is itself waiting within a step, as a thread would be. */
    void step() {
        tick.run();
        AgentInvoker next = invokers.get(random.nextInt(invokers.size()));
        if (!stepping.contains(next) && !isSuspended(next)) {
            stepping.add(next);
            try {
                next.invoke();
            } finally {
                stepping.remove(next);
            }
        }
    }

    @Override
    public boolean isAgent() {
        return !stepping.isEmpty();
    }

    @Override
    public Gate newGate() {
        return new Gate() {
            private boolean isOpen;

            @Override
            public void await() {
                StepHost.this.await(() -> isOpen);
            }

            @Override
            public void open() {
                isOpen = true;
            }

            @Override
            public void reset() {
                isOpen = false;
            }
        };
    }

    @Override
    public void await(BooleanSupplier condition) {
        for (int i = 0; i < STEPS_MAX; i++) {
            if (condition.getAsBoolean()) {
                return;
            }
            step();
        }
        throw new AssertionError("nothing happened in " + STEPS_MAX + " steps");
    }

    @Override
    public void announce() {
        // Conditions are looked at after each step.
    }

    @Override
    public void close() {
        if (!isStopped) {
            isStopped = true;
            for (AgentInvoker invoker : invokers.reversed()) {
                invoker.close();
            }
        }
    }
}
