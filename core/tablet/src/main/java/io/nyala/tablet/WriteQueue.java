package io.nyala.tablet;

import io.nyala.compaction.Turns;
import io.nyala.compaction.WritePace;
import io.nyala.record.RequestMismatchException;
import io.nyala.record.RequestName;
import io.nyala.record.StaleRequestException;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Batches of one tablet between their hand-over and their decision, in order.
 *
 * <pre>{@code
 *   caller                              writer
 *   admit -> probe -> submit  -------->  decide the first
 *   (waits here,                         |  no room: hold it, and give back the tickets of all
 *    without a ticket)                   |  room again, but rowsets were swapped since it was probed:
 *        probe again  <------------------'  ask its caller; meanwhile it keeps its place
 * }</pre>
 *
 * <p>A ticket (of the tablet's epochs) keeps the MemRowSets in memory that were flushed since the probe, so a batch
 * that waits for memory must not have one: it would wait for itself. What a probe found holds without a ticket as long
 * as no rowset is swapped; after a swap it is made again, on a thread that may read from disk.
 *
 * <p>{@link #admission}, {@link #submit} and {@link #refuseAll} are for any thread, the rest for the writer's.
 */
final class WriteQueue {
    /** Batches of one tablet that were admitted and are not decided; beyond it callers wait. At most 8 MiB each. */
    static final int ADMITTED_MAX = 512;

    /** Batches that are probed again at a time: about as many as are then decided at once. */
    private static final int PROBES_AGAIN_MAX = 16;

    /**
     * Times in a row that a batch is probed again, because rowsets were swapped in the moment between its probe and its
     * decision. A swap comes with a file that was written in the meantime, so that is bad luck even twice.
     */
    private static final int PROBES_IN_VAIN_MAX = 32;

    private final Tablet tablet;
    private final WriterAgent writer;
    private final Turns.Turn<Tablet> turn;
    private final Decision decision;
    private final WritePace pace;
    private final Admission admission;
    private final ManyToOneConcurrentArrayQueue<TabletWrite> submitted =
            new ManyToOneConcurrentArrayQueue<>(ADMITTED_MAX);
    private final ArrayDeque<TabletWrite> undecided = new ArrayDeque<>(); // Taken from there, in order.
    private long room; // That was taken for the batch that is being decided, and is to be given back.

    WriteQueue(Tablet tablet, WriterAgent writer) {
        this.tablet = tablet;
        this.writer = writer;
        this.turn = new Turns.Turn<>(tablet);
        this.pace = tablet.pressure().pace();
        this.admission = new Admission(ADMITTED_MAX, pace, this::wakeWriter);
        this.decision = new Decision(tablet);
    }

    Admission admission() {
        return admission;
    }

    /** Looks how large a batch is that is to get a place. */
    void measure(TabletWrite write) {
        boolean isOnlyRepeated = write.isOnlyRepeated();
        if (!isOnlyRepeated) {
            Probe.measure(write, tablet.schema().columnCount());
        }
        // What is larger is refused.
        write.caller.bytes(
                isOnlyRepeated ? 0 : Math.min(write.recordBytesMax, tablet.log().payloadBytesMax()));
    }

    /** A batch that has a place is looked up on disk, and handed over. If that throws, the place is free again. */
    void submit(TabletWrite write) {
        boolean isProbed = false;
        try {
            if (!write.isOnlyRepeated()) {
                tablet.probe(write);
            }
            isProbed = true;
        } catch (RuntimeException e) {
            if (write.name == null) {
                throw e;
            }
            write.probeFailure = e; // Perhaps it has an answer already, which needs no look at the rows.
            isProbed = true;
        } finally {
            if (!isProbed) {
                admission.leave(write.caller);
            }
        }
        handOver(write);
    }

    private void handOver(TabletWrite write) {
        write.probesAgain = 0;
        boolean isTaken = submitted.offer(write);
        assert isTaken : "more batches than places";
        wakeWriter();
        refuseIfClosed();
    }

    /** A batch that was to be probed again was. */
    void probedAgain(TabletWrite write) {
        write.isProbing = false;
        wakeWriter();
        refuseIfClosed();
    }

    /** The tablet has something to do. Any thread. */
    void wakeWriter() {
        writer.list(turn);
        writer.wake();
    }

    Turns.Turn<Tablet> turn() {
        return turn;
    }

    /** Writer: whether it waits for nothing. */
    boolean isEmpty() {
        return undecided.isEmpty() && submitted.isEmpty() && !admission.isPaced();
    }

    /** Lets in who waits for room, if it is time; answers how many. */
    int letIn(long micros) {
        if (pace.isWindowOver(micros)) {
            RowSetMap map = tablet.map();
            double filled =
                    (double) map.active().rows().memoryBytes() / tablet.config().flushBytes();
            double merged = tablet.merging()
                    .progress()
                    .map(merge -> (double) merge.rowsWritten() / Math.max(1, merge.rowsMax()))
                    .orElse(0.0);
            boolean wasSlow = pace.isSlow();
            pace.adjust(micros, map.sealed().size() + filled, merged);
            if (pace.isSlow() != wasSlow) {
                tablet.pressure().paceChanged();
            }
        }
        if (pace.isSlow()) {
            pace.accrue(micros);
        }
        return admission.give();
    }

    /** Until somebody is to be let in; {@link Long#MAX_VALUE} if it is not time that is waited for. */
    long microsToNext() {
        boolean isForTime = admission.isPaced() && !admission.isHeld() && admission.admittedCount() < ADMITTED_MAX;
        return isForTime ? pace.microsToRoom() : Long.MAX_VALUE;
    }

    private void refuseIfClosed() {
        if (writer.isClosed()) {
            refuseAll(); // It may have come too late for the agent's end.
        }
    }

    /** Decides up to {@code countMax} batches; answers how many. */
    int decide(int countMax) {
        int count = 0;
        while (count < countMax && decideFirst()) {
            count++;
        }
        return count;
    }

    private boolean decideFirst() {
        TabletWrite first = undecided.isEmpty() ? take() : undecided.peekFirst();
        if (first == null || first.isProbing) {
            return false;
        }
        if (!tablet.isProbeGood(first) && first.probesAgain < PROBES_IN_VAIN_MAX) {
            askToProbeAgain();
            return false;
        }
        Decision.Outcome outcome = Decision.Outcome.DECIDED;
        room = admission.takeRoom(first.caller);
        try {
            outcome = decide(first);
            if (outcome != Decision.Outcome.DECIDED && writer.isStopping()) {
                outcome = Decision.Outcome.DECIDED;
                tablet.refuse(first, tablet.closedReason());
            }
        } finally {
            if (outcome == Decision.Outcome.DECIDED) { // Also where it ends the writer: the batch has its answer.
                undecided.removeFirst();
                admission.release();
                tablet.pressure().relieved();
                admission.leave(room);
            } else {
                admission.keepRoom(first.caller, room);
            }
        }
        if (outcome != Decision.Outcome.DECIDED) {
            hold(outcome);
            return false;
        }
        return true;
    }

    /** Decides and applies one batch, or refuses it, which is a decision too. */
    private Decision.Outcome decide(TabletWrite write) {
        RuntimeException failed = tablet.pending().failure();
        if (failed != null) {
            tablet.refuse(write, failed);
            return Decision.Outcome.DECIDED;
        }
        try {
            boolean isAnswered = isAnswered(write);
            if (!isAnswered && write.isOnlyRepeated()) {
                write.rollBack();
                write.complete(null);
                return Decision.Outcome.DECIDED;
            }
            RuntimeException unknown = tablet.isProbeGood(write) ? write.probeFailure : probedInVain();
            if (!isAnswered && unknown != null) {
                tablet.refuse(write, unknown);
                return Decision.Outcome.DECIDED;
            }
            Decision.Outcome outcome = isAnswered ? Decision.Outcome.DECIDED : decision.run(write);
            write.probesAgain = 0;
            if (outcome != Decision.Outcome.DECIDED) {
                if (tablet.pending().isEmpty() && tablet.time().isUnsettled()) {
                    writer.wake(); // There is something to settle, see completeDurable().
                }
                return outcome;
            }
        } catch (BatchTooLargeException
                | LogFullException
                | LogStoppedException
                | StaleRequestException
                | RequestMismatchException
                | TabletBusyException e) {
            tablet.refuse(write, e);
            return Decision.Outcome.DECIDED;
        } catch (RuntimeException | Error e) {
            var reason = new TabletFailedException(tablet.id(), e);
            tablet.pending().fail(reason);
            tablet.refuse(write, reason);
            if (e instanceof Error error) {
                throw error;
            }
            return Decision.Outcome.DECIDED;
        }
        tablet.giveTicketBack(write);
        tablet.pending().add(write);
        pace.decided(write.recordBytesMax);
        room = 0; // It has it.
        if (tablet.map().active().rows().memoryBytes() >= tablet.config().flushBytes()) {
            tablet.pressure().wantRowFlush();
        }
        return Decision.Outcome.DECIDED;
    }

    /** Whether it is a request that was decided before: what is there need not be looked at again. */
    private boolean isAnswered(TabletWrite write) {
        RequestName name = write.name;
        return name != null && tablet.named().isAnswered(write, name);
    }

    private TabletBusyException probedInVain() {
        return new TabletBusyException("the keys of a batch were looked up " + PROBES_IN_VAIN_MAX
                + " times again, and each time rowsets of tablet " + tablet.id() + " changed before it was decided; try"
                + " again later");
    }

    private @Nullable TabletWrite take() {
        TabletWrite next = submitted.poll();
        if (next != null) {
            undecided.addLast(next);
        }
        return next;
    }

    /** Whoever makes room wakes the writer. */
    private void hold(Decision.Outcome outcome) {
        if (outcome == Decision.Outcome.NO_LOG) {
            return; // Room in the log comes without anybody's ticket being in the way.
        }
        admission.hold();
        while (take() != null) {
            // Those behind it have tickets as well.
        }
        for (TabletWrite waiting : undecided) {
            if (!waiting.isProbing) { // Else it is the prober's, and comes by here later.
                tablet.giveTicketBack(waiting);
            }
        }
    }

    /**
     * Answers those with their callers' reason that nobody wants any more. Nothing of them has happened; one that is
     * being probed is looked at the next time.
     */
    void endUnwanted() {
        while (take() != null) {
            // They are looked at with the others.
        }
        boolean isFirst = true;
        for (Iterator<TabletWrite> each = undecided.iterator(); each.hasNext(); isFirst = false) {
            TabletWrite write = each.next();
            RuntimeException reason = write.isProbing ? null : write.whyUnwanted();
            if (reason != null) {
                each.remove();
                if (isFirst) { // It is the one for which all wait, with what it has reserved.
                    decision.giveUp(write);
                    admission.release();
                    tablet.pressure().relieved();
                }
                admission.leave(write.caller);
                tablet.refuse(write, reason);
            }
        }
    }

    private void askToProbeAgain() {
        int asked = 0;
        for (TabletWrite waiting : undecided) {
            if (asked++ == PROBES_AGAIN_MAX) {
                break;
            }
            if (!waiting.isProbing && !tablet.isProbeGood(waiting)) {
                tablet.giveTicketBack(waiting); // It takes another one.
                waiting.isProbing = true;
                waiting.probesAgain++;
                waiting.wantProbe();
            }
        }
    }

    /**
     * Answers what was handed over but not decided. After the writer's end; nothing may wait for ever for an agent that
     * is gone. A batch that is being probed is its prober's, who comes here afterwards.
     */
    synchronized void refuseAll() {
        while (take() != null) {
            // They are looked at with the others.
        }
        for (Iterator<TabletWrite> each = undecided.iterator(); each.hasNext(); ) {
            TabletWrite write = each.next();
            if (!write.isProbing) {
                each.remove();
                admission.leave(write.caller);
                tablet.refuse(write, tablet.closedReason());
            }
        }
        admission.release();
        tablet.pressure().relieved();
    }
}
