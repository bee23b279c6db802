package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: a snapshot is complete and stays as it is, whatever the writer does beside it. Method: a writer applies random
 * batches and notes the count and the sum of live rows after each before it lets the batch become visible; readers scan
 * at the newest and at older times.
 */
final class MemRowSetReadersTest {
    private static final int BATCHES = 1_500;
    private static final int KEYS = 4_000;
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("value", ColumnType.INT64),
            Column.of("text", ColumnType.STRING).nullable());

    /** @param sum of all values */
    private record Totals(long count, long sum) {}

    private final AtomicReferenceArray<Totals> totals = new AtomicReferenceArray<>(BATCHES + 1);
    private final AtomicLong visible = new AtomicLong();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    @RepeatedTest(3)
    void snapshotsAreCompleteAndStable(@Seed SplittableRandom random) throws Exception {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("memrowset", 0);
                var table = new Table(SCHEMA, account);
                var rows = new MemRowSet(1, SCHEMA, account)) {
            totals.set(0, new Totals(0, 0));
            var readers = new ArrayList<Thread>();
            for (int i = 0; i < 3; i++) {
                SplittableRandom own = random.split();
                var reader = new Thread(() -> read(rows, account, own));
                readers.add(reader);
                reader.start();
            }
            try {
                write(rows, table, random);
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            }
            for (Thread reader : readers) {
                reader.join();
            }
            if (failure.get() != null) {
                throw new AssertionError("a reader or the writer failed", failure.get());
            }
            rows.verify();
        }
    }

    private void write(MemRowSet rows, Table table, SplittableRandom random) {
        Map<Long, Long> live = new HashMap<>();
        long sum = 0;
        boolean ascending = random.nextBoolean();
        for (int time = 1; time <= BATCHES && failure.get() == null; time++) {
            for (int i = random.nextInt(1, 12); i > 0; i--) {
                long id = ascending ? random.nextLong(1 + (long) KEYS * time / BATCHES) : random.nextLong(KEYS);
                long value = random.nextLong(1_000);
                Cells cells = cells(id, value, random);
                byte[] key = table.key(cells);
                boolean known = rows.find(table.memory, table.keyAt(key), key.length) != 0;
                Long before = live.get(id);
                long effect;
                if (before == null) {
                    effect = table.rowEffect(known ? Effect.REINSERT : Effect.INSERT, cells);
                } else if (random.nextInt(5) == 0) {
                    effect = table.deleteEffect(key);
                } else {
                    effect = table.updateEffect(key, new int[] {1, 2}, cells);
                }
                rows.apply(table.memory, effect, time);
                sum -= before == null ? 0 : before;
                if (Effect.kind(table.memory, effect) == Effect.DELETE) {
                    live.remove(id);
                } else {
                    live.put(id, value);
                    sum += value;
                }
            }
            totals.set(time, new Totals(live.size(), sum));
            visible.set(time);
        }
    }

    private static Cells cells(long id, long value, SplittableRandom random) {
        byte[] text = new byte[random.nextInt(30)];
        return new Cells(List.of(
                CellValue.of(SCHEMA.column(0), id), CellValue.of(SCHEMA.column(1), value), CellValue.ofBytes(text)));
    }

    private void read(MemRowSet rows, MemoryAccount account, SplittableRandom random) {
        try (var batch = new ColumnBatch(List.of(SCHEMA.column(0), SCHEMA.column(1)), false, account)) {
            long newest = 0;
            while (newest < BATCHES && failure.get() == null) {
                newest = visible.get();
                check(rows, account, batch, newest);
                check(rows, account, batch, random.nextLong(newest + 1));
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
    }

    private void check(MemRowSet rows, MemoryAccount account, ColumnBatch batch, long snapshot) {
        var spec = ScanSpec.all(SCHEMA, snapshot).withProjection(List.of(0, 1));
        long count = 0;
        long sum = 0;
        long previous = -1;
        try (MemRowSetCursor cursor = rows.scan(spec, account)) {
            while (cursor.next(batch)) {
                for (int i = 0; i < batch.rowCount(); i++) {
                    long id = batch.column(0).getLong(i);
                    assertTrue(id > previous, id + " after " + previous);
                    previous = id;
                    count++;
                    sum += batch.column(1).getLong(i);
                }
            }
        }
        assertEquals(totals.get((int) snapshot), new Totals(count, sum), "at " + snapshot);
    }
}
