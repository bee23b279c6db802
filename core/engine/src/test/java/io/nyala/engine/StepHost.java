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
import java.util.function.IntConsumer;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentInvoker;
import org.agrona.concurrent.IdleStrategy;

/**
 * Runs all agents of an engine on the caller's thread, one step at a time, in an order drawn from a seed: a simulated
 * host. Time passes, and transfers complete, only here.
 *
 * <p>An agent that parks is not stepped again before it is woken, as its thread would not run: if whoever has work for
 * it forgets to wake it, then all agents sleep in the end, and who waits for them is told which.
 */
final class StepHost implements AgentHost {
    /** Steps without an end in sight; the engine is stuck. */
    private static final int STEPS_MAX = 2_000_000;

    /** Of all agents, after one has started and before the engine goes on: they are threads, and wait for nobody. */
    private static final int STEPS_AT_START_MAX = 20;

    /** Steps without work after which nothing is in flight any more: if somebody works again, it is for the time. */
    private static final int STEPS_BEFORE_LEAPS = 20_000;

    /** How much faster time passes from then on. */
    private static final int LEAP = 1_000;

    /**
     * Steps without work while somebody waits: a wake-up is missing. More than transfers take, and than agents need
     * whose sleep ends with time, which may be as slow as a flush a minute; those find nothing to do.
     */
    private static final int STEPS_WITHOUT_WORK_MAX = 100_000;

    private final SplittableRandom random;
    private final IntConsumer tick;
    private final List<Stepped> agents = new ArrayList<>();
    private final Set<Stepped> stepping = new HashSet<>();
    private final Map<String, BooleanSupplier> suspended = new HashMap<>(); // What ends it, by role.
    private int stepsWithoutWork;
    private boolean isStopped;

    /** An agent, and whether it sleeps. */
    private static final class Stepped implements Parking.Sleep {
        private final AgentInvoker invoker;
        private final IdleStrategy idle;
        private boolean isParked;
        private boolean isWoken;

        /** Its sleep ends without being woken: some time, or when a transfer is done. */
        private boolean endsByItself;

        Stepped(AgentInvoker invoker, IdleStrategy idle) {
            this.invoker = invoker;
            this.idle = idle;
        }

        @Override
        public void park(long nanosMax, boolean hasTransfers) {
            isParked = !isWoken;
            isWoken = false;
            endsByItself = hasTransfers || nanosMax != Long.MAX_VALUE;
        }

        @Override
        public void wake() {
            isWoken = !isParked;
            isParked = false;
        }

        /** Answers how much work it did. */
        int step() {
            if (isParked && !endsByItself) {
                return 0;
            }
            isParked = false;
            int workCount = invoker.invoke();
            idle.idle(workCount);
            return workCount;
        }

        @Override
        public String toString() {
            String role = invoker.agent().roleName();
            return role
                    + (invoker.isClosed()
                            ? " has ended"
                            : isParked ? endsByItself ? " sleeps for a time" : " sleeps" : " runs");
        }
    }

    /** {@code tick} lets time pass before each step, so many times as much as usual. */
    StepHost(SplittableRandom random, IntConsumer tick) {
        this.random = random;
        this.tick = tick;
    }

    @Override
    public void start(Agent agent, IdleStrategy idle, Parking parking) {
        var stepped = new Stepped(new AgentInvoker(StepHost::rethrow, null, agent), idle);
        parking.simulate(stepped);
        stepped.invoker.start();
        agents.add(stepped);
        if (stepping.isEmpty()) { // Else an agent starts it, which would be held up by what it does.
            for (int steps = random.nextInt(STEPS_AT_START_MAX); steps > 0; steps--) {
                step();
            }
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

    private boolean isSuspended(Stepped agent) {
        String role = agent.invoker.agent().roleName();
        BooleanSupplier end = suspended.get(role);
        if (end != null && end.getAsBoolean()) {
            suspended.remove(role);
        }
        return suspended.containsKey(role);
    }

    /** One step of one agent; not of one that is itself waiting within a step, as a thread would be. */
    void step() {
        tick.accept(stepsWithoutWork < STEPS_BEFORE_LEAPS ? 1 : LEAP);
        Stepped next = agents.get(random.nextInt(agents.size()));
        stepsWithoutWork++;
        if (!stepping.contains(next) && !isSuspended(next)) {
            stepping.add(next);
            try {
                stepsWithoutWork = next.step() > 0 ? 0 : stepsWithoutWork;
            } finally {
                stepping.remove(next);
            }
        }
    }

    /** The role of the agent that does its step just now; empty if none does, or several, one within another's. */
    String role() {
        return stepping.size() == 1 ? stepping.iterator().next().invoker.agent().roleName() : "";
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
        stepsWithoutWork = 0;
        for (int i = 0; i < STEPS_MAX; i++) {
            if (condition.getAsBoolean()) {
                return;
            }
            if (stepsWithoutWork > STEPS_WITHOUT_WORK_MAX) {
                throw new AssertionError("nobody has anything to do, and somebody waits for it: is an agent not woken"
                        + " that was handed work? " + agents);
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
            for (Stepped agent : agents.reversed()) {
                agent.invoker.close();
            }
        }
    }
}
