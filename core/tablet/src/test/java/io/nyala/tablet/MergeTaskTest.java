package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergeSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.RandomSchema;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: while rowsets are merged, and afterwards, a tablet takes writes and answers scans at each snapshot as it did
 * before, also after a crash, and scans that were begun before go on.
 * Method: random batches on few keys between the steps of flushes and merges, some of which are given up, clean
 * restarts and power cuts on a simulated disk, against a map of rows for each snapshot.
 */
final class MergeTaskTest {
    private static final int STEPS = 60;

    @RepeatedTest(5)
    void rowsAreAsBefore(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = RandomSchema.draw(random);
        while (schema.columnCount() == schema.keyColumnCount()) {
            schema = RandomSchema.draw(random);
        }
        var model = new RowsModel(schema, random, 1 + random.nextInt(1 << random.nextInt(8)));
        try (var run = new Run(disk, schema, model, random)) {
            for (int i = 0; i < STEPS; i++) {
                run.step();
            }
            assertTrue(run.mergeCount > 0, "nothing was merged");
        }
        assertEquals(0, disk.openFileCount());
    }

    /** Changes of rows that are being merged stay in memory until that is over, and a flush is asked for then. */
    @Test
    void aFlushDoesNotWaitForAMerge(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        try (var run = new Run(disk, schema, new RowsModel(schema, random, 10), random)) {
            for (int i = 0; i < 3; i++) {
                run.commit();
                run.one.flushAll();
            }
            MergeTask merge = run.one.newMerge(run.one.rowSetIds());
            run.commit(); // Nothing is done for the merge yet.
            TabletFlush flush = run.one.newFlush(true);
            run.one.await(() -> {
                flush.step();
                return flush.isDone();
            });
            Merging merging = run.one.tablet().merging();
            assertTrue(merging.isRunning() && flush.hasLeftChanges());
            run.one.tablet().pressure().flushBegins();
            merging.oweFlush();
            assertFalse(run.one.tablet().pressure().isFlushWanted());
            run.merge = merge;
            run.finish();
            assertTrue(run.one.tablet().pressure().isChangeFlushWanted());
            run.check();
        }
    }

    /** A scan that is read later. */
    private record Begun(RowCursor cursor, long snapshot, NavigableMap<RowKey, List<@Nullable Object>> rows) {}

    private static final class Run implements AutoCloseable {
        private final SimulatedDisk disk;
        private final OneTablet one;
        private final RowsModel model;
        private final SplittableRandom random;
        private final TreeMap<Long, NavigableMap<RowKey, List<@Nullable Object>>> versions = new TreeMap<>();
        private final List<Begun> scans = new ArrayList<>();
        private @Nullable TabletFlush flush;
        private @Nullable MergeTask merge;
        private int mergeCount;

        Run(SimulatedDisk disk, Schema schema, RowsModel model, SplittableRandom random) {
            this.disk = disk;
            this.one = new OneTablet(disk, schema);
            this.model = model;
            this.random = random;
        }

        void step() {
            if (flush == null && random.nextInt(merge == null ? 3 : 2) == 0) {
                flush = one.newFlush(merge != null || random.nextBoolean()); // The changes are the merge's for now.
            }
            if (flush == null && merge == null) {
                merge = newMerge();
            }
            work(random.nextInt(30));
            commit();
            if (merge != null && random.nextInt(8) == 0) {
                merge.abort();
                one.await(() -> !one.tablet().merging().isRunning());
                merge = null;
            }
            readScans();
            check();
            if (random.nextInt(15) == 0) {
                restart();
            }
        }

        private @Nullable MergeTask newMerge() {
            List<Long> chosen = new ArrayList<>();
            for (long id : one.rowSetIds()) {
                if (random.nextInt(3) > 0) {
                    chosen.add(id);
                }
            }
            one.historyMark(random.nextInt(4) > 0 || versions.isEmpty() ? MergeSource.NO_MARK : aVersion());
            one.rowSetBytes(random.nextInt(3) == 0 ? 1 << 16 : 32 << 20);
            return one.newMerge(chosen);
        }

