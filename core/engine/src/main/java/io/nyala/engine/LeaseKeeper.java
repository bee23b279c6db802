package io.nyala.engine;

import io.nyala.io.Parking;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.agrona.concurrent.Agent;

/**
 * Renews the clock's lease while timestamps are drawn, and sleeps otherwise. On a thread of its own, because a lease
 * must be renewed in time whatever else goes on: maintenance may be in the middle of writing a file of 32 MiB.
 */
final class LeaseKeeper implements Agent {
    private static final Logger LOG = System.getLogger(LeaseKeeper.class.getName());

    private final Parking parking;
    private final HostClock clock;
    private final Runnable renewal;

    /** {@code renewal} makes the next lease durable. */
    LeaseKeeper(Parking parking, HostClock clock, Runnable renewal) {
        this.parking = parking;
        this.clock = clock;
        this.renewal = renewal;
    }

    Parking parking() {
        return parking;
    }

    @Override
    public int doWork() {
        if (!clock.isRenewalWanted()) {
            return 0;
        }
        try {
            renewal.run();
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "the clock's lease could not be renewed; the next write that needs it asks again", e);
        } catch (Error e) { // A mistake of ours, but nobody may wait for ever because of it.
            clock.renewalFailed(new IllegalStateException("the clock's agent has ended: " + e, e));
            throw e;
        }
        return 1;
    }

    @Override
    public String roleName() {
        return "clock";
    }
}
