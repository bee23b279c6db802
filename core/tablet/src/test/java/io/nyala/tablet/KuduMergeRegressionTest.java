package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergeSource;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: what once went wrong in Kudu when rowsets were merged does not go wrong here. Method: one short story for each,
 * on a tablet with a simulated disk; the number is that of Kudu's issue.
 */
final class KuduMergeRegressionTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64).nullable());
    private static final int KEYS = 3;
    private static final int LIFETIMES = 6;

    /** A tablet, and its rows at each time at which they changed. */
    private static final class Story implements AutoCloseable {
        private final OneTablet one;
        private final SplittableRandom random;
        private final TreeMap<Integer, @Nullable Long> rows = new TreeMap<>();
        private final TreeMap<Long, NavigableMap<RowKey, List<@Nullable Object>>> versions = new TreeMap<>();

        Story(SplittableRandom random) {
            this.one = new OneTablet(new SimulatedDisk(random.split()), SCHEMA);
            this.random = random;
        }

        /** Some keys begin a lifetime, in the batch that ends the one before or in another; then they change. */
        void beginLifetimes() {
            boolean isAtOnce = random.nextBoolean();
            if (!isAtOnce) {
                commit(this::deleteSome);
            }
            commit(batch -> {
                if (isAtOnce) {
                    deleteSome(batch);
                }
                for (int key = 0; key < KEYS; key++) {
                    if (!rows.containsKey(key) && random.nextInt(4) > 0) {
                        write(batch, OperationKind.INSERT, key);
                    }
                }
            });
            commit(batch -> {
                for (int key : List.copyOf(rows.keySet())) {
                    if (random.nextBoolean()) {
                        write(batch, OperationKind.UPDATE, key);
                    }
                }
            });
        }

        private void deleteSome(OperationBatch batch) {
            for (int key : List.copyOf(rows.keySet())) {
                if (random.nextInt(3) > 0) {
                    batch.start(OperationKind.DELETE).setInt(0, key).end();
                    rows.remove(key);
                }
            }
        }

        private void write(OperationBatch batch, OperationKind kind, int key) {
            long value = random.nextLong();
            batch.start(kind).setInt(0, key);
            boolean isNull = random.nextInt(5) == 0;
            if (isNull) {
                batch.setNull(1);
            } else {
                batch.setLong(1, value);
            }
            batch.end();
            rows.put(key, isNull ? null : value);
        }

        private void commit(Consumer<OperationBatch> operations) {
            one.commit(operations);
            NavigableMap<RowKey, List<@Nullable Object>> version = new TreeMap<>();
            rows.forEach((key, value) -> {
                List<@Nullable Object> row = new ArrayList<>(List.of(key));
                row.add(value);
                version.put(RowKey.of(row, 1), row);
            });
            versions.put(one.tablet().visible(), version);
        }

        /** Some of the rowsets, at least two, wherever they are among the others. */
        void mergeSome() {
            List<Long> rest = new ArrayList<>(one.rowSetIds());
            List<Long> chosen = new ArrayList<>();
            for (int i = random.nextInt(2, rest.size() + 1); i > 0; i--) {
                chosen.add(rest.remove(random.nextInt(rest.size())));
            }
            one.finish(Objects.requireNonNull(one.newMerge(chosen), "nobody else has them"));
        }

        void check() {
            assertEquals(versions.lastEntry().getValue(), one.rows());
            versions.forEach((time, version) -> assertEquals(version, one.rows(time), () -> "at " + time));
        }

        @Override
        public void close() {
            one.close();
        }
    }

    /**
     * KUDU-2233, KUDU-3191: a row that was deleted in one rowset and inserted again in another is in both; when these
     * were merged while a third had a lifetime between the two, its history was joined wrongly, or the server crashed.
     */
    @RepeatedTest(8)
    void aKeyOfManyRowSetsHasOneHistoryWhicheverAreMergedFirst(@Seed SplittableRandom random) {
        try (var story = new Story(random)) {
            for (int i = 0; i < LIFETIMES; i++) {
                story.beginLifetimes();
                if (random.nextInt(4) == 0) {
                    story.one.flushRows(); // Changes of the rowsets before stay in memory.
                } else {
                    story.one.flushAll();
                }
            }
            while (story.one.rowSetIds().size() > 1) {
                story.mergeSome();
                story.check();
                if (random.nextInt(3) == 0) {
                    story.one.restart();
                    story.check();
                }
            }
            story.beginLifetimes(); // What was deleted in the one rowset comes back in memory.
            story.one.flushAll();
            story.check();
        }
    }

    /** As above, and what is older than a time is forgotten in the same merges. */
    @RepeatedTest(8)
    void aHistoryThatIsCutIsJoinedRightlyToo(@Seed SplittableRandom random) {
        try (var story = new Story(random)) {
            for (int i = 0; i < LIFETIMES; i++) {
                story.beginLifetimes();
                story.one.flushAll();
            }
            while (story.one.rowSetIds().size() > 1) {
                List<Long> times = List.copyOf(story.versions.keySet());
                long mark = random.nextBoolean() ? times.get(random.nextInt(times.size())) : MergeSource.NO_MARK;
                story.one.historyMark(mark);
                story.versions.headMap(mark).clear();
                story.mergeSome();
                story.check();
            }
        }
    }

    /**
     * KUDU-3734: rowsets were chosen whose merge did not fit in memory, and the process was killed. Here the policy
     * counts the rows ({@code MergePolicyTest}), all memory is of one budget, and a merge that finds none is given up.
     */
    @Test
    void aMergeThatFindsNoMemoryIsGivenUpAndDoneLater(@Seed SplittableRandom random) {
        try (var story = new Story(random)) {
            for (int i = 0; i < LIFETIMES; i++) {
                story.beginLifetimes();
                story.one.flushAll();
            }
            List<Long> inputs = story.one.rowSetIds();
            List<Slab> taken = new ArrayList<>();
            int failures = 0;
            boolean isDone = false;
            takeAll(story.one, taken);
            while (!isDone) {
                MergeTask merge = Objects.requireNonNull(story.one.newMerge(inputs), "nobody else has them");
                try {
                    story.one.finish(merge);
                    isDone = true;
                } catch (MemoryLimitException e) {
                    failures++;
                    merge.abort();
                    story.one.await(() -> !story.one.tablet().merging().isRunning());
                    assertEquals(inputs, story.one.rowSetIds());
                    assertTrue(!taken.isEmpty(), "there is none even if nobody else has any");
                    story.one.mergeMemory().giveBack(taken.removeLast()); // So that it gets a little further.
                }
            }
            taken.forEach(story.one.mergeMemory()::giveBack);
            assertTrue(failures > 1, failures + " failures for want of memory");
            assertEquals(1, story.one.rowSetIds().size());
            story.check();
        }
    }

    private static void takeAll(OneTablet one, List<Slab> taken) {
        for (long bytes = 2 << 20; bytes >= 4096; bytes /= 2) {
            for (Slab slab = one.mergeMemory().tryTake(bytes);
                    slab != null;
                    slab = one.mergeMemory().tryTake(bytes)) {
                taken.add(slab);
            }
        }
        assertThrows(MemoryLimitException.class, () -> one.mergeMemory().take(4096));
    }
}
