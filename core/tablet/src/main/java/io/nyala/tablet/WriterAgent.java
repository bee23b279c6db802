package io.nyala.tablet;

import io.nyala.io.Parking;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * The single writer of some tablets: takes batches in the order in which they were handed over, decides each operation,
 * hands the record to the log, applies it to memory, and answers callers once it is durable. It never waits for a
 * device.
 *
 * <p>{@link #doWork} does one bounded piece; {@link #submit}, {@link #command} and {@link #wake} may be called by any
 * thread; everything else happens on the agent's thread.
 */
public final class WriterAgent implements Agent {
    /**
     * Batches between hand-over and decision; beyond it callers wait. Each holds at most 8 MiB of its caller's memory.
     */
    static final int QUEUED_WRITES_MAX = 1024;

    /** Commands are rare (seals, swaps) and small. */
    private static final int QUEUED_COMMANDS_MAX = 1024;

    /** Decisions per {@link #doWork}, so that durable batches are answered in between. */
    private static final int DECISIONS_PER_STEP_MAX = 16;

    private final String name;
    private final Parking parking;
    private final ManyToOneConcurrentArrayQueue<PendingWrite> writes;
    private final ManyToOneConcurrentArrayQueue<Runnable> commands;
    private final List<Tablet> tablets = new CopyOnWriteArrayList<>();
    private @Nullable PendingWrite held;
    private volatile boolean isStopping;
    private volatile boolean isClosed;

    public WriterAgent(String name, Parking parking) {
        this.name = name;
        this.parking = parking;
        this.writes = new ManyToOneConcurrentArrayQueue<>(QUEUED_WRITES_MAX);
        this.commands = new ManyToOneConcurrentArrayQueue<>(QUEUED_COMMANDS_MAX);
    }

    /** A batch and where it goes. One per {@link TabletWrite}, reused with it. */
    record PendingWrite(Tablet tablet, TabletWrite write) {}

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

    /** Hands a batch over; false if the queue is full and the caller has to wait. */
    boolean submit(PendingWrite write) {
        boolean taken = writes.offer(write);
        wake();
        if (isClosed) {
            refuseQueued(); // It may have come too late for onClose.
        }
        return taken;
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
        for (int i = 0; i < DECISIONS_PER_STEP_MAX; i++) {
            PendingWrite next = held != null ? held : writes.poll();
            held = null;
            if (next == null) {
                break;
            }
            if (!next.tablet().decide(next.write())) {
                if (isStopping) {
                    next.tablet()
                            .refuse(
                                    next.write(),
                                    new TabletClosedException(next.tablet().id()));
                    workCount++;
                    continue;
                }
                // The log's buffers or the MemRowSet are full. Whoever makes room wakes us; order is kept.
                held = next;
                break;
            }
            workCount++;
        }
        return workCount;
    }

    /** Answers what was handed over but never decided: nothing may wait for ever for an agent that is gone. */
    @Override
    public void onClose() {
        isClosed = true;
        commands.drain(Runnable::run, QUEUED_COMMANDS_MAX); // A swap that was asked for owns open rowsets.
        refuseQueued();
        for (Tablet tablet : tablets) {
            tablet.failPending(new TabletClosedException(tablet.id()));
        }
    }

    private synchronized void refuseQueued() {
        List<PendingWrite> undecided = new ArrayList<>();
        if (held != null) {
            undecided.add(held);
            held = null;
        }
        writes.drainTo(undecided, QUEUED_WRITES_MAX);
        for (PendingWrite pending : undecided) {
            pending.tablet()
                    .refuse(
                            pending.write(),
                            new TabletClosedException(pending.tablet().id()));
        }
    }

    @Override
    public String roleName() {
        return name;
    }
}
