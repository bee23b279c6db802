package io.nyala.partition;

import io.nyala.memory.Check;
import java.util.List;

/**
 * One hash level: rows are spread over buckets by the hash of some columns of the key. Immutable.
 *
 * @param columnIds of columns of the key, ascending (whatever the order in which they were given, as in Kudu)
 * @param buckets at least two
 * @param seed unsigned; another seed spreads the same columns differently
 */
public record HashLevel(List<Integer> columnIds, int buckets, int seed) {
    public HashLevel {
        columnIds = columnIds.stream().sorted().toList();
        if (columnIds.isEmpty()) {
            throw new IllegalArgumentException("must have at least one hash column, in each hash level");
        }
        if (columnIds.stream().distinct().count() != columnIds.size()) {
            throw new IllegalArgumentException("a hash level names a column twice, by the ids " + columnIds);
        }
        if (buckets < PartitionLimits.BUCKETS_MIN) {
            throw new IllegalArgumentException("must have at least two hash buckets, was given " + buckets);
        }
        Check.inRange("number of hash buckets", buckets, PartitionLimits.BUCKETS_MIN, PartitionLimits.BUCKETS_MAX);
    }

    /** For a hash, taken as unsigned. */
    int bucketOf(long hash) {
        return (int) Long.remainderUnsigned(hash, buckets);
    }
}
