package io.nyala.web;

import io.nyala.engine.EngineView;
import io.nyala.tablet.TabletView;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * A number that machines collect, in the words of both formats. Immutable.
 *
 * @param name for Prometheus, without the prefix of all and without {@code total}
 * @param kuduName in JSON: Kudu's name, where Kudu has the same number
 * @param isCounter whether it only grows, until the engine is opened again
 * @param help what it counts
 * @param value of what is watched
 */
record Metric<T>(String name, String kuduName, boolean isCounter, String help, ToDoubleFunction<T> value) {
    /** Of the engine, but for what {@link EngineView#counters} has. */
    static final List<Metric<EngineView>> OF_ENGINE = List.of(
            gauge("open_scans", "active_scanners", "Scans that are open", EngineView::openScans),
            gauge("memory_limit_bytes", "memory_limit", "Native memory that may be used", EngineView::memoryBytesMax),
            gauge("memory_peak_bytes", "memory_peak", "Most native memory ever used", EngineView::memoryBytesPeak),
            counter(
                    "cache_hits",
                    "block_cache_hits",
                    "Pages found in memory",
                    v -> v.cache().hits()),
            counter(
                    "cache_misses",
                    "block_cache_misses",
                    "Pages read from disk",
                    v -> v.cache().misses()),
            counter(
                    "cache_evictions",
                    "block_cache_evictions",
                    "Pages that made room",
                    v -> v.cache().evictions()),
            gauge(
                    "cache_bytes",
                    "block_cache_usage",
                    "Memory of pages",
                    v -> v.cache().bytes()),
            gauge(
                    "log_segments",
                    "log_segments",
                    "Log files that a restart needs",
                    v -> v.log().segmentCount()),
            gauge(
                    "log_retained_bytes",
                    "log_retained",
                    "Their size",
                    v -> v.log().retainedBytes()),
            counter(
                    "log_writes",
                    "log_writes",
                    "Transfers of the log to disk",
                    v -> v.log().writes()),
            counter(
                    "log_syncs",
                    "log_syncs",
                    "Syncs beside those transfers",
                    v -> v.log().syncs()),
            counter(
                    "log_written_bytes",
                    "log_bytes_logged",
                    "Bytes that the log wrote",
                    v -> v.log().writtenBytes()),
            counter(
                    "log_payload_bytes",
                    "log_payload_bytes",
                    "Of them, what batches and answers left; the rest is headers and padding",
                    v -> v.log().payloadBytes()),
            gauge(
                    "log_durable_sequence",
                    "log_durable_sequence",
                    "Newest durable record",
                    v -> v.log().durableUpTo()),
            gauge(
                    "failures",
                    "failures",
                    "What does not work now, as /healthz says",
                    v -> v.failures().size()));

    static final List<Metric<Sums>> OF_ALL_TABLETS = List.of(
            gauge("tablets", "tablets_num_running", "Tablets", Sums::tabletCount),
            gauge("failed_tablets", "tablets_num_failed", "Tablets that take no writes", Sums::failed),
            gauge("missing_rowsets", "missing_rowsets", "Rowsets that cannot be read", Sums::missingRowSets),
            gauge("undecided_batches", "undecided_batches", "Batches that wait for their turn", Sums::undecidedBatches),
            gauge("held_tablets", "held_tablets", "Tablets whose batches wait for memory", Sums::held),
            gauge("flushes_due", "flushes_due", "Tablets that are to be flushed", Sums::awaitingFlush));

    static final List<Metric<Sums>> OF_TABLE = List.of(
            gauge("table_tablets", "num_tablets", "Tablets of the table", Sums::tabletCount),
            gauge("table_rows", "live_row_count", "Rows that are not deleted", Sums::liveRows),
            gauge("table_rows_in_memory", "rows_in_memory", "Rows that are not on disk", Sums::freshRows),
            gauge("table_memory_bytes", "memrowset_size", "Memory of rows", Sums::freshBytes),
            gauge("table_change_bytes", "deltamemstore_size", "Memory of changes of rows on disk", Sums::changeBytes),
            gauge("table_rowsets", "num_rowsets_on_disk", "Rowsets on disk", Sums::rowSets),
            gauge("table_disk_bytes", "on_disk_size", "Bytes of their files", Sums::diskBytes),
            gauge("table_delta_bytes", "delta_files_size", "Of these delta files", Sums::deltaBytes));

    static final List<Metric<TabletView>> OF_TABLET = List.of(
            gauge("", "live_row_count", "", TabletView::liveRowCount),
            gauge("", "rows_in_memory", "", TabletView::freshRowCount),
            gauge("", "memrowset_size", "", TabletView::freshBytes),
            gauge("", "deltamemstore_size", "", TabletView::changeBytes),
            gauge("", "num_rowsets_on_disk", "", TabletView::rowSetCount),
            gauge("", "on_disk_size", "", TabletView::diskBytes),
            gauge("", "delta_files_size", "", TabletView::deltaBytes),
            gauge("", "undecided_batches", "", TabletView::undecidedBatches));

    private static <T> Metric<T> gauge(String name, String kuduName, String help, ToDoubleFunction<T> value) {
        return new Metric<>(name, kuduName, false, help, value);
    }

    private static <T> Metric<T> counter(String name, String kuduName, String help, ToDoubleFunction<T> value) {
        return new Metric<>(name, kuduName, true, help, value);
    }

    /** The name of a counter of the engine: {@code commits_acknowledged} of {@code commits acknowledged}. */
    static String nameOf(String label) {
        return label.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
    }

    double of(T watched) {
        return value.applyAsDouble(watched);
    }
}
