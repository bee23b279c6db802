package io.nyala.memrowset;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Limits;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Rows of a {@link MemRowSet} with their histories: all of a sealed one up to the seal, for a flush, or those of a
 * range of keys up to a time at or below which nothing happens any more, for who wants to know what happened.
 *
 * <p>A row without changes is answered where it lies. For a changed one the chain is walked from the oldest change to
 * the newest: each gives the UNDO record of what was there before, made in scratch memory, and the state for the next.
 *
 * <pre>{@code
 *   insert T0    update a=2 T1    delete T2      reinsert T3    update b=5 T4      versions of (a, b)
 *   (1, 1)       (2, 1)           -              (7, 7)         (7, 5)
 *
 *   insertTime T3, row (7, 5), history, newest first:
 *   T4 UPDATE b=7 | T3 DELETE | T2 REINSERT (2, 1) | T1 UPDATE a=1 | T0 DELETE
 * }</pre>
 *
 * <p>What happened at the very time at which a lifetime began needs no record: no snapshot is in between. The DELETE
 * that ends (seen backwards) a lifetime is left out where there is no other record of it, since {@code insertTime} says
 * the same.
 *
 * <p>One thread at a time. Whoever opened it closes it, which gives scratch memory back to the account.
 */
public final class MemRowSetSource implements RowSource {
    private static final long SCRATCH_BYTES = 64 << 10;

    private final RowLayout layout;
    private final MemorySegment memory;
    private final long lastTime;
    private final LeafReader leaves;
    private final RowImage image;
    private final Scratch scratch;

    private final long[] leafRows = new long[Permutation.ENTRIES_MAX];
    private int leafRowCount;
    private int nextLeafRow;

    private long row;
    private long rowOffset;
    private int rowBytes;
    private long insertTime;
    private long newestChange;
    private boolean isDeleted;

    private long[] changes = new long[16]; // Newest first.

    // Oldest first.
    private long[] historyTimes = new long[16];
    private long[] historyOffsets = new long[16];
    private int[] historyBytes = new int[16];
    private int historyCount;
    private boolean hasRecordOfLifetime;

    private final Scratch bounds;
    private final int lowerBytes;
    private final int upperBytes;
    private final long upperKey; // 0 if there is none.
    private long lowerKey; // 0 if there is none, or it was passed.

    /**
     * The rows of a scan's range of keys with what happened up to its snapshot. Touches the memory of the MemRowSet
     * within {@link #next}, and what answers point into.
     *
     * @param account pays for what the source needs until it is closed
     */
    public static MemRowSetSource of(MemRowSet rows, ScanSpec scan, MemoryAccount account) {
        return new MemRowSetSource(
                rows.tree(), new RowLayout(rows.schema()), scan.snapshot(), scan.keyRange(), account);
    }

    /** @param lastTime what happened after it is left out; it may be before the insert time of a row */
    MemRowSetSource(RowTree tree, RowLayout layout, long lastTime, KeyRange range, MemoryAccount account) {
        this.layout = layout;
        this.memory = tree.memory();
        this.lastTime = lastTime;
        this.leaves = new LeafReader(tree);
        this.image = new RowImage(layout, memory);
        this.scratch = new Scratch(account, SCRATCH_BYTES);
        this.bounds = new Scratch(account, 2L * Limits.KEY_BYTES_MAX);
        this.lowerKey = bounds.copyOf(range.lower(), memory);
        this.lowerBytes = range.lower() == null ? 0 : range.lower().length;
        this.upperKey = bounds.copyOf(range.upper(), memory);
        this.upperBytes = range.upper() == null ? 0 : range.upper().length;
        if (lowerKey != 0) {
            leaves.seek(memory, lowerKey, lowerBytes);
        }
    }

    @Override
    public boolean next() {
        do {
            while (nextLeafRow == leafRowCount) {
                if (leaves.isAtEnd()) {
                    return false;
                }
                leafRowCount = leaves.read(leafRows, 0);
                nextLeafRow = 0;
            }
            row = leafRows[nextLeafRow++];
        } while (lowerKey != 0 && Keys.compare(memory, lowerKey, lowerBytes, memory, row) > 0);
        lowerKey = 0;
        if (upperKey != 0 && Keys.compare(memory, upperKey, upperBytes, memory, row) <= 0) {
            nextLeafRow--; // It stays at the end.
            return false;
        }
        long change = RowHeader.newestChange(memory, row);
        while (change != 0 && Change.time(memory, change) > lastTime) {
            change = Change.older(memory, change); // A late one.
        }
        historyCount = 0;
        insertTime = RowHeader.insertTime(memory, row);
        if (change == 0) {
            newestChange = insertTime;
            isDeleted = false;
            rowOffset = RowHeader.rowOffset(memory, row);
            rowBytes = RowHeader.rowBytes(memory, row);
        } else {
            newestChange = Change.time(memory, change);
            scratch.clear();
            rebuild(change);
        }
        return true;
    }

    private void rebuild(long newest) {
        int count = 0;
        for (long change = newest; change != 0; change = Change.older(memory, change)) {
            if (count == changes.length) {
                changes = Arrays.copyOf(changes, 2 * count);
            }
            changes[count++] = change;
        }
        image.start(RowHeader.rowOffset(memory, row));
        isDeleted = false;
        hasRecordOfLifetime = false;
        for (int i = count - 1; i >= 0; i--) {
            long change = changes[i];
            long time = Change.time(memory, change);
            switch (Change.kind(memory, change)) {
                case RowChange.UPDATE -> update(change, time);
                case RowChange.DELETE -> delete(time, i == 0);
                default -> reinsert(change, time);
            }
        }
        boolean isWhole = image.isUnchanged();
        rowOffset = isWhole ? image.base() : scratch.allocate(image.bytes());
        rowBytes = isWhole ? layout.rowBytes(memory, rowOffset) : image.write(rowOffset);
    }

