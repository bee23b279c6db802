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
            gauge(
                    "open_scans",
                    "active_scanners",
                    "Scans that are open now, of clients and of the program that embeds the engine",
                    EngineView::openScans),
            gauge(
                    "memory_limit_bytes",
                    "memory_limit",
                    "Most bytes of native memory that the engine may use",
                    EngineView::memoryBytesMax),
            gauge(
                    "memory_peak_bytes",
                    "memory_peak",
                    "Most bytes of native memory that were in use at a time",
                    EngineView::memoryBytesPeak),
            counter(
                    "cache_hits",
                    "block_cache_hits",
                    "Pages that a read found in the page cache",
                    v -> v.cache().hits()),
            counter(
                    "cache_misses",
                    "block_cache_misses",
                    "Pages that a read had to bring from disk",
                    v -> v.cache().misses()),
            counter(
                    "cache_evictions",
                    "block_cache_evictions",
                    "Pages that left the page cache for others",
                    v -> v.cache().evictions()),
            gauge(
                    "cache_bytes",
                    "block_cache_usage",
                    "Bytes of pages in the page cache",
                    v -> v.cache().bytes()),
            gauge(
                    "log_segments",
                    "log_segments",
                    "Files of the write-ahead log with records that a restart needs",
                    v -> v.log().segmentCount()),
            gauge(
                    "log_retained_bytes",
                    "log_retained",
                    "Bytes of the files of the write-ahead log that a restart needs",
                    v -> v.log().retainedBytes()),
            counter(
                    "log_writes",
                    "log_writes",
                    "Transfers of the write-ahead log to disk",
                    v -> v.log().writes()),
            counter(
                    "log_syncs",
                    "log_syncs",
                    "Syncs of the write-ahead log that were no part of a transfer",
                    v -> v.log().syncs()),
            counter(
                    "log_written_bytes",
                    "log_bytes_logged",
                    "Bytes that the write-ahead log wrote, headers and padding included",
                    v -> v.log().writtenBytes()),
            counter(
                    "log_payload_bytes",
                    "log_payload_bytes",
                    "Bytes of batches and answers that the write-ahead log wrote, without headers and padding",
                    v -> v.log().payloadBytes()),
            gauge(
                    "log_durable_sequence",
                    "log_durable_sequence",
                    "Number of the newest record of the write-ahead log that survives a power cut",
                    v -> v.log().durableUpTo()),
            gauge(
                    "failures",
                    "failures",
                    "Things that do not work now, which /healthz names",
                    v -> v.failures().size()));

    static final List<Metric<Sums>> OF_ALL_TABLETS = List.of(
            gauge("tablets", "tablets_num_running", "Tablets of all tables that are not dropped", Sums::tabletCount),
            gauge("failed_tablets", "tablets_num_failed", "Tablets that take no writes any more", Sums::failed),
            gauge(
                    "missing_rowsets",
                    "missing_rowsets",
                    "Rowsets that are set aside, because their files are damaged or gone",
                    Sums::missingRowSets),
            gauge(
                    "undecided_batches",
                    "undecided_batches",
                    "Batches that a tablet has taken and not decided yet",
                    Sums::undecidedBatches),
            gauge("held_tablets", "held_tablets", "Tablets whose batches wait for memory", Sums::held),
            gauge(
                    "slowed_tablets",
                    "slowed_tablets",
                    "Tablets that take batches no faster than merges keep up with",
                    Sums::slowed),
            gauge(
                    "flushes_due",
                    "flushes_due",
                    "Tablets whose rows in memory are to be written to disk",
                    Sums::awaitingFlush));

    static final List<Metric<Sums>> OF_TABLE = List.of(
            gauge("table_tablets", "num_tablets", "Tablets of the table", Sums::tabletCount),
            gauge("table_rows", "live_row_count", "Rows of the table that are not deleted", Sums::liveRows),
            gauge(
                    "table_rows_in_memory",
                    "rows_in_memory",
                    "Rows of the table in memory that are not on disk, deleted ones included",
                    Sums::freshRows),
            gauge(
                    "table_memory_bytes",
                    "memrowset_size",
                    "Bytes of memory of rows that are not on disk",
                    Sums::freshBytes),
            gauge(
                    "table_change_bytes",
                    "deltamemstore_size",
                    "Bytes of memory of changes of rows on disk",
                    Sums::changeBytes),
            gauge("table_rowsets", "num_rowsets_on_disk", "Rowsets of the table on disk", Sums::rowSets),
            gauge(
                    "table_disk_bytes",
                    "on_disk_size",
                    "Bytes of the files of the table, without the log",
                    Sums::diskBytes),
            gauge("table_delta_bytes", "delta_files_size", "Bytes of the delta files of the table", Sums::deltaBytes),
            gauge(
                    "table_history_bytes",
                    "history_size",
                    "Bytes of what rows of the table were before their files were written",
                    Sums::historyBytes));

    static final List<Metric<TabletView>> OF_TABLET = List.of(
            gauge("", "live_row_count", "", TabletView::liveRowCount),
            gauge("", "rows_in_memory", "", TabletView::freshRowCount),
            gauge("", "memrowset_size", "", TabletView::freshBytes),
            gauge("", "deltamemstore_size", "", TabletView::changeBytes),
            gauge("", "num_rowsets_on_disk", "", TabletView::rowSetCount),
            gauge("", "on_disk_size", "", TabletView::diskBytes),
            gauge("", "delta_files_size", "", TabletView::deltaBytes),
            gauge("", "history_size", "", TabletView::historyBytes),
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

    /** Of a counter of the engine. */
    static String helpOf(String label) {
        return switch (label) {
            case "commits acknowledged" -> "Commits that were acknowledged as durable";
            case "operations acknowledged" -> "Operations of acknowledged commits that took effect, or needed none";
            case "operations refused" -> "Operations of acknowledged commits that are errors of their rows";
            case "commits failed" -> "Commits that failed as a whole";
            case "scans opened" -> "Scans that were opened";
            case "flushes" -> "Times that rows or changes in memory of a tablet were written to disk";
            case "flushes failed" -> "Times that this failed, and the rows stayed in memory";
            case "merges" -> "Times that rowsets of a tablet were merged";
            case "merges failed" -> "Times that this failed, and they stayed as they were";
            case "merges of delta files" -> "Times that several delta files of a rowset became one";
            case "merges of delta files failed" -> "Times that this failed, and they stayed";
            case "merges of one rowset with its changes" -> "Merges of one rowset alone, for its many changes";
            case "bytes read by merges" -> "Bytes of rowsets and changes that merges have read";
            case "bytes written by merges" -> "Bytes of new rowsets that merges have written";
            case "bytes read by merges of delta files" -> "Bytes of delta files that became part of others";
            case "bytes written by merges of delta files" -> "Bytes of the delta files that took their place";
            case "pages copied by merges" -> "Pages of columns without changes, which were copied as they were";
            case "commits that were slow" -> "Commits that took so long that merges yield (slowCommitMillis)";
            case "pauses of merges" -> "Times that a merge waited with its next step, to take no more than its share";
            case "bytes written by flushes" -> "Bytes of new rowsets and delta files that flushes have written";
            case "merges of several rowsets" -> "Merges of more than one rowset that had rows to be seen";
            case "merges of one rowset for its space" -> "Merges of one rowset alone, for history nobody can read";
            case "rowsets dropped unread" -> "Rowsets of which nobody could see a row any more, dropped by merges";
            case "key filters asked by commits" -> "Filters of rowsets asked for keys that are written";
            case "keys looked up by commits" -> "Keys that are written, looked for in rowsets";
            default -> "Since the engine was opened: " + label;
        };
    }

    double of(T watched) {
        return value.applyAsDouble(watched);
    }
}
