package io.nyala.compaction;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How fast a tablet takes batches: as fast as they come, until so many rowsets lie over each other that merges have
 * fallen behind; from there on about as fast as merges go on, so that whoever reads never has to ask many more.
 *
 * <pre>{@code
 *   load = what a look-up has to ask / slowdownHeight
 *
 *   load <= 1   as fast as they come
 *   else        rate = base * exp(PROPORTIONAL * (AIM - load)), and each second base * exp(INTEGRAL * (AIM - load))
 * }</pre>
 *
 * <p>That is a controller with a proportional and an integral part, of the logarithm of the rate: the first one answers
 * to what has just changed, the second one finds the rate at which the load stays where it is to be. What a merge will
 * gain counts by how much of it is done, and what a flush will add by how full memory is, so that the load does not
 * jump whenever one of them ends, nor do those feel it who write. Other stores slow writers for the same reason, by
 * counts of files (RocksDB, {@code level0_slowdown_writes_trigger}).
 *
 * <p>Callers come in while there is room, which comes back with time; each takes as much as its batch has. So one large
 * batch is let in at any rate, and who comes next waits until it is paid for: for that one, since while there is no
 * room nobody else comes in, however many large ones there are.
 *
 * <p>{@link #owes} is for maintenance, {@link #tryEnter} and {@link #leave} for callers, {@link #bytesPerSecond} for
 * anybody; the rest is the writer's. Lock-free. Has no clock: the one of its callers may be set back or forward, which
 * costs a second at most.
 */
public final class WritePace {
    /** It never slows anybody. */
    public static final int NEVER = 0;

    /** As fast as they come. */
    public static final long UNLIMITED = 0;

    /** What {@link #tryEnter} answers where who comes has to wait. */
    public static final long NO_ROOM = -1;

    static final long WINDOW_MICROS = 100_000;

    /** Of the load at which they are slowed, where it is held. */
    static final double AIM = 1.5;

    /** Below it, they are not slowed any more. */
    private static final double RELEASE = 0.95;

    /** At {@link #AIM} it is a seventh of what it is at 1. */
    private static final double PROPORTIONAL = 4;

    /** A load that is twice what it should be halves the rate in two seconds. */
    private static final double INTEGRAL = 0.25;

    /** Over which the load is averaged. */
    private static final double LOAD_SECONDS = 0.5;

    /** Over which the rate is measured at which batches come. */
    private static final double RATE_SECONDS = 2;

    /** What was not used is kept for so long. */
    private static final double KEPT_SECONDS = 0.02;

    private static final double ELAPSED_SECONDS_MAX = 1;
    private static final long WAIT_MICROS_MIN = 1000;

    private final int slowdownHeight;
    private final double bytesPerSecondMin;

    /** Bytes that may be handed over, less what was too early. */
    private final AtomicLong room = new AtomicLong();

    private volatile boolean isSlow;
    private volatile Debt debt = new Debt(0, 0);
    private volatile boolean isAnyWaiting; // Since the window began.
    private volatile double rate; // Bytes per second.

    // The writer's.
    private double logBase;
    private double measured;
    private double load;
    private long bytes;
    private long windowBegin;
    private long accruedAt;

    /**
     * What is to be merged.
     *
     * @param height rowsets that a look-up has to ask
     * @param gainUnderWay by which it becomes less with the merge that is under way
     */
    private record Debt(double height, double gainUnderWay) {}

    /**
     * {@code bytesPerSecondMin}: however far merges are behind, or if they fail for ever, as somebody may be about to
     * delete rows.
     *
     * @param slowdownHeight from which on it slows who writes
     */
    public WritePace(int slowdownHeight, long bytesPerSecondMin) {
        this.slowdownHeight = slowdownHeight;
        this.bytesPerSecondMin = bytesPerSecondMin;
    }

    /** One that never slows anybody. */
    public static WritePace unlimited() {
        return new WritePace(NEVER, 1);
    }

    /**
     * What is to be merged now.
     *
     * @param height rowsets that a look-up has to ask on average, what makes it dearer included
     * @param gainUnderWay by which it becomes less with the merge that is under way, 0 for none
     */
    public void owes(double height, double gainUnderWay) {
        debt = new Debt(height, gainUnderWay);
    }

    /** Bytes of batches that it takes in a second while it is slowed, else {@link #UNLIMITED}. */
    public long bytesPerSecond() {
        return isSlow ? (long) rate : UNLIMITED;
    }

    /** Whether who brings a batch may have to wait. */
    public boolean isSlow() {
        return isSlow;
    }

    /**
     * Lets a batch of so many bytes in, if there is any room; answers how much of that it takes, nothing while nobody
     * is slowed, or {@link #NO_ROOM}. {@link #decided} or {@link #leave} follows.
     */
    public long tryEnter(long batchBytes) {
        if (!isSlow) {
            return 0;
        }
        long before;
        do { // Not by looking and taking: many who look at once would all come in.
            before = room.get();
            if (before <= 0) {
                isAnyWaiting = true;
                return NO_ROOM;
            }
        } while (!room.compareAndSet(before, before - batchBytes));
        return batchBytes;
    }

    /** What was taken for one batch is another one's, of so many bytes; answers what that has taken. */
    public long passOn(long taken, long batchBytes) {
        if (taken == 0) {
            return 0;
        }
        leave(taken - batchBytes);
        return batchBytes;
    }

    /** Who was let in brings no batch: what he has taken is free again. */
    public void leave(long taken) {
        if (isSlow && taken != 0) {
            room.addAndGet(taken);
        }
    }

    /** A batch was decided. */
    public void decided(long decidedBytes) {
        bytes += decidedBytes;
    }

    /** Whether it is time for {@link #adjust}. */
    public boolean isWindowOver(long now) {
        return slowdownHeight != NEVER && (now - windowBegin >= WINDOW_MICROS || now < windowBegin);
    }

    /** Makes room for what may be handed over since the last time, while it is slow. */
    public void accrue(long now) {
        double elapsed = Math.min(ELAPSED_SECONDS_MAX, seconds(now - accruedAt));
        long most = (long) Math.max(1, rate * KEPT_SECONDS);
        long more = (long) (rate * elapsed);
        if (more > 0 || now < accruedAt) { // Else it is left for the next time.
            room.addAndGet(Math.clamp(most - room.get(), 0, more));
            accruedAt = now;
        }
    }

    /**
     * Finds the rate for the next window.
     *
     * @param flushed how many rowsets there will be of what is in memory now
     * @param merged how much is done of the merge that is under way, from 0 to 1
     */
    public void adjust(long now, double flushed, double merged) {
        Debt present = debt;
        double height = present.height() == 0 ? 0 : present.height() + flushed - merged * present.gainUnderWay();
        adjust(seconds(now - windowBegin), height);
        windowBegin = now;
        if (!isSlow) {
            accruedAt = now;
        }
    }

    private static double seconds(long micros) {
        return Math.max(0, micros) / (double) TimeUnit.SECONDS.toMicros(1);
    }

    private void adjust(double seconds, double height) {
        measured += (bytes / Math.max(seconds, 1e-3) - measured) * -Math.expm1(-seconds / RATE_SECONDS);
        bytes = 0;
        load += (height / slowdownHeight - load) * -Math.expm1(-seconds / LOAD_SECONDS);
        if (!isSlow && load > 1) {
            logBase = Math.log(Math.max(bytesPerSecondMin, measured)) - PROPORTIONAL * (AIM - load);
            rate = rate();
            room.set(0);
            isSlow = true;
        } else if (isSlow && load < RELEASE) {
            isSlow = false;
        } else if (isSlow) {
            // Not more where nobody wants more, nor less than the least.
            boolean isOfUse = load < AIM ? isAnyWaiting : rate > bytesPerSecondMin;
            logBase += isOfUse ? INTEGRAL * (AIM - load) * Math.min(ELAPSED_SECONDS_MAX, seconds) : 0;
            rate = rate();
        }
        isAnyWaiting = false;
    }

    private double rate() {
        return Math.max(bytesPerSecondMin, Math.exp(logBase + PROPORTIONAL * (AIM - load)));
    }

    /** Until there is room, at least as long as it pays to sleep; 0 if there is. */
    public long microsToRoom() {
        long missing = -room.get();
        if (!isSlow || missing < 0) {
            return 0;
        }
        return Math.max(WAIT_MICROS_MIN, (long) ((missing + 1) / rate * TimeUnit.SECONDS.toMicros(1)));
    }
}
