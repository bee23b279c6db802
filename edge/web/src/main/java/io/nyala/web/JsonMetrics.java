package io.nyala.web;

import io.nyala.engine.EngineView;
import io.nyala.engine.Table;
import io.nyala.text.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * All numbers of an engine as JSON in the shape of Kudu's servers: entities with attributes and metrics. Asked with
 * {@code types} (server, table, tablet) and {@code metrics} (parts of names), both with commas, it answers only those.
 * Stateless.
 *
 * <pre>{@code
 *   [{"type": "server", "id": "nyala", "attributes": {}, "metrics": [{"name": "active_scanners", "value": 0}, ...]},
 *    {"type": "tablet", "id": "1", "attributes": {"table_name": "t", ...}, "metrics": [...]}]
 * }</pre>
 */
final class JsonMetrics {
    private static final List<String> TYPES = List.of("server", "table", "tablet");

    private final Catalog catalog;
    private final List<String> names;
    private final List<Map<String, Object>> entities = new ArrayList<>();

    private JsonMetrics(Catalog catalog, List<String> names) {
        this.catalog = catalog;
        this.names = names;
    }

    /** Tablets are counted by {@code from}, in pages; the first page has the server and its tables, too. */
    static Answer of(Catalog catalog, Request request, long uptimeMicros) {
        Set<String> types = types(request);
        int from = request.from();
        int count = types.contains("tablet") ? catalog.tabletCount() : 0;
        int to = Math.min(count, from + Request.LINES_MAX);
        JsonMetrics json = new JsonMetrics(
                catalog,
                request.parameter("metrics")
                        .map(text -> List.of(text.split(",", -1)))
                        .orElse(List.of("")));
        if (from == 0 && types.contains("server")) {
            json.server(uptimeMicros);
        }
        if (from == 0 && types.contains("table")) {
            catalog.engine().tables().stream().limit(Request.LINES_MAX).forEach(json::table);
        }
        catalog.tablets(Math.min(from, to), to).forEach(json::tablet);
        Optional<String> next = to < count
                ? Optional.of(request.with("from", Integer.toString(to)).address())
                : Optional.empty();
        return Answer.of(200, Answer.JSON, Json.text(json.entities) + "\n").withNext(next);
    }

    private static Set<String> types(Request request) {
        Set<String> types = Set.copyOf(request.parameter("types")
                .map(text -> List.of(text.split(",", -1)))
                .orElse(TYPES));
        for (String type : types) {
            if (!TYPES.contains(type)) {
                throw WebException.bad("types=" + Cell.cut(type) + " is none; there are " + String.join(", ", TYPES));
            }
        }
        return types;
    }

    private void server(long uptimeMicros) {
        EngineView view = catalog.engine().view();
        Sums sums = Sums.of(catalog.engine().tables());
        List<Map<String, Object>> metrics = new ArrayList<>();
        add("uptime", uptimeMicros, metrics);
        view.counters().forEach((label, value) -> add(Metric.nameOf(label), value, metrics));
        addAll(Metric.OF_ENGINE, view, metrics);
        view.memory().forEach(use -> add("memory_used_" + Metric.nameOf(use.owner()), use.usedBytes(), metrics));
        addAll(Metric.OF_ALL_TABLETS, sums, metrics);
        entity("server", "nyala", Map.of(), metrics);
    }

    private void table(Table table) {
        List<Map<String, Object>> metrics = new ArrayList<>();
        addAll(Metric.OF_TABLE, Sums.of(table), metrics);
        entity("table", catalog.host().tableId(table.id()), Map.of("table_name", table.name()), metrics);
    }

    private void tablet(Catalog.Shown shown) {
        List<Map<String, Object>> metrics = new ArrayList<>();
        addAll(Metric.OF_TABLET, shown.view(), metrics);
        Table table = shown.place().table();
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("partition", shown.place().partition());
        attributes.put("table_name", table.name());
        attributes.put("table_id", catalog.host().tableId(table.id()));
        entity("tablet", catalog.host().tabletId(shown.view().tabletId()), attributes, metrics);
    }

    private <T> void addAll(List<Metric<T>> all, T watched, List<Map<String, Object>> metrics) {
        all.forEach(metric -> add(metric.kuduName(), (long) metric.of(watched), metrics));
    }

    private void add(String name, long value, List<Map<String, Object>> metrics) {
        if (names.stream().anyMatch(name::contains)) {
            Map<String, Object> metric = new LinkedHashMap<>();
            metric.put("name", name);
            metric.put("value", value);
            metrics.add(metric);
        }
    }

    private void entity(String type, String id, Map<String, Object> attributes, List<Map<String, Object>> metrics) {
        if (metrics.isEmpty()) {
            return; // As Kudu: nothing was asked of it.
        }
        Map<String, Object> entity = new LinkedHashMap<>();
        entity.put("type", type);
        entity.put("id", id);
        entity.put("attributes", attributes);
        entity.put("metrics", metrics);
        entities.add(entity);
    }
}
