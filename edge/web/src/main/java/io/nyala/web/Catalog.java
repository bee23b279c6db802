package io.nyala.web;

import io.nyala.catalog.TabletPlace;
import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.tablet.TabletView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds tables and tablets by what people ask for: the engine's number or the host's name. Thread-safe.
 *
 * @param engine whose they are
 * @param host who names them
 */
record Catalog(Engine engine, WebHost host) {
    /**
     * A tablet and where it is.
     *
     * @param partition in words
     */
    record Place(Table table, long tabletId, String partition) {}

    /** A tablet with what it has. */
    record Shown(Place place, TabletView view) {}

    /** The table that {@code id} names. */
    Table table(Request request) {
        String id = id(request, "table");
        Optional<Long> number = number(id);
        return (number.isPresent()
                        ? engine.table(number.orElseThrow())
                        : engine.tables().stream()
                                .filter(table -> host.tableId(table.id()).equals(id))
                                .findFirst())
                .orElseThrow(() -> WebException.notFound("there is no table of the id " + Cell.cut(id)
                        + "; it may have been dropped. /tables lists those that there are"));
    }

    /** The tablet that {@code id} names. */
    Place tablet(Request request) {
        String id = id(request, "tablet");
        Optional<Long> number = number(id);
        for (Table table : engine.tables()) {
            for (TabletPlace place : table.tablets()) {
                if (number.isPresent()
                        ? place.id() == number.orElseThrow()
                        : host.tabletId(place.id()).equals(id)) {
                    return place(table, place);
                }
            }
        }
        throw WebException.notFound("there is no tablet of the id " + Cell.cut(id)
                + "; its table or its range may have been dropped. /tablets lists those that there are");
    }

    private static String id(Request request, String what) {
        String id = request.parameter("id").orElse("");
        if (id.isBlank()) {
            throw WebException.bad("which " + what + "? Give its id: " + request.path() + "?id=1; /" + what
                    + "s lists those that there are");
        }
        return id;
    }

    /** The engine's number; the host's names have 32 digits, which is more than a number has. */
    private static Optional<Long> number(String id) {
        if (id.length() > 19 || !id.chars().allMatch(c -> '0' <= c && c <= '9')) {
            return Optional.empty();
        }
        try {
            return Optional.of(Long.parseLong(id));
        } catch (NumberFormatException _) {
            return Optional.empty(); // Larger than any.
        }
    }

    private static Place place(Table table, TabletPlace place) {
        String partition = table.partitions().schema().describe(place.partition());
        return new Place(table, place.id(), partition.isEmpty() ? "all rows" : Cell.cut(partition));
    }

    int tabletCount() {
        return engine.tables().stream()
                .mapToInt(table -> table.tablets().size())
                .sum();
    }

    /** What tablets have, table by table, from one to before another; some may be dropped just now. */
    List<Shown> tablets(int from, int to) {
        List<Shown> shown = new ArrayList<>();
        int first = 0;
        for (Table table : engine.tables()) {
            int count = table.tablets().size();
            if (first + count > from && first < to) {
                shown.addAll(tablets(table, Math.max(0, from - first), Math.min(count, to - first)));
            }
            first += count;
        }
        return shown;
    }

    /** As above, of one table. */
    static List<Shown> tablets(Table table, int from, int to) {
        Map<Long, TabletPlace> places = new HashMap<>();
        table.tablets().stream().skip(from).limit((long) to - from).forEach(place -> places.put(place.id(), place));
        List<Shown> shown = new ArrayList<>();
        for (TabletView view : table.views(from, to)) {
            TabletPlace place = places.get(view.tabletId());
            if (place != null) { // Else the table was changed in between.
                shown.add(new Shown(place(table, place), view));
            }
        }
        return shown;
    }

    Cell tableCell(Table table) {
        return Cell.text(table.name()).linkedTo("/table", "id", Long.toString(table.id()));
    }

    Cell tabletCell(long tabletId) {
        return Cell.number(tabletId).linkedTo("/tablet", "id", Long.toString(tabletId));
    }
}
