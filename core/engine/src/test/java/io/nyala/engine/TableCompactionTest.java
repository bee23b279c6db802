package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException.Kind;
import io.nyala.maintenance.TabletUpkeep;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: a compaction leaves the same rows in fewer rowsets, whose files are all that is left when the last scan of the
 * others has ended; and a power cut at any moment leaves the rowsets of before or those of after.
 * Method: some flushes of rows that overlap, with changes beside them, on a simulated host; the power is cut at
 * some of the calls of the disk that a compaction makes.
 */
final class TableCompactionTest {
    private static final int FLUSHES = 3;
    private static final long ROWS = 90;

    /** What of them is deleted before. */
    private static final long DELETED = 20;

    /** Rowsets that overlap, and one delta file. */
    private static Table prepare(OneTable one) {
        Table table = one.create();
        for (int i = 0; i < FLUSHES; i++) {
            int first = i;
            Numbers.insert(
                            table,
                            LongStream.range(0, ROWS)
                                    .filter(id -> id % FLUSHES == first)
                                    .toArray())
                    .orThrow();
            one.flush();
        }
        try (WriteBatch batch = table.newBatch()) {
            for (long id = 0; id < DELETED; id++) {
                batch.rows().start(DELETE).setLong(0, id).end();
            }
            batch.commit().orThrow();
        }
        one.flush();
        one.settle();
        return table;
    }

    private static void compact(OneTable one, Table table) {
        CompletableFuture<?> compaction = table.compact();
        one.running().host().await(compaction::isDone);
        compaction.join();
    }

    private static List<TabletUpkeep.Left> left(OneTable one, CompletableFuture<List<TabletUpkeep.Left>> upkeep) {
        one.running().host().await(upkeep::isDone);
        return upkeep.join();
    }

    /** All were small beside those of an engine with much memory, and so were merged again and again, for ever. */
    @Test
    void rowSetsThatAreToBeSmallAreMergedOnce(@Seed SplittableRandom random) {
        World.Running running = new World(random)
                .open(World.config()
                        .withFlushBytes(8 << 20)
                        .withRowSetBytes(64 << 10)
                        .withLogSegmentBytes(1 << 20));
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        for (int i = 0; i < FLUSHES; i++) {
            int first = i;
            Numbers.insert(
                            table,
                            LongStream.range(0, 12_000)
                                    .filter(id -> id % FLUSHES == first)
                                    .toArray())
                    .orThrow();
            Numbers.flush(running, table);
        }
        assertTrue(table.statistics().rowSetCount() > FLUSHES, "more than one of each flush");
        CompletableFuture<List<TabletUpkeep.Left>> compaction = table.compact();
        running.host().await(compaction::isDone);
        assertEquals(List.of(), compaction.join());
        assertTrue(table.statistics().rowSetCount() > 1);
        running.engine().close();
    }

    /** While columns are being changed nothing is merged: who asks for it hears what was left, and why. */
    @Test
    void whatCouldNotBeMergedIsTold(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        Table table = prepare(one);
        Tablet tablet = table.state().tablets().getFirst().tablet();
        List<Long> files = files(table, tablet);
        tablet.merging().pause();
        for (boolean isVacuum : List.of(false, true)) {
            List<TabletUpkeep.Left> left = left(one, isVacuum ? table.vacuum() : table.compact());
            assertEquals(1, left.size());
            assertEquals(files, left.getFirst().rowSets().stream().sorted().toList());
            String text = left.getFirst().toString();
            assertTrue(text.contains("rowsets [") && text.contains("] of tablet " + tablet.id()), text);
            assertTrue(text.contains("the columns of the table are being changed; try again"), text);
        }
        assertEquals(files, files(table, tablet), "a rowset was merged");
        tablet.merging().goOn();
        assertEquals(List.of(), left(one, table.compact()));
        assertEquals(List.of(), left(one, table.vacuum()));
        assertEquals(List.of(), TabletView.withPast(tablet));
        one.engine().close();
    }

    private static List<Long> files(Table table, Tablet tablet) {
        return table.rowSets(tablet.id()).stream()
                .map(RowSetEntry::fileId)
                .sorted()
                .toList();
    }

