package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: while a table is altered, writes wait and none that was acknowledged is lost, scans go on, and nobody waits for
 * ever.
 * Method: writers and a reader on threads of their own, while columns and ranges change; then everything is counted, in
 * this process and in the next.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class TableChangesThreadsTest {
    private static final int WRITERS = 2;
    private static final int CHANGES = 12;

    @TempDir
    private Path directory;

    private ExecutorService threads;
    private Engine engine;

    @BeforeEach
    void open() {
        threads = Executors.newFixedThreadPool(WRITERS + 1);
        engine = openEngine();
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        engine.close();
    }

    private Engine openEngine() {
        return Engine.open(EngineConfig.in(directory)
                .withMemoryBytes(256 << 20)
                .withLogSegmentBytes(16 << 20)
                .withWriters(2));
    }

    @Test
    void noWriteIsLostWhileColumnsAndRangesChange() throws Exception {
        var partitioning =
                PartitionSchema.of(Numbers.SCHEMA).hash(2, "id").range("id").build();
        Table table = engine.createTable(
                TableSpec.of("t", partitioning).withRanges(List.of(partitioning.between(null, 1_000_000_000L))));
        var isOver = new AtomicBoolean();
        List<Future<List<Long>>> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            int first = i;
            writers.add(threads.submit(() -> write(table, first, isOver)));
        }
        Future<?> reader = threads.submit(() -> read(table, isOver));
        try {
            for (int i = 0; i < CHANGES; i++) {
                String comment = "change " + i;
                table.alter()
                        .changeColumn("text", column -> column.comment(comment))
                        .commit();
                if (i % 6 == 5) {
                    long from = 1_000_000_000L + i;
                    table.alter().addRange(partitioning.between(from, from + 1)).commit();
                }
                if (i % 6 == 2) {
                    table.alter()
                            .addColumn(Column.of("more" + i, ColumnType.INT32).nullable())
                            .commit();
                }
            }
        } finally {
            isOver.set(true);
        }
        List<Long> acknowledged = new ArrayList<>();
        for (Future<List<Long>> writer : writers) {
            acknowledged.addAll(writer.get());
        }
        reader.get();
        acknowledged.sort(null);
        assertEquals(acknowledged, Numbers.ids(table.scan()));
        engine.close();
        engine = openEngine();
        assertEquals(acknowledged, Numbers.ids(engine.table("t").orElseThrow().scan()));
    }

    /** Ids that were acknowledged. */
    private static List<Long> write(Table table, int first, AtomicBoolean isOver) {
        List<Long> acknowledged = new ArrayList<>();
        WriteBatch batch = table.newBatch();
        try {
            for (long id = first; !isOver.get() || acknowledged.isEmpty(); id += WRITERS) {
                Numbers.fill(batch, id);
                try {
                    batch.commit().orThrow();
                } catch (TableChangedException _) {
                    batch.rows().clear();
                    batch.close();
                    batch = table.newBatch();
                    continue; // The next id; this one was refused.
                }
                acknowledged.add(id);
            }
        } finally {
            batch.close();
        }
        return acknowledged;
    }

    private static void read(Table table, AtomicBoolean isOver) {
        int before = 0;
        while (!isOver.get()) {
            int found = Numbers.ids(table.scan().project("id", "text")).size();
            if (found < before) {
                throw new AssertionError(found + " rows, there were " + before + " before");
            }
            before = found;
        }
    }
}
