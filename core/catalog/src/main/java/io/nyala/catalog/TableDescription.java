package io.nyala.catalog;

import io.nyala.memory.Check;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Schema;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a table is called and what it is made of, without its tablets. Immutable; a change is a copy.
 *
 * @param name unique among the tables that are not dropped
 * @param owner whom it belongs to, as the host program calls them; may be empty
 * @param comment for people; may be empty
 * @param historySecondsMax how long old versions of rows are kept, or {@link #HISTORY_FOREVER}
 * @param schema of its rows
 * @param partitioning which tablet a row belongs to; of the same schema
 * @param settings what the host program notes of the table, by name; means nothing here
 * @param snapshots hybrid times from which on its history is kept, however old they are, by the names that they were
 *     given
 */
public record TableDescription(
        String name,
        String owner,
        String comment,
        long historySecondsMax,
        Schema schema,
        PartitionSchema partitioning,
        SortedMap<String, String> settings,
        SortedMap<String, Long> snapshots) {
    /** Nothing is ever forgotten. */
    public static final long HISTORY_FOREVER = -1;

    /** A week, as Kudu. */
    public static final long HISTORY_SECONDS_DEFAULT = 7 * 24 * 3600;

    private static final SortedMap<String, String> NO_SETTINGS = Collections.emptySortedMap();
    private static final SortedMap<String, Long> NO_SNAPSHOTS = Collections.emptySortedMap();

    /** Some centuries: more is {@link #HISTORY_FOREVER}, and hybrid time could not count it. */
    private static final long HISTORY_SECONDS_LIMIT = 10_000_000_000L;

    public TableDescription {
        checkText("name", name, 1, CatalogLimits.NAME_BYTES_MAX);
        checkText("owner", owner, 0, CatalogLimits.OWNER_BYTES_MAX);
        checkText("comment", comment, 0, CatalogLimits.COMMENT_BYTES_MAX);
        if (historySecondsMax != HISTORY_FOREVER) {
            Check.inRange("seconds that a table's history is kept", historySecondsMax, 0, HISTORY_SECONDS_LIMIT);
        }
        Check.that(
                partitioning.schema().equals(schema),
                "table \"" + name + "\" is partitioned by another schema than its own: " + partitioning.schema() + ", "
                        + schema);
        settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
        Check.inRange("number of the table's settings", settings.size(), 0, CatalogLimits.SETTINGS_MAX);
        settings.forEach((key, value) -> {
            checkText("setting's name", key, 1, CatalogLimits.SETTING_NAME_BYTES_MAX);
            checkText("setting " + key, value, 0, CatalogLimits.SETTING_BYTES_MAX);
        });
        snapshots = Collections.unmodifiableSortedMap(new TreeMap<>(snapshots));
        Check.inRange("number of the table's snapshots", snapshots.size(), 0, CatalogLimits.SNAPSHOTS_MAX);
        snapshots.forEach((key, time) -> {
            checkText("snapshot's name", key, 1, CatalogLimits.SNAPSHOT_NAME_BYTES_MAX);
            Check.inRange("time of snapshot " + key, time, 1, Long.MAX_VALUE);
        });
    }

    /** Without settings and snapshots. */
    public TableDescription(
            String name,
            String owner,
            String comment,
            long historySecondsMax,
            Schema schema,
            PartitionSchema partitioning) {
        this(name, owner, comment, historySecondsMax, schema, partitioning, NO_SETTINGS, NO_SNAPSHOTS);
    }

    private static void checkText(String what, String text, int bytesMin, int bytesMax) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Check.inRange("bytes of the table's " + what, bytes.length, bytesMin, bytesMax);
        if (!text.equals(new String(bytes, StandardCharsets.UTF_8))) {
            throw new IllegalArgumentException("the table's " + what + " has half of a surrogate pair");
        }
    }

    public TableDescription withName(String newName) {
        return new TableDescription(
                newName, owner, comment, historySecondsMax, schema, partitioning, settings, snapshots);
    }

    public TableDescription withOwner(String newOwner) {
        return new TableDescription(
                name, newOwner, comment, historySecondsMax, schema, partitioning, settings, snapshots);
    }

    public TableDescription withComment(String newComment) {
        return new TableDescription(
                name, owner, newComment, historySecondsMax, schema, partitioning, settings, snapshots);
    }

    public TableDescription withHistorySecondsMax(long seconds) {
        return new TableDescription(name, owner, comment, seconds, schema, partitioning, settings, snapshots);
    }

    public TableDescription withSchema(Schema newSchema) {
        return new TableDescription(
                name,
                owner,
                comment,
                historySecondsMax,
                newSchema,
                partitioning.withSchema(newSchema),
                settings,
                snapshots);
    }

    public TableDescription withPartitioning(PartitionSchema newPartitioning) {
        return new TableDescription(
                name, owner, comment, historySecondsMax, schema, newPartitioning, settings, snapshots);
    }

    public TableDescription withSettings(SortedMap<String, String> newSettings) {
        return new TableDescription(
                name, owner, comment, historySecondsMax, schema, partitioning, newSettings, snapshots);
    }

    public TableDescription withSnapshots(SortedMap<String, Long> newSnapshots) {
        return new TableDescription(
                name, owner, comment, historySecondsMax, schema, partitioning, settings, newSnapshots);
    }

    /** The least time of its snapshots: from there on its history is kept. {@link Long#MAX_VALUE} if it has none. */
    public long oldestSnapshot() {
        return snapshots.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
    }
}
