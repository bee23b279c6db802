package io.nyala.catalog;

import io.nyala.tablet.RowSetEntry;
import java.util.List;

/**
 * What a tablet has on disk, as the catalog knows it. Immutable.
 *
 * @param tableId the table it is a part of
 * @param rowSets in the order in which they were written
 * @param appliedUpTo inserts of log records up to this sequence are in {@code rowSets}
 * @param mergedUpTo changes of log records up to this sequence may be of rows that a merge has left out, since nobody
 *     can see them any more
 * @param historyMark time before which it cannot be read, since merges have left out what could be seen then only
 */
public record TabletEntry(
        long id, long tableId, List<RowSetEntry> rowSets, long appliedUpTo, long mergedUpTo, long historyMark) {
    public TabletEntry {
        rowSets = List.copyOf(rowSets);
    }

    /** A new one. */
    static TabletEntry of(long id, long tableId) {
        return new TabletEntry(id, tableId, List.of(), 0, 0, 0);
    }

    TabletEntry with(List<RowSetEntry> newRowSets) {
        return new TabletEntry(id, tableId, newRowSets, appliedUpTo, mergedUpTo, historyMark);
    }

    TabletEntry flushed(List<RowSetEntry> newRowSets, long newAppliedUpTo) {
        return new TabletEntry(id, tableId, newRowSets, newAppliedUpTo, mergedUpTo, historyMark);
    }

    TabletEntry merged(List<RowSetEntry> newRowSets, long upTo, long mark) {
        long newMergedUpTo = Math.max(mergedUpTo, upTo);
        return new TabletEntry(id, tableId, newRowSets, appliedUpTo, newMergedUpTo, Math.max(historyMark, mark));
    }
}
