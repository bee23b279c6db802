package io.nyala.cursor;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.Limits;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowFilter;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowPatch;
import io.nyala.rows.RowProjection;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a source that changed after one time, the start, and not after another, the end: each once, as its
 * history says it was.
 *
 * <pre>{@code
 *   at the start   at the end
 *   -              live         as it is at the end: it was inserted
 *   live           live         as it is at the end, if it was changed, or deleted and inserted again
 *   live           -            as it was just before its deletion, the first since the start
 *   -              -            not at all, whatever it was in between
 * }</pre>
 *
 * <p>So of the rowsets that a key was in, one at most says that it is deleted, and one that it is live: {@link
 * MergeCursor} takes the latter. It is needed where there are predicates, even of one cursor: a row that was inserted
 * and does not match comes as {@link ColumnBatch#UNMATCHED}, and what it is put in the place of must not come.
 *
 * <p>A change of columns that the table does not have any more is none.
 *
 * <p>One thread. Owns the source.
 */
public final class ChangesCursor implements RowCursor.Keyed {
    /** Rows that a call looks at, if none of them is to be yielded. */
    private static final int ROWS_LOOKED_AT_MAX = LOOKS_MAX * Limits.VECTOR_ROWS;

    private final RowSource source;
    private final Schema schema;
    private final long start;
    private final long end;
    private final RowPatch patch;
    private final RowFilter filter;
    private final RowProjection projection;

    /** The row between two of its changes; one of the two. */
    private GrowingBuffer present;

    private GrowingBuffer spare;

    private boolean isAtEnd;

    // The row that is to be yielded next, if there is one.
    private boolean hasRow;
    private byte fate;
    private MemorySegment memory = MemorySegment.NULL;
    private long row;

    private byte @Nullable [] lastKey;

    /**
     * @param source takes it over
     * @param spec in the columns that the rows of the source have
     * @param schema all columns that the table has
     * @param account pays for what rows are put together in
     */
    public ChangesCursor(RowSource source, ScanSpec spec, Schema schema, MemoryAccount account) {
        var layout = new RowLayout(spec.schema());
        this.source = source;
        this.schema = schema;
        this.start = spec.start();
        this.end = spec.snapshot();
        this.patch = new RowPatch(layout);
        this.filter = new RowFilter(layout, spec.predicates());
        this.projection = new RowProjection(layout, spec.projection());
        this.present = new GrowingBuffer(account);
        this.spare = new GrowingBuffer(account);
    }

    @Override
    public boolean next(ColumnBatch target) {
        target.clear();
        source.refresh();
        for (int looks = 0; looks < ROWS_LOOKED_AT_MAX && !isAtEnd; looks++) {
            if (hasRow || findRow()) {
                if (!append(target)) {
                    break;
                }
                hasRow = false;
            }
        }
        keepLastKey(target);
        return !isAtEnd || !target.isEmpty();
    }

    /** Looks at the next row of the source; whether it is one to be yielded. */
    private boolean findRow() {
        isAtEnd = !source.next();
        hasRow = !isAtEnd && isChanged() && look();
        return hasRow;
    }

    private boolean append(ColumnBatch target) {
        boolean fits =
                target.appendRow(projection, memory, row, source.memory(), source.keyOffset(), source.keyBytes());
        if (fits) {
            target.setFate(target.rowCount() - 1, fate);
        }
        return fits;
    }

    /** Whether anything happened to the row in the interval. */
    private boolean isChanged() {
        boolean isNew = source.insertTime() > start && source.insertTime() <= end;
        if (isNew || start == ScanSpec.BEGINNING) {
            return true;
        }
        for (int i = 0; i < source.historyCount() && source.historyTime(i) > start; i++) {
            if (source.historyTime(i) <= end && isOfTable(i)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a record undoes more than changes of columns that were dropped. */
    private boolean isOfTable(int record) {
        MemorySegment own = source.memory();
        long change = source.historyOffset(record);
        return RowChange.kind(own, change) != RowChange.UPDATE
                || RowChange.cellCount(own, change) == 0 // Of a deletion, or of columns that the scan does not need.
                || RowChange.setsAnyOf(schema, own, change);
    }

    /** Puts the row together as it is to be yielded; false if it is not. */
    private boolean look() {
        boolean wasLive = start != ScanSpec.BEGINNING && isLive(start); // What the history does not tell any more.
        boolean isLive = isLive(end);
        if (!wasLive && !isLive) {
            return false;
        }
        putTogether(isLive ? end : firstDeletion() - 1);
        fate = isLive ? ColumnBatch.LIVE : ColumnBatch.DELETED;
        if (filter.matches(memory, row)) {
            return true;
        }
        fate = ColumnBatch.UNMATCHED;
        return isLive && !wasLive;
    }

    private void putTogether(long time) {
        memory = source.memory();
        row = source.rowOffset();
        for (int i = 0; i < source.historyCount() && source.historyTime(i) > time; i++) {
            undo(source.historyOffset(i));
        }
    }

    /** When the lifetime ended that the row had at the start: of what came after it other rowsets may know, too. */
    private long firstDeletion() {
        long first = Long.MAX_VALUE;
        for (int i = 0; i < source.historyCount() && source.historyTime(i) > start; i++) {
            int kind = RowChange.kind(source.memory(), source.historyOffset(i));
            if (kind == RowChange.REINSERT || (i == 0 && source.isDeleted())) {
                first = source.historyTime(i);
            }
        }
        return first;
    }

    private boolean isLive(long time) {
        boolean isLive = !source.isDeleted() && source.insertTime() <= time;
        for (int i = 0; i < source.historyCount() && source.historyTime(i) > time; i++) {
            isLive = RowChange.kind(source.memory(), source.historyOffset(i)) != RowChange.DELETE;
        }
        return isLive;
    }

    private void undo(long change) {
        MemorySegment own = source.memory();
        switch (RowChange.kind(own, change)) {
            case RowChange.UPDATE -> {
                if (RowChange.cellCount(own, change) > 0) {
                    spare.ensure(0, patch.appliedBytesMax(memory, row, own, change));
                    patch.apply(memory, row, own, change, spare.memory(), 0);
                    GrowingBuffer before = present;
                    present = spare;
                    spare = before;
                    memory = present.memory();
                    row = 0;
                }
            }
            case RowChange.REINSERT -> {
                memory = own;
                row = RowChange.rowOffset(change);
            }
            default -> {} // It did not exist: an older record says what it was before.
        }
    }

    private void keepLastKey(ColumnBatch target) {
        if (!target.isEmpty()) {
            lastKey = target.keys().getBytes(target.rowCount() - 1);
        }
    }

    @Override
    public byte @Nullable [] lastKey() {
        return lastKey;
    }

    @Override
    public void close() {
        present.close();
        spare.close();
        source.close();
    }
}
