package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: each key is found where it is, and nearly all others are refused without a read. Method: files of random keys,
 * of one column and of two, against sorted collections.
 */
final class KeysTest {
    /** Keys of one column: then the encoded key of a string column is the string itself. */
    @RepeatedTest(10)
    void findsEveryStringKey(@Seed SplittableRandom random) {
        TreeSet<byte[]> sorted = new TreeSet<>(Arrays::compareUnsigned);
        int count = random.nextInt(1, 6_000);
        while (sorted.size() < count) {
            byte[] key = new byte[random.nextInt(random.nextBoolean() ? 4 : 20)];
            random.nextBytes(key);
            sorted.add(key);
        }
        List<byte[]> keys = new ArrayList<>(sorted);
        TestColumn column =
                new TestColumn(ColumnSpec.of(0, "key", CellKind.BINARY).key(), new ArrayList<>(keys));
        try (Files files = new Files(random.split())) {
            files.write(List.of(column), keys);
            try (CFileReader reader = files.open();
                    ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
                KeyIndex index = Objects.requireNonNull(reader.keyIndex());
                KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
                assertArrayEquals(keys.getFirst(), index.minKey());
                assertArrayEquals(keys.getLast(), index.maxKey());
                ColumnCursor[] cursors = {cursor};
                for (int i = 0; i < keys.size(); i++) {
                    MemorySegment key = MemorySegment.ofArray(keys.get(i));
                    assertTrue(filter.mayContain(key, 0, keys.get(i).length));
                    assertEquals(i, row(index, cursors, key, new long[1], new int[] {keys.get(i).length}));
                }
                for (int i = 0; i < 200; i++) {
                    byte[] absent = new byte[random.nextInt(10)];
                    random.nextBytes(absent);
                    int expected = sorted.headSet(absent).size();
                    MemorySegment key = MemorySegment.ofArray(absent);
                    assertEquals(expected, lowerBound(index, cursor, key, absent.length));
                }
            }
        }
    }

    /** A cache that is full of pages in use keeps nobody from opening a file, and small files stay small in memory. */
    @Test
    void openingTakesOneSlabAndNothingOfTheCache() {
        try (Files files = new Files(new SplittableRandom(1))) {
            List<byte[]> keys = List.of(new byte[] {1}, new byte[] {2}, new byte[] {3});
            var column = new TestColumn(ColumnSpec.of(0, "key", CellKind.BINARY).key(), new ArrayList<>(keys));
            files.write(List.of(column), keys);
            MemoryAccount nothing = files.budget.account("cache", 0);
            nothing.close();
            long usedBefore = files.budget.usedBytes();
            try (PageCache cache = new PageCache(nothing, files.io, 1 << 20);
                    CFileReader reader = CFileReader.open(
                            new CFileReader.Source(files.disk, Files.PATH, Files.FILE_ID, Files.OWNER_ID),
                            cache,
                            files.account)) {
                assertEquals(4 << 10, files.budget.usedBytes() - usedBefore);
                KeyIndex index = Objects.requireNonNull(reader.keyIndex());
                assertArrayEquals(keys.getLast(), index.maxKey());
                KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
                assertTrue(filter.mayContain(MemorySegment.ofArray(keys.get(1)), 0, 1));
                assertFalse(filter.mayContain(MemorySegment.ofArray(new byte[] {9}), 0, 1));
            }
        }
    }

    /** A file that is opened when half of the memory is used does without its filter, and goes on without it. */
    @Test
    void thereIsNoFilterWithoutRoomForIt() {
        try (Files files = new Files(new SplittableRandom(1))) {
            List<byte[]> keys = List.of(new byte[] {1}, new byte[] {2}, new byte[] {3});
            var column = new TestColumn(ColumnSpec.of(0, "key", CellKind.BINARY).key(), new ArrayList<>(keys));
            files.write(List.of(column), keys);
            List<Slab> others = new ArrayList<>();
            while (files.account.usedBytes() <= files.account.bytesMax() / 2) {
                others.add(files.account.take(PageSource.REGION_BYTES));
            }
            try (CFileReader reader = files.open()) {
                assertNull(reader.keyFilter());
                assertArrayEquals(
                        keys.getLast(),
                        Objects.requireNonNull(reader.keyIndex()).maxKey());
                others.forEach(files.account::giveBack);
                assertNull(reader.keyFilter());
            }
            try (CFileReader reader = files.open()) {
                assertNotNull(reader.keyFilter());
            }
        }
    }

    /** The row that has the key, or -1. */
    private static int row(KeyIndex index, ColumnCursor[] columns, MemorySegment key, long[] offsets, int[] bytes) {
        int vector = index.find(key, 0, (int) key.byteSize());
        if (vector < 0) {
            return -1;
        }
        for (ColumnCursor column : columns) {
            column.seek(vector);
        }
        int row = KeySearch.lowerBound(columns, key, offsets, bytes);
        boolean found = row < columns[0].rowCount() && KeySearch.compare(columns, row, key, offsets, bytes) == 0;
        return found ? vector * ColumnSpec.VECTOR_ROWS + row : -1;
    }

