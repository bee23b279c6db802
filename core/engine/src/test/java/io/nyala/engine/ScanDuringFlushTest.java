package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertIterableEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.HugePageSource;
import io.nyala.memory.AccountUsage;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.simulation.SimulatedClock;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.simulation.TableModel;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: a scan yields each row of its snapshot once, in key order if asked, whatever flushes do meanwhile: seal, write,
 * swap or free what it reads.
 * Method: some scans at a time, each at a random snapshot, read a batch now and then between random steps of writers,
 * flushes and log; a simulated host. Rows are narrow, so that batches are full, or wide and do not compress, so that
 * batches end early and a flush makes several rowsets.
 */
final class ScanDuringFlushTest {
    private static final int ACTIONS = 220;
    private static final int SCANS_MAX = 3;
    private static final long FLUSH_BYTES_MIN = 512 << 10;
    private static final long FLUSH_BYTES_MAX = 20 << 20;

    /** Text that fills a batch of a scan, which takes 1 MiB, with some dozens of rows. */
    private static final int WIDE_TEXT_BYTES = 20_000;

    private static final int WIDE_ROWS_PER_COMMIT = 20;
    private static final int NARROW_ROWS_PER_COMMIT = 600;

    private static final boolean[] ALL_SET = {true, true, true};

    private final TableModel<TrackedScan.Key> model = new TableModel<>();
    private final List<Long> times = new ArrayList<>();
    private final List<TrackedScan> scans = new ArrayList<>();
    private int nextKey;

    /**
     * What one execution is like.
     *
     * @param step by how much keys ascend from row to row, so that rowsets follow one another; 0: they are random, and
     *     rowsets overlap
     */
    private record Style(boolean isWide, int keyCount, int step) {
        static Style draw(SplittableRandom random) {
            return switch (random.nextInt(3)) {
                case 0 -> new Style(true, 1_500, random.nextInt(2));
                case 1 -> new Style(false, 6_000, 0);
                default -> new Style(false, 40_000, 1);
            };
        }
    }

    /** A row to be written, or to be deleted. */
    private record Operation(OperationKind kind, TrackedScan.Key key, List<@Nullable Object> values) {
        void putInto(OperationBatch rows) {
            rows.start(kind).setInt(0, key.a()).setString(1, key.b());
            for (int i = 0; i < values.size() && kind != OperationKind.DELETE; i++) {
                rows.set(2 + i, values.get(i));
            }
            rows.end();
        }
    }

    @RepeatedTest(12)
    void everyRowComesOnceWhateverFlushesDo(@Seed SplittableRandom random) {
        var style = Style.draw(random);
        var disk = new SimulatedDisk(random.split());
        World.Running running = open(disk, random, random.nextBoolean() ? FLUSH_BYTES_MIN : FLUSH_BYTES_MAX);
        Table table = running.table();
        int flushedDuringScans = 0;
        for (int i = 0; i < ACTIONS; i++) {
            int rowSets = table.statistics().rowSetCount();
            act(random, style, running);
            boolean isSwapped = table.statistics().rowSetCount() > rowSets;
            flushedDuringScans += isSwapped && scans.stream().anyMatch(TrackedScan::isUnderWay) ? 1 : 0;
        }
        while (!scans.isEmpty()) {
            TrackedScan scan = scans.get(random.nextInt(scans.size()));
            step(random, running.host());
            if (!scan.next()) {
                scans.remove(scan);
            }
        }
        assertTrue(flushedDuringScans > 0, "no flush met a scan under way: the test is too short");
        running.engine().close(); // Fails by name if a scan has left memory behind.
        assertEquals(0, disk.openFileCount());
    }

    private static World.Running open(SimulatedDisk disk, SplittableRandom random, long flushBytes) {
        var clock = new SimulatedClock();
        var host = new StepHost(random.split(), times -> clock.advanceMicros((long) times * random.nextInt(200)));
        EngineConfig config = EngineConfig.in(World.DIRECTORY)
                .withMemoryBytes(128 << 20)
                .withCacheBytes(8 << 20)
                .withFlushBytes(flushBytes)
                .withLogSegmentBytes(1 << 20);
        var pages = new ProcessPages(HugePageSource.orJdk());
        var environment = new EngineEnvironment(disk, clock.microsSource(), pages, host);
        return new World.Running(Engine.open(config, environment), host, pages);
    }

    private void act(SplittableRandom random, Style style, World.Running running) {
        Table table = running.table();
        switch (random.nextInt(12)) {
            case 0, 1, 2 -> commit(random, style, table);
            case 3 -> {
                CompletableFuture<Void> _ = table.flush();
            }
            case 4, 5 -> {
                if (scans.size() < SCANS_MAX) {
                    scans.add(TrackedScan.open(random, table, model, times));
                }
            }
            case 6 -> {
                if (!scans.isEmpty() && random.nextInt(3) == 0) {
                    scans.remove(random.nextInt(scans.size())).close();
                }
            }
            case 7 -> step(random, running.host());
            default -> {
                if (!scans.isEmpty()) {
                    TrackedScan scan = scans.get(random.nextInt(scans.size()));
                    if (!scan.next()) {
                        scans.remove(scan);
                    }
                }
            }
        }
        step(random, running.host());
    }

    private static void step(SplittableRandom random, StepHost host) {
        for (int i = random.nextInt(1 << random.nextInt(1, 8)); i > 0; i--) {
            host.step();
        }
    }

