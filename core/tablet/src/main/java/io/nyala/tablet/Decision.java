package io.nyala.tablet;

import io.nyala.memrowset.Lookahead;
import io.nyala.memrowset.MemRowSet;
import io.nyala.record.RequestName;
import io.nyala.record.TabletRecordFormat;
import io.nyala.rows.Effect;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.RowLayout;
import io.nyala.time.TabletClock;
import io.nyala.wal.CommitLog;
import io.nyala.wal.Durability;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of each operation of a batch: an effect in the log record and in memory, an error, or nothing (the
 * {@code _IGNORE} kinds).
 *
 * <p>Effects are built in the log's buffer and applied from there one by one, so that an operation sees what those
 * before it in the same batch did. Room in the log and in memory is reserved first: once the first effect is applied
 * nothing can fail.
 *
 * <p>Belongs to the writer's thread. Allocates nothing per operation.
 */
final class Decision {
    /** What became of a batch. */
    enum Outcome {
        /** It has a sequence now. */
        DECIDED,
        /** The log's buffers are full, or the clock's lease is over; nothing has happened. */
        NO_LOG,
        /** There is no memory for its rows; nothing has happened. */
        NO_MEMORY
    }

    /**
     * Changes in memory of one rowset, as a part of what a MemRowSet may have, from which on they are flushed; those of
     * all rowsets are when they are as much as a MemRowSet. It is looked for that once in as many bytes of batches.
     */
    private static final int CHANGE_FLUSHES_PER_FLUSH = 4;

    private final Tablet tablet;
    private final RowLayout layout;
    private final Judgement judgement;
    private final Lookahead ahead = new Lookahead();

    // State of the batch being decided.
    private final List<RowHome> homes = new ArrayList<>();
    private long bytesSinceLook; // Of batches that changed rows on disk.
    private boolean isReserved;
    private long record;
    private int headerBytes;
    private int effectBytes;
    private int effectCount;
    private long timestamp;

    Decision(Tablet tablet) {
        this.tablet = tablet;
        this.layout = new RowLayout(tablet.schema());
        this.judgement = new Judgement(tablet, layout);
    }

    /** Decides a whole batch. Nothing has happened where it throws one of {@link WriteQueue}'s refusals. */
    Outcome run(TabletWrite write) {
        MemRowSet active = tablet.map().active().rows();
        Outcome outcome = null;
        try {
            outcome = tryRun(write, active);
            return outcome;
        } finally {
            if (isReserved) {
                abandon(); // Or nobody could append to the log any more.
            }
            if (outcome != Outcome.NO_LOG) { // That tries again in a moment.
                active.batchEnds();
                endBatchInHomes(write);
            }
        }
    }

    /** The batch that would be tried again is not. Rowsets may have gone since, with what it had reserved in them. */
    void giveUp(TabletWrite write) {
        tablet.map().active().rows().batchEnds();
        if (tablet.isProbeGood(write)) {
            endBatchInHomes(write);
        }
        homes.clear();
    }

    private void endBatchInHomes(TabletWrite write) {
        long flushBytes = tablet.config().flushBytes();
        long enough = flushBytes / CHANGE_FLUSHES_PER_FLUSH;
        boolean isFlushWanted = false;
        for (int i = 0; i < homes.size(); i++) {
            homes.get(i).batchEnds();
            isFlushWanted |= homes.get(i).flushableChangeBytes() > enough;
        }
        bytesSinceLook += homes.isEmpty() ? 0 : write.recordBytesMax;
        if (bytesSinceLook > enough) { // Else few changes in each of many rowsets would come to fill all memory.
            bytesSinceLook = 0;
            isFlushWanted |= tablet.map().flushableChangeBytes() > flushBytes;
        }
        if (isFlushWanted) {
            tablet.pressure().wantChangeFlush();
        }
        homes.clear(); // They are this batch's, and may be closed when the next one comes.
    }

    private Outcome tryRun(TabletWrite write, MemRowSet active) {
        CommitLog log = tablet.log();
        homes.clear();
        if (write.recordBytesMax > log.payloadBytesMax()) {
            throw BatchTooLargeException.ofRecord(write.operationCount(), write.recordBytesMax, log.payloadBytesMax());
        }
        locate(write);
        if (!hasMemoryForChanges() || !hasMemory(active, write)) {
            return Outcome.NO_MEMORY;
        }
        record = log.reserve((int) write.recordBytesMax);
        if (record == 0) {
            return Outcome.NO_LOG;
        }
        isReserved = true;
        timestamp = drawTimestamp();
        if (timestamp == TabletClock.NOT_LEASED) {
            return Outcome.NO_LOG;
        }
        headerBytes = TabletRecordFormat.headerBytes(write.name);
        effectBytes = 0;
        effectCount = 0;
        write.clearErrors();
        if (!write.isJudged()) {
            decideAll(write, active);
        } else if (judgement.run(write) || !write.isAtomic()) {
            doAsJudged(write, active);
        } else {
            rollBack(write);
        }
        finish(write, log);
        return Outcome.DECIDED;
    }

