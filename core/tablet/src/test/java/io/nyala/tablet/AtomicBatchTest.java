package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import io.nyala.wal.Durability;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: an atomic batch is done as a whole or not at all: not in memory, not in the log, not after a restart.
 * Method: batches with one operation that fails, for each reason, at each place.
 */
final class AtomicBatchTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("n", ColumnType.INT64));

    private SimulatedDisk disk;
    private OneTablet one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        disk = new SimulatedDisk(random);
        one = new OneTablet(disk, SCHEMA);
        one.commit(rows -> insert(insert(rows, 1, 10), 2, 20));
        one.flushRows();
        one.commit(rows -> insert(rows, 3, 30));
    }

    @AfterEach
    void close() {
        one.close();
    }

    private static OperationBatch insert(OperationBatch rows, long id, long n) {
        return end(set(rows, OperationKind.INSERT, id, n));
    }

    private static OperationBatch set(OperationBatch rows, OperationKind kind, long id, long n) {
        return rows.start(kind).setLong(0, id).setLong(1, n);
    }

    private static OperationBatch delete(OperationBatch rows, long id) {
        return end(rows.start(OperationKind.DELETE).setLong(0, id));
    }

    private static OperationBatch end(OperationBatch rows) {
        assertTrue(rows.end());
        return rows;
    }

    private Map<Object, Object> rows() {
        Map<Object, Object> rows = new TreeMap<>();
        one.rows().values().forEach(row -> rows.put(row.get(0), row.get(1)));
        return rows;
    }

    private static String outcome(TabletWrite write) {
        List<String> outcomes = new ArrayList<>();
        for (int i = 0; i < write.operationCount(); i++) {
            outcomes.add("done");
        }
        for (int i = 0; i < write.errorCount(); i++) {
            outcomes.set(write.errorIndex(i), write.errorCode(i).name());
        }
        return String.join(" ", outcomes);
    }

    private String commit(Consumer<OperationBatch> operations) {
        try (OneTablet.Batch batch = one.newBatch()) {
            operations.accept(batch.rows);
            batch.write.atomic(true);
            batch.commit();
            return outcome(batch.write);
        }
    }

    private void assertNothing(String outcome, Consumer<OperationBatch> operations) {
        Map<Object, Object> before = rows();
        long sequence = one.tablet().lastSequence();
        long memoryBytes = one.tablet().memoryBytes();
        assertEquals(outcome, commit(operations));
        assertEquals(before, rows());
        assertEquals(sequence, one.tablet().lastSequence(), "something is in the log");
        assertEquals(memoryBytes, one.tablet().memoryBytes());
        one.restart();
        assertEquals(before, rows());
    }

    @Test
    void isDoneAsAWhole() {
        assertEquals("done done done done done done", commit(rows -> {
            insert(rows, 4, 40);
            end(set(rows, OperationKind.UPDATE, 1, 11));
            delete(rows, 2);
            delete(rows, 3);
            end(set(rows, OperationKind.UPDATE_IGNORE, 9, 90)); // What is ignored is no failure.
            end(set(rows, OperationKind.INSERT_IGNORE, 1, 99));
        }));
        assertEquals(Map.of(1L, 11L, 4L, 40L), rows());
        disk.powerCut();
        one.stop();
        disk.restart();
        one.open();
        assertEquals(Map.of(1L, 11L, 4L, 40L), rows());
    }

    @Test
    void oneFailureUndoesAllOthers() {
        assertNothing("ROLLED_BACK ROLLED_BACK ALREADY_PRESENT", rows -> insert(delete(insert(rows, 4, 40), 1), 3, 31));
        assertNothing("NOT_FOUND ROLLED_BACK", rows -> insert(delete(rows, 9), 4, 40));
        assertNothing("ROLLED_BACK NOT_FOUND ALREADY_PRESENT ROLLED_BACK", rows -> {
            end(set(rows, OperationKind.UPSERT, 1, 11));
            end(set(rows, OperationKind.UPDATE, 9, 90));
            insert(rows, 2, 21);
            end(rows.start(OperationKind.DELETE_IGNORE).setLong(0, 9));
        });
    }

    @Test
    void aConditionThatDoesNotHoldUndoesAllOthers() {
        assertNothing("ROLLED_BACK CONDITION_NOT_MET ROLLED_BACK", rows -> {
            end(set(rows, OperationKind.UPDATE, 1, 11).onlyIf("n", 10));
            end(set(rows, OperationKind.UPDATE, 2, 21).onlyIf("n", 21));
            end(set(rows, OperationKind.UPDATE, 3, 31).onlyIf("n", 30));
        });
        assertEquals("done done", commit(rows -> {
            end(set(rows, OperationKind.UPDATE, 1, 11).onlyIf("n", 10));
            end(set(rows, OperationKind.UPDATE, 2, 21).onlyIf("n", 20));
        }));
        assertEquals(Map.of(1L, 11L, 2L, 21L, 3L, 30L), rows());
    }

    @Test
    void operationsOnOneRowSeeEachOther() {
        assertEquals("done done done done", commit(rows -> {
            insert(rows, 4, 40);
            delete(rows, 4);
            insert(rows, 4, 41);
            end(set(rows, OperationKind.UPDATE, 4, 42).onlyIf("n", 41));
        }));
        assertNothing("ROLLED_BACK ALREADY_PRESENT", rows -> insert(insert(rows, 5, 50), 5, 51));
        assertNothing("ROLLED_BACK NOT_FOUND", rows -> delete(delete(rows, 1), 1));
        assertNothing(
                "ROLLED_BACK ROLLED_BACK NOT_FOUND ROLLED_BACK",
                rows -> insert(delete(delete(insert(rows, 5, 50), 5), 5), 5, 51));
        assertEquals(Map.of(1L, 10L, 2L, 20L, 3L, 30L, 4L, 42L), rows());
    }

    @Test
    void aRefusedOneWaitsForWhatItIsBasedOn() {
        try (OneTablet.Batch first = one.newBatch();
                OneTablet.Batch second = one.newBatch()) {
            insert(first.rows, 4, 40);
            first.write.durability(Durability.SYNC);
            first.submit();
            insert(insert(second.rows, 5, 50), 4, 41);
            second.write.atomic(true);
            second.submit();
            one.decide();
            assertTrue(second.write.isDecided());
            assertEquals(0, second.answers, "the row that it has found is not durable yet");
            second.await();
            assertEquals(1, first.answers);
            assertEquals("ROLLED_BACK ALREADY_PRESENT", outcome(second.write));
        }
    }

    @Test
    @Tag("allocation")
    void judgingCostsNothingOnTheHeap() {
        try (OneTablet.Batch batch = one.newBatch()) {
            for (int i = 0; i < 500; i++) {
                end(set(batch.rows, OperationKind.UPDATE, 1 + i % 3, i).onlyIf("n", i));
            }
            batch.write.addAll();
            Probe.measure(batch.write, SCHEMA.columnCount());
            batch.write.probe.run(one.tablet().map());
            var judgement = new Judgement(one.tablet(), batch.rows.layout());
            Allocation.assertNone("judging a batch", () -> judgement.run(batch.write));
        }
    }
}
