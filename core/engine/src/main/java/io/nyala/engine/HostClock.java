package io.nyala.engine;

import io.nyala.io.Parking;
import io.nyala.maintenance.SeatWatch;
import io.nyala.tablet.TabletBusyException;
import io.nyala.time.HybridClock;
import io.nyala.time.HybridTime;
import io.nyala.time.TabletClock;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * The one clock of a host, with a lease: no timestamp above the lease is ever handed out, the lease is durable, and a
 * restart begins above it. So a promise made at a time (a read there) holds even where the system's clock was set back
 * in between.
 *
 * <p>Thread-safe. {@link LeaseKeeper} renews the lease while timestamps are drawn; an idle host writes nothing.
 */
final class HostClock implements TabletClock {
    /** How far ahead a lease reaches: the longest that a restart may have to run ahead of the system's clock. */
    static final long LEASE_MICROS = 5_000_000;

    /** With less than this left a renewal is asked for, so that writers need not wait for it. */
    private static final long RENEW_MICROS = LEASE_MICROS / 2;

    private final HybridClock clock;
    private final Runnable wakeKeeper;
    private volatile long leaseEnd;
    private volatile boolean renewalWanted;
    private volatile @Nullable RuntimeException renewalFailure;

    HostClock(HybridClock clock, long leaseEnd, Runnable wakeKeeper) {
        this.clock = clock;
        this.leaseEnd = leaseEnd;
        this.wakeKeeper = wakeKeeper;
    }

    @Override
    public long draw() {
        long drawn = clock.now();
        if (drawn > leaseEnd) {
            wantRenewal();
            RuntimeException failed = renewalFailure;
            if (failed != null) {
                throw new TabletBusyException(
                        "no timestamp can be given out, because the clock's lease cannot be renewed; try again later: "
                                + failed.getMessage(),
                        failed);
            }
            return NOT_LEASED;
        }
        if (HybridTime.micros(leaseEnd) - HybridTime.micros(drawn) < RENEW_MICROS) {
            wantRenewal();
        }
        return drawn;
    }

    /** The present, whether leased or not. */
    long now() {
        return clock.now();
    }

    /** What is handed out from now on is above {@code time}, which came from another host. */
    void observe(long time) {
        clock.update(time);
    }

    /** Largest time that may be handed out. */
    long leaseEnd() {
        return leaseEnd;
    }

    boolean isRenewalWanted() {
        return renewalWanted;
    }

    /** The end of the next lease; make it durable, then call {@link #renewed}. */
    long nextLeaseEnd() {
        return HybridTime.of(HybridTime.micros(clock.now()) + LEASE_MICROS, 0);
    }

    /** Two who renew at the same time may come here in either order: the longer lease holds. */
    synchronized void renewed(long newLeaseEnd) {
        leaseEnd = Math.max(leaseEnd, newLeaseEnd);
    }

    /** A renewal begins; whoever wants one from now on asks again. */
    void renewalBegins() {
        renewalFailure = null;
        renewalWanted = false;
    }

    /** It failed: who waits for it hears of it. */
    void renewalFailed(RuntimeException reason) {
        renewalFailure = reason;
    }

    /** Why the last renewal failed, if it did; the next write that needs one asks again. */
    Optional<RuntimeException> failure() {
        return Optional.ofNullable(renewalFailure);
    }

    private void wantRenewal() {
        if (!renewalWanted) {
            renewalWanted = true;
            wakeKeeper.run();
        }
    }

    /**
     * Renews the clock's lease while timestamps are drawn, and sees to it that maintenance does not hang for ever;
     * sleeps otherwise. On a thread of its own, because neither may wait for whatever else goes on: maintenance may be
     * in the middle of writing a file of 32 MiB, or hang there.
     */
    static final class LeaseKeeper implements Agent {
        private static final Logger LOG = System.getLogger(LeaseKeeper.class.getName());

        private final Parking parking;
        private final HostClock clock;
        private final Runnable renewal;
        private final SeatWatch maintenance;

        /** {@code renewal} makes the next lease durable. */
        LeaseKeeper(Parking parking, HostClock clock, Runnable renewal, SeatWatch maintenance) {
            this.parking = parking;
            this.clock = clock;
            this.renewal = renewal;
            this.maintenance = maintenance;
        }

        Parking parking() {
            return parking;
        }

        /** Sleeps until woken, or until maintenance is to be looked at again. */
        IdleStrategy idleStrategy() {
            return parking.until(maintenance::nanosToNext);
        }

        @Override
        public int doWork() {
            int workCount = maintenance.look() ? 1 : 0;
            if (!clock.isRenewalWanted()) {
                return workCount;
            }
            try {
                renewal.run();
            } catch (RuntimeException e) {
                LOG.log(
                        Level.ERROR,
                        "the clock's lease could not be renewed; the next write that needs it asks again",
                        e);
            } catch (Error e) { // A mistake of ours, but nobody may wait for ever because of it.
                clock.renewalFailed(new IllegalStateException("the clock's agent has ended: " + e, e));
                throw e;
            }
            return workCount + 1;
        }

        @Override
        public String roleName() {
            return "clock";
        }
    }
}