        private long aVersion() {
            List<Long> times = List.copyOf(versions.keySet());
            long time = times.get(random.nextInt(times.size()));
            versions.headMap(time).clear(); // Nobody reads before it any more.
            return time;
        }

        private void work(int steps) {
            for (int i = 0; i < steps; i++) {
                if (flush != null) {
                    flush.step();
                    flush = flush.isDone() ? null : flush;
                }
                if (merge != null && (flush == null || random.nextInt(4) == 0)) {
                    merge.step();
                    if (merge.isDone()) {
                        merge = null;
                        mergeCount++;
                    }
                }
                if (random.nextInt(3) > 0) {
                    one.step();
                }
            }
        }

        /** Batches that are all looked up before the first one is decided. */
        private void commit() {
            List<OneTablet.Batch> batches = new ArrayList<>();
            List<List<@Nullable RowErrorCode>> expected = new ArrayList<>();
            one.hold(random.nextInt(3) == 0);
            for (int i = random.nextInt(1, 4); i > 0; i--) {
                OneTablet.Batch batch = one.newBatch();
                List<RowsModel.Operation> operations = model.draw(random, random.nextInt(30), 6);
                operations.forEach(operation -> operation.write(batch.rows));
                expected.add(model.apply(operations, false));
                batch.submit();
                batches.add(batch);
            }
            for (int i = random.nextInt(20); i > 0; i--) {
                work(random.nextInt(3));
                batches.forEach(OneTablet.Batch::probeIfWanted);
            }
            one.hold(false);
            one.await(() -> {
                work(1);
                batches.forEach(OneTablet.Batch::probeIfWanted);
                return batches.getLast().answers > 0;
            });
            for (int i = 0; i < batches.size(); i++) {
                batches.get(i).await();
                check(expected.get(i), batches.get(i).write);
                batches.get(i).close();
            }
            versions.put(one.tablet().visible(), new TreeMap<>(model.rows()));
        }

        private static void check(List<@Nullable RowErrorCode> expected, TabletWrite write) {
            List<@Nullable RowErrorCode> found = new ArrayList<>();
            for (int i = 0; i < expected.size(); i++) {
                found.add(null);
            }
            for (int i = 0; i < write.errorCount(); i++) {
                found.set(write.errorIndex(i), write.errorCode(i));
            }
            assertEquals(expected, found);
        }

        private void check() {
            assertEquals(model.rows(), one.rows());
            List<Long> times = List.copyOf(versions.keySet());
            long time = times.get(random.nextInt(times.size()));
            assertEquals(versions.get(time), one.rows(time), () -> "at " + time);
            assertEquals(model.rows().size(), one.tablet().liveRowCount());
            if (random.nextInt(4) == 0) {
                long begun = times.get(random.nextInt(times.size()));
                scans.add(new Begun(one.scan(begun), begun, new TreeMap<>(versions.get(begun))));
            }
        }

        private void readScans() {
            for (int i = random.nextInt(scans.size() + 1); i > 0; i--) {
                Begun scan = scans.remove(random.nextInt(scans.size()));
                try (RowCursor cursor = scan.cursor()) {
                    if (random.nextInt(3) > 0) { // Else it is given up.
                        assertEquals(scan.rows(), one.rows(cursor, scan.snapshot()), "a scan that was begun before");
                    }
                }
            }
        }

        private void restart() {
            scans.forEach(scan -> scan.cursor().close());
            scans.clear();
            if (random.nextBoolean()) {
                finish();
                one.restart();
            } else {
                disk.powerCut();
                giveUp();
                one.stop();
                disk.restart();
                one.open();
            }
            check();
        }

        private void giveUp() {
            try {
                if (flush != null) {
                    flush.abort();
                }
                if (merge != null) {
                    merge.abort();
                }
            } finally {
                flush = null;
                merge = null;
            }
        }

        private void finish() {
            one.await(() -> {
                work(1);
                return flush == null && merge == null;
            });
        }

        @Override
        public void close() {
            scans.forEach(scan -> scan.cursor().close());
            finish();
            assertEquals(model.rows(), one.rows());
            one.close();
        }
    }
}
