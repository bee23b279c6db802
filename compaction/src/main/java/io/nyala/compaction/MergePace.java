package io.nyala.compaction;

import io.nyala.memory.Check;

/**
 * How fast merges may go on: so many bytes a second at most, and less while those wait for too long who write.
 *
 * <pre>{@code
 *   each WINDOW_MICROS:   more than 1 % of the commits were slow,
 *                         or wait for so long already              share / 2, not below SHARE_MIN
 *                         else                                     share + SHARE_STEP, 1 at most
 *
 *   a worker merges for     share              of its time
 *   all together move       share * limit      bytes a second
 * }</pre>
 *
 * <p>Merges that have fallen behind have all of their time: were they to yield to those who write without end, there
 * would be more rowsets with each flush, and whoever reads would have to ask them all.
 *
 * <p>The share falls at once and comes back slowly: whoever shares a disk fairly does so. It never becomes 0, since
 * merges that never end make everything slower for good. Steps are not cut short: who has taken more than its share
 * waits for as long before the next one.
 *
 * <p>Has no clock; the one of its callers may be set back or forward, which costs a second at most. Thread-safe: a
 * lock, held for some arithmetic, twice for each step of a merge, which takes a millisecond.
 */
public final class MergePace {
    /** No limit of bytes. */
    public static final long UNLIMITED = 0;

    static final double SHARE_MIN = 0.1;
    static final double SHARE_STEP = 0.05;
    static final long WINDOW_MICROS = 100_000;

    /** One commit of so many may be slow: what matters is the 99th percentile. */
    private static final long COMMITS_PER_SLOW_ONE = 100;

    /** What was not used is kept for so long: a few steps. */
    private static final double KEPT_MICROS = 20_000;

    private static final long ELAPSED_MICROS_MAX = 1_000_000;

    private final long bytesPerSecond;
    private final int workerCount;
    private double share = 1;
    private boolean isBehind;
    private long accruedAt;
    private long windowBegin;
    private long commitsBefore;
    private long slowBefore;

    /** What may be used at once: below 0 what was used too early. */
    private double micros;

    private double bytes;

    /** {@code workerCount} of those that merge. */
    public MergePace(long bytesPerSecond, int workerCount, long now) {
        Check.that(bytesPerSecond >= 0, "a limit of bytes is not negative, it was " + bytesPerSecond);
        Check.positive("workers that merge", workerCount);
        this.bytesPerSecond = bytesPerSecond;
        this.workerCount = workerCount;
        this.accruedAt = now;
        this.windowBegin = now;
    }

    /** The part of its time that a worker merges, from {@link #SHARE_MIN} to 1. */
    public synchronized double share() {
        return isBehind ? 1 : share;
    }

    /** Whether so much is to be merged by now that it does not yield any more. */
    public synchronized void behind(boolean nowBehind) {
        isBehind = nowBehind;
    }

    /**
     * Until the next step may begin: 0 for now.
     *
     * @param commitCount of all times
     * @param slowCount of these, how many have taken too long
     * @param overdueCount those that have been waiting for too long, and were not answered: while all stand still,
     *     none is answered late
     */
    public synchronized long microsToNext(long now, long commitCount, long slowCount, long overdueCount) {
        accrue(now);
        long inWindow = now - windowBegin;
        if (inWindow >= WINDOW_MICROS || inWindow < 0) {
            look(commitCount - commitsBefore, slowCount - slowBefore + overdueCount);
            windowBegin = now;
            commitsBefore = commitCount;
            slowBefore = slowCount;
        }
        double wait = micros < 0 && !isBehind ? -micros / (share * workerCount) : 0;
        if (bytesPerSecond != UNLIMITED && bytes < 0) {
            wait = Math.max(wait, -bytes / (share() * bytesPerSecond) * 1_000_000);
        }
        return (long) Math.ceil(Math.min(wait, ELAPSED_MICROS_MAX)); // A large step is paid for in several waits.
    }

    private void look(long commits, long slow) {
        share = slow * COMMITS_PER_SLOW_ONE > commits
                ? Math.max(SHARE_MIN, share / 2)
                : Math.min(1, share + SHARE_STEP);
    }

    private void accrue(long now) {
        long elapsed = Math.clamp(now - accruedAt, 0, ELAPSED_MICROS_MAX);
        accruedAt = now;
        micros = Math.min(KEPT_MICROS * workerCount, micros + share * workerCount * elapsed);
        double perMicro = share() * bytesPerSecond / 1_000_000;
        bytes = Math.min(perMicro * KEPT_MICROS, bytes + perMicro * elapsed);
    }

    /** A step has taken so long, and has read and written so much. */
    public synchronized void did(long stepMicros, long stepBytes) {
        micros -= isBehind ? 0 : Math.clamp(stepMicros, 0, ELAPSED_MICROS_MAX); // What it yields later is not owed.
        bytes -= stepBytes;
    }
}
