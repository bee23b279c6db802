package io.nyala.table;

import io.nyala.memory.Notes;
import io.nyala.rows.CellValue;
import io.nyala.rows.Limits;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Predicate;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A scan of one tablet as bytes that may travel. Little-endian, unaligned.
 *
 * <pre>{@code
 *   0       4         8        12      16        24         32          40       44       48         56      64
 *   +-------+---------+--------+-------+---------+----------+-----------+--------+--------+----------+-------+
 *   | magic | version | crc32c | bytes | host id | table id | tablet id | schema | flags  | snapshot | limit |
 *   | NYST  |  1 or 2 |        |       |         |          |           | version|        |          |       |
 *   +-------+---------+--------+-------+---------+----------+-----------+--------+--------+----------+-------+
 *      u32      u32      u32      u32      u64        u64         u64       u32      u32      i64       i64
 *
 *   64                 68                 72                 76
 *   +------------------+------------------+------------------+---------+---------+---------+------------+
 *   |  column count    | lower key bytes  | upper key bytes  | columns | lower   | upper   | predicates |
 *   |                  |                  |                  | u32 ids | key     | key     |            |
 *   +------------------+------------------+------------------+---------+---------+---------+------------+
 *          u32                i32                i32
 *
 *   in version 2, of changed rows: start i64, the time since which they changed, at 64; what follows is 8 bytes later
 *
 *   predicates: count u32 | of each: column u32 id | kind u32 | value count u32 | of each value: bytes u32 | cell
 * }</pre>
 *
 * <ul>
 *   <li>{@code crc32c}: of all behind it; in version 2 of the version, too, which comes first. {@code bytes}: of all.
 *   <li>{@code flags}: 1 in key order, 2 rows that cannot be read may be left out.
 *   <li>{@code key bytes}: -1 for no bound.
 *   <li>{@code kind}: 1 equal, 2 at least, 3 less than, 4 range, 5 in list, 6 is NULL, 7 is not NULL, 8 in Bloom
 *       filters: each value is a filter, {@code seed u32 | 1 if nothing is in it u8 | blocks}.
 * </ul>
 *
 * <p>Stateless.
 */
final class ScanTokenFormat {
    static final int VERSION = 1;

    /** With a start. */
    static final int VERSION_OF_CHANGES = 2;

    private static final int MAGIC = 'N' | 'Y' << 8 | 'S' << 16 | 'T' << 24;
    private static final int VERSION_AT = 4;
    private static final int CRC = 8;
    private static final int BYTES = 12;
    private static final int HEADER_BYTES = 16;

    private static final int KEY_ORDER = 1;
    private static final int ALLOW_PARTIAL = 2;

    private static final int NO_BOUND = -1;

    private static final int EQUAL = 1;
    private static final int AT_LEAST = 2;
    private static final int LESS_THAN = 3;
    private static final int RANGE = 4;
    private static final int IN_LIST = 5;
    private static final int IS_NULL = 6;
    private static final int IS_NOT_NULL = 7;
    private static final int IN_BLOOM_FILTERS = 8;

    private static final int FILTER_HEADER_BYTES = 5;

    /** Predicates are conditions on columns; a list of values is one. */
    private static final int PREDICATES_MAX = 1 << 16;

    /** Beyond it a token is no description any more. */
    private static final int TOKEN_BYTES_MAX = 64 << 20;

    private ScanTokenFormat() {}

    /**
     * What a token says, columns by their ids.
     *
     * @param columnIds to be yielded, in this order
     */
    @SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere.
    record Content(
            long hostId,
            long tableId,
            long tabletId,
            int schemaVersion,
            boolean isKeyOrder,
            boolean allowsPartial,
            long snapshot,
            long limit,
            long start,
            List<Integer> columnIds,
            byte @Nullable [] lowerKey,
            byte @Nullable [] upperKey,
            List<Condition> conditions) {
        int version() {
            return start == ScanSpec.NO_START ? VERSION : VERSION_OF_CHANGES;
        }
    }

