package io.nyala.tablet;

import io.nyala.io.Parking;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;

/**
 * The single writer of some tablets: takes batches in the order in which they were handed over, decides each operation,
 * hands the record to the log, applies it to memory, and answers callers once it is durable. It never waits for a
 * device.
 *
 * <p>{@link #doWork} does one bounded piece; {@link #command} and {@link #wake} may be called by any
 * thread; everything else happens on the agent's thread.
 */
public final class WriterAgent implements Agent {
    /** Commands are rare (seals, swaps) and small. */
    private static final int QUEUED_COMMANDS_MAX = 1024;

    /** Decisions per {@link #doWork}, so that durable batches are answered in between. */
    private static final int DECISIONS_PER_STEP_MAX = 16;

    private final String name;
    private final Parking parking;
    private final ManyToOneConcurrentArrayQueue<Runnable> commands;
    private final List<Tablet> tablets = new CopyOnWriteArrayList<>();
    private int firstTablet;
    private volatile boolean isStopping;
    private volatile boolean isClosed;

    public WriterAgent(String name, Parking parking) {
        this.name = name;
        this.parking = parking;
        this.commands = new ManyToOneConcurrentArrayQueue<>(QUEUED_COMMANDS_MAX);
    }

    /** Makes the agent look for work. Cheap when it is not parked. */
    public void wake() {
        parking.wake();
    }

    /** How this agent waits for work. */
    public Parking parking() {
        return parking;
    }

    /** From now on batches for which there is no room are refused: the host is about to close. */
    public void stopWaiting() {
        isStopping = true;
        wake();
    }

    void attach(Tablet tablet) {
        tablets.add(tablet);
        wake();
    }

    void detach(Tablet tablet) {
        tablets.remove(tablet);
    }

    boolean isStopping() {
        return isStopping;
    }

    /** Whether the agent has ended: nothing will be decided any more. */
    boolean isClosed() {
        return isClosed;
    }

    /** Whether nothing should wait for it any more. */
    boolean isEnding() {
        return isStopping || isClosed;
    }

    /** Runs {@code command} on the agent's thread, between batches; false if there are too many already. */
    boolean command(Runnable command) {
        boolean taken = commands.offer(command);
        wake();
        return taken;
    }

    @Override
    public int doWork() {
        int workCount = 0;
        for (int i = 0; i < tablets.size(); i++) {
            workCount += tablets.get(i).completeDurable();
        }
        workCount += commands.drain(Runnable::run, QUEUED_COMMANDS_MAX);
        workCount += decide();
        return workCount;
    }

    /** Each tablet in turn, from another one on each time: one whose batches wait for memory holds up no other. */
    private int decide() {
        int count = tablets.size();
        int decided = 0;
        firstTablet = firstTablet + 1 < count ? firstTablet + 1 : 0;
        for (int i = 0; i < count && decided < DECISIONS_PER_STEP_MAX; i++) {
            int index = firstTablet + i < count ? firstTablet + i : firstTablet + i - count;
            decided += tablets.get(index).decideNext(DECISIONS_PER_STEP_MAX - decided);
        }
        return decided;
    }

    /** Answers what was handed over but never decided: nothing may wait for ever for an agent that is gone. */
    @Override
    public void onClose() {
        isClosed = true;
        commands.drain(Runnable::run, QUEUED_COMMANDS_MAX); // A swap that was asked for owns open rowsets.
        for (Tablet tablet : tablets) {
            tablet.refuseUndecided();
            tablet.pending().failAll(tablet.closedReason());
        }
    }

    @Override
    public String roleName() {
        return name;
    }
}
