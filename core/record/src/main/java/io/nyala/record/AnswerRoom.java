package io.nyala.record;

import io.nyala.memory.Check;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the answers of all tablets of a host may take together. All of them are written again whenever the log is to
 * forget what is before; so they must be a small part of what is kept of it, or nothing else would be written any more.
 *
 * <p>Thread-safe. Tablets ask, and take a moment later: there may be more by one answer for each writer.
 */
public final class AnswerRoom {
    private final long limitBytes;
    private final Runnable wanted;
    private final AtomicLong usedBytes = new AtomicLong();
    private volatile boolean isWanted;

    /**
     * @param limitBytes as answers take in the log
     * @param wanted called when a request was refused for want of room: late clients should be forgotten then
     */
    public AnswerRoom(long limitBytes, Runnable wanted) {
        Check.positive("limitBytes", limitBytes);
        this.limitBytes = limitBytes;
        this.wanted = wanted;
    }

    /** Where each tablet has limits of its own only. */
    public static AnswerRoom unlimited() {
        return new AnswerRoom(Long.MAX_VALUE, () -> {});
    }

    /** Whether there is room for so much more; always if it is less than before. */
    boolean isFree(long moreBytes) {
        return moreBytes <= 0 || moreBytes <= limitBytes - usedBytes.get();
    }

    void want() {
        isWanted = true;
        wanted.run();
    }

    /** Whether a request was refused since this was asked the last time. */
    public boolean takeWanted() {
        boolean was = isWanted;
        isWanted = false;
        return was;
    }

    void change(long moreBytes) {
        long used = usedBytes.addAndGet(moreBytes);
        assert used >= 0 : "answers take " + used + " bytes";
    }

    public long usedBytes() {
        return usedBytes.get();
    }

    public long limitBytes() {
        return limitBytes;
    }
}
