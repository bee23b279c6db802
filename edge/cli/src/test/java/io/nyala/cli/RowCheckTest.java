package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.OperationKind;
import io.trino.tpch.LineItem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the check after a crash takes what a killed writer may leave, and nothing else.
 * Method: leaves this and that in a table of two tablets, on purpose.
 */
final class RowCheckTest {
    private static final int BATCH_ROWS = 50;
    private static final Ingest.Plan PLAN = new Ingest.Plan(0.0002, 2, BATCH_ROWS, 1, List.of(0L));

    @TempDir
    private Path directory;

    private Engine engine;
    private Table table;
    private final List<LineItem> items = new ArrayList<>();

    @BeforeEach
    void open() {
        engine = Engine.open(EngineConfig.in(directory.resolve("data")).withLogSegmentBytes(16 << 20));
        table = engine.createTable(LineItems.table(PLAN.tablets()));
        for (Iterator<LineItem> source = LineItems.part(PLAN.scale(), 0, 1); source.hasNext(); ) {
            items.add(source.next());
        }
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void takesWholeBatchesThatOnlySomeTabletsHave() {
        insert(0, 2 * BATCH_ROWS, item -> true);
        insert(2 * BATCH_ROWS, 5 * BATCH_ROWS, item -> tabletOf(item) == 1);
        RowCheck.Found found = check(0);
        assertEquals(List.of(2L), found.inserted());
        assertEquals(1, found.survived());
        assertEquals(table.statistics().rowCount(), found.rows());
    }

    /** Batches of one row each: the later one is in another tablet than those that still wait. */
    @Test
    void takesAnAcknowledgedBatchBehindOneThatWasNot() {
        int later = 1;
        while (tabletOf(items.get(later)) == tabletOf(items.getFirst())) {
            later++;
        }
        insert(later, later + 1, item -> true);
        BitSet acknowledged = new BitSet();
        acknowledged.set(later);
        Ingest.Plan plan = new Ingest.Plan(PLAN.scale(), PLAN.tablets(), 1, 1, PLAN.batchesDone());
        RowCheck.Found found = RowCheck.check(engine, table, plan, inserted(acknowledged));
        assertEquals(1, found.rows());
        assertEquals(List.of(0L), found.inserted());
        assertEquals(0, found.survived());
    }

    @Test
    void missesAnAcknowledgedBatch() {
        insert(0, BATCH_ROWS, item -> true);
        assertRefused(2, "acknowledged batch 1 of part 0 is not there");
    }

    @Test
    void missesAnAcknowledgedBatchInOneTablet() {
        insert(0, BATCH_ROWS, item -> tabletOf(item) == 0);
        assertRefused(1, "acknowledged batch 0 of part 0 is not there");
    }

    @Test
    void missesARowOfABatch() {
        long last = lastOf(0, items.subList(0, BATCH_ROWS));
        insert(0, BATCH_ROWS, item -> item.getRowNumber() != last);
        assertRefused(0, "unacknowledged batch 0 of part 0 is there in part only");
    }

    @Test
    void refusesABatchBehindOneThatIsMissing() {
        insert(0, BATCH_ROWS, item -> tabletOf(item) == 0);
        insert(BATCH_ROWS, 2 * BATCH_ROWS, item -> true);
        assertRefused(0, "is in tablet " + table.statistics().tablets().get(1).tabletId());
    }

    @Test
    void refusesAWrongCell() {
        insert(0, BATCH_ROWS, item -> true);
        try (WriteBatch batch = table.newBatch()) {
            LineItems.startWithKey(batch.rows(), OperationKind.UPDATE, items.get(7));
            batch.rows().setUnscaled(7, 99);
            batch.rows().end();
            batch.commit().orThrow();
        }
        assertRefused(0, "l_tax is 99, expected");
    }

    @Test
    void refusesARowOfNobody() {
        insert(0, BATCH_ROWS, item -> true);
        LineItems.part(2 * PLAN.scale(), 0, 1).forEachRemaining(items::add);
        insert(items.size() - 1, items.size(), item -> true);
        assertRefused(1, "a row that nobody wrote whole");
    }

    // ---- Changes ----

    @Test
    void takesChangesThatOnlySomeTabletsHave() {
        insert(0, 4 * BATCH_ROWS, item -> true);
        change(0, 2 * BATCH_ROWS, item -> true);
        change(2 * BATCH_ROWS, 3 * BATCH_ROWS, item -> tabletOf(item) == 1);
        RowCheck.Found found = checkChanged(4, 1);
        assertEquals(List.of(4L), found.inserted());
        assertEquals(List.of(2L), found.changed());
        assertEquals(1, found.survived(), "the changes of the second batch");
        assertEquals(table.statistics().liveRowCount(), found.rows());
        assertEquals(4 * BATCH_ROWS, found.rows() + found.deleted());
        assertTrue(found.updated() > 0 && found.deleted() > 0, found::toString);
    }

    @Test
    void missesAcknowledgedChanges() {
        insert(0, 2 * BATCH_ROWS, item -> true);
        change(0, BATCH_ROWS, item -> true);
        assertChangesRefused(2, "the acknowledged changes of batch 1 of part 0 are not there");
    }

    @Test
    void missesAnAcknowledgedChangeOfEachKind() {
        for (LineItemChange kind : List.of(LineItemChange.UPDATE, LineItemChange.DELETE)) {
            LineItem last = items.subList(0, BATCH_ROWS).stream()
                    .filter(item -> LineItemChange.of(item) == kind)
                    .reduce((_, later) -> later)
                    .orElseThrow();
            engine.dropTable(LineItems.TABLE);
            table = engine.createTable(LineItems.table(PLAN.tablets()));
            insert(0, BATCH_ROWS, item -> true);
            change(0, BATCH_ROWS, item -> item.getRowNumber() != last.getRowNumber());
            assertChangesRefused(1, LineItems.key(last) + " is there as it was inserted");
            assertRefused(1, "is there in part only");
        }
    }

    @Test
    void refusesChangesBehindSomeThatAreMissing() {
        insert(0, 3 * BATCH_ROWS, item -> true);
        change(BATCH_ROWS, 2 * BATCH_ROWS, item -> true);
        assertRefused(3, "but not what was to be changed before");
    }

    @Test
    void refusesAWrongCellOfAnUpdatedRow() {
        insert(0, BATCH_ROWS, item -> true);
        change(0, BATCH_ROWS, item -> true);
        LineItem updated = items.stream()
                .filter(item -> LineItemChange.of(item) == LineItemChange.UPDATE)
                .findFirst()
                .orElseThrow();
        try (WriteBatch batch = table.newBatch()) {
            LineItems.startWithKey(batch.rows(), OperationKind.UPDATE, updated);
            LineItems.setChangeable(batch.rows(), updated);
            batch.rows().setUnscaled(7, 99);
            batch.rows().end();
            batch.commit().orThrow();
        }
        assertRefused(1, "l_quantity is");
    }

    /** A row that was deleted was inserted again. */
    @Test
    void refusesADeletedRowThatIsThere() {
        insert(0, BATCH_ROWS, item -> true);
        change(0, BATCH_ROWS, item -> true);
        insert(0, BATCH_ROWS, item -> LineItemChange.of(item) == LineItemChange.DELETE);
        assertChangesRefused(1, "is there as it was inserted");
    }

    private void change(int from, int to, Predicate<LineItem> isWanted) {
        try (WriteBatch batch = table.newBatch()) {
            items.subList(from, to).stream()
                    .filter(isWanted)
                    .forEach(item -> LineItemChange.of(item).write(batch.rows(), item, false));
            batch.commit().orThrow();
        }
    }

    private RowCheck.Found checkChanged(int inserted, int changed) {
        RowCheck.Batches acknowledged = RowCheck.Batches.none(1);
        acknowledged.inserted().getFirst().set(0, inserted);
        acknowledged.changed().getFirst().set(0, changed);
        return RowCheck.check(engine, table, PLAN, acknowledged);
    }

    private void assertChangesRefused(int count, String part) {
        CheckFailedException refusal = assertThrows(CheckFailedException.class, () -> checkChanged(count, count));
        assertTrue(refusal.toString().contains(part), refusal::toString);
    }

    private static RowCheck.Batches inserted(BitSet batches) {
        return new RowCheck.Batches(List.of(batches), List.of(new BitSet()));
    }

    private void insert(int from, int to, Predicate<LineItem> isWanted) {
        try (WriteBatch batch = table.newBatch()) {
            for (LineItem item : items.subList(from, Math.min(to, items.size()))) {
                if (isWanted.test(item)) {
                    LineItems.insert(batch.rows(), OperationKind.INSERT, item);
                }
            }
            batch.commit().orThrow();
        }
    }

    private int tabletOf(LineItem item) {
        try (WriteBatch batch = table.newBatch()) {
            LineItems.insert(batch.rows(), OperationKind.INSERT, item);
            int tablet = table.partitions().findOperation(batch.rows().memory(), 0);
            batch.rows().clear();
            return tablet;
        }
    }

    private long lastOf(int tablet, List<LineItem> of) {
        return of.stream()
                .filter(item -> tabletOf(item) == tablet)
                .reduce((_, later) -> later)
                .orElseThrow()
                .getRowNumber();
    }

    private RowCheck.Found check(int... acknowledged) {
        BitSet batches = new BitSet();
        IntStream.of(acknowledged).forEach(batches::set);
        return RowCheck.check(engine, table, PLAN, inserted(batches));
    }

    private void assertRefused(int acknowledged, String part) {
        int[] batches = IntStream.range(0, acknowledged).toArray();
        CheckFailedException refusal = assertThrows(CheckFailedException.class, () -> check(batches));
        assertTrue(refusal.toString().contains(part), refusal::toString);
    }
}
