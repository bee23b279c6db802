package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.KeyRange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSet;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Where in the order of the keys the rows of a {@link RowTree} are, and how many bytes they have: leaf by leaf, by the
 * first row of each. What later changes take is not counted.
 *
 * <p>One thread each, beside the writer.
 */
final class KeyOutline {
    private final MemorySegment memory;
    private final RowLayout layout;
    private final LeafReader leaves;
    private final long[] rows = new long[Permutation.ENTRIES_MAX];

    KeyOutline(RowTree tree, RowLayout layout) {
        this.memory = tree.memory();
        this.layout = layout;
        this.leaves = new LeafReader(tree);
    }

    /** The least key; empty if there is no row. */
    byte[] minKey() {
        while (!leaves.isAtEnd()) {
            if (leaves.read(rows, 0) > 0) {
                return key(memory, rows[0]);
            }
        }
        return new byte[0];
    }

    /** As {@link RowSet#outline} says. */
    void tell(KeyRange range, int[] columnIds, long partBytes, RowSet.Outline target) {
        byte[] lower = range.lower();
        byte[] upper = range.upper();
        long first = 0;
        long sum = 0;
        while (!leaves.isAtEnd()) {
            int count = leaves.read(rows, 0);
            if (count == 0 || (lower != null && compare(rows[count - 1], lower) < 0)) {
                continue;
            }
            if (upper != null && compare(rows[0], upper) >= 0) {
                break;
            }
            if (sum >= partBytes) {
                target.part(key(memory, first), sum);
                sum = 0;
            }
            first = sum == 0 ? rows[0] : first;
            sum += count * bytes(rows[0], columnIds);
        }
        if (sum > 0) {
            target.part(key(memory, first), sum);
        }
    }

    private int compare(long row, byte[] key) {
        return Arrays.compareUnsigned(key(memory, row), key);
    }

    private long bytes(long row, int[] columnIds) {
        if (columnIds.length == 0) {
            return RowHeader.BYTES + RowHeader.keyBytes(memory, row) + RowHeader.rowBytes(memory, row);
        }
        long packedRow = RowHeader.rowOffset(memory, row);
        long bytes = 0;
        for (int id : columnIds) {
            int column = layout.schema().indexOfId(id);
            bytes += column < 0 ? 0 : layout.cellBytes(column);
            bytes += column >= 0 && layout.isVariable(column) ? layout.variableBytes(memory, packedRow, column) : 0;
        }
        return bytes;
    }

    static byte[] key(MemorySegment memory, long row) {
        byte[] key = new byte[RowHeader.keyBytes(memory, row)];
        MemorySegment.copy(memory, JAVA_BYTE, RowHeader.keyOffset(row), key, 0, key.length);
        return key;
    }
}
