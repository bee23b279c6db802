package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.CellFilter;
import io.nyala.rows.CellValue;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Effect;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowPatch;
import io.nyala.rows.RowSet;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: every snapshot shows exactly the rows and values that the effects up to its time make, by scan, look-up and
 * source. Method: random effects on few keys, several per batch, against a sorted map of versions.
 */
final class MemRowSetTest {
    private static final long MIB = 1L << 20;

    private MemoryBudget budget;
    private MemoryAccount account;
    private Table table;
    private MemRowSet rows;
    private Model model;
    private long time;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        budget = MemoryBudget.open(PageSource.jdk(), 32 * MIB);
        account = budget.account("memrowset", 0);
        table = new Table(Table.drawSchema(random), account);
        rows = new MemRowSet(1, table.schema, account);
        model = new Model();
        time = 100;
    }

    @AfterEach
    void close() {
        rows.close();
        table.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    @RepeatedTest(30)
    void everySnapshotShowsWhatWasWrittenUpToIt(@Seed SplittableRandom random) {
        applyRandomBatches(random, random.nextInt(1, 60));
        rows.verify();
        assertEquals(model.rows.size(), rows.rowCount());
        assertEquals(model.snapshot(Long.MAX_VALUE).size(), rows.liveRows());
        for (int i = 0; i < 12; i++) {
            checkScan(drawSpec(random));
        }
        checkScan(ScanSpec.all(table.schema, Long.MAX_VALUE));
        if (!model.rows.isEmpty()) {
            assertArrayEquals(model.rows.firstKey(), rows.minKey());
            assertArrayEquals(model.rows.lastKey(), rows.maxKey());
        }
    }

    @RepeatedTest(20)
    void aSourceHasTheWholeHistory(@Seed SplittableRandom random) {
        applyRandomBatches(random, random.nextInt(1, 60));
        rows.seal();
        try (RowSource source = rows.source(account)) {
            for (Map.Entry<byte[], List<Model.Version>> entry : model.rows.entrySet()) {
                assertTrue(source.next());
                long key = table.keyAt(entry.getKey());
                assertEquals(entry.getKey().length, source.keyBytes());
                assertEquals(
                        -1,
                        source.memory()
                                .asSlice(source.keyOffset(), source.keyBytes())
                                .mismatch(table.memory.asSlice(key, entry.getKey().length)));
                assertEquals(entry.getValue().getLast().time(), source.newestChange());
                checkHistory(source, entry.getValue());
            }
            assertFalse(source.next());
        }
    }

    @RepeatedTest(20)
    void aCellEqualsItsNewestValue(@Seed SplittableRandom random) {
        applyRandomBatches(random, random.nextInt(1, 60));
        model.rows.forEach((key, versions) -> {
            Cells newest = versions.getLast().cells();
            long row = rows.find(table.memory, table.keyAt(key), key.length);
            for (int i = table.schema.keyColumnCount(); newest != null && i < table.schema.columnCount(); i++) {
                checkEqual(row, i, newest.get(i), newest.get(i));
                checkEqual(row, i, newest.get(i), table.drawCell(random, i));
            }
        });
    }

    private void checkEqual(long row, int column, @Nullable CellValue newest, @Nullable CellValue other) {
        MemorySegment cell = MemorySegment.ofArray(new byte[8 + (other == null ? 0 : other.bytes())]);
        int id = table.layout.columnId(column);
        long value = RowChange.startCell(cell, 0, id, other == null, other == null ? 0 : other.bytes());
        if (other != null) {
            MemorySegment.copy(other.segment(), 0, cell, value, other.bytes());
        }
        Predicate equality = other == null ? new Predicate.IsNull(column) : new Predicate.Equal(column, other);
        List<@Nullable CellValue> cells = new ArrayList<>();
        for (int i = 0; i < table.schema.columnCount(); i++) {
            int bytes = table.layout.cellBytes(i);
            cells.add(i == column ? newest : CellValue.ofBytes(new byte[table.layout.isVariable(i) ? 0 : bytes]));
        }
        long image = table.rowAt(new Cells(cells));
        boolean expected = CellFilter.of(table.schema, equality).matches(table.layout, table.memory, image);
        assertEquals(expected, rows.isEqual(row, column, cell, 0), newest + " and " + other);
    }

    private void checkHistory(RowSource source, List<Model.Version> versions) {
        for (int i = 1; i < source.historyCount(); i++) {
            assertTrue(source.historyTime(i - 1) >= source.historyTime(i), "records come newest first");
        }
        for (Model.Version version : versions) {
            for (long snapshot = version.time() - 1; snapshot <= version.time() + 1; snapshot++) {
                assertEquals(Model.at(versions, snapshot), stateAt(source, snapshot));
            }
        }
    }

    /** As {@link RowSource} says that it is to be read. */
    private @Nullable Cells stateAt(RowSource source, long snapshot) {
        Cells cells = table.unpack(source.memory(), source.rowOffset(), source.rowBytes());
        boolean live = !source.isDeleted() && snapshot >= source.insertTime();
        for (int i = 0; i < source.historyCount() && source.historyTime(i) > snapshot; i++) {
            long change = source.historyOffset(i);
            RowChange.check(table.layout, source.memory(), change, source.historyBytes(i));
            switch (RowChange.kind(source.memory(), change)) {
                case RowChange.UPDATE -> {
                    live = true;
                    cells = patched(cells, source, change);
                }
                case RowChange.DELETE -> live = false;
                default -> {
                    live = true;
                    cells = table.unpack(
                            source.memory(), RowChange.rowOffset(change), RowChange.rowBytes(source.memory(), change));
                }
            }
        }
        return live ? cells : null;
    }

    private Cells patched(Cells cells, RowSource source, long change) {
        long row = table.rowAt(cells);
        try (var scratch = new Scratch(account, 1 << 14)) {
            int bytesMax = new RowPatch(table.layout).appliedBytesMax(table.memory, row, source.memory(), change);
            long target = scratch.allocate(bytesMax);
            int bytes =
                    new RowPatch(table.layout).apply(table.memory, row, source.memory(), change, table.memory, target);
            return table.unpack(table.memory, target, bytes);
        }
    }

    private void applyRandomBatches(SplittableRandom random, int batches) {
        int keyCount = random.nextInt(1, 400);
        for (int i = 0; i < batches; i++) {
            time += random.nextInt(1, 4);
            int operations = random.nextInt(1, random.nextInt(8) == 0 ? 300 : 20);
            for (int k = 0; k < operations; k++) {
                applyRandomEffect(random, keyCount);
            }
        }
    }

    private void applyRandomEffect(SplittableRandom random, int keyCount) {
        Cells cells = table.drawRow(random, keyCount);
        byte[] key = table.key(cells);
        long row = rows.find(table.memory, table.keyAt(key), key.length);
        assertEquals(model.contains(key), row != 0);
        Cells newest = row == 0 ? null : model.newest(key);
        int state = rows.lookup(table.memory, table.keyAt(key), key.length);
        assertEquals(row == 0 ? RowSet.ABSENT : newest == null ? RowSet.DELETED : RowSet.LIVE, state);
        assertTrue(row == 0 || rows.isLive(row) == (newest != null));
        long effect;
        if (newest == null) {
            effect = table.rowEffect(row == 0 ? Effect.INSERT : Effect.REINSERT, cells);
            model.put(key, time, cells);
        } else if (random.nextInt(4) == 0) {
            effect = table.deleteEffect(key);
            model.put(key, time, null);
        } else {
            int[] columns = drawColumns(random);
            Cells updated = newest.with(columns, cells);
            effect = table.updateEffect(key, columns, updated);
            model.put(key, time, updated);
        }
        assertTrue(rows.reserve(Effect.bytes(table.memory, effect), 1));
        rows.apply(table.memory, effect, time);
        assertEquals(time, rows.newestTime());
    }

    private int[] drawColumns(SplittableRandom random) {
        List<Integer> columns = new ArrayList<>();
        for (int i = table.schema.keyColumnCount(); i < table.schema.columnCount(); i++) {
            if (random.nextInt(3) == 0) {
                columns.add(i);
            }
        }
        return columns.stream().mapToInt(i -> i).toArray();
    }

    private ScanSpec drawSpec(SplittableRandom random) {
        List<Integer> projection = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            projection.add(random.nextInt(table.schema.columnCount()));
        }
        List<Predicate> predicates = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            predicates.add(drawPredicate(random));
        }
        byte @Nullable [] lower = random.nextBoolean() ? null : drawBound(random);
        byte @Nullable [] upper = random.nextBoolean() ? null : drawBound(random);
        return ScanSpec.all(table.schema, random.nextLong(98, time + 2))
                .withProjection(projection)
                .withPredicates(predicates)
                .withKeys(lower, upper)
                .withKeyOrder(random.nextBoolean());
    }

    private byte[] drawBound(SplittableRandom random) {
        byte[] key = table.key(table.drawRow(random, 400));
        return random.nextInt(3) == 0 ? Arrays.copyOf(key, random.nextInt(key.length + 1)) : key;
    }

    private Predicate drawPredicate(SplittableRandom random) {
        int column = random.nextInt(table.schema.columnCount());
        CellValue cell = table.drawRow(random, 400).get(column);
        if (cell == null) {
            return new Predicate.IsNull(column);
        }
        return switch (random.nextInt(4)) {
            case 0 -> new Predicate.IsNotNull(column);
            case 1 -> new Predicate.Equal(column, cell);
            case 2 -> new Predicate.Range(column, cell, null);
            default -> new Predicate.Range(column, null, cell);
        };
    }

    private void checkScan(ScanSpec spec) {
        var expected = new ArrayList<Map.Entry<byte[], Cells>>();
        for (Map.Entry<byte[], Cells> entry : model.snapshot(spec.snapshot()).entrySet()) {
            long row = table.rowAt(entry.getValue());
            if (spec.keyRange().contains(entry.getKey())
                    && spec.predicates().stream()
                            .allMatch(p -> CellFilter.of(table.schema, p).matches(table.layout, table.memory, row))) {
                expected.add(entry);
            }
        }
        int seen = 0;
        try (ColumnBatch batch = ColumnBatch.of(spec, account);
                MemRowSetCursor cursor = rows.scan(spec, account)) {
            while (cursor.next(batch)) {
                assertTrue(batch.rowCount() > 0);
                for (int i = 0; i < batch.rowCount(); i++) {
                    assertTrue(seen < expected.size(), "more rows than the model has");
                    Map.Entry<byte[], Cells> entry = expected.get(seen++);
                    if (spec.keyOrder()) {
                        assertArrayEquals(entry.getKey(), batch.keys().getBytes(i));
                    }
                    for (int c = 0; c < spec.projection().size(); c++) {
                        CellValue cell = entry.getValue().get(spec.projection().get(c));
                        ColumnVector vector = batch.column(c);
                        assertEquals(cell, vector.isNull(i) ? null : vector.getValue(i));
                    }
                }
                assertArrayEquals(expected.get(seen - 1).getKey(), cursor.lastKey());
            }
            assertEquals(0, batch.rowCount());
        }
        assertEquals(expected.size(), seen);
    }
}
