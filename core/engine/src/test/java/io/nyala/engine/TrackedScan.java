package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Predicate;
import io.nyala.simulation.TableModel;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * An open scan of {@link World#SCHEMA} that holds each row that comes against what its snapshot has: never twice, never
 * another one, in the order of keys if asked, none missing at the end. One thread.
 */
final class TrackedScan implements AutoCloseable {
    private static final int LIMIT_MAX = 4_000;

    private final Scan scan;
    private final NavigableMap<Key, List<@Nullable Object>> expected;
    private final boolean isOrdered;
    private final long limit;
    private final Set<Key> seen = new HashSet<>();
    private @Nullable Key last;

    /** The primary key of {@link World#SCHEMA}. */
    record Key(int a, String b) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int order = Integer.compare(a, other.a);
            return order != 0 ? order : b.compareTo(other.b);
        }
    }

    private TrackedScan(Scan scan, NavigableMap<Key, List<@Nullable Object>> expected, boolean isOrdered, long limit) {
        this.scan = scan;
        this.expected = expected;
        this.isOrdered = isOrdered;
        this.limit = limit;
    }

    /** Begins a random scan, at the newest state or at one of {@code times}. */
    static TrackedScan open(SplittableRandom random, Table table, TableModel<Key> model, List<Long> times) {
        ScanBuilder builder = table.scan();
        long snapshot = table.latest();
        if (!times.isEmpty() && random.nextInt(3) == 0) {
            snapshot = times.get(random.nextInt(times.size()));
            builder.at(snapshot);
        }
        NavigableMap<Key, List<@Nullable Object>> expected = model.allAt(snapshot);
        switch (random.nextInt(5)) {
            case 0 -> {
                int least = random.nextInt(50);
                builder.where(Predicate.atLeast(World.SCHEMA, "a", least));
                expected.keySet().removeIf(key -> key.a() < least);
            }
            case 1 -> {
                long most = random.nextLong(100);
                builder.where(Predicate.lessThan(World.SCHEMA, "number", most));
                expected.values().removeIf(row -> row.getFirst() == null || (Long) row.getFirst() >= most);
            }
            default -> {}
        }
        boolean isOrdered = random.nextBoolean();
        if (isOrdered) {
            builder.inKeyOrder();
        }
        long limit = random.nextInt(3) == 0 ? random.nextInt(LIMIT_MAX) : Long.MAX_VALUE;
        Scan scan = builder.limit(limit).open();
        assertEquals(snapshot, scan.snapshot());
        return new TrackedScan(scan, expected, isOrdered, limit);
    }

    /** Whether it has yielded rows, but not all. */
    boolean isUnderWay() {
        return !seen.isEmpty() && seen.size() < Math.min(limit, expected.size());
    }

    /** Reads a batch; false, and closed, at the end. */
    boolean next() {
        if (!scan.next()) {
            assertEquals(Math.min(limit, expected.size()), seen.size(), "rows at " + scan.snapshot());
            close();
            return false;
        }
        ColumnBatch batch = scan.batch();
        assertTrue(batch.rowCount() > 0, "an empty batch");
        for (int row = 0; row < batch.rowCount(); row++) {
            check(batch, row);
        }
        return true;
    }

    private void check(ColumnBatch batch, int row) {
        var key = new Key(batch.column(0).getInt(row), batch.column(1).getString(row));
        List<@Nullable Object> values = expected.get(key);
        assertNotNull(values, () -> key + " is not in the snapshot " + scan.snapshot());
        ColumnVector number = batch.column(2);
        ColumnVector text = batch.column(3);
        List<@Nullable Object> found = Arrays.asList(
                number.isNull(row) ? null : number.getLong(row),
                text.isNull(row) ? null : text.getString(row),
                batch.column(4).getDouble(row));
        assertEquals(values, found, key::toString);
        assertTrue(seen.add(key), () -> key + " comes twice");
        if (isOrdered) {
            assertEquals(last == null ? expected.firstKey() : expected.higherKey(last), key, "the next in key order");
        }
        last = key;
    }

    @Override
    public void close() {
        scan.close();
    }
}
