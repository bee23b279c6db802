package io.nyala.engine;

import io.nyala.memory.MemoryLimitException;
import io.nyala.table.HostedTablet;
import io.nyala.tablet.Tablet;

/** What maintenance does besides flushing: seeing to memory, and letting the log forget. */
final class Upkeep implements Maintenance.Housekeeping {
    /** Segments of the write-ahead log that are kept for rows in memory: 512 MiB at the default size. */
    private static final int LOG_SEGMENTS_MAX = 8;

    private final OpenEngine engine;
    private int segmentsRelieved;

    Upkeep(OpenEngine engine) {
        this.engine = engine;
    }

    @Override
    public void takeDownTablets() {
        engine.tablets().takeDown();
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
        for (HostedTablet hosted : engine.tablets().all()) {
            long need = hosted.tablet().neededFrom();
            if (need < oldestNeed) {
                oldest = hosted.tablet();
                oldestNeed = need;
            }
        }
        if (oldest != null) {
            oldest.pressure().wantFlush();
        }
    }

    /**
     * The tablet that has most rows in memory is flushed, also if that is another one than whose batch waits, or if one
     * waits that is only being filled. Where
     * there is nothing to flush, others have the memory, who need not give it back: then the batch does not wait.
     */
    @Override
    public void relieveMemory() {
        boolean isWanted = engine.batchMemory().isWanted();
        for (Tablet tablet : engine.tablets().open()) {
            isWanted |= tablet.pressure().isMemoryWanted();
        }
        if (!isWanted) {
            return;
        }
        Tablet largest = null;
        boolean isReclaiming = false;
        for (Tablet tablet : engine.tablets().open()) {
            isReclaiming |= tablet.isReclaiming();
            if (tablet.hasRowsInMemory() && (largest == null || tablet.memoryBytes() > largest.memoryBytes())) {
                largest = tablet;
            }
        }
        if (largest != null) {
            largest.pressure().wantFlush();
        } else if (!isReclaiming) {
            refuseMemory(new MemoryLimitException("there is nothing to flush, the memory is used for other things: "
                    + engine.memory().usage()));
        }
    }

    @Override
    public void flushFailed(RuntimeException reason) {
        refuseMemory(reason);
    }

    @Override
    public void flushesEnd(RuntimeException reason) {
        engine.batchMemory().end(reason);
    }

    private void refuseMemory(RuntimeException reason) {
        engine.batchMemory().refuse(reason);
        for (Tablet tablet : engine.tablets().open()) {
            if (tablet.pressure().isMemoryWanted()) {
                tablet.pressure().refuseMemory(reason);
            }
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
        for (HostedTablet hosted : engine.tablets().all()) {
            releasable = Math.min(releasable, hosted.tablet().neededFrom() - 1);
        }
        engine.log().releaseUpTo(releasable);
    }
}
