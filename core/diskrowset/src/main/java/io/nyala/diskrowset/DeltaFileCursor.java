package io.nyala.diskrowset;

import io.nyala.cfile.Prefetch;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The relevant changes of a delta file, put together from its columns, of which a heap knows which one is next: cells
 * of the same row and time become one UPDATE, behind which its deletion is.
 *
 * <p>Reads pages of its columns some ahead, all at once. Belongs to one thread; holds no page between calls.
 */
final class DeltaFileCursor implements DeltaSource.Cursor {
    private final List<DeltaColumnCursor> columns = new ArrayList<>();
    private final @Nullable ReaderMemory owned;
    private final GrowingBuffer change;
    private final Prefetch prefetch;
    private final int pagesAhead;

    /** Indexes of columns, the one with the next entry first; those at the end are not in it. */
    private final int[] heap;

    private int heapCount;
    private boolean isStarted;
    private long ordinal;
    private long time;
    private int changeBytes;

    /**
     * @param wanted columns by id, deletions last
     * @param ownsMemory whether nobody else uses the memory, and it is closed with this
     */
    DeltaFileCursor(
            List<DeltaColumn> wanted,
            Path path,
            DeltaColumnCursor.Range range,
            Prefetch prefetch,
            ReaderMemory memory,
            boolean ownsMemory) {
        this.change = new GrowingBuffer(memory.account());
        this.owned = ownsMemory ? memory : null;
        this.prefetch = prefetch;
        for (DeltaColumn column : wanted) {
            columns.add(new DeltaColumnCursor(column, path, range, memory));
        }
        this.heap = new int[columns.size()];
        this.pagesAhead = Math.max(1, Prefetch.PAGES_MAX / Math.max(1, columns.size()));
    }

    private void start() {
        isStarted = true;
        for (DeltaColumnCursor column : columns) {
            column.noteAhead(prefetch, pagesAhead);
        }
        prefetch.run();
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).next(prefetch, pagesAhead)) {
                push(i);
            }
        }
    }

    @Override
    public boolean next() {
        if (!isStarted) {
            start();
        }
        return build();
    }

    @Override
    public boolean seek(long target) {
        heapCount = 0;
        for (DeltaColumnCursor column : columns) {
            if (!isStarted || !column.isAtOrBehind(target)) {
                column.skipTo(target);
                column.noteAhead(prefetch, pagesAhead);
            }
        }
        prefetch.run();
        for (int i = 0; i < columns.size(); i++) {
            DeltaColumnCursor column = columns.get(i);
            if ((isStarted && column.isAtOrBehind(target)) || column.next(prefetch, pagesAhead)) {
                push(i);
            }
        }
        isStarted = true;
        return build();
    }

    private boolean build() {
        if (heapCount == 0) {
            return false;
        }
        DeltaColumnCursor first = columns.get(heap[0]);
        ordinal = first.ordinal();
        time = first.time();
        change.ensure(0, RowChange.HEADER_BYTES);
        if (first.column().isDeletions()) {
            changeBytes = RowChange.writeDelete(change.memory(), 0);
            advanceFirst();
            return true;
        }
        int cellCount = 0;
        long at = RowChange.HEADER_BYTES;
        while (heapCount > 0 && isOfThisChange(columns.get(heap[0]))) {
            at = writeCell(columns.get(heap[0]), at);
            cellCount++;
            advanceFirst();
        }
        RowChange.startUpdate(change.memory(), 0, cellCount);
        changeBytes = (int) at;
        return true;
    }

    private boolean isOfThisChange(DeltaColumnCursor column) {
        return column.ordinal() == ordinal
                && column.time() == time
                && !column.column().isDeletions();
    }

    private long writeCell(DeltaColumnCursor column, long at) {
        int valueBytes = column.valueBytes();
        change.ensure(at, at + RowChange.CELL_HEADER_BYTES + valueBytes);
        boolean isNull = column.isNull();
        long value = RowChange.startCell(change.memory(), at, column.column().id(), isNull, valueBytes);
        if (!isNull) {
            column.copyValue(change.memory(), value);
        }
        return value + valueBytes;
    }

    // ---- The heap ----

    private boolean isBefore(int left, int right) {
        DeltaColumnCursor one = columns.get(left);
        DeltaColumnCursor other = columns.get(right);
        if (one.ordinal() != other.ordinal()) {
            return one.ordinal() < other.ordinal();
        }
        return one.time() == other.time() ? left < right : one.time() < other.time();
    }

    private void push(int column) {
        int at = heapCount++;
        for (; at > 0 && isBefore(column, heap[(at - 1) >>> 1]); at = (at - 1) >>> 1) {
            heap[at] = heap[(at - 1) >>> 1];
        }
        heap[at] = column;
    }

    /** Moves the column on top on. */
    private void advanceFirst() {
        int column = heap[0];
        if (!columns.get(column).next(prefetch, pagesAhead)) {
            column = heap[--heapCount];
        }
        int at = 0;
        for (int child = 1; child < heapCount; child = 2 * at + 1) {
            if (child + 1 < heapCount && isBefore(heap[child + 1], heap[child])) {
                child++;
            }
            if (!isBefore(heap[child], column)) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        if (heapCount > 0) {
            heap[at] = column;
        }
    }

    @Override
    public long ordinal() {
        return ordinal;
    }

    @Override
    public long time() {
        return time;
    }

    @Override
    public MemorySegment memory() {
        return change.memory();
    }

    @Override
    public long changeOffset() {
        return 0;
    }

    @Override
    public int changeBytes() {
        return changeBytes;
    }

    @Override
    public void close() {
        columns.forEach(DeltaColumnCursor::close);
        change.close();
        if (owned != null) {
            owned.close();
        }
    }
}
