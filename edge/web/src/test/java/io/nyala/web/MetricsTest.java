package io.nyala.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.rows.OperationKind;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: machines can collect the numbers in both formats, and those say what was done. Method: rows written between two
 * looks, read by strict readers of both.
 */
final class MetricsTest {
    @TempDir
    private Path directory = Path.of("");

    /** Who finds a number in a list of a thousand has only that. */
    @Test
    void eachNumberHasASentenceOfItsOwn() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            watched.engine.createTable("t", Watched.SCHEMA);
            List<String> helps = browser.get("/metrics_prometheus")
                    .body()
                    .lines()
                    .filter(line -> line.startsWith("# HELP "))
                    .map(line -> line.split(" ", 4)[3])
                    .toList();
            assertTrue(helps.size() > 30, helps::toString);
            assertEquals(helps.size(), helps.stream().distinct().count(), helps::toString);
            for (String help : helps) {
                assertTrue(help.split(" ").length >= 4, help);
                assertFalse(help.startsWith("Since the engine was opened"), () -> "has no words of its own: " + help);
            }
        }
    }

    @Test
    void prometheusSeesWhatWasWritten() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            Table table = watched.engine.createTable(Watched.NASTY, Watched.SCHEMA);
            Map<String, Double> before = prometheus(browser);
            Watched.write(table, OperationKind.INSERT, "a", 0, 100);
            Watched.write(table, OperationKind.INSERT, "b", 0, 50);
            table.flush().join();
            Watched.write(table, OperationKind.INSERT, "c", 0, 7);
            try (Scan _ = table.scan().open()) {
                Map<String, Double> after = prometheus(browser);
                assertGrown(3, "nyala_commits_acknowledged_total", before, after);
                assertGrown(157, "nyala_operations_acknowledged_total", before, after);
                assertGrown(1, "nyala_flushes_total", before, after);
                assertGrown(1, "nyala_scans_opened_total", before, after);
                assertGrown(1, "nyala_open_scans", before, after);
                assertTrue(grown("nyala_log_written_bytes_total", before, after) > 0);
                assertTrue(grown("nyala_log_payload_bytes_total", before, after) > 157);
                assertTrue(grown("nyala_log_durable_sequence", before, after) >= 3);
                String labels = "{table=\"<script>alert(\\\"x\\\")</script>'&amp;\u202Egnp\\\\\",table_id=\""
                        + table.id() + "\"}";
                assertEquals(157, after.get("nyala_table_rows" + labels), after::toString);
                assertEquals(7, after.get("nyala_table_rows_in_memory" + labels));
                assertEquals(1, after.get("nyala_table_rowsets" + labels));
                assertTrue(after.getOrDefault("nyala_memory_used_bytes{purpose=\"log\"}", 0.0) > 0);
                assertEquals(192 << 20, after.get("nyala_memory_limit_bytes"));
            }
        }
    }

    private static double grown(String name, Map<String, Double> before, Map<String, Double> after) {
        return after.getOrDefault(name, Double.NaN) - before.getOrDefault(name, Double.NaN);
    }

    private static void assertGrown(double count, String name, Map<String, Double> before, Map<String, Double> after) {
        assertEquals(count, grown(name, before, after), name);
    }

    private static Map<String, Double> prometheus(Browser browser) throws Exception {
        HttpResponse<String> answer = browser.get("/metrics_prometheus");
        assertEquals(200, answer.statusCode());
        assertTrue(
                answer.headers().firstValue("Content-Type").orElse("").startsWith("text/plain; version=0.0.4"),
                () -> answer.headers().toString());
        return PrometheusReader.read(answer.body());
    }

    @Test
    void jsonHasTheShapeOfKudu() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            Table table = watched.engine.createTable(Watched.NASTY, Watched.SCHEMA);
            Watched.write(table, OperationKind.INSERT, "a", 0, 100);
            List<Object> entities =
                    JsonReader.list(JsonReader.read(browser.get("/metrics").body()));
            assertEquals(
                    List.of("server", "table", "tablet"),
                    entities.stream()
                            .map(entity -> JsonReader.map(entity).get("type"))
                            .toList());
            assertEquals(100L, metrics(entities.get(0)).get("operations_acknowledged"));
            assertEquals(0L, metrics(entities.get(0)).get("active_scanners"));
            assertEquals(100L, metrics(entities.get(1)).get("live_row_count"));
            Map<String, Object> tablet = JsonReader.map(entities.get(2));
            assertEquals("00tablet" + table.tablets().getFirst().id(), tablet.get("id"));
            assertEquals(Watched.NASTY, JsonReader.map(tablet.get("attributes")).get("table_name"));
            assertEquals(100L, metrics(tablet).get("live_row_count"));
            assertEquals(0L, metrics(tablet).get("on_disk_size"));
        }
    }

    @Test
    void jsonIsOfWhatWasAskedFor() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            watched.engine.createTable("t", Watched.SCHEMA);
            List<Object> tablets =
                    JsonReader.list(JsonReader.read(browser.get("/metrics?types=tablet&metrics=live_row,on_disk")
                            .body()));
            assertEquals(1, tablets.size());
            assertEquals(
                    List.of("live_row_count", "num_rowsets_on_disk", "on_disk_size"),
                    List.copyOf(metrics(tablets.getFirst()).keySet()));
            assertEquals(
                    List.of(),
                    JsonReader.read(browser.get("/metrics?metrics=no-such").body()));
        }
    }

    private static Map<String, Object> metrics(Object entity) {
        Map<String, Object> metrics = new LinkedHashMap<>();
        for (Object each : JsonReader.list(JsonReader.map(entity).get("metrics"))) {
            Map<String, Object> metric = JsonReader.map(each);
            metrics.put((String) metric.getOrDefault("name", ""), metric.getOrDefault("value", ""));
        }
        return metrics;
    }
}
