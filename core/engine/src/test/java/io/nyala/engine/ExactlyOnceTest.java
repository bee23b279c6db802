package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.record.RequestMismatchException;
import io.nyala.record.RequestName;
import io.nyala.record.StaleRequestException;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.Tablet;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a commit with a name takes effect once however often it is repeated, and each time gets the answer of the
 * first: after restarts and power cuts, flushes, and changes of the table; and the log does not grow for it.
 * Method: one short story for each, on a simulated host.
 */
final class ExactlyOnceTest {
    /** Rows of unnamed batches that take the log on by more than one of its segments, which have 128 KiB. */
    private static final int ROWS_PER_SEGMENT = 2500;

    /** From where maintenance shortens the log, the segment that is made ready, and some that came since. */
    private static final int LONG_LOG_SEGMENTS = 12;

    /** Of {@link World}. */
    private static final int FLUSH_AT_EACH_BATCH = 0;

    private static final Path WAL = World.DIRECTORY.resolve("wal");

    private OneTable one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
    }

    private Table create() {
        Table table = one.create();
        Numbers.insertRange(table, Requests.PRESENT, Requests.PRESENT + 1);
        return table;
    }

    private long segmentCount() {
        return one.world().disk().list(WAL).stream()
                .filter(file -> file.toString().endsWith(".wal"))
                .count();
    }

    @Test
    void aRetryGetsTheAnswerOfTheFirst() {
        Table table = create();
        Requests.Answer first = Requests.commit(table, Requests.name(7, 1), 0);
        first.assertIsOfFirst();
        assertEquals(first, Requests.commit(table, Requests.name(7, 1), 0));
        assertEquals(3, table.statistics().liveRowCount());
        one.engine().close();
    }

    @Test
    void theErrorsOfARetryHaveTheirWords() {
        Table table = create();
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
        Table table = create();
        try (WriteBatch batch = table.newBatch()) {
            Requests.commit(batch, Requests.name(7, 1), 0).assertIsOfFirst();
            Requests.fill(batch, 0);
            assertEquals(List.of(0, 1, 2), Requests.Answer.of(batch.commit()).errors());
        }
        one.engine().close();
    }

    @Test
    void twoThatAreUnderWayAtOnceTakeEffectOnce() {
        Table table = create();
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
        Table table = create();
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
        known.add(create(), 20);
        one.powerCut();
        known.assertRepeated(one.table());
        one.reopen();
        known.assertRepeated(one.table());
        one.engine().close();
    }

    /** Their effects are skipped when the log is replayed, because they are in files. Answers are nowhere else. */
    @Test
    void answersOfRequestsWhoseRowsAreInFilesAreFoundInTheLog() {
        var known = new Requests.Known();
        known.add(create(), 20);
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
        Table table = create();
        known.add(table, 20);
        CompletableFuture<Void> flush = table.flush();
        one.running().host().await(() -> table.statistics().rowSetCount() == 1);
        assertFalse(flush.isDone());
        one.powerCut();
        assertEquals(1, one.table().statistics().rowSetCount());
        known.assertRepeated(one.table());
        one.engine().close();
    }

    @Test
    void theLogShrinksAndAnswersAreCarriedForward() {
        var known = new Requests.Known();
        Table table = create();
        for (int round = 0; round < 3; round++) {
            known.add(table, 20);
            long from = 2_000_000 + 100_000L * round;
            one.insertMany(from, from + 4 * ROWS_PER_SEGMENT);
            assertTrue(segmentCount() >= 4, () -> segmentCount() + " segments");
            one.flush();
            one.settle();
            assertTrue(segmentCount() <= 2, () -> segmentCount() + " segments after the flush");
            known.assertRepeated(table);
        }
        one.powerCut();
        known.assertRepeated(one.table());
        one.flush();
        one.reopen();
        known.assertRepeated(one.table());
        one.engine().close();
    }

    /** Nobody writes to the tablet any more, and it has nothing in memory: what it answered shall not hold the log. */
    @Test
    void anIdleTabletDoesNotHoldTheLogOfOthers() {
        var known = new Requests.Known();
        known.add(create(), 20);
        one.flush();
        assertTheLogStaysShort();
        one.powerCut();
        known.assertRepeated(one.table());
        one.engine().close();
    }

    /** All of them need the oldest segment, and to flush one of them at each segment would not let go of any. */
    @Test
    void manyIdleTabletsDoNotHoldTheLogOfOthers() {
        int tablets = 50;
        PartitionSchema ranges = PartitionSchema.of(Numbers.SCHEMA).range("id").build();
        List<RangePartition> partitions = LongStream.range(0, tablets)
                .mapToObj(i -> ranges.between(100 * i, 100 * (i + 1)))
                .toList();
        Table table = one.engine().createTable(TableSpec.of("t", ranges).withRanges(partitions));
        RequestName flushed = Requests.name(7, 1);
        RequestName inMemory = Requests.name(7, 2);
        long[] ids = LongStream.range(0, tablets).map(i -> 100 * i).toArray();
        long[] others = LongStream.of(ids).map(id -> id + 1).toArray();
        Requests.Answer first = commit(table, flushed, ids);
        one.flush();
        Requests.Answer second = commit(table, inMemory, others);
        assertTheLogStaysShort();
        one.powerCut();
        assertEquals(first, commit(one.table(), flushed, ids));
        assertEquals(second, commit(one.table(), inMemory, others));
        assertEquals(2L * tablets, one.table().statistics().liveRowCount());
        one.engine().close();
    }

    /** Segments were larger when it was given; only the record that it stands in can keep it, for an hour. */
    @Test
    void anAnswerThatFitsInNoRecordAnyMoreHoldsTheLogAloneAndIsNotWrittenInVain(@Seed SplittableRandom random) {
        var world = new World(random).withoutOwnFlushes();
        long[] ids = LongStream.range(0, 16_000).toArray();
        RequestName name = Requests.name(7, 1);
        World.Running running =
                world.open(World.config().withFlushBytes(8 << 20).withLogSegmentBytes(4 << 20));
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        Numbers.insert(table, ids);
        Requests.Answer first = commit(table, name, ids);
        assertEquals(ids.length, first.errors().size());
        Numbers.flush(running, table);
        running.engine().close();
        running = world.open();
        table = running.engine().table("t").orElseThrow();
        List<Integer> before = logBytesAfterFlush(world, running, table);
        assertEquals(before, logBytesAfterFlush(world, running, table), "nothing is written in vain");
        Table idle = running.engine().createTable("idle", Numbers.SCHEMA);
        Numbers.insertRange(idle, 0, 1);
        Numbers.flush(running, idle);
        Numbers.insertRange(idle, 1, 2);
        Table busy = running.engine().createTable("busy", Numbers.SCHEMA);
        for (int i = 0; idle.statistics().rowSetCount() == 1; i++) {
            assertTrue(i < 20 * ROWS_PER_SEGMENT / 500, "the log has some twenty segments");
            Numbers.insertRange(busy, 500L * i, 500L * i + 500);
        }
        assertEquals(first, commit(table, name, ids));
        running.engine().close();
    }

    /** What of each segment is written. */
    private static List<Integer> logBytesAfterFlush(World world, World.Running running, Table table) {
        Numbers.flush(running, table);
        for (int i = 0; i < 1000; i++) {
            running.host().step();
        }
        return world.disk().list(WAL).stream()
                .map(file -> world.disk().contents(WAL.resolve(file)))
                .map(bytes -> {
                    int end = bytes.length;
                    while (end > 0 && bytes[end - 1] == 0) {
                        end--;
                    }
                    return end;
                })
                .toList();
    }

    /** It has the fewest rows to flush, and there is always a tablet that has more and asks for a flush. */
    @Test
    void aBusyTabletDoesNotKeepOthersFromLettingGoOfTheLog(@Seed SplittableRandom random) {
        var world = new World(random, FLUSH_AT_EACH_BATCH);
        World.Running running = world.open();
        Table idle = running.engine().createTable("idle", Numbers.SCHEMA);
        Numbers.insertRange(idle, 0, 1);
        Table busy = running.engine().createTable("busy", Numbers.SCHEMA);
        try (WriteBatch batch = busy.newBatch();
                WriteBatch next = busy.newBatch()) {
            List<WriteBatch> batches = List.of(batch, next);
            List<CompletableFuture<CommitResult>> results = new ArrayList<>();
            for (int i = 0; idle.statistics().rowSetCount() == 0; i++) {
                assertTrue(i < 30 * ROWS_PER_SEGMENT / 500, "the log has some thirty segments");
                if (i >= 2) {
                    CompletableFuture<CommitResult> before = results.get(i - 2);
                    running.host().await(before::isDone);
                }
                Numbers.fill(
                        batches.get(i % 2),
                        LongStream.range(500L * i, 500L * i + 500).toArray());
                results.add(batches.get(i % 2).commitAsync());
            }
            running.host().await(results.getLast()::isDone);
        }
        running.engine().close();
    }

    /** While others write as much as they like. */
    private void assertTheLogStaysShort() {
        Table busy = one.engine().createTable("busy", Numbers.SCHEMA);
        for (int i = 0; i < 30; i++) {
            for (int k = 0; k < ROWS_PER_SEGMENT; k += 500) {
                long from = (long) i * ROWS_PER_SEGMENT + k;
                Numbers.insertRange(busy, from, from + 500);
            }
        }
        for (int i = 0; i < 100 && segmentCount() > LONG_LOG_SEGMENTS; i++) {
            one.settle();
        }
        assertTrue(segmentCount() <= LONG_LOG_SEGMENTS, () -> segmentCount() + " segments");
    }

    // ---- Changes of the table ----

    @Test
    void answersOutliveAChangeOfTheColumns() {
        var known = new Requests.Known();
        Table table = create();
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
        Table table = create();
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
        assertFalse(flushes.getFirst().isDone());
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
        Table table = create();
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
        assertEquals(List.of(2), commit(table, name, 5, 120, 150).errors());
        table.alter().dropRange(ranges.between(100L, 200L)).commit();
        assertEquals(List.of(1, 2), commit(table, name, 5, 120, 150).errors());
        assertEquals(List.of(5L), Numbers.ids(table.scan()));
        one.engine().close();
    }

    private static Requests.Answer commit(Table table, RequestName name, long... ids) {
        try (WriteBatch batch = table.newBatch()) {
            Numbers.fill(batch, ids);
            return Requests.Answer.of(batch.request(name).commit());
        }
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
        assertEquals(List.of(1), commit(one.table(), name, 5, 150, 7).errors());
        assertEquals(List.of(1), commit(one.table(), name, 5, 150, 7).errors());
        assertEquals(List.of(5L, 7L, 150L), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    /** The keys of a retry need not be looked up, so it does not matter that they cannot be. */
    @Test
    void anAnswerIsKnownAlsoWhereTheRowsCannotBeRead() {
        var known = new Requests.Known();
        known.add(create(), 5);
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