    /** The row that an insert replaced is kept whole, and of the column that was added only the NULL is known. */
    @Test
    void aCellThatWasSetToNullOverADefaultIsNullInTheHistory(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        Table table = one.create();
        Numbers.insertRange(table, 0, ROWS);
        one.flush();
        table.alter()
                .addColumn(Column.of("more", ColumnType.INT64).nullable().defaultValue(7L))
                .commit();
        long changed = write(table, UPDATE);
        one.flush();
        write(table, DELETE);
        one.flush();
        Numbers.insertRange(table, 0, ROWS);
        one.flush();
        compact(one, table);
        assertEquals(1, table.statistics().rowSetCount());
        int nulls = 0;
        try (Scan scan = table.scan().at(changed).open()) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    nulls += scan.batch().column(2).isNull(row) ? 1 : 0;
                }
            }
        }
        assertEquals(ROWS, nulls);
        one.engine().close();
    }

    /** Sets a column of each row to NULL, or deletes them all; answers when. */
    private static long write(Table table, OperationKind kind) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id = 0; id < ROWS; id++) {
                batch.rows().start(kind).setLong(0, id);
                if (kind == UPDATE) {
                    batch.rows().setNull(2);
                }
                batch.rows().end();
            }
            CommitResult result = batch.commit();
            result.orThrow();
            return result.timestamp();
        }
    }

    @Test
    void rowSetsThatOverlapBecomeOne(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        Table table = prepare(one);
        assertEquals(FLUSHES, table.statistics().rowSetCount());
        int filesBefore = one.files().size();
        assertTrue(filesBefore > FLUSHES, "no delta file");
        List<Long> ids = new ArrayList<>();
        try (Scan scan = table.scan().open()) {
            assertTrue(scan.next());
            compact(one, table);
            one.settle();
            assertEquals(1, table.statistics().rowSetCount());
            assertEquals(filesBefore + 1, one.files().size(), "a scan reads them");
            do {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    ids.add(scan.batch().column(0).getLong(row));
                }
            } while (scan.next());
        }
        ids.sort(null);
        assertEquals(Numbers.list(DELETED, ROWS), ids);
        one.settle();
        assertEquals(1, one.files().size());
        assertEquals(Numbers.list(DELETED, ROWS), Numbers.ids(table.scan()));
        compact(one, table);
        assertEquals(1, one.files().size(), "there was nothing to merge");
        one.powerCut();
        assertEquals(1, one.table().statistics().rowSetCount());
        assertEquals(Numbers.list(DELETED, ROWS), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    /** It has no reader any more, and nothing that follows needs it. */
    @Test
    void aMergedRowSetThatCannotBeClosedKeepsNothingFromGoingOn(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        Table table = prepare(one);
        try (Scan scan = table.scan().open()) {
            assertTrue(scan.next());
            compact(one, table);
            one.settle();
            one.world().disk().failNext(Operation.CLOSE, Kind.IO_ERROR);
        }
        one.settle();
        assertEquals(1, table.statistics().rowSetCount());
        assertEquals(List.of(), one.engine().failures());
        assertEquals(1, one.files().size());
        Numbers.insertRange(table, ROWS, ROWS + 10);
        one.flush();
        assertEquals(2, table.statistics().rowSetCount());
        one.engine().close();
    }

    @Test
    void aPowerCutAtWhateverCallLeavesOneOrTheOther(@Seed SplittableRandom random) {
        long seed = random.nextLong();
        int before = 0;
        int after = 0;
        boolean isCut = true;
        for (int call = 0; isCut; call += random.nextInt(1, 5)) {
            var one = new OneTable(new SplittableRandom(seed));
            Table table = prepare(one);
            SimulatedDisk disk = one.world().disk();
            disk.cutPowerAtCall(disk.callCount() + call);
            try {
                compact(one, table);
                one.settle();
                isCut = disk.isOff();
            } catch (PowerCutException | CompletionException e) {
                assertTrue(disk.isOff(), () -> "a failure with the power on: " + e);
            }
            disk.forgetFailures();
            one.powerCut();
            int rowSets = one.table().statistics().rowSetCount();
            assertTrue(rowSets == 1 || rowSets == FLUSHES, rowSets + " rowsets");
            before += rowSets == FLUSHES ? 1 : 0;
            after += rowSets == 1 ? 1 : 0;
            assertEquals(rowSets == 1 ? 1 : 2 * FLUSHES, one.files().size(), "files of rowsets");
            assertEquals(Numbers.list(DELETED, ROWS), Numbers.ids(one.table().scan()));
            one.engine().close();
        }
        assertTrue(before > 1 && after > 1, before + " before the edit, " + after + " after it");
    }
}
