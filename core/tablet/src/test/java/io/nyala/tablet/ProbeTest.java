package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: the keys of a batch are found where they are live, however it is ordered, and their pages are read together.
 * Method: random batches over rowsets that overlap, with rows deleted in every way, against look-ups one by one; a disk
 * that counts the reads in flight.
 */
final class ProbeTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("word", ColumnType.STRING).encoding(ColumnEncoding.PLAIN),
            Column.key("n", ColumnType.INT16),
            Column.of("v", ColumnType.INT64));

    /** Many begin alike, some are the beginning of others. */
    private static void key(OperationBatch rows, OperationKind kind, int number) {
        rows.start(kind).setString(0, "x".repeat(number % 12) + number / 100).setInt(1, number % 100);
    }

    @RepeatedTest(8)
    void findsWhatIsLiveInAnyOrder(@Seed SplittableRandom random) {
        int keyCount = 1 + random.nextInt(1 << random.nextInt(1, 12));
        try (var one = new OneTablet(new SimulatedDisk(random.split()), SCHEMA)) {
            one.rowSetBytes(keyCount < 150 ? 1 : 32 << 20); // Each row has one of its own, or all share one.
            for (int round = random.nextInt(1, 5); round > 0; round--) {
                change(one, random, keyCount);
                if (random.nextBoolean()) {
                    one.flushAll();
                } else {
                    one.flushRows();
                }
            }
            change(one, random, keyCount);
            try (OneTablet.Batch batch = one.newBatch()) {
                for (int round = 0; round < 10; round++) {
                    draw(batch.rows, random, keyCount + 10, random.nextInt(1 << random.nextInt(12)));
                    check(one.tablet(), batch.write);
                    batch.rows.clear();
                }
            }
        }
    }

    private static void change(OneTablet one, SplittableRandom random, int keyCount) {
        int insertedIn = random.nextInt(1, 4);
        int deletedIn = random.nextInt(1, 6);
        one.commit(rows -> {
            for (int i = 0; i < keyCount; i++) {
                if (random.nextInt(insertedIn) == 0) {
                    key(rows, OperationKind.INSERT_IGNORE, i);
                    rows.setLong(2, 1).end();
                } else if (random.nextInt(deletedIn) == 0) {
                    key(rows, OperationKind.DELETE_IGNORE, i);
                    rows.end();
                }
            }
        });
    }

    /** Ascending, or in any order, with keys that are there twice. */
    private static void draw(OperationBatch rows, SplittableRandom random, int keyCount, int count) {
        IntStream numbers = random.ints(count, 0, keyCount);
        if (random.nextInt(3) == 0) {
            numbers = numbers.sorted();
        }
        numbers.forEach(number -> {
            key(rows, OperationKind.DELETE, number);
            assertTrue(rows.end());
        });
    }

    private static void check(Tablet tablet, TabletWrite write) {
        write.clear();
        write.addAll();
        write.probe.run(tablet.map());
        for (int i = 0; i < write.operationCount(); i++) {
            var memory = write.operations().memory();
            long operation = write.operationOffset(i);
            long key = OperationFormat.keyOffset(memory, operation);
            int keyBytes = OperationFormat.keyBytes(memory, operation);
            RowHome expected = null;
            long place = 0;
            for (LiveRowSet rowSet : tablet.map().onDisk()) {
                long ordinal = rowSet.find(memory, key, keyBytes);
                if (ordinal >= 0) {
                    assertEquals(null, expected, "a key is live in two places");
                    expected = rowSet;
                    place = ordinal;
                }
            }
            assertEquals(expected, write.home(i), "operation " + i);
            assertEquals(place, expected == null ? 0 : write.place(i), "operation " + i);
        }
    }

    private static final int ROWS = 70_000;

    private static void fill(OneTablet one, int rowCount) {
        for (int first = 0; first < rowCount; first += 5_000) {
            int from = first;
            one.commit(rows -> {
                for (int i = from; i < from + 5_000; i++) {
                    rows.start(OperationKind.INSERT).setString(0, "word %010d".formatted(i));
                    rows.setInt(1, 0).setLong(2, i).end();
                }
            });
        }
        one.flushAll();
    }

    /** Some of every third vector, whose pages do not touch, in no order. */
    private static void hereAndThere(OperationBatch rows) {
        for (int i = 0; i < ROWS; i += 50) {
            int number = (int) (i * 7_919L % ROWS);
            if (number / Limits.VECTOR_ROWS % 3 == 0) {
                rows.start(OperationKind.UPDATE).setString(0, "word %010d".formatted(number));
                rows.setInt(1, 0).setLong(2, -1).end();
            }
        }
    }

    @Test
    void aColdBatchIsReadTogether(@Seed SplittableRandom random) {
        var disk = new CountingDisk(new SimulatedDisk(random));
        try (var one = new OneTablet(disk, SCHEMA)) {
            fill(one, ROWS);
            one.restart();
            try (OneTablet.Batch batch = one.newBatch()) {
                hereAndThere(batch.rows);
                disk.reset();
                batch.submit();
                assertTrue(disk.inFlightMost() >= 16, disk.inFlightMost() + " reads in flight, the queue takes 16");
                batch.await();
                assertEquals(0, batch.write.errorCount());
                disk.reset();
                check(one.tablet(), batch.write);
                assertEquals(0, disk.reads(), "what is cached was read");
            }
        }
    }

    @Test
    @Tag("allocation")
    void costsNothingOnTheHeap(@Seed SplittableRandom random) {
        try (var one = new OneTablet(new SimulatedDisk(random), SCHEMA)) {
            fill(one, 10_000);
            try (OneTablet.Batch batch = one.newBatch()) {
                hereAndThere(batch.rows);
                batch.write.addAll();
                RowSetMap map = one.tablet().map();
                Allocation.assertNone("the look-up of a batch", () -> batch.write.probe.run(map));
            }
        }
    }
}
