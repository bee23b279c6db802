package io.nyala.compaction;

/**
 * Counts commits that have been waiting for an answer for too long: what is answered says nothing while all hang. Of
 * some time at least that long ago it is known how many had begun by then; whatever more has been answered since, no
 * fewer than the others have been waiting since then. No list of them is needed, but the count may be too low.
 *
 * <p>Has no clock; the one of its callers may be set back. Thread-safe: a lock, held for a comparison.
 */
public final class OverdueCommits {
    private final long overdueMicros;
    private long begunLongAgo;
    private long begunLately;
    private long latelyAt;

    /** Of those that wait for longer. */
    public OverdueCommits(long overdueMicros, long now) {
        this.overdueMicros = overdueMicros;
        this.latelyAt = now;
    }

    /** How many wait for too long, of those begun and those ended of all times. */
    public synchronized long count(long now, long begunCount, long endedCount) {
        long since = now - latelyAt;
        if (since < 0) {
            begunLately = 0; // When those began nobody can say by that clock.
            latelyAt = now;
        } else if (since > overdueMicros) {
            begunLongAgo = begunLately;
            begunLately = begunCount;
            latelyAt = now;
        }
        return Math.max(0, begunLongAgo - endedCount);
    }
}
