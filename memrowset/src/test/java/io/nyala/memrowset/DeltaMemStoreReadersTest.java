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
import io.nyala.testkit.Seed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: what a snapshot sees of changes is complete and stays as it is, whatever the writer does beside it. Method: a
 * writer changes random rows and notes after each batch how many are changed and deleted and the sum of their values,
 * before it lets the batch become visible; readers add up at the newest and at older times.
 */
final class DeltaMemStoreReadersTest {
    private static final int BATCHES = 3_000;
    private static final int ROWS = 6_000;
    private static final int HOT_ROWS = 8;
    private static final int COLUMN = 9;

    /**
     * What a snapshot shows.
     *
     * @param sum of all values of rows that are not deleted
     */
    private record Totals(long changed, long deleted, long sum) {}

    private final AtomicReferenceArray<Totals> totals = new AtomicReferenceArray<>(BATCHES + 1);
    private final AtomicIntegerArray changedAt = new AtomicIntegerArray(ROWS); // 0 while it is not.
    private final AtomicIntegerArray deletedAt = new AtomicIntegerArray(ROWS);
    private final long[] values = new long[ROWS]; // Of the writer.
    private final AtomicInteger visible = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    @RepeatedTest(3)
    void snapshotsAreCompleteAndStable(@Seed SplittableRandom random) throws Exception {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("deltas", 0);
                var updates = new Updates(account);
                var store = new DeltaMemStore(1, account)) {
            totals.set(0, new Totals(0, 0, 0));
            var readers = new ArrayList<Thread>();
            for (int i = 0; i < 3; i++) {
                SplittableRandom own = random.split();
                var reader = new Thread(() -> read(store, own));
                readers.add(reader);
                reader.start();
            }
            try {
                write(store, updates, random);
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            }
            for (Thread reader : readers) {
                reader.join();
            }
            if (failure.get() != null) {
                throw new AssertionError("a reader or the writer failed", failure.get());
            }
            store.verify();
        }
    }

    private void write(DeltaMemStore store, Updates updates, SplittableRandom random) {
        var now = new Totals(0, 0, 0);
        boolean ascending = random.nextBoolean();
        for (int time = 1; time <= BATCHES && failure.get() == null; time++) {
            for (int i = random.nextInt(1, 10); i > 0; i--) {
                int ordinal =
                        random.nextInt(4) == 0 ? random.nextInt(HOT_ROWS) * (ROWS / HOT_ROWS) : random.nextInt(ROWS);
                if (ascending) {
                    ordinal = (int) ((long) ordinal * time / BATCHES);
                }
                if (deletedAt.get(ordinal) == 0) {
                    now = change(store, updates, random, ordinal, time, now);
                }
            }
            totals.set(time, now);
            visible.set(time);
        }
    }

    private Totals change(
            DeltaMemStore store, Updates updates, SplittableRandom random, int ordinal, int time, Totals before) {
        boolean isNew = changedAt.get(ordinal) == 0;
        if (isNew) {
            changedAt.set(ordinal, time);
        }
        long changed = before.changed() + (isNew ? 1 : 0);
        long sum = before.sum() - values[ordinal];
        if (random.nextInt(40) == 0) {
            store.delete(ordinal, time);
            deletedAt.set(ordinal, time);
            return new Totals(changed, before.deleted() + 1, sum);
        }
        long value = random.nextLong(1_000);
        values[ordinal] = value;
        byte[] bytes = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        long change = updates.write(Map.of(COLUMN, CellValue.ofBytes(bytes)));
        store.update(ordinal, updates.memory, change, updates.bytes(), time);
        return new Totals(changed, before.deleted(), sum + value);
    }

    private void read(DeltaMemStore store, SplittableRandom random) {
        try {
            int newest = 0;
            while (newest < BATCHES && failure.get() == null) {
                newest = visible.get();
                check(store, newest, random);
                check(store, random.nextInt(newest + 1), random);
                for (int i = 0; i < 50; i++) {
                    checkRow(store, newest, random.nextInt(ROWS));
                }
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
    }

    /** By two cursors, one up to a row in the middle and one from there on. */
    private void check(DeltaMemStore store, int snapshot, SplittableRandom random) {
        int middle = random.nextInt(ROWS);
        Totals low = add(store, 0, middle, snapshot);
        Totals high = add(store, middle, Long.MAX_VALUE, snapshot);
        var both = new Totals(low.changed() + high.changed(), low.deleted() + high.deleted(), low.sum() + high.sum());
        assertEquals(totals.get(snapshot), both, "at " + snapshot);
    }

    private static Totals add(DeltaMemStore store, long from, long to, long snapshot) {
        long changed = 0;
        long deleted = 0;
        long sum = 0;
        long ordinal = -1;
        long value = 0; // The newest of the present row.
        try (DeltaSource.Cursor cursor = store.changes(from, to, snapshot)) {
            while (cursor.next()) {
                if (cursor.ordinal() != ordinal) {
                    assertTrue(cursor.ordinal() > ordinal, cursor.ordinal() + " after " + ordinal);
                    ordinal = cursor.ordinal();
                    sum += value;
                    value = 0;
                    changed++;
                }
                long change = cursor.changeOffset();
                if (RowChange.kind(cursor.memory(), change) == RowChange.DELETE) {
                    deleted++;
                    value = 0;
                } else {
                    long cell = RowChange.firstCell(change);
                    assertEquals(COLUMN, RowChange.cellColumnId(cursor.memory(), cell));
                    value = LittleEndian.getLong(cursor.memory(), RowChange.cellValue(cell));
                }
            }
        }
        return new Totals(changed, deleted, sum + value);
    }

    private void checkRow(DeltaMemStore store, int newest, int ordinal) {
        int changed = changedAt.get(ordinal);
        int deleted = deletedAt.get(ordinal);
        if (deleted > 0 && deleted <= newest) {
            assertTrue(store.isDeleted(ordinal), ordinal + " was deleted at " + deleted);
        }
        if (changed > 0 && changed <= newest) {
            assertTrue(store.mayChange(ordinal, ordinal + 1L, newest), ordinal + " was changed at " + changed);
        }
        if (newest == BATCHES && deleted == 0) {
            assertFalse(store.isDeleted(ordinal));
        }
    }
}
