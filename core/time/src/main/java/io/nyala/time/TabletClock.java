package io.nyala.time;

/**
 * Time as a tablet sees it: hybrid time of its host, never handed out beyond the lease that survives a restart.
 *
 * <p>Thread-safe. Each {@link #draw} is larger than all before, over all tablets of the host.
 */
public interface TabletClock {
    /** What {@link #draw} answers when the lease must be renewed first; whoever renews it wakes the writers. */
    long NOT_LEASED = 0;

    /** The next timestamp, or {@link #NOT_LEASED}. Never blocks. */
    long draw();
}