    private static int lowerBound(KeyIndex index, ColumnCursor cursor, MemorySegment key, int bytes) {
        int vector = index.floor(key, 0, bytes);
        cursor.seek(vector);
        ColumnCursor[] cursors = {cursor};
        return vector * ColumnSpec.VECTOR_ROWS + KeySearch.lowerBound(cursors, key, new long[1], new int[] {bytes});
    }

    @RepeatedTest(5)
    void findsKeysOfTwoColumns(@Seed SplittableRandom random) {
        TreeMap<Long, TreeSet<Integer>> rows = new TreeMap<>();
        for (int i = 0; i < 5_000; i++) {
            rows.computeIfAbsent(random.nextLong(-300, 300), _ -> new TreeSet<>())
                    .add(random.nextInt(-50, 50));
        }
        List<byte[]> encoded = new ArrayList<>();
        List<byte[]> cells = new ArrayList<>();
        List<byte[]> first = new ArrayList<>();
        List<byte[]> second = new ArrayList<>();
        rows.forEach((a, all) -> all.forEach(b -> {
            byte[] cell = new byte[12];
            MemorySegment.ofArray(cell).set(Cells.LONG, 0, a);
            MemorySegment.ofArray(cell).set(Cells.INT, 8, b);
            byte[] key = new byte[12];
            MemorySegment.ofArray(key).set(Cells.LONG, 0, Long.reverseBytes(a ^ Long.MIN_VALUE));
            MemorySegment.ofArray(key).set(Cells.INT, 8, Integer.reverseBytes(b ^ Integer.MIN_VALUE));
            encoded.add(key);
            cells.add(cell);
            first.add(Arrays.copyOf(cell, 8));
            second.add(Arrays.copyOfRange(cell, 8, 12));
        }));
        TestColumn a = new TestColumn(ColumnSpec.of(0, "a", CellKind.INT64).key(), new ArrayList<>(first));
        TestColumn b = new TestColumn(ColumnSpec.of(1, "b", CellKind.INT32).key(), new ArrayList<>(second));
        try (Files files = new Files(random.split())) {
            files.write(List.of(a, b), encoded);
            try (CFileReader reader = files.open();
                    ColumnCursor left = reader.column(0).cursor(files.scratch);
                    ColumnCursor right = reader.column(1).cursor(files.scratch)) {
                KeyIndex index = Objects.requireNonNull(reader.keyIndex());
                ColumnCursor[] columns = {left, right};
                for (int i = 0; i < cells.size(); i++) {
                    int vector = index.find(MemorySegment.ofArray(encoded.get(i)), 0, 12);
                    assertEquals(i / ColumnSpec.VECTOR_ROWS, vector);
                    left.seek(vector);
                    right.seek(vector);
                    MemorySegment cell = MemorySegment.ofArray(cells.get(i));
                    int row = KeySearch.lowerBound(columns, cell, new long[] {0, 8}, new int[] {8, 4});
                    assertEquals(i % ColumnSpec.VECTOR_ROWS, row);
                }
            }
        }
    }

    @Test
    void theFilterLetsFewOtherKeysThrough(@Seed SplittableRandom random) {
        int count = 50_000;
        int blocks = KeyFilter.blockCount(count);
        MemorySegment memory = MemorySegment.ofArray(new long[(int) (KeyFilter.bytes(blocks) / Long.BYTES)]);
        KeyFilter filter = KeyFilter.create(memory, blocks);
        MemorySegment key = MemorySegment.ofArray(new byte[12]);
        long base = random.nextLong();
        for (int i = 0; i < count; i++) { // Dense, as most keys are.
            key.set(Cells.LONG, 0, Long.reverseBytes(base + i));
            filter.add(KeyHash.of(key, 0, 12));
        }
        int falsePositives = 0;
        for (int i = 0; i < 4 * count; i++) {
            key.set(Cells.LONG, 0, Long.reverseBytes(base + count + i));
            falsePositives += filter.mayContain(key, 0, 12) ? 1 : 0;
        }
        double rate = falsePositives / (4.0 * count);
        assertTrue(rate < 0.004, "false positive rate " + rate);
    }

    @Test
    void keysThatDoNotAscendAreRefused() {
        try (Files files = new Files(new SplittableRandom(1));
                CFileWriter writer = new CFileWriter(files.account)) {
            KeyWriter keys = writer.addKeys();
            keys.append(MemorySegment.ofArray(new byte[] {1, 2}), 0, 2);
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> keys.append(MemorySegment.ofArray(new byte[] {1, 2}), 0, 2),
                    "keys must ascend",
                    "row 1");
        }
    }
}
