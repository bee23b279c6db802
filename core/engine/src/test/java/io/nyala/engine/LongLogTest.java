package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.record.RequestName;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: the log stays short, whatever answers and rows of idle tablets stand in its old segments, and no answer is lost
 * for it. Method: one short story for each, on a simulated host.
 */
final class LongLogTest {
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

    private long segmentCount() {
        return one.world().disk().list(WAL).stream()
                .filter(file -> file.toString().matches(".*(wal|sealed)"))
                .count();
    }

    @Test
    void theLogShrinksAndAnswersAreCarriedForward() {
        var known = new Requests.Known();
        Table table = Requests.create(one);
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
        known.add(Requests.create(one), 20);
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
        Requests.Answer first = Requests.insert(table, flushed, ids);
        one.flush();
        Requests.Answer second = Requests.insert(table, inMemory, others);
        assertTheLogStaysShort();
        one.powerCut();
        assertEquals(first, Requests.insert(one.table(), flushed, ids));
        assertEquals(second, Requests.insert(one.table(), inMemory, others));
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
        Requests.Answer first = Requests.insert(table, name, ids);
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
        assertEquals(first, Requests.insert(table, name, ids));
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

    /** Maintenance must not look before there are tablets: it would find none to flush, and not look again. */
    @Test
    void aLogThatIsLongAtAStartIsShortened() {
        Numbers.insertRange(one.create(), 0, 1); // Idle.
        Table busy = one.engine().createTable("busy", Numbers.SCHEMA);
        one.running().host().suspendUntil("maintenance", () -> false);
        for (int from = 0; from < (LONG_LOG_SEGMENTS + 2) * ROWS_PER_SEGMENT; from += 500) {
            Numbers.insertRange(busy, from, from + 500);
        }
        assertTrue(segmentCount() > LONG_LOG_SEGMENTS, () -> segmentCount() + " segments");
        one.powerCut();
        one.running().host().await(() -> segmentCount() <= LONG_LOG_SEGMENTS);
        assertEquals(1, Numbers.ids(one.table().scan()).size());
        one.engine().close();
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
}
