package io.nyala.partition;

import io.nyala.memory.Notes;
import io.nyala.rows.MalformedBytesException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The partition of one tablet as bytes, as a catalog keeps it with the tablet. Little-endian, unaligned; whoever holds
 * it knows how long it is and covers it by a checksum.
 *
 * <pre>{@code
 *   0         2      4              8             12            16
 *   +---------+------+--------------+-------------+-------------+---------+-------+-------+
 *   | format  | zero | bucket count | lower bytes | upper bytes | buckets | lower | upper |
 *   |   1     |      |              |             |             |         |       |       |
 *   +---------+------+--------------+-------------+-------------+---------+-------+-------+
 *      u16      u16        u32            u32           u32         u32
 * }</pre>
 *
 * <ul>
 *   <li>{@code buckets}: one for each hash level.
 *   <li>{@code lower}, {@code upper}: encoded range keys; empty for no bound. Whether they are keys of the table's
 *       range columns is for {@link PartitionMap#ofPartitions} to say.
 * </ul>
 *
 * <p>Example, bucket 3 of one level, INT32 ranges from 0 on: {@code 0100 0000 01000000 04000000 00000000 | 03000000 |
 * 80000000}.
 *
 * <p>Stateless.
 */
public final class PartitionFormat {
    static final int FORMAT = 1;

    private PartitionFormat() {}

    /** The partition as bytes. */
    public static byte[] toBytes(Partition partition) {
        byte[] lower = partition.range().lower();
        byte[] upper = partition.range().upper();
        var output = new FormatOutput();
        output.putShort(FORMAT).putShort(0);
        output.putInt(partition.hashLevelCount());
        output.putInt(lower.length).putInt(upper.length);
        partition.hashBuckets().forEach(output::putInt);
        return output.putBytes(lower).putBytes(upper).toBytes();
    }

    /**
     * The partition in these bytes.
     *
     * @throws MalformedBytesException if they are none
     */
    public static Partition fromBytes(MemorySegment memory, long offset, int bytes) {
        var input = new FormatInput(memory, offset, bytes);
        input.expectFormat("partition", FORMAT);
        int bucketCount = input.number("number of hash buckets", 0, PartitionLimits.HASH_LEVELS_MAX);
        int lowerBytes = input.number("bytes of a lower bound", 0, PartitionLimits.BOUND_BYTES_MAX);
        int upperBytes = input.number("bytes of an upper bound", 0, PartitionLimits.BOUND_BYTES_MAX);
        List<Integer> buckets = new ArrayList<>();
        for (int i = 0; i < bucketCount; i++) {
            buckets.add(input.number("hash bucket", 0, PartitionLimits.BUCKETS_MAX - 1));
        }
        byte[] lower = input.bytes("a lower bound", lowerBytes);
        byte[] upper = input.bytes("an upper bound", upperBytes);
        input.expectEnd("a partition");
        return FormatInput.checked(offset, () -> Partition.of(buckets, new RangeBounds(lower, upper)));
    }

    /** Explains a partition that can be read. */
    public static void annotate(MemorySegment memory, long offset, int bytes, Notes notes) {
        Partition partition = fromBytes(memory, offset, bytes);
        int lowerBytes = partition.range().lower().length;
        int upperBytes = partition.range().upper().length;
        notes.section("partition");
        notes.note(offset, 2, "format: " + FORMAT);
        notes.note(offset + 2, 2, "zero");
        notes.note(offset + 4, 4, "buckets: " + partition.hashLevelCount());
        notes.note(offset + 8, 4, "lower bytes: " + lowerBytes);
        notes.note(offset + 12, 4, "upper bytes: " + upperBytes);
        long at = offset + 16;
        for (int bucket : partition.hashBuckets()) {
            notes.note(at, 4, "bucket: " + bucket);
            at += 4;
        }
        at = PartitionSchemaFormat.noteBytes("lower", lowerBytes, at, notes);
        PartitionSchemaFormat.noteBytes("upper", upperBytes, at, notes);
        notes.endSection();
    }
}
