package io.nyala.tablet;

import io.nyala.compaction.Turns;
import io.nyala.io.Parking;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
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
    private final LongSupplier micros;
    private final ManyToOneConcurrentArrayQueue<Runnable> commands;

    /** All of them. They come and go by thousands: neither copies the others. */
    private final Queue<Tablet> tablets = new ConcurrentLinkedQueue<>();

    /** Tablets that have something to do; the others, of which there may be thousands, are not looked at. */
    private final Turns<Tablet> turns = new Turns<>(Tablet::isQuiet);

    private int firstTurn;
    private volatile boolean isLookDue;
    private volatile boolean isStopping;
    private volatile boolean isClosed;

    /** {@code micros}: a clock. */
    public WriterAgent(String name, Parking parking, LongSupplier micros) {
        this.name = name;
        this.parking = parking;
        this.micros = micros;
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

    /** How it waits while batches are let in at a pace. */
    public IdleStrategy idleStrategy() {
        return parking.until(this::nanosToNext);
    }

    private long nanosToNext() {
        long next = Long.MAX_VALUE;
        for (int i = 0; i < turns.count(); i++) {
            next = Math.min(next, turns.get(i).queue().microsToNext());
        }
        return next == Long.MAX_VALUE ? next : TimeUnit.MICROSECONDS.toNanos(next);
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
     * Something that maintenance has a tablet's writer do, and its answer: asked for once, then looked at until it is
     * there. Belongs to one worker.
     */
    static final class Command {
        private final Tablet tablet;
        private final Runnable wake;

        // Answers of the writer.
        private volatile boolean isAnswered;
        private volatile @Nullable RuntimeException refusal;

        /** {@code wake} makes the worker look for the answer. */
        Command(Tablet tablet, Runnable wake) {
            this.tablet = tablet;
            this.wake = wake;
        }

        /**
         * Has the writer run {@code command}; answers whether it will. A command that answers false is run again when
         * something that was flushed before has been freed.
         */
        boolean ask(BooleanSupplier command) {
            isAnswered = false;
            refusal = null;
            return tablet.writer().command(() -> answer(command));
        }

        private void answer(BooleanSupplier command) {
            tablet.writer().list(tablet.queue().turn()); // There may be something to carry or to reclaim afterwards.
            try {
                if (!command.getAsBoolean()) {
                    tablet.seals().afterReclaim(() -> answer(command));
                    return;
                }
            } catch (RuntimeException e) {
                refusal = e; // That ends what maintenance does, not the writer.
            }
            isAnswered = true;
            wake.run();
        }

        /** Whether it was run. Throws what it threw. */
        boolean isAnswered() {
            if (!isAnswered) {
                tablet.pending().throwIfFailed();
                return false;
            }
            RuntimeException refused = refusal;
            if (refused != null) {
                throw refused;
            }
            return true;
        }
    }

    void attach(Tablet tablet) {
        tablets.add(tablet);
        list(tablet.queue().turn());
        wake();
    }

    void detach(Tablet tablet) {
        tablets.remove(tablet);
        turns.remove(tablet.queue().turn());
    }

    /** Tablets that it looks at. */
    int activeCount() {
        return turns.count();
    }

    /** Its tablet has something to do. Any thread; {@link #wake} follows, unless it is the agent's. */
    void list(Turns.Turn<Tablet> turn) {
        turns.list(turn);
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
        turns.takeListed();
        int workCount = completeDurable();
        workCount += commands.drain(Runnable::run, QUEUED_COMMANDS_MAX);
        workCount += decide();
        workCount += letIn();
        if (isLookDue) { // After that: who could be decided need not end.
            isLookDue = false;
            for (int i = 0; i < turns.count(); i++) {
                turns.get(i).queue().endUnwanted();
            }
        }
        turns.letQuietOnesGo();
        return workCount;
    }

    private int completeDurable() {
        int completed = 0;
        Tablet first = tablets.peek();
        if (first != null && first.log().failure() != null) { // It is the log of all of them.
            for (Tablet tablet : tablets) {
                completed += tablet.completeDurable();
            }
            return completed;
        }
        for (int i = 0; i < turns.count(); i++) {
            completed += turns.get(i).completeDurable();
        }
        return completed;
    }

    /** Each tablet in turn, from another one on each time: one whose batches wait for memory holds up no other. */
    private int decide() {
        int count = turns.count();
        int decided = 0;
        firstTurn = firstTurn + 1 < count ? firstTurn + 1 : 0;
        for (int i = 0; i < count && decided < DECISIONS_PER_STEP_MAX; i++) {
            int index = firstTurn + i < count ? firstTurn + i : firstTurn + i - count;
            decided += turns.get(index).queue().decide(DECISIONS_PER_STEP_MAX - decided);
        }
        return decided;
    }

    private int letIn() {
        int count = turns.count();
        int admitted = 0;
        long now = count == 0 ? 0 : micros.getAsLong();
        for (int i = 0; i < count; i++) {
            admitted += turns.get(i).queue().letIn(now);
        }
        return admitted;
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
