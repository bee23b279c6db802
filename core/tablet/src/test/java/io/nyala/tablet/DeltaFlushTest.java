package io.nyala.tablet;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.PageCache;
import io.nyala.diskrowset.DeltaBase;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.diskrowset.DeltaFileWriter;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.diskrowset.RowSetWriter;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: what a DeltaMemStore has of a rowset's rows is the same in the delta file that takes its place, at every
 * snapshot, also for scans that were begun before. Method: random changes in rounds, each sealed and flushed; scans by
 * way of the stores, of the files, and of both while one replaces the other, against a map of versions.
 */
final class DeltaFlushTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("value", ColumnType.INT64),
            Column.of("text", ColumnType.STRING).nullable());
    private static final RowLayout LAYOUT = new RowLayout(SCHEMA);
    private static final Path DIRECTORY = Path.of("/rowsets");
    private static final int ROWS = 3_500;
    private static final long BASE_TIME = 10;

    private MemoryBudget budget;
    private MemoryAccount account;
    private SimulatedDisk disk;
    private IoPool io;
    private PageCache cache;
    private LookupMemory lookups;
    private Slab slab;
    private DiskRowSet base;
    private long time = 100;

    /** Of each row, its versions by their times: value and text, or null if it is deleted. */
    private final List<NavigableMap<Long, String>> versions = new ArrayList<>();

    private final List<DeltaMemStore> stores = new ArrayList<>();
    private final List<DeltaFile> files = new ArrayList<>();

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        budget = MemoryBudget.open(PageSource.jdk(), 128 << 20);
        account = budget.account("test", 0);
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        io = new IoPool(disk, 4, 16);
        cache = new PageCache(account, io, 4 << 20);
        lookups = new LookupMemory(account);
        slab = account.take(1 << 16);
        writeBase();
        base = DiskRowSet.open(file(1, "rowset"), SCHEMA, cache, account, lookups);
    }

    private void writeBase() {
        try (var rows = new MemRowSet(1, SCHEMA, account);
                var batch = new OperationBatch(LAYOUT, account)) {
            for (int id = 0; id < ROWS; id++) {
                batch.clear();
                batch.start(OperationKind.INSERT)
                        .setLong(0, id)
                        .setLong(1, id % 7)
                        .setString(2, "first")
                        .end();
                Effect.writeInsert(batch.memory(), 0, budget.memory(), slab.offset());
                rows.apply(budget.memory(), slab.offset(), BASE_TIME);
                versions.add(new TreeMap<>(Map.of(BASE_TIME, id % 7 + " first")));
            }
            rows.seal();
            IoQueue queue = io.borrow();
            try (RowSource source = rows.source(account);
                    var writer = new RowSetWriter(SCHEMA, account)) {
                while (source.next()) {
                    writer.append(source);
                }
                writer.finish(file(1, "rowset"), queue);
            } finally {
                io.giveBack(queue);
            }
        }
    }

    private RowSetFile file(long id, String kind) {
        return new RowSetFile(disk, DIRECTORY.resolve(id + "." + kind), id, 1);
    }

    @AfterEach
    void close() {
        stores.forEach(DeltaMemStore::close);
        files.forEach(DeltaFile::close);
        base.close();
        account.giveBack(slab);
        lookups.close();
        cache.close();
        io.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
        assertEquals(0, disk.openFileCount());
    }

    @RepeatedTest(5)
    void scansAnswerTheSameBeforeAndAfterTheFlush(@Seed SplittableRandom random) {
        int rounds = random.nextInt(1, 5);
        for (int round = 0; round < rounds; round++) {
            var store = new DeltaMemStore(round, account);
            stores.add(store);
            change(random, store, 1 + random.nextInt(1 << random.nextInt(2, 13)));
            store.seal();
            flush(store, 2 + round);
            checkChanges(store, files.getLast(), random);
        }
        var active = new DeltaMemStore(rounds, account);
        stores.add(active);
        change(random, active, 300);
        for (int i = 0; i < 12; i++) {
            long snapshot = i == 0 ? time : random.nextLong(BASE_TIME - 1, time + 1);
            NavigableMap<Long, String> expected = expected(snapshot);
            assertEquals(expected, scan(snapshot, mixed(random)), "at " + snapshot);
            assertEquals(expected, scan(snapshot, mixed(random), mixed(random)), "swapped, at " + snapshot);
        }
    }

    private void flush(DeltaMemStore sealed, long fileId) {
        IoQueue queue = io.borrow();
        try {
            DeltaBase about = DeltaBase.of(base);
            DeltaFileOutput output =
                    DeltaFileWriter.write(SCHEMA, about, sealed, file(fileId, "delta"), queue, account);
            assertNotNull(output);
            assertEquals(sealed.deletedRows(), output.deletedCount());
            assertEquals(sealed.oldestTime(), output.oldestTime());
            assertEquals(sealed.newestTime(), output.newestTime());
            DeltaFile file = DeltaFile.open(file(fileId, "delta"), about, cache, account);
            files.add(file);
            assertEquals(output.fileBytes(), file.fileBytes());
            file.verify();
            for (int row = 0; row < ROWS; row++) {
                assertEquals(sealed.isDeleted(row), file.isDeleted(row), "row " + row);
            }
        } finally {
            io.giveBack(queue);
        }
    }

    /** At any snapshot both lead to the same, for each row; the store may have merged what leads there. */
    private void checkChanges(DeltaMemStore store, DeltaFile file, SplittableRandom random) {
        for (int i = 0; i < 6; i++) {
            long snapshot = i == 0 ? DeltaMemStore.EVERY_CHANGE : random.nextLong(100, time + 1);
            long from = i == 0 ? 0 : random.nextInt(ROWS);
            long to = i == 0 ? ROWS : random.nextLong(from, ROWS) + 1;
            assertEquals(states(store, from, to, snapshot), states(file, from, to, snapshot), "at " + snapshot);
            boolean mayChange = !states(store, from, to, snapshot).isEmpty();
            assertTrue(!mayChange || file.mayChange(from, to, snapshot), "a change is denied");
        }
        for (int column = 0; column < 3; column++) {
            assertEquals(store.touches(column), file.touches(column), "column " + column);
        }
    }

    /** What the changes of each row set, and the time of its last one; only that, if they delete it. */
    private static Map<Long, Map<String, Object>> states(DeltaSource source, long from, long to, long snapshot) {
        Map<Long, Map<String, Object>> states = new TreeMap<>();
        try (DeltaSource.Cursor cursor = source.changes(from, to, snapshot)) {
            while (cursor.next()) {
                Map<String, Object> state = states.computeIfAbsent(cursor.ordinal(), _ -> new TreeMap<>());
                state.put("time", cursor.time());
                if (RowChange.kind(cursor.memory(), cursor.changeOffset()) == RowChange.DELETE) {
                    state.clear();
                    state.put("deleted at", cursor.time());
                } else {
                    putCells(cursor, state);
                }
            }
        }
        return states;
    }

    private static void putCells(DeltaSource.Cursor cursor, Map<String, Object> state) {
        MemorySegment memory = cursor.memory();
        long cell = RowChange.firstCell(cursor.changeOffset());
        for (int i = RowChange.cellCount(memory, cursor.changeOffset()); i > 0; i--) {
            boolean isText = RowChange.cellColumnId(memory, cell) == 2;
            long at = RowChange.cellValue(cell);
            if (isText) {
                boolean isNull = RowChange.cellIsNull(memory, cell);
                state.put("text", isNull ? "null" : text(memory, at, RowChange.cellBytes(memory, cell)));
            } else {
                state.put("value", LittleEndian.getLong(memory, at));
            }
            cell = RowChange.nextCell(memory, cell);
        }
    }

    private static String text(MemorySegment memory, long at, int bytes) {
        return new String(memory.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE), US_ASCII);
    }

    private void change(SplittableRandom random, DeltaMemStore store, int count) {
        int span = 1 + random.nextInt(ROWS); // Few rows change often, or many now and then.
        for (int i = 0; i < count; i++) {
            time += i == 0 || random.nextInt(3) == 0 ? 1 : 0; // A batch has one time.
            int row = random.nextInt(span);
            NavigableMap<Long, String> rowVersions = versions.get(row);
            String before = rowVersions.lastEntry().getValue();
            if (before.equals("deleted")) {
                continue;
            }
            if (random.nextInt(10) == 0) {
                store.delete(row, time);
                rowVersions.put(time, "deleted");
            } else {
                update(random, store, row, before.split(" ", 2));
            }
        }
        if (store.changeCount() == 0) {
            time++;
            int row = liveRow();
            update(random, store, row, versions.get(row).lastEntry().getValue().split(" ", 2));
        }
    }

    private int liveRow() {
        int row = ROWS - 1;
        while (versions.get(row).lastEntry().getValue().equals("deleted")) {
            row--;
        }
        return row;
    }

    private void update(SplittableRandom random, DeltaMemStore store, int row, String[] cells) {
        boolean setsValue = random.nextBoolean();
        boolean setsText = !setsValue || random.nextBoolean();
        MemorySegment memory = budget.memory();
        long at = RowChange.startUpdate(memory, slab.offset(), (setsValue ? 1 : 0) + (setsText ? 1 : 0));
        if (setsValue) {
            long value = random.nextLong(1_000);
            at = RowChange.startCell(memory, at, 1, false, Long.BYTES);
            LittleEndian.setLong(memory, at, value);
            at += Long.BYTES;
            cells[0] = Long.toString(value);
        }
        if (setsText) {
            boolean isNull = random.nextInt(4) == 0;
            String text = "text " + "x".repeat(random.nextInt(1 << random.nextInt(1, 9)));
            byte[] bytes = isNull ? new byte[0] : text.getBytes(US_ASCII);
            at = RowChange.startCell(memory, at, 2, isNull, bytes.length);
            MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory, at, bytes.length);
            at += bytes.length;
            cells[1] = isNull ? "null" : text;
        }
        store.update(row, memory, slab.offset(), (int) (at - slab.offset()), time);
        versions.get(row).put(time, cells[0] + " " + cells[1]);
    }

    private NavigableMap<Long, String> expected(long snapshot) {
        var expected = new TreeMap<Long, String>();
        for (int row = 0; row < ROWS; row++) {
            Map.Entry<Long, String> version = versions.get(row).floorEntry(snapshot);
            if (version != null && !version.getValue().equals("deleted")) {
                expected.put((long) row, version.getValue());
            }
        }
        return expected;
    }

    /** The changes oldest first, of each round from the store or the file. */
    private List<DeltaSource> mixed(SplittableRandom random) {
        List<DeltaSource> sources = new ArrayList<>(stores);
        for (int i = 0; i < files.size(); i++) {
            if (random.nextInt(3) > 0) {
                sources.set(i, files.get(i));
            }
        }
        return List.copyOf(sources);
    }

    /** Asks for the next of the lists before each batch, and stays with the last. */
    @SafeVarargs
    private NavigableMap<Long, String> scan(long snapshot, List<DeltaSource>... lists) {
        var found = new TreeMap<Long, String>();
        int[] asked = {0};
        ScanSpec spec = ScanSpec.all(SCHEMA, snapshot);
        try (RowCursor cursor = base.scan(spec, account, () -> lists[Math.min(asked[0]++, lists.length - 1)]);
                ColumnBatch batch = ColumnBatch.of(spec, account)) {
            while (cursor.next(batch)) {
                for (int i = 0; i < batch.rowCount(); i++) {
                    String text = batch.column(2).isNull(i)
                            ? "null"
                            : new String(batch.column(2).getBytes(i), US_ASCII);
                    @Nullable
                    String twin = found.put(
                            batch.column(0).getLong(i), batch.column(1).getLong(i) + " " + text);
                    assertEquals(null, twin, "a row is there twice");
                }
            }
        }
        return found;
    }
}
