package io.nyala.catalog;

import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Says a state in edits, each of which fits into one record of the log: what is long is begun by one edit and continued
 * by others. Between the marks of a checkpoint all of them count, or none. Stateless.
 */
final class StateEdits {
    private StateEdits() {}

    static void add(Collection<TableEntry> tables, Collection<TabletEntry> tablets, List<StorageEdit> edits) {
        // Those that are dropped first: another table may have their name by now.
        tables.stream().filter(TableEntry::isDropped).forEach(table -> add(table, edits));
        tables.stream().filter(table -> !table.isDropped()).forEach(table -> add(table, edits));
        tablets.forEach(tablet -> add(tablet, edits));
    }

    private static void add(TableEntry table, List<StorageEdit> edits) {
        List<TabletPlace> part = new ArrayList<>();
        int partBytes = 0;
        boolean isCreated = false;
        for (TabletPlace place : table.tablets()) {
            int bytes = StorageEditFormat.bytes(place);
            if (!part.isEmpty() && partBytes + bytes > CatalogLimits.PART_BYTES) {
                edits.add(withTablets(table, part, isCreated));
                isCreated = true;
                part = new ArrayList<>();
                partBytes = 0;
            }
            part.add(place);
            partBytes += bytes;
        }
        if (!part.isEmpty() || !isCreated) {
            edits.add(withTablets(table, part, isCreated));
        }
        TableEntry.Drop drop = table.drop();
        if (drop != null) {
            edits.add(new StorageEdit.DropTable(table.id(), drop));
        }
    }

    private static StorageEdit withTablets(TableEntry table, List<TabletPlace> tablets, boolean isCreated) {
        return isCreated
                ? new StorageEdit.AlterTable(table.id(), table.description(), tablets, List.of())
                : new StorageEdit.CreateTable(table.id(), table.description(), tablets);
    }

    private static void add(TabletEntry tablet, List<StorageEdit> edits) {
        List<RowSetEntry> part = new ArrayList<>();
        List<StorageEdit> continued = new ArrayList<>();
        int partBytes = 0;
        for (RowSetEntry rowSet : tablet.rowSets()) {
            RowSetEntry first = firstDeltas(tablet.id(), rowSet, continued);
            int bytes = StorageEditFormat.bytes(first);
            if (!part.isEmpty() && partBytes + bytes > CatalogLimits.PART_BYTES) {
                edits.add(new StorageEdit.Flushed(tablet.id(), part, tablet.appliedUpTo()));
                part = new ArrayList<>();
                partBytes = 0;
            }
            part.add(first);
            partBytes += bytes;
        }
        if (!part.isEmpty() || tablet.appliedUpTo() > 0) {
            edits.add(new StorageEdit.Flushed(tablet.id(), part, tablet.appliedUpTo()));
        }
        edits.addAll(continued);
        if (tablet.mergedUpTo() > 0) {
            edits.add(new StorageEdit.Merged(
                    tablet.id(), List.of(), List.of(), tablet.mergedUpTo(), tablet.historyMark()));
        }
    }

    /** The rowset with as many of its delta files as an edit should have; the others come by edits of their own. */
    private static RowSetEntry firstDeltas(long tabletId, RowSetEntry rowSet, List<StorageEdit> continued) {
        int countMax = CatalogLimits.PART_BYTES / StorageEditFormat.DELTA_BYTES;
        List<DeltaFileEntry> deltas = rowSet.deltas();
        for (int from = countMax; from < deltas.size(); from += countMax) {
            int to = Math.min(deltas.size(), from + countMax);
            continued.add(new StorageEdit.DeltasFlushed(
                    tabletId, rowSet.fileId(), deltas.subList(from, to), rowSet.appliedUpTo()));
        }
        return rowSet.with(deltas.subList(0, Math.min(deltas.size(), countMax)), rowSet.appliedUpTo());
    }
}
