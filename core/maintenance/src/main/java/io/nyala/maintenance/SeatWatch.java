package io.nyala.maintenance;

import io.nyala.compaction.Seat;
import java.util.concurrent.TimeUnit;

/**
 * Looks whether the worker of maintenance that has the seat hangs, and has another one take its place. Sleeps while
 * that calls no device.
 *
 * <p>Belongs to one agent that is none of maintenance's, nor waits for any device that these wait for.
 */
public final class SeatWatch {
    /** A worker is missed by so much later than it could be. */
    static final long LOOK_MICROS = 15_000_000;

    private final Maintenance maintenance;
    private final Seat seat;
    private final Housekeeping housekeeping;
    private long seen = -1;
    private long seenAt;
    private boolean isResting = true;

    SeatWatch(Maintenance maintenance, Seat seat, Housekeeping housekeeping) {
        this.maintenance = maintenance;
        this.seat = seat;
        this.housekeeping = housekeeping;
    }

    /** One look; answers whether there was anything to be done. */
    public boolean look() {
        long now = housekeeping.micros();
        if (maintenance.takeOverIfStuck(now)) {
            return true;
        }
        long state = seat.state();
        if (state != seen) {
            seen = state;
            seenAt = now;
            isResting = false;
        } else if (!isResting && Math.abs(now - seenAt) >= LOOK_MICROS) {
            isResting = seat.rest(seen);
            seenAt = now;
        }
        return false;
    }

    /** Until the next look, unless it is woken. */
    public long nanosToNext() {
        return isResting ? Long.MAX_VALUE : TimeUnit.MICROSECONDS.toNanos(LOOK_MICROS);
    }
}
