package io.nyala.partition;

import io.nyala.rows.Limits;

/** Every limit of partitioning, with its reason. */
public final class PartitionLimits {
    /** As Kudu: one bucket would be no partitioning. */
    public static final int BUCKETS_MIN = 2;

    /** Of one hash level: more than a table of one host has tablets to spare. */
    public static final int BUCKETS_MAX = 1 << 12;

    /** Levels have no column in common, so few keys could have more. */
    public static final int HASH_LEVELS_MAX = 16;

    /** Of one table: the set of those that a scan must ask is a bitmap of 2 KiB, and one edit creates them all. */
    public static final int TABLETS_MAX = 1 << 14;

    /** Of one table: each is at least a tablet. */
    public static final int RANGES_MAX = TABLETS_MAX;

    /** An encoded bound: as a key. */
    public static final int BOUND_BYTES_MAX = Limits.KEY_BYTES_MAX;

    /** Combinations of values of one hash level that pruning hashes; beyond, that level is not pruned. */
    public static final int HASH_COMBINATIONS_MAX = 1 << 16;

    /** Combinations of values that pruning looks up among the ranges; beyond, it takes what spans them. */
    public static final int RANGE_COMBINATIONS_MAX = 1 << 16;

    private PartitionLimits() {}
}
