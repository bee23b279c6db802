package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.CellValue;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import io.nyala.testkit.Seed;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: every snapshot sees exactly what happened to the rows up to its time, in any range of ordinals, and nothing is
 * lost for those who want every change. Method: random changes of few rows, some of them hot, several per batch,
 * against a sorted map of changes.
 */
final class DeltaMemStoreTest {
    private static final long MIB = 1L << 20;

    private MemoryBudget budget;
    private MemoryAccount account;
    private MemoryAccount other;
    private Updates updates;
    private DeltaMemStore store;
    private DeltaModel model;
    private long time;

    // How this execution draws.
    private int ordinalMax;
    private int hotRows;
    private int deletesIn;
    private int[] columnIds;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        budget = MemoryBudget.open(PageSource.jdk(), 32 * MIB);
        account = budget.account("deltas", 0);
        other = budget.account("other", 0);
        updates = new Updates(other);
        store = new DeltaMemStore(3, account);
        assertEquals(0, account.usedBytes());
        model = new DeltaModel();
        time = 100;
        ordinalMax = random.nextBoolean() ? Integer.MAX_VALUE : random.nextInt(1, 3_000);
        hotRows = random.nextInt(1, 5);
        deletesIn = random.nextInt(2, 200);
        columnIds = new int[random.nextInt(1, random.nextInt(4) == 0 ? 200 : 6)];
        for (int i = 0; i < columnIds.length; i++) {
            columnIds[i] = random.nextInt(10) == 0 ? random.nextInt(65_536) : random.nextInt(300);
        }
    }

    @AfterEach
    void close() {
        store.close();
        store.close();
        assertEquals(0, account.usedBytes());
        updates.close();
        account.close();
        other.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    @RepeatedTest(30)
    void everySnapshotSeesWhatWasChangedUpToIt(@Seed SplittableRandom random) {
        for (int batches = random.nextInt(1, 120); batches > 0; batches--) {
            applyBatch(random);
            if (random.nextInt(20) == 0) {
                checkRead(random);
            }
        }
        checkCounts();
        for (int i = 0; i < 20; i++) {
            checkRead(random);
        }
        DeltaModel.assertSame(model.at(0, Long.MAX_VALUE, time), DeltaModel.read(store, 0, Long.MAX_VALUE, time));
        DeltaModel.assertSame(model.rows, DeltaModel.readAll(store));
        checkSeeks(random);
        checkNewestCells();
        store.seal();
        DeltaModel.assertSame(model.rows, DeltaModel.readAll(store));
    }

    /** What is reserved is exactly what the batch has. Many rows are new, or a few get many images. */
    @RepeatedTest(20)
    void aReservedBatchIsAppliedAndARefusedOneChangesNothing(@Seed SplittableRandom random) {
        deletesIn = Integer.MAX_VALUE;
        for (int batches = random.nextInt(1, 24); batches > 0; batches--) {
            List<Slab> taken = random.nextInt(3) == 0 ? takeAll() : new ArrayList<>();
            boolean isHot = random.nextBoolean();
            var batch = new ArrayList<Map<Integer, @Nullable CellValue>>();
            long bytes = 0;
            for (int i = random.nextInt(1, 600); i > 0; i--) {
                batch.add(isHot ? drawCells(random, 1_000) : Map.of());
                updates.write(batch.getLast());
                bytes += updates.bytes();
            }
            if (store.reserve(bytes, batch.size())) {
                taken.addAll(takeAll());
                time++;
                for (Map<Integer, @Nullable CellValue> cells : batch) {
                    update(isHot ? random.nextInt(hotRows) : random.nextInt(Integer.MAX_VALUE), cells);
                }
            } else {
                assertFalse(taken.isEmpty(), "there was memory");
                tryUnreserved(random);
            }
            taken.forEach(other::giveBack);
        }
        checkCounts();
        DeltaModel.assertSame(model.rows, DeltaModel.readAll(store));
    }

    /** As many as a log record of 8 MiB may have: more than the largest slab has room for. */
    @Test
    void aBatchOfVeryManySmallChangesIsTaken() {
        int count = 300_000;
        int changeBytes = 24;
        try (var large = MemoryBudget.open(PageSource.jdk(), 192 * MIB);
                MemoryAccount account = large.account("deltas", 0);
                var changes = new DeltaMemStore(2, account)) {
            assertTrue(changes.reserve((long) count * changeBytes, count, changeBytes));
            changes.batchEnds();
            assertTrue(changes.memoryBytes() < 4 * MIB, changes.memoryBytes() + " bytes are kept for nothing");
        }
    }

    /** There may be room for a small change, but hardly for one that needs a slab of its own. */
    private void tryUnreserved(SplittableRandom random) {
        int ordinal = drawOrdinal(random);
        if (!store.reserve(300_000, 1)) {
            Map<Integer, @Nullable CellValue> cells = new TreeMap<>();
            cells.put(1, CellValue.ofBytes(new byte[300_000]));
            long change = updates.write(cells);
            assertThrows(
                    MemoryLimitException.class,
                    () -> store.update(ordinal, updates.memory, change, updates.bytes(), time));
        }
    }

    private List<Slab> takeAll() {
        var taken = new ArrayList<Slab>();
        for (long bytes = 2 * MIB; bytes >= MemoryBudget.SLAB_BYTES_MIN; bytes /= 2) {
            for (Slab slab = other.tryTake(bytes); slab != null; slab = other.tryTake(bytes)) {
                taken.add(slab);
            }
        }
        return taken;
    }

    private void applyBatch(SplittableRandom random) {
        time += random.nextInt(1, 4);
        for (int i = random.nextInt(1, random.nextInt(10) == 0 ? 200 : 20); i > 0; i--) {
            applyOne(random, random.nextInt(30) == 0 ? 5_000 : 12);
        }
    }

    private void applyOne(SplittableRandom random, int cellBytesMax) {
        int ordinal = drawOrdinal(random);
        boolean isDeleted = model.isDeleted(ordinal);
        assertEquals(isDeleted, store.isDeleted(ordinal));
        if (isDeleted) {
            long change = updates.write(Map.of());
            assertThrows(
                    IllegalStateException.class,
                    () -> store.update(ordinal, updates.memory, change, updates.bytes(), time));
            assertThrows(IllegalStateException.class, () -> store.delete(ordinal, time));
        } else if (random.nextInt(deletesIn) == 0) {
            store.delete(ordinal, time);
            model.add(ordinal, time, null);
        } else {
            update(ordinal, drawCells(random, cellBytesMax));
        }
    }

    private void update(int ordinal, Map<Integer, @Nullable CellValue> cells) {
        long change = updates.write(cells);
        store.update(ordinal, updates.memory, change, updates.bytes(), time);
        model.add(ordinal, time, cells);
    }

    private Map<Integer, @Nullable CellValue> drawCells(SplittableRandom random, int cellBytesMax) {
        Map<Integer, @Nullable CellValue> cells = new TreeMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            byte[] value = new byte[random.nextInt(cellBytesMax)];
            random.nextBytes(value);
            cells.put(
                    columnIds[random.nextInt(columnIds.length)],
                    random.nextInt(4) == 0 ? null : CellValue.ofBytes(value));
        }
        return cells;
    }

    private int drawOrdinal(SplittableRandom random) {
        return random.nextInt(3) == 0 ? random.nextInt(ordinalMax) : random.nextInt(hotRows) * (ordinalMax / hotRows);
    }

    private void checkNewestCells() {
        model.at(0, Long.MAX_VALUE, Long.MAX_VALUE).forEach((ordinal, state) -> {
            for (int id : columnIds) {
                long cell = state.isDeleted() ? 0 : store.newestCell(ordinal, id);
                assertEquals(state.cells().containsKey(id), cell != 0, "column " + id + " of row " + ordinal);
                if (cell != 0) {
                    CellValue value = state.cells().get(id);
                    assertEquals(value == null, RowChange.cellIsNull(store.memory(), cell));
                    assertEquals(value, value == null ? null : valueOf(cell), "column " + id + " of row " + ordinal);
                }
            }
            assertEquals(0, store.newestCell(ordinal + 1_000_000_000L, columnIds[0]));
        });
    }

    private CellValue valueOf(long cell) {
        int bytes = RowChange.cellBytes(store.memory(), cell);
        return CellValue.ofBytes(
                store.memory().asSlice(RowChange.cellValue(cell), bytes).toArray(ValueLayout.JAVA_BYTE));
    }

    private void checkRead(SplittableRandom random) {
        long from = random.nextBoolean() ? 0 : random.nextLong(2L * ordinalMax);
        long to = random.nextInt(3) == 0 ? Long.MAX_VALUE : random.nextLong(2L * ordinalMax);
        long snapshot = random.nextLong(98, time + 3);
        Map<Long, DeltaModel.State> expected = model.at(from, to, snapshot);
        DeltaModel.assertSame(expected, DeltaModel.read(store, from, to, snapshot));
        if (!expected.isEmpty()) {
            assertTrue(store.mayChange(from, to, snapshot));
        }
        if (model.at(from, to, Long.MAX_VALUE).isEmpty() || snapshot < store.oldestTime()) {
            assertFalse(store.mayChange(from, to, snapshot));
        }
    }

    /** Steps and leaps of random width, to ordinals that are there or not. */
    private void checkSeeks(SplittableRandom random) {
        List<Long> ordinals = new ArrayList<>();
        DeltaModel.readAll(store).forEach((ordinal, entries) -> entries.forEach(_ -> ordinals.add(ordinal)));
        int at = -1;
        try (DeltaSource.Cursor cursor = store.changes(0, Long.MAX_VALUE, DeltaMemStore.EVERY_CHANGE)) {
            while (at < ordinals.size()) {
                if (random.nextBoolean()) {
                    at++;
                    assertEquals(at < ordinals.size(), cursor.next());
                } else {
                    long wanted = drawWanted(random, ordinals, at);
                    at++;
                    while (at < ordinals.size() && ordinals.get(at) < wanted) {
                        at++;
                    }
                    assertEquals(at < ordinals.size(), cursor.seek(wanted), "seek of " + wanted);
                }
                assertTrue(at >= ordinals.size() || cursor.ordinal() == ordinals.get(at), "at " + at);
            }
        }
    }

    private long drawWanted(SplittableRandom random, List<Long> ordinals, int at) {
        if (random.nextInt(100) == 0) {
            return 1L << random.nextInt(63);
        }
        int ahead = Math.min(ordinals.size() - 1, Math.max(0, at + random.nextInt(-3, 40)));
        return ordinals.isEmpty() ? 5 : Math.max(0, ordinals.get(ahead) + random.nextInt(-1, 2));
    }

    private void checkCounts() {
        store.verify();
        assertEquals(model.changeCount, store.changeCount());
        assertEquals(model.rows.size(), store.changedRows());
        assertEquals(model.rows.keySet().stream().filter(model::isDeleted).count(), store.deletedRows());
        assertEquals(account.usedBytes(), store.memoryBytes());
        assertTrue(store.usedBytes() <= store.memoryBytes());
        long oldest = Long.MAX_VALUE;
        long newest = 0;
        var touched = new TreeSet<Integer>();
        for (List<DeltaModel.Entry> entries : model.rows.values()) {
            oldest = Math.min(oldest, entries.getFirst().time());
            newest = Math.max(newest, entries.getLast().time());
            entries.forEach(e ->
                    touched.addAll(e.cells() == null ? List.of() : e.cells().keySet()));
        }
        assertEquals(model.rows.isEmpty() ? 0 : oldest, store.oldestTime());
        assertEquals(newest, store.newestTime());
        for (int id = 0; id < 65_536; id++) {
            if (store.touches(id)) {
                assertTrue(touched.remove(id), "column " + id);
            }
        }
        assertEquals(Set.of(), touched);
    }

    @Test
    void anEmptyOneHasNothingAndTakesNothing() {
        assertFalse(store.mayChange(0, Long.MAX_VALUE, Long.MAX_VALUE));
        assertFalse(store.isDeleted(0));
        assertFalse(store.touches(0));
        assertEquals(0, store.newestCell(0, 0));
        try (DeltaSource.Cursor cursor = store.changes(0, Long.MAX_VALUE, Long.MAX_VALUE)) {
            assertFalse(cursor.next());
        }
        store.verify();
        assertEquals(0, account.usedBytes());
        assertTrue(store.reserve(100, 1));
        store.verify();
        assertEquals(MemoryBudget.SLAB_BYTES_MIN, account.usedBytes());
    }

    @Test
    void takesNothingMoreOnceItIsSealed() {
        long change = updates.write(Map.of());
        store.update(1, updates.memory, change, updates.bytes(), 10);
        store.seal();
        assertThrows(IllegalStateException.class, () -> store.update(1, updates.memory, change, updates.bytes(), 11));
        assertThrows(IllegalStateException.class, () -> store.delete(1, 11));
        assertThrows(IllegalArgumentException.class, () -> store.delete(-1, 11));
        assertEquals(1, store.changeCount());
        assertEquals(10, store.newestTime());
        store.verify();
    }

    /** More columns than an UPDATE has room for, because columns were dropped and added: then there is no image. */
    @Test
    void aRowMayTouchMoreColumnsThanASchemaHas() {
        for (int i = 0; i < 20_000; i++) {
            Map<Integer, @Nullable CellValue> cells = Map.of(i * 7 % 1_500, CellValue.ofBytes(new byte[] {(byte) i}));
            store.update(5, updates.memory, updates.write(cells), updates.bytes(), 100 + i);
            model.add(5, 100 + i, cells);
        }
        store.verify();
        checkNewestCells();
        for (long snapshot : new long[] {100, 900, 1_200, 1_700, 9_000, 20_099}) {
            DeltaModel.assertSame(model.at(0, 9, snapshot), DeltaModel.read(store, 0, 9, snapshot));
        }
        assertTrue(store.collectedCount() < 200_000, store.collectedCount() + " changes were walked over");
    }
}
