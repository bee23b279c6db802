package io.nyala.tablet;

import io.nyala.rows.KeyIntervals;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where the rows of a tablet are at one moment: the MemRowSet that takes inserts, those that are sealed and being
 * flushed, and the rowsets on disk. Immutable; a seal or a swap makes a new map with the next version.
 *
 * <p>A row of a given key is live in at most one of them. A reader takes one map and one snapshot, and sees one state
 * of the tablet however many swaps follow.
 *
 * @param version grows by one with each seal and each swap, of rows or of changes
 * @param active takes inserts
 * @param sealed take no inserts, but changes of their rows; newest first
 * @param rowSets on disk, by their keys
 * @param unreadable on disk too, but they cannot be read
 */
record RowSetMap(
        long version,
        FreshRows active,
        List<FreshRows> sealed,
        KeyIntervals<LiveRowSet> rowSets,
        KeyIntervals<MissingRowSet> unreadable) {
    RowSetMap {
        sealed = List.copyOf(sealed);
    }

    /** The rowsets on disk, in the order of their least keys. */
    List<LiveRowSet> onDisk() {
        return rowSets.values();
    }

    /** Those that cannot be read, likewise. */
    List<MissingRowSet> missing() {
        return unreadable.values();
    }

    /** The map after {@link #active} was sealed and {@code fresh} took its place. */
    RowSetMap withSeal(FreshRows fresh) {
        List<FreshRows> newSealed = new ArrayList<>();
        newSealed.add(active);
        newSealed.addAll(sealed);
        return new RowSetMap(version + 1, fresh, newSealed, rowSets, unreadable);
    }

    /** The map after the sealed {@code flushed} was replaced by {@code outputs}. */
    RowSetMap withSwap(FreshRows flushed, List<LiveRowSet> outputs) {
        assert sealed.contains(flushed) : "MemRowSet " + flushed.rows().id() + " is not sealed in version " + version;
        assert Set.copyOf(onDisk()).stream().noneMatch(outputs::contains) : "an output is already in the map";
        List<FreshRows> newSealed = new ArrayList<>(sealed);
        newSealed.remove(flushed);
        return new RowSetMap(version + 1, active, newSealed, rowSets.with(List.of(), outputs), unreadable);
    }

    /** The map after {@code inputs} were merged to {@code outputs}. */
    RowSetMap withMerge(List<LiveRowSet> inputs, List<LiveRowSet> outputs) {
        assert Set.copyOf(onDisk()).containsAll(inputs) : "an input is not in the map";
        return new RowSetMap(version + 1, active, sealed, rowSets.with(inputs, outputs), unreadable);
    }

    /** The map after a rowset got a delta file in the place of changes in memory, or of others. */
    RowSetMap withChangedRowSet() {
        return new RowSetMap(version + 1, active, sealed, rowSets, unreadable);
    }

    /** Rows of all that can be read, deleted ones included. By who has entered the tablet's epochs. */
    long rowCount() {
        long rows = active.rows().rowCount();
        for (FreshRows fresh : sealed) {
            rows += fresh.rows().rowCount();
        }
        for (LiveRowSet rowSet : onDisk()) {
            rows += rowSet.base().rowCount();
        }
        return rows;
    }

    /** As {@link #rowCount}, deleted ones left out. */
    long liveRowCount() {
        long rows = active.rows().liveRows();
        for (FreshRows fresh : sealed) {
            rows += fresh.rows().liveRows();
        }
        for (LiveRowSet rowSet : onDisk()) {
            rows += rowSet.liveRows();
        }
        return rows;
    }

    /** Oldest log record that a restart would need, given that rows of records up to {@code applied} are on disk. */
    long neededFrom(long applied) {
        boolean isAllOnDisk = sealed.isEmpty() && active.rows().rowCount() == 0;
        long needed = isAllOnDisk ? Long.MAX_VALUE : applied + 1;
        for (LiveRowSet rowSet : onDisk()) {
            needed = Math.min(needed, rowSet.neededFrom());
        }
        return needed;
    }

    /** Files of rowsets, those that cannot be read included. */
    List<Path> files() {
        return Stream.concat(
                        onDisk().stream().flatMap(rowSet -> rowSet.files().stream()),
                        missing().stream().map(MissingRowSet::file))
                .toList();
    }

    /** Length of the files of rowsets. By who has entered the tablet's epochs. */
    long diskBytes() {
        return onDisk().stream().mapToLong(LiveRowSet::fileBytes).sum();
    }

    /** Memory of rows and of changes. */
    long memoryBytes() {
        long bytes = changeBytes() + active.rows().memoryBytes();
        for (FreshRows fresh : sealed) {
            bytes += fresh.rows().memoryBytes();
        }
        return bytes;
    }

    /** Memory of changes of rows on disk. */
    long changeBytes() {
        long bytes = 0;
        for (LiveRowSet rowSet : onDisk()) {
            bytes += rowSet.changeBytes();
        }
        return bytes;
    }

    /** Of {@link #memoryBytes} those that a flush would free now; without changes that are a merge's. */
    long flushableBytes() {
        boolean hasRows = !sealed.isEmpty() || active.rows().rowCount() > 0;
        return flushableChangeBytes() + (hasRows ? memoryBytes() - changeBytes() : 0);
    }

    /** Those of changes among them. */
    long flushableChangeBytes() {
        long bytes = 0;
        for (LiveRowSet rowSet : onDisk()) {
            bytes += rowSet.flushableChangeBytes();
        }
        return bytes;
    }

    /**
     * Freezes changes in memory, for a delta flush; answers the rowsets that have any, those that are being merged left
     * out. By the writer.
     */
    List<LiveRowSet> sealChanges(long lastSequence) {
        List<LiveRowSet> changed = new ArrayList<>();
        for (LiveRowSet rowSet : onDisk()) {
            if (!rowSet.claim().isOfRows() && rowSet.seal(lastSequence) != null) {
                changed.add(rowSet);
            }
        }
        return changed;
    }

    /** All of them, also if some throw. */
    static void runAll(Iterator<Runnable> closers) {
        if (closers.hasNext()) {
            try {
                closers.next().run();
            } finally {
                runAll(closers);
            }
        }
    }

    /** Gives everything back that the map of a closed tablet has, also if some of it fails. */
    void close() {
        List<Runnable> closers = new ArrayList<>();
        closers.add(active.rows()::close);
        sealed.forEach(fresh -> closers.add(fresh.rows()::close));
        onDisk().forEach(rowSet -> closers.add(rowSet::close));
        runAll(closers.iterator());
    }
}
