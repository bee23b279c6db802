package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.simulation.Operation;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.TabletBusyException;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a table is dropped, brought back and renamed, durably, and who is at it meanwhile is served well or told.
 * Method: one short story for each, on a simulated host; what holds is looked at before and after a restart.
 */
final class TableDropsTest {
    private OneTable one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
    }

    // ---- Dropping ----

    /** Nobody flushes the table any more, so there will be no memory for it. */
    @Test
    void aBatchThatWaitsForMemoryHearsThatItsTableWasDropped(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        running.host().suspendUntil("maintenance", table::isDropped);
        try (WriteBatch batch = table.newBatch()) {
            long next = 0;
            CompletableFuture<CommitResult> commit;
            do {
                Numbers.fill(batch, LongStream.range(next, next + 500).toArray());
                commit = batch.commitAsync();
                next += 500;
                for (int i = 0; i < 2_000; i++) {
                    running.host().step();
                }
            } while (commit.isDone());
            running.engine().dropTable("t");
            running.host().await(commit::isDone);
            assertInstanceOf(TabletBusyException.class, commit.exceptionNow());
            assertInstanceOf(TableDroppedException.class, commit.exceptionNow().getCause());
        }
        running.engine().close();
    }

    @Test
    void aDroppedTableGivesBackItsNameItsMemoryAndItsFiles() {
        long before = one.rowBytes();
        one.create();
        Numbers.insertRange(one.table(), 0, 100);
        one.flush();
        Numbers.insertRange(one.table(), 100, 200);
        assertEquals(1, one.files().size());
        Table old = one.table();
        one.engine().dropTable("t");
        assertTrue(one.engine().table("t").isEmpty());
        assertTrue(one.engine().table(old.id()).isEmpty());
        one.settle();
        assertEquals(List.of(), one.files());
        assertEquals(before, one.rowBytes());
        assertEquals(0, old.statistics().diskBytes());
        assertThrows(TableDroppedException.class, old::newBatch);
        assertThrows(TableDroppedException.class, old::scan);
        assertThrows(TableNotFoundException.class, () -> one.engine().dropTable("t"));
        one.create();
        assertEquals(List.of(), Numbers.ids(one.table().scan()));
        one.reopen();
        assertEquals(List.of(), Numbers.ids(one.table().scan()));
        one.running().engine().close();
    }

    /** All maintenance ended with it. */
    @Test
    void aDroppedTableThatCannotBeClosedKeepsNothingFromGoingOn() {
        long before = one.rowBytes();
        one.create();
        Numbers.insertRange(one.table(), 0, 100);
        one.flush();
        Numbers.insertRange(one.table(), 100, 200);
        one.world().disk().failNext(Operation.CLOSE, Kind.IO_ERROR);
        long tablet = one.table().tablets().getFirst().id();
        one.engine().dropTable("t");
        one.settle();
        RuntimeException failure = one.engine().failures().getFirst();
        assertTrue(String.valueOf(failure.getMessage()).startsWith("tablet " + tablet + ", which was dropped"));
        assertInstanceOf(DiskException.class, failure.getCause());
        assertEquals(List.of(), one.files());
        assertEquals(before, one.rowBytes(), "what could be given back was not");
        Table next = one.create();
        Numbers.insertRange(next, 0, 100);
        one.flush();
        assertEquals(1, next.statistics().rowSetCount());
        one.reopen();
        assertEquals(List.of(), one.engine().failures());
        one.running().engine().close();
    }

    @Test
    void aTableIsDroppedByItsIdWhateverItsNameIs() {
        one.create();
        Table old = one.table();
        old.alter().rename("u").commit();
        Table other = one.create();
        one.engine().dropTable(old.id(), Duration.ofHours(1));
        assertEquals(List.of(other), one.engine().tables());
        assertEquals(List.of(old), one.engine().droppedTables());
        Failure.expect(
                TableNotFoundException.class,
                () -> one.engine().dropTable(old.id(), Duration.ZERO),
                "there is no table " + old.id());
        one.running().engine().close();
    }

    /** What a dropped table has in memory kept the log, and was replayed at the next start. */
    @Test
    void anEngineIsFlushedWithItsDroppedTables() {
        one.create();
        Numbers.insertRange(one.table(), 0, 100);
        Table dropped = one.table();
        one.engine().dropTable("t", Duration.ofHours(1));
        one.create();
        Numbers.insertRange(one.table(), 200, 300);
        CompletableFuture<Void> flushed = one.engine().flush();
        one.running().host().await(flushed::isDone);
        flushed.join();
        for (Table table : List.of(dropped, one.table())) {
            long tablet = table.tablets().getFirst().id();
            assertEquals(0, table.view(tablet).orElseThrow().freshRowCount(), () -> "of table " + table.id());
        }
        assertEquals(2, one.files().size());
        one.engine().dropTable("t");
        assertEquals(
                100, Numbers.ids(one.engine().recallTable(dropped.id()).scan()).size());
        one.running().engine().close();
    }

    @Test
    void scansAndBatchesUnderWayEndWellWhenTheirTableIsDropped() {
        one.create();
        one.insertMany(0, 3000);
        one.flush();
        Table old = one.table();
        Scan scan = old.scan().open();
        assertTrue(scan.next());
        int rows = scan.batch().rowCount();
        WriteBatch batch = old.newBatch();
        Numbers.fill(batch, 5000);
        CompletableFuture<CommitResult> commit = batch.commitAsync();
        one.engine().dropTable("t");
        one.settle();
        assertEquals(1, one.files().size(), "a scan reads it");
        one.running().host().await(commit::isDone);
        assertFalse(commit.join().hasErrors());
        Numbers.fill(batch, 5001);
        assertThrows(TableDroppedException.class, batch::commit);
        batch.close();
        while (scan.next()) {
            rows += scan.batch().rowCount();
        }
        assertEquals(3000, rows);
        scan.close();
        one.settle();
        assertEquals(List.of(), one.files());
        one.running().engine().close();
    }

    @Test
    void aTableMayBeDroppedWhileItIsFlushed(@Seed SplittableRandom random) {
        for (int i = 0; i < 20; i++) {
            one.create();
            Numbers.insertRange(one.table(), 0, 300);
            CompletableFuture<Void> flush = one.table().flush();
            for (int step = random.nextInt(200); step > 0; step--) {
                one.running().host().step();
            }
            one.engine().dropTable("t");
            one.running().host().await(flush::isDone);
            one.settle();
            assertEquals(List.of(), one.files());
        }
        one.reopen();
        assertEquals(List.of(), one.engine().tables());
        one.running().engine().close();
    }

    @Test
    void aTableThatWasDroppedForAWhileCanBeRecalled() {
        one.create();
        Numbers.insertRange(one.table(), 0, 10);
        one.flush();
        Numbers.insertRange(one.table(), 10, 20);
        Table old = one.table();
        one.engine().dropTable("t", Duration.ofHours(1));
        assertEquals(List.of(old), one.engine().droppedTables());
        assertTrue(old.isDropped());
        assertThrows(TableDroppedException.class, old::scan);
        one.reopen();
        assertTrue(one.engine().table("t").isEmpty());
        Table other = one.create();
        long id = one.engine().droppedTables().getFirst().id();
        assertThrows(TableExistsException.class, () -> one.engine().recallTable(id));
        Table recalled = one.engine().recallTable(id, "u");
        assertEquals("u", recalled.name());
        assertEquals(Numbers.list(0, 20), Numbers.ids(recalled.scan()));
        Numbers.insertRange(recalled, 20, 30);
        assertEquals(List.of(), Numbers.ids(other.scan()));
        one.reopen();
        assertEquals(
                Numbers.list(0, 30),
                Numbers.ids(one.engine().table("u").orElseThrow().scan()));
        assertEquals(List.of(), one.engine().droppedTables());
        Failure.expect(TableNotFoundException.class, () -> one.engine().recallTable(id), "no dropped table " + id);
        one.running().engine().close();
    }

    @Test
    void aDroppedTableEndsWhenItsTimeIsOver() {
        one.create();
        Numbers.insertRange(one.table(), 0, 10);
        one.flush();
        one.engine().dropTable("t", Duration.ofHours(1));
        one.engine().createTable("u", Numbers.SCHEMA);
        assertEquals(1, one.engine().droppedTables().size());
        one.world().clock().advanceMicros(Duration.ofHours(1).toMillis() * 1000);
        one.engine().createTable("v", Numbers.SCHEMA);
        assertEquals(List.of(), one.engine().droppedTables());
        one.settle();
        assertEquals(List.of(), one.files());

        one.engine().dropTable("u", Duration.ofHours(1));
        one.engine().dropTable("v", Duration.ofHours(3));
        one.world().clock().advanceMicros(Duration.ofHours(2).toMillis() * 1000);
        one.reopen();
        assertEquals(
                List.of("v"),
                one.engine().droppedTables().stream().map(Table::name).toList());
        one.engine().purgeTable(one.engine().droppedTables().getFirst().id());
        assertEquals(List.of(), one.engine().droppedTables());
        one.running().engine().close();
    }

    /** Less than no time, of a sum that overflowed, ended the table at once. */
    @Test
    void aTimeThatIsNoneDropsNothing() {
        one.create();
        for (Duration wrong : List.of(Duration.ofSeconds(-1), Duration.ofSeconds(1L << 32))) {
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> one.engine().dropTable("t", wrong),
                    "for 0 to 4294967295 seconds, not for " + wrong.toSeconds());
        }
        one.engine().dropTable("t", Duration.ofSeconds((1L << 32) - 1));
        one.reopen();
        long id = one.engine().droppedTables().getFirst().id();
        one.world().clock().advanceMicros(((1L << 32) - 2) * 1_000_000);
        one.engine().createTable("u", Numbers.SCHEMA);
        assertEquals(id, one.engine().recallTable(id).id());
        one.running().engine().close();
    }

    // ---- Names and other descriptions ----

    @Test
    void nameOwnerCommentAndHistoryAreChangedTogether() {
        one.create();
        one.engine().createTable("other", Numbers.SCHEMA);
        Numbers.insertRange(one.table(), 0, 5);
        Table table = one.table();
        assertThrows(
                TableExistsException.class,
                () -> table.alter().owner("x").rename("other").commit());
        assertEquals("", table.owner());
        table.alter()
                .rename("renamed")
                .owner("ops")
                .comment("numbers")
                .history(Duration.ofDays(2))
                .setting("kept", "1")
                .setting("gone", "2")
                .setting("gone", "")
                .commit();
        assertTrue(one.engine().table("t").isEmpty());
        one.reopen();
        Table found = one.engine().table("renamed").orElseThrow();
        assertEquals(table.id(), found.id());
        assertEquals("ops", found.owner());
        assertEquals("numbers", found.comment());
        assertEquals(2 * 86_400, found.historySecondsMax());
        assertEquals(Map.of("kept", "1"), found.settings());
        assertEquals(Numbers.list(0, 5), Numbers.ids(found.scan()));
        one.create();
        one.running().engine().close();
    }
}
