package io.nyala.tablet;

import io.nyala.compaction.RowSetShape;
import io.nyala.compaction.WritePace;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.rows.KeyRange;
import io.nyala.rows.RowSet;
import java.util.List;
import java.util.Optional;

/**
 * What a tablet has and does at one moment, for those who watch it: sums and counters, for which no row is looked at
 * and nobody waits. They are read one after the other, so that writes under way may be in one and not yet in the next.
 * Immutable.
 *
 * @param tabletId unique in its engine
 * @param rowCount rows in memory and on disk, deleted ones included
 * @param liveRowCount rows that are not deleted
 * @param freshRowCount of those, rows in memory that are not on disk, deleted ones included
 * @param freshBytes memory of these
 * @param sealedCount MemRowSets that are being flushed, or wait for it
 * @param changeBytes memory of changes of rows on disk
 * @param rowSetCount rowsets on disk
 * @param diskBytes size of their files
 * @param deltaBytes of those, delta files
 * @param historyBytes of those, what rows were before their files were written
 * @param missing rowsets that cannot be read
 * @param undecidedBatches batches that were taken and wait for their turn, or are being looked up on disk
 * @param isHeld whether they wait for memory
 * @param bytesPerSecondMax of batches that it takes, while merges have fallen behind; {@link WritePace#UNLIMITED} as a
 *     rule
 * @param isFlushWanted whether a flush was asked for and is not under way
 * @param merge how far a merge of some of its rowsets is, if there is one
 * @param neededFrom oldest log record that a restart would need; {@link Long#MAX_VALUE} for none
 * @param failure why it takes no writes any more
 * @param flushFailure why its last flush failed, if none has begun since
 */
