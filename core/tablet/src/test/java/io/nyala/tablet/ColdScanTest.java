package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.Operation;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: while a scan is in one rowset, those that follow are being read, as many as the device can do with, and nothing
 * that is not needed; whatever read fails. Method: the reads of a disk are counted after each batch, with no page in
 * memory before, of rowsets that are smaller than what is read at once.
 */
final class ColdScanTest {
    /** What a scan keeps until it is closed, to decode vectors and to select rows: less than one buffer of reads. */
    private static final long DECODING_BYTES = 44 << 10;

    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("value", ColumnType.INT64),
            Column.of("number", ColumnType.INT64));

    private static final int ROWS = 15_000;

    /** Units that are read ahead of a scan. */
    private static final int AHEAD = 8;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
    private final MemoryAccount account = budget.account("test", 0);
    private SimulatedDisk simulated = new SimulatedDisk(new SplittableRandom(1));
    private CountingDisk disk = new CountingDisk(simulated);
    private OneTablet one = new OneTablet(disk, SCHEMA);
    private int rowSets;
    private long sum;

    @BeforeEach
    void fill(@Seed SplittableRandom random) {
        one.close();
        simulated = new SimulatedDisk(random.split());
        disk = new CountingDisk(simulated);
        one = new OneTablet(disk, SCHEMA);
        one.rowSetBytes(20 << 10);
        for (int first = 0; first < ROWS; first += 5_000) {
            int from = first;
            one.commit(rows -> {
                for (int key = from; key < from + 5_000; key++) {
                    long value = random.nextLong();
                    sum += value;
                    rows.start(OperationKind.INSERT)
                            .setLong(0, key)
                            .setLong(1, value)
                            .setLong(2, key)
                            .end();
                }
            });
        }
        one.flushRows();
        rowSets = one.rowSetIds().size();
        assertTrue(rowSets > 2 + AHEAD, rowSets + " rowsets");
        one.restart();
        disk.reset();
    }

    @AfterEach
    void close() {
        one.close();
        account.close();
        budget.close();
    }

    private ScanSpec spec() {
        return ScanSpec.all(SCHEMA, one.tablet().visible()).withProjection(List.of(1));
    }

    /** The sum of the values that come, of which none is there twice. */
    private static long sum(RowCursor cursor, ColumnBatch batch) {
        long found = 0;
        while (cursor.next(batch)) {
            for (int row = 0; row < batch.rowCount(); row++) {
                found += batch.column(0).getLong(row);
            }
        }
        return found;
    }

    @Test
    void rowSetsThatFollowAreReadWhileOneIsDecoded() {
        try (ColumnBatch batch = ColumnBatch.of(spec(), account)) {
            long usedByBatch = account.usedBytes();
            RowCursor cursor = one.tablet().scan(spec(), account, null);
            long found = 0;
            for (int batches = 1; batches <= 2; batches++) {
                assertTrue(cursor.next(batch));
                assertEquals(batches == 1 ? 1 : 1 + AHEAD, disk.reads(), "after batch " + batches);
                for (int row = 0; row < batch.rowCount(); row++) {
                    found += batch.column(0).getLong(row);
                }
            }
            assertEquals(sum, found + sum(cursor, batch));
            assertEquals(rowSets, disk.reads(), "one for each rowset");
            long kept = account.usedBytes() - usedByBatch;
            assertTrue(kept <= DECODING_BYTES, kept + " bytes: buffers of rowsets that were read are not given back");
            cursor.close();
            assertEquals(usedByBatch, account.usedBytes(), "what it decoded with");
        }
    }

    @Test
    void aScanThatEndsEarlyGivesBackWhatWasBeingRead() {
        long usedBefore = account.usedBytes();
        for (int batches = 1; batches < 6; batches++) {
            try (RowCursor cursor = one.tablet().scan(spec(), account, null);
                    ColumnBatch batch = ColumnBatch.of(spec(), account)) {
                for (int i = 0; i < batches; i++) {
                    cursor.next(batch);
                }
            }
            assertEquals(usedBefore, account.usedBytes());
            one.restart();
        }
    }

    @Test
    void rowSetsWithoutAMatchAreNotRead() {
        ScanSpec few = spec().withPredicates(List.of(Predicate.atLeast(SCHEMA, "number", (long) ROWS - 10)));
        try (RowCursor cursor = one.tablet().scan(few, account, null);
                ColumnBatch batch = ColumnBatch.of(few, account)) {
            int rows = 0;
            while (cursor.next(batch)) {
                rows += batch.rowCount();
            }
            assertEquals(10, rows);
            assertEquals(2, disk.reads(), "of the last rowset, the column that is asked and the one that is wanted");
        }
    }

    @Test
    void anyReadMayFail() {
        long usedBefore = account.usedBytes();
        for (int call = 0; ; call++) {
            one.restart();
            long before = simulated.callCount(Operation.READ);
            simulated.failCall(simulated.callCount() + call, DiskException.Kind.IO_ERROR);
            boolean isFailed = false;
            try (RowCursor cursor = one.tablet().scan(spec(), account, null);
                    ColumnBatch batch = ColumnBatch.of(spec(), account)) {
                assertEquals(sum, sum(cursor, batch));
            } catch (DiskException e) {
                isFailed = true;
            }
            simulated.forgetFailures();
            assertEquals(usedBefore, account.usedBytes(), "after call " + call);
            if (!isFailed) {
                assertEquals(rowSets, simulated.callCount(Operation.READ) - before);
                assertTrue(call >= rowSets, "calls that failed: " + call);
                return;
            }
        }
    }
}
