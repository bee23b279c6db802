package io.nyala.catalog;

import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a catalog should hold, kept by plain code next to the edits that say so: a map of tables, each with a map of
 * tablets. One thread.
 */
final class CatalogModel {
    final Map<Long, ModelTable> tables = new TreeMap<>();
    long idsGivenOut;
    long filesAllocated = 1;
    long leaseEnd;

    /** A table as it should be. */
    static final class ModelTable {
        TableDescription description;
        TableEntry.@Nullable Drop drop;
        final Map<Long, ModelTablet> tablets = new TreeMap<>();

        ModelTable(TableDescription description) {
            this.description = description;
        }
    }

    /** A tablet as it should be. */
    static final class ModelTablet {
        final TabletPlace place;
        final List<RowSetEntry> rowSets = new ArrayList<>();
        long appliedUpTo;
        long mergedUpTo;
        long historyMark;

        ModelTablet(TabletPlace place) {
            this.place = place;
        }
    }

    long newId() {
        return ++idsGivenOut;
    }

    ModelTablet tablet(long tabletId) {
        return tables.values().stream()
                .flatMap(table -> table.tablets.values().stream())
                .filter(tablet -> tablet.place.id() == tabletId)
                .findFirst()
                .orElseThrow();
    }

    void deltas(long tabletId, int rowSet, List<DeltaFileEntry> deltas, long appliedUpTo) {
        ModelTablet tablet = tablet(tabletId);
        RowSetEntry before = tablet.rowSets.get(rowSet);
        tablet.rowSets.set(
                rowSet,
                new RowSetEntry(
                        before.fileId(),
                        before.rowCount(),
                        before.fileBytes(),
                        before.minKey(),
                        before.maxKey(),
                        appliedUpTo,
                        deltas));
    }

    /** Everything in words, in the order of the ids. */
    String text() {
        var text = new StringBuilder("ids " + idsGivenOut + ", files " + filesAllocated + ", lease " + leaseEnd + "\n");
        tables.forEach((id, table) -> {
            text.append(id).append(' ').append(table.description).append(' ').append(table.drop);
            text.append('\n');
            table.tablets.forEach((_, tablet) -> text.append("  ")
                    .append(tablet.place)
                    .append(' ')
                    .append(tablet.appliedUpTo)
                    .append(' ')
                    .append(tablet.mergedUpTo)
                    .append(' ')
                    .append(tablet.historyMark)
                    .append(' ')
                    .append(tablet.rowSets)
                    .append('\n'));
        });
        return text.toString();
    }

    /** The same words of a real state. */
    static String text(StorageState state) {
        var text = new StringBuilder(
                "ids " + (state.nextId() - 1) + ", files " + state.nextFileId() + ", lease " + state.leaseEnd() + "\n");
        Map<Long, TableEntry> tables = new TreeMap<>();
        state.tables().forEach(table -> tables.put(table.id(), table));
        tables.forEach((id, table) -> {
            text.append(id).append(' ').append(table.description()).append(' ').append(table.drop());
            text.append('\n');
            Map<Long, TabletPlace> places = new TreeMap<>();
            table.tablets().forEach(place -> places.put(place.id(), place));
            places.forEach((tabletId, place) -> {
                TabletEntry tablet = state.tablet(tabletId);
                text.append("  ")
                        .append(place)
                        .append(' ')
                        .append(tablet.appliedUpTo())
                        .append(' ')
                        .append(tablet.mergedUpTo())
                        .append(' ')
                        .append(tablet.historyMark())
                        .append(' ')
                        .append(tablet.rowSets())
                        .append('\n');
            });
        });
        return text.toString();
    }
}
