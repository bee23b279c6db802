package io.nyala.memrowset;

import io.nyala.rows.Limits;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The newest cell of each column that some UPDATEs set, and the one UPDATE that sets them all. Columns are known by id
 * only, so cells of columns that a schema does not have are kept like any other.
 *
 * <p>One thread. Grows to the largest column id it has seen; allocates nothing beyond that.
 */
final class CellUnion {
    private final MemorySegment memory;
    private long[] cells = new long[Long.SIZE]; // By column id; only those in the bitmap mean something.
    private long[] present = new long[1]; // A bit per column id.
    private int cellCount;
    private long bytes = headerBytes();

    CellUnion(MemorySegment memory) {
        this.memory = memory;
    }

    private static long headerBytes() {
        return RowChange.firstCell(0);
    }

    void clear() {
        Arrays.fill(present, 0);
        cellCount = 0;
        bytes = headerBytes();
    }

    /** Takes the cells of an UPDATE that is newer than everything before. */
    void overlay(long change) {
        add(change, true);
    }

    /** Takes the cells of an UPDATE that is older than everything before, where nothing newer sets them. */
    void underlay(long change) {
        add(change, false);
    }

    private void add(long change, boolean newer) {
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            long next = RowChange.nextCell(memory, cell);
            set(RowChange.cellColumnId(memory, cell), cell, next - cell, newer);
            cell = next;
        }
    }

    private void set(int id, long cell, long cellBytes, boolean newer) {
        if (id >= cells.length) {
            int length = Math.max(2 * cells.length, (id | Long.SIZE - 1) + 1);
            cells = Arrays.copyOf(cells, length);
            present = Arrays.copyOf(present, Math.ceilDiv(length, Long.SIZE));
        }
        long bit = 1L << id; // Modulo 64.
        boolean isNew = (present[id / Long.SIZE] & bit) == 0;
        if (isNew) {
            present[id / Long.SIZE] |= bit;
            cellCount++;
            bytes += cellBytes;
            cells[id] = cell;
        } else if (newer) {
            bytes += cellBytes - (RowChange.nextCell(memory, cells[id]) - cells[id]);
            cells[id] = cell;
        }
    }

    /** Whether one UPDATE can set so many cells. */
    boolean fits() {
        return cellCount <= Limits.COLUMNS_MAX;
    }

    /** What {@link #write} will write. */
    long bytes() {
        return bytes;
    }

    /** Writes the UPDATE that sets all cells, in the order of their column ids. */
    void write(long target) {
        long at = RowChange.startUpdate(memory, target, cellCount);
        for (int word = 0; word < present.length; word++) {
            for (long bits = present[word]; bits != 0; bits &= bits - 1) {
                long cell = cells[word * Long.SIZE + Long.numberOfTrailingZeros(bits)];
                long cellBytes = RowChange.nextCell(memory, cell) - cell;
                MemorySegment.copy(memory, cell, memory, at, cellBytes);
                at += cellBytes;
            }
        }
        assert at - target == bytes : at - target + " bytes of " + bytes;
    }
}
