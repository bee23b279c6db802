package io.nyala.web;

import io.nyala.engine.EngineView;
import io.nyala.engine.Table;
import io.nyala.memory.AccountUsage;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All numbers of an engine in Prometheus' text format, by table and not by tablet: so that there are not more of them
 * than Prometheus likes to keep. Stateless; each scrape looks once.
 */
final class PrometheusText {
    private static final String PREFIX = "nyala_";

    /** Tables with numbers of their own; how many have none is a number, too. */
    static final int TABLES_MAX = 1000;

    private static final PrometheusTextFormatWriter WRITER = PrometheusTextFormatWriter.create();

    private final List<MetricSnapshot> all = new ArrayList<>();

    private PrometheusText() {}

    static Answer of(Catalog catalog, double uptimeSeconds) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(16_384);
        try {
            WRITER.write(bytes, snapshots(catalog, uptimeSeconds));
        } catch (IOException e) {
            throw new UncheckedIOException("a stream in memory failed", e);
        }
        return new Answer(200, WRITER.getContentType(), bytes.toByteArray(), Optional.empty());
    }

    private static MetricSnapshots snapshots(Catalog catalog, double uptimeSeconds) {
        EngineView view = catalog.engine().view();
        List<Table> tables = catalog.engine().tables();
        Map<Labels, Sums> shown = new LinkedHashMap<>();
        Sums sums = Sums.of(List.of());
        for (Table table : tables) {
            Sums own = Sums.of(table);
            sums = sums.plus(own);
            if (shown.size() < TABLES_MAX) {
                shown.put(Labels.of("table", table.name(), "table_id", Long.toString(table.id())), own);
            }
        }
        PrometheusText text = new PrometheusText();
        text.gauge("uptime_seconds", "Seconds since the web pages were started", Map.of(Labels.EMPTY, uptimeSeconds));
        view.counters()
                .forEach((label, count) ->
                        text.counter(Metric.nameOf(label), Metric.helpOf(label), Map.of(Labels.EMPTY, (double) count)));
        text.addAll(Metric.OF_ENGINE, Map.of(Labels.EMPTY, view));
        text.memory(view.memory());
        text.addAll(Metric.OF_ALL_TABLETS, Map.of(Labels.EMPTY, sums));
        text.gauge("tables", "Tables that are not dropped", Map.of(Labels.EMPTY, (double) tables.size()));
        text.gauge(
                "tables_not_shown",
                "Tables that have no numbers of their own here, because there are so many",
                Map.of(Labels.EMPTY, (double) (tables.size() - shown.size())));
        text.addAll(Metric.OF_TABLE, shown);
        return new MetricSnapshots(text.all);
    }

    private void memory(List<AccountUsage> memory) {
        Map<Labels, Double> used = new LinkedHashMap<>();
        Map<Labels, Double> reserved = new LinkedHashMap<>();
        for (AccountUsage use : memory) {
            Labels labels = Labels.of("purpose", use.owner());
            used.put(labels, (double) use.usedBytes());
            reserved.put(labels, (double) use.reservedBytes());
        }
        gauge("memory_used_bytes", "Bytes of native memory in use, by purpose", used);
        gauge(
                "memory_reserved_bytes",
                "Bytes of native memory that are set aside for a purpose, in use or not",
                reserved);
    }

    private <T> void addAll(List<Metric<T>> metrics, Map<Labels, T> watched) {
        for (Metric<T> metric : metrics) {
            Map<Labels, Double> values = new LinkedHashMap<>();
            watched.forEach((labels, each) -> values.put(labels, metric.of(each)));
            if (metric.isCounter()) {
                counter(metric.name(), metric.help(), values);
            } else {
                gauge(metric.name(), metric.help(), values);
            }
        }
    }

    private void gauge(String name, String help, Map<Labels, Double> values) {
        GaugeSnapshot.Builder gauge =
                GaugeSnapshot.builder().name(PREFIX + name).help(help);
        values.forEach((labels, value) -> gauge.dataPoint(
                GaugeDataPointSnapshot.builder().labels(labels).value(value).build()));
        all.add(gauge.build());
    }

    private void counter(String name, String help, Map<Labels, Double> values) {
        CounterSnapshot.Builder counter =
                CounterSnapshot.builder().name(PREFIX + name).help(help);
        values.forEach((labels, value) -> counter.dataPoint(
                CounterDataPointSnapshot.builder().labels(labels).value(value).build()));
        all.add(counter.build());
    }
}
