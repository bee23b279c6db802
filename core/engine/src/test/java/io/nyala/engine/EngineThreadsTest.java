package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.tablet.TabletClosedException;
import io.nyala.testkit.Spin;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: on real threads and a real disk, each scan sees one state, and nothing waits for ever, least of all at the end.
 * Method: each batch inserts rows whose amounts sum up to zero, so a scan that sees part of one sees another sum.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class EngineThreadsTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("amount", ColumnType.INT64));

    private static final int WRITERS = 4;
    private static final int SCANNERS = 2;
    private static final int BATCH_ROWS = 64;
    private static final int BATCHES = 150;

    /** More than a log may have, of segments of 128 KiB; a batch takes at least one block of 4 KiB. */
    private static final int SHORT_SEGMENTS = 12;

    private static final int BATCHES_PER_SHORT_SEGMENT = 32;

    @TempDir
    private Path directory;

    @Test
    void eachScanSeesWholeBatchesWhileOthersWriteAndFlush() throws Exception {
        try (Engine engine = Engine.open(config());
                ExecutorService threads = Executors.newCachedThreadPool()) {
            Table table = engine.createTable("t", SCHEMA);
            var isOver = new AtomicBoolean();
            List<Future<?>> writers = new ArrayList<>();
            List<Future<?>> readers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                writers.add(threads.submit(() -> write(table, writer)));
            }
            for (int i = 0; i < SCANNERS; i++) {
                boolean inKeyOrder = i == 0;
                readers.add(threads.submit(() -> scan(table, inKeyOrder, isOver)));
            }
            readers.add(threads.submit(() -> flush(table, isOver)));
            try {
                for (Future<?> writer : writers) {
                    writer.get();
                }
            } finally {
                isOver.set(true);
            }
            for (Future<?> reader : readers) {
                reader.get();
            }
            assertEquals((long) WRITERS * BATCHES * BATCH_ROWS, balancedRows(table.scan()));
        }
    }

    /** No tablet has enough in memory to ask for a flush by itself: the log has to, and wakes who makes it. */
    @Test
    void aLogThatGrowsLongIsShortenedWhileNobodyAsksForAFlush() {
        EngineConfig config =
                EngineConfig.in(directory).withMemoryBytes(192 << 20).withLogSegmentBytes(128 << 10);
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", SCHEMA);
            try (WriteBatch batch = table.newBatch()) {
                for (int number = 0; number < SHORT_SEGMENTS * BATCHES_PER_SHORT_SEGMENT; number++) {
                    fill(batch, 0, number);
                    batch.commit().orThrow();
                }
            }
            Spin.until(() -> table.statistics().rowSetCount() > 0);
        }
    }

    /** Commits are under way, and more come, when the engine is closed: each is answered, one way or the other. */
    @RepeatedTest(4)
    void commitsUnderWayAtTheEndAreAnswered() throws Exception {
        var acknowledged = new AtomicInteger();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            Engine engine = Engine.open(config());
            Table table = engine.createTable("t", SCHEMA);
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                writers.add(threads.submit((Callable<?>) () -> writeUntilClosed(table, writer, acknowledged)));
            }
            Spin.until(() -> acknowledged.get() >= 20);
            try {
                engine.close();
            } catch (io.nyala.memory.MemoryLeakException _) {
                // Batches are open while the engine closes, which is what this is about.
            }
            for (Future<?> writer : writers) {
                writer.get(120, TimeUnit.SECONDS);
            }
        }
        try (Engine engine = Engine.open(config())) {
            long rows = balancedRows(engine.table("t").orElseThrow().scan());
            assertTrue(rows >= (long) acknowledged.get() * BATCH_ROWS, rows + " rows of " + acknowledged);
        }
    }

    private EngineConfig config() {
        return EngineConfig.in(directory)
                .withMemoryBytes(192 << 20)
                .withFlushBytes(1 << 20)
                .withLogSegmentBytes(16 << 20);
    }

    private static void fill(WriteBatch batch, int writer, int number) {
        long id = ((long) number * WRITERS + writer) * BATCH_ROWS;
        for (int row = 0; row < BATCH_ROWS; row++) {
            long amount = row == 0 ? -(BATCH_ROWS - 1) * (long) (number + 1) : number + 1;
            batch.rows()
                    .start(OperationKind.INSERT)
                    .setLong(0, Long.reverse(id + row) >>> 1) // Scattered, so that rowsets overlap.
                    .setLong(1, amount)
                    .end();
        }
    }

    private static void write(Table table, int writer) {
        try (WriteBatch batch = table.newBatch()) {
            for (int number = 0; number < BATCHES; number++) {
                fill(batch, writer, number);
                batch.commit().orThrow();
            }
        }
    }

    private static Void writeUntilClosed(Table table, int writer, AtomicInteger acknowledged) throws Exception {
        try (WriteBatch batch = table.newBatch()) {
            for (int number = 0; ; number++) {
                fill(batch, writer, number);
                if (number % 2 == 0) {
                    batch.commit().orThrow();
                } else {
                    CompletableFuture<CommitResult> result = batch.commitAsync();
                    result.get(120, TimeUnit.SECONDS).orThrow();
                }
                acknowledged.incrementAndGet();
            }
        } catch (EngineClosedException | TabletClosedException _) {
            return null;
        } catch (java.util.concurrent.ExecutionException | CompletionException e) {
            assertTrue(e.getCause() instanceof TabletClosedException, () -> "unexpected: " + e.getCause());
            return null;
        } catch (IllegalStateException _) {
            return null; // The memory of the batch is gone.
        }
    }

    private static void scan(Table table, boolean inKeyOrder, AtomicBoolean isOver) {
        while (!isOver.get()) {
            balancedRows(inKeyOrder ? table.scan().inKeyOrder() : table.scan());
        }
    }

    private static void flush(Table table, AtomicBoolean isOver) {
        while (!isOver.get()) {
            table.flush().join();
        }
    }

    /** How many rows there are, in whole batches. */
    private static long balancedRows(ScanBuilder builder) {
        long rows = 0;
        long sum = 0;
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                rows += batch.rowCount();
                for (int row = 0; row < batch.rowCount(); row++) {
                    sum += batch.column(1).getLong(row);
                }
            }
        }
        assertEquals(0, sum, "a batch was seen in part");
        assertEquals(0, rows % BATCH_ROWS, "a batch was seen in part");
        return rows;
    }
}
