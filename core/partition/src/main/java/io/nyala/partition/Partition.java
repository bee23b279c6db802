package io.nyala.partition;

import io.nyala.memory.Check;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one tablet holds: a bucket of each hash level, and a range. Ordered as Kudu's partition keys are: by buckets,
 * then by range. Immutable. {@link PartitionSchema#describe(Partition)} writes it with the names of columns.
 *
 * <pre>{@code
 *   partition key     bucket 0  | bucket 1  | ... | range key          u32, big-endian; the range columns, encoded
 *   keyStart()        the buckets                 | lower bound
 *   keyEnd()          the buckets                 | upper bound        or, without one, the buckets with the last
 *                                                                      one incremented; without buckets, nothing
 * }</pre>
 */
public final class Partition implements Comparable<Partition> {
    private final int[] buckets;
    private final RangeBounds range;

    private Partition(int[] buckets, RangeBounds range) {
        this.buckets = buckets;
        this.range = range;
    }

    /**
     * These buckets of this range.
     *
     * @param hashBuckets one for each hash level
     */
    public static Partition of(List<Integer> hashBuckets, RangeBounds range) {
        Check.inRange("number of hash buckets of a partition", hashBuckets.size(), 0, PartitionLimits.HASH_LEVELS_MAX);
        for (int bucket : hashBuckets) {
            Check.inRange("hash bucket", bucket, 0, PartitionLimits.BUCKETS_MAX - 1);
        }
        return new Partition(hashBuckets.stream().mapToInt(Integer::intValue).toArray(), range);
    }

    /** From what Kudu's protocol has: the range is within the keys. */
    public static Partition ofKeys(List<Integer> hashBuckets, byte[] keyStart, byte[] keyEnd) {
        int hashBytes = hashBuckets.size() * Integer.BYTES;
        byte[] lower =
                keyStart.length <= hashBytes ? KeyBytes.NONE : Arrays.copyOfRange(keyStart, hashBytes, keyStart.length);
        byte[] upper =
                keyEnd.length <= hashBytes ? KeyBytes.NONE : Arrays.copyOfRange(keyEnd, hashBytes, keyEnd.length);
        Partition partition = of(hashBuckets, new RangeBounds(lower, upper));
        if (!Arrays.equals(keyStart, partition.keyStart()) || !Arrays.equals(keyEnd, partition.keyEnd())) {
            throw new IllegalArgumentException(
                    "the partition keys " + HexFormat.of().formatHex(keyStart) + " and "
                            + HexFormat.of().formatHex(keyEnd) + " are none of the hash buckets " + hashBuckets);
        }
        return partition;
    }

    /** One for each hash level. */
    public List<Integer> hashBuckets() {
        return Arrays.stream(buckets).boxed().toList();
    }

    public int hashLevelCount() {
        return buckets.length;
    }

    public int hashBucket(int level) {
        return buckets[level];
    }

    public RangeBounds range() {
        return range;
    }

    /** The least partition key, included; empty for no bound. */
    public byte[] keyStart() {
        return key(buckets, range.lower());
    }

    /** The partition key behind all of the partition; empty for no bound. */
    public byte[] keyEnd() {
        if (range.hasUpper() || buckets.length == 0) {
            return key(buckets, range.upper());
        }
        int[] behind = buckets.clone();
        behind[behind.length - 1]++;
        return key(behind, KeyBytes.NONE);
    }

    static byte[] key(int[] buckets, byte[] rangeKey) {
        ByteBuffer key = ByteBuffer.allocate(buckets.length * Integer.BYTES + rangeKey.length);
        for (int bucket : buckets) {
            key.putInt(bucket);
        }
        return key.put(rangeKey).array();
    }

    @Override
    public int compareTo(Partition other) {
        int order = Arrays.compare(buckets, other.buckets);
        return order != 0 ? order : range.compareTo(other.range);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Partition partition
                && Arrays.equals(buckets, partition.buckets)
                && range.equals(partition.range);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(buckets) + range.hashCode();
    }

    @Override
    public String toString() {
        return "partition " + Arrays.toString(buckets) + " " + range;
    }
}
