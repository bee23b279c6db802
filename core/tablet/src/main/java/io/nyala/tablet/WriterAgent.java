package io.nyala.tablet;

import io.nyala.io.Parking;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

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

    /** Tablets that have something to do; the others, of which there may be thousands, are not looked at. */
    private final List<Turn> active = new ArrayList<>();

    /** A stack of those that are to be added to them. */
    private final AtomicReference<@Nullable Turn> listed = new AtomicReference<>();

    private int firstTurn;
    private volatile boolean isLookDue;
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

    /** Ends batches that wait and that nobody {@linkplain TabletWrite#wanted wants} any more, soon. Any thread. */
    public void lookAtWaits() {
        isLookDue = true;
        wake();
    }

    /**
     * A tablet's place among those that have something to do. Whoever gives it something lists it afterwards; the agent
     * takes it off the list before it looks for the last time whether there is nothing: so one of them sees the other.
     */
    static final class Turn {
        private final Tablet tablet;
        private final AtomicBoolean isListed = new AtomicBoolean();
        private @Nullable Turn next; // In the stack of those that are to be added.
        private boolean isGone;

        Turn(Tablet tablet) {
            this.tablet = tablet;
        }
    }

    void attach(Tablet tablet) {
        tablets.add(tablet);
        list(tablet.queue().turn());
        wake();
    }

    void detach(Tablet tablet) {
        tablets.remove(tablet);
        tablet.queue().turn().isGone = true;
        active.remove(tablet.queue().turn());
    }

    /** Tablets that it looks at. */
    int activeCount() {
        return active.size();
    }

    /** Its tablet has something to do. Any thread; {@link #wake} follows, unless it is the agent's. */
    void list(Turn turn) {
        if (turn.isListed.compareAndSet(false, true)) {
            Turn before;
            do {
                before = listed.get();
                turn.next = before;
            } while (!listed.compareAndSet(before, turn));
        }
    }

    private void takeListed() {
        Turn turn = listed.get() == null ? null : listed.getAndSet(null);
        while (turn != null) {
            Turn next = turn.next;
            turn.next = null;
            if (!turn.isGone) {
                active.add(turn);
            }
            turn = next;
        }
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
        takeListed();
        int workCount = completeDurable();
        workCount += commands.drain(Runnable::run, QUEUED_COMMANDS_MAX);
        workCount += decide();
        if (isLookDue) { // After that: who could be decided need not end.
            isLookDue = false;
            active.forEach(turn -> turn.tablet.queue().endUnwanted());
        }
        letQuietOnesGo();
        return workCount;
    }

    private int completeDurable() {
        int completed = 0;
        if (!tablets.isEmpty() && tablets.getFirst().log().failure() != null) { // It is the log of all of them.
            for (int i = 0; i < tablets.size(); i++) {
                completed += tablets.get(i).completeDurable();
            }
            return completed;
        }
        for (int i = 0; i < active.size(); i++) {
            completed += active.get(i).tablet.completeDurable();
        }
        return completed;
    }

    /** Each tablet in turn, from another one on each time: one whose batches wait for memory holds up no other. */
    private int decide() {
        int count = active.size();
        int decided = 0;
        firstTurn = firstTurn + 1 < count ? firstTurn + 1 : 0;
        for (int i = 0; i < count && decided < DECISIONS_PER_STEP_MAX; i++) {
            int index = firstTurn + i < count ? firstTurn + i : firstTurn + i - count;
            decided += active.get(index).tablet.queue().decide(DECISIONS_PER_STEP_MAX - decided);
        }
        return decided;
    }

    private void letQuietOnesGo() {
        int kept = 0;
        for (int i = 0; i < active.size(); i++) {
            Turn turn = active.get(i);
            if (!isOver(turn)) {
                active.set(kept++, turn);
            }
        }
        while (active.size() > kept) {
            active.removeLast();
        }
    }

    /** Whether the tablet has nothing to do, or is listed once more. */
    private static boolean isOver(Turn turn) {
        if (!turn.tablet.isQuiet()) {
            return false;
        }
        turn.isListed.set(false);
        return turn.tablet.isQuiet() || !turn.isListed.compareAndSet(false, true);
    }

    /** Answers what was handed over but never decided: nothing may wait for ever for an agent that is gone. */
    @Override
    public void onClose() {
        isClosed = true;
        commands.drain(Runnable::run, QUEUED_COMMANDS_MAX); // A swap that was asked for owns open rowsets.
        for (Tablet tablet : tablets) {
            tablet.queue().refuseAll();
            tablet.pending().failAll(tablet.closedReason());
        }
    }

    @Override
    public String roleName() {
        return name;
    }
}
