package io.nyala.cursor;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import java.util.List;

/** All rows of several cursors, one cursor after the other. */
public final class UnionCursor implements RowCursor {
    private final List<RowCursor> cursors;
    private int current;

    public UnionCursor(List<RowCursor> cursors) {
        this.cursors = List.copyOf(cursors);
    }

    @Override
    public boolean next(ColumnBatch target) {
        if (current == cursors.size()) {
            target.clear();
            return false;
        }
        if (!cursors.get(current).next(target)) {
            cursors.get(current).close();
            current++; // There may be thousands without a row: the caller looks at the time in between.
        }
        return true;
    }

    @Override
    public void close() {
        for (; current < cursors.size(); current++) {
            cursors.get(current).close();
        }
    }
}
