package io.nyala.partition;

import io.nyala.memory.Notes;
import io.nyala.rows.Limits;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A partition schema as bytes, as a catalog keeps it beside the table's schema. Little-endian, unaligned; whoever holds
 * it knows how long it is and covers it by a checksum.
 *
 * <pre>{@code
 *   0         2      4            8              12             16
 *   +---------+------+------------+--------------+--------------+-------------+---------------+---------------+
 *   | format  | zero | hash level | range column | custom range | hash levels | range columns | custom ranges |
 *   |   1     |      |   count    |    count     |    count     |             |               |               |
 *   +---------+------+------------+--------------+--------------+-------------+---------------+---------------+
 *      u16      u16       u32           u32            u32                         u32 ids
 *
 *   hash level, from its start:                   custom range, from its start:
 *   0         4      8              12            0             4             8
 *   +---------+------+--------------+---------+   +-------------+-------------+-------------+-------+-------+
 *   | buckets | seed | column count | columns |   | lower bytes | upper bytes | hash levels | lower | upper |
 *   +---------+------+--------------+---------+   +-------------+-------------+-------------+-------+-------+
 *      u32      u32       u32         u32 ids          u32           u32
 * }</pre>
 *
 * <ul>
 *   <li>{@code columns} of a hash level: ascending. {@code range columns}: in the order of the range level; none if
 *       there is no such level.
 *   <li>{@code custom ranges}: those with hash levels of their own, as many as the table has; ascending. Other ranges
 *       are known by their tablets ({@link PartitionFormat}).
 *   <li>{@code lower}, {@code upper}: encoded range keys; empty for no bound.
 * </ul>
 *
 * <p>Example, {@code HASH (id 0) PARTITIONS 4}: {@code 0100 0000 01000000 00000000 00000000 | 04000000 00000000
 * 01000000 00000000}.
 *
 * <p>Stateless.
 */
public final class PartitionSchemaFormat {
    static final int FORMAT = 1;

    private PartitionSchemaFormat() {}

    /** The partition schema as bytes. */
    public static byte[] toBytes(PartitionSchema partitioning) {
        var output = new FormatOutput();
        output.putShort(FORMAT).putShort(0);
        output.putInt(partitioning.hashLevels().size());
        output.putInt(partitioning.rangeColumnIds().size());
        output.putInt(partitioning.customRanges().size());
        partitioning.hashLevels().forEach(level -> write(level, output));
        partitioning.rangeColumnIds().forEach(output::putInt);
        for (RangePartition range : partitioning.customRanges()) {
            output.putInt(range.bounds().lower().length);
            output.putInt(range.bounds().upper().length);
            range.hashLevels().forEach(level -> write(level, output));
            output.putBytes(range.bounds().lower()).putBytes(range.bounds().upper());
        }
        return output.toBytes();
    }

    private static void write(HashLevel level, FormatOutput output) {
        output.putInt(level.buckets()).putInt(level.seed());
        output.putInt(level.columnIds().size());
        level.columnIds().forEach(output::putInt);
    }

    /**
     * The partition schema in these bytes.
     *
     * @param schema of the table
     * @throws MalformedBytesException if they are none of this table
     */
    public static PartitionSchema fromBytes(MemorySegment memory, long offset, int bytes, Schema schema) {
        var input = new FormatInput(memory, offset, bytes);
        input.expectFormat("partition schema", FORMAT);
        int levelCount = input.number("number of hash levels", 0, PartitionLimits.HASH_LEVELS_MAX);
        int rangeColumnCount = input.number("number of range columns", 0, schema.keyColumnCount());
        int rangeCount = input.number("number of custom ranges", 0, PartitionLimits.RANGES_MAX);
        List<HashLevel> levels = readLevels(input, levelCount);
        List<Integer> rangeColumnIds = readIds(input, rangeColumnCount);
        PartitionSchema plain =
                FormatInput.checked(offset, () -> new PartitionSchema(schema, levels, rangeColumnIds, List.of()));
        List<RangePartition> ranges = new ArrayList<>();
        for (int i = 0; i < rangeCount; i++) {
            long start = input.at();
            RangePartition range = readRange(input, plain, memory);
            if (!ranges.isEmpty() && ranges.getLast().compareTo(range) >= 0) {
                throw new MalformedBytesException("custom ranges do not ascend", start);
            }
            ranges.add(range);
        }
        input.expectEnd("a partition schema");
        return FormatInput.checked(offset, () -> new PartitionSchema(schema, levels, rangeColumnIds, ranges));
    }

