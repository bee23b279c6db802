package io.nyala.engine;

import io.nyala.tablet.Tablet;

/** What maintenance does besides flushing: the clock's lease, and letting the log forget. */
final class Upkeep implements Maintenance.Housekeeping {
    /** Segments of the write-ahead log that are kept for rows in memory: 512 MiB at the default size. */
    private static final int LOG_SEGMENTS_MAX = 8;

    private final OpenEngine engine;
    private int segmentsRelieved;

    Upkeep(OpenEngine engine) {
        this.engine = engine;
    }

    @Override
    public boolean renewLease() {
        boolean isWanted = engine.clock().isRenewalWanted();
        if (isWanted) {
            engine.renewLease();
        }
        return isWanted;
    }

    /** The tablet whose rows in memory need the oldest records is flushed, however few they are. */
    @Override
    public void relieveLog() {
        int segmentCount = engine.log().segmentCount();
        if (segmentCount <= Math.max(LOG_SEGMENTS_MAX, segmentsRelieved)) {
            // Forgetting takes a moment; what was asked for is not asked for again before the log is longer still.
            segmentsRelieved = Math.min(segmentsRelieved, segmentCount);
            return;
        }
        segmentsRelieved = segmentCount;
        Tablet oldest = null;
        long oldestNeed = Long.MAX_VALUE;
        for (Tablet tablet : engine.tablets().values()) {
            long need = tablet.neededFrom();
            if (need < oldestNeed) {
                oldest = tablet;
                oldestNeed = need;
            }
        }
        if (oldest != null && !oldest.isFlushWanted()) {
            oldest.wantFlush();
        }
    }

    @Override
    public void flushEnded(boolean isDone) {
        engine.counters().flushed(isDone);
    }

    /**
     * The log is read first: a record up to there is in its tablet's memory already, so a tablet that has nothing in
     * memory after that does not need it.
     */
    @Override
    public void releaseLog() {
        long releasable = engine.log().durableUpTo();
        for (Tablet tablet : engine.tablets().values()) {
            releasable = Math.min(releasable, tablet.neededFrom() - 1);
        }
        engine.log().releaseUpTo(releasable);
    }
}
