package io.nyala.cursor;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import java.util.List;

/**
 * All rows of several cursors, one cursor after the other. While one is read, those after it are prepared, but not
 * before the second batch: many scans need no more than one.
 */
public final class UnionCursor implements RowCursor {
    private final List<RowCursor> cursors;
    private int current;
    private boolean isStarted;
    private int prepared = 1; // The first that may have something to prepare.

    public UnionCursor(List<RowCursor> cursors) {
        this.cursors = List.copyOf(cursors);
    }

    @Override
    public boolean next(ColumnBatch target) {
        if (current == cursors.size()) {
            target.clear();
            return false;
        }
        if (isStarted) {
            prepare(target);
        }
        isStarted = true;
        if (!cursors.get(current).next(target)) {
            cursors.get(current).close();
            current++; // There may be thousands without a row: the caller looks at the time in between.
        }
        return true;
    }

    @Override
    public boolean prepare(ColumnBatch target) {
        prepared = Math.max(prepared, current + 1);
        while (prepared < cursors.size() && cursors.get(prepared).prepare(target)) {
            prepared++;
        }
        return prepared >= cursors.size();
    }

    @Override
    public void close() {
        for (; current < cursors.size(); current++) {
            cursors.get(current).close();
        }
    }
}
