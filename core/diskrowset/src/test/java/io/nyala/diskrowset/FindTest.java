package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Style;
import io.nyala.diskrowset.RowModel.Version;
import io.nyala.io.DiskException;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: look-ups answer which row has a key, and those of a batch wait for the device a few times, not once per page.
 * Method: random rows against the order of a sorted map; a disk that counts the reads in flight, and one that fails.
 */
final class FindTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final Style SMALL = new Style(0.3, 3, 8);

    @Test
    void manyRowSetsShareTheMemoryOfLookUps() {
        var disk = new SimulatedDisk(new SplittableRandom(1));
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(Schema.of(Column.key("k", ColumnType.STRING)));
        model.fill(new SplittableRandom(2), 100, SMALL);
        List<DiskRowSet> rowSets = new ArrayList<>();
        try (var files = new RowSetFiles(disk, DIRECTORY);
                MemoryAccount account = files.budget.account("look-ups", 0);
                var lookups = new LookupMemory(account)) {
            files.write(model);
            MemorySegment key = MemorySegment.ofArray(model.rows.firstKey());
            for (int i = 0; i < 20; i++) {
                rowSets.add(DiskRowSet.open(files.file(), model.schema, files.cache, files.account, lookups));
                assertEquals(0, rowSets.getLast().find(key, 0, (int) key.byteSize()));
                assertEquals(LookupMemory.SLAB_BYTES, account.usedBytes());
            }
            rowSets.forEach(DiskRowSet::close);
        }
    }

    @RepeatedTest(4)
    void answersTheOrdinalOfEachKey(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, random.nextInt(3_000), SMALL);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                TreeSet<byte[]> some = new TreeSet<>(Arrays::compareUnsigned);
                model.rows.keySet().stream().filter(_ -> random.nextInt(3) > 0).forEach(some::add);
                for (int i = 0; i < 500; i++) {
                    some.add(model.key(model.drawCells(random, 4 * model.rows.size(), SMALL)));
                }
                Batch batch = new Batch(some);
                check(rowSet, model, batch);
                check(rowSet, model, new Batch(new TreeSet<>(Arrays::compareUnsigned)));
            }
        }
    }

    private static void check(DiskRowSet rowSet, RowModel model, Batch batch) {
        List<byte[]> all = List.copyOf(model.rows.keySet());
        batch.findAll(rowSet);
        for (int i = 0; i < batch.count; i++) {
            byte[] key = batch.key(i);
            int ordinal = Collections.binarySearch(all, key, Arrays::compareUnsigned);
            long expected = ordinal < 0 ? DiskRowSet.NO_ROW : model.isLive(key) ? ordinal : DiskRowSet.DELETED_ROW;
            assertEquals(expected, batch.ordinals[i], "key " + i);
            assertEquals(expected, rowSet.find(batch.memory, batch.offsets[i], batch.keyBytes[i]), "key " + i);
        }
    }

    /** Keys as a batch of operations has them. */
    private static final class Batch {
        final int count;
        final long[] offsets;
        final int[] keyBytes;
        final long[] ordinals;
        final MemorySegment memory;

        Batch(SortedSet<byte[]> keys) {
            count = keys.size();
            offsets = new long[count];
            keyBytes = new int[count];
            ordinals = new long[count + 1];
            var bytes = new ByteArrayOutputStream();
            int next = 0;
            for (byte[] key : keys) {
                offsets[next] = bytes.size();
                keyBytes[next++] = key.length;
                bytes.writeBytes(key);
            }
            memory = MemorySegment.ofArray(bytes.toByteArray());
        }

        byte[] key(int index) {
            return memory.asSlice(offsets[index], keyBytes[index]).toArray(ValueLayout.JAVA_BYTE);
        }

        void findAll(DiskRowSet rowSet) {
            Arrays.fill(ordinals, -7);
            rowSet.findAll(memory, offsets, keyBytes, count, ordinals);
            assertEquals(-7, ordinals[count], "an answer to no key");
        }
    }

    /** Keys whose pages have a few vectors each, so that there are many. */
    private static final Schema WORDS = Schema.of(
            Column.key("word", ColumnType.STRING).encoding(ColumnEncoding.PLAIN),
            Column.key("n", ColumnType.INT64).encoding(ColumnEncoding.PLAIN),
            Column.of("v", ColumnType.INT8));

    private static final int WORD_COUNT = 150_000;

    /** Made once for all tests, which only read it. */
    private static final RowModel WORD_MODEL = words();

    private static RowModel words() {
        RowModel model = new RowModel(WORDS);
        for (int i = 0; i < WORD_COUNT; i++) {
            List<@Nullable CellValue> cells = List.of(
                    CellValue.ofBytes("word %010d".formatted(i).getBytes(StandardCharsets.UTF_8)),
                    CellValue.of(WORDS.column(1), (long) i),
                    CellValue.of(WORDS.column(2), 1));
            List<Version> versions = new ArrayList<>(List.of(new Version(RowModel.TIME_MIN, cells)));
            if (i % 1000 == 5) {
                versions.add(new Version(RowModel.TIME_MIN + 1, null));
            }
            model.rows.put(model.key(cells), versions);
        }
        return model;
    }

    private static Batch every(RowModel model, int step) {
        TreeSet<byte[]> keys = new TreeSet<>(Arrays::compareUnsigned);
        int next = 0;
        for (byte[] key : model.rows.keySet()) {
            if (next++ % step == 0) {
                keys.add(key);
            }
        }
        return new Batch(keys);
    }

    @Test
    void theKeysOfABatchAreReadTogether(@Seed SplittableRandom random) {
        var simulated = new SimulatedDisk(random);
        simulated.createDirectories(DIRECTORY);
        var disk = new CountingDisk(simulated);
        RowModel model = WORD_MODEL;
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                Batch batch = every(model, 2_999);
                disk.reset();
                batch.findAll(rowSet);
                long pages = files.cache.statistics().misses();
                assertTrue(pages >= 100, "only " + pages + " pages were read");
                assertTrue(disk.inFlightMost() >= 16, disk.inFlightMost() + " reads in flight, the queue takes 16");
                check(rowSet, model, batch);
                assertEquals(pages, files.cache.statistics().misses(), "a page was read twice");
                disk.reset();
                batch.findAll(rowSet);
                assertEquals(0, disk.reads(), "what is cached was read");
            }
            files.forget();
            try (DiskRowSet rowSet = files.open(model)) {
                Batch batch = every(model, 500);
                disk.reset();
                batch.findAll(rowSet);
                long pages = files.cache.statistics().misses();
                assertTrue(
                        disk.reads() * 3 < pages, disk.reads() + " reads for " + pages + " pages, of which most touch");
                check(rowSet, model, batch);
            }
        }
    }

    /** All that tells so are pages of the filter, which are read together. */
    @Test
    void keysOfABatchThatAreNotThereTakeOneRoundAndNoneWhenTheFilterIsCached(@Seed SplittableRandom random) {
        var simulated = new SimulatedDisk(random);
        simulated.createDirectories(DIRECTORY);
        var disk = new CountingDisk(simulated);
        RowModel model = WORD_MODEL;
        TreeSet<byte[]> absent = new TreeSet<>(Arrays::compareUnsigned);
        for (int i = 0; i < 1_000; i++) {
            byte[] word =
                    "word %010d-".formatted(random.nextInt(WORD_COUNT - 1)).getBytes(StandardCharsets.UTF_8);
            absent.add(model.key(List.of(
                    CellValue.ofBytes(word), CellValue.of(WORDS.column(1), 1L), CellValue.of(WORDS.column(2), 1))));
        }
        Batch batch = new Batch(absent);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                disk.reset();
                batch.findAll(rowSet);
                for (int i = 0; i < batch.count; i++) {
                    assertEquals(DiskRowSet.NO_ROW, batch.ordinals[i]);
                }
                long pages = files.cache.statistics().misses();
                assertTrue(pages >= 20, pages + " pages");
                assertTrue(disk.reads() < pages / 2, disk.reads() + " reads of " + pages + " pages");
                assertTrue(disk.rounds() <= 2, disk.rounds() + " rounds"); // One in 10,000 keys passes.
                disk.reset();
                batch.findAll(rowSet);
                check(rowSet, model, batch);
                assertEquals(0, disk.reads(), "the filter was in the cache");
            }
        }
    }

    @Test
    void aSmallCacheIsEnough(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = WORD_MODEL;
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            files.forget(256 << 10);
            try (DiskRowSet rowSet = files.open(model)) {
                check(rowSet, model, every(model, 999));
            }
        }
    }

    @Test
    void everyFailedReadIsReportedAndLeavesNothingBehind(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = WORD_MODEL;
        Batch batch = every(model, 4_999);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            for (int call = 0; ; call++) {
                long usedBefore = files.usedBytes();
                try (DiskRowSet rowSet = files.open(model)) {
                    disk.failCall(disk.callCount() + call, DiskException.Kind.IO_ERROR);
                    long callsBefore = disk.callCount();
                    try {
                        batch.findAll(rowSet);
                        assertTrue(disk.callCount() - callsBefore <= call, "a failed call was not reported");
                        assertTrue(call > 30, "only " + call + " calls");
                        break;
                    } catch (DiskException e) {
                        assertEquals(files.path(), e.path());
                    }
                    check(rowSet, model, batch);
                }
                assertEquals(usedBefore, files.usedBytes(), "after call " + call);
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    @Test
    @Tag("allocation")
    void aLookUpOfManyKeysCostsNothing(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        RowModel model = WORD_MODEL;
        Batch batch = every(model, 100);
        try (var files = new RowSetFiles(disk, DIRECTORY);
                Arena arena = Arena.ofConfined()) {
            files.write(model);
            MemorySegment keys = arena.allocate(batch.memory.byteSize() + 1);
            MemorySegment.copy(batch.memory, 0, keys, 0, batch.memory.byteSize());
            try (DiskRowSet rowSet = files.open(model)) {
                Allocation.assertNone(
                        "a look-up of " + batch.count + " keys",
                        () -> rowSet.findAll(keys, batch.offsets, batch.keyBytes, batch.count, batch.ordinals));
            }
        }
    }
}
