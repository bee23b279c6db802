package io.nyala.engine;

import io.nyala.catalog.TableDescription;
import io.nyala.io.Parking;
import io.nyala.maintenance.Housekeeping;
import io.nyala.memory.MemoryLimitException;
import io.nyala.table.HostedTablet;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.DeltaMergeTask;
import io.nyala.tablet.MergeTask;
import io.nyala.tablet.Merging;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.time.HybridTime;
import io.nyala.wal.StreamNeeds;
import io.nyala.wal.WriteAheadLog;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;

/**
 * What maintenance does besides flushing: seeing to memory, and letting the log and old answers be forgotten. The
 * worker's, but for {@link #isLogReliefDue}, which any thread may ask.
 */
final class Upkeep implements Housekeeping {
    /** Segments of the write-ahead log that are kept for rows in memory: 512 MiB at the default size. */
    static final int LOG_SEGMENTS_MAX = 8;

    /** Between two attempts to flush what holds a log that is at its limit. */
    private static final long RETRY_MICROS = 1_000_000;

    /** Flushes for the log's sake that are asked for at a time; each that ends makes room for the next. */
    private static final int RELIEVING_MAX = 16;

    /** Tablets that are looked at for each flush, to see which part of a log that is not long can be released. */
    private static final int TABLETS_PER_FLUSH = 64;

    private static final Logger LOG = System.getLogger(Upkeep.class.getName());

    private final OpenEngine engine;

    /** Asked for a flush for the log's sake since its newest segment began: whom it did not help is not asked again. */
    private final Set<Tablet> asked = new HashSet<>();

    /** Of those, whose flush has not begun. */
    private final Set<Tablet> relieving = new HashSet<>();

    /** First record of the segment that was the newest then. */
    private volatile long relievedAt;

    /** When flushes that did not help the log at its limit are tried again; 0 while it is not there. */
    private volatile long retriedFrom;

    private boolean hasFlushEnded;
    private boolean isMemoryWanted;
    private int flushesSinceRelease;

    Upkeep(OpenEngine engine) {
        this.engine = engine;
    }

    @Override
    public void start(Agent worker, IdleStrategy idle, Parking parking) {
        engine.agents().start(worker, idle, parking);
    }

    @Override
    public void takeDownTablets() {
        engine.tablets().takeDown();
    }

    @Override
    public int closeMerged() {
        return engine.flushes().closeMerged(true);
    }

    @Override
    public boolean isLogReliefDue() {
        WriteAheadLog log = engine.log();
        return (log.segmentCount() > LOG_SEGMENTS_MAX && log.newestFrom(1) != relievedAt)
                || (log.isAtLimit() && engine.micros() >= retriedFrom);
    }

    /**
     * Tablets that need records which should be gone are flushed, however few they are, those that need the oldest
     * first. Looked at when the log has become longer and when a flush has ended, whether it helped or failed.
     */
    @Override
    public void relieveLog() {
        boolean isWanted = engine.answers().takeWanted();
        if ((isWanted || hasFlushEnded) && engine.answers().usedBytes() > 0) {
            engine.tablets().open().forEach(Tablet::forgetLateAnswers); // Those that nobody writes to any more, too.
        }
        boolean isAtLimit = engine.log().isAtLimit();
        if (!isAtLimit) {
            retriedFrom = 0;
        }
        if (isLogReliefDue()) {
            relievedAt = engine.log().newestFrom(1);
            asked.clear();
        } else if (!hasFlushEnded) {
            return;
        }
        hasFlushEnded = false;
        if (engine.log().segmentCount() <= LOG_SEGMENTS_MAX) {
            return; // Nobody needs older ones, and there may be a great many tablets to ask.
        }
        relieving.retainAll(engine.tablets().open()); // The others are being taken down.
        long keptFrom = engine.log().newestFrom(LOG_SEGMENTS_MAX);
        engine.tablets().open().stream()
                .filter(tablet -> !asked.contains(tablet) && !relieving.contains(tablet))
                .filter(tablet -> engine.maintenance().backingOff(tablet).isEmpty())
                .map(Need::of)
                .filter(need -> need.from() < keptFrom)
                .sorted(Comparator.comparingLong(Need::from))
                .limit(RELIEVING_MAX - relieving.size())
                .forEach(need -> relieve(need.tablet()));
        if (isAtLimit) {
            seeToLimit();
        }
    }

    /** Writes wait for the flushes that were asked for; where there is none, they would wait for ever. */
    private void seeToLimit() {
        if (retriedFrom == 0) {
            LOG.log(Level.WARNING, "the log has reached its limit, and writes wait for flushes: " + holder());
        }
        if (engine.micros() >= retriedFrom) {
            retriedFrom = engine.micros() + RETRY_MICROS;
        }
        if (relieving.isEmpty()) {
            engine.log().refuseAtLimit(holder());
        }
    }

    private String holder() {
        EngineView.Log log = EngineView.Log.of(engine);
        String limit = String.format(
                "%,d segments of %,d bytes",
                engine.config().logSegmentsMax(), engine.config().logSegmentBytes());
        if (log.oldestTablet().isEmpty()) {
            return limit + ", which no tablet needs";
        }
        long id = log.oldestTablet().getAsLong();
        String failure = engine.maintenance().failures().stream()
                .map(Throwable::getMessage)
                .findFirst()
                .map(message -> "; flushes fail: " + message)
                .orElse("");
        return limit + ", of which tablet " + id + " needs the oldest; see why it is not flushed, or open the engine"
                + " with a larger logSegmentsMax" + failure;
    }