    private void update(long change, long time) {
        assert !isDeleted : "an update of a deleted row at " + change;
        long body = Change.changeOffset(change);
        if (time > insertTime) {
            long undo = scratch.allocate(inverseBytes(body));
            record(time, undo, writeInverse(body, undo));
        }
        if (Change.imageBytes(memory, change) > 0) {
            image.start(Change.imageOffset(memory, change));
        } else {
            image.overlay(body);
        }
    }

    private void delete(long time, boolean isLast) {
        assert !isDeleted : "a deletion of a deleted row";
        isDeleted = true;
        if (time == insertTime) {
            return;
        }
        if (isLast) { // The values stay those of the row.
            long undo = scratch.allocate(Long.BYTES);
            record(time, undo, (int) (RowChange.startUpdate(memory, undo, 0) - undo));
            return;
        }
        long values = scratch.allocate(image.bytes());
        int valuesBytes = image.write(values);
        long undo = scratch.allocate(2L * Long.BYTES + valuesBytes);
        record(time, undo, RowChange.writeReinsert(memory, values, valuesBytes, memory, undo));
    }

    private void reinsert(long change, long time) {
        assert isDeleted : "a reinsertion of a live row at " + change;
        isDeleted = false;
        insertTime = time;
        hasRecordOfLifetime = false;
        image.start(Change.imageOffset(memory, change));
    }

    /** Appends a record; before the first one of a lifetime, one that the row did not exist before. */
    private void record(long time, long undo, int undoBytes) {
        if (!hasRecordOfLifetime) {
            hasRecordOfLifetime = true;
            long begin = scratch.allocate(Long.BYTES);
            append(insertTime, begin, RowChange.writeDelete(memory, begin));
        }
        append(time, undo, undoBytes);
    }

    private void append(long time, long undo, int undoBytes) {
        if (historyCount == historyTimes.length) {
            historyTimes = Arrays.copyOf(historyTimes, 2 * historyCount);
            historyOffsets = Arrays.copyOf(historyOffsets, 2 * historyCount);
            historyBytes = Arrays.copyOf(historyBytes, 2 * historyCount);
        }
        historyTimes[historyCount] = time;
        historyOffsets[historyCount] = undo;
        historyBytes[historyCount] = undoBytes;
        historyCount++;
    }

    /** An upper bound of what {@link #writeInverse} writes. */
    private long inverseBytes(long change) {
        long bytes = RowChange.firstCell(0);
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            int column = layout.schema().indexOfId(RowChange.cellColumnId(memory, cell));
            if (column >= 0) {
                long now = image.cell(column);
                bytes += RowChange.cellValue(0)
                        + (now == 0
                                ? layout.valueBytes(memory, image.base(), column)
                                : RowChange.cellBytes(memory, now));
            }
            cell = RowChange.nextCell(memory, cell);
        }
        return bytes;
    }

    /** Writes the UPDATE that sets the cells of a change back to what they are in the image; answers its bytes. */
    private int writeInverse(long change, long undo) {
        int count = 0;
        long target = RowChange.firstCell(undo);
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            int column = layout.schema().indexOfId(RowChange.cellColumnId(memory, cell));
            if (column >= 0) {
                target = writeCell(column, target);
                count++;
            }
            cell = RowChange.nextCell(memory, cell);
        }
        RowChange.startUpdate(memory, undo, count);
        return (int) (target - undo);
    }

    private long writeCell(int column, long target) {
        long now = image.cell(column);
        if (now == 0) {
            return RowChange.writeCell(layout, memory, image.base(), column, memory, target);
        }
        long bytes = RowChange.nextCell(memory, now) - now;
        MemorySegment.copy(memory, now, memory, target, bytes);
        return target + bytes;
    }

    @Override
    public MemorySegment memory() {
        return memory;
    }

    @Override
    public long keyOffset() {
        return RowHeader.keyOffset(row);
    }

    @Override
    public int keyBytes() {
        return RowHeader.keyBytes(memory, row);
    }

    @Override
    public long rowOffset() {
        return rowOffset;
    }

    @Override
    public int rowBytes() {
        return rowBytes;
    }

    @Override
    public long insertTime() {
        return insertTime;
    }

    @Override
    public boolean isDeleted() {
        return isDeleted;
    }

    @Override
    public long newestChange() {
        return newestChange;
    }

    @Override
    public int historyCount() {
        return historyCount;
    }

    @Override
    public long historyTime(int index) {
        return historyTimes[at(index)];
    }

    @Override
    public long historyOffset(int index) {
        return historyOffsets[at(index)];
    }

    @Override
    public int historyBytes(int index) {
        return historyBytes[at(index)];
    }

    @Override
    public void placed(int output, int ordinal) {
        RowHeader.setPlace(memory, row, Place.of(output, ordinal));
    }

    private int at(int index) {
        assert 0 <= index && index < historyCount : index + " of " + historyCount;
        return historyCount - 1 - index;
    }

    @Override
    public void close() {
        scratch.close();
        bounds.close();
    }
}
