package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/**
 * Goal: the cell of an immutable column stays what it was when its row was inserted, and whoever sets it learns what a
 * real Kudu says. Method: each kind of operation on a row in memory, in a file, and on none, in a plain batch, in an
 * atomic one, and in one with conditions; the answers are those that a Kudu 1.18.1 gave.
 */
final class ImmutableColumnsTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("fixed", ColumnType.INT64).immutable(),
            Column.of("n", ColumnType.INT64).nullable());

    private SimulatedDisk disk;
    private OneTablet one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        disk = new SimulatedDisk(random);
        one = new OneTablet(disk, SCHEMA);
        one.commit(rows -> set(rows, OperationKind.INSERT, 1, 10, 11));
        one.flushRows();
        one.commit(rows -> set(rows, OperationKind.INSERT, 2, 20, 21));
    }

    @AfterEach
    void close() {
        one.close();
    }

    private static OperationBatch set(OperationBatch rows, OperationKind kind, long id, long fixed, long n) {
        assertTrue(
                rows.start(kind).setLong(0, id).setLong(1, fixed).setLong(2, n).end());
        return rows;
    }

    private static OperationBatch set(OperationBatch rows, OperationKind kind, long id, long fixed) {
        assertTrue(rows.start(kind).setLong(0, id).setLong(1, fixed).end());
        return rows;
    }

    private String commit(boolean isAtomic, Consumer<OperationBatch> operations) {
        try (OneTablet.Batch batch = one.newBatch()) {
            operations.accept(batch.rows);
            batch.write.atomic(isAtomic);
            batch.commit();
            List<String> outcomes = new ArrayList<>();
            for (int i = 0; i < batch.write.operationCount(); i++) {
                outcomes.add("done");
            }
            for (int i = 0; i < batch.write.errorCount(); i++) {
                outcomes.set(batch.write.errorIndex(i), batch.write.errorCode(i).name());
            }
            return String.join(" ", outcomes);
        }
    }

    private void assertRow(long id, String row) {
        String found = one.rows().values().stream()
                .filter(each -> Long.valueOf(id).equals(each.getFirst()))
                .findFirst()
                .map(Object::toString)
                .orElse("none");
        assertEquals(row, found);
    }

    /** As plain batches and as atomic ones, which are judged in another place. */
    @RepeatedTest(2)
    void isSetWithARowAndNotAfterwards(RepetitionInfo repetition) {
        boolean isAtomic = repetition.getCurrentRepetition() == 2;
        for (long id = 1; id <= 2; id++) { // In a file, in memory.
            long row = id;
            long fixed = 10 * id;
            assertEquals("IMMUTABLE", commit(isAtomic, rows -> set(rows, OperationKind.UPDATE, row, 5, 6)));
            assertEquals(
                    "IMMUTABLE", commit(isAtomic, rows -> set(rows, OperationKind.UPDATE, row, fixed)), "the same");
            assertEquals("IMMUTABLE", commit(isAtomic, rows -> set(rows, OperationKind.UPSERT, row, 5, 6)));
            assertRow(id, List.of(id, fixed, fixed + 1).toString());
            assertEquals("done", commit(isAtomic, rows -> set(rows, OperationKind.UPDATE_IGNORE, row, 5, 6)));
            assertRow(id, List.of(id, fixed, 6).toString());
            assertEquals("done", commit(isAtomic, rows -> set(rows, OperationKind.UPSERT_IGNORE, row, 5, 7)));
            assertRow(id, List.of(id, fixed, 7).toString());
            assertEquals("done", commit(isAtomic, rows -> set(rows, OperationKind.INSERT_IGNORE, row, 5, 8)));
            assertRow(id, List.of(id, fixed, 7).toString());
        }
        assertEquals("IMMUTABLE", commit(isAtomic, rows -> set(rows, OperationKind.UPDATE, 9, 5)), "not NOT_FOUND");
        assertEquals("done", commit(isAtomic, rows -> set(rows, OperationKind.UPDATE_IGNORE, 9, 5, 6)));
        assertRow(9, "none");
        assertEquals("done", commit(isAtomic, rows -> set(rows, OperationKind.UPSERT, 9, 90, 91)));
        assertEquals("done", commit(isAtomic, rows -> set(rows, OperationKind.UPSERT_IGNORE, 8, 80, 81)));
        one.restart();
        assertRow(9, "[9, 90, 91]");
        assertRow(8, "[8, 80, 81]");
    }

    @Test
    void whatIgnoresItAndSetsNothingElseLeavesNothingInTheLog() {
        long sequence = one.tablet().lastSequence();
        assertEquals("done", commit(false, rows -> set(rows, OperationKind.UPDATE_IGNORE, 1, 5)));
        assertEquals("done", commit(false, rows -> set(rows, OperationKind.UPSERT_IGNORE, 2, 5)));
        assertEquals("done done", commit(true, rows -> {
            set(rows, OperationKind.UPDATE_IGNORE, 1, 5);
            set(rows, OperationKind.UPSERT_IGNORE, 2, 5);
        }));
        assertEquals(sequence, one.tablet().lastSequence());
    }

    @Test
    void anotherRowOfTheSameKeyHasAnotherValue() {
        assertEquals("done done IMMUTABLE done", commit(false, rows -> {
            assertTrue(rows.start(OperationKind.DELETE).setLong(0, 1).end());
            set(rows, OperationKind.UPSERT, 1, 100, 101);
            set(rows, OperationKind.UPSERT, 1, 200, 201);
            set(rows, OperationKind.UPSERT_IGNORE, 1, 300, 301);
        }));
        assertRow(1, "[1, 100, 301]");
    }

    @Test
    void anAtomicBatchIsRolledBackForIt() {
        assertEquals("ROLLED_BACK IMMUTABLE", commit(true, rows -> {
            set(rows, OperationKind.INSERT, 3, 30, 31);
            set(rows, OperationKind.UPSERT, 2, 5, 6);
        }));
        assertRow(3, "none");
    }

    /** It is said before conditions are; and a condition sees the cell as it is, not what was to be set and was not. */
    @Test
    void conditionsSeeWhatStays() {
        assertEquals("IMMUTABLE done done CONDITION_NOT_MET", commit(false, rows -> {
            rows.start(OperationKind.UPDATE).setLong(0, 2).setLong(1, 5).onlyIf("n", 99L);
            assertTrue(rows.end());
            set(rows, OperationKind.UPSERT_IGNORE, 2, 5, 6);
            rows.start(OperationKind.UPDATE).setLong(0, 2).setLong(2, 7).onlyIf("fixed", 20L);
            assertTrue(rows.end());
            rows.start(OperationKind.UPDATE).setLong(0, 2).setLong(2, 8).onlyIf("fixed", 5L);
            assertTrue(rows.end());
        }));
        assertRow(2, "[2, 20, 7]");
    }
}
