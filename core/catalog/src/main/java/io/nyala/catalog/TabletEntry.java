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
 */
public record TabletEntry(long id, long tableId, List<RowSetEntry> rowSets, long appliedUpTo, long mergedUpTo) {
    public TabletEntry {
        rowSets = List.copyOf(rowSets);
    }
}
