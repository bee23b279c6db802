package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergeSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.RandomSchema;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: while rowsets or delta files are merged, and afterwards, a tablet takes writes and answers scans at each
 * snapshot as it did before, also after a crash, and scans that were begun before go on.
 * Method: random batches on few keys between the steps of flushes and merges, some of which are given up, clean
 * restarts and power cuts on a simulated disk, against a map of rows for each snapshot.
 */
final class MergeTaskTest {
    private static final int STEPS = 60;

    @RepeatedTest(5)
    void rowsAreAsBefore(@Seed SplittableRandom random) {
        run(random, false);
    }

    @RepeatedTest(5)
    void rowsAreAsBeforeWhileDeltaFilesAreMerged(@Seed SplittableRandom random) {
        run(random, true);
    }

    private static void run(SplittableRandom random, boolean isMostlyOfDeltas) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = RandomSchema.draw(random);
        while (schema.columnCount() == schema.keyColumnCount()) {
            schema = RandomSchema.draw(random);
        }
        int keyCount = isMostlyOfDeltas ? random.nextInt(20, 200) : 1 + random.nextInt(1 << random.nextInt(8));
        var model = new RowsModel(schema, random, keyCount);
        try (var run = new Run(disk, schema, model, random)) {
            run.isMostlyOfDeltas = isMostlyOfDeltas;
            for (int i = 0; i < STEPS; i++) {
                run.step();
            }
            int count = isMostlyOfDeltas ? run.deltaMergeCount : run.mergeCount;
            assertTrue(count > 0, "nothing was merged");
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
            Merging.Task merge = run.one.newMerge(run.one.rowSetIds());
            run.commit(); // Nothing is done for the merge yet.
            for (LiveRowSet merged : run.one.tablet().map().onDisk()) {
                assertEquals(
                        0, merged.flushableChangeBytes(), "a flush would find nothing, and would be asked for again");
            }
            TabletFlush flush = run.one.newFlush(true, true);
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

    /** Its rowsets are merged by another worker; what it reads stays until it lets go, and what it has is refused. */
    @RepeatedTest(6)
    void whatIsTakenFromAWorkerIsMergedOnceByAnotherOne(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        try (var run = new Run(disk, schema, new RowsModel(schema, random, 10), random)) {
            for (int i = 0; i < 3; i++) {
                run.commit();
                run.one.flushAll();
            }
            List<Long> inputs = run.one.rowSetIds();
            MergeTask lost = Objects.requireNonNull(run.one.newMerge(inputs));
            int steps = random.nextInt(12);
            for (int i = 0; i < steps; i++) {
                lost.step();
                if (random.nextBoolean()) {
                    run.one.step();
                }
            }
            if (!lost.takeOver()) {
                assertTrue(steps > 4, "none of its rows is written, and it could have been taken");
                run.one.finish(lost);
                return;
            }
            assertFalse(lost.takeOver(), "it is taken once");
            run.commit();
            MergeTask successor = Objects.requireNonNull(run.one.newMerge(inputs));
            run.one.finish(successor);
            run.check();
            run.one.flushAll();
            for (long fileId : inputs) {
                assertTrue(disk.exists(run.one.path(fileId)), "file " + fileId + " is gone, and may be read");
            }
            assertTrue(run.one.tablet().merging().isInUse());
            assertThrows(Merging.TakenOverException.class, () -> {
                while (lost.step() || !lost.isDone()) {
                    run.one.step();
                }
            });
            lost.abort();
            assertFalse(run.one.tablet().merging().isInUse());
            for (long fileId : inputs) {
                assertFalse(disk.exists(run.one.path(fileId)), "file " + fileId + " is still there");
            }
            run.check();
            run.restart();
        }
        assertEquals(0, disk.openFileCount());
    }

    /** Changes are flushed behind the files that become one; what these had is gone from the disk afterwards. */
    @Test
    void aFlushGoesOnBesideAMergeOfDeltaFiles(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        try (var one = new OneTablet(disk, schema)) {
            setAll(one, OperationKind.INSERT, 0);
            for (int value = 1; value <= 3; value++) {
                setAll(one, OperationKind.UPDATE, value);
            }
            long first = one.rowSetIds().getFirst();
            List<Long> deltas = deltaIds(one);
            assertEquals(3, deltas.size());
            assertNull(newDeltaMerge(one, first, deltas.reversed()), "they do not lie so");
            DeltaMergeTask merge = Objects.requireNonNull(newDeltaMerge(one, first, deltas));
            assertNull(newDeltaMerge(one, first, deltas), "somebody has them");
            assertNull(one.newMerge(one.rowSetIds()), "somebody has a part of it");
            setAll(one, OperationKind.UPDATE, 4);
            Merging merging = one.tablet().merging();
            assertTrue(merging.isRunning() && !merging.isAheadOfFlush());
            merging.pause();
            assertTrue(merging.isAheadOfFlush(), "files are not to change after a flush");
            merging.goOn();
            List<Long> behind = deltaIds(one).subList(3, 4);
            long snapshot = one.tablet().visible();
            var expected = one.rows(snapshot);
            RowCursor begun = one.scan(snapshot);
            assertEquals(0, merge.share());
            one.finish(merge);
            assertEquals(1, merge.share());
            List<Long> after = deltaIds(one);
            assertEquals(behind, after.subList(1, after.size()));
            for (long fileId : deltas) {
                assertFalse(disk.exists(one.path(fileId)), "file " + fileId + " is still there");
            }
            try (begun) {
                assertEquals(expected, one.rows(begun, snapshot));
            }
            one.restart();
            assertEquals(expected, one.rows());
            assertEquals(after, deltaIds(one));
        }
        assertEquals(0, disk.openFileCount());
    }

    private static void setAll(OneTablet one, OperationKind kind, long value) {
        one.commit(batch -> {
            for (int key = 0; key < 10; key++) {
                batch.start(kind).setInt(0, key).setLong(1, value).end();
            }
        });
        one.flushAll();
    }

    private static @Nullable DeltaMergeTask newDeltaMerge(OneTablet one, long rowSetFileId, List<Long> fileIds) {
        return DeltaMergeTask.begin(one.tablet(), one, rowSetFileId, fileIds);
    }

    private static List<Long> deltaIds(OneTablet one) {
        return TabletView.rowSets(one.tablet()).getFirst().deltas().stream()
                .map(DeltaFileEntry::fileId)
                .toList();
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
        private Merging.@Nullable Task merge;
        private final List<Merging.Task> lost = new ArrayList<>();
        private boolean isMostlyOfDeltas;
        private int mergeCount;
        private int deltaMergeCount;

        Run(SimulatedDisk disk, Schema schema, RowsModel model, SplittableRandom random) {
            this.disk = disk;
            this.one = new OneTablet(disk, schema);
            this.model = model;
            this.random = random;
        }

        void step() {
            if (flush == null && random.nextInt(merge == null ? 3 : 2) == 0) {
                boolean withChanges = merge != null || isMostlyOfDeltas || random.nextBoolean();
                boolean withRows = !withChanges || random.nextInt(3) > 0;
                flush = one.newFlush(withRows, withChanges); // With a merge they are that one's for now.
            }
            if (flush == null && merge == null) {
                merge = random.nextInt(12) < (isMostlyOfDeltas ? 1 : 9) ? newMerge() : newDeltaMerge();
            }
            work(random.nextInt(30));
            commit();
            if (merge != null && random.nextInt(8) == 0 && merge.takeOver()) {
                lost.add(merge);
                merge = null;
            }
            comeBack();
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

        /** Some of those from whom merges were taken. */
        private void comeBack() {
            for (int i = random.nextInt(lost.size() + 1); i > 0; i--) {
                Merging.Task back = lost.remove(random.nextInt(lost.size()));
                if (random.nextBoolean()) {
                    assertThrows(Merging.TakenOverException.class, back::step);
                }
                back.abort();
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

        /** Of some of the rowset that has most of them. */
        private @Nullable DeltaMergeTask newDeltaMerge() {
            Optional<RowSetEntry> most = TabletView.rowSets(one.tablet()).stream()
                    .max(Comparator.comparingInt(entry -> entry.deltas().size()));
            if (most.isEmpty() || most.get().deltas().size() < 2) {
                return null;
            }
            List<DeltaFileEntry> deltas = most.get().deltas();
            int from = random.nextInt(deltas.size() - 1);
            int to = random.nextInt(from + 2, deltas.size() + 1);
            List<Long> chosen = deltas.subList(from, to).stream()
                    .map(DeltaFileEntry::fileId)
                    .toList();
            return MergeTaskTest.newDeltaMerge(one, most.get().fileId(), chosen);
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
                        mergeCount += merge instanceof MergeTask ? 1 : 0;
                        deltaMergeCount += merge instanceof DeltaMergeTask ? 1 : 0;
                        merge = null;
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
            if (flush != null) {
                giveUp(flush::abort);
            }
            if (merge != null) {
                giveUp(merge::abort);
            }
            lost.forEach(task -> giveUp(task::abort));
            lost.clear();
            flush = null;
            merge = null;
        }

        private static void giveUp(Runnable abort) {
            try {
                abort.run();
            } catch (PowerCutException e) {
                assertTrue(e.getMessage() != null, "files stay where the power was cut");
            }
        }

        private void finish() {
            one.await(() -> {
                work(1);
                return flush == null && merge == null;
            });
            lost.forEach(Merging.Task::abort);
            lost.clear();
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