    /** A predicate, its column by id. */
    record Condition(int columnId, int kind, List<CellValue> values) {
        static Condition of(Schema schema, Predicate predicate) {
            int id = schema.column(predicate.column()).id();
            return switch (predicate) {
                case Predicate.Equal equal -> new Condition(id, EQUAL, List.of(equal.value()));
                case Predicate.Range range -> range(id, range.lower(), range.upper());
                case Predicate.InList list -> new Condition(id, IN_LIST, list.values());
                case Predicate.InBloomFilters bloom ->
                    new Condition(
                            id,
                            IN_BLOOM_FILTERS,
                            bloom.filters().stream().map(Condition::bytes).toList());
                case Predicate.IsNull _ -> new Condition(id, IS_NULL, List.of());
                case Predicate.IsNotNull _ -> new Condition(id, IS_NOT_NULL, List.of());
            };
        }

        private static Condition range(int id, @Nullable CellValue lower, @Nullable CellValue upper) {
            if (lower != null && upper != null) {
                return new Condition(id, RANGE, List.of(lower, upper));
            }
            return lower != null
                    ? new Condition(id, AT_LEAST, List.of(lower))
                    : new Condition(id, LESS_THAN, upper == null ? List.of() : List.of(upper));
        }

        private static CellValue bytes(Predicate.BloomFilter filter) {
            byte[] data = filter.data();
            return CellValue.ofBytes(ByteBuffer.allocate(FILTER_HEADER_BYTES + data.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(filter.seed())
                    .put((byte) (filter.isEmpty() ? 1 : 0))
                    .put(data)
                    .array());
        }

        private static Predicate.BloomFilter filter(CellValue value) {
            ByteBuffer bytes = ByteBuffer.wrap(value.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
            int seed = bytes.getInt();
            boolean isEmpty = bytes.get() != 0;
            byte[] data = new byte[bytes.remaining()];
            bytes.get(data);
            return new Predicate.BloomFilter(data, seed, isEmpty);
        }

        /** Whether its values are cells of the column. */
        boolean hasCells() {
            return kind != IN_BLOOM_FILTERS;
        }

        /** In a schema that has the column. */
        Predicate predicate(Schema schema, int column) {
            return switch (kind) {
                case EQUAL -> new Predicate.Equal(column, values.getFirst());
                case AT_LEAST -> new Predicate.Range(column, values.getFirst(), null);
                case LESS_THAN -> new Predicate.Range(column, null, values.getFirst());
                case RANGE -> new Predicate.Range(column, values.getFirst(), values.getLast());
                case IN_LIST -> Predicate.ofCells(schema, column, values);
                case IN_BLOOM_FILTERS ->
                    new Predicate.InBloomFilters(
                            column, values.stream().map(Condition::filter).toList());
                case IS_NULL -> new Predicate.IsNull(column);
                case IS_NOT_NULL -> new Predicate.IsNotNull(column);
                default -> throw new AssertionError("kind " + kind + " was read");
            };
        }
    }

    /** How many values a predicate of that kind has; -1 if any number. */
    private static int valueCount(int kind) {
        return switch (kind) {
            case EQUAL, AT_LEAST, LESS_THAN -> 1;
            case RANGE -> 2;
            case IN_LIST, IN_BLOOM_FILTERS -> -1;
            case IS_NULL, IS_NOT_NULL -> 0;
            default -> throw malformed("a predicate of kind " + kind, 0);
        };
    }

    static byte[] toBytes(Content content) {
        ByteBuffer target = ByteBuffer.allocate(bytes(content)).order(ByteOrder.LITTLE_ENDIAN);
        target.putInt(MAGIC).putInt(content.version()).putInt(0).putInt(target.capacity());
        target.putLong(content.hostId()).putLong(content.tableId()).putLong(content.tabletId());
        target.putInt(content.schemaVersion());
        target.putInt((content.isKeyOrder() ? KEY_ORDER : 0) | (content.allowsPartial() ? ALLOW_PARTIAL : 0));
        target.putLong(content.snapshot()).putLong(content.limit());
        if (content.version() == VERSION_OF_CHANGES) {
            target.putLong(content.start());
        }
        target.putInt(content.columnIds().size());
        target.putInt(keyBytes(content.lowerKey())).putInt(keyBytes(content.upperKey()));
        content.columnIds().forEach(target::putInt);
        put(content.lowerKey(), target);
        put(content.upperKey(), target);
        target.putInt(content.conditions().size());
        for (Condition condition : content.conditions()) {
            target.putInt(condition.columnId()).putInt(condition.kind());
            target.putInt(condition.values().size());
            for (CellValue value : condition.values()) {
                target.putInt(value.bytes()).put(value.toByteArray());
            }
        }
        target.putInt(CRC, crc(target.array(), content.version()));
        return target.array();
    }

    private static int bytes(Content content) {
        long bytes = 76 + 4L * content.columnIds().size();
        bytes += content.version() == VERSION_OF_CHANGES ? Long.BYTES : 0;
        bytes += Math.max(0, keyBytes(content.lowerKey())) + Math.max(0, keyBytes(content.upperKey()));
        bytes += Integer.BYTES;
        for (Condition condition : content.conditions()) {
            bytes += 12;
            for (CellValue value : condition.values()) {
                bytes += Integer.BYTES + value.bytes();
            }
        }
        if (bytes > TOKEN_BYTES_MAX) {
            throw new IllegalArgumentException("a scan token of " + bytes + " bytes; " + TOKEN_BYTES_MAX
                    + " is the limit. Shorten the lists of values in its predicates");
        }
        return (int) bytes;
    }

    private static int keyBytes(byte @Nullable [] key) {
        return key == null ? NO_BOUND : key.length;
    }

    private static void put(byte @Nullable [] key, ByteBuffer target) {
        if (key != null) {
            target.put(key);
        }
    }

    private static int crc(byte[] token, int version) {
        var crc = new CRC32C();
        if (version == VERSION_OF_CHANGES) {
            crc.update(token, VERSION_AT, Integer.BYTES); // Or one version could become the other.
        }
        crc.update(token, BYTES, token.length - BYTES);
        return (int) crc.getValue();
    }

    /**
     * What {@link #toBytes} wrote.
     *
     * @throws MalformedBytesException if they are no token, or one of another version, or damaged
     */
    static Content fromBytes(byte[] token) {
        return read(token, null);
    }

    /** Explains a token. */
    static void annotate(byte[] token, Notes notes) {
        read(token, notes);
    }

    private static Content read(byte[] token, @Nullable Notes notes) {
        ByteBuffer bytes = ByteBuffer.wrap(token).order(ByteOrder.LITTLE_ENDIAN);
        if (token.length < HEADER_BYTES || bytes.getInt(0) != MAGIC) {
            throw malformed("no scan token, in " + token.length + " bytes", 0);
        }
        int version = bytes.getInt(VERSION_AT);
        if (version != VERSION && version != VERSION_OF_CHANGES) {
            throw malformed(
                    "a scan token of version " + Integer.toUnsignedString(version) + ", this build reads versions "
                            + VERSION + " and " + VERSION_OF_CHANGES,
                    VERSION_AT);
        }
        if (bytes.getInt(BYTES) != token.length) {
            throw malformed(
                    "a scan token of " + Integer.toUnsignedString(bytes.getInt(BYTES)) + " bytes in " + token.length,
                    BYTES);
        }
        if (bytes.getInt(CRC) != crc(token, version)) {
            throw malformed("the checksum of a scan token is wrong: some of its bytes were changed", CRC);
        }
        var source = new Source(bytes, notes);
        try {
            source.takeInt("magic");
            source.takeInt("version");
            source.takeInt("crc32c");
            source.takeInt("bytes");
            Content content = read(source, version);
            if (bytes.hasRemaining()) {
                throw malformed(bytes.remaining() + " bytes follow a scan token", bytes.position());
            }
            return content;
        } catch (BufferUnderflowException e) {
            throw malformed("a scan token is cut short", bytes.position());
        }
    }

    private static Content read(Source source, int version) {
        long hostId = source.takeLong("host id");
        long tableId = source.takeLong("table id");
        long tabletId = source.takeLong("tablet id");
        int schemaVersion = source.takeInt("schema version");
        int flags = source.takeInt("flags");
        if ((flags & ~(KEY_ORDER | ALLOW_PARTIAL)) != 0) {
            throw malformed("a scan token has flags " + Integer.toHexString(flags), source.position());
        }
        long snapshot = source.takeLong("snapshot");
        long limit = source.takeLong("limit");
        if (snapshot < 0 || limit < 0) {
            throw malformed("a scan token with snapshot " + snapshot + " and limit " + limit, source.position());
        }
        long start = version == VERSION_OF_CHANGES ? source.takeLong("start") : ScanSpec.NO_START;
        if (version == VERSION_OF_CHANGES && (start < 0 || (flags & KEY_ORDER) == 0)) {
            throw malformed("a scan token of changes since " + start + ", or not in key order", source.position());
        }
        int columnCount = source.takeCount("columns", Limits.COLUMNS_MAX);
        int lowerBytes = source.takeInt("lower key bytes");
        int upperBytes = source.takeInt("upper key bytes");
        List<Integer> columnIds = new ArrayList<>();
        for (int i = 0; i < columnCount; i++) {
            columnIds.add(source.takeInt("column id"));
        }
        byte[] lower = key("lower key", lowerBytes, source);
        byte[] upper = key("upper key", upperBytes, source);
        int conditionCount = source.takeCount("predicates", PREDICATES_MAX);
        List<Condition> conditions = new ArrayList<>();
        for (int i = 0; i < conditionCount; i++) {
            conditions.add(condition(source));
        }
        return new Content(
                hostId,
                tableId,
                tabletId,
                schemaVersion,
                (flags & KEY_ORDER) != 0,
                (flags & ALLOW_PARTIAL) != 0,
                snapshot,
                limit,
                start,
                columnIds,
                lower,
                upper,
                conditions);
    }

    private static Condition condition(Source source) {
        int columnId = source.takeInt("column id of a predicate");
        int kind = source.takeInt("kind");
        int valueCount = source.takeCount("values", Limits.IN_LIST_VALUES_MAX);
        int expected = valueCount(kind);
        if (expected >= 0 && valueCount != expected) {
            throw malformed("a predicate of kind " + kind + " with " + valueCount + " values", source.position());
        }
        List<CellValue> values = new ArrayList<>();
        for (int i = 0; i < valueCount; i++) {
            int count = source.takeCount("bytes of a value", source.remaining() - Integer.BYTES);
            values.add(CellValue.ofBytes(source.takeBytes("value", count)));
        }
        if (kind == IN_BLOOM_FILTERS && !(valueCount > 0 && values.stream().allMatch(ScanTokenFormat::isFilter))) {
            throw malformed("a predicate of " + valueCount + " Bloom filters that are none", source.position());
        }
        return new Condition(columnId, kind, values);
    }

    private static boolean isFilter(CellValue value) {
        int blocks = value.bytes() - FILTER_HEADER_BYTES;
        return blocks >= 1 << Predicate.BloomFilter.LOG_BYTES_MIN
                && blocks <= 1 << Predicate.BloomFilter.LOG_BYTES_MAX
                && Integer.bitCount(blocks) == 1;
    }

    private static byte @Nullable [] key(String name, int count, Source source) {
        if (count == NO_BOUND) {
            return null;
        }
        if (count < 0 || count > source.remaining()) {
            throw malformed("a " + name + " of " + count + " bytes", source.position());
        }
        return source.takeBytes(name, count);
    }

    private static MalformedBytesException malformed(String what, int offset) {
        return new MalformedBytesException(what + ". Make a new one with ScanBuilder.tokens", offset);
    }

    /** Takes field by field, and explains them if somebody listens. One thread. */
    private record Source(ByteBuffer bytes, @Nullable Notes notes) {
        int takeInt(String name) {
            int value = bytes.getInt();
            note(Integer.BYTES, name + ": " + value);
            return value;
        }

        long takeLong(String name) {
            long value = bytes.getLong();
            note(Long.BYTES, name + ": " + value);
            return value;
        }

        int takeCount(String what, int countMax) {
            int count = takeInt(what);
            if (count < 0 || count > countMax) {
                throw malformed(
                        "a scan token with " + Integer.toUnsignedString(count) + " " + what + "; " + countMax
                                + " is the most",
                        position());
            }
            return count;
        }

        byte[] takeBytes(String name, int count) {
            byte[] taken = new byte[count];
            bytes.get(taken);
            note(count, name);
            return taken;
        }

        int position() {
            return bytes.position();
        }

        int remaining() {
            return bytes.remaining();
        }

        private void note(int count, String text) {
            if (notes != null && count > 0) {
                notes.note(bytes.position() - count, count, text);
            }
        }
    }
}
