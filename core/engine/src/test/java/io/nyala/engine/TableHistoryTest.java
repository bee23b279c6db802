package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.partition.PartitionSchema;
import io.nyala.simulation.Operation;
import io.nyala.table.AncientSnapshotException;
import io.nyala.table.HostedTablet;
import io.nyala.table.ScanToken;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Seed;
import io.nyala.time.HybridTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: the past can be read as far back as the table says and not further, whatever is merged meanwhile; what merges
 * have left out stays refused after a restart with a clock that was set back, and when history is kept for longer.
 * Method: a table on a simulated host, whose clock is advanced between deletions.
 */
final class TableHistoryTest {
    private static final long ROWS = 60;
    private static final long SECOND = 1_000_000;
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final OneTable one;
    private final Table table;

    /** Of ids 0 to {@link #ROWS}. */
    private final long inserted;

    /** Of ids below 20, a second later. */
    private final long deleted;

    TableHistoryTest(@Seed SplittableRandom random) {
        one = new OneTable(random);
        table = one.engine().createTable(TableSpec.of("t", Numbers.SCHEMA).withHistory(MINUTE));
        inserted = Numbers.insert(table, LongStream.range(0, ROWS).toArray()).timestamp();
        one.flush();
        passSeconds(1);
        deleted = delete(0, 20);
        passSeconds(1);
    }

    private void passSeconds(long seconds) {
        one.world().clock().advanceMicros(seconds * SECOND);
    }

    private long delete(long from, long to) {
        try (WriteBatch batch = one.table().newBatch()) {
            for (long id = from; id < to; id++) {
                batch.rows().start(DELETE).setLong(0, id).end();
            }
            CommitResult result = batch.commit();
            result.orThrow();
            return result.timestamp();
        }
    }

    /** All rowsets once more, whatever a policy says. */
    private void merge() {
        for (HostedTablet tablet : one.table().state().tablets()) {
            List<Long> rowSets = one.table().rowSets(tablet.id()).stream()
                    .map(RowSetEntry::fileId)
                    .toList();
            CompletableFuture<Boolean> merged = one.engine().maintenance().merge(tablet.tablet(), rowSets);
            one.running().host().await(merged::isDone);
            assertEquals(!rowSets.isEmpty(), merged.join());
        }
        one.settle();
    }

    private List<Long> at(long time) {
        return Numbers.ids(one.table().scan().at(time));
    }

    private AncientSnapshotException refused(long time) {
        return assertThrows(
                AncientSnapshotException.class,
                () -> one.table().scan().at(time).open());
    }

    private long rowCount() {
        return one.table().statistics().rowCount();
    }

    @Test
    void aScanOfThePastIsRefusedWhenItIsTooLongAgo() {
        assertEquals(Numbers.list(0, ROWS), at(deleted - 1));
        passSeconds(58);
        assertEquals(Numbers.list(0, ROWS), at(deleted - 1));
        passSeconds(2);
        AncientSnapshotException refusal = refused(deleted - 1);
        assertEquals(deleted - 1, refusal.snapshot());
        assertEquals(deleted, refusal.mark(), "nothing has happened since, so it is as good as now");
        assertTrue(String.valueOf(refusal.getMessage()).contains(HybridTime.format(deleted - 1)), refusal::toString);
        assertTrue(String.valueOf(refusal.getMessage()).contains(HybridTime.format(deleted)), refusal::toString);
        assertTrue(String.valueOf(refusal.getMessage()).contains("keeps 60 s of history"), refusal::toString);
        assertEquals(Numbers.list(20, ROWS), at(deleted));
        assertEquals(Numbers.list(20, ROWS), Numbers.ids(table.scan()));
        one.engine().close();
    }

    @Test
    void aTokenIsOpenedAsLongAsItsSnapshotCanBeRead() {
        ScanToken token = table.scan().tokens().getFirst();
        passSeconds(3600);
        one.engine().open(token).close(); // Nothing has happened since.
        passSeconds(1);
        delete(20, 30);
        passSeconds(59);
        assertThrows(AncientSnapshotException.class, () -> one.engine().open(token));
        one.engine().close();
    }

    @Test
    void mergesLeaveOutWhatNobodyCanSeeAnyMore() {
        merge();
        assertEquals(ROWS, rowCount(), "the past is needed");
        assertEquals(Numbers.list(0, ROWS), at(inserted));
        passSeconds(60);
        merge();
        assertEquals(ROWS - 20, rowCount(), "deleted rows are still there");
        assertEquals(Numbers.list(20, ROWS), at(deleted));
        refused(deleted - 1);
        one.engine().close();
    }

