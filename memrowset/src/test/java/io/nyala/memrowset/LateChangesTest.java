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
import io.nyala.rows.Effect;
import io.nyala.rows.RowSource;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: a flush sees its MemRowSet as it was at the seal, and what changes during the flush is in the stores of its
 * outputs afterwards, each change once and in order. Method: the same effects in a twin that gets no late changes,
 * whose rows the flush must see; late changes between all steps of flushes and carry-overs, against a sorted map.
 */
final class LateChangesTest {
    private static final long MIB = 1L << 20;

    /** A change after the seal; cells by column id, null for a DELETE. */
    private static final class Late {
        private final byte[] key;
        private final long time;
        private final @Nullable Map<Integer, @Nullable CellValue> cells;

        Late(byte[] key, long time, @Nullable Map<Integer, @Nullable CellValue> cells) {
            this.key = key;
            this.time = time;
            this.cells = cells;
        }
    }

    private MemoryBudget budget;
    private MemoryAccount account;
    private MemoryAccount other;
    private Table table;
    private MemRowSet rows;
    private MemRowSet twin;
    private Model model;
    private long time;
    private int keyCount;
    private final List<Late> late = new ArrayList<>();
    private final List<DeltaMemStore> stores = new ArrayList<>();

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        budget = MemoryBudget.open(PageSource.jdk(), 32 * MIB);
        account = budget.account("memrowset", 0);
        other = budget.account("other", 0);
        table = new Table(Table.drawSchema(random), other);
        rows = new MemRowSet(1, table.schema, account);
        twin = new MemRowSet(2, table.schema, account);
        model = new Model();
        time = 100;
        keyCount = random.nextInt(1, 300);
        for (int batches = random.nextInt(1, 50); batches > 0; batches--) {
            time++;
            for (int i = random.nextInt(1, 30); i > 0; i--) {
                applyBeforeSeal(random);
            }
        }
        while (model.snapshot(Long.MAX_VALUE).isEmpty()) {
            applyBeforeSeal(random);
        }
        rows.seal();
        twin.seal();
    }

    @AfterEach
    void close() {
        stores.forEach(DeltaMemStore::close);
        twin.close();
        rows.close();
        long effect = table.deleteEffect(model.rows.firstKey());
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, effect, 9_999));
        table.close();
        account.close();
        other.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    private void applyBeforeSeal(SplittableRandom random) {
        Cells cells = table.drawRow(random, keyCount);
        byte[] key = table.key(cells);
        Cells newest = model.newest(key);
        long effect;
        if (newest == null) {
            effect = table.rowEffect(model.contains(key) ? Effect.REINSERT : Effect.INSERT, cells);
            model.put(key, time, cells);
        } else if (random.nextInt(4) == 0) {
            effect = table.deleteEffect(key);
            model.put(key, time, null);
        } else {
            int[] columns = drawColumns(random);
            model.put(key, time, newest.with(columns, cells));
            effect = table.updateEffect(key, columns, cells);
        }
        rows.apply(table.memory, effect, time);
        twin.apply(table.memory, effect, time);
    }

    /** An UPDATE or DELETE of a live row, if there is one among a few that are tried. */
    private void applyLate(SplittableRandom random) {
        time += random.nextInt(2);
        for (int tries = 0; tries < 5; tries++) {
            Cells cells = table.drawRow(random, keyCount);
            byte[] key = table.key(cells);
            Cells newest = model.newest(key);
            if (newest == null) {
                long effect = table.rowEffect(model.contains(key) ? Effect.REINSERT : Effect.INSERT, cells);
                assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, effect, time));
                continue;
            }
            long effect;
            if (random.nextInt(10) == 0) {
                effect = table.deleteEffect(key);
                late.add(new Late(key, time, null));
                model.put(key, time, null);
            } else {
                int[] columns = drawColumns(random);
                var byId = new TreeMap<Integer, @Nullable CellValue>();
                for (int column : columns) {
                    byId.put(table.schema.column(column).id(), cells.get(column));
                }
                effect = table.updateEffect(key, columns, cells);
                late.add(new Late(key, time, byId));
                model.put(key, time, newest.with(columns, cells));
            }
            rows.apply(table.memory, effect, time);
            return;
        }
    }

    private void applyLate(SplittableRandom random, int countMax) {
        for (int i = random.nextInt(countMax + 1); i > 0; i--) {
            applyLate(random);
        }
    }

    private int[] drawColumns(SplittableRandom random) {
        int first = table.schema.keyColumnCount();
        return random.ints(first, table.schema.columnCount() + 1)
                .limit(3)
                .filter(column -> column < table.schema.columnCount())
                .distinct()
                .toArray();
    }

    @RepeatedTest(40)
    void aFlushSeesTheRowsAsTheyWereAndWhatComesLateIsCarriedOver(@Seed SplittableRandom random) {
        time++;
        applyLate(random, 30);
        for (int failures = random.nextInt(3); failures > 0; failures--) {
            flush(random, random.nextInt(keyCount)); // Ends somewhere; the places are overwritten.
            stores.forEach(DeltaMemStore::close);
        }
        flush(random, Integer.MAX_VALUE);
        var carryOver = new CarryOver(rows, stores);
        for (int pieces = random.nextInt(5); pieces > 0; pieces--) {
            long before = carryOver.remaining();
            int countMax = random.nextInt(100);
            assertEquals(Math.min(before, countMax), carryOver.carry(countMax));
            applyLate(random, 30);
        }
        assertEquals(carryOver.remaining(), carryOver.carry(Integer.MAX_VALUE));
        assertEquals(0, carryOver.carry(10));
        assertEquals(0, carryOver.remaining());
        assertEquals(late.size(), rows.lateChangeCount());
        assertEquals(model.snapshot(Long.MAX_VALUE).size(), rows.liveRows());
        rows.verify();
        checkStores();
    }

    /** Reads rows beside those of the twin, with late changes in between, and places them in outputs of random size. */
    private void flush(SplittableRandom random, int rowsMax) {
        stores.clear();
        int ordinal = Integer.MAX_VALUE;
        int ordinals = 0;
        try (RowSource source = rows.source(account);
                RowSource expected = twin.source(account)) {
            for (int i = 0; i < rowsMax && expected.next(); i++) {
                applyLate(random, 2);
                assertTrue(source.next());
                assertSameRow(expected, source);
                applyLate(random, 1);
                if (ordinal >= ordinals) {
                    ordinal = 0;
                    ordinals = random.nextInt(1, 100);
                    stores.add(new DeltaMemStore(stores.size(), account));
                }
                source.placed(stores.size() - 1, ordinal++);
            }
            assertTrue(rowsMax < Integer.MAX_VALUE || !source.next(), "more rows than in the twin");
        }
    }

    /** The worker flushes and carries over while the writer changes rows; then the writer carries the rest. */
    @RepeatedTest(4)
    void aFlushAndItsCarryOverRunBesideTheWriter(@Seed SplittableRandom random) throws Exception {
        var failure = new AtomicReference<@Nullable Throwable>();
        var carryOver = new CarryOver(rows, stores());
        var isWriting = new AtomicBoolean(true);
        var worker = new Thread(() -> {
            try {
                flushBesideTheWriter();
                while (isWriting.get()) {
                    carryOver.carry(16);
                }
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            }
        });
        worker.start();
        for (int i = 0; i < 3_000 && failure.get() == null; i++) {
            time++;
            applyLate(random);
        }
        isWriting.set(false);
        worker.join();
        if (failure.get() != null) {
            throw new AssertionError("the worker failed", failure.get());
        }
        carryOver.carry(Integer.MAX_VALUE);
        assertEquals(0, carryOver.remaining());
        checkStores();
    }

    private List<DeltaMemStore> stores() {
        for (int i = 0; i < 4; i++) {
            stores.add(new DeltaMemStore(i, account));
        }
        return stores;
    }

    private void flushBesideTheWriter() {
        try (RowSource source = rows.source(account);
                RowSource expected = twin.source(account)) {
            for (int i = 0; expected.next(); i++) {
                assertTrue(source.next());
                assertSameRow(expected, source);
                source.placed(i % stores.size(), i / stores.size());
            }
            assertFalse(source.next());
        }
    }

    private static void assertSameRow(RowSource expected, RowSource actual) {
        assertSameBytes(
                expected, expected.keyOffset(), expected.keyBytes(), actual, actual.keyOffset(), actual.keyBytes());
        assertSameBytes(
                expected, expected.rowOffset(), expected.rowBytes(), actual, actual.rowOffset(), actual.rowBytes());
        assertEquals(expected.insertTime(), actual.insertTime());
        assertEquals(expected.isDeleted(), actual.isDeleted());
        assertEquals(expected.newestChange(), actual.newestChange());
        assertEquals(expected.historyCount(), actual.historyCount());
        for (int i = 0; i < expected.historyCount(); i++) {
            assertEquals(expected.historyTime(i), actual.historyTime(i));
            assertSameBytes(
                    expected,
                    expected.historyOffset(i),
                    expected.historyBytes(i),
                    actual,
                    actual.historyOffset(i),
                    actual.historyBytes(i));
        }
    }

    private static void assertSameBytes(
            RowSource expected, long at, int bytes, RowSource actual, long actualAt, int actualBytes) {
        assertEquals(bytes, actualBytes);
        assertEquals(
                -1,
                expected.memory().asSlice(at, bytes).mismatch(actual.memory().asSlice(actualAt, actualBytes)));
    }

    private void checkStores() {
        List<DeltaModel> expected = new ArrayList<>();
        stores.forEach(_ -> expected.add(new DeltaModel()));
        for (Late change : late) {
            long row = rows.find(table.memory, table.keyAt(change.key), change.key.length);
            long place = rows.place(row);
            expected.get(Place.output(place)).add(Place.ordinal(place), change.time, change.cells);
        }
        for (int i = 0; i < stores.size(); i++) {
            stores.get(i).verify();
            DeltaModel.assertSame(expected.get(i).rows, DeltaModel.readAll(stores.get(i)));
        }
    }

    @RepeatedTest(5)
    void whatDoesNotBelongHereIsRefused(@Seed SplittableRandom random) {
        Cells cells = liveRow(random);
        byte[] key = table.key(cells);
        long atSeal = rows.newestTime();
        long effect = table.deleteEffect(key);
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, effect, atSeal));
        assertEquals(0, rows.lateChangeCount());
        rows.apply(table.memory, effect, atSeal + 1);
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, effect, atSeal + 2));
        long again = table.rowEffect(Effect.REINSERT, cells);
        assertThrows(IllegalStateException.class, () -> rows.apply(table.memory, again, atSeal + 2));
        assertThrows(IllegalStateException.class, () -> rows.replay(table.memory, again, atSeal + 2));
        assertEquals(1, rows.lateChangeCount());
        assertEquals(Place.NONE, rows.place(rows.find(table.memory, table.keyAt(key), key.length)));
        var carryOver = new CarryOver(rows, List.of());
        assertThrows(IllegalStateException.class, () -> carryOver.carry(1)); // The flush has not written it.
        assertEquals(1, carryOver.remaining());
        try (var active = new MemRowSet(3, table.schema, account)) {
            assertThrows(IllegalArgumentException.class, () -> new CarryOver(active, List.of()));
        }
    }

    @RepeatedTest(10)
    void reservedLateChangesNeverRunOutOfMemoryAndCarryingThemGoesOnAfterIt(@Seed SplittableRandom random) {
        time++;
        for (int batches = random.nextInt(1, 20); batches > 0; batches--) {
            int count = random.nextInt(1, 400);
            var keys = new ArrayList<byte[]>();
            var drawn = new ArrayList<Cells>();
            long bytes = 0;
            for (int i = 0; i < count; i++) {
                Cells cells = table.drawRow(random, keyCount);
                if (model.newest(table.key(cells)) != null) {
                    keys.add(table.key(cells));
                    drawn.add(cells);
                    bytes += Effect.bytes(table.memory, table.updateEffect(keys.getLast(), allColumns(), cells));
                }
            }
            List<Slab> taken = random.nextInt(3) == 0 ? takeAll() : new ArrayList<>();
            if (rows.reserve(bytes, keys.size())) {
                taken.addAll(takeAll());
                for (int i = 0; i < keys.size(); i++) {
                    rows.apply(table.memory, table.updateEffect(keys.get(i), allColumns(), drawn.get(i)), time);
                    late.add(new Late(keys.get(i), time, byId(drawn.get(i))));
                }
            }
            taken.forEach(other::giveBack);
        }
        time++;
        flushWithoutChanges();
        var carryOver = new CarryOver(rows, stores);
        while (carryOver.remaining() > 0) {
            long beforeRound = carryOver.remaining();
            List<Slab> taken = takeAll();
            boolean isOut = false;
            for (int i = 0; i < 50 && !isOut; i++) {
                long before = carryOver.remaining();
                try {
                    carryOver.carry(1);
                } catch (MemoryLimitException e) {
                    isOut = true;
                    assertEquals(before, carryOver.remaining());
                }
            }
            taken.forEach(other::giveBack);
            carryOver.carry(20);
            assertTrue(carryOver.remaining() < beforeRound, "none was carried");
        }
        assertEquals(0, carryOver.remaining());
        checkStores();
    }

    private void flushWithoutChanges() {
        stores.add(new DeltaMemStore(0, account));
        try (RowSource source = rows.source(account)) {
            for (int i = 0; source.next(); i++) {
                source.placed(0, i);
            }
        }
    }

    /** There is one: see {@link #open}. */
    private Cells liveRow(SplittableRandom random) {
        List<Cells> live = List.copyOf(model.snapshot(Long.MAX_VALUE).values());
        return live.get(random.nextInt(live.size()));
    }

    private int[] allColumns() {
        int first = table.schema.keyColumnCount();
        int[] columns = new int[table.schema.columnCount() - first];
        for (int i = 0; i < columns.length; i++) {
            columns[i] = first + i;
        }
        return columns;
    }

    private Map<Integer, @Nullable CellValue> byId(Cells cells) {
        var byId = new TreeMap<Integer, @Nullable CellValue>();
        for (int column : allColumns()) {
            byId.put(table.schema.column(column).id(), cells.get(column));
        }
        return byId;
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
}
