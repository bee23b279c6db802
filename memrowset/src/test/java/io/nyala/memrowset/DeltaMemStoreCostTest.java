package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.CellValue;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import io.nyala.testkit.Allocation;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: what changes cost: no heap per change, little memory beyond their bytes, and for a hot row as few bytes to look
 * at as for any. Method: counts of bytes and changes, not time.
 */
@Tag("allocation")
final class DeltaMemStoreCostTest {
    private static final long MIB = 1L << 20;
    private static final CellValue EIGHT_BYTES = CellValue.ofBytes(new byte[8]);

    private MemoryBudget budget;
    private MemoryAccount account;
    private Updates updates;
    private DeltaMemStore store;

    @BeforeEach
    void open() {
        budget = MemoryBudget.open(PageSource.jdk(), 160 * MIB);
        account = budget.account("deltas", 0);
        updates = new Updates(account);
        store = new DeltaMemStore(7, account);
    }

    @AfterEach
    void close() {
        store.close();
        updates.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    @Test
    void aChangeAllocatesNothingOnTheHeap() {
        long change = updates.write(Map.of(3, EIGHT_BYTES));
        int bytes = updates.bytes();
        var next = new AtomicInteger();
        Allocation.assertNone("a batch of 20 updates and 20 deletions", () -> {
            assertTrue(store.reserve(20L * bytes, 40));
            for (int i = 0; i < 20; i++) {
                int ordinal = next.getAndIncrement();
                store.update(ordinal, updates.memory, change, bytes, 10);
                store.delete(ordinal, 10);
            }
        });
    }

    @Test
    void anUpdateOfAHotRowAllocatesNothingOnTheHeap() {
        long change = updates.write(Map.of(3, EIGHT_BYTES, 4, EIGHT_BYTES));
        int bytes = updates.bytes();
        Allocation.assertNone("20 updates", () -> {
            for (int i = 0; i < 20; i++) {
                store.update(9, updates.memory, change, bytes, 10);
            }
        });
        assertTrue(store.collectedCount() > 0, "there were images");
    }

    @Test
    void whoAsksAboutARowAllocatesNothingOnTheHeap() {
        long change = updates.write(Map.of(3, EIGHT_BYTES));
        for (int i = 0; i < 5_000; i++) {
            if (i % 2 == 0) {
                store.delete(i * 10, 10);
            } else {
                store.update(i * 10, updates.memory, change, updates.bytes(), 10);
            }
        }
        Allocation.assertNone("questions about 500 rows", () -> {
            for (int i = 0; i < 500; i++) {
                assertEquals(i % 20 == 0, store.isDeleted(i));
                assertEquals(i % 10 == 0, store.mayChange(i, i + 1, 10));
                assertTrue(store.touches(3));
            }
        });
    }

    @Test
    void aCursorAllocatesNothingPerChange() {
        long change = updates.write(Map.of(3, EIGHT_BYTES));
        for (int i = 0; i < 40_000; i++) {
            store.update(i % 20_000, updates.memory, change, updates.bytes(), 10 + i);
        }
        var seen = new AtomicInteger();
        // The cursor itself has room for a leaf and for a chain.
        Allocation.assertAtMost(600, "a walk over 40,000 changes", () -> {
            seen.set(0);
            try (DeltaSource.Cursor cursor = store.changes(0, Long.MAX_VALUE, 1_000_000)) {
                while (cursor.next()) {
                    seen.lazySet(seen.getPlain() + 1);
                }
            }
        });
        assertEquals(40_000, seen.get());
    }

    /** A million updates, after each thousand of which a reader looks. */
    @Test
    void aHotRowHasFewBytesToLookAtHoweverOftenItIsUpdated() {
        int count = 1_000_000;
        long change = updates.write(Map.of(1, EIGHT_BYTES, 2, EIGHT_BYTES));
        int bytes = updates.bytes();
        store.update(4, updates.memory, change, bytes, 1);
        store.update(6, updates.memory, change, bytes, 1);
        for (int i = 2; i <= count; i++) {
            LittleEndian.setLong(updates.memory, change + bytes - Long.BYTES, i);
            store.update(5, updates.memory, change, bytes, i);
            if (i % 1_000 == 0) {
                long visited = visitedBytes(i);
                assertTrue(visited <= 1_200, visited + " bytes after " + i + " updates");
            }
        }
        assertEquals(count + 1, store.changeCount());
        assertEquals(3, store.changedRows());
        assertTrue(store.collectedCount() <= count, store.collectedCount() + " changes were walked over");
        long perUpdate = store.usedBytes() / count;
        assertTrue(perUpdate <= Change.BYTES + bytes + 4 + 8, perUpdate + " bytes per update");
        store.verify();
    }

    /** What a reader of the three rows is given, which also is about what it walks over. */
    private long visitedBytes(int time) {
        long visited = 0;
        long last = 0;
        try (DeltaSource.Cursor cursor = store.changes(0, 10, time)) {
            while (cursor.next()) {
                visited += Change.BYTES + cursor.changeBytes();
                if (cursor.ordinal() == 5) {
                    last = LittleEndian.getLong(
                            cursor.memory(), cursor.changeOffset() + cursor.changeBytes() - Long.BYTES);
                }
            }
        }
        assertEquals(time, last, "the newest value");
        return visited;
    }

    /** Many columns, one at a time: an image is large, so there are few. */
    @Test
    void aHotRowOfManyColumnsTakesAtMostTwiceItsChanges() {
        int columns = 500;
        int count = 100_000;
        long plainBytes = 0;
        for (int i = 0; i < count; i++) {
            long change = updates.write(Map.of(i * 7 % columns, EIGHT_BYTES));
            store.update(5, updates.memory, change, updates.bytes(), 10 + i);
            plainBytes += Change.BYTES + updates.bytes() + 4;
            if (i % 1_000 == 0) {
                assertTrue(countChanges(10 + i) <= 240, "at " + i);
            }
        }
        assertTrue(store.usedBytes() <= 2 * plainBytes + 1_000, store.usedBytes() + " bytes");
        assertTrue(store.collectedCount() <= count + columns, store.collectedCount() + " changes were walked over");
    }

    private int countChanges(long snapshot) {
        int count = 0;
        try (DeltaSource.Cursor cursor = store.changes(0, 10, snapshot)) {
            while (cursor.next()) {
                assertEquals(RowChange.UPDATE, RowChange.kind(cursor.memory(), cursor.changeOffset()));
                count++;
            }
        }
        return count;
    }

    @Test
    void overheadPerChangedRowIsSmall() {
        int rows = 30_000;
        long change = updates.write(Map.of(1, EIGHT_BYTES));
        for (int i = 0; i < rows; i++) {
            store.update(i * 7, updates.memory, change, updates.bytes(), 10);
        }
        long overhead = store.usedBytes() / rows - updates.bytes();
        assertTrue(overhead <= RowHeader.BYTES + 8 + Change.BYTES + 4 + 20, overhead + " bytes per row");
        assertFalse(store.isDeleted(7));
        assertTrue(
                store.memoryBytes() <= store.usedBytes() * 5 / 4 + (256 << 10), store.memoryBytes() + " bytes taken");
    }
}