    @Test
    void whatIsLeftOutStaysRefusedAfterARestartAndWhenMoreIsKept() {
        passSeconds(60);
        merge();
        one.table().alter().historyForever().commit();
        assertEquals(deleted, refused(inserted).mark());
        one.world().clock().stepWallClock(-3600 * SECOND);
        one.powerCut();
        AncientSnapshotException refusal = refused(deleted - 1);
        assertEquals(deleted, refusal.mark());
        assertTrue(String.valueOf(refusal.getMessage()).contains("was given up"), refusal::toString);
        assertEquals(Numbers.list(20, ROWS), at(deleted));
        one.reopen(); // From a checkpoint.
        refused(deleted - 1);
        assertEquals(Numbers.list(20, ROWS), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    @Test
    void whatIsStillThereIsReadAgainWhenMoreIsKept() {
        passSeconds(60);
        refused(inserted);
        table.alter().historyForever().commit();
        assertEquals(Numbers.list(0, ROWS), at(inserted));
        one.engine().close();
    }

    @Test
    void aScanThatIsOpenKeepsTheHistoryOfTabletsThatItHasNotComeTo() {
        one.engine().dropTable("t");
        one.engine()
                .createTable(TableSpec.of(
                                "t",
                                PartitionSchema.of(Numbers.SCHEMA).hash(3, "id").build())
                        .withHistory(MINUTE));
        long before =
                Numbers.insert(one.table(), LongStream.range(0, ROWS).toArray()).timestamp();
        one.flush();
        delete(0, ROWS);
        List<Long> ids = new ArrayList<>();
        try (Scan scan = one.table().scan().at(before).open()) {
            passSeconds(60);
            merge();
            long left = rowCount(); // The rowset of the tablet where it is, it has; the other's it will need.
            assertTrue(left > 0 && left < ROWS, left + " rows");
            Numbers.read(scan, ids);
        }
        ids.sort(null);
        assertEquals(Numbers.list(0, ROWS), ids);
        merge();
        assertEquals(0, rowCount());
        one.engine().close();
    }

    @Test
    void aRowSetOfDeletedRowsGoesWithoutBeingRead() {
        delete(20, ROWS);
        one.flush();
        passSeconds(60);
        one.powerCut(); // And nothing is in the cache.
        one.world().disk().failNext(Operation.READ, DiskException.Kind.IO_ERROR);
        merge();
        one.world().disk().forgetFailures();
        assertEquals(0, one.table().statistics().rowSetCount());
        assertEquals(0, one.files().size());
        one.engine().close();
    }

    @Test
    void vacuumGivesUpWhatWasBeforeItAtOnce() {
        passSeconds(1);
        try (Scan scan = table.scan().at(inserted).open()) {
            List<Long> ids = new ArrayList<>();
            vacuum();
            assertEquals(ROWS - 20, rowCount());
            Numbers.read(scan, ids);
            ids.sort(null);
            assertEquals(Numbers.list(0, ROWS), ids);
        }
        refused(inserted);
        assertEquals(Numbers.list(20, ROWS), at(deleted));
        List<Long> before = fileIds();
        vacuum();
        assertEquals(before, fileIds(), "there is nothing to give up");
        one.reopen();
        refused(inserted);
        delete(20, ROWS);
        one.flush();
        vacuum();
        assertEquals(0, one.table().statistics().rowSetCount());
        assertEquals(List.of(), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    private void vacuum() {
        CompletableFuture<?> vacuum = one.table().vacuum();
        one.running().host().await(vacuum::isDone);
        vacuum.join();
        one.settle();
    }

    private List<Long> fileIds() {
        Table present = one.table();
        return present.rowSets(present.tablets().getFirst().id()).stream()
                .map(RowSetEntry::fileId)
                .toList();
    }

    @Test
    void allIsForgottenAndTheNewestStateIsReadAfterARestart() {
        delete(20, ROWS);
        passSeconds(60);
        merge();
        assertEquals(0, rowCount());
        assertEquals(0, one.files().size());
        one.powerCut();
        assertEquals(List.of(), Numbers.ids(one.table().scan()));
        refused(deleted);
        Numbers.insertRange(one.table(), 0, 5);
        assertEquals(Numbers.list(0, 5), Numbers.ids(one.table().scan()));
        one.engine().close();
    }
}
