package io.nyala.catalog;

import io.nyala.tablet.RowSetEntry;
import java.util.List;

/**
 * What a tablet has on disk, as the catalog knows it. Immutable.
 *
 * @param tableId the table it is a part of
 * @param rowSets in the order in which they were written
 * @param appliedUpTo inserts of log records up to this sequence are in {@code rowSets}
 */
public record TabletEntry(long id, long tableId, List<RowSetEntry> rowSets, long appliedUpTo) {
    public TabletEntry {
        rowSets = List.copyOf(rowSets);
    }
}
