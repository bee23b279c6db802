package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: what it costs: no heap per row, memory that is reserved ahead and comes back, a chain that is as short for a
 * hot row as for any. Method: counts of bytes and links, not time.
 */
@Tag("allocation")
final class MemRowSetCostTest {
    private static final long MIB = 1L << 20;
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("a", ColumnType.INT64),
            Column.of("b", ColumnType.STRING).nullable(),
            Column.of("c", ColumnType.DOUBLE).nullable());

    private MemoryBudget budget;
    private MemoryAccount account;
    private Table table;
    private MemRowSet rows;

    @BeforeEach
    void open() {
        budget = MemoryBudget.open(PageSource.jdk(), 160 * MIB); // However often code runs until it is warm.
        account = budget.account("memrowset", 0);
        table = new Table(SCHEMA, account);
        rows = new MemRowSet(7, SCHEMA, account);
    }

    @AfterEach
    void close() {
        rows.close();
        rows.close();
        table.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    @Test
    void anInsertionAllocatesNothingOnTheHeap() {
        long effect = insertOf(0);
        long key = Effect.keyOffset(effect);
        var next = new AtomicLong(1);
        Allocation.assertNone("20 insertions", () -> {
            for (int i = 0; i < 20; i++) {
                long id = next.getAndIncrement() * 0x9E37_79B9_7F4A_7C15L;
                table.memory.set(ValueLayout.JAVA_LONG_UNALIGNED, key, id);
                rows.apply(table.memory, effect, 10);
            }
        });
    }

    @Test
    void anUpdateAllocatesNothingOnTheHeap() {
        for (int i = 0; i < 100; i++) {
            rows.apply(table.memory, insertOf(i), 10);
        }
        Cells cells = cells(50, "text");
        long effect = table.updateEffect(table.key(cells), new int[] {1, 2}, cells);
        Allocation.assertNone("20 updates", () -> {
            for (int i = 0; i < 20; i++) {
                rows.apply(table.memory, effect, 11);
            }
        });
    }

    @Test
    void aLateChangeAndCarryingItOverAllocateNothingOnTheHeap() {
        rows.apply(table.memory, insertOf(1), 10);
        rows.seal();
        try (RowSource source = rows.source(account)) {
            assertTrue(source.next());
            source.placed(0, 0);
        }
        Cells cells = cells(1, "text");
        long effect = table.updateEffect(table.key(cells), new int[] {1, 2}, cells);
        try (var store = new DeltaMemStore(8, account)) {
            var carryOver = new CarryOver(rows, List.of(store));
            Allocation.assertNone("10 late changes", () -> {
                for (int i = 0; i < 10; i++) {
                    rows.apply(table.memory, effect, 11);
                }
                carryOver.carry(10);
            });
            assertEquals(rows.lateChangeCount(), store.changeCount());
            assertEquals(0, carryOver.remaining());
        }
    }

    @Test
    void aScanAllocatesNothingOnTheHeapPerRow() {
        for (int i = 0; i < 20_000; i++) {
            rows.apply(table.memory, insertOf(i), 10);
        }
        for (int i = 0; i < 500; i++) {
            Cells cells = cells(i * 40L, "changed");
            rows.apply(table.memory, table.updateEffect(table.key(cells), new int[] {2}, cells), 11);
        }
        ScanSpec spec = ScanSpec.all(SCHEMA, 11)
                .withPredicates(List.of(Predicate.atLeast(SCHEMA, "a", 2L)))
                .withKeyOrder(true);
        try (ColumnBatch batch = ColumnBatch.of(spec, account)) {
            // The cursor itself has arrays for a batch of rows; beyond it there is nothing.
            Allocation.assertAtMost(48 << 10, "a scan of 20,000 rows", () -> {
                try (MemRowSetCursor cursor = rows.scan(spec, account)) {
                    while (cursor.next(batch)) {
                        assertTrue(batch.rowCount() > 0);
                    }
                }
            });
        }
    }

    @Test
    void aBatchThatChangesARowOftenTakesMemoryForOneChange() {
        rows.apply(table.memory, insertOf(1), 10);
        byte[] key = table.key(cells(1, "t0000"));
        long row = rows.find(table.memory, table.keyAt(key), key.length);
        try (var scratch = new Scratch(account, 4096)) {
            var states = new RowStates(new RowLayout(SCHEMA), table.memory, scratch);
            for (int time = 11; time < 13; time++) {
                byte[] before = packed(states.at(row, time - 1));
                long bytesBefore = rows.usedBytes();
                for (int i = 0; i < 1_000; i++) {
                    Cells cells = cells(1, "t" + (1000 + i));
                    rows.apply(table.memory, table.updateEffect(key, new int[] {2}, cells), time);
                }
                long taken = rows.usedBytes() - bytesBefore;
                assertTrue(taken <= 2 * (Change.BYTES + 64), taken + " bytes for 1,000 changes at one time");
                assertArrayEquals(before, packed(states.at(row, time - 1)), "what was visible");
            }
        }
    }

    private byte[] packed(long packedRow) {
        int bytes = new RowLayout(SCHEMA).rowBytes(table.memory, packedRow);
        return table.memory.asSlice(packedRow, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void aHotRowHasAShortWayToItsValuesHoweverOftenItIsUpdated() {
        rows.apply(table.memory, insertOf(1), 10);
        Cells cells = cells(1, "abc");
        byte[] key = table.key(cells);
        long row = rows.find(table.memory, table.keyAt(key), key.length);
        long bytesBefore = rows.usedBytes();
        int updates = 5_000;
        for (int i = 0; i < updates; i++) {
            rows.apply(table.memory, table.updateEffect(key, new int[] {1 + i % 3}, cells(1, "t" + i)), 11 + i);
            int links = 0;
            long change = RowHeader.newestChange(table.memory, row);
            while (change != 0 && Change.imageBytes(table.memory, change) == 0) {
                change = Change.older(table.memory, change);
                links++;
            }
            assertTrue(links <= 6, links + " changes to look through after " + i + " updates");
        }
        long perUpdate = (rows.usedBytes() - bytesBefore) / updates;
        assertTrue(perUpdate < 120, perUpdate + " bytes per update");
    }

    /** Once every update of such a row walked over all changes since the last image, which were many thousands. */
    @Test
    void anUpdateOfASmallCellBesideALargeOneIsCheap() {
        Cells cells = cells(1, "x".repeat(60_000));
        byte[] key = table.key(cells);
        rows.apply(table.memory, table.rowEffect(Effect.INSERT, cells), 10);
        int updates = 20_000;
        for (int i = 0; i < updates; i++) {
            rows.apply(table.memory, table.updateEffect(key, new int[] {1}, cells(1, "")), 11 + i);
        }
        assertTrue(rows.collectedCount() > updates / 2, "some image was made");
        assertTrue(rows.collectedCount() <= updates, rows.collectedCount() + " changes were walked over");
        assertTrue(rows.usedBytes() < updates * 80L, rows.usedBytes() + " bytes");
    }

    @Test
    void overheadPerRowIsSmall() {
        long rowBytes = 0;
        for (int i = 0; i < 30_000; i++) {
            long effect = insertOf(i);
            rowBytes += Effect.keyBytes(table.memory, effect) + Effect.bodyBytes(table.memory, effect);
            rows.apply(table.memory, effect, 10);
        }
        long overhead = (rows.usedBytes() - rowBytes) / 30_000;
        assertTrue(overhead <= 8 + 24 + 7 + 20, overhead + " bytes per row beyond key and row");
    }

    @RepeatedTest(10)
    void aReservedBatchNeverRunsOutOfMemory(@Seed SplittableRandom random) {
        MemoryAccount other = budget.account("other", 0);
        var taken = new ArrayList<Slab>();
        boolean isFull = false;
        for (int time = 1; !isFull; time++) {
            List<Cells> batch = new ArrayList<>();
            for (int i = random.nextInt(1, 800); i > 0; i--) {
                batch.add(cells(random.nextLong(40_000), "x".repeat(random.nextInt(50) == 0 ? 20_000 : 30)));
            }
            long bytes = 0;
            long largest = 0;
            for (Cells cells : batch) {
                long effectBytes = Effect.bytes(table.memory, table.rowEffect(Effect.INSERT, cells)) + 40L;
                bytes += effectBytes;
                largest = Math.max(largest, effectBytes);
            }
            if (!rows.reserve(bytes, batch.size(), largest)) {
                isFull = true;
                continue;
            }
            if (time == 5) { // Somebody takes all the rest.
                for (var slab = other.tryTake(16 << 10); slab != null; slab = other.tryTake(16 << 10)) {
                    taken.add(slab);
                }
            }
            for (Cells cells : batch) {
                byte[] key = table.key(cells);
                boolean isNew = rows.find(table.memory, table.keyAt(key), key.length) == 0;
                long effect = isNew
                        ? table.rowEffect(Effect.INSERT, cells)
                        : table.updateEffect(key, new int[] {1, 2, 3}, cells);
                rows.apply(table.memory, effect, time);
            }
        }
        rows.verify();
        taken.forEach(other::giveBack);
        other.close();
    }

    @Test
    void aScanGoesOnElsewhereBehindItsLastKey() {
        int count = 5_000;
        for (int i = 0; i < count; i++) {
            rows.apply(table.memory, insertOf(i * 7L % count), 10);
        }
        ScanSpec spec = ScanSpec.all(SCHEMA, 10).withProjection(List.of(0));
        long expected = 0;
        byte[] lastKey = new byte[0];
        try (ColumnBatch batch = ColumnBatch.of(spec, account)) {
            for (boolean more = true; more; ) {
                byte[] lower = Arrays.copyOf(lastKey, lastKey.length + (lastKey.length == 0 ? 0 : 1));
                try (MemRowSetCursor cursor = rows.scan(spec.withKeys(lower, null), account)) {
                    more = cursor.next(batch);
                    for (int i = 0; i < batch.rowCount(); i++) {
                        assertEquals(expected++, batch.column(0).getLong(i));
                    }
                    lastKey = more ? lastKey(cursor) : lastKey;
                }
            }
        }
        assertEquals(count, expected);
    }

    @Test
    void aBatchEndsBeforeItsBytesGetTooMany() {
        String text = "y".repeat(50_000);
        for (int i = 0; i < 100; i++) {
            rows.apply(table.memory, table.rowEffect(Effect.INSERT, cells(i, text)), 10);
        }
        ScanSpec spec = ScanSpec.all(SCHEMA, 10).withKeyOrder(true);
        int seen = 0;
        try (ColumnBatch batch = ColumnBatch.of(spec, account);
                MemRowSetCursor cursor = rows.scan(spec, account)) {
            while (cursor.next(batch)) {
                assertTrue(batch.rowCount() <= 20, batch.rowCount() + " rows");
                for (int i = 0; i < batch.rowCount(); i++) {
                    assertEquals(seen++, batch.column(0).getLong(i));
                    assertEquals(50_000, batch.column(2).variableBytes(i));
                }
            }
        }
        assertEquals(100, seen);
    }

    @Test
    void refusesWhatDoesNotFitAndChangesNothing() {
        rows.apply(table.memory, insertOf(1), 10);
        byte[] key = table.key(cells(1, ""));
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, insertOf(1), 11));
        long missing = table.deleteEffect(table.key(cells(2, "")));
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, missing, 11));
        rows.apply(table.memory, table.deleteEffect(key), 11);
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, table.deleteEffect(key), 12));
        rows.apply(table.memory, table.rowEffect(Effect.REINSERT, cells(1, "b")), 12);
        assertThrows(
                IllegalStateException.class,
                () -> rows.apply(table.memory, table.rowEffect(Effect.REINSERT, cells(1, "c")), 13));
        assertThrows(IllegalStateException.class, () -> rows.source(account));
        assertEquals(1, rows.liveRows());
        assertEquals(10, rows.oldestTime());
        assertEquals(12, rows.newestTime());
        rows.seal();
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, insertOf(3), 14));
        try (RowSource source = rows.source(account)) {
            assertTrue(source.next());
            assertEquals(12, source.insertTime());
            assertFalse(source.next());
        }
    }

    @Test
    void anEmptyOneHasNothing() {
        assertEquals(0, rows.rowCount());
        assertArrayEquals(new byte[0], rows.minKey());
        assertArrayEquals(new byte[0], rows.maxKey());
        rows.verify();
        ScanSpec spec = ScanSpec.all(SCHEMA, Long.MAX_VALUE);
        try (ColumnBatch batch = ColumnBatch.of(spec, account);
                MemRowSetCursor cursor = rows.scan(spec, account)) {
            assertFalse(cursor.next(batch));
        }
    }

    private static byte[] lastKey(MemRowSetCursor cursor) {
        byte[] key = cursor.lastKey();
        if (key == null) {
            throw new AssertionError("a cursor that yielded rows has a last key");
        }
        return key;
    }

    private long insertOf(long id) {
        return table.rowEffect(Effect.INSERT, cells(id, "some text"));
    }

    private static Cells cells(long id, String text) {
        return new Cells(List.of(
                CellValue.of(SCHEMA.column(0), id),
                CellValue.of(SCHEMA.column(1), id * 3),
                CellValue.of(SCHEMA.column(2), text),
                CellValue.of(SCHEMA.column(3), 0.5 * id)));
    }
}
