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
        while (current < cursors.size()) {
            if (cursors.get(current).next(target)) {
                return true;
            }
            cursors.get(current).close();
            current++;
        }
        return false;
    }

    @Override
    public void close() {
        for (; current < cursors.size(); current++) {
            cursors.get(current).close();
        }
    }
}