    /** A tablet, and the oldest record that it needs. */
    private record Need(Tablet tablet, long from) {
        static Need of(Tablet tablet) {
            return new Need(tablet, tablet.neededFrom());
        }
    }

    private void relieve(Tablet tablet) {
        asked.add(tablet);
        relieving.add(tablet);
        tablet.pressure().wantFlush();
    }

    @Override
    public boolean isForLog(Tablet tablet) {
        return relieving.contains(tablet);
    }

    @Override
    public void flushBegins(Tablet tablet) {
        relieving.remove(tablet);
    }

    /**
     * The tablet that has most rows in memory is flushed, also if that is another one than whose batch waits, or if one
     * waits that is only being filled. Where there is nothing to flush, others have the memory, who need not give it
     * back: then the batch does not wait. Nor does it where only such are left whose flushes fail.
     */
    @Override
    public void relieveMemory(boolean isWantedByTablet) {
        isMemoryWanted = isWantedByTablet || engine.batchMemory().isWanted();
        if (!isMemoryWanted) {
            return;
        }
        Tablet largest = null;
        long mostBytes = 0;
        boolean isReclaiming = false;
        Optional<RuntimeException> failure = Optional.empty();
        for (Tablet tablet : engine.tablets().open()) {
            isReclaiming |= tablet.isReclaiming();
            long bytes = TabletView.flushableBytes(tablet);
            Optional<RuntimeException> backingOff = engine.maintenance().backingOff(tablet);
            if (bytes > 0 && backingOff.isPresent()) {
                failure = backingOff;
                tablet.pressure().wantFlush(); // Later.
            } else if (bytes > mostBytes) {
                largest = tablet;
                mostBytes = bytes;
            } else if (bytes == 0 && tablet.hasRowsInMemory()) {
                tablet.merging().oweFlush(); // A merge has changes of its rows, which are flushed after it.
                isReclaiming = true;
            }
        }
        if (largest != null) {
            largest.pressure().wantFlush();
        } else if (!isReclaiming) {
            refuseMemory(failure.orElseGet(
                    () -> new MemoryLimitException("there is nothing to flush, the memory is used for other things: "
                            + engine.memory().usage())));
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
    public void flushEnded(boolean isDone, boolean hasWritten, long writtenBytes) {
        hasFlushEnded = true;
        if (hasWritten || !isDone) {
            engine.counters().flushed(isDone, writtenBytes);
        }
    }

    @Override
    public void mergeEnded(Merging.Task merge, boolean isDone) {
        switch (merge) {
            case MergeTask ofRowSets -> engine.counters().merged(ofRowSets, isDone);
            case DeltaMergeTask ofDeltas -> engine.counters().deltasMerged(ofDeltas, isDone);
        }
    }

    /**
     * The log is read first: a record up to there is in its tablet's memory already, so a tablet that has nothing in
     * memory after that does not need it. It asks all tablets: while the log is short, in one of so many flushes that
     * each stands for a few looks.
     */
    @Override
    public void releaseLog() {
        int segmentCount = engine.log().segmentCount();
        flushesSinceRelease++;
        boolean isLater = flushesSinceRelease < engine.tablets().all().size() / TABLETS_PER_FLUSH;
        if (segmentCount == 1 || (segmentCount <= LOG_SEGMENTS_MAX && isLater)) {
            return; // The one that is written to stays; of a short log others may stay for some more flushes.
        }
        flushesSinceRelease = 0;
        var needs = new StreamNeeds.Builder(engine.log().durableUpTo());
        for (HostedTablet hosted : engine.tablets().all()) {
            needs.add(hosted.id(), hosted.tablet().neededFrom());
        }
        engine.log().release(needs.build());
    }

    @Override
    public boolean isPressed() {
        return isMemoryWanted || engine.log().isAtLimit();
    }

    @Override
    public double mergeWeight(Tablet tablet) {
        return MergeSwitches.weight(engine.storage().settings(tablet.id()));
    }

    @Override
    public long commitCount() {
        return engine.counters().commitCount();
    }

    @Override
    public long slowCommitCount() {
        return engine.counters().slowCommitCount();
    }

    @Override
    public long overdueCommitCount() {
        return engine.counters().overdueCommitCount();
    }

    @Override
    public void mergePaused() {
        engine.counters().mergePaused();
    }

    @Override
    public long historyMark(Tablet tablet) {
        long wanted = Math.min(engine.historyMark(engine.storage().historySecondsIfAny(tablet.id())), tablet.visible());
        return tablet.time().history().ifRaised(wanted);
    }

    @Override
    public long microsOfMark(Tablet tablet, long time) {
        long seconds = engine.storage().historySecondsIfAny(tablet.id());
        return seconds == TableDescription.HISTORY_FOREVER
                ? Long.MAX_VALUE
                : HybridTime.micros(time) + 1 + TimeUnit.SECONDS.toMicros(seconds); // All of that microsecond.
    }

    @Override
    public long micros() {
        return engine.micros();
    }

    @Override
    public RuntimeException droppedReason(Tablet tablet) {
        return new TableDroppedException(
                "tablet " + tablet.id() + " was dropped, or its table was changed; flush the table again");
    }

    @Override
    public RuntimeException closedReason() {
        return new EngineClosedException();
    }

    @Override
    public RuntimeException endedReason(Throwable cause) {
        return new MaintenanceFailedException(cause);
    }

    @Override
    public RuntimeException workerEndedReason(String worker, Throwable cause) {
        return new MaintenanceFailedException(worker, cause);
    }
}
