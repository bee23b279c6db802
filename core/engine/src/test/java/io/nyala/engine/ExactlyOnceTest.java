package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.nyala.io.DiskException;
import io.nyala.partition.PartitionSchema;
import io.nyala.record.RequestMismatchException;
import io.nyala.record.RequestName;
import io.nyala.record.StaleRequestException;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.Tablet;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a commit with a name takes effect once however often it is repeated, and each time gets the answer of the
 * first: after restarts and power cuts, flushes, and changes of the table.
 * Method: one short story for each, on a simulated host.
 */
final class ExactlyOnceTest {
    private OneTable one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
    }

    @Test
    void aRetryGetsTheAnswerOfTheFirst() {
        Table table = Requests.create(one);
        Requests.Answer first = Requests.commit(table, Requests.name(7, 1), 0);
        first.assertIsOfFirst();
        assertEquals(first, Requests.commit(table, Requests.name(7, 1), 0));
        assertEquals(3, table.statistics().liveRowCount());
        one.engine().close();
    }

    @Test
    void theErrorsOfARetryHaveTheirWords() {
        Table table = Requests.create(one);
        Requests.commit(table, Requests.name(7, 1), 0);
        try (WriteBatch batch = table.newBatch()) {
            Requests.fill(batch, 0);
            CommitResult result = batch.request(Requests.name(7, 1)).commit();
            assertEquals(1, result.errors().size());
            assertEquals(
                    RowErrorCode.ALREADY_PRESENT, result.errors().getFirst().code());
            assertEquals(
                    "row (id=1000000) is already present",
                    result.errors().getFirst().message());
        }
        one.engine().close();
    }

    /** The name is that of the rows in the batch, and goes with them. */
    @Test
    void theNextCommitHasNoNameUnlessItIsGivenOne() {
        Table table = Requests.create(one);
        try (WriteBatch batch = table.newBatch()) {
            Requests.commit(batch, Requests.name(7, 1), 0).assertIsOfFirst();
            Requests.fill(batch, 0);
            assertEquals(List.of(0, 1, 2), Requests.Answer.of(batch.commit()).errors());
        }
        one.engine().close();
    }

    @Test
    void twoThatAreUnderWayAtOnceTakeEffectOnce() {
        Table table = Requests.create(one);
        try (WriteBatch first = table.newBatch();
                WriteBatch second = table.newBatch()) {
            Requests.fill(first, 0);
            Requests.fill(second, 0);
            CompletableFuture<CommitResult> answer =
                    first.request(Requests.name(7, 1)).commitAsync();
            CompletableFuture<CommitResult> repeated =
                    second.request(Requests.name(7, 1)).commitAsync();
            one.running().host().await(() -> answer.isDone() && repeated.isDone());
            Requests.Answer.of(answer.join()).assertIsOfFirst();
            assertEquals(Requests.Answer.of(answer.join()), Requests.Answer.of(repeated.join()));
        }
        assertEquals(3, table.statistics().liveRowCount());
        one.engine().close();
    }

    @Test
    void whatIsStaleOrSomebodyElsesIsRefusedAndChangesNothing() {
        Table table = Requests.create(one);
        Requests.commit(table, Requests.name(7, 1), 0);
        Requests.commit(table, new RequestName(7, 77, 3, 2), 10);
        assertThrows(StaleRequestException.class, () -> Requests.commit(table, Requests.name(7, 1), 0));
        try (WriteBatch batch = table.newBatch()) {
            Numbers.fill(batch, 50);
            batch.request(new RequestName(7, 77, 3, 2));
            assertThrows(RequestMismatchException.class, batch::commit);
        }
        assertEquals(5, table.statistics().liveRowCount());
        one.engine().close();
    }

    // ---- Restarts ----

    @Test
    void answersAreFoundInTheLogAfterARestart() {
        var known = new Requests.Known();
        known.add(Requests.create(one), 20);
        one.powerCut();
        known.assertRepeated(one.table());
        one.reopen();
        known.assertRepeated(one.table());
        one.engine().close();
    }

    /** Who waits for an answer asks again when the host is back, however long that takes. */
    @Test
    void answersOutliveADayWithoutTheHost() {
        var known = new Requests.Known();
        known.add(Requests.create(one), 20);
        one.flush();
        known.add(one.table(), 5);
        one.engine().close();
        one.world().clock().advanceMicros(Duration.ofDays(1).toMillis() * 1000);
        one.reopenClosed();
        one.flush();
        known.assertRepeated(one.table());
        one.engine().close();
    }

    /** Their effects are skipped when the log is replayed, because they are in files. Answers are nowhere else. */
    @Test
    void answersOfRequestsWhoseRowsAreInFilesAreFoundInTheLog() {
        var known = new Requests.Known();
        known.add(Requests.create(one), 20);
        one.flush();
        one.powerCut();
        known.assertRepeated(one.table());
        known.add(one.table(), 5);
        one.flush();
        one.reopen();
        known.assertRepeated(one.table());
        assertEquals(51, one.table().statistics().liveRowCount());
        one.engine().close();
    }

    /** The effects are in files, and the answers not yet carried forward. */
    @Test
    void answersAreFoundWhereThePowerWasCutJustBehindTheFlush() {
        var known = new Requests.Known();
        Table table = Requests.create(one);
        known.add(table, 20);
        CompletableFuture<Void> flush = table.flush();
        one.running().host().await(() -> table.statistics().rowSetCount() == 1);
        assertFalse(flush.isDone());
        one.powerCut();
        assertEquals(1, one.table().statistics().rowSetCount());
        known.assertRepeated(one.table());
        one.engine().close();
    }

    // ---- Changes of the table ----

    @Test
    void answersOutliveAChangeOfTheColumns() {
        var known = new Requests.Known();
        Table table = Requests.create(one);
        known.add(table, 5);
        Requests.Answer first = Requests.commit(table, Requests.name(9, 1), 500);
        table.alter().addColumn(Column.of("more", ColumnType.INT64).nullable()).commit();
        assertEquals(first, Requests.commitIds(table, Requests.name(9, 1), 500));
        Requests.Answer second = Requests.commitIds(table, Requests.name(9, 2), 600);
        second.assertIsOfFirst();
        one.powerCut();
        assertEquals(first, Requests.commitIds(one.table(), Requests.name(9, 1), 500));
        assertEquals(second, Requests.commitIds(one.table(), Requests.name(9, 2), 600));
        one.flush();
        one.table().alter().dropColumn("text").commit();
        one.reopen();
        assertEquals(first, Requests.commitIds(one.table(), Requests.name(9, 1), 500));
        assertEquals(second, Requests.commitIds(one.table(), Requests.name(9, 2), 600));
        assertEquals(15, one.table().statistics().liveRowCount());
        one.engine().close();
    }

    /** A flush of it begins just before, and would write the answers again between those of the new tablet. */
    @Test
    void theOldTabletCarriesNoAnswersOnceTheNewOneHasThem() {
        var known = new Requests.Known();
        Table table = Requests.create(one);
        known.add(table, 5);
        one.flush();
        StepHost host = one.running().host();
        List<CompletableFuture<Void>> flushes = new ArrayList<>();
        var isCommitted = new AtomicBoolean();
        one.world()
                .disk()
                .failNext(
                        call -> {
                            if (isStorageRecord(call) && flushes.isEmpty()) {
                                flushes.add(table.flush());
                                host.suspendUntil("writer", isCommitted::get);
                            }
                            return false;
                        },
                        DiskException.Kind.IO_ERROR);
        table.alter().addColumn(Column.of("more", ColumnType.INT64).nullable()).commit();
        assumeFalse(flushes.getFirst().isDone(), "the flush was quicker than the change");
        one.settle(); // The flush comes to where it asks the writer for the answers.
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.INSERT).setLong(0, 500).end();
            CompletableFuture<CommitResult> result =
                    batch.request(Requests.name(9, 1)).commitAsync();
            isCommitted.set(true);
            host.await(result::isDone);
            result.join().orThrow();
        }
        host.await(flushes.getFirst()::isDone);
        one.powerCut();
        Requests.Answer repeated = Requests.commitIds(one.table(), Requests.name(9, 1), 500);
        assertEquals(List.of(), repeated.errors());
        assertEquals(12, one.table().statistics().liveRowCount());
        one.engine().close();
    }

    private static boolean isStorageRecord(Call call) {
        return call.operation() == Operation.WRITE_DURABLE
                && call.path().startsWith(World.DIRECTORY.resolve("storage"));
    }

    @Test
    void theTabletGoesOnCarryingAnswersWhereTheChangeFailed() {
        var known = new Requests.Known();
        Table table = Requests.create(one);
        known.add(table, 5);
        one.flush();
        Path file = World.DIRECTORY.resolve("rowsets").resolve("1.rowset");
        byte[] whole = one.world().disk().contents(file);
        one.world().disk().setContents(file, new byte[0]);
        AlterTable change =
                table.alter().addColumn(Column.of("more", ColumnType.INT64).nullable());
        assertThrows(RuntimeException.class, change::commit);
        one.world().disk().setContents(file, whole);
        Tablet tablet = table.state().tablets().getFirst().tablet();
        long before = tablet.neededFrom();
        known.add(table, 5);
        one.flush();
        assertTrue(tablet.neededFrom() > before, () -> "the log is needed from " + before + " on, as before");
        one.powerCut();
        known.assertRepeated(one.table());
        one.engine().close();
    }

    @Test
    void rowsWhoseRangeIsGoneAreJudgedAnew() {
        PartitionSchema ranges = PartitionSchema.of(Numbers.SCHEMA).range("id").build();
        Table table = one.engine()
                .createTable(TableSpec.of("t", ranges)
                        .withRanges(List.of(ranges.between(0L, 100L), ranges.between(100L, 200L))));
        Numbers.insertRange(table, 150, 151);
        RequestName name = Requests.name(7, 1);
        assertEquals(List.of(2), Requests.insert(table, name, 5, 120, 150).errors());
        table.alter().dropRange(ranges.between(100L, 200L)).commit();
        assertEquals(List.of(1, 2), Requests.insert(table, name, 5, 120, 150).errors());
        assertEquals(List.of(5L), Numbers.ids(table.scan()));
        one.engine().close();
    }

    /** Nothing of it would be done now, but what was done is done. */
    @Test
    void anAtomicBatchThatWasDoneIsNotSaidToBeRolledBackWhenARangeOfItIsGone() {
        PartitionSchema ranges = PartitionSchema.of(Numbers.SCHEMA).range("id").build();
        Table table = one.engine()
                .createTable(TableSpec.of("t", ranges)
                        .withRanges(List.of(
                                ranges.between(0L, 100L), ranges.between(100L, 200L), ranges.between(200L, 300L))));
        Numbers.insertRange(table, 250, 251);
        RequestName name = Requests.name(7, 1);
        CommitResult first = commitAtomically(table, name, 5, 120, 210, 250);
        assertEquals(List.of(RowErrorCode.ROLLED_BACK, RowErrorCode.ALREADY_PRESENT), codes(first));
        table.alter().dropRange(ranges.between(100L, 200L)).commit();
        List<RowErrorCode> repeated =
                List.of(RowErrorCode.NO_RANGE, RowErrorCode.ROLLED_BACK, RowErrorCode.ALREADY_PRESENT);
        CommitResult again = commitAtomically(table, name, 5, 120, 210, 250);
        assertEquals(repeated, codes(again));
        assertTrue(again.timestamp() > 0 && again.timestamp() <= first.timestamp());
        CommitResult another = commitAtomically(table, Requests.name(7, 2), 6, 121);
        assertEquals(List.of(RowErrorCode.ROLLED_BACK, RowErrorCode.NO_RANGE), codes(another));
        assertTrue(another.timestamp() > first.timestamp());
        assertEquals(
                another.errors().size(),
                commitAtomically(table, Requests.name(7, 2), 6, 121).errors().size());
        one.powerCut();
        assertEquals(repeated, codes(commitAtomically(one.table(), name, 5, 120, 210, 250)));
        assertEquals(List.of(5L, 250L), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    private static CommitResult commitAtomically(Table table, RequestName name, long... ids) {
        try (WriteBatch batch = table.newBatch().atomic(true)) {
            Numbers.fill(batch, ids);
            return batch.request(name).commit();
        }
    }

    private static List<RowErrorCode> codes(CommitResult result) {
        return result.errors().stream().map(RowError::code).toList();
    }

    // ---- Parts of the data that cannot be read ----

    /** A retry of a batch of which some tablets took their part completes the others, and repeats what was done. */
    @Test
    void aRetryCompletesWhatOnlySomeTabletsTook() {
        PartitionSchema ranges = PartitionSchema.of(Numbers.SCHEMA).range("id").build();
        Table table = one.engine()
                .createTable(TableSpec.of("t", ranges)
                        .withRanges(List.of(ranges.between(0L, 100L), ranges.between(100L, 200L))));
        Numbers.insertRange(table, 150, 151);
        one.flush();
        Path file = World.DIRECTORY.resolve("rowsets").resolve("1.rowset");
        byte[] whole = one.world().disk().contents(file);
        one.engine().close();
        one.world().disk().setContents(file, new byte[0]);
        one.reopenClosed();
        RequestName name = Requests.name(7, 1);
        try (WriteBatch batch = one.table().newBatch()) {
            Numbers.fill(batch, 5, 150, 7);
            batch.request(name);
            assertThrows(PartialCommitException.class, batch::commit);
            assertThrows(PartialCommitException.class, batch::commit, "the same again");
        }
        one.engine().close();
        one.world().disk().setContents(file, whole);
        one.reopenClosed();
        assertEquals(List.of(1), Requests.insert(one.table(), name, 5, 150, 7).errors());
        assertEquals(List.of(1), Requests.insert(one.table(), name, 5, 150, 7).errors());
        assertEquals(List.of(5L, 7L, 150L), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    /** The keys of a retry need not be looked up, so it does not matter that they cannot be. */
    @Test
    void anAnswerIsKnownAlsoWhereTheRowsCannotBeRead() {
        var known = new Requests.Known();
        known.add(Requests.create(one), 5);
        one.flush();
        Path file = World.DIRECTORY.resolve("rowsets").resolve("1.rowset");
        one.engine().close();
        one.world().disk().setContents(file, new byte[0]);
        one.reopenClosed();
        known.assertRepeated(one.table());
        assertThrows(MissingRowSetException.class, () -> Requests.commit(one.table(), Requests.name(50, 1), 10));
        one.engine().close();
    }
}