    private void decideAll(TabletWrite write, MemRowSet active) {
        MemorySegment source = write.operations().memory();
        for (int first = 0; first < write.operationCount(); first += Lookahead.KEYS_MAX) {
            int end = lookAhead(write, first, source);
            ahead.run(active);
            for (int i = first; i < end; i++) {
                RowErrorCode error = decide(write, i, source, active, ahead.find(i - first));
                if (error != null) {
                    write.addError(i, error);
                }
            }
        }
    }

    /** Takes the keys of the next operations; answers where they end. */
    private int lookAhead(TabletWrite write, int first, MemorySegment source) {
        int end = Math.min(write.operationCount(), first + Lookahead.KEYS_MAX);
        ahead.begin(source);
        for (int i = first; i < end; i++) {
            long operation = write.operationOffset(i);
            ahead.add(OperationFormat.keyOffset(source, operation), OperationFormat.keyBytes(source, operation));
        }
        return end;
    }

    private void doAsJudged(TabletWrite write, MemRowSet active) {
        MemorySegment source = write.operations().memory();
        for (int i = 0; i < write.operationCount(); i++) {
            RowErrorCode error = judgement.error(i);
            if (error == null) {
                long operation = write.operationOffset(i);
                long key = OperationFormat.keyOffset(source, operation);
                long row = active.find(source, key, OperationFormat.keyBytes(source, operation));
                RowErrorCode unexpected = decide(write, i, source, active, row);
                if (unexpected != null) { // Then some of it is done, and the tablet must not go on.
                    throw new IllegalStateException(
                            "operation " + i + " is " + unexpected + ", it was judged to be right");
                }
            } else {
                write.addError(i, error);
            }
        }
    }

    /** Nothing is done, and nothing was. */
    private void rollBack(TabletWrite write) {
        for (int i = 0; i < write.operationCount(); i++) {
            RowErrorCode error = judgement.error(i);
            write.addError(i, error == null ? RowErrorCode.ROLLED_BACK : error);
        }
    }

    private void finish(TabletWrite write, CommitLog log) {
        RequestName name = write.name;
        if (effectCount == 0 && name == null) {
            // Nothing to make durable, but the answer rests on what was decided before it, which may only be written.
            abandon();
            write.decided(timestamp, tablet.lastSequence());
            if (write.durability == Durability.SYNC) {
                log.wantDurable(tablet.lastSequence());
            }
            return;
        }
        MemorySegment memory = log.memory();
        long errorAt = effectAt();
        int errorCount = name == null ? 0 : write.makeAnswer(); // Nobody could ask for it without.
        for (int e = 0; e < errorCount; e++) {
            TabletRecordFormat.writeError(
                    memory,
                    errorAt,
                    write.answer().errorIndex(e),
                    write.answer().errorCodeNumber(e));
            errorAt += TabletRecordFormat.ERROR_BYTES;
        }
        var header = new TabletRecordFormat.Header(
                tablet.id(), timestamp, name, tablet.schema().version(), effectCount, effectBytes, errorCount);
        TabletRecordFormat.writeHeader(memory, record, header);
        if (name != null) {
            tablet.named().publishes();
        }
        isReserved = false;
        long sequence = log.publish((int) (errorAt - record), write.durability);
        write.decided(timestamp, sequence);
        tablet.published(sequence, timestamp);
        if (name != null) {
            tablet.named().published(write, name);
        }
    }

    private void abandon() {
        isReserved = false;
        tablet.log().abandon();
    }

