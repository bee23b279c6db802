package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: columns that are written when the rows of a merge are there have the cells that they had, whatever rows are
 * left out, and wherever rows come from. Method: rowsets of several vectors that lie behind and in each other, of cells
 * of all widths, of NULLs by the row and by the vector, and of texts that are decoded at once and one by one; with keys
 * that were deleted and inserted again, and columns that have changed, against what was read before, at each snapshot.
 */
final class MergedColumnsTest {
    private static final int ROWS = 2_200;
    private static final int ROUNDS = 2;
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("changed", ColumnType.INT64),
            Column.of("flag", ColumnType.BOOL),
            Column.of("number", ColumnType.INT64),
            Column.of("wide", ColumnType.DECIMAL128),
            Column.of("seldom", ColumnType.INT16).nullable(),
            Column.of("text", ColumnType.STRING).nullable(),
            Column.of("long text", ColumnType.STRING));
    private static final String LONG_TEXT = "many bytes of ".repeat(10);

    private final SplittableRandom random;
    private final TreeMap<Integer, Boolean> live = new TreeMap<>();

    MergedColumnsTest(@Seed SplittableRandom random) {
        this.random = random;
    }

    private void write(OneTablet one, List<Integer> keys, OperationKind kind) {
        one.commit(batch -> {
            for (int key : keys) {
                batch.start(kind).setInt(0, key);
                if (kind == OperationKind.UPDATE) {
                    batch.setLong(1, random.nextLong());
                } else if (kind == OperationKind.INSERT) {
                    batch.setLong(1, key).setBoolean(2, random.nextBoolean()).setLong(3, random.nextLong());
                    batch.setUnscaled(4, random.nextInt());
                    if (key % ROWS > 1_100 && random.nextInt(4) > 0) {
                        batch.setInt(5, random.nextInt(100)).setString(6, "text " + random.nextInt(1_000));
                    }
                    batch.setString(7, LONG_TEXT + random.nextInt());
                }
                batch.end();
            }
        });
        keys.forEach(key -> live.put(key, kind != OperationKind.DELETE));
    }

    /** Of keys that are live, or of those that are not. */
    private List<Integer> some(boolean isLive, int oneIn) {
        List<Integer> chosen = new ArrayList<>();
        live.forEach((key, is) -> {
            if (is == isLive && random.nextInt(oneIn) == 0) {
                chosen.add(key);
            }
        });
        return chosen;
    }

    private List<Integer> fresh(int round) {
        List<Integer> keys = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) { // First in each other; then, of each round, behind those of others.
            int key = i < ROWS / 2 ? i * ROUNDS + round : (ROUNDS + round) * ROWS + i;
            if (random.nextInt(50) > 0) {
                keys.add(key);
            }
        }
        return keys;
    }

    @RepeatedTest(3)
    void cellsAreAsBefore() {
        var disk = new SimulatedDisk(random.split());
        try (var one = new OneTablet(disk, SCHEMA)) {
            List<Long> snapshots = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                write(one, fresh(round), OperationKind.INSERT);
                one.flushRows();
                snapshots.add(one.tablet().visible());
                write(one, some(true, 20), OperationKind.DELETE);
                write(one, some(true, 30), OperationKind.UPDATE);
                one.flushAll();
                snapshots.add(one.tablet().visible());
                write(one, some(false, 3), OperationKind.INSERT);
                one.flushRows();
            }
            snapshots.add(one.tablet().visible());
            if (random.nextBoolean()) {
                long mark = snapshots.get(ROUNDS);
                one.historyMark(mark);
                snapshots.removeIf(snapshot -> snapshot < mark);
            }
            List<NavigableMap<RowKey, List<@Nullable Object>>> expected =
                    snapshots.stream().map(one::rows).toList();
            one.rowSetBytes(random.nextBoolean() ? 1 << 17 : 32 << 20);
            int before = one.rowSetIds().size();
            one.finish(Objects.requireNonNull(one.newMerge(one.rowSetIds())));
            assertTrue(one.rowSetIds().size() != before, "nothing was merged");
            for (int i = 0; i < snapshots.size(); i++) {
                assertSame(expected.get(i), one.rows(snapshots.get(i)), "at snapshot " + i);
            }
            one.restart();
            assertSame(expected.getLast(), one.rows(), "after a restart");
        }
        assertEquals(0, disk.openFileCount());
    }

    /** All of them would be too much to read. */
    private static void assertSame(
            NavigableMap<RowKey, List<@Nullable Object>> expected,
            NavigableMap<RowKey, List<@Nullable Object>> found,
            String when) {
        assertEquals(expected.size(), found.size(), when);
        expected.forEach((key, row) -> assertEquals(row, found.get(key), when));
    }
}
