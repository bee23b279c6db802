package io.nyala.table;

import io.nyala.cursor.MergeCursor;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.Tablet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rows of several tablets. In groups: the tablets of a group are read together, in the order of their keys; a group is
 * opened when the one before it has ended, so that a scan of many tablets needs no more memory than its largest group.
 *
 * <p>One thread.
 */
public final class TabletsCursor implements RowCursor {
    private final Deque<List<TabletRead>> groups;
    private final ScanSpec spec;
    private final MemoryAccount account;
    private final @Nullable Consumer<MissingRowSet> leftOut;
    private @Nullable RowCursor present;

    /**
     * Opens the first group.
     *
     * @param leftOut told of rowsets that cannot be read; null to fail where there is one
     */
    public TabletsCursor(ScanPlan plan, MemoryAccount account, @Nullable Consumer<MissingRowSet> leftOut) {
        this.groups = new ArrayDeque<>(plan.groups());
        this.spec = plan.spec();
        this.account = account;
        this.leftOut = leftOut;
        this.present = openNext();
    }

    @Override
    public boolean next(ColumnBatch target) {
        RowCursor cursor = present;
        if (cursor == null) {
            target.clear();
            return false;
        }
        if (!cursor.next(target)) {
            close();
            present = openNext();
        }
        return true;
    }

    private @Nullable RowCursor openNext() {
        List<TabletRead> group = groups.poll();
        if (group == null) {
            return null;
        }
        if (group.size() == 1) {
            return open(group.getFirst());
        }
        List<RowCursor> cursors = new ArrayList<>();
        try {
            for (TabletRead read : group) {
                cursors.add(open(read));
            }
            return new MergeCursor(cursors, spec, account);
        } catch (RuntimeException e) {
            cursors.forEach(RowCursor::close);
            throw e;
        }
    }

    private RowCursor open(TabletRead read) {
        Tablet tablet = read.hosted().tablet();
        ScanSpec own = spec.withSnapshot(read.snapshot());
        RowCursor keys = leftOut == null ? KeysCursor.open(tablet, own, account) : null;
        if (keys != null) {
            return keys; // Which needs the history until its plan ends.
        }
        RowCursor cursor = tablet.scan(own, account, leftOut);
        read.history().close(); // The cursor holds the rowsets themselves.
        return cursor;
    }

    @Override
    public void close() {
        if (present != null) {
            present.close();
            present = null;
        }
    }
}
