package io.nyala.tablet;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.KeyFilter;
import io.nyala.cfile.PageCache;
import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Flush;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.diskrowset.RowSetOutput;
import io.nyala.io.IoPool;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.memrowset.CarryOver;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Effect;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows that change while their MemRowSet is flushed are the same in its outputs afterwards, at every snapshot.
 * Method: random changes before the seal and between the steps of a flush into several rowsets, carried over; then
 * scans of those, corrected, beside scans of the memory that they replace; and a tablet whose rows change all the time.
 */
final class FlushCarryOverTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("value", ColumnType.INT64),
            Column.of("text", ColumnType.STRING).nullable());
    private static final RowLayout LAYOUT = new RowLayout(SCHEMA);
    private static final Path DIRECTORY = Path.of("/rowsets");
    private static final int ROWS = 3_000;

    /** More than a worker leaves to the writer, and more than that does at once. */
    private static final long CHANGED_ROWS = 600;

    private MemoryBudget budget;
    private MemoryAccount account;
    private SimulatedDisk disk;
    private IoPool io;
    private PageCache cache;
    private LookupMemory lookups;
    private Slab slab;
    private MemRowSet rows;
    private final List<DeltaMemStore> stores = new ArrayList<>();
    private final List<DiskRowSet> outputs = new ArrayList<>();
    private final boolean[] live = new boolean[ROWS];
    private final boolean[] known = new boolean[ROWS];
    private long time = 100;
    private int nextFile = 1;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        budget = MemoryBudget.open(PageSource.jdk(), 128 << 20);
        account = budget.account("test", 0);
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        io = new IoPool(disk, 4, 16);
        cache = new PageCache(account, io, 16 << 20);
        lookups = new LookupMemory(account);
        slab = account.take(1 << 16);
        rows = new MemRowSet(1, SCHEMA, account);
    }

    @AfterEach
    void close() {
        stores.forEach(DeltaMemStore::close);
        outputs.forEach(DiskRowSet::close);
        rows.close();
        account.giveBack(slab);
        lookups.close();
        cache.close();
        io.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    @RepeatedTest(6)
    void rowsAreTheSameBeforeAndAfterTheSwap(@Seed SplittableRandom random) {
        change(random, 6_000, false);
        rows.seal();
        time++;
        var target = new Flush.Target(SCHEMA, account, 20_000, 16 << 20, KeyFilter.RATE_DEFAULT, io, this::nextFile);
        try (var flush = new Flush(rows.source(account), target)) {
            boolean more = true;
            while (more) {
                change(random, random.nextInt(200), true);
                more = flush.step();
            }
            flush.keepOutputs();
            for (RowSetOutput output : flush.outputs()) {
                outputs.add(DiskRowSet.open(file(output.fileId()), SCHEMA, cache, account, lookups));
                stores.add(new DeltaMemStore(output.fileId(), account));
            }
        }
        assertTrue(outputs.size() > 1, "there are several outputs");
        var carryOver = new CarryOver(rows, stores);
        carryOver.carry(random.nextInt(300));
        change(random, 200, true);
        carryOver.carry(Integer.MAX_VALUE);
        assertTrue(rows.lateChangeCount() > 0, "rows changed during the flush");
        for (int i = 0; i < 12; i++) {
            long snapshot = i == 0 ? time : random.nextLong(99, time + 1);
            assertEquals(inMemory(snapshot), onDisk(snapshot), "at " + snapshot);
        }
    }

    /**
     * Batches of changes lie between the moment in which the writer is asked to swap and the one in which it does what
     * it was asked for, again and again. It carries a few of them over each time, and the flush ends all the same.
     */
    @Test
    void theWriterCarriesFewOverHoweverManyCome(@Seed SplittableRandom random) {
        try (var one = new OneTablet(new SimulatedDisk(random.split()), SCHEMA);
                OneTablet.Batch changes = one.newBatch()) {
            one.commit(batch -> setEach(batch, OperationKind.INSERT, 0));
            var flush = new FlushTask(one.tablet(), one, DeviceCalls.UNWATCHED);
            one.await(() -> {
                flush.step();
                return flush.isCarryingOver();
            });
            CarryOver late = Objects.requireNonNull(
                            Objects.requireNonNull(one.tablet().seals().oldest())
                                    .replacement())
                    .late();
            setEach(changes.rows, OperationKind.UPDATE, 1);
            changes.submit();
            int batches = 1;
            long byWriter = 0;
            var byWorker = new long[1];
            Runnable worker = () -> {
                long before = late.carriedCount();
                for (int i = 0; i < 5; i++) { // Until it has asked the writer, mostly.
                    flush.step();
                }
                byWorker[0] += late.carriedCount() - before;
            };
            one.whenDecided = worker;
            for (int steps = 0; !flush.isDone(); steps++) {
                assertTrue(steps < 1_000, "the flush does not end");
                one.step();
                if (one.tablet().queue().admission().isHeld()) {
                    worker.run(); // The batch waits, and nothing else comes in between.
                }
                long newByWriter = late.carriedCount() - byWorker[0];
                assertTrue(
                        newByWriter - byWriter <= FlushTask.CHANGES_OF_WRITER_MAX,
                        newByWriter - byWriter + " changes in a step of the writer");
                byWriter = newByWriter;
                changes.probeIfWanted();
                if (changes.answers > 0) {
                    assertEquals(null, changes.failure);
                    changes.submit();
                    batches++;
                }
            }
            changes.await();
            assertTrue(byWriter > 5 * FlushTask.CHANGES_OF_WRITER_MAX, byWriter + " changes by the writer");
            assertEquals(late.carriedCount(), (batches - 1) * CHANGED_ROWS, "but for those that wait for the swap");
            assertTrue(late.carriedCount() <= FreshRows.LATE_CHANGES_MAX + CHANGED_ROWS, late.carriedCount() + " late");
            NavigableMap<RowKey, List<@Nullable Object>> after = one.rows();
            one.restart();
            assertEquals(after, one.rows());
        }
    }

    private static void setEach(OperationBatch batch, OperationKind kind, long value) {
        for (int id = 0; id < CHANGED_ROWS; id++) {
            batch.start(kind).setLong(0, id).setLong(1, value).end();
        }
    }

    private RowSetFile nextFile() {
        return file(nextFile++);
    }

    private RowSetFile file(long id) {
        return new RowSetFile(disk, DIRECTORY.resolve(id + ".rowset"), id, 1);
    }

    /** Late, only what was live stays to be changed. */
    private void change(SplittableRandom random, int count, boolean isLate) {
        try (var batch = new OperationBatch(LAYOUT, account)) {
            for (int i = 0; i < count; i++) {
                time += random.nextInt(3) == 0 ? 1 : 0;
                int id = random.nextInt(ROWS);
                if (!live[id] && !isLate) {
                    apply(batch, known[id] ? Effect.REINSERT : Effect.INSERT, id, random);
                    known[id] = true;
                    live[id] = true;
                } else if (live[id]) {
                    live[id] = random.nextInt(6) > 0;
                    apply(batch, live[id] ? Effect.UPDATE : Effect.DELETE, id, random);
                }
            }
        }
    }

    private void apply(OperationBatch batch, int kind, int id, SplittableRandom random) {
        batch.clear();
        batch.start(
                kind == Effect.DELETE
                        ? OperationKind.DELETE
                        : kind == Effect.UPDATE ? OperationKind.UPDATE : OperationKind.INSERT);
        batch.setLong(0, id);
        if (kind != Effect.DELETE) {
            batch.setLong(1, random.nextInt(1_000));
        }
        if (kind != Effect.DELETE && random.nextBoolean()) {
            batch.set("text", random.nextInt(4) == 0 ? null : "text " + random.nextInt(1_000));
        }
        assertTrue(batch.end());
        long effect = slab.offset();
        switch (kind) {
            case Effect.INSERT -> Effect.writeInsert(batch.memory(), 0, budget.memory(), effect);
            case Effect.REINSERT -> Effect.writeReinsert(batch.memory(), 0, budget.memory(), effect);
            case Effect.UPDATE -> Effect.writeUpdate(LAYOUT, batch.memory(), 0, budget.memory(), effect);
            default -> Effect.writeDelete(batch.memory(), 0, budget.memory(), effect);
        }
        rows.apply(budget.memory(), effect, time);
    }

    private NavigableMap<Long, String> inMemory(long snapshot) {
        var found = new TreeMap<Long, String>();
        ScanSpec spec = ScanSpec.all(SCHEMA, snapshot);
        try (RowCursor cursor = rows.scan(spec, account)) {
            read(cursor, spec, found);
        }
        return found;
    }

    private NavigableMap<Long, String> onDisk(long snapshot) {
        var found = new TreeMap<Long, String>();
        ScanSpec spec = ScanSpec.all(SCHEMA, snapshot);
        for (int i = 0; i < outputs.size(); i++) {
            List<DeltaSource> redo = List.of(stores.get(i));
            try (RowCursor cursor = outputs.get(i).scan(spec, account, () -> redo)) {
                read(cursor, spec, found);
            }
        }
        return found;
    }

    private void read(RowCursor cursor, ScanSpec spec, NavigableMap<Long, String> found) {
        try (ColumnBatch batch = ColumnBatch.of(spec, account)) {
            while (cursor.next(batch)) {
                for (int i = 0; i < batch.rowCount(); i++) {
                    String text = batch.column(2).isNull(i)
                            ? null
                            : new String(batch.column(2).getBytes(i), US_ASCII);
                    @Nullable
                    String twin = found.put(
                            batch.column(0).getLong(i), batch.column(1).getLong(i) + text);
                    assertEquals(null, twin, "a row is there twice");
                }
            }
        }
    }
}
