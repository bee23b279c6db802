package io.nyala.table;

import io.nyala.partition.Partition;
import io.nyala.tablet.Tablet;

/**
 * What is stored for one tablet of a table.
 *
 * @param tabletId unique in its engine
 * @param partition which part of the table it is
 * @param rowCount rows in memory and on disk, deleted ones whose history is kept included
 * @param liveRowCount rows that a scan of the newest state finds
 * @param memoryBytes native memory of rows not yet on disk
 * @param rowSetCount rowsets on disk
 * @param diskBytes bytes of their files; the log is not counted
 */
public record TabletStatistics(
        long tabletId,
        Partition partition,
        long rowCount,
        long liveRowCount,
        long memoryBytes,
        int rowSetCount,
        long diskBytes) {
    /** All zero if the tablet was dropped. */
    public static TabletStatistics of(HostedTablet hosted, TableHost host) {
        if (!hosted.tryHold()) {
            return new TabletStatistics(hosted.id(), hosted.partition(), 0, 0, 0, 0, 0);
        }
        try {
            return of(hosted);
        } finally {
            hosted.letGo(host);
        }
    }

    private static TabletStatistics of(HostedTablet hosted) {
        Tablet tablet = hosted.tablet();
        return new TabletStatistics(
                hosted.id(),
                hosted.partition(),
                tablet.rowCount(),
                tablet.liveRowCount(),
                tablet.memoryBytes(),
                tablet.rowSetCount(),
                tablet.diskBytes());
    }
}