    /** Writes rows and notes in the model what became of them. */
    private void commit(SplittableRandom random, Style style, Table table) {
        int rowsMax = style.isWide() ? WIDE_ROWS_PER_COMMIT : NARROW_ROWS_PER_COMMIT;
        List<Operation> operations = new ArrayList<>();
        for (int i = random.nextInt(rowsMax) + 1; i > 0; i--) {
            operations.add(draw(random, style));
        }
        CommitResult result;
        try (WriteBatch batch = table.newBatch()) {
            operations.forEach(operation -> operation.putInto(batch.rows()));
            result = batch.commit();
        }
        boolean[] isRefused = new boolean[operations.size()];
        result.errors().stream().mapToInt(RowError::operationIndex).forEach(i -> isRefused[i] = true);
        for (int i = 0; i < operations.size(); i++) {
            if (!isRefused[i]) {
                apply(operations.get(i), result.timestamp());
            }
        }
        times.add(result.timestamp());
    }

    private Operation draw(SplittableRandom random, Style style) {
        nextKey = (nextKey + style.step()) % style.keyCount();
        int number = style.step() == 0 ? random.nextInt(style.keyCount()) : nextKey;
        var key = new TrackedScan.Key(50 * number / style.keyCount(), "k" + (100_000 + number));
        OperationKind kind =
                switch (random.nextInt(8)) {
                    case 0 -> OperationKind.DELETE;
                    case 1, 2 -> OperationKind.UPSERT;
                    default -> OperationKind.INSERT;
                };
        int textBytes = style.isWide() ? random.nextInt(WIDE_TEXT_BYTES) : random.nextInt(12);
        String text = random.ints(textBytes, '!', '~' + 1)
                .mapToObj(Character::toString)
                .collect(Collectors.joining());
        return new Operation(kind, key, Arrays.asList(random.nextLong(100), text, random.nextInt(8) / 4.0));
    }

    private void apply(Operation operation, long time) {
        switch (operation.kind()) {
            case DELETE -> model.delete(operation.key(), time, true);
            case UPSERT -> model.upsert(operation.key(), time, operation.values(), ALL_SET);
            default -> model.insert(operation.key(), time, operation.values(), true);
        }
    }

    /** Neither the last row again nor the next one left out, of keys of which each is the least one above another. */
    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "3, false", "4, false", "1, true", "2, true", "3, true", "4, true"})
    void aScanGoesOnBehindItsLastRowWhenItsRowsAreFlushed(
            int batchesBefore, boolean inKeyOrder, @Seed SplittableRandom random) {
        World.Running running = open(new SimulatedDisk(random.split()), random, FLUSH_BYTES_MAX);
        Table table = running.table();
        insertNeighbours(table, 0, 501); // On disk, so that rows come from two places.
        Numbers.flush(running, table);
        insertNeighbours(table, 501, 4_501); // In memory; a batch of 1,024 ends between two neighbours.
        List<TrackedScan.Key> expected = keys(0, 4_501);
        List<TrackedScan.Key> found = new ArrayList<>();
        ScanBuilder builder = inKeyOrder ? table.scan().inKeyOrder() : table.scan();
        try (Scan scan = builder.open()) {
            for (int i = 0; i < batchesBefore; i++) {
                assertTrue(scan.next());
                found.addAll(keys(scan.batch()));
            }
            Numbers.flush(running, table);
            assertTrue(found.size() < expected.size(), "the flush meets the scan in the middle");
            while (scan.next()) {
                found.addAll(keys(scan.batch()));
            }
        }
        assertIterableEquals(expected, found);
        running.engine().close();
    }

    private static void insertNeighbours(Table table, int from, int to) {
        try (WriteBatch batch = table.newBatch()) {
            for (TrackedScan.Key key : keys(from, to)) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setInt(0, key.a())
                        .setString(1, key.b())
                        .setDouble(4, 1)
                        .end();
            }
            batch.commit().orThrow();
        }
    }

    /** Pairs: a key, and the least key above it, which has a zero byte more. */
    private static List<TrackedScan.Key> keys(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> new TrackedScan.Key(i / 2, i % 2 == 0 ? "k" : "k\0"))
                .toList();
    }

    private static List<TrackedScan.Key> keys(ColumnBatch batch) {
        return IntStream.range(0, batch.rowCount())
                .mapToObj(row -> new TrackedScan.Key(
                        batch.column(0).getInt(row), batch.column(1).getString(row)))
                .toList();
    }

    @Test
    void anIdleScanKeepsNoFlushedRowsInMemory(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        World.Running running = open(disk, random, FLUSH_BYTES_MAX); // Nobody flushes unasked.
        Table table = running.table();
        while (table.statistics().rowCount() < 8_000) {
            commit(random, new Style(false, 1_000_000, 0), table);
        }
        long unflushedBytes = bytesOfRowsInMemory(running);
        try (Scan scan = table.scan().open()) {
            assertTrue(scan.next());
            CompletableFuture<Void> flush = table.flush();
            running.host().await(flush::isDone);
            flush.join();
            commit(random, new Style(false, 10, 0), table); // Whoever leaves lets the writer free what is left.
            IntStream.range(0, 1_000).forEach(_ -> running.host().step());
            long bytes = bytesOfRowsInMemory(running);
            assertTrue(bytes < unflushedBytes / 2, bytes + " of " + unflushedBytes + " bytes after a flush");
        }
        running.engine().close();
    }

    private static long bytesOfRowsInMemory(World.Running running) {
        return running.engine().memoryUsage().stream()
                .filter(account -> account.owner().equals("rows in memory"))
                .mapToLong(AccountUsage::usedBytes)
                .sum();
    }
}
