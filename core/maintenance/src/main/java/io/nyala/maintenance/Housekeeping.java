package io.nyala.maintenance;

import io.nyala.io.Parking;
import io.nyala.tablet.Merging;
import io.nyala.tablet.Tablet;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;

/** What a host does between flushes, and how it calls what ends them. The worker's, but for what says otherwise. */
public interface Housekeeping {
    /** Starts one more worker, which ends when all others do. Any thread. */
    void start(Agent worker, IdleStrategy idle, Parking parking);

    /** Lets the log reuse what no tablet needs any more. */
    void releaseLog();

    /**
     * Closes tablets that were dropped and are not used any more. No flush is under way, nor a merge of them. As {@link
     * #closeMerged}, it may be within it still when the next worker comes to it.
     */
    void takeDownTablets();

    /** Closes rowsets that were merged and have no reader any more, and deletes their files; answers how many. */
    int closeMerged();

    /** Whether the log has grown long, and longer since that was last seen to. Any thread. */
    boolean isLogReliefDue();

    /** Asks for the flushes that let a log that has grown long forget what it should not have any more. */
    void relieveLog();

    /** Whether a flush is due that {@link #relieveLog} asked for. */
    boolean isForLog(Tablet tablet);

    /** What was due before has begun. */
    void flushBegins(Tablet tablet);

    /**
     * Asks for the flush that frees most memory, if a batch waits for memory; or says that none will.
     *
     * @param isWantedByTablet whether one waits that a tablet has taken already
     */
    void relieveMemory(boolean isWantedByTablet);

    /** A flush has failed that may have been for other tablets' sake. */
    void flushFailed(RuntimeException reason);

    /** There will be no flush any more. */
    void flushesEnd(RuntimeException reason);

    /**
     * A flush is done, or has failed.
     *
     * @param hasWritten whether there was anything to write
     * @param writtenBytes of its files, also of one that failed half-way
     */
    void flushEnded(boolean isDone, boolean hasWritten, long writtenBytes);

    /** Rowsets or delta files were merged, or that has failed. */
    void mergeEnded(Merging.Task merge, boolean isDone);

    /** Whether batches wait for memory, or for the log to become shorter: flushes bring that about, merges do not. */
    boolean isPressed();

    /**
     * How much the merges of a tablet count beside those of others: 1 is usual; 0 if its rowsets may not be merged
     * without anybody's asking. Any thread.
     */
    double mergeWeight(Tablet tablet);

    /** Commits that were answered, of all times. Any thread. */
    long commitCount();

    /** Of these, how many took so long that merges are to yield. Any thread. */
    long slowCommitCount();

    /** Commits that have not been answered, and have been waiting for so long by now. Any thread. */
    long overdueCommitCount();

    /** A merge waits with its next step, so that it takes no more than its share. Any thread. */
    void mergePaused();

    /** Time before which nobody would read a tablet any more that were merged now. Any thread. */
    long historyMark(Tablet tablet);

    /**
     * When {@link #historyMark} is at a time, in the time of day, unless somebody holds it before; {@link
     * Long#MAX_VALUE} for never.
     */
    long microsOfMark(Tablet tablet, long time);

    /** The time of day. Any thread. */
    long micros();

    /** What is heard by who wants something of a tablet that is none any more. Any thread. */
    RuntimeException droppedReason(Tablet tablet);

    /** What is heard by who wants something of maintenance that was stopped. */
    RuntimeException closedReason();

    /** What is heard by who wants something of maintenance that has ended by a mistake of ours. */
    RuntimeException endedReason(Throwable cause);

    /** What is heard by who wants a merge whose worker has ended by a mistake of ours. */
    RuntimeException workerEndedReason(String worker, Throwable cause);
}
