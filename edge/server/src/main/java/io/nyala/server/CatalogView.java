package io.nyala.server;

import io.nyala.catalog.TabletPlace;
import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The tables and tablets of an engine by their names on the wire. Thread-safe.
 */
final class CatalogView {
    private final Engine engine;
    private final ServerIds ids;

    /** What was looked up before. A tablet that is gone is found out when it is used, or by {@link #forgetGone}. */
    private final Map<String, HostedTablet> tablets = new ConcurrentHashMap<>();

    /**
     * A tablet and the table that it is of.
     *
     * @param id on the wire
     */
    record HostedTablet(String id, Table table, TabletPlace place) {}

    CatalogView(Engine engine, ServerIds ids) {
        this.engine = engine;
        this.ids = ids;
    }

    Engine engine() {
        return engine;
    }

    ServerIds ids() {
        return ids;
    }

    String idOf(Table table) {
        return ids.table(table.id());
    }

    /** The table of that id, dropped ones that can be recalled included. */
    Optional<Table> table(String id) {
        Long number = ids.tableNumber(id);
        return number == null ? Optional.empty() : engine.table(number);
    }

    /** The tablet of that id; null if no table has it. One whose range was dropped says so when it is used. */
    @Nullable
    HostedTablet tablet(String id) {
        HostedTablet known = tablets.get(id);
        if (known != null && !known.table().isDropped()) {
            return known;
        }
        tablets.remove(id);
        Long number = ids.tabletNumber(id);
        if (number == null) {
            return null;
        }
        for (Table table : engine.tables()) {
            for (TabletPlace place : table.tablets()) {
                if (place.id() == number) {
                    var found = new HostedTablet(id, table, place);
                    tablets.put(id, found);
                    return found;
                }
            }
        }
        return null;
    }

    /** The same, but null also if its range was dropped; for who does not use it. */
    @Nullable
    HostedTablet presentTablet(String id) {
        HostedTablet found = tablet(id);
        if (found == null || found.table().hasTablet(found.place().id())) {
            return found;
        }
        tablets.remove(id, found);
        return null;
    }

    /** Lets go of tablets that nobody asks for again: of dropped tables, and of dropped ranges once they are many. */
    void forgetGone() {
        tablets.values().removeIf(tablet -> tablet.table().isDropped());
        List<Table> tables = engine.tables();
        int present = 0;
        for (Table table : tables) {
            present += table.tablets().size();
        }
        if (tablets.size() > present) {
            Set<Long> ids = new HashSet<>();
            tables.forEach(table -> table.tablets().forEach(place -> ids.add(place.id())));
            tablets.values().removeIf(tablet -> !ids.contains(tablet.place().id()));
        }
    }

    /** How many tablets were looked up and are remembered. */
    int knownCount() {
        return tablets.size();
    }

    /** All of them, table by table. */
    List<HostedTablet> allTablets() {
        List<HostedTablet> all = new ArrayList<>();
        for (Table table : engine.tables()) {
            for (TabletPlace place : table.tablets()) {
                all.add(new HostedTablet(ids.tablet(place.id()), table, place));
            }
        }
        return all;
    }
}
