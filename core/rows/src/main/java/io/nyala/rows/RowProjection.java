package io.nyala.rows;

import java.util.List;

/** Which cells of packed rows become the columns of a batch. Immutable and shared. */
public final class RowProjection {
    private final RowLayout layout;
    private final int[] columns;

    public RowProjection(RowLayout layout, List<Integer> columns) {
        this.layout = layout;
        this.columns = columns.stream().mapToInt(Integer::intValue).toArray();
    }

    public RowLayout layout() {
        return layout;
    }

    public int columnCount() {
        return columns.length;
    }

    /** Index in the schema of a column of the batch. */
    public int column(int index) {
        return columns[index];
    }
}
