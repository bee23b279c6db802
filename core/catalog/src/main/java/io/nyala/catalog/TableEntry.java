package io.nyala.catalog;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A table as the catalog knows it. Immutable.
 *
 * @param id unique on its host, never used again
 * @param tablets in the order in which they were added
 * @param drop set while the table is dropped and can be recalled
 */
public record TableEntry(
        long id,
        TableDescription description,
        List<TabletPlace> tablets,
        @Nullable Drop drop) {
    public TableEntry {
        tablets = List.copyOf(tablets);
    }

    /**
     * When a table was dropped, and how long it can be recalled. Microseconds since 1970, by the host's clock.
     *
     * @param atMicros when it was dropped
     * @param reservedUntilMicros when it may be purged
     */
    public record Drop(long atMicros, long reservedUntilMicros) {}

    public String name() {
        return description.name();
    }

    public boolean isDropped() {
        return drop != null;
    }

    TableEntry with(TableDescription newDescription, List<TabletPlace> newTablets) {
        return new TableEntry(id, newDescription, newTablets, drop);
    }

    TableEntry withDrop(@Nullable Drop newDrop) {
        return new TableEntry(id, description, tablets, newDrop);
    }
}
