package io.nyala.engine;

import io.nyala.catalog.TableDescription;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A table as the model of the catalog has it. Immutable; a change is a copy.
 *
 * @param historySeconds how long its history is kept
 * @param isDropped whether it can only be recalled
 * @param snapshots times from which on it is kept nevertheless, by their names
 */
record ModelTable(
        String name,
        String comment,
        Schema schema,
        ModelLayout layout,
        long historySeconds,
        boolean isDropped,
        SortedMap<String, Long> snapshots) {
    /** A new table of one tablet. */
    static ModelTable of(String name, Schema schema) {
        return new ModelTable(
                name,
                "",
                schema,
                ModelLayout.oneTablet(),
                TableDescription.HISTORY_SECONDS_DEFAULT,
                false,
                new TreeMap<>());
    }

    ModelTable withHistorySeconds(long newSeconds) {
        return new ModelTable(name, comment, schema, layout, newSeconds, isDropped, snapshots);
    }

    ModelTable withName(String newName) {
        return new ModelTable(newName, comment, schema, layout, historySeconds, isDropped, snapshots);
    }

    ModelTable withComment(String newComment) {
        return new ModelTable(name, newComment, schema, layout, historySeconds, isDropped, snapshots);
    }

    ModelTable withLayout(ModelLayout newLayout) {
        return new ModelTable(name, comment, schema, newLayout, historySeconds, isDropped, snapshots);
    }

    ModelTable withSchema(Schema newSchema) {
        return new ModelTable(name, comment, newSchema, layout, historySeconds, isDropped, snapshots);
    }

    ModelTable dropped(boolean newDropped) {
        return new ModelTable(name, comment, schema, layout, historySeconds, newDropped, snapshots);
    }

    /** With a snapshot more, or, if it has no time, one less. */
    ModelTable withSnapshot(String snapshot, @Nullable Long time) {
        SortedMap<String, Long> changed = new TreeMap<>(snapshots);
        changed.remove(snapshot);
        if (time != null) {
            changed.put(snapshot, time);
        }
        return new ModelTable(name, comment, schema, layout, historySeconds, isDropped, changed);
    }

    /** From when on it can be read in any case. */
    long oldestSnapshot() {
        return snapshots.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
    }

    /** Whether a batch that was made for another version fits: columns are the same, whatever they are called. */
    boolean hasRowsLike(Schema other) {
        return cells(schema).equals(cells(other));
    }

    private static List<List<Object>> cells(Schema schema) {
        return schema.columns().stream()
                .map(column -> List.<Object>of(column.id(), column.type(), column.isNullable(), column.attributes()))
                .toList();
    }

    /** Whether the engine's table is this one. */
    boolean is(Table table) {
        return name.equals(table.name())
                && comment.equals(table.comment())
                && isDropped == table.isDropped()
                && historySeconds == table.historySecondsMax()
                && snapshots.equals(table.snapshots())
                && schema.equals(table.schema())
                && partitions(table).equals(table.partitions().ranges());
    }

    private List<RangePartition> partitions(Table table) {
        return layout.partitions(table.partitions().schema());
    }

    /** What the engine's table is, in words. */
    static String describe(Table table) {
        return "%s%s \"%s\" of %s, version %d, in %s, with %d s of history, snapshots %s"
                .formatted(
                        table.name(),
                        table.isDropped() ? " (dropped)" : "",
                        table.comment(),
                        table.schema().columns().stream().map(Column::describe).toList(),
                        table.schema().version(),
                        table.partitions().ranges(),
                        table.historySecondsMax(),
                        table.snapshots());
    }
}
