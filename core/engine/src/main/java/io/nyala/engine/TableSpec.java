package io.nyala.engine;

import io.nyala.catalog.TableDescription;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Schema;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * What a new table is to be. Immutable; a change is a copy:
 *
 * <pre>{@code
 * var partitioning = PartitionSchema.of(schema).hash(4, "host").range("day").build();
 * var spec = TableSpec.of("metrics", partitioning)
 *         .withRanges(partitioning.splitAt(LocalDate.of(2024, 1, 1), LocalDate.of(2024, 2, 1)))
 *         .withOwner("ops");
 * Table table = engine.createTable(spec);
 * }</pre>
 *
 * @param description name, owner, comment, history, schema and partitioning
 * @param ranges range partitions, disjoint, in any order; null for one that has all rows. None at all is fine if there
 *     is a range level: all rows are refused until ranges are added
 */
public record TableSpec(
        TableDescription description, @Nullable List<RangePartition> ranges) {
    public TableSpec {
        ranges = ranges == null ? null : List.copyOf(ranges);
    }

    /** A table of one tablet. */
    public static TableSpec of(String name, Schema schema) {
        return of(name, PartitionSchema.of(schema).build());
    }

    /** A table of one range of all rows, spread over the hash buckets of its partitioning. */
    public static TableSpec of(String name, PartitionSchema partitioning) {
        return new TableSpec(
                new TableDescription(
                        name, "", "", TableDescription.HISTORY_SECONDS_DEFAULT, partitioning.schema(), partitioning),
                null);
    }

    /** These ranges instead of one that has all rows. */
    public TableSpec withRanges(List<RangePartition> newRanges) {
        return new TableSpec(description, newRanges);
    }

    /** Whom the table belongs to; means nothing to the engine. */
    public TableSpec withOwner(String owner) {
        return new TableSpec(description.withOwner(owner), ranges);
    }

    /** For people. */
    public TableSpec withComment(String comment) {
        return new TableSpec(description.withComment(comment), ranges);
    }

    /** What the host program notes of the table, by name; means nothing to the engine. */
    public TableSpec withSettings(SortedMap<String, String> settings) {
        return new TableSpec(description.withSettings(settings), ranges);
    }

    /** How long old versions of rows are kept; seconds count. A week unless said otherwise. */
    public TableSpec withHistory(Duration history) {
        return new TableSpec(description.withHistorySecondsMax(history.toSeconds()), ranges);
    }

    /** Old versions of rows are kept for ever. */
    public TableSpec withHistoryForever() {
        return new TableSpec(description.withHistorySecondsMax(TableDescription.HISTORY_FOREVER), ranges);
    }

    PartitionMap partitions() {
        List<RangePartition> given = ranges;
        return given == null
                ? PartitionMap.of(description.partitioning())
                : PartitionMap.of(description.partitioning(), given);
    }
}