    /** @param row with the operation's key in the active MemRowSet, live or deleted, or 0 */
    private @Nullable RowErrorCode decide(
            TabletWrite write, int index, MemorySegment source, MemRowSet active, long row) {
        long operation = write.operationOffset(index);
        OperationKind kind = OperationFormat.kind(source, operation);
        boolean isActive = row != 0 && active.isLive(row);
        RowHome home = isActive ? null : liveHome(write, index);
        boolean isLive = isActive || home != null;
        long place = write.place(index);
        return switch (kind) {
            case INSERT, INSERT_IGNORE -> {
                if (isLive) {
                    yield kind == OperationKind.INSERT ? RowErrorCode.ALREADY_PRESENT : ignored(write, kind);
                }
                yield insert(source, operation, active, row);
            }
            case UPSERT, UPSERT_IGNORE -> {
                if (!isLive) {
                    yield insert(source, operation, active, row);
                }
                if (OperationFormat.setsImmutable(source, operation, layout)) {
                    if (kind == OperationKind.UPSERT) {
                        yield RowErrorCode.IMMUTABLE;
                    }
                    write.addDoneInPart(kind);
                }
                yield update(source, operation, active, home, home == null ? row : place);
            }
            case UPDATE, UPDATE_IGNORE -> {
                boolean setsImmutable = OperationFormat.setsImmutable(source, operation, layout);
                if (kind == OperationKind.UPDATE && setsImmutable) {
                    yield RowErrorCode.IMMUTABLE;
                }
                if (!isLive) {
                    yield kind == OperationKind.UPDATE ? RowErrorCode.NOT_FOUND : ignored(write, kind);
                }
                if (setsImmutable) {
                    write.addDoneInPart(kind);
                }
                yield update(source, operation, active, home, home == null ? row : place);
            }
            case DELETE, DELETE_IGNORE -> {
                if (!isLive) {
                    yield kind == OperationKind.DELETE ? RowErrorCode.NOT_FOUND : ignored(write, kind);
                }
                yield delete(source, operation, active, home, home == null ? row : place);
            }
        };
    }

    private static @Nullable RowErrorCode ignored(TabletWrite write, OperationKind kind) {
        write.addIgnored(kind);
        return null;
    }

    /** Where the operation's row is, if it is live and not in the active MemRowSet. */
    static @Nullable RowHome liveHome(TabletWrite write, int index) {
        RowHome home = write.home(index);
        return home != null && home.isLive(write.place(index)) ? home : null;
    }

    private @Nullable RowErrorCode insert(MemorySegment source, long operation, MemRowSet active, long row) {
        MemorySegment memory = tablet.log().memory();
        int bytes = row != 0
                ? Effect.writeReinsert(source, operation, memory, effectAt())
                : Effect.writeInsert(source, operation, memory, effectAt());
        return apply(bytes, active, row);
    }

    private @Nullable RowErrorCode update(
            MemorySegment source, long operation, MemRowSet active, @Nullable RowHome home, long place) {
        if (OperationFormat.changeCount(source, operation, layout) == 0) {
            return null; // Such as an UPSERT of the key alone that finds its row: there is nothing to change.
        }
        MemorySegment memory = tablet.log().memory();
        int bytes = Effect.writeUpdate(layout, source, operation, memory, effectAt());
        if (home == null) {
            return apply(bytes, active, place);
        }
        home.apply(place, memory, effectAt(), timestamp);
        return applied(bytes);
    }

    private @Nullable RowErrorCode delete(
            MemorySegment source, long operation, MemRowSet active, @Nullable RowHome home, long place) {
        MemorySegment memory = tablet.log().memory();
        int bytes = Effect.writeDelete(source, operation, memory, effectAt());
        if (home == null) {
            return apply(bytes, active, place);
        }
        home.apply(place, memory, effectAt(), timestamp);
        return applied(bytes);
    }

    private @Nullable RowErrorCode apply(int bytes, MemRowSet active, long row) {
        active.applyTo(row, tablet.log().memory(), effectAt(), timestamp);
        return applied(bytes);
    }

    private @Nullable RowErrorCode applied(int bytes) {
        effectBytes += bytes;
        effectCount++;
        return null;
    }

    private long effectAt() {
        return record + headerBytes + effectBytes;
    }

    /**
     * Finds the homes that the probe could not see: sealed rows, and rows that were flushed since. Tells all homes what
     * changes they may have to take.
     */
    private void locate(TabletWrite write) {
        MemorySegment source = write.operations().memory();
        for (int i = 0; i < write.operationCount(); i++) {
            if (!(liveHome(write, i) instanceof LiveRowSet)) { // Sealed rows may have moved since they were found.
                write.home(i, null, 0);
            }
        }
        List<FreshRows> sealed = tablet.map().sealed();
        for (int i = 0; i < sealed.size(); i++) { // An iterator would be garbage for every batch.
            locate(write, source, sealed.get(i));
        }
        List<FreshRows> retired = tablet.seals().retired();
        for (int i = 0; i < retired.size(); i++) {
            if (retired.get(i).retiredInVersion() > write.mapVersion) { // Else the probe saw what took its place.
                locateRetired(write, source, retired.get(i));
            }
        }
        for (int i = 0; i < write.operationCount(); i++) {
            long operation = write.operationOffset(i);
            RowHome home = write.home(i);
            if (home != null
                    && mayChange(OperationFormat.kind(source, operation))
                    && home.expectChange(Effect.bytesMax(source, operation, layout.columnCount()))) {
                homes.add(home);
            }
        }
    }

