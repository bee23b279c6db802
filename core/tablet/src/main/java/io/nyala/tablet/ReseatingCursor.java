package io.nyala.tablet;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a MemRowSet, and goes on in the rowsets it was flushed to, at the same snapshot and behind the last key, when
 * it was flushed in the meantime. So a scan that idles keeps no MemRowSet in memory: the epoch is held within {@link
 * #next} only.
 */
final class ReseatingCursor implements RowCursor {
    private final Tablet tablet;
    private final FreshRows fresh;
    private final TabletScan scan;
    private RowCursor.@Nullable Keyed inMemory;
    private @Nullable RowCursor onDisk;
    private final Deque<LiveRowSet> remaining = new ArrayDeque<>();
    private boolean isReseated;
    private byte @Nullable [] resumeAt;
    private boolean isClosed;

    /** Of rows that somebody else holds at the moment. */
    ReseatingCursor(TabletScan scan, FreshRows fresh) {
        this.tablet = scan.tablet();
        this.scan = scan;
        this.fresh = fresh;
        fresh.hold();
    }

    @Override
    public boolean next(ColumnBatch target) {
        if (!isReseated) {
            int ticket = tablet.enter();
            try {
                List<LiveRowSet> outputs = fresh.outputs();
                if (outputs == null) {
                    return nextInMemory(target);
                }
                reseat(outputs);
            } finally {
                tablet.exit(ticket);
            }
        }
        return nextOnDisk(target);
    }

    private boolean nextInMemory(ColumnBatch target) {
        RowCursor.Keyed cursor = inMemory;
        if (cursor == null) {
            if (fresh.rows().rowCount() == 0) {
                return false; // As always after a flush. What comes later is not of this snapshot.
            }
            cursor = scan.cursor(fresh.rows());
            inMemory = cursor;
        }
        return cursor.next(target);
    }

    private void reseat(List<LiveRowSet> outputs) {
        isReseated = true;
        remaining.addAll(outputs);
        resumeAt = scan.spec().lowerKey();
        if (inMemory != null) {
            byte[] last = inMemory.lastKey();
            if (last != null) {
                resumeAt = Arrays.copyOf(last, last.length + 1); // The least key above it: it and a zero byte.
            }
            inMemory.close();
            inMemory = null;
        }
    }

    private boolean nextOnDisk(ColumnBatch target) {
        while (true) {
            if (onDisk == null) {
                LiveRowSet rowSet = remaining.poll();
                if (rowSet == null) {
                    return false;
                }
                onDisk = scan.cursor(
                        rowSet, scan.spec().withKeys(resumeAt, scan.spec().upperKey()));
            }
            if (onDisk.next(target)) {
                return true;
            }
            onDisk.close();
            onDisk = null;
        }
    }

    @Override
    public void close() {
        remaining.clear();
        if (inMemory != null) {
            inMemory.close();
            inMemory = null;
        }
        if (onDisk != null) {
            onDisk.close();
            onDisk = null;
        }
        if (!isClosed) {
            isClosed = true;
            fresh.letGo();
        }
    }
}
