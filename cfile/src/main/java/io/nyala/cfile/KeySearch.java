package io.nyala.cfile;

import java.lang.foreign.MemorySegment;

/**
 * Finds a key in the key columns themselves, in place: by their cells, column by column, which is the order of the
 * encoded keys. All cursors stand on the vector that {@link KeyIndex} named.
 *
 * <pre>{@code
 *   int vector = index.find(key, offset, bytes);       // one look into memory
 *   for (ColumnCursor cursor : keyColumns) cursor.seek(vector);
 *   int row = KeySearch.lowerBound(keyColumns, cells, offsets, byteCounts);
 *   boolean found = row < keyColumns[0].rowCount()
 *           && KeySearch.compare(keyColumns, row, cells, offsets, byteCounts) == 0;
 * }</pre>
 *
 * Stateless. The cells of the key lie in {@code cells}: of column {@code i}, {@code byteCounts[i]} bytes at {@code
 * offsets[i]}.
 */
public final class KeySearch {
    private KeySearch() {}

    /** The first row of the vector whose key is not smaller; the row count if there is none. */
    public static int lowerBound(ColumnCursor[] columns, MemorySegment cells, long[] offsets, int[] byteCounts) {
        ColumnCursor first = columns[0];
        int low = 0;
        int high = first.rowCount();
        if (first.isInteger()) { // Where it is encoded in steps, each comparison would add some up.
            long value = first.integer(cells, offsets[0]);
            low = first.lowerBound(value);
            high = columns.length == 1 ? low : value == Long.MAX_VALUE ? high : first.lowerBound(value + 1);
        }
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (compare(columns, middle, cells, offsets, byteCounts) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Compares the key of a row with this one. */
    public static int compare(ColumnCursor[] columns, int row, MemorySegment cells, long[] offsets, int[] byteCounts) {
        for (int i = 0; i < columns.length; i++) {
            int order = columns[i].compareCell(row, cells, offsets[i], byteCounts[i]);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }
}
