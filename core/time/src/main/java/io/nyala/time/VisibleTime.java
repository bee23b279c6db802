package io.nyala.time;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Which timestamps of a tablet can be read: {@code visible} is the largest one such that it and all smaller ones are
 * durable. Those before the {@link HistoryMark} cannot.
 *
 * <p>A read at a given time T makes a promise: what it saw at T stays all there is at T. So it raises the
 * <em>floor</em> to T, the writer draws above the floor, and the reader waits for what had been drawn at or below T.
 * The writer publishes a drawn timestamp before it looks at the floor, the reader raises the floor before it looks at
 * the drawn one: both are volatile, so at least one of the two sees the other (Dekker), and either the writer draws
 * again or the reader waits.
 *
 * <p>One writer, many readers, no locks.
 */
public final class VisibleTime {
    private final HistoryMark history;
    private final AtomicLong floor = new AtomicLong();
    private volatile long drawn;
    private volatile long visible;

    /** With everything up to {@code recovered} durable, and nothing left out of the past yet. */
    public VisibleTime(long recovered) {
        this(recovered, HybridTime.NONE);
    }

    /** As above, with what can be read from {@code historyMark} on only, which is no more than that. */
    public VisibleTime(long recovered, long historyMark) {
        assert historyMark <= recovered : "history from " + historyMark + " on, and nothing after " + recovered;
        history = new HistoryMark(historyMark);
        drawn = recovered;
        visible = recovered;
    }

    /** Where what can be read begins; never above {@link #visible}. */
    public HistoryMark history() {
        return history;
    }

    /** Largest timestamp that everything at or below is durable at; a snapshot of the latest state. */
    public long visible() {
        return visible;
    }

    /** Writer: takes {@code timestamp} unless a reader was promised that nothing will happen there. */
    public boolean tryDraw(long timestamp) {
        assert timestamp > drawn : "timestamp " + timestamp + " is not above " + drawn;
        drawn = timestamp;
        return floor.get() < timestamp;
    }

    /** Writer: everything up to {@code timestamp} is durable. */
    public void advance(long timestamp) {
        assert timestamp >= visible : "visible time would go back from " + visible + " to " + timestamp;
        visible = timestamp;
    }

    /**
     * Writer: everything drawn is durable, or came to nothing: a batch that was refused or changed nothing, or a time
     * that a reader had been promised. Readers need not wait for the next write to hear of it. Answers whether there
     * was anything to settle.
     */
    public boolean settle() {
        boolean isUnsettled = visible != drawn;
        if (isUnsettled) {
            visible = drawn;
        }
        return isUnsettled;
    }

    /** Writer: whether there are times that readers would have to wait for. */
    public boolean isUnsettled() {
        return visible != drawn;
    }

    /** Reader: nothing will happen at or below {@code timestamp} any more, except what was drawn already. */
    public void promise(long timestamp) {
        floor.accumulateAndGet(timestamp, Math::max);
    }

    /** Reader: whether all that was drawn at or below a promised {@code timestamp} is visible. */
    public boolean isSettled(long timestamp) {
        long newest = drawn;
        return visible >= Math.min(newest, timestamp);
    }
}
