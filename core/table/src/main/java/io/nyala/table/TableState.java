package io.nyala.table;

import io.nyala.catalog.TableDescription;
import io.nyala.catalog.TableEntry;
import io.nyala.catalog.TabletPlace;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangeBounds;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A table as it is at one moment. Immutable; a change of the catalog makes a new one.
 *
 * @param entry as the catalog has it
 * @param map which tablet a row belongs to
 * @param tablets in the order of the map's partitions
 */
public record TableState(TableEntry entry, PartitionMap map, List<HostedTablet> tablets) {
    public TableState {
        tablets = List.copyOf(tablets);
    }

    /** Of all tablets of a table, in any order. */
    public static TableState of(TableEntry entry, List<HostedTablet> tablets) {
        Map<Long, HostedTablet> byId =
                tablets.stream().collect(Collectors.toMap(HostedTablet::id, Function.identity()));
        List<Partition> partitions =
                entry.tablets().stream().map(TabletPlace::partition).toList();
        PartitionMap map = PartitionMap.ofPartitions(entry.description().partitioning(), partitions);
        HostedTablet[] ordered = new HostedTablet[map.size()];
        for (TabletPlace place : entry.tablets()) {
            ordered[map.indexOf(place.partition())] = Objects.requireNonNull(
                    byId.get(place.id()), () -> "tablet " + place.id() + " of table " + entry.id() + " is not open");
        }
        return new TableState(entry, map, List.of(ordered));
    }

    /** The same table, dropped. */
    public TableState withDrop(TableEntry.Drop drop) {
        return new TableState(new TableEntry(entry.id(), entry.description(), entry.tablets(), drop), map, tablets);
    }

    /** The same table, not dropped any more, under a name that is free. */
    public TableState recalled(TableDescription description) {
        return new TableState(new TableEntry(entry.id(), description, entry.tablets(), null), map, tablets);
    }

    public TableDescription description() {
        return entry.description();
    }

    public Schema schema() {
        return entry.description().schema();
    }

    /** The tablet of that id. */
    public HostedTablet tablet(long id) {
        for (HostedTablet tablet : tablets) {
            if (tablet.id() == id) {
                return tablet;
            }
        }
        throw new TableDroppedException("table \"" + description().name() + "\" has no tablet " + id
                + " any more: its part of the table was dropped");
    }

    /** The newest time at which anything changed in any tablet. */
    public long latest() {
        long latest = 0;
        for (HostedTablet tablet : tablets) {
            latest = Math.max(latest, tablet.tablet().visible());
        }
        return latest;
    }

    /** The tablets that may have rows of a scan, in the order of the partitions. */
    public List<HostedTablet> prune(ScanSpec spec) {
        if (tablets.size() == 1 && isOneTablet()) {
            return tablets;
        }
        List<HostedTablet> asked = new ArrayList<>();
        BitSet matching = map.prune(spec);
        for (int i = matching.nextSetBit(0); i >= 0; i = matching.nextSetBit(i + 1)) {
            asked.add(tablets.get(i));
        }
        return asked;
    }

    /** Whether {@link #prune} has this tablet of the table. Does not look at the others. */
    public boolean mayMatch(HostedTablet tablet, ScanSpec spec) {
        return isOneTablet() || map.mayMatch(tablet.partition(), spec);
    }

    /** Whether all rows are in one tablet, whatever their key. */
    boolean isOneTablet() {
        PartitionSchema partitioning = map.schema();
        return partitioning.hashLevels().isEmpty() && !partitioning.hasRangeLevel();
    }

    /**
     * Tablets of this table in groups, which hold ever higher keys where that is certain: where the first columns of
     * the key are those of the range level. Within a group keys are mixed.
     *
     * @param reads in the order of the partitions
     */
    List<List<TabletRead>> inKeyOrder(List<TabletRead> reads) {
        if (!areRangesInKeyOrder()) {
            return reads.isEmpty() ? List.of() : List.of(reads);
        }
        Map<RangeBounds, List<TabletRead>> byRange = new TreeMap<>();
        for (TabletRead read : reads) {
            byRange.computeIfAbsent(read.hosted().partition().range(), _ -> new ArrayList<>())
                    .add(read);
        }
        return List.copyOf(byRange.values());
    }

    private boolean areRangesInKeyOrder() {
        List<Integer> rangeColumns = map.schema().rangeColumnIds();
        for (int i = 0; i < rangeColumns.size(); i++) {
            if (schema().column(i).id() != rangeColumns.get(i)) {
                return false;
            }
        }
        return !rangeColumns.isEmpty();
    }
}
