package io.nyala.table;

import java.util.List;

/**
 * What is stored for a table.
 *
 * @param rowCount rows in memory and on disk, deleted ones whose history is kept included
 * @param liveRowCount rows that a scan of the newest state finds
 * @param memoryBytes native memory of rows not yet on disk
 * @param rowSetCount rowsets on disk
 * @param diskBytes bytes of their files; the log is not counted
 * @param tablets of each, in the order of the partitions
 */
public record TableStatistics(
        long rowCount,
        long liveRowCount,
        long memoryBytes,
        int rowSetCount,
        long diskBytes,
        List<TabletStatistics> tablets) {
    public TableStatistics {
        tablets = List.copyOf(tablets);
    }

    public static TableStatistics of(List<TabletStatistics> tablets) {
        return new TableStatistics(
                tablets.stream().mapToLong(TabletStatistics::rowCount).sum(),
                tablets.stream().mapToLong(TabletStatistics::liveRowCount).sum(),
                tablets.stream().mapToLong(TabletStatistics::memoryBytes).sum(),
                tablets.stream().mapToInt(TabletStatistics::rowSetCount).sum(),
                tablets.stream().mapToLong(TabletStatistics::diskBytes).sum(),
                tablets);
    }
}
