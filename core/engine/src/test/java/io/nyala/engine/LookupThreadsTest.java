package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: while rows are changed, flushed and merged, each look-up sees one state, none that is older than what was
 * acknowledged before it, and the same again at its time. Method: on real threads, each batch gives all rows its
 * number, or deletes them all where that is a multiple of five; so one number says what may be seen.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class LookupThreadsTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("key", ColumnType.INT64), Column.of("number", ColumnType.INT32));

    private static final int KEYS = 40;
    private static final int BATCHES_MIN = 100;
    private static final int FLUSHES_MIN = 6;

    /** Rows are deleted by batches whose number is a multiple of it. */
    private static final int DELETES = 5;

    private static final int NO_ROWS = 0;

    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger acknowledged = new AtomicInteger();
    private final AtomicInteger flushCount = new AtomicInteger();
    private volatile boolean isOver;

    @TempDir
    private Path directory;

    @Test
    void eachLookUpSeesOneStateWhileOthersWriteFlushAndMerge(@Seed SplittableRandom random) throws Exception {
        EngineConfig config = EngineConfig.in(directory)
                .withMemoryBytes(192 << 20)
                .withLogSegmentBytes(16 << 20)
                .withAutomaticMerges(false);
        try (Engine engine = Engine.open(config);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            Table table = engine.createTable("t", SCHEMA);
            try (WriteBatch batch = table.newBatch()) {
                write(batch);
            }
            Future<Integer> flushes = threads.submit(() -> flush(table));
            List<SplittableRandom> randoms = List.of(random.split(), random.split());
            List<Future<?>> readers = List.of(
                    threads.submit(() -> look(table, 1, randoms.getFirst())),
                    threads.submit(() -> look(table, KEYS, randoms.getLast())));
            try (WriteBatch batch = table.newBatch()) {
                while (!flushes.isDone() && (begun.get() < BATCHES_MIN || flushCount.get() < FLUSHES_MIN)) {
                    write(batch);
                }
            } finally {
                isOver = true;
            }
            for (Future<?> reader : readers) {
                reader.get();
            }
            assertTrue(flushes.get() >= FLUSHES_MIN, flushes.get() + " flushes");
        }
    }

    private void write(WriteBatch batch) {
        int number = begun.incrementAndGet();
        for (long key = 0; key < KEYS; key++) {
            if (number % DELETES == 0) {
                batch.rows().start(OperationKind.DELETE).setLong(0, key).end();
            } else {
                batch.rows()
                        .start(OperationKind.UPSERT)
                        .setLong(0, key)
                        .setInt(1, number)
                        .end();
            }
        }
        batch.commit().orThrow();
        acknowledged.set(number);
    }

    private int flush(Table table) {
        while (!isOver) {
            table.flush().join();
            if (flushCount.incrementAndGet() % 3 == 0) {
                table.compact().join();
            }
        }
        return flushCount.get();
    }

    private void look(Table table, int count, SplittableRandom random) {
        try (Lookup lookup = table.lookup("number")) {
            while (!isOver) {
                int first = random.nextInt(KEYS - count + 1);
                int least = acknowledged.get();
                int seen = ask(lookup.atLatest(), first, count);
                int most = begun.get();
                String what = seen + " was seen, batches " + least + " to " + most + " may be";
                if (seen == NO_ROWS) {
                    assertTrue(most / DELETES * DELETES >= least, what);
                } else {
                    assertTrue(least <= seen && seen <= most && seen % DELETES != 0, what);
                }
                assertEquals(seen, ask(lookup.at(lookup.snapshot()), first, count), "the same again at its time");
            }
        }
    }

    /** The batch that is seen, all of it. */
    private static int ask(Lookup lookup, int first, int count) {
        for (int i = 0; i < count; i++) {
            assertTrue(lookup.key().setLong(0, first + i).end());
        }
        int found = 0;
        int seen = NO_ROWS;
        while (lookup.next()) {
            for (int row = 0; row < lookup.batch().rowCount(); row++) {
                int number = lookup.batch().column(0).getInt(row);
                assertTrue(found == 0 || number == seen, seen + " and " + number + ": a batch was seen in part");
                seen = number;
                found++;
            }
        }
        assertTrue(found == 0 || found == count, found + " of " + count + " rows were seen");
        return seen;
    }
}
