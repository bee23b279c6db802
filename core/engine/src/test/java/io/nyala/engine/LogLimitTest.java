package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException.Kind;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Seed;
import io.nyala.wal.LogFullException;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: the log never has more segments than it may; at that many, writes wait for the flush of the tablet that holds
 * the oldest, which is named; where that cannot be, they fail and say so. Method: an idle table whose one row holds the
 * log, and a busy one, on a simulated host whose maintenance stands still or whose flushes fail.
 */
final class LogLimitTest {
    private static final int SEGMENTS_MAX = 12;
    private static final int ROWS = 500;

    /** Far more than fit into so many segments of 128 KiB. */
    private static final int BATCHES_MAX = 200;

    private static final int STEPS = 3000;

    /** More flushes than are tried. */
    private static final int FAILURES = 50;

    private World world;
    private World.Running running;
    private Table idle;
    private Table busy;
    private long nextId;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        world = new World(random);
        running = world.open(World.config().withFlushBytes(8 << 20).withLogSegmentsMax(SEGMENTS_MAX));
        idle = running.engine().createTable("idle", Numbers.SCHEMA);
        busy = running.engine().createTable("busy", Numbers.SCHEMA);
        Numbers.insertRange(idle, 0, 1);
    }

    private CompletableFuture<CommitResult> commit(WriteBatch batch) {
        Numbers.fill(batch, LongStream.range(nextId, nextId + ROWS).toArray());
        nextId += ROWS;
        return batch.commitAsync();
    }

    private void stepUntil(BooleanSupplier end) {
        for (int i = 0; i < STEPS && !end.getAsBoolean(); i++) {
            running.host().step();
        }
    }

    private EngineView.Log log() {
        return running.engine().view().log();
    }

    private static OptionalLong idOf(Table table) {
        return OptionalLong.of(table.tablets().getFirst().id());
    }

    @Test
    void writesWaitForTheFlushOfTheTabletThatHoldsTheOldest() {
        var mayGoOn = new AtomicBoolean();
        running.host().suspendUntil("maintenance", mayGoOn::get);
        try (WriteBatch batch = busy.newBatch()) {
            CompletableFuture<CommitResult> result = commit(batch);
            for (int i = 0; i < BATCHES_MAX; i++) {
                stepUntil(result::isDone);
                if (!result.isDone()) {
                    break;
                }
                result = commit(batch);
            }
            assertFalse(result.isDone(), "the log has no limit");
            assertEquals(SEGMENTS_MAX, log().segmentCount());
            assertEquals(idOf(idle), log().oldestTablet());
            mayGoOn.set(true);
            stepUntil(result::isDone);
            assertTrue(result.isDone(), "it waits for ever");
            assertEquals(ROWS, result.join().operationCount());
        }
        assertEquals(1, idle.statistics().rowSetCount(), "flushed first");
        stepUntil(() -> log().segmentCount() < SEGMENTS_MAX);
        assertTrue(log().segmentCount() < SEGMENTS_MAX, () -> log().segmentCount() + " segments");
        running.engine().close();
    }

    /** It was written when there was room again, though its caller had been told that it failed. */
    @Test
    void aBatchThatWaitsForTheLogCanBeGivenUpAndOthersGoOn() {
        var mayGoOn = new AtomicBoolean();
        var isGivenUp = new AtomicBoolean();
        Runnable check = () -> {
            if (isGivenUp.get()) {
                throw new IllegalStateException("given up");
            }
        };
        running.host().suspendUntil("maintenance", mayGoOn::get);
        try (WriteBatch first = busy.newBatch();
                WriteBatch second = busy.newBatch();
                WriteBatch third = busy.newBatch()) {
            CompletableFuture<CommitResult> given = whileWanted(check, first);
            for (int i = 0; i < BATCHES_MAX && isDoneSoon(given); i++) {
                given = whileWanted(check, first);
            }
            CompletableFuture<CommitResult> kept = commit(second);
            CompletableFuture<CommitResult> behind = whileWanted(check, third);
            long written = nextId - 3 * ROWS;
            running.engine().lookAtWaits();
            assertFalse(isDoneSoon(given), "it is wanted still");
            isGivenUp.set(true);
            running.engine().lookAtWaits();
            assertTrue(isDoneSoon(given));
            assertEquals("given up", given.exceptionNow().getMessage());
            assertTrue(isDoneSoon(behind), "though another is before it");
            assertEquals("given up", behind.exceptionNow().getMessage());
            assertFalse(kept.isDone());
            assertEquals(1, busy.views(0, 1).getFirst().undecidedBatches(), "they have no place any more");
            mayGoOn.set(true);
            assertTrue(isDoneSoon(kept), "it waits for ever");
            assertEquals(ROWS, kept.join().operationCount());
            assertEquals(written + ROWS, rowCount(busy), "what was given up is written");
            assertEquals(ROWS, first.rows().operationCount(), "a batch keeps what was not done");
        }
        running.engine().close();
    }

    private CompletableFuture<CommitResult> whileWanted(Runnable check, WriteBatch batch) {
        var result = new AtomicReference<CompletableFuture<CommitResult>>();
        Engine.whileWanted(check, () -> result.set(commit(batch)));
        return result.get();
    }

    private boolean isDoneSoon(CompletableFuture<CommitResult> result) {
        stepUntil(result::isDone);
        return result.isDone();
    }

    private static long rowCount(Table table) {
        return Numbers.ids(table.scan()).size();
    }

    @Test
    void writesFailNamingWhoHoldsTheLogIfFlushesDo() {
        for (int i = 0; i < FAILURES; i++) {
            world.disk()
                    .failNext(
                            call -> call.operation() == Operation.CREATE
                                    && call.path().toString().endsWith(".rowset"),
                            Kind.OTHER);
        }
        Throwable failure = null;
        try (WriteBatch batch = busy.newBatch()) {
            for (int i = 0; i < BATCHES_MAX && failure == null; i++) {
                CompletableFuture<CommitResult> result = commit(batch);
                stepUntil(result::isDone);
                assertTrue(result.isDone(), "it waits for ever");
                failure = result.isCompletedExceptionally() ? result.exceptionNow() : null;
            }
        }
        failure = failure instanceof CompletionException ? failure.getCause() : failure;
        assertInstanceOf(LogFullException.class, failure);
        String message = String.valueOf(failure.getMessage());
        assertTrue(message.contains("12 segments"), message);
        assertTrue(message.contains("tablet " + idOf(idle).getAsLong() + " needs the oldest"), message);
        assertTrue(message.contains("flushes fail"), message);
    }

    /** All was said to be well until the last segment was full, and while all writes failed. */
    @Test
    void aDiskWithoutRoomForTheLogIsAFailureBeforeWritesFailAndUntilThereIsRoom() {
        assertEquals(List.of(), running.engine().view().failures());
        world.disk().noSpaceAfter(64 << 10);
        try (WriteBatch batch = busy.newBatch()) {
            for (int i = 0; i < BATCHES_MAX && running.engine().failures().isEmpty(); i++) {
                CompletableFuture<CommitResult> result = commit(batch);
                stepUntil(result::isDone);
                assertEquals(ROWS, result.join().operationCount(), "there is room in the present segment");
            }
        }
        RuntimeException failure = running.engine().view().failures().getFirst();
        assertInstanceOf(LogFullException.class, failure);
        String message = String.valueOf(failure.getMessage());
        assertTrue(message.contains("no room for the next segment of the log in " + World.DIRECTORY), message);
        world.disk().unlimitSpace();
        stepUntil(() -> running.engine().failures().isEmpty());
        assertEquals(List.of(), running.engine().failures(), "nobody writes, and it is tried all the same");
        running.engine().close();
    }
}
