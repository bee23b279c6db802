package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: what happens to rows while they are merged happens to them in the outputs, too, and no merge waits for its end.
 * Method: a tablet on a simulated disk whose rows change between the steps of a merge.
 */
final class MergeCarryOverTest {
    /** Its rows are deleted when a merge has begun, before that asks what its files say of them. */
    @Test
    void whatIsDeletedDuringAMergeIsInItsOutputs(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.BINARY));
        try (var one = new OneTablet(disk, schema)) {
            one.commit(rows -> setEach(rows, OperationKind.INSERT, 0, new byte[10]));
            one.flushAll();
            long before = one.tablet().visible();
            one.historyMark(before);
            MergeTask merge = Objects.requireNonNull(one.newMerge(one.rowSetIds()));
            merge.step();
            one.commit(rows -> {
                for (int key = 0; key < 64; key += 2) {
                    rows.start(OperationKind.DELETE).setInt(0, key).end();
                }
            });
            one.finish(merge);
            assertEquals(0, one.rows().size());
            assertEquals(32, one.rows(before).size());
        }
        assertEquals(0, disk.openFileCount());
    }

    /** A writer fills all memory that it gets with changes of rows that are merged: these have to be carried over. */
    @Test
    void aMergeEndsHoweverFastItsRowsChange(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.BINARY));
        try (var one = new OneTablet(disk, schema);
                OneTablet.Batch changes = one.newBatch()) {
            for (int rowSet = 0; rowSet < 2; rowSet++) {
                int first = rowSet;
                one.commit(rows -> setEach(rows, OperationKind.INSERT, first, new byte[10]));
                one.flushAll();
            }
            setEach(changes.rows, OperationKind.UPDATE, 0, new byte[32 << 10]);
            MergeTask merge = Objects.requireNonNull(one.newMerge(one.rowSetIds()));
            changes.submit();
            int commits = 0;
            for (int steps = 0; !merge.isDone(); steps++) {
                assertTrue(steps < 2_000, "the merge does not end");
                for (int i = 0; i < 50 && !merge.isDone(); i++) {
                    one.step();
                    changes.probeIfWanted();
                    if (changes.answers > 0) {
                        assertNull(changes.failure);
                        changes.submit();
                        commits++;
                    }
                }
                merge.step();
            }
            assertTrue(commits > 5, commits + " batches while rowsets were merged");
            one.flushAll();
            changes.await(); // What waited for memory has it.
            assertEquals(1, one.rowSetIds().size());
            assertEquals(64, one.rows().size());
        }
        assertEquals(0, disk.openFileCount());
    }

    /**
     * Many more changes come while rowsets are merged than the writer has time for: none of its steps carries any over,
     * and each of the worker's a bounded number; what comes beside that is above it.
     */
    @Test
    void theWriterCarriesNothingOver(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.BINARY));
        try (var one = new OneTablet(disk, schema)) {
            one.commit(rows -> setEach(rows, OperationKind.INSERT, 0, new byte[1]));
            one.flushAll();
            one.commit(rows -> setEach(rows, OperationKind.INSERT, 1, new byte[1]));
            one.flushAll();
            MergeTask merge = Objects.requireNonNull(one.newMerge(one.rowSetIds()));
            merge.step();
            one.step(); // The writer freezes what there is.
            int batches = 3 * MergeTask.CHANGES_PER_STEP / 32;
            for (int i = 0; i < batches; i++) {
                byte[] value = {1, (byte) i};
                one.commit(rows -> setEach(rows, OperationKind.UPDATE, 0, value));
            }
            long before = one.tablet().visible();
            var expected = one.rows(before);
            int stepsThatCarried = 0;
            for (int i = 0; !merge.isDone(); i++) {
                long carried = merge.carriedCount();
                one.step();
                assertEquals(carried, merge.carriedCount(), "changes that the writer carried over in a step");
                merge.step();
                long count = merge.carriedCount() - carried;
                assertTrue(count <= MergeTask.CHANGES_PER_STEP, count + " changes in a step of the worker");
                if (count > 0) {
                    stepsThatCarried++;
                    byte[] value = {2, (byte) i};
                    one.commit(rows -> setEach(rows, OperationKind.UPDATE, 0, value));
                    assertEquals(carried + count, merge.carriedCount(), "changes that the writer carried over");
                }
            }
            assertTrue(stepsThatCarried >= 3, stepsThatCarried + " steps for " + batches * 32 + " changes");
            assertEquals(32L * batches, merge.carriedCount());
            assertEquals(expected, one.rows(before));
            var after = one.rows();
            assertNotEquals(expected, after);
            one.restart();
            assertEquals(after, one.rows());
            one.flushAll();
            assertEquals(after, one.rows());
            assertEquals(expected, one.rows(before));
        }
        assertEquals(0, disk.openFileCount());
    }

    /** Every second of 64 rows. */
    private static void setEach(OperationBatch rows, OperationKind kind, int first, byte[] value) {
        for (int key = first; key < 64; key += 2) {
            rows.start(kind).setInt(0, key).setBytes(1, value).end();
        }
    }
}
