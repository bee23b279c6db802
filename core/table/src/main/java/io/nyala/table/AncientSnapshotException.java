package io.nyala.table;

import io.nyala.catalog.TableDescription;
import io.nyala.time.HybridTime;

/**
 * A scan was refused because its snapshot is before the ancient history mark: what could be seen then may be forgotten
 * already. Scan at a later time; how long history is kept is the table's to say.
 */
public final class AncientSnapshotException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long snapshot;
    private final long mark;
    private final boolean isStart;

    private AncientSnapshotException(String message, long snapshot, long mark, boolean isStart) {
        super(message);
        this.snapshot = snapshot;
        this.mark = mark;
        this.isStart = isStart;
    }

    static AncientSnapshotException of(
            HostedTablet tablet, TableDescription table, boolean isStart, long snapshot, long mark) {
        String message = (isStart ? "the start " : "the snapshot ") + HybridTime.format(snapshot)
                + " of a scan of table \"" + table.name()
                + "\" is earlier than the ancient history mark of its tablet " + tablet.id() + ", "
                + HybridTime.format(mark) + ": "
                + (table.historySecondsMax() == TableDescription.HISTORY_FOREVER
                        ? "what was before it was given up"
                        : "the table keeps " + table.historySecondsMax() + " s of history")
                + ". Scan at that time or later, or let the table keep history for longer from now on";
        return new AncientSnapshotException(message, snapshot, mark, isStart);
    }

    /** Hybrid time that was to be read. */
    public long snapshot() {
        return snapshot;
    }

    /** Whether that is the time since which rows have changed. */
    public boolean isStart() {
        return isStart;
    }

    /** The least hybrid time that could have been. */
    public long mark() {
        return mark;
    }
}
