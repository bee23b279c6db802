package io.nyala.maintenance;

import io.nyala.compaction.Seat;
import io.nyala.io.Parking;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * A worker that does what {@link Maintenance} says while it has the seat; there is one, until that hangs in a call to a
 * device and another one takes its place. If the first one comes back, it ends what it had of its own, and is there for
 * the next time.
 *
 * <p>The agent's methods belong to the worker, all others are for any thread.
 */
public final class LeadWorker implements Agent {
    private static final long NO_ROUND = Long.MAX_VALUE;

    private final String name;
    private final Parking parking;
    private final Maintenance maintenance;
    private boolean isNew; // Written before the hold.
    private volatile Seat.@Nullable Hold hold;

    /** When the round began that is under way; {@link #NO_ROUND} between rounds, which may be for long. */
    private volatile long roundSince = NO_ROUND;

    /** What it merges at this moment; if it has lost its seat, that is its own to be ended. */
    private @Nullable MergeRun merging;

    LeadWorker(String name, Parking parking, Maintenance maintenance) {
        this.name = name;
        this.parking = parking;
        this.maintenance = maintenance;
    }

    public Parking parking() {
        return parking;
    }

    /** Sleeps until woken, or until something is due. */
    public IdleStrategy idleStrategy() {
        return parking.until(() -> {
            MergeRun left = merging;
            if (hold != null) {
                return Maintenance.nanos(maintenance.microsToNext());
            }
            return left == null ? Long.MAX_VALUE : Maintenance.nanos(left.sleepMicrosMax());
        });
    }

    /** It has the seat from now on. {@code newIsNew}: in the place of another worker. */
    void sit(Seat.Hold newHold, boolean newIsNew) {
        isNew = newIsNew;
        hold = newHold;
        parking.wake();
    }

    /** It steps a merge, or no more; within a call. */
    void merging(@Nullable MergeRun run) {
        merging = run;
    }

    @Override
    public int doWork() {
        Seat.Hold present = hold;
        if (present == null) {
            return endWhatIsLeft();
        }
        try {
            if (isNew) {
                isNew = false;
                maintenance.inherit();
            }
            roundSince = maintenance.micros();
            return maintenance.round(this, present);
        } catch (Seat.LostException e) {
            hold = null;
            maintenance.cameBack(this, e, merging == null);
            return 1;
        } catch (RuntimeException | Error e) {
            maintenance.failed(e); // For onClose, which follows.
            throw e;
        } finally {
            roundSince = NO_ROUND;
        }
    }

    /** For how long it has been within one round; 0 if it is in none. */
    long roundMicros(long now) {
        long since = roundSince;
        return since == NO_ROUND ? 0 : now - since;
    }

    private int endWhatIsLeft() {
        MergeRun left = merging;
        if (left == null) {
            return 0;
        }
        int workCount = left.step();
        if (left.isOver()) {
            merging = null;
            maintenance.ended(left, this);
        }
        return workCount;
    }

    @Override
    public void onClose() {
        if (hold != null) {
            maintenance.close();
            return;
        }
        MergeRun left = merging;
        if (left != null) {
            merging = null;
            left.abort(maintenance.closedReason());
        }
    }

    @Override
    public String roleName() {
        return name;
    }
}