    private static RangePartition readRange(FormatInput input, PartitionSchema plain, MemorySegment memory) {
        long start = input.at();
        int lowerBytes = input.number("bytes of a lower bound", 0, PartitionLimits.BOUND_BYTES_MAX);
        int upperBytes = input.number("bytes of an upper bound", 0, PartitionLimits.BOUND_BYTES_MAX);
        List<HashLevel> levels = readLevels(input, plain.hashLevels().size());
        long lowerStart = input.at();
        byte[] lower = input.bytes("a lower bound", lowerBytes);
        byte[] upper = input.bytes("an upper bound", upperBytes);
        RangeKeys keys = plain.rangeKeys();
        if (keys != null) {
            keys.check(memory, lowerStart, lowerBytes);
            keys.check(memory, lowerStart + lowerBytes, upperBytes);
        }
        return FormatInput.checked(start, () -> {
            var range = new RangePartition(new RangeBounds(lower, upper), levels);
            plain.check(range);
            return range;
        });
    }

    private static List<HashLevel> readLevels(FormatInput input, int count) {
        List<HashLevel> levels = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long start = input.at();
            int buckets =
                    input.number("number of hash buckets", PartitionLimits.BUCKETS_MIN, PartitionLimits.BUCKETS_MAX);
            int seed = input.bits("seed of a hash level");
            List<Integer> ids = readIds(input, input.number("number of hash columns", 1, Limits.COLUMNS_MAX));
            HashLevel level = FormatInput.checked(start, () -> new HashLevel(ids, buckets, seed));
            if (!level.columnIds().equals(ids)) {
                throw new MalformedBytesException("hash columns do not ascend: " + ids, start);
            }
            levels.add(level);
        }
        return levels;
    }

    private static List<Integer> readIds(FormatInput input, int count) {
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ids.add(input.number("id of a column", 0, Limits.COLUMN_ID_MAX));
        }
        return ids;
    }

    /** Explains a partition schema that can be read. */
    public static void annotate(MemorySegment memory, long offset, int bytes, Schema schema, Notes notes) {
        PartitionSchema partitioning = fromBytes(memory, offset, bytes, schema);
        notes.section("partition schema " + partitioning);
        notes.note(offset, 2, "format: " + FORMAT);
        notes.note(offset + 2, 2, "zero");
        notes.note(offset + 4, 4, "hash levels: " + partitioning.hashLevels().size());
        notes.note(
                offset + 8, 4, "range columns: " + partitioning.rangeColumnIds().size());
        notes.note(
                offset + 12, 4, "custom ranges: " + partitioning.customRanges().size());
        long at = offset + 16;
        for (HashLevel level : partitioning.hashLevels()) {
            at = annotate(level, schema, at, notes);
        }
        at = annotate("range column", partitioning.rangeColumnIds(), schema, at, notes);
        for (RangePartition range : partitioning.customRanges()) {
            int lowerBytes = range.bounds().lower().length;
            int upperBytes = range.bounds().upper().length;
            notes.section("custom range " + partitioning.describe(range.bounds()));
            notes.note(at, 4, "lower bytes: " + lowerBytes);
            notes.note(at + 4, 4, "upper bytes: " + upperBytes);
            at += 8;
            for (HashLevel level : range.hashLevels()) {
                at = annotate(level, schema, at, notes);
            }
            at = noteBytes("lower", lowerBytes, at, notes);
            at = noteBytes("upper", upperBytes, at, notes);
            notes.endSection();
        }
        notes.endSection();
    }

    private static long annotate(HashLevel level, Schema schema, long at, Notes notes) {
        notes.section("hash level");
        notes.note(at, 4, "buckets: " + level.buckets());
        notes.note(at + 4, 4, "seed: " + Integer.toUnsignedString(level.seed()));
        notes.note(at + 8, 4, "columns: " + level.columnIds().size());
        long next = annotate("column", level.columnIds(), schema, at + 12, notes);
        notes.endSection();
        return next;
    }

    private static long annotate(String what, List<Integer> ids, Schema schema, long at, Notes notes) {
        long next = at;
        for (int id : ids) {
            notes.note(
                    next,
                    4,
                    what + ": " + id + " " + schema.column(schema.indexOfId(id)).name());
            next += 4;
        }
        return next;
    }

    static long noteBytes(String what, int bytes, long at, Notes notes) {
        if (bytes > 0) {
            notes.note(at, bytes, what);
        }
        return at + bytes;
    }
}