public record TabletView(
        long tabletId,
        long rowCount,
        long liveRowCount,
        long freshRowCount,
        long freshBytes,
        int sealedCount,
        long changeBytes,
        int rowSetCount,
        long diskBytes,
        long deltaBytes,
        long historyBytes,
        List<MissingRowSet> missing,
        int undecidedBatches,
        boolean isHeld,
        long bytesPerSecondMax,
        boolean isFlushWanted,
        Optional<Merging.Progress> merge,
        long neededFrom,
        Optional<RuntimeException> failure,
        Optional<RuntimeException> flushFailure) {
    public TabletView {
        missing = List.copyOf(missing);
    }

    /** With nobody closing the tablet meanwhile. */
    static TabletView of(Tablet tablet, WriteQueue queue) {
        int ticket = tablet.enter();
        try {
            RowSetMap map = tablet.map();
            long changeBytes = map.changeBytes();
            return new TabletView(
                    tablet.id(),
                    map.rowCount(),
                    map.liveRowCount(),
                    freshRowCount(map),
                    map.memoryBytes() - changeBytes,
                    map.sealed().size(),
                    changeBytes,
                    map.onDisk().size(),
                    tablet.diskBytes(),
                    deltaBytes(map),
                    historyBytes(map),
                    map.missing(),
                    queue.admission().admittedCount(),
                    queue.admission().isHeld(),
                    tablet.pressure().pace().bytesPerSecond(),
                    tablet.pressure().isFlushWanted(),
                    tablet.merging().progress(),
                    tablet.neededFrom(),
                    Optional.ofNullable(tablet.pending().failure()),
                    tablet.pressure().flushFailure());
        } finally {
            tablet.exit(ticket);
        }
    }

    private static long freshRowCount(RowSetMap map) {
        long rows = map.active().rows().rowCount();
        for (FreshRows fresh : map.sealed()) {
            rows += fresh.rows().rowCount();
        }
        return rows;
    }

    private static long deltaBytes(RowSetMap map) {
        long bytes = 0;
        for (LiveRowSet rowSet : map.onDisk()) {
            bytes += rowSet.fileBytes() - rowSet.base().fileBytes();
        }
        return bytes;
    }

    private static long historyBytes(RowSetMap map) {
        long bytes = 0;
        for (LiveRowSet rowSet : map.onDisk()) {
            bytes += rowSet.base().historyBytes();
        }
        return bytes;
    }

    /**
     * How the rows of a tablet lie along the keys of a range, those in memory included: as {@link RowSet#outline} says,
     * of one rowset after the other, whose keys may overlap. With nobody closing the tablet meanwhile.
     */
    public static void outline(Tablet tablet, KeyRange range, int[] columnIds, long partBytes, RowSet.Outline target) {
        int ticket = tablet.enter();
        try {
            RowSetMap map = tablet.map();
            map.rowSets().meeting(range).forEach(rowSet -> rowSet.outline(range, columnIds, partBytes, target));
            map.sealed().forEach(fresh -> fresh.rows().outline(range, columnIds, partBytes, target));
            map.active().rows().outline(range, columnIds, partBytes, target);
        } finally {
            tablet.exit(ticket);
        }
    }

    /** Grows whenever rows or changes of a tablet come to be somewhere else. */
    public static long mapVersion(Tablet tablet) {
        return tablet.map().version();
    }

    /** Memory that a flush of a tablet would free now: without what a merge has until it is over. */
    public static long flushableBytes(Tablet tablet) {
        return tablet.map().flushableBytes();
    }

    /**
     * The rowsets of a tablet that can be merged, as a policy sees them.
     *
     * @param mark nobody reads before it
     */
    public static List<RowSetShape> shapes(Tablet tablet, long mark) {
        int ticket = tablet.enter();
        try {
            return tablet.map().onDisk().stream()
                    .map(rowSet -> rowSet.shape()
                            .forgetting(forgottenBytes(rowSet, mark))
                            .apart(tablet.merging().isApart(rowSet.base().fileId(), mark)))
                    .toList();
        } finally {
            tablet.exit(ticket);
        }
    }

    /**
     * About what would be gone from the disk if a rowset were written again. What a file says is of all that happened
     * in it: as long as some of that can be read, none counts.
     */
    private static long forgottenBytes(LiveRowSet rowSet, long mark) {
        DiskRowSet base = rowSet.base();
        double rowBytes = (double) (base.fileBytes() - base.historyBytes()) / Math.max(1, base.rowCount());
        double bytes = 0;
        if (base.newestChange() <= mark) {
            bytes += base.historyBytes() + base.deletedCount() * rowBytes;
        }
        for (DeltaFile file : rowSet.deltaFiles()) {
            if (file.newestTime() <= mark) {
                bytes += file.fileBytes() + file.deletedCount() * rowBytes;
            }
        }
        return (long) bytes;
    }

    /** A time that is to be the mark before more of a tablet is forgotten; {@link Long#MAX_VALUE} if there is none. */
    public static long nextForgotten(Tablet tablet, long mark) {
        int ticket = tablet.enter();
        try {
            long next = Long.MAX_VALUE;
            for (LiveRowSet rowSet : tablet.map().onDisk()) {
                DiskRowSet base = rowSet.base();
                if (base.newestChange() > mark && (base.hasHistory() || base.deletedCount() > 0)) {
                    next = Math.min(next, base.newestChange());
                }
                for (DeltaFile file : rowSet.deltaFiles()) {
                    next = file.newestTime() > mark ? Math.min(next, file.newestTime()) : next;
                }
            }
            return next;
        } finally {
            tablet.exit(ticket);
        }
    }

    /** Files of the rowsets of a tablet that have history, or rows that are deleted, or changes. */
    public static List<Long> withPast(Tablet tablet) {
        int ticket = tablet.enter();
        try {
            return tablet.map().onDisk().stream()
                    .filter(TabletView::hasPast)
                    .map(rowSet -> rowSet.base().fileId())
                    .toList();
        } finally {
            tablet.exit(ticket);
        }
    }

    /** Whether files of a rowset have something from at or before {@code mark} that a merge would leave out. */
    public static boolean isForgettable(Tablet tablet, long fileId, long mark) {
        int ticket = tablet.enter();
        try {
            return tablet.map().onDisk().stream()
                    .anyMatch(rowSet -> rowSet.base().fileId() == fileId && isForgettable(rowSet, mark));
        } finally {
            tablet.exit(ticket);
        }
    }

    private static boolean isForgettable(LiveRowSet rowSet, long mark) {
        DiskRowSet base = rowSet.base();
        boolean isOfBase = (base.hasHistory() || base.deletedCount() > 0) && base.newestChange() <= mark;
        return isOfBase || rowSet.deltaFiles().stream().anyMatch(file -> file.newestTime() <= mark);
    }

    /** Whether there is more to it than its rows as they are now: what a merge may leave out. */
    private static boolean hasPast(LiveRowSet rowSet) {
        return rowSet.base().hasHistory()
                || rowSet.base().deletedCount() > 0
                || !rowSet.frozen().isEmpty()
                || rowSet.activeChangeCount() > 0;
    }

    /** The rowsets of a tablet that can be read, with their bounds and delta files, in no particular order. */
    public static List<RowSetEntry> rowSets(Tablet tablet) {
        int ticket = tablet.enter();
        try {
            return tablet.map().onDisk().stream().map(LiveRowSet::entry).toList();
        } finally {
            tablet.exit(ticket);
        }
    }
}
