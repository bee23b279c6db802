package io.nyala.catalog;

import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.RangeBounds;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A table on its way to what it is to be: description, columns, ranges. Steps are taken one after the other, as data;
 * nothing is made durable here. A range that is dropped and added again has new, empty tablets.
 *
 * <p>One thread.
 */
public final class TableChange {
    private final TableEntry before;
    private final SchemaChange columns;
    private TableDescription description;
    private PartitionMap map;
    private final List<TabletPlace> kept;
    private final List<Partition> added = new ArrayList<>();

    public TableChange(TableEntry before) {
        this.before = before;
        this.description = before.description();
        this.columns = new SchemaChange(description.schema());
        this.kept = new ArrayList<>(before.tablets());
        this.map = PartitionMap.ofPartitions(
                description.partitioning(),
                kept.stream().map(TabletPlace::partition).toList());
    }

    /** Name, owner, comment, history. */
    public void describe(UnaryOperator<TableDescription> change) {
        description = change.apply(description);
    }

    public void columns(Consumer<SchemaChange> change) {
        change.accept(columns);
        Schema schema = columns.after();
        description = description.withSchema(schema);
        map = map.withSchema(schema);
    }

    public void addRange(RangePartition range) {
        map = map.withRange(range);
        map.partitions().stream()
                .filter(partition -> partition.range().equals(range.bounds()))
                .forEach(added::add);
    }

    public void dropRange(RangeBounds bounds) {
        map = map.withoutRange(bounds);
        kept.removeIf(place -> place.partition().range().equals(bounds));
        added.removeIf(partition -> partition.range().equals(bounds));
    }

    /** What the table is after all steps. */
    public TableDescription description() {
        return description.withPartitioning(map.schema());
    }

    /** How rows are spread then. */
    public PartitionMap partitions() {
        return map;
    }

    /** Tablets that stay. */
    public List<TabletPlace> kept() {
        return List.copyOf(kept);
    }

    /** Partitions that need tablets. */
    public List<Partition> added() {
        return List.copyOf(added);
    }

    /** Ids of tablets that go. */
    public List<Long> dropped() {
        return before.tablets().stream()
                .filter(place -> !kept.contains(place))
                .map(TabletPlace::id)
                .toList();
    }

    /** Whether rows have to be seen in another way: then no row of the old schema may be in memory. */
    public boolean hasNewSchema() {
        return !description.schema().equals(before.description().schema());
    }

    public boolean isEmpty() {
        return description().equals(before.description())
                && added.isEmpty()
                && kept.size() == before.tablets().size();
    }
}
