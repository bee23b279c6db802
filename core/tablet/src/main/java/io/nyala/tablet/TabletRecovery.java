package io.nyala.tablet;

import io.nyala.memory.Check;
import io.nyala.memory.Slab;
import io.nyala.memrowset.MemRowSet;
import io.nyala.record.AnswersFormat;
import io.nyala.record.RequestName;
import io.nyala.record.RequestResults;
import io.nyala.record.TabletRecordFormat;
import io.nyala.rows.Effect;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyIntervals;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.RowLayout;
import io.nyala.time.HybridTime;
import io.nyala.wal.CommitLog;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tablet on its way up: the rowsets that its manifest names, and the log records since, applied again exactly as the
 * writer did: they were decided then. {@link #start} makes a tablet of it.
 *
 * <p>One thread. Close it if it is not started.
 */
public final class TabletRecovery implements AutoCloseable {
    private final TabletConfig config;
    private final KeyIntervals<LiveRowSet> rowSets;
    private final KeyIntervals<MissingRowSet> missing;
    private final KeyCodec keys;
    private final MemRowSet replayed;
    private @Nullable Slab nextSlab;
    private final long appliedUpTo;
    private final long flushedUpTo;
    private long mergedUpTo;
    private long historyMark = HybridTime.NONE;
    private long sequence;
    private long replayedUpTo;
    private long recordTime;
    private long newestTime;
    private long keptFrom = Long.MAX_VALUE;
    private @Nullable RequestResults results;
    private long answersFrom = Long.MAX_VALUE;
    private long changesReplayed;
    private boolean isStarted;

    /**
     * @param rowSets the tablet's rowsets, open; owned from here on
     * @param missing the others, which cannot be read. Times of their changes are not known, but the lease of the clock
     *     covers them
     * @param appliedUpTo rows that log records up to this sequence inserted are in one or the other
     */
    public TabletRecovery(
            TabletConfig config, List<LiveRowSet> rowSets, List<MissingRowSet> missing, long appliedUpTo) {
        this.config = config;
        this.rowSets = KeyIntervals.of(rowSets);
        this.missing = KeyIntervals.of(missing);
        this.keys = new KeyCodec(new RowLayout(config.schema()));
        this.replayed = new MemRowSet(1, config.schema(), config.memory());
        this.appliedUpTo = appliedUpTo;
        this.sequence = appliedUpTo;
        long flushed = appliedUpTo;
        for (MissingRowSet rowSet : missing) {
            flushed = Math.min(flushed, rowSet.appliedUpTo());
        }
        for (LiveRowSet rowSet : rowSets) {
            flushed = Math.min(flushed, rowSet.appliedUpTo());
            newestTime = Math.max(newestTime, rowSet.newestChange());
        }
        this.flushedUpTo = flushed;
    }

    /**
     * Where a tablet stands after recovery.
     *
     * @param map its rows
     * @param nextSlab what the next MemRowSet begins with; null while there are no rows in memory
     * @param sequence newest log record whose effects it has
     * @param time newest change it has
     * @param historyMark before which it cannot be read
     * @param keptFrom first log record that concerns a rowset that cannot be read; {@link Long#MAX_VALUE} for none
     * @param results what named requests were answered; null for none
     * @param answersFrom first log record of those; {@link Long#MAX_VALUE} for none
     */
    record Beginning(
            RowSetMap map,
            @Nullable Slab nextSlab,
            long sequence,
            long time,
            long historyMark,
            long keptFrom,
            @Nullable RequestResults results,
            long answersFrom) {}

    /** Whose record it is; all that a host needs to route it. */
    public static long tabletId(MemorySegment memory, long record, int recordBytes) {
        return TabletRecordFormat.tabletId(memory, record, recordBytes);
    }

    /**
     * Applies one log record of this tablet, but for those of its effects that are in files already; and remembers what
     * was answered.
     */
    public void replay(long recordSequence, MemorySegment memory, long record, int recordBytes) {
        if (recordSequence <= replayedUpTo) {
            return;
        }
        int kind = TabletRecordFormat.kind(memory, record, recordBytes);
        check(memory, record, recordBytes);
        if (kind == TabletRecordFormat.ANSWERS) {
            AnswersFormat.read(memory, record, recordBytes, recordSequence, resultsFrom(recordSequence));
        } else {
            replayBatch(recordSequence, memory, record, recordBytes);
        }
        replayedUpTo = recordSequence;
        sequence = Math.max(sequence, recordSequence);
        recordTime = TabletRecordFormat.timestamp(memory, record);
        newestTime = Math.max(newestTime, recordTime);
    }

    private void replayBatch(long recordSequence, MemorySegment memory, long record, int recordBytes) {
        TabletRecordFormat.Header header = TabletRecordFormat.readHeader(memory, record, recordBytes);
        boolean isOfThisSchema = header.schemaVersion() == config.schema().version();
        try {
            // All that came before is in files since the schema was altered; and all effects up to flushedUpTo are.
            if (isOfThisSchema && recordSequence > flushedUpTo) {
                apply(recordSequence, header, memory, record + header.bytes());
            }
        } catch (MalformedBytesException | IllegalStateException e) {
            throw new IllegalStateException(
                    "log record " + recordSequence + " of tablet " + config.id() + " has effects that make no sense: "
                            + e.getMessage() + ". Its checksum is right, so it was written like this; keep a copy of"
                            + " the directory and report it",
                    e);
        }
        RequestName name = header.name();
        if (name != null) { // Whatever became of its effects.
            resultsFrom(recordSequence)
                    .replay(
                            name,
                            header.timestamp(),
                            recordSequence,
                            TabletRecordFormat.readErrors(memory, record, header));
        }
    }

    /** What was answered, to which the record adds. */
    private RequestResults resultsFrom(long recordSequence) {
        answersFrom = Math.min(answersFrom, recordSequence);
        RequestResults known = results;
        if (known == null) {
            known = new RequestResults(config.answers());
            results = known;
        }
        return known;
    }

    private void apply(long recordSequence, TabletRecordFormat.Header header, MemorySegment memory, long firstEffect) {
        long end = firstEffect + header.effectBytes();
        long effect = firstEffect;
        for (int i = 0; i < header.effectCount(); i++) {
            int bytes = Effect.check(keys, memory, effect, end);
            boolean isNew =
                    Effect.kind(memory, effect) == Effect.INSERT || Effect.kind(memory, effect) == Effect.REINSERT;
            if (isNew) {
                insert(recordSequence, memory, effect, bytes, header.timestamp());
            } else {
                change(recordSequence, memory, effect, bytes, header.timestamp());
            }
            effect += bytes;
        }
        if (effect != end) {
            throw new IllegalStateException(
                    (end - effect) + " bytes follow the last of " + header.effectCount() + " effects");
        }
    }

    private void insert(long recordSequence, MemorySegment memory, long effect, int effectBytes, long time) {
        if (recordSequence > appliedUpTo) {
            if (nextSlab == null) {
                nextSlab = config.memory().take(MemRowSet.FIRST_SLAB_BYTES); // As the writer does, see Seals.
            }
            requireMemory(replayed.reserve(effectBytes, 1));
            replayed.replay(memory, effect, time);
            changesReplayed++;
        }
    }

    /**
     * Applies a change where the writer did: to the row of its key that was live then. Stores whose files have the log
     * up to this record do not count, they have it already. Of the others each is as it was then, because all effects
     * of earlier records that it lacked were applied before this one; and a key is live in one place at most. If it is
     * live in none of them, the change is in a file.
     */
    private void change(long recordSequence, MemorySegment memory, long effect, int effectBytes, long time) {
        long key = Effect.keyOffset(effect);
        int keyBytes = Effect.keyBytes(memory, effect);
        if (recordSequence > appliedUpTo) {
            long row = replayed.find(memory, key, keyBytes);
            if (row != 0 && replayed.isLive(row)) {
                requireMemory(replayed.reserve(effectBytes, 1));
                replayed.replay(memory, effect, time);
                changesReplayed++;
                return;
            }
        }
        boolean isInFile = recordSequence <= Math.max(appliedUpTo, mergedUpTo);
        int end = rowSets.end(memory, key, keyBytes);
        int rank = rowSets.rank(memory, key, keyBytes);
        for (int i = rowSets.next(0, end, rank); i < end; i = rowSets.next(i + 1, end, rank)) {
            LiveRowSet rowSet = rowSets.value(i);
            if (rowSet.appliedUpTo() >= recordSequence) {
                isInFile = true;
                continue;
            }
            long ordinal = rowSet.find(memory, key, keyBytes);
            if (ordinal >= 0) {
                change(rowSet, ordinal, recordSequence, memory, effect, time);
                return;
            }
        }
        if (!isOfMissing(recordSequence, memory, key, keyBytes) && !isInFile) {
            throw new IllegalStateException("a change of a row that is not there");
        }
    }

    /**
     * Whether a change may be one of a rowset that cannot be read. If it is not in its files yet, the log keeps it
     * until they can be.
     */
    private boolean isOfMissing(long recordSequence, MemorySegment memory, long key, int keyBytes) {
        boolean isOfMissing = false;
        int end = missing.end(memory, key, keyBytes);
        int rank = missing.rank(memory, key, keyBytes);
        for (int i = missing.next(0, end, rank); i < end; i = missing.next(i + 1, end, rank)) {
            isOfMissing = true;
            if (missing.value(i).appliedUpTo() < recordSequence) {
                keptFrom = Math.min(keptFrom, recordSequence);
            }
        }
        return isOfMissing;
    }

    private void change(
            LiveRowSet rowSet, long ordinal, long recordSequence, MemorySegment memory, long effect, long time) {
        rowSet.expectChange(Effect.bodyBytes(memory, effect));
        requireMemory(rowSet.reserveExpected(recordSequence));
        rowSet.apply(ordinal, memory, effect, time);
        changesReplayed++;
    }

    private void requireMemory(boolean isReserved) {
        Check.that(
                isReserved,
                "tablet " + config.id() + " has more unflushed rows in the log than fit in memory; open with a larger"
                        + " memoryBytes");
    }

    private void check(MemorySegment memory, long record, int recordBytes) {
        long tabletId = TabletRecordFormat.tabletId(memory, record, recordBytes);
        Check.that(
                tabletId == config.id(), "a record of tablet " + tabletId + " was replayed into tablet " + config.id());
        int recordVersion = TabletRecordFormat.schemaVersion(memory, record);
        int schemaVersion = config.schema().version();
        Check.that(
                recordVersion <= schemaVersion,
                "tablet " + config.id() + " has schema version " + schemaVersion + ", its log record has "
                        + recordVersion);
        long timestamp = TabletRecordFormat.timestamp(memory, record);
        Check.that(
                timestamp >= recordTime,
                "a record of tablet " + config.id() + " has the time " + timestamp + ", one before it " + recordTime);
    }

    /**
     * Of what merges have left out: changes of log records up to {@code sequence} may be of such rows, and nothing can
     * be read before {@code mark}. Nothing will happen there either: the mark was visible once, by changes perhaps that
     * were left out.
     */
    public void leftOut(long sequence, long mark) {
        mergedUpTo = sequence;
        historyMark = mark;
        startAbove(mark);
    }

    /** What was answered before, which log records from {@code neededFrom} on say; null for nothing. */
    public void startWith(@Nullable RequestResults answered, long neededFrom) {
        results = answered;
        answersFrom = answered == null ? Long.MAX_VALUE : neededFrom;
    }

    /** Nothing will happen at or below {@code time}: it was read already, in an earlier life of the tablet. */
    public void startAbove(long time) {
        newestTime = Math.max(newestTime, time);
    }

    public long id() {
        return config.id();
    }

    /** Rowsets that cannot be read. */
    public List<MissingRowSet> missingRowSets() {
        return missing.values();
    }

    /** Rows inserted, changed or deleted that only the log had, and that were applied again. */
    public long changesReplayed() {
        return changesReplayed;
    }

    /** Time of the newest change that was found. */
    public long newestTime() {
        return newestTime;
    }

    /** Opens the tablet for writes. */
    public Tablet start(CommitLog log, WriterAgent writer) {
        isStarted = true;
        var map = new RowSetMap(1, new FreshRows(replayed), List.of(), rowSets, missing);
        var beginning = new Beginning(map, nextSlab, sequence, newestTime, historyMark, keptFrom, results, answersFrom);
        var tablet = new Tablet(config, log, writer, beginning);
        tablet.applied(appliedUpTo);
        writer.attach(tablet);
        return tablet;
    }

    @Override
    public void close() {
        if (!isStarted) {
            replayed.close();
            if (nextSlab != null) {
                config.memory().giveBack(nextSlab);
            }
            rowSets.values().forEach(LiveRowSet::close);
            if (results != null) {
                results.close();
            }
        }
    }
}
