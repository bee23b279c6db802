package io.nyala.partition;

import io.nyala.memory.Check;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Hash levels in the making, and the rules that hold between them. Belongs to one thread. */
final class HashLevels {
    private static final long SEED_MAX = 0xFFFF_FFFFL;

    private final Schema schema;
    private final List<HashLevel> levels = new ArrayList<>();

    HashLevels(Schema schema) {
        this.schema = schema;
    }

    void add(int buckets, String... columns) {
        List<Integer> ids = Stream.of(columns)
                .map(name -> schema.column(schema.indexOfExisting(name)).id())
                .toList();
        add(new HashLevel(ids, buckets, 0));
    }

    void add(HashLevel level) {
        levels.add(level);
    }

    void seed(long seed) {
        Check.that(!levels.isEmpty(), "a seed belongs to a hash level: call hash before seed");
        Check.inRange("seed of a hash level", seed, 0, SEED_MAX);
        HashLevel last = levels.removeLast();
        levels.add(new HashLevel(last.columnIds(), last.buckets(), (int) seed));
    }

    List<HashLevel> build() {
        check(schema, levels);
        return List.copyOf(levels);
    }

    /** Guards levels for which Kudu would have no use. */
    static void check(Schema schema, List<HashLevel> levels) {
        Check.inRange("number of hash levels", levels.size(), 0, PartitionLimits.HASH_LEVELS_MAX);
        Set<Integer> seen = new HashSet<>();
        for (HashLevel level : levels) {
            for (int id : level.columnIds()) {
                Column column = columnOfId(schema, id, "hash bucket partition components");
                if (!seen.add(id)) {
                    throw new IllegalArgumentException(
                            "hash bucket schema components must not contain columns in common: " + column.name()
                                    + " is in two of them");
                }
            }
        }
    }

    /** The column of the key with this id. */
    static Column columnOfId(Schema schema, int id, String what) {
        int index = schema.indexOfId(id);
        if (index < 0) {
            throw new IllegalArgumentException(
                    "must specify existing columns for " + what + ": no column has the id " + id);
        }
        if (index >= schema.keyColumnCount()) {
            throw new IllegalArgumentException("must specify only primary key columns for " + what + ": "
                    + schema.column(index).name() + " is not in the key");
        }
        return schema.column(index);
    }
}