    private static boolean mayChange(OperationKind kind) {
        return kind != OperationKind.INSERT && kind != OperationKind.INSERT_IGNORE;
    }

    private void locate(TabletWrite write, MemorySegment source, FreshRows fresh) {
        for (int first = 0; first < write.operationCount(); first += Lookahead.KEYS_MAX) {
            if (!hasHomeless(write, first)) {
                continue;
            }
            int end = lookAhead(write, first, source);
            ahead.run(fresh.rows());
            for (int i = first; i < end; i++) {
                long row = write.home(i) == null ? ahead.find(i - first) : 0;
                if (row != 0 && fresh.isLive(row)) {
                    write.home(i, fresh, row);
                }
            }
        }
    }

    private static boolean hasHomeless(TabletWrite write, int first) {
        int end = Math.min(write.operationCount(), first + Lookahead.KEYS_MAX);
        for (int i = first; i < end; i++) {
            if (write.home(i) == null) {
                return true;
            }
        }
        return false;
    }

    private static void locateRetired(TabletWrite write, MemorySegment source, FreshRows fresh) {
        for (int i = 0; i < write.operationCount(); i++) {
            if (write.home(i) == null) {
                long operation = write.operationOffset(i);
                long key = OperationFormat.keyOffset(source, operation);
                long row = fresh.findLive(source, key, OperationFormat.keyBytes(source, operation));
                if (row != 0) {
                    write.home(i, fresh.outputOf(row), fresh.ordinalOf(row));
                }
            }
        }
    }

    private boolean hasMemoryForChanges() {
        boolean canCarryOver = homes.isEmpty() || tablet.merging().canCarryOver();
        boolean isReserved = true;
        boolean isFull = false;
        for (int i = 0; i < homes.size(); i++) {
            RowHome home = homes.get(i);
            isReserved &= home.reserveExpected(tablet.lastSequence() + 1); // Each, so that each forgets.
            isFull |= home.isFull();
        }
        if (isFull) {
            tablet.pressure().awaitFlush();
        } else if (!canCarryOver) {
            tablet.merging().oweFlush(); // So the merge does not yield; and flushes of others would not help.
        } else if (!isReserved) {
            tablet.pressure().wantFlush();
            tablet.pressure().awaitMemory();
        }
        return canCarryOver && isReserved && !isFull;
    }

    private boolean hasMemory(MemRowSet active, TabletWrite write) {
        long flushBytes = tablet.config().flushBytes();
        boolean tooManySealed = tablet.map().sealed().size() >= Seals.SEALED_MAX;
        long bytesMax = tooManySealed ? flushBytes : Seals.ACTIVE_FLUSHES_MAX * flushBytes;
        if (active.rowCount() > 0 && active.memoryBytes() >= bytesMax) { // An empty one is never flushed.
            tablet.pressure().awaitFlush();
            return false;
        }
        int effectCountMax = write.operationCount();
        if (!tablet.seals().prepare() || !active.reserve(write.recordBytesMax, effectCountMax, write.effectBytesMax)) {
            checkFitsAtAll(write);
            if (tablet.hasRowsInMemory()) {
                tablet.pressure().wantFlush();
            }
            tablet.pressure().awaitMemory();
            return false;
        }
        return true;
    }

    /** What cannot fit even when nobody else has rows in memory must not wait for that. */
    private void checkFitsAtAll(TabletWrite write) {
        int count = write.operationCount();
        long bytes = MemRowSet.reservedBytes(write.recordBytesMax, count, write.effectBytesMax);
        long bytesMax = tablet.config().memory().bytesMax()
                - write.operations().memory().byteSize();
        if (bytes > bytesMax) {
            throw BatchTooLargeException.ofRows(count, bytes, bytesMax);
        }
    }

    private long drawTimestamp() {
        while (true) {
            long drawn = tablet.config().clock().draw();
            if (drawn == TabletClock.NOT_LEASED || tablet.time().tryDraw(drawn)) {
                return drawn;
            }
        }
    }
}
