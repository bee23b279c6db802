package io.nyala.compaction;

import java.util.Objects;

/**
 * What a piece of maintenance is for, the most urgent first. Work of a higher lane is claimed before that of a lower
 * one, but for the turns that each lane has, so that none waits for ever.
 *
 * <p>Whose turn it is follows from one number, the turns so far: 16 bits of each lane say how often it was passed over
 * while it had work. Pure.
 */
public enum Lane {
    /** Flushes without which the log cannot forget anything: at its limit all writes wait. */
    FREE_LOG(0, 0, "free the log"),
    /** Flushes that free memory, for which batches wait sooner or later. */
    FREE_MEMORY(1, 1, "free memory"),
    /** Merges by which reads ask fewer files. */
    KEEP_READS_FAST(2, 4, "keep reads fast"),
    /** Merges that make files fewer and no read faster. */
    RECLAIM_SPACE(3, 16, "reclaim space");

    /** No lane has been passed over. */
    static final long NO_TURNS = 0;

    private static final Lane[] ALL = values();
    private static final int PASSED_BITS = 16;
    private static final long PASSED_MAX = (1L << PASSED_BITS) - 1;

    private final int place;
    private final int patience;
    private final String words;

    Lane(int place, int patience, String words) {
        this.place = place;
        this.patience = patience;
        this.words = words;
    }

    /** Claims for which it lets higher lanes go first while it has work; then it is its turn. */
    public int patience() {
        return patience;
    }

    /**
     * While it has work, one of so many claims is its, whatever others have: all others may lose their patience at the
     * same time, and go before it once each.
     */
    public int claimsMax() {
        return patience + ALL.length;
    }

    /** What it is for. */
    public String words() {
        return words;
    }

    /** Lanes as a set. */
    public static int set(Lane... lanes) {
        int set = 0;
        for (Lane lane : lanes) {
            set |= lane.bit();
        }
        return set;
    }

    /** From 0 on, the most urgent first. */
    int place() {
        return place;
    }

    int bit() {
        return 1 << place;
    }

    boolean isIn(int set) {
        return (set & bit()) != 0;
    }

    /** Of those that have lost their patience the one that has for longest, else the highest. */
    static Lane next(long turns, int published) {
        Lane highest = null;
        Lane next = null;
        for (Lane lane : ALL) {
            if (lane.isIn(published)) {
                highest = highest == null ? lane : highest;
                next = lane.isImpatient(turns) && (next == null || lane.overdue(turns) > next.overdue(turns))
                        ? lane
                        : next;
            }
        }
        return Objects.requireNonNull(next == null ? highest : next, "no lane has work");
    }

    /**
     * The turns after one of the lanes that were {@code asked} for has had its own: those that had work as well were
     * passed over, and who had none does not wait.
     */
    static long after(long turns, int asked, int published, Lane claimed) {
        long after = NO_TURNS;
        for (Lane lane : ALL) {
            long passed = lane.passed(turns);
            if (lane.isIn(asked)) {
                passed = lane == claimed || !lane.isIn(published) ? 0 : Math.min(PASSED_MAX, passed + 1);
            }
            after |= passed << (lane.place * PASSED_BITS);
        }
        return after;
    }

    private boolean isImpatient(long turns) {
        return passed(turns) > 0 && overdue(turns) >= 0;
    }

    private long overdue(long turns) {
        return passed(turns) - patience;
    }

    private long passed(long turns) {
        return (turns >>> (place * PASSED_BITS)) & PASSED_MAX;
    }
}
