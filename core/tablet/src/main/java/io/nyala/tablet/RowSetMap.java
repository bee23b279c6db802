package io.nyala.tablet;

import io.nyala.diskrowset.DiskRowSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Where the rows of a tablet are at one moment: the MemRowSet that takes inserts, those that are sealed and being
 * flushed, and the rowsets on disk. Immutable; a seal or a swap makes a new map with the next version.
 *
 * <p>A row of a given key is live in at most one of them. A reader takes one map and one snapshot, and sees one state
 * of the tablet however many swaps follow.
 *
 * @param version grows by one with each seal and each swap
 * @param active takes inserts
 * @param sealed take no inserts and no changes; newest first
 * @param onDisk in no particular order
 * @param missing on disk too, but they cannot be read
 */
record RowSetMap(
        long version, FreshRows active, List<FreshRows> sealed, List<DiskRowSet> onDisk, List<MissingRowSet> missing) {
    RowSetMap {
        sealed = List.copyOf(sealed);
        onDisk = List.copyOf(onDisk);
        missing = List.copyOf(missing);
    }

    /** The map after {@link #active} was sealed and {@code fresh} took its place. */
    RowSetMap withSeal(FreshRows fresh) {
        List<FreshRows> newSealed = new ArrayList<>();
        newSealed.add(active);
        newSealed.addAll(sealed);
        return new RowSetMap(version + 1, fresh, newSealed, onDisk, missing);
    }

    /** The map after the sealed {@code flushed} was replaced by {@code outputs}. */
    RowSetMap withSwap(FreshRows flushed, List<DiskRowSet> outputs) {
        assert sealed.contains(flushed) : "MemRowSet " + flushed.rows().id() + " is not sealed in version " + version;
        assert Set.copyOf(onDisk).stream().noneMatch(outputs::contains) : "an output is already in the map";
        List<FreshRows> newSealed = new ArrayList<>(sealed);
        newSealed.remove(flushed);
        List<DiskRowSet> newOnDisk = new ArrayList<>(onDisk);
        newOnDisk.addAll(outputs);
        return new RowSetMap(version + 1, active, newSealed, newOnDisk, missing);
    }

    /** Rows of all that can be read, deleted ones included. By who has entered the tablet's epochs. */
    long rowCount() {
        long rows = active.rows().rowCount();
        for (FreshRows fresh : sealed) {
            rows += fresh.rows().rowCount();
        }
        for (DiskRowSet rowSet : onDisk) {
            rows += rowSet.rowCount();
        }
        return rows;
    }

    /** As {@link #rowCount}, deleted ones left out. */
    long liveRowCount() {
        long rows = active.rows().liveRows();
        for (FreshRows fresh : sealed) {
            rows += fresh.rows().liveRows();
        }
        for (DiskRowSet rowSet : onDisk) {
            rows += rowSet.rowCount() - rowSet.deletedCount();
        }
        return rows;
    }
}
