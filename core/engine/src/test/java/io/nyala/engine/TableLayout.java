package io.nyala.engine;

import io.nyala.partition.PartitionSchema;
import java.util.List;
import java.util.SplittableRandom;

/** Ways to cut the table of {@link World} into tablets. */
enum TableLayout {
    ONE_TABLET,
    HASH,
    /** Ranges of the key's first column, which come in key order. */
    RANGES,
    /** Ranges of the key's second column, which do not; and hash levels of the first. */
    HASH_AND_RANGES,
    /** Rows from -2 to 1 in two ranges, one with its own hash level; others are refused. */
    RANGES_WITH_GAPS;

    static TableLayout any(SplittableRandom random) {
        return values()[random.nextInt(values().length)];
    }

    TableSpec spec() {
        return switch (this) {
            case ONE_TABLET -> TableSpec.of(World.TABLE, World.SCHEMA);
            case HASH ->
                TableSpec.of(
                        World.TABLE,
                        PartitionSchema.of(World.SCHEMA).hash(3, "b").build());
            case RANGES -> {
                var partitioning = PartitionSchema.of(World.SCHEMA).range("a").build();
                yield TableSpec.of(World.TABLE, partitioning).withRanges(partitioning.splitAt(-1, 2));
            }
            case HASH_AND_RANGES -> {
                var partitioning =
                        PartitionSchema.of(World.SCHEMA).hash(2, "a").range("b").build();
                yield TableSpec.of(World.TABLE, partitioning).withRanges(partitioning.splitAt("k3"));
            }
            case RANGES_WITH_GAPS -> {
                var partitioning =
                        PartitionSchema.of(World.SCHEMA).hash(2, "b").range("a").build();
                var own = partitioning.newRange().from(0).before(2).hash(3, "b").build();
                yield TableSpec.of(World.TABLE, partitioning).withRanges(List.of(partitioning.between(-2, 0), own));
            }
        };
    }

    /** Whether there is a tablet for rows whose first column has this value. */
    boolean hasTablet(int a) {
        return this != RANGES_WITH_GAPS || (a >= -2 && a < 2);
    }
}
