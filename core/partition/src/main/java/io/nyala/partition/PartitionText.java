package io.nyala.partition;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Partitions as text: for people, and word for word as Kudu has them in its messages. Stateless. */
final class PartitionText {
    private static final DateTimeFormatter KUDU_TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'", Locale.ROOT);

    private static final String SEPARATOR = ", ";
    private static final int FIRST_PRINTABLE = ' ';
    private static final int DELETE = 0x7f;

    private PartitionText() {}

    /** {@code HASH(host) BUCKET 3, RANGE 2024-01-01 <= day < 2024-02-01}. */
    static String partition(PartitionSchema partitioning, Partition partition) {
        List<HashLevel> levels = partitioning.hashLevelsOf(partition.range());
        if (levels.size() != partition.hashLevelCount()) {
            return wrongLevels(levels, partition);
        }
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < levels.size(); i++) {
            parts.add("HASH(" + names(partitioning.schema(), levels.get(i).columnIds()) + ") BUCKET "
                    + partition.hashBucket(i));
        }
        RangeKeys keys = partitioning.rangeKeys();
        if (keys != null) {
            parts.add("RANGE " + range(keys, partition.range()));
        }
        return parts.isEmpty() ? "ALL ROWS" : String.join(SEPARATOR, parts);
    }

    private static String wrongLevels(List<HashLevel> levels, Partition partition) {
        return "<hash-partition-error: " + partition.hashLevelCount() + " vs " + levels.size() + " expected buckets>";
    }

    private static String range(RangeKeys keys, RangeBounds bounds) {
        List<Column> columns = keys.columns();
        String names = columns.stream().map(Column::name).collect(Collectors.joining(SEPARATOR));
        String name = columns.size() == 1 ? names : "(" + names + ")";
        if (bounds.equals(RangeBounds.ALL)) {
            return name + " UNBOUNDED";
        }
        return (bounds.lower().length == 0 ? "" : key(keys, bounds.lower()) + " <= ")
                + name
                + (bounds.hasUpper() ? " < " + key(keys, bounds.upper()) : "");
    }

    /** A bound for people: its value, or its values in parentheses. Never throws, whatever the bytes. */
    static String key(RangeKeys keys, byte[] bound) {
        return key(keys, bound, false);
    }

    private static String key(RangeKeys keys, byte[] bound, boolean isKudu) {
        try {
            List<Column> columns = keys.columns();
            List<CellValue> values = keys.decode(bound);
            List<String> texts = IntStream.range(0, columns.size())
                    .mapToObj(i ->
                            isKudu ? kuduValue(columns.get(i), values.get(i)) : value(columns.get(i), values.get(i)))
                    .toList();
            return texts.size() == 1 ? texts.getFirst() : "(" + String.join(SEPARATOR, texts) + ")";
        } catch (MalformedBytesException e) {
            return "<range-key-decode-error: " + e.getMessage() + ">";
        }
    }

    private static String value(Column column, CellValue value) {
        return switch (value.toObject(column)) {
            case String text -> quoted(text);
            case byte[] bytes -> HexFormat.of().formatHex(bytes);
            case BigDecimal decimal -> decimal.toPlainString();
            case Object other -> other.toString();
        };
    }

    private static String kuduValue(Column column, CellValue value) {
        return switch (value.toObject(column)) {
            case String text -> quoted(text);
            case byte[] bytes -> hexQuoted(bytes);
            case BigDecimal decimal ->
                decimal.unscaledValue() + "_D" + column.type().cellBytes() * Byte.SIZE;
            case Instant instant -> KUDU_TIME.format(instant.atOffset(ZoneOffset.UTC));
            case Object other -> other.toString();
        };
    }

    /** As C would write it, but for what is beyond ASCII. */
    private static String quoted(String text) {
        var target = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            String named = named(c);
            if (named.isEmpty() && (c < FIRST_PRINTABLE || c == DELETE)) {
                target.append(String.format(Locale.ROOT, "\\%03o", (int) c));
            } else {
                target.append(named.isEmpty() ? String.valueOf(c) : named);
            }
        }
        return target.append('"').toString();
    }

    /** As C would write it, in hexadecimal; a digit that would be read as part of the number before it too. */
    private static String hexQuoted(byte[] bytes) {
        var target = new StringBuilder("\"");
        boolean isAfterHex = false;
        for (byte b : bytes) {
            char c = (char) (b & 0xff);
            String named = named(c);
            boolean isPlain = named.isEmpty()
                    && c >= FIRST_PRINTABLE
                    && c < DELETE
                    && !(isAfterHex && Character.digit(c, 16) >= 0);
            isAfterHex = named.isEmpty() && !isPlain;
            target.append(
                    isPlain ? String.valueOf(c) : isAfterHex ? String.format(Locale.ROOT, "\\x%02x", (int) c) : named);
        }
        return target.append('"').toString();
    }

    private static String named(char c) {
        return switch (c) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '"' -> "\\\"";
            case '\'' -> "\\'";
            case '\\' -> "\\\\";
            default -> "";
        };
    }

    private static String names(Schema schema, List<Integer> ids) {
        return ids.stream()
                .map(id -> schema.column(schema.indexOfId(id)).name())
                .collect(Collectors.joining(SEPARATOR));
    }

    /** {@code HASH (host, metric) PARTITIONS 4 SEED 42, RANGE (day)}. */
    static String kuduSchema(PartitionSchema partitioning) {
        Schema schema = partitioning.schema();
        List<String> parts = new ArrayList<>();
        for (HashLevel level : partitioning.hashLevels()) {
            parts.add("HASH (" + names(schema, level.columnIds()) + ") PARTITIONS " + level.buckets()
                    + (level.seed() == 0 ? "" : " SEED " + Integer.toUnsignedString(level.seed())));
        }
        if (partitioning.hasRangeLevel()) {
            parts.add("RANGE (" + names(schema, partitioning.rangeColumnIds()) + ")");
        }
        return String.join(SEPARATOR, parts);
    }

    /** {@code HASH (k1, k2) PARTITION 0, RANGE (k3) PARTITION VALUES < 0}. */
    static String kuduPartition(PartitionSchema partitioning, Partition partition) {
        List<HashLevel> levels = partitioning.hashLevelsOf(partition.range());
        if (levels.size() != partition.hashLevelCount()) {
            return wrongLevels(levels, partition);
        }
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < levels.size(); i++) {
            parts.add("HASH (" + names(partitioning.schema(), levels.get(i).columnIds()) + ") PARTITION "
                    + partition.hashBucket(i));
        }
        RangeKeys keys = partitioning.rangeKeys();
        if (keys != null) {
            parts.add("RANGE (" + names(partitioning.schema(), partitioning.rangeColumnIds()) + ") PARTITION "
                    + kuduRange(keys, partition.range()));
        }
        return String.join(SEPARATOR, parts);
    }

    static String kuduRange(RangeKeys keys, RangeBounds bounds) {
        boolean hasLower = bounds.lower().length > 0;
        if (!hasLower && !bounds.hasUpper()) {
            return "UNBOUNDED";
        }
        if (!bounds.hasUpper()) {
            return "VALUES >= " + key(keys, bounds.lower(), true);
        }
        String upper = "VALUES < " + key(keys, bounds.upper(), true);
        return hasLower ? key(keys, bounds.lower(), true) + " <= " + upper : upper;
    }

    /** {@code HASH (k1, k2): 1, RANGE (k3): int64 k3=<redacted>}: a row without its values. */
    static String kuduRow(PartitionSchema partitioning, List<HashLevel> levels, int[] buckets) {
        Schema schema = partitioning.schema();
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < buckets.length; i++) {
            parts.add("HASH (" + names(schema, levels.get(i).columnIds()) + "): " + buckets[i]);
        }
        RangeKeys keys = partitioning.rangeKeys();
        if (keys != null) {
            String values = keys.columns().stream()
                    .map(column -> kuduType(column) + " " + column.name() + "=<redacted>")
                    .collect(Collectors.joining(SEPARATOR));
            parts.add("RANGE (" + names(schema, partitioning.rangeColumnIds()) + "): "
                    + (keys.columns().size() == 1 ? values : "(" + values + ")"));
        }
        return String.join(SEPARATOR, parts);
    }

    private static String kuduType(Column column) {
        return column.type().isDecimal() ? "decimal" : column.type().name().toLowerCase(Locale.ROOT);
    }
}
